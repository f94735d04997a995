/* The offsets of a group, from the client's side: committed and fetched in every version, while
 * coordinators move, load, hang and lose connections. The app's fiber turns the loop itself, as the
 * thread of a handle would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "config/config.h"
#include "devbroker/call.h"
#include "groupio/groupio.h"
#include "net/loop.h"
#include "proto/offset_commit.h"
#include "sim/world.h"

enum { RESULTS = 512, PARTS = 16, WRITTEN = 8192 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 3, RANDOM_SEEDS = 10, STEP = 7 };
#else
enum { SEEDS = 10, RANDOM_SEEDS = 60, STEP = 1 };
#endif

static kfk_config *conf;
static kfk__client_options options;
static kfk__client cl;
static kfk__groupio io;
static kfk__loop loop;

/* What became of one commit or fetch. */
typedef struct result {
    int told;  /* how often */
    int place; /* the how-manieth that was told */
    int64_t at;
    size_t n;
    kfk_tp tps[PARTS];
    char topics[PARTS][16], texts[PARTS][64];
    kfk_error e;
} result;

static result results[RESULTS];
static int n_results, n_told;

/* ---- what came to the cluster: every offset of every OffsetCommit ---- */

typedef struct written {
    int16_t version;
    int32_t partition;
    int64_t offset;
} written;

static kfk__mutex lock; /* guards both */
static written wrote[WRITTEN];
static int n_written;

static void forget_written(void)
{
    kfk__lock(&lock);
    n_written = 0;
    kfk__unlock(&lock);
}

static int count_written(void)
{
    int n;

    kfk__lock(&lock);
    n = n_written;
    kfk__unlock(&lock);
    return n;
}

static int16_t last_version(void)
{
    int16_t version;

    kfk__lock(&lock);
    version = wrote[n_written - 1].version;
    kfk__unlock(&lock);
    return version;
}

static void heard(void *arg, const struct kfk__dev_call *call)
{
    const kfk__offset_commit_request *rq = call->request;

    (void)arg;
    if (call->key != OFFSET_COMMIT)
        return;
    kfk__lock(&lock);
    for (int32_t i = 0; i < rq->topics.n; i++)
        for (int32_t k = 0; k < rq->topics.v[i].partitions.n; k++) {
            ck_assert_int_lt(n_written, WRITTEN);
            wrote[n_written++] =
                (written){call->version, rq->topics.v[i].partitions.v[k].partition_index,
                          rq->topics.v[i].partitions.v[k].committed_offset};
        }
    kfk__unlock(&lock);
}

/* Of each partition they never go back. */
static void in_order(void)
{
    int64_t last[PARTS] = {0};

    kfk__lock(&lock);
    for (int i = 0; i < n_written; i++) {
        ck_assert_int_ge(wrote[i].offset, last[wrote[i].partition % PARTS]);
        last[wrote[i].partition % PARTS] = wrote[i].offset;
    }
    kfk__unlock(&lock);
}

/* ---- the loop ---- */

static int64_t step(void *self, kfk__event *ev, int n, int64_t at)
{
    int64_t until, t;

    (void)self;
    kfk__client_events(&cl, ev, n, at);
    until = kfk__groupio_tick(&io, at);
    t = kfk__client_tick(&cl, at);
    return t < until ? t : until;
}

static void updated(void *owner, int64_t at)
{
    (void)owner;
    (void)at;
}

static void (*shortage)(void);

static bool starts(const char *name, ...)
{
    bool ok;
    va_list ap;

    n_results = n_told = 0;
    kfk__mutex_init(&lock);
    forget_written();
    memset(results, 0, sizeof results);
    va_start(ap, name);
    conf = config(name, ap);
    va_end(ap);
    if (!conf)
        return false;
    kfk__client_options_read(&options, conf, "test");
    if (shortage)
        shortage();
    ok = kfk__loop_init(&loop, &w.rig.env, step, NULL) == 0;
    if (ok && kfk__client_init(&cl, &w.rig.env, &options, loop.poller, updated, NULL)) {
        kfk__client_metrics_fini(&cl.metrics);
        kfk__loop_fini(&loop);
        ok = false;
    }
    if (ok && kfk__groupio_init(&io, &cl, "g")) {
        kfk__client_fini(&cl, now());
        kfk__client_metrics_fini(&cl.metrics);
        kfk__loop_fini(&loop);
        ok = false;
    }
    if (!ok)
        kfk_config_free(conf);
    return ok;
}

static void ends(void)
{
    kfk__groupio_fini(&io, now());
    kfk__client_fini(&cl, now());
    kfk__client_metrics_fini(&cl.metrics);
    kfk__loop_fini(&loop);
    kfk_config_free(conf);
    for (int i = 0; i < n_results; i++)
        ck_assert_int_le(results[i].told, 1);
}

/* Lets |ms| pass. */
static void run(int64_t ms)
{
    int64_t end = now() + ms * SIM_MS;

    loop.until = 0; /* there may be something new to do */
    while (now() < end)
        (void)kfk__loop_turn(&loop, end);
}

/* Until it has been told, which it is in time. */
static const result *await(int i)
{
    int64_t end = now() + 200 * SIM_S;

    loop.until = 0;
    while (!results[i].told && now() < end)
        (void)kfk__loop_turn(&loop, end);
    ck_assert_int_eq(results[i].told, 1);
    return &results[i];
}

/* ---- commits and fetches ---- */

static void told_of(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                    int64_t at)
{
    result *r = arg;

    ck_assert_ptr_eq(owner, &io);
    ck_assert_uint_le(n, PARTS);
    r->told++;
    r->place = n_told++;
    r->at = at;
    r->n = n;
    r->e = *e;
    for (size_t i = 0; i < n; i++) {
        r->tps[i] = tps[i];
        (void)snprintf(r->topics[i], sizeof r->topics[i], "%s", tps[i].topic);
        (void)snprintf(r->texts[i], sizeof r->texts[i], "%s",
                       tps[i].metadata ? tps[i].metadata : "(null)");
    }
}

static int64_t in(int64_t ms)
{
    return now() + ms * SIM_MS;
}

static kfk_tp at(int32_t partition, int64_t offset)
{
    return (kfk_tp){.topic = "t", .partition = partition, .offset = offset};
}

static int commit_as(const kfk__group_meta *who, const kfk_tp *tps, size_t n, int64_t ms)
{
    ck_assert_int_lt(n_results, RESULTS);
    ck_assert_int_eq(
        kfk__groupio_commit(&io, who, tps, n, in(ms), told_of, &io, &results[n_results], NULL),
        KFK_OK);
    return n_results++;
}

static int commit(int32_t partition, int64_t offset, int64_t ms)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp one = at(partition, offset);

    return commit_as(&who, &one, 1, ms);
}

static int fetch(const kfk_tp *tps, size_t n, int64_t ms)
{
    kfk__group_meta who = kfk__group_meta_of("g");

    ck_assert_int_lt(n_results, RESULTS);
    ck_assert_int_eq(kfk__groupio_fetch(&io, &who, tps, n, true, in(ms), told_of, &io,
                                        &results[n_results], NULL),
                     KFK_OK);
    return n_results++;
}

/* What is stored. */
static int64_t stored(int32_t partition)
{
    kfk_tp one = at(partition, 0);
    const result *r = await(fetch(&one, 1, 30000));

    ck_assert_msg(r->e.code == KFK_OK, "%s", r->e.msg);
    return r->tps[0].offset;
}

static void commits(int32_t partition, int64_t offset)
{
    const result *r = await(commit(partition, offset, 30000));

    ck_assert_msg(r->e.code == KFK_OK, "%s", r->e.msg);
    ck_assert_int_eq(r->tps[0].err, KFK_OK);
}

#define EACH(app, ...) world_seeds(&(world_opts){.heard = heard, __VA_ARGS__}, SEEDS, app)

/* ---- every version ---- */

static int16_t highest; /* of OffsetCommit that the broker speaks */

static void all_of_group(void)
{
    const result *r = await(fetch(NULL, 0, 10000));

    ck_assert_msg(r->e.code == KFK_OK, "%s", r->e.msg);
    ck_assert_uint_eq(r->n, 3);
    for (size_t i = 0; i < 3; i++)
        if (strcmp(r->topics[i], "t") == 0 && r->tps[i].partition == 1) {
            ck_assert_int_eq(r->tps[i].offset, 70);
            ck_assert_str_eq(r->texts[i], "note");
        }
}

static void three_tps(kfk_tp *tps)
{
    tps[0] = at(2, 7);
    tps[1] = at(1, 70);
    tps[1].metadata = "note";
    tps[1].leader_epoch = 3;
    tps[1].flags = KFK_EPOCH;
    tps[2] = at(0, 700);
    tps[2].topic = "u";
}

static void round_trip(bool by_id)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp tps[4];
    const result *r;

    three_tps(tps);
    r = await(commit_as(&who, tps, 3, 10000));
    ck_assert_msg(r->e.code == KFK_OK, "%s", r->e.msg);
    ck_assert_int_eq(last_version(), highest == 10 && !by_id ? 9 : highest);
    tps[3] = at(3, 0);
    r = await(fetch(tps, 4, 10000));
    ck_assert_msg(r->e.code == KFK_OK, "%s", r->e.msg);
    ck_assert_int_eq(r->tps[0].offset, 7);
    ck_assert_str_eq(r->texts[0], "");
    ck_assert_uint_eq(r->tps[0].flags, KFK_OFFSET);
    ck_assert_int_eq(r->tps[1].offset, 70);
    ck_assert_int_eq(r->tps[1].leader_epoch, 3);
    ck_assert_uint_eq(r->tps[1].flags, KFK_OFFSET | KFK_EPOCH);
    ck_assert_str_eq(r->texts[1], "note");
    ck_assert_str_eq(r->topics[2], "u");
    ck_assert_int_eq(r->tps[2].offset, 700);
    ck_assert_int_eq(r->tps[3].offset, -1);
    ck_assert_uint_eq(r->tps[3].flags, 0);
}

static void versions(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    const result *r;

    topic("t", 4, 1);
    topic("u", 1, 1);
    ck_assert(starts(NULL));
    round_trip(false);
    ck_assert_ptr_nonnull(kfk__client_topic(&cl, "t", 1, now()));
    run(1000);
    round_trip(false);
    ck_assert_ptr_nonnull(kfk__client_topic(&cl, "u", 1, now()));
    run(1000);
    round_trip(true);
    all_of_group();
    r = await(commit_as(&who, NULL, 0, 1000));
    ck_assert_int_eq(r->e.code, KFK_OK);
    ck_assert_int_eq(requests(FIND_COORDINATOR), 1);
    ends();
}

START_TEST(every_version_commits_and_fetches)
{
    static const struct {
        const char *profile;
        int16_t highest;
    } all[] = {{"2.1", 6}, {"2.4", 8}, {"2.8", 8}, {"3.3", 8}, {"3.7", 9}, {"4.3", 10}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        highest = all[i].highest;
        EACH(versions, .profile = all[i].profile, .nodes = 3);
    }
}
END_TEST

/* A member of a group says who it is; here nobody is one. A broker that cannot be told of an
 * instance is not. */
static bool no_member(kfk_err err)
{
    return err == KFK_ERR_UNKNOWN_MEMBER_ID || err == KFK_ERR_ILLEGAL_GENERATION ||
           err == KFK_ERR_GROUP_ID_NOT_FOUND;
}

static void members(void)
{
    kfk__group_meta who = {.group = "g", .member = "m", .generation = 4};
    kfk_tp one = at(0, 1);
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    r = await(commit_as(&who, &one, 1, 10000));
    ck_assert(no_member(r->e.code));
    ck_assert_int_eq(r->tps[0].err, r->e.code);
    ck_assert_str_eq(r->e.topic, "t");
    ck_assert_int_eq(r->e.partition, 0);
    who = (kfk__group_meta){.group = "g", .member = "", .generation = 4};
    ck_assert(no_member(await(commit_as(&who, &one, 1, 10000))->e.code));
    who = kfk__group_meta_of("g");
    who.instance = "i";
    ck_assert_int_eq(await(commit_as(&who, &one, 1, 10000))->e.code,
                     highest == 6 ? KFK_ERR_UNSUPPORTED_VERSION : KFK_OK);
    commits(0, 2);
    ends();
}

START_TEST(members_say_who_they_are)
{
    highest = 6;
    EACH(members, .profile = "2.1");
    highest = 10;
    EACH(members, .profile = "4.3");
}
END_TEST

/* ---- coordinators ---- */

static void moves(void)
{
    int32_t first;

    topic("t", 1, 3);
    ck_assert(starts(NULL));
    commits(0, 1);
    first = io.coordinator.line->id;
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, first), KFK_OK);
    commits(0, 2);
    ck_assert_int_ne(io.coordinator.line->id, first);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, first), KFK_OK);
    run(10);
    commits(0, 3);
    ck_assert_int_eq(io.coordinator.line->id, first);
    ck_assert_int_eq(stored(0), 3);
    in_order();
    ends();
}

START_TEST(a_coordinator_that_moves)
{
    EACH(moves, .nodes = 3);
}
END_TEST

/* Both at once hear that it is another one; the second word does not undo what the first led to. */
static void moves_back(void)
{
    int32_t first;
    kfk_tp one = at(0, 0);
    int i, k;

    topic("t", 1, 2);
    ck_assert(starts(NULL));
    commits(0, 1);
    first = io.coordinator.line->id;
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, first), KFK_OK);
    commits(0, 2);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, first), KFK_OK);
    run(10);
    forget_written();
    i = commit(0, 3, 10000);
    k = fetch(&one, 1, 10000);
    ck_assert_int_eq(await(i)->e.code, KFK_OK);
    ck_assert_int_eq(await(k)->e.code, KFK_OK);
    ck_assert_int_eq(count_written(), 2);
    ends();
}

START_TEST(not_coordinator_said_twice)
{
    EACH(moves_back, .nodes = 2);
}
END_TEST

static void shared_lookup(void)
{
    kfk_tp one = at(0, 0);
    int first, last;

    topic("t", 4, 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = FIND_COORDINATOR, .value = 500);
    ck_assert(starts(NULL));
    first = commit(0, 1, 10000);
    (void)fetch(&one, 1, 10000);
    (void)fetch(NULL, 0, 10000);
    last = fetch(&one, 1, 10000);
    for (int i = first; i <= last; i++)
        ck_assert_int_eq(await(i)->e.code, KFK_OK);
    ck_assert_int_eq(requests(FIND_COORDINATOR), 1);
    ends();
}

START_TEST(waiting_requests_share_a_lookup)
{
    EACH(shared_lookup, .nodes = 3);
}
END_TEST

/* Before metadata has named a single broker; and once what all share is stuck. */
static void line_of_its_own(void)
{
    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = METADATA);
    ck_assert(starts(NULL));
    commits(0, 1);
    ck_assert(!cl.bootstrapped);
    kfk__devbroker_fault_clear(w.broker);
    run(40000);
    ck_assert(cl.bootstrapped);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = METADATA, .count = -1);
    kfk__client_refresh(&cl, NULL);
    run(1000);
    for (int i = 2; i < 10; i++) {
        int64_t begun = now();

        commits(0, i);
        ck_assert_int_lt(now() - begun, 50 * SIM_MS);
    }
    ck_assert_int_eq(requests(FIND_COORDINATOR), 1);
    ends();
}

START_TEST(a_line_of_its_own)
{
    EACH(line_of_its_own, .nodes = 2);
}
END_TEST

/* What may pass does, or is named by who ran out of time. */
static void not_available(void)
{
    const result *r;
    int64_t id;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FIND_COORDINATOR, .level = KFK__DEV_ANY, .count = 4,
          .value = KFK_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_assert(starts(NULL));
    commits(0, 1);
    ck_assert_int_eq(requests(FIND_COORDINATOR), 5);
    ends();
    id = FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FIND_COORDINATOR, .level = KFK__DEV_ANY, .count = -1,
               .value = KFK_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_assert(starts(NULL));
    r = await(commit(0, 2, 3000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_msg(strstr(r->e.msg, "FindCoordinator") != NULL, "%s", r->e.msg);
    ck_assert_uint_eq(r->e.flags & KFK_MAYBE_DONE, 0);
    r = await(fetch(NULL, 0, 3000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_msg(strstr(r->e.msg, "FindCoordinator") != NULL, "%s", r->e.msg);
    /* Nobody waits: nobody asks. */
    run(3000);
    ck_assert_int_lt(kfk__devbroker_fault_hits(w.broker, id), 30);
    ck_assert_ptr_null(io.coordinator.lookup);
    ends();
}

static void not_allowed(void)
{
    kfk_tp one = at(0, 0);
    int i, k;

    topic("t", 1, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FIND_COORDINATOR, .level = KFK__DEV_ANY,
          .value = KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    ck_assert(starts(NULL));
    i = commit(0, 1, 10000);
    k = fetch(&one, 1, 10000);
    ck_assert_int_eq(await(i)->e.code, KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    ck_assert_int_eq(results[i].tps[0].err, KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    ck_assert_int_eq(await(k)->e.code, KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    commits(0, 2);
    ends();
}

START_TEST(lookups_that_fail)
{
    EACH(not_available, .nodes = 2);
    EACH(not_available, .profile = "2.1");
    EACH(not_allowed, 0);
    EACH(not_allowed, .profile = "2.4");
}
END_TEST

/* ---- codes ---- */

static void passing(void)
{
    static const int16_t codes[] = {
        KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS, KFK_ERR_NOT_COORDINATOR,
        KFK_ERR_COORDINATOR_NOT_AVAILABLE,    KFK_ERR_REQUEST_TIMED_OUT,
        KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION,
    };
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    for (int i = 0; i < 5; i++) {
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .count = 3,
              .value = codes[i]);
        commits(0, i + 1);
        if (codes[i] == KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION)
            break;
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_FETCH, .level = KFK__DEV_ANY, .count = 3,
              .value = codes[i]);
        ck_assert_int_eq(stored(0), i + 1);
    }
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_FETCH, .level = KFK__DEV_ANY, .count = 3,
          .value = KFK_ERR_UNSTABLE_OFFSET_COMMIT);
    ck_assert_int_eq(stored(0), 5);
    /* For ever: that is why there was no answer in time. */
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .count = -1,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    r = await(commit(0, 9, 5000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(r->e.msg, kfk_err_str(KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS)));
    ck_assert_uint_eq(r->e.flags & KFK_MAYBE_DONE, 0);
    in_order();
    ends();
}

/* The broker gave up waiting for its replicas: it may be stored. */
static void doubtful(void)
{
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .count = -1,
          .value = KFK_ERR_REQUEST_TIMED_OUT, .after = true);
    r = await(commit(0, 9, 3000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(stored(0), 9);
    ends();
}

START_TEST(codes_that_pass)
{
    EACH(passing, .nodes = 2);
    EACH(passing, .profile = "2.1");
    EACH(doubtful, 0);
}
END_TEST

static void final(void)
{
    static const int16_t codes[] = {
        KFK_ERR_OFFSET_METADATA_TOO_LARGE,  KFK_ERR_ILLEGAL_GENERATION,
        KFK_ERR_UNKNOWN_MEMBER_ID,          KFK_ERR_REBALANCE_IN_PROGRESS,
        KFK_ERR_INVALID_COMMIT_OFFSET_SIZE, KFK_ERR_TOPIC_AUTHORIZATION_FAILED,
        KFK_ERR_GROUP_AUTHORIZATION_FAILED, KFK_ERR_FENCED_INSTANCE_ID,
        KFK_ERR_STALE_MEMBER_EPOCH,         KFK_ERR_FENCED_MEMBER_EPOCH,
        KFK_ERR_UNKNOWN_SERVER_ERROR,
    };
    kfk_tp one = at(0, 0);

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int64_t before = now();
        const result *r;

        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY,
              .value = codes[i]);
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_FETCH, .level = KFK__DEV_ANY,
              .value = codes[i]);
        r = await(commit(0, 1, 10000));
        ck_assert_int_eq(r->e.code, codes[i]);
        ck_assert_int_eq(r->tps[0].err, codes[i]);
        ck_assert_uint_eq((r->e.flags & KFK_MAYBE_DONE) != 0,
                          codes[i] == KFK_ERR_UNKNOWN_SERVER_ERROR);
        r = await(fetch(&one, 1, 10000));
        ck_assert_int_eq(r->e.code, codes[i]);
        ck_assert_int_eq(r->tps[0].err, codes[i]);
        ck_assert_int_lt(now() - before, SIM_S);
    }
    ck_assert_int_eq(stored(0), -1);
    ends();
}

START_TEST(codes_that_are_final)
{
    EACH(final, 0);
    EACH(final, .profile = "2.1");
}
END_TEST

/* One is well, one has too long a text, one is not there (yet). */
static void mixed(void)
{
    static char text[5000];
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp tps[] = {at(0, 10), at(1, 20), at(7, 30)};
    int64_t begun;
    const result *r;
    int i;

    memset(text, 'x', sizeof text - 1);
    tps[1].metadata = text;
    topic("t", 2, 1);
    ck_assert(starts(NULL));
    begun = now();
    i = commit_as(&who, tps, 3, 5000);
    run(1000);
    ck_assert_int_eq(results[i].told, 0);
    commits(0, 11); /* holds nobody up */
    ck_assert_int_lt(now() - begun, 2 * SIM_S);
    r = await(i);
    ck_assert_int_eq(r->at - begun, 5 * SIM_S);
    ck_assert_int_eq(r->tps[0].err, KFK_OK);
    ck_assert_int_eq(r->tps[1].err, KFK_ERR_OFFSET_METADATA_TOO_LARGE);
    ck_assert_int_eq(r->tps[2].err, KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(r->e.code, KFK_ERR_OFFSET_METADATA_TOO_LARGE);
    ck_assert_int_eq(r->e.partition, 1);
    ck_assert_uint_eq(r->e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(stored(0), 11);
    in_order();
    ends();
}

START_TEST(each_partition_has_its_own_end)
{
    EACH(mixed, 0);
    EACH(mixed, .profile = "2.8");
}
END_TEST

/* The topic that metadata knows is gone, and the id with it: commits wait for it to come back,
 * fetches find that there is nothing. */
static void deleted(void)
{
    kfk_tp one = at(0, 0);
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    ck_assert_ptr_nonnull(kfk__client_topic(&cl, "t", 1, now()));
    run(1000);
    commits(0, 5);
    ck_assert_int_eq(last_version(), 10);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    r = await(commit(0, 6, 3000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    r = await(fetch(&one, 1, 10000));
    ck_assert_int_eq(r->e.code, KFK_OK);
    ck_assert_int_eq(r->tps[0].offset, -1);
    ends();
}

START_TEST(a_topic_that_is_gone)
{
    EACH(deleted, 0);
}
END_TEST

/* ---- time, and connections ---- */

static void hangs(void)
{
    int64_t begun;
    const result *r;
    int older, newer;

    topic("t", 2, 1);
    ck_assert(starts("request.timeout.ms", "2000", NULL));
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT, .after = true);
    begun = now();
    older = commit(0, 2, 1000);
    run(10);
    newer = commit(0, 3, 10000);
    r = await(older);
    ck_assert_int_eq(r->at - begun, SIM_S);
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
    r = await(newer);
    ck_assert_int_eq(r->e.code, KFK_OK);
    ck_assert_int_lt(r->at - begun, 4 * SIM_S);
    ck_assert_int_eq(stored(0), 3);
    in_order();
    ends();
}

/* Not written: it is not done, whatever else hangs. */
static void waits_behind(void)
{
    const result *r;
    int i, k;

    topic("t", 2, 1);
    ck_assert(starts(NULL));
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT);
    i = commit(0, 2, 20000);
    run(10);
    k = commit(1, 3, 1000);
    r = await(k);
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_eq(r->e.flags & KFK_MAYBE_DONE, 0);
    r = await(i);
    ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
    ends();
}

START_TEST(a_coordinator_that_hangs)
{
    EACH(hangs, .nodes = 2);
    EACH(waits_behind, .nodes = 2);
}
END_TEST

static bool after;

static void drops(void)
{
    topic("t", 1, 1);
    ck_assert(starts(NULL));
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = OFFSET_COMMIT, .after = after, .count = 2);
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = OFFSET_FETCH, .after = after, .count = 2);
    ck_assert_int_eq(stored(0), 1);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = FIND_COORDINATOR, .after = after, .count = 2);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    commits(0, 2);
    in_order();
    ends();
}

/* Each attempt is lost, and then there is no more time. */
static void drops_for_ever(void)
{
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = OFFSET_COMMIT, .after = after, .count = -1);
    r = await(commit(0, 1, 2000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(stored(0), after ? 1 : -1);
    ends();
}

START_TEST(connections_that_are_lost)
{
    after = false;
    EACH(drops, .nodes = 2);
    EACH(drops_for_ever, .nodes = 2);
    after = true;
    EACH(drops, .nodes = 2);
    EACH(drops_for_ever, .nodes = 2);
}
END_TEST

/* Nobody is there for a while. */
static void cluster_down(void)
{
    const result *r;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    commits(0, 1);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    run(10);
    r = await(commit(0, 2, 2000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_msg(strstr(r->e.msg, "no broker listens there") != NULL, "%s", r->e.msg);
    r = await(fetch(NULL, 0, 2000));
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_msg(strstr(r->e.msg, "no broker listens there") != NULL, "%s", r->e.msg);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, 1), KFK_OK);
    commits(0, 3);
    ends();
}

/* The line rests, and is taken up again; that is no reason to look for another coordinator. */
static void idle(void)
{
    topic("t", 1, 1);
    ck_assert(starts("connections.max.idle.ms", "1000", NULL));
    commits(0, 1);
    run(5000);
    ck_assert_int_eq(io.coordinator.line->state, KFK__NODE_IDLE);
    commits(0, 2);
    ck_assert_int_eq(requests(FIND_COORDINATOR), 1);
    ends();
}

START_TEST(a_cluster_that_is_gone_for_a_while)
{
    EACH(cluster_down, 0);
    EACH(idle, 0);
}
END_TEST

/* ---- order ---- */

/* While one is out, others are asked for: they share the next request, where the newest stands for
 * all. */
static void shares(void)
{
    int first, i;

    topic("t", 2, 1);
    ck_assert(starts(NULL));
    commits(0, 1);
    forget_written();
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = OFFSET_COMMIT, .value = 100);
    first = commit(0, 2, 10000);
    run(10);
    for (i = 3; i < 20; i++)
        (void)commit(0, i, 10000);
    (void)commit(1, 5, 10000);
    for (i = first; i < n_results; i++) {
        ck_assert_int_eq(await(i)->e.code, KFK_OK);
        ck_assert_int_eq(results[i].place, i); /* told in the order they were asked for */
    }
    ck_assert_int_eq(count_written(), 3);
    ck_assert_int_eq(stored(0), 19);
    ck_assert_int_eq(stored(1), 5);
    ends();
}

/* The older one is refused for now, and the newer comes before its next attempt. */
static void overtaken(void)
{
    const result *r;
    int older, newer;

    topic("t", 2, 1);
    ck_assert(starts("retry.backoff.ms", "1000", NULL));
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    older = commit(0, 2, 10000);
    run(100);
    ck_assert_int_eq(results[older].told, 0);
    newer = commit(0, 3, 10000);
    r = await(newer);
    ck_assert_int_eq(r->e.code, KFK_OK);
    ck_assert_int_eq(results[older].told, 1); /* it stands for both */
    ck_assert_int_eq(results[older].e.code, KFK_OK);
    ck_assert_int_lt(results[older].place, r->place);
    run(5000);
    ck_assert_int_eq(stored(0), 3);
    in_order();
    ends();
}

/* The newer one may be stored, and is given up: the older must not follow it. It ends with the next
 * one, or with its time. */
static void given_up(void)
{
    const result *r;
    int64_t begun;
    int older, newer;

    topic("t", 2, 1);
    ck_assert(starts("retry.backoff.ms", "2000", "retry.backoff.max.ms", "2000", NULL));
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    FAULT(.kind = KFK__DEV_FAULT_DROP, .api = OFFSET_COMMIT, .after = true);
    begun = now();
    older = commit(0, 2, 20000);
    run(100);
    newer = commit(0, 3, 1000);
    r = await(newer);
    ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
    run(5000);
    ck_assert_int_eq(results[older].told, 0);
    ck_assert_int_eq(stored(0), 3);
    if (sim_below(w.rig.s, 2)) {
        commits(0, 4);
        ck_assert_int_eq(results[older].e.code, KFK_OK);
    } else {
        r = await(older);
        ck_assert_int_eq(r->at - begun, 20 * SIM_S);
        ck_assert_int_eq(r->e.code, KFK_ERR_TIMED_OUT);
        ck_assert_uint_ne(r->e.flags & KFK_MAYBE_DONE, 0);
        ck_assert_int_eq(stored(0), 3);
    }
    in_order();
    ends();
}

/* The newer one was refused for now, and is given up: the older is as good as ever. */
static void refused_and_given_up(void)
{
    int older, newer;

    topic("t", 2, 1);
    ck_assert(starts("retry.backoff.ms", "2000", "retry.backoff.max.ms", "2000", NULL));
    commits(0, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = OFFSET_COMMIT, .level = KFK__DEV_ANY, .count = 2,
          .value = KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    older = commit(0, 2, 20000);
    run(100);
    newer = commit(0, 3, 1000);
    ck_assert_int_eq(await(newer)->e.code, KFK_ERR_TIMED_OUT);
    ck_assert_uint_eq(results[newer].e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(await(older)->e.code, KFK_OK);
    ck_assert_int_eq(stored(0), 2);
    ends();
}

/* As another member: then there are two requests, the older first. */
static void generations(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp one = at(0, 3);
    int older, newer;

    topic("t", 2, 1);
    ck_assert(starts(NULL));
    commits(0, 1);
    forget_written();
    older = commit(0, 2, 10000);
    who.generation = 5;
    newer = commit_as(&who, &one, 1, 10000);
    ck_assert_int_eq(await(older)->e.code, KFK_OK);
    ck_assert(no_member(await(newer)->e.code));
    ck_assert_int_eq(count_written(), 2);
    ck_assert_int_eq(stored(0), 2);
    in_order();
    ends();
}

START_TEST(an_older_commit_never_follows_a_newer)
{
    EACH(shares, 0);
    EACH(overtaken, 0);
    EACH(given_up, 0);
    EACH(refused_and_given_up, 0);
    EACH(generations, 0);
}
END_TEST

/* ---- interest that is lost, and the end ---- */

static void cancels(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp one = at(0, 2);
    kfk__offsets *o[4];
    int before;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = OFFSET_COMMIT, .value = 500);
    for (int i = 0; i < 4; i++) {
        bool is_fetch = i & 1;

        one.offset = i;
        ck_assert_int_eq(is_fetch ? kfk__groupio_fetch(&io, &who, &one, 1, true, KFK__NEVER,
                                                       told_of, &io, &results[i], &o[i])
                                  : kfk__groupio_commit(&io, &who, &one, 1, KFK__NEVER, told_of,
                                                        &io, &results[i], &o[i]),
                         KFK_OK);
        if (i == 1)
            run((int64_t)sim_below(w.rig.s, 600));
    }
    for (int i = 0; i < 4; i++)
        if (results[i].told == 0)
            kfk__groupio_cancel(&io, o[i]);
    before = n_told;
    run(2000);
    ck_assert_int_eq(n_told, before);
    n_results = 4;
    ck_assert_ptr_null(io.call);
    commits(0, 7);
    ends();
}

START_TEST(lost_interest)
{
    EACH(cancels, .nodes = 2);
}
END_TEST

static bool client_first;

static void closes(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp one = at(0, 2);
    int out, waiting, fetching;

    topic("t", 1, 1);
    ck_assert(starts(NULL));
    FAULT(.kind = KFK__DEV_FAULT_HANG, .api = OFFSET_COMMIT, .after = true);
    out = commit(0, 1, 60000);
    run((int64_t)sim_below(w.rig.s, 30));
    waiting = commit(0, 2, 60000);
    fetching = fetch(&one, 1, 60000);
    if (client_first)
        kfk__client_disconnect(&cl, now());
    kfk__groupio_fini(&io, now());
    ck_assert_int_eq(results[out].told, 1);
    ck_assert_int_eq(results[out].e.code, KFK_ERR_CLOSED);
    ck_assert_int_eq(results[out].tps[0].err, KFK_ERR_CLOSED);
    if (count_written() > 0)
        ck_assert_uint_ne(results[out].e.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(results[waiting].told, 1);
    ck_assert_int_eq(results[waiting].e.code, KFK_ERR_CLOSED);
    ck_assert_int_eq(results[fetching].told, 1);
    ck_assert_int_eq(results[fetching].e.code, KFK_ERR_CLOSED);
    ck_assert_int_eq(kfk__groupio_commit(&io, &who, &one, 1, 0, told_of, &io, NULL, NULL),
                     KFK_ERR_CLOSED);
    kfk__client_fini(&cl, now());
    kfk__client_metrics_fini(&cl.metrics);
    kfk__loop_fini(&loop);
    kfk_config_free(conf);
}

START_TEST(closing_ends_all)
{
    client_first = false;
    EACH(closes, .nodes = 2);
    client_first = true;
    EACH(closes, .nodes = 2);
}
END_TEST

static void refuses(void)
{
    kfk__group_meta who = kfk__group_meta_of("g"), other = kfk__group_meta_of("h");
    kfk_tp bad[] = {at(-1, 0), at(0, -1), {.topic = NULL}};
    kfk_tp one = at(0, 0);

    ck_assert(starts(NULL));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kfk__groupio_commit(&io, &who, &bad[i], 1, 0, told_of, &io, NULL, NULL),
                         KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__groupio_commit(&io, &who, NULL, 1, 0, told_of, &io, NULL, NULL),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__groupio_fetch(&io, &other, &one, 1, true, 0, told_of, &io, NULL, NULL),
                     KFK_ERR_INVALID_ARG);
    ends();
}

START_TEST(what_cannot_be_meant)
{
    EACH(refuses, 0);
}
END_TEST

/* ---- all at once ---- */

enum { ROUNDS = 60 };

static int64_t newest[4]; /* asked for */

/* No code to a commit that says for certain that it was not stored: after such a one, and the end
 * of the newest, an older one may well be sent, which in_order would not understand. */
static void trouble(void)
{
    static const int32_t codes[] = {KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                    KFK_ERR_COORDINATOR_NOT_AVAILABLE, KFK_ERR_NOT_COORDINATOR,
                                    KFK_ERR_REQUEST_TIMED_OUT};
    int16_t api = sim_below(w.rig.s, 3) ? OFFSET_COMMIT : FIND_COORDINATOR;
    bool late = sim_below(w.rig.s, 2);

    switch (sim_below(w.rig.s, 8)) {
    case 0:
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = api, .level = KFK__DEV_ANY, .after = late,
              .value = codes[api == OFFSET_COMMIT ? 1 + sim_below(w.rig.s, 3) : sim_below(w.rig.s, 2)]);
        return;
    case 1:
        FAULT(.kind = KFK__DEV_FAULT_DROP, .api = api, .after = late);
        return;
    case 2:
        FAULT(.kind = KFK__DEV_FAULT_HANG, .api = api, .after = late);
        return;
    case 3:
        FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = api, .after = late, .value = 300);
        return;
    case 4:
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        return;
    case 5:
        (void)kfk__devbroker_stop_node(w.broker, 1 + (int32_t)sim_below(w.rig.s, 3));
        return;
    default:
        for (int32_t i = 1; i <= 3; i++)
            (void)kfk__devbroker_start_node(w.broker, i);
    }
}

static void heal(void)
{
    kfk__devbroker_fault_clear(w.broker);
    for (int32_t i = 1; i <= 3; i++)
        (void)kfk__devbroker_start_node(w.broker, i);
}

/* Some of the four partitions, each further on. */
static void commit_some(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp tps[4];
    size_t n = 0;

    if (sim_below(w.rig.s, 3) == 0)
        who.instance = "i"; /* requests of their own */
    for (int32_t i = 0; i < 4; i++)
        if (sim_below(w.rig.s, 2))
            tps[n++] = at(i, ++newest[i]);
    (void)commit_as(&who, tps, n, 1 + (int64_t)sim_below(w.rig.s, 4000));
}

/* What is called committed is; what is called not done is not, unless a newer one stands for it. */
static void judge(void)
{
    int64_t least[4] = {0};
    bool done[4][ROUNDS + 1] = {{false}};

    for (int i = 0; i < n_results; i++)
        for (size_t k = 0; k < results[i].n; k++) {
            const kfk_tp *tp = &results[i].tps[k];

            ck_assert_int_eq(results[i].told, 1);
            done[tp->partition][tp->offset] =
                !tp->err || (results[i].e.flags & KFK_MAYBE_DONE) != 0;
            if (!tp->err && tp->offset > least[tp->partition])
                least[tp->partition] = tp->offset;
        }
    for (int32_t i = 0; i < 4; i++) {
        int64_t is = stored(i);

        ck_assert_int_ge(is, least[i] ? least[i] : -1);
        ck_assert(is < 0 || done[i][is]);
    }
}

static void at_random(void)
{
    topic("t", 4, 3);
    memset(newest, 0, sizeof newest);
    ck_assert(starts("request.timeout.ms", "1000", NULL));
    for (int i = 0; i < ROUNDS; i++) {
        if (sim_below(w.rig.s, 3) == 0)
            trouble();
        commit_some();
        run((int64_t)sim_below(w.rig.s, 400));
    }
    heal();
    for (int i = 0; i < n_results; i++)
        (void)await(i);
    in_order();
    judge();
    ends();
}

START_TEST(whatever_happens)
{
    world_seeds(&(world_opts){.heard = heard, .nodes = 3}, RANDOM_SEEDS, at_random);
    world_seeds(&(world_opts){.heard = heard, .nodes = 3, .profile = "2.4"}, RANDOM_SEEDS / 2,
                at_random);
}
END_TEST

/* ---- no memory ---- */

static uint64_t nth;
static bool for_good, hit;

static void begin_shortage(void)
{
    if (for_good)
        failalloc_fail_from(&w.rig.mem, nth);
    else
        failalloc_fail_once(&w.rig.mem, nth);
}

static void starved(void)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk_tp tps[3];
    int begun = 0;

    three_tps(tps);
    topic("t", 4, 2);
    topic("u", 1, 2);
    if (!starts(NULL)) {
        hit = failalloc_failed(&w.rig.mem);
        return;
    }
    for (int i = 0; i < 3; i++) {
        kfk_err err = i == 1 ? kfk__groupio_commit(&io, &who, tps, 3, in(3000), told_of, &io,
                                                   &results[begun], NULL)
                             : kfk__groupio_fetch(&io, &who, i ? tps : NULL, 3, true, in(3000),
                                                  told_of, &io, &results[begun], NULL);

        begun += err == KFK_OK;
        ck_assert(err == KFK_OK || err == KFK_ERR_NOMEM);
        run(50);
        if (i == 1)
            simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    }
    n_results = begun;
    for (int i = 0; i < begun; i++) {
        const result *r = await(i);

        if (r->e.code)
            ck_assert(failalloc_failed(&w.rig.mem) &&
                      (r->e.code == KFK_ERR_NOMEM || r->e.code == KFK_ERR_TIMED_OUT));
    }
    hit = failalloc_failed(&w.rig.mem);
    ends();
}

START_TEST(without_memory)
{
    shortage = begin_shortage;
    for (int i = 0; i < 2; i++) {
        for_good = i == 1;
        hit = true;
        for (nth = 1; hit; nth += STEP)
            (void)world_run(&(world_opts){.seed = nth % 5, .nodes = 2, .heard = heard}, starved);
        ck_assert_uint_gt(nth, 30);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_version_commits_and_fetches,
                                  members_say_who_they_are,
                                  a_coordinator_that_moves,
                                  not_coordinator_said_twice,
                                  waiting_requests_share_a_lookup,
                                  a_line_of_its_own,
                                  lookups_that_fail,
                                  codes_that_pass,
                                  codes_that_are_final,
                                  each_partition_has_its_own_end,
                                  a_topic_that_is_gone,
                                  a_coordinator_that_hangs,
                                  connections_that_are_lost,
                                  a_cluster_that_is_gone_for_a_while,
                                  an_older_commit_never_follows_a_newer,
                                  lost_interest,
                                  closing_ends_all,
                                  what_cannot_be_meant,
                                  whatever_happens,
                                  without_memory,
                                  NULL};

    return world_main("sim/groupio", tests);
}
