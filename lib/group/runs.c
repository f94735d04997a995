#include "group/runs.h"

#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "consumer/run.h"
#include "group/call.h"
#include "group/letter.h"

/* So long at most between two attempts to read a partition that cannot be read. */
enum { UNREADABLE_MAX_MS = 10000 };

/* ---- aside ---- */

static void count_aside(kfk_group *g, int more)
{
    atomic_fetch_add_explicit(&g->n_aside, more, memory_order_relaxed);
}

/* It goes on with |rs| (NULL: it is to be tried to be read) at |due|. Who reads it lets go of it. Frees |rs| if the partition
 * goes anyway. */
static void put_aside(kfk__worker *w, kfk_records *rs, int64_t end, int64_t due, kfk__letter *letter)
{
    kfk_group *g = w->group;
    kfk__shared *s = g->consumer->shared;
    kfk__assigned *p = rs->partition;
    bool stays;

    kfk__lock(&s->lock);
    stays = !p->gone && !p->leaving && !s->closed;
    if (stays) {
        p->aside.run = rs;
        p->aside.end = end;
        p->aside.due = due;
        p->aside.letter = letter;
        kfk__list_remove(&p->ready);
        kfk__list_push(&g->asides, &kfk__assigned_hold(p)->aside.link);
        count_aside(g, 1);
    }
    kfk__unlock(&s->lock);
    if (!stays) {
        kfk__letter_drop(letter);
        kfk_records_free(rs);
    }
    kfk__lane_rest(g->consumer, &w->lane);
}

static int64_t backoff(kfk_group *g, kfk__assigned *p, int64_t max_ms)
{
    kfk__backoff b = {g->o.retry.base_ms, max_ms};

    return kfk__now(&g->env) + kfk__backoff_ns(&b, p->aside.tries++, &g->env);
}

/* ---- what became of a run ---- */

static kfk_records *over(kfk__worker *w, kfk_records *rs)
{
    kfk_records_free(rs);
    kfk__lane_rest(w->group->consumer, &w->lane);
    return NULL;
}

/* The partition was taken away, or the group is to end. */
static bool is_revoked(const kfk_records *rs)
{
    return atomic_load_explicit(&rs->partition->version, memory_order_acquire) != rs->version;
}

static bool is_paused(kfk_group *g, const kfk__assigned *p)
{
    bool is;

    kfk__lock(&g->consumer->shared->lock);
    is = p->paused;
    kfk__unlock(&g->consumer->shared->lock);
    return is;
}

/* There is something that should not wait for the rest of the run. */
static bool is_interrupted(kfk__worker *w)
{
    return atomic_load_explicit(&w->lane.turn, memory_order_relaxed) || w->left <= 0 ||
           atomic_load_explicit(&w->group->stop, memory_order_relaxed);
}

/* What of the run is not done and has not been looked at yet, from |from| on. */
static kfk_records *next_part(kfk__worker *w, kfk_records *rs, int64_t from, int64_t end)
{
    int64_t first, to;

    if (!kfk__marks_first(rs->partition->marks, rs->ticket, from, &first, &to) || first >= end)
        return over(w, rs);
    kfk__records_rewind(rs, first, to < end ? to : end);
    return rs;
}

/* It goes on behind what next gave last. */
static kfk_records *go_on(kfk__worker *w, kfk_records *rs, int64_t end)
{
    if (rs->status || is_revoked(rs))
        return over(w, rs);
    if (rs->tp.offset >= rs->end) {
        if (rs->end >= end)
            return over(w, rs);
        rs = next_part(w, rs, rs->end, end);
    }
    if (rs && (is_interrupted(w) || is_paused(w->group, rs->partition))) {
        put_aside(w, rs, end, 0, NULL);
        return NULL;
    }
    return rs;
}

static kfk_records *retry(kfk__worker *w, kfk_records *rs, int64_t offset, int64_t end)
{
    kfk_group *g = w->group;

    kfk__records_rewind(rs, offset, rs->end);
    put_aside(w, rs, end, backoff(g, rs->partition, g->o.retry.max_ms), NULL);
    kfk__lock(&g->lock);
    kfk__counter_add(&g->metrics.retried, 1);
    kfk__unlock(&g->lock);
    return NULL;
}

/* ---- failures ---- */

static void name_partition(kfk_error *e, const kfk_records *rs, int64_t offset)
{
    kfk__error_set(e->topic, sizeof e->topic, rs->tp.topic, strlen(rs->tp.topic));
    e->partition = rs->tp.partition;
    e->offset = offset;
}

static void say_failed(kfk_group *g, const kfk_records *rs, int64_t offset, kfk_err err, kfk_error *e)
{
    (void)kfk__fail(e, err, "%s() returned %s (%d) for %.200s-%d at offset %lld",
                    g->h.consume ? "consume" : "record", kfk_err_name(err), (int)err, rs->tp.topic,
                    rs->tp.partition, (long long)offset);
    name_partition(e, rs, offset);
}

/* A mistake of the application's, from which it goes on as after KFK_RETRY. */
static void tell_mistake(kfk__worker *w, const kfk_records *rs, int64_t offset, const char *what, int n)
{
    kfk_error e;

    (void)kfk__fail(&e, KFK_ERR_INVALID_ARG, "%s %d for %.200s-%d at offset %lld: it is tried again", what,
                    n, rs->tp.topic, rs->tp.partition, (long long)offset);
    name_partition(&e, rs, offset);
    kfk__group_tell(w, &e);
}

/* How often that record has failed. */
static int count_attempt(kfk__assigned *p, int64_t offset)
{
    if (p->aside.failed != offset) {
        p->aside.failed = offset;
        p->aside.attempt = 0;
        p->aside.tries = 0;
    }
    return ++p->aside.attempt;
}

/* What failed() says. */
static int ask_failed(kfk__worker *w, const kfk_record_view *r, const kfk_error *e, int attempt)
{
    kfk_group *g = w->group;
    int answer = KFK_RETRY;

    kfk__lock(&g->lock);
    kfk__counter_add(&g->metrics.failed, 1);
    kfk__unlock(&g->lock);
    if (!g->h.failed) {
        kfk__group_log(g, KFK_LOG_WARN, "%s: it is tried again", e->msg);
        return KFK_RETRY;
    }
    if (kfk__token_await(g))
        return KFK_RETRY;
    answer = kfk__call_failed(w, r, e, attempt);
    kfk__token_give(g);
    return answer;
}

static kfk_records *bury(kfk__worker *w, kfk_records *rs, const kfk_record_view *r, const kfk_error *e,
                         int64_t end)
{
    const kfk__letter_reason reason = {e, rs->partition->aside.attempt};
    int64_t offset = r->offset;
    kfk_error why;
    kfk__letter *l = kfk__letter_send(w->group, rs, r, &reason, &why);

    if (!l) {
        name_partition(&why, rs, offset);
        kfk__group_tell(w, &why);
        return retry(w, rs, offset, end);
    }
    kfk__records_rewind(rs, offset, rs->end);
    put_aside(w, rs, end, 0, l);
    return NULL;
}

/* |r|, which next gave last, is done, or as if. */
static kfk_records *skip(kfk__worker *w, kfk_records *rs, int64_t end, bool dead)
{
    kfk_group *g = w->group;

    (void)kfk__records_mark_all(rs, NULL); /* all before it is done */
    kfk__lock(&g->lock);
    kfk__counter_add(dead ? &g->metrics.dead : &g->metrics.skipped, 1);
    kfk__unlock(&g->lock);
    return go_on(w, rs, end);
}

static kfk_records *decide(kfk__worker *w, kfk_records *rs, const kfk_record_view *r, kfk_err err,
                           int64_t end)
{
    kfk_group *g = w->group;
    int64_t offset = r->offset;
    int attempt = count_attempt(rs->partition, offset), answer;
    kfk_error e;

    if (err == KFK_PENDING) {
        tell_mistake(w, rs, offset, "record() may not return KFK_PENDING,", (int)err);
        return retry(w, rs, offset, end);
    }
    say_failed(g, rs, offset, err, &e);
    answer = ask_failed(w, r, &e, attempt);
    switch (answer) {
    case KFK_RETRY:
        return retry(w, rs, offset, end);
    case KFK_SKIP:
        return skip(w, rs, end, false);
    case KFK_DEAD_LETTER:
        return is_revoked(rs) ? over(w, rs) : bury(w, rs, r, &e, end);
    case KFK_STOP:
        kfk__group_fail(g, &e);
        return over(w, rs);
    default:
        tell_mistake(w, rs, offset, "failed() returned", answer);
        return retry(w, rs, offset, end);
    }
}

/* consume() failed: the first that it has not marked. */
static kfk_records *find_failed(kfk__worker *w, kfk_records *rs, kfk_err err, int64_t end)
{
    const kfk_record_view *r;
    int64_t from = rs->start;
    kfk_error e;

    if (is_revoked(rs))
        return over(w, rs);
    rs = next_part(w, rs, from, end);
    r = rs ? kfk_records_next(rs) : NULL;
    if (r)
        return decide(w, rs, r, err, end);
    if (rs)
        return over(w, rs);
    (void)kfk__fail(&e, err, "consume() returned %s (%d), and has marked all of its run", kfk_err_name(err),
                    (int)err);
    kfk__group_tell(w, &e);
    return NULL;
}

/* ---- handing out ---- */

/* One after the other. An error: *failed is of that. */
static kfk_err hand_records(kfk__worker *w, kfk_records *rs, const kfk_record_view **failed)
{
    kfk_group *g = w->group;
    kfk_err (*const record)(kfk_group *, const kfk_record_view *, void *) = g->h.record;
    void *const arg = g->arg;
    const int64_t before = atomic_load_explicit(&w->calls, memory_order_relaxed);
    const int64_t most = w->left < INT64_MAX - before ? before + w->left : INT64_MAX;
    int64_t calls = before;
    const kfk_record_view *r;
    kfk_err err = KFK_OK;

    /* What is_interrupted looks at, with one addition a call. */
    while (calls < most && !atomic_load_explicit(&w->lane.turn, memory_order_relaxed) &&
           !atomic_load_explicit(&g->stop, memory_order_relaxed) && (r = kfk_records_next(rs)) != NULL) {
        err = record(g, r, arg);
        atomic_store_explicit(&w->calls, ++calls, memory_order_relaxed);
        if (err) {
            *failed = r;
            break;
        }
    }
    w->left -= calls - before;
    return err;
}

static kfk_err hand_run(kfk__worker *w, kfk_records *rs)
{
    w->left--;
    return w->group->h.consume(w->group, rs, w->group->arg);
}

static void count(kfk__worker *w, int64_t since, int64_t records)
{
    kfk_group *g = w->group;

    kfk__lock(&g->lock);
    kfk__counter_add(&g->metrics.records, records);
    kfk__histogram_record_ns(&g->metrics.handler, kfk__now(&g->env) - since);
    kfk__unlock(&g->lock);
}

/* NULL: it is gone. */
static kfk_records *hand_once(kfk__worker *w, kfk_records *rs, int64_t end)
{
    const bool whole = w->group->h.consume;
    const int64_t from = rs->tp.offset, to = rs->end;
    const kfk_record_view *failed = NULL;
    int64_t since;
    kfk_err err;

    if (!kfk__call_begin(w))
        return over(w, rs);
    since = atomic_load_explicit(&w->busy_since, memory_order_relaxed);
    err = whole ? hand_run(w, rs) : hand_records(w, rs, &failed);
    kfk__call_end(w);
    if (whole && err == KFK_PENDING) {
        count(w, since, to - from);
        kfk__lane_rest(w->group->consumer, &w->lane);
        return NULL;
    }
    count(w, since, rs->tp.offset - from);
    if (err && whole)
        return find_failed(w, rs, err, end);
    if (err) {
        (void)kfk__records_mark_to(rs, failed->offset, NULL);
        return decide(w, rs, failed, err, end);
    }
    (void)kfk__records_mark_all(rs, NULL);
    if (whole && rs->tp.offset == from && !rs->status) { /* it wants none of it now */
        put_aside(w, rs, end, backoff(w->group, rs->partition, w->group->o.retry.max_ms), NULL);
        return NULL;
    }
    rs->partition->aside.tries = 0;
    return go_on(w, rs, end);
}

void kfk__run_hand(kfk__worker *w, kfk_records *rs, int64_t end)
{
    while (rs)
        rs = hand_once(w, rs, end);
}

/* ---- going on ---- */

/* The letter is there, or is not. */
static void after_letter(kfk__worker *w, kfk_records *rs, int64_t end, kfk_err result)
{
    int64_t offset = rs->tp.offset;
    kfk_error e;

    if (result) {
        (void)kfk__fail(&e, result,
                        "the dead letter of %.200s-%d at offset %lld was not delivered (%s): the record is "
                        "handed out again",
                        rs->tp.topic, rs->tp.partition, (long long)offset, kfk_err_name(result));
        name_partition(&e, rs, offset);
        kfk__group_tell(w, &e);
        rs = retry(w, rs, offset, end);
    } else {
        rs = kfk_records_next(rs) ? skip(w, rs, end, true) : over(w, rs);
    }
    if (rs)
        kfk__run_hand(w, rs, end);
}

static bool is_due(const kfk__worker *w, const kfk__assigned *p, int64_t now)
{
    const kfk__aside *a = &p->aside;

    return p->lane == &w->lane && !p->paused && a->due <= now &&
           (!a->letter || kfk__letter_result(a->letter) != KFK_ERR_WOULD_BLOCK);
}

/* The first of the worker's that is due, taken out. *at: when one of those that are not is. Locked. */
static kfk__assigned *take_due(kfk__worker *w, int64_t now, int64_t *at)
{
    kfk_group *g = w->group;

    *at = KFK__NEVER;
    for (kfk__list *l = g->asides.next; l != &g->asides; l = l->next) {
        kfk__assigned *p = KFK__ENTRY(l, kfk__assigned, aside.link);

        if (!is_due(w, p, now)) {
            if (p->lane == &w->lane && !p->paused && !p->aside.letter && p->aside.due < *at)
                *at = p->aside.due;
            continue;
        }
        kfk__list_remove(l);
        count_aside(g, -1);
        return p;
    }
    return NULL;
}

/* It could not be read: perhaps it can be now. Locked. */
static void try_to_read(kfk__assigned *p)
{
    if (p->gone || p->leaving || !p->err)
        kfk__assigned_resume(p);
    else if (p->position >= 0)
        kfk__assigned_move(p, p->position, p->epoch);
    else
        kfk__assigned_look_up(p, (kfk__place){KFK__PLACE_COMMITTED, 0});
}

bool kfk__aside_go_on(kfk__worker *w, int64_t now, int64_t *at)
{
    kfk_group *g = w->group;
    kfk__shared *s = g->consumer->shared;
    kfk__aside a = {0};
    kfk__assigned *p;
    kfk_err result;

    *at = KFK__NEVER;
    if (atomic_load_explicit(&g->n_aside, memory_order_relaxed) == 0)
        return false;
    kfk__lock(&s->lock);
    p = take_due(w, now, at);
    if (p) {
        a = p->aside;
        if (a.run) {
            w->lane.reading = p; /* which holds it now */
            kfk__assigned_resume(p);
        } else {
            try_to_read(p);
        }
    }
    kfk__unlock(&s->lock);
    if (p && !a.run)
        kfk__assigned_drop(p);
    if (!p)
        return false;
    kfk__shared_sweep(s);
    if (!a.run)
        return true;
    result = a.letter ? kfk__letter_result(a.letter) : KFK_OK;
    kfk__letter_drop(a.letter);
    if (a.letter)
        after_letter(w, a.run, a.end, result);
    else
        kfk__run_hand(w, a.run, a.end);
    return true;
}

static bool goes(const kfk__assigned *p)
{
    return p->gone || p->leaving;
}

/* The first that goes, or with |all| any, taken out. NULL: there is none. */
static kfk__assigned *take_going(kfk_group *g, bool all, kfk__aside *a)
{
    kfk__shared *s = g->consumer->shared;
    kfk__assigned *found = NULL;

    kfk__lock(&s->lock);
    for (kfk__list *l = g->asides.next; !found && l != &g->asides; l = l->next) {
        kfk__assigned *p = KFK__ENTRY(l, kfk__assigned, aside.link);

        if (all || goes(p))
            found = p;
    }
    if (found) {
        *a = found->aside;
        kfk__list_remove(&found->aside.link);
        count_aside(g, -1);
    }
    kfk__unlock(&s->lock);
    return found;
}

void kfk__aside_sweep(kfk_group *g, bool all)
{
    kfk__assigned *p;
    kfk__aside a;

    while (atomic_load_explicit(&g->n_aside, memory_order_relaxed) > 0 &&
           (p = take_going(g, all, &a)) != NULL) {
        kfk_records_free(a.run);
        kfk__letter_drop(a.letter);
        kfk__assigned_drop(p);
    }
}

/* ---- what cannot be read ---- */

void kfk__run_unreadable(kfk__worker *w, const kfk_error *e)
{
    kfk_group *g = w->group;
    kfk__shared *s = g->consumer->shared;
    kfk__assigned *p;

    kfk__group_tell(w, e);
    kfk__lock(&s->lock);
    p = kfk__shared_find(s, e->topic, e->partition);
    /* With corrupt.batch.policy=skip it is on its way already. */
    if (p && p->err && !goes(p) && kfk__list_empty(&p->aside.link)) {
        p->aside.run = NULL;
        p->aside.letter = NULL;
        p->aside.due = backoff(g, p, UNREADABLE_MAX_MS);
        kfk__list_remove(&p->ready);
        kfk__list_push(&g->asides, &kfk__assigned_hold(p)->aside.link);
        count_aside(g, 1);
    }
    kfk__unlock(&s->lock);
}
