/* group: prints the records of a topic as a member of GROUP. Start it twice and the two share the
 * partitions; stop one and the other takes over. Ctrl-C ends it.
 *
 *   group BOOTSTRAP TOPIC GROUP */
#include <signal.h>
#include <stdio.h>

#include <kfk/kfk.h>

static kfk_group *group;

static void stop(int number)
{
    (void)number;
    kfk_group_stop(group); /* which only signals */
}

/* The whole handler: what it returns KFK_OK for is committed. */
static kfk_err print(kfk_group *g, const kfk_record_view *r, void *arg)
{
    (void)g;
    (void)arg;
    printf("%s-%d at offset %lld: %.*s\n", r->topic, (int)r->partition, (long long)r->offset,
           (int)r->value.len, r->value.data ? (const char *)r->value.data : "");
    return fflush(stdout) ? KFK_ERR_SYSTEM : KFK_OK;
}

int main(int argc, char **argv)
{
    const kfk_group_handler h = {.struct_size = sizeof h, .record = print};
    const char *const *topics = (const char *const *)argv + 2;
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e = {0};
    kfk_err err;

    if (argc != 4 || !c) {
        fprintf(stderr, "usage: group BOOTSTRAP TOPIC GROUP\n");
        kfk_config_free(c);
        return 2;
    }
    if ((err = kfk_config_set(c, "bootstrap.servers", argv[1], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "group.id", argv[3], &e)) == KFK_OK &&
        (err = kfk_config_set(c, "auto.offset.reset", "earliest", &e)) == KFK_OK)
        err = kfk_group_new(&group, c, topics, 1, &h, NULL, &e);
    kfk_config_free(c);
    if (err == KFK_OK && signal(SIGINT, stop) != SIG_ERR)
        err = kfk_group_run(group, &e); /* until it is stopped */
    signal(SIGINT, SIG_DFL);
    if (err != KFK_OK)
        fprintf(stderr, "group: %s\n", e.msg);
    kfk_group_free(group);
    return err != KFK_OK;
}
