/* group_epoll: a member of GROUP in an epoll loop of one thread, in which signals have their turn
 * as well. Ctrl-C or SIGTERM ends it.
 *
 *   group_epoll BOOTSTRAP TOPIC GROUP */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <kfk/kfk.h>

enum { CALLS_A_TURN = 100 };

static kfk_err print(kfk_group *g, const kfk_record_view *r, void *arg)
{
    (void)g;
    (void)arg;
    printf("%.*s\n", (int)r->value.len, r->value.data ? (const char *)r->value.data : "");
    return KFK_OK;
}

/* After kfk_group_stop it goes on until the group is left: KFK_ERR_CLOSED. */
static kfk_err run(kfk_group *g, int epoll, int signals, kfk_error *e)
{
    const int fds[] = {kfk_group_fd(g), signals};
    struct epoll_event ev = {.events = EPOLLIN};
    struct signalfd_siginfo got;
    kfk_err err = KFK_OK;
    int n;

    for (int i = 0; err == KFK_OK && i < 2; i++) {
        ev.data.fd = fds[i];
        err = epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &ev) < 0 ? KFK_ERR_SYSTEM : KFK_OK;
    }
    while (err == KFK_OK) {
        if (epoll_wait(epoll, &ev, 1, -1) < 1)
            continue;
        if (ev.data.fd == fds[0])
            err = kfk_group_dispatch(g, CALLS_A_TURN, &n, e);
        else if (read(signals, &got, sizeof got) > 0)
            kfk_group_stop(g);
    }
    return err == KFK_ERR_CLOSED ? KFK_OK : err;
}

static kfk_err start(kfk_group **g, char **argv, kfk_error *e)
{
    static const kfk_group_handler h = {.struct_size = sizeof h, .record = print};
    const char *const *topics = (const char *const *)argv + 2;
    kfk_config *c = kfk_config_new(NULL);
    kfk_err err;

    if (!c)
        return KFK_ERR_NOMEM;
    if ((err = kfk_config_set(c, "bootstrap.servers", argv[1], e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.id", argv[3], e)) == KFK_OK &&
        (err = kfk_config_set(c, "auto.offset.reset", "earliest", e)) == KFK_OK)
        err = kfk_group_new(g, c, topics, 1, &h, NULL, e);
    kfk_config_free(c);
    return err;
}

int main(int argc, char **argv)
{
    int epoll = epoll_create1(0), signals;
    kfk_group *g = NULL;
    kfk_error e = {0};
    kfk_err err;
    sigset_t set;

    if (argc != 4) {
        fprintf(stderr, "usage: group_epoll BOOTSTRAP TOPIC GROUP\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_NONBLOCK);
    err = epoll < 0 || signals < 0 ? KFK_ERR_SYSTEM : start(&g, argv, &e);
    if (err == KFK_OK)
        err = run(g, epoll, signals, &e);
    if (err != KFK_OK)
        fprintf(stderr, "group_epoll: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_group_free(g);
    close(signals);
    close(epoll);
    return err != KFK_OK;
}
