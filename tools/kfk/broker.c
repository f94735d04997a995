/* kfk broker: a cluster in this process, in memory, for development and tests. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "net/addr.h"
#include "net/env_posix.h"
#include "tool.h"

enum {
    PORT,
    NODES,
    HOST,
    TOPIC,
    PARTITIONS,
    REPLICATION_FACTOR,
    NO_AUTO_CREATE,
    MEMORY,
    RACK,
    FETCH_SESSIONS,
    GROUP_DELAY,
    GROUP_SESSION,
    GROUP_HEARTBEAT,
    KAFKA,
    HELP,
    MOST_NODES = 16
};

static const args_option options[] = {
    [PORT] = {"port", ARGS_VALUE, "port",
              "of the first node, the others count up from it; 0: any (9092)"},
    [NODES] = {"nodes", ARGS_VALUE, "number", "how many brokers, up to 16 (1)"},
    [HOST] = {"host", ARGS_VALUE, "host",
              "an address to listen at, or a name to advertise, and listen at all (127.0.0.1)"},
    [TOPIC] = {"topic", ARGS_VALUE, "name[:partitions[:replicas]]",
               "a topic to begin with; again for more"},
    [PARTITIONS] = {"partitions", ARGS_VALUE, "number", "of topics that do not say how many (1)"},
    [REPLICATION_FACTOR] = {"replication-factor", ARGS_VALUE, "number", "the same (1)"},
    [NO_AUTO_CREATE] = {"no-auto-create", ARGS_NOTHING, NULL, "no new topic by its mere use"},
    [MEMORY] = {"memory", ARGS_VALUE, "bytes",
                "in all logs, the oldest records go first; 0: no limit (1 GiB)"},
    [RACK] = {"rack", ARGS_VALUE, "name",
              "where the first node is; again for the next, and so on, going round"},
    [FETCH_SESSIONS] = {"fetch-sessions", ARGS_VALUE, "number",
                        "slots for them at each node (1000)"},
    [GROUP_DELAY] = {"group-initial-rebalance-delay", ARGS_VALUE, "ms",
                     "what an empty group waits for more members (0; Kafka's is 3000)"},
    [GROUP_SESSION] = {"group-consumer-session-timeout", ARGS_VALUE, "ms",
                       "of members that the broker assigns to (45000)"},
    [GROUP_HEARTBEAT] = {"group-consumer-heartbeat-interval", ARGS_VALUE, "ms",
                         "how often those are to be heard (5000)"},
    [KAFKA] = {"kafka", ARGS_VALUE, "version",
               "the Kafka version it plays: 2.1 2.4 2.8 3.3 3.7 4.3"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
};

typedef struct wanted {
    int64_t port, nodes, partitions, replicas, memory, sessions;
    int64_t group_delay, group_session, group_heartbeat;
    const char *host, *kafka;
} wanted;

/* "name:partitions:replicas". */
static int create_topic(kfk__devbroker *b, const char *text)
{
    char name[256], rest;
    int partitions = 0, replicas = 0;
    size_t len = strcspn(text, ":");

    (void)snprintf(name, sizeof name, "%.*s", (int)len, text);
    if (text[len] && sscanf(text + len, ":%9d%c", &partitions, &rest) != 1 &&
        sscanf(text + len, ":%9d:%9d%c", &partitions, &replicas, &rest) != 2)
        return tool_fail("--topic %s: not name[:partitions[:replicas]]", text);
    if (partitions < 0 || replicas < 0 ||
        kfk__devbroker_create_topic(b, name, partitions, replicas, NULL, 0))
        return tool_fail("--topic %s: no such topic can be made", text);
    return 0;
}

static kfk_err new_broker(const wanted *w, const args *a, kfk__devbroker **out, kfk_error *e)
{
    kfk__devbroker_opts o = {.n_nodes = (int32_t)w->nodes,
                             .profile = w->kafka,
                             .default_partitions = (int32_t)w->partitions,
                             .default_replicas = (int32_t)w->replicas,
                             .memory_max = w->memory,
                             .fetch_sessions = w->sessions ? (int32_t)w->sessions : -1,
                             .no_auto_create = args_has(a, NO_AUTO_CREATE),
                             .groups = {.initial_delay_ms = (int32_t)w->group_delay,
                                        .session_ms = (int32_t)w->group_session,
                                        .heartbeat_ms = (int32_t)w->group_heartbeat}};
    kfk__addr listen[MOST_NODES];
    const char *hosts[MOST_NODES], *racks[MOST_NODES] = {NULL};
    kfk__env env;
    kfk_err err;

    for (int i = 0; i < w->nodes; i++) {
        uint16_t port = (uint16_t)(w->port ? w->port + i : 0);

        hosts[i] = w->host;
        if (args_has(a, RACK))
            racks[i] = args_at(a, RACK, i % args_count(a, RACK));
        if (!kfk__addr_parse(w->host, port, &listen[i]))
            listen[i] = (kfk__addr){.family = 4, .port = port};
    }
    o.listen = listen;
    o.host = hosts;
    o.rack = racks;
    err = kfk__env_posix(&env, &kfk__malloc_allocator, e);
    return err ? err : kfk__devbroker_new(out, &env, &o, e);
}

/* Until SIGINT or SIGTERM, which have been blocked. */
static void serve(kfk__devbroker *b, const sigset_t *ends)
{
    int number;

    (void)printf("listening on %s\n", kfk__devbroker_bootstrap(b));
    (void)fflush(stdout);
    (void)sigwait(ends, &number);
}

static int run(const args *a, const wanted *w)
{
    kfk__devbroker *b = NULL;
    sigset_t ends;
    kfk_error e;
    int status = 0;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    if (new_broker(w, a, &b, &e))
        return tool_fail("%s", e.msg);
    for (int i = 0; !status && i < args_count(a, TOPIC); i++)
        status = create_topic(b, args_at(a, TOPIC, i));
    if (!status && kfk__devbroker_start(b, &e))
        status = tool_fail("%s", e.msg);
    if (!status)
        serve(b, &ends);
    kfk__devbroker_free(b);
    return status;
}

static int parse_wanted(args *a, wanted *w)
{
    *w = (wanted){.port = 9092,
                  .nodes = 1,
                  .partitions = 1,
                  .replicas = 1,
                  .memory = 1 << 30,
                  .sessions = 1000,
                  .group_session = 45000,
                  .group_heartbeat = 5000,
                  .host = "127.0.0.1"};
    if (!args_number(a, PORT, 0, UINT16_MAX, &w->port) ||
        !args_number(a, NODES, 1, MOST_NODES, &w->nodes) ||
        !args_number(a, PARTITIONS, 1, INT32_MAX, &w->partitions) ||
        !args_number(a, REPLICATION_FACTOR, 1, MOST_NODES, &w->replicas) ||
        !args_number(a, MEMORY, 0, INT64_MAX, &w->memory) ||
        !args_number(a, FETCH_SESSIONS, 0, INT32_MAX, &w->sessions) ||
        !args_number(a, GROUP_DELAY, 0, INT32_MAX, &w->group_delay) ||
        !args_number(a, GROUP_SESSION, 1, INT32_MAX, &w->group_session) ||
        !args_number(a, GROUP_HEARTBEAT, 1, INT32_MAX, &w->group_heartbeat) ||
        (args_has(a, HOST) && !args_one(a, HOST, &w->host)) ||
        (args_has(a, KAFKA) && !args_one(a, KAFKA, &w->kafka)))
        return tool_usage(options, COUNT(options), "%s", a->why);
    if (w->port + w->nodes - 1 > UINT16_MAX)
        return tool_fail("--port %d: there are not %d ports from it on", (int)w->port,
                         (int)w->nodes);
    return 0;
}

int broker_command(int n, char *const *words)
{
    wanted w;
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = tool_usage(options, COUNT(options), "%s", a.why);
    else if (args_has(&a, HELP))
        status = tool_usage(options, COUNT(options), "usage: kfk broker [OPTION ...]");
    else
        status = parse_wanted(&a, &w) ? 1 : run(&a, &w);
    args_fini(&a);
    return status;
}
