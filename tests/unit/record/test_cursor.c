/* A batch's records one by one, held to its header. */
#include <check.h>
#include <string.h>

#include "record/cursor.h"
#include "record/write.h"

static uint8_t records[1024];
static size_t len;
static kfk__batch_header header;

static void add(int64_t timestamp_delta, int32_t offset_delta)
{
    len = (size_t)(kfk__record_write(records + len, timestamp_delta, offset_delta,
                                     (kfk_bytes){NULL, 0}, (kfk_bytes){"value", 5}, NULL, 0) -
                   records);
    header.count++;
    header.last_offset_delta = offset_delta;
}

static void setup(void)
{
    len = 0;
    header = (kfk__batch_header){
        .base_offset = 1000, .base_timestamp = 5000, .max_timestamp = 9000, .magic = 2};
}

static kfk__batch_cursor start(void)
{
    kfk__batch_cursor c;

    kfk__batch_cursor_init(&c, &header, records, len);
    return c;
}

/* How many records there are before the end, or before what |why| says. */
static int walk(const char **why)
{
    kfk__batch_cursor c = start();
    int n = 0;

    while (kfk__batch_cursor_next(&c))
        n++;
    ck_assert(!kfk__batch_cursor_next(&c));
    *why = c.why;
    return n;
}

static void check_walk(int n, const char *expected)
{
    const char *why;

    ck_assert_int_eq(walk(&why), n);
    ck_assert_msg(!why == !expected, "%s", why ? why : "nothing wrong");
    if (why)
        ck_assert_str_eq(why, expected);
}

START_TEST(offsets_and_timestamps)
{
    kfk__batch_cursor c;

    add(0, 0);
    add(-70, 1);
    add(8, 5); /* compaction took three */
    c = start();
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.offset, 1000);
    ck_assert_int_eq(c.timestamp, 5000);
    ck_assert_mem_eq(c.record.value.data, "value", 5);
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.offset, 1001);
    ck_assert_int_eq(c.timestamp, 4930);
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.offset, 1005);
    ck_assert_int_eq(c.timestamp, 5008);
    ck_assert(!kfk__batch_cursor_next(&c));
    ck_assert_ptr_null(c.why);
}
END_TEST

START_TEST(the_time_of_the_append)
{
    kfk__batch_cursor c;

    header.attributes = KFK__BATCH_LOG_APPEND;
    add(0, 0);
    add(INT64_MAX, 1);
    c = start();
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.timestamp, 9000);
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.timestamp, 9000);
}
END_TEST

START_TEST(nothing_in_it)
{
    check_walk(0, NULL);
    header.last_offset_delta = 99;
    check_walk(0, NULL);
}
END_TEST

START_TEST(counts_are_held_to)
{
    add(0, 0);
    add(0, 1);
    header.count = 1;
    check_walk(1, "there are bytes behind the last record");
    header.count = 3;
    check_walk(2, "a record cannot be parsed");
    header.count = 0;
    check_walk(0, "there are bytes behind the last record");
    header.count = 2;
    len--;
    check_walk(1, "a record cannot be parsed");
}
END_TEST

START_TEST(offsets_are_held_to)
{
    static const char why[] = "a record's offset is not where the batch has it";

    add(0, 0);
    add(0, 3);
    header.last_offset_delta = 2;
    check_walk(1, why);
    setup();
    add(0, 3);
    add(0, 3);
    check_walk(1, why);
    setup();
    add(0, 3);
    add(0, 2);
    header.last_offset_delta = 3;
    check_walk(1, why);
    setup();
    add(0, -1);
    header.last_offset_delta = 3;
    check_walk(0, why);
}
END_TEST

START_TEST(the_largest_numbers)
{
    kfk__batch_cursor c;

    header.base_offset = INT64_MAX - INT32_MAX;
    header.base_timestamp = INT64_MAX - 1;
    add(1, INT32_MAX);
    c = start();
    ck_assert(kfk__batch_cursor_next(&c));
    ck_assert_int_eq(c.offset, INT64_MAX);
    ck_assert_int_eq(c.timestamp, INT64_MAX);
    setup();
    header.base_timestamp = INT64_MAX;
    add(1, 0);
    check_walk(0, "a record's timestamp is out of range");
    setup();
    header.base_timestamp = -2;
    add(INT64_MIN, 0);
    check_walk(0, "a record's timestamp is out of range");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cursor");
    TCase *t = tcase_create("cursor");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, offsets_and_timestamps);
    tcase_add_test(t, the_time_of_the_append);
    tcase_add_test(t, nothing_in_it);
    tcase_add_test(t, counts_are_held_to);
    tcase_add_test(t, offsets_are_held_to);
    tcase_add_test(t, the_largest_numbers);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
