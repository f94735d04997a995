#include "../suite.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "membership/wanted.h"
#include "sim/failalloc.h"

static kfk_error e;

static kfk__wanted names(const char *const *topics, size_t n)
{
    kfk__wanted w;

    kfk__wanted_init(&w, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__wanted_set(&w, topics, n, &e), KFK_OK);
    return w;
}

START_TEST(names_are_in_order_and_once)
{
    const char *const given[] = {"b", "a", "b", "ab", "a"}, *const sorted[] = {"a", "ab", "b"};
    kfk__wanted w = names(given, 5), same = names(sorted, 3), other = names(sorted, 2);

    ck_assert_uint_eq(w.n, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(w.topics[i], sorted[i]);
    ck_assert(kfk__wanted_equal(&w, &same) && !kfk__wanted_equal(&w, &other));
    ck_assert(kfk__wanted_names(&w, kfk__bytes_str("ab")));
    ck_assert(kfk__wanted_names(&w, kfk__bytes("abc", 2)));
    ck_assert(!kfk__wanted_names(&w, kfk__bytes_str("abc")));
    ck_assert(!kfk__wanted_names(&w, kfk__bytes_str("")));
    ck_assert(!kfk__wanted_names(&w, kfk__bytes_str("c")));
    ck_assert(!kfk__wanted_matches(&w, "a"));
    kfk__wanted_move(&other, &w);
    ck_assert(kfk__wanted_equal(&other, &same) && w.n == 0);
    kfk__wanted_fini(&w);
    kfk__wanted_fini(&same);
    kfk__wanted_fini(&other);
}
END_TEST

START_TEST(many_names)
{
    static char text[300][4];
    const char *given[300];
    kfk__wanted w;

    for (int i = 0; i < 300; i++) {
        int n = i * 7 % 300;

        text[i][0] = (char)('a' + n / 100);
        text[i][1] = (char)('a' + n / 10 % 10);
        text[i][2] = (char)('a' + n % 10);
        given[i] = text[i];
    }
    w = names(given, 300);
    ck_assert_uint_eq(w.n, 300);
    for (int i = 0; i < 300; i++) {
        ck_assert(i == 0 || strcmp(w.topics[i - 1], w.topics[i]) < 0);
        ck_assert(kfk__wanted_names(&w, kfk__bytes_str(given[i])));
    }
    kfk__wanted_fini(&w);
}
END_TEST

START_TEST(an_expression_means_whole_names)
{
    const char *const given[] = {"^(orders|payments)-[0-9]+"};
    kfk__wanted w = names(given, 1);

    ck_assert_uint_eq(w.n, 0);
    ck_assert(kfk__wanted_matches(&w, "orders-17"));
    ck_assert(!kfk__wanted_matches(&w, "orders-17x"));
    ck_assert(!kfk__wanted_matches(&w, "my-orders-17"));
    ck_assert(!kfk__wanted_matches(&w, "orders-"));
    ck_assert(!kfk__wanted_names(&w, kfk__bytes_str("orders-17")));
    kfk__wanted_fini(&w);
}
END_TEST

/* The longest of several that begin alike is the one that counts. */
START_TEST(a_part_that_matches_first_does_not_hide_the_whole)
{
    const char *const given[] = {"^a|ab|abc"};
    kfk__wanted w = names(given, 1);

    ck_assert(kfk__wanted_matches(&w, "abc"));
    kfk__wanted_fini(&w);
}
END_TEST

START_TEST(what_cannot_be)
{
    const struct {
        const char *topics[3];
        size_t n;
        const char *why;
    } cases[] = {{{NULL}, 0, "no topic"},
                 {{"a", NULL}, 2, "has no name"},
                 {{""}, 1, "has no name"},
                 {{"a", "^b"}, 2, "the only one"},
                 {{"^a", "^b"}, 2, "the only one"},
                 {{"^(a"}, 1, "the expression ^(a: "}};
    kfk__wanted w;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kfk__wanted_init(&w, &kfk__malloc_allocator);
        ck_assert_int_eq(kfk__wanted_set(&w, cases[i].topics, cases[i].n, &e), KFK_ERR_INVALID_ARG);
        ck_assert_msg(strstr(e.msg, cases[i].why) != NULL, "%s", e.msg);
        ck_assert(w.n == 0 && !w.pattern);
        kfk__wanted_fini(&w);
    }
}
END_TEST

START_TEST(without_memory)
{
    const char *const given[] = {"c", "b", "a"}, *const pattern[] = {"^a.*"};
    failalloc mem;
    kfk_allocator a;

    failalloc_init(&mem);
    a = failalloc_allocator(&mem);
    for (uint64_t nth = 1;; nth++) {
        kfk__wanted w;
        kfk_err err;

        failalloc_fail_once(&mem, nth);
        kfk__wanted_init(&w, &a);
        err = nth % 2 ? kfk__wanted_set(&w, given, 3, &e) : kfk__wanted_set(&w, pattern, 1, &e);
        ck_assert_int_eq(err, failalloc_failed(&mem) ? KFK_ERR_NOMEM : KFK_OK);
        kfk__wanted_fini(&w);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
        if (nth > 10)
            break;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names_are_in_order_and_once,
                                  many_names,
                                  an_expression_means_whole_names,
                                  a_part_that_matches_first_does_not_hide_the_whole,
                                  what_cannot_be,
                                  without_memory,
                                  NULL};

    return unit_main("membership/wanted", tests);
}
