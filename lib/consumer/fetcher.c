#include "consumer/fetcher.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "consumer/fetch.h"
#include "proto/fetch.h"
#include "proto/list_offsets.h"
#include "record/message.h"

/* kfk__node.busy */
enum { BUSY_FETCH = 1, BUSY_LIST = 2 };

/* What a partition needs next. */
typedef enum want {
    WANT_NOTHING,
    WANT_OFFSET,
    WANT_RECORDS
} want;

static const kfk__client_options *client_options(const kfk__fetcher *f)
{
    return f->client.options;
}

/* ---- which partitions ---- */

/* A seek, or a failure, since the Fetcher looked: it begins anew. Locked. */
static void follow(kfk__assigned *p, int64_t now)
{
    unsigned version = atomic_load_explicit(&p->version, memory_order_relaxed);

    if (p->fetch_version == version)
        return;
    p->fetch_version = version;
    p->fetch_since = now;
    p->fetch_offset = p->position;
    p->asked = false;
    p->retry_at = 0;
    p->retry = (kfk__retry){0};
}

/* Locked. *until: when to look again, if it is only a matter of time. */
static want wanted(const kfk__fetcher *f, kfk__assigned *p, int64_t now, int64_t *until)
{
    follow(p, now);
    if (p->err || p->asked)
        return WANT_NOTHING;
    if (p->retry_at > now) {
        if (p->retry_at < *until)
            *until = p->retry_at;
        return WANT_NOTHING;
    }
    if (p->fetch_offset < 0)
        return WANT_OFFSET;
    return p->buffered < (size_t)f->options.max_partition_bytes ? WANT_RECORDS : WANT_NOTHING;
}

/* Looks again soon: there was no memory. */
static void retry_soon(const kfk__fetcher *f, int64_t now, int64_t *until)
{
    int64_t at = now + kfk__backoff_ns(&client_options(f)->retry, 0, f->env);

    *until = at < *until ? at : *until;
}

/* The topic's metadata and the partition's leader; NULL: not known, and asked for. */
static const kfk__topic_info *leader_of(kfk__fetcher *f, const kfk__assigned *p, int32_t *leader,
                                        int64_t now)
{
    kfk__topic_info *info = kfk__client_topic(&f->client, p->topic, p->topic_len, now);

    *leader = -1;
    if (info && p->partition < info->n_partitions)
        *leader = info->partitions[p->partition].leader;
    if (*leader >= 0 && kfk__client_node(&f->client, *leader))
        return info;
    if (!info || info->err != KFK_ERR_WOULD_BLOCK)
        kfk__client_refresh(&f->client, info);
    return NULL;
}

/* All partitions that |n| leads and that want this, in one request. NULL: none. */
static kfk__fetch *gather(kfk__fetcher *f, kfk__node *n, want what, int64_t now, int64_t *until)
{
    kfk__fetch *fetch = kfk__fetch_new(f->shared, f, n);
    kfk__shared *s = f->shared;

    if (!fetch) {
        retry_soon(f, now, until);
        return NULL;
    }
    kfk__lock(&s->lock);
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        const kfk__topic_info *info;
        int32_t leader;

        if (wanted(f, p, now, until) != what)
            continue;
        info = leader_of(f, p, &leader, now);
        if (!info || leader != n->id)
            continue;
        p->asked = kfk__fetch_add(fetch, p, info);
        if (!p->asked)
            retry_soon(f, now, until);
    }
    kfk__unlock(&s->lock);
    if (fetch->n > 0)
        return fetch;
    kfk__fetch_free(fetch);
    return NULL;
}

/* ---- answers ---- */

/* Whether this answer is still of interest. Locked. */
static bool current(const kfk__fetch_part *part)
{
    const kfk__assigned *p = part->partition;

    return !p->shared->closed &&
           atomic_load_explicit(&p->version, memory_order_relaxed) == part->version;
}

/* To be asked again, through the gate. Locked. */
static void again(kfk__fetcher *f, kfk__assigned *p, kfk_err why, int64_t now)
{
    p->asked = false;
    p->retry_at = kfk__client_retry_at(&f->client, &p->retry, why, now);
}

/* A code for one partition. Locked. */
static void part_failed(kfk__fetcher *f, kfk__assigned *p, kfk_err err, int64_t now)
{
    kfk__topic_info *info = kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);

    if (!(kfk_err_flags(err) & KFK_RETRIABLE)) {
        kfk__assigned_fail(p, err, kfk_err_str(err));
        return;
    }
    if (info)
        kfk__client_refresh(&f->client, info);
    again(f, p, err, now);
}

/* Nothing is there at the fetch offset, nor will be. Locked. */
static void out_of_range(kfk__fetcher *f, kfk__assigned *p, int64_t now)
{
    if (!kfk__list_empty(&p->fetched) || p->position != p->fetch_offset) {
        /* What was fetched before is handed out first. */
        again(f, p, KFK_ERR_OFFSET_OUT_OF_RANGE, now);
        return;
    }
    if (p->reset == KFK__RESET_NONE)
        kfk__assigned_fail(p, KFK_ERR_OFFSET_OUT_OF_RANGE,
                           "the offset is out of range, and auto.offset.reset=none");
    else
        kfk__assigned_move(p, p->reset);
}

/* The offset after the last whole batch, -1 if there is none; *n becomes the end of what is of use: the part of a batch
 * that a response ends with is not, while a batch that is not sound is for poll to tell of.
 * Counts what there is. */
static int64_t measure(kfk__consumer_metrics *m, const uint8_t *data, size_t *n)
{
    int64_t next = -1;
    kfk_err err = KFK_OK;
    size_t end = 0;

    while (!err && end < *n) {
        kfk__batch_header h;
        const char *why;
        size_t size;

        err = kfk__message_header_read(data + end, *n - end, &h, &size, &why);
        if (err)
            continue;
        kfk__counter_add(&m->batches, 1);
        kfk__counter_add(&m->records, h.count);
        end += size;
        next = h.base_offset + h.last_offset_delta + 1;
    }
    kfk__counter_add(&m->bytes, (int64_t)end);
    if (err == KFK_ERR_WOULD_BLOCK && end > 0)
        *n = end;
    return next;
}

/* What poll gets of them; NULL: no memory. */
static kfk__fetched *new_fetched(kfk__fetcher *f, kfk_bytes records,
                                 const kfk__fetch_response_partition *rp)
{
    const kfk_allocator *a = &f->shared->env.alloc;
    kfk__fetched *fetched = kfk__zalloc(a, sizeof *fetched);

    if (!fetched)
        return NULL;
    /* Who reads all is told of none, and heeds none. */
    if (f->options.isolation == KFK__READ_COMMITTED &&
        kfk__aborted_init(&fetched->aborted, a, rp->aborted_transactions.v,
                          rp->aborted_transactions.n)) {
        kfk__release(a, fetched);
        return NULL;
    }
    kfk__list_init(&fetched->link);
    fetched->buf = kfk__fetch_buffer(records);
    fetched->end = records.len;
    return fetched;
}

/* Records have come. Locked. */
static kfk_err take_records(kfk__fetcher *f, kfk__fetch_part *part,
                            const kfk__fetch_response_partition *rp)
{
    kfk__assigned *p = part->partition;
    kfk_bytes records = rp->records;
    int64_t next = records.len > 0 ? measure(&f->metrics, records.data, &records.len) : -1;
    kfk__fetched *fetched = NULL;

    if (next >= 0 && next <= part->offset) /* all of it lies before what was asked for */
        return KFK_ERR_CORRUPT_MESSAGE;
    if (records.len > 0 && !(fetched = new_fetched(f, records, rp)))
        return KFK_ERR_NOMEM;
    p->asked = false;
    p->retry = (kfk__retry){0};
    if (!fetched)
        return KFK_OK;
    if (next >= 0)
        p->fetch_offset = next;
    else
        p->retry_at = KFK__NEVER; /* poll will say what is wrong with them; until then there is no going on */
    p->buffered += fetched->end;
    kfk__list_push(&p->fetched, &fetched->link);
    kfk__assigned_ready(p);
    return KFK_OK;
}

static void fetched_part(kfk__fetcher *f, kfk__fetch_part *part,
                         const kfk__fetch_response_partition *rp, int64_t now)
{
    kfk__assigned *p = part->partition;
    kfk__topic_info *info = kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);
    kfk_err err = rp->error_code;

    if (!current(part))
        return;
    if (err)
        kfk__client_error(&f->client, err);
    else
        p->end = f->options.isolation == KFK__READ_COMMITTED ? rp->last_stable_offset
                                                             : rp->high_watermark;
    if (err && info &&
        kfk__metadata_hint(info, p->partition, rp->current_leader.leader_id,
                           rp->current_leader.leader_epoch)) {
        again(f, p, KFK__RETRY_NEW_LEADER, now);
        return;
    }
    if (err == KFK_ERR_OFFSET_OUT_OF_RANGE)
        out_of_range(f, p, now);
    else if (err)
        part_failed(f, p, err, now);
    else if ((err = take_records(f, part, rp)) != KFK_OK)
        again(f, p, err, now);
}

/* What the answer did not name, or could not: the request is over for it. Locked. */
static void leave_rest(kfk__fetcher *f, kfk__fetch *fetch, kfk_err why, int64_t now)
{
    for (size_t i = 0; i < fetch->n; i++)
        if (!fetch->parts[i].answered && current(&fetch->parts[i]))
            again(f, fetch->parts[i].partition, why, now);
}

static void fetch_reply(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    const kfk__fetch_response *rs = reply->body;
    kfk_err err = reply->err ? reply->err : rs->error_code;
    kfk__fetcher *f = owner;
    kfk__fetch *fetch = arg;
    size_t hint = 0;

    fetch->node->busy &= ~(uint32_t)BUSY_FETCH;
    if (!reply->err)
        kfk__histogram_record_ns(&f->metrics.fetch_latency, now - fetch->sent_at);
    if (!reply->err && err)
        kfk__client_error(&f->client, err);
    kfk__lock(&f->shared->lock);
    for (int32_t i = 0; !err && i < rs->responses.n; i++) {
        const kfk__fetch_response_topic *t = &rs->responses.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            const kfk__fetch_response_partition *rp = &t->partitions.v[k];
            kfk__fetch_part *part =
                kfk__fetch_part_of(fetch, &hint, t->topic, &t->topic_id, rp->partition_index);

            if (part)
                fetched_part(f, part, rp, now);
        }
    }
    leave_rest(f, fetch, err ? err : KFK_ERR_NETWORK_EXCEPTION, now);
    kfk__unlock(&f->shared->lock);
    kfk__fetch_free(fetch);
    kfk__shared_sweep(f->shared);
}

static void listed_part(kfk__fetcher *f, kfk__fetch_part *part,
                        const kfk__list_offsets_response_partition *rp, int64_t now)
{
    kfk__assigned *p = part->partition;

    if (!current(part))
        return;
    if (rp->error_code) {
        kfk__client_error(&f->client, rp->error_code);
        part_failed(f, p, rp->error_code, now);
        return;
    }
    if (rp->offset < 0) {
        again(f, p, KFK_ERR_OFFSET_NOT_AVAILABLE, now);
        return;
    }
    p->asked = false;
    p->retry = (kfk__retry){0};
    p->position = p->fetch_offset = rp->offset;
}

static void list_reply(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    const kfk__list_offsets_response *rs = reply->body;
    kfk__fetcher *f = owner;
    kfk__fetch *fetch = arg;
    size_t hint = 0;

    fetch->node->busy &= ~(uint32_t)BUSY_LIST;
    kfk__lock(&f->shared->lock);
    for (int32_t i = 0; !reply->err && i < rs->topics.n; i++) {
        const kfk__list_offsets_response_topic *t = &rs->topics.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            const kfk__list_offsets_response_partition *rp = &t->partitions.v[k];
            kfk__fetch_part *part =
                kfk__fetch_part_of(fetch, &hint, t->name, NULL, rp->partition_index);

            if (part)
                listed_part(f, part, rp, now);
        }
    }
    leave_rest(f, fetch, reply->err ? reply->err : KFK_ERR_NETWORK_EXCEPTION, now);
    kfk__unlock(&f->shared->lock);
    kfk__fetch_free(fetch);
    kfk__shared_sweep(f->shared);
}

/* ---- requests ---- */

static int32_t at_most(int32_t limit, size_t credit)
{
    return (size_t)limit < credit ? limit : (int32_t)credit;
}

/* It could not be sent: no memory, which may pass, and the next step sees when to try again; or a version that is not
 * there, which poll tells. */
static void unsent(kfk__fetcher *f, kfk__fetch *fetch, kfk_err err, int64_t now, int64_t *until)
{
    *until = now;
    kfk__lock(&f->shared->lock);
    for (size_t i = 0; i < fetch->n; i++) {
        if (!current(&fetch->parts[i]))
            continue;
        if (err == KFK_ERR_NOMEM)
            again(f, fetch->parts[i].partition, err, now);
        else
            kfk__assigned_fail(fetch->parts[i].partition, err, kfk_err_str(err));
    }
    kfk__unlock(&f->shared->lock);
    kfk__fetch_free(fetch);
    kfk__shared_sweep(f->shared);
}

static void list_from(kfk__fetcher *f, kfk__node *n, int64_t now, int64_t *until)
{
    kfk__fetch *fetch = n->busy & BUSY_LIST ? NULL : gather(f, n, WANT_OFFSET, now, until);
    kfk_err err;

    if (!fetch)
        return;
    err = kfk__fetch_send_list(fetch, f->options.isolation, list_reply, now);
    if (err)
        unsent(f, fetch, err, now, until);
    else
        n->busy |= BUSY_LIST;
}

/* It is not sent now: its partitions are as they were before. */
static void let_go(kfk__fetcher *f, kfk__fetch *fetch)
{
    kfk__lock(&f->shared->lock);
    for (size_t i = 0; i < fetch->n; i++)
        if (current(&fetch->parts[i]))
            fetch->parts[i].partition->asked = false;
    kfk__unlock(&f->shared->lock);
    kfk__fetch_free(fetch);
}

static void fetch_from(kfk__fetcher *f, kfk__node *n, int64_t now, int64_t *until)
{
    kfk__fetch *fetch = n->busy & BUSY_FETCH ? NULL : gather(f, n, WANT_RECORDS, now, until);
    size_t credit = fetch ? kfk__fetch_reserve(fetch, f->options.max_bytes, f->client.by_id.n) : 0;
    kfk__fetch_limits l = {.min_bytes = f->options.min_bytes,
                           .max_bytes = (int32_t)credit,
                           .max_partition_bytes = at_most(f->options.max_partition_bytes, credit),
                           .max_wait_ms = f->options.max_wait_ms,
                           .isolation = f->options.isolation};
    kfk_err err;

    if (!fetch)
        return;
    if (credit == 0) { /* the reply that is out, or kfk_records_free, brings it */
        let_go(f, fetch);
        return;
    }
    err = kfk__fetch_send(fetch, &l, fetch_reply, now);
    if (err)
        unsent(f, fetch, err, now, until);
    else
        n->busy |= BUSY_FETCH;
}

/* The cluster has said for good, and since the partition was assigned or moved, that there is no such topic for us: then
 * poll tells. Locked. */
static void tell_if_unusable(kfk__fetcher *f, kfk__assigned *p)
{
    const kfk__topic_info *info =
        kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);

    if (info && info->answered_at > p->fetch_since && info->err > 0 &&
        !(kfk_err_flags(info->err) & KFK_RETRIABLE))
        kfk__assigned_fail(p, info->err, kfk_err_str(info->err));
}

/* Whether the node leads a partition that wants something: only then is it worth a connection. */
static bool is_wanted(kfk__fetcher *f, const kfk__node *n, int64_t now, int64_t *until)
{
    kfk__shared *s = f->shared;
    bool yes = false;

    kfk__lock(&s->lock);
    for (kfk__list *at = s->partitions.next; at != &s->partitions; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, link);
        int32_t leader;

        if (wanted(f, p, now, until) == WANT_NOTHING)
            continue;
        if (leader_of(f, p, &leader, now))
            yes |= leader == n->id;
        else
            tell_if_unusable(f, p);
    }
    kfk__unlock(&s->lock);
    return yes;
}

static int64_t serve_partitions(kfk__fetcher *f, int64_t now)
{
    int64_t until = KFK__NEVER, t;

    for (kfk__list *at = f->client.nodes.next; at != &f->client.nodes; at = at->next) {
        kfk__node *n = KFK__ENTRY(at, kfk__node, link);

        if (n->doomed || !is_wanted(f, n, now, &until))
            continue;
        if (!kfk__node_ready(n, now)) {
            t = kfk__node_ready_at(n);
            until = t < until ? t : until;
            continue;
        }
        list_from(f, n, now, &until);
        fetch_from(f, n, now, &until);
    }
    kfk__shared_sweep(f->shared);
    return until;
}

/* ---- metadata ---- */

static void answer_query(kfk__fetcher *f, kfk__topic_query *q, int64_t now)
{
    kfk__topic_info *info = kfk__client_topic(&f->client, q->topic, strlen(q->topic), now);
    kfk_err err = info ? info->err : KFK_ERR_NOMEM;

    if (err == KFK_ERR_WOULD_BLOCK)
        return;
    q->err = err;
    if (err && (kfk_err_flags(err) & KFK_RETRIABLE))
        return;
    if (err && info && info->answered_at <= q->since) {
        kfk__client_refresh(&f->client, info);
        return;
    }
    q->partitions = info ? info->n_partitions : 0;
    q->done = true;
    f->env->ops->wake(f->env->ctx, q->waiter);
}

static void answer_queries(kfk__fetcher *f, int64_t now)
{
    kfk__lock(&f->shared->lock);
    for (kfk__list *at = f->queries.next; at != &f->queries; at = at->next) {
        kfk__topic_query *q = KFK__ENTRY(at, kfk__topic_query, link);

        if (!q->done)
            answer_query(f, q, now);
    }
    kfk__unlock(&f->shared->lock);
}

static void metadata_updated(void *owner, int64_t now)
{
    answer_queries(owner, now);
}

/* ---- the whole ---- */

kfk_err kfk__fetcher_init(kfk__fetcher *f, const kfk__env *env, const kfk__fetcher_options *o,
                          const kfk__client_options *co, kfk__shared *shared, kfk__poller *poller)
{
    *f = (kfk__fetcher){.env = env, .options = *o, .shared = shared};
    kfk__list_init(&f->queries);
    kfk__consumer_metrics_init(&f->metrics);
    return kfk__client_init(&f->client, env, co, poller, metadata_updated, f);
}

void kfk__fetcher_fini(kfk__fetcher *f, int64_t now)
{
    kfk__client_fini(&f->client, now);
}

static void pass_on_wakeup(kfk__fetcher *f)
{
    kfk__shared *s = f->shared;

    if (!atomic_load_explicit(&s->woken, memory_order_acquire))
        return;
    kfk__lock(&s->lock);
    if (s->poller)
        f->env->ops->wake(f->env->ctx, s->poller);
    kfk__unlock(&s->lock);
}

int64_t kfk__fetcher_step(kfk__fetcher *f, const kfk__event *ev, int n, int64_t now)
{
    int64_t until, t;

    kfk__client_events(&f->client, ev, n, now);
    pass_on_wakeup(f);
    answer_queries(f, now);
    until = serve_partitions(f, now);
    t = kfk__client_tick(&f->client, now);
    return t < until ? t : until;
}
