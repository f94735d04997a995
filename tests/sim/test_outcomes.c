/* What may be said of a record, for every code that a broker may answer with: not written, if the
 * code means that nothing was appended; else unknown; never a guess, and never against the log. */
#include <kfk/error.h>

#include "sim/wire.h"
#include "sim/world.h"

enum { N = 5 };

static int ids[WORLD_RECORDS];
static int32_t code;
static bool after;
static const char *idempotence;

/* Those by which a broker says that it has appended nothing; outcome.c has them again. */
static const int32_t refusing[] = {1,  2,  3,  5,  6,  10, 17, 18, 19, 21, 29, 31,  32,  35,
                                   42, 43, 44, 45, 47, 59, 74, 75, 76, 87, 89, 90, 100, 103};
/* One may send what nobody has heard of. */
static const int32_t strange[] = {INT16_MIN, -2, 134, 999, INT16_MAX};

static bool refuses(int32_t c)
{
    for (size_t i = 0; i < sizeof refusing / sizeof *refusing; i++)
        if (refusing[i] == c)
            return true;
    return false;
}

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

/* One batch, which is told of then. Returns how many records the log has. */
static int send_batch(kfk_producer *p)
{
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_to(p, "t", 0), KFK_OK);
    flush(p);
    return log_of("t", 0, ids, WORLD_RECORDS);
}

static void answer(int32_t with, bool once_done, int32_t count)
{
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .count = count, .value = with,
          .after = once_done, .level = KFK__DEV_ANY);
}

static void all_are(int32_t status)
{
    ck_assert_msg(told(status) == N, "%d %s: %d of %d records; the first is %d, %d %s", code,
                  kfk_err_name(code), told(status), N, w.reports[0].status, w.reports[0].err,
                  w.reports[0].msg);
}

static void run(int32_t c, void (*app)(void))
{
    code = c;
    wire_begin();
    (void)world_run(&(world_opts){.seed = (uint64_t)(c - INT16_MIN), .heard = wire_heard}, app);
}

static void each_refusing(void (*app)(void))
{
    for (size_t i = 0; i < sizeof refusing / sizeof *refusing; i++)
        run(refusing[i], app);
}

/* Those but the ones that say that the record is there: 0, and 46. */
static void each_other(void (*app)(void))
{
    for (int32_t c = -1; c <= KFK_ERR_SHARE_SESSION_LIMIT_REACHED; c++)
        if (c != 0 && c != KFK_ERR_DUPLICATE_SEQUENCE_NUMBER && !refuses(c))
            run(c, app);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        run(strange[i], app);
}

/* ---- one attempt ---- */

static void once(void)
{
    kfk_producer *p = producer("retries", "0", "linger.ms", "20", NULL);

    topic("t", 1, 1);
    answer(code, after, -1);
    ck_assert_int_eq(send_batch(p), after ? N : 0);
    if (code != KFK_ERR_MESSAGE_TOO_LARGE) /* which goes in parts */
        ck_assert_int_eq(wire_batches(), 1);
    all_are(refuses(code) ? KFK_NOT_WRITTEN : KFK_UNKNOWN);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(w.reports[i].err, code);
    ends(p);
}

START_TEST(a_code_that_refuses_means_not_written)
{
    after = false;
    each_refusing(once);
}
END_TEST

START_TEST(any_other_code_means_unknown_whatever_the_log_has)
{
    after = true;
    each_other(once);
    after = false;
    each_other(once);
}
END_TEST

/* ---- until delivery.timeout.ms ---- */

static void for_good(void)
{
    kfk_producer *p = producer("enable.idempotence", idempotence, "linger.ms", "20",
                               "request.timeout.ms", "1000", "delivery.timeout.ms", "2000", NULL);
    int n;

    topic("t", 1, 1);
    answer(code, after, -1);
    n = send_batch(p);
    all_are(refuses(code) ? KFK_NOT_WRITTEN : KFK_UNKNOWN);
    if (idempotence[0] == 't')
        ck_assert_int_eq(n, after ? N : 0);
    ends(p);
}

START_TEST(retries_do_not_change_what_a_code_means)
{
    static const char *const with[] = {"true", "false"};

    for (size_t i = 0; i < 2; i++) {
        idempotence = with[i];
        after = false;
        each_refusing(for_good);
        each_other(for_good);
        after = true;
        each_other(for_good);
    }
}
END_TEST

/* ---- one after another ---- */

static void refused_later(void)
{
    kfk_producer *p = producer("enable.idempotence", idempotence, "retries", "1", "linger.ms", "20",
                               NULL);

    topic("t", 1, 1);
    answer(KFK_ERR_REQUEST_TIMED_OUT, true, 1);
    answer(code, false, -1);
    ck_assert_int_eq(send_batch(p), N);
    all_are(KFK_UNKNOWN);
    ends(p);
}

START_TEST(what_may_be_there_is_unknown_though_it_is_refused_later)
{
    static const char *const with[] = {"true", "false"};

    for (size_t i = 0; i < 2; i++) {
        idempotence = with[i];
        each_refusing(refused_later);
    }
}
END_TEST

static void lost_later(void)
{
    kfk_producer *p = producer("enable.idempotence", "false", "retries", "1", "linger.ms", "20",
                               NULL);

    topic("t", 1, 1);
    answer(code, false, 1);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = PRODUCE, .after = after);
    ck_assert_int_eq(send_batch(p), after ? N : 0);
    ck_assert_int_eq(wire_batches(), 2);
    all_are(KFK_UNKNOWN);
    ends(p);
}

START_TEST(what_was_refused_is_unknown_once_an_answer_is_lost)
{
    for (int i = 0; i < 2; i++) {
        after = i == 0;
        run(KFK_ERR_NOT_LEADER_OR_FOLLOWER, lost_later);
        run(KFK_ERR_NOT_ENOUGH_REPLICAS, lost_later);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_code_that_refuses_means_not_written,
                                  any_other_code_means_unknown_whatever_the_log_has,
                                  retries_do_not_change_what_a_code_means,
                                  what_may_be_there_is_unknown_though_it_is_refused_later,
                                  what_was_refused_is_unknown_once_an_answer_is_lost,
                                  NULL};

    return world_main("sim/outcomes", tests);
}
