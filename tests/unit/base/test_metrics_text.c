#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/metrics.h>

#include "sim/failalloc.h"

/* Labels that may be anything. */
#define HOSTILE "a\"b\\c\nd\te\x01\x7f\xff\xc3\xa9\xed\xa0\x80}{,="

static const kfk_label labels[] = {{"client", "p-1"}, {"topic", HOSTILE}};
static const kfk_bucket buckets[] = {{1, 0}, {1500, 2}, {2000000, 3}};

static const kfk_metric counter = {.name = "kfk_a_total",
                                   .unit = "things",
                                   .help = "A \"b\" \\ c.\nd",
                                   .labels = labels,
                                   .n_labels = 1,
                                   .kind = KFK_COUNTER,
                                   .per_unit = 1,
                                   .value = INT64_MAX};
static const kfk_metric gauge = {.name = "kfk_b",
                                 .unit = "ratio",
                                 .help = "B.",
                                 .labels = labels,
                                 .n_labels = 2,
                                 .kind = KFK_GAUGE,
                                 .per_unit = 1024,
                                 .value = -1536};
static const kfk_metric histogram = {.name = "kfk_c_seconds",
                                     .unit = "seconds",
                                     .help = "C.",
                                     .labels = labels,
                                     .n_labels = 1,
                                     .kind = KFK_HISTOGRAM,
                                     .per_unit = 1000000,
                                     .count = 4,
                                     .sum = 12000010,
                                     .max = 11000000,
                                     .buckets = buckets,
                                     .n_buckets = 3};

/* As two handles give them. */
static void add_all(kfk_metrics_text *t)
{
    kfk_metric bare = counter;

    bare.n_labels = 0;
    bare.value = 0;
    (void)kfk_metrics_text_add(&counter, t);
    (void)kfk_metrics_text_add(&gauge, t);
    (void)kfk_metrics_text_add(&histogram, t);
    (void)kfk_metrics_text_add(&bare, t);
}

static void is(int style, const char *wanted)
{
    kfk_metrics_text *t = kfk_metrics_text_new(style, NULL);

    add_all(t);
    ck_assert_str_eq(kfk_metrics_text_get(t), wanted);
    ck_assert_str_eq(kfk_metrics_text_get(t), wanted); /* again the same */
    kfk_metrics_text_free(t);
}

START_TEST(prometheus)
{
    is(KFK_METRICS_PROMETHEUS, "# HELP kfk_a_total A \"b\" \\\\ c.\\nd\n"
                               "# TYPE kfk_a_total counter\n"
                               "kfk_a_total{client=\"p-1\"} 9223372036854775807\n"
                               "kfk_a_total 0\n"
                               "# HELP kfk_b B.\n"
                               "# TYPE kfk_b gauge\n"
                               "kfk_b{client=\"p-1\",topic=\"a\\\"b\\\\c\\nd\te\x01\x7f"
                               "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd}{,=\"}"
                               " -1.5\n"
                               "# HELP kfk_c_seconds C.\n"
                               "# TYPE kfk_c_seconds histogram\n"
                               "kfk_c_seconds_bucket{client=\"p-1\",le=\"0.000001\"} 0\n"
                               "kfk_c_seconds_bucket{client=\"p-1\",le=\"0.0015\"} 2\n"
                               "kfk_c_seconds_bucket{client=\"p-1\",le=\"2\"} 3\n"
                               "kfk_c_seconds_bucket{client=\"p-1\",le=\"+Inf\"} 4\n"
                               "kfk_c_seconds_sum{client=\"p-1\"} 12.00001\n"
                               "kfk_c_seconds_count{client=\"p-1\"} 4\n");
}
END_TEST

START_TEST(json)
{
    is(KFK_METRICS_JSON,
       "{\"metrics\":[\n"
       "{\"name\":\"kfk_a_total\",\"kind\":\"counter\",\"unit\":\"things\","
       "\"help\":\"A \\\"b\\\" \\\\ c.\\u000ad\",\"samples\":[\n"
       "{\"labels\":{\"client\":\"p-1\"},\"value\":9223372036854775807},\n"
       "{\"labels\":{},\"value\":0}]},\n"
       "{\"name\":\"kfk_b\",\"kind\":\"gauge\",\"unit\":\"ratio\",\"help\":\"B.\",\"samples\":[\n"
       "{\"labels\":{\"client\":\"p-1\",\"topic\":\"a\\\"b\\\\c\\u000ad\\u0009e\\u0001\x7f\\ufffd"
       "\xc3\xa9\\ufffd\\ufffd\\ufffd}{,=\"},\"value\":-1.5}]},\n"
       "{\"name\":\"kfk_c_seconds\",\"kind\":\"histogram\",\"unit\":\"seconds\",\"help\":\"C.\","
       "\"samples\":[\n"
       "{\"labels\":{\"client\":\"p-1\"},\"count\":4,\"sum\":12.00001,\"max\":11,\"buckets\":["
       "{\"le\":0.000001,\"count\":0},{\"le\":0.0015,\"count\":2},{\"le\":2,\"count\":3}]}]}\n"
       "]}\n");
}
END_TEST

static const char all_as_table[] =
    "Metric Name                                      Value\n"
    "kfk_a_total:{client=p-1}                       : 9223372036854775807\n"
    "kfk_a_total                                    : 0\n"
    "kfk_b:{client=p-1, topic=a\"b\\c?d?e???\xc3\xa9???}{,=} : -1.5\n"
    "kfk_c_seconds:{client=p-1}                     : "
    "count=4 avg=3.000002 p50=0.0015 p99=11 max=11\n";

START_TEST(table)
{
    is(KFK_METRICS_TABLE, all_as_table);
}
END_TEST

START_TEST(nothing)
{
    static const char *const empty[] = {[KFK_METRICS_TABLE] = "Metric Name   Value\n",
                                        [KFK_METRICS_JSON] = "{\"metrics\":[\n]}\n",
                                        [KFK_METRICS_PROMETHEUS] = ""};

    for (int style = KFK_METRICS_TABLE; style <= KFK_METRICS_PROMETHEUS; style++) {
        kfk_metrics_text *t = kfk_metrics_text_new(style, NULL);

        ck_assert_str_eq(kfk_metrics_text_get(t), empty[style]);
        kfk_metrics_text_free(t);
    }
    ck_assert_ptr_null(kfk_metrics_text_new(0, NULL));
    ck_assert_ptr_null(kfk_metrics_text_new(-1, NULL));
    ck_assert_ptr_null(kfk_metrics_text_new(4, NULL));
    kfk_metrics_text_free(NULL);
}
END_TEST

/* Names are the library's, but nothing that calls itself one breaks the text. */
START_TEST(hostile_names)
{
    static const kfk_label bad[] = {{"a b\"\n", ""}, {"", "\xf4\x90\x80\x80"}};
    kfk_metric m = {.name = "x-y z\n", .unit = "", .help = "", .labels = bad, .n_labels = 2};
    kfk_metrics_text *t = kfk_metrics_text_new(KFK_METRICS_PROMETHEUS, NULL);

    m.value = INT64_MIN;
    ck_assert_int_eq(kfk_metrics_text_add(&m, t), 0);
    ck_assert_str_eq(kfk_metrics_text_get(t),
                     "# HELP x_y_z_ \n# TYPE x_y_z_ untyped\n"
                     "x_y_z_{a_b__=\"\",=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"} "
                     "-9223372036854775808\n");
    kfk_metrics_text_free(t);
}
END_TEST

START_TEST(no_locale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        (void)setlocale(LC_ALL, "C.UTF-8");
    is(KFK_METRICS_TABLE, all_as_table);
}
END_TEST

/* Many families, so that all that grows does. */
static void add_many(kfk_metrics_text *t)
{
    for (int i = 0; i < 40; i++) {
        char name[] = "kfk_00";
        kfk_metric m = histogram;

        name[4] = (char)('0' + i / 10);
        name[5] = (char)('0' + i % 10);
        m.name = name;
        (void)kfk_metrics_text_add(&m, t);
        (void)kfk_metrics_text_add(&m, t);
    }
}

START_TEST(every_allocation_fails_once)
{
    failalloc f;
    kfk_allocator a;
    bool failed = true;

    failalloc_init(&f);
    a = failalloc_allocator(&f);
    for (uint64_t n = 1; failed; n++) {
        kfk_metrics_text *t;
        const char *text;

        failalloc_fail_once(&f, n);
        t = kfk_metrics_text_new(_i, &a);
        if (t)
            add_many(t);
        text = t ? kfk_metrics_text_get(t) : NULL;
        failed = failalloc_failed(&f);
        ck_assert(failed == !text);
        kfk_metrics_text_free(t);
        ck_assert_uint_eq(failalloc_blocks(&f), 0);
    }
}
END_TEST

START_TEST(what_failed_stays_failed)
{
    kfk_metrics_text *t;
    failalloc f;
    kfk_allocator a;

    failalloc_init(&f);
    a = failalloc_allocator(&f);
    t = kfk_metrics_text_new(KFK_METRICS_JSON, &a);
    failalloc_fail_once(&f, 1);
    ck_assert_int_ne(kfk_metrics_text_add(&counter, t), 0);
    ck_assert_int_ne(kfk_metrics_text_add(&counter, t), 0);
    ck_assert_ptr_null(kfk_metrics_text_get(t));
    kfk_metrics_text_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/metrics_text");
    TCase *t = tcase_create("metrics_text");
    SRunner *r;
    int failed;

    tcase_add_test(t, prometheus);
    tcase_add_test(t, json);
    tcase_add_test(t, table);
    tcase_add_test(t, nothing);
    tcase_add_test(t, hostile_names);
    tcase_add_test(t, no_locale);
    tcase_add_loop_test(t, every_allocation_fails_once, KFK_METRICS_TABLE,
                        KFK_METRICS_PROMETHEUS + 1);
    tcase_add_test(t, what_failed_stays_failed);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
