/* Random members of a group, random events, from a seed. Whatever happens: what crew.h says; once it is over the group is
 * soon stable and stays so, every record has been read, and what was read is committed.
 *
 * `make sim-groups SEED=N` runs one seed, `make sim-groups SEEDS=N` that many. SIM_VERBOSE=1 tells the events,
 * CREW_VERBOSE=1 what listeners hear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crew.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 60 };
#else
enum { SEEDS = 200 };
#endif
enum { TOPICS = 2, NODES = 3, RECORDS = 400, SESSION_MS = 6000, HEARTBEAT_MS = 1000 };
/* Backoffs, and what is found out only by looking now and then. */
enum { SLACK_MS = 6000 };

static struct {
    const char *protocol, *strategies[2], *commit_ms, *auto_commit, *max_poll, *max_records, *metadata_ms, *retry;
    bool statics, old, before_3_2; /* old: without static members */
    int64_t slow_ms, work_ms;
    int parts[TOPICS];
} is;

static kfk__mutex lock;
static bool producing;

static const char *pick(const char *const *values)
{
    size_t n = 0;

    while (values[n])
        n++;
    return values[below(n)];
}

#define PICK(...) pick((const char *const[]){__VA_ARGS__, NULL})

static void tell(const char *what, int i)
{
    if (getenv("SIM_VERBOSE"))
        (void)fprintf(stderr, "%8.3f %s %d\n", (double)now() / SIM_S, what, i);
}

/* The producer's, too. */
static int parts_of(int t)
{
    int n;

    kfk__lock(&lock);
    n = is.parts[t];
    kfk__unlock(&lock);
    return n;
}

/* ---- records ---- */

static void producer_main(void *arg)
{
    kfk_producer *p = producer("client.id", "producer", "acks", "all", NULL);

    (void)arg;
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < RECORDS; i++) {
        int t = (int)below(TOPICS);

        nap((int64_t)below(100));
        (void)send_to(p, t ? "t1" : "t0", (int32_t)below((uint64_t)parts_of(t)));
    }
    flush(p);
    kfk_producer_free(p);
    kfk__lock(&lock);
    producing = false;
    kfk__unlock(&lock);
}

static void await_producer(void)
{
    bool still = true;

    while (still) {
        nap(50);
        kfk__lock(&lock);
        still = producing;
        kfk__unlock(&lock);
    }
}

/* ---- members ---- */

static const char *random_topics(void)
{
    return PICK("t0,t1", "t0,t1", "t0", "t1", "^t[01]");
}

/* Somebody reads all there is, or it would not be read. */
static const char *topics_for(int i)
{
    return i == 0 ? "t0,t1" : random_topics();
}

static void join(const char *instance)
{
    static char names[CREW][8];
    crew_habits h = {.slow_ms = is.slow_ms, .work_ms = is.work_ms, .commits = is.auto_commit[0] == 'f'};
    const char *v[20];
    int n = 0, i = crew_size();

    if (!instance && is.statics && below(2)) {
        (void)snprintf(names[i], sizeof names[i], "i%d", i);
        instance = names[i];
    }
    if (instance) {
        v[n++] = "group.instance.id";
        v[n++] = instance;
    }
    if (is.strategies[0]) {
        v[n++] = "partition.assignment.strategy";
        v[n++] = is.strategies[below(2)];
    }
    while (n < 20)
        v[n++] = NULL;
    tell(instance ? "static join" : "join", i);
    (void)crew_join_as(&h, topics_for(i), "enable.auto.commit", is.auto_commit, "auto.commit.interval.ms",
                       is.commit_ms, "max.poll.interval.ms", is.max_poll, "max.poll.records",
                       is.max_records, "metadata.max.age.ms", is.metadata_ms, "retry.backoff.ms", is.retry,
                       "request.timeout.ms", "4000", v[0], v[1], v[2], v[3], NULL);
}

static int anybody(void)
{
    int i = (int)below((uint64_t)crew_size());

    return crew_is_there(i) ? i : -1;
}

static int live(void)
{
    int n = 0;

    for (int i = 0; i < crew_size(); i++)
        n += crew_is_there(i);
    return n;
}

/* ---- events ---- */

static void random_rule(void)
{
    static const kfk__dev_fault_kind kinds[] = {KFK__DEV_FAULT_ERROR, KFK__DEV_FAULT_ERROR, KFK__DEV_FAULT_DROP,
                                                KFK__DEV_FAULT_HANG, KFK__DEV_FAULT_DELAY,
                                                KFK__DEV_FAULT_THROTTLE};
    static const int16_t classic[] = {FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP, HEARTBEAT, HEARTBEAT,
                                      LEAVE_GROUP, OFFSET_COMMIT, OFFSET_FETCH, METADATA, FETCH};
    static const int16_t modern[] = {FIND_COORDINATOR, CONSUMER_HEARTBEAT, CONSUMER_HEARTBEAT,
                                     CONSUMER_HEARTBEAT, OFFSET_COMMIT, OFFSET_FETCH, METADATA, FETCH};
    static const int32_t of_all[] = {14, 15, 16, 7};
    static const int32_t of_classic[] = {14, 15, 16, 22, 25, 27, 25, 22};
    static const int32_t of_modern[] = {14, 15, 16, 25, 110};
    bool old = is.protocol[1] == 'l';
    kfk__dev_fault f = {.kind = kinds[below(6)],
                        .after = below(2),
                        .api = old ? classic[below(10)] : modern[below(8)],
                        .node = KFK__DEV_ANY,
                        .skip = (int32_t)below(4),
                        .count = 1 + (int32_t)below(4),
                        .level = KFK__DEV_ANY};

    if (f.kind == KFK__DEV_FAULT_ERROR) {
        if (f.api == METADATA || f.api == FETCH)
            f.value = 3;
        else if (f.api == FIND_COORDINATOR || f.api == OFFSET_FETCH)
            f.value = of_all[below(f.api == OFFSET_FETCH ? 3 : 2)];
        else
            f.value = old ? of_classic[below(8)] : of_modern[below(5)];
        f.after = false; /* it would be a lie about members, which a broker does not tell */
    }
    if (f.kind == KFK__DEV_FAULT_DELAY || f.kind == KFK__DEV_FAULT_THROTTLE)
        f.value = (int32_t)below(3000);
    tell("rule for API", f.api);
    (void)fault(f);
}

static void node_event(void)
{
    int32_t node = 1 + (int32_t)below(NODES);

    switch (below(3)) {
    case 0:
        tell("stop node", node);
        (void)kfk__devbroker_stop_node(w.broker, node);
        nap((int64_t)below(5000));
        (void)kfk__devbroker_start_node(w.broker, node);
        break;
    case 1:
        tell("move coordinator to", node);
        (void)kfk__devbroker_move_coordinator(w.broker, "g", node);
        break;
    default:
        tell("cut", 0);
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        break;
    }
}

static void group_event(int i)
{
    char id[128];

    switch (below(5)) {
    case 0:
        tell("forget group", 0);
        (void)kfk__devbroker_forget_group(w.broker, "g");
        break;
    case 1:
        if (i < 0)
            break;
        tell("expire", i);
        (void)snprintf(id, sizeof id, "%s", crew_id(i));
        (void)kfk__devbroker_expire_member(w.broker, "g", id);
        break;
    case 2:
        tell("rebalance", 0);
        (void)kfk__devbroker_rebalance_group(w.broker, "g");
        break;
    default:
        if (i < 0 || !crew_is_subscribed(i))
            break;
        tell("rejoin", i);
        (void)kfk_consumer_rejoin(crew_handle(i), "a test", NULL);
        break;
    }
}

static void grow(void)
{
    int t = (int)below(TOPICS), n = is.parts[t] + 1 + (int)below(3);

    /* Before Kafka 3.2 a static leader that comes back does not know that it leads. */
    if (n > CREW_PARTS || (is.statics && is.before_3_2))
        return;
    tell("grow", t);
    if (!crew_grow(t, n))
        return;
    kfk__lock(&lock);
    is.parts[t] = n;
    kfk__unlock(&lock);
}

/* A static member comes back, in time or too late. */
static void go(int i)
{
    const char *instance = crew_instance(i);
    bool dies = below(2);

    if (i == 0) /* it reads all */
        return;
    tell(dies ? "dies" : "leaves", i);
    if (dies)
        crew_die(i);
    else
        dies = crew_leave(i, (int)below(3) * 2000) != KFK_OK; /* the coordinator may not have heard */
    if (!instance || crew_size() == CREW || below(3) == 0)
        return;
    /* One that died still has its name, as far as a modern coordinator knows. */
    nap((int64_t)below(8000) + (dies && is.protocol[1] == 'o' ? SESSION_MS + 1000 : 0));
    join(instance);
}

static void member_event(int i)
{
    if (i < 0)
        return;
    switch (below(6)) {
    case 0:
    case 1:
        go(i);
        break;
    case 2:
        tell("pause", i);
        crew_pause(i, (int64_t)below(20000));
        break;
    case 3:
        tell("cut off", i);
        crew_cut_off(i, true);
        nap((int64_t)below(12000));
        crew_cut_off(i, false);
        break;
    case 4:
        if (i == 0)
            break;
        tell(crew_is_subscribed(i) ? "unsubscribe" : "subscribe", i);
        if (crew_is_subscribed(i))
            (void)crew_unsubscribe(i, 3000);
        else
            ck_assert_int_eq(crew_subscribe(i, random_topics()), KFK_OK);
        break;
    default:
        if (i == 0 || !crew_is_subscribed(i))
            break;
        tell("other topics", i);
        ck_assert_int_eq(crew_subscribe(i, random_topics()), KFK_OK);
        break;
    }
}

static void random_event(void)
{
    switch (below(8)) {
    case 0:
        node_event();
        break;
    case 1:
        group_event(anybody());
        break;
    case 2:
        if (below(2))
            grow();
        break;
    case 3:
    case 4:
        random_rule();
        break;
    case 5:
        if (live() < 6 && crew_size() < CREW)
            join(NULL);
        break;
    default:
        member_event(anybody());
        break;
    }
}

static void heal(void)
{
    kfk__devbroker_fault_clear(w.broker);
    for (int32_t i = 1; i <= NODES; i++)
        (void)kfk__devbroker_start_node(w.broker, i);
    for (int i = 0; i < crew_size(); i++) {
        crew_cut_off(i, false);
        crew_pause(i, 0);
    }
    /* A connection on which a request hangs never answers any more. */
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    tell("healed", 0);
}

/* ---- the end ---- */

/* It stays as it is. */
static void expect_calm(void)
{
    static char before[CREW][CREW_LOG];
    int32_t epoch = crew_group().epoch;

    for (int i = 0; i < crew_size(); i++)
        strcpy(before[i], crew_log(i));
    nap(5000);
    ck_assert_msg(crew_is_stable(), "it is not stable any more");
    ck_assert_int_eq(crew_group().epoch, epoch);
    for (int i = 0; i < crew_size(); i++)
        ck_assert_str_eq(crew_log(i), before[i]);
}

/* All is committed, where it is committed by itself at the end. */
static void expect_committed(void)
{
    static int ids[WORLD_RECORDS];
    kfk_consumer *c = consumer("group.id", "g", "client.id", "judge", NULL);

    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < is.parts[t]; p++) {
            kfk_tp at = tp(t ? "t1" : "t0", p, 0);
            int end = log_of(at.topic, p, ids, WORLD_RECORDS);

            ck_assert_msg(kfk_consumer_committed(c, &at, 1, 20000, &w.e) == KFK_OK, "%s", w.e.msg);
            /* By hand it is tried, and no more. */
            ck_assert_msg(at.offset == end || (end == 0 && at.offset < 0) ||
                              (is.auto_commit[0] == 'f' && at.offset < end),
                          "%lld of %s-%d is committed, and it ends at %d", (long long)at.offset,
                          at.topic, p, end);
        }
    kfk_consumer_free(c);
}

static void wind_up(void)
{
    int64_t took, most = SESSION_MS + 3 * HEARTBEAT_MS + 3 * is.slow_ms + is.work_ms + SLACK_MS;

    heal();
    took = crew_await(most);
    if (getenv("SIM_VERBOSE"))
        (void)fprintf(stderr, "seed %llu: stable after %lld ms of %lld\n",
                      (unsigned long long)sim_seed(w.rig.s), (long long)took, (long long)most);
    expect_calm();
    await_producer();
    crew_await_read(10000 + (is.work_ms + is.slow_ms) * RECORDS);
    for (int i = 0; i < crew_size(); i++) {
        ck_assert_msg(crew_error(i).code == KFK_OK || !(crew_error(i).flags & KFK_FATAL), "m%d: %s", i,
                      crew_error(i).msg);
        if (crew_is_there(i))
            ck_assert_int_eq(crew_leave(i, 20000), KFK_OK);
    }
    expect_committed();
}

static void random_setting(void)
{
    static const char *const strategies[][2] = {
        {NULL, NULL},
        {"range", "range"},
        {"roundrobin", "roundrobin,range"},
        {"sticky", "sticky"},
        {"cooperative-sticky", "cooperative-sticky"},
        {"cooperative-sticky", "cooperative-sticky"},
        {"cooperative-sticky", "cooperative-sticky,range"},
    };
    uint64_t s = below(7);

    is.strategies[0] = is.protocol[1] == 'l' ? strategies[s][0] : NULL;
    is.strategies[1] = strategies[s][1];
    is.commit_ms = PICK("100", "1000", "60000");
    is.auto_commit = PICK("true", "true", "false");
    is.max_poll = PICK("10000", "30000", "300000");
    is.max_records = PICK("1", "10", "500");
    is.metadata_ms = PICK("1000", "4000");
    is.retry = PICK("20", "100");
    is.statics = below(3) == 0 && !is.old;
    is.slow_ms = below(2) ? 0 : (int64_t)below(1500);
    is.work_ms = below(2) ? 0 : (int64_t)below(100);
}

static void app(void)
{
    kfk__dev_group_settings set = {.session_ms = SESSION_MS,
                                   .heartbeat_ms = HEARTBEAT_MS,
                                   .initial_delay_ms = below(2) ? 0 : (int32_t)below(500),
                                   .assign_ms = below(2) ? 0 : (int32_t)below(500)};

    crew_begin(is.protocol);
    random_setting();
    kfk__devbroker_set_groups(w.broker, &set);
    crew_replicas(NODES);
    for (int t = 0; t < TOPICS; t++) {
        is.parts[t] = 1 + (int)below(6);
        crew_topic(t, is.parts[t]);
    }
    kfk__mutex_init(&lock);
    producing = true;
    sim_spawn(w.rig.s, 9, "producer", producer_main, NULL);
    for (uint64_t n = 1 + below(3); n > 0; n--)
        join(NULL);
    for (uint64_t n = below(15); n > 0; n--) {
        nap((int64_t)below(4000));
        random_event();
    }
    wind_up();
}

static uint64_t run(uint64_t seed)
{
    static const char *const profiles[] = {"2.1", "2.4", "2.8", "3.7", NULL, NULL, NULL, NULL};
    world_opts o = {.seed = seed,
                    .nodes = NODES,
                    .profile = profiles[seed % 8],
                    .heard = crew_heard,
                    .limit = 3600 * SIM_S};

    is.old = seed % 8 == 0;
    is.before_3_2 = seed % 8 < 3;
    is.protocol = seed % 8 < 5 ? "classic" : "consumer";
    return world_run(&o, app);
}

START_TEST(seed)
{
    (void)run((uint64_t)_i);
}
END_TEST

START_TEST(a_seed_is_a_trace)
{
    for (uint64_t s = 1; s <= 8; s++)
        ck_assert_uint_eq(run(s), run(s));
}
END_TEST

int main(void)
{
    return world_seeds_main("sim/group_seeds", seed, a_seed_is_a_trace, SEEDS);
}
