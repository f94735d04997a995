/* What the tests of lib/net share. Every test is a process of its own (Check forks). */
#ifndef TESTS_UNIT_NET_H
#define TESTS_UNIT_NET_H

#include <check.h>
#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/clock.h"
#include "net/env_posix.h"

/* A sanitizer's own locks may be held for good in a child of fork, by a thread that was allocating
 * in the parent; and its memory makes each fork slow. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* A loop test's _i picks the backend. */
enum { N_BACKENDS = 2 };
static const kfk__poller_backend *const backends[N_BACKENDS] = {&kfk__poller_epoll,
                                                                &kfk__poller_poll};

static inline int64_t now(void)
{
    return kfk__clock_ns(CLOCK_MONOTONIC);
}

/* A deadline that only a test that fails comes to. */
static inline int64_t far_off(void)
{
    return now() + 30000 * KFK__MS;
}

/* Turns until there are events; a wake whose work was done in an earlier turn may end one without.
 */
static inline int wait_events(const kfk__env *env, kfk__poller *p, kfk__event *ev, int max)
{
    int64_t give_up = far_off();
    int n;

    do
        n = env->ops->poll(p, ev, max, give_up);
    while (n == 0 && now() < give_up);
    return n;
}

static inline int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* How many threads have that name. (A sanitizer has threads of its own.) */
static inline int threads_called(const char *name)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[300], comm[32] = "";
        FILE *f;

        (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(comm, sizeof comm, f))
            comm[strcspn(comm, "\n")] = '\0';
        n += strcmp(comm, name) == 0;
        fclose(f);
    }
    closedir(dir);
    return n;
}

/* A thread that has ended may still be listed for a moment. */
static inline bool all_gone(const char *name)
{
    int64_t give_up = far_off();

    while (threads_called(name) > 0 && now() < give_up)
        sched_yield();
    return threads_called(name) == 0;
}

/* An allocator that counts what is out, and refuses when |left| allocations have been made. */
typedef struct counted {
    atomic_int out;
    atomic_int left;
} counted;

static inline void *counted_alloc(void *ctx, size_t n)
{
    counted *c = ctx;

    if (atomic_fetch_sub(&c->left, 1) <= 0)
        return NULL;
    atomic_fetch_add(&c->out, 1);
    return malloc(n);
}

static inline void *counted_resize(void *ctx, void *p, size_t n)
{
    counted *c = ctx;

    if (!p)
        return counted_alloc(ctx, n);
    return atomic_fetch_sub(&c->left, 1) <= 0 ? NULL : realloc(p, n);
}

static inline void counted_release(void *ctx, void *p)
{
    atomic_fetch_sub(&((counted *)ctx)->out, p != NULL);
    free(p);
}

static inline kfk_allocator counted_allocator(counted *c, int left)
{
    atomic_store(&c->out, 0);
    atomic_store(&c->left, left);
    return (kfk_allocator){counted_alloc, counted_resize, counted_release, c};
}

/* Runs the suite and makes the exit status. */
static inline int run_suite(Suite *s)
{
    SRunner *runner = srunner_create(s);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
