/* errors: what an error tells. No broker listens where this program looks for one.
 *
 *   errors [BOOTSTRAP] */
#include <stdio.h>

#include <kfk/kfk.h>

static void show(const char *call, const kfk_error *e)
{
    static const char *const phases[] = {"none",        "resolve", "connect", "TLS",
                                         "ApiVersions", "SASL",    "request"};

    printf("%s\n", call);
    printf("  code      %d %s\n", (int)e->code, kfk_err_name(e->code));
    printf("  meaning   %s\n", kfk_err_str(e->code));
    printf("  msg       %s\n", e->msg);
    printf("  flags    %s%s%s\n", e->flags & KFK_RETRIABLE ? " retriable" : "",
           e->flags & KFK_FATAL ? " fatal" : "", e->flags & KFK_MAYBE_DONE ? " maybe-done" : "");
    if (e->broker[0]) /* what does not apply is empty, or -1 */
        printf("  broker    %d %s\n", (int)e->broker_id, e->broker);
    if (e->phase)
        printf("  phase     %s\n", phases[e->phase]);
    if (e->sys_errno)
        printf("  errno     %d\n", (int)e->sys_errno);
    if (e->topic[0])
        printf("  topic     %s\n", e->topic);
}

static int send_nowhere(kfk_producer *p)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "events", .value = {"hello", 5}};
    kfk_error e;

    if (kfk_producer_send(p, &r, NULL, NULL, &e) == KFK_OK) {
        fprintf(stderr, "errors: there is a broker after all\n");
        return 1;
    }
    show("kfk_producer_send", &e);
    /* The handle tells the failure that stands at any time, without a call that fails. */
    if (kfk_producer_last_error(p, &e) != KFK_OK)
        show("kfk_producer_last_error", &e);
    return 0;
}

int main(int argc, char **argv)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_producer *p = NULL;
    kfk_error e;
    int status = 1;

    if (!c)
        return 1;
    /* A typing error is found when the property is set. */
    if (kfk_config_set(c, "linger", "5", &e) != KFK_OK)
        show("kfk_config_set", &e);
    if (kfk_config_set(c, "bootstrap.servers", argc > 1 ? argv[1] : "127.0.0.1:1", &e) != KFK_OK ||
        kfk_config_set(c, "max.block.ms", "500", &e) != KFK_OK ||
        kfk_producer_new(&p, c, &e) != KFK_OK)
        fprintf(stderr, "errors: %s\n", e.msg);
    else
        status = send_nowhere(p);
    kfk_producer_free(p);
    kfk_config_free(c);
    return status;
}
