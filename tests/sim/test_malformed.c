/* Answers that are not what the broker said: a byte of them is altered, for every byte, or they end
 * too soon, after every byte. Nothing is handed out that is not in the log, memory stays within
 * bounds, every record is told of once, close is back in time; and where only one answer was bad,
 * all goes on by itself. */
#include <kfk/admin_groups.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_env.h"
#include "proto/consumer_group_describe.h"
#include "proto/delete_groups.h"
#include "proto/describe_groups.h"
#include "proto/list_groups.h"
#include "proto/offset_delete.h"
#include "sim/world.h"

/* Every byte would take minutes under a sanitizer. */
#if defined(__SANITIZE_ADDRESS__)
enum { STEP = 7 };
#elif defined(__SANITIZE_THREAD__)
enum { STEP = 29 };
#else
enum { STEP = 1 };
#endif
enum { N = 12, SIZE = 20, LIMIT = 64 << 20, EPOCH_AT = 74 };

static kfk__dev_fault bad;
static int ids[WORLD_RECORDS];

/* Says which answer it was, where a check fails. */
static const char *where(void)
{
    static char text[128];

    (void)snprintf(text, sizeof text, "api %d, %s byte %d, value %d", bad.api,
                   bad.kind == KFK__DEV_FAULT_CUT ? "cut at" : "altered", bad.at, bad.value);
    return text;
}

static void spoil(void)
{
    (void)fault(bad);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
}

static void memory_is_bounded(void)
{
    ck_assert_msg(failalloc_bytes(&w.rig.mem) < LIMIT, "%s", where());
}

static void sweep(int16_t api, int32_t bytes, void (*app)(void))
{
    static const int32_t values[] = {0x01, 0x40, 0x80, 0xff};

    for (int32_t at = 0; at < bytes; at += STEP) {
        bad = (kfk__dev_fault){.kind = KFK__DEV_FAULT_CUT, .api = api, .at = at};
        (void)world_run(&(world_opts){.seed = (uint64_t)at}, app);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            bad.kind = KFK__DEV_FAULT_ALTER;
            bad.value = values[i];
            (void)world_run(&(world_opts){.seed = (uint64_t)at}, app);
        }
    }
}

static void fill(void)
{
    kfk_producer *p = producer(NULL);

    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(send_record(p, new_record(), "t", 0, 0, SIZE), KFK_OK);
        if (i % 4 == 3)
            flush(p);
    }
    ck_assert_int_eq(told(KFK_DELIVERED), N);
    kfk_producer_free(p);
}

/* ---- consuming ---- */

/* A record as it was sent; returns its number. */
static int genuine(const kfk_record_view *v)
{
    char text[SIZE + 1];
    int id = -1;

    ck_assert_msg(v->value.len == SIZE, "%s", where());
    memset(text, 'x', sizeof text);
    memcpy(text, v->value.data, 8);
    ck_assert_msg(memcmp(text + 9, (const char *)v->value.data + 9, SIZE - 9) == 0, "%s", where());
    text[8] = '\0';
    id = atoi(text);
    ck_assert_msg(id >= 0 && id < N, "%s", where());
    return id;
}

/* Offsets are what the broker says: of a wrong one nobody knows, and there may be a gap. */
static bool lies_about_offsets(void)
{
    return bad.kind == KFK__DEV_FAULT_ALTER && (bad.api == LIST_OFFSETS || bad.api == FETCH);
}

/* The records of a run, none of which has been read before. Returns the number of the next. */
static int take_run(kfk_records *rs, int next)
{
    const kfk_record_view *v;

    while ((v = kfk_records_next(rs)) != NULL) {
        int id = genuine(v);

        ck_assert_msg(id == next || (id > next && lies_about_offsets()), "%d, not %d: %s", id, next,
                      where());
        next = id + 1;
    }
    return next;
}

/* Whether the last one is read, within |ms| and without an error. */
static bool reads_on(kfk_consumer *c, int64_t ms)
{
    int64_t until = now() + ms * SIM_MS;
    kfk_err err = KFK_OK;
    int next = 0;

    assign(c, "t", 0, KFK_OFFSET_EARLIEST);
    while (next < N && now() < until && !err) {
        kfk_records *rs;

        err = kfk_consumer_poll(c, 50, &rs, &w.e);
        memory_is_bounded();
        if (rs)
            next = take_run(rs, next);
        kfk_records_free(rs);
    }
    return next == N;
}

/* A leader epoch never goes back, so that one that is too high stands (KIP-320). */
static bool lies_about_an_epoch(void)
{
    return bad.kind == KFK__DEV_FAULT_ALTER && bad.api == METADATA && bad.at >= EPOCH_AT &&
           bad.at < EPOCH_AT + 4;
}

/* One that was cut short is asked for again, and nobody notices. An altered one may be believed:
 * until the connection is another one, and the application, if it was told of an error, begins
 * again. */
static void consume(void)
{
    kfk_consumer *c;
    bool good;

    topic("t", 1, 1);
    fill();
    c = consumer("auto.offset.reset", "earliest", "request.timeout.ms", "2000", NULL);
    spoil();
    good = reads_on(c, 5000);
    if (!good && bad.kind == KFK__DEV_FAULT_ALTER) {
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        nap(1); /* until that is noticed */
        good = reads_on(c, 10000);
    }
    ck_assert_msg(good || lies_about_an_epoch(), "%s: %s", where(), w.e.msg);
    ck_assert_int_eq(kfk__devbroker_fault_hits(w.broker, 1), 1);
    kfk_consumer_free(c);
}

/* Without checksums what is altered is handed out; but poll ends, and so does each run. */
static void consume_unchecked(void)
{
    kfk_consumer *c = consumer("check.crcs", "false", "request.timeout.ms", "2000", NULL);
    kfk_err err = KFK_OK;
    int64_t until;

    topic("t", 1, 1);
    fill();
    assign(c, "t", 0, 0);
    spoil();
    for (until = now() + 5 * SIM_S; now() < until && !err;) {
        kfk_records *rs;
        int n = 0;

        err = kfk_consumer_poll(c, 50, &rs, &w.e);
        memory_is_bounded();
        while (rs && kfk_records_next(rs) != NULL)
            n++;
        ck_assert_msg(n <= N, "%s", where());
        kfk_records_free(rs);
    }
    kfk_consumer_free(c);
}

START_TEST(a_consumer_that_checks_nothing)
{
    sweep(FETCH, 600, consume_unchecked);
}
END_TEST

START_TEST(a_consumer_and_answers_that_are_altered_or_cut)
{
    sweep(API_VERSIONS, 300, consume);
    sweep(METADATA, 200, consume);
    sweep(LIST_OFFSETS, 80, consume);
    sweep(FETCH, 600, consume);
}
END_TEST

/* ---- producing ---- */

static void send_some(kfk_producer *p)
{
    for (int i = 0; i < N; i++)
        (void)send_record(p, new_record(), "t", 0, 0, SIZE);
    ck_assert_msg(kfk_producer_flush(p, 30000, &w.e) == KFK_OK, "%s", where());
    memory_is_bounded();
}

/* Whether the records from |first| on are delivered. */
static bool delivered_from(int first)
{
    (void)told(0);
    for (int i = first; i < w.sent; i++)
        if (w.reports[i].refused || w.reports[i].status != KFK_DELIVERED)
            return false;
    return true;
}

static void log_is_sound(void)
{
    int n = log_of("t", 0, ids, WORLD_RECORDS), at = 0;

    for (int i = 0; i < w.sent; i++) {
        bool there = at < n && ids[at] == i;

        at += there;
        ck_assert_msg(there || w.reports[i].refused || w.reports[i].status != KFK_DELIVERED,
                      "record %d: %s", i, where());
    }
    ck_assert_msg(at == n, "%s", where());
}

/* Without an id there is no going on. */
static bool lies_about_the_producer(void)
{
    return bad.kind == KFK__DEV_FAULT_ALTER && bad.api == INIT_PRODUCER_ID;
}

/* As with a consumer. An altered answer may be the last word for the records that it is about. */
static void produce(void)
{
    kfk_producer *p = producer("request.timeout.ms", "2000", "delivery.timeout.ms", "8000",
                               "max.block.ms", "8000", "linger.ms", "1", NULL);
    bool first = bad.api == INIT_PRODUCER_ID; /* which is asked once */
    int64_t start;

    topic("t", 1, 1);
    if (first)
        spoil();
    send_some(p);
    if (!first)
        spoil();
    send_some(p);
    nap(1000); /* metadata may come late */
    ck_assert_int_eq(kfk__devbroker_fault_hits(w.broker, 1), 1);
    if (bad.kind == KFK__DEV_FAULT_CUT)
        ck_assert_msg(delivered_from(0), "%s", where());
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    send_some(p);
    ck_assert_msg(delivered_from(2 * N) || lies_about_the_producer(), "%s: %s", where(),
                  w.reports[w.sent - 1].msg);
    log_is_sound();
    start = now();
    (void)kfk_producer_close(p, 1000, &w.e);
    ck_assert_int_le(now() - start, 1500 * SIM_MS);
    kfk_producer_free(p);
}

START_TEST(a_producer_and_answers_that_are_altered_or_cut)
{
    sweep(API_VERSIONS, 300, produce);
    sweep(METADATA, 200, produce);
    sweep(INIT_PRODUCER_ID, 40, produce);
    sweep(PRODUCE, 120, produce);
}
END_TEST

/* ---- groups ---- */

static kfk_admin *open_admin(void)
{
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_admin *a;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__admin_new_in(&a, &w.rig.env, c, &w.e), KFK_OK);
    kfk_config_free(c);
    return a;
}

/* All calls, of a group that there is and of one that there is not. Not OK: one of them. */
static kfk_err use_groups(kfk_admin *a, int timeout_ms)
{
    const char *groups[] = {"g", "none"};
    kfk_tp tp = {.topic = "t", .partition = 0, .offset = 1}, other = {.topic = "t", .partition = 1};
    kfk_group_listings *l = NULL;
    kfk_group_descriptions *d = NULL;
    kfk_groups_offsets *o = NULL;
    kfk_err err = kfk_admin_alter_group_offsets(a, "g", &tp, 1, timeout_ms, &w.e);
    kfk_err codes[] = {kfk_admin_list_groups(a, NULL, timeout_ms, &l, &w.e),
                       kfk_admin_describe_groups(a, groups, 2, timeout_ms, &d, &w.e),
                       kfk_admin_group_offsets(a, groups, 2, 0, timeout_ms, &o, &w.e),
                       kfk_admin_delete_group_offsets(a, "g", &other, 1, timeout_ms, &w.e)};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        err = err ? err : codes[i];
    if (o && !o->groups[0]->err && !err)
        ck_assert_msg(o->groups[0]->n <= 64, "%s", where());
    kfk_group_listings_free(l);
    kfk_group_descriptions_free(d);
    kfk_groups_offsets_free(o);
    memory_is_bounded();
    return err;
}

/* Whatever was believed of one answer, the next handle knows nothing of it. */
static void administer_groups(void)
{
    const char *group = "g";
    kfk_admin *a = open_admin();
    int64_t start;

    topic("t", 2, 1);
    ck_assert_int_eq(use_groups(a, 10000), KFK_OK);
    spoil();
    start = now();
    (void)use_groups(a, 1000);
    (void)kfk_admin_delete_groups(a, &group, 1, 1000, NULL, &w.e);
    ck_assert_msg(now() - start <= 6500 * SIM_MS, "%s", where());
    ck_assert_int_eq(kfk_admin_close(a, 1000, &w.e), KFK_OK);
    kfk_admin_free(a);
    a = open_admin();
    ck_assert_msg(use_groups(a, 10000) == KFK_OK, "%s: %s", where(), w.e.msg);
    kfk_admin_free(a);
}

START_TEST(groups_and_answers_that_are_altered_or_cut)
{
    sweep(FIND_COORDINATOR, 60, administer_groups);
    sweep(OFFSET_COMMIT, 40, administer_groups);
    sweep(OFFSET_FETCH, 60, administer_groups);
    sweep(kfk__consumer_group_describe_api.key, 100, administer_groups);
    sweep(kfk__describe_groups_api.key, 100, administer_groups);
    sweep(kfk__list_groups_api.key, 50, administer_groups);
    sweep(kfk__offset_delete_api.key, 40, administer_groups);
    sweep(kfk__delete_groups_api.key, 30, administer_groups);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_consumer_and_answers_that_are_altered_or_cut,
                                  a_consumer_that_checks_nothing,
                                  a_producer_and_answers_that_are_altered_or_cut,
                                  groups_and_answers_that_are_altered_or_cut, NULL};

    return world_main("sim/malformed", tests);
}
