/* What is done of a partition, beside a model that keeps a flag for each offset. */
#include "unit/suite.h"

#include <pthread.h>
#include <string.h>

#include <kfk/error.h>

#include "base/mem.h"
#include "consumer/marks.h"
#include "sim/failalloc.h"

enum { ROUNDS = 300, SPAN = 4000 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__marks *m;
static bool room;
static int32_t epoch;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    m = kfk__marks_new(&alloc, 0);
    ck_assert_ptr_nonnull(m);
}

static void teardown(void)
{
    kfk__marks_free(m);
    kfk__marks_free(NULL);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static kfk__marks_ticket open_run(int64_t start, int64_t end, int32_t e)
{
    ck_assert_int_eq(kfk__marks_reserve(m), KFK_OK);
    return kfk__marks_open(m, start, end, e);
}

static void mark(kfk__marks_ticket t, int64_t from, int64_t to)
{
    ck_assert_int_eq(kfk__marks_mark(m, t, from, to, 9, &room), KFK_OK);
}

static int64_t done(void)
{
    return kfk__marks_done(m, &epoch);
}

START_TEST(nothing_is_done_before_anything_is_handed_out)
{
    ck_assert_int_eq(done(), -1);
    ck_assert_int_eq(epoch, -1);
    kfk__marks_skip(m, 17, 3);
    ck_assert_int_eq(done(), 17);
    ck_assert_int_eq(epoch, 3);
}
END_TEST

START_TEST(only_what_has_nothing_undone_before_it_is_done)
{
    kfk__marks_ticket t = open_run(10, 20, 1);

    ck_assert_int_eq(done(), 10);
    ck_assert_int_eq(epoch, -1);
    mark(t, 12, 15);
    mark(t, 12, 15); /* again */
    ck_assert_int_eq(done(), 10);
    ck_assert_int_eq(kfk__marks_undone(m), 7);
    mark(t, 10, 12);
    ck_assert_int_eq(done(), 15);
    ck_assert_int_eq(epoch, 9); /* what the mark said... */
    mark(t, 18, 20);
    mark(t, 14, 18);
    ck_assert_int_eq(done(), 20);
    ck_assert_int_eq(epoch, 1); /* ... or the run, of its end */
    ck_assert_int_eq(kfk__marks_undone(m), 0);
}
END_TEST

START_TEST(what_is_undone_of_a_run_is_found)
{
    kfk__marks_ticket t = open_run(10, 20, 1), later;
    int64_t first = -1, end = -1;

    mark(t, 10, 12);
    mark(t, 14, 15);
    ck_assert(kfk__marks_first(m, t, 10, &first, &end));
    ck_assert_int_eq(first, 12);
    ck_assert_int_eq(end, 14);
    ck_assert(kfk__marks_first(m, t, 13, &first, &end));
    ck_assert_int_eq(first, 13);
    ck_assert(kfk__marks_first(m, t, 14, &first, &end));
    ck_assert_int_eq(first, 15);
    ck_assert_int_eq(end, 20);
    ck_assert(!kfk__marks_first(m, t, 20, &first, &end));
    kfk__marks_restart(m);
    ck_assert(!kfk__marks_first(m, t, 10, &first, &end));
    later = open_run(10, 20, 1);
    ck_assert(!kfk__marks_first(m, t, 10, &first, &end));
    ck_assert(kfk__marks_first(m, later, 10, &first, &end));
    kfk__marks_end(m);
    ck_assert(!kfk__marks_first(m, later, 10, &first, &end));
}
END_TEST

/* Runs follow each other; what lies between them is nobody's. */
START_TEST(what_is_in_no_run_holds_nothing_back)
{
    kfk__marks_ticket a = open_run(0, 10, 1), b = open_run(15, 20, 2);

    mark(a, 0, 10);
    ck_assert_int_eq(done(), 15);
    ck_assert_int_eq(epoch, 1);
    kfk__marks_skip(m, 30, 3);
    mark(b, 15, 20);
    ck_assert_int_eq(done(), 30);
    ck_assert_int_eq(epoch, 3);
}
END_TEST

START_TEST(a_seek_begins_anew)
{
    kfk__marks_ticket old = open_run(0, 10, 1), t;

    kfk__marks_restart(m);
    ck_assert_int_eq(done(), -1);
    ck_assert_int_eq(kfk__marks_mark(m, old, 0, 5, 0, &room), KFK_ERR_REVOKED);
    t = open_run(5, 10, 1);
    ck_assert_int_eq(kfk__marks_mark(m, old, 5, 6, 0, &room), KFK_ERR_REVOKED);
    mark(t, 5, 6);
    ck_assert_int_eq(done(), 6);
    kfk__marks_end(m);
    ck_assert_int_eq(kfk__marks_mark(m, t, 6, 7, 0, &room), KFK_ERR_REVOKED);
    t = open_run(6, 10, 1);
    ck_assert_int_eq(kfk__marks_mark(m, t, 6, 7, 0, &room), KFK_ERR_REVOKED);
}
END_TEST

/* The log was cut off at 5, and has something else there now. */
START_TEST(another_end_of_the_log_is_not_marked_by_what_was_read_before)
{
    kfk__marks_ticket old = open_run(0, 10, 1), t;

    mark(old, 7, 9);
    t = open_run(5, 12, 2);
    ck_assert_int_eq(kfk__marks_undone(m), 12);
    mark(old, 4, 9);
    ck_assert_int_eq(kfk__marks_undone(m), 11);
    mark(old, 6, 7);
    mark(t, 0, 12); /* nor the other way round */
    ck_assert_int_eq(done(), 0);
    ck_assert_int_eq(kfk__marks_undone(m), 4);
    mark(old, 0, 10);
    ck_assert_int_eq(done(), 12);
}
END_TEST

/* A record that cannot be read: the next run begins there, or behind it. */
START_TEST(what_was_not_handed_out_after_all_is_not_waited_for)
{
    kfk__marks_ticket a = open_run(0, 10, 1), b;

    kfk__marks_cut(m, 4, 1);
    ck_assert_int_eq(kfk__marks_undone(m), 4);
    b = open_run(6, 20, 1);
    mark(a, 0, 4);
    ck_assert_int_eq(done(), 6);
    mark(b, 6, 20);
    ck_assert_int_eq(done(), 20);
    kfk__marks_cut(m, 30, 1); /* which is farther than it goes */
    ck_assert_int_eq(done(), 20);
}
END_TEST

START_TEST(as_much_as_may_be_undone_is_full)
{
    kfk__marks_ticket t;

    kfk__marks_free(m);
    m = kfk__marks_new(&alloc, 10);
    t = open_run(0, 9, 1);
    ck_assert(!kfk__marks_full(m));
    t = open_run(9, 20, 1);
    ck_assert(kfk__marks_full(m));
    mark(t, 0, 5);
    ck_assert(!room);
    mark(t, 10, 16);
    ck_assert(room);
    ck_assert(!kfk__marks_full(m));
    mark(t, 16, 17);
    ck_assert(!room); /* that is no news */
    t = open_run(20, 40, 1);
    ck_assert(kfk__marks_full(m));
    kfk__marks_restart(m);
    ck_assert(!kfk__marks_full(m));
    ck_assert(!kfk__marks_full(NULL));
}
END_TEST

/* Nothing was marked, and nothing is lost. */
START_TEST(without_memory_nothing_is_marked)
{
    kfk__marks_ticket t = open_run(0, 100, 1);
    int64_t i = 1;

    ck_assert_int_eq(kfk__marks_reserve(m), KFK_OK);
    failalloc_fail_from(&mem, 1);
    while (kfk__marks_mark(m, t, i, i + 1, 1, &room) == KFK_OK)
        i += 2;
    ck_assert_int_gt(i, 1);
    ck_assert_int_eq(kfk__marks_undone(m), 100 - i / 2);
    ck_assert_int_eq(kfk__marks_reserve(m), KFK_OK); /* which was kept free */
    failalloc_fail_from(&mem, 0);
    mark(t, i, i + 1);
    ck_assert_int_eq(kfk__marks_undone(m), 99 - i / 2);
    mark(t, 0, 100);
    ck_assert_int_eq(done(), 100);
    for (uint64_t n = 1; n <= 2; n++) {
        failalloc_fail_once(&mem, n);
        ck_assert_ptr_null(kfk__marks_new(&alloc, 0));
    }
}
END_TEST

/* ---- beside the model ---- */

static struct {
    bool undone[SPAN];
    int64_t end;
    int64_t n;
} model;

static uint64_t seed;

static int64_t below(int64_t n)
{
    return (int64_t)(chance(&seed) % (uint64_t)n);
}

static void check_model(void)
{
    int64_t first = 0;

    while (first < model.end && !model.undone[first])
        first++;
    ck_assert_int_eq(done(), first);
    ck_assert_int_eq(kfk__marks_undone(m), model.n);
}

static void mark_model(int64_t from, int64_t to)
{
    for (int64_t i = from; i < to && i < model.end; i++) {
        model.n -= model.undone[i];
        model.undone[i] = false;
    }
}

START_TEST(random_orders_are_as_in_the_model)
{
    seed = (uint64_t)_i + 1;
    memset(&model, 0, sizeof model);
    kfk__marks_skip(m, 0, -1);
    for (int i = 0; i < ROUNDS; i++) {
        static kfk__marks_ticket t;
        int64_t start = model.end + (below(4) ? 0 : below(5)), n = 1 + below(9), from;

        if (below(3) == 0 && start + n < SPAN) {
            t = open_run(start, start + n, 1);
            for (int64_t k = start; k < start + n; k++)
                model.undone[k] = true;
            model.n += n;
            model.end = start + n;
        } else if (model.end > 0) {
            from = below(model.end);
            n = 1 + below(below(10) ? 4 : 300);
            mark(t, from, from + n);
            mark_model(from, from + n);
        }
        check_model();
    }
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, EACH = 2000, RUN = 16 };

static kfk__marks_ticket tickets[THREADS * EACH / RUN];
static atomic_int opened; /* runs */

/* Each marks every fourth offset, backwards within each run. */
static void *marks_some(void *arg)
{
    const int me = (int)(intptr_t)arg;
    bool r;

    for (int run = 0; run < THREADS * EACH / RUN; run++) {
        while (atomic_load(&opened) <= run)
            ;
        for (int k = RUN - THREADS + me; k >= 0; k -= THREADS)
            MUST(kfk__marks_mark(m, tickets[run], run * RUN + k, run * RUN + k + 1, 1, &r) == KFK_OK);
    }
    return NULL;
}

START_TEST(all_is_done_that_threads_have_marked)
{
    pthread_t v[THREADS];
    int64_t was = -1;

    kfk__marks_free(m);
    m = kfk__marks_new(&kfk__malloc_allocator, 0); /* the other counts, and not for many threads */
    atomic_store(&opened, 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&v[i], NULL, marks_some, (void *)(intptr_t)i) == 0);
    for (int run = 0; run < THREADS * EACH / RUN; run++) {
        tickets[run] = open_run(run * RUN, (run + 1) * RUN, 1);
        atomic_store(&opened, run + 1);
        ck_assert_int_ge(done(), was);
        was = done();
    }
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_join(v[i], NULL) == 0);
    ck_assert_int_eq(done(), THREADS * EACH);
    ck_assert_int_eq(kfk__marks_undone(m), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("marks");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_is_done_before_anything_is_handed_out);
    tcase_add_test(t, only_what_has_nothing_undone_before_it_is_done);
    tcase_add_test(t, what_is_undone_of_a_run_is_found);
    tcase_add_test(t, what_is_in_no_run_holds_nothing_back);
    tcase_add_test(t, a_seek_begins_anew);
    tcase_add_test(t, another_end_of_the_log_is_not_marked_by_what_was_read_before);
    tcase_add_test(t, what_was_not_handed_out_after_all_is_not_waited_for);
    tcase_add_test(t, as_much_as_may_be_undone_is_full);
    tcase_add_test(t, without_memory_nothing_is_marked);
    tcase_add_loop_test(t, random_orders_are_as_in_the_model, 0, 50);
    tcase_add_test(t, all_is_done_that_threads_have_marked);
    return run_suite("consumer/marks", t);
}
