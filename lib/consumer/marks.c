#include "consumer/marks.h"

#include <string.h>

#include <kfk/error.h>

#include "base/mem.h"

enum { FEW = 4 };

kfk__marks *kfk__marks_new(const kfk_allocator *a, int64_t max)
{
    kfk__marks *m = kfk__zalloc(a, sizeof *m);

    if (!m)
        return NULL;
    m->v = kfk__array(a, NULL, FEW, sizeof *m->v);
    if (!m->v) {
        kfk__release(a, m);
        return NULL;
    }
    m->alloc = *a;
    m->max = max;
    m->cap = FEW;
    m->end = -1;
    m->epoch = -1;
    atomic_init(&m->full, false);
    kfk__mutex_init(&m->lock);
    return m;
}

void kfk__marks_free(kfk__marks *m)
{
    kfk_allocator a;

    if (!m)
        return;
    a = m->alloc;
    kfk__mutex_fini(&m->lock);
    kfk__release(&a, m->v);
    kfk__release(&a, m);
}

/* ---- memory, which is not taken with the lock held ---- */

/* Twice as many places, unless somebody else was quicker. */
static kfk_err grow(kfk__marks *m)
{
    kfk__undone *fresh, *old;
    size_t cap;

    kfk__lock(&m->lock);
    cap = m->cap * 2;
    kfk__unlock(&m->lock);
    fresh = kfk__array(&m->alloc, NULL, cap, sizeof *fresh);
    if (!fresh)
        return KFK_ERR_NOMEM;
    kfk__lock(&m->lock);
    old = fresh;
    if (m->cap < cap) {
        memcpy(fresh, m->v, m->n * sizeof *fresh);
        old = m->v;
        m->v = fresh;
        m->cap = cap;
    }
    kfk__unlock(&m->lock);
    kfk__release(&m->alloc, old);
    return KFK_OK;
}

kfk_err kfk__marks_reserve(kfk__marks *m)
{
    kfk_err err = KFK_OK;
    bool spare = false;

    while (!spare && !err) {
        kfk__lock(&m->lock);
        spare = m->spare = m->spare || m->n < m->cap;
        kfk__unlock(&m->lock);
        if (!spare)
            err = grow(m);
    }
    return err;
}

/* ---- what is handed out ---- */

/* true: it was full, and no longer is. */
static bool count(kfk__marks *m, int64_t more)
{
    bool was = atomic_load_explicit(&m->full, memory_order_relaxed), is;

    m->n_undone += more;
    is = m->max > 0 && m->n_undone >= m->max;
    if (is != was)
        atomic_store_explicit(&m->full, is, memory_order_release);
    return was && !is;
}

/* Forgets what is undone from |from| on. */
static void forget(kfk__marks *m, int64_t from)
{
    int64_t less = 0;

    while (m->n > 0 && m->v[m->n - 1].from >= from) {
        m->n--;
        less += m->v[m->n].to - m->v[m->n].from;
    }
    if (m->n > 0 && m->v[m->n - 1].to > from) {
        less += m->v[m->n - 1].to - from;
        m->v[m->n - 1].to = from;
    }
    (void)count(m, -less);
}

/* What comes next begins at |start|. */
static void go_to(kfk__marks *m, int64_t start)
{
    if (start >= m->end)
        return;
    forget(m, start); /* of which there is another now */
    m->now.fork++;
}

kfk__marks_ticket kfk__marks_open(kfk__marks *m, int64_t start, int64_t end, int32_t epoch)
{
    kfk__undone *last;
    kfk__marks_ticket ticket;

    kfk__lock(&m->lock);
    go_to(m, start);
    ticket = m->now;
    last = m->n > 0 ? &m->v[m->n - 1] : NULL;
    if (last && last->to == start && last->fork == ticket.fork) {
        last->to = end;
    } else {
        m->v[m->n++] = (kfk__undone){start, end, ticket.fork, m->epoch};
        m->spare = false;
    }
    m->end = end;
    m->epoch = epoch;
    (void)count(m, end - start);
    kfk__unlock(&m->lock);
    return ticket;
}

void kfk__marks_skip(kfk__marks *m, int64_t end, int32_t epoch)
{
    kfk__lock(&m->lock);
    if (end != m->end) {
        go_to(m, end);
        m->end = end;
        m->epoch = epoch;
    }
    kfk__unlock(&m->lock);
}

void kfk__marks_cut(kfk__marks *m, int64_t end, int32_t epoch)
{
    kfk__lock(&m->lock);
    if (end < m->end) {
        forget(m, end);
        m->end = end;
        m->epoch = epoch;
    }
    kfk__unlock(&m->lock);
}

static void forget_all(kfk__marks *m, bool ended)
{
    kfk__lock(&m->lock);
    m->n = 0;
    (void)count(m, -m->n_undone);
    m->end = m->epoch = -1;
    m->now.era++;
    m->ended |= ended;
    kfk__unlock(&m->lock);
}

void kfk__marks_restart(kfk__marks *m)
{
    forget_all(m, false);
}

void kfk__marks_end(kfk__marks *m)
{
    forget_all(m, true);
}

/* ---- what is done ---- */

/* The first that ends behind |offset|. */
static size_t find(const kfk__marks *m, int64_t offset)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (m->v[mid].to <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Takes [from, to) out of the middle of v[i]. false: there is no place for what is behind it. */
static bool split(kfk__marks *m, size_t i, int64_t from, int64_t to, int32_t epoch)
{
    kfk__undone *u = &m->v[i];

    if (m->n + m->spare >= m->cap)
        return false;
    memmove(u + 2, u + 1, (m->n - i - 1) * sizeof *u);
    u[1] = (kfk__undone){to, u->to, u->fork, epoch};
    u->to = from;
    m->n++;
    return true;
}

/* Takes what is the fork's of [from, to) out of v[i] and those behind it; returns how many offsets. */
static int64_t take_out(kfk__marks *m, size_t i, uint32_t fork, int64_t from, int64_t to,
                        int32_t epoch)
{
    size_t kept = i;
    int64_t n = 0;

    for (; i < m->n && m->v[i].from < to; i++) {
        kfk__undone u = m->v[i];
        int64_t a = u.from > from ? u.from : from, b = u.to < to ? u.to : to;

        if (u.fork == fork) {
            n += b - a;
            if (a > u.from) {
                u.to = a;
            } else {
                u.from = b;
                u.epoch = epoch;
            }
        }
        if (u.from < u.to)
            m->v[kept++] = u;
    }
    memmove(&m->v[kept], &m->v[i], (m->n - i) * sizeof *m->v);
    m->n -= i - kept;
    return n;
}

/* KFK_ERR_WOULD_BLOCK: it takes another place. Locked. */
static kfk_err mark(kfk__marks *m, kfk__marks_ticket ticket, int64_t from, int64_t to,
                    int32_t epoch, bool *room)
{
    int64_t n = to - from;
    size_t i;

    if (m->ended || ticket.era != m->now.era)
        return KFK_ERR_REVOKED;
    i = find(m, from);
    if (i == m->n || m->v[i].from >= to)
        return KFK_OK;
    if (m->v[i].from < from && m->v[i].to > to) {
        if (m->v[i].fork != ticket.fork)
            return KFK_OK;
        if (!split(m, i, from, to, epoch))
            return KFK_ERR_WOULD_BLOCK;
    } else {
        n = take_out(m, i, ticket.fork, from, to, epoch);
    }
    *room = count(m, -n);
    return KFK_OK;
}

kfk_err kfk__marks_mark(kfk__marks *m, kfk__marks_ticket ticket, int64_t from, int64_t to,
                        int32_t epoch, bool *room)
{
    kfk_err err;

    *room = false;
    for (;;) {
        kfk__lock(&m->lock);
        err = mark(m, ticket, from, to, epoch, room);
        kfk__unlock(&m->lock);
        if (err != KFK_ERR_WOULD_BLOCK)
            return err;
        err = grow(m);
        if (err)
            return err;
    }
}

int64_t kfk__marks_done(kfk__marks *m, int32_t *epoch)
{
    int64_t done;

    kfk__lock(&m->lock);
    done = m->n > 0 ? m->v[0].from : m->end;
    *epoch = m->n > 0 ? m->v[0].epoch : m->epoch;
    kfk__unlock(&m->lock);
    return done;
}

bool kfk__marks_first(kfk__marks *m, kfk__marks_ticket ticket, int64_t from, int64_t *first, int64_t *end)
{
    bool there;
    size_t i;

    kfk__lock(&m->lock);
    there = !m->ended && ticket.era == m->now.era;
    i = there ? find(m, from) : 0;
    while (there && i < m->n && m->v[i].fork != ticket.fork)
        i++;
    there = there && i < m->n;
    if (there) {
        *first = m->v[i].from > from ? m->v[i].from : from;
        *end = m->v[i].to;
    }
    kfk__unlock(&m->lock);
    return there;
}

int64_t kfk__marks_undone(kfk__marks *m)
{
    int64_t n;

    kfk__lock(&m->lock);
    n = m->n_undone;
    kfk__unlock(&m->lock);
    return n;
}
