/* Idempotence: order, repetition, epochs, the wrap of sequences. */
#include "batches.h"

#include "devbroker/producers.h"

enum { OUT_OF_ORDER = 45, INVALID_EPOCH = 47, UNKNOWN_PRODUCER = 59 };

static kfk__dev_producers p;

static void setup(void)
{
    kfk__dev_producers_init(&p, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__dev_producers_fini(&p);
}

static kfk__batch_header header(int64_t id, int16_t epoch, int32_t sequence, int32_t n)
{
    return (kfk__batch_header){.producer_id = id,
                               .producer_epoch = epoch,
                               .base_sequence = sequence,
                               .last_offset_delta = n - 1,
                               .count = n};
}

static kfk_err check(int64_t id, int16_t epoch, int32_t sequence, int32_t n, bool *dup,
                     kfk__dev_appended *was)
{
    kfk__batch_header h = header(id, epoch, sequence, n);

    return kfk__dev_producers_check(&p, &h, false, dup, was);
}

/* As a broker does: checked, and added if it is new. */
static kfk_err send(int64_t id, int16_t epoch, int32_t sequence, int32_t n, int64_t offset)
{
    kfk__batch_header h = header(id, epoch, sequence, n);
    kfk__dev_appended was;
    bool dup;
    kfk_err err = check(id, epoch, sequence, n, &dup, &was);

    if (!err && !dup)
        ck_assert_int_eq(kfk__dev_producers_add(&p, &h, (kfk__dev_appended){offset, -1}), KFK_OK);
    return err;
}

static int64_t repeated_at(int64_t id, int16_t epoch, int32_t sequence, int32_t n)
{
    kfk__dev_appended was;
    bool dup;

    ck_assert_int_eq(check(id, epoch, sequence, n, &dup, &was), KFK_OK);
    return dup ? was.base_offset : -1;
}

START_TEST(sequences_follow_each_other)
{
    ck_assert_int_eq(send(1, 0, 0, 10, 0), KFK_OK);
    ck_assert_int_eq(send(1, 0, 10, 5, 10), KFK_OK);
    ck_assert_int_eq(send(1, 0, 16, 1, 0), OUT_OF_ORDER);
    ck_assert_int_eq(send(1, 0, 14, 1, 0), OUT_OF_ORDER);
    ck_assert_int_eq(send(1, 0, 15, 1, 15), KFK_OK);
    ck_assert_int_eq(send(2, 0, 0, 1, 16), KFK_OK);
}
END_TEST

START_TEST(the_last_five_are_known_again)
{
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(send(1, 0, i, 1, 100 + i), KFK_OK);
    for (int i = 2; i < 7; i++)
        ck_assert_int_eq(repeated_at(1, 0, i, 1), 100 + i);
    ck_assert_int_eq(send(1, 0, 1, 1, 0), OUT_OF_ORDER);
    ck_assert_int_eq(send(1, 0, 6, 2, 0), OUT_OF_ORDER);
}
END_TEST

START_TEST(an_epoch_starts_at_zero_and_fences_the_one_before)
{
    ck_assert_int_eq(send(1, 3, 0, 1, 0), KFK_OK);
    ck_assert_int_eq(send(1, 4, 1, 1, 0), OUT_OF_ORDER);
    ck_assert_int_eq(send(1, 4, 0, 1, 1), KFK_OK);
    ck_assert_int_eq(send(1, 3, 1, 1, 0), INVALID_EPOCH);
    ck_assert_int_eq(repeated_at(1, 4, 0, 1), 1);
    ck_assert_int_eq(send(1, 4, 1, 1, 2), KFK_OK);
}
END_TEST

START_TEST(sequences_wrap)
{
    ck_assert_int_eq(send(1, 0, INT32_MAX - 1, 2, 0), KFK_OK);
    ck_assert_int_eq(send(1, 0, 0, 3, 2), KFK_OK);
    ck_assert_int_eq(repeated_at(1, 0, INT32_MAX - 1, 2), 0);
    ck_assert_int_eq(send(2, 0, INT32_MAX - 1, 4, 0), KFK_OK);
    ck_assert_int_eq(send(2, 0, 1, 1, 0), OUT_OF_ORDER);
    ck_assert_int_eq(send(2, 0, 2, 1, 4), KFK_OK);
    ck_assert_int_eq(repeated_at(2, 0, INT32_MAX - 1, 4), 0);
}
END_TEST

START_TEST(a_forgotten_producer_may_go_on)
{
    kfk__batch_header h = header(1, 0, 1, 1);
    kfk__dev_appended was;
    bool dup;

    ck_assert_int_eq(send(1, 0, 0, 1, 0), KFK_OK);
    kfk__dev_producers_expire(&p);
    ck_assert_int_eq(kfk__dev_producers_check(&p, &h, true, &dup, &was), UNKNOWN_PRODUCER);
    ck_assert_int_eq(send(1, 0, 1, 1, 1), KFK_OK);
    ck_assert_int_eq(repeated_at(1, 0, 1, 1), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/producers");
    TCase *t = tcase_create("producers");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, sequences_follow_each_other);
    tcase_add_test(t, the_last_five_are_known_again);
    tcase_add_test(t, an_epoch_starts_at_zero_and_fences_the_one_before);
    tcase_add_test(t, sequences_wrap);
    tcase_add_test(t, a_forgotten_producer_may_go_on);
    suite_add_tcase(s, t);
    return run_suite(s);
}
