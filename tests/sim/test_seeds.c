/* Random work against random faults, from a seed. Whatever happens: one report a record, in time;
 * what is called delivered is in the log, what is called not written is not there, and with
 * idempotence nothing is there twice or out of order; once the faults are over, all ends soon, the
 * memory is back, and what is sent then arrives.
 *
 * `make sim SEED=N` runs one seed, `make sim SEEDS=N` that many; a failure names its seed behind
 * the test's name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/handle.h"
#include "sim/world.h"

enum { SENDERS = 4, EACH = 60, TOPICS = 2, PARTITIONS = 3, NODES = 3, SEEDS = 200 };
enum { SLACK_MS = 2000, HEALED_MS = 15000, PROBE_MS = 10000 };

static const char *const topics[TOPICS] = {"a", "b"};

static struct {
    int sender, topic, partition; /* -1: any */
    int64_t at;
} sent[WORLD_RECORDS]; /* by record */
static bool deleted[TOPICS]; /* at some time */
/* The brokers have forgotten their producers, and with them what tells a repetition. */
static bool forgot;
static kfk_producer *p;
static kfk__mutex lock; /* guards the next two */
static int running;     /* fibers of ours */
static bool over;       /* they are to end */

/* What the producer was made with, and what is done to it. */
static struct {
    bool idempotent, in_order, app, closes, purges, stalls;
    int acks;
    int64_t delivery_ms, request_ms;
} is;
static const char *profile;

static uint64_t below(uint64_t n)
{
    return sim_below(w.rig.s, n);
}

static const char *pick(const char *const *values)
{
    size_t n = 0;

    while (values[n])
        n++;
    return values[below(n)];
}

#define PICK(...) pick((const char *const[]){__VA_ARGS__, NULL})

/* ---- the work ---- */

static int run_more(int n)
{
    int now_running;

    kfk__lock(&lock);
    now_running = running += n;
    kfk__unlock(&lock);
    return now_running;
}

static void begin(const char *name, void (*fn)(void *arg), int arg)
{
    (void)run_more(1);
    sim_spawn(w.rig.s, 1, name, fn, (void *)(intptr_t)arg);
}

static bool is_over(void)
{
    bool yes;

    kfk__lock(&lock);
    yes = over;
    kfk__unlock(&lock);
    return yes;
}

static int send_one(int sender, int t, int partition, uint32_t flags, size_t size)
{
    int id = new_record();

    sent[id].sender = sender;
    sent[id].topic = t;
    sent[id].partition = partition;
    (void)send_record(p, id, topics[t], partition, flags, size);
    sent[id].at = now();
    return id;
}

static void sender_main(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        if (below(3) == 0)
            nap((int64_t)below(below(10) ? 20 : 2000));
        (void)send_one((int)(intptr_t)arg, (int)below(TOPICS), (int)below(PARTITIONS + 1) - 1,
                       below(4) ? 0 : KFK_NOWAIT, 8 + (size_t)below(below(8) ? 50 : 1500));
    }
    (void)run_more(-1);
}

static int count_metric(const kfk_metric *m, void *arg)
{
    (void)m;
    ++*(int *)arg;
    return 0;
}

/* What other threads of an application do meanwhile. */
static void meddler_main(void *arg)
{
    int32_t partitions;
    int n = 0;

    (void)arg;
    while (!is_over()) {
        nap((int64_t)below(1000));
        switch (below(5)) {
        case 0:
            if (is.purges)
                ck_assert_int_eq(kfk_producer_purge(p, NULL), KFK_OK);
            break;
        case 1:
            ck_assert_int_eq(kfk_producer_metrics(p, count_metric, &n), KFK_OK);
            break;
        case 2:
            (void)kfk_producer_partitions(p, topics[below(TOPICS)], (int)below(50), &partitions,
                                          NULL);
            break;
        default:
            (void)kfk_producer_flush(p, (int)below(500), NULL);
            break;
        }
    }
    (void)run_more(-1);
}

static void dispatcher_main(void *arg)
{
    (void)arg;
    while (!is_over()) {
        kfk_err err = kfk_producer_dispatch(p, (int)below(50) - 1, NULL, NULL);

        ck_assert(err == KFK_OK || err == KFK_ERR_BUSY);
        nap((int64_t)below(20));
    }
    (void)run_more(-1);
}

static void closer_main(void *arg)
{
    (void)arg;
    nap((int64_t)below(8000));
    (void)kfk_producer_close(p, below(2) ? 0 : (int)below(5000), NULL);
    (void)run_more(-1);
}

/* ---- the producer ---- */

static const char *pick_ms(int64_t *ms, const char *value)
{
    *ms = strtoll(value, NULL, 10);
    return value;
}

static kfk_producer *random_producer(void)
{
    const char *acks = PICK("all", "all", "all", "all", "1", "0");
    const char *idempotent = acks[0] == 'a' && below(5) ? "true" : "false";
    const char *in_flight = PICK("1", "2", "5"), *dispatch = PICK("thread", "thread", "app");

    is.acks = acks[0] == 'a' ? -1 : acks[0] - '0';
    is.idempotent = idempotent[0] == 't';
    is.in_order = is.idempotent || in_flight[0] == '1';
    is.app = dispatch[0] == 'a';
    return producer(
        "acks", acks, "enable.idempotence", idempotent, "dispatch", dispatch, "linger.ms",
        PICK("0", "5", "50"), "batch.size", PICK("0", "200", "2000", "16384"), "compression.type",
        PICK("none", "none", "lz4", "zstd", "gzip", "snappy"),
        "max.in.flight.requests.per.connection", in_flight, "request.timeout.ms",
        pick_ms(&is.request_ms, PICK("300", "1000", "3000")), "delivery.timeout.ms",
        pick_ms(&is.delivery_ms, PICK("4000", "10000", "60000")), "buffer.memory",
        PICK("30000", "1000000"), "max.block.ms", PICK("0", "500", "20000"), "max.request.size",
        PICK("4000", "1048576"), "retry.backoff.ms", PICK("0", "100"), "reconnect.backoff.ms",
        PICK("0", "50"), "retries", PICK("1", "5", "2147483647"), "connections.max.idle.ms",
        PICK("700", "540000"), "partitioner.availability.timeout.ms", PICK("0", "500"), NULL);
}

/* ---- the faults ---- */

static void random_rule(void)
{
    static const kfk__dev_fault_kind kinds[] = {
        KFK__DEV_FAULT_ERROR, KFK__DEV_FAULT_DROP,     KFK__DEV_FAULT_HANG,   KFK__DEV_FAULT_DELAY,
        KFK__DEV_FAULT_ERROR, KFK__DEV_FAULT_THROTTLE, KFK__DEV_FAULT_LENGTH, KFK__DEV_FAULT_CUT};
    /* Only what may follow an append may be said after one. */
    static const int32_t before[] = {3, 5, 6, 7, 19, 20, 56, 74, 2, 10, 29, 45, 59, -1};
    static const int32_t after[] = {7, 20, 56, -1};
    static const int16_t apis[] = {PRODUCE,  PRODUCE,      PRODUCE,
                                   METADATA, API_VERSIONS, INIT_PRODUCER_ID};
    kfk__dev_fault f = {.kind = kinds[below(8)],
                        .after = below(2),
                        .api = apis[below(6)],
                        .node = below(2) ? KFK__DEV_ANY : 1 + (int32_t)below(NODES),
                        .skip = (int32_t)below(4),
                        .count = 1 + (int32_t)below(3),
                        .level = KFK__DEV_ANY};

    if (f.kind == KFK__DEV_FAULT_ERROR)
        f.value = f.api == INIT_PRODUCER_ID ? 14
                  : f.api != PRODUCE        ? 3
                  : f.after                 ? after[below(4)]
                                            : before[below(14)];
    if (f.kind == KFK__DEV_FAULT_ERROR && f.api == API_VERSIONS)
        f.value = -1;
    if (f.kind == KFK__DEV_FAULT_DELAY || f.kind == KFK__DEV_FAULT_THROTTLE)
        f.value = (int32_t)below(1500);
    if (f.kind == KFK__DEV_FAULT_LENGTH)
        f.value = below(2) ? (int32_t)below(40) : (int32_t)below(INT32_MAX);
    if (f.kind == KFK__DEV_FAULT_CUT)
        f.at = (int32_t)below(60);
    (void)fault(f);
}

static void network_fault(int64_t ms)
{
    if (below(2)) {
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        return;
    }
    simnet_partition(w.rig.s, 1, WORLD_HOST, true);
    nap(ms);
    simnet_partition(w.rig.s, 1, WORLD_HOST, false);
}

static void cluster_fault(int32_t node, int64_t ms)
{
    const char *name = topics[below(TOPICS)];

    switch (below(4)) {
    case 0:
        (void)kfk__devbroker_stop_node(w.broker, node);
        nap(ms);
        (void)kfk__devbroker_start_node(w.broker, node);
        break;
    case 1:
        (void)kfk__devbroker_bump_epoch(w.broker, name, (int32_t)below(PARTITIONS));
        break;
    default:
        (void)kfk__devbroker_move_leader(w.broker, name, (int32_t)below(PARTITIONS), node);
        break;
    }
}

static void topic_fault(int64_t ms)
{
    uint64_t t = below(TOPICS);

    switch (below(4)) {
    case 0:
        /* With epochs and without ids, the new topic's look like those of an answer that lags. */
        if (profile && strcmp(profile, "2.4") == 0)
            break;
        deleted[t] = true;
        ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, topics[t]), KFK_OK);
        nap(below(2) ? 0 : ms);
        topic(topics[t], PARTITIONS, NODES);
        break;
    case 1:
        (void)kfk__devbroker_set_config(w.broker, topics[t], "max.message.bytes",
                                        PICK("200", "700", "1048588"));
        break;
    default:
        forgot = true;
        kfk__devbroker_expire_producers(w.broker);
        break;
    }
}

/* The application's host runs out of memory, once or for a while. */
static void memory_fault(int64_t ms)
{
    if (below(2)) {
        failalloc_fail_once(&w.rig.mem, 1 + below(30));
        return;
    }
    failalloc_fail_from(&w.rig.mem, 1 + below(30));
    nap(ms);
    failalloc_fail_from(&w.rig.mem, 0);
}

static void random_fault(void)
{
    int32_t node = 1 + (int32_t)below(NODES);
    int64_t ms = (int64_t)below(1500);

    switch (below(10)) {
    case 0:
    case 1:
        cluster_fault(node, ms);
        break;
    case 2:
        network_fault(ms);
        break;
    case 3:
        topic_fault(ms);
        break;
    case 4:
        memory_fault(ms);
        break;
    default:
        random_rule();
        break;
    }
}

static void heal(void)
{
    failalloc_fail_from(&w.rig.mem, 0);
    kfk__devbroker_fault_clear(w.broker);
    for (int32_t i = 1; i <= NODES; i++)
        (void)kfk__devbroker_start_node(w.broker, i);
    for (int t = 0; t < TOPICS; t++)
        (void)kfk__devbroker_set_config(w.broker, topics[t], "max.message.bytes", "1048588");
    /* A connection on which a request hangs never answers any more. */
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
}

/* ---- the oracle ---- */

static int64_t place[WORLD_RECORDS]; /* in its log, the first time; -1: in none */

static bool has_its_order(int id)
{
    if (is.idempotent)
        return !forgot;
    return is.in_order && w.reports[id].status == KFK_DELIVERED;
}

static void read_log(int t, int partition)
{
    static int ids[WORLD_RECORDS];
    int last[SENDERS + 1] = {-1, -1, -1, -1, -1};
    int n = log_of(topics[t], partition, ids, WORLD_RECORDS);

    for (int i = 0; i < n; i++) {
        int id = ids[i], from = sent[id].sender;

        ck_assert_int_eq(sent[id].topic, t);
        ck_assert_msg(sent[id].partition < 0 || sent[id].partition == partition,
                      "record %d is in partition %d", id, partition);
        if (is.idempotent && !forgot)
            ck_assert_msg(place[id] < 0, "record %d is in the log twice", id);
        if (place[id] >= 0)
            continue;
        place[id] = i;
        if (!has_its_order(id))
            continue;
        ck_assert_msg(id > last[from], "record %d comes after %d", id, last[from]);
        last[from] = id;
    }
}

static void judge_record(int id)
{
    const report *r = &w.reports[id];
    int64_t took = r->at - sent[id].at;

    if (r->refused || r->status == KFK_NOT_WRITTEN)
        ck_assert_msg(place[id] < 0, "record %d is there: %d %s", id, r->err, r->msg);
    if (!r->refused && !is.app)
        ck_assert_msg(took <= (is.delivery_ms + SLACK_MS) * SIM_MS,
                      "record %d was told of after %d ms", id, (int)(took / SIM_MS));
    if (r->refused || r->status != KFK_DELIVERED || deleted[sent[id].topic])
        return;
    ck_assert_int_ne(is.acks, 0);
    ck_assert_msg(place[id] >= 0, "record %d is not there", id);
    if (is.idempotent && !forgot)
        ck_assert(r->offset < 0 || r->offset == place[id]);
}

static void judge(void)
{
    for (int i = 0; i < w.sent; i++)
        place[i] = -1;
    for (int t = 0; t < TOPICS; t++)
        for (int i = 0; i < PARTITIONS; i++)
            read_log(t, i);
    (void)told(0);
    for (int i = 0; i < w.sent; i++)
        judge_record(i);
}

/* ---- the end ---- */

/* One to each partition, one at a time, since all memory may be a single batch. */
static void send_round(void)
{
    int64_t start = now();

    for (int t = 0; t < TOPICS; t++)
        for (int i = 0; i < PARTITIONS; i++) {
            (void)send_one(SENDERS, t, i, 0, 8);
            ck_assert_msg(kfk_producer_flush(p, PROBE_MS, &w.e) == KFK_OK, "%s", w.e.msg);
            nap(20); /* its memory comes back behind its result */
        }
    ck_assert_int_lt(now() - start, PROBE_MS * SIM_MS);
}

/* Nothing is left of what went wrong before, once it has found out who leads. */
static void probe(void)
{
    int first;

    send_round();
    first = w.sent;
    send_round();
    for (int i = first; i < w.sent; i++)
        ck_assert_msg(w.reports[i].status == (is.acks ? KFK_DELIVERED : KFK_UNKNOWN),
                      "record %d: %d times, %d %d %s", i, w.reports[i].n, w.reports[i].status,
                      w.reports[i].err, w.reports[i].msg);
}

/* All memory is back, once what has expired in flight is answered or its connection gone. */
static void memory_is_back(void)
{
    kfk__pool *pool = &p->accumulator.pool;

    nap(is.request_ms + 100);
    kfk__lock(&pool->lock);
    ck_assert_uint_eq(pool->available, pool->total);
    ck_assert_uint_eq(pool->owed, 0);
    kfk__unlock(&pool->lock);
}

static void end_work(void)
{
    kfk__lock(&lock);
    over = true;
    kfk__unlock(&lock);
    while (run_more(0) > 0)
        nap(10);
}

static void wind_up(void)
{
    int64_t start = now();

    while (run_more(0) > is.app + 1) /* the dispatcher, the meddler */
        nap(10);
    ck_assert_msg(kfk_producer_flush(p, HEALED_MS, &w.e) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_lt(now() - start, (EACH * 20 + 100) * SIM_S);
    end_work();
    if (!is.closes) {
        memory_is_back();
        probe();
        memory_is_back();
    }
    (void)kfk_producer_close(p, below(2) ? 0 : 1000, &w.e);
    judge();
    if (getenv("SIM_VERBOSE"))
        (void)fprintf(stderr, "%d delivered, %d not written, %d unknown of %d\n",
                      told(KFK_DELIVERED), told(KFK_NOT_WRITTEN), told(KFK_UNKNOWN), w.sent);
    kfk_producer_free(p);
}

static void begin_work(void)
{
    kfk__mutex_init(&lock);
    running = 0;
    over = false;
    memset(deleted, 0, sizeof deleted);
    forgot = false;
    is.closes = below(6) == 0;
    is.purges = below(4) == 0;
    for (int i = 0; i < SENDERS; i++)
        begin("sender", sender_main, i);
    begin("meddler", meddler_main, 0);
    if (is.app)
        begin("dispatcher", dispatcher_main, 0);
    if (is.closes)
        begin("closer", closer_main, 0);
    if (below(4) == 0)
        sim_stalls(w.rig.s, 50, 5 * SIM_MS);
}

static void app(void)
{
    for (int t = 0; t < TOPICS; t++)
        topic(topics[t], PARTITIONS, NODES);
    p = random_producer();
    ck_assert_msg(p != NULL, "%s", w.e.msg);
    begin_work();
    for (uint64_t n = below(15); n > 0; n--) {
        nap((int64_t)below(800));
        random_fault();
    }
    heal();
    wind_up();
}

static uint64_t run(uint64_t seed)
{
    static const char *const profiles[] = {"2.1", "2.4", "2.8", "3.3", "3.7", NULL, NULL, NULL};
    world_opts o = {.seed = seed,
                    .nodes = NODES,
                    .profile = profiles[seed % 8],
                    .no_auto_create = true,
                    .limit = 1800 * SIM_S};

    profile = o.profile;
    return world_run(&o, app);
}

START_TEST(seed)
{
    (void)run((uint64_t)_i);
}
END_TEST

START_TEST(a_seed_is_a_trace)
{
    for (uint64_t s = 1; s <= 10; s++)
        ck_assert_uint_eq(run(s), run(s));
}
END_TEST

int main(void)
{
    return world_seeds_main("sim/seeds", seed, a_seed_is_a_trace, SEEDS);
}
