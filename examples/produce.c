/* produce: sends each line of standard input as a record; a callback hears what became of each.
 *
 *   produce BOOTSTRAP TOPIC < lines */
#include <stdio.h>
#include <string.h>

#include <kfk/kfk.h>

/* Only the Sender thread writes it, and main reads it after close, when no callback runs any more.
 */
static int undelivered;

/* Runs on the Sender thread, once for each record. */
static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p;
    (void)arg;
    if (d->status == KFK_DELIVERED) {
        printf("%s-%d at offset %lld\n", d->topic, (int)d->partition, (long long)d->offset);
        return;
    }
    undelivered++;
    fprintf(stderr, "%s: %s%s\n", d->topic, d->msg ? d->msg : kfk_err_str(d->err),
            d->status == KFK_UNKNOWN ? " (it may be in the log)" : "");
}

static int send_lines(kfk_producer *p, const char *topic, kfk_error *e)
{
    char line[4096];

    while (fgets(line, sizeof line, stdin)) {
        kfk_record r = {
            .struct_size = sizeof r, .topic = topic, .value = {line, strcspn(line, "\n")}};

        /* The library has its own copy when this returns: the buffer is free for the next line. */
        if (kfk_producer_send(p, &r, delivered, NULL, e) != KFK_OK)
            return -1;
    }
    return ferror(stdin) ? -1 : 0;
}

static kfk_err make_producer(kfk_producer **p, const char *bootstrap, kfk_error *e)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_err err;

    if (!c) {
        strcpy(e->msg, "out of memory");
        return KFK_ERR_NOMEM;
    }
    err = kfk_config_set(c, "bootstrap.servers", bootstrap, e);
    if (err == KFK_OK)
        err = kfk_producer_new(p, c, e);
    kfk_config_free(c); /* the producer has a copy */
    return err;
}

int main(int argc, char **argv)
{
    kfk_producer *p;
    kfk_error e;
    int failed;

    if (argc != 3) {
        fprintf(stderr, "usage: produce BOOTSTRAP TOPIC < lines\n");
        return 2;
    }
    if (make_producer(&p, argv[1], &e) != KFK_OK) {
        fprintf(stderr, "produce: %s\n", e.msg);
        return 1;
    }
    failed = send_lines(p, argv[2], &e) != 0;
    if (failed)
        fprintf(stderr, "produce: %s\n", ferror(stdin) ? "cannot read the lines" : e.msg);
    /* Delivers what is queued, for half a minute at most. Then every callback has been called. */
    if (kfk_producer_close(p, 30000, &e) != KFK_OK) {
        fprintf(stderr, "produce: %s\n", e.msg);
        failed = 1;
    }
    kfk_producer_free(p);
    return failed || undelivered;
}
