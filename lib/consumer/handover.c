#include "consumer/handover.h"

#include <string.h>

#include "base/mem.h"
#include "consumer/handle.h"

/* ---- making one ---- */

static size_t size_of_names(const kfk_tp *tps, size_t n)
{
    size_t size = 0;

    for (size_t i = 0; i < n; i++)
        size += i && tps[i].topic == tps[i - 1].topic ? 0 : strlen(tps[i].topic) + 1;
    return size;
}

/* Partitions of one topic follow each other, and share its name. */
static void copy_tps(kfk__handover *h, const kfk_tp *tps, size_t n)
{
    char *to = (char *)(h->tps + 2 * n);

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(tps[i].topic) + 1;

        h->tps[i] = (kfk_tp){
            .opaque = tps[i].opaque, .offset = -1, .partition = tps[i].partition, .leader_epoch = -1};
        if (i && tps[i].topic == tps[i - 1].topic) {
            h->tps[i].topic = h->tps[i - 1].topic;
            continue;
        }
        h->tps[i].topic = memcpy(to, tps[i].topic, len);
        to += len;
    }
    h->n = n;
}

/* NULL: no memory. */
static kfk__handover *new_handover(kfk_consumer *c, kfk__turn_kind kind, const kfk_tp *tps, size_t n)
{
    kfk__handover *h =
        kfk__zalloc(&c->env.alloc, sizeof *h + 2 * n * sizeof *tps + size_of_names(tps, n));

    if (!h)
        return NULL;
    h->kind = kind;
    h->tps = (kfk_tp *)(h + 1);
    h->known = h->tps + n;
    kfk__list_init(&h->link);
    kfk__list_init(&h->partitions);
    copy_tps(h, tps, n);
    return h;
}

static void free_handover(kfk_consumer *c, kfk__handover *h)
{
    kfk__consumer_drop_all(&h->partitions);
    kfk__release(&c->env.alloc, h);
}

/* ---- of the Coordinator ---- */

/* What there is to be told of one that goes, or has gone. */
static void tell_last(kfk_tp *tp, const kfk__assigned *p, int32_t epoch)
{
    tp->opaque = p->opaque;
    tp->offset = p->asked;
    tp->leader_epoch = epoch;
}

static bool is_of(const kfk_tp *tp, const kfk__assigned *p)
{
    return tp->partition == p->partition && strcmp(tp->topic, p->topic) == 0;
}

/* Those that are still assigned are not any more. Who has begun to serve it reads |tps|, and looks for himself. Locked. */
static void leave(kfk_consumer *c, kfk__handover *h)
{
    kfk__shared *s = c->shared;
    int32_t epoch;

    for (size_t i = 0; i < h->n; i++) {
        kfk_tp *tp = &h->tps[i];
        kfk__assigned *p = kfk__shared_find(s, tp->topic, tp->partition);

        if (!p)
            continue;
        p->asked = kfk__assigned_done(p, &epoch);
        if (!h->begun)
            tell_last(tp, p, epoch);
        kfk__assigned_leave(p);
        kfk__shared_remove(s, p);
        kfk__list_push(&h->partitions, &p->link);
    }
    kfk__shared_known(s);
}

/* Locked. */
static void stop(kfk_consumer *c, kfk__handover *h, size_t i)
{
    kfk_tp *tp = &h->tps[i];
    kfk__assigned *p = kfk__shared_find(c->shared, tp->topic, tp->partition);

    if (!p) /* it was given up meanwhile */
        return;
    kfk__assigned_end_runs(p);
    p->leaving = true;
    kfk__list_remove(&p->ready);
    kfk__assigned_tell(p);
}

/* Those that have just left, and no others. Locked. */
static void keep_those_that_left(kfk__handover *h)
{
    size_t n = 0;

    for (kfk__list *at = h->partitions.next; at != &h->partitions; at = at->next) {
        const kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        size_t i = n;

        while (i < h->n && !is_of(&h->tps[i], p))
            i++;
        if (i < h->n)
            h->tps[n++] = h->tps[i];
    }
    h->n = n;
}

/* A group's handlers hear of all that was lost, whatever else there is; and what is to go is no longer handed out from now on,
 * whenever a worker comes to it. Whether it is to be served. Locked. */
static bool tell_keeper(kfk_consumer *c, kfk__handover *h, bool wanted)
{
    if (h->kind == KFK__TURN_REVOKE && wanted) {
        h->stopped = true;
        for (size_t i = 0; i < h->n; i++)
            stop(c, h, i);
    }
    if (h->kind != KFK__TURN_LOST)
        return wanted;
    leave(c, h);
    keep_those_that_left(h);
    return !c->shared->closed;
}

bool kfk__handover_turn(void *owner, kfk__turn_kind kind, uint64_t number, const kfk__parts *parts,
                        int64_t deadline)
{
    kfk_consumer *c = owner;
    kfk__handover *h = new_handover(c, kind, parts->v, parts->n);
    bool wanted;

    if (!h)
        return false;
    h->number = number;
    h->deadline = deadline;
    if (kind == KFK__TURN_ASSIGN && kfk__consumer_make(c, h->tps, h->n, &h->partitions)) {
        free_handover(c, h);
        return false;
    }
    kfk__lock(&c->shared->lock);
    wanted = c->group.joined && !c->shared->closed;
    if (c->keeper.owner)
        wanted = tell_keeper(c, h, wanted);
    else if (kind == KFK__TURN_LOST)
        leave(c, h);
    if (wanted)
        kfk__list_push(&c->group.handovers, &h->link);
    kfk__unlock(&c->shared->lock);
    kfk__shared_sweep(c->shared);
    if (!wanted)
        free_handover(c, h);
    return true;
}

static kfk__handover *find(kfk_consumer *c, uint64_t number)
{
    for (kfk__list *at = c->group.handovers.next; at != &c->group.handovers; at = at->next) {
        kfk__handover *h = KFK__ENTRY(at, kfk__handover, link);

        if (h->number == number)
            return h;
    }
    return NULL;
}

void kfk__handover_give_up(void *owner, uint64_t number)
{
    kfk_consumer *c = owner;
    kfk__handover *h, *unused = NULL;

    kfk__lock(&c->shared->lock);
    h = find(c, number);
    if (h && h->kind == KFK__TURN_REVOKE) {
        leave(c, h);
        if (!h->begun)
            h->kind = KFK__TURN_LOST;
    } else if (h && !h->begun) {
        kfk__list_remove(&h->link);
        unused = h;
    }
    if (h)
        h->given_up = true;
    kfk__unlock(&c->shared->lock);
    kfk__shared_sweep(c->shared);
    if (unused)
        free_handover(c, unused);
}

/* ---- of whoever serves ---- */

kfk__handover *kfk__handover_first(kfk_consumer *c)
{
    kfk__handover *h = NULL;
    kfk__list *at;

    kfk__lock(&c->shared->lock);
    at = kfk__list_first(&c->group.handovers);
    if (at) {
        h = KFK__ENTRY(at, kfk__handover, link);
        h->begun = true;
    }
    kfk__unlock(&c->shared->lock);
    return h;
}

/* |tps| has room for |cap|. Returns how many there are; with more than |cap| nothing was done. Locked. */
static size_t list_assigned(kfk__shared *s, kfk_tp *tps, size_t cap)
{
    size_t n = 0;

    if (s->index.n > cap)
        return s->index.n;
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        tps[n++] = (kfk_tp){
            .topic = p->topic, .opaque = kfk__assigned_hold(p), .partition = p->partition};
    }
    return n;
}

kfk__handover *kfk__handover_of_all(kfk_consumer *c)
{
    const kfk_allocator *a = &c->env.alloc;
    size_t cap = 0, n = 8;
    kfk__handover *h = NULL;
    kfk_tp *tps = NULL, *v = NULL;

    while (n > cap) {
        cap = n;
        v = kfk__array(a, tps, cap, sizeof *tps);
        if (!v)
            break;
        tps = v;
        kfk__lock(&c->shared->lock);
        n = list_assigned(c->shared, tps, cap);
        kfk__unlock(&c->shared->lock);
    }
    if (v) {
        h = new_handover(c, KFK__TURN_REVOKE, tps, n);
        for (size_t i = 0; i < n; i++)
            kfk__assigned_drop(tps[i].opaque);
    }
    kfk__release(a, tps);
    return h;
}

/* Locked. */
static void look(kfk_consumer *c, kfk__handover *h, size_t i)
{
    kfk_tp *tp = &h->tps[i];
    kfk__assigned *p = kfk__shared_find(c->shared, tp->topic, tp->partition);

    if (!p)
        return;
    tp->opaque = p->opaque;
    tp->offset = kfk__assigned_done(p, &tp->leader_epoch);
    if (tp->offset < 0)
        return;
    h->known[h->n_known] = *tp;
    h->known[h->n_known++].flags = KFK_OFFSET | (tp->leader_epoch >= 0 ? KFK_EPOCH : 0);
}

/* At those that were taken away meanwhile, which have left in the order of |tps|. Locked. */
static void look_back(kfk__handover *h)
{
    size_t i = 0;

    for (kfk__list *at = h->partitions.next; at != &h->partitions; at = at->next) {
        const kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        while (i < h->n && !is_of(&h->tps[i], p))
            i++;
        if (i < h->n)
            tell_last(&h->tps[i++], p, -1);
    }
}

void kfk__handover_look(kfk_consumer *c, kfk__handover *h)
{
    kfk__lock(&c->shared->lock);
    h->n_known = 0;
    for (size_t i = 0; i < h->n; i++)
        look(c, h, i);
    look_back(h);
    kfk__unlock(&c->shared->lock);
}

void kfk__handover_stop(kfk_consumer *c, kfk__handover *h)
{
    if (h->stopped)
        return;
    h->stopped = true;
    kfk__lock(&c->shared->lock);
    for (size_t i = 0; i < h->n; i++)
        stop(c, h, i);
    kfk__unlock(&c->shared->lock);
    kfk__handover_look(c, h);
}

bool kfk__handover_is_read(kfk_consumer *c, const kfk__handover *h)
{
    kfk__shared *s = c->shared;
    const kfk__assigned *p;
    bool is = false;

    kfk__lock(&s->lock);
    for (const kfk__list *at = h->partitions.next; !is && at != &h->partitions; at = at->next)
        is = kfk__shared_is_read(s, KFK__ENTRY(at, kfk__assigned, link));
    for (size_t i = 0; !is && i < h->n; i++) {
        p = kfk__shared_find(s, h->tps[i].topic, h->tps[i].partition);
        is = p && kfk__shared_is_read(s, p);
    }
    kfk__unlock(&s->lock);
    return is;
}

void kfk__handover_leave(kfk_consumer *c, kfk__handover *h)
{
    kfk__lock(&c->shared->lock);
    leave(c, h);
    kfk__unlock(&c->shared->lock);
    kfk__shared_sweep(c->shared);
}

bool kfk__handover_assign(kfk_consumer *c, kfk__handover *h)
{
    kfk__shared *s = c->shared;
    kfk__list *at;
    size_t i = 0;
    bool ok;

    kfk__lock(&s->lock);
    ok = !h->given_up && !s->closed;
    while (ok && (at = kfk__list_pop(&h->partitions)) != NULL) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);

        p->opaque = h->tps[i].opaque;
        kfk__consumer_begin(c, p, &h->tps[i++]);
        kfk__shared_add(s, p);
    }
    kfk__shared_wake(s);
    kfk__unlock(&s->lock);
    return ok;
}

bool kfk__handover_is_given_up(kfk_consumer *c, const kfk__handover *h)
{
    bool yes;

    kfk__lock(&c->shared->lock);
    yes = h->given_up;
    kfk__unlock(&c->shared->lock);
    return yes;
}

void kfk__handover_put_back(kfk_consumer *c, kfk__handover *h)
{
    kfk__lock(&c->shared->lock);
    h->begun = false;
    if (h->given_up && h->kind == KFK__TURN_REVOKE)
        h->kind = KFK__TURN_LOST;
    kfk__unlock(&c->shared->lock);
}

void kfk__handover_done(kfk_consumer *c, kfk__handover *h)
{
    uint64_t number = h->number;

    kfk__lock(&c->shared->lock);
    kfk__list_remove(&h->link);
    kfk__unlock(&c->shared->lock);
    free_handover(c, h);
    if (number)
        kfk__membership_done(c->group.membership, number);
}

void kfk__handover_forget(kfk_consumer *c, bool all)
{
    kfk__list forgotten, *at, *next;

    kfk__list_init(&forgotten);
    kfk__lock(&c->shared->lock);
    for (at = c->group.handovers.next; at != &c->group.handovers; at = next) {
        const kfk__handover *h = KFK__ENTRY(at, kfk__handover, link);

        next = at->next;
        if (!all && (h->kind == KFK__TURN_LOST || h->given_up || (c->keeper.owner && h->begun)))
            continue;
        kfk__list_remove(at);
        kfk__list_push(&forgotten, at);
    }
    kfk__unlock(&c->shared->lock);
    while ((at = kfk__list_pop(&forgotten)) != NULL)
        free_handover(c, KFK__ENTRY(at, kfk__handover, link));
}
