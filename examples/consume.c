/* consume: prints the records of all partitions of a topic, from their beginning, until Ctrl-C or
 * until it has COUNT of them.
 *
 *   consume BOOTSTRAP TOPIC [COUNT] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <kfk/kfk.h>

static kfk_consumer *consumer;

static void stop(int number)
{
    (void)number;
    kfk_consumer_wakeup(consumer); /* the one call that a signal handler may make */
}

static kfk_err assign_all(const char *topic, kfk_error *e)
{
    kfk_tp *tps;
    int32_t n;
    kfk_err err = kfk_consumer_partitions(consumer, topic, 10000, &n, e);

    if (err != KFK_OK)
        return err;
    tps = calloc((size_t)n, sizeof *tps);
    if (!tps)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; i < n; i++) {
        tps[i] = (kfk_tp){.topic = topic, .partition = i};
        tps[i].flags = KFK_OFFSET; /* without it: where auto.offset.reset says */
        tps[i].offset = KFK_OFFSET_EARLIEST;
    }
    err = kfk_consumer_assign(consumer, tps, (size_t)n, e);
    free(tps);
    return err;
}

static void print(const kfk_record_view *r)
{
    printf("%s-%d at offset %lld: ", r->topic, (int)r->partition, (long long)r->offset);
    fwrite(r->value.data ? r->value.data : "null", 1, r->value.data ? r->value.len : 4, stdout);
    putchar('\n');
}

static kfk_err consume(long count, kfk_error *e)
{
    kfk_err err = KFK_OK;

    while (err == KFK_OK && count > 0) {
        const kfk_record_view *r;
        kfk_records *rs; /* records of one partition */

        err = kfk_consumer_poll(consumer, 1000, &rs, e);
        if (err != KFK_OK || !rs) /* NULL: nothing in this second */
            continue;
        while (count > 0 && (r = kfk_records_next(rs)) != NULL) {
            print(r);
            count--;
        }
        if (count > 0)
            err = kfk_records_status(rs, e); /* why there is no more: all were read, or an error */
        kfk_records_free(rs);
    }
    return err;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e = {0};
    kfk_err err;

    if (argc < 3 || !c) {
        fprintf(stderr, "usage: consume BOOTSTRAP TOPIC [COUNT]\n");
        kfk_config_free(c);
        return 2;
    }
    err = kfk_config_set(c, "bootstrap.servers", argv[1], &e);
    if (err == KFK_OK)
        err = kfk_consumer_new(&consumer, c, &e);
    kfk_config_free(c);
    if (err == KFK_OK && signal(SIGINT, stop) != SIG_ERR)
        err = assign_all(argv[2], &e);
    if (err == KFK_OK)
        err = consume(argc > 3 ? atol(argv[3]) : 0x7fffffff, &e);
    if (err != KFK_OK && err != KFK_ERR_WOKEN)
        fprintf(stderr, "consume: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    signal(SIGINT, SIG_DFL);
    kfk_consumer_free(consumer);
    return err != KFK_OK && err != KFK_ERR_WOKEN;
}
