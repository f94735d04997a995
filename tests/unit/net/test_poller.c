#include "unit/net/net.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX = 16 };

/* One poller a test, and the array that its turns fill. */
static kfk__env env;
static kfk__poller *p;
static kfk__event ev[MAX];
static int fds_before;

static void open_poller(int backend)
{
    fds_before = open_fds();
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[backend], NULL),
                     KFK_OK);
    ck_assert_int_eq(env.ops->poller_new(env.ctx, &env.alloc, &p), 0);
}

static void close_poller(void)
{
    env.ops->poller_free(p);
    ck_assert_int_eq(open_fds(), fds_before);
}

static int turn(int64_t until)
{
    return env.ops->poll(p, ev, MAX, until);
}

/* Two ends of a stream, of which the poller watches the first. */
struct end {
    kfk__watch watch;
    int peer;
};

static void open_end(struct end *e, uint32_t want)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    memset(e, 0, sizeof *e);
    e->watch.fd = fds[0];
    e->watch.want = want;
    e->watch.source.owner = e;
    e->peer = fds[1];
    ck_assert_int_eq(kfk__poller_add(p, &e->watch), 0);
}

static void close_end(struct end *e)
{
    kfk__poller_remove(p, &e->watch);
    close(e->watch.fd);
    close(e->peer);
}

static void make_readable(const struct end *e)
{
    ck_assert_int_eq(write(e->peer, "x", 1), 1);
}

/* ---- wakes and time ---- */

START_TEST(wake_before_the_turn)
{
    open_poller(_i);
    env.ops->poller_wake(p);
    ck_assert_int_eq(turn(KFK__NEVER), 0);
    close_poller();
}
END_TEST

START_TEST(wakes_are_coalesced)
{
    int64_t until;

    open_poller(_i);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100000; i++) /* more than a pipe holds */
            env.ops->poller_wake(p);
        ck_assert_int_eq(turn(KFK__NEVER), 0);
        until = now() + KFK__MS;
        ck_assert_int_eq(turn(until), 0);
        ck_assert_int_ge(now(), until);
    }
    close_poller();
}
END_TEST

START_TEST(never_early)
{
    static const int64_t spans[] = {1, 1000, 300000, 999999, 1000001, 3 * KFK__MS};

    open_poller(_i);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        int64_t until = now() + spans[i];

        ck_assert_int_eq(turn(until), 0);
        ck_assert_int_ge(now(), until);
    }
    ck_assert_int_eq(turn(0), 0);
    ck_assert_int_eq(turn(-5), 0);
    ck_assert_int_eq(turn(now()), 0);
    close_poller();
}
END_TEST

static void *wake_it(void *arg)
{
    (void)arg;
    env.ops->poller_wake(p);
    return NULL;
}

START_TEST(woken_by_another_thread)
{
    open_poller(_i);
    for (int i = 0; i < 300; i++) {
        pthread_t t;

        ck_assert_int_eq(pthread_create(&t, NULL, wake_it, NULL), 0);
        ck_assert_int_eq(turn(i % 2 ? KFK__NEVER : KFK__NEVER - 1), 0);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
    close_poller();
}
END_TEST

enum { WAKERS = 4, WAKES = 5000 };
static atomic_int given;

static void *give(void *arg)
{
    (void)arg;
    for (int i = 0; i < WAKES; i++) {
        atomic_fetch_add_explicit(&given, 1, memory_order_relaxed);
        env.ops->poller_wake(p);
    }
    return NULL;
}

/* A wake that were lost would leave the owner asleep with something given that it has not seen. */
START_TEST(no_wake_is_lost)
{
    pthread_t t[WAKERS];
    int seen = 0;

    open_poller(_i);
    for (int i = 0; i < WAKERS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, give, NULL), 0);
    while (seen < WAKERS * WAKES) {
        int64_t until = far_off();

        turn(until);
        ck_assert_int_lt(now(), until);
        seen = atomic_load_explicit(&given, memory_order_relaxed);
    }
    for (int i = 0; i < WAKERS; i++)
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    close_poller();
}
END_TEST

static void wake_on_signal(int sig)
{
    int saved = errno;

    (void)sig;
    errno = 4711;
    env.ops->poller_wake(p);
    if (errno != 4711)
        abort();
    errno = saved;
}

START_TEST(woken_by_a_signal_handler)
{
    open_poller(_i);
    ck_assert(signal(SIGUSR1, wake_on_signal) != SIG_ERR);
    raise(SIGUSR1);
    ck_assert_int_eq(turn(KFK__NEVER), 0);
    close_poller();
}
END_TEST

static void *send_signal(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

START_TEST(a_wake_that_fails_spoils_no_errno)
{
    open_poller(_i);
    close(p->wake_fd);
    errno = 4711;
    env.ops->poller_wake(p);
    ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(woken_by_a_signal_handler_while_it_waits)
{
    pthread_t me = pthread_self();

    open_poller(_i);
    ck_assert(signal(SIGUSR1, wake_on_signal) != SIG_ERR);
    for (int i = 0; i < 100; i++) {
        pthread_t t;

        ck_assert_int_eq(pthread_create(&t, NULL, send_signal, &me), 0);
        ck_assert_int_eq(turn(KFK__NEVER), 0);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
    close_poller();
}
END_TEST

static atomic_int alarms;

static void count_alarm(int sig)
{
    (void)sig;
    alarms++;
}

START_TEST(other_signals_do_not_end_a_turn)
{
    struct itimerval every = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    int64_t until;

    open_poller(_i);
    ck_assert(signal(SIGALRM, count_alarm) != SIG_ERR);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
    until = now() + 20 * KFK__MS;
    ck_assert_int_eq(turn(until), 0);
    ck_assert_int_ge(now(), until);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &off, NULL), 0);
    ck_assert_int_gt(alarms, 0);
    close_poller();
}
END_TEST

/* ---- watches ---- */

START_TEST(readable_and_writable)
{
    struct end e;

    open_poller(_i);
    open_end(&e, KFK__EV_READ);
    ck_assert_int_eq(turn(0), 0);
    make_readable(&e);
    for (int i = 0; i < 2; i++) { /* level-triggered: told until it is read */
        ck_assert_int_eq(turn(far_off()), 1);
        ck_assert_ptr_eq(ev[0].owner, &e);
        ck_assert_uint_eq(ev[0].what, KFK__EV_READ);
    }
    kfk__poller_want(p, &e.watch, KFK__EV_WRITE);
    ck_assert_int_eq(turn(far_off()), 1);
    ck_assert_uint_eq(ev[0].what, KFK__EV_WRITE);
    kfk__poller_want(p, &e.watch, KFK__EV_READ | KFK__EV_WRITE);
    ck_assert_int_eq(turn(far_off()), 1);
    ck_assert_uint_eq(ev[0].what, KFK__EV_READ | KFK__EV_WRITE);
    kfk__poller_want(p, &e.watch, 0);
    ck_assert_int_eq(turn(0), 0);
    close_end(&e);
    close_poller();
}
END_TEST

static atomic_int waits;

static int counted_wait(kfk__poller *poller, int timeout)
{
    atomic_fetch_add(&waits, 1);
    return backends[poller->backend->fd(poller) < 0]->wait(poller, timeout);
}

/* Where nothing is wanted there is no event, and no spin either: a wait or two, not thousands. */
START_TEST(hang_up_is_what_is_wanted)
{
    kfk__poller_backend counting = *backends[_i];
    struct end e;
    int64_t until;

    open_poller(_i);
    counting.wait = counted_wait;
    p->backend = &counting;
    open_end(&e, KFK__EV_READ);
    close(e.peer);
    e.peer = -1;
    ck_assert_int_eq(turn(far_off()), 1);
    ck_assert_uint_eq(ev[0].what, KFK__EV_READ);
    kfk__poller_want(p, &e.watch, KFK__EV_WRITE);
    ck_assert_int_eq(turn(far_off()), 1);
    ck_assert_uint_eq(ev[0].what, KFK__EV_WRITE);
    kfk__poller_want(p, &e.watch, 0);
    atomic_store(&waits, 0);
    for (int i = 0; i < 2; i++) {
        until = now() + 5 * KFK__MS;
        ck_assert_int_eq(turn(until), 0);
        ck_assert_int_ge(now(), until);
    }
    ck_assert_int_le(waits, 2 * 2);
    kfk__poller_want(p, &e.watch, KFK__EV_READ);
    ck_assert_int_eq(turn(far_off()), 1);
    close_end(&e);
    close_poller();
}
END_TEST

/* Closing the i-th of three that are all ready leaves the other two events as they were. */
START_TEST(removed_in_the_middle_of_a_turn)
{
    for (int victim = 0; victim < 3; victim++) {
        struct end e[3];

        open_poller(_i);
        for (int i = 0; i < 3; i++) {
            open_end(&e[i], KFK__EV_READ);
            make_readable(&e[i]);
        }
        ck_assert_int_eq(turn(far_off()), 3);
        close_end(&e[victim]);
        for (int i = 0, wiped = 0; i < 3; i++) {
            ck_assert_ptr_ne(ev[i].owner, &e[victim]);
            wiped += ev[i].what == 0 && ev[i].owner == NULL;
            if (i == 2)
                ck_assert_int_eq(wiped, 1);
        }
        ck_assert_int_eq(turn(far_off()), 2);
        for (int i = 0; i < 3; i++)
            if (i != victim)
                close_end(&e[i]);
        close_poller();
    }
}
END_TEST

/* One that had an event in an earlier turn, and none in this, wipes nothing. */
START_TEST(removed_with_a_stale_event)
{
    struct end a, b;

    open_poller(_i);
    open_end(&a, KFK__EV_READ);
    make_readable(&a);
    ck_assert_int_eq(turn(far_off()), 1);
    kfk__poller_want(p, &a.watch, 0);
    open_end(&b, KFK__EV_READ);
    make_readable(&b);
    ck_assert_int_eq(turn(far_off()), 1);
    close_end(&a);
    ck_assert_ptr_eq(ev[0].owner, &b);
    ck_assert_uint_eq(ev[0].what, KFK__EV_READ);
    close_end(&b);
    close_poller();
}
END_TEST

START_TEST(none_is_starved)
{
    enum { N = 11, ROOM = 2 };
    struct end e[N];
    int seen[N] = {0};

    open_poller(_i);
    for (int i = 0; i < N; i++) {
        open_end(&e[i], KFK__EV_READ);
        make_readable(&e[i]);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(env.ops->poll(p, ev, ROOM, far_off()), ROOM);
        for (int k = 0; k < ROOM; k++)
            seen[(struct end *)ev[k].owner - e]++;
    }
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(seen[i], ROOM);
    for (int i = 0; i < N; i++)
        close_end(&e[i]);
    close_poller();
}
END_TEST

START_TEST(many_come_and_go)
{
    enum { N = 40 };
    struct end e[N];

    open_poller(_i);
    for (int i = 0; i < N; i++)
        open_end(&e[i], KFK__EV_READ);
    for (int i = 0; i < N; i += 2)
        close_end(&e[i]);
    for (int i = 1; i < N; i += 2) {
        char c;

        make_readable(&e[i]);
        ck_assert_int_eq(turn(far_off()), 1);
        ck_assert_ptr_eq(ev[0].owner, &e[i]);
        ck_assert_int_eq(read(e[i].watch.fd, &c, 1), 1);
    }
    for (int i = N - 1; i > 0; i -= 2)
        close_end(&e[i]);
    close_poller();
}
END_TEST

/* ---- posts ---- */

static void *post_it(void *arg)
{
    kfk__poller_post(p, arg);
    return NULL;
}

START_TEST(posted_by_another_thread)
{
    kfk__post post = {.source.owner = &post};
    pthread_t t;

    open_poller(_i);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(pthread_create(&t, NULL, post_it, &post), 0);
        ck_assert_int_eq(wait_events(&env, p, ev, MAX), 1);
        ck_assert_ptr_eq(ev[0].owner, &post);
        ck_assert_uint_eq(ev[0].what, KFK__EV_JOB);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
    close_poller();
}
END_TEST

START_TEST(more_posts_than_room)
{
    kfk__post posts[5] = {{.node = {NULL, NULL}}};

    open_poller(_i);
    for (int i = 0; i < 5; i++) {
        posts[i].source.owner = &posts[i];
        kfk__poller_post(p, &posts[i]);
    }
    for (int i = 0; i < 4; i += 2) {
        ck_assert_int_eq(env.ops->poll(p, ev, 2, KFK__NEVER), 2);
        ck_assert_ptr_eq(ev[0].owner, &posts[i]);
        ck_assert_ptr_eq(ev[1].owner, &posts[i + 1]);
    }
    ck_assert_int_eq(env.ops->poll(p, ev, 2, KFK__NEVER), 1);
    ck_assert_ptr_eq(ev[0].owner, &posts[4]);
    ck_assert_int_eq(turn(0), 0);
    close_poller();
}
END_TEST

START_TEST(post_and_socket_in_one_turn)
{
    kfk__post post = {.source.owner = &post};
    struct end e;

    open_poller(_i);
    open_end(&e, KFK__EV_READ);
    make_readable(&e);
    kfk__poller_post(p, &post);
    ck_assert_int_eq(turn(KFK__NEVER), 2);
    kfk__poller_unpost(p, &post);
    for (int i = 0; i < 2; i++)
        ck_assert(ev[i].owner == &e ? ev[i].what == KFK__EV_READ : ev[i].what == 0);
    close_end(&e);
    close_poller();
}
END_TEST

START_TEST(taken_back_before_it_is_told)
{
    kfk__post a = {.source.owner = &a}, b = {.source.owner = &b};

    open_poller(_i);
    kfk__poller_post(p, &a);
    kfk__poller_post(p, &b);
    kfk__poller_unpost(p, &a);
    ck_assert_int_eq(turn(KFK__NEVER), 1);
    ck_assert_ptr_eq(ev[0].owner, &b);
    kfk__poller_unpost(p, &b);
    ck_assert_ptr_null(ev[0].owner);
    ck_assert_int_eq(turn(0), 0);
    close_poller();
}
END_TEST

/* ---- the descriptor for a host's loop ---- */

static bool host_would_call(void)
{
    struct pollfd fd = {.fd = env.ops->poller_fd(p), .events = POLLIN};

    ck_assert_int_ge(fd.fd, 0);
    ck_assert_int_ge(poll(&fd, 1, 0), 0);
    return fd.revents != 0;
}

START_TEST(descriptor_tells_what_a_turn_would)
{
    kfk__post posts[2] = {{.source.owner = &posts[0]}, {.source.owner = &posts[1]}};
    struct end e;
    char c;

    open_poller(0);
    open_end(&e, KFK__EV_READ);
    ck_assert(!host_would_call());
    env.ops->poller_wake(p);
    ck_assert(host_would_call());
    turn(0);
    ck_assert(!host_would_call());
    make_readable(&e);
    ck_assert(host_would_call());
    ck_assert_int_eq(read(e.watch.fd, &c, 1), 1);
    turn(0);
    ck_assert(!host_would_call());
    kfk__poller_post(p, &posts[0]);
    kfk__poller_post(p, &posts[1]);
    ck_assert_int_eq(env.ops->poll(p, ev, 1, 0), 1);
    ck_assert(host_would_call());
    ck_assert_int_eq(env.ops->poll(p, ev, 1, 0), 1);
    turn(0);
    ck_assert(!host_would_call());
    close_end(&e);
    close_poller();
}
END_TEST

static void *post_two_at_once(void *arg)
{
    kfk__post *posts = arg;

    kfk__lock(&p->lock);
    kfk__list_push(&p->posts, &posts[0].node);
    kfk__list_push(&p->posts, &posts[1].node);
    kfk__unlock(&p->lock);
    env.ops->poller_wake(p);
    return NULL;
}

/* The wake has been consumed and one post has found no room: the host must be told of it all the
 * same. */
START_TEST(descriptor_tells_of_what_was_left)
{
    open_poller(0);
    for (int i = 0; i < 50; i++) {
        kfk__post posts[2] = {{.source.owner = &posts[0]}, {.source.owner = &posts[1]}};
        pthread_t t;

        ck_assert_int_eq(pthread_create(&t, NULL, post_two_at_once, posts), 0);
        ck_assert_int_eq(wait_events(&env, p, ev, 1), 1);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
        ck_assert(host_would_call());
        ck_assert_int_eq(env.ops->poll(p, ev, 1, 0), 1);
        turn(0);
    }
    close_poller();
}
END_TEST

START_TEST(no_descriptor_with_poll)
{
    open_poller(1);
    ck_assert_int_eq(env.ops->poller_fd(p), -1);
    close_poller();
}
END_TEST

/* ---- fork ---- */

/* The child closes all that it has; in the parent the watch, the wake and the post go on. */
START_TEST(child_of_fork_takes_nothing_from_the_parent)
{
    kfk__post post = {.source.owner = &post};
    struct end e;
    int64_t until;
    int status;
    pid_t pid;

    open_poller(_i);
    open_end(&e, KFK__EV_READ);
    pid = fork();
    if (pid == 0) {
        env.ops->poller_wake(p);
        kfk__poller_unpost(p, &post);
        close_end(&e);
        env.ops->poller_free(p);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    until = now() + KFK__MS;
    ck_assert_int_eq(turn(until), 0);
    ck_assert_int_ge(now(), until);
    make_readable(&e);
    ck_assert_int_eq(turn(far_off()), 1);
    env.ops->poller_wake(p);
    kfk__poller_post(p, &post);
    ck_assert_int_eq(turn(far_off()), 2);
    close_end(&e);
    close_poller();
}
END_TEST

/* The other way round: what the parent closes is gone, though a child still has the descriptor. */
START_TEST(no_event_of_what_a_child_still_holds)
{
    struct end e;
    int hold[2];
    pid_t pid;
    char c;

    open_poller(_i);
    open_end(&e, KFK__EV_READ);
    ck_assert_int_eq(pipe(hold), 0);
    pid = fork();
    if (pid == 0) {
        close(hold[1]);
        _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
    }
    make_readable(&e);
    kfk__poller_remove(p, &e.watch);
    close(e.watch.fd);
    ck_assert_int_eq(turn(now() + KFK__MS), 0);
    close(e.peer);
    close(hold[0]);
    close(hold[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close_poller();
}
END_TEST

/* ---- failures ---- */

START_TEST(no_memory)
{
    counted c;
    int before = open_fds();

    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[_i], NULL), KFK_OK);
    for (int left = 0;; left++) {
        kfk_allocator a = counted_allocator(&c, left);
        int rc = env.ops->poller_new(env.ctx, &a, &p);

        if (rc == 0)
            break;
        ck_assert_int_eq(rc, ENOMEM);
        ck_assert_int_eq(c.out, 0);
        ck_assert_int_eq(open_fds(), before);
        ck_assert_int_lt(left, 10);
    }
    env.ops->poller_free(p);
    ck_assert_int_eq(c.out, 0);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* The lowest limit under which one more descriptor can be had, and one fewer. */
static void limit_fds(int more)
{
    struct rlimit r;
    int next = dup(0);

    ck_assert_int_ge(next, 0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = (rlim_t)(next + more);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

START_TEST(no_descriptors)
{
    int before = open_fds();

    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[_i], NULL), KFK_OK);
    for (int more = 0; more < 2; more++) {
        struct rlimit old;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
        limit_fds(more);
        ck_assert_int_eq(env.ops->poller_new(env.ctx, &env.alloc, &p), EMFILE);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
        ck_assert_int_eq(open_fds(), before);
    }
}
END_TEST

/* A program that closes all descriptors under us: time passes, without a spin and without a hang.
 */
START_TEST(broken_descriptor_still_keeps_time)
{
    int64_t until;

    open_poller(0);
    close(env.ops->poller_fd(p));
    until = now() + 5 * KFK__MS;
    ck_assert_int_eq(turn(until), 0);
    ck_assert_int_ge(now(), until);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        wake_before_the_turn,
        wakes_are_coalesced,
        never_early,
        woken_by_another_thread,
        no_wake_is_lost,
        woken_by_a_signal_handler,
        a_wake_that_fails_spoils_no_errno,
        woken_by_a_signal_handler_while_it_waits,
        other_signals_do_not_end_a_turn,
        readable_and_writable,
        hang_up_is_what_is_wanted,
        removed_in_the_middle_of_a_turn,
        removed_with_a_stale_event,
        none_is_starved,
        many_come_and_go,
        posted_by_another_thread,
        more_posts_than_room,
        post_and_socket_in_one_turn,
        taken_back_before_it_is_told,
        child_of_fork_takes_nothing_from_the_parent,
        no_event_of_what_a_child_still_holds,
        no_memory,
        no_descriptors,
    };
    Suite *s = suite_create("poller");
    TCase *t = tcase_create("poller");

    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(t, both[i], 0, N_BACKENDS);
    tcase_add_test(t, descriptor_tells_what_a_turn_would);
    tcase_add_test(t, descriptor_tells_of_what_was_left);
    tcase_add_test(t, no_descriptor_with_poll);
    tcase_add_test(t, broken_descriptor_still_keeps_time);
    suite_add_tcase(s, t);
    return run_suite(s);
}
