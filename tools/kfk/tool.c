#include "tool.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int tool_verbose;

static volatile sig_atomic_t stopped;
static void (*wake_fn)(void);

/* ---- saying what is wrong ---- */

int tool_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return 1;
}

int tool_fail_error(const char *what, const kfk_error *e)
{
    return tool_fail("%s: %s [%s]", what, e->msg, kfk_err_name(e->code));
}

int tool_usage(const args_option *options, int n_options, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    args_usage(stderr, options, n_options);
    return 1;
}

int tool_help(const args_option *options, int n_options, const char *text, bool asked)
{
    (void)printf("%s\n", text);
    args_usage(stdout, options, n_options);
    return asked;
}

bool tool_not_yet(const args *a, const int *options, const char *when)
{
    for (; *options >= 0; options++) {
        if (!args_has(a, *options))
            continue;
        (void)tool_fail("--%s is not there yet: %s", a->options[*options].name, when);
        return true;
    }
    return false;
}

int tool_given(const args *a, const int *options)
{
    int n = 0;

    for (; *options >= 0; options++)
        n += args_has(a, *options);
    return n;
}

/* ---- properties ---- */

static void log_line(int level, const char *subsystem, const char *msg, void *arg)
{
    const char *name = level <= KFK_LOG_ERROR  ? "ERROR"
                       : level <= KFK_LOG_WARN ? "WARN"
                       : level <= KFK_LOG_INFO ? "INFO"
                                               : "DEBUG";

    (void)arg;
    (void)fprintf(stderr, "%s %s: %s\n", name, subsystem, msg);
}

kfk_config *tool_config(void)
{
    static const int32_t levels[] = {KFK_LOG_WARN, KFK_LOG_INFO, KFK_LOG_DEBUG};
    kfk_hooks hooks = {.struct_size = sizeof hooks,
                       .log_level = levels[tool_verbose < COUNT(levels) ? tool_verbose : 2],
                       .log = log_line};
    kfk_config *c = kfk_config_new(NULL);

    if (!c || kfk_config_hooks(c, &hooks, NULL, NULL))
        exit(tool_fail("out of memory"));
    return c;
}

bool tool_load(kfk_config *c, const args *a, int option)
{
    kfk_error e;

    if (!args_has(a, option) || kfk_config_load(c, args_at(a, option, 0), &e) == KFK_OK)
        return true;
    (void)tool_fail("%s", e.msg);
    return false;
}

static uint32_t only_role;

void tool_only(uint32_t role)
{
    only_role = role;
}

/* Whether it is known to be of other roles alone. */
static bool passed_over(const char *name)
{
    kfk_property p = {.struct_size = sizeof p};

    for (size_t i = 0; only_role && kfk_config_list(i, &p); i++)
        if (strcmp(p.name, name) == 0)
            return (p.roles & only_role) == 0;
    return false;
}

bool tool_set(kfk_config *c, const char *name, const char *value)
{
    kfk_error e;

    if (passed_over(name))
        return true;
    if (kfk_config_set(c, name, value, &e) == KFK_OK)
        return true;
    (void)tool_fail("%s", e.msg);
    return false;
}

bool tool_set_pairs(kfk_config *c, const args *a, int option)
{
    for (int i = 0; i < args_count(a, option); i++) {
        const char *pair = args_at(a, option, i), *equals = strchr(pair, '=');
        char name[256];

        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(pair, "="), pair);
        if (!tool_set(c, name, equals ? equals + 1 : ""))
            return false;
    }
    return true;
}

bool tool_set_defaults(kfk_config *c, const tool_property *p)
{
    for (; p->option >= 0; p++)
        if (p->otherwise && !tool_set(c, p->name, p->otherwise))
            return false;
    return true;
}

bool tool_set_given(kfk_config *c, args *a, const tool_property *p)
{
    for (; p->option >= 0; p++) {
        const char *value;

        if (!args_has(a, p->option))
            continue;
        if (!args_one(a, p->option, &value)) {
            (void)tool_fail("%s", a->why);
            return false;
        }
        if (!tool_set(c, p->name, value))
            return false;
    }
    return true;
}

bool tool_set_group(kfk_config *c, const char *group)
{
    /* Without one there is nothing to commit, whatever was said. */
    return group ? tool_set(c, "group.id", group) : tool_set(c, "enable.auto.commit", "false");
}

const char *tool_pair_value(const char *pair, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(pair, name, len) != 0 || (pair[len] && pair[len] != '='))
        return NULL;
    return pair[len] ? pair + len + 1 : "";
}

/* ---- time, signals ---- */

static int64_t ms_of(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t tool_wall_ms(void)
{
    return ms_of(CLOCK_REALTIME);
}

int64_t tool_now_ms(void)
{
    return ms_of(CLOCK_MONOTONIC);
}

static void on_signal(int number)
{
    stopped = number;
    if (wake_fn)
        wake_fn();
}

int tool_stopped(void)
{
    return stopped;
}

void tool_catch_signals(void (*wake)(void))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    wake_fn = wake;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
}
