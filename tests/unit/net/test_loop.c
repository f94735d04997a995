#include "unit/net/net.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/loop.h"
#include "net/waiter.h"

/* A handle as small as can be: a loop, and what its step is to do. */
struct handle {
    kfk__loop loop;
    atomic_bool stop;
    atomic_int steps;
    int64_t period; /* 0: only when woken */
    int64_t late;   /* the least that a periodic step came after its deadline */
    int64_t due;
    kfk__waiter stepped;
    atomic_int refs; /* the thread's and the test's */
    kfk__waiter *gone;
};

static int64_t step(void *self, kfk__event *ev, int n, int64_t at)
{
    struct handle *h = self;

    (void)ev;
    (void)n;
    atomic_fetch_add(&h->steps, 1);
    if (atomic_load(&h->stop))
        return KFK__LOOP_END;
    if (h->period && h->due && at - h->due < h->late)
        h->late = at - h->due;
    kfk__waiter_wake(NULL, &h->stepped);
    h->due = at + h->period;
    return h->period ? h->due : KFK__NEVER;
}

static void open_handle(struct handle *h, int backend, kfk__step_fn *fn)
{
    kfk__env env;

    memset(h, 0, sizeof *h);
    h->late = INT64_MAX;
    ck_assert_int_eq(kfk__waiter_init(NULL, &h->stepped), 0);
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[backend], NULL),
                     KFK_OK);
    ck_assert_int_eq(kfk__loop_init(&h->loop, &env, fn, h), 0);
}

static void close_handle(struct handle *h)
{
    kfk__loop_fini(&h->loop);
    kfk__waiter_fini(NULL, &h->stepped);
}

START_TEST(steps_when_started_and_when_woken)
{
    struct handle h;
    int before = open_fds();

    open_handle(&h, _i, step);
    ck_assert_int_eq(kfk__loop_start(&h.loop, "loop"), 0);
    ck_assert(kfk__waiter_wait(NULL, &h.stepped, far_off()));
    for (int i = 0; i < 100; i++) {
        kfk__loop_wake(&h.loop);
        ck_assert(kfk__waiter_wait(NULL, &h.stepped, far_off()));
    }
    atomic_store(&h.stop, true);
    kfk__loop_wake(&h.loop);
    ck_assert(kfk__loop_join(&h.loop, far_off()));
    kfk__loop_wake(&h.loop); /* late, and harmless until fini */
    ck_assert(kfk__loop_join(&h.loop, 0));
    close_handle(&h);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(steps_when_its_time_has_come)
{
    struct handle h;

    open_handle(&h, _i, step);
    h.period = KFK__MS;
    ck_assert_int_eq(kfk__loop_start(&h.loop, "loop"), 0);
    for (int i = 0; i < 10; i++)
        ck_assert(kfk__waiter_wait(NULL, &h.stepped, far_off()));
    atomic_store(&h.stop, true);
    ck_assert(kfk__loop_join(&h.loop, far_off()));
    ck_assert_int_ge(h.late, 0);
    close_handle(&h);
}
END_TEST

/* ---- the last of the two frees ---- */

static void unref(struct handle *h)
{
    if (atomic_fetch_sub(&h->refs, 1) > 1)
        return;
    close_handle(h);
    kfk__waiter_wake(NULL, h->gone);
    free(h);
}

static int64_t step_and_unref(void *self, kfk__event *ev, int n, int64_t at)
{
    struct handle *h = self;
    int64_t until = step(self, ev, n, at);

    if (until == KFK__LOOP_END)
        unref(h);
    return until;
}

START_TEST(whoever_is_last_frees)
{
    int before = open_fds();

    for (int i = 0; i < 200; i++) {
        struct handle *h = malloc(sizeof *h);
        kfk__waiter gone;

        ck_assert_int_eq(kfk__waiter_init(NULL, &gone), 0);
        open_handle(h, _i, step_and_unref);
        h->gone = &gone;
        atomic_store(&h->refs, 2);
        ck_assert_int_eq(kfk__loop_start(&h->loop, "loop"), 0);
        if (i % 4 == 0)
            ck_assert(kfk__waiter_wait(NULL, &h->stepped, far_off()));
        atomic_store(&h->stop, true);
        kfk__loop_wake(&h->loop);
        (void)kfk__loop_join(&h->loop, i % 2 ? 0 : now() + 50000);
        unref(h);
        ck_assert(kfk__waiter_wait(NULL, &gone, far_off()));
        kfk__waiter_fini(NULL, &gone);
    }
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* ---- by hand ---- */

START_TEST(turned_by_hand)
{
    struct handle h;
    int64_t until;

    open_handle(&h, _i, step);
    ck_assert(kfk__loop_turn(&h.loop, 0));
    ck_assert_int_eq(h.steps, 1);
    ck_assert_int_eq(h.loop.until, KFK__NEVER);
    until = now() + KFK__MS;
    ck_assert(kfk__loop_turn(&h.loop, until)); /* the limit is sooner than the step's deadline */
    ck_assert_int_ge(now(), until);
    h.period = KFK__MS;
    ck_assert(kfk__loop_turn(&h.loop, 0));
    until = h.loop.until;
    ck_assert(kfk__loop_turn(&h.loop, KFK__NEVER)); /* and the other way round */
    ck_assert_int_ge(now(), until);
    atomic_store(&h.stop, true);
    ck_assert(!kfk__loop_turn(&h.loop, 0));
    ck_assert(kfk__loop_join(&h.loop, 0)); /* no thread */
    close_handle(&h);
}
END_TEST

static struct handle *signalled;

static void wake_on_signal(int sig)
{
    (void)sig;
    kfk__loop_wake(&signalled->loop);
}

START_TEST(woken_by_a_signal_handler)
{
    struct handle h;

    open_handle(&h, _i, step);
    signalled = &h;
    ck_assert(signal(SIGUSR1, wake_on_signal) != SIG_ERR);
    ck_assert(kfk__loop_turn(&h.loop, 0));
    raise(SIGUSR1);
    ck_assert(kfk__loop_turn(&h.loop, KFK__NEVER));
    ck_assert_int_eq(h.steps, 2);
    close_handle(&h);
}
END_TEST

/* ---- events ---- */

/* An echo of one connection: accepts it, answers what it says, ends with it. */
struct echo {
    kfk__loop loop;
    kfk__sock *listener, *sock;
};

static int64_t echo_end(struct echo *e)
{
    e->loop.env.ops->sock_close(e->sock);
    e->loop.env.ops->sock_close(e->listener);
    return KFK__LOOP_END;
}

static int64_t echo_step(void *self, kfk__event *ev, int n, int64_t at)
{
    struct echo *e = self;
    const kfk__env_ops *ops = e->loop.env.ops;
    char byte;
    struct iovec v = {&byte, 1};

    (void)at;
    for (int i = 0; i < n; i++) {
        if (ev[i].owner == &e->listener)
            ck_assert_int_eq(ops->accept(e->listener, &e->sock, &e->sock, NULL), 0);
        if (ev[i].owner == &e->sock && ops->recv(e->sock, &v, 1) <= 0)
            return echo_end(e);
        if (ev[i].owner == &e->sock)
            ck_assert_int_eq(ops->send(e->sock, &v, 1), 1);
    }
    return KFK__NEVER;
}

START_TEST(events_reach_the_step)
{
    struct echo e = {.sock = NULL};
    struct sockaddr_storage sa;
    kfk__addr at;
    kfk__env env;
    socklen_t len;
    char c;
    int before = open_fds(), fd;

    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[_i], NULL), KFK_OK);
    ck_assert_int_eq(kfk__loop_init(&e.loop, &env, echo_step, &e), 0);
    ck_assert(kfk__addr_parse("127.0.0.1", 0, &at));
    ck_assert_int_eq(env.ops->listen(e.loop.poller, &at, &e.listener, &e.listener, &at), 0);
    ck_assert_int_eq(kfk__loop_start(&e.loop, "echo"), 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    len = kfk__addr_to_sockaddr(&at, &sa);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, len), 0);
    for (char i = 0; i < 100; i++) {
        ck_assert_int_eq(send(fd, &i, 1, 0), 1);
        ck_assert_int_eq(recv(fd, &c, 1, 0), 1);
        ck_assert_int_eq(c, i);
    }
    shutdown(fd, SHUT_RDWR);
    ck_assert(kfk__loop_join(&e.loop, far_off()));
    close(fd);
    kfk__loop_fini(&e.loop);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(no_memory)
{
    counted c;
    kfk_allocator a = counted_allocator(&c, 0);
    struct handle h;
    kfk__env env;

    ck_assert_int_eq(kfk__env_posix_with(&env, &a, backends[_i], NULL), KFK_OK);
    ck_assert_int_eq(kfk__loop_init(&h.loop, &env, step, &h), ENOMEM);
    kfk__loop_fini(&h.loop);
    atomic_store(&c.left, 3);
    ck_assert_int_eq(kfk__loop_init(&h.loop, &env, step, &h), 0);
    atomic_store(&c.left, 0);
    ck_assert_int_eq(kfk__loop_start(&h.loop, "loop"), ENOMEM);
    ck_assert(kfk__loop_join(&h.loop, KFK__NEVER));
    kfk__loop_fini(&h.loop);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        steps_when_started_and_when_woken,
        steps_when_its_time_has_come,
        whoever_is_last_frees,
        turned_by_hand,
        woken_by_a_signal_handler,
        events_reach_the_step,
        no_memory,
    };
    Suite *s = suite_create("loop");
    TCase *t = tcase_create("loop");

    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(t, both[i], 0, N_BACKENDS);
    suite_add_tcase(s, t);
    return run_suite(s);
}
