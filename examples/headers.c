/* headers: a record with a timestamp, headers and a null value, sent and read back.
 *
 *   headers BOOTSTRAP TOPIC */
#include <stdio.h>

#include <kfk/kfk.h>

enum { MAX_HEADERS = 8 };

static void show(const char *what, kfk_bytes b)
{
    if (b.data)
        printf("%s \"%.*s\"\n", what, (int)b.len, (const char *)b.data);
    else
        printf("%s null\n", what);
}

static kfk_err send_one(const kfk_config *c, const char *topic, kfk_tp *where, kfk_error *e)
{
    const kfk_header headers[] = {
        {{"trace-id", 8}, {"4bf92f", 6}},
        {{"empty", 5}, {"", 0}},
        {{"null", 4}, {NULL, 0}}, /* a value may be null, a key may not */
    };
    const kfk_record r = {
        .struct_size = sizeof r,
        .flags = KFK_PARTITION | KFK_TIMESTAMP, /* without a flag a number is not looked at */
        .topic = topic,
        .partition = 0,
        .timestamp_ms = 1700000000000,
        .key = {"user-17", 7},
        .value = {NULL, 0}, /* null, which is not the empty value */
        .headers = headers,
        .n_headers = sizeof headers / sizeof *headers,
    };
    kfk_delivery d = {.struct_size = sizeof d};
    kfk_producer *p = NULL;
    kfk_err err = kfk_producer_new(&p, c, e);

    if (err == KFK_OK)
        err = kfk_producer_send_sync(p, &r, 30000, &d, e);
    kfk_producer_free(p);
    *where =
        (kfk_tp){.topic = topic, .partition = d.partition, .offset = d.offset, .flags = KFK_OFFSET};
    return err;
}

static void print(kfk_records *rs, const kfk_record_view *r)
{
    kfk_header headers[MAX_HEADERS];
    size_t n = kfk_records_headers(rs, headers, MAX_HEADERS);

    printf("timestamp %lld%s\n", (long long)r->timestamp_ms,
           r->flags & KFK_LOG_APPEND_TIME ? " (the broker's)" : "");
    show("key", r->key);
    show("value", r->value);
    for (size_t i = 0; i < n; i++) {
        show("header", headers[i].key);
        show("    is", headers[i].value);
    }
}

static kfk_err read_one(const kfk_config *c, const kfk_tp *where, kfk_error *e)
{
    const kfk_record_view *r;
    kfk_records *rs = NULL;
    kfk_consumer *consumer = NULL;
    kfk_err err = kfk_consumer_new(&consumer, c, e);

    if (err == KFK_OK)
        err = kfk_consumer_assign(consumer, where, 1, e);
    if (err == KFK_OK)
        err = kfk_consumer_poll(consumer, 30000, &rs, e);
    if (rs && (r = kfk_records_next(rs)) != NULL)
        print(rs, r);
    else if (err == KFK_OK) /* nothing came in time: why? */
        err = kfk_consumer_last_error(consumer, e) ? e->code : KFK_ERR_TIMED_OUT;
    kfk_records_free(rs);
    kfk_consumer_free(consumer);
    return err;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_tp where = {0};
    kfk_error e = {0};
    kfk_err err = KFK_ERR_INVALID_ARG;

    if (c && argc == 3)
        err = kfk_config_set(c, "bootstrap.servers", argv[1], &e);
    if (err == KFK_OK)
        err = send_one(c, argv[2], &where, &e);
    if (err == KFK_OK)
        err = read_one(c, &where, &e);
    if (err != KFK_OK)
        fprintf(stderr, "headers: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_config_free(c);
    return err != KFK_OK;
}
