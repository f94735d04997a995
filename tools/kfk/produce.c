/* kfk produce: kafka-console-producer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "pairs.h"
#include "tool.h"

enum {
    TOPIC,
    BOOTSTRAP_SERVER,
    SYNC,
    COMPRESSION_CODEC,
    BATCH_SIZE,
    RETRIES,
    RETRY_BACKOFF_MS,
    TIMEOUT,
    ACKS,
    REQUEST_TIMEOUT_MS,
    METADATA_EXPIRY_MS,
    MAX_BLOCK_MS,
    MAX_MEMORY_BYTES,
    MAX_PARTITION_MEMORY_BYTES,
    LINE_READER,
    SOCKET_BUFFER_SIZE,
    PROPERTY,
    READER_PROPERTY,
    READER_CONFIG,
    PRODUCER_PROPERTY,
    COMMAND_PROPERTY,
    PRODUCER_CONFIG,
    COMMAND_CONFIG,
    HELP,
    VERSION
};

static const args_option options[] = {
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "REQUIRED: where the records go"},
    [BOOTSTRAP_SERVER] = {"bootstrap-server", ARGS_VALUE, "host:port,...",
                          "REQUIRED: brokers to ask first"},
    [SYNC] = {"sync", ARGS_NOTHING, NULL, "wait for each record's delivery"},
    [COMPRESSION_CODEC] = {"compression-codec", ARGS_OPTIONAL, "codec",
                           "none, gzip (without a value), snappy, lz4, zstd"},
    [BATCH_SIZE] = {"batch-size", ARGS_VALUE, "bytes", "batch.size (16384)"},
    [RETRIES] = {"message-send-max-retries", ARGS_VALUE, "number", "retries (3)"},
    [RETRY_BACKOFF_MS] = {"retry-backoff-ms", ARGS_VALUE, "ms", "retry.backoff.ms (100)"},
    [TIMEOUT] = {"timeout", ARGS_VALUE, "ms", "linger.ms (1000)"},
    [ACKS] = {"request-required-acks", ARGS_VALUE, "acks", "acks (-1)"},
    [REQUEST_TIMEOUT_MS] = {"request-timeout-ms", ARGS_VALUE, "ms", "request.timeout.ms (1500)"},
    [METADATA_EXPIRY_MS] = {"metadata-expiry-ms", ARGS_VALUE, "ms", "metadata.max.age.ms (300000)"},
    [MAX_BLOCK_MS] = {"max-block-ms", ARGS_VALUE, "ms", "max.block.ms (60000)"},
    [MAX_MEMORY_BYTES] = {"max-memory-bytes", ARGS_VALUE, "bytes", "buffer.memory (33554432)"},
    [MAX_PARTITION_MEMORY_BYTES] = {"max-partition-memory-bytes", ARGS_VALUE, "bytes",
                                    "--batch-size of old"},
    [LINE_READER] = {"line-reader", ARGS_VALUE, "class", "Kafka's own line reader, and no other"},
    [SOCKET_BUFFER_SIZE] = {"socket-buffer-size", ARGS_VALUE, "bytes",
                            "send.buffer.bytes (102400)"},
    [PROPERTY] = {"property", ARGS_VALUE, "name=value", "--reader-property of old"},
    [READER_PROPERTY] =
        {"reader-property", ARGS_VALUE, "name=value",
         "parse.key parse.headers ignore.error key.separator headers.delimiter headers.separator "
         "headers.key.separator null.marker"},
    [READER_CONFIG] = {"reader-config", ARGS_VALUE, "file", "a file of them, one a line"},
    [PRODUCER_PROPERTY] = {"producer-property", ARGS_VALUE, "name=value",
                           "--command-property of old"},
    [COMMAND_PROPERTY] = {"command-property", ARGS_VALUE, "name=value",
                          "a property of the producer; again for more"},
    [PRODUCER_CONFIG] = {"producer.config", ARGS_VALUE, "file", "--command-config of old"},
    [COMMAND_CONFIG] = {"command-config", ARGS_VALUE, "file", "properties of the producer"},
    [HELP] = {"help", ARGS_NOTHING, NULL, "this"},
    [VERSION] = {"version", ARGS_NOTHING, NULL, "the version of kfk"},
};

static const tool_property properties[] = {
    {TIMEOUT, "linger.ms", "1000"},
    {ACKS, "acks", "-1"},
    {REQUEST_TIMEOUT_MS, "request.timeout.ms", "1500"},
    {RETRIES, "retries", "3"},
    {RETRY_BACKOFF_MS, "retry.backoff.ms", "100"},
    {SOCKET_BUFFER_SIZE, "send.buffer.bytes", "102400"},
    {MAX_MEMORY_BYTES, "buffer.memory", "33554432"},
    {BATCH_SIZE, "batch.size", "16384"},
    {MAX_PARTITION_MEMORY_BYTES, "batch.size", NULL},
    {METADATA_EXPIRY_MS, "metadata.max.age.ms", "300000"},
    {MAX_BLOCK_MS, "max.block.ms", "60000"},
    {BOOTSTRAP_SERVER, "bootstrap.servers", NULL},
    {-1, NULL, NULL},
};

/* The names that options had before, and the ones they have. */
static const struct {
    int old, now;
} renamed[] = {
    {PRODUCER_PROPERTY, COMMAND_PROPERTY},
    {PRODUCER_CONFIG, COMMAND_CONFIG},
    {PROPERTY, READER_PROPERTY},
};

/* ---- the producer ---- */

static kfk_config *make_config(args *a)
{
    kfk_config *c = tool_config();
    const char *codec = "none";

    if (args_has(a, COMPRESSION_CODEC)) {
        codec = args_at(a, COMPRESSION_CODEC, 0);
        codec = codec && *codec ? codec : "gzip";
    }
    if (tool_set(c, "client.id", "console-producer") && tool_set_defaults(c, properties) &&
        tool_load(c, a, PRODUCER_CONFIG) && tool_load(c, a, COMMAND_CONFIG) &&
        tool_set_pairs(c, a, PRODUCER_PROPERTY) && tool_set_pairs(c, a, COMMAND_PROPERTY) &&
        tool_set(c, "compression.type", codec) && tool_set_given(c, a, properties))
        return c;
    kfk_config_free(c);
    return NULL;
}

/* ---- the lines ---- */

static bool set_pair(void *arg, const char *pair)
{
    lines_set(arg, pair);
    return true;
}

static bool set_reader(lines *l, const args *a)
{
    lines_init(l);
    if (args_has(a, READER_CONFIG) && !pairs_each(args_at(a, READER_CONFIG, 0), set_pair, l))
        return false;
    for (int i = 0; i < args_count(a, PROPERTY); i++)
        lines_set(l, args_at(a, PROPERTY, i));
    for (int i = 0; i < args_count(a, READER_PROPERTY); i++)
        lines_set(l, args_at(a, READER_PROPERTY, i));
    if (lines_check(l))
        return true;
    (void)tool_fail("%s", l->why);
    return false;
}

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p;
    (void)arg;
    if (d->err)
        (void)tool_fail("ERROR: a record to topic %s was not delivered: %s [%s]%s", d->topic,
                        d->msg ? d->msg : kfk_err_str(d->err), kfk_err_name(d->err),
                        d->status == KFK_UNKNOWN ? ", or may have been" : "");
}

static int send_line(kfk_producer *p, const char *topic, const lines_record *line, bool sync)
{
    kfk_record r = {.struct_size = sizeof r,
                    .topic = topic,
                    .key = line->key,
                    .value = line->value,
                    .headers = line->headers,
                    .n_headers = line->n_headers};
    kfk_delivery d = {.struct_size = sizeof d};
    kfk_error e;
    kfk_err err = sync ? kfk_producer_send_sync(p, &r, -1, &d, &e)
                       : kfk_producer_send(p, &r, delivered, NULL, &e);

    if (!err)
        return 0;
    (void)tool_fail_error("ERROR: a record was not sent", &e);
    return sync ? 1 : 0; /* as Kafka's tool: only --sync ends at the first failure */
}

static int send_lines(kfk_producer *p, const char *topic, lines *l, bool sync)
{
    bool prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int status = 0;

    while (!status && !tool_stopped()) {
        lines_record line;
        int got;

        if (prompt) {
            (void)printf(">");
            (void)fflush(stdout);
        }
        got = lines_next(l, stdin, &line);
        if (got > 0)
            status = send_line(p, topic, &line, sync);
        else if (got < 0)
            status = tool_fail("%s", l->why);
        free(line.headers);
        if (got == 0)
            break;
    }
    return status;
}

static int run(args *a, const char *topic)
{
    kfk_config *c = make_config(a);
    kfk_producer *p = NULL;
    kfk_error e;
    lines l;
    int status = 1;

    if (!c)
        return 1;
    if (set_reader(&l, a) && kfk_producer_new(&p, c, &e))
        (void)tool_fail("%s", e.msg);
    kfk_config_free(c);
    if (p) {
        tool_catch_signals(NULL);
        status = send_lines(p, topic, &l, args_has(a, SYNC));
        (void)kfk_producer_close(p, -1, NULL);
    }
    kfk_producer_free(p);
    lines_fini(&l);
    return status;
}

/* ---- the command line ---- */

static int usage(const char *why)
{
    return tool_usage(options, COUNT(options), "%s", why);
}

static int check(args *a, const char **topic)
{
    if (!args_has(a, TOPIC))
        return usage("Missing required argument \"[topic]\"");
    if (!args_has(a, BOOTSTRAP_SERVER))
        return usage("Missing required argument \"[bootstrap-server]\"");
    if (!args_one(a, TOPIC, topic))
        return usage(a->why);
    for (int i = 0; i < COUNT(renamed); i++) {
        const char *old = options[renamed[i].old].name, *now = options[renamed[i].now].name;

        if (!args_has(a, renamed[i].old))
            continue;
        if (args_has(a, renamed[i].now))
            return tool_usage(options, COUNT(options),
                              "Options --%s and --%s cannot be specified together.", now, old);
        (void)printf("Warning: --%s is deprecated and will be removed in a future version. Use "
                     "--%s instead.\n",
                     old, now);
    }
    if (args_has(a, MAX_PARTITION_MEMORY_BYTES))
        (void)printf("Warning: --max-partition-memory-bytes is deprecated and will be removed in "
                     "Apache Kafka 5.0. "
                     "Use --batch-size instead.\n");
    if (args_has(a, LINE_READER) &&
        strcmp(args_at(a, LINE_READER, 0), "org.apache.kafka.tools.LineMessageReader") != 0)
        return tool_fail("--line-reader: a class of the JVM cannot be used here");
    return 0;
}

int produce_command(int n, char *const *words)
{
    const char *topic = NULL;
    args a;
    int status;

    if (!args_parse(&a, options, COUNT(options), n, words))
        status = usage(a.why);
    else if (n == 0 || args_has(&a, HELP))
        status = usage("This tool helps to read data from standard input and publish it to Kafka.");
    else if (args_has(&a, VERSION))
        status = printf("%s\n", kfk_version()) < 0;
    else
        status = check(&a, &topic) ? 1 : run(&a, topic);
    args_fini(&a);
    return status;
}
