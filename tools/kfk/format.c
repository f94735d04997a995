#include "format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS, KEY, VALUE };

/* ---- what is set ---- */

void format_init(format *f)
{
    *f = (format){.value = true,
                  .key_separator = "\t",
                  .line_separator = "\n",
                  .headers_separator = ",",
                  .null_literal = "null"};
}

bool format_choose(format *f, const char *class)
{
    static const struct {
        const char *class;
        format_kind kind;
    } known[] = {
        {"org.apache.kafka.tools.consumer.DefaultMessageFormatter", FORMAT_DEFAULT},
        {"org.apache.kafka.tools.consumer.LoggingMessageFormatter", FORMAT_LOGGING},
        {"org.apache.kafka.tools.consumer.NoOpMessageFormatter", FORMAT_NOTHING},
        /* as they were called before Kafka 4.0 */
        {"kafka.tools.DefaultMessageFormatter", FORMAT_DEFAULT},
        {"kafka.tools.LoggingMessageFormatter", FORMAT_LOGGING},
        {"kafka.tools.NoOpMessageFormatter", FORMAT_NOTHING},
    };

    for (int i = 0; i < COUNT(known); i++)
        if (strcmp(class, known[i].class) == 0) {
            f->kind = known[i].kind;
            return true;
        }
    (void)tool_fail("--formatter %s: a class of the JVM cannot be used here", class);
    return false;
}

/* Java's trim and equalsIgnoreCase. */
static bool is_true(const char *value)
{
    size_t len;

    while (*value && (unsigned char)*value <= ' ')
        value++;
    len = strlen(value);
    while (len && (unsigned char)value[len - 1] <= ' ')
        len--;
    return len == 4 && strncasecmp(value, "true", 4) == 0;
}

static void set_part(struct format_part *part, const char *pair, const char *name, bool is_key)
{
    char encoding[128], plain[128];
    const char *value = tool_pair_value(pair, name);

    (void)snprintf(encoding, sizeof encoding, "%s.%s.deserializer.encoding", name,
                   is_key ? "key" : "value");
    (void)snprintf(plain, sizeof plain, "%s.deserializer.encoding", name);
    if (value)
        part->class = value;
    value = tool_pair_value(pair, encoding);
    if (value)
        part->encoding = value;
    value = tool_pair_value(pair, plain);
    if (value)
        part->plain_encoding = value;
}

void format_set(format *f, const char *pair)
{
    const struct {
        const char *name;
        bool *flag;
        const char **text;
    } known[] = {
        {"print.timestamp", &f->timestamp, NULL},
        {"print.partition", &f->partition, NULL},
        {"print.offset", &f->offset, NULL},
        {"print.delivery", &f->delivery, NULL},
        {"print.epoch", &f->epoch, NULL},
        {"print.headers", &f->headers, NULL},
        {"print.key", &f->key, NULL},
        {"print.value", &f->value, NULL},
        {"key.separator", NULL, &f->key_separator},
        {"line.separator", NULL, &f->line_separator},
        {"headers.separator", NULL, &f->headers_separator},
        {"null.literal", NULL, &f->null_literal},
    };

    for (int i = 0; i < COUNT(known); i++) {
        const char *value = tool_pair_value(pair, known[i].name);

        if (value && known[i].flag)
            *known[i].flag = is_true(value);
        else if (value)
            *known[i].text = value;
    }
    set_part(&f->parts[HEADERS], pair, "headers.deserializer", false);
    set_part(&f->parts[KEY], pair, "key.deserializer", true);
    set_part(&f->parts[VALUE], pair, "value.deserializer", false);
}

bool format_check(format *f)
{
    for (int i = 0; i < COUNT(f->parts); i++) {
        struct format_part *part = &f->parts[i];
        const char *encoding = part->encoding ? part->encoding : part->plain_encoding;

        if (!part->class)
            continue;
        if (!deserializer_find(&part->deserializer, part->class)) {
            (void)tool_fail("deserializer %s: a class of the JVM cannot be used here", part->class);
            return false;
        }
        if (encoding && !deserializer_set_encoding(&part->deserializer, encoding)) {
            (void)tool_fail("Unsupported encoding %s", encoding);
            return false;
        }
    }
    return true;
}

/* ---- a record ---- */

/* One record on its way out: what separates a field from the one before is not known until there is
 * one. */
typedef struct printer {
    const format *f;
    FILE *out;
    bool first;
    const char *why;
} printer;

static void begin_field(printer *p)
{
    if (!p->first)
        (void)fputs(p->f->key_separator, p->out);
    p->first = false;
}

/* As in Kafka's, a deserializer is given the text that stands for null, too. */
static bool print_part(printer *p, int part, kfk_bytes b)
{
    if (!b.data)
        b = (kfk_bytes){p->f->null_literal, strlen(p->f->null_literal)};
    p->why = deserializer_print(&p->f->parts[part].deserializer, p->out, b);
    return p->why == NULL;
}

static const char *timestamp_type(const kfk_record_view *r)
{
    return r->flags & KFK_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime";
}

static void print_timestamp(printer *p, const kfk_record_view *r)
{
    begin_field(p);
    if (r->timestamp_ms < 0)
        (void)fputs("NO_TIMESTAMP", p->out);
    else
        (void)fprintf(p->out, "%s:%" PRId64, timestamp_type(r), r->timestamp_ms);
}

static bool print_headers(printer *p, kfk_records *rs, const kfk_record_view *r)
{
    kfk_header *headers = calloc(r->n_headers + 1U, sizeof *headers);
    bool ok = true;
    size_t n;

    if (!headers)
        exit(tool_fail("out of memory"));
    n = kfk_records_headers(rs, headers, r->n_headers);
    begin_field(p);
    if (n == 0)
        (void)fputs("NO_HEADERS", p->out);
    for (size_t i = 0; ok && i < n; i++) {
        if (i)
            (void)fputs(p->f->headers_separator, p->out);
        if (headers[i].key.len)
            (void)fwrite(headers[i].key.data, 1, headers[i].key.len, p->out);
        (void)fputc(':', p->out);
        ok = print_part(p, HEADERS, headers[i].value);
    }
    free(headers);
    return ok;
}

static void print_number(printer *p, const char *name, int64_t number)
{
    begin_field(p);
    (void)fprintf(p->out, "%s:%" PRId64, name, number);
}

/* A record of a plain consumer has no delivery count, and Kafka's tool passes no epoch on. */
static void print_absent(printer *p, const char *name)
{
    begin_field(p);
    (void)fprintf(p->out, "%s:NOT_PRESENT", name);
}

static bool print_field(printer *p, int part, kfk_bytes b)
{
    begin_field(p);
    return print_part(p, part, b);
}

static const char *print_record(const format *f, FILE *out, kfk_records *rs,
                                const kfk_record_view *r)
{
    printer p = {.f = f, .out = out, .first = true};

    if (f->timestamp)
        print_timestamp(&p, r);
    if (f->partition)
        print_number(&p, "Partition", r->partition);
    if (f->offset)
        print_number(&p, "Offset", r->offset);
    if (f->delivery)
        print_absent(&p, "Delivery");
    if (f->epoch)
        print_absent(&p, "Epoch");
    if ((f->headers && !print_headers(&p, rs, r)) || (f->key && !print_field(&p, KEY, r->key)) ||
        (f->value && !print_field(&p, VALUE, r->value)))
        return p.why;
    if (!p.first)
        (void)fputs(f->line_separator, out);
    return NULL;
}

/* Kafka's tools show this only where their log is set to. */
static void log_record(const kfk_record_view *r)
{
    if (!tool_verbose)
        return;
    (void)fprintf(stderr, "INFO ");
    if (r->timestamp_ms >= 0)
        (void)fprintf(stderr, "%s:%" PRId64 ", ", timestamp_type(r), r->timestamp_ms);
    if (r->key.data)
        (void)fprintf(stderr, "key:%.*s, ", (int)r->key.len, (const char *)r->key.data);
    else
        (void)fprintf(stderr, "key:null ");
    if (r->value.data)
        (void)fprintf(stderr, "value:%.*s\n", (int)r->value.len, (const char *)r->value.data);
    else
        (void)fprintf(stderr, "value:null\n");
}

const char *format_print(const format *f, FILE *out, kfk_records *rs, const kfk_record_view *r)
{
    const char *why = NULL;

    if (f->kind != FORMAT_NOTHING)
        why = print_record(f, out, rs, r);
    if (!why && f->kind == FORMAT_LOGGING)
        log_record(r);
    return why;
}
