/* The threads of handles: their names, their signals, and the hook that tells of them. */
#include "unit/net/net.h"

#include <pthread.h>
#include <signal.h>

#include <kfk/kfk.h>

#include "devbroker/devbroker.h"

static atomic_int starts, ends, wrong;
static atomic_bool hold;
static pthread_t thread;
static const char *expected;

/* Those that can be blocked and are not the C library's own. */
static bool all_blocked(void)
{
    sigset_t set;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    for (int i = 1; i < 32; i++)
        if (i != SIGKILL && i != SIGSTOP && !sigismember(&set, i))
            return false;
    return sigismember(&set, SIGRTMIN) == 1 && sigismember(&set, SIGRTMAX) == 1;
}

static void told(int started, const char *name, void *arg)
{
    char own[16] = "";

    (void)pthread_getname_np(pthread_self(), own, sizeof own);
    if (arg != &starts || strcmp(name, expected) != 0 || strcmp(own, expected) != 0 ||
        !all_blocked())
        atomic_fetch_add(&wrong, 1);
    if (started) {
        thread = pthread_self();
        atomic_fetch_add(&starts, 1);
        while (atomic_load(&hold))
            sched_yield();
        return;
    }
    if (!pthread_equal(thread, pthread_self()) || atomic_load(&starts) != 1)
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&ends, 1);
}

static kfk_config *new_config(void)
{
    kfk_hooks hooks = {.struct_size = sizeof hooks, .thread = told};
    kfk_config *c = kfk_config_new(NULL);

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", "127.0.0.1:1", NULL), KFK_OK);
    ck_assert_int_eq(kfk_config_hooks(c, &hooks, &starts, NULL), KFK_OK);
    return c;
}

static void await(const atomic_int *n, int value)
{
    int64_t give_up = far_off();

    while (atomic_load(n) < value && now() < give_up)
        sched_yield();
    ck_assert_int_eq(atomic_load(n), value);
}

typedef union handle {
    kfk_producer *producer;
    kfk_consumer *consumer;
    kfk_admin *admin;
} handle;

static kfk_err open_handle(int which, handle *h, const kfk_config *c)
{
    static const char *const names[] = {"kfk-sender", "kfk-fetcher", "kfk-admin"};

    expected = names[which];
    if (which == 0)
        return kfk_producer_new(&h->producer, c, NULL);
    return which == 1 ? kfk_consumer_new(&h->consumer, c, NULL) : kfk_admin_new(&h->admin, c, NULL);
}

static void free_handle(int which, handle h)
{
    if (which == 0)
        kfk_producer_free(h.producer);
    else if (which == 1)
        kfk_consumer_free(h.consumer);
    else
        kfk_admin_free(h.admin);
}

START_TEST(each_is_told_of_once)
{
    kfk_config *c = new_config();
    handle h;

    atomic_store(&hold, true);
    ck_assert_int_eq(open_handle(_i, &h, c), KFK_OK); /* which does not wait for the hook */
    kfk_config_free(c);
    await(&starts, 1);
    ck_assert_int_eq(threads_called(expected), 1);
    atomic_store(&hold, false);
    free_handle(_i, h);
    ck_assert_int_eq(starts, 1);
    ck_assert_int_eq(ends, 1);
    ck_assert_int_eq(wrong, 0);
    ck_assert(all_gone(expected));
}
END_TEST

static void free_in_callback(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)d;
    while (!atomic_load((atomic_bool *)arg)) /* send is still at it */
        sched_yield();
    kfk_producer_free(p);
}

/* The handle is gone before its thread has ended. */
START_TEST(the_end_is_told_when_a_callback_frees)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "t"};
    kfk__devbroker_opts o = {.default_partitions = 1};
    kfk_config *c = new_config();
    atomic_bool sent = false;
    kfk__devbroker *b;
    kfk__env env;
    handle h;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, NULL), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&b, &env, &o, NULL), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(b, NULL), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", kfk__devbroker_bootstrap(b), NULL),
                     KFK_OK);
    ck_assert_int_eq(open_handle(0, &h, c), KFK_OK);
    kfk_config_free(c);
    ck_assert_int_eq(kfk_producer_send(h.producer, &r, free_in_callback, &sent, NULL), KFK_OK);
    atomic_store(&sent, true);
    await(&ends, 1);
    ck_assert_int_eq(wrong, 0);
    ck_assert(all_gone(expected));
    kfk__devbroker_free(b);
}
END_TEST

/* A program that was built before there was the hook. */
START_TEST(an_older_struct_has_no_hook)
{
    kfk_hooks old = {.struct_size = offsetof(kfk_hooks, thread), .thread = told};
    kfk_config *c = new_config();
    handle h;

    ck_assert_int_eq(kfk_config_hooks(c, &old, &starts, NULL), KFK_OK);
    ck_assert_int_eq(open_handle(2, &h, c), KFK_OK);
    kfk_config_free(c);
    free_handle(2, h);
    ck_assert_int_eq(starts + ends, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("threads");
    TCase *t = tcase_create("threads");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_is_told_of_once, 0, 3);
    tcase_add_test(t, the_end_is_told_when_a_callback_frees);
    tcase_add_test(t, an_older_struct_has_no_hook);
    suite_add_tcase(s, t);
    return run_suite(s);
}
