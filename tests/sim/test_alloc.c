/* Whole handles that run out of memory. The n-th allocation of the application's host fails, for
 * every n until there is no n-th: alone, or with all that follow for a while, or with all that
 * follow. Whatever it hits: one report for each record that was taken and none for one that was
 * not; what is called delivered is in the log once and in order, what is called not written is not
 * there; close is back in time, nothing is left of anybody's memory; and once there is memory again
 * all goes on by itself. */
#include <kfk/admin_groups.h>

#include "admin/admin_env.h"
#include "sim/world.h"

/* Every n would take minutes under a sanitizer. */
#if defined(__SANITIZE_ADDRESS__)
enum { STEP = 4 };
#elif defined(__SANITIZE_THREAD__)
enum { STEP = 17 };
#else
enum { STEP = 1 };
#endif
enum { N = 60, NODES = 2, SEEDS = 3, RELIEF_MS = 3000 };

typedef enum shortage {
    ONCE,
    A_WHILE,
    FOR_GOOD
} shortage;

static shortage is;
static uint64_t nth, seed;
static atomic_bool hit; /* before the relief */
static int ids[WORLD_RECORDS];

/* ---- the shortage ---- */

static void relieve(void)
{
    if (failalloc_failed(&w.rig.mem))
        hit = true;
    failalloc_fail_from(&w.rig.mem, 0);
}

static void relief(void *arg)
{
    (void)arg;
    nap(RELIEF_MS);
    relieve();
}

/* Counts from here. */
static void begin_shortage(void)
{
    if (is == ONCE)
        failalloc_fail_once(&w.rig.mem, nth);
    else
        failalloc_fail_from(&w.rig.mem, nth);
    if (is == A_WHILE)
        sim_spawn(w.rig.s, 1, "relief", relief, NULL);
}

/* An error that has its cause in the shortage. */
static void excused(kfk_err err)
{
    ck_assert_msg(failalloc_failed(&w.rig.mem) || hit, "%d %s", err, w.e.msg);
    if (err != KFK_ERR_NOMEM)
        ck_assert_msg(is == FOR_GOOD && (err == KFK_ERR_TIMED_OUT || err == KFK_ERR_BUFFER_FULL),
                      "%d %s", err, w.e.msg);
}

static void sweep(shortage kind, void (*app)(void))
{
    is = kind;
    hit = true;
    for (nth = seed; hit; nth += STEP) {
        hit = false;
        (void)world_run(&(world_opts){.seed = seed, .nodes = NODES}, app);
        hit = hit || failalloc_failed(&w.rig.mem);
    }
    ck_assert_uint_gt(nth, 30);
}

static void sweep_all(void (*app)(void))
{
    for (seed = 1; seed <= SEEDS; seed++) {
        sweep(ONCE, app);
        sweep(A_WHILE, app);
        sweep(FOR_GOOD, app);
    }
}

/* The connections end, and another broker leads. */
static void disturb(void)
{
    (void)kfk__devbroker_move_leader(w.broker, "t", 0, (int32_t)(seed % NODES) + 1);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
}

/* ---- producing ---- */

static const char *codec;

static void judge_log(void)
{
    bool there[N] = {false};
    int n = log_of("t", 0, ids, WORLD_RECORDS);

    for (int i = 0; i < n; i++) {
        ck_assert_msg(i == 0 || ids[i] > ids[i - 1], "%d comes after %d", ids[i], ids[i - 1]);
        there[ids[i]] = true;
    }
    for (int i = 0; i < w.sent; i++) {
        const report *r = &w.reports[i];

        if (!r->refused && r->status == KFK_DELIVERED)
            ck_assert_msg(there[i], "record %d is not there", i);
        if (r->refused || r->status == KFK_NOT_WRITTEN)
            ck_assert_msg(!there[i], "record %d is there: %d %s", i, r->err, r->msg);
    }
}

/* Close is back in time, and every record has been told of then. */
static void end_producer(kfk_producer *p)
{
    int64_t start = now();
    kfk_err err = kfk_producer_close(p, 1000, &w.e);

    ck_assert_int_le(now() - start, 1500 * SIM_MS);
    if (is != FOR_GOOD)
        ck_assert_msg(err == KFK_OK, "%s", w.e.msg);
    (void)told(0);
    kfk_producer_free(p);
}

static void send_all(kfk_producer *p)
{
    for (int i = 0; i < N; i++) {
        kfk_err err = send_record(p, new_record(), "t", 0, 0, i % 10 ? 8 : 700);

        if (err)
            excused(err);
        if (i == N / 2)
            disturb();
    }
}

static void produce(void)
{
    int64_t start = now();
    kfk_producer *p;

    topic("t", 1, NODES);
    begin_shortage();
    p = producer("compression.type", codec, "batch.size", "1500", "buffer.memory", "9000",
                 "max.block.ms", is == FOR_GOOD ? "2000" : "20000", "linger.ms", "1", NULL);
    if (!p) {
        excused(KFK_ERR_NOMEM);
        return;
    }
    send_all(p);
    if (is == FOR_GOOD) {
        (void)kfk_producer_flush(p, 500, &w.e);
    } else {
        flush(p);
        ck_assert_int_lt(now() - start, (is == ONCE ? 1500 : RELIEF_MS + 3000) * SIM_MS);
        ck_assert_int_eq(told(KFK_DELIVERED), accepted());
        ck_assert_int_ge(accepted(), is == ONCE ? N - 1 : 0);
    }
    end_producer(p);
    judge_log();
}

static void produces(const char *with)
{
    codec = with;
    sweep_all(produce);
}

START_TEST(a_producer_that_runs_out_of_memory)
{
    produces("none");
}
END_TEST

START_TEST(a_producer_with_a_codec_that_runs_out_of_memory)
{
    static const char *const codecs[] = {"gzip", "lz4", "snappy", "zstd"};

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        produces(codecs[i]);
}
END_TEST

/* ---- consuming ---- */

static void fill(void)
{
    kfk_producer *p = producer("compression.type", codec, "linger.ms", "1", NULL);

    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, 700), KFK_OK);
        if (i % 10 == 9)
            flush(p);
    }
    ck_assert_int_eq(told(KFK_DELIVERED), N);
    kfk_producer_free(p);
}

static int take_run(kfk_records *rs, int had)
{
    const kfk_record_view *v;

    for (; (v = kfk_records_next(rs)) != NULL; had++) {
        ck_assert_int_eq(v->offset, had);
        ck_assert_uint_eq(v->value.len, 700);
    }
    ck_assert_int_eq(kfk_records_status(rs, &w.e), KFK_OK);
    kfk_records_free(rs);
    return had;
}

/* All of them, in order, however often poll says that there is no memory. */
static int poll_all(kfk_consumer *c, int64_t ms)
{
    int64_t until = now() + ms * SIM_MS;
    int had = 0;

    while (had < N && now() < until) {
        kfk_records *rs = NULL;
        kfk_err err = kfk_consumer_poll(c, 100, &rs, &w.e);

        if (err) {
            ck_assert_ptr_null(rs);
            excused(err);
            nap(10);
        }
        if (rs && had == 0)
            disturb();
        if (rs)
            had = take_run(rs, had);
    }
    return had;
}

static bool assigned(kfk_consumer *c)
{
    kfk_tp at = tp("t", 0, KFK_OFFSET_EARLIEST);
    kfk_err err = kfk_consumer_assign(c, &at, 1, &w.e);

    if (err)
        excused(err);
    return !err;
}

static void consume(void)
{
    int had, all = is == FOR_GOOD ? 0 : N;
    kfk_consumer *c;

    topic("t", 1, NODES);
    fill();
    begin_shortage();
    c = consumer("fetch.max.wait.ms", "50", "max.partition.fetch.bytes", "9000",
                 "max.poll.records", "7", NULL);
    if (!c) {
        excused(KFK_ERR_NOMEM);
        return;
    }
    if (assigned(c)) {
        had = poll_all(c, is == FOR_GOOD ? 500 : is == ONCE ? 2000 : RELIEF_MS + 3000);
        ck_assert_msg(had >= all, "%d of %d, kind %d, nth %d, seed %d", had, all, (int)is, (int)nth, (int)seed);
    }
    ck_assert_int_eq(kfk_consumer_close(c, 1000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(a_consumer_that_runs_out_of_memory)
{
    static const char *const codecs[] = {"none", "gzip", "lz4", "snappy", "zstd"};

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        codec = codecs[i];
        sweep_all(consume);
    }
}
END_TEST

/* ---- administering ---- */

static kfk_admin *open_admin(void)
{
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_admin *a = NULL;

    if (c && !kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e) &&
        kfk__admin_new_in(&a, &w.rig.env, c, &w.e))
        a = NULL;
    kfk_config_free(c);
    if (!a)
        excused(KFK_ERR_NOMEM);
    return a;
}

static bool exists(void)
{
    kfk__uuid id;

    return kfk__devbroker_topic_id(w.broker, "t", &id) == KFK_OK;
}

static void create(kfk_admin *a, int timeout_ms)
{
    kfk_new_topic t = {.struct_size = sizeof t, .name = "t", .partitions = 2};
    kfk_err err = kfk_admin_create_topics(a, &t, 1, timeout_ms, NULL, &w.e);

    if (err)
        excused(err);
    if (!err)
        ck_assert(exists());
    else if (!(w.e.flags & KFK_MAYBE_DONE))
        ck_assert(!exists());
}

static void describe(kfk_admin *a, int timeout_ms)
{
    const char *name = "t";
    kfk_topics *t;
    kfk_err err = kfk_admin_describe_topics(a, &name, 1, NULL, timeout_ms, &t, &w.e);

    if (err) {
        excused(err);
        return;
    }
    ck_assert_uint_eq(t->n, 1);
    ck_assert_str_eq(t->topics[0]->name, "t");
    if (exists())
        ck_assert_uint_eq(t->topics[0]->n_partitions, 2);
    kfk_topics_free(t);
}

static void administer(void)
{
    int timeout_ms = is == FOR_GOOD ? 500 : RELIEF_MS + 3000;
    kfk_admin *a;
    int64_t start;

    begin_shortage();
    a = open_admin();
    if (!a)
        return;
    create(a, timeout_ms);
    describe(a, timeout_ms);
    start = now();
    ck_assert_int_eq(kfk_admin_close(a, 1000, &w.e), KFK_OK);
    ck_assert_int_le(now() - start, 1500 * SIM_MS);
    kfk_admin_free(a);
}

START_TEST(an_admin_handle_that_runs_out_of_memory)
{
    sweep_all(administer);
}
END_TEST

/* ---- groups ---- */

static bool written; /* the group has an offset of t-0, as far as is known */

static void write_offset(kfk_admin *a, int timeout_ms)
{
    kfk_tp tp = {.topic = "t", .partition = 0, .offset = 7};
    kfk_err err = kfk_admin_alter_group_offsets(a, "g", &tp, 1, timeout_ms, &w.e);

    if (err)
        excused(err);
    written = !err;
}

static void read_offset(kfk_admin *a, int timeout_ms)
{
    const char *groups[] = {"g", "h"};
    kfk_groups_offsets *o;
    kfk_err err = kfk_admin_group_offsets(a, groups, 2, 0, timeout_ms, &o, &w.e);

    if (err) {
        excused(err);
        return;
    }
    ck_assert_uint_eq(o->n, 2);
    for (size_t i = 0; i < 2; i++)
        if (o->groups[i]->err)
            excused(o->groups[i]->err);
    if (written && !o->groups[0]->err) {
        ck_assert_uint_eq(o->groups[0]->n, 1);
        ck_assert_str_eq(o->groups[0]->tps[0].topic, "t");
        ck_assert_int_eq(o->groups[0]->tps[0].offset, 7);
    }
    kfk_groups_offsets_free(o);
}

static void look_at_groups(kfk_admin *a, int timeout_ms)
{
    const char *group = "g";
    kfk_group_descriptions *d = NULL;
    kfk_group_listings *l = NULL;
    kfk_err err = kfk_admin_list_groups(a, NULL, timeout_ms, &l, &w.e);

    if (err)
        excused(err);
    else if (written)
        ck_assert_uint_eq(l->n, 1);
    err = kfk_admin_describe_groups(a, &group, 1, timeout_ms, &d, &w.e);
    if (err)
        excused(err);
    else if (written)
        ck_assert_str_eq(d->groups[0]->state, "Empty");
    kfk_group_listings_free(l);
    kfk_group_descriptions_free(d);
}

static void delete_group(kfk_admin *a, int timeout_ms)
{
    kfk_tp tp = {.topic = "t", .partition = 0};
    const char *group = "g";
    kfk_err err = kfk_admin_delete_group_offsets(a, "g", &tp, 1, timeout_ms, &w.e);

    if (err && (written || err != KFK_ERR_GROUP_ID_NOT_FOUND))
        excused(err);
    err = kfk_admin_delete_groups(a, &group, 1, timeout_ms, NULL, &w.e);
    if (err && (written || err != KFK_ERR_GROUP_ID_NOT_FOUND))
        excused(err);
}

static void administer_groups(void)
{
    int timeout_ms = is == FOR_GOOD ? 500 : RELIEF_MS + 3000;
    kfk_admin *a;

    topic("t", 1, 1);
    begin_shortage();
    a = open_admin();
    if (!a)
        return;
    write_offset(a, timeout_ms);
    read_offset(a, timeout_ms);
    look_at_groups(a, timeout_ms);
    delete_group(a, timeout_ms);
    ck_assert_int_eq(kfk_admin_close(a, 1000, &w.e), KFK_OK);
    kfk_admin_free(a);
}

START_TEST(groups_and_an_admin_handle_that_runs_out_of_memory)
{
    sweep_all(administer_groups);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_producer_that_runs_out_of_memory,
                                  a_producer_with_a_codec_that_runs_out_of_memory,
                                  a_consumer_that_runs_out_of_memory,
                                  an_admin_handle_that_runs_out_of_memory,
                                  groups_and_an_admin_handle_that_runs_out_of_memory, NULL};

    return world_main("sim/alloc", tests);
}
