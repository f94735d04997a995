#include "sim/simpoll.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/mem.h"
#include "sim/hb.h"
#include "sim/link.h"
#include "sim/names.h"

struct kfk__poller {
    sim *s;
    kfk_allocator alloc;
    kfk__list socks, jobs;
    uint32_t n_socks;
    bool woken;
    sim_task *sleeper;  /* who is parked in poll */
    kfk__event *events; /* of the last poll */
    int max, n;
    uint64_t turn; /* polls so far */
};

/* Where the last poll told of something; to wipe it there. */
typedef struct place {
    uint64_t turn;
    int slot;
} place;

struct kfk__sock {
    kfk__poller *poller;
    kfk__list node;
    sim_listener *listener; /* or */
    sim_side side;
    void *owner;
    uint32_t want;
    place place;
};

struct kfk__job {
    kfk__poller *poller;
    kfk__list node;
    sim_timer timer;
    void *owner;
    bool done, told;
    int eai, n;
    kfk__addr found[SIM_NAME_ADDRS];
    place place;
    char host[];
};

/* ---- pollers ---- */

/* Of everything that is the owner's. It may be called outside of fibers, where nothing else runs.
 */
static void enter(const kfk__poller *p, const char *what)
{
    sim_check_unlocked(p->s, what);
    if (p->sleeper)
        sim_die(p->s, "%s, but the owner is %s, who polls", what, p->sleeper->name);
    sim_hb_quiet_begin();
}

static void leave(void)
{
    sim_hb_quiet_end();
}

int sim_poller_new(void *ctx, const kfk_allocator *a, kfk__poller **out)
{
    kfk__poller *p = kfk__zalloc(a, sizeof *p);

    if (!p)
        return ENOMEM;
    p->s = ctx;
    p->alloc = *a;
    kfk__list_init(&p->socks);
    kfk__list_init(&p->jobs);
    *out = p;
    return 0;
}

void sim_poller_free(kfk__poller *p)
{
    kfk_allocator a;

    if (!p)
        return;
    enter(p, "poller_free");
    if (!kfk__list_empty(&p->socks) || !kfk__list_empty(&p->jobs))
        sim_die(p->s, "poller_free before its sockets and jobs are gone");
    a = p->alloc;
    kfk__release(&a, p);
    leave();
}

/* What happened may be nothing that is wanted: poll looks. */
static void changed(void *arg)
{
    const kfk__poller *p = arg;

    if (p->sleeper)
        sim_unpark(p->sleeper);
}

static sim_told tell(kfk__poller *p)
{
    return (sim_told){changed, p};
}

static void put(kfk__poller *p, void *owner, uint32_t what, place *where)
{
    *where = (place){p->turn, p->n};
    p->events[p->n++] = (kfk__event){owner, what};
}

static void wipe(const kfk__poller *p, const place *where)
{
    if (where->turn != 0 && where->turn == p->turn)
        p->events[where->slot] = (kfk__event){NULL, 0};
}

static uint32_t ready(const kfk__sock *k)
{
    uint32_t what;

    if (k->listener)
        what = kfk__list_empty(&k->listener->backlog) ? 0 : KFK__EV_READ;
    else
        what = sim_link_ready(k->side);
    return what & k->want;
}

static void collect(kfk__poller *p)
{
    kfk__list *n;

    for (n = kfk__list_first(&p->socks); n && p->n < p->max; n = kfk__list_next(&p->socks, n)) {
        kfk__sock *k = KFK__ENTRY(n, kfk__sock, node);
        uint32_t what = ready(k);

        if (what)
            put(p, k->owner, what, &k->place);
    }
    for (n = kfk__list_first(&p->jobs); n && p->n < p->max; n = kfk__list_next(&p->jobs, n)) {
        kfk__job *j = KFK__ENTRY(n, kfk__job, node);

        if (!j->done || j->told)
            continue;
        j->told = true;
        put(p, j->owner, KFK__EV_JOB, &j->place);
    }
}

/* The system's order is not ours to know, and a short array must not starve the last. */
static void shuffle(kfk__poller *p)
{
    uint64_t k = p->n_socks > 1 ? sim_below(p->s, p->n_socks) : 0;

    while (k-- > 0)
        kfk__list_push(&p->socks, kfk__list_pop(&p->socks));
}

static void sleep_until(kfk__poller *p, int64_t until)
{
    p->sleeper = sim_self(p->s, "poll");
    (void)sim_park(p->s, "poll", until);
    p->sleeper = NULL;
}

int sim_poll(kfk__poller *p, kfk__event *ev, int max, int64_t until)
{
    enter(p, "poll");
    sim_yield(p->s);
    p->events = ev;
    p->max = max;
    p->n = 0;
    p->turn++;
    shuffle(p);
    for (;;) {
        collect(p);
        if (p->n > 0 || p->woken || until <= sim_now(p->s))
            break;
        sleep_until(p, until);
    }
    p->woken = false;
    leave();
    sim_hb_acquire(p);
    return p->n;
}

void sim_poller_wake(kfk__poller *p)
{
    sim *s = p->s;

    sim_hb_release(p);
    p->woken = true;
    changed(p);
    sim_point(s);
}

int sim_poller_fd(kfk__poller *p)
{
    (void)p;
    return -1;
}

/* ---- sockets ---- */

static kfk__sock *new_sock(kfk__poller *p, void *owner, uint32_t want)
{
    kfk__sock *k = kfk__zalloc(&p->alloc, sizeof *k);

    if (!k)
        return NULL;
    k->poller = p;
    k->owner = owner;
    k->want = want;
    kfk__list_push(&p->socks, &k->node);
    p->n_socks++;
    return k;
}

static void drop_sock(kfk__sock *k)
{
    kfk__poller *p = k->poller;

    kfk__list_remove(&k->node);
    p->n_socks--;
    kfk__release(&p->alloc, k);
}

static uint32_t host_of(const sim *s)
{
    return s->current ? s->current->host : 1;
}

static int done(kfk__sock *k, int rc, kfk__sock **out)
{
    if (k && rc)
        drop_sock(k);
    else if (k)
        *out = k;
    leave();
    return rc;
}

static size_t room(int32_t bytes)
{
    return bytes > 0 ? (size_t)bytes : 0;
}

int sim_connect(kfk__poller *p, const kfk__addr *to, const kfk__sock_opts *o, void *owner,
                kfk__sock **out)
{
    kfk__sock *k;
    int rc = ENOMEM;

    enter(p, "connect");
    k = new_sock(p, owner, KFK__EV_WRITE);
    if (k)
        rc = sim_link_connect(p->s->net, host_of(p->s), to, room(o ? o->send_buffer : -1),
                              room(o ? o->receive_buffer : -1), tell(p), &k->side);
    return done(k, rc, out);
}

int sim_listen(kfk__poller *p, const kfk__addr *at, void *owner, kfk__sock **out, kfk__addr *bound)
{
    kfk__sock *k;
    int rc = ENOMEM;

    enter(p, "listen");
    k = new_sock(p, owner, KFK__EV_READ);
    if (k)
        rc = sim_link_listen(p->s->net, host_of(p->s), at, tell(p), &k->listener);
    if (rc == 0 && bound)
        *bound = k->listener->at;
    return done(k, rc, out);
}

int sim_accept(kfk__sock *listener, void *owner, kfk__sock **out, kfk__addr *from)
{
    kfk__poller *p = listener->poller;
    sim_side side;
    kfk__sock *k;
    int rc;

    enter(p, "accept");
    rc = sim_link_accept(listener->listener, tell(p), &side);
    if (rc)
        return done(NULL, rc, out);
    k = new_sock(p, owner, KFK__EV_READ);
    if (!k) {
        sim_link_close(side);
        return done(NULL, ENOMEM, out);
    }
    k->side = side;
    if (from)
        *from = sim_link_peer(side)->local;
    return done(k, 0, out);
}

static void enter_sock(const kfk__sock *k, const char *what)
{
    enter(k->poller, what);
    if (k->listener)
        sim_die(k->poller->s, "%s of a listener", what);
}

int sim_sock_error(kfk__sock *k)
{
    int err;

    enter_sock(k, "sock_error");
    if (sim_link_connecting(k->side))
        sim_die(k->poller->s, "sock_error before the connect has ended");
    err = sim_link_mine(k->side)->err;
    leave();
    return err;
}

ssize_t sim_send(kfk__sock *k, const struct iovec *v, int n)
{
    ssize_t sent;

    enter_sock(k, "send");
    sent = sim_link_send(k->side, v, n);
    leave();
    return sent;
}

ssize_t sim_recv(kfk__sock *k, const struct iovec *v, int n)
{
    ssize_t got;

    enter_sock(k, "recv");
    got = sim_link_recv(k->side, v, n);
    leave();
    return got;
}

void sim_want(kfk__sock *k, uint32_t what)
{
    enter(k->poller, "want");
    k->want = what;
    leave();
}

void sim_sock_close(kfk__sock *k)
{
    if (!k)
        return;
    enter(k->poller, "sock_close");
    wipe(k->poller, &k->place);
    if (k->listener)
        sim_link_unlisten(k->listener);
    else
        sim_link_close(k->side);
    drop_sock(k);
    leave();
}

/* ---- jobs ---- */

static void job_due(sim_timer *t)
{
    kfk__job *j = KFK__ENTRY(t, kfk__job, timer);
    sim *s = j->poller->s;

    j->eai = sim_names_look_up(s->net, j->host, j->found, &j->n);
    j->done = true;
    sim_note(s, "resolved", (uint64_t)(uint32_t)j->eai, (uint64_t)j->n,
             sim_digest(0, j->host, strlen(j->host)));
    changed(j->poller);
}

int sim_resolve(kfk__poller *p, const char *host, void *owner, kfk__job **out)
{
    size_t size = strlen(host) + 1;
    kfk__job *j;
    int64_t delay;

    enter(p, "resolve");
    j = kfk__zalloc(&p->alloc, sizeof *j + size);
    if (j) {
        j->poller = p;
        j->owner = owner;
        j->timer.fire = job_due;
        memcpy(j->host, host, size);
        kfk__list_push(&p->jobs, &j->node);
        delay = sim_names_delay(p->s->net, host);
        if (delay != KFK__NEVER)
            sim_timer_set(&p->s->timers, &j->timer, sim_now(p->s) + delay);
        *out = j;
    }
    leave();
    return j ? 0 : ENOMEM;
}

int sim_resolved(kfk__job *j, kfk__addr *out, int max, int *n, const char **why)
{
    enter(j->poller, "resolved");
    if (!j->told)
        sim_die(j->poller->s, "resolved before the event");
    *n = j->n < max ? j->n : max;
    memcpy(out, j->found, (size_t)*n * sizeof *out);
    *why = j->eai ? gai_strerror(j->eai) : "";
    leave();
    return j->eai;
}

void sim_job_end(kfk__job *j)
{
    kfk__poller *p;

    if (!j)
        return;
    p = j->poller;
    enter(p, "job_end");
    wipe(p, &j->place);
    sim_timer_clear(&p->s->timers, &j->timer);
    kfk__list_remove(&j->node);
    kfk__release(&p->alloc, j);
    leave();
}
