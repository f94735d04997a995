#include "devbroker/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

enum {
    STAGING = 64 * 1024,
    UNSENT_MAX = 16 * 1024 * 1024, /* answers kept for a client that does not read */
    PIECES = 32
};

kfk__dev_conn *kfk__dev_conn_new(kfk__dev_service *s, const kfk__env *env, int32_t node,
                                 int32_t frame_max)
{
    kfk__dev_conn *c = kfk__zalloc(&env->alloc, sizeof *c);

    if (!c)
        return NULL;
    *c = (kfk__dev_conn){.kind = KFK__DEV_CONN,
                         .service = s,
                         .env = *env,
                         .node = node,
                         .frame_max = frame_max,
                         .wanted = KFK__EV_READ};
    kfk__list_init(&c->link);
    kfk__list_init(&c->answers);
    c->staging = kfk__alloc(&env->alloc, STAGING);
    if (c->staging)
        return c;
    kfk__dev_conn_free(c);
    return NULL;
}

void kfk__dev_conn_from(kfk__dev_conn *c, const kfk__addr *client)
{
    char text[KFK__ADDR_TEXT], *port;

    kfk__addr_format(client, text);
    port = strrchr(text, ':');
    if (port)
        *port = 0;
    (void)snprintf(c->host, sizeof c->host, "/%s", text);
}

void kfk__dev_conn_free(kfk__dev_conn *c)
{
    kfk_allocator a = c->env.alloc;

    if (c->sock)
        c->env.ops->sock_close(c->sock);
    kfk__lock(&c->service->lock);
    kfk__dev_call_free(c->call);
    for (kfk__list *i; (i = kfk__list_pop(&c->answers));)
        kfk__dev_call_free(KFK__ENTRY(i, kfk__dev_call, link));
    kfk__unlock(&c->service->lock);
    kfk__list_remove(&c->link);
    kfk__release(&a, c->staging);
    kfk__release(&a, c);
}

static bool busy(const kfk__dev_conn *c)
{
    return c->call && (c->status == KFK__DEV_WAITING || c->status == KFK__DEV_HUNG);
}

/* ---- in ---- */

/* Bytes that the frame still needs; 0: it is complete, or has not begun. */
static size_t frame_left(const kfk__dev_conn *c)
{
    return c->frame_len ? c->frame_len - c->call->frame.len : 0;
}

/* One recv: straight into a long frame, else into staging. As recv; -EAGAIN too if there is no
 * room. */
static ssize_t receive(kfk__dev_conn *c)
{
    size_t left = c->from == c->to ? frame_left(c) : 0;
    struct iovec v;
    ssize_t n;

    if (left >= STAGING) {
        v.iov_len = left < 4 * (size_t)STAGING + c->call->frame.len
                        ? left
                        : 4 * (size_t)STAGING + c->call->frame.len;
        v.iov_base = kfk__buf_reserve(&c->call->frame, v.iov_len);
        if (!v.iov_base)
            return -ENOMEM;
        n = c->env.ops->recv(c->sock, &v, 1);
        c->call->frame.len += n > 0 ? (size_t)n : 0;
        return n;
    }
    if (c->from > 0) {
        memmove(c->staging, c->staging + c->from, c->to - c->from);
        c->to -= c->from;
        c->from = 0;
    }
    if (c->to == STAGING)
        return -EAGAIN;
    v = (struct iovec){c->staging + c->to, STAGING - c->to};
    n = c->env.ops->recv(c->sock, &v, 1);
    c->to += n > 0 ? (size_t)n : 0;
    return n;
}

/* A new call with the frame's length, once its four bytes are there. */
static bool begin_frame(kfk__dev_conn *c)
{
    uint32_t len;

    if (c->to - c->from < 4)
        return true;
    len = kfk__get_be32(c->staging + c->from);
    c->from += 4;
    if (len == 0 || len > (uint32_t)c->frame_max)
        return false;
    c->call = kfk__dev_call_new(&c->env.alloc, c->node);
    c->frame_len = len;
    if (c->call)
        c->call->client_host = kfk__bytes_str(c->host);
    return c->call != NULL;
}

/* Moves staged bytes on into the frame. false: what comes is no frame, or there is no memory. */
static bool fill_frame(kfk__dev_conn *c)
{
    size_t n;

    if (!c->call && !begin_frame(c))
        return false;
    if (!c->call)
        return true;
    n = c->to - c->from < frame_left(c) ? c->to - c->from : frame_left(c);
    kfk__buf_put(&c->call->frame, c->staging + c->from, n);
    c->from += n;
    return kfk__buf_ok(&c->call->frame);
}

/* ---- out ---- */

static size_t answer_len(const kfk__dev_call *call)
{
    size_t whole = call->out.len + call->splices.total;

    return call->cut && call->cut_at < whole ? call->cut_at : whole;
}

typedef struct pieces {
    struct iovec v[PIECES];
    int n;
    size_t skip, left; /* of the answer that is being added */
} pieces;

static void add_piece(pieces *p, const uint8_t *bytes, size_t n)
{
    size_t skip = p->skip < n ? p->skip : n;

    p->skip -= skip;
    n = n - skip < p->left ? n - skip : p->left;
    if (n == 0 || p->n == PIECES)
        return;
    p->v[p->n++] = (struct iovec){(void *)(uintptr_t)(bytes + skip), n};
    p->left -= n;
}

/* The answer's bytes from |sent| on: the encoded ones, with each splice where it belongs. */
static void add_answer(pieces *p, const kfk__dev_call *call, size_t sent)
{
    size_t at = 0;

    p->skip = sent;
    p->left = answer_len(call) - sent;
    for (size_t i = 0; i < call->splices.n; i++) {
        const kfk__splice *s = &call->splices.v[i];

        add_piece(p, call->out.data + at, s->at - at);
        add_piece(p, s->bytes.data, s->bytes.len);
        at = s->at;
    }
    add_piece(p, call->out.data + at, call->out.len - at);
}

/* Takes |n| sent bytes off the queue. */
static void advance(kfk__dev_conn *c, size_t n)
{
    kfk__list *first;

    c->sent += n;
    c->unsent -= n;
    while ((first = kfk__list_first(&c->answers))) {
        kfk__dev_call *call = KFK__ENTRY(first, kfk__dev_call, link);

        if (c->sent < answer_len(call))
            return;
        c->sent -= answer_len(call);
        c->doomed |= call->cut;
        kfk__list_remove(first);
        kfk__lock(&c->service->lock);
        kfk__dev_call_free(call);
        kfk__unlock(&c->service->lock);
    }
}

/* false: the socket is dead. */
static bool flush(kfk__dev_conn *c)
{
    while (!kfk__list_empty(&c->answers)) {
        pieces p = {.n = 0};
        size_t sent = c->sent;
        ssize_t n = 0;

        for (kfk__list *i = kfk__list_first(&c->answers); i && p.n < PIECES;
             i = kfk__list_next(&c->answers, i)) {
            add_answer(&p, KFK__ENTRY(i, kfk__dev_call, link), sent);
            sent = 0;
        }
        if (p.n > 0)
            n = c->env.ops->send(c->sock, p.v, p.n);
        if (n == -EAGAIN)
            return true;
        if (n < 0)
            return false;
        advance(c, (size_t)n);
    }
    return true;
}

/* ---- requests ---- */

static void queue_answer(kfk__dev_conn *c, int64_t now)
{
    kfk__dev_call *call = c->call;

    c->unsent += answer_len(call);
    if (call->throttle_ms > 0)
        c->muted_until = now + call->throttle_ms * KFK__MS;
    kfk__list_push(&c->answers, &call->link);
    c->call = NULL;
}

/* Goes on with the call whose frame is complete. false: it ends the connection. */
static bool step_call(kfk__dev_conn *c, int64_t now, int64_t wall_ms)
{
    kfk__lock(&c->service->lock);
    c->status = kfk__dev_call_step(c->service, c->call, now, wall_ms);
    if (c->status == KFK__DEV_DONE) {
        kfk__dev_call_free(c->call);
        c->call = NULL;
    }
    kfk__unlock(&c->service->lock);
    if (c->status == KFK__DEV_READY)
        queue_answer(c, now);
    if (!c->call)
        c->frame_len = 0;
    return c->status != KFK__DEV_DEAD;
}

/* Answers behind one that is cut off would never be sent. */
static bool may_take(const kfk__dev_conn *c)
{
    kfk__list *last = c->answers.prev;

    if (c->unsent >= UNSENT_MAX || c->muted_until)
        return false;
    return last == &c->answers || !KFK__ENTRY(last, kfk__dev_call, link)->cut;
}

static bool handle_requests(kfk__dev_conn *c, int64_t now, int64_t wall_ms)
{
    if (busy(c) && !step_call(c, now, wall_ms))
        return false;
    while (!busy(c) && may_take(c)) {
        if (!fill_frame(c))
            return false;
        if (!c->call || frame_left(c) > 0)
            return true;
        if (!step_call(c, now, wall_ms))
            return false;
    }
    return true;
}

static void want(kfk__dev_conn *c)
{
    uint32_t what = kfk__list_empty(&c->answers) ? 0 : KFK__EV_WRITE;

    if (c->muted_until == 0 && (c->from > 0 || c->to < STAGING))
        what |= KFK__EV_READ;
    if (what != c->wanted)
        c->env.ops->want(c->sock, what);
    c->wanted = what;
}

bool kfk__dev_conn_read(kfk__dev_conn *c)
{
    ssize_t n = receive(c);

    return n > 0 || n == -EAGAIN;
}

bool kfk__dev_conn_run(kfk__dev_conn *c, int64_t now, int64_t wall_ms)
{
    bool full;

    if (now >= c->muted_until)
        c->muted_until = 0;
    do {
        c->doomed |= !handle_requests(c, now, wall_ms);
        full = c->unsent >= UNSENT_MAX;
        if (!flush(c) || c->doomed)
            return false;
    } while (full && c->unsent == 0);
    want(c);
    return true;
}

int64_t kfk__dev_conn_due(const kfk__dev_conn *c)
{
    int64_t due = c->call && c->status == KFK__DEV_WAITING ? c->call->until : KFK__NEVER;

    return c->muted_until && c->muted_until < due ? c->muted_until : due;
}

bool kfk__dev_conn_stirred(const kfk__dev_conn *c)
{
    return c->call && c->status == KFK__DEV_WAITING && c->call->seen != c->service->cluster.version;
}
