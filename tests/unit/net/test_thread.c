#include "unit/net/net.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/thread.h"
#include "net/waiter.h"

struct seen {
    sigset_t mask;
    char name[16];
    int runs;
};

static void look(void *arg)
{
    struct seen *s = arg;

    s->runs++;
    pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    pthread_getname_np(pthread_self(), s->name, sizeof s->name);
}

START_TEST(body_runs_once_named_and_without_signals)
{
    struct seen s = {.runs = 0};
    sigset_t mine;
    counted c;
    kfk_allocator a = counted_allocator(&c, 1);
    kfk__thread *t;

    ck_assert_int_eq(kfk__thread_spawn(NULL, &a, "kfk-a-very-long-name", look, &s, &t), 0);
    ck_assert(kfk__thread_join(NULL, t, KFK__NEVER));
    ck_assert_int_eq(s.runs, 1);
    ck_assert_str_eq(s.name, "kfk-a-very-long");
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
            ck_assert_int_eq(sigismember(&s.mask, sig), 1);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
    ck_assert_int_eq(sigismember(&mine, SIGTERM), 0);
    ck_assert_int_eq(c.out, 0);
    ck_assert(all_gone("kfk-a-very-long"));
}
END_TEST

START_TEST(no_memory_no_thread)
{
    counted c;
    kfk_allocator a = counted_allocator(&c, 0);
    kfk__thread *t;

    ck_assert_int_eq(kfk__thread_spawn(NULL, &a, "none", look, NULL, &t), ENOMEM);
}
END_TEST

static void wait_for_go(void *arg)
{
    (void)kfk__waiter_wait(NULL, arg, KFK__NEVER);
}

/* The waiter that its last release wakes. */
static kfk__waiter freed;

static void release_and_tell(void *ctx, void *p)
{
    (void)ctx;
    free(p);
    kfk__waiter_wake(NULL, &freed);
}

START_TEST(missed_join_orphans)
{
    kfk_allocator a = kfk__malloc_allocator;
    kfk__waiter go;
    kfk__thread *t;
    int64_t until;

    a.release = release_and_tell;
    ck_assert_int_eq(kfk__waiter_init(NULL, &go), 0);
    ck_assert_int_eq(kfk__waiter_init(NULL, &freed), 0);
    ck_assert_int_eq(kfk__thread_spawn(NULL, &a, "orphan", wait_for_go, &go, &t), 0);
    until = now() + 2 * KFK__MS;
    ck_assert(!kfk__thread_join(NULL, t, until));
    ck_assert_int_ge(now(), until);
    ck_assert(!kfk__waiter_wait(NULL, &freed, 0));
    kfk__waiter_wake(NULL, &go);
    ck_assert(kfk__waiter_wait(NULL, &freed, far_off()));
}
END_TEST

static void nothing(void *arg)
{
    (void)arg;
}

/* The thread's end and the join's deadline meet: one of the two frees, whoever wins. */
START_TEST(end_and_deadline_race)
{
    counted c;
    kfk_allocator a = counted_allocator(&c, 1000);
    int64_t give_up = far_off();

    for (int i = 0; i < 300; i++) {
        kfk__thread *t;

        ck_assert_int_eq(kfk__thread_spawn(NULL, &a, "race", nothing, NULL, &t), 0);
        (void)kfk__thread_join(NULL, t, i % 3 ? now() + i * 1000 : 0);
    }
    while (atomic_load(&c.out) > 0 && now() < give_up)
        sched_yield();
    ck_assert_int_eq(c.out, 0);
}
END_TEST

START_TEST(in_a_child_of_fork_it_is_let_go)
{
    kfk__waiter go;
    kfk__env env;
    kfk__thread *t;
    int status;
    pid_t pid;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, NULL), KFK_OK);
    ck_assert_int_eq(kfk__waiter_init(NULL, &go), 0);
    ck_assert_int_eq(kfk__thread_spawn(NULL, &env.alloc, "parents", wait_for_go, &go, &t), 0);
    pid = fork();
    if (pid == 0)
        _exit(kfk__thread_join(NULL, t, KFK__NEVER) ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    kfk__waiter_wake(NULL, &go);
    ck_assert(kfk__thread_join(NULL, t, far_off()));
    kfk__waiter_fini(NULL, &go);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("thread");
    TCase *t = tcase_create("thread");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, body_runs_once_named_and_without_signals);
    tcase_add_test(t, no_memory_no_thread);
    tcase_add_test(t, missed_join_orphans);
    tcase_add_test(t, end_and_deadline_race);
    tcase_add_test(t, in_a_child_of_fork_it_is_let_go);
    suite_add_tcase(s, t);
    return run_suite(s);
}
