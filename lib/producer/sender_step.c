#include "producer/sender_step.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "producer/kept.h"
#include "producer/sequence.h"
#include "producer/settle.h"
#include "record/batch.h"
#include "proto/produce.h"

/* ---- requests ---- */

enum { MAX_SPARE = 8 };

/* NULL: no memory. */
static kfk__produce *new_request(kfk__sender *s)
{
    kfk__produce *pr = s->spare;

    if (!pr)
        return kfk__produce_new(&s->env->alloc, s);
    s->spare = pr->next;
    s->n_spare--;
    return pr;
}

/* One that was large is given back. */
static void end_request(kfk__sender *s, kfk__produce *pr)
{
    if (s->n_spare == MAX_SPARE || pr->cap > KFK__PRODUCE_FEW) {
        kfk__produce_free(pr);
        return;
    }
    pr->n = pr->size = 0;
    pr->next = s->spare;
    s->spare = pr;
    s->n_spare++;
}

static void free_spare(kfk__sender *s)
{
    kfk__produce *next;

    for (; s->spare; s->spare = next) {
        next = s->spare->next;
        kfk__produce_free(s->spare);
    }
}

/* ---- answers ---- */

static void replied(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    kfk__sender *s = owner;
    kfk__produce *pr = arg;
    kfk__produce_answer rest = {.err = reply->err,
                                .base_offset = -1,
                                .log_append_time = -1,
                                .hint = {.leader = -1},
                                .lost = reply->err != KFK_OK};

    if (reply->body)
        kfk__produce_answers(pr, reply->body, reply->version, kfk__settle, now);
    if (reply->body)
        rest.err = KFK_ERR_NETWORK_EXCEPTION;
    if (reply->err)
        rest.msg = reply->error->msg;
    for (size_t i = 0; i < pr->n; i++) {
        kfk__producer_batch *b = pr->batches[i];

        if (!b)
            continue;
        if (reply->err && !reply->written)
            kfk__settle_unsent(s, b, &rest, now);
        else
            kfk__settle(s, b, &rest, now);
    }
    end_request(s, pr);
}

/* ---- sending ---- */

static bool fits(const kfk__sender *s, const kfk__produce *pr, const kfk__producer_batch *b)
{
    return pr->n == 0 || pr->size + kfk__producer_batch_size(b) <= s->options.max_request_size;
}

/* The head of the deque, if it may go out now, and the state that it is in; NULL: it may not, or *later: it does not fit
 * into this request. A READY one is in the deque no more. */
static kfk__producer_batch *look_at_head(kfk__sender *s, kfk__partition *p, const kfk__produce *pr,
                                         kfk__batch_state *state, bool *later)
{
    kfk__producer_batch *b;

    kfk__lock(&p->queue_lock);
    b = kfk__partition_head(p);
    if (b && kfk__schedule_holds(&s->schedule, p, b))
        b = NULL;
    if (b && b->state == KFK__BATCH_READY) {
        *later = !fits(s, pr, b);
        if (*later)
            b = NULL;
        else
            kfk__partition_remove(p, b);
    }
    if (b)
        *state = b->state;
    kfk__unlock(&p->queue_lock);
    return b;
}

/* Makes the head, which is CLOSED and which nobody else compresses, READY. false: it stays where it is, or is over. */
static bool compress_head(kfk__sender *s, kfk__partition *p, kfk__producer_batch *b, int64_t now)
{
    kfk_err err = kfk__accumulator_compress(s->accumulator, b);

    if (err == KFK_ERR_NOMEM) { /* that may pass */
        p->retry_at = kfk__client_retry_at(&s->client, &p->retry, err, now);
        return false;
    }
    kfk__lock(&p->queue_lock);
    if (err)
        kfk__partition_remove(p, b);
    else
        b->state = KFK__BATCH_READY;
    kfk__unlock(&p->queue_lock);
    if (err)
        kfk__settle_error(s, b, err, "the batch could not be compressed");
    return !err;
}

/* The head of the deque, closed and compressed, if it may go out now and fits. *later: it does not fit into this
 * request. */
static kfk__producer_batch *take_head(kfk__sender *s, kfk__partition *p, const kfk__produce *pr,
                                      bool *later, int64_t now)
{
    kfk__batch_state state = KFK__BATCH_READY;
    kfk__producer_batch *b;

    while ((b = look_at_head(s, p, pr, &state, later)) != NULL && state != KFK__BATCH_READY)
        if (state == KFK__BATCH_OPEN)
            kfk__partition_close(p, b);
        else if (!compress_head(s, p, b, now))
            return NULL;
    return b;
}

/* Number, epoch and crc, once: what has been sent is not touched again. */
static void number(kfk__sender *s, kfk__producer_batch *b)
{
    kfk__partition *p = b->partition;

    if (b->base_sequence >= 0)
        return;
    if (s->options.idempotent)
        kfk__sequence_number(&s->identity, p, b);
    else if (b->attempts == 0)
        kfk__producer_batch_seal(b, -1, -1, -1);
}

static int64_t ratio(size_t part, size_t whole)
{
    return whole ? (int64_t)(part * KFK__PER_ONE / whole) : 0;
}

/* What is handed to a broker for the first time. */
static void count_batch(kfk__sender *s, const kfk__producer_batch *b, int64_t now)
{
    kfk__producer_metrics *m = &s->metrics;
    size_t size = kfk__producer_batch_size(b), raw = b->raw + KFK__BATCH_HEADER;

    kfk__counter_add(&m->records, b->count);
    kfk__counter_add(&m->record_bytes, (int64_t)b->raw);
    kfk__counter_add(&m->batches, 1);
    kfk__histogram_record(&m->batch_bytes, (int64_t)size);
    kfk__histogram_record(&m->fill, ratio(raw, s->accumulator->options.batch_size));
    if (b->codec != KFK__CODEC_NONE)
        kfk__histogram_record(&m->compression, ratio(size, raw));
    kfk__histogram_record_ns(&m->queue, now - b->created_at);
}

static bool add_batch(kfk__sender *s, kfk__produce *pr, kfk__producer_batch *b, int64_t now)
{
    kfk__partition *p = b->partition;

    if (!kfk__produce_add(pr, b)) {
        kfk__requeue(p, b);
        return false;
    }
    number(s, b);
    b->state = KFK__BATCH_SENT;
    b->produce = pr;
    b->tried = p->leader_was;
    b->attempts++;
    if (!b->counted)
        count_batch(s, b, now);
    b->counted = true;
    atomic_fetch_add_explicit(&b->holds, 1, memory_order_relaxed);
    kfk__list_push(&p->in_flight, &b->link);
    p->n_in_flight++;
    p->sent_at = now;
    return true;
}

/* One batch of each partition that is ready, as many as fit. A partition comes round at most once. */
static void gather(kfk__sender *s, kfk__leader *l, kfk__produce *pr, int64_t now)
{
    kfk__list *at;

    pr->number = ++s->produces;
    while ((at = kfk__list_first(&l->ready)) != NULL) {
        kfk__partition *p = KFK__ENTRY(at, kfk__partition, drain_link);
        kfk__producer_batch *b;
        bool later = false;

        if (p->produce == s->produces)
            return;
        b = take_head(s, p, pr, &later, now);
        if (later)
            return;
        p->produce = s->produces;
        if (b && !add_batch(s, pr, b, now))
            return;
        kfk__schedule_place(&s->schedule, p, now);
    }
}

static void unsent(kfk__sender *s, kfk__produce *pr, kfk_err err, int64_t now)
{
    kfk__produce_answer a = {.err = err,
                             .base_offset = -1,
                             .log_append_time = -1,
                             .hint = {.leader = -1},
                             .lost = err == KFK_ERR_NOMEM}; /* that may pass */

    for (size_t i = 0; i < pr->n; i++)
        kfk__settle_unsent(s, pr->batches[i], &a, now);
    end_request(s, pr);
}

/* One request. false: there is nothing more to send to this broker for now. */
static bool send_one(kfk__sender *s, kfk__leader *l, kfk__node *n, int64_t now)
{
    kfk__produce *pr = new_request(s);
    int16_t version;
    kfk_err err;

    if (!pr)
        return false;
    gather(s, l, pr, now);
    if (pr->n == 0) {
        end_request(s, pr);
        return false;
    }
    version = kfk__node_version(n, &kfk__produce_api, kfk__produce_max_version(pr));
    err = version < 0 ? KFK_ERR_UNSUPPORTED_VERSION
                      : kfk__produce_send(pr, n, version, s->options.acks,
                                          s->options.request_timeout_ms, replied, &s->scratch, now);
    if (!err)
        return true;
    unsent(s, pr, err, now);
    return false;
}

/* Until memory may be there again. */
static int64_t retry_soon(const kfk__sender *s, int64_t now)
{
    return now + kfk__backoff_ns(&s->client.options->retry, 0, s->env);
}

/* What goes nowhere keeps records away that could go elsewhere: those that take turns, if it has no leader (as Java's),
 * those of the sticky choice also if its leader takes nothing. */
static void mark_away(const kfk__sender *s, const kfk__topic_info *info, const kfk__partitions *ps)
{
    for (int32_t i = 0; i < ps->n && i < info->n_partitions; i++) {
        int32_t id = info->partitions[i].leader;
        const kfk__leader *l = kfk__map_get(&s->schedule.leader_by_id, &id, sizeof id);
        kfk__partition *p = ps->v[i];

        if (atomic_load_explicit(&p->leaderless, memory_order_relaxed) != (id < 0))
            atomic_store_explicit(&p->leaderless, id < 0, memory_order_relaxed);
        atomic_store_explicit(&p->away, id < 0 || (l && l->stuck), memory_order_relaxed);
    }
}

static void mark_topic(const kfk__sender *s, kfk__topic *t)
{
    const kfk__topic_info *info = kfk__metadata_find(&s->client.metadata, t->name, t->name_len);
    const kfk__partitions *ps = kfk__topic_partitions(t);

    if (info && ps)
        mark_away(s, info, ps);
}

/* |l| has been drained as far as it goes. Returns when it is to be called stuck, should it stay so. */
static int64_t watch(kfk__sender *s, kfk__leader *l, bool moved, int64_t now)
{
    bool stuck;

    if (s->options.availability_ns == 0)
        return KFK__NEVER;
    if (moved || kfk__list_empty(&l->ready))
        l->waits_since = KFK__NEVER;
    else if (l->waits_since == KFK__NEVER)
        l->waits_since = now;
    stuck = l->waits_since != KFK__NEVER && now - l->waits_since >= s->options.availability_ns;
    if (stuck != l->stuck) {
        l->stuck = stuck;
        for (kfk__list *at = s->topics.next; at != &s->topics; at = at->next)
            mark_topic(s, KFK__ENTRY(at, kfk__topic, link));
    }
    return stuck || l->waits_since == KFK__NEVER ? KFK__NEVER
                                                 : l->waits_since + s->options.availability_ns;
}

static int64_t drain(kfk__sender *s, kfk__leader *l, int64_t now)
{
    kfk__node *n = kfk__client_node(&s->client, l->id);
    bool moved = false;
    int64_t until;

    if (kfk__list_empty(&l->ready))
        return watch(s, l, false, now);
    if (!n) {
        kfk__schedule_leaders(&s->schedule, now);
        return now; /* they may be in the list of one who has had its turn */
    }
    while (!kfk__list_empty(&l->ready) && kfk__node_ready(n, now)) {
        if (!send_one(s, l, n, now))
            return retry_soon(s, now);
        moved = true;
    }
    until = watch(s, l, moved, now);
    return kfk__sooner(until, kfk__list_empty(&l->ready) ? KFK__NEVER : kfk__node_ready_at(n));
}

/* ---- metadata ---- */

/* From here on nothing goes into the partition. */
static void shut(kfk__partition *p)
{
    kfk__lock(&p->lock);
    p->dead = true;
    kfk__partition_close_open(p);
    kfk__unlock(&p->lock);
}

static void shut_all(const kfk__partitions *ps)
{
    for (int32_t i = 0; ps && i < ps->n; i++)
        shut(ps->v[i]);
}

/* The topic has partitions that are new; before that |had|. KFK_ERR_NOMEM. */
static kfk_err grow(kfk__sender *s, kfk__topic *t, const kfk__topic_info *info, int32_t had,
                    int64_t now)
{
    int32_t n = info->n_partitions;
    kfk__partitions *ps;

    if (!kfk__schedule_reserve(&s->schedule, (size_t)(n - had)))
        return KFK_ERR_NOMEM;
    ps = kfk__topic_grow(&s->accumulator->topics, t, n);
    if (!ps)
        return KFK_ERR_NOMEM;
    if (s->closing)
        shut_all(ps);
    mark_away(s, info, ps); /* before a record is placed */
    kfk__kept_place(s, t, ps);
    for (int32_t i = had; i < n; i++)
        kfk__schedule_place(&s->schedule, ps->v[i], now);
    return KFK_OK;
}

/* Tells whoever waits for the topic what has become known of it. */
static void publish(kfk__sender *s, kfk__topic *t, const kfk__topic_info *info, int64_t now)
{
    const kfk__partitions *ps = kfk__topic_partitions(t);
    int32_t had = ps ? ps->n : 0;
    kfk_err err = info->err;

    if (err == KFK_ERR_WOULD_BLOCK)
        return;
    if (err && (kfk_err_flags(err) & KFK_RETRIABLE)) {
        /* What is said first of a topic that is just being made is no news. */
        if (!kfk__topic_set_refusal(t, err))
            kfk__standing_partition_refused(&s->client.standing, t->name, -1, err, now);
        return;
    }
    if (kfk__topic_set_refusal(t, KFK_OK))
        kfk__standing_partition_granted(&s->client.standing, t->name, -1, now);
    if (err)
        kfk__kept_fail(s, t, err, NULL);
    else
        t->id = info->id;
    if (!err && info->n_partitions > had)
        err = grow(s, t, info, had, now);
    kfk__accumulator_known(s->accumulator, t, err);
}

static void metadata_updated(void *owner, int64_t now)
{
    kfk__sender *s = owner;

    for (kfk__list *at = s->topics.next; at != &s->topics; at = at->next) {
        kfk__topic *t = KFK__ENTRY(at, kfk__topic, link);
        kfk__topic_info *info = kfk__metadata_find(&s->client.metadata, t->name, t->name_len);

        if (info)
            publish(s, t, info, now);
        mark_topic(s, t);
    }
    kfk__schedule_leaders(&s->schedule, now);
}

/* Metadata is looked at once a leaders' era: what is sent to meanwhile, or waits for that, is in use, too. */
static void tell_used(void *owner, int64_t now)
{
    const kfk__sender *s = owner;

    for (kfk__list *at = s->topics.next; at != &s->topics; at = at->next) {
        kfk__topic *t = KFK__ENTRY(at, kfk__topic, link);
        kfk__topic_info *info = kfk__metadata_find(&s->client.metadata, t->name, t->name_len);
        const kfk__partitions *ps = kfk__topic_partitions(t);

        if (info && atomic_load_explicit(&t->kept.queued, memory_order_relaxed) > 0)
            kfk__metadata_used(info, now);
        for (int32_t i = 0; info && ps && i < ps->n; i++) {
            const kfk__partition *p = ps->v[i];
            bool busy = p->drain != KFK__DRAIN_IDLE || p->n_in_flight > 0;

            kfk__metadata_used(info, busy ? now : p->sent_at);
        }
    }
}

/* A topic that somebody waits for: new, or without the partition that is wanted. */
static void topic_wanted(kfk__sender *s, kfk__topic *t, int64_t now)
{
    kfk__topic_info *info = kfk__client_topic(&s->client, t->name, t->name_len, now);

    if (kfk__list_empty(&t->link))
        kfk__list_push(&s->topics, &t->link);
    if (!info)
        kfk__accumulator_known(s->accumulator, t, KFK_ERR_NOMEM);
    else if (info->err != KFK_ERR_WOULD_BLOCK)
        kfk__client_refresh(&s->client, info);
}

/* ---- the whole ---- */

static void led(void *owner, kfk__partition *p, int32_t leader)
{
    if (p->leader_was.leader >= 0)
        kfk__sender_event(owner, p, (kfk_event){.type = KFK_EVENT_LEADER, .broker_id = leader});
}

static void throttled(void *owner, int32_t broker, int64_t ms)
{
    kfk__sender_event(owner, NULL,
                      (kfk_event){.type = KFK_EVENT_THROTTLE, .broker_id = broker, .value = ms});
}

kfk_err kfk__sender_init(kfk__sender *s, const kfk__env *env, const kfk__sender_options *options,
                         const kfk__client_options *co, kfk__accumulator *a, kfk__poller *poller,
                         kfk__finish_fn *finish_fn, void *owner)
{
    kfk_err err;

    *s = (kfk__sender){
        .env = env, .options = *options, .accumulator = a, .finish = finish_fn, .owner = owner};
    kfk__producer_metrics_init(&s->metrics);
    kfk__arena_init(&s->scratch, &env->alloc);
    kfk__list_init(&s->topics);
    kfk__schedule_init(&s->schedule, &s->client, &env->alloc, options->linger_ns,
                       options->idempotent, options->in_order);
    s->schedule.led = options->event ? led : NULL;
    s->schedule.owner = s;
    kfk__identity_init(&s->identity, options->idempotent);
    err = kfk__client_init(&s->client, env, co, poller, metadata_updated, s);
    s->client.throttled = throttled;
    s->client.expiring = tell_used;
    return err;
}

void kfk__sender_fini(kfk__sender *s, int64_t now)
{
    kfk__client_fini(&s->client, now);
    free_spare(s);
    kfk__arena_fini(&s->scratch);
    kfk__schedule_fini(&s->schedule);
}

static void take_news(kfk__sender *s, int64_t now)
{
    kfk__accumulator_news news;
    kfk__partition *p;
    kfk__topic *t;
    kfk__schedule *sc = &s->schedule;
    bool hurried;

    kfk__accumulator_awake(s->accumulator, &news);
    while ((t = kfk__accumulator_next_topic(s->accumulator)) != NULL)
        topic_wanted(s, t, now);
    while ((p = kfk__accumulator_next_partition(s->accumulator)) != NULL)
        kfk__schedule_place(&s->schedule, p, now);
    /* Who compresses a batch tells when it is done: then it is looked at again. */
    if (news.purge_id > s->purged && kfk__settle_purge(s, news.purge_id, now))
        s->purged = news.purge_id;
    hurried = news.short_of_memory || s->closing;
    if (news.flush_id == sc->flush_id && hurried == sc->hurried)
        return;
    sc->flush_id = news.flush_id;
    sc->hurried = hurried;
    kfk__schedule_hurry(sc, now);
}

/* There is no producer id: what is queued ends. What comes later is another try (as Java's: the right may be granted
 * meanwhile). */
static void identity_refused(kfk__sender *s, int64_t now)
{
    const kfk__client_options *o = s->client.options;
    kfk__identity *i = &s->identity;
    kfk_error e = i->refusal;

    if (e.code == KFK_ERR_CLUSTER_AUTHORIZATION_FAILED)
        (void)kfk__fail(&e, e.code,
                        "%.400s; idempotence needs the right to write to a topic, or IdempotentWrite "
                        "on the cluster; enable.idempotence=false does without",
                        i->refusal.msg);
    kfk__log_write(&o->log, KFK_LOG_ERROR, o->subsystem, "no producer id: %s", e.msg);
    kfk__standing_refused(&s->client.standing, &e);
    kfk__settle_queued(s, e.code, e.msg, now);
    i->ask_at = kfk__client_retry_at(&s->client, &i->retry, e.code, now);
    kfk__error_clear(&i->refusal);
}

static void identity_granted(kfk__sender *s)
{
    kfk__standing_granted(&s->client.standing, "", -1);
    s->identity.retry = (kfk__retry){0};
    s->identity.ask_at = 0;
}

/* Sees to it that there will be a producer id. Returns when to come again. */
static int64_t await_identity(kfk__sender *s, int64_t now)
{
    kfk__identity *i = &s->identity;

    if (i->refusal.code)
        identity_refused(s, now);
    if (i->ask_at && !kfk__accumulator_oldest(s->accumulator))
        return KFK__NEVER;
    if (now < i->ask_at)
        return i->ask_at;
    kfk__identity_ask(i, &s->client);
    return i->asked ? KFK__NEVER : retry_soon(s, now);
}

static int64_t drain_all(kfk__sender *s, int64_t now)
{
    int64_t until = KFK__NEVER;

    if (!kfk__identity_ready(&s->identity))
        return await_identity(s, now);
    if (s->identity.ask_at)
        identity_granted(s);
    for (kfk__list *at = s->schedule.leaders.next; at != &s->schedule.leaders; at = at->next) {
        until = kfk__sooner(until, drain(s, KFK__ENTRY(at, kfk__leader, link), now));
    }
    return until;
}

int64_t kfk__sender_step(kfk__sender *s, const kfk__event *ev, int n, int64_t now)
{
    int64_t until;

    kfk__client_events(&s->client, ev, n, now);
    take_news(s, now);
    kfk__schedule_run(&s->schedule, now);
    until = kfk__sooner(kfk__settle_expired(s, now), drain_all(s, now));
    until = kfk__sooner(until, kfk__client_tick(&s->client, now));
    until = kfk__sooner(until, kfk__schedule_next(&s->schedule));
    return kfk__accumulator_park(s->accumulator, until) ? until : now;
}

void kfk__sender_closing(kfk__sender *s)
{
    if (s->closing)
        return;
    s->closing = true;
    for (kfk__list *at = s->topics.next; at != &s->topics; at = at->next) {
        shut_all(kfk__topic_partitions(KFK__ENTRY(at, kfk__topic, link)));
    }
}

bool kfk__sender_abandon(kfk__sender *s, int64_t now)
{
    if (kfk__sender_idle(s))
        return false;
    s->abandoned = true;
    kfk__client_disconnect(&s->client, now);
    kfk__settle_queued(s, KFK_ERR_CLOSED, "the producer was closed", now);
    return true;
}

bool kfk__sender_idle(kfk__sender *s)
{
    return kfk__accumulator_oldest(s->accumulator) == NULL;
}
