#include "sim/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hb.h"

enum { SYN, SYN_ACK, DATA, FIN, RST };

#define BUFFER_BYTES 32768 /* of a side whose options say nothing */
#define FIRST_PORT 40000   /* of those that are given to who asks for none */

static void told(const sim_end_point *e)
{
    if (e->open && e->told.changed)
        e->told.changed(e->told.arg);
}

uint32_t sim_link_host(const kfk__addr *a, uint32_t own)
{
    static const uint8_t any[4] = {0};

    if (a->family != 4)
        return 0;
    if (a->bytes[0] == 127 || memcmp(a->bytes, any, sizeof any) == 0)
        return own;
    if (a->bytes[0] == 10 && a->bytes[1] == 0 && a->bytes[2] == 0 && a->bytes[3] < SIM_HOSTS)
        return a->bytes[3];
    return 0;
}

static uint32_t host_of(const sim_conn *c, int i)
{
    return c->end[i].local.bytes[3];
}

/* ---- pipes ---- */

static const sim_link *link_of(const sim_conn *c, int i)
{
    return &c->net->link[host_of(c, i)][host_of(c, 1 - i)];
}

static int64_t arrival(const sim_conn *c, int i)
{
    const sim_link *l = link_of(c, i);
    sim *s = c->net->s;
    uint64_t more = l->jitter > 0 ? sim_below(s, (uint64_t)l->jitter + 1) : 0;

    return sim_now(s) + l->delay + (int64_t)more;
}

static sim_segment *segment(const sim_pipe *p, size_t k)
{
    return &p->segments[(p->first + k) & (p->room - 1)];
}

static void arm(sim_conn *c, int i)
{
    sim_pipe *p = &c->pipe[i];

    if (p->n == 0 || link_of(c, i)->held)
        sim_timer_clear(&c->net->s->timers, &p->timer);
    else
        sim_timer_set(&c->net->s->timers, &p->timer, segment(p, 0)->at);
}

static void make_room(sim_pipe *p)
{
    size_t room = p->room ? p->room * 2 : 16;
    sim_segment *more;

    if (p->n < p->room)
        return;
    more = sim_alloc(room * sizeof *more);
    for (size_t k = 0; k < p->n; k++)
        more[k] = *segment(p, k);
    free(p->segments);
    p->segments = more;
    p->first = 0;
    p->room = room;
}

static void push(sim_conn *c, int i, uint32_t kind, size_t len)
{
    sim_pipe *p = &c->pipe[i];
    sim_segment g = {.at = arrival(c, i), .len = (uint32_t)len, .kind = kind};

    make_room(p);
    *segment(p, p->n++) = g;
    if (p->n == 1)
        arm(c, i);
}

static void lose_in_flight(sim_conn *c, int i)
{
    sim_pipe *p = &c->pipe[i];

    p->n = p->in_flight = 0;
    arm(c, i);
}

/* What is due later than anything sent now would be keeps its time. */
static void rearm(sim_conn *c, int i)
{
    sim_pipe *p = &c->pipe[i];
    int64_t soonest = arrival(c, i);

    for (size_t k = 0; k < p->n; k++) {
        sim_segment *g = segment(p, k);

        if (g->at < soonest)
            g->at = soonest;
    }
    arm(c, i);
}

void sim_link_rearm(sim_conn *c)
{
    for (int i = 0; i < 2; i++) {
        if (!link_of(c, i)->held && c->pipe[i].n > 0 && c->pipe[i].timer.place == 0)
            rearm(c, i);
        else
            arm(c, i);
    }
}

static size_t free_bytes(const sim_pipe *p)
{
    return p->cap - p->readable - p->in_flight;
}

/* Copies |n| bytes between the ring, at |from| bytes after its head, and |mem|. */
static void ring_copy(sim_pipe *p, size_t from, uint8_t *mem, size_t n, bool in)
{
    size_t at = (p->head + from) % p->cap;
    size_t till_end = p->cap - at < n ? p->cap - at : n;

    if (in) {
        memcpy(p->ring + at, mem, till_end);
        memcpy(p->ring, mem + till_end, n - till_end);
    } else {
        memcpy(mem, p->ring + at, till_end);
        memcpy(mem + till_end, p->ring, n - till_end);
    }
}

/* ---- what arrives, at the end that pipe |i| leads to ---- */

static sim_listener *find_listener(struct simnet *net, const kfk__addr *at)
{
    for (kfk__list *n = kfk__list_first(&net->listeners); n;
         n = kfk__list_next(&net->listeners, n)) {
        sim_listener *l = KFK__ENTRY(n, sim_listener, node);

        if (l->at.bytes[3] == at->bytes[3] && l->at.port == at->port)
            return l;
    }
    return NULL;
}

static void on_syn(sim_conn *c)
{
    sim_end_point *e = &c->end[1];
    sim_listener *l = find_listener(c->net, &e->local);

    if (!l) {
        push(c, 1, RST, 0);
        return;
    }
    e->open = e->connected = true;
    kfk__list_push(&l->backlog, &e->node);
    push(c, 1, SYN_ACK, 0);
    l->told.changed(l->told.arg);
}

static void on_reset(sim_conn *c, sim_end_point *e, int i)
{
    if (!e->err)
        e->err = e->connected ? ECONNRESET : ECONNREFUSED;
    lose_in_flight(c, 1 - i);
}

static void on_data(sim_conn *c, const sim_end_point *e, int i, size_t len)
{
    sim_pipe *p = &c->pipe[i];

    p->in_flight -= len;
    if (e->open) {
        p->readable += len;
        return;
    }
    p->head = (p->head + len) % p->cap;
    push(c, 1 - i, RST, 0);
}

static void arrive(sim_conn *c, int i, sim_segment g)
{
    sim_end_point *e = &c->end[1 - i];

    sim_note(c->net->s, "arrive", (uint64_t)c->id << 1 | (unsigned)i, g.kind, g.len);
    switch (g.kind) {
    case SYN:
        on_syn(c);
        break;
    case SYN_ACK:
        e->connected = true;
        break;
    case DATA:
        on_data(c, e, i, g.len);
        break;
    case FIN:
        e->ended = true;
        break;
    default:
        on_reset(c, e, i);
        break;
    }
    told(e);
}

/* One that is due stays behind those that were sent before it. */
static void pipe_due(sim_conn *c, int i)
{
    sim_pipe *p = &c->pipe[i];
    int64_t now = sim_now(c->net->s);

    while (p->n > 0 && segment(p, 0)->at <= now) {
        sim_segment g = *segment(p, 0);

        p->first++;
        p->n--;
        arrive(c, i, g);
    }
    arm(c, i);
}

static void pipe_0_due(sim_timer *t)
{
    pipe_due(KFK__ENTRY(t, sim_conn, pipe[0].timer), 0);
}

static void pipe_1_due(sim_timer *t)
{
    pipe_due(KFK__ENTRY(t, sim_conn, pipe[1].timer), 1);
}

/* ---- making and ending ---- */

static uint16_t some_port(struct simnet *net)
{
    net->last_port = net->last_port < FIRST_PORT || net->last_port == UINT16_MAX
                         ? FIRST_PORT
                         : (uint16_t)(net->last_port + 1);
    return net->last_port;
}

static sim_conn *new_conn(struct simnet *net, uint32_t from, uint32_t to, uint16_t port)
{
    sim_conn *c = sim_alloc(sizeof *c);

    memset(c, 0, sizeof *c);
    c->net = net;
    c->id = ++net->last_conn;
    c->end[0].local = sim_addr(from, some_port(net));
    c->end[1].local = sim_addr(to, port);
    kfk__list_init(&c->end[0].node);
    kfk__list_init(&c->end[1].node);
    c->pipe[0].timer.fire = pipe_0_due;
    c->pipe[1].timer.fire = pipe_1_due;
    kfk__list_push(&net->conns, &c->node);
    return c;
}

void sim_link_free(sim_conn *c)
{
    for (int i = 0; i < 2; i++) {
        sim_timer_clear(&c->net->s->timers, &c->pipe[i].timer);
        free(c->pipe[i].ring);
        free(c->pipe[i].segments);
    }
    kfk__list_remove(&c->node);
    free(c);
}

int sim_link_connect(struct simnet *net, uint32_t from, const kfk__addr *to, size_t send_room,
                     size_t receive_room, sim_told t, sim_side *out)
{
    uint32_t host = sim_link_host(to, from);
    sim_conn *c;

    if (host == 0)
        return ENETUNREACH;
    c = new_conn(net, from, host, to->port);
    c->pipe[0].cap = (send_room ? send_room : BUFFER_BYTES) + BUFFER_BYTES;
    c->pipe[1].cap = (receive_room ? receive_room : BUFFER_BYTES) + BUFFER_BYTES;
    c->end[0].open = true;
    c->end[0].told = t;
    push(c, 0, SYN, 0);
    *out = (sim_side){c, 0};
    return 0;
}

int sim_link_listen(struct simnet *net, uint32_t host, const kfk__addr *at, sim_told t,
                    sim_listener **out)
{
    uint32_t h = sim_link_host(at, host);
    sim_listener *l;
    kfk__addr where;

    if (h == 0)
        return EADDRNOTAVAIL;
    where = sim_addr(h, at->port ? at->port : some_port(net));
    if (find_listener(net, &where))
        return EADDRINUSE;
    l = sim_alloc(sizeof *l);
    *l = (sim_listener){.net = net, .at = where, .told = t};
    kfk__list_init(&l->backlog);
    kfk__list_push(&net->listeners, &l->node);
    *out = l;
    return 0;
}

int sim_link_accept(sim_listener *l, sim_told t, sim_side *out)
{
    kfk__list *n = kfk__list_pop(&l->backlog);
    sim_conn *c;

    if (!n)
        return EAGAIN;
    c = KFK__ENTRY(n, sim_conn, end[1].node);
    c->end[1].told = t;
    *out = (sim_side){c, 1};
    return 0;
}

/* As the system does it: who closes with bytes unread, or before it is connected, resets. A reset
 * may overtake what was sent before it. */
static void close_side(sim_side side, bool reset)
{
    sim_conn *c = side.conn;
    sim_end_point *mine = sim_link_mine(side);
    sim_pipe *in = &c->pipe[1 - side.i];

    mine->open = false;
    if (!sim_link_peer(side)->open) {
        sim_link_free(c);
        return;
    }
    reset = reset || in->readable > 0 || !mine->connected;
    in->head = in->cap ? (in->head + in->readable) % in->cap : 0;
    in->readable = 0;
    if (mine->err)
        return;
    if (reset && sim_random(c->net->s) & 1)
        lose_in_flight(c, side.i);
    push(c, side.i, reset ? RST : FIN, 0);
}

void sim_link_close(sim_side side)
{
    close_side(side, false);
}

void sim_link_unlisten(sim_listener *l)
{
    kfk__list *n;

    kfk__list_remove(&l->node);
    while ((n = kfk__list_pop(&l->backlog)) != NULL)
        close_side((sim_side){KFK__ENTRY(n, sim_conn, end[1].node), 1}, true);
    free(l);
}

void sim_link_cut(sim_conn *c)
{
    for (int i = 0; i < 2; i++) {
        lose_in_flight(c, i);
        if (c->end[i].open && !c->end[i].err)
            c->end[i].err = ECONNRESET;
    }
    told(&c->end[0]);
    told(&c->end[1]);
}

/* ---- using one ---- */

bool sim_link_connecting(sim_side side)
{
    const sim_end_point *e = sim_link_mine(side);

    return !e->connected && !e->err;
}

/* Like the system's, a pipe counts as writable once a third of it is free. */
uint32_t sim_link_ready(sim_side side)
{
    const sim_end_point *e = sim_link_mine(side);
    const sim_pipe *out = &side.conn->pipe[side.i];
    uint32_t what = 0;

    if (e->err)
        return KFK__EV_READ | KFK__EV_WRITE;
    if (!e->connected)
        return 0;
    if (side.conn->pipe[1 - side.i].readable > 0 || e->ended)
        what |= KFK__EV_READ;
    if (free_bytes(out) * 3 >= out->cap)
        what |= KFK__EV_WRITE;
    return what;
}

static size_t total_bytes(const struct iovec *v, int n)
{
    size_t total = 0;

    for (int k = 0; k < n; k++)
        total += v[k].iov_len;
    return total;
}

/* How many of |n| bytes a call handles. */
static size_t some(struct simnet *net, size_t n)
{
    if (n > 1 && net->partial_one_in && sim_below(net->s, net->partial_one_in) == 0)
        return 1 + (size_t)sim_below(net->s, n);
    return n;
}

/* The first |len| bytes of |v|, into or out of the ring; their digest. */
static uint64_t copy(sim_pipe *p, size_t from, const struct iovec *v, size_t len, bool in)
{
    uint64_t digest = 0;

    for (size_t done = 0; done < len; v++) {
        size_t part = v->iov_len < len - done ? v->iov_len : len - done;

        if (part == 0)
            continue;
        ring_copy(p, from + done, v->iov_base, part, in);
        digest = sim_digest(digest, v->iov_base, part);
        done += part;
    }
    return digest;
}

ssize_t sim_link_send(sim_side side, const struct iovec *v, int n)
{
    sim_conn *c = side.conn;
    sim_pipe *p = &c->pipe[side.i];
    const sim_end_point *e = sim_link_mine(side);
    size_t len = total_bytes(v, n);

    if (e->err)
        return -e->err;
    if (len == 0)
        return 0;
    if (!e->connected || free_bytes(p) == 0)
        return -EAGAIN;
    if (!p->ring)
        p->ring = sim_alloc(p->cap);
    len = some(c->net, len < free_bytes(p) ? len : free_bytes(p));
    sim_note(c->net->s, "send", (uint64_t)c->id << 1 | (unsigned)side.i, len,
             copy(p, p->readable + p->in_flight, v, len, true));
    p->in_flight += len;
    push(c, side.i, DATA, len);
    sim_hb_release(p);
    return (ssize_t)len;
}

ssize_t sim_link_recv(sim_side side, const struct iovec *v, int n)
{
    sim_conn *c = side.conn;
    sim_pipe *p = &c->pipe[1 - side.i];
    const sim_end_point *e = sim_link_mine(side);
    size_t len = total_bytes(v, n);

    if (len == 0)
        sim_die(c->net->s, "recv of no bytes, which looks like the end");
    if (p->readable == 0)
        return e->err ? -e->err : e->ended ? 0 : -EAGAIN;
    sim_hb_acquire(p);
    len = some(c->net, len < p->readable ? len : p->readable);
    sim_note(c->net->s, "recv", (uint64_t)c->id << 1 | (unsigned)side.i, len,
             copy(p, 0, v, len, false));
    p->head = (p->head + len) % p->cap;
    p->readable -= len;
    told(sim_link_peer(side));
    return (ssize_t)len;
}
