/* Random work against random faults, from a seed. Whatever happens: one report a record; what is
 * called delivered is in the log once and in order, what is called not written is not there; and
 * once the faults are over, all ends soon. acks=all, idempotent.
 *
 * SIM_SEED=N runs one seed, SIM_SEEDS=N that many. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/world.h"

enum { SENDERS = 4, EACH = 60, TOPICS = 2, PARTITIONS = 3, NODES = 3, SEEDS = 200 };

static const char *const topics[TOPICS] = {"a", "b"};

static struct {
    int sender, topic, partition;
} sent[WORLD_RECORDS]; /* by record */
static kfk_producer *p;
static kfk__mutex lock;
static int running; /* senders; under lock */

static uint64_t below(uint64_t n)
{
    return sim_below(w.rig.s, n);
}

/* ---- the work ---- */

static void send_one(int sender)
{
    int id = new_record();

    sent[id].sender = sender;
    sent[id].topic = (int)below(TOPICS);
    sent[id].partition = (int)below(PARTITIONS);
    (void)send_record(p, id, topics[sent[id].topic], sent[id].partition, below(4) ? 0 : KFK_NOWAIT,
                      8 + (size_t)below(below(8) ? 50 : 1500));
}

static void sender_main(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        if (below(3) == 0)
            nap((int64_t)below(below(10) ? 20 : 2000));
        send_one((int)(intptr_t)arg);
    }
    kfk__lock(&lock);
    running--;
    kfk__unlock(&lock);
}

static bool all_sent(void)
{
    bool yes;

    kfk__lock(&lock);
    yes = running == 0;
    kfk__unlock(&lock);
    return yes;
}

static const char *pick(const char *const *values)
{
    size_t n = 0;

    while (values[n])
        n++;
    return values[below(n)];
}

#define PICK(...) pick((const char *const[]){__VA_ARGS__, NULL})

static kfk_producer *random_producer(void)
{
    const char *request = PICK("300", "1000", "3000");

    return producer(
        "linger.ms", PICK("0", "5", "50"), "batch.size", PICK("0", "200", "2000", "16384"),
        "compression.type", PICK("none", "none", "lz4", "zstd", "gzip", "snappy"),
        "max.in.flight.requests.per.connection", PICK("1", "2", "5"), "request.timeout.ms", request,
        "delivery.timeout.ms", PICK("4000", "10000", "60000"), "buffer.memory",
        PICK("30000", "1000000"), "max.block.ms", PICK("500", "20000"), "retry.backoff.ms",
        PICK("0", "100"), "reconnect.backoff.ms", PICK("0", "50"), "retries",
        PICK("1", "5", "2147483647"), "enable.idempotence", "true", "connections.max.idle.ms",
        PICK("700", "540000"), NULL);
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

static void random_fault(void)
{
    int32_t node = 1 + (int32_t)below(NODES);
    int64_t ms = (int64_t)below(1500);

    switch (below(8)) {
    case 0:
        (void)kfk__devbroker_stop_node(w.broker, node);
        nap(ms);
        (void)kfk__devbroker_start_node(w.broker, node);
        return;
    case 1:
        (void)kfk__devbroker_move_leader(w.broker, topics[below(TOPICS)],
                                         (int32_t)below(PARTITIONS), node);
        return;
    case 2:
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        return;
    case 3:
        simnet_partition(w.rig.s, 1, WORLD_HOST, true);
        nap(ms);
        simnet_partition(w.rig.s, 1, WORLD_HOST, false);
        return;
    default:
        random_rule();
        return;
    }
}

static void heal(void)
{
    kfk__devbroker_fault_clear(w.broker);
    for (int32_t i = 1; i <= NODES; i++)
        (void)kfk__devbroker_start_node(w.broker, i);
    /* A connection on which a request hangs never answers any more. */
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
}

/* ---- the oracle ---- */

static int64_t place[WORLD_RECORDS]; /* in its log; -1: in none */

static void read_log(int t, int partition)
{
    static int ids[WORLD_RECORDS];
    int last[SENDERS] = {-1, -1, -1, -1};
    int n = log_of(topics[t], partition, ids, WORLD_RECORDS);

    for (int i = 0; i < n; i++) {
        int id = ids[i], from = sent[id].sender;

        ck_assert_int_eq(sent[id].topic, t);
        ck_assert_int_eq(sent[id].partition, partition);
        ck_assert_msg(place[id] < 0, "record %d is in the log twice", id);
        ck_assert_msg(id > last[from], "record %d comes after %d", id, last[from]);
        place[id] = i;
        last[from] = id;
    }
}

static void judge(void)
{
    for (int i = 0; i < w.sent; i++)
        place[i] = -1;
    for (int t = 0; t < TOPICS; t++)
        for (int i = 0; i < PARTITIONS; i++)
            read_log(t, i);
    (void)told(0);
    for (int i = 0; i < w.sent; i++) {
        const report *r = &w.reports[i];

        if (r->refused || r->status == KFK_NOT_WRITTEN)
            ck_assert_msg(place[i] < 0, "record %d is there: %d %s", i, r->err, r->msg);
        if (r->status != KFK_DELIVERED)
            continue;
        ck_assert_msg(place[i] >= 0, "record %d is not there", i);
        ck_assert(r->offset < 0 || r->offset == place[i]);
    }
}

static void app(void)
{
    int64_t start;

    for (int t = 0; t < TOPICS; t++)
        topic(topics[t], PARTITIONS, NODES);
    kfk__mutex_init(&lock);
    running = SENDERS;
    p = random_producer();
    ck_assert_msg(p != NULL, "%s", w.e.msg);
    for (int i = 0; i < SENDERS; i++)
        sim_spawn(w.rig.s, 1, "sender", sender_main, (void *)(intptr_t)i);
    if (below(4) == 0)
        sim_stalls(w.rig.s, 50, 5 * SIM_MS);
    for (uint64_t n = below(15); n > 0; n--) {
        nap((int64_t)below(800));
        random_fault();
    }
    heal();
    start = now();
    while (!all_sent())
        nap(10);
    ck_assert_msg(kfk_producer_flush(p, 60000, &w.e) == KFK_OK, "%s", w.e.msg);
    ck_assert_int_lt(now() - start, 100 * SIM_S);
    ck_assert_int_eq(kfk_producer_close(p, below(2) ? 0 : 1000, &w.e), KFK_OK);
    judge();
    if (getenv("SIM_VERBOSE"))
        (void)fprintf(stderr, "%d delivered, %d not written, %d unknown of %d\n",
                      told(KFK_DELIVERED), told(KFK_NOT_WRITTEN), told(KFK_UNKNOWN), w.sent);
    kfk_producer_free(p);
}

static uint64_t run(uint64_t seed)
{
    world_opts o = {.seed = seed, .nodes = NODES};

    if (getenv("SIM_VERBOSE"))
        (void)fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    return world_run(&o, app);
}

START_TEST(seeds)
{
    const char *one = getenv("SIM_SEED"), *many = getenv("SIM_SEEDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t n = one ? 1 : many ? strtoull(many, NULL, 10) : SEEDS;

    for (uint64_t seed = first; seed < first + n; seed++)
        (void)run(seed);
}
END_TEST

START_TEST(a_seed_is_a_trace)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        ck_assert_uint_eq(run(seed), run(seed));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {seeds, a_seed_is_a_trace, NULL};

    return world_main("sim/seeds", tests);
}
