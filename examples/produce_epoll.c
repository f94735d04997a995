/* produce_epoll: sends COUNT numbers from an epoll loop, in one thread. Callbacks run where the
 * loop calls kfk_producer_dispatch, so nothing here needs a lock.
 *
 *   produce_epoll BOOTSTRAP TOPIC COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <kfk/kfk.h>

static int delivered, failed, refused;

static void on_result(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p;
    (void)arg;
    if (d->status == KFK_DELIVERED) {
        delivered++;
        return;
    }
    failed++;
    fprintf(stderr, "produce_epoll: %s\n", d->msg ? d->msg : kfk_err_str(d->err));
}

/* Sends from number |next| on until buffer.memory is full; the descriptor tells of room then.
 * Returns the next number, or -1. */
static int send_some(kfk_producer *p, const char *topic, int next, int count, kfk_error *e)
{
    for (; next < count; next++) {
        char text[16];
        kfk_record r = {.struct_size = sizeof r, .flags = KFK_NOWAIT, .topic = topic};
        kfk_err err;

        r.value.data = text;
        r.value.len = (size_t)snprintf(text, sizeof text, "%d", next);
        err = kfk_producer_send(p, &r, on_result, NULL, e);
        refused += err == KFK_ERR_WOULD_BLOCK;
        if (err != KFK_OK)
            return err == KFK_ERR_WOULD_BLOCK ? next : -1;
    }
    return next;
}

static kfk_err run(kfk_producer *p, const char *topic, int count, int epoll, kfk_error *e)
{
    struct epoll_event want = {.events = EPOLLIN}, got;
    int next = 0;

    /* A program adds its own descriptors here, too. */
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, kfk_producer_fd(p), &want) < 0)
        return KFK_ERR_SYSTEM;
    while (delivered + failed < count) {
        next = send_some(p, topic, next, count, e);
        if (next < 0)
            return e->code;
        if (epoll_wait(epoll, &got, 1, -1) < 0)
            continue; /* a signal */
        if (kfk_producer_dispatch(p, -1, NULL, e) != KFK_OK)
            return e->code;
    }
    return KFK_OK;
}

static kfk_err make_producer(kfk_producer **p, const char *bootstrap, kfk_error *e)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_err err = c ? kfk_config_set(c, "bootstrap.servers", bootstrap, e) : KFK_ERR_NOMEM;

    if (err == KFK_OK)
        err = kfk_config_set(c, "dispatch", "app", e);
    if (err == KFK_OK) /* little, to show what happens when it is full */
        err = kfk_config_set(c, "buffer.memory", "65536", e);
    if (err == KFK_OK)
        err = kfk_producer_new(p, c, e);
    kfk_config_free(c);
    return err;
}

int main(int argc, char **argv)
{
    kfk_producer *p = NULL;
    kfk_error e = {0};
    kfk_err err = KFK_ERR_INVALID_ARG;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (argc == 4 && epoll >= 0)
        err = make_producer(&p, argv[1], &e);
    if (err == KFK_OK)
        err = run(p, argv[2], atoi(argv[3]), epoll, &e);
    if (err != KFK_OK)
        fprintf(stderr, "produce_epoll: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    printf("%d delivered, %d not; refused for want of room: %d times\n", delivered, failed,
           refused);
    kfk_producer_free(p);
    if (epoll >= 0)
        close(epoll);
    return err != KFK_OK || failed;
}
