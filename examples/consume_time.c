/* consume_time: prints what a topic got in the last SECONDS, up to the end that it has now.
 *
 *   consume_time BOOTSTRAP TOPIC SECONDS */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <kfk/kfk.h>

enum { MAX_PARTITIONS = 1000, PATIENCE_MS = 30000 };

static kfk_tp tps[MAX_PARTITIONS];
static int64_t ends[MAX_PARTITIONS]; /* by partition: the offset of the record that comes next */

/* Each partition begins at its first record of that time or later; at its end if there is none. */
static kfk_err start(kfk_consumer *c, const char *topic, int64_t from_ms, int32_t *n, kfk_error *e)
{
    kfk_err err = kfk_consumer_partitions(c, topic, PATIENCE_MS, n, e);

    if (err == KFK_OK && *n > MAX_PARTITIONS)
        return KFK_ERR_INVALID_ARG;
    for (int32_t i = 0; err == KFK_OK && i < *n; i++)
        tps[i] = (kfk_tp){.topic = topic, .partition = i, .offset = KFK_OFFSET_LATEST};
    if (err == KFK_OK)
        err = kfk_consumer_list_offsets(c, tps, (size_t)*n, PATIENCE_MS, e);
    for (int32_t i = 0; err == KFK_OK && i < *n; i++) {
        err = tps[i].err; /* each partition has its own */
        ends[i] = tps[i].offset;
        tps[i].flags = KFK_TIMESTAMP; /* the offset is a time now */
        tps[i].offset = from_ms;
    }
    return err == KFK_OK ? kfk_consumer_assign(c, tps, (size_t)*n, e) : err;
}

/* The position moves past what is no record for us, too: aborted transactions, say. So it gets
 * there even if the last record that we are shown does not. */
static bool at_end(kfk_consumer *c, int32_t n)
{
    bool yes = kfk_consumer_position(c, tps, (size_t)n, 0, NULL) == KFK_OK;

    for (int32_t i = 0; yes && i < n; i++)
        yes = tps[i].err == KFK_OK && tps[i].offset >= ends[i];
    return yes;
}

static void print(const kfk_record_view *r)
{
    time_t seconds = (time_t)(r->timestamp_ms / 1000);
    char text[32] = "";

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
    printf("%s %s-%d@%lld: %.*s\n", text, r->topic, (int)r->partition, (long long)r->offset,
           (int)r->value.len, r->value.data ? (const char *)r->value.data : "");
}

static kfk_err consume(kfk_consumer *c, int32_t n, kfk_error *e)
{
    kfk_err err = KFK_OK;

    while (err == KFK_OK && !at_end(c, n)) {
        const kfk_record_view *r;
        kfk_records *rs;

        err = kfk_consumer_poll(c, 100, &rs, e);
        while (rs && (r = kfk_records_next(rs)) != NULL)
            if (r->offset < ends[r->partition]) /* else it came after we did */
                print(r);
        if (rs)
            err = kfk_records_status(rs, e);
        kfk_records_free(rs);
    }
    return err;
}

int main(int argc, char **argv)
{
    kfk_config *config = kfk_config_new(NULL);
    kfk_consumer *c = NULL;
    kfk_error e = {0};
    kfk_err err = KFK_ERR_INVALID_ARG;
    int32_t n = 0;

    if (config && argc == 4)
        err = kfk_config_set(config, "bootstrap.servers", argv[1], &e);
    if (err == KFK_OK)
        err = kfk_consumer_new(&c, config, &e);
    if (err == KFK_OK)
        err = start(c, argv[2], ((int64_t)time(NULL) - atoll(argv[3])) * 1000, &n, &e);
    if (err == KFK_OK)
        err = consume(c, n, &e);
    if (err != KFK_OK)
        fprintf(stderr, "consume_time: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_consumer_free(c);
    kfk_config_free(config);
    return err != KFK_OK;
}
