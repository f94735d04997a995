/* consumer_poll: prints the records of a topic as a member of GROUP, in a loop that polls, and
 * commits what it has printed. Start it twice and the two share the partitions. Ctrl-C ends it.
 *
 *   consumer_poll BOOTSTRAP TOPIC GROUP */
#include <signal.h>
#include <stdio.h>

#include <kfk/kfk.h>

static kfk_consumer *consumer;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    stopped = number;
    kfk_consumer_wakeup(consumer); /* the one call that a signal handler may make */
}

/* Called from inside of kfk_consumer_poll and kfk_consumer_close. Until it returns the partitions
 * are ours: this is the last chance to commit. All positions are, as what is printed is done. */
static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    kfk_error e;

    (void)arg;
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "going: %s-%d\n", tps[i].topic, (int)tps[i].partition);
    if (kfk_consumer_commit(c, NULL, 0, 5000, &e) != KFK_OK)
        fprintf(stderr, "not committed, and to be printed again: %s\n", e.msg);
    return KFK_OK;
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "ours: %s-%d\n", tps[i].topic, (int)tps[i].partition);
    return KFK_OK;
}

/* Tells how a commit ended, from inside of a later poll. */
static void committed(kfk_consumer *c, const kfk_tp *tps, size_t n, const kfk_error *e, void *arg)
{
    (void)c;
    (void)arg;
    if (e->code != KFK_OK && n > 0)
        fprintf(stderr, "%s-%d not committed: %s\n", tps->topic, (int)tps->partition, e->msg);
}

static kfk_err print_and_commit(kfk_records *rs, kfk_error *e)
{
    for (const kfk_record_view *r; (r = kfk_records_next(rs)) != NULL;)
        printf("%s-%d at offset %lld: %.*s\n", r->topic, (int)r->partition, (long long)r->offset,
               (int)r->value.len, r->value.data ? (const char *)r->value.data : "");
    if (fflush(stdout))
        return KFK_ERR_SYSTEM;
    /* where the next of this partition has to begin; the run may be freed meanwhile */
    return kfk_consumer_commit_async(consumer, kfk_records_tp(rs), 1, committed, NULL, e);
}

static kfk_err consume(const char *const *topic, kfk_error *e)
{
    const kfk_listener l = {.struct_size = sizeof l, .assigned = assigned, .revoked = revoked};
    kfk_err err = kfk_consumer_subscribe(consumer, topic, 1, &l, NULL, e);

    while (err == KFK_OK && !stopped) {
        kfk_records *rs;

        err = kfk_consumer_poll(consumer, 1000, &rs, e);
        if (err == KFK_OK && rs)
            err = print_and_commit(rs, e);
        kfk_records_free(rs);
    }
    return stopped ? kfk_consumer_close(consumer, 10000, e) : err; /* leaves the group */
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e = {.msg = "standard output cannot be written"};
    kfk_err err;

    if (argc != 4 || !c)
        return fprintf(stderr, "usage: consumer_poll BOOTSTRAP TOPIC GROUP\n"), 2;
    if ((err = kfk_config_set(c, "bootstrap.servers", argv[1], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.id", argv[3], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "enable.auto.commit", "false", &e)) == KFK_OK &&
        (err = kfk_config_set(c, "auto.offset.reset", "earliest", &e)) == KFK_OK)
        err = kfk_consumer_new(&consumer, c, &e);
    kfk_config_free(c);
    if (err == KFK_OK && signal(SIGINT, stop) != SIG_ERR)
        err = consume((const char *const *)argv + 2, &e);
    signal(SIGINT, SIG_DFL);
    if (err != KFK_OK)
        fprintf(stderr, "consumer_poll: %s\n", e.msg);
    kfk_consumer_free(consumer);
    return err != KFK_OK;
}
