/* kfk perf produce: kafka-producer-perf-test. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "perf.h"
#include "stats.h"
#include "throttle.h"
#include "tool.h"

enum {
    BOOTSTRAP_SERVER,
    TOPIC,
    NUM_RECORDS,
    RECORD_SIZE,
    PAYLOAD_FILE,
    PAYLOAD_MONOTONIC,
    PAYLOAD_DELIMITER,
    THROUGHPUT,
    PRODUCER_PROPS,
    COMMAND_PROPERTY,
    PRODUCER_CONFIG,
    COMMAND_CONFIG,
    PRINT_METRICS,
    TRANSACTIONAL_ID,
    TRANSACTION_DURATION_MS,
    WARMUP_RECORDS,
    REPORTING_INTERVAL,
    HELP
};

static const args_option options[] = {
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...", "brokers to ask first"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: where the records go"},
    [NUM_RECORDS] = {"num-records", ARGS_VALUE, "number", "REQUIRED: how many records"},
    [RECORD_SIZE] = {"record-size", ARGS_VALUE, "bytes",
                     "random capitals, so many a record; or one of the next two"},
    [PAYLOAD_FILE] = {"payload-file", ARGS_VALUE, "file",
                      "each record is one of this file's, by chance"},
    [PAYLOAD_MONOTONIC] = {"payload-monotonic", ARGS_NOTHING, NULL,
                           "each record is the next number"},
    [PAYLOAD_DELIMITER] = {"payload-delimiter", ARGS_VALUE, "text",
                           "between the records of the file: a regular expression (\\n)"},
    [THROUGHPUT] = {"throughput", ARGS_VALUE, "number",
                    "REQUIRED: records a second at most; -1: no limit"},
    [PRODUCER_PROPS] = {"producer-props", ARGS_VALUES, "name=value", "--command-property of old"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUES, "name=value",
                          "properties of the producer"},
    [PRODUCER_CONFIG] = {"producer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the producer"},
    [PRINT_METRICS] = {"print-metrics", ARGS_NOTHING, NULL,
                       "what the producer has counted, at last"},
    [TRANSACTIONAL_ID] = {"transactional-id", ARGS_VALUE, "id", "not there yet"},
    [TRANSACTION_DURATION_MS] = {"transaction-duration-ms", ARGS_VALUE, "ms", "not there yet"},
    [WARMUP_RECORDS] = {"warmup-records", ARGS_VALUE, "number",
                        "left out of the second total (0: there is none)"},
    [REPORTING_INTERVAL] = {"reporting-interval", ARGS_VALUE, "ms", "between lines (5000)"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
};

typedef struct wanted {
    const char *topic;
    int64_t n, size, warmup, interval_ms;
    double throughput;
    bool metrics;
} wanted;

/* ---- delivery ---- */

/* The Sender thread's while the producer lives; |steady| is set before the first record that counts
 * in it. */
static stats total, steady;

static int64_t began_ms;

/* What a callback has to know of its record: when it was sent, in ms since |began_ms|, its size, and whether it is one of
 * the steady state. */
typedef struct sent {
    int64_t ms, bytes;
    bool steady;
} sent;

enum { SIZE_BITS = 28 }; /* of the size */

#if UINTPTR_MAX >= UINT64_MAX

/* It is in the argument itself. */
#define STEADY_BIT (UINT64_C(1) << 63)

static bool pack(const sent *s, void **arg)
{
    *arg = (void *)(uintptr_t)((uint64_t)s->ms << SIZE_BITS | (uint64_t)s->bytes |
                               (s->steady ? STEADY_BIT : 0));
    return true;
}

static sent unpack(void *arg)
{
    const uint64_t bits = (uintptr_t)arg, size = (UINT64_C(1) << SIZE_BITS) - 1;

    return (sent){.ms = (int64_t)((bits & ~STEADY_BIT) >> SIZE_BITS),
                  .bytes = (int64_t)(bits & size),
                  .steady = (bits & STEADY_BIT) != 0};
}

static void forget(void *arg)
{
    (void)arg;
}

#else

static bool pack(const sent *s, void **arg)
{
    sent *copy = malloc(sizeof *copy);

    if (copy)
        *copy = *s;
    *arg = copy;
    return copy != NULL;
}

static sent unpack(void *arg)
{
    return *(const sent *)arg;
}

static void forget(void *arg)
{
    free(arg);
}

#endif

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    const sent s = unpack(arg);
    int64_t now = tool_wall_ms(), latency = now - began_ms - s.ms;

    (void)p;
    forget(arg);
    if (d->err) {
        (void)tool_fail("a record was not delivered: %s [%s]",
                        d->msg ? d->msg : kfk_err_str(d->err), kfk_err_name(d->err));
        return;
    }
    stats_record(&total, latency, s.bytes, now);
    if (s.steady) {
        total.quiet = true;
        stats_record(&steady, latency, s.bytes, now);
    }
}

/* As Kafka's tool, which goes on after a record that cannot be sent. Returns the exit status. */
static int send_one(kfk_producer *p, const char *topic, kfk_bytes value, bool warm, int64_t now)
{
    kfk_record r = {.struct_size = sizeof r, .topic = topic, .value = value};
    const sent s = {.ms = now - began_ms, .bytes = (int64_t)value.len, .steady = warm};
    kfk_error e;
    void *arg;

    if (!pack(&s, &arg)) {
        (void)tool_fail("no memory");
        return 1;
    }
    if (kfk_producer_send(p, &r, delivered, arg, &e) == KFK_OK)
        return 0;
    forget(arg);
    (void)tool_fail_error("a record was not sent", &e);
    return e.code == KFK_ERR_NOMEM;
}

/* ---- the run ---- */

static int send_all(kfk_producer *p, const wanted *w, payload *values)
{
    throttle pace;

    throttle_init(&pace, w->throughput);
    for (int64_t i = 0; i < w->n && !tool_stopped(); i++) {
        kfk_bytes value = payload_next(values, i);
        int64_t now = tool_wall_ms();
        bool warm = w->warmup > 0 && i >= w->warmup;

        if (warm && i == w->warmup &&
            !stats_init(&steady, w->n - w->warmup, w->interval_ms, true, now))
            return tool_fail("out of memory");
        if (send_one(p, w->topic, value, warm, now))
            return 1;
        throttle_wait(&pace, i);
    }
    return 0;
}

static int print_metrics(kfk_producer *p)
{
    kfk_metrics_text *t = kfk_metrics_text_new(KFK_METRICS_TABLE, NULL);

    return perf_print_metrics(t, t ? kfk_producer_metrics(p, kfk_metrics_text_add, t) : KFK_OK);
}

static int measure(kfk_producer *p, const wanted *w, payload *values)
{
    int status;

    if (w->warmup > 0)
        (void)printf("Warmup first %" PRId64
                     " records. Steady state results will print after the complete test "
                     "summary.\n",
                     w->warmup);
    began_ms = tool_wall_ms();
    if (!stats_init(&total, w->n, w->interval_ms, false, began_ms))
        return tool_fail("out of memory");
    status = send_all(p, w, values);
    (void)kfk_producer_close(p, -1, NULL);
    stats_print_total(&total, tool_wall_ms());
    if (steady.latencies)
        stats_print_total(&steady, tool_wall_ms());
    if (w->metrics && print_metrics(p))
        status = 1;
    stats_fini(&total);
    stats_fini(&steady);
    return status;
}

/* Name and value, each with something in it, and no second =. */
static bool check_pairs(const args *a, int option)
{
    for (int i = 0; i < args_count(a, option); i++) {
        const char *pair = args_at(a, option, i), *equals = strchr(pair, '=');

        if (equals && equals[1] && !strchr(equals + 1, '='))
            continue;
        (void)tool_fail("Invalid property: %s", pair);
        return false;
    }
    return true;
}

static kfk_producer *connect_producer(args *a)
{
    static const tool_property properties[] = {{BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
                                               {-1, NULL, NULL}};
    kfk_config *c = tool_config();
    kfk_producer *p = NULL;
    kfk_error e;

    if (tool_set(c, "client.id", "perf-producer-client") && tool_load(c, a, PRODUCER_CONFIG) &&
        tool_load(c, a, COMMAND_CONFIG) && check_pairs(a, PRODUCER_PROPS) &&
        check_pairs(a, COMMAND_PROPERTY) && tool_set_pairs(c, a, PRODUCER_PROPS) &&
        tool_set_pairs(c, a, COMMAND_PROPERTY) && tool_set_given(c, a, properties) &&
        kfk_producer_new(&p, c, &e))
        (void)tool_fail("%s", e.msg);
    kfk_config_free(c);
    return p;
}

static bool make_payload(payload *values, args *a, const wanted *w)
{
    const char *path = NULL, *delimiter = NULL;

    if (!args_has(a, PAYLOAD_FILE))
        return payload_init(values, (size_t)w->size) || (tool_fail("out of memory"), false);
    (void)args_one(a, PAYLOAD_FILE, &path);
    (void)args_one(a, PAYLOAD_DELIMITER, &delimiter);
    return payload_load(values, path, delimiter ? delimiter : "\n");
}

static void warn_of_old_names(const args *a)
{
    if (args_has(a, PRODUCER_PROPS))
        (void)printf("Option --producer-props has been deprecated and will be removed in a future "
                     "version. Use "
                     "--command-property instead.\n");
    if (args_has(a, PRODUCER_CONFIG))
        (void)printf("Option --producer.config has been deprecated and will be removed in a future "
                     "version. Use "
                     "--command-config instead.\n");
}

static int run(args *a, const wanted *w)
{
    kfk_producer *p;
    payload values;
    int status = 1;

    if (!make_payload(&values, a, w))
        return 1;
    warn_of_old_names(a);
    p = connect_producer(a);
    tool_catch_signals(NULL);
    if (p && args_has(a, PAYLOAD_FILE) && !values.n_pieces)
        (void)tool_fail("No payload file, record size or payload-monotonic option provided.");
    else if (p)
        status = measure(p, w, &values);
    kfk_producer_free(p);
    payload_fini(&values);
    return status;
}

/* ---- the command line ---- */

static int refuse(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

static int parse_wanted(args *a, wanted *w)
{
    const char *throughput = NULL;
    char *end;

    *w = (wanted){.interval_ms = 5000, .metrics = args_has(a, PRINT_METRICS)};
    if (!args_one(a, TOPIC, &w->topic) ||
        !args_number(a, NUM_RECORDS, INT64_MIN, INT64_MAX, &w->n) ||
        !args_number(a, RECORD_SIZE, INT32_MIN, (1 << SIZE_BITS) - 1, &w->size) ||
        !args_number(a, WARMUP_RECORDS, INT64_MIN, INT64_MAX, &w->warmup) ||
        !args_number(a, REPORTING_INTERVAL, INT64_MIN, INT64_MAX, &w->interval_ms) ||
        !args_one(a, THROUGHPUT, &throughput))
        return refuse(a->why);
    w->throughput = strtod(throughput, &end);
    if (end == throughput || *end)
        return refuse("--throughput is not a number");
    if (w->n <= 0)
        return refuse("--num-records should be greater than zero.");
    if (w->warmup > 0 && w->warmup >= w->n)
        return refuse("The value for --warmup-records must be strictly fewer than the number of "
                      "records in the test, "
                      "--num-records.");
    if (args_has(a, RECORD_SIZE) && w->size <= 0)
        return refuse("--record-size should be greater than zero.");
    if (w->interval_ms <= 0)
        return refuse("--reporting-interval should be greater than zero.");
    return 0;
}

static int check(const args *a)
{
    static const int not_yet[] = {TRANSACTIONAL_ID, TRANSACTION_DURATION_MS, -1};
    static const int payloads[] = {RECORD_SIZE, PAYLOAD_FILE, PAYLOAD_MONOTONIC, -1};
    static const int required[] = {TOPIC, NUM_RECORDS, THROUGHPUT, -1};
    static const int sources[] = {BOOTSTRAP_SERVER, COMMAND_PROPERTY, PRODUCER_PROPS,
                                  PRODUCER_CONFIG,  COMMAND_CONFIG,   -1};

    if (tool_not_yet(a, not_yet, "transactions come with a later version"))
        return 1;
    if (tool_given(a, required) != 3)
        return refuse("--topic, --num-records and --throughput are required");
    if (tool_given(a, payloads) != 1)
        return refuse(
            "exactly one of --record-size, --payload-file, --payload-monotonic is required");
    if (tool_given(a, sources) == 0)
        return refuse("At least one of --bootstrap-server, --command-property, --producer-props, "
                      "--producer.config or "
                      "--command-config must be specified.");
    if (args_has(a, COMMAND_PROPERTY) && args_has(a, PRODUCER_PROPS))
        return refuse("--command-property and --producer-props cannot be specified together.");
    if (args_has(a, COMMAND_CONFIG) && args_has(a, PRODUCER_CONFIG))
        return refuse("--command-config and --producer.config cannot be specified together.");
    return 0;
}

int perf_produce_command(int n, char *const *words)
{
    wanted w;
    args a;
    int status;

    if (!args_parse_strict(&a, options, COUNT(options), n, words))
        status = refuse(a.why);
    else if (n == 0 || args_has(&a, HELP))
        status = tool_help(options, COUNT(options),
                           "Sends records, and prints how fast and how long they took.", n > 0);
    else
        status = check(&a) || parse_wanted(&a, &w) ? 1 : run(&a, &w);
    args_fini(&a);
    return status;
}
