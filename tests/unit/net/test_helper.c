#include "unit/net/net.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/helper.h"
#include "net/waiter.h"

/* Takes the place of the system's, so that the helper's ten idle seconds can be over at once. */
static atomic_bool time_flies;

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *m, const struct timespec *until)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

    if (atomic_load(&time_flies))
        return ETIMEDOUT;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    return real(cond, m, until);
}

/* Asked for by ThreadSanitizer, which otherwise ends a child that has a thread after such a fork.
 */
__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static kfk__env env;
static kfk__poller *p;
static kfk__event ev[8];

static void open_poller(int backend)
{
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[backend], NULL),
                     KFK_OK);
    ck_assert_int_eq(env.ops->poller_new(env.ctx, &env.alloc, &p), 0);
}

/* A task that says when it runs, and goes on when it is told to. */
struct step {
    kfk__task task;
    kfk__waiter started, go, dropped;
    atomic_int runs;
    int order;
};

static atomic_int runs_of_all;

static void run(kfk__task *t)
{
    struct step *s = (struct step *)(void *)t;

    s->order = atomic_fetch_add(&runs_of_all, 1);
    atomic_fetch_add(&s->runs, 1);
    kfk__waiter_wake(NULL, &s->started);
    (void)kfk__waiter_wait(NULL, &s->go, KFK__NEVER);
}

static void drop(kfk__task *t)
{
    kfk__waiter_wake(NULL, &((struct step *)(void *)t)->dropped);
}

static void submit(struct step *s)
{
    memset(s, 0, sizeof *s);
    ck_assert_int_eq(kfk__waiter_init(NULL, &s->started), 0);
    ck_assert_int_eq(kfk__waiter_init(NULL, &s->go), 0);
    ck_assert_int_eq(kfk__waiter_init(NULL, &s->dropped), 0);
    s->task.run = run;
    s->task.drop = drop;
    s->task.poller = p;
    s->task.post.source.owner = s;
    ck_assert_int_eq(kfk__helper_submit(&s->task), 0);
}

static bool is_dropped(struct step *s)
{
    return kfk__waiter_wait(NULL, &s->dropped, 0);
}

START_TEST(one_thread_runs_them_in_order)
{
    struct step s[4];

    open_poller(_i);
    for (int i = 0; i < 4; i++)
        submit(&s[i]);
    for (int i = 0; i < 4; i++) {
        ck_assert(kfk__waiter_wait(NULL, &s[i].started, far_off()));
        ck_assert_int_eq(threads_called("kfk-helper"), 1);
        ck_assert_int_eq(env.ops->poll(p, ev, 8, 0), 0);
        kfk__waiter_wake(NULL, &s[i].go);
        ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
        ck_assert_ptr_eq(ev[0].owner, &s[i]);
        ck_assert_uint_eq(ev[0].what, KFK__EV_JOB);
        ck_assert_int_eq(s[i].order, i);
    }
    for (int i = 0; i < 4; i++) {
        kfk__helper_end(&s[i].task);
        ck_assert(is_dropped(&s[i]));
    }
    env.ops->poller_free(p);
}
END_TEST

START_TEST(ended_while_queued_never_runs)
{
    struct step first, second, third;

    open_poller(_i);
    submit(&first);
    submit(&second);
    submit(&third);
    ck_assert(kfk__waiter_wait(NULL, &first.started, far_off()));
    kfk__helper_end(&second.task);
    ck_assert(is_dropped(&second));
    kfk__waiter_wake(NULL, &first.go);
    kfk__waiter_wake(NULL, &third.go);
    ck_assert(kfk__waiter_wait(NULL, &third.started, far_off()));
    ck_assert_int_eq(second.runs, 0);
    kfk__helper_end(&first.task);
    kfk__helper_end(&third.task);
    ck_assert(kfk__waiter_wait(NULL, &third.dropped, far_off()));
    env.ops->poller_free(p);
}
END_TEST

/* The poller goes at once; the task when it is through, and nobody hears of it. */
START_TEST(ended_while_running_is_orphaned)
{
    struct step s;

    open_poller(_i);
    submit(&s);
    ck_assert(kfk__waiter_wait(NULL, &s.started, far_off()));
    kfk__helper_end(&s.task);
    env.ops->poller_free(p);
    ck_assert(!is_dropped(&s));
    kfk__waiter_wake(NULL, &s.go);
    ck_assert(kfk__waiter_wait(NULL, &s.dropped, far_off()));
    ck_assert_int_eq(s.runs, 1);
}
END_TEST

START_TEST(ended_in_the_turn_that_tells_of_it)
{
    struct step s;

    open_poller(_i);
    submit(&s);
    kfk__waiter_wake(NULL, &s.go);
    ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
    kfk__helper_end(&s.task);
    ck_assert(is_dropped(&s));
    ck_assert_ptr_null(ev[0].owner);
    ck_assert_uint_eq(ev[0].what, 0);
    ck_assert_int_eq(env.ops->poll(p, ev, 8, 0), 0);
    env.ops->poller_free(p);
}
END_TEST

START_TEST(goes_when_idle_and_comes_again)
{
    open_poller(_i);
    for (int i = 0; i < 3; i++) {
        struct step s;

        atomic_store(&time_flies, false);
        submit(&s);
        ck_assert(kfk__waiter_wait(NULL, &s.started, far_off()));
        atomic_store(&time_flies, true);
        kfk__waiter_wake(NULL, &s.go);
        ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
        kfk__helper_end(&s.task);
        ck_assert(all_gone("kfk-helper"));
    }
    env.ops->poller_free(p);
}
END_TEST

/* Submitting meets the thread's going: a task is never left behind without one. */
START_TEST(never_left_behind)
{
    open_poller(_i);
    atomic_store(&time_flies, true);
    for (int i = 0; i < 3000; i++) {
        struct step s;

        submit(&s);
        kfk__waiter_wake(NULL, &s.go);
        ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
        kfk__helper_end(&s.task);
    }
    env.ops->poller_free(p);
}
END_TEST

/* The child ends what the parent began without its thread and its locks, and has a helper of its
 * own. */
START_TEST(child_of_fork_starts_anew)
{
    struct step parents, queued, own;
    int status;
    pid_t pid;

    open_poller(_i);
    submit(&parents);
    submit(&queued);
    ck_assert(kfk__waiter_wait(NULL, &parents.started, far_off()));
    pid = fork();
    if (pid == 0) {
        kfk__helper_end(&parents.task);
        kfk__helper_end(&queued.task);
        env.ops->poller_free(p);
        if (!is_dropped(&parents) || !is_dropped(&queued))
            _exit(1);
        open_poller(_i);
        submit(&own);
        kfk__waiter_wake(NULL, &own.go);
        if (wait_events(&env, p, ev, 8) != 1 || ev[0].owner != &own)
            _exit(2);
        kfk__helper_end(&own.task);
        env.ops->poller_free(p);
        _exit(is_dropped(&own) ? 0 : 3);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    kfk__waiter_wake(NULL, &parents.go);
    kfk__waiter_wake(NULL, &queued.go);
    ck_assert(kfk__waiter_wait(NULL, &queued.started, far_off()));
    kfk__helper_end(&parents.task);
    kfk__helper_end(&queued.task);
    ck_assert(kfk__waiter_wait(NULL, &queued.dropped, far_off()));
    env.ops->poller_free(p);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        one_thread_runs_them_in_order,   ended_while_queued_never_runs,
        ended_while_running_is_orphaned, ended_in_the_turn_that_tells_of_it,
        goes_when_idle_and_comes_again,  never_left_behind,
        child_of_fork_starts_anew,
    };
    Suite *s = suite_create("helper");
    TCase *t = tcase_create("helper");

    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(t, both[i], 0, N_BACKENDS);
    suite_add_tcase(s, t);
    return run_suite(s);
}
