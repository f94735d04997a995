#include "console.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* As Kafka's: nobody listens any more, which is no failure. What else keeps stdout from being
 * written is one, and kfk says so at its end. */
static void drop_output(void)
{
    bool nobody = fflush(stdout) != 0 && errno == EPIPE;

    (void)tool_fail("Unable to write to standard out, closing consumer.");
    if (nobody && !freopen("/dev/null", "w", stdout))
        (void)tool_fail("/dev/null cannot be opened");
}

/* false: that was the last. */
static bool take(console *c, const kfk_record_view *record, int *status)
{
    const char *why;

    c->n++;
    why = format_print(&c->format, stdout, c->reader.run, record);
    if (why && !c->skip) {
        *status = 1;
        (void)tool_fail("ERROR Unknown error when running consumer: %s", why);
        return false;
    }
    if (why)
        (void)tool_fail("ERROR Error processing message, skipping this message: %s", why);
    return c->most < 0 || c->n < c->most;
}

static void report(const kfk_error *e)
{
    if (e->code == KFK_ERR_TIMED_OUT)
        (void)tool_fail("ERROR Error processing message, terminating consumer process: \n"
                        "org.apache.kafka.common.errors.TimeoutException");
    else if (e->code != KFK_ERR_WOKEN)
        (void)tool_fail("ERROR Error processing message, terminating consumer process: %s [%s]",
                        e->msg, kfk_err_name(e->code));
}

static int read_all(console *c)
{
    bool more = c->most != 0;
    int status = 0;

    while (more && !tool_stopped()) {
        const kfk_record_view *record;
        kfk_error e;
        kfk_err err = reader_next(&c->reader, c->timeout_ms, &record, &e);

        if (err)
            report(&e);
        more = err ? c->skip && reader_skip(&c->reader, &e) : take(c, record, &status);
        if (ferror(stdout)) {
            drop_output();
            break;
        }
    }
    return status;
}

int console_run(console *c, const kfk_config *config)
{
    kfk_error e;
    int status;

    if (reader_open(&c->reader, config, &e))
        return tool_fail_error("ERROR Unknown error when running consumer", &e);
    (void)signal(SIGPIPE, SIG_IGN);
    status = read_all(c);
    if (fflush(stdout))
        drop_output();
    reader_close(&c->reader);
    (void)tool_fail("Processed a total of %" PRId64 " messages", c->n);
    if (c->events)
        (void)printf("shutdown_complete\n");
    return tool_stopped() ? 128 + tool_stopped() : status;
}
