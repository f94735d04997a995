/* answer: takes up what the application asks (ask.h), and finds it out. */
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/ask.h"
#include "consumer/fetcher.h"

/* ---- partitions of a topic ---- */

static void answer_partitions(kfk__fetcher *f, kfk__ask *ask, int64_t now)
{
    const char *topic = ask->asked[0].topic;
    kfk__topic_info *info = kfk__client_topic(&f->client, topic, strlen(topic), now);
    kfk_err err = info ? info->err : KFK_ERR_NOMEM;
    kfk_error e;

    if (err == KFK_ERR_WOULD_BLOCK)
        return;
    (void)kfk__fail(&e, err, "topic %.200s: %s", topic, kfk_err_str(err));
    if (!err)
        ask->answers[0].partition = info->n_partitions;
    if (err && (!info || info->answered_at <= ask->since || kfk_err_flags(err) & KFK_RETRIABLE)) {
        kfk__client_refresh(&f->client, info);
        kfk__lock(&f->shared->lock);
        ask->error = e;
        kfk__unlock(&f->shared->lock);
        return;
    }
    kfk__ask_done(ask, err ? &e : NULL);
}

void kfk__fetcher_answer_partitions(kfk__fetcher *f, int64_t now)
{
    for (kfk__list *at = f->asks.next, *next; at != &f->asks; at = next) {
        kfk__ask *ask = KFK__ENTRY(at, kfk__ask, link);

        next = at->next;
        if (ask->kind == KFK__ASK_PARTITIONS)
            answer_partitions(f, ask, now);
    }
}

/* ---- offsets of places ---- */

static void offset_done(void *owner, kfk__question *q, int64_t now)
{
    kfk__ask *ask = owner;
    kfk_tp *tp = &ask->answers[q - ask->questions];

    (void)now;
    tp->err = q->err;
    tp->offset = q->offset;
    tp->leader_epoch = q->found_epoch;
    if (--ask->n_open == 0)
        kfk__ask_done(ask, NULL);
}

/* The group of the i-th: as many times as its partition came before, so that no group has one twice. */
static uint32_t round_of(const kfk__ask *ask, size_t i)
{
    uint32_t round = 0;

    for (size_t k = 0; k < i; k++)
        round += ask->asked[k].partition == ask->asked[i].partition &&
                 strcmp(ask->asked[k].topic, ask->asked[i].topic) == 0;
    return round;
}

static void ask_offsets(kfk__fetcher *f, kfk__ask *ask)
{
    uint32_t first = kfk__questions_groups(&f->questions, (uint32_t)ask->n);
    kfk_error e;

    ask->questions = kfk__zalloc(&f->env->alloc, ask->n * sizeof *ask->questions);
    if (!ask->questions) {
        (void)kfk__fail_nomem(&e);
        kfk__ask_done(ask, &e);
        return;
    }
    ask->n_open = ask->n;
    for (size_t i = 0; i < ask->n; i++) {
        kfk__question *q = &ask->questions[i];

        q->kind = KFK__ASKS_OFFSET;
        q->group = first + round_of(ask, i);
        q->topic = ask->asked[i].topic;
        q->topic_len = strlen(q->topic);
        q->partition = ask->asked[i].partition;
        q->timestamp = ask->asked[i].offset;
        q->done = offset_done;
        q->owner = ask;
        kfk__questions_ask(&f->questions, q);
    }
}

/* ---- what is committed ---- */

/* Of a commit that nobody asks for any more nobody would hear otherwise. */
static void log_failure(const kfk__fetcher *f, const kfk__ask *ask, const kfk_error *e)
{
    const kfk__client_options *o = f->client.options;
    bool dead;

    kfk__lock(&f->shared->lock);
    dead = ask->dead;
    kfk__unlock(&f->shared->lock);
    if (dead && !ask->ended && ask->kind == KFK__ASK_COMMIT && e->code != KFK_ERR_CLOSED)
        kfk__log_write(&o->log, KFK_LOG_WARN, o->subsystem, "a commit of group %.200s failed: %s",
                       f->options.group, e->msg);
}

static void fetched(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                    int64_t now)
{
    kfk__ask *ask = arg;
    bool short_of_memory = false;
    kfk_error none;

    (void)owner;
    (void)now;
    for (size_t i = 0; i < n; i++) {
        kfk_tp *to = &ask->answers[i];

        to->err = tps[i].err;
        to->offset = tps[i].offset;
        to->leader_epoch = tps[i].leader_epoch;
        if (tps[i].metadata)
            to->metadata = kfk__strdup(&ask->shared->env.alloc, tps[i].metadata);
        short_of_memory |= tps[i].metadata && !to->metadata;
    }
    if (short_of_memory)
        (void)kfk__fail_nomem(&none);
    kfk__ask_done(ask, short_of_memory ? &none : e->code ? e : NULL);
}

/* ---- commits ---- */

/* The group has gone on without the member, or is about to. */
static bool is_refusal(kfk_err err)
{
    switch (err) {
    case KFK_ERR_UNKNOWN_MEMBER_ID:
    case KFK_ERR_ILLEGAL_GENERATION:
    case KFK_ERR_FENCED_INSTANCE_ID:
    case KFK_ERR_REBALANCE_IN_PROGRESS:
    case KFK_ERR_STALE_MEMBER_EPOCH:
    case KFK_ERR_FENCED_MEMBER_EPOCH:
        return true;
    default:
        return false;
    }
}

/* Whoever wants to know hears of the first. */
static void tell_refusal(kfk__fetcher *f, const kfk__ask *ask)
{
    kfk__shared *s = f->shared;
    kfk_err err = KFK_OK;
    kfk__refused_fn *fn;
    void *owner;

    for (size_t i = 0; !is_refusal(err) && i < ask->n; i++)
        err = ask->answers[i].err;
    if (!ask->who || !is_refusal(err))
        return;
    kfk__lock(&s->lock);
    fn = s->refused;
    owner = s->refused_owner;
    kfk__unlock(&s->lock);
    if (fn)
        fn(owner, err, ask->who->meta.generation);
}

/* Whether a commit that was asked for after |ask| is about |tp|, too. */
static bool is_overtaken(const kfk__fetcher *f, const kfk__ask *ask, const kfk_tp *tp)
{
    const kfk__list *at = &ask->link;

    while ((at = kfk__list_next(&f->commits, at)) != NULL) {
        const kfk__ask *later = KFK__ENTRY(at, kfk__ask, link);

        for (size_t i = 0; i < later->n; i++)
            if (later->asked[i].partition == tp->partition &&
                strcmp(later->asked[i].topic, tp->topic) == 0)
                return true;
    }
    return false;
}

/* A member goes on from epoch to epoch while commits are under way, which costs it nothing of what it has. What was
 * refused for that, and is its own still, is to be committed as what it is now. true: there is such. */
static bool goes_on(kfk__fetcher *f, kfk__ask *ask)
{
    kfk__shared *s = f->shared;
    kfk__speaker *old = ask->who;
    bool any = false, newer;

    if (!ask->follow)
        return false;
    kfk__lock(&s->lock);
    newer = kfk__speaker_went_on(old, s->who);
    for (size_t i = 0; newer && i < ask->n; i++) {
        kfk_tp *to = &ask->answers[i];

        /* A newer commit must not be undone. */
        if (to->err != KFK_ERR_STALE_MEMBER_EPOCH || is_overtaken(f, ask, to) ||
            !kfk__shared_find(s, to->topic, to->partition))
            continue;
        to->err = KFK_ERR_WOULD_BLOCK;
        any = true;
    }
    if (any)
        ask->who = kfk__speaker_hold(s->who);
    kfk__unlock(&s->lock);
    if (any)
        kfk__speaker_drop(old);
    return any;
}

/* Each has its answer; |e| (NULL: none) is why not all are well, of those that the group was asked about. */
static void end_commit(kfk__fetcher *f, kfk__ask *ask, const kfk_error *e)
{
    size_t i = 0;
    kfk_error own;

    while (i < ask->n && !ask->answers[i].err)
        i++;
    tell_refusal(f, ask);
    if (e)
        log_failure(f, ask, e);
    if (i < ask->n && ask->answers[i].err == KFK_ERR_REVOKED) {
        const kfk_tp *tp = &ask->answers[i];

        (void)kfk__fail(&own, tp->err, "%.200s-%d is not assigned to this member of group %.200s",
                        tp->topic, tp->partition, f->options.group);
        e = &own;
    }
    if (ask->ended)
        ask->ended(ask->owner, ask, e);
    kfk__ask_done(ask, e);
}

static void committed(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                      int64_t now);

static kfk_err begin_commit(kfk__fetcher *f, kfk__ask *ask)
{
    const kfk_allocator *a = &f->env->alloc;
    kfk__group_meta nobody = kfk__group_meta_of(f->options.group);
    kfk_tp *tps = kfk__array(a, NULL, ask->n, sizeof *tps);
    size_t n = 0;
    kfk_err err;

    if (!tps)
        return KFK_ERR_NOMEM;
    for (size_t i = 0; i < ask->n; i++)
        if (ask->answers[i].err == KFK_ERR_WOULD_BLOCK)
            tps[n++] = ask->asked[i];
    err = kfk__groupio_commit(&f->groupio, ask->who ? &ask->who->meta : &nobody, tps, n,
                              ask->deadline, committed, f, ask, NULL);
    kfk__release(a, tps);
    return err;
}

/* Commits what is open; which sees to the end of |ask|. */
static void commit_open(kfk__fetcher *f, kfk__ask *ask)
{
    kfk_error e;
    kfk_err err;
    size_t i = 0;

    while (i < ask->n && ask->answers[i].err != KFK_ERR_WOULD_BLOCK)
        i++;
    if (i == ask->n) {
        end_commit(f, ask, NULL);
        return;
    }
    err = begin_commit(f, ask);
    if (!err)
        return;
    (void)kfk__fail(&e, err, "%s", kfk_err_str(err));
    kfk__ask_settle(ask, err);
    end_commit(f, ask, &e);
}

static void committed(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                      int64_t now)
{
    kfk__fetcher *f = owner;
    kfk__ask *ask = arg;
    size_t k = 0;

    (void)now;
    for (size_t i = 0; k < n && i < ask->n; i++)
        if (ask->answers[i].err == KFK_ERR_WOULD_BLOCK)
            ask->answers[i].err = tps[k++].err;
    if (goes_on(f, ask))
        commit_open(f, ask);
    else
        end_commit(f, ask, e->code ? e : NULL);
}

static void ask_committed(kfk__fetcher *f, kfk__ask *ask)
{
    kfk__group_meta who = kfk__group_meta_of(f->options.group);
    kfk_error e;
    kfk_err err = kfk__groupio_fetch(&f->groupio, &who, ask->asked, ask->n, true, ask->deadline,
                                     fetched, f, ask, NULL);

    if (!err)
        return;
    (void)kfk__fail(&e, err, "%s", kfk_err_str(err));
    kfk__ask_done(ask, &e);
}

/* ---- the whole ---- */

static void take_up(kfk__fetcher *f, kfk__ask *ask, int64_t now)
{
    if (ask->kind == KFK__ASK_COMMIT) {
        kfk__list_push(&f->commits, &ask->link);
        commit_open(f, ask);
        return;
    }
    if (ask->kind == KFK__ASK_COMMITTED) {
        ask_committed(f, ask); /* which sees to its end */
        return;
    }
    kfk__list_push(&f->asks, &ask->link);
    if (ask->kind == KFK__ASK_PARTITIONS)
        answer_partitions(f, ask, now);
    else
        ask_offsets(f, ask);
}

static void give_up(kfk__ask *ask, kfk_err err)
{
    kfk_error e;

    for (size_t i = 0; ask->questions && i < ask->n; i++)
        kfk__question_drop(&ask->questions[i]);
    kfk__ask_settle(ask, err);
    (void)kfk__fail(&e, err, "%s", kfk_err_str(err));
    kfk__ask_done(ask, &e);
}

int64_t kfk__fetcher_answer(kfk__fetcher *f, int64_t now)
{
    kfk__shared *s = f->shared;
    int64_t until = KFK__NEVER;
    kfk__list fresh;
    kfk__list *at, *next;

    kfk__list_init(&fresh);
    kfk__lock(&s->lock);
    kfk__list_splice(&fresh, &s->asks);
    kfk__unlock(&s->lock);
    while ((at = kfk__list_pop(&fresh)) != NULL)
        take_up(f, KFK__ENTRY(at, kfk__ask, link), now);
    for (at = f->asks.next; at != &f->asks; at = next) {
        kfk__ask *ask = KFK__ENTRY(at, kfk__ask, link);

        next = at->next;
        if (ask->deadline <= now)
            give_up(ask, KFK_ERR_TIMED_OUT);
        else
            until = ask->deadline < until ? ask->deadline : until;
    }
    return until;
}

void kfk__fetcher_end_asks(kfk__fetcher *f)
{
    kfk__list *at;

    kfk__lock(&f->shared->lock);
    kfk__list_splice(&f->asks, &f->shared->asks);
    kfk__unlock(&f->shared->lock);
    while ((at = kfk__list_first(&f->asks)) != NULL)
        give_up(KFK__ENTRY(at, kfk__ask, link), KFK_ERR_CLOSED);
}
