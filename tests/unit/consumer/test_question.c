/* Questions to leaders, as far as nobody has to be asked: their groups, and how they come and go.
 * What becomes of the answers is for the simulator. */
#include "unit/suite.h"

#include <string.h>

#include "consumer/question.h"

static kfk__client client;
static kfk__questions qs;

static void setup(void)
{
    kfk__questions_init(&qs, &client, 1);
}

START_TEST(no_two_groups_are_the_same)
{
    ck_assert_uint_eq(kfk__questions_groups(&qs, 1), KFK__ASSIGNED_GROUP + 1);
    ck_assert_uint_eq(kfk__questions_groups(&qs, 3), KFK__ASSIGNED_GROUP + 2);
    ck_assert_uint_eq(kfk__questions_groups(&qs, 1), KFK__ASSIGNED_GROUP + 5);
}
END_TEST

/* After so many questions numbers come again, but never that of the assigned partitions. */
START_TEST(numbers_that_are_used_up_begin_anew)
{
    for (uint32_t n = 1; n < 5; n++)
        for (uint32_t before = 0; before < 6; before++) {
            uint32_t first;

            qs.last_group = UINT32_MAX - before;
            first = kfk__questions_groups(&qs, n);
            ck_assert_uint_ne(first, KFK__ASSIGNED_GROUP);
            ck_assert_uint_ge(first + n - 1, first);
            ck_assert_uint_eq(qs.last_group, first + n - 1);
            ck_assert_uint_eq(first == KFK__ASSIGNED_GROUP + 1, n > before);
        }
}
END_TEST

START_TEST(a_question_waits_as_if_it_had_never_been_asked)
{
    kfk__question q;

    memset(&q, 0, sizeof q);
    ck_assert(!kfk__question_is_asked(&q));
    q.err = KFK_ERR_NOMEM;
    q.offset = 7;
    q.found_epoch = q.leader_epoch = 8;
    q.retry.attempts = 9;
    q.retry_at = 10;
    kfk__questions_ask(&qs, &q);
    ck_assert(kfk__question_is_asked(&q));
    ck_assert_ptr_eq(kfk__list_first(&qs.waiting), &q.link);
    ck_assert_int_eq(q.err, KFK_OK);
    ck_assert_int_eq(q.offset, -1);
    ck_assert_int_eq(q.found_epoch, -1);
    ck_assert_int_eq(q.leader_epoch, -1);
    ck_assert_uint_eq(q.retry.attempts, 0);
    ck_assert_int_eq(q.retry_at, 0);
}
END_TEST

START_TEST(a_question_may_be_dropped_at_any_time)
{
    kfk__question a, b;

    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    kfk__question_drop(&a); /* which was never asked */
    kfk__questions_ask(&qs, &a);
    kfk__questions_ask(&qs, &b);
    kfk__question_drop(&a);
    kfk__question_drop(&a);
    ck_assert(!kfk__question_is_asked(&a));
    ck_assert(kfk__question_is_asked(&b));
    ck_assert_ptr_eq(kfk__list_first(&qs.waiting), &b.link);
    kfk__questions_ask(&qs, &a); /* again, behind the other */
    ck_assert_ptr_eq(kfk__list_next(&qs.waiting, &b.link), &a.link);
    kfk__question_drop(&b);
    kfk__question_drop(&a);
    ck_assert(kfk__list_empty(&qs.waiting));
}
END_TEST

START_TEST(who_has_no_question_has_nothing_to_wait_for)
{
    ck_assert_int_eq(kfk__questions_step(&qs, 5), KFK__NEVER);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("question");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, no_two_groups_are_the_same);
    tcase_add_test(t, numbers_that_are_used_up_begin_anew);
    tcase_add_test(t, a_question_waits_as_if_it_had_never_been_asked);
    tcase_add_test(t, a_question_may_be_dropped_at_any_time);
    tcase_add_test(t, who_has_no_question_has_nothing_to_wait_for);
    return run_suite("consumer/question", t);
}
