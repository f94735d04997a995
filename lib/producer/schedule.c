#include "producer/schedule.h"

#include "base/mem.h"

void kfk__schedule_init(kfk__schedule *s, kfk__client *client, const kfk_allocator *a,
                        int64_t linger_ns, bool idempotent, bool in_order)
{
    *s = (kfk__schedule){.client = client,
                         .alloc = a,
                         .linger_ns = linger_ns,
                         .idempotent = idempotent,
                         .in_order = in_order,
                         .leaders_era = 1};
    kfk__heap_init(&s->timers, a);
    kfk__map_init(&s->leader_by_id, a);
    kfk__list_init(&s->leaders);
    kfk__list_init(&s->homeless);
}

void kfk__schedule_fini(kfk__schedule *s)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&s->leaders)) != NULL)
        kfk__release(s->alloc, KFK__ENTRY(at, kfk__leader, link));
    kfk__map_fini(&s->leader_by_id);
    kfk__heap_fini(&s->timers);
}

bool kfk__schedule_reserve(kfk__schedule *s, size_t n)
{
    if (!kfk__heap_reserve(&s->timers, s->n_partitions + n))
        return false;
    s->n_partitions += n;
    return true;
}

/* ---- leaders ---- */

static kfk__leader *leader_of(kfk__schedule *s, int32_t id)
{
    kfk__leader *l = kfk__map_get(&s->leader_by_id, &id, sizeof id);

    if (l)
        return l;
    l = kfk__zalloc(s->alloc, sizeof *l);
    if (!l)
        return NULL;
    l->id = id;
    l->waits_since = KFK__NEVER;
    kfk__list_init(&l->ready);
    kfk__list_init(&l->link);
    if (!kfk__map_put(&s->leader_by_id, &l->id, sizeof l->id, l)) {
        kfk__release(s->alloc, l);
        return NULL;
    }
    kfk__list_push(&s->leaders, &l->link);
    return l;
}

/* The partition's leader, or NULL: then metadata has been asked for. Looked up once an era. */
static kfk__leader *find_leader(kfk__schedule *s, kfk__partition *p, int64_t now)
{
    const kfk__topic *t = p->topic;
    kfk__partition_info is = {-1, -1};
    kfk__topic_info *info;

    if (p->leader && p->leader_era == s->leaders_era)
        return p->leader;
    p->leader = NULL;
    p->leader_era = s->leaders_era;
    info = kfk__client_topic(s->client, t->name, t->name_len, now);
    if (info && p->index < info->n_partitions)
        is = info->partitions[p->index];
    if (is.leader >= 0 && kfk__client_node(s->client, is.leader))
        p->leader = leader_of(s, is.leader);
    if (!p->leader) {
        kfk__client_refresh(s->client, info);
        return NULL;
    }
    if (p->leader_was.leader != is.leader && s->led)
        s->led(s->owner, p, is.leader);
    p->leader_was = is;
    return p->leader;
}

/* ---- where a partition stands ---- */

bool kfk__schedule_holds(const kfk__schedule *s, const kfk__partition *p,
                         const kfk__producer_batch *head)
{
    if (head->compressing || p->hole)
        return true;
    if (p->n_in_flight == 0)
        return false;
    if (s->in_order)
        return true;
    if (!s->idempotent)
        return false;
    /* A broker takes any sequence from a producer that it does not know yet: were the first batch refused, by one that
     * does not lead yet, the second one would be let in before it. */
    if (p->acked_sequence < 0)
        return true;
    /* It was sent before, or is part of what was. */
    if (head->base_sequence >= 0)
        return true;
    for (kfk__list *at = p->in_flight.next; at != &p->in_flight; at = at->next) {
        const kfk__producer_batch *b = KFK__ENTRY(at, kfk__producer_batch, link);

        if (b->attempts > 1 || b->finished)
            return true;
    }
    return false;
}

/* When the head may go out. queue_lock is held. */
static int64_t due_at(const kfk__schedule *s, const kfk__partition *p,
                      const kfk__producer_batch *head, int64_t now)
{
    int64_t due = now;

    if (head->state == KFK__BATCH_OPEN && !head->urgent && !s->hurried && head->order.id > s->flush_id)
        due = head->created_at + s->linger_ns;
    return due > p->retry_at ? due : p->retry_at;
}

/* What the deque says. *due: when the head may go out. */
static kfk__drain_state look(const kfk__schedule *s, kfk__partition *p, int64_t now, int64_t *due)
{
    kfk__drain_state state = KFK__DRAIN_IDLE;
    const kfk__producer_batch *head;

    kfk__lock(&p->queue_lock);
    head = kfk__partition_head(p);
    if (head) {
        *due = due_at(s, p, head, now);
        if (*due > now)
            state = KFK__DRAIN_TIMER;
        else
            state = kfk__schedule_holds(s, p, head) ? KFK__DRAIN_WAITING : KFK__DRAIN_READY;
    }
    /* Who backs off does so whatever else comes in; who lingers does not. */
    p->quiet = state == KFK__DRAIN_READY || state == KFK__DRAIN_WAITING ||
               (state == KFK__DRAIN_TIMER && *due == p->retry_at);
    kfk__unlock(&p->queue_lock);
    return state;
}

void kfk__schedule_place(kfk__schedule *s, kfk__partition *p, int64_t now)
{
    int64_t due = now;
    kfk__leader *l;

    if (p->index < 0)
        return; /* kept: there is nowhere to send it */
    kfk__heap_remove(&s->timers, &p->timer);
    kfk__list_remove(&p->drain_link);
    p->drain = look(s, p, now, &due);
    if (p->drain == KFK__DRAIN_TIMER)
        kfk__heap_set(&s->timers, &p->timer, due);
    if (p->drain != KFK__DRAIN_READY)
        return;
    l = find_leader(s, p, now);
    if (!l)
        p->drain = KFK__DRAIN_HOMELESS;
    kfk__list_push(l ? &l->ready : &s->homeless, &p->drain_link);
}

static void place_list(kfk__schedule *s, kfk__list *list, int64_t now)
{
    kfk__list all;
    kfk__list *at;

    kfk__list_init(&all);
    kfk__list_splice(&all, list);
    while ((at = kfk__list_pop(&all)) != NULL)
        kfk__schedule_place(s, KFK__ENTRY(at, kfk__partition, drain_link), now);
}

void kfk__schedule_run(kfk__schedule *s, int64_t now)
{
    kfk__heap_node *first;

    while ((first = kfk__heap_first(&s->timers)) != NULL && first->at <= now)
        kfk__schedule_place(s, KFK__ENTRY(first, kfk__partition, timer), now);
}

int64_t kfk__schedule_next(const kfk__schedule *s)
{
    const kfk__heap_node *first = kfk__heap_first(&s->timers);

    return first ? first->at : KFK__NEVER;
}

/* All that are in the heap, into |all|. */
static void take_timers(kfk__schedule *s, kfk__list *all)
{
    kfk__heap_node *first;

    kfk__list_init(all);
    while ((first = kfk__heap_first(&s->timers)) != NULL) {
        kfk__heap_remove(&s->timers, first);
        kfk__list_push(all, &KFK__ENTRY(first, kfk__partition, timer)->drain_link);
    }
}

void kfk__schedule_hurry(kfk__schedule *s, int64_t now)
{
    kfk__list all;

    take_timers(s, &all);
    place_list(s, &all, now);
}

/* Another leader than the one that refused, or that one in a new term, need not be waited for (KIP-951). */
static void skip_backoff(kfk__schedule *s, kfk__partition *p, int64_t now)
{
    const kfk__partition_info was = p->leader_was;

    if (p->retry_at > now && was.leader >= 0 && find_leader(s, p, now) &&
        kfk__leader_moved(was, p->leader_was))
        p->retry_at = now;
}

void kfk__schedule_leaders(kfk__schedule *s, int64_t now)
{
    kfk__list timers;

    s->leaders_era++;
    take_timers(s, &timers);
    for (kfk__list *at = timers.next; at != &timers; at = at->next)
        skip_backoff(s, KFK__ENTRY(at, kfk__partition, drain_link), now);
    place_list(s, &timers, now);
    for (kfk__list *at = s->leaders.next; at != &s->leaders; at = at->next)
        place_list(s, &KFK__ENTRY(at, kfk__leader, link)->ready, now);
    place_list(s, &s->homeless, now);
}
