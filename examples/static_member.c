/* static_member: reads as a member of GROUP that has a name of its own, so that it keeps its
 * partitions over a restart: stop it, start it again within 30 seconds with the same NAME, and the
 * others of the group notice nothing. Each member needs a NAME of its own. Ctrl-C ends it.
 *
 *   static_member BOOTSTRAP TOPIC GROUP NAME */
#include <signal.h>
#include <stdio.h>

#include <kfk/kfk.h>

static kfk_consumer *consumer;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    stopped = number;
    kfk_consumer_wakeup(consumer);
}

static kfk_err tell(const char *what, const kfk_tp *tps, size_t n)
{
    printf("%s", what);
    for (size_t i = 0; i < n; i++)
        printf(" %s-%d", tps[i].topic, (int)tps[i].partition);
    printf("\n");
    return fflush(stdout) ? KFK_ERR_SYSTEM : KFK_OK;
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    return tell("assigned:", tps, n);
}

/* Positions have been committed by now: enable.auto.commit is on. */
static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    return tell("revoked:", tps, n);
}

static kfk_err consume(const char *const *topic, kfk_error *e)
{
    const kfk_listener l = {.struct_size = sizeof l, .assigned = assigned, .revoked = revoked};
    kfk_err err = kfk_consumer_subscribe(consumer, topic, 1, &l, NULL, e);
    const kfk_record_view *r;
    kfk_records *rs;

    while (err == KFK_OK && !stopped) {
        err = kfk_consumer_poll(consumer, 1000, &rs, e);
        while (err == KFK_OK && rs && (r = kfk_records_next(rs)) != NULL)
            printf("%s-%d@%lld\n", r->topic, (int)r->partition, (long long)r->offset);
        kfk_records_free(rs);
    }
    /* A member with a name does not leave the group here: its partitions wait for it. */
    return stopped ? kfk_consumer_close(consumer, 10000, e) : err;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e = {0};
    kfk_err err;

    if (argc != 5 || !c)
        return fprintf(stderr, "usage: static_member BOOTSTRAP TOPIC GROUP NAME\n"), 2;
    if ((err = kfk_config_set(c, "bootstrap.servers", argv[1], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.id", argv[3], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.instance.id", argv[4], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "session.timeout.ms", "30000", &e)) == KFK_OK &&
        (err = kfk_config_set(c, "auto.offset.reset", "earliest", &e)) == KFK_OK)
        err = kfk_consumer_new(&consumer, c, &e);
    kfk_config_free(c);
    if (err == KFK_OK && signal(SIGINT, stop) != SIG_ERR)
        err = consume((const char *const *)argv + 2, &e);
    signal(SIGINT, SIG_DFL);
    if (err == KFK_ERR_FENCED_INSTANCE_ID)
        fprintf(stderr, "static_member: somebody else is %s now\n", argv[4]);
    else if (err != KFK_OK)
        fprintf(stderr, "static_member: %s\n", e.msg);
    kfk_consumer_free(consumer);
    return err != KFK_OK;
}
