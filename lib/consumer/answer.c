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
    if (dead && ask->kind == KFK__ASK_COMMIT && e->code != KFK_ERR_CLOSED)
        kfk__log_write(&o->log, KFK_LOG_WARN, o->subsystem, "a commit of group %.200s failed: %s",
                       f->options.group, e->msg);
}

static void group_done(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                       int64_t now)
{
    kfk__ask *ask = arg;
    bool fetched = ask->kind == KFK__ASK_COMMITTED, short_of_memory = false;
    kfk_error none;

    (void)now;
    for (size_t i = 0; i < n; i++) {
        kfk_tp *to = &ask->answers[i];

        to->err = tps[i].err;
        to->offset = tps[i].offset;
        to->leader_epoch = tps[i].leader_epoch;
        if (fetched && tps[i].metadata)
            to->metadata = kfk__strdup(&ask->shared->env.alloc, tps[i].metadata);
        short_of_memory |= fetched && tps[i].metadata && !to->metadata;
    }
    if (short_of_memory)
        (void)kfk__fail_nomem(&none);
    if (e->code)
        log_failure(owner, ask, e);
    kfk__ask_done(ask, short_of_memory ? &none : e->code ? e : NULL);
}

static void ask_group(kfk__fetcher *f, kfk__ask *ask)
{
    kfk__group_meta who = kfk__group_meta_of(f->options.group);
    kfk_error e;
    kfk_err err =
        ask->kind == KFK__ASK_COMMIT
            ? kfk__groupio_commit(&f->groupio, &who, ask->asked, ask->n, ask->deadline, group_done,
                                  f, ask, NULL)
            : kfk__groupio_fetch(&f->groupio, &who, ask->asked, ask->n, true, ask->deadline,
                                 group_done, f, ask, NULL);

    if (err) {
        (void)kfk__fail(&e, err, "%s", kfk_err_str(err));
        kfk__ask_done(ask, &e);
    }
}

/* ---- the whole ---- */

static void take_up(kfk__fetcher *f, kfk__ask *ask, int64_t now)
{
    if (ask->kind == KFK__ASK_COMMIT || ask->kind == KFK__ASK_COMMITTED) {
        ask_group(f, ask); /* which sees to its end */
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
