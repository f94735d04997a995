#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/ledger.h"
#include "unit/net/net.h"

enum { FORKS = SANITIZED ? 20 : 200, THREADS = 3 };

static counted c;
static kfk_allocator beneath, a;

static void setup(void)
{
    beneath = counted_allocator(&c, 1 << 30);
    ck_assert_int_eq(kfk__fork_watch(), 0);
    ck_assert(kfk__ledger_open(&a, &beneath));
    ck_assert_int_eq(c.out, 1);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- memory ---- */

START_TEST(goes_with_its_last_block)
{
    void *p = kfk__alloc(&a, 10), *q;

    kfk__ledger_settle(&a);
    ck_assert_int_eq(c.out, 2);
    q = kfk__alloc(&a, 20);
    kfk__release(&a, p);
    ck_assert_int_eq(c.out, 2);
    kfk__release(&a, q);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

/* What was made may be gone before its maker has looked. */
START_TEST(stays_until_it_is_settled)
{
    kfk__release(&a, kfk__alloc(&a, 10));
    ck_assert_int_eq(c.out, 1);
    a.release(a.ctx, NULL);
    kfk__ledger_settle(&a);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

START_TEST(blocks_are_aligned_and_keep_what_is_in_them)
{
    unsigned char *p[50];

    for (size_t i = 0; i < 50; i++) {
        p[i] = kfk__alloc(&a, i);
        ck_assert_uint_eq((uintptr_t)p[i] % alignof(max_align_t), 0);
        memset(p[i], (int)i, i);
    }
    for (size_t i = 0; i < 50; i++) {
        p[i] = kfk__resize(&a, p[i], 1000 + i);
        ck_assert_uint_eq((uintptr_t)p[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_eq(p[i][k], i);
    }
    for (size_t i = 0; i < 50; i += 2)
        kfk__release(&a, p[i]);
    for (size_t i = 1; i < 50; i += 2)
        kfk__release(&a, p[i]);
    kfk__ledger_settle(&a);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

START_TEST(no_memory)
{
    void *p = kfk__resize(&a, NULL, 10);
    kfk_allocator other;

    ck_assert_ptr_null(kfk__alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(kfk__resize(&a, p, SIZE_MAX));
    atomic_store(&c.left, 0);
    ck_assert_ptr_null(kfk__alloc(&a, 10));
    ck_assert_ptr_null(kfk__resize(&a, p, 100));
    ck_assert(!kfk__ledger_open(&other, &beneath));
    kfk__ledger_settle(&a);
    kfk__release(&a, p);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

START_TEST(beneath_is_the_applications)
{
    ck_assert_ptr_eq(kfk__ledger_beneath(&a)->ctx, &c);
    ck_assert_ptr_eq(kfk__ledger_beneath(&beneath), &beneath);
    kfk__ledger_settle(&a);
}
END_TEST

/* ---- descriptors ---- */

START_TEST(close_closes_and_takes_out)
{
    kfk__descriptor *d = kfk__alloc(&a, 2 * sizeof *d);
    int fd = dup(0), other = dup(0);

    kfk__ledger_enter(&a, &d[0], fd);
    kfk__ledger_enter(&a, &d[1], other);
    kfk__ledger_close(&a, &d[0]);
    ck_assert(!is_open(fd) && is_open(other));
    ck_assert_int_eq(dup(0), fd);
    kfk__ledger_abandon(&a);
    ck_assert(is_open(fd) && !is_open(other));
    ck_assert_int_eq(c.out, 0);
}
END_TEST

START_TEST(without_a_ledger_nothing_is_entered)
{
    kfk__descriptor d;
    int fd = dup(0);

    kfk__ledger_enter(&beneath, &d, fd);
    kfk__ledger_settle(&beneath);
    kfk__ledger_abandon(&beneath);
    ck_assert(is_open(fd));
    kfk__ledger_close(&beneath, &d);
    ck_assert(!is_open(fd));
    kfk__ledger_settle(&a);
}
END_TEST

/* ---- fork ---- */

/* Gives all back in a child; 0, or what is wrong. */
static int in_child(int fd)
{
    kfk__ledger_abandon(&a);
    if (c.out != 0)
        return 1;
    return is_open(fd) ? 2 : 0;
}

static int grandchild(int fd)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(in_child(fd));
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3;
}

START_TEST(a_child_gives_all_back_and_so_does_its_child)
{
    kfk__descriptor *d = kfk__alloc(&a, sizeof *d);
    int status, fd = dup(0);
    pid_t pid;

    kfk__ledger_enter(&a, d, fd);
    kfk__ledger_settle(&a);
    for (int i = 0; i < 20; i++)
        ck_assert_ptr_nonnull(kfk__alloc(&a, 100));
    pid = fork();
    if (pid == 0) {
        int rc = grandchild(fd);

        _exit(rc ? rc : in_child(fd));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert(is_open(fd));
    ck_assert_int_eq(c.out, 22);
    kfk__ledger_abandon(&a);
}
END_TEST

static atomic_bool stop;

/* Also makes and ends ledgers of its own. */
static void *allocate(void *arg)
{
    void *v[16] = {NULL};

    for (size_t i = 0; !atomic_load(&stop); i++) {
        void **at = &v[i % 16];
        kfk_allocator own;

        if (*at && i % 3 == 0) {
            *at = kfk__resize(&a, *at, i % 500);
            continue;
        }
        kfk__release(&a, *at);
        *at = kfk__alloc(&a, i % 500);
        if (i % 7 == 0 && kfk__ledger_open(&own, &kfk__malloc_allocator))
            kfk__ledger_settle(&own);
    }
    for (int i = 0; i < 16; i++)
        kfk__release(&a, v[i]);
    return arg;
}

/* At most what each thread had in its hands just then is missing. */
static int abandon_in_child(void)
{
    if (SANITIZED)
        return 0;
    kfk__ledger_abandon(&a);
    return c.out <= THREADS ? 0 : 1;
}

START_TEST(whole_in_a_child_whatever_the_threads_do)
{
    pthread_t threads[THREADS];
    int status;

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate, NULL), 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(abandon_in_child());
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kfk__ledger_settle(&a);
    ck_assert_int_eq(c.out, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        goes_with_its_last_block,
        stays_until_it_is_settled,
        blocks_are_aligned_and_keep_what_is_in_them,
        no_memory,
        beneath_is_the_applications,
        close_closes_and_takes_out,
        without_a_ledger_nothing_is_entered,
        a_child_gives_all_back_and_so_does_its_child,
        whole_in_a_child_whatever_the_threads_do,
    };
    Suite *s = suite_create("ledger");
    TCase *t = tcase_create("ledger");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return run_suite(s);
}
