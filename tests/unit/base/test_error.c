#include "unit/suite.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static kfk_error e;

/* As a caller's struct is: full of what was there before. */
static void setup(void)
{
    memset(&e, 0x5a, sizeof e);
}

static void check_nothing_else(void)
{
    ck_assert_int_eq(e.phase, KFK_PHASE_NONE);
    ck_assert_int_eq(e.broker_id, -1);
    ck_assert_int_eq(e.partition, -1);
    ck_assert_int_eq(e.offset, -1);
    ck_assert_str_eq(e.broker, "");
    ck_assert_str_eq(e.topic, "");
}

START_TEST(a_failure_says_its_code_and_text_and_nothing_else)
{
    ck_assert_int_eq(kfk__fail(&e, KFK_ERR_NOT_CONTROLLER, "%s %d", "a", 7),
                     KFK_ERR_NOT_CONTROLLER);
    ck_assert_int_eq(e.code, KFK_ERR_NOT_CONTROLLER);
    ck_assert_int_eq(e.flags, kfk_err_flags(KFK_ERR_NOT_CONTROLLER));
    ck_assert_int_eq(e.sys_errno, 0);
    ck_assert_str_eq(e.msg, "a 7");
    check_nothing_else();
}
END_TEST

START_TEST(clear_says_ok)
{
    kfk__error_clear(&e);
    ck_assert_int_eq(e.code, KFK_OK);
    ck_assert_int_eq(e.flags, 0);
    ck_assert_str_eq(e.msg, "");
    check_nothing_else();
}
END_TEST

START_TEST(nobody_need_want_to_know)
{
    ck_assert_int_eq(kfk__fail(NULL, KFK_ERR_STATE, "x"), KFK_ERR_STATE);
    ck_assert_int_eq(kfk__fail_sys(NULL, KFK_ERR_SYSTEM, EIO, "x"), KFK_ERR_SYSTEM);
    ck_assert_int_eq(kfk__fail_nomem(NULL), KFK_ERR_NOMEM);
    kfk__error_clear(NULL);
    (void)kfk__fail(&e, KFK_ERR_STATE, "x");
    ck_assert_int_eq(kfk__fail_copy(NULL, &e), KFK_ERR_STATE);
    kfk__fail_because(NULL, &e);
}
END_TEST

START_TEST(a_failed_system_call_is_named)
{
    char expected[200] = "open: ";

    strcat(expected, strerror(ENOENT));
    ck_assert_int_eq(kfk__fail_sys(&e, KFK_ERR_SYSTEM, ENOENT, "%s", "open"), KFK_ERR_SYSTEM);
    ck_assert_str_eq(e.msg, expected);
    ck_assert_int_eq(e.sys_errno, ENOENT);
    check_nothing_else();
}
END_TEST

START_TEST(text_that_is_too_long_is_cut)
{
    char text[sizeof e.msg + 100];
    kfk_error because;

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)kfk__fail(&because, KFK_ERR_CONNECT, "%s", text);
    ck_assert_uint_eq(strlen(because.msg), sizeof because.msg - 1);
    (void)kfk__fail_sys(&e, KFK_ERR_SYSTEM, EIO, "%s", text);
    ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
    kfk__fail_because(&e, &because);
    ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "%.*s", (int)sizeof e.msg - 4, text);
    kfk__fail_because(&e, &because);
    ck_assert_str_eq(e.msg + sizeof e.msg - 5, "x; x");
}
END_TEST

START_TEST(a_cause_adds_where_it_happened)
{
    kfk_error cause;

    (void)kfk__fail_sys(&cause, KFK_ERR_CONNECT, ECONNREFUSED, "no");
    (void)strcpy(cause.msg, "refused");
    cause.phase = KFK_PHASE_CONNECT;
    cause.broker_id = 3;
    (void)strcpy(cause.broker, "b:9092");
    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "too late");
    kfk__fail_because(&e, &cause);
    ck_assert_int_eq(e.code, KFK_ERR_TIMED_OUT);
    ck_assert_str_eq(e.msg, "too late; refused");
    ck_assert_int_eq(e.sys_errno, ECONNREFUSED);
    ck_assert_int_eq(e.phase, KFK_PHASE_CONNECT);
    ck_assert_int_eq(e.broker_id, 3);
    ck_assert_str_eq(e.broker, "b:9092");
}
END_TEST

START_TEST(no_cause_adds_nothing)
{
    kfk_error none;

    kfk__error_clear(&none);
    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "too late");
    kfk__fail_because(&e, &none);
    ck_assert_str_eq(e.msg, "too late");
    ck_assert_int_eq(kfk__fail_copy(&e, &none), KFK_OK);
    ck_assert_int_eq(e.code, KFK_ERR_TIMED_OUT); /* what is no failure overwrites none */
}
END_TEST

START_TEST(a_field_is_cut_to_its_size)
{
    char field[4];

    kfk__error_set(field, sizeof field, "abc", 3);
    ck_assert_str_eq(field, "abc");
    kfk__error_set(field, sizeof field, "defg", 4);
    ck_assert_str_eq(field, "def");
    kfk__error_set(field, sizeof field, NULL, 0);
    ck_assert_str_eq(field, "");
    kfk__error_set(field, 1, "abc", 3);
    ck_assert_str_eq(field, "");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("error");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, a_failure_says_its_code_and_text_and_nothing_else);
    tcase_add_test(t, clear_says_ok);
    tcase_add_test(t, nobody_need_want_to_know);
    tcase_add_test(t, a_failed_system_call_is_named);
    tcase_add_test(t, text_that_is_too_long_is_cut);
    tcase_add_test(t, a_cause_adds_where_it_happened);
    tcase_add_test(t, no_cause_adds_nothing);
    tcase_add_test(t, a_field_is_cut_to_its_size);
    return run_suite("base/error", t);
}
