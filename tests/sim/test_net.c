/* The network: base/env.h's contract of pollers and sockets, and the faults. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rig.h"

#define US INT64_C(1000)
#define LATENCY (100 * US) /* of a link nobody has slowed */
#define SEEDS 30

static rig r;
static echo server;

static int64_t now(void)
{
    return kfk__now(&r.env);
}

static kfk__addr server_addr(void)
{
    return sim_addr(RIG_SERVER, RIG_PORT);
}

static kfk__poller *new_poller(void)
{
    kfk__poller *p;

    ck_assert_int_eq(r.env.ops->poller_new(r.env.ctx, &r.env.alloc, &p), 0);
    return p;
}

static void connected(client *c)
{
    kfk__addr to = server_addr();

    ck_assert_int_eq(client_connect(c, &r.env, &to, now() + SIM_S), 0);
}

static void run_app(uint64_t seed, void (*app)(void *arg))
{
    rig_start(&r, seed);
    echo_start(&server, &r);
    sim_spawn(r.s, 1, "app", app, NULL);
    rig_end(&r);
}

/* ---- both sides in one fiber, for what depends on who does what when ---- */

typedef struct pair {
    kfk__poller *poller;
    kfk__sock *listener;
    kfk__sock *near, *far; /* who connected; who was accepted */
    kfk__event ev;         /* of the opening's polls */
} pair;

static int poll_one(kfk__poller *p, kfk__event *ev, int64_t until)
{
    return r.env.ops->poll(p, ev, 1, until);
}

static void pair_open(pair *p)
{
    kfk__addr at = sim_addr(3, 0), bound, from;

    p->poller = new_poller();
    ck_assert_int_eq(r.env.ops->listen(p->poller, &at, &p->listener, &p->listener, &bound), 0);
    ck_assert_uint_ne(bound.port, 0);
    ck_assert_int_eq(r.env.ops->accept(p->listener, &p->far, &p->far, NULL), EAGAIN);
    ck_assert_int_eq(r.env.ops->connect(p->poller, &bound, NULL, &p->near, &p->near), 0);
    ck_assert_int_eq(poll_one(p->poller, &p->ev, KFK__NEVER), 1);
    ck_assert_ptr_eq(p->ev.owner, &p->listener);
    ck_assert_int_eq(r.env.ops->accept(p->listener, &p->far, &p->far, &from), 0);
    ck_assert_uint_eq(from.bytes[3], 1);
    ck_assert_int_eq(poll_one(p->poller, &p->ev, KFK__NEVER), 1);
    ck_assert_ptr_eq(p->ev.owner, &p->near);
    ck_assert_uint_eq(p->ev.what, KFK__EV_WRITE);
    ck_assert_int_eq(r.env.ops->sock_error(p->near), 0);
    r.env.ops->want(p->near, KFK__EV_READ);
}

static void pair_close(pair *p)
{
    r.env.ops->sock_close(p->near);
    r.env.ops->sock_close(p->far);
    r.env.ops->sock_close(p->listener);
    r.env.ops->poller_free(p->poller);
}

static ssize_t send_to(kfk__sock *s, const char *text)
{
    struct iovec v = {(void *)(uintptr_t)text, strlen(text)};

    return r.env.ops->send(s, &v, 1);
}

static ssize_t recv_from(kfk__sock *s, char *out, size_t room)
{
    struct iovec v = {out, room};

    return r.env.ops->recv(s, &v, 1);
}

static void run_pair(uint64_t seed, void (*app)(void *arg))
{
    rig_start(&r, seed);
    simnet_partial(r.s, 0);
    sim_spawn(r.s, 1, "app", app, NULL);
    rig_end(&r);
}

/* ---- connecting ---- */

static void connect_cases(void *arg)
{
    kfk__addr nobody = sim_addr(RIG_SERVER, 1), elsewhere = {.family = 4, .bytes = {8, 8, 8, 8}};
    kfk__addr six = {.family = 6, .port = 1}, to = server_addr();
    int64_t start = now();
    client c;

    (void)arg;
    ck_assert_int_eq(client_connect(&c, &r.env, &nobody, KFK__NEVER), ECONNREFUSED);
    ck_assert_int_eq(now(), start + 2 * LATENCY);
    client_close(&c);

    ck_assert_int_eq(client_connect(&c, &r.env, &to, KFK__NEVER), 0);
    ck_assert_int_eq(now(), start + 4 * LATENCY);
    client_close(&c);

    ck_assert_int_eq(client_connect(&c, &r.env, &elsewhere, KFK__NEVER), ENETUNREACH);
    client_close(&c);
    ck_assert_int_eq(client_connect(&c, &r.env, &six, KFK__NEVER), ENETUNREACH);
    client_close(&c);
    ck_assert_int_eq(now(), start + 4 * LATENCY);
    echo_stop(&server);
}

START_TEST(connects_or_not)
{
    run_app((uint64_t)_i, connect_cases);
}
END_TEST

static void connect_blackholed(void *arg)
{
    kfk__addr to = server_addr();
    int64_t start = now();
    kfk__event ev;
    client c;

    (void)arg;
    simnet_blackhole(r.s, RIG_SERVER, true);
    ck_assert_int_eq(client_connect(&c, &r.env, &to, start + 20 * SIM_S), ETIMEDOUT);
    ck_assert_int_eq(now(), start + 20 * SIM_S);
    simnet_blackhole(r.s, RIG_SERVER, false);
    ck_assert_int_eq(poll_one(c.poller, &ev, KFK__NEVER), 1);
    ck_assert_int_eq(r.env.ops->sock_error(c.sock), 0);
    client_close(&c);

    simnet_blackhole(r.s, RIG_SERVER, true);
    ck_assert_int_eq(client_connect(&c, &r.env, &to, now() + SIM_S), ETIMEDOUT);
    client_close(&c); /* while it connects */
    simnet_blackhole(r.s, RIG_SERVER, false);
    echo_stop(&server);
}

START_TEST(blackhole)
{
    run_app((uint64_t)_i, connect_blackholed);
    ck_assert_int_eq(server.accepted, 1);
}
END_TEST

static void listen_cases(void *arg)
{
    kfk__addr at = sim_addr(4, 7), own = {.family = 4, .bytes = {127, 0, 0, 1}}, b1, b2;
    kfk__poller *p = new_poller();
    kfk__sock *one, *two = NULL;

    (void)arg;
    ck_assert_int_eq(r.env.ops->listen(p, &at, NULL, &one, &b1), 0);
    ck_assert_mem_eq(&b1, &at, sizeof at);
    ck_assert_int_eq(r.env.ops->listen(p, &at, NULL, &two, &b1), EADDRINUSE);
    r.env.ops->sock_close(one);
    ck_assert_int_eq(r.env.ops->listen(p, &at, NULL, &one, NULL), 0);
    r.env.ops->sock_close(one);
    at.bytes[0] = 9;
    ck_assert_int_eq(r.env.ops->listen(p, &at, NULL, &two, &b1), EADDRNOTAVAIL);

    ck_assert_int_eq(r.env.ops->listen(p, &own, NULL, &one, &b1), 0);
    ck_assert_int_eq(r.env.ops->listen(p, &own, NULL, &two, &b2), 0);
    ck_assert_uint_eq(b1.bytes[3], 1); /* the caller's host */
    ck_assert_uint_ne(b1.port, b2.port);
    r.env.ops->sock_close(one);
    r.env.ops->sock_close(two);
    r.env.ops->sock_close(NULL);
    r.env.ops->poller_free(p);
}

START_TEST(listens)
{
    run_pair(1, listen_cases);
}
END_TEST

/* ---- bytes ---- */

static void exchange(void *arg)
{
    static char sent[80000], got[80000]; /* more than one direction holds, less than two */
    int64_t until = now() + 10 * SIM_S;
    client c;

    (void)arg;
    connected(&c);
    for (int round = 0; round < 5; round++) {
        size_t n = 1 + (size_t)sim_below(r.s, sizeof sent);

        r.env.ops->random(r.env.ctx, sent, n);
        ck_assert_int_eq(client_send(&c, sent, n, until), 0);
        ck_assert_int_eq(client_recv(&c, got, n, until), 0);
        ck_assert_mem_eq(sent, got, n);
    }
    client_close(&c);
    echo_stop(&server);
}

START_TEST(echoes)
{
    rig_start(&r, (uint64_t)_i);
    simnet_delay(r.s, 1, RIG_SERVER, 3 * SIM_MS, 2 * SIM_MS);
    echo_start(&server, &r);
    sim_spawn(r.s, 1, "app", exchange, NULL);
    rig_end(&r);
}
END_TEST

static void latency(void *arg)
{
    int64_t start;
    kfk__event ev;
    char got[10];
    pair p;

    (void)arg;
    pair_open(&p);
    simnet_delay(r.s, 1, 3, 7 * SIM_MS, 0);
    simnet_delay(r.s, 3, SIM_ANY, 2 * SIM_MS, 0);
    start = now();
    ck_assert_int_eq(send_to(p.near, "ping"), 4);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), -EAGAIN);
    ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
    ck_assert_ptr_eq(ev.owner, &p.far);
    ck_assert_uint_eq(ev.what, KFK__EV_READ);
    ck_assert_int_eq(now(), start + 7 * SIM_MS);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 1); /* level-triggered */
    ck_assert_int_eq(recv_from(p.far, got, 3), 3);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 1);
    ck_assert_int_eq(recv_from(p.far, got + 3, 7), 1);
    ck_assert_mem_eq(got, "ping", 4);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 0);
    ck_assert_int_eq(send_to(p.far, "pong"), 4);
    ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
    ck_assert_int_eq(now(), start + 9 * SIM_MS);
    pair_close(&p);
}

START_TEST(latency_of_links)
{
    run_pair((uint64_t)_i, latency);
}
END_TEST

static void gathers(void *arg)
{
    char a[] = "ab", b[] = "cdef", x[3], y[1], z[8];
    struct iovec out[] = {{a, 2}, {NULL, 0}, {b, 4}}, in[] = {{x, 3}, {y, 1}, {z, 8}};
    kfk__event ev;
    pair p;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(r.env.ops->send(p.near, out, 3), 6);
    ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
    ck_assert_int_eq(r.env.ops->recv(p.far, in, 3), 6);
    ck_assert_mem_eq(x, "abc", 3);
    ck_assert_mem_eq(y, "d", 1);
    ck_assert_mem_eq(z, "ef", 2);
    pair_close(&p);
}

START_TEST(iovecs)
{
    run_pair(1, gathers);
}
END_TEST

static void fills(void *arg)
{
    static char block[70000];
    size_t sent = 0, got = 0;
    struct iovec v = {block, sizeof block};
    kfk__event ev;
    ssize_t n;
    pair p;

    (void)arg;
    pair_open(&p);
    while ((n = r.env.ops->send(p.near, &v, 1)) > 0)
        sent += (size_t)n;
    ck_assert_int_eq(n, -EAGAIN);
    ck_assert_uint_lt(sent, 1 << 20);
    r.env.ops->want(p.near, KFK__EV_WRITE);
    r.env.ops->want(p.far, 0);
    ck_assert_int_eq(poll_one(p.poller, &ev, now() + SIM_S), 0);
    while ((n = recv_from(p.far, block, 1000)) > 0)
        got += (size_t)n;
    ck_assert_uint_eq(sent, got);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 1);
    ck_assert_ptr_eq(ev.owner, &p.near);
    ck_assert_uint_eq(ev.what, KFK__EV_WRITE);
    pair_close(&p);
}

START_TEST(buffers_are_bounded)
{
    run_pair((uint64_t)_i, fills);
}
END_TEST

/* Over the seeds, both are seen: all at once, and less. */
static int partial_sends, whole_sends;

static void sends_ten(void *arg)
{
    kfk__event ev;
    char got[10];
    size_t left;
    ssize_t n;
    pair p;

    (void)arg;
    pair_open(&p);
    simnet_partial(r.s, 2);
    n = send_to(p.near, "0123456789");
    ck_assert(n >= 1 && n <= 10);
    *(n < 10 ? &partial_sends : &whole_sends) += 1;
    for (left = (size_t)n; left > 0; left -= (size_t)n) {
        ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
        n = recv_from(p.far, got, sizeof got);
        ck_assert(n >= 1 && (size_t)n <= left);
    }
    pair_close(&p);
}

START_TEST(partial_transfers)
{
    for (uint64_t seed = 0; seed < 100; seed++)
        run_pair(seed, sends_ten);
    ck_assert_int_gt(partial_sends, 20);
    ck_assert_int_gt(whole_sends, 20);
}
END_TEST

/* ---- ends ---- */

static void closes(void *arg)
{
    kfk__event ev;
    char got[10];
    pair p;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(send_to(p.near, "last"), 4);
    r.env.ops->sock_close(p.near);
    p.near = NULL;
    sim_sleep(r.s, SIM_MS);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 1);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 4);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 0);
    ck_assert_int_eq(poll_one(p.poller, &ev, 0), 1); /* the end stays readable */
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 0);
    ck_assert_int_eq(send_to(p.far, "is anybody there"), 16); /* nobody knows yet */
    sim_sleep(r.s, SIM_MS);
    ck_assert_int_eq(send_to(p.far, "hello"), -ECONNRESET);
    pair_close(&p);
}

START_TEST(end_of_stream)
{
    run_pair((uint64_t)_i, closes);
}
END_TEST

static void closes_unread(void *arg)
{
    char got[10];
    pair p;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(send_to(p.near, "unread"), 6);
    sim_sleep(r.s, SIM_MS);
    r.env.ops->sock_close(p.far);
    p.far = NULL;
    ck_assert_int_eq(recv_from(p.near, got, sizeof got), -EAGAIN);
    sim_sleep(r.s, SIM_MS);
    ck_assert_int_eq(recv_from(p.near, got, sizeof got), -ECONNRESET);
    pair_close(&p);
}

START_TEST(close_with_bytes_unread_resets)
{
    run_pair((uint64_t)_i, closes_unread);
}
END_TEST

static void unlistens(void *arg)
{
    kfk__poller *p = new_poller();
    kfk__addr at = sim_addr(3, 5);
    kfk__sock *listener, *s;
    kfk__event ev;
    char got[1];

    (void)arg;
    ck_assert_int_eq(r.env.ops->listen(p, &at, NULL, &listener, NULL), 0);
    r.env.ops->want(listener, 0);
    ck_assert_int_eq(r.env.ops->connect(p, &at, NULL, &s, &s), 0);
    ck_assert_int_eq(poll_one(p, &ev, KFK__NEVER), 1); /* before it is accepted */
    ck_assert_int_eq(r.env.ops->sock_error(s), 0);
    r.env.ops->want(s, KFK__EV_READ);
    r.env.ops->sock_close(listener);
    ck_assert_int_eq(poll_one(p, &ev, KFK__NEVER), 1);
    ck_assert_int_eq(recv_from(s, got, 1), -ECONNRESET);
    r.env.ops->sock_close(s);
    r.env.ops->poller_free(p);
}

START_TEST(listener_closes_with_a_backlog)
{
    run_pair((uint64_t)_i, unlistens);
}
END_TEST

/* ---- faults ---- */

static void cuts(void *arg)
{
    kfk__event ev;
    char got[10];
    pair p, q;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(send_to(p.near, "arrived"), 7);
    sim_sleep(r.s, SIM_MS);
    ck_assert_int_eq(send_to(p.near, "lost"), 4);
    ck_assert_int_eq(send_to(p.far, "lost"), 4);
    r.env.ops->want(p.near, 0);
    r.env.ops->want(p.far, KFK__EV_WRITE);
    simnet_cut(r.s, 1, 4);
    ck_assert_int_eq(send_to(p.far, ""), 0); /* another link */
    simnet_cut(r.s, 3, SIM_ANY);
    ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
    ck_assert_ptr_eq(ev.owner, &p.far); /* an error is whatever is wanted ... */
    ck_assert_uint_eq(ev.what, KFK__EV_WRITE);
    r.env.ops->want(p.far, 0);
    ck_assert_int_eq(poll_one(p.poller, &ev, now() + SIM_S), 0); /* ... and nothing if nothing is */
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 7);
    ck_assert_mem_eq(got, "arrived", 7);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), -ECONNRESET);
    ck_assert_int_eq(recv_from(p.near, got, sizeof got), -ECONNRESET);
    ck_assert_int_eq(send_to(p.near, "more"), -ECONNRESET);
    pair_open(&q); /* a new one is not affected */
    pair_close(&q);
    pair_close(&p);
}

START_TEST(cut)
{
    run_pair((uint64_t)_i, cuts);
}
END_TEST

static void partitions(void *arg)
{
    int64_t healed;
    kfk__event ev;
    char got[10];
    pair p;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(send_to(p.near, "on its way"), 10);
    simnet_partition(r.s, 1, 3, true);
    ck_assert_int_eq(poll_one(p.poller, &ev, now() + 30 * SIM_S), 0);
    ck_assert_int_eq(send_to(p.near, " and held"), 9);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), -EAGAIN);
    simnet_partition(r.s, 1, 3, false);
    healed = now();
    ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
    ck_assert_int_eq(now(), healed + LATENCY);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 10);
    ck_assert_mem_eq(got, "on its way", 10);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 9);

    simnet_hold(r.s, 3, 1, true); /* one way only */
    ck_assert_int_eq(send_to(p.far, "back"), 4);
    ck_assert_int_eq(send_to(p.near, "forth"), 5);
    sim_sleep(r.s, SIM_S);
    ck_assert_int_eq(recv_from(p.far, got, sizeof got), 5);
    ck_assert_int_eq(recv_from(p.near, got, sizeof got), -EAGAIN);
    simnet_hold(r.s, SIM_ANY, SIM_ANY, false);
    sim_sleep(r.s, SIM_S);
    ck_assert_int_eq(recv_from(p.near, got, sizeof got), 4);
    pair_close(&p);
}

START_TEST(partition)
{
    run_pair((uint64_t)_i, partitions);
}
END_TEST

/* ---- events ---- */

static void wipes(void *arg)
{
    kfk__event ev[4];
    kfk__job *j;
    pair p;

    (void)arg;
    pair_open(&p);
    ck_assert_int_eq(r.env.ops->resolve(p.poller, "10.0.0.9", &j, &j), 0);
    ck_assert_int_eq(send_to(p.near, "x"), 1);
    ck_assert_int_eq(send_to(p.far, "y"), 1);
    sim_sleep(r.s, SIM_MS);
    ck_assert_int_eq(r.env.ops->poll(p.poller, ev, 4, 0), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_ne(ev[i].what, 0);
    r.env.ops->sock_close(p.far);
    p.far = NULL;
    r.env.ops->job_end(j);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(ev[i].owner, ev[i].what ? &p.near : NULL);
        ck_assert(ev[i].what == 0 || ev[i].what == KFK__EV_READ);
    }
    ck_assert_uint_eq(ev[0].what + ev[1].what + ev[2].what, KFK__EV_READ);
    ev[0].what = ev[1].what = ev[2].what = 99;
    ck_assert_int_eq(r.env.ops->poll(p.poller, ev, 4, 0), 1);
    r.env.ops->sock_close(p.listener); /* was not told of: wipes nothing */
    p.listener = NULL;
    ck_assert_uint_eq(ev[0].what, KFK__EV_READ);
    ck_assert_uint_eq(ev[1].what, 99);
    pair_close(&p);
}

START_TEST(no_event_after_close)
{
    run_pair((uint64_t)_i, wipes);
}
END_TEST

static void short_array(void *arg)
{
    kfk__event ev;
    int near = 0, far = 0;
    pair p;

    (void)arg;
    pair_open(&p);
    r.env.ops->want(p.near, KFK__EV_WRITE);
    r.env.ops->want(p.far, KFK__EV_WRITE);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(poll_one(p.poller, &ev, KFK__NEVER), 1);
        near += ev.owner == &p.near;
        far += ev.owner == &p.far;
    }
    ck_assert_int_gt(near, 10);
    ck_assert_int_gt(far, 10);
    pair_close(&p);
}

START_TEST(short_array_starves_none)
{
    run_pair((uint64_t)_i, short_array);
}
END_TEST

/* ---- memory ---- */

/* However it goes, it ends, and nothing is left over (rig_end looks). */
static void tries(void *arg)
{
    kfk__addr to = server_addr();
    char got[4];
    client c;
    int rc = client_connect(&c, &r.env, &to, now() + SIM_S);

    if (rc == 0)
        rc = client_send(&c, "ping", 4, now() + SIM_S);
    if (rc == 0)
        rc = client_recv(&c, got, 4, now() + SIM_S);
    *(int *)arg = rc;
    if (c.poller)
        client_close(&c);
    echo_stop(&server);
}

START_TEST(memory_runs_out)
{
    uint64_t n = 0;
    bool came;
    int rc, failures = 0;

    do {
        rig_start(&r, n);
        echo_start(&server, &r);
        failalloc_fail_once(&r.mem, ++n);
        sim_spawn(r.s, 1, "app", tries, &rc);
        ck_assert_int_eq(sim_run(r.s, 60 * SIM_S), SIM_DONE);
        came = failalloc_failed(&r.mem);
        failures += rc != 0;
        ck_assert(came || rc == 0);
        rig_end(&r);
    } while (came);
    ck_assert_int_gt(failures, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/net");
    TCase *tc = tcase_create("contract");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, connects_or_not, 0, SEEDS);
    tcase_add_loop_test(tc, blackhole, 0, SEEDS);
    tcase_add_test(tc, listens);
    tcase_add_loop_test(tc, echoes, 0, SEEDS);
    tcase_add_loop_test(tc, latency_of_links, 0, 5);
    tcase_add_test(tc, iovecs);
    tcase_add_loop_test(tc, buffers_are_bounded, 0, 5);
    tcase_add_test(tc, partial_transfers);
    tcase_add_loop_test(tc, end_of_stream, 0, 5);
    tcase_add_loop_test(tc, close_with_bytes_unread_resets, 0, 5);
    tcase_add_loop_test(tc, listener_closes_with_a_backlog, 0, 5);
    tcase_add_loop_test(tc, cut, 0, 5);
    tcase_add_loop_test(tc, partition, 0, 5);
    tcase_add_loop_test(tc, no_event_after_close, 0, SEEDS);
    tcase_add_loop_test(tc, short_array_starves_none, 0, 5);
    tcase_add_test(tc, memory_runs_out);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
