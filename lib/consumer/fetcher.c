#include "consumer/fetcher.h"

#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

/* So long at most a broker may hold an answer back while a partition waits for its buffer to be read: one that is read
 * meanwhile is asked for with the next request. */
enum { SHORT_WAIT_MS = 10 };

/* ---- sources ---- */

static kfk__fetch_source *source_of(kfk__fetcher *f, int32_t id)
{
    kfk__fetch_source *s;

    for (kfk__list *at = f->sources.next; at != &f->sources; at = at->next) {
        s = KFK__ENTRY(at, kfk__fetch_source, link);
        if (s->id == id)
            return s;
    }
    s = kfk__zalloc(&f->env->alloc, sizeof *s);
    if (!s)
        return NULL;
    s->id = id;
    kfk__session_init(&s->session, &f->env->alloc);
    kfk__list_push(&f->sources, &s->link);
    return s;
}

static void free_source(kfk__fetcher *f, kfk__fetch_source *s)
{
    kfk__list_remove(&s->link);
    kfk__session_fini(&s->session);
    kfk__release(&f->env->alloc, s);
}

/* Nothing is fetched for it, here or elsewhere. */
static void unseat(kfk__assigned *p)
{
    kfk__course *c = &p->course;

    if (c->seat)
        kfk__session_leave(&c->source->session, c->seat);
    if (c->held_back)
        c->source->held_back--;
    c->seat = NULL;
    c->source = NULL;
    c->held_back = false;
}

/* It would be fetched from |s|, but has enough for now: more than |above|. */
static void hold_back(kfk__assigned *p, kfk__fetch_source *s, size_t above)
{
    unseat(p);
    p->full = above;
    p->course.source = s;
    p->course.held_back = true;
    s->held_back++;
}

/* ---- one partition ---- */

/* A seek, or a failure, since the Fetcher looked: it begins anew. Locked. */
static void follow(kfk__assigned *p, int64_t now)
{
    kfk__course *c = &p->course;

    if (c->version == p->fetch_version)
        return;
    kfk__question_drop(&c->question);
    c->asks_group = false;
    c->version = p->fetch_version;
    c->since = now;
    c->offset = p->position;
    c->epoch = p->epoch;
    c->checked = -1;
    c->retry_at = 0;
    c->retry = (kfk__retry){0};
}

/* Not assigned any more, or not to be gone on with. */
static void rest(kfk__assigned *p)
{
    kfk__question_drop(&p->course.question);
    unseat(p);
    kfk__list_remove(&p->course.waiting);
}

static void forget(kfk__assigned *p)
{
    rest(p);
    if (kfk__list_empty(&p->course.known))
        return;
    kfk__list_remove(&p->course.known);
    kfk__assigned_drop(p);
}

/* The cluster has said for good, and since the partition was assigned or moved, that there is no such topic for us: then
 * poll tells. Locked. */
static void tell_if_unusable(kfk__assigned *p, const kfk__topic_info *info)
{
    if (info && info->answered_at > p->course.since && info->err > 0 &&
        !(kfk_err_flags(info->err) & KFK_RETRIABLE))
        kfk__assigned_fail(p, info->err, p->position, kfk_err_str(info->err));
}

/* The topic's metadata, if it names a leader that can be asked. NULL: not known, and asked for; the partition is looked at
 * again when it comes. Locked. */
static kfk__topic_info *find_leader(kfk__fetcher *f, kfk__assigned *p, int64_t now)
{
    kfk__topic_info *info = kfk__client_topic(&f->client, p->topic, p->topic_len, now);
    int32_t leader = -1;

    if (info && p->partition < info->n_partitions)
        leader = info->partitions[p->partition].leader;
    if (leader >= 0 && kfk__client_node(&f->client, leader))
        return info;
    if (!info || info->err != KFK_ERR_WOULD_BLOCK)
        kfk__client_refresh(&f->client, info);
    tell_if_unusable(p, info);
    return NULL;
}

bool kfk__fetcher_can_reach(const kfk__fetcher *f, int32_t id, int64_t now)
{
    const kfk__node *n = kfk__client_node(&f->client, id);

    return n && (n->failures == 0 || kfk__node_ready_at(n) <= now);
}

/* Who to fetch from: a nearer replica, as long as the leader's word on that holds, or the leader. */
static int32_t nearest(kfk__fetcher *f, kfk__assigned *p, int32_t leader, int64_t now)
{
    kfk__course *c = &p->course;

    if (c->replica >= 0 &&
        (now >= c->replica_until || !kfk__fetcher_can_reach(f, c->replica, now)))
        c->replica = -1;
    return c->replica >= 0 ? c->replica : leader;
}

static void question_done(void *owner, kfk__question *q, int64_t now);

static void ask(kfk__fetcher *f, kfk__assigned *p, kfk__question_kind kind)
{
    kfk__question *q = &p->course.question;

    unseat(p);
    q->kind = kind;
    q->group = KFK__ASSIGNED_GROUP;
    q->topic = p->topic;
    q->topic_len = p->topic_len;
    q->partition = p->partition;
    q->timestamp = kfk__place_timestamp(p->from, f->env->ops->wall_ms(f->env->ctx));
    q->epoch = p->course.epoch;
    q->done = question_done;
    q->owner = f;
    kfk__questions_ask(&f->questions, q);
}

/* Asks its broker for records from c->offset on. Locked. */
static void seat(kfk__fetcher *f, kfk__assigned *p, const kfk__topic_info *info, int64_t now)
{
    kfk__course *c = &p->course;
    const kfk__partition_info *pi = &info->partitions[p->partition];
    kfk__fetch_source *s = source_of(f, nearest(f, p, pi->leader, now));
    kfk__wish wish = {.id = info->id,
                      .offset = c->offset,
                      .leader_epoch = pi->leader_epoch,
                      .version = c->version};

    if (!s) {
        kfk__fetcher_retry(f, p, KFK_ERR_NOMEM, now);
        return;
    }
    if (p->paused || p->leaving) {
        unseat(p);
        return;
    }
    if (p->buffered > (size_t)f->limit) {
        hold_back(p, s, (size_t)f->limit);
        return;
    }
    if (c->source != s || c->held_back)
        unseat(p);
    p->full = 0;
    c->source = s;
    wish.max_bytes = f->limit;
    if (kfk__session_take(&s->session, p, &wish, &c->seat))
        kfk__fetcher_retry(f, p, KFK_ERR_NOMEM, now);
}

/* Whether the topic is another one than that which was read so far. */
static bool is_another(kfk__course *c, const kfk__topic_info *info, int64_t now)
{
    bool differs = !kfk__uuid_is_zero(&c->id) && !kfk__uuid_is_zero(&info->id) &&
                   !kfk__uuid_equal(&c->id, &info->id);
    bool known = now < c->by_name_until;

    if (!kfk__uuid_is_zero(&info->id))
        c->id = info->id;
    if (differs)
        c->by_name_until = 0;
    return differs && !known;
}

/* What is no news is none when reading goes on, either. */
static void note_id(kfk__fetcher *f, kfk__assigned *p, int64_t now)
{
    const kfk__topic_info *info =
        kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);

    if (info && now < p->course.by_name_until)
        (void)is_another(&p->course, info, now);
}

/* Whether the log is to be asked if it still has what was read: another leader may not. */
static bool is_doubtful(const kfk__course *c, const kfk__partition_info *pi)
{
    return c->epoch >= 0 && pi->leader_epoch >= 0 && pi->leader_epoch != c->checked;
}

void kfk__fetcher_look(kfk__fetcher *f, kfk__assigned *p, int64_t now)
{
    kfk__course *c = &p->course;
    const kfk__topic_info *info;

    f->moved = true;
    if (p->gone) {
        forget(p);
        return;
    }
    follow(p, now);
    kfk__list_remove(&c->waiting);
    if (p->err) {
        note_id(f, p, now);
        rest(p);
        return;
    }
    if (kfk__question_is_asked(&c->question) || c->asks_group)
        return;
    if (c->retry_at > now) {
        unseat(p);
        kfk__list_push(&f->waiting, &c->waiting);
        return;
    }
    if (c->offset < 0 && p->from.kind == KFK__PLACE_COMMITTED) {
        unseat(p);
        c->asks_group = true;
        kfk__list_push(&f->for_group, &c->waiting);
        return;
    }
    info = find_leader(f, p, now);
    if (!info) {
        unseat(p);
        return;
    }
    if (is_another(c, info, now) && c->offset >= 0)
        kfk__fetcher_reset(p, KFK_ERR_UNKNOWN_TOPIC_ID, p->position,
                           "the topic was deleted and made again, and auto.offset.reset=none");
    else if (c->offset < 0)
        ask(f, p, KFK__ASKS_OFFSET);
    else if (is_doubtful(c, &info->partitions[p->partition]))
        ask(f, p, KFK__ASKS_EPOCH);
    else
        seat(f, p, info, now);
}

void kfk__fetcher_retry(kfk__fetcher *f, kfk__assigned *p, kfk_err why, int64_t now)
{
    kfk__course *c = &p->course;

    c->retry_at = kfk__client_retry_at(&f->client, &c->retry, why, now);
    unseat(p);
    kfk__list_remove(&c->waiting);
    kfk__list_push(&f->waiting, &c->waiting);
}

/* ---- positions ---- */

void kfk__fetcher_reset(kfk__assigned *p, kfk_err err, int64_t offset, const char *why)
{
    if (p->reset.kind == KFK__PLACE_NONE)
        kfk__assigned_fail(p, err, offset, why);
    else
        kfk__assigned_look_up(p, p->reset);
}

void kfk__fetcher_diverged(kfk__assigned *p, int64_t end, int32_t epoch)
{
    char why[sizeof p->why];

    if (end < 0) { /* it knows of no epoch that is not newer: nothing that was read is there */
        kfk__fetcher_reset(p, KFK_ERR_TRUNCATED, -1,
                           "the log has nothing of what was read before, and auto.offset.reset=none");
        return;
    }
    if (end >= p->position) { /* only what was fetched and not handed out yet */
        kfk__assigned_move(p, p->position, p->epoch);
        return;
    }
    if (p->reset.kind != KFK__PLACE_NONE) {
        kfk__assigned_move(p, end, epoch);
        return;
    }
    (void)snprintf(why, sizeof why,
                   "the log was cut off at offset %lld, what was read behind that is not in it, and "
                   "auto.offset.reset=none",
                   (long long)end);
    kfk__assigned_fail(p, KFK_ERR_TRUNCATED, end, why);
}

/* Locked. */
static void offset_found(kfk__fetcher *f, kfk__assigned *p, const kfk__question *q, int64_t now)
{
    kfk__course *c = &p->course;

    if (q->err) {
        kfk__assigned_fail(p, q->err, p->position, kfk_err_str(q->err));
        return;
    }
    if (q->offset < 0) { /* no record is that young: what comes next is */
        p->from = (kfk__place){KFK__PLACE_TIME, KFK_OFFSET_LATEST};
        kfk__fetcher_look(f, p, now);
        return;
    }
    p->position = c->offset = q->offset;
    p->epoch = c->epoch = q->found_epoch;
    c->checked = q->leader_epoch; /* it is that leader's own word */
    c->retry = (kfk__retry){0};
    kfk__shared_known(f->shared);
    kfk__fetcher_look(f, p, now);
}

/* Locked. */
static void epoch_found(kfk__fetcher *f, kfk__assigned *p, const kfk__question *q, int64_t now)
{
    kfk__course *c = &p->course;

    if (q->err && q->err != KFK_ERR_UNSUPPORTED_VERSION) {
        kfk__assigned_fail(p, q->err, p->position, kfk_err_str(q->err));
        return;
    }
    if (!q->err && (q->offset < c->offset || q->found_epoch < 0)) {
        kfk__fetcher_diverged(p, q->found_epoch < 0 ? -1 : q->offset, q->found_epoch);
        return;
    }
    c->checked = q->leader_epoch;
    if (q->err) /* nothing can be said, then or later */
        c->epoch = -1;
    c->retry = (kfk__retry){0};
    kfk__fetcher_look(f, p, now);
}

static void question_done(void *owner, kfk__question *q, int64_t now)
{
    kfk__fetcher *f = owner;
    kfk__assigned *p = KFK__ENTRY(q, kfk__assigned, course.question);

    kfk__lock(&f->shared->lock);
    /* A seek since then: the news of it are on their way. */
    if (!p->gone && p->fetch_version == p->course.version) {
        if (q->kind == KFK__ASKS_OFFSET)
            offset_found(f, p, q, now);
        else
            epoch_found(f, p, q, now);
    }
    kfk__unlock(&f->shared->lock);
}

/* ---- requests ---- */

/* It could not be sent: no memory, which may pass; or a version that is not there, which poll tells. */
static void unsent(kfk__fetcher *f, kfk__fetch_source *s, kfk_err err, int64_t now)
{
    s->retry_at = kfk__client_retry_at(&f->client, &s->retry, err, now);
    if (err == KFK_ERR_NOMEM)
        return;
    kfk__lock(&f->shared->lock);
    for (kfk__list *at = s->session.seats.next; at != &s->session.seats; at = at->next) {
        const kfk__seat *seat = KFK__ENTRY(at, kfk__seat, link);

        if (!seat->leaving)
            kfk__assigned_fail(seat->partition, err, seat->partition->position, kfk_err_str(err));
    }
    kfk__unlock(&f->shared->lock);
}

static void send_fetch(kfk__fetcher *f, kfk__fetch_source *s, kfk__node *node, int64_t now)
{
    const kfk__fetcher_options *o = &f->options;
    kfk__fetch *fetch = kfk__fetch_new(f->shared, s, (size_t)o->max_partition_bytes);
    kfk__fetch_limits l = {.min_bytes = o->min_bytes,
                           .max_wait_ms = s->held_back > 0 && o->max_wait_ms > SHORT_WAIT_MS
                                              ? SHORT_WAIT_MS
                                              : o->max_wait_ms,
                           .isolation = o->isolation,
                           .rack = now < s->rackless_until ? NULL : o->rack};
    kfk_err err;

    if (!fetch) {
        unsent(f, s, KFK_ERR_NOMEM, now);
        return;
    }
    fetch->reserved = kfk__shared_reserve(f->shared, (size_t)o->max_bytes, f->n_sources,
                                          (size_t)f->limit / 4);
    if (fetch->reserved == 0) { /* an answer that is out, or kfk_records_free, brings it */
        kfk__fetch_free(fetch);
        return;
    }
    l.max_bytes = (int32_t)fetch->reserved;
    err = kfk__fetch_send(fetch, node, &l, kfk__fetcher_receive, f, now);
    s->busy = !err;
    if (err) {
        kfk__fetch_free(fetch);
        unsent(f, s, err, now);
    }
}

/* A replica that cannot be reached is no nearer than the leader. */
static void leave_replica(kfk__fetcher *f, kfk__fetch_source *s, int64_t now)
{
    kfk__lock(&f->shared->lock);
    for (kfk__list *at = s->session.seats.next, *next; at != &s->session.seats; at = next) {
        const kfk__seat *seat = KFK__ENTRY(at, kfk__seat, link);

        next = at->next;
        if (!seat->leaving && seat->partition->course.replica == s->id)
            kfk__fetcher_look(f, seat->partition, now);
    }
    kfk__unlock(&f->shared->lock);
}

/* Returns when to look at it again. */
static int64_t serve_source(kfk__fetcher *f, kfk__fetch_source *s, int64_t now)
{
    kfk__node *node = kfk__client_node(&f->client, s->id);

    if (s->busy || s->session.wanted == 0 || !node)
        return KFK__NEVER;
    if (s->retry_at > now)
        return s->retry_at;
    if (!kfk__node_ready(node, now)) {
        if (node->failures > 0)
            leave_replica(f, s, now);
        return kfk__node_ready_at(node);
    }
    send_fetch(f, s, node, now);
    return s->busy ? KFK__NEVER : s->retry_at > now ? s->retry_at : KFK__NEVER;
}

static int64_t serve_sources(kfk__fetcher *f, int64_t now)
{
    int64_t until = KFK__NEVER, t;

    f->n_sources = 0;
    for (kfk__list *at = f->sources.next; at != &f->sources; at = at->next)
        f->n_sources += KFK__ENTRY(at, kfk__fetch_source, link)->session.wanted > 0;
    for (kfk__list *at = f->sources.next; at != &f->sources; at = at->next) {
        t = serve_source(f, KFK__ENTRY(at, kfk__fetch_source, link), now);
        until = t < until ? t : until;
    }
    return until;
}

/* ---- metadata ---- */

/* Leaders, epochs, topics may be others now. */
static void metadata_updated(void *owner, int64_t now)
{
    kfk__fetcher *f = owner;

    kfk__lock(&f->shared->lock);
    for (kfk__list *at = f->known.next, *next; at != &f->known; at = next) {
        next = at->next;
        kfk__fetcher_look(f, KFK__ENTRY(at, kfk__assigned, course.known), now);
    }
    kfk__unlock(&f->shared->lock);
    kfk__fetcher_answer_partitions(f, now);
}

/* ---- the whole ---- */

kfk_err kfk__fetcher_init(kfk__fetcher *f, const kfk__env *env, const kfk__fetcher_options *o,
                          const kfk__client_options *co, kfk__shared *shared, kfk__poller *poller)
{
    *f = (kfk__fetcher){.env = env, .options = *o, .shared = shared};
    kfk__list_init(&f->known);
    kfk__list_init(&f->waiting);
    kfk__list_init(&f->for_group);
    kfk__list_init(&f->sources);
    kfk__list_init(&f->asks);
    kfk__list_init(&f->commits);
    kfk__consumer_metrics_init(&f->metrics);
    kfk__questions_init(&f->questions, &f->client, o->isolation);
    if (kfk__client_init(&f->client, env, co, poller, metadata_updated, f))
        return KFK_ERR_NOMEM;
    if (!o->group || !kfk__groupio_init(&f->groupio, &f->client, o->group))
        return KFK_OK;
    kfk__client_fini(&f->client, 0);
    return KFK_ERR_NOMEM;
}

/* Whatever the Fetcher holds. */
static void drop_partitions(kfk__fetcher *f)
{
    kfk__shared *s = f->shared;
    kfk__list *at;

    kfk__lock(&s->lock);
    s->closed = true; /* no more news */
    while ((at = kfk__list_first(&f->known)) != NULL)
        forget(KFK__ENTRY(at, kfk__assigned, course.known));
    while ((at = kfk__list_pop(&s->news)) != NULL)
        kfk__assigned_drop(KFK__ENTRY(at, kfk__assigned, news));
    kfk__unlock(&s->lock);
}

void kfk__fetcher_fini(kfk__fetcher *f, int64_t now)
{
    kfk__list *at;

    drop_partitions(f);
    if (f->options.group)
        kfk__groupio_fini(&f->groupio, now);
    kfk__fetcher_end_asks(f);
    kfk__client_fini(&f->client, now); /* ends the requests that are out */
    while ((at = kfk__list_first(&f->sources)) != NULL)
        free_source(f, KFK__ENTRY(at, kfk__fetch_source, link));
}

static void pass_on_wakeup(kfk__fetcher *f)
{
    kfk__shared *s = f->shared;

    if (!atomic_load_explicit(&s->woken, memory_order_acquire))
        return;
    kfk__lock(&s->lock);
    kfk__shared_wake_lanes(s);
    kfk__shared_ring(s);
    kfk__unlock(&s->lock);
}

/* When the first of those that wait is due. */
static int64_t next_retry(const kfk__fetcher *f)
{
    int64_t until = KFK__NEVER;

    for (const kfk__list *at = f->waiting.next; at != &f->waiting; at = at->next) {
        int64_t t = KFK__ENTRY(at, kfk__assigned, course.waiting)->course.retry_at;

        until = t < until ? t : until;
    }
    return until;
}

/* Once one of those that wait is due, at all that will be soon. Locked. */
static void look_again(kfk__fetcher *f, int64_t now)
{
    const int64_t soon = now + KFK__RETRY_TOGETHER_MS * KFK__MS;
    kfk__list due;
    kfk__list *at, *next;

    if (next_retry(f) > now)
        return;
    kfk__list_init(&due);
    for (at = f->waiting.next; at != &f->waiting; at = next) {
        next = at->next;
        if (KFK__ENTRY(at, kfk__assigned, course.waiting)->course.retry_at > soon)
            continue;
        kfk__list_remove(at);
        kfk__list_push(&due, at);
    }
    while ((at = kfk__list_pop(&due)) != NULL) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, course.waiting);

        p->course.retry_at = now;
        kfk__fetcher_look(f, p, now);
    }
}

/* Those of the news that are gone, or that are not. Locked. */
static void take_those(kfk__fetcher *f, bool gone, int64_t now)
{
    kfk__list *news = &f->shared->news;

    for (kfk__list *at = news->next, *next; at != news; at = next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, news);

        next = at->next;
        if (p->gone != gone)
            continue;
        kfk__list_remove(at);
        /* The news' hold becomes the Fetcher's own. */
        if (kfk__list_empty(&p->course.known))
            kfk__list_push(&f->known, &p->course.known);
        else
            kfk__assigned_drop(p);
        kfk__fetcher_look(f, p, now);
    }
}

/* What the application has changed, and what may be tried again. */
static void take_news(kfk__fetcher *f, int64_t now)
{
    kfk__shared *s = f->shared;

    kfk__lock(&s->lock);
    take_those(f, true, now); /* they give up the seats that others of the same name may take */
    take_those(f, false, now);
    look_again(f, now);
    kfk__unlock(&s->lock);
}

int64_t kfk__fetcher_step(kfk__fetcher *f, const kfk__event *ev, int n, int64_t now)
{
    int64_t until, t;

    kfk__client_events(&f->client, ev, n, now);
    pass_on_wakeup(f);
    f->limit = (int32_t)kfk__shared_limit(f->shared, (size_t)f->options.max_partition_bytes);
    take_news(f, now);
    until = kfk__fetcher_answer(f, now);
    t = kfk__questions_step(&f->questions, now);
    until = t < until ? t : until;
    if (f->options.group) {
        kfk__fetcher_ask_group(f, now);
        t = kfk__groupio_tick(&f->groupio, now);
        until = t < until ? t : until;
    }
    t = serve_sources(f, now);
    until = t < until ? t : until;
    f->moved = false;
    t = kfk__client_tick(&f->client, now);
    until = t < until ? t : until;
    t = next_retry(f);
    until = t < until ? t : until;
    kfk__shared_sweep(f->shared);
    return f->moved ? now : until; /* what a timeout or metadata has changed is seen to at once */
}
