#include "unit/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/addr.h"

static kfk__env env;
static const kfk__env_ops *ops;
static kfk__poller *p;
static kfk__event ev[8];
static int fds_before;
static char me, listeners, peers; /* owners */

static void open_poller(int backend)
{
    fds_before = open_fds();
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[backend], NULL),
                     KFK_OK);
    ops = env.ops;
    ck_assert_int_eq(ops->poller_new(env.ctx, &env.alloc, &p), 0);
}

static void close_poller(void)
{
    ops->poller_free(p);
    ck_assert_int_eq(open_fds(), fds_before);
}

static kfk__addr address(const char *host, uint16_t port)
{
    kfk__addr a;

    ck_assert(kfk__addr_parse(host, port, &a));
    return a;
}

/* Turns until |owner| has an event, and returns what. */
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

/* The descriptor that the next one to be opened will have. */
static int next_fd(void)
{
    int fd = dup(0);

    ck_assert_int_ge(fd, 0);
    close(fd);
    return fd;
}

struct link {
    kfk__sock *listener, *mine, *peer;
    kfk__addr at, from;
    int my_fd, peer_fd;
};

static void open_link(struct link *l, const char *host, const kfk__sock_opts *o)
{
    kfk__addr any = address(host, 0);

    ck_assert_int_eq(ops->listen(p, &any, &listeners, &l->listener, &l->at), 0);
    ck_assert_uint_ne(l->at.port, 0);
    l->my_fd = next_fd();
    ck_assert_int_eq(ops->connect(p, &l->at, o, &me, &l->mine), 0);
    ck_assert_uint_eq(event_of(&me), KFK__EV_WRITE);
    ck_assert_int_eq(ops->sock_error(l->mine), 0);
    ops->want(l->mine, 0);
    ck_assert_uint_eq(event_of(&listeners), KFK__EV_READ);
    l->peer_fd = next_fd();
    ck_assert_int_eq(ops->accept(l->listener, &peers, &l->peer, &l->from), 0);
}

static void close_link(struct link *l)
{
    ops->sock_close(l->mine);
    ops->sock_close(l->peer);
    ops->sock_close(l->listener);
}

static ssize_t send_bytes(kfk__sock *s, const void *data, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)data, n};

    return ops->send(s, &v, 1);
}

static ssize_t recv_bytes(kfk__sock *s, void *data, size_t n)
{
    struct iovec v = {data, n};

    return ops->recv(s, &v, 1);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* ---- connections ---- */

static void there_and_back(const char *host)
{
    struct link l;
    char got[8];

    open_link(&l, host, NULL);
    ck_assert_int_eq(ops->accept(l.listener, &peers, &l.peer, NULL), EAGAIN);
    ck_assert_mem_eq(l.from.bytes, l.at.bytes, 16);
    ck_assert_int_eq(recv_bytes(l.peer, got, sizeof got), -EAGAIN);
    ck_assert_int_eq(send_bytes(l.mine, "ping", 4), 4);
    ck_assert_uint_eq(event_of(&peers), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(l.peer, got, sizeof got), 4);
    ck_assert_mem_eq(got, "ping", 4);
    ops->want(l.mine, KFK__EV_READ);
    ck_assert_int_eq(send_bytes(l.peer, "pong", 4), 4);
    ck_assert_uint_eq(event_of(&me), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(l.mine, got, sizeof got), 4);
    ck_assert_mem_eq(got, "pong", 4);
    close_link(&l);
}

START_TEST(v4_there_and_back)
{
    open_poller(_i);
    there_and_back("127.0.0.1");
    close_poller();
}
END_TEST

START_TEST(v6_there_and_back)
{
    kfk__addr any = address("::1", 0);
    kfk__sock *s;

    open_poller(_i);
    if (ops->listen(p, &any, NULL, &s, NULL) == 0) { /* else: a machine without IPv6 */
        ops->sock_close(s);
        there_and_back("::1");
    }
    close_poller();
}
END_TEST

START_TEST(options_are_set)
{
    kfk__sock_opts o = {.send_buffer = 30000, .receive_buffer = 40000};
    struct link l;

    open_poller(_i);
    open_link(&l, "127.0.0.1", &o);
    for (int i = 0; i < 2; i++) {
        int fd = i ? l.peer_fd : l.my_fd;

        ck_assert_int_ne(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
        ck_assert_int_ne(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
        ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    }
    ck_assert_int_eq(option(l.my_fd, SOL_SOCKET, SO_SNDBUF), 2 * 30000); /* Linux doubles them */
    ck_assert_int_eq(option(l.my_fd, SOL_SOCKET, SO_RCVBUF), 2 * 40000);
    close_link(&l);
    close_poller();
}
END_TEST

START_TEST(minus_one_is_the_systems_buffer)
{
    kfk__sock_opts o = {.send_buffer = -1, .receive_buffer = -1};
    struct link l;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int default_size = option(fd, SOL_SOCKET, SO_RCVBUF);

    close(fd);
    open_poller(_i);
    open_link(&l, "127.0.0.1", &o);
    ck_assert_int_ge(option(l.my_fd, SOL_SOCKET, SO_RCVBUF), default_size);
    close_link(&l);
    close_poller();
}
END_TEST

/* A port that is taken, on which nobody listens. */
START_TEST(refused)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    kfk__addr to;
    kfk__sock *s;
    int rc;

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    ck_assert(kfk__addr_from_sockaddr((struct sockaddr *)&sa, len, &to));
    open_poller(_i);
    rc = ops->connect(p, &to, NULL, &me, &s);
    if (rc == 0) {
        ck_assert_uint_eq(event_of(&me), KFK__EV_WRITE);
        rc = ops->sock_error(s);
        ops->sock_close(s);
    }
    ck_assert_int_eq(rc, ECONNREFUSED);
    close_poller();
    close(fd);
}
END_TEST

START_TEST(meeting_oneself_is_a_refusal)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    struct link l;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* The system brings this about by chance; here a socket is connected to its own port on purpose
     * and put in the place of an ordinary one. */
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, len), 0);
    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ck_assert_int_eq(ops->sock_error(l.mine), 0);
    ck_assert_int_eq(dup2(fd, l.my_fd), l.my_fd);
    ck_assert_int_eq(ops->sock_error(l.mine), ECONNREFUSED);
    close_link(&l);
    close_poller();
    close(fd);
}
END_TEST

START_TEST(impossible_addresses)
{
    kfk__addr nowhere = {.family = 4, .port = 1, .bytes = {255, 255, 255, 255}};
    kfk__addr not_mine = address("192.0.2.1", 0);
    kfk__sock *s;

    open_poller(_i);
    ck_assert_int_ne(ops->connect(p, &nowhere, NULL, &me, &s), 0);
    ck_assert_int_eq(ops->listen(p, &not_mine, &me, &s, NULL), EADDRNOTAVAIL);
    close_poller();
}
END_TEST

START_TEST(port_is_taken)
{
    struct link l;
    kfk__sock *s;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ck_assert_int_eq(ops->listen(p, &l.at, &me, &s, NULL), EADDRINUSE);
    close_link(&l);
    /* SO_REUSEADDR: connections of it that linger on are no obstacle. */
    ck_assert_int_eq(ops->listen(p, &l.at, &me, &s, NULL), 0);
    ops->sock_close(s);
    close_poller();
}
END_TEST

/* ---- bytes ---- */

/* The bytes of a long pattern from |at| on. */
static void fill(unsigned char *out, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)((at + i) * 31 + (at + i) / 251);
}

/* Fills the connection until it takes no more, then empties it: every byte, in order. */
START_TEST(full_and_empty_again)
{
    static unsigned char chunk[65536], expected[65536];
    struct link l;
    size_t sent = 0, got = 0;
    ssize_t n;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    do {
        fill(chunk, sizeof chunk, sent);
        n = send_bytes(l.mine, chunk, sizeof chunk);
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    ck_assert_int_eq(n, -EAGAIN);
    ck_assert_uint_gt(sent, 0);
    ops->want(l.mine, KFK__EV_WRITE);
    while (got < sent) {
        if ((event_of(&peers) & KFK__EV_READ) == 0)
            continue;
        n = recv_bytes(l.peer, chunk, sizeof chunk);
        ck_assert_int_gt(n, 0);
        fill(expected, (size_t)n, got);
        ck_assert_mem_eq(chunk, expected, (size_t)n);
        got += (size_t)n;
    }
    ck_assert_uint_eq(event_of(&me), KFK__EV_WRITE);
    close_link(&l);
    close_poller();
}
END_TEST

START_TEST(more_pieces_than_the_system_takes)
{
    enum { N = IOV_MAX + 500 };
    static unsigned char out[N], in[N];
    static struct iovec v[N];
    struct link l;
    ssize_t n, got = 0;

    fill(out, N, 0);
    for (int i = 0; i < N; i++)
        v[i] = (struct iovec){&out[i], 1};
    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    n = ops->send(l.mine, v, N);
    ck_assert_int_eq(n, IOV_MAX);
    ck_assert_int_eq(ops->send(l.mine, v + n, N - (int)n), N - n);
    for (int i = 0; i < N; i++)
        v[i].iov_base = &in[i];
    while (got < N) {
        ck_assert_uint_eq(event_of(&peers), KFK__EV_READ);
        n = ops->recv(l.peer, v + got, N - (int)got);
        ck_assert_int_gt(n, 0);
        ck_assert_int_le(n, IOV_MAX);
        got += n;
    }
    ck_assert_mem_eq(in, out, N);
    close_link(&l);
    close_poller();
}
END_TEST

START_TEST(end_and_no_sigpipe)
{
    struct link l;
    char c;
    ssize_t n;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ops->sock_close(l.mine);
    ck_assert_uint_eq(event_of(&peers), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(l.peer, &c, 1), 0);
    do
        n = send_bytes(l.peer, "x", 1);
    while (n > 0);
    ck_assert(n == -EPIPE || n == -ECONNRESET);
    ops->sock_close(l.peer);
    ops->sock_close(l.listener);
    close_poller();
}
END_TEST

/* ---- close ---- */

START_TEST(closed_in_the_middle_of_a_turn)
{
    struct link l;
    int n;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ops->want(l.mine, KFK__EV_WRITE);
    ops->want(l.peer, KFK__EV_WRITE);
    n = ops->poll(p, ev, 8, far_off());
    ck_assert_int_eq(n, 2);
    ops->sock_close(l.peer);
    for (int i = 0; i < n; i++) {
        ck_assert_ptr_ne(ev[i].owner, &peers);
        ck_assert(ev[i].owner == &me || ev[i].what == 0);
    }
    ops->sock_close(l.mine);
    for (int i = 0; i < n; i++)
        ck_assert_uint_eq(ev[i].what, 0);
    ops->sock_close(l.listener);
    close_poller();
}
END_TEST

START_TEST(close_reaches_the_peer_though_a_child_holds_the_socket)
{
    struct link l;
    int hold[2];
    char c;
    pid_t pid;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ck_assert_int_eq(pipe(hold), 0);
    pid = fork();
    if (pid == 0) {
        close(hold[1]);
        _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
    }
    ops->sock_close(l.mine);
    ck_assert_uint_eq(event_of(&peers), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(l.peer, &c, 1), 0);
    close(hold[0]);
    close(hold[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ops->sock_close(l.peer);
    ops->sock_close(l.listener);
    close_poller();
}
END_TEST

START_TEST(close_in_a_child_leaves_the_connection)
{
    struct link l;
    char c;
    int status;
    pid_t pid;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    pid = fork();
    if (pid == 0) {
        close_link(&l);
        ops->poller_free(p);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(send_bytes(l.mine, "x", 1), 1);
    ck_assert_uint_eq(event_of(&peers), KFK__EV_READ);
    ck_assert_int_eq(recv_bytes(l.peer, &c, 1), 1);
    close_link(&l);
    close_poller();
}
END_TEST

/* ---- failures ---- */

START_TEST(no_descriptors)
{
    struct rlimit old, low;
    struct link l;
    kfk__sock *s, *second;

    open_poller(_i);
    open_link(&l, "127.0.0.1", NULL);
    ck_assert_int_eq(ops->connect(p, &l.at, NULL, &me, &second), 0);
    ck_assert_uint_eq(event_of(&listeners), KFK__EV_READ);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)next_fd();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert_int_eq(ops->connect(p, &l.at, NULL, &me, &s), EMFILE);
    ck_assert_int_eq(ops->listen(p, &l.at, &me, &s, NULL), EMFILE);
    ck_assert_int_eq(ops->accept(l.listener, &peers, &s, NULL), EMFILE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(ops->accept(l.listener, &peers, &s, NULL), 0);
    ops->sock_close(s);
    ops->sock_close(second);
    close_link(&l);
    close_poller();
}
END_TEST

START_TEST(no_memory)
{
    counted c;
    kfk_allocator a;
    kfk__addr any = address("127.0.0.1", 0), at;
    kfk__sock *listener, *s, *second;
    int before;

    fds_before = open_fds();
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[_i], NULL), KFK_OK);
    ops = env.ops;
    a = counted_allocator(&c, INT_MAX);
    ck_assert_int_eq(ops->poller_new(env.ctx, &a, &p), 0);
    ck_assert_int_eq(ops->listen(p, &any, &listeners, &listener, &at), 0);
    ck_assert_int_eq(ops->connect(p, &at, NULL, &me, &s), 0);
    ck_assert_uint_eq(event_of(&listeners), KFK__EV_READ);
    before = open_fds();
    atomic_store(&c.left, 0);
    ck_assert_int_eq(ops->listen(p, &any, &listeners, &second, NULL), ENOMEM);
    ck_assert_int_eq(ops->connect(p, &at, NULL, &me, &second), ENOMEM);
    ck_assert_int_eq(ops->accept(listener, &peers, &second, NULL), ENOMEM);
    ck_assert_int_eq(open_fds(), before);
    ops->sock_close(s);
    ops->sock_close(listener);
    ops->sock_close(NULL);
    close_poller();
    ck_assert_int_eq(c.out, 0);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        v4_there_and_back,
        v6_there_and_back,
        options_are_set,
        minus_one_is_the_systems_buffer,
        refused,
        meeting_oneself_is_a_refusal,
        impossible_addresses,
        port_is_taken,
        full_and_empty_again,
        more_pieces_than_the_system_takes,
        end_and_no_sigpipe,
        closed_in_the_middle_of_a_turn,
        close_reaches_the_peer_though_a_child_holds_the_socket,
        close_in_a_child_leaves_the_connection,
        no_descriptors,
        no_memory,
    };
    Suite *s = suite_create("socket");
    TCase *t = tcase_create("socket");

    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(t, both[i], 0, N_BACKENDS);
    suite_add_tcase(s, t);
    return run_suite(s);
}
