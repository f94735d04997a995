/* produce_sync: sends one record with a key, and waits for its place in the log.
 *
 *   produce_sync BOOTSTRAP TOPIC KEY VALUE */
#include <stdio.h>
#include <string.h>

#include <kfk/kfk.h>

static int send_one(kfk_producer *p, const char *topic, const char *key, const char *value)
{
    const kfk_record r = {
        .struct_size = sizeof r,
        .topic = topic,
        .key = {key, strlen(key)}, /* records with the same key go to the same partition */
        .value = {value, strlen(value)},
    };
    kfk_delivery d = {.struct_size = sizeof d};
    kfk_error e;

    if (kfk_producer_send_sync(p, &r, 30000, &d, &e) != KFK_OK) {
        fprintf(stderr, "produce_sync: %s\n", e.msg);
        if (e.flags & KFK_MAYBE_DONE)
            fprintf(stderr, "produce_sync: the record may be in the log all the same\n");
        return 1;
    }
    printf("%s-%d at offset %lld\n", topic, (int)d.partition, (long long)d.offset);
    return 0;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_producer *p = NULL;
    kfk_error e;
    int status = 1;

    if (argc != 5 || !c) {
        fprintf(stderr, "usage: produce_sync BOOTSTRAP TOPIC KEY VALUE\n");
        kfk_config_free(c);
        return 2;
    }
    if (kfk_config_set(c, "bootstrap.servers", argv[1], &e) != KFK_OK ||
        kfk_producer_new(&p, c, &e) != KFK_OK)
        fprintf(stderr, "produce_sync: %s\n", e.msg);
    else
        status = send_one(p, argv[2], argv[3], argv[4]);
    kfk_producer_free(p); /* nothing is queued any more: no close is needed before it */
    kfk_config_free(c);
    return status;
}
