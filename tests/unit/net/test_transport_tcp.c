#include "unit/net/net.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/transport.h"

static kfk__env env;
static const kfk__env_ops *ops;
static kfk__poller *p;
static kfk__event ev[8];
static kfk_error e;
static counted memory;
static int fds_before, peer_fd;
static kfk__sock *listener, *peer;
static kfk__addr at;
static kfk__transport *t;
static char me, others; /* owners */

static uint32_t event_of(const void *owner)
{
    int64_t until = far_off();

    while (now() < until) {
        int n = ops->poll(p, ev, 8, until);

        for (int i = 0; i < n; i++)
            if (ev[i].owner == owner)
                return ev[i].what;
    }
    ck_abort_msg("no event in time");
    return 0;
}

/* A transport that has been started, and the socket at its other end. */
static void open_pair(int backend)
{
    kfk_allocator a = counted_allocator(&memory, INT_MAX);
    kfk__addr any;
    kfk__sock *s;

    fds_before = open_fds();
    ck_assert_int_eq(kfk__env_posix_with(&env, &a, backends[backend], NULL), KFK_OK);
    ops = env.ops;
    ck_assert_int_eq(ops->poller_new(env.ctx, &a, &p), 0);
    ck_assert(kfk__addr_parse("127.0.0.1", 0, &any));
    ck_assert_int_eq(ops->listen(p, &any, &others, &listener, &at), 0);
    ck_assert_int_eq(ops->connect(p, &at, NULL, &me, &s), 0);
    t = kfk__transport_tcp(&env, s);
    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(event_of(&me), KFK__EV_WRITE);
    ck_assert_int_eq(t->ops->start(t, &e), 0);
    t->ops->want(t, 0);
    ck_assert_uint_eq(event_of(&others), KFK__EV_READ);
    peer_fd = dup(0); /* what the next descriptor will be */
    close(peer_fd);
    ck_assert_int_eq(ops->accept(listener, &others, &peer, NULL), 0);
    ops->want(listener, 0);
}

static void close_pair(void)
{
    if (t)
        t->ops->close(t);
    ops->sock_close(peer);
    ops->sock_close(listener);
    ops->poller_free(p);
    ck_assert_int_eq(memory.out, 0);
    ck_assert_int_eq(open_fds(), fds_before);
}

static ssize_t send_bytes(const void *data, size_t n)
{
    struct iovec v[2] = {{(void *)(uintptr_t)data, n / 2},
                         {(char *)(uintptr_t)data + n / 2, n - n / 2}};

    return t->ops->send(t, v, 2, &e);
}

static ssize_t recv_bytes(void *data, size_t n)
{
    struct iovec v[2] = {{data, n / 2}, {(char *)data + n / 2, n - n / 2}};

    return t->ops->recv(t, v, 2, &e);
}

START_TEST(there_and_back)
{
    char got[8];
    struct iovec v = {got, sizeof got};

    open_pair(_i);
    ck_assert_int_eq(recv_bytes(got, sizeof got), KFK__IO_AGAIN_READ);
    ck_assert_int_eq(send_bytes("ping", 4), 4);
    ck_assert_uint_eq(event_of(&others), KFK__EV_READ);
    ck_assert_int_eq(ops->recv(peer, &v, 1), 4);
    ck_assert_mem_eq(got, "ping", 4);
    v.iov_len = 4;
    ck_assert_int_eq(ops->send(peer, &v, 1), 4);
    t->ops->want(t, KFK__EV_READ);
    ck_assert_uint_eq(event_of(&me), KFK__EV_READ);
    memset(got, 0, sizeof got);
    ck_assert_int_eq(recv_bytes(got, 3), 3);
    ck_assert(!t->ops->pending(t)); /* the socket tells of the rest */
    ck_assert_uint_eq(event_of(&me), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(got + 3, 5), 1);
    ck_assert_mem_eq(got, "ping", 4);
    close_pair();
}
END_TEST

START_TEST(full)
{
    static char chunk[65536];
    ssize_t n;

    open_pair(_i);
    do
        n = send_bytes(chunk, sizeof chunk);
    while (n > 0);
    ck_assert_int_eq(n, KFK__IO_AGAIN_WRITE);
    close_pair();
}
END_TEST

START_TEST(the_peer_ends)
{
    char c;
    ssize_t n;

    open_pair(_i);
    ops->sock_close(peer);
    peer = NULL;
    t->ops->want(t, KFK__EV_READ);
    ck_assert_uint_eq(event_of(&me), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(&c, 1), 0);
    do
        n = send_bytes("xx", 2);
    while (n > 0);
    ck_assert_int_eq(n, KFK__IO_FAILED);
    ck_assert_int_eq(e.code, KFK_ERR_DISCONNECTED);
    ck_assert(e.sys_errno == EPIPE || e.sys_errno == ECONNRESET);
    ck_assert_ptr_nonnull(strstr(e.msg, strerror(e.sys_errno)));
    close_pair();
}
END_TEST

START_TEST(the_peer_resets)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    char c;

    open_pair(_i);
    /* To dissolve a connection with bytes unread is to reset it. */
    ck_assert_int_eq(send_bytes("xx", 2), 2);
    ck_assert_uint_eq(event_of(&others), KFK__EV_READ);
    ck_assert_int_eq(connect(peer_fd, &none, sizeof none), 0);
    t->ops->want(t, KFK__EV_READ);
    ck_assert_uint_eq(event_of(&me), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(&c, 1), KFK__IO_FAILED);
    ck_assert_int_eq(e.code, KFK_ERR_DISCONNECTED);
    ck_assert_int_eq(e.sys_errno, ECONNRESET);
    ck_assert_int_eq(t->ops->recv(t, &(struct iovec){&c, 1}, 1, NULL), 0);
    close_pair();
}
END_TEST

START_TEST(refused)
{
    kfk__sock *s;

    open_pair(_i);
    t->ops->close(t);
    ops->sock_close(peer);
    ops->sock_close(listener);
    peer = listener = NULL;
    /* A port that was just left, at an address that nothing listens on. */
    at.bytes[1] = at.bytes[2] = at.bytes[3] = 77;
    ck_assert_int_eq(ops->connect(p, &at, NULL, &me, &s), 0);
    t = kfk__transport_tcp(&env, s);
    ck_assert_uint_eq(event_of(&me), KFK__EV_WRITE);
    ck_assert_int_eq(t->ops->start(t, &e), KFK__IO_FAILED);
    ck_assert_int_eq(e.code, KFK_ERR_CONNECT);
    ck_assert_int_eq(e.sys_errno, ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(e.msg, "Connection refused"));
    close_pair();
}
END_TEST

START_TEST(no_memory_leaves_the_socket)
{
    open_pair(_i);
    atomic_store(&memory.left, 0);
    ck_assert_ptr_null(kfk__transport_tcp(&env, peer));
    close_pair();
}
END_TEST

START_TEST(which_event_to_want)
{
    ck_assert_uint_eq(kfk__io_event(KFK__IO_AGAIN_READ), KFK__EV_READ);
    ck_assert_uint_eq(kfk__io_event(KFK__IO_AGAIN_WRITE), KFK__EV_WRITE);
    ck_assert_uint_eq(kfk__io_event(KFK__IO_FAILED), 0);
    ck_assert_uint_eq(kfk__io_event(0), 0);
    ck_assert_uint_eq(kfk__io_event(1), 0);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        there_and_back, full, the_peer_ends, the_peer_resets, refused, no_memory_leaves_the_socket,
    };
    Suite *s = suite_create("transport_tcp");
    TCase *tc = tcase_create("transport_tcp");

    tcase_set_timeout(tc, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(tc, both[i], 0, N_BACKENDS);
    tcase_add_test(tc, which_event_to_want);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
