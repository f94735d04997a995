#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"

typedef struct numbers {
    kfk__counter counter;
    kfk__gauge gauge;
    kfk__histogram histogram;
} numbers;

static const kfk__metric_row rows[] = {
    {"kfk_a_total", "things", "A.", KFK_COUNTER, 1, offsetof(numbers, counter)},
    {"kfk_b", "bytes", "B.", KFK_GAUGE, 1, offsetof(numbers, gauge)},
    {"kfk_c_seconds", "seconds", "C.", KFK_HISTOGRAM, KFK__PER_SECOND,
     offsetof(numbers, histogram)},
};

/* ---- histograms ---- */

START_TEST(bounds)
{
    static const int64_t wanted[] = {16, 24, 32, 48, 64, 96, 128};
    kfk__histogram h;

    kfk__histogram_init(&h, 4, 7);
    for (unsigned i = 0; i < 7; i++)
        ck_assert_int_eq(kfk__histogram_bound(&h, i), wanted[i]);
}
END_TEST

/* Each value lies in the first bucket whose bound is not below it. */
START_TEST(buckets)
{
    kfk__histogram h;

    kfk__histogram_init(&h, (unsigned)_i, KFK__BUCKETS - 1);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, INT64_MIN), 0);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, 0), 0);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, INT64_MAX), KFK__BUCKETS - 1);
    for (unsigned i = 0; i < KFK__BUCKETS - 1; i++) {
        int64_t bound = kfk__histogram_bound(&h, i);

        ck_assert_uint_eq(kfk__histogram_bucket(&h, bound), i);
        ck_assert_uint_eq(kfk__histogram_bucket(&h, bound + 1), i + 1);
        ck_assert_int_gt(kfk__histogram_bound(&h, i + 1), bound);
    }
}
END_TEST

START_TEST(few_buckets)
{
    kfk__histogram h;

    kfk__histogram_init(&h, 5, 13);
    ck_assert_int_eq(kfk__histogram_bound(&h, 12), 2048);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, 2048), 12);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, 2049), 13);
    ck_assert_uint_eq(kfk__histogram_bucket(&h, INT64_MAX), 13);
}
END_TEST

/* ---- showing ---- */

typedef struct seen {
    int n;
    int end_at; /* the walk is ended at this one; 0: not */
    kfk_metric m[8];
    char labels[64];
    kfk_bucket buckets[KFK__BUCKETS];
} seen;

static int see(const kfk_metric *m, void *arg)
{
    seen *s = arg;

    s->m[s->n] = *m;
    s->labels[0] = '\0';
    for (size_t i = 0; i < m->n_labels; i++) {
        strcat(strcat(s->labels, m->labels[i].name), "=");
        strcat(strcat(s->labels, m->labels[i].value), ";");
    }
    if (m->n_buckets)
        memcpy(s->buckets, m->buckets, m->n_buckets * sizeof *m->buckets);
    return ++s->n == s->end_at;
}

static void some_numbers(numbers *n)
{
    memset(n, 0, sizeof *n);
    kfk__histogram_init(&n->histogram, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
    kfk__counter_add(&n->counter, INT64_C(9007199254740993)); /* no double holds it */
    kfk__gauge_set(&n->gauge, 7);
    kfk__gauge_add(&n->gauge, -10);
    kfk__histogram_record_ns(&n->histogram, 1500 * INT64_C(1000));
    kfk__histogram_record(&n->histogram, -5);
    kfk__histogram_record(&n->histogram, INT64_C(1) << 40);
}

START_TEST(rows_are_shown)
{
    kfk__visitor v = {.fn = see};
    seen s = {0};
    numbers n;

    some_numbers(&n);
    v.arg = &s;
    kfk__visitor_label(&v, "client", "x");
    kfk__visitor_label(&v, "broker", "1");
    v.n_labels--;
    kfk__visit_rows(&v, rows, 3, &n);
    ck_assert_int_eq(s.n, 3);
    ck_assert_str_eq(s.m[0].name, "kfk_a_total");
    ck_assert_str_eq(s.m[0].unit, "things");
    ck_assert_str_eq(s.m[0].help, "A.");
    ck_assert_int_eq(s.m[0].kind, KFK_COUNTER);
    ck_assert_int_eq(s.m[0].value, INT64_C(9007199254740993));
    ck_assert_int_eq(s.m[1].value, -3);
    ck_assert_int_eq(s.m[2].per_unit, KFK__PER_SECOND);
    ck_assert_str_eq(s.labels, "client=x;");
}
END_TEST

START_TEST(a_histogram_is_shown)
{
    kfk__visitor v = {.fn = see};
    seen s = {0};
    numbers n;

    some_numbers(&n);
    v.arg = &s;
    kfk__visit_rows(&v, rows + 2, 1, &n);
    ck_assert_int_eq(s.m[0].count, 3);
    ck_assert_int_eq(s.m[0].sum, 1500 + (INT64_C(1) << 40));
    ck_assert_int_eq(s.m[0].max, INT64_C(1) << 40);
    ck_assert_uint_eq(s.m[0].n_buckets, KFK__TIME_BOUNDS);
    ck_assert_int_eq(s.buckets[0].upper, 64);
    ck_assert_int_eq(s.buckets[0].count, 1);
    for (int i = 0; i < KFK__TIME_BOUNDS; i++)
        ck_assert_int_eq(s.buckets[i].count, s.buckets[i].upper < 1500 ? 1 : 2);
}
END_TEST

START_TEST(a_walk_can_be_ended)
{
    kfk__visitor v = {.fn = see};
    seen s = {.end_at = 2};
    numbers n;

    some_numbers(&n);
    v.arg = &s;
    kfk__visit_rows(&v, rows, 3, &n);
    kfk__visit_value(&v, rows, 1);
    kfk__visit_rows(&v, rows, 3, &n);
    ck_assert_int_eq(s.n, 2);
}
END_TEST

/* ---- a writer and a reader ---- */

enum { WRITES = 200000 };

static void *write_on(void *arg)
{
    numbers *n = arg;

    for (int i = 0; i < WRITES; i++) {
        kfk__counter_add(&n->counter, 1);
        kfk__histogram_record(&n->histogram, i);
    }
    return NULL;
}

START_TEST(read_while_written)
{
    static numbers n;
    kfk__visitor v = {.fn = see};
    int64_t before = 0;
    pthread_t t;
    seen s;

    kfk__histogram_init(&n.histogram, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
    ck_assert_int_eq(pthread_create(&t, NULL, write_on, &n), 0);
    v.arg = &s;
    do {
        memset(&s, 0, sizeof s);
        kfk__visit_rows(&v, rows, 3, &n);
        ck_assert_int_ge(s.m[0].value, before);
        before = s.m[0].value;
        for (int i = 1; i < KFK__TIME_BOUNDS; i++)
            ck_assert_int_ge(s.buckets[i].count, s.buckets[i - 1].count);
        ck_assert_int_ge(s.m[2].count, s.buckets[KFK__TIME_BOUNDS - 1].count);
    } while (before < WRITES);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    memset(&s, 0, sizeof s);
    kfk__visit_rows(&v, rows, 3, &n);
    ck_assert_int_eq(s.m[2].count, WRITES);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/metrics");
    TCase *t = tcase_create("metrics");
    SRunner *r;
    int failed;

    tcase_add_test(t, bounds);
    tcase_add_loop_test(t, buckets, 1, 17);
    tcase_add_test(t, few_buckets);
    tcase_add_test(t, rows_are_shown);
    tcase_add_test(t, a_histogram_is_shown);
    tcase_add_test(t, a_walk_can_be_ended);
    tcase_add_test(t, read_while_written);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
