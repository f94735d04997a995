/* Members of a group whose coordinator assigns (KIP-848), from the client's side. The app's fiber
 * turns their loops itself, as their threads would; their host does what it is told at once, late,
 * or never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "config/config.h"
#include "devbroker/call.h"
#include "membership/member.h"
#include "membership/modern_state.h"
#include "net/loop.h"
#include "proto/consumer_group_heartbeat.h"
#include "sim/world.h"

enum { HEARTBEAT = 68, SEATS = 3, PARTS = 64, TURNS = 256, BEATS = 16384, NEVER_DONE = -1 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 2, RANDOM_SEEDS = 8, STEP = 5 };
#else
enum { SEEDS = 5, RANDOM_SEEDS = 60, STEP = 1 };
#endif

/* ---- what came to the coordinator ---- */

typedef struct beat {
    char member[40];
    int64_t at;
    int32_t epoch, timeout_ms;
    int32_t n_names, n_owned; /* -1: null */
    int32_t regex;            /* its length; -1: null */
    bool has_rack, has_assignor, has_instance;
    int16_t version;
} beat;

static kfk__mutex lock; /* guards both */
static beat beats[BEATS];
static int n_beats;

static void heard(void *arg, const struct kfk__dev_call *call)
{
    const kfk__consumer_group_heartbeat_request *rq = call->request;
    beat *b = &beats[n_beats];

    (void)arg;
    if (call->key != HEARTBEAT)
        return;
    kfk__lock(&lock);
    ck_assert_int_lt(n_beats, BEATS);
    *b = (beat){.at = call->now,
                .epoch = rq->member_epoch,
                .timeout_ms = rq->rebalance_timeout_ms,
                .n_names = rq->subscribed_topic_names.n,
                .n_owned = rq->topic_partitions.n < 0 ? -1 : 0,
                .regex = rq->subscribed_topic_regex.data ? (int32_t)rq->subscribed_topic_regex.len
                                                         : -1,
                .has_rack = rq->rack_id.data,
                .has_assignor = rq->server_assignor.data,
                .has_instance = rq->instance_id.data,
                .version = call->version};
    for (int32_t i = 0; i < rq->topic_partitions.n; i++)
        b->n_owned += rq->topic_partitions.v[i].partitions.n;
    (void)snprintf(b->member, sizeof b->member, "%.*s", (int)rq->member_id.len,
                   (const char *)rq->member_id.data);
    n_beats++;
    kfk__unlock(&lock);
}

static int count_beats(void)
{
    int n;

    kfk__lock(&lock);
    n = n_beats;
    kfk__unlock(&lock);
    return n;
}

static beat beat_at(int i)
{
    beat b;

    ck_assert_int_lt(i, count_beats());
    kfk__lock(&lock);
    b = beats[i];
    kfk__unlock(&lock);
    return b;
}

static beat last_beat(void)
{
    return beat_at(count_beats() - 1);
}

static beat last_beat_of(const char *member)
{
    int i = count_beats();

    while (i-- > 0)
        if (strcmp(beat_at(i).member, member) == 0)
            return beat_at(i);
    ck_abort_msg("no heartbeat of %s", member);
    return beat_at(0);
}

static bool is_full(const beat *b)
{
    return b->timeout_ms > 0 && b->n_names >= 0 && b->n_owned >= 0;
}

static bool is_bare(const beat *b)
{
    return b->timeout_ms == -1 && b->n_names == -1 && b->n_owned == -1 && b->regex == -1 &&
           !b->has_rack && !b->has_assignor;
}

/* ---- members and their hosts ---- */

typedef struct told_turn {
    kfk__turn_kind kind;
    size_t n;
    int64_t at, deadline;
} told_turn;

typedef struct seat {
    bool taken;
    kfk_config *conf;
    kfk__client_options options;
    kfk__loop loop;
    kfk__member m;
    int64_t takes_ms; /* for a turn; NEVER_DONE */
    int refuses;      /* turns, for want of memory */
    uint64_t number;  /* of the turn that is under way; 0: none */
    int64_t done_at;
    kfk__turn_kind kind;
    kfk__parts has, parts; /* what the host works on, and what the turn is about */
    int64_t alive;
    told_turn turns[TURNS];
    int n_turns, n_given_up, n_failed, n_fatal;
    kfk_error e; /* the last one */
    char id[64];
    int32_t generation;
} seat;

static seat seats[SEATS];

static seat *seat_of(void *owner)
{
    return owner;
}

/* Nobody else works on it. */
static void is_mine(const seat *s, const kfk__parts *parts)
{
    for (int k = 0; k < SEATS; k++)
        for (size_t i = 0; seats[k].taken && &seats[k] != s && i < parts->n; i++)
            ck_assert_msg(!kfk__parts_has(&seats[k].has, &parts->v[i]), "%s-%d is had twice",
                          parts->v[i].topic, parts->v[i].partition);
}

static bool shares_strictly; /* no member is ever given up on */

static bool host_turn(void *owner, kfk__turn_kind kind, uint64_t number, const kfk__parts *parts,
                      int64_t deadline)
{
    seat *s = seat_of(owner);

    ck_assert_uint_eq(s->number, 0);
    ck_assert_int_lt(s->n_turns, TURNS);
    if (s->refuses > 0) {
        s->refuses--;
        return false;
    }
    kfk__parts_clear(&s->parts);
    ck_assert(kfk__parts_join(&s->parts, parts));
    if (kind == KFK__TURN_ASSIGN && shares_strictly)
        is_mine(s, parts);
    s->turns[s->n_turns++] = (told_turn){kind, parts->n, now(), deadline};
    s->number = number;
    s->kind = kind;
    s->done_at = s->takes_ms == NEVER_DONE ? KFK__NEVER : now() + s->takes_ms * SIM_MS;
    if (kind == KFK__TURN_ASSIGN)
        ck_assert(kfk__parts_join(&s->has, parts));
    if (kind == KFK__TURN_LOST)
        kfk__parts_remove(&s->has, parts);
    return true;
}

static void host_give_up(void *owner, uint64_t number)
{
    seat *s = seat_of(owner);

    ck_assert_uint_eq(s->number, number);
    kfk__parts_remove(&s->has, &s->parts);
    s->number = 0;
    s->n_given_up++;
}

static bool host_who(void *owner, const kfk__group_meta *who)
{
    seat *s = seat_of(owner);

    ck_assert_str_eq(who->group, "g");
    (void)snprintf(s->id, sizeof s->id, "%s", who->member);
    s->generation = who->generation;
    return true;
}

static void host_failed(void *owner, const kfk_error *e)
{
    seat *s = seat_of(owner);

    s->n_failed++;
    s->n_fatal += (e->flags & KFK_FATAL) != 0;
    s->e = *e;
}

static void host_nudge(void *owner)
{
    (void)owner;
}

static int64_t host_alive_at(void *owner)
{
    return seat_of(owner)->alive;
}

static void obey(seat *s, int64_t at)
{
    uint64_t number = s->number;

    if (!number || s->done_at > at)
        return;
    if (s->kind == KFK__TURN_REVOKE)
        kfk__parts_remove(&s->has, &s->parts);
    s->number = 0;
    kfk__member_done(&s->m, number, at);
}

static int64_t step(void *self, kfk__event *ev, int n, int64_t at)
{
    seat *s = self;
    int64_t until;

    obey(s, at);
    until = kfk__member_step(&s->m, ev, n, at);
    return s->number && s->done_at < until ? s->done_at : until;
}

static kfk__member_options chosen = {
    .group = "g", .session_ms = 45000, .heartbeat_ms = 3000, .max_poll_ms = 300000, .modern = true};
static void (*shortage)(void);

static bool open_member(seat *s)
{
    static const kfk__member_host host = {.turn = host_turn,
                                          .give_up = host_give_up,
                                          .who = host_who,
                                          .failed = host_failed,
                                          .alive_at = host_alive_at,
                                          .nudge = host_nudge};
    kfk__member_host mine = host;
    const kfk__env *env = &w.rig.env;

    mine.owner = s;
    if (kfk__loop_init(&s->loop, env, step, s) != 0)
        return false;
    if (!kfk__member_init(&s->m, env, &chosen, &s->options, &mine, s->loop.poller))
        return true;
    kfk__client_metrics_fini(&s->m.client.metrics);
    kfk__loop_fini(&s->loop);
    return false;
}

static bool try_sit(int i, const char *name, ...)
{
    seat *s = &seats[i];
    va_list ap;

    ck_assert(!s->taken);
    *s = (seat){.alive = KFK__NEVER, .generation = -1};
    va_start(ap, name);
    s->conf = config(name, ap);
    va_end(ap);
    if (!s->conf)
        return false;
    kfk__client_options_read(&s->options, s->conf, "test");
    kfk__parts_init(&s->has, &kfk__malloc_allocator);
    kfk__parts_init(&s->parts, &kfk__malloc_allocator);
    if (shortage)
        shortage();
    s->taken = open_member(s);
    if (!s->taken)
        kfk_config_free(s->conf);
    return s->taken;
}

static seat *sit(int i)
{
    ck_assert(try_sit(i, NULL));
    return &seats[i];
}

static void stand(int i)
{
    seat *s = &seats[i];

    kfk__member_fini(&s->m, now());
    kfk__client_metrics_fini(&s->m.client.metrics);
    kfk__loop_fini(&s->loop);
    kfk_config_free(s->conf);
    kfk__parts_fini(&s->has);
    kfk__parts_fini(&s->parts);
    s->taken = false;
}

static kfk_err subscribe(int i, const char *a, const char *b)
{
    const char *topics[] = {a, b};
    kfk__wanted wanted;
    kfk_err err;

    kfk__wanted_init(&wanted, &w.rig.env.alloc);
    err = kfk__wanted_set(&wanted, topics, b ? 2 : 1, &w.e);
    if (!err)
        kfk__member_subscribe(&seats[i].m, &wanted, now());
    return err;
}

static seat *joins(int i, const char *topic)
{
    seat *s = sit(i);

    ck_assert_int_eq(subscribe(i, topic, NULL), KFK_OK);
    return s;
}

/* ---- time ---- */

static int count_taken(void)
{
    int n = 0;

    for (int i = 0; i < SEATS; i++)
        n += seats[i].taken;
    return n;
}

static void turn_all(int64_t end)
{
    int n = count_taken();
    int64_t soon = now() + 4 * SIM_MS;

    for (int i = 0; i < SEATS; i++)
        if (seats[i].taken)
            (void)kfk__loop_turn(&seats[i].loop, n == 1 || end < soon ? end : soon);
}

/* Lets |ms| pass. */
static void run(int64_t ms)
{
    int64_t end = now() + ms * SIM_MS;

    for (int i = 0; i < SEATS; i++)
        seats[i].loop.until = 0; /* there may be something new to do */
    if (count_taken() == 0)
        nap(ms);
    while (now() < end)
        turn_all(end);
}

static size_t had(void)
{
    size_t n = 0;

    for (int i = 0; i < SEATS; i++)
        if (seats[i].taken)
            n += seats[i].has.n;
    return n;
}

static bool rests(const seat *s)
{
    const kfk__modern *st = kfk__modern_of(&s->m);

    return st->state == KFK__MODERN_IN && s->m.turn.kind == KFK__TURN_NONE &&
           st->step == KFK__MODERN_RESTS && !st->hurry;
}

static bool settled(size_t parts)
{
    kfk__devbroker_group_state g;

    if (had() != parts || kfk__devbroker_group(w.broker, "g", &g, NULL, NULL) ||
        strcmp(g.state, "Stable") != 0 || g.members != count_taken())
        return false;
    for (int i = 0; i < SEATS; i++)
        if (seats[i].taken && !rests(&seats[i]))
            return false;
    return true;
}

/* Until all have |parts| together, and know it. */
static void settle_within(size_t parts, int64_t ms)
{
    int64_t end = now() + ms * SIM_MS;

    while (!settled(parts) && now() < end)
        run(10);
    ck_assert_msg(settled(parts), "%zu of %zu", had(), parts);
}

static void settle(size_t parts)
{
    settle_within(parts, 60000);
}

static void leaves(int i)
{
    int64_t end = now() + 60 * SIM_S;
    seat *s = &seats[i];

    kfk__parts_clear(&s->has); /* the host has given it up before */
    kfk__member_leave(&s->m, now());
    while (!s->m.left && now() < end)
        run(10);
    ck_assert(s->m.left);
    ck_assert_int_eq(s->generation, -1);
}

static void begins(void)
{
    kfk__mutex_init(&lock);
    n_beats = 0;
    shares_strictly = true;
    memset(seats, 0, sizeof seats);
}

static void (*body)(void);

static void whole(void)
{
    begins();
    body();
    for (int i = 0; i < SEATS; i++)
        if (seats[i].taken)
            stand(i);
}

static void each(const world_opts *o, uint64_t n, void (*app)(void))
{
    body = app;
    world_seeds(o, n, whole);
}

#define EACH(app, ...) each(&(world_opts){.heard = heard, __VA_ARGS__}, SEEDS, app)

/* ---- joining, and what is said ---- */

static void lives(void)
{
    seat *s;
    int n;

    topic("t", 4, 1);
    chosen.rack = "r";
    chosen.remote_assignor = "range";
    s = joins(0, "t");
    settle(4);
    chosen.rack = chosen.remote_assignor = NULL;
    ck_assert(is_full(&beats[0]));
    ck_assert_int_eq(beats[0].epoch, 0);
    ck_assert_int_eq(beats[0].version, 1);
    ck_assert_int_eq(beats[0].timeout_ms, 300000);
    ck_assert_int_eq(beats[0].n_owned, 0);
    ck_assert_int_eq(beats[0].n_names, 1);
    ck_assert_int_eq(beats[0].regex, -1);
    ck_assert(beats[0].has_rack && beats[0].has_assignor && !beats[0].has_instance);
    ck_assert_uint_eq(strlen(beats[0].member), 22);
    ck_assert_str_eq(s->id, beats[0].member);
    ck_assert_int_eq(s->n_turns, 1);
    ck_assert_int_eq(s->turns[0].kind, KFK__TURN_ASSIGN);
    ck_assert_uint_eq(s->turns[0].n, 4);
    ck_assert_int_eq(s->generation, 1);
    /* The answer, the turn, and the acknowledgement at once. */
    ck_assert_int_eq(count_beats(), 2);
    ck_assert_int_eq(beats[1].n_owned, 4);
    ck_assert_int_eq(beats[1].timeout_ms, -1);
    ck_assert_int_eq(beats[1].n_names, -1);
    ck_assert_int_lt(beats[1].at - beats[0].at, 20 * SIM_MS);
    run(26000);
    n = count_beats();
    ck_assert_int_eq(n, 7);
    for (int i = 2; i < n; i++)
        ck_assert(is_bare(&beats[i]) && beats[i].epoch == 1);
    ck_assert_int_eq(s->n_turns, 1);
    leaves(0);
    ck_assert_int_eq(last_beat().epoch, -1);
    ck_assert(is_bare(&beats[n_beats - 1]));
    n = count_beats();
    run(20000);
    ck_assert_int_eq(count_beats(), n);
}

START_TEST(a_member_joins_and_leaves)
{
    EACH(lives, 0);
    EACH(lives, .nodes = 3);
}
END_TEST

/* An assignment of nothing is told, and acknowledged, as any. */
static void nothing(void)
{
    seat *s = joins(0, "not-there");

    run(3000);
    ck_assert_int_eq(s->n_turns, 1);
    ck_assert_uint_eq(s->turns[0].n, 0);
    ck_assert_int_eq(beats[1].n_owned, 0);
    topic("not-there", 2, 1);
    settle(2);
    ck_assert_int_eq(s->n_turns, 2);
}

START_TEST(an_assignment_of_nothing)
{
    EACH(nothing, .no_auto_create = true);
}
END_TEST

static void wants_another(void)
{
    seat *s;
    int n;

    topic("t", 2, 1);
    topic("u", 3, 1);
    s = joins(0, "t");
    settle(2);
    n = count_beats();
    ck_assert_int_eq(subscribe(0, "t", "u"), KFK_OK);
    run(50);
    ck_assert_int_eq(beat_at(n).n_names, 2);
    ck_assert_int_eq(beat_at(n).n_owned, -1);
    ck_assert_int_eq(beat_at(n).timeout_ms, -1);
    settle(5);
    ck_assert_int_eq(subscribe(0, "u", NULL), KFK_OK);
    settle(3);
    ck_assert_int_eq(subscribe(0, "^[tu]", NULL), KFK_OK);
    settle(5);
    n = count_beats();
    ck_assert_int_eq(subscribe(0, "t", NULL), KFK_OK);
    settle(2);
    ck_assert_int_eq(beat_at(n).regex, 0); /* cleared */
    ck_assert_int_eq(s->n_failed, 0);
    leaves(0);
    n = s->n_turns;
    ck_assert_int_eq(subscribe(0, "u", NULL), KFK_OK);
    settle(3);
    ck_assert_int_eq(s->n_turns, n + 1);
}

START_TEST(what_is_wanted_changes)
{
    EACH(wants_another, .nodes = 2);
}
END_TEST

/* ---- sharing ---- */

static void share(void)
{
    topic("t", 6, 1);
    (void)joins(0, "t");
    settle(6);
    for (int i = 1; i < SEATS; i++) {
        (void)joins(i, "t");
        seats[i].takes_ms = (int64_t)sim_below(w.rig.s, 500);
        settle(6);
    }
    for (int i = 0; i < SEATS; i++)
        ck_assert_uint_eq(seats[i].has.n, 2);
    leaves(1);
    stand(1);
    settle(6);
    ck_assert_uint_eq(seats[0].has.n, 3);
    for (int i = 0; i < SEATS; i++)
        ck_assert_int_eq(seats[i].n_failed, 0);
}

START_TEST(members_share)
{
    EACH(share, .nodes = 3);
}
END_TEST

/* What goes to another is acknowledged once the host has given it up, and not before; what stays is
 * not touched; heartbeats go on. */
static void late(void)
{
    const told_turn *t;
    int n;

    topic("t", 4, 1);
    (void)joins(0, "t");
    settle(4);
    seats[0].takes_ms = 20000;
    (void)joins(1, "t");
    run(12000);
    ck_assert_int_eq(seats[0].n_turns, 2);
    t = &seats[0].turns[1];
    ck_assert_int_eq(t->kind, KFK__TURN_REVOKE);
    ck_assert_uint_eq(t->n, 2);
    ck_assert_int_eq((t->deadline - t->at) / SIM_MS, 295000);
    ck_assert_uint_eq(seats[0].m.owned.n, 4);
    ck_assert_uint_eq(seats[1].has.n, 0);
    n = count_beats();
    for (int i = 0; i < n; i++)
        ck_assert(beats[i].at < t->at || beats[i].n_owned <= 0);
    run(6000);
    ck_assert_int_gt(count_beats(), n);
    seats[0].takes_ms = 0;
    settle(4);
    ck_assert_int_eq(seats[0].n_turns, 3);
    ck_assert_int_eq(seats[0].turns[2].kind, KFK__TURN_ASSIGN);
    ck_assert_uint_eq(seats[0].turns[2].n, 0);
    ck_assert_int_eq(seats[0].n_failed, 0);
}

START_TEST(acknowledged_once_it_is_given_up)
{
    EACH(late, 0);
}
END_TEST

/* A host that never gives up what it should: it loses it in time, and the others have it. */
static void never(void)
{
    shares_strictly = false;
    chosen.max_poll_ms = 20000;
    topic("t", 4, 1);
    (void)joins(0, "t");
    settle(4);
    seats[0].takes_ms = NEVER_DONE;
    (void)joins(1, "t");
    run(14000);
    ck_assert_int_eq(seats[0].n_given_up, 0);
    ck_assert_uint_eq(seats[1].has.n, 0);
    for (int i = 0; i < 1000 && !seats[0].n_given_up; i++)
        run(10);
    seats[0].takes_ms = 0;
    seats[0].done_at = now();
    ck_assert_int_eq(seats[0].n_given_up, 1);
    ck_assert_int_eq(seats[0].e.code, KFK_ERR_POLL_INTERVAL);
    ck_assert_uint_eq(seats[0].e.flags & KFK_FATAL, 0);
    run(10000);
    ck_assert_uint_eq(seats[1].has.n, 2);
    ck_assert_str_eq(seats[0].id, beats[0].member); /* it is a member still */
    ck_assert_int_gt(seats[0].generation, 0);
    chosen.max_poll_ms = 300000;
}

START_TEST(a_host_that_never_gives_up)
{
    EACH(never, 0);
}
END_TEST

/* A target that comes during a reconciliation is taken up after it. */
static void one_at_a_time(void)
{
    topic("t", 6, 1);
    (void)joins(0, "t");
    settle(6);
    seats[0].takes_ms = 8000;
    (void)joins(1, "t");
    run(6500);
    ck_assert_int_eq(seats[0].kind, KFK__TURN_REVOKE);
    (void)joins(2, "t");
    settle(6);
    ck_assert_uint_eq(seats[0].has.n, 2);
    for (int i = 1; i + 1 < seats[0].n_turns; i += 2) {
        ck_assert_int_eq(seats[0].turns[i].kind, KFK__TURN_REVOKE);
        ck_assert_int_eq(seats[0].turns[i + 1].kind, KFK__TURN_ASSIGN);
    }
}

START_TEST(one_reconciliation_at_a_time)
{
    EACH(one_at_a_time, 0);
}
END_TEST

/* A topic made again under its name is another one: what there was is given up first. */
static void made_again(void)
{
    seat *s;

    topic("t", 2, 1);
    s = joins(0, "t");
    settle(2);
    ck_assert_int_eq(kfk__devbroker_delete_topic(w.broker, "t"), KFK_OK);
    topic("t", 3, 1);
    run(8000);
    settle(3);
    ck_assert_int_eq(s->turns[1].kind, KFK__TURN_REVOKE);
    ck_assert_uint_eq(s->turns[1].n, 2);
    ck_assert_int_eq(s->turns[s->n_turns - 1].kind, KFK__TURN_ASSIGN);
    ck_assert_uint_eq(s->turns[s->n_turns - 1].n, 3);
}

START_TEST(a_topic_made_again)
{
    EACH(made_again, 0);
}
END_TEST

/* ---- names ---- */

static void unresolved(void)
{
    seat *s;
    int64_t id;
    int n;

    topic("t1", 2, 1);
    s = joins(0, "^t.*");
    settle(2);
    id = FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = METADATA, .level = KFK__DEV_ANY, .count = -1,
               .value = KFK_ERR_UNKNOWN_TOPIC_ID);
    topic("t2", 3, 1);
    n = count_beats();
    run(12000);
    ck_assert_uint_eq(s->has.n, 2);
    ck_assert_int_eq(s->n_turns, 1);
    ck_assert_int_eq(last_beat().epoch, s->generation);
    /* It is acknowledged as far as it has names, once. */
    for (int i = n, acks = 0; i < count_beats(); i++) {
        acks += beats[i].n_owned == 2;
        ck_assert_int_le(acks, 1);
    }
    ck_assert_int_lt(kfk__devbroker_fault_hits(w.broker, id), 40);
    ck_assert_int_gt(kfk__devbroker_fault_hits(w.broker, id), 3);
    kfk__devbroker_fault_clear(w.broker);
    settle_within(5, 2000);
    ck_assert_int_eq(s->n_turns, 2);
    ck_assert_uint_eq(s->turns[1].n, 3);
}

START_TEST(ids_without_names)
{
    EACH(unresolved, .nodes = 2);
}
END_TEST

/* ---- the group goes on without it ---- */

static void fenced(void)
{
    char id[64];
    seat *s;
    int n;

    topic("t", 4, 1);
    s = joins(0, "t");
    settle(4);
    (void)snprintf(id, sizeof id, "%s", s->id);
    s->takes_ms = 2000;
    n = count_beats();
    ck_assert_int_eq(kfk__devbroker_expire_member(w.broker, "g", id), KFK_OK);
    run(6000);
    ck_assert_int_eq(s->n_turns, 2);
    ck_assert_int_eq(s->turns[1].kind, KFK__TURN_LOST);
    ck_assert_uint_eq(s->turns[1].n, 4);
    ck_assert_int_eq(s->generation, -1);
    ck_assert_int_eq(count_beats(), n + 1); /* none until it is done */
    s->takes_ms = 0;
    settle(4);
    ck_assert_int_eq(beats[n + 1].epoch, 0);
    ck_assert(is_full(&beats[n + 1]));
    ck_assert_int_eq(beats[n + 1].n_owned, 0);
    ck_assert_str_eq(beats[n + 1].member, id);
    ck_assert_str_eq(s->id, id);
    ck_assert_int_eq(s->n_failed, 0);
}

/* While the host gives up some: that turn ends as lost, too. */
static void fenced_in_turn(void)
{
    shares_strictly = false;
    topic("t", 4, 1);
    (void)joins(0, "t");
    settle(4);
    seats[0].takes_ms = 20000;
    (void)joins(1, "t");
    run(7000);
    ck_assert_int_eq(seats[0].kind, KFK__TURN_REVOKE);
    ck_assert_int_eq(kfk__devbroker_expire_member(w.broker, "g", seats[0].id), KFK_OK);
    run(6000);
    ck_assert_int_eq(seats[0].n_given_up, 1);
    ck_assert_int_eq(seats[0].kind, KFK__TURN_LOST);
    ck_assert_uint_eq(seats[0].turns[2].n, 2);
    settle(4);
    ck_assert_uint_eq(seats[0].has.n, 2);
}

/* A commit was refused: it asks at once. */
static void told_by_a_commit(void)
{
    seat *s;
    int n;

    topic("t", 4, 1);
    s = joins(0, "t");
    settle(4);
    ck_assert_int_eq(kfk__devbroker_expire_member(w.broker, "g", s->id), KFK_OK);
    n = count_beats();
    kfk__member_refused(&s->m, KFK_ERR_UNKNOWN_MEMBER_ID, s->generation + 1, now());
    kfk__member_refused(&s->m, KFK_ERR_STALE_MEMBER_EPOCH, s->generation, now());
    run(100);
    ck_assert_int_eq(count_beats(), n);
    kfk__member_refused(&s->m, KFK_ERR_UNKNOWN_MEMBER_ID, s->generation, now());
    run(200);
    ck_assert_int_eq(s->turns[1].kind, KFK__TURN_LOST);
    settle(4);
}

static void forgotten(void)
{
    topic("t", 4, 1);
    (void)joins(0, "t");
    settle(4);
    ck_assert_int_eq(kfk__devbroker_forget_group(w.broker, "g"), KFK_OK);
    run(7000);
    settle(4);
    ck_assert_int_eq(seats[0].n_turns, 3);
    ck_assert_int_eq(seats[0].n_failed, 0);
}

START_TEST(the_group_goes_on_without_it)
{
    EACH(fenced, 0);
    EACH(fenced_in_turn, 0);
    EACH(told_by_a_commit, 0);
    EACH(forgotten, 0);
}
END_TEST

static void dozes(void)
{
    seat *s;
    int n;

    chosen.max_poll_ms = 10000;
    topic("t", 4, 1);
    s = joins(0, "t");
    settle(4);
    s->alive = now();
    s->takes_ms = 30000; /* the same thread */
    run(12000);
    ck_assert_int_eq(last_beat().epoch, -1);
    ck_assert_int_eq(s->turns[1].kind, KFK__TURN_LOST);
    ck_assert_int_eq(s->e.code, KFK_ERR_POLL_INTERVAL);
    n = count_beats();
    run(40000);
    ck_assert_int_eq(count_beats(), n);
    s->takes_ms = 0;
    s->alive = KFK__NEVER;
    settle(4);
    ck_assert_int_eq(beat_at(n).epoch, 0);
    ck_assert_str_eq(beat_at(n).member, beats[0].member);
    ck_assert_int_eq(s->n_failed, 1);
    chosen.max_poll_ms = 300000;
}

START_TEST(an_application_that_does_not_come_back)
{
    EACH(dozes, 0);
}
END_TEST

/* ---- static members ---- */

static void stays(void)
{
    int turns;
    int32_t epoch;
    char id[64];

    topic("t", 4, 1);
    (void)joins(0, "t");
    chosen.instance = "i";
    (void)joins(1, "t");
    settle(4);
    (void)snprintf(id, sizeof id, "%s", seats[1].id);
    ck_assert(last_beat_of(id).has_instance);
    turns = seats[0].n_turns;
    epoch = seats[0].generation;
    leaves(1);
    ck_assert_int_eq(last_beat_of(id).epoch, -2);
    ck_assert(last_beat_of(id).has_instance);
    stand(1);
    run(20000);
    (void)joins(1, "t");
    settle(4);
    ck_assert_int_eq(seats[0].n_turns, turns);
    ck_assert_int_eq(seats[0].generation, epoch);
    chosen.instance = NULL;
}

static void twice(void)
{
    topic("t", 4, 1);
    chosen.instance = "i";
    (void)joins(0, "t");
    settle(4);
    (void)joins(1, "t");
    run(2000);
    ck_assert_int_eq(seats[1].n_fatal, 1);
    ck_assert_int_eq(seats[1].e.code, KFK_ERR_UNRELEASED_INSTANCE_ID);
    ck_assert_msg(strstr(seats[1].e.msg, "group.instance.id") && strstr(seats[1].e.msg, "group g"),
                  "%s", seats[1].e.msg);
    run(20000);
    ck_assert_int_eq(seats[1].n_failed, 1);
    ck_assert_int_eq(seats[0].n_failed, 0);
    kfk__member_leave(&seats[1].m, now());
    ck_assert(seats[1].m.left);
    chosen.instance = NULL;
}

/* By a name, then by an expression, then by a name: the broker has the last one alone. */
static void comes_back_otherwise(void)
{
    static const char *const ways[] = {"t", "^u.*", "u1", "t"};
    static const size_t parts[] = {2, 6, 3, 2};

    topic("t", 2, 1);
    topic("u1", 3, 1);
    topic("u2", 3, 1);
    chosen.instance = "i";
    for (size_t i = 0; i < 4; i++) {
        (void)joins(0, ways[i]);
        settle(parts[i]);
        leaves(0);
        stand(0);
        run(1000);
    }
    chosen.instance = NULL;
}

START_TEST(static_members)
{
    EACH(stays, .nodes = 2);
    EACH(twice, 0);
    EACH(comes_back_otherwise, 0);
}
END_TEST

/* ---- expressions, versions ---- */

static void bad_expression(void)
{
    seat *s = joins(0, "^t");

    ck_assert_int_eq(subscribe(0, "^t.*", NULL), KFK_OK);
    run(500);
    ck_assert_int_eq(s->n_failed, 0);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0,
          .value = KFK_ERR_INVALID_REGULAR_EXPRESSION);
    run(8000);
    ck_assert_int_eq(s->n_fatal, 1);
    ck_assert_msg(strstr(s->e.msg, "expression"), "%s", s->e.msg);
}

static void old_coordinator(void)
{
    seat *s;

    topic("t", 2, 1);
    s = joins(0, "^t");
    s->loop.until = 0;
    (void)kfk__loop_turn(&s->loop, now());
    ck_assert_ptr_nonnull(kfk__modern_of(&s->m)->beat);
    kfk__modern_of(&s->m)->beat->max_version = 0;
    run(1000);
    ck_assert_int_eq(s->n_fatal, 1);
    ck_assert_int_eq(s->e.code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_msg(strstr(s->e.msg, "expression") && strstr(s->e.msg, "group g"), "%s", s->e.msg);
    stand(0);
    s = joins(0, "t");
    s->loop.until = 0;
    (void)kfk__loop_turn(&s->loop, now());
    kfk__modern_of(&s->m)->beat->max_version = 0;
    settle(2);
    ck_assert_int_eq(beats[0].version, 0);
}

static void no_such_api(void)
{
    seat *s = joins(0, "t");

    run(1000);
    ck_assert_int_eq(s->n_fatal, 1);
    ck_assert_int_eq(s->e.code, KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_msg(strstr(s->e.msg, "group.protocol=classic"), "%s", s->e.msg);
}

START_TEST(expressions_and_versions)
{
    EACH(bad_expression, 0);
    EACH(old_coordinator, 0);
    EACH(no_such_api, .profile = "3.7");
    EACH(no_such_api, .profile = "2.1");
}
END_TEST

/* ---- errors ---- */

static void passes(seat *s, kfk_err code)
{
    int n = count_beats();

    run(6000);
    ck_assert_int_eq(s->n_fatal, 0);
    ck_assert_int_gt(count_beats(), n);
    for (; n < count_beats(); n++)
        if (is_full(&beats[n]))
            break;
    ck_assert_msg(n < count_beats(), "%d: not said again", (int)code);
    settle(4);
    ck_assert_int_eq(s->n_turns, 1);
    ck_assert_int_eq(s->n_given_up, 0);
}

/* Whatever happens to a heartbeat that may pass: everything is said again, and nothing is lost. */
static void said_again(void)
{
    static const kfk_err codes[] = {KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                    KFK_ERR_COORDINATOR_NOT_AVAILABLE, KFK_ERR_NOT_COORDINATOR,
                                    KFK_ERR_REQUEST_TIMED_OUT, KFK_ERR_NETWORK_EXCEPTION};
    seat *s;

    topic("t", 4, 1);
    s = joins(0, "t");
    settle(4);
    for (int times = 1; times <= 3; times += 2)
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0, .count = times,
                  .value = codes[i], .after = i & 1);
            passes(s, codes[i]);
        }
    for (int after = 0; after < 2; after++) {
        FAULT(.kind = KFK__DEV_FAULT_DROP, .api = HEARTBEAT, .after = after);
        passes(s, 0);
    }
    FAULT(.kind = KFK__DEV_FAULT_CUT, .api = HEARTBEAT, .at = 9);
    passes(s, 0);
    FAULT(.kind = KFK__DEV_FAULT_LENGTH, .api = HEARTBEAT, .value = 3);
    passes(s, 0);
    simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
    run(6000);
    settle(4);
    ck_assert_int_eq(s->n_failed, 0);
    ck_assert_int_eq(s->n_turns, 1);
}

START_TEST(errors_that_pass)
{
    EACH(said_again, .nodes = 2);
}
END_TEST

static void final(void)
{
    static const kfk_err codes[] = {
        KFK_ERR_UNRELEASED_INSTANCE_ID,     KFK_ERR_FENCED_INSTANCE_ID,
        KFK_ERR_UNSUPPORTED_ASSIGNOR,       KFK_ERR_INVALID_REQUEST,
        KFK_ERR_GROUP_MAX_SIZE_REACHED,     KFK_ERR_INVALID_REGULAR_EXPRESSION,
        KFK_ERR_GROUP_AUTHORIZATION_FAILED, KFK_ERR_UNSUPPORTED_VERSION,
        KFK_ERR_UNKNOWN_SERVER_ERROR,       KFK_ERR_INVALID_GROUP_ID};

    topic("t", 4, 1);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        for (int joined = 0; joined < 2; joined++) {
            seat *s = joins(0, "t");
            int n;

            if (joined)
                settle(4);
            FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0, .value = codes[i]);
            n = count_beats();
            run(6000);
            ck_assert_int_eq(s->n_fatal, 1);
            ck_assert_int_eq(s->n_failed, 1);
            ck_assert_int_eq(s->e.code, codes[i]);
            ck_assert_msg(strstr(s->e.msg, "group g"), "%s", s->e.msg);
            ck_assert_int_eq(s->generation, -1);
            ck_assert_uint_eq(s->has.n, 0);
            ck_assert_int_eq(count_beats(), n + 1);
            if (joined)
                ck_assert_int_eq(s->turns[1].kind, KFK__TURN_LOST);
            stand(0);
            (void)kfk__devbroker_forget_group(w.broker, "g");
        }
}

static void no_lookup(void)
{
    seat *s;

    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = FIND_COORDINATOR, .level = KFK__DEV_ANY,
          .value = KFK_ERR_GROUP_AUTHORIZATION_FAILED);
    s = joins(0, "t");
    run(1000);
    ck_assert_int_eq(s->n_fatal, 1);
    ck_assert_int_eq(s->e.code, KFK_ERR_GROUP_AUTHORIZATION_FAILED);
}

START_TEST(errors_that_are_final)
{
    EACH(final, 0);
    EACH(no_lookup, 0);
}
END_TEST

/* Told once for as long as it lasts. */
static void not_allowed(void)
{
    seat *s;

    topic("t", 4, 1);
    s = joins(0, "t");
    settle(4);
    for (int i = 0; i < 2; i++) {
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0, .count = 5,
              .value = KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
        run(15000);
        ck_assert_int_eq(s->n_failed, i + 1);
        ck_assert_int_eq(s->n_fatal, 0);
        ck_assert_int_eq(s->e.code, KFK_ERR_TOPIC_AUTHORIZATION_FAILED);
    }
    settle(4);
    ck_assert_int_eq(s->n_turns, 1);
}

START_TEST(topics_that_are_not_allowed)
{
    EACH(not_allowed, 0);
}
END_TEST

/* Never more than twenty requests in a second to a broker, whatever it says, and for however long. */
static void slow_enough(int from)
{
    int n = count_beats();

    for (int i = from, first = from; i < n; i++) {
        while (beats[i].at - beats[first].at >= SIM_S)
            first++;
        ck_assert_msg(i - first < 20, "%d in a second, epoch %d", i - first + 1, beats[i].epoch);
    }
}

static void for_ever(kfk_err code, bool after, bool joined)
{
    int64_t lookups = requests(FIND_COORDINATOR);
    seat *s = joins(0, "t");
    int n;

    if (joined)
        settle(4);
    n = count_beats();
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0, .count = -1, .value = code,
          .after = after);
    run(10000);
    slow_enough(n);
    ck_assert_int_lt(count_beats() - n, 60);
    ck_assert_int_lt(requests(FIND_COORDINATOR) - lookups, 60);
    kfk__devbroker_fault_clear(w.broker);
    if (!s->n_fatal)
        settle(4);
    stand(0);
    (void)kfk__devbroker_forget_group(w.broker, "g");
}

static void each_for_ever(void)
{
    topic("t", 4, 1);
    for (kfk_err code = -1; code <= 133; code++)
        if (code)
            for_ever(code, sim_below(w.rig.s, 2), sim_below(w.rig.s, 2));
}

/* As soon as it has joined it is fenced, again and again, and hears of it at once. */
static void fenced_for_ever(void)
{
    seat *s;

    topic("t", 4, 1);
    s = joins(0, "t");
    for (int i = 0; i < 2000; i++) {
        run(10);
        if (s->generation < 0)
            continue;
        (void)kfk__devbroker_expire_member(w.broker, "g", s->id); /* if it is one still */
        kfk__member_refused(&s->m, KFK_ERR_UNKNOWN_MEMBER_ID, s->generation, now());
    }
    slow_enough(0);
    ck_assert_int_gt(s->n_turns, 20);
    settle(4);
}

START_TEST(errors_for_ever)
{
    each(&(world_opts){.heard = heard, .limit = 6000 * SIM_S}, 2, each_for_ever);
    EACH(fenced_for_ever, 0);
}
END_TEST

/* ---- coordinators ---- */

static void moves(void)
{
    int32_t first;
    seat *s;

    topic("t", 4, 3);
    s = joins(0, "t");
    settle(4);
    first = s->m.coordinator.line->id;
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, first), KFK_OK);
    run(8000);
    settle(4);
    ck_assert_int_ne(s->m.coordinator.line->id, first);
    ck_assert_int_eq(kfk__devbroker_start_node(w.broker, first), KFK_OK);
    run(8000);
    settle(4);
    ck_assert_int_eq(s->m.coordinator.line->id, first);
    ck_assert_int_eq(s->n_turns, 1);
    ck_assert_int_eq(s->n_failed, 0);
}

/* All are down for longer than a session: it goes on trying. */
static void all_down(void)
{
    seat *s;

    topic("t", 4, 2);
    s = joins(0, "t");
    settle(4);
    for (int32_t i = 1; i <= 2; i++)
        ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, i), KFK_OK);
    run(60000);
    ck_assert_int_eq(s->n_turns, 1);
    for (int32_t i = 1; i <= 2; i++)
        ck_assert_int_eq(kfk__devbroker_start_node(w.broker, i), KFK_OK);
    settle(4);
    ck_assert_int_eq(s->n_failed, 0);
}

/* It cannot be told, and does not wait for ever. */
static void leaves_nobody(void)
{
    int64_t begun;

    topic("t", 4, 1);
    (void)joins(0, "t");
    settle(4);
    ck_assert_int_eq(kfk__devbroker_stop_node(w.broker, 1), KFK_OK);
    run(1000);
    begun = now();
    leaves(0);
    ck_assert_int_le((now() - begun) / SIM_S, 31);
    stand(0);
    (void)sit(0);
    leaves(0); /* it never was one */
    ck_assert_int_eq(subscribe(0, "t", NULL), KFK_OK);
    run(100);
    leaves(0);
}

/* It leaves while a heartbeat is out that is not answered. */
static void leaves_in_a_hurry(void)
{
    int n;

    topic("t", 4, 1);
    FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = HEARTBEAT, .after = true, .value = 3000);
    (void)joins(0, "t");
    run(100);
    n = count_beats();
    ck_assert_int_eq(n, 1);
    leaves(0);
    ck_assert_int_eq(count_beats(), 2);
    ck_assert_int_eq(last_beat().epoch, -1);
    ck_assert_int_eq(seats[0].n_turns, 0);
}

START_TEST(coordinators)
{
    EACH(moves, .nodes = 3);
    EACH(all_down, .nodes = 2);
    EACH(leaves_nobody, 0);
    EACH(leaves_in_a_hurry, 0);
}
END_TEST

/* ---- whatever happens ---- */

static void trouble(void)
{
    static const int32_t codes[] = {
        KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS, KFK_ERR_COORDINATOR_NOT_AVAILABLE,
        KFK_ERR_NOT_COORDINATOR,              KFK_ERR_REQUEST_TIMED_OUT,
        KFK_ERR_FENCED_MEMBER_EPOCH,          KFK_ERR_UNKNOWN_MEMBER_ID,
        KFK_ERR_TOPIC_AUTHORIZATION_FAILED};
    bool after = sim_below(w.rig.s, 2);
    seat *s = &seats[sim_below(w.rig.s, SEATS)];

    switch (sim_below(w.rig.s, 10)) {
    case 0:
        FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = HEARTBEAT, .level = 0, .after = after,
              .value = codes[sim_below(w.rig.s, sizeof codes / sizeof *codes)]);
        return;
    case 1:
        FAULT(.kind = KFK__DEV_FAULT_DROP, .api = HEARTBEAT, .after = after);
        return;
    case 2:
        FAULT(.kind = KFK__DEV_FAULT_HANG, .api = HEARTBEAT, .after = after);
        return;
    case 3:
        FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = HEARTBEAT, .after = after, .value = 3000);
        return;
    case 4:
        simnet_cut(w.rig.s, SIM_ANY, WORLD_HOST);
        return;
    case 5:
        (void)kfk__devbroker_stop_node(w.broker, 1 + (int32_t)sim_below(w.rig.s, 3));
        return;
    case 6:
        if (s->taken && s->id[0])
            (void)kfk__devbroker_expire_member(w.broker, "g", s->id);
        return;
    case 7:
        s->takes_ms = (int64_t)sim_below(w.rig.s, 4000);
        s->refuses = (int)sim_below(w.rig.s, 3);
        return;
    default:
        for (int32_t i = 1; i <= 3; i++)
            (void)kfk__devbroker_start_node(w.broker, i);
    }
}

static void come_and_go(int i)
{
    seat *s = &seats[i];

    if (!s->taken) {
        (void)joins(i, sim_below(w.rig.s, 2) ? "t" : "^[tu]");
        s->takes_ms = (int64_t)sim_below(w.rig.s, 2) * 700;
    } else if (sim_below(w.rig.s, 3) == 0) {
        ck_assert_int_eq(subscribe(i, "t", sim_below(w.rig.s, 2) ? "u" : NULL), KFK_OK);
    } else if (s->m.subscribed) {
        kfk__member_leave(&s->m, now());
        kfk__parts_clear(&s->has);
    } else {
        stand(i);
    }
}

static void heal(void)
{
    kfk__devbroker_fault_clear(w.broker);
    for (int32_t i = 1; i <= 3; i++)
        (void)kfk__devbroker_start_node(w.broker, i);
    for (int i = 0; i < SEATS; i++) {
        if (!seats[i].taken)
            (void)joins(i, "t");
        ck_assert_int_eq(subscribe(i, "t", NULL), KFK_OK);
        seats[i].takes_ms = 0;
        seats[i].refuses = 0;
        seats[i].done_at = now();
    }
}

static void at_random(void)
{
    shares_strictly = false;
    topic("t", 5, 3);
    topic("u", 2, 3);
    for (int i = 0; i < 40; i++) {
        if (sim_below(w.rig.s, 3))
            trouble();
        if (sim_below(w.rig.s, 3) == 0)
            come_and_go((int)sim_below(w.rig.s, SEATS));
        run((int64_t)sim_below(w.rig.s, 3000));
    }
    heal();
    settle_within(5, 120000);
    for (int i = 0; i < SEATS; i++) {
        ck_assert_int_eq(seats[i].n_fatal, 0);
        ck_assert(kfk__parts_equal(&seats[i].has, &seats[i].m.owned));
        is_mine(&seats[i], &seats[i].has);
    }
}

START_TEST(whatever_happens)
{
    each(&(world_opts){.heard = heard, .nodes = 3, .limit = 1200 * SIM_S}, RANDOM_SEEDS, at_random);
}
END_TEST

/* ---- no memory ---- */

static uint64_t nth;
static bool for_a_while, hit;

static void begin_shortage(void)
{
    if (for_a_while)
        failalloc_fail_from(&w.rig.mem, nth);
    else
        failalloc_fail_once(&w.rig.mem, nth);
}

/* Whatever it hits: all is well once there is memory again. */
static void starved(void)
{
    bool ok;

    topic("t", 4, 2);
    topic("u", 2, 2);
    ok = try_sit(0, NULL);
    if (ok && subscribe(0, "^t", NULL) == KFK_OK)
        run(for_a_while ? 3000 : 300);
    hit = failalloc_failed(&w.rig.mem);
    if (for_a_while)
        failalloc_fail_from(&w.rig.mem, 0);
    if (!ok)
        return;
    if (subscribe(0, "t", "u") == KFK_OK)
        settle(6);
    (void)kfk__devbroker_expire_member(w.broker, "g", seats[0].id);
    hit |= failalloc_failed(&w.rig.mem);
    run(7000);
    hit |= failalloc_failed(&w.rig.mem);
    if (seats[0].m.subscribed && seats[0].m.wanted.n == 2)
        settle(6);
    ck_assert_int_eq(seats[0].n_failed, 0);
    leaves(0);
}

START_TEST(without_memory)
{
    shortage = begin_shortage;
    body = starved;
    for (int i = 0; i < 2; i++) {
        for_a_while = i == 1;
        hit = true;
        for (nth = 1; hit; nth += STEP) {
            hit = false;
            (void)world_run(&(world_opts){.seed = nth % 5, .nodes = 2, .heard = heard}, whole);
        }
        ck_assert_uint_gt(nth, 40);
    }
    shortage = NULL;
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_member_joins_and_leaves,
                                  an_assignment_of_nothing,
                                  what_is_wanted_changes,
                                  members_share,
                                  acknowledged_once_it_is_given_up,
                                  a_host_that_never_gives_up,
                                  one_reconciliation_at_a_time,
                                  a_topic_made_again,
                                  ids_without_names,
                                  the_group_goes_on_without_it,
                                  an_application_that_does_not_come_back,
                                  static_members,
                                  expressions_and_versions,
                                  errors_that_pass,
                                  errors_that_are_final,
                                  topics_that_are_not_allowed,
                                  errors_for_ever,
                                  coordinators,
                                  whatever_happens,
                                  without_memory,
                                  NULL};

    return world_main("sim/modern", tests);
}
