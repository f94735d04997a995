#include "devbroker/rebalance.h"

#include "base/bytes.h"
#include "devbroker/copy.h"
#include "devbroker/members.h"
#include "devbroker/parked.h"

enum { AGAIN_MS = 50 /* after there was no memory */ };

static void complete_join(kfk__dev_group *g, int64_t now);

static kfk__dev_timers *timers_of(const kfk__dev_group *g)
{
    return &g->all->timers;
}

void kfk__dev_classic_enter(kfk__dev_group *g, kfk__dev_classic_state state)
{
    g->classic.before = g->classic.state;
    g->classic.state = state;
}

void kfk__dev_member_watch(kfk__dev_member *m, int64_t now, int32_t ms)
{
    kfk__dev_timer_set(timers_of(m->group), &m->session, now + ms * KFK__MS);
}

static void wait_for_all(kfk__dev_group *g, int64_t now)
{
    kfk__dev_timer_set(timers_of(g), &g->classic.timer,
                       now + kfk__dev_members_patience(g) * KFK__MS);
}

static bool all_joined(const kfk__dev_group *g)
{
    return g->classic.n_members == g->classic.n_joining && g->classic.n_pending == 0;
}

/* ---- who comes and goes ---- */

static bool satisfied(const kfk__dev_member *m)
{
    return !m->is_new && (m->joining || m->syncing);
}

/* Out of the group, whatever it waits for. */
void kfk__dev_classic_remove(kfk__dev_member *m)
{
    kfk__dev_group *g = m->group;
    kfk__dev_classic *c = &g->classic;

    if (m->pending) {
        c->n_pending--;
        kfk__dev_member_free(m);
        return;
    }
    kfk__dev_refuse_join(m, KFK_ERR_UNKNOWN_MEMBER_ID, kfk__bytes("", 0));
    kfk__dev_refuse_sync(m, KFK_ERR_UNKNOWN_MEMBER_ID);
    kfk__list_remove(&m->link);
    c->n_members--;
    if (c->leader == m)
        c->leader = kfk__dev_member_next(&c->members, NULL);
    kfk__dev_member_free(m);
}

static void end_session(kfk__dev_member *m, int64_t now)
{
    kfk__dev_group *g = m->group;
    bool pending = m->pending; /* of whom only a rebalance that waits for it knows */

    kfk__dev_classic_remove(m);
    if (!pending && (g->classic.state == KFK__DEV_STABLE || g->classic.state == KFK__DEV_COMPLETING))
        kfk__dev_classic_act(g, now);
    else if (g->classic.state == KFK__DEV_PREPARING && all_joined(g))
        complete_join(g, now);
}

/* Who waits for the group keeps its session, but for one that has just come: its client may be long
 * gone. */
void kfk__dev_session_over(kfk__dev_timer *t, int64_t now)
{
    kfk__dev_member *m = KFK__ENTRY(t, kfk__dev_member, session);

    if (!satisfied(m))
        end_session(m, now);
}

void kfk__dev_classic_expire(kfk__dev_member *m, int64_t now)
{
    end_session(m, now);
}

/* ---- a rebalance ---- */

static void drop_assignments(kfk__dev_group *g)
{
    for (KFK__DEV_EACH(m, g)) {
        if (m->assignment.len)
            kfk__dev_copy_free(kfk__dev_group_alloc(g), &m->assignment);
        m->assignment = kfk__bytes("", 0);
        kfk__dev_refuse_sync(m, KFK_ERR_REBALANCE_IN_PROGRESS);
    }
}

static void stop_syncs(kfk__dev_group *g)
{
    kfk__dev_timer_stop(timers_of(g), &g->classic.timer);
    for (KFK__DEV_EACH(m, g))
        m->owes_sync = false;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t at_least_0(int32_t a)
{
    return a > 0 ? a : 0;
}

/* The first rebalance of an empty group gives others the time to join. */
static void begin_initial(kfk__dev_group *g, int64_t now)
{
    kfk__dev_classic *c = &g->classic;

    c->delay_ms = g->all->settings.initial_delay_ms;
    c->left_ms = at_least_0(kfk__dev_members_patience(g) - c->delay_ms);
    kfk__dev_timer_set(timers_of(g), &c->timer, now + c->delay_ms * KFK__MS);
}

static void end_initial(kfk__dev_group *g, int64_t now)
{
    kfk__dev_classic *c = &g->classic;
    int32_t next = least(g->all->settings.initial_delay_ms, c->left_ms);

    if (!c->came || c->left_ms == 0) {
        complete_join(g, now);
        return;
    }
    c->came = false;
    c->left_ms = at_least_0(c->left_ms - c->delay_ms);
    c->delay_ms = next;
    kfk__dev_timer_set(timers_of(g), &c->timer, now + next * KFK__MS);
}

static void prepare(kfk__dev_group *g, int64_t now)
{
    bool initial = g->classic.state == KFK__DEV_EMPTY;

    if (g->classic.state == KFK__DEV_COMPLETING)
        drop_assignments(g);
    stop_syncs(g);
    kfk__dev_classic_enter(g, KFK__DEV_PREPARING);
    ++*g->all->version;
    if (initial)
        begin_initial(g, now);
    else if (all_joined(g))
        complete_join(g, now);
    else
        wait_for_all(g, now);
}

/* What follows when a member came, changed or went. */
void kfk__dev_classic_act(kfk__dev_group *g, int64_t now)
{
    kfk__dev_classic *c = &g->classic;

    if (c->state != KFK__DEV_PREPARING)
        prepare(g, now);
    else if (c->before != KFK__DEV_EMPTY && all_joined(g))
        complete_join(g, now);
}

void kfk__dev_classic_rebalance(kfk__dev_group *g, int64_t now)
{
    if (g->classic.n_members > 0 && g->classic.state != KFK__DEV_PREPARING)
        prepare(g, now);
}

/* Those that did not come back are out; a static member has until its session ends. */
static void remove_absent(kfk__dev_group *g)
{
    kfk__dev_member *next;

    for (kfk__dev_member *m = kfk__dev_member_next(&g->classic.members, NULL); m; m = next) {
        next = kfk__dev_member_next(&g->classic.members, m);
        if (!m->joining && !m->instance.data)
            kfk__dev_classic_remove(m);
    }
}

/* A leader that has joined. false: nobody has. */
static bool elect(kfk__dev_group *g)
{
    if (g->classic.leader && g->classic.leader->joining)
        return true;
    for (KFK__DEV_EACH(m, g)) {
        if (!m->joining)
            continue;
        g->classic.leader = m;
        return true;
    }
    return false;
}

bool kfk__dev_classic_copy(kfk__dev_group *g, kfk_bytes from, kfk_bytes *to)
{
    kfk_bytes copy;

    if (!kfk__dev_copy(kfk__dev_group_alloc(g), from, &copy))
        return false;
    kfk__dev_copy_free(kfk__dev_group_alloc(g), to);
    *to = copy;
    return true;
}

/* This generation, with its assignment, is what another coordinator would go on with. */
void kfk__dev_classic_store(kfk__dev_group *g)
{
    g->classic.stored_generation = g->classic.generation;
    g->classic.stored_members = g->classic.n_members;
    for (KFK__DEV_EACH(m, g))
        m->stored = true;
}

static void become_empty(kfk__dev_group *g)
{
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &g->classic.protocol);
    kfk__dev_copy_free(kfk__dev_group_alloc(g), &g->classic.stored_protocol);
    kfk__dev_classic_enter(g, KFK__DEV_EMPTY);
    kfk__dev_classic_store(g);
}

static void begin_generation(kfk__dev_group *g, int64_t now)
{
    kfk__dev_classic_enter(g, KFK__DEV_COMPLETING);
    for (KFK__DEV_EACH(m, g)) {
        kfk__dev_verdict v = kfk__dev_verdict_of(m);

        kfk__dev_tell_join(m, &v);
        kfk__dev_member_watch(m, now, m->session_ms);
        m->is_new = false;
        m->owes_sync = true;
    }
    wait_for_all(g, now);
}

static void complete_join(kfk__dev_group *g, int64_t now)
{
    kfk__dev_classic *c = &g->classic;

    kfk__dev_timer_stop(timers_of(g), &c->timer);
    remove_absent(g);
    c->came = false;
    ++*g->all->version;
    if (c->n_members > 0 && !elect(g)) {
        wait_for_all(g, now);
    } else if (c->n_members > 0 &&
               !kfk__dev_classic_copy(g, kfk__dev_members_choice(g), &c->protocol)) {
        kfk__dev_timer_set(timers_of(g), &c->timer, now + AGAIN_MS * KFK__MS);
    } else {
        c->generation++;
        if (c->n_members > 0)
            begin_generation(g, now);
        else
            become_empty(g);
    }
}

/* Who has its assignment to ask for yet has had the time. */
static void end_syncs(kfk__dev_group *g, int64_t now)
{
    kfk__dev_member *next;
    bool any = false;

    for (kfk__dev_member *m = kfk__dev_member_next(&g->classic.members, NULL); m; m = next) {
        next = kfk__dev_member_next(&g->classic.members, m);
        any |= m->owes_sync;
        if (m->owes_sync)
            kfk__dev_classic_remove(m);
    }
    if (any)
        prepare(g, now);
}

void kfk__dev_time_over(kfk__dev_timer *t, int64_t now)
{
    kfk__dev_group *g = KFK__ENTRY(t, kfk__dev_group, classic.timer);

    if (g->classic.state != KFK__DEV_PREPARING)
        end_syncs(g, now);
    else if (g->classic.before == KFK__DEV_EMPTY)
        end_initial(g, now);
    else
        complete_join(g, now);
}

/* ---- a new coordinator ---- */

void kfk__dev_classic_remove_all(kfk__list *l)
{
    for (kfk__list *i; (i = kfk__list_first(l));)
        kfk__dev_classic_remove(KFK__ENTRY(i, kfk__dev_member, link));
}

/* Back to the last generation that was stored, with those of its members that are there. */
static void restore(kfk__dev_group *g)
{
    kfk__dev_classic *c = &g->classic;
    kfk__dev_member *next;

    for (kfk__dev_member *m = kfk__dev_member_next(&c->members, NULL); m; m = next) {
        next = kfk__dev_member_next(&c->members, m);
        m->owes_sync = false;
        if (!m->stored)
            kfk__dev_classic_remove(m);
    }
    c->generation = c->stored_generation;
    c->before = KFK__DEV_EMPTY;
    c->state = c->n_members > 0 ? KFK__DEV_STABLE : KFK__DEV_EMPTY;
    if (c->n_members > 0)
        (void)kfk__dev_classic_copy(g, c->stored_protocol, &c->protocol);
    else
        become_empty(g);
}

void kfk__dev_classic_move(kfk__dev_group *g, int64_t now)
{
    for (KFK__DEV_EACH(m, g)) {
        kfk__dev_refuse_join(m, KFK_ERR_NOT_COORDINATOR, m->id);
        kfk__dev_refuse_sync(m, KFK_ERR_NOT_COORDINATOR);
    }
    kfk__dev_classic_remove_all(&g->classic.pending);
    kfk__dev_timer_stop(timers_of(g), &g->classic.timer);
    if (g->classic.state == KFK__DEV_PREPARING || g->classic.state == KFK__DEV_COMPLETING)
        restore(g);
    for (KFK__DEV_EACH(m, g)) {
        m->is_new = false;
        kfk__dev_member_watch(m, now, m->session_ms);
    }
    /* Who has left since is there again in Kafka, until its session is over: then what it had is shared out. Here at once. */
    if (g->classic.state == KFK__DEV_STABLE && g->classic.n_members < g->classic.stored_members)
        prepare(g, now);
    ++*g->all->version;
}
