/*
 * A member of a group by libkfk; README.md has its properties, lines and commands.
 *
 * One thread, which waits until there is a command, or kfk_consumer_fd says that there is something
 * to poll for.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/kfk.h>

enum {
    TIMEOUT_MS = 30000,
    SHOW_MS = 1000 /* who does not poll is taken to be stuck */
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "kfk_member: %s: %s\n", what, why);
    exit(2);
}

/* ---- what is told ---- */

static kfk_err tell(const char *how, const kfk_tp *tps, size_t n)
{
    if (n == 0)
        return KFK_OK;
    printf("%s", how);
    for (size_t i = 0; i < n; i++)
        printf(" %s:%" PRId32, tps[i].topic, tps[i].partition);
    putchar('\n');
    return KFK_OK;
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    return tell("assigned", tps, n);
}

static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    return tell("revoked", tps, n);
}

static kfk_err lost(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    (void)arg;
    return tell("lost", tps, n);
}

static void poll_once(kfk_consumer *c)
{
    const kfk_record_view *v;
    kfk_records *rs;
    kfk_error e;

    if (kfk_consumer_poll(c, 0, &rs, &e))
        printf("error %s %s\n", kfk_err_name(e.code), e.msg);
    while (rs && (v = kfk_records_next(rs)))
        printf("record %s:%" PRId32 "@%" PRId64 "\n", v->topic, v->partition, v->offset);
    kfk_records_free(rs);
}

/* ---- commands ---- */

/* The end of stdin is a quit. false: that was the last. */
static bool take_command(kfk_consumer *c)
{
    char line[64];
    bool quits = !fgets(line, sizeof line, stdin) || strcmp(line, "quit\n") == 0;
    kfk_error e = {0};

    if (quits)
        (void)kfk_consumer_close(c, TIMEOUT_MS, &e);
    else if (strcmp(line, "commit\n") == 0)
        (void)kfk_consumer_commit(c, NULL, 0, TIMEOUT_MS, &e);
    else
        die("no such command", line);
    printf("done %s%s%s\n", quits ? "quit" : "commit", e.code ? " " : "", e.code ? e.msg : "");
    return !quits;
}

/* ---- the member ---- */

static void set(kfk_config *c, const char *name, const char *value)
{
    kfk_error e;

    if (kfk_config_set(c, name, value, &e))
        die(name, e.msg);
}

static kfk_config *configure(const char *bootstrap)
{
    kfk_config *c = kfk_config_new(NULL);

    if (!c)
        die("memory", "none left");
    set(c, "bootstrap.servers", bootstrap);
    set(c, "auto.offset.reset", "earliest");
    set(c, "enable.auto.commit", "false");
    return c;
}

/* Properties go into |config|; the rest are topics. How many. */
static size_t take_words(kfk_config *config, char **words, const char **topics)
{
    size_t n = 0;

    for (; *words; words++) {
        char *value = *words, *name = strsep(&value, "=");

        if (value)
            set(config, name, value);
        else
            topics[n++] = name;
    }
    return n;
}

static kfk_consumer *join(char **args)
{
    static const kfk_listener listener = {sizeof listener, 0, assigned, revoked, lost};
    kfk_config *config = configure(args[0]);
    const char *topics[16];
    kfk_consumer *c;
    kfk_error e;
    size_t n = take_words(config, args + 1, topics);

    if (kfk_consumer_new(&c, config, &e))
        die("kfk_consumer_new", e.msg);
    kfk_config_free(config);
    if (kfk_consumer_subscribe(c, topics, n, &listener, NULL, &e))
        die("kfk_consumer_subscribe", e.msg);
    return c;
}

int main(int argc, char **argv)
{
    bool goes_on = true;
    kfk_consumer *c;

    if (argc < 3 || argc > 16)
        die("usage", "kfk_member BOOTSTRAP [PROPERTY=VALUE ...] TOPIC ... < commands");
    c = join(argv + 1);
    setvbuf(stdin, NULL, _IONBF, 0); /* what was read ahead, poll would not see */
    while (goes_on) {
        struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
                               {.fd = kfk_consumer_fd(c), .events = POLLIN}};

        fflush(stdout);
        poll(fds, 2, SHOW_MS);
        if (fds[0].revents)
            goes_on = take_command(c);
        else
            poll_once(c);
    }
    kfk_consumer_free(c);
    return 0;
}
