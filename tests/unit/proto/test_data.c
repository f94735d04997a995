/* Messages with their version in front, as the members of a group exchange them. */
#include "golden.h"

#include "base/bytes.h"
#include "proto/data.h"

#define ASSIGNMENT (&kfk__consumer_protocol_assignment_data)
#define SUBSCRIPTION (&kfk__consumer_protocol_subscription_data)

static kfk__buf out;
static kfk__arena arena;

static void setup(void)
{
    counted = (counts){.bytes = 0};
    kfk__buf_init(&out, &counting);
    kfk__arena_init(&arena, &counting);
}

static void teardown(void)
{
    kfk__buf_fini(&out);
    kfk__arena_fini(&arena);
}

static kfk_bytes written(void)
{
    return (kfk_bytes){out.data, out.len};
}

/* One topic "t" with partitions 0 and 1. */
static kfk_err encode(int version)
{
    static int32_t partitions[] = {0, 1};
    kfk__consumer_protocol_assignment_partition p =
        kfk__consumer_protocol_assignment_partition_default;
    kfk__consumer_protocol_assignment a = kfk__consumer_protocol_assignment_default;

    p.topic = kfk__bytes_str("t");
    p.partitions.v = partitions;
    p.partitions.n = 2;
    a.assigned_partitions.v = &p;
    a.assigned_partitions.n = 1;
    return kfk__data_encode(ASSIGNMENT, (int16_t)version, &a, &out);
}

START_TEST(the_version_is_in_front)
{
    static const uint8_t want[] = {0, 1, 0, 0, 0, 1, 0, 1, 't',  0,    0,    0,   2,
                                   0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff};

    ck_assert_int_eq(encode(1), KFK_OK);
    ck_assert_uint_eq(out.len, sizeof want);
    ck_assert_mem_eq(out.data, want, sizeof want);
}
END_TEST

START_TEST(what_was_written_is_read)
{
    kfk__consumer_protocol_assignment a;
    int16_t version = -1;

    ck_assert_int_eq(encode(_i), KFK_OK);
    ck_assert_int_eq(kfk__data_decode(ASSIGNMENT, written(), &arena, &a, &version, NULL), KFK_OK);
    ck_assert_int_eq(version, _i);
    ck_assert_int_eq(a.assigned_partitions.n, 1);
    ck_assert_int_eq(a.assigned_partitions.v->partitions.n, 2);
    ck_assert_int_eq(a.assigned_partitions.v->partitions.v[1], 1);
    ck_assert_ptr_null(a.user_data.data);
}
END_TEST

START_TEST(a_later_version_is_read_as_the_last_one)
{
    kfk__consumer_protocol_subscription s = kfk__consumer_protocol_subscription_default;
    int16_t version;

    s.generation_id = 7;
    s.rack_id = kfk__bytes_str("r");
    ck_assert_int_eq(kfk__data_encode(SUBSCRIPTION, 3, &s, &out), KFK_OK);
    out.data[1] = 9;
    kfk__buf_put(&out, "more", 4);
    s = kfk__consumer_protocol_subscription_default;
    ck_assert_int_eq(kfk__data_decode(SUBSCRIPTION, written(), &arena, &s, &version, NULL), KFK_OK);
    ck_assert_int_eq(version, 9);
    ck_assert_int_eq(s.generation_id, 7);
    ck_assert(kfk__bytes_equal(s.rack_id, kfk__bytes_str("r")));
}
END_TEST

START_TEST(an_earlier_version_leaves_the_rest_at_its_defaults)
{
    kfk__consumer_protocol_subscription s = kfk__consumer_protocol_subscription_default;
    int16_t version;

    s.generation_id = 7;
    ck_assert_int_eq(kfk__data_encode(SUBSCRIPTION, 1, &s, &out), KFK_OK);
    memset(&s, 0xa5, sizeof s);
    ck_assert_int_eq(kfk__data_decode(SUBSCRIPTION, written(), &arena, &s, &version, NULL), KFK_OK);
    ck_assert_int_eq(s.generation_id, -1);
    ck_assert_int_eq(s.owned_partitions.n, 0);
    ck_assert_ptr_null(s.rack_id.data);
}
END_TEST

START_TEST(what_is_cut_off_is_refused)
{
    ck_assert_int_eq(encode(3), KFK_OK);
    for (size_t n = 0; n < out.len; n++) {
        kfk__consumer_protocol_assignment a;
        int16_t version;
        const char *why = NULL;
        uint8_t *cut = malloc(n ? n : 1);

        MUST(cut);
        memcpy(cut, out.data, n);
        ck_assert_int_eq(
            kfk__data_decode(ASSIGNMENT, (kfk_bytes){cut, n}, &arena, &a, &version, &why),
            KFK_ERR_PROTOCOL);
        ck_assert_ptr_nonnull(why);
        free(cut);
    }
}
END_TEST

START_TEST(no_bytes_and_a_version_below_all_are_refused)
{
    kfk__consumer_protocol_assignment a;
    int16_t version;

    ck_assert_int_eq(encode(0), KFK_OK);
    out.data[0] = 0xff;
    ck_assert_int_eq(kfk__data_decode(ASSIGNMENT, written(), &arena, &a, &version, NULL),
                     KFK_ERR_PROTOCOL);
    ck_assert_int_eq(kfk__data_decode(ASSIGNMENT, (kfk_bytes){NULL, 0}, &arena, &a, &version, NULL),
                     KFK_ERR_PROTOCOL);
}
END_TEST

START_TEST(no_memory_is_said)
{
    counted.fail_at = 1;
    ck_assert_int_eq(encode(0), KFK_ERR_NOMEM);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("data");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_version_is_in_front);
    tcase_add_loop_test(t, what_was_written_is_read, 0, 4);
    tcase_add_test(t, a_later_version_is_read_as_the_last_one);
    tcase_add_test(t, an_earlier_version_leaves_the_rest_at_its_defaults);
    tcase_add_test(t, what_is_cut_off_is_refused);
    tcase_add_test(t, no_bytes_and_a_version_below_all_are_refused);
    tcase_add_test(t, no_memory_is_said);
    return run_suite("data", t);
}
