#include "format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void format_init(format *f)
{
    *f = (format){.value = true,
                  .key_separator = "\t",
                  .line_separator = "\n",
                  .headers_separator = ",",
                  .null_literal = "null"};
}

/* What text comes out of bytes: these classes give it as it is. */
static bool set_deserializer(const char *name, const char *class)
{
    static const char *const plain[] = {
        "org.apache.kafka.common.serialization.StringDeserializer",
        "org.apache.kafka.common.serialization.ByteArrayDeserializer"};

    for (int i = 0; i < COUNT(plain); i++)
        if (strcmp(class, plain[i]) == 0)
            return true;
    (void)tool_fail("%s=%s: a class of the JVM cannot be used here", name, class);
    return false;
}

bool format_set(format *f, const char *pair)
{
    static const char *const classes[] = {"key.deserializer", "value.deserializer",
                                          "headers.deserializer"};
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
    const char *value;

    for (int i = 0; i < COUNT(known); i++) {
        value = tool_pair_value(pair, known[i].name);
        if (value && known[i].flag)
            *known[i].flag = strcasecmp(value, "true") == 0;
        else if (value)
            *known[i].text = value;
    }
    for (int i = 0; i < COUNT(classes); i++) {
        value = tool_pair_value(pair, classes[i]);
        if (value && !set_deserializer(classes[i], value))
            return false;
    }
    return true;
}

/* One record on its way out: what separates a field from the one before is not known until there is
 * one. */
typedef struct printer {
    const format *f;
    FILE *out;
    bool first;
} printer;

static void begin_field(printer *p)
{
    if (!p->first)
        (void)fputs(p->f->key_separator, p->out);
    p->first = false;
}

static void print_bytes(const printer *p, kfk_bytes b)
{
    if (!b.data)
        (void)fputs(p->f->null_literal, p->out);
    else if (b.len)
        (void)fwrite(b.data, 1, b.len, p->out);
}

static void print_timestamp(const printer *p, const kfk_record_view *r)
{
    const char *type = r->flags & KFK_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime";

    if (r->timestamp_ms < 0)
        (void)fputs("NO_TIMESTAMP", p->out);
    else
        (void)fprintf(p->out, "%s:%" PRId64, type, r->timestamp_ms);
}

static void print_headers(const printer *p, kfk_records *rs, const kfk_record_view *r)
{
    kfk_header *headers = calloc(r->n_headers + 1U, sizeof *headers);
    size_t n = headers ? kfk_records_headers(rs, headers, r->n_headers) : 0;

    if (n == 0)
        (void)fputs("NO_HEADERS", p->out);
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void)fputs(p->f->headers_separator, p->out);
        if (headers[i].key.len)
            (void)fwrite(headers[i].key.data, 1, headers[i].key.len, p->out);
        (void)fputc(':', p->out);
        print_bytes(p, headers[i].value);
    }
    free(headers);
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

void format_print(const format *f, FILE *out, kfk_records *rs, const kfk_record_view *r)
{
    printer p = {.f = f, .out = out, .first = true};

    if (f->timestamp) {
        begin_field(&p);
        print_timestamp(&p, r);
    }
    if (f->partition)
        print_number(&p, "Partition", r->partition);
    if (f->offset)
        print_number(&p, "Offset", r->offset);
    if (f->delivery)
        print_absent(&p, "Delivery");
    if (f->epoch)
        print_absent(&p, "Epoch");
    if (f->headers) {
        begin_field(&p);
        print_headers(&p, rs, r);
    }
    if (f->key) {
        begin_field(&p);
        print_bytes(&p, r->key);
    }
    if (f->value) {
        begin_field(&p);
        print_bytes(&p, r->value);
    }
    if (!p.first)
        (void)fputs(f->line_separator, out);
}
