#include "membership/reconcile.h"

#include "base/bytes.h"
#include "membership/beat.h"

void kfk__reconcile_forget(kfk__modern *st)
{
    kfk__tips_clear(&st->target);
    kfk__tips_clear(&st->goal);
    kfk__tips_clear(&st->local);
    st->step = KFK__MODERN_RESTS;
    st->fresh = true;
    st->has_target = st->new_target = st->look = false;
}

/* The host must be done by then: one heartbeat before the coordinator gives up waiting. */
static int64_t deadline(const kfk__member *m, int64_t now)
{
    const kfk__modern *st = m->state;
    int64_t all = m->o.max_poll_ms * KFK__MS, margin = st->interval;

    return now + all - (margin < all / 2 ? margin : all / 2);
}

/* ---- sets ---- */

/* As much of the target as has names. */
static kfk_err find_goal(kfk__modern *st, kfk__tips *out)
{
    const char *name = NULL;

    for (size_t at = 0, end; at < st->target.n; at = end) {
        kfk_err err = kfk__names_find(&st->names, &st->target.v[at].topic, &name);

        end = kfk__tips_run(&st->target, at);
        for (size_t i = at; !err && name && i < end; i++)
            if (!kfk__tips_add(out, &st->target.v[i]))
                err = KFK_ERR_NOMEM;
        if (err)
            return err;
    }
    return KFK_OK;
}

/* Adds to |out| those of |from| that are also in |in|, by name; |in| NULL: all. */
static kfk_err by_name(kfk__modern *st, const kfk__tips *from, const kfk__tips *in, kfk__parts *out)
{
    const char *name = NULL;

    for (size_t i = 0; i < from->n; i++) {
        const kfk__tip *tip = &from->v[i];
        kfk_err err = kfk__names_find(&st->names, &tip->topic, &name);

        if (err)
            return err;
        if (name && (!in || kfk__tips_has(in, tip)) &&
            !kfk__parts_add(out, kfk__bytes_str(name), tip->partition))
            return KFK_ERR_NOMEM;
    }
    kfk__parts_sort(out);
    return KFK_OK;
}

/* Those of the goal that the host has. */
static kfk_err find_local(const kfk__member *m, kfk__modern *st, kfk__tips *out)
{
    const char *name = NULL;

    for (size_t i = 0; i < st->goal.n; i++) {
        const kfk__tip *tip = &st->goal.v[i];
        kfk_err err = kfk__names_find(&st->names, &tip->topic, &name);
        kfk_tp tp = {.topic = name, .partition = tip->partition};

        if (err)
            return err;
        if (name && kfk__parts_has(&m->owned, &tp) && !kfk__tips_add(out, tip))
            return KFK_ERR_NOMEM;
    }
    return KFK_OK;
}

/* ---- one step after another ---- */

/* The first turn: what is owned and not in |goal|. */
static kfk_err revoke(kfk__member *m, kfk__modern *st, kfk__tips *goal, int64_t now)
{
    const kfk_allocator *a = &m->env->alloc;
    kfk__parts keep, gone;
    kfk_err err;

    kfk__parts_init(&keep, a);
    kfk__parts_init(&gone, a);
    err = by_name(st, goal, &st->local, &keep);
    if (!err && !kfk__parts_pick(&gone, &m->owned, &keep, false))
        err = KFK_ERR_NOMEM;
    if (!err) {
        kfk__tips_move(&st->goal, goal);
        st->step = KFK__MODERN_REVOKES;
        st->look = st->new_target = false;
        (void)kfk__member_turn(m, KFK__TURN_REVOKE, &gone, deadline(m, now));
    }
    kfk__parts_fini(&keep);
    kfk__parts_fini(&gone);
    return err;
}

/* Nothing is to change, or can be yet. A new target that has no names yet is answered all the same, once: with as
 * much of it as there is. */
static void leave_it(kfk__modern *st)
{
    if (st->new_target && !kfk__tips_equal(&st->target, &st->local))
        kfk__beat_owned_changed(st);
    st->look = st->new_target = false;
}

static kfk_err begin(kfk__member *m, kfk__modern *st, int64_t now)
{
    kfk__tips goal;
    kfk_err err;

    kfk__tips_init(&goal, &m->env->alloc);
    err = find_goal(st, &goal);
    if (!err && kfk__tips_equal(&goal, &st->local) && (!st->fresh || st->target.n > 0))
        leave_it(st);
    else if (!err)
        err = revoke(m, st, &goal, now);
    kfk__tips_fini(&goal);
    return err;
}

/* The second turn, which there always is: what is in the goal and not owned yet. It takes as long as
 * the application does, which is looked after elsewhere (max.poll.interval.ms). */
static kfk_err assign(kfk__member *m, kfk__modern *st)
{
    const kfk_allocator *a = &m->env->alloc;
    kfk__parts want, more;
    kfk_err err;

    kfk__parts_init(&want, a);
    kfk__parts_init(&more, a);
    err = by_name(st, &st->goal, NULL, &want);
    if (!err && !kfk__parts_pick(&more, &want, &m->owned, false))
        err = KFK_ERR_NOMEM;
    if (!err) {
        st->step = KFK__MODERN_ASSIGNS;
        if (!kfk__member_turn(m, KFK__TURN_ASSIGN, &more, KFK__NEVER)) {
            st->step = KFK__MODERN_REVOKES;
            err = KFK_ERR_NOMEM;
        }
    }
    kfk__parts_fini(&want);
    kfk__parts_fini(&more);
    return err;
}

/* What the host has not begun in time is not there: then it is tried again. */
static kfk_err end(kfk__member *m, kfk__modern *st)
{
    kfk__tips local;
    kfk_err err;

    kfk__tips_init(&local, &m->env->alloc);
    err = find_local(m, st, &local);
    if (!err) {
        kfk__tips_move(&st->local, &local);
        kfk__names_keep(&st->names, &st->target, &st->local);
        st->step = KFK__MODERN_RESTS;
        st->fresh = false;
        st->look = !kfk__tips_equal(&st->target, &st->local);
        kfk__beat_owned_changed(st);
        kfk__counter_add(&m->metrics.rebalances, 1);
        kfk__member_log(m, KFK_LOG_INFO,
                        "group %.200s: member %.100s has %d partitions in epoch %d", m->o.group,
                        kfk__modern_id(m), (int)st->local.n, (int)m->generation);
    }
    kfk__tips_fini(&local);
    return err;
}

/* Not before the coordinator has answered what the member has: with what it was told last, or may have been told, it takes
 * back what of a target is not in there, and gives it to others at once. */
static bool may_begin(const kfk__modern *st)
{
    return st->step == KFK__MODERN_RESTS && st->look && st->said.owned;
}

static kfk_err go_on(kfk__member *m, kfk__modern *st, int64_t now)
{
    kfk_err err = KFK_OK;

    if (may_begin(st))
        err = begin(m, st, now);
    if (!err && st->step == KFK__MODERN_REVOKES && m->turn.kind == KFK__TURN_NONE)
        err = assign(m, st);
    if (!err && st->step == KFK__MODERN_ASSIGNS && m->turn.kind == KFK__TURN_NONE)
        err = end(m, st);
    return err;
}

int64_t kfk__reconcile_tick(kfk__member *m, int64_t now)
{
    kfk__modern *st = m->state;
    kfk_err err;

    if (m->news || st->names.news) {
        st->look |= st->has_target;
        m->news = st->names.news = false;
    }
    if (st->state != KFK__MODERN_IN || m->turn.kind != KFK__TURN_NONE)
        return KFK__NEVER;
    if (st->memory_at > now)
        return st->memory_at;
    err = go_on(m, st, now);
    if (err) {
        st->memory_at = kfk__client_retry_at(&m->client, &st->memory, err, now);
        return st->memory_at;
    }
    st->memory = (kfk__retry){0};
    return may_begin(st) ? now : KFK__NEVER;
}
