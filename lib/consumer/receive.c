/* receive: what a Fetch brings, partition by partition. */
#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "consumer/fetcher.h"
#include "record/message.h"

/* So long a leader is not told where we are, after it named a replica there that cannot be reached; or one that there was
 * none of when metadata was asked for last. */
enum { RACKLESS_MS = 30000, UNKNOWN_MS = 1000 };

/* ---- errors ---- */

/* Who has what is asked for has changed, or is not known yet: metadata tells. */
static void ask_metadata(kfk__fetcher *f, const kfk__assigned *p)
{
    kfk__topic_info *info = kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);

    if (info)
        kfk__client_refresh(&f->client, info);
}

/* Whether poll has still to hand out what was fetched before. Locked. */
static bool is_ahead(const kfk__assigned *p)
{
    return !kfk__list_empty(&p->fetched) || p->position != p->course.offset;
}

/* The broker's log is broken at the fetch offset, and stays so; what was fetched before is handed out first. Locked. */
static void broken(kfk__fetcher *f, kfk__assigned *p, const char *why, int64_t now)
{
    if (is_ahead(p))
        kfk__fetcher_retry(f, p, KFK_ERR_CORRUPT_MESSAGE, now);
    else
        kfk__assigned_fail(p, KFK_ERR_CORRUPT_MESSAGE, p->position, why);
}

/* Nothing is there at the fetch offset, nor will be. Locked. */
static void out_of_range(kfk__fetcher *f, kfk__assigned *p, int64_t now)
{
    kfk__course *c = &p->course;

    if (c->replica >= 0) { /* a follower may be behind: only the leader's word counts */
        c->replica = -1;
        kfk__fetcher_look(f, p, now);
    } else if (is_ahead(p)) {
        kfk__fetcher_retry(f, p, KFK_ERR_OFFSET_OUT_OF_RANGE, now);
    } else {
        /* A log that was asked for by its topic's name may be that of one made anew already, whose id metadata is still to
         * tell: then that is no reason to begin once more. */
        if (!c->source->session.by_id)
            c->by_name_until = now + f->client.options->metadata_max_age_ms * KFK__MS;
        kfk__fetcher_reset(p, KFK_ERR_OFFSET_OUT_OF_RANGE, p->position,
                           "the offset is out of range, and auto.offset.reset=none");
    }
}

/* Who leads a partition instead, and where that is. */
static kfk__hint hint_of(const kfk__fetch_response *rs, const kfk__fetch_response_partition *rp)
{
    kfk__hint h = {.leader = rp->current_leader.leader_id,
                   .epoch = rp->current_leader.leader_epoch};

    for (int32_t i = 0; h.leader >= 0 && i < rs->node_endpoints.n; i++) {
        const kfk__fetch_response_endpoint *e = &rs->node_endpoints.v[i];

        if (e->node_id != h.leader)
            continue;
        h.host = e->host;
        h.port = e->port;
        break;
    }
    return h;
}

/* A code for one partition. Locked. */
static void refused(kfk__fetcher *f, kfk__assigned *p, const kfk__fetch_response *rs,
                    const kfk__fetch_response_partition *rp, int64_t now)
{
    kfk__topic_info *info = kfk__metadata_find(&f->client.metadata, p->topic, p->topic_len);
    const kfk__hint hint = hint_of(rs, rp);
    kfk_err err = rp->error_code;

    kfk__client_error(&f->client, err);
    if (err == KFK_ERR_OFFSET_OUT_OF_RANGE) {
        out_of_range(f, p, now);
        return;
    }
    p->course.replica = -1;
    if (info && kfk__client_hint(&f->client, info, p->partition, &hint)) {
        kfk__fetcher_retry(f, p, KFK__RETRY_NEW_LEADER, now);
    } else if (err == KFK_ERR_CORRUPT_MESSAGE) {
        broken(f, p, "the broker's log is corrupt there", now);
    } else if ((kfk_err_flags(err) & KFK_RETRIABLE) || err == KFK_ERR_UNKNOWN_SERVER_ERROR) {
        ask_metadata(f, p);
        kfk__fetcher_retry(f, p, err, now);
    } else {
        kfk__assigned_fail(p, err, p->position, kfk_err_str(err));
    }
}

/* ---- records ---- */

/* What lies in the bytes of one partition. */
typedef struct content {
    size_t len;    /* of use: the part of a batch that a response ends with is not */
    int64_t next;  /* the offset after the last whole batch; -1: there is none */
    int32_t epoch; /* of that batch */
} content;

/* Counts it, too. A batch that is not sound is for poll to tell of. */
static content measure(kfk__consumer_metrics *m, kfk_bytes records)
{
    const uint8_t *data = records.data;
    content c = {.next = -1, .epoch = -1};
    kfk_err err = KFK_OK;
    size_t end = 0;

    while (!err && end < records.len) {
        kfk__batch_header h;
        const char *why;
        size_t size;

        err = kfk__message_header_read(data + end, records.len - end, &h, &size, &why);
        if (err)
            continue;
        kfk__counter_add(&m->batches, 1);
        kfk__counter_add(&m->records, h.count);
        end += size;
        c.next = h.base_offset + h.last_offset_delta + 1;
        c.epoch = h.leader_epoch;
    }
    kfk__counter_add(&m->bytes, (int64_t)end);
    c.len = err == KFK_ERR_WOULD_BLOCK && end > 0 ? end : records.len;
    return c;
}

/* What poll gets of them; NULL: no memory. */
static kfk__fetched *new_fetched(kfk__fetcher *f, kfk_bytes records, size_t len,
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
    fetched->epoch = -1;
    fetched->bad_until = -1;
    fetched->buf = kfk__fetch_buffer(records);
    fetched->end = len;
    return fetched;
}

/* Puts them behind what the partition has. Locked. */
static void add_records(kfk__assigned *p, kfk__fetched *fetched, const content *what)
{
    kfk__course *c = &p->course;

    if (what->next >= 0) {
        c->offset = what->next;
        c->epoch = what->epoch;
    } else {
        c->retry_at = KFK__NEVER; /* poll will say what is wrong with them; until then there is no going on */
    }
    p->buffered += fetched->end;
    kfk__list_push(&p->fetched, &fetched->link);
    kfk__assigned_ready(p);
}

/* ---- answers ---- */

/* The leader sends us to a nearer replica (KIP-392). If that cannot be reached, the leader is asked as if from nowhere, or
 * it would send us there again at once. Locked. */
static void prefer(kfk__fetcher *f, kfk__assigned *p, int32_t replica, int64_t now)
{
    kfk__course *c = &p->course;

    if (!kfk__client_node(&f->client, replica)) {
        ask_metadata(f, p);
        c->source->rackless_until = now + UNKNOWN_MS * KFK__MS;
        return;
    }
    if (!kfk__fetcher_can_reach(f, replica, now)) {
        c->source->rackless_until = now + RACKLESS_MS * KFK__MS;
        return;
    }
    c->replica = replica;
    c->replica_until = now + f->client.options->metadata_max_age_ms * KFK__MS;
}

/* No error. Locked. */
static void accepted(kfk__fetcher *f, kfk__assigned *p, int64_t asked, kfk__fetched *fetched,
                     const content *what, const kfk__fetch_response_partition *rp, int64_t now)
{
    kfk__course *c = &p->course;

    p->end = f->options.isolation == KFK__READ_COMMITTED ? rp->last_stable_offset
                                                         : rp->high_watermark;
    if (rp->diverging_epoch.end_offset >= 0) {
        kfk__fetcher_diverged(p, rp->diverging_epoch.end_offset, rp->diverging_epoch.epoch);
        return;
    }
    if (rp->preferred_read_replica >= 0 && rp->preferred_read_replica != c->replica)
        prefer(f, p, rp->preferred_read_replica, now);
    if (what->next >= 0 && what->next <= asked) {
        kfk__client_error(&f->client, KFK_ERR_CORRUPT_MESSAGE);
        broken(f, p, "all that the broker has sent lies before that", now);
        return;
    }
    if (rp->records.len > 0 && !fetched) {
        kfk__fetcher_retry(f, p, KFK_ERR_NOMEM, now);
        return;
    }
    c->retry = (kfk__retry){0};
    if (fetched)
        add_records(p, fetched, what);
    kfk__fetcher_look(f, p, now);
}

static void receive_partition(kfk__fetcher *f, kfk__seat *seat, const kfk__fetch_response *rs,
                              const kfk__fetch_response_partition *rp, int64_t now)
{
    kfk__assigned *p = kfk__assigned_hold(seat->partition);
    const unsigned version = seat->told.version;
    const int64_t asked = seat->told.offset;
    content what = {.next = -1};
    kfk__fetched *fetched = NULL;
    bool wanted;

    if (!rp->error_code && rp->records.len > 0) {
        what = measure(&f->metrics, rp->records);
        fetched = new_fetched(f, rp->records, what.len, rp);
    }
    kfk__lock(&f->shared->lock);
    wanted = !f->shared->closed && !p->gone && p->course.seat == seat &&
             p->fetch_version == version;
    if (wanted && rp->error_code)
        refused(f, p, rs, rp, now);
    else if (wanted)
        accepted(f, p, asked, fetched, &what, rp, now);
    if (fetched && kfk__list_empty(&fetched->link)) /* nobody took it */
        kfk__list_push(&f->shared->garbage, &fetched->link);
    kfk__unlock(&f->shared->lock);
    kfk__assigned_drop(p);
}

void kfk__fetcher_receive(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    const kfk__fetch_response *rs = reply->body;
    kfk__fetcher *f = owner;
    kfk__fetch *fetch = arg;
    kfk__fetch_source *s = fetch->source;
    kfk_err err = reply->err;

    s->busy = false;
    if (err) {
        kfk__session_lost(&s->session, err);
    } else {
        kfk__histogram_record_ns(&f->metrics.fetch_latency, now - fetch->sent_at);
        err = kfk__session_answer(&s->session, rs);
        if (err)
            kfk__client_error(&f->client, err);
    }
    if (err)
        s->retry_at = kfk__client_retry_at(&f->client, &s->retry, err, now);
    else
        s->retry = (kfk__retry){0};
    for (int32_t i = 0; !err && i < rs->responses.n; i++) {
        const kfk__fetch_response_topic *t = &rs->responses.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            const kfk__fetch_response_partition *rp = &t->partitions.v[k];
            kfk__seat *seat =
                kfk__session_find(&s->session, t->topic, &t->topic_id, rp->partition_index);

            if (seat)
                receive_partition(f, seat, rs, rp, now);
        }
    }
    kfk__fetch_free(fetch);
    kfk__shared_sweep(f->shared);
}
