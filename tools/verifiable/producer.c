/* kfk-verifiable-producer: org.apache.kafka.tools.VerifiableProducer, for Kafka's system tests.
 *
 *   kfk-verifiable-producer --topic TOPIC --bootstrap-server HOST:PORT [OPTION ...]
 *
 * Sends ascending numbers and prints what became of each. SIGTERM, SIGINT or the last record end
 * it:
 *
 *     main ── records ──> kfk-sender ── results ──> stdout
 *       │ sem_post, or a signal's handler does
 *       v
 *     closer: closes the producer, so that a send that waits returns; then main says the rest
 */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "../kfk/throttle.h"
#include "../kfk/tool.h"
#include "event.h"
#include "../kfk/exception.h"

enum {
    TOPIC,
    BOOTSTRAP_SERVER,
    MAX_MESSAGES,
    THROUGHPUT,
    ACKS,
    PRODUCER_CONFIG,
    MESSAGE_CREATE_TIME,
    VALUE_PREFIX,
    REPEATING_KEYS,
    COMMAND_CONFIG,
    HELP
};

static const args_option options[] = {
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: where the records go"},
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [MAX_MESSAGES] = {"max-messages", ARGS_VALUE, "number",
                      "how many records; -1: until it is ended (-1)"},
    [THROUGHPUT] = {"throughput", ARGS_VALUE, "number",
                    "records a second at most; -1: no limit (-1)"},
    [ACKS] = {"acks", ARGS_VALUE, "acks", "0, 1 or -1 (-1)"},
    [PRODUCER_CONFIG] = {"producer.config", ARGS_VALUE, "file", "--command-config of old"},
    [MESSAGE_CREATE_TIME] = {"message-create-time", ARGS_VALUE, "ms",
                             "the first record's timestamp; -1: the time of the send (-1)"},
    [VALUE_PREFIX] = {"value-prefix", ARGS_VALUE, "number", "values are NUMBER.0, NUMBER.1 ..."},
    [REPEATING_KEYS] = {"repeating-keys", ARGS_VALUE, "number",
                        "keys are 0 to NUMBER - 1, again and again; else there are none"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file",
                        "properties of the producer, which go before these options"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
};

/* Set before the first record is sent. */
static struct wanted {
    const char *topic;
    int64_t max_messages, throughput, acks, create_time, value_prefix, repeating_keys;
    bool has_prefix, has_keys;
} wanted = {.max_messages = -1, .throughput = -1, .acks = -1, .create_time = -1};

static kfk_producer *producer;
static int64_t sent;
static int64_t acked; /* the Sender's until the producer is closed */
static int64_t began_ms;
static sem_t ended;

/* ---- records: all that there is to say of one follows from its number ---- */

typedef struct text {
    char key[24], value[48];
} text;

static const char *key_of(int64_t i, text *t)
{
    if (!wanted.has_keys)
        return NULL;
    (void)snprintf(t->key, sizeof t->key, "%" PRId64,
                   wanted.repeating_keys > 0 ? i % wanted.repeating_keys : i);
    return t->key;
}

static const char *value_of(int64_t i, text *t)
{
    int n = wanted.has_prefix
                ? snprintf(t->value, sizeof t->value, "%" PRId64 ".", wanted.value_prefix)
                : 0;

    (void)snprintf(t->value + n, sizeof t->value - (size_t)n, "%" PRId64, i);
    return t->value;
}

static void print_success(int64_t i, const kfk_delivery *d)
{
    text t;

    event_begin("producer_send_success");
    event_string("key", key_of(i, &t));
    event_string("value", value_of(i, &t));
    event_integer("offset", d->offset);
    event_string("topic", d->topic);
    event_integer("partition", d->partition);
    event_end();
}

static void print_error(int64_t i, kfk_err err, const char *msg)
{
    char exception[EXCEPTION_MAX + 8] = "class ";
    text t;

    (void)exception_class(err, exception + strlen(exception));
    event_begin("producer_send_error");
    event_string("topic", wanted.topic);
    event_string("key", key_of(i, &t));
    event_string("value", value_of(i, &t));
    event_string("exception", exception);
    event_string("message", msg);
    event_end();
}

/* On the Sender's thread. */
static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p;
    if (d->err) {
        print_error((intptr_t)arg, d->err, d->msg ? d->msg : kfk_err_str(d->err));
        return;
    }
    acked++;
    print_success((intptr_t)arg, d);
}

static void send_record(int64_t i)
{
    text t;
    const char *key = key_of(i, &t), *value = value_of(i, &t);
    kfk_record r = {.struct_size = sizeof r,
                    .topic = wanted.topic,
                    .key = {key, key ? strlen(key) : 0},
                    .value = {value, strlen(value)}};
    kfk_error e;

    if (wanted.create_time != -1) {
        r.flags = KFK_TIMESTAMP;
        r.timestamp_ms = wanted.create_time;
        wanted.create_time += tool_wall_ms() - began_ms;
    }
    sent++;
    if (kfk_producer_send(producer, &r, delivered, (void *)(intptr_t)i, &e))
        print_error(i, e.code, e.msg);
}

/* ---- the run ---- */

static void end(void)
{
    (void)sem_post(&ended);
}

static void *close_producer(void *arg)
{
    (void)arg;
    while (sem_wait(&ended)) /* EINTR: the handler has run on this thread */
        continue;
    (void)kfk_producer_close(producer, -1, NULL);
    return NULL;
}

/* Returns the exit status. */
static int send_all(void)
{
    int64_t n = wanted.max_messages < 0 ? INT64_MAX : wanted.max_messages;
    throttle pace;

    if (wanted.create_time < -1 &&
        n > 0) /* Kafka's tool finds out when it makes the first record */
        return tool_fail("Invalid timestamp: %" PRId64, wanted.create_time);
    throttle_init(&pace, (double)wanted.throughput);
    for (int64_t i = 0; i < n && !tool_stopped(); i++) {
        send_record(i);
        throttle_wait(&pace, i);
    }
    return 0;
}

static void print_summary(void)
{
    int64_t took = tool_wall_ms() - began_ms;

    event_begin("tool_data");
    event_integer("sent", sent);
    event_integer("acked", acked);
    event_integer("target_throughput", wanted.throughput);
    event_real("avg_throughput", 1000.0 * (double)acked / (double)(took > 0 ? took : 1));
    event_end();
}

/* Kafka's tool ends of what it was sent, once it has cleaned up; a shell sees 128 and the signal's
 * number. */
static int run(void)
{
    pthread_t closer;
    int status;

    began_ms = tool_wall_ms();
    if (sem_init(&ended, 0, 0) || pthread_create(&closer, NULL, close_producer, NULL))
        return tool_fail("no thread can be had");
    tool_catch_signals(end);
    event_begin("startup_complete");
    event_end();
    status = send_all();
    end();
    (void)pthread_join(closer, NULL);
    event_begin("shutdown_complete");
    event_end();
    print_summary();
    return tool_stopped() ? 128 + tool_stopped() : status;
}

static bool make_producer(args *a)
{
    char acks[4];
    kfk_config *c = tool_config();
    const char *bootstrap = "";
    kfk_error e;

    (void)args_one(a, BOOTSTRAP_SERVER, &bootstrap);
    (void)snprintf(acks, sizeof acks, "%d", (int)wanted.acks);
    if (tool_set(c, "bootstrap.servers", bootstrap) && tool_set(c, "acks", acks) &&
        tool_set(c, "retries", "0") && tool_load(c, a, PRODUCER_CONFIG) &&
        tool_load(c, a, COMMAND_CONFIG) && kfk_producer_new(&producer, c, &e))
        (void)tool_fail("%s", e.msg);
    kfk_config_free(c);
    return producer != NULL;
}

/* ---- the command line ---- */

static int refuse(const char *why)
{
    return tool_usage(options, COUNT(options), "kfk-verifiable-producer: error: %s", why);
}

static bool parse_numbers(args *a)
{
    wanted.has_prefix = args_has(a, VALUE_PREFIX);
    wanted.has_keys = args_has(a, REPEATING_KEYS);
    return args_one(a, TOPIC, &wanted.topic) &&
           args_number(a, MAX_MESSAGES, INT32_MIN, INT32_MAX, &wanted.max_messages) &&
           args_number(a, THROUGHPUT, INT32_MIN, INT32_MAX, &wanted.throughput) &&
           args_number(a, ACKS, -1, 1, &wanted.acks) &&
           args_number(a, MESSAGE_CREATE_TIME, INT64_MIN, INT64_MAX, &wanted.create_time) &&
           args_number(a, VALUE_PREFIX, INT32_MIN, INT32_MAX, &wanted.value_prefix) &&
           args_number(a, REPEATING_KEYS, INT32_MIN, INT32_MAX, &wanted.repeating_keys);
}

static int check(args *a)
{
    if (!args_has(a, TOPIC) || !args_has(a, BOOTSTRAP_SERVER))
        return refuse("--topic and --bootstrap-server are required");
    if (!parse_numbers(a))
        return refuse(a->why);
    if (args_has(a, PRODUCER_CONFIG) && args_has(a, COMMAND_CONFIG))
        return refuse("Options --producer.config and --command-config are mutually exclusive.");
    if (args_has(a, PRODUCER_CONFIG))
        (void)printf("Option --producer.config has been deprecated and will be removed in a future "
                     "version. Use --command-config instead.\n");
    return 0;
}

int main(int argc, char **argv)
{
    args a;
    int status;

    if (!args_parse_strict(&a, options, COUNT(options), argc - 1, argv + 1))
        status = refuse(a.why);
    else if (argc == 1 || args_has(&a, HELP))
        status = tool_help(options, COUNT(options),
                           "Sends ascending numbers to a topic, and prints as JSON which of them "
                           "were acknowledged.",
                           argc > 1);
    else
        status = check(&a) || !make_producer(&a) ? 1 : run();
    kfk_producer_free(producer);
    args_fini(&a);
    return status;
}
