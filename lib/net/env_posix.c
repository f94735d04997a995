#include "net/env_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/ledger.h"
#include "net/clock.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "net/thread.h"
#include "net/waiter.h"

/* Read once a record, so the cheap one where there is one. */
#ifdef CLOCK_REALTIME_COARSE
#define WALL_CLOCK CLOCK_REALTIME_COARSE
#else
#define WALL_CLOCK CLOCK_REALTIME
#endif

/* What guards a stack against arrays that overflow would be a third of that read, which has no array. */
#define NO_CANARY
#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#undef NO_CANARY
#define NO_CANARY __attribute__((no_stack_protector))
#endif
#endif

#ifdef __linux__
#define DEFAULT_BACKEND (&kfk__poller_epoll)
#else
#define DEFAULT_BACKEND (&kfk__poller_poll)
#endif

static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return kfk__clock_ns(CLOCK_MONOTONIC);
}

NO_CANARY static int64_t wall_ms(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    (void)clock_gettime(WALL_CLOCK, &ts);
    /* Below 10^9, so that 32 bits will do, in which to divide is half as much. */
    return (int64_t)ts.tv_sec * 1000 + (uint32_t)ts.tv_nsec / 1000000;
}

static const void *self(void *ctx)
{
    static _Thread_local char mine;

    (void)ctx;
    return &mine;
}

/* ---- random ---- */

static size_t random_from_kernel(unsigned char *out, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = getrandom(out + done, n - done, 0);

        if (got < 0 && errno != EINTR)
            break;
        if (got > 0)
            done += (size_t)got;
    }
    return done;
}

static size_t random_from_device(unsigned char *out, size_t n)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    size_t done = 0;

    if (fd < 0)
        return 0;
    while (done < n) {
        ssize_t got = read(fd, out + done, n - done);

        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        if (got > 0)
            done += (size_t)got;
    }
    (void)close(fd);
    return done;
}

/* An old kernel in a jail without /dev: still different from call to call and from process to
 * process, which is all that jitter and ids need. splitmix64. */
static void random_from_time(unsigned char *out, size_t n)
{
    uint64_t x = (uint64_t)kfk__clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32;

    for (size_t i = 0; i < n; i++) {
        uint64_t z = x += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        out[i] = (unsigned char)(z >> 56);
    }
}

static void random_bytes(void *ctx, void *out, size_t n)
{
    unsigned char *p = out;
    size_t done = random_from_kernel(p, n);

    (void)ctx;
    if (done < n)
        done += random_from_device(p + done, n - done);
    if (done < n)
        random_from_time(p + done, n - done);
}

/* ---- the table ---- */

static const kfk__env_ops ops = {
    .now_ns = now_ns,
    .self = self,
    .wall_ms = wall_ms,
    .random = random_bytes,
    .spawn = kfk__thread_spawn,
    .join = kfk__thread_join,
    .waiter_init = kfk__waiter_init,
    .waiter_fini = kfk__waiter_fini,
    .wait = kfk__waiter_wait,
    .wake = kfk__waiter_wake,
    .poller_new = kfk__poller_new,
    .poller_free = kfk__poller_free,
    .poll = kfk__poller_turn,
    .poller_wake = kfk__poller_wake,
    .poller_fd = kfk__poller_fd,
    .connect = kfk__socket_connect,
    .listen = kfk__socket_listen,
    .accept = kfk__socket_accept,
    .sock_error = kfk__socket_error,
    .send = kfk__socket_send,
    .recv = kfk__socket_recv,
    .want = kfk__socket_want,
    .sock_close = kfk__socket_close,
    .resolve = kfk__resolver_start,
    .resolved = kfk__resolver_result,
    .job_end = kfk__resolver_end,
};

kfk_err kfk__env_posix_with(kfk__env *out, const kfk_allocator *a,
                            const kfk__poller_backend *backend, kfk_error *e)
{
    int rc = kfk__fork_watch();

    if (rc)
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, rc, "cannot watch for fork");
    *out = (kfk__env){.ops = &ops, .ctx = (void *)(uintptr_t)backend, .alloc = *a};
    return KFK_OK;
}

kfk_err kfk__env_posix(kfk__env *out, const kfk_allocator *a, kfk_error *e)
{
    return kfk__env_posix_with(out, a, DEFAULT_BACKEND, e);
}

kfk_err kfk__env_handle(kfk__env *out, const kfk_allocator *a, kfk_error *e)
{
    kfk_err err = kfk__env_posix(out, a, e);

    if (!err && !kfk__ledger_open(&out->alloc, a))
        err = kfk__fail_nomem(e);
    return err;
}
