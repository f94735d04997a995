/* group_threads: works on a topic's records as a member of GROUP, in THREADS threads: as many
 * partitions at once, each in order. A record "bad" ends up with the topic's dead letters. Ctrl-C.
 *
 *   group_threads BOOTSTRAP TOPIC GROUP THREADS */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <kfk/kfk.h>

static kfk_group *group;
static atomic_long done;

static void stop(int number)
{
    (void)number, kfk_group_stop(group);
}

/* A run of one partition. What is not marked when it fails is handed out again. */
static kfk_err work(kfk_group *g, kfk_records *rs, void *arg)
{
    const kfk_record_view *r;

    (void)g, (void)arg;
    while ((r = kfk_records_next(rs)) != NULL) {
        if (r->value.len >= 3 && memcmp(r->value.data, "bad", 3) == 0)
            return KFK_ERR_BAD_RECORD;
        kfk_records_mark(rs, r->offset, r->offset, NULL);
        atomic_fetch_add(&done, 1);
    }
    return KFK_OK;
}

static int failed(kfk_group *g, const kfk_record_view *r, const kfk_error *e, int attempt, void *arg)
{
    (void)g, (void)arg;
    fprintf(stderr, "%s-%d at offset %lld, attempt %d: %s\n", r->topic, (int)r->partition,
            (long long)r->offset, attempt, e->msg);
    return attempt < 3 ? KFK_RETRY : KFK_DEAD_LETTER;
}

static void tell(char sign, const kfk_tp *tps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%c %s-%d\n", sign, tps[i].topic, (int)tps[i].partition);
}

/* Partitions come ... */
static kfk_err setup(kfk_group *g, kfk_tp *tps, size_t n, void *arg)
{
    (void)g, (void)arg;
    tell('+', tps, n);
    return KFK_OK;
}

/* ... and go: what is done of them is committed already. */
static kfk_err cleanup(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    (void)g, (void)arg;
    tell('-', tps, n);
    return KFK_OK;
}

int main(int argc, char **argv)
{
    const kfk_group_handler h = {.struct_size = sizeof h,
                                 .consume = work,
                                 .failed = failed,
                                 .setup = setup,
                                 .cleanup = cleanup};
    const char *const *topics = (const char *const *)argv + 2;
    kfk_config *c = kfk_config_new(NULL);
    kfk_producer *p = NULL; /* writes the dead letters */
    kfk_error e = {0};
    kfk_err err;

    if (argc != 5 || !c) {
        fprintf(stderr, "usage: group_threads BOOTSTRAP TOPIC GROUP THREADS\n");
        kfk_config_free(c);
        return 2;
    }
    if ((err = kfk_config_set(c, "bootstrap.servers", argv[1], &e)) == KFK_OK &&
        (err = kfk_producer_new(&p, c, &e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.id", argv[3], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "auto.offset.reset", "earliest", &e)) == KFK_OK &&
        (err = kfk_config_set(c, "consume.threads", argv[4], &e)) == KFK_OK &&
        (err = kfk_group_new(&group, c, topics, 1, &h, NULL, &e)) == KFK_OK)
        err = kfk_group_set_producer(group, p, &e);
    kfk_config_free(c);
    if (err == KFK_OK && signal(SIGINT, stop) != SIG_ERR)
        err = kfk_group_run(group, &e);
    signal(SIGINT, SIG_DFL);
    if (err != KFK_OK)
        fprintf(stderr, "group_threads: %s\n", e.msg);
    kfk_group_free(group);
    kfk_producer_free(p);
    printf("%ld done\n", atomic_load(&done));
    return err != KFK_OK;
}
