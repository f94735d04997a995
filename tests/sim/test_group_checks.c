/* The checks of reference/kafka.md, section 7, that are about members of groups, by their numbers. */
#include <stdatomic.h>
#include <string.h>

#include "devbroker/call.h"
#include "proto/consumer_group_heartbeat.h"
#include "sim/crew.h"

static const char *protocol;

static bool is_classic(void)
{
    return protocol[0] == 'c' && protocol[1] == 'l';
}

/* What heartbeats of KIP-848 said, by member. */
static struct {
    atomic_int epoch, full, joins;
} said[CREW];

static void hear(void *arg, const kfk__dev_call *call)
{
    const kfk__consumer_group_heartbeat_request *rq = call->request;
    const char *name = call->client_id.data;

    crew_heard(arg, call);
    if (call->key != CONSUMER_HEARTBEAT || call->client_id.len != 2 || name[0] != 'm')
        return;
    said[name[1] - '0'].epoch = rq->member_epoch;
    said[name[1] - '0'].joins += rq->member_epoch == 0;
    said[name[1] - '0'].full += rq->subscribed_topic_names.n > 0;
}

static void begin(int parts)
{
    memset(said, 0, sizeof said);
    crew_begin(protocol);
    crew_topic(0, parts);
    crew_fill(0, parts, 10);
}

static void end(void)
{
    crew_end();
    ck_assert_int_eq(crew_group().members, 0);
}

static void run_as(const world_opts *opts, uint64_t seeds, void (*app)(void))
{
    world_opts o = *opts;

    o.heard = hear;
    o.nodes = o.nodes ? o.nodes : 3;
    world_seeds(&o, seeds, app);
}

static void run_classic(uint64_t seeds, void (*app)(void))
{
    protocol = "classic";
    run_as(&(world_opts){0}, seeds, app);
}

static void run_modern(uint64_t seeds, void (*app)(void))
{
    protocol = "consumer";
    run_as(&(world_opts){0}, seeds, app);
}

static void run_both(uint64_t seeds, void (*app)(void))
{
    run_classic(seeds, app);
    run_modern(seeds, app);
}

static void two(void)
{
    (void)crew_join("t0", NULL);
    (void)crew_join("t0", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
}

/* ---- 34 ---- */

static void committed_goes_first(void)
{
    int first;

    begin(2);
    (void)crew_join("t0", NULL);
    (void)crew_await(10000);
    crew_await_read(10000);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    first = w.sent;
    crew_fill(0, 2, 3);
    (void)crew_join("t0", "auto.offset.reset", "latest", NULL);
    (void)crew_await(10000);
    crew_await_read(10000);
    for (int id = 0; id < w.sent; id++)
        ck_assert_int_eq(crew_reads(id), 1);
    ck_assert_int_eq(crew_handed(1, 0, 0), w.sent / 2);
    ck_assert_int_gt(w.sent, first);
    end();
}

START_TEST(check_34_a_member_goes_on_where_the_group_was)
{
    run_both(5, committed_goes_first);
}
END_TEST

/* ---- 35 ---- */

static int joins;

static void joins_alone(void)
{
    begin(2);
    (void)crew_join("t0", NULL);
    (void)crew_await(10000);
    nap(10000);
    ck_assert_int_eq(crew_asked(0, JOIN_GROUP), joins);
    ck_assert_int_eq(crew_asked(0, SYNC_GROUP), 1);
    ck_assert_int_eq(crew_group().members, 1);
    ck_assert_int_eq(crew_group().epoch, 1);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    ck_assert_int_eq(crew_asked(0, LEAVE_GROUP), 1);
    ck_assert_int_eq(crew_group().members, 0);
}

START_TEST(check_35_a_member_id_costs_one_join_and_leaves_no_ghost)
{
    protocol = "classic";
    joins = 2;
    run_as(&(world_opts){0}, 10, joins_alone);
    joins = 1;
    run_as(&(world_opts){.profile = "2.1"}, 10, joins_alone);
}
END_TEST

/* One that does not poll has all others wait. */
static void join_is_held(void)
{
    int before, first;

    begin(4);
    (void)crew_join("t0", "partition.assignment.strategy", "cooperative-sticky", "request.timeout.ms",
                    "2000", NULL);
    (void)crew_join("t0", "partition.assignment.strategy", "cooperative-sticky,range", NULL);
    (void)crew_await(15000);
    nap(2000);
    crew_forget_log(0);
    before = crew_asked(0, JOIN_GROUP);
    crew_pause(1, 25000);
    nap(500);
    ck_assert_int_eq(kfk_consumer_rejoin(crew_handle(0), "a test", &w.e), KFK_OK);
    nap(10000);
    first = w.sent;
    crew_fill(0, 4, 2);
    nap(2000);
    for (int p = 0; p < 4; p++)
        if (crew_holds(0, 0, p))
            ck_assert_int_ge(crew_handed(0, 0, p), 12);
    ck_assert_int_eq(crew_asked(0, JOIN_GROUP), before + 1);
    ck_assert_str_eq(crew_log(0), "");
    nap(10000);
    ck_assert_int_eq(crew_asked(0, JOIN_GROUP), before + 1);
    (void)crew_await(20000);
    crew_await_read(10000);
    ck_assert_int_lt(first, w.sent);
    end();
}

START_TEST(check_35_a_join_that_is_held_holds_up_nothing_else)
{
    run_classic(5, join_is_held);
}
END_TEST

/* ---- 36 ---- */

static void nothing_happened(int32_t epoch)
{
    (void)crew_await(20000);
    ck_assert_int_eq(crew_group().epoch, epoch);
    ck_assert_str_eq(crew_log(0), "");
    ck_assert_str_eq(crew_log(1), "");
    crew_fill(0, 4, 2);
    crew_await_read(20000);
    (void)crew_await(20000);
    ck_assert_int_eq(crew_group().epoch, epoch);
    ck_assert_str_eq(crew_log(0), "");
    ck_assert_str_eq(crew_log(1), "");
}

static int32_t begin_bounce(void)
{
    begin(4);
    two();
    nap(3000);
    crew_forget_log(0);
    crew_forget_log(1);
    return crew_group().epoch;
}

static void bounce(void)
{
    int32_t epoch = begin_bounce();

    for (int32_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, i), KFK_OK);
        nap(2500);
        ck_assert_int_eq(kfk__devbroker_start_node(w.broker, i), KFK_OK);
        nap(1500);
    }
    nothing_happened(epoch);
    end();
}

START_TEST(check_36_a_rolling_restart_causes_no_rebalance)
{
    run_both(5, bounce);
}
END_TEST

static void moves(void)
{
    int32_t epoch = begin_bounce();

    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(
            kfk__devbroker_move_coordinator(w.broker, "g", crew_group().coordinator % 3 + 1), KFK_OK);
        nap(2500);
    }
    nothing_happened(epoch);
    end();
}

START_TEST(check_36_a_coordinator_that_moves_causes_no_rebalance)
{
    run_both(5, moves);
}
END_TEST

static void hangs(void)
{
    int32_t epoch = begin_bounce();

    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = is_classic() ? HEARTBEAT : CONSUMER_HEARTBEAT);
    nap(8000);
    nothing_happened(epoch);
    end();
}

START_TEST(check_36_a_heartbeat_that_hangs_causes_no_rebalance)
{
    run_classic(5, hangs);
}
END_TEST

static void whole_cluster(void)
{
    int32_t epoch = begin_bounce();

    for (int32_t i = 1; i <= 3; i++)
        ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, i), KFK_OK);
    nap(3000);
    for (int32_t i = 1; i <= 3; i++)
        ck_assert_int_eq(kfk__devbroker_start_node(w.broker, i), KFK_OK);
    nothing_happened(epoch);
    end();
}

START_TEST(check_36_a_cluster_that_is_away_causes_no_rebalance)
{
    run_both(5, whole_cluster);
}
END_TEST

static void illegal_generation(void)
{
    char id[128];

    begin(4);
    two();
    strcpy(id, crew_id(0));
    crew_forget_log(0);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .value = KFK_ERR_ILLEGAL_GENERATION, .count = 2);
    nap(5000);
    (void)crew_await(20000);
    ck_assert_int_eq(crew_log(0)[0], '!');
    ck_assert_str_eq(crew_id(0), id);
    ck_assert_int_eq(crew_group().members, 2);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .value = KFK_ERR_UNKNOWN_MEMBER_ID, .count = 2);
    nap(10000);
    (void)crew_await(20000);
    ck_assert_str_ne(crew_id(0), id);
    crew_await_read(10000);
    end();
}

START_TEST(check_36_an_illegal_generation_keeps_the_member_id)
{
    run_classic(5, illegal_generation);
}
END_TEST

/* Heartbeats go out while SyncGroup is waited for. */
static void rebalance_while_joining(void)
{
    int64_t id;
    int n;

    begin(4);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = SYNC_GROUP, .value = 4500);
    id = FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .value = KFK_ERR_REBALANCE_IN_PROGRESS,
               .count = -1);
    (void)crew_join("t0", NULL);
    nap(4000);
    ck_assert_int_ge(crew_asked(0, HEARTBEAT), 2);
    n = crew_asked(0, JOIN_GROUP);
    ck_assert_int_eq(n, 2);
    (void)kfk__devbroker_fault_remove(w.broker, id);
    (void)crew_await(10000);
    ck_assert_int_eq(crew_asked(0, JOIN_GROUP), 2);
    ck_assert_str_eq(crew_log(0), "+t0-0 t0-1 t0-2 t0-3;");
    end();
}

START_TEST(check_36_a_rebalance_is_no_news_to_who_takes_part)
{
    run_classic(5, rebalance_while_joining);
}
END_TEST

/* ---- 37 ---- */

static void restarts(void)
{
    int32_t epoch;

    begin(4);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    (void)crew_join("t0", "group.instance.id", "b", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
    crew_forget_log(0);
    crew_forget_log(1);
    epoch = crew_group().epoch;
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    ck_assert_int_eq(crew_asked(0, LEAVE_GROUP), 0);
    if (!is_classic())
        ck_assert_int_eq(said[0].epoch, -2);
    nap(2500);
    ck_assert_int_eq(crew_group().members, 2);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    (void)crew_await(10000);
    crew_die(2);
    nap(1000);
    /* Of one that died the modern coordinator knows that it may still be there. */
    if (is_classic())
        (void)crew_join("t0", "group.instance.id", "a", NULL);
    else
        (void)crew_join("t0", NULL);
    nap(10000);
    (void)crew_await(20000);
    if (is_classic()) {
        ck_assert_int_eq(crew_group().epoch, epoch);
        ck_assert_str_eq(crew_log(1), "");
    }
    ck_assert_int_eq(crew_has(1), 2);
    crew_await_read(10000);
    crew_end();
}

START_TEST(check_37_a_static_member_that_restarts_takes_nothing_from_others)
{
    run_both(5, restarts);
}
END_TEST

/* Who leads looks after the topics of all, also when the coordinator has nothing for it to assign. */
static void leader_returns(void)
{
    begin(2);
    (void)crew_join("t0", "group.instance.id", "a", "metadata.max.age.ms", "2000", NULL);
    (void)crew_await(15000);
    (void)crew_join("t0", "group.instance.id", "b", "metadata.max.age.ms", "2000", NULL);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    nap(1000);
    (void)crew_join("t0", "group.instance.id", "a", "metadata.max.age.ms", "2000", NULL);
    (void)crew_await(10000);
    ck_assert(crew_grow(0, 6));
    (void)crew_await(10000);
    ck_assert_int_eq(crew_has(2), 3);
    crew_end();
}

/* The same, but it has been left behind by its own fault, and the topic grew meanwhile. */
static void leader_stalls(void)
{
    begin(2);
    (void)crew_join("t0", "group.instance.id", "a", "metadata.max.age.ms", "2000", "max.poll.interval.ms",
                    "4000", "partition.assignment.strategy", "cooperative-sticky", NULL);
    (void)crew_await(15000);
    (void)crew_join("t0", "group.instance.id", "b", "metadata.max.age.ms", "2000",
                    "partition.assignment.strategy", "cooperative-sticky", NULL);
    (void)crew_await(15000);
    crew_pause(0, 7000);
    nap(5500);
    ck_assert(crew_grow(0, 6));
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 3);
    crew_end();
}

START_TEST(check_37_a_leader_that_comes_back_looks_after_topics)
{
    run_both(5, leader_returns);
    run_classic(5, leader_stalls);
}
END_TEST

static void is_too_old(void)
{
    kfk_error e;

    begin(2);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    nap(2000);
    e = crew_error(0);
    ck_assert_int_eq(e.code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_msg(strstr(e.msg, "group g") && strstr(e.msg, "group.instance.id"), "%s", e.msg);
    crew_end();
}

START_TEST(check_37_a_broker_without_static_members_is_told_of)
{
    protocol = "classic";
    run_as(&(world_opts){.profile = "2.1"}, 3, is_too_old);
}
END_TEST

static void too_long(void)
{
    begin(4);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    (void)crew_join("t0", "group.instance.id", "b", NULL);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(1), 4);
    crew_await_read(10000);
    crew_end();
}

START_TEST(check_37_a_static_member_that_stays_away_is_given_up)
{
    run_both(5, too_long);
}
END_TEST

static void duplicate(void)
{
    kfk_error e;
    int failed;

    begin(4);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    (void)crew_await(15000);
    (void)crew_join("t0", "group.instance.id", "a", NULL);
    nap(10000);
    failed = is_classic() ? 0 : 1;
    e = crew_error(failed);
    ck_assert_int_eq(e.code, is_classic() ? KFK_ERR_FENCED_INSTANCE_ID : KFK_ERR_UNRELEASED_INSTANCE_ID);
    ck_assert(e.flags & KFK_FATAL);
    ck_assert_msg(strstr(e.msg, "group g") && strstr(e.msg, "group.instance.id"), "%s", e.msg);
    (void)crew_await(10000);
    ck_assert_int_eq(crew_has(!failed), 4);
    if (failed == 0)
        ck_assert(strstr(crew_log(0), "!t0-0") != NULL);
    crew_await_read(10000);
    crew_end();
}

START_TEST(check_37_the_same_instance_twice_is_an_error)
{
    run_both(5, duplicate);
}
END_TEST

/* ---- 38 ---- */


static void acknowledged_late(void)
{
    int64_t start;

    begin(4);
    (void)crew_join("t0", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
    crew_pause(0, 5000);
    nap(300);
    start = now();
    (void)crew_join("t0", NULL);
    while (crew_has(1) == 0)
        nap(10);
    ck_assert_int_gt(now() - start, 4500 * SIM_MS);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_has(0), 2);
    end();
}

START_TEST(check_38_nothing_is_given_away_before_its_revoked_returns)
{
    run_modern(5, acknowledged_late);
    run_classic(5, acknowledged_late);
}
END_TEST

static void fenced(void)
{
    char id[128];

    begin(4);
    two();
    strcpy(id, crew_id(0));
    crew_forget_log(0);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = CONSUMER_HEARTBEAT, .level = 0,
          .value = KFK_ERR_FENCED_MEMBER_EPOCH, .count = 2);
    nap(5000);
    (void)crew_await(20000);
    ck_assert_int_eq(crew_log(0)[0], '!');
    ck_assert_str_eq(crew_id(0), id);
    ck_assert_int_eq(said[0].joins + said[1].joins, 4);
    ck_assert_int_eq(kfk__devbroker_expire_member(w.broker, "g", id), KFK_OK);
    nap(5000);
    (void)crew_await(20000);
    ck_assert_str_eq(crew_id(0), id);
    crew_await_read(10000);
    end();
}

START_TEST(check_38_who_is_fenced_loses_all_and_joins_under_the_same_id)
{
    run_modern(5, fenced);
}
END_TEST

static void said_again(void)
{
    int before;

    begin(4);
    two();
    nap(3000);
    before = said[0].full + said[1].full;
    nap(3000);
    ck_assert_int_eq(said[0].full + said[1].full, before);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = CONSUMER_HEARTBEAT, .level = 0,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = CONSUMER_HEARTBEAT, .after = true, .skip = 2);
    nap(5000);
    ck_assert_int_ge(said[0].full + said[1].full, before + 2);
    (void)crew_await(10000);
    end();
}

START_TEST(check_38_after_an_error_all_is_said_again)
{
    run_modern(5, said_again);
}
END_TEST

/* Everything is said again, while the host is at it: the crew sees who has what. */
static void assigned_slowly(void)
{
    const crew_habits slow = {.slow_ms = 6000};

    begin(4);
    (void)crew_join_as(&slow, "t0", NULL);
    nap(300);
    (void)crew_join("t0", NULL);
    nap(400); /* the next heartbeat is that of the first */
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = CONSUMER_HEARTBEAT, .level = 0,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    (void)crew_await(30000);
    ck_assert_int_eq(crew_has(0), 2);
    crew_await_read(10000);
    end();
}

START_TEST(check_38_what_is_being_assigned_is_not_free)
{
    run_modern(10, assigned_slowly);
}
END_TEST

/* ---- 39 ---- */

static void stalls(void)
{
    kfk_error e;
    int p = 0;

    begin(4);
    (void)crew_join("t0", "max.poll.interval.ms", "10000", NULL);
    (void)crew_join("t0", "max.poll.interval.ms", "10000", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
    nap(1000);
    crew_forget_log(0);
    while (!crew_holds(0, 0, p))
        p++;
    crew_pause(0, 20000);
    nap(17000);
    ck_assert_int_eq(crew_has(1), 4);
    ck_assert_int_eq(crew_group().members, 1);
    ck_assert_int_eq(crew_commit_at(0, 0, p, 5, &e), KFK_ERR_REVOKED);
    ck_assert_str_eq(crew_log(0), "");
    nap(4000);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_log(0)[0], '!');
    ck_assert(strstr(crew_log(0), ";+t0") != NULL);
    ck_assert(strstr(crew_log(0), "-t0-0 t0-1 t0-2;") == NULL);
    ck_assert_int_eq(crew_has(0), 2);
    crew_await_read(10000);
    end();
}

START_TEST(check_39_who_polls_too_late_has_left_and_comes_back)
{
    run_both(5, stalls);
}
END_TEST

/* The crew looks at each commit: nothing of what the last poll brought. */
static void works_long(void)
{
    crew_habits slow = {.work_ms = 3000};

    begin(4);
    for (int i = 0; i < 2; i++)
        (void)crew_join_as(&slow, "t0", "auto.commit.interval.ms", "100", "max.poll.records", "3", NULL);
    (void)crew_await(25000);
    crew_pause(0, 4000);
    crew_await_read(100000);
    end();
}

START_TEST(check_39_what_the_last_poll_brought_is_not_committed)
{
    run_both(10, works_long);
}
END_TEST

static void each_once(void)
{
    begin(4);
    (void)crew_join("t0", "auto.commit.interval.ms", "600000", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
    (void)crew_join("t0", "auto.commit.interval.ms", "600000", NULL);
    (void)crew_await(15000);
    crew_fill(0, 4, 5);
    crew_await_read(10000);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    (void)crew_await(15000);
    crew_fill(0, 4, 5);
    crew_await_read(10000);
    end();
    for (int id = 0; id < w.sent; id++)
        ck_assert_int_eq(crew_reads(id), 1);
}

START_TEST(check_39_what_was_read_is_committed_before_it_is_given_up)
{
    run_both(10, each_once);
}
END_TEST

static void by_hand(void)
{
    kfk_error e;

    begin(2);
    (void)crew_join("t0", "enable.auto.commit", "false", NULL);
    (void)crew_await(15000);
    crew_await_read(10000);
    ck_assert_int_eq(crew_commit_at(0, 0, 0, 4, &e), KFK_OK);
    ck_assert_int_eq(crew_leave(0, 10000), KFK_OK);
    (void)crew_join("t0", "enable.auto.commit", "false", NULL);
    (void)crew_await(15000);
    nap(2000);
    ck_assert_int_eq(crew_handed(1, 0, 0), 10);
    ck_assert_int_eq(crew_handed(1, 0, 1), 10);
    for (int id = 0; id < w.sent; id++)
        ck_assert_int_eq(crew_reads(id), id % 2 == 0 && id / 2 < 4 ? 1 : 2);
    end();
}

START_TEST(check_39_only_what_is_committed_counts)
{
    run_both(5, by_hand);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {check_34_a_member_goes_on_where_the_group_was,
                                  check_35_a_member_id_costs_one_join_and_leaves_no_ghost,
                                  check_35_a_join_that_is_held_holds_up_nothing_else,
                                  check_36_a_rolling_restart_causes_no_rebalance,
                                  check_36_a_coordinator_that_moves_causes_no_rebalance,
                                  check_36_a_heartbeat_that_hangs_causes_no_rebalance,
                                  check_36_a_cluster_that_is_away_causes_no_rebalance,
                                  check_36_an_illegal_generation_keeps_the_member_id,
                                  check_36_a_rebalance_is_no_news_to_who_takes_part,
                                  check_37_a_static_member_that_restarts_takes_nothing_from_others,
                                  check_37_a_static_member_that_stays_away_is_given_up,
                                  check_37_a_leader_that_comes_back_looks_after_topics,
                                  check_37_a_broker_without_static_members_is_told_of,
                                  check_37_the_same_instance_twice_is_an_error,
                                  check_38_nothing_is_given_away_before_its_revoked_returns,
                                  check_38_who_is_fenced_loses_all_and_joins_under_the_same_id,
                                  check_38_after_an_error_all_is_said_again,
                                  check_38_what_is_being_assigned_is_not_free,
                                  check_39_who_polls_too_late_has_left_and_comes_back,
                                  check_39_what_the_last_poll_brought_is_not_committed,
                                  check_39_what_was_read_is_committed_before_it_is_given_up,
                                  check_39_only_what_is_committed_counts,
                                  NULL};

    return world_main("group_checks", tests);
}
