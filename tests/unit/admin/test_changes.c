/* What becomes of the elements of one request; how it gets to the broker is test_admin's. */
#include "unit/suite.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "admin/changes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "proto/create_topics.h"

enum { N = 4 };

static const char *names[N] = {"a", "b", "c", "d"};
static bool settled[N];
static kfk_error each[N], e;
static kfk__changes ch;

static const char *topic(const kfk__changes *c, size_t i)
{
    return ((const char *const *)c->args)[i];
}

static const kfk__change kind = {
    .call = "kfk_create_topics", .ops = {.api = &kfk__create_topics_api}, .topic = topic};

static void setup(void)
{
    ch = (kfk__changes){.kind = &kind,
                        .args = names,
                        .n = N,
                        .settled = settled,
                        .n_pending = N,
                        .each = each,
                        .first_at = N};
    for (int i = 0; i < N; i++)
        each[i].code = KFK_ERR_INTERNAL; /* not settled */
    kfk__changes_begin(&ch);
}

static void settle(const char *name, int16_t code, const char *msg)
{
    kfk__changes_settle(&ch, kfk__bytes_str(name), code, kfk__bytes_str(msg));
}

/* The pending elements, as digits. */
static const char *pending(void)
{
    static char digits[N + 1];
    size_t n = 0;

    for (size_t i = 0; kfk__changes_next(&ch, &i); i++)
        digits[n++] = (char)('0' + i);
    digits[n] = '\0';
    ck_assert_uint_eq(n, ch.n_pending);
    return digits;
}

START_TEST(each_topic_of_an_answer_is_settled_in_any_order)
{
    ck_assert_str_eq(pending(), "0123");
    settle("c", 0, NULL);
    ck_assert_str_eq(pending(), "013");
    settle("a", 0, NULL);
    settle("d", 0, NULL);
    ck_assert_str_eq(pending(), "1");
    settle("b", 0, NULL);
    ck_assert_str_eq(pending(), "");
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_OK);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(each[i].code, KFK_OK);
    ck_assert_uint_eq(ch.first_at, N);
}
END_TEST

START_TEST(the_first_error_is_that_of_the_first_element)
{
    settle("c", KFK_ERR_TOPIC_ALREADY_EXISTS, "there");
    settle("b", KFK_ERR_INVALID_PARTITIONS, NULL);
    settle("d", KFK_ERR_INVALID_CONFIG, "last");
    settle("a", 0, NULL);
    ck_assert_uint_eq(ch.first_at, 1);
    ck_assert_int_eq(ch.first.code, KFK_ERR_INVALID_PARTITIONS);
    ck_assert_str_eq(ch.first.msg, kfk_err_str(KFK_ERR_INVALID_PARTITIONS));
    ck_assert_str_eq(ch.first.topic, "b");
    ck_assert_str_eq(each[2].msg, "there");
    ck_assert_str_eq(each[2].topic, "c");
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_OK); /* all have their answer */
}
END_TEST

START_TEST(what_is_to_be_done_later_stays_pending)
{
    static const int16_t codes[] = {KFK_ERR_NOT_CONTROLLER, KFK_ERR_THROTTLING_QUOTA_EXCEEDED};

    settle("a", 0, NULL);
    settle("b", codes[_i], "not now");
    settle("c", 0, NULL);
    settle("d", codes[_i], NULL);
    ck_assert_str_eq(pending(), "13");
    ck_assert_int_eq(kfk__changes_end(&ch, &e), codes[_i]);
    ck_assert_int_ne(e.flags & KFK_RETRIABLE, 0);
    ck_assert_uint_eq(ch.first_at, N);
    kfk__changes_begin(&ch); /* the next attempt */
    settle("b", 0, NULL);
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_ERR_PROTOCOL); /* of "d" it says nothing */
    settle("d", 0, NULL);
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_OK);
}
END_TEST

START_TEST(a_topic_that_is_left_out_is_an_error)
{
    settle("a", 0, NULL);
    settle("c", 0, NULL);
    settle("d", 0, NULL);
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(e.msg, "CreateTopics: the answer leaves topics out");
    ck_assert_str_eq(pending(), "1");
}
END_TEST

START_TEST(what_was_not_asked_for_and_what_comes_twice_is_passed_over)
{
    settle("x", KFK_ERR_INVALID_CONFIG, "x");
    settle("", KFK_ERR_INVALID_CONFIG, "x");
    settle(NULL, KFK_ERR_INVALID_CONFIG, "x");
    settle("a", 0, NULL);
    settle("a", KFK_ERR_INVALID_CONFIG, "x");
    ck_assert_str_eq(pending(), "123");
    ck_assert_int_eq(each[0].code, KFK_OK);
    for (int i = 1; i < N; i++)
        settle(names[i], 0, NULL);
    settle("d", KFK_ERR_NOT_CONTROLLER, NULL);
    ck_assert_int_eq(kfk__changes_end(&ch, &e), KFK_OK);
}
END_TEST

START_TEST(a_name_that_is_given_twice_is_settled_twice)
{
    const char *twice[N] = {"a", "b", "a", "b"};

    ch.args = twice;
    settle("a", 0, NULL);
    ck_assert_str_eq(pending(), "123");
    settle("a", KFK_ERR_TOPIC_ALREADY_EXISTS, NULL);
    ck_assert_str_eq(pending(), "13");
    ck_assert_int_eq(each[0].code, KFK_OK);
    ck_assert_int_eq(each[2].code, KFK_ERR_TOPIC_ALREADY_EXISTS);
}
END_TEST

START_TEST(what_the_controller_does_not_wait_for_may_be_done)
{
    settle("a", KFK_ERR_REQUEST_TIMED_OUT, NULL);
    settle("b", KFK_ERR_TOPIC_ALREADY_EXISTS, NULL);
    ck_assert_int_ne(each[0].flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(each[1].flags & KFK_MAYBE_DONE, 0);
}
END_TEST

START_TEST(nobody_need_ask_for_each)
{
    ch.each = NULL;
    settle("b", KFK_ERR_TOPIC_ALREADY_EXISTS, "there");
    ck_assert_str_eq(ch.first.topic, "b");
    ck_assert_str_eq(pending(), "023");
}
END_TEST

START_TEST(long_names_and_texts_are_cut)
{
    char name[1000];

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    names[0] = name;
    settle(name, KFK_ERR_TOPIC_ALREADY_EXISTS, name);
    ck_assert_uint_eq(strlen(each[0].topic), sizeof each[0].topic - 1);
    ck_assert_uint_eq(strlen(each[0].msg), sizeof each[0].msg - 1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("changes");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, each_topic_of_an_answer_is_settled_in_any_order);
    tcase_add_test(t, the_first_error_is_that_of_the_first_element);
    tcase_add_loop_test(t, what_is_to_be_done_later_stays_pending, 0, 2);
    tcase_add_test(t, a_topic_that_is_left_out_is_an_error);
    tcase_add_test(t, what_was_not_asked_for_and_what_comes_twice_is_passed_over);
    tcase_add_test(t, a_name_that_is_given_twice_is_settled_twice);
    tcase_add_test(t, what_the_controller_does_not_wait_for_may_be_done);
    tcase_add_test(t, nobody_need_ask_for_each);
    tcase_add_test(t, long_names_and_texts_are_cut);
    return run_suite("admin/changes", t);
}
