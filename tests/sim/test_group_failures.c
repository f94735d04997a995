/* Groups: what becomes of records whose handler failed. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/groups.h"

static member a;

static void begin(int parts, int n)
{
    memset(&a, 0, sizeof a);
    topic("t", parts, 1);
    group_fill("t", parts, n);
    a.answer = (kfk_err)-42;
    a.fails_at = 5;
    a.fails_in = 0;
}

/* ---- again ---- */

static void again(void)
{
    begin(2, 40);
    a.verdict = KFK_RETRY;
    group_new(&a, "retry.backoff.ms", "100", "retry.backoff.max.ms", "400", "auto.commit.interval.ms", "500", NULL);
    group_run(&a);
    group_until(&a.failures, 4, 30000);
    ck_assert_int_eq(a.next[1], 20); /* the other partition has gone on */
    ck_assert_int_eq(a.next[0], 5);
    ck_assert_int_ge(a.attempt, 4);
    ck_assert_int_le(a.failures, 6);
    ck_assert_int_eq(group_committed("t", 0), 5);
    a.answer = KFK_OK;
    for (int i = 0; a.next[0] < 20 && i < 1000; i++)
        nap(10);
    ck_assert_int_eq(a.next[0], 20);
    ck_assert_int_eq(a.seen[0], 20 + a.failures);
    ck_assert_int_eq(a.seen[1], 20);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 20);
    ck_assert_int_eq(a.errors, 0);
}

START_TEST(a_record_is_tried_again_and_others_go_on)
{
    world_seeds(&(world_opts){0}, 20, again);
}
END_TEST

/* The waits get longer. */
static void longer(void)
{
    int64_t began;

    begin(1, 10);
    group_new(&a, "retry.backoff.ms", "100", "retry.backoff.max.ms", "1600", NULL);
    group_run(&a);
    group_until(&a.failures, 1, 30000);
    began = now();
    group_until(&a.failures, 6, 30000); /* 100, 200, 400, 800, 1600, each 20 % more or less */
    ck_assert_int_ge(now() - began, 2400 * SIM_MS);
    ck_assert_int_le(now() - began, 3900 * SIM_MS);
    group_end(&a, KFK_OK);
}

START_TEST(it_is_tried_less_and_less_often)
{
    world_seeds(&(world_opts){0}, 10, longer);
}
END_TEST

/* It waits, and the partition is taken away: the wait is over. */
static void taken_away(void)
{
    static member b;

    begin(2, 20);
    memset(&b, 0, sizeof b);
    group_new(&a, "retry.backoff.ms", "100000", "retry.backoff.max.ms", "100000", NULL);
    group_run(&a);
    group_until(&a.failures, 1, 30000);
    group_new(&b, NULL);
    group_run(&b);
    group_until(&b.setups, 1, 60000);
    ck_assert_int_eq(a.losts, 0);
    group_end(&a, KFK_OK);
    for (int i = 0; b.next[0] + b.next[1] < 20 && i < 5000; i++)
        nap(10);
    ck_assert_int_eq(b.next[0], 10); /* from the one that failed on */
    ck_assert_int_eq(a.seen[0] + b.seen[0], 10 + a.failures);
    group_end(&b, KFK_OK);
}

START_TEST(a_wait_does_not_hold_up_a_rebalance)
{
    world_seeds(&(world_opts){0}, 20, taken_away);
}
END_TEST

/* ---- as if it were done ---- */

static void skipped(void)
{
    begin(1, 20);
    a.verdict = KFK_SKIP;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(a.failures, 1);
    ck_assert_int_eq(a.seen[0], 20);
    ck_assert_int_eq(group_committed("t", 0), 20);
}

START_TEST(a_record_is_skipped)
{
    world_seeds(&(world_opts){0}, 10, skipped);
}
END_TEST

/* ---- the end ---- */

static void ends(void)
{
    begin(1, 20);
    a.verdict = KFK_STOP;
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 30000);
    ck_assert_int_eq(a.result[0], -42);
    ck_assert_msg(strstr(a.error[0].msg, "t-0 at offset 5"), "%s", a.error[0].msg);
    ck_assert_int_eq(a.cleanups, 1);
    ck_assert_int_eq(a.records, 6);
    ck_assert_int_eq(kfk_group_run(a.g, &w.e), KFK_ERR_CLOSED);
    kfk_group_free(a.g);
    ck_assert_int_eq(group_committed("t", 0), 5);
}

START_TEST(the_run_ends_with_the_error)
{
    world_seeds(&(world_opts){0}, 10, ends);
}
END_TEST

/* ---- dead letters ---- */

static kfk_err see_letter(kfk_group *g, const kfk_record_view *r, void *arg)
{
    static const char *const names[] = {"own", "dead-letter.topic", "dead-letter.partition",
                                        "dead-letter.offset", "dead-letter.timestamp", "dead-letter.group",
                                        "dead-letter.error.code", "dead-letter.error",
                                        "dead-letter.attempts"};
    static const char *const values[] = {"1", "t", "0", "5", NULL, "g", "-42", NULL, "1"};
    member *m = arg;
    kfk_header h[16];

    ck_assert_uint_eq(kfk_group_headers(g, r, h, 16), r->n_headers);
    ck_assert_uint_ge(r->n_headers, 8);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        uint32_t k = i + (uint32_t)(9 - r->n_headers);

        ck_assert(kfk__bytes_equal(h[i].key, kfk__bytes_str(names[k])));
        ck_assert(!values[k] || kfk__bytes_equal(h[i].value, kfk__bytes_str(values[k])));
    }
    m->records++;
    return KFK_OK;
}

static void look_at_letters(const char *topic, int n)
{
    static member reader;
    const char *const topics[] = {topic, NULL};

    memset(&reader, 0, sizeof reader);
    reader.topics = topics;
    reader.h.record = see_letter;
    group_new(&reader, NULL);
    group_run(&reader);
    group_await_records(&reader, n, 20000);
    nap(1000);
    ck_assert_int_eq(reader.records, n);
    group_end(&reader, KFK_OK);
}

static void letters(void)
{
    kfk_producer *p = producer(NULL);

    begin(1, 20);
    topic("dead", 1, 1);
    a.verdict = KFK_DEAD_LETTER;
    group_new(&a, "dead.letter.topic", "dead", NULL);
    ck_assert_int_eq(kfk_group_set_producer(a.g, p, &w.e), KFK_OK);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    ck_assert_int_eq(kfk_group_set_producer(a.g, p, &w.e), KFK_ERR_STATE);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(a.seen[0], 20);
    ck_assert_int_eq(group_committed("t", 0), 20);
    look_at_letters("dead", 1);
    kfk_producer_free(p);
}

START_TEST(a_record_goes_to_the_dead_letter_topic)
{
    world_seeds(&(world_opts){0}, 10, letters);
}
END_TEST

/* The topic's name follows from the record's. */
static void default_topic(void)
{
    kfk_producer *p = producer(NULL);

    begin(1, 20);
    a.verdict = KFK_DEAD_LETTER;
    group_new(&a, NULL);
    ck_assert_int_eq(kfk_group_set_producer(a.g, p, &w.e), KFK_OK);
    group_run(&a);
    group_await_records(&a, 20, 20000);
    group_end(&a, KFK_OK);
    look_at_letters("t.dead-letter", 1);
    kfk_producer_free(p);
}

START_TEST(the_dead_letter_topic_has_a_name_by_itself)
{
    world_seeds(&(world_opts){0}, 5, default_topic);
}
END_TEST

/* While the letter is out, nothing that follows is committed, and nothing more comes. */
static void not_before(void)
{
    kfk_producer *p = producer("delivery.timeout.ms", "3000", "request.timeout.ms", "1000", "linger.ms", "0", NULL);

    begin(1, 20);
    topic("dead", 1, 1);
    a.verdict = KFK_DEAD_LETTER;
    group_new(&a, "dead.letter.topic", "dead", "auto.commit.interval.ms", "200", NULL);
    ck_assert_int_eq(kfk_group_set_producer(a.g, p, &w.e), KFK_OK);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = PRODUCE, .count = -1);
    group_run(&a);
    group_until(&a.failures, 1, 20000);
    nap(1500);
    ck_assert_int_eq(a.records, 6);
    ck_assert_int_eq(group_committed("t", 0), 5);
    group_until(&a.errors, 1, 20000);
    ck_assert(strstr(group_error(&a).msg, "dead letter") != NULL);
    group_until(&a.failures, 2, 20000); /* it came again */
    ck_assert_int_eq(a.attempt, 2);
    a.verdict = KFK_SKIP;
    group_await_records(&a, 21, 60000);
    group_end(&a, KFK_OK);
    kfk_producer_free(p);
}

START_TEST(a_letter_that_is_not_delivered_is_no_end_of_it)
{
    world_seeds(&(world_opts){0}, 10, not_before);
}
END_TEST

static void without_producer(void)
{
    begin(1, 10);
    a.verdict = KFK_DEAD_LETTER;
    group_new(&a, NULL);
    group_run(&a);
    group_until(&a.errors, 1, 20000);
    ck_assert(strstr(group_error(&a).msg, "kfk_group_set_producer") != NULL);
    group_until(&a.failures, 2, 20000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 5);
}

START_TEST(without_a_producer_that_is_told)
{
    world_seeds(&(world_opts){0}, 5, without_producer);
}
END_TEST

/* ---- mistakes ---- */

static void mistakes(void)
{
    begin(1, 10);
    a.verdict = 77;
    group_new(&a, NULL);
    group_run(&a);
    group_until(&a.errors, 2, 20000);
    ck_assert(strstr(group_error(&a).msg, "failed() returned 77") != NULL);
    a.answer = KFK_PENDING;
    a.errors = 0;
    group_until(&a.errors, 2, 20000);
    ck_assert(strstr(group_error(&a).msg, "KFK_PENDING") != NULL);
    a.answer = KFK_OK;
    for (int i = 0; a.next[0] < 10 && i < 1000; i++)
        nap(10);
    ck_assert_int_eq(a.next[0], 10);
    group_end(&a, KFK_OK);
}

START_TEST(answers_that_cannot_be_are_named_and_tried_again)
{
    world_seeds(&(world_opts){0}, 5, mistakes);
}
END_TEST

/* ---- setup ---- */

static void setup_fails(void)
{
    memset(&a, 0, sizeof a);
    topic("t", 1, 1);
    a.setup_answer = (kfk_err)-7;
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 30000);
    ck_assert_int_eq(a.result[0], -7);
    ck_assert_msg(strstr(a.error[0].msg, "setup()"), "%s", a.error[0].msg);
    ck_assert_int_eq(a.cleanups, 0);
    kfk_group_free(a.g);
}

START_TEST(an_error_of_setup_ends_it)
{
    world_seeds(&(world_opts){0}, 10, setup_fails);
}
END_TEST

static void begins_at(void)
{
    memset(&a, 0, sizeof a);
    topic("t", 1, 1);
    group_fill("t", 1, 20);
    a.begin_at = 15;
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 5, 20000);
    nap(500);
    ck_assert_int_eq(a.records, 5);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(group_committed("t", 0), 20);
    a.begin_at = -7; /* no place */
    group_new(&a, NULL);
    group_run(&a);
    group_await(&a, 30000);
    ck_assert_int_eq(a.result[0], KFK_ERR_INVALID_ARG);
    kfk_group_free(a.g);
}

START_TEST(setup_says_where_to_begin)
{
    world_seeds(&(world_opts){0}, 10, begins_at);
}
END_TEST

/* ---- a partition that cannot be read ---- */

static void unreadable(void)
{
    begin(1, 10);
    a.answer = KFK_OK;
    FAULT(.kind = KFK__DEV_FAULT_ALTER, .api = FETCH, .count = 1, .at = -12, .value = 1);
    group_new(&a, NULL);
    group_run(&a);
    group_await_records(&a, 10, 60000);
    group_end(&a, KFK_OK);
    ck_assert_int_eq(a.seen[0], 10);
}

START_TEST(what_cannot_be_read_is_tried_again)
{
    world_seeds(&(world_opts){0}, 10, unreadable);
}
END_TEST

int main(void)
{
    return world_main("sim/group_failures", (const TTest *const[]){
                                                a_record_is_tried_again_and_others_go_on,
                                                it_is_tried_less_and_less_often,
                                                a_wait_does_not_hold_up_a_rebalance,
                                                a_record_is_skipped,
                                                the_run_ends_with_the_error,
                                                a_record_goes_to_the_dead_letter_topic,
                                                the_dead_letter_topic_has_a_name_by_itself,
                                                a_letter_that_is_not_delivered_is_no_end_of_it,
                                                without_a_producer_that_is_told,
                                                answers_that_cannot_be_are_named_and_tried_again,
                                                an_error_of_setup_ends_it,
                                                setup_says_where_to_begin,
                                                what_cannot_be_read_is_tried_again,
                                                NULL,
                                            });
}
