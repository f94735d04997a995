/* What is asked of leaders: offsets of places and times, whatever brokers answer. */
#include <string.h>

#include "base/bytes.h"
#include "devbroker/call.h"
#include "proto/list_offsets.h"
#include "sim/world.h"

enum { RECORDS = 10, SLACK = 3 };

static kfk_consumer *c;
static kfk_tp asked[8];

static void fill(const char *name, int32_t partition, int n)
{
    kfk_producer *p = producer(NULL);

    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_to(p, name, partition), KFK_OK);
    flush(p);
    kfk_producer_free(p);
}

static void places(void)
{
    for (int32_t i = 0; i < 3; i++)
        asked[i] = tp("t", i, KFK_OFFSET_LATEST);
}

/* Partition i of "t" has so many records more than the one before. */
static void begin(void)
{
    topic("t", 3, 2);
    for (int32_t i = 0; i < 3; i++)
        fill("t", i, RECORDS * (i + 1));
    c = consumer(NULL);
    places();
}

/* ---- requests ---- */

static int wrong_requests; /* by the broker's thread, while it lives */
static bool seen[256];

static bool may_ask(int64_t timestamp, int16_t version)
{
    return timestamp >= KFK_OFFSET_EARLIEST ||
           version >= (timestamp == KFK_OFFSET_MAX_TIMESTAMP    ? 7
                       : timestamp == KFK_OFFSET_EARLIEST_LOCAL ? 8
                                                                : 9);
}

/* None asks of a partition twice, or for what the broker does not know of: these are refused. */
static void hears(void *arg, const kfk__dev_call *call)
{
    const kfk__list_offsets_request *rq = call->request;

    (void)arg;
    if (call->key != LIST_OFFSETS)
        return;
    memset(seen, 0, sizeof seen);
    for (int32_t i = 0; i < rq->topics.n; i++)
        for (int32_t k = 0; k < rq->topics.v[i].partitions.n; k++) {
            const kfk__list_offsets_request_partition *p = &rq->topics.v[i].partitions.v[k];

            wrong_requests += seen[p->partition_index] || !may_ask(p->timestamp, call->version);
            seen[p->partition_index] = true;
        }
}

static kfk_err ask(size_t n, int timeout_ms)
{
    return kfk_consumer_list_offsets(c, asked, n, timeout_ms, &w.e);
}

static void answers(size_t i, int64_t offset)
{
    ck_assert_msg(asked[i].err == KFK_OK, "%d: %s", (int)i, kfk_err_str(asked[i].err));
    ck_assert_int_eq(asked[i].offset, offset);
}

static void answers_all(void)
{
    for (int i = 0; i < 3; i++)
        answers((size_t)i, RECORDS * (i + 1));
}

static void everywhere(void (*app)(void))
{
    static const char *const profiles[] = {"2.1", "2.8", "3.7", NULL};

    for (size_t i = 0; i < 4; i++)
        for (uint64_t seed = 0; seed < 5; seed++)
            (void)world_run(
                &(world_opts){.seed = seed, .nodes = 2, .profile = profiles[i], .heard = hears},
                app);
}

/* ---- what is asked ---- */

/* In several requests, since one can name a partition only once. */
static void one_partition_often(void)
{
    static const int64_t places[] = {KFK_OFFSET_LATEST, KFK_OFFSET_EARLIEST, KFK_OFFSET_LATEST, 0,
                                     INT64_MAX};

    begin();
    for (size_t i = 0; i < 5; i++) {
        asked[i] = tp("t", 1, places[i]);
        asked[i].flags = places[i] >= 0 ? KFK_TIMESTAMP : KFK_OFFSET;
    }
    asked[5] = tp("t", 2, KFK_OFFSET_LATEST);
    ck_assert_msg(ask(6, 10000) == KFK_OK, "%s", w.e.msg);
    answers(0, 2 * RECORDS);
    answers(1, 0);
    answers(2, 2 * RECORDS);
    answers(3, 0);
    answers(4, -1);
    answers(5, 3 * RECORDS);
    kfk_consumer_free(c);
}

START_TEST(a_partition_may_be_asked_about_several_times)
{
    everywhere(one_partition_often);
    ck_assert_int_eq(wrong_requests, 0);
}
END_TEST

/* Those that older brokers do not know, and the others all the same. */
static void unknown_places(void)
{
    begin();
    asked[1].offset = KFK_OFFSET_MAX_TIMESTAMP;
    asked[2].offset = KFK_OFFSET_EARLIEST_LOCAL;
    (void)ask(3, 10000);
    answers(0, RECORDS);
    ck_assert_int_eq(asked[1].err, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_eq(asked[2].err, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_int_le(requests(LIST_OFFSETS), 3);
    kfk_consumer_free(c);
}

START_TEST(what_a_broker_does_not_know_of_is_not_asked)
{
    world_seeds(&(world_opts){.nodes = 2, .profile = "2.1", .heard = hears}, 5, unknown_places);
    ck_assert_int_eq(wrong_requests, 0);
}
END_TEST

/* ---- what is answered ---- */

static int16_t code;

static void once(void)
{
    int64_t start;

    begin();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = LIST_OFFSETS, .value = code, .level = KFK__DEV_ANY,
          .count = 3);
    start = now();
    ck_assert_msg(ask(3, 10000) == KFK_OK, "%s", w.e.msg);
    answers_all();
    ck_assert_int_lt(now() - start, 3 * SIM_S);
    kfk_consumer_free(c);
}

START_TEST(what_may_pass_is_asked_again)
{
    static const int16_t codes[] = {3, 5, 6, 7, 9, 13, 74, 75, 78, -1};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        code = codes[i];
        everywhere(once);
    }
}
END_TEST

static void for_ever(void)
{
    int64_t start, before;

    begin();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = LIST_OFFSETS, .value = code, .level = KFK__DEV_ANY,
          .count = -1);
    before = requests(LIST_OFFSETS);
    start = now();
    ck_assert_int_eq(ask(3, 60000), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq((now() - start) / SIM_S, 60);
    ck_assert_int_le(requests(LIST_OFFSETS) - before, 3 * 75);
    kfk__devbroker_fault_clear(w.broker);
    places();
    ck_assert_msg(ask(3, 10000) == KFK_OK, "%s", w.e.msg);
    answers_all();
    kfk_consumer_free(c);
}

START_TEST(what_does_not_pass_is_not_asked_over_and_over)
{
    static const int16_t codes[] = {6, 74, -1};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        code = codes[i];
        everywhere(for_ever);
    }
}
END_TEST

/* And asked once only. */
static void refused(void)
{
    begin();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = LIST_OFFSETS, .value = 29, .level = KFK__DEV_ANY,
          .count = -1);
    (void)ask(3, 10000);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(asked[i].err, KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
        ck_assert_int_eq(asked[i].offset, -1);
    }
    ck_assert_int_le(requests(LIST_OFFSETS), 2);
    kfk_consumer_free(c);
}

/* Nor more often where there are many to be asked about. */
enum { MANY = 200, SECONDS = 30 };

static int16_t api;

static void many_for_ever(void)
{
    kfk_tp tps[MANY];
    kfk_records *rs;

    topic("t", MANY, 1);
    c = consumer("auto.offset.reset", "earliest", NULL);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = api, .value = code, .level = KFK__DEV_ANY,
          .count = -1);
    for (int32_t i = 0; i < MANY; i++)
        tps[i] = (kfk_tp){.topic = "t", .partition = i};
    ck_assert_int_eq(kfk_consumer_assign(c, tps, MANY, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_consumer_poll(c, SECONDS * 1000, &rs, &w.e), KFK_OK);
    ck_assert_int_le(requests(api), 20 * SECONDS);
    kfk_consumer_free(c);
}

START_TEST(what_many_wait_for_is_asked_together_again)
{
    static const int16_t codes[] = {6, 74, -1};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        code = codes[i];
        api = LIST_OFFSETS;
        (void)world_run(&(world_opts){0}, many_for_ever);
        api = FETCH;
        (void)world_run(&(world_opts){0}, many_for_ever);
    }
}
END_TEST

START_TEST(what_is_refused_for_good_is_told)
{
    everywhere(refused);
}
END_TEST

/* An answer whose every byte is another in turn: whom it does not name any more is asked about
 * again. */
static int32_t altered;

static void wrong_answer(void)
{
    begin();
    FAULT(.kind = KFK__DEV_FAULT_ALTER, .api = LIST_OFFSETS, .at = altered, .value = 0x40);
    c = (kfk_consumer_free(c), consumer("request.timeout.ms", "2000", NULL));
    if (ask(3, 20000) == KFK_OK) {
        int right = 0;

        for (size_t i = 0; i < 3; i++)
            right += asked[i].err == KFK_OK && asked[i].offset == RECORDS * ((int64_t)i + 1);
        ck_assert_msg(right >= 2, "byte %d: %d", (int)altered, right);
    }
    ck_assert_msg(w.e.code != KFK_ERR_TIMED_OUT, "byte %d", (int)altered);
    ck_assert_int_le(requests(LIST_OFFSETS), 20);
    kfk_consumer_free(c);
}

START_TEST(an_answer_that_is_altered_spoils_one_offset_at_most)
{
    for (altered = 0; altered < 120; altered++)
        (void)world_run(&(world_opts){.seed = (uint64_t)altered, .nodes = 2}, wrong_answer);
}
END_TEST

/* ---- who is asked ---- */

static void leader_goes(void)
{
    int32_t node, epoch;

    begin();
    ck_assert_msg(ask(3, 10000) == KFK_OK, "%s", w.e.msg);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(kfk__devbroker_leader(w.broker, "t", 0, &node, &epoch), KFK_OK);
        if (i % 2)
            ck_assert_int_eq(kfk__devbroker_move_leader(w.broker, "t", 0, 3 - node), KFK_OK);
        else
            ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, node), KFK_OK);
        places();
        ck_assert_msg(ask(3, 20000) == KFK_OK, "%s", w.e.msg);
        answers_all();
        (void)kfk__devbroker_start_node(w.broker, node);
        nap(2000);
    }
    kfk_consumer_free(c);
}

START_TEST(another_leader_is_asked_where_one_goes)
{
    everywhere(leader_goes);
}
END_TEST

/* A question that nobody waits for any more has its answer when it is asked again; another one does
 * not. */
static void given_up(void)
{
    begin();
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = LIST_OFFSETS, .value = 1000, .count = 2);
    ck_assert_int_eq(ask(3, 0), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(ask(3, 10), KFK_ERR_TIMED_OUT);
    asked[2].offset = KFK_OFFSET_EARLIEST;
    ck_assert_msg(ask(3, 5000) == KFK_OK, "%s", w.e.msg);
    answers(2, 0);
    places();
    ck_assert_msg(ask(3, 5000) == KFK_OK, "%s", w.e.msg);
    answers_all();
    kfk_consumer_free(c);
}

static void breaks(void *arg)
{
    (void)arg;
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = LIST_OFFSETS, .value = 6, .level = KFK__DEV_ANY,
          .count = -1);
    nap(200000);
    kfk__devbroker_fault_clear(w.broker);
}

/* Longer than default.api.timeout.ms, after which the Fetcher gives up by itself. */
static void has_no_limit(void)
{
    int64_t start;

    begin();
    start = now();
    sim_spawn(w.rig.s, 1, "breaks", breaks, NULL);
    nap(10);
    ck_assert_msg(ask(3, -1) == KFK_OK, "%s", w.e.msg);
    answers_all();
    ck_assert_int_ge((now() - start) / SIM_S, 190);
    kfk_consumer_free(c);
}

/* What came of a call of before, whose time was over, is not the answer. */
static void begins_anew(void)
{
    begin();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = LIST_OFFSETS, .value = 6, .level = KFK__DEV_ANY,
          .count = -1);
    ck_assert_int_eq(ask(3, 1), KFK_ERR_TIMED_OUT);
    nap(70000);
    kfk__devbroker_fault_clear(w.broker);
    places();
    ck_assert_msg(ask(3, 5000) == KFK_OK, "%s", w.e.msg);
    answers_all();
    kfk_consumer_free(c);
}

START_TEST(a_call_has_the_time_that_it_is_given)
{
    everywhere(has_no_limit);
    everywhere(begins_anew);
}
END_TEST

static void closed_meanwhile(void)
{
    begin();
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = LIST_OFFSETS, .count = 2);
    ck_assert_int_eq(ask(3, (int)sim_below(w.rig.s, 100)), KFK_ERR_TIMED_OUT);
    kfk_consumer_free(c);
}

START_TEST(questions_outlive_those_who_wait_but_not_the_consumer)
{
    everywhere(given_up);
    everywhere(closed_meanwhile);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_partition_may_be_asked_about_several_times,
                                  what_a_broker_does_not_know_of_is_not_asked,
                                  what_may_pass_is_asked_again,
                                  what_does_not_pass_is_not_asked_over_and_over,
                                  what_many_wait_for_is_asked_together_again,
                                  what_is_refused_for_good_is_told,
                                  an_answer_that_is_altered_spoils_one_offset_at_most,
                                  another_leader_is_asked_where_one_goes,
                                  a_call_has_the_time_that_it_is_given,
                                  questions_outlive_those_who_wait_but_not_the_consumer,
                                  NULL};

    return world_main("sim/questions", tests);
}
