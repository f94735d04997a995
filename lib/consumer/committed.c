/* committed: where the group has left off, for partitions that begin there: asked for all of them at once. */
#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/fetcher.h"

/* Those that one request is about. */
typedef struct asking {
    kfk__shared *shared;
    size_t n;
    struct {
        kfk__assigned *p; /* held */
        unsigned version;
    } v[];
} asking;

/* Locked. */
static void take(kfk__fetcher *f, kfk__assigned *p, const kfk_tp *tp, const kfk_error *e,
                 int64_t now)
{
    kfk__course *c = &p->course;

    c->asks_group = false;
    if (tp->err == KFK_ERR_NOMEM) {
        kfk__fetcher_retry(f, p, tp->err, now);
        return;
    }
    if (tp->err) {
        kfk__assigned_fail(p, tp->err, -1, e->code == tp->err ? e->msg : kfk_err_str(tp->err));
        return;
    }
    if (tp->offset < 0) { /* nothing is */
        kfk__assigned_start(p);
        return;
    }
    p->position = c->offset = p->asked = tp->offset;
    p->epoch = c->epoch = tp->flags & KFK_EPOCH ? tp->leader_epoch : -1;
    c->checked = -1; /* the log may not have it any more */
    kfk__shared_known(f->shared);
    kfk__fetcher_look(f, p, now);
}

static void answered(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                     int64_t now)
{
    kfk__fetcher *f = owner;
    asking *a = arg;

    kfk__lock(&f->shared->lock);
    for (size_t i = 0; i < n; i++) {
        kfk__assigned *p = a->v[i].p;

        if (!f->shared->closed && !p->gone && p->course.asks_group &&
            p->fetch_version == a->v[i].version)
            take(f, p, &tps[i], e, now);
    }
    kfk__unlock(&f->shared->lock);
    for (size_t i = 0; i < n; i++)
        kfk__assigned_drop(a->v[i].p);
    kfk__release(&f->env->alloc, a);
}

static size_t count(const kfk__list *l)
{
    size_t n = 0;

    for (const kfk__list *at = l->next; at != l; at = at->next)
        n++;
    return n;
}

/* There is no memory to ask with. */
static void later(kfk__fetcher *f, int64_t now)
{
    kfk__list *at;

    kfk__lock(&f->shared->lock);
    while ((at = kfk__list_pop(&f->for_group)) != NULL) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, course.waiting);

        p->course.asks_group = false;
        kfk__fetcher_retry(f, p, KFK_ERR_NOMEM, now);
    }
    kfk__unlock(&f->shared->lock);
}

void kfk__fetcher_ask_group(kfk__fetcher *f, int64_t now)
{
    const kfk_allocator *alloc = &f->env->alloc;
    kfk__group_meta who = kfk__group_meta_of(f->options.group);
    size_t n = count(&f->for_group), i = 0;
    asking *a;
    kfk_tp *tps;

    if (n == 0)
        return;
    a = kfk__zalloc(alloc, sizeof *a + n * sizeof *a->v);
    tps = kfk__zalloc(alloc, n * sizeof *tps);
    for (kfk__list *at = f->for_group.next; a && tps && at != &f->for_group; at = at->next) {
        kfk__assigned *p = KFK__ENTRY(at, kfk__assigned, course.waiting);

        a->v[i].p = p;
        a->v[i].version = p->course.version;
        tps[i++] = (kfk_tp){.topic = p->topic, .partition = p->partition};
    }
    if (i < n || kfk__groupio_fetch(&f->groupio, &who, tps, n, true, KFK__NEVER, answered, f, a,
                                    NULL)) {
        kfk__release(alloc, a);
        later(f, now);
    } else {
        for (i = 0; i < n; i++) {
            (void)kfk__assigned_hold(a->v[i].p);
            kfk__list_remove(&a->v[i].p->course.waiting);
        }
    }
    kfk__release(alloc, tps);
}
