/* consume_epoll: prints the records of a topic from where GROUP has left off, in an epoll loop of
 * one thread in which a timer and signals have their turn as well. Ctrl-C or SIGTERM ends it.
 *
 *   consume_epoll BOOTSTRAP TOPIC GROUP */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <kfk/kfk.h>

static long records;

/* One run a turn. The descriptor stays readable until a poll finds nothing, so the loop comes back,
 * and what else it waits for is not kept waiting by a busy topic. */
static kfk_err read_some(kfk_consumer *c, kfk_error *e)
{
    const kfk_record_view *r;
    kfk_records *rs;
    kfk_err err = kfk_consumer_poll(c, 0, &rs, e);

    for (; rs && (r = kfk_records_next(rs)) != NULL; records++)
        printf("%.*s\n", (int)r->value.len, r->value.data ? (const char *)r->value.data : "");
    if (rs)
        err = kfk_records_status(rs, e);
    kfk_records_free(rs);
    return err;
}

static kfk_err run(kfk_consumer *c, int epoll, int timer, int signals, kfk_error *e)
{
    const int fds[] = {kfk_consumer_fd(c), timer, signals};
    struct epoll_event ev = {.events = EPOLLIN};
    uint64_t ticks;
    kfk_err err = KFK_OK;

    for (int i = 0; err == KFK_OK && i < 3; i++) {
        ev.data.fd = fds[i];
        err = epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &ev) < 0 ? KFK_ERR_SYSTEM : KFK_OK;
    }
    while (err == KFK_OK) {
        if (epoll_wait(epoll, &ev, 1, -1) < 1)
            continue;
        if (ev.data.fd == signals)
            break;
        if (ev.data.fd == fds[0])
            err = read_some(c, e);
        else if (read(timer, &ticks, sizeof ticks) > 0)
            fprintf(stderr, "%ld records\n", records);
    }
    return err;
}

/* What is read is committed in the name of the group, now and then and by close. Where nothing is
 * yet, reading begins where auto.offset.reset says. */
static kfk_err start(kfk_consumer **c, char **argv, kfk_error *e)
{
    kfk_config *config = kfk_config_new(NULL);
    kfk_tp tp = {.topic = argv[2]};
    int32_t n = 0;
    kfk_err err = config ? kfk_config_set(config, "bootstrap.servers", argv[1], e) : KFK_ERR_NOMEM;

    err = err ? err : kfk_config_set(config, "group.id", argv[3], e);
    err = err ? err : kfk_config_set(config, "auto.offset.reset", "earliest", e);
    err = err ? err : kfk_consumer_new(c, config, e);
    kfk_config_free(config);
    err = err ? err : kfk_consumer_partitions(*c, argv[2], 10000, &n, e);
    for (; err == KFK_OK && tp.partition < n; tp.partition++)
        err = kfk_consumer_incremental_assign(*c, &tp, 1, e);
    return err;
}

int main(int argc, char **argv)
{
    const struct itimerspec each_second = {{1, 0}, {1, 0}};
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0), signals;
    kfk_consumer *c = NULL;
    kfk_error e = {0};
    sigset_t set;
    kfk_err err;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL); /* they come through a descriptor */
    signals = signalfd(-1, &set, 0);
    timerfd_settime(timer, 0, &each_second, NULL);
    err = argc == 4 ? start(&c, argv, &e) : KFK_ERR_INVALID_ARG;
    if (err == KFK_OK)
        err = run(c, epoll, timer, signals, &e);
    if (err == KFK_OK)
        err = kfk_consumer_close(c, 5000, &e); /* commits, and waits for that */
    if (err != KFK_OK)
        fprintf(stderr, "consume_epoll: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_consumer_free(c);
    return err != KFK_OK;
}
