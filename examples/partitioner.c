/* partitioner: a function of the program's own chooses partitions, here by the hash of the value.
 *
 *   partitioner BOOTSTRAP TOPIC VALUE ...
 *
 * With three partitions v0 v1 v2 v3 v4 go to 2, 1, 0, 2 and 0. */
#include <stdio.h>
#include <string.h>

#include <kfk/kfk.h>

/* Called once for each record, from inside the send. -1 would leave it to partitioner.class. */
static int32_t by_value(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    ++*(int *)arg;
    return (kfk_murmur2(r->value.data, r->value.len) & 0x7fffffff) % t->n_partitions;
}

static kfk_err make_producer(kfk_producer **p, const char *bootstrap, int *calls, kfk_error *e)
{
    const kfk_hooks hooks = {.struct_size = sizeof hooks, .partition = by_value};
    kfk_config *c = kfk_config_new(NULL);
    kfk_err err = c ? kfk_config_set(c, "bootstrap.servers", bootstrap, e) : KFK_ERR_NOMEM;

    if (err == KFK_OK)
        err = kfk_config_hooks(c, &hooks, calls, e);
    if (err == KFK_OK)
        err = kfk_producer_new(p, c, e);
    kfk_config_free(c);
    return err;
}

static kfk_err send_one(kfk_producer *p, const char *topic, const char *value, kfk_error *e)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = topic, .value = {value, strlen(value)}};
    kfk_delivery d = {.struct_size = sizeof d};
    kfk_err err = kfk_producer_send_sync(p, &r, 30000, &d, e);

    if (err == KFK_OK)
        printf("%s: partition %d\n", value, (int)d.partition);
    return err;
}

int main(int argc, char **argv)
{
    kfk_producer *p = NULL;
    kfk_error e = {0};
    kfk_err err = KFK_ERR_INVALID_ARG;
    int calls = 0;

    if (argc > 3)
        err = make_producer(&p, argv[1], &calls, &e);
    for (int i = 3; i < argc && err == KFK_OK; i++)
        err = send_one(p, argv[2], argv[i], &e);
    if (err == KFK_OK)
        printf("%d calls\n", calls);
    else
        fprintf(stderr, "partitioner: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_producer_free(p);
    return err != KFK_OK;
}
