#include "../suite.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "membership/parts.h"
#include "sim/failalloc.h"

enum { TOPICS = 5, PARTITIONS = 20 };

static const char *const names[TOPICS] = {"a", "a.b", "aa", "b", "ba"};

static void fill(kfk__parts *p, uint64_t *state, int n, bool in[TOPICS][PARTITIONS])
{
    memset(in, 0, sizeof(bool) * TOPICS * PARTITIONS);
    for (int i = 0; i < n; i++) {
        int t = (int)(chance(state) % TOPICS), k = (int)(chance(state) % PARTITIONS);

        MUST(kfk__parts_add(p, kfk__bytes_str(names[t]), k));
        in[t][k] = true;
    }
    kfk__parts_sort(p);
}

/* |p| is in order, and just what |in| says. */
static void is(const kfk__parts *p, bool in[TOPICS][PARTITIONS])
{
    size_t at = 0;

    for (int t = 0; t < TOPICS; t++)
        for (int k = 0; k < PARTITIONS; k++) {
            kfk_tp tp = {.topic = names[t], .partition = k};

            MUST(kfk__parts_has(p, &tp) == in[t][k]);
            if (!in[t][k])
                continue;
            MUST(at < p->n && strcmp(p->v[at].topic, names[t]) == 0 && p->v[at].partition == k);
            at++;
        }
    MUST(at == p->n);
}

/* Those of |a| that are in |b|, or that are not. */
static void combine(bool want[TOPICS][PARTITIONS], bool a[TOPICS][PARTITIONS],
                    bool b[TOPICS][PARTITIONS], bool in)
{
    for (int t = 0; t < TOPICS; t++)
        for (int k = 0; k < PARTITIONS; k++)
            want[t][k] = a[t][k] && b[t][k] == in;
}

START_TEST(sets_are_what_was_put_into_them)
{
    bool a_has[TOPICS][PARTITIONS], b_has[TOPICS][PARTITIONS], want[TOPICS][PARTITIONS];
    uint64_t state = 5;

    for (int round = 0; round < 300; round++) {
        kfk__parts a, b, both, only, left;

        kfk__parts_init(&a, &kfk__malloc_allocator);
        kfk__parts_init(&b, &kfk__malloc_allocator);
        kfk__parts_init(&both, &kfk__malloc_allocator);
        kfk__parts_init(&only, &kfk__malloc_allocator);
        kfk__parts_init(&left, &kfk__malloc_allocator);
        fill(&a, &state, (int)(chance(&state) % 120), a_has);
        fill(&b, &state, (int)(chance(&state) % 120), b_has);
        is(&a, a_has);
        MUST(kfk__parts_pick(&both, &a, &b, true) && kfk__parts_pick(&only, &a, &b, false));
        combine(want, a_has, b_has, true);
        is(&both, want);
        combine(want, a_has, b_has, false);
        is(&only, want);
        MUST(kfk__parts_join(&left, &a));
        MUST(kfk__parts_equal(&left, &a));
        kfk__parts_remove(&left, &b);
        MUST(kfk__parts_equal(&left, &only));
        MUST(kfk__parts_join(&left, &both));
        MUST(kfk__parts_equal(&left, &a));
        kfk__parts_move(&left, &b);
        is(&left, b_has);
        MUST(b.n == 0);
        kfk__parts_fini(&a);
        kfk__parts_fini(&b);
        kfk__parts_fini(&both);
        kfk__parts_fini(&only);
        kfk__parts_fini(&left);
    }
}
END_TEST

/* One that partitions come to and leave for ever does not grow. */
START_TEST(names_that_nobody_bears_go)
{
    kfk__parts p, gone;
    failalloc mem;
    kfk_allocator a;
    uint64_t after_first = 0;

    failalloc_init(&mem);
    a = failalloc_allocator(&mem);
    kfk__parts_init(&p, &a);
    for (int i = 0; i < 1000; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "topic-%d", i);
        kfk__parts_init(&gone, &a);
        ck_assert(kfk__parts_add(&p, kfk__bytes_str(name), i));
        ck_assert(kfk__parts_add(&gone, kfk__bytes_str(name), i));
        kfk__parts_remove(&p, &gone);
        kfk__parts_fini(&gone);
        ck_assert_uint_eq(p.n, 0);
        if (i == 0)
            after_first = failalloc_bytes(&mem);
        ck_assert_uint_le(failalloc_bytes(&mem), after_first);
    }
    kfk__parts_fini(&p);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}
END_TEST

/* Whatever fails, what can still be done is, and nothing is left. */
START_TEST(without_memory)
{
    failalloc mem;
    kfk_allocator a;

    failalloc_init(&mem);
    a = failalloc_allocator(&mem);
    for (uint64_t nth = 1;; nth++) {
        kfk__parts p, gone;
        bool ok = true;

        failalloc_fail_once(&mem, nth);
        kfk__parts_init(&p, &a);
        kfk__parts_init(&gone, &a);
        for (int i = 0; ok && i < 40; i++)
            ok = kfk__parts_add(&p, kfk__bytes_str(names[i % TOPICS]), i);
        ok = ok && kfk__parts_add(&gone, kfk__bytes_str(names[0]), 0);
        if (ok) {
            kfk__parts_sort(&p);
            kfk__parts_remove(&p, &gone);
            ck_assert_uint_eq(p.n, 39);
        }
        kfk__parts_fini(&p);
        kfk__parts_fini(&gone);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
        if (!failalloc_failed(&mem))
            break;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sets_are_what_was_put_into_them, names_that_nobody_bears_go,
                                  without_memory, NULL};

    return unit_main("membership/parts", tests);
}
