/* metrics: sends COUNT records, and prints what the producer has counted as Prometheus reads it.
 *
 *   metrics BOOTSTRAP TOPIC COUNT */
#include <stdio.h>
#include <stdlib.h>

#include <kfk/kfk.h>

static kfk_err make_producer(kfk_producer **p, const char *bootstrap, kfk_error *e)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_err err = c ? kfk_config_set(c, "bootstrap.servers", bootstrap, e) : KFK_ERR_NOMEM;

    if (err == KFK_OK)
        err = kfk_producer_new(p, c, e);
    kfk_config_free(c);
    return err;
}

static kfk_err send_all(kfk_producer *p, const char *topic, int count, kfk_error *e)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = topic, .value = {"hello", 5}};
    kfk_err err = KFK_OK;

    for (int i = 0; i < count && err == KFK_OK; i++)
        err = kfk_producer_send(p, &r, NULL, NULL, e);
    return err == KFK_OK ? kfk_producer_flush(p, 30000, e) : err;
}

/* A server for /metrics would do this for each request; several handles may go into one text. */
static kfk_err print_metrics(kfk_producer *p)
{
    kfk_metrics_text *t = kfk_metrics_text_new(KFK_METRICS_PROMETHEUS, NULL);
    const char *text = NULL;
    kfk_err err = t ? kfk_producer_metrics(p, kfk_metrics_text_add, t) : KFK_ERR_NOMEM;

    if (err == KFK_OK && (text = kfk_metrics_text_get(t)) == NULL)
        err = KFK_ERR_NOMEM;
    if (text)
        fputs(text, stdout);
    kfk_metrics_text_free(t);
    return err;
}

int main(int argc, char **argv)
{
    kfk_producer *p = NULL;
    kfk_error e = {0};
    kfk_err err = KFK_ERR_INVALID_ARG;

    if (argc == 4)
        err = make_producer(&p, argv[1], &e);
    if (err == KFK_OK)
        err = send_all(p, argv[2], atoi(argv[3]), &e);
    if (err == KFK_OK)
        err = print_metrics(p);
    if (err != KFK_OK)
        fprintf(stderr, "metrics: %s\n", e.msg[0] ? e.msg : kfk_err_str(err));
    kfk_producer_free(p);
    return err != KFK_OK;
}
