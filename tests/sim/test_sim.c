/* The simulator as a whole: blocked callers, a loop and a peer, with faults, over many seeds.
 *
 *     callers ──ask: queue, poller_wake──> loop thread ──4 bytes──> echo, on another host
 *             <──wake, or the deadline───              <──4 bytes──
 *
 * This is the shape of the library: what holds here is what its simulation stands on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "sim/rig.h"

#define SEEDS 300
#define CALLERS 3
#define CALLS 10
#define CALL_TIMEOUT (400 * SIM_MS)
#define BACKOFF (50 * SIM_MS)

/* Lives in its caller's frame. */
typedef struct call {
    kfk__list node; /* of queued or of sent */
    kfk__waiter waiter;
    uint32_t id;
    bool answered;
} call;

typedef struct world {
    rig rig;
    echo server;
    kfk__mutex lock;
    kfk__list queued, sent; /* under lock, and what is in them */
    uint32_t last_id;       /* under lock */
    int callers_left;       /* under lock */
    bool stop;              /* under lock */
    int answered, timed_out;
    bool joined;
    bool stalls; /* threads may stand still, so that what they do is late */
    kfk__poller *poller;
    kfk__thread *thread;
    /* the loop's own */
    kfk__job *job;
    kfk__sock *sock;
    bool connected;
    int64_t retry_at; /* KFK__NEVER: it is under way, or there */
    unsigned char out[4], in[4];
    size_t out_at, in_len; /* out_at 4: nothing to send */
} world;

static world w;

static const kfk__env_ops *ops(void)
{
    return w.rig.env.ops;
}

static int64_t now(void)
{
    return kfk__now(&w.rig.env);
}

/* ---- callers ---- */

static void ask(call *c)
{
    kfk__lock(&w.lock);
    c->id = ++w.last_id;
    c->answered = false;
    kfk__list_push(&w.queued, &c->node);
    kfk__unlock(&w.lock);
    ops()->poller_wake(w.poller);
}

/* Once this returns nobody knows the call any more. */
static bool take_back(call *c)
{
    bool answered;

    kfk__lock(&w.lock);
    kfk__list_remove(&c->node);
    answered = c->answered;
    *(answered ? &w.answered : &w.timed_out) += 1;
    kfk__unlock(&w.lock);
    return answered;
}

static void one_call(void)
{
    int64_t deadline;
    bool woken;
    call c;

    kfk__list_init(&c.node);
    ck_assert_int_eq(ops()->waiter_init(w.rig.env.ctx, &c.waiter), 0);
    ask(&c);
    deadline = now() + CALL_TIMEOUT;
    woken = ops()->wait(w.rig.env.ctx, &c.waiter, deadline);
    ck_assert(w.stalls || now() <= deadline);
    ck_assert(woken || now() >= deadline);
    ck_assert(take_back(&c) || !woken);
    ops()->waiter_fini(w.rig.env.ctx, &c.waiter);
}

static void stop_all(void)
{
    kfk__lock(&w.lock);
    w.stop = true;
    kfk__unlock(&w.lock);
    ops()->poller_wake(w.poller);
    w.joined = ops()->join(w.rig.env.ctx, w.thread, now() + 10 * SIM_S);
    if (w.joined)
        ops()->poller_free(w.poller);
    echo_stop(&w.server);
}

static void caller(void *arg)
{
    bool last;

    (void)arg;
    for (int i = 0; i < CALLS; i++) {
        one_call();
        sim_sleep(w.rig.s, (int64_t)sim_below(w.rig.s, 100) * SIM_MS);
    }
    kfk__lock(&w.lock);
    last = --w.callers_left == 0;
    kfk__unlock(&w.lock);
    if (last)
        stop_all();
}

/* ---- the loop ---- */

static void disconnect(void)
{
    ops()->sock_close(w.sock);
    w.sock = NULL;
    w.connected = false;
    w.out_at = sizeof w.out;
    w.in_len = 0;
    w.retry_at = now() + BACKOFF;
}

static void on_resolved(void)
{
    kfk__addr to;
    const char *why;
    int n, rc = ops()->resolved(w.job, &to, 1, &n, &why);

    ops()->job_end(w.job);
    w.job = NULL;
    to.port = RIG_PORT;
    if (rc || ops()->connect(w.poller, &to, NULL, &w.sock, &w.sock) != 0)
        w.retry_at = now() + BACKOFF;
}

/* The next to be sent, in the order of asking. */
static bool next_to_send(void)
{
    kfk__list *n;

    if (w.out_at < sizeof w.out)
        return true;
    kfk__lock(&w.lock);
    n = kfk__list_pop(&w.queued);
    if (n) {
        memcpy(w.out, &KFK__ENTRY(n, call, node)->id, sizeof w.out);
        kfk__list_push(&w.sent, n);
        w.out_at = 0;
    }
    kfk__unlock(&w.lock);
    return n != NULL;
}

static bool send_some(void)
{
    while (next_to_send()) {
        struct iovec v = {w.out + w.out_at, sizeof w.out - w.out_at};
        ssize_t n = ops()->send(w.sock, &v, 1);

        if (n < 0)
            return n == -EAGAIN;
        w.out_at += (size_t)n;
    }
    return true;
}

/* The wake is within the lock: without it, the waiter may be gone. */
static void on_answer(uint32_t id)
{
    kfk__lock(&w.lock);
    for (kfk__list *n = kfk__list_first(&w.sent); n; n = kfk__list_next(&w.sent, n)) {
        call *c = KFK__ENTRY(n, call, node);

        if (c->id != id)
            continue;
        c->answered = true;
        kfk__list_remove(n);
        ops()->wake(w.rig.env.ctx, &c->waiter);
        break;
    }
    kfk__unlock(&w.lock);
}

static bool receive_some(void)
{
    for (;;) {
        struct iovec v = {w.in + w.in_len, sizeof w.in - w.in_len};
        ssize_t n = ops()->recv(w.sock, &v, 1);
        uint32_t id;

        if (n <= 0)
            return n == -EAGAIN;
        w.in_len += (size_t)n;
        if (w.in_len < sizeof w.in)
            continue;
        w.in_len = 0;
        memcpy(&id, w.in, sizeof id);
        on_answer(id);
    }
}

static void work(void)
{
    if (w.connected && !(receive_some() && send_some()))
        disconnect();
    if (w.connected)
        ops()->want(w.sock, KFK__EV_READ | (w.out_at < sizeof w.out ? KFK__EV_WRITE : 0));
    if (w.retry_at <= now()) {
        w.retry_at = KFK__NEVER;
        ck_assert_int_eq(ops()->resolve(w.poller, "echo", &w.job, &w.job), 0);
    }
}

static void on_event(const kfk__event *ev)
{
    if (ev->what & KFK__EV_JOB) {
        on_resolved();
    } else if (ev->what && !w.connected) {
        w.connected = ops()->sock_error(w.sock) == 0;
        if (!w.connected)
            disconnect();
    }
}

static bool stopped(void)
{
    bool stop;

    kfk__lock(&w.lock);
    stop = w.stop;
    kfk__unlock(&w.lock);
    return stop;
}

static void loop(void *arg)
{
    kfk__event ev[4];

    (void)arg;
    while (!stopped()) {
        int n = ops()->poll(w.poller, ev, 4, w.retry_at);

        for (int i = 0; i < n; i++)
            on_event(&ev[i]);
        work();
    }
    ops()->job_end(w.job);
    ops()->sock_close(w.sock);
}

/* ---- faults ---- */

static void one_fault(sim *s)
{
    switch (sim_below(s, 6)) {
    case 0:
        simnet_cut(s, 1, RIG_SERVER);
        break;
    case 1:
        simnet_partition(s, 1, RIG_SERVER, true);
        sim_sleep(s, (int64_t)sim_below(s, 300) * SIM_MS);
        simnet_partition(s, 1, RIG_SERVER, false);
        break;
    case 2:
        simnet_delay(s, SIM_ANY, SIM_ANY, (int64_t)sim_below(s, 100) * SIM_MS, 10 * SIM_MS);
        break;
    case 3:
        simnet_name_fails(s, "echo", (int)sim_below(s, 2) ? -3 : 0);
        break;
    case 4:
        simnet_name_delay(s, "echo", (int64_t)sim_below(s, 200) * SIM_MS);
        break;
    default:
        simnet_delay(s, SIM_ANY, SIM_ANY, SIM_MS, 0);
        break;
    }
}

static void saboteur(void *arg)
{
    sim *s = arg;

    for (int i = 0; i < 10; i++) {
        sim_sleep(s, (int64_t)sim_below(s, 200) * SIM_MS);
        one_fault(s);
    }
}

/* ---- running it ---- */

static void start(void *arg)
{
    (void)arg;
    ck_assert_int_eq(ops()->poller_new(w.rig.env.ctx, &w.rig.env.alloc, &w.poller), 0);
    ck_assert_int_eq(ops()->spawn(w.rig.env.ctx, &w.rig.env.alloc, "loop", loop, NULL, &w.thread),
                     0);
    for (int i = 0; i < CALLERS; i++)
        sim_spawn(w.rig.s, 1, "caller", caller, NULL);
}

static void build(uint64_t seed, bool faults)
{
    memset(&w, 0, sizeof w);
    rig_start(&w.rig, seed);
    kfk__mutex_init(&w.lock);
    kfk__list_init(&w.queued);
    kfk__list_init(&w.sent);
    w.callers_left = CALLERS;
    w.out_at = sizeof w.out;
    simnet_name(w.rig.s, "echo", (const uint32_t[]){RIG_SERVER}, 1);
    echo_start(&w.server, &w.rig);
    sim_spawn(w.rig.s, 1, "start", start, NULL);
    if (faults)
        sim_spawn(w.rig.s, 1, "saboteur", saboteur, w.rig.s);
}

/* Its trace hash. */
static uint64_t run(uint64_t seed, bool faults)
{
    sim_end end;
    uint64_t hash;

    build(seed, faults);
    end = sim_run(w.rig.s, 60 * SIM_S);
    ck_assert_msg(end == SIM_DONE, "%s", sim_report(w.rig.s));
    ck_assert_int_eq(w.answered + w.timed_out, CALLERS * CALLS);
    ck_assert(w.joined);
    hash = sim_trace_hash(w.rig.s);
    rig_end(&w.rig);
    return hash;
}

START_TEST(without_faults_all_is_answered)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        (void)run(seed, false);
        ck_assert_int_eq(w.timed_out, 0);
        ck_assert_int_eq(w.server.accepted, 1);
    }
}
END_TEST

START_TEST(with_faults_it_ends_in_time)
{
    int timed_out = 0, reconnects = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        (void)run(seed, true);
        timed_out += w.timed_out;
        reconnects += w.server.accepted - 1;
    }
    ck_assert_int_gt(timed_out, SEEDS / 10); /* the faults do bite */
    ck_assert_int_lt(timed_out, SEEDS * CALLERS * CALLS / 2);
    ck_assert_int_gt(reconnects, SEEDS / 2);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

START_TEST(a_seed_is_a_trace)
{
    static uint64_t hash[SEEDS];

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        void *shift = malloc(1 + (size_t)seed * 100); /* addresses do not come into it */

        hash[seed] = run(seed, true);
        free(shift);
    }
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        ck_assert_uint_eq(run(seed, true), hash[seed]);
    qsort(hash, SEEDS, sizeof hash[0], by_value);
    for (int i = 1; i < SEEDS; i++)
        ck_assert_uint_ne(hash[i - 1], hash[i]);
}
END_TEST

/* A lost wake-up is what this is there to find. */
static void loses_its_wakes(kfk__poller *p)
{
    (void)p;
}

START_TEST(a_lost_wake_is_found)
{
    kfk__env_ops broken;
    int late = 0;

    for (uint64_t seed = 0; seed < 20; seed++) {
        build(seed, false);
        broken = *w.rig.env.ops;
        broken.poller_wake = loses_its_wakes;
        w.rig.env.ops = &broken;
        ck_assert_int_eq(sim_run(w.rig.s, 60 * SIM_S), SIM_DONE);
        ck_assert(!w.joined); /* it ended only because its peer did */
        late += w.timed_out;
        ops()->poller_free(w.poller);
        rig_end(&w.rig);
    }
    ck_assert_int_gt(late, 20);
}
END_TEST

START_TEST(stalled_threads)
{
    for (uint64_t seed = 0; seed < SEEDS / 3; seed++) {
        build(seed, true);
        w.stalls = true;
        sim_stalls(w.rig.s, 20, 5 * SIM_MS);
        ck_assert_int_eq(sim_run(w.rig.s, 60 * SIM_S), SIM_DONE);
        rig_end(&w.rig);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/sim");
    TCase *tc = tcase_create("whole");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, without_faults_all_is_answered);
    tcase_add_test(tc, with_faults_it_ends_in_time);
    tcase_add_test(tc, a_seed_is_a_trace);
    tcase_add_test(tc, a_lost_wake_is_found);
    tcase_add_test(tc, stalled_threads);
    tcase_set_timeout(tc, 300);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
