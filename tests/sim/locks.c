/* locks: base/lock.h's mutex, for fibers. A lock that is held parks who wants it; a release lets
 * all of those try again, and the seed picks. */
#include "sim/core.h"
#include "sim/hb.h"

#define OUTSIDE UINT32_MAX /* owner of a lock that was taken outside of fibers */

void sim_check_unlocked(const sim *s, const char *what)
{
    if (s->current && s->current->locks)
        sim_die(s, "%s with %u locks held", what, s->current->locks);
}

static uint32_t self_id(void)
{
    return sim_running && sim_running->current ? sim_running->current->id : OUTSIDE;
}

static void park_for(kfk__mutex *m, sim_task *me)
{
    m->parked++;
    me->lock = m;
    (void)sim_park(me->s, "lock", KFK__NEVER);
    me->lock = NULL;
    m->parked--;
}

void kfk__sim_lock(kfk__mutex *m)
{
    uint32_t id = self_id();

    if (m->owner == id)
        sim_die(sim_running, "locks what it holds already");
    if (id == OUTSIDE) {
        if (m->owner)
            sim_die(sim_running, "locks what fiber %u holds", m->owner);
    } else {
        sim_point(sim_running);
        while (m->owner)
            park_for(m, sim_running->current);
        sim_running->current->locks++;
    }
    m->owner = id;
    sim_hb_acquire(m);
}

static void unpark_all(const kfk__mutex *m)
{
    for (kfk__list *n = kfk__list_first(&sim_running->tasks); n;
         n = kfk__list_next(&sim_running->tasks, n)) {
        sim_task *t = KFK__ENTRY(n, sim_task, node);

        if (t->lock == m)
            sim_unpark(t);
    }
}

void kfk__sim_unlock(kfk__mutex *m)
{
    uint32_t id = self_id();

    if (m->owner != id)
        sim_die(sim_running,
                m->owner ? "unlocks what fiber %u holds" : "unlocks what none holds (%u)",
                m->owner);
    sim_hb_release(m);
    m->owner = 0;
    if (id == OUTSIDE)
        return;
    sim_running->current->locks--;
    if (m->parked)
        unpark_all(m);
    sim_point(sim_running); /* from here on others may free |m| */
}
