#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "client/metrics.h"
#include "client/retry.h"
#include "sim/failalloc.h"

static failalloc mem;
static kfk_allocator alloc;
static kfk__client_metrics m;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__client_metrics_init(&m, &alloc, "producer", "id");
}

static void teardown(void)
{
    kfk__client_metrics_fini(&m);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

/* The metric that is looked for, by its name and the value of its last label. */
typedef struct wanted {
    const char *name, *label;
    int found;
    int64_t value;
    char client[32], client_id[32];
} wanted;

static int look(const kfk_metric *metric, void *arg)
{
    wanted *w = arg;

    if (strcmp(metric->name, w->name) != 0 ||
        strcmp(metric->labels[metric->n_labels - 1].value, w->label) != 0)
        return 0;
    w->found++;
    w->value = metric->value;
    ck_assert_str_eq(metric->labels[0].name, "client");
    ck_assert_str_eq(metric->labels[1].name, "client_id");
    strcpy(w->client, metric->labels[0].value);
    strcpy(w->client_id, metric->labels[1].value);
    return 0;
}

/* -1: it is not there. */
static int64_t value(const char *name, const char *label)
{
    wanted w = {.name = name, .label = label};
    kfk__visitor v;

    kfk__client_metrics_begin(&m, &v, look, &w);
    kfk__client_metrics_visit(&m, &v);
    ck_assert_int_le(w.found, 1);
    return w.found ? w.value : -1;
}

START_TEST(handles_have_names_of_their_own)
{
    wanted a = {.name = "kfk_connections", .label = "bootstrap"}, b = a;
    kfk__client_metrics other;
    kfk__visitor v;

    kfk__client_metrics_init(&other, &alloc, "producer", NULL);
    kfk__client_metrics_begin(&m, &v, look, &a);
    kfk__client_metrics_visit(&m, &v);
    kfk__client_metrics_begin(&other, &v, look, &b);
    kfk__client_metrics_visit(&other, &v);
    kfk__client_metrics_fini(&other);
    ck_assert_ptr_eq(strstr(a.client, "producer-"), a.client);
    ck_assert_str_ne(a.client, b.client);
    ck_assert_str_eq(a.client_id, "id");
    ck_assert_str_eq(b.client_id, "");
}
END_TEST

START_TEST(a_broker_is_found_again)
{
    kfk__broker_metrics *seven = kfk__client_metrics_broker(&m, 7);
    kfk__broker_metrics *boot = kfk__client_metrics_broker(&m, -3);

    ck_assert_ptr_ne(kfk__client_metrics_broker(&m, 0), seven);
    ck_assert_ptr_eq(kfk__client_metrics_broker(&m, 7), seven);
    ck_assert_ptr_eq(kfk__client_metrics_broker(&m, -1), boot);
    kfk__counter_add(&seven->requests, 5);
    kfk__gauge_add(&boot->in_flight, 2);
    kfk__gauge_add(&boot->connections, 1);
    ck_assert_int_eq(value("kfk_in_flight_requests", "bootstrap"), 2);
    kfk__broker_metrics_move(boot, seven, true, 2);
    ck_assert_int_eq(value("kfk_requests_total", "7"), 5);
    ck_assert_int_eq(value("kfk_in_flight_requests", "7"), 2);
    ck_assert_int_eq(value("kfk_in_flight_requests", "bootstrap"), 0);
    ck_assert_int_eq(value("kfk_connections", "7"), 1);
    ck_assert_int_eq(value("kfk_connections", "bootstrap"), 0);
    ck_assert_int_eq(value("kfk_requests_total", "8"), -1);
    ck_assert_int_eq(value("kfk_requests_total", "other"), -1);
}
END_TEST

START_TEST(no_more_brokers_than_that)
{
    kfk__broker_metrics *b = NULL;

    for (int32_t id = 0; id < KFK__BROKERS_COUNTED + 10; id++)
        ck_assert_ptr_nonnull(b = kfk__client_metrics_broker(&m, id));
    ck_assert_uint_eq(failalloc_blocks(&mem), KFK__BROKERS_COUNTED);
    ck_assert_ptr_eq(kfk__client_metrics_broker(&m, INT32_MAX), b);
    ck_assert_ptr_ne(kfk__client_metrics_broker(&m, 999), b);
    kfk__counter_add(&b->requests, 1);
    ck_assert_int_eq(value("kfk_requests_total", "other"), 1);
}
END_TEST

START_TEST(no_memory)
{
    failalloc_fail_once(&mem, 1);
    ck_assert_ptr_null(kfk__client_metrics_broker(&m, 1));
    ck_assert_ptr_nonnull(kfk__client_metrics_broker(&m, 1));
    ck_assert_int_eq(value("kfk_requests_total", "1"), 0);
}
END_TEST

START_TEST(codes)
{
    for (int i = 0; i < 3; i++)
        kfk__codes_add(&m.errors, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    kfk__codes_add(&m.errors, KFK_ERR_CONNECT);
    kfk__codes_add(&m.errors, 31999);
    kfk__codes_add(&m.retries, KFK__RETRY_NEW_LEADER);
    kfk__codes_add(&m.retries, KFK__RETRY_SPLIT);
    ck_assert_int_eq(value("kfk_errors_total", "NOT_LEADER_OR_FOLLOWER"), 3);
    ck_assert_int_eq(value("kfk_errors_total", "KFK_ERR_CONNECT"), 1);
    ck_assert_int_eq(value("kfk_errors_total", "31999"), 1);
    ck_assert_int_eq(value("kfk_retries_total", "NEW_LEADER"), 1);
    ck_assert_int_eq(value("kfk_retries_total", "BATCH_SPLIT"), 1);
    ck_assert_int_eq(value("kfk_errors_total", "other"), -1);
}
END_TEST

START_TEST(no_more_codes_than_that)
{
    for (kfk_err code = 1000; code < 1000 + KFK__CODES_COUNTED + 10; code++)
        kfk__codes_add(&m.errors, code);
    ck_assert_int_eq(value("kfk_errors_total", "1063"), 1);
    ck_assert_int_eq(value("kfk_errors_total", "1064"), -1);
    ck_assert_int_eq(value("kfk_errors_total", "other"), 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("client/metrics");
    TCase *t = tcase_create("metrics");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, handles_have_names_of_their_own);
    tcase_add_test(t, a_broker_is_found_again);
    tcase_add_test(t, no_more_brokers_than_that);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, codes);
    tcase_add_test(t, no_more_codes_than_that);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
