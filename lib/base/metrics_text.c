/* What a walk over metrics shows, as a table, as JSON or as Prometheus text. The header is
 * <kfk/metrics.h>.
 *
 *   add ──> the family of that name ──> its samples, as text at once
 *   get ──> each family's head and samples, one after another
 *
 * Label values may be anything that a program or a broker made up: what is not UTF-8 becomes U+FFFD
 * (in a table "?"), and each style escapes what it must. Numbers are printed digit by digit, since
 * printf's would obey the locale. */
#include <kfk/metrics.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { DECIMAL_MAX = 40, FRACTION_MAX = 12 };

typedef struct family {
    char *name, *unit, *help;
    int32_t kind;
    kfk__buf samples;
} family;

typedef struct form {
    /* One more sample of |f|. */
    void (*sample)(family *f, const kfk_metric *m);
    void (*whole)(kfk_metrics_text *t);
} form;

struct kfk_metrics_text {
    kfk_allocator alloc;
    const form *form;
    family *families; /* in the order in which they came */
    size_t n, cap;
    kfk__buf out;
    bool failed; /* an add found no memory */
};

/* ---- pieces ---- */

static void put(kfk__buf *b, const char *s)
{
    kfk__buf_put(b, s, strlen(s));
}

/* |n| / |per_unit|, exactly, or at FRACTION_MAX digits cut off. */
static const char *decimal(char out[DECIMAL_MAX], int64_t n, int32_t per_unit)
{
    uint64_t per = per_unit > 0 ? (uint64_t)per_unit : 1;
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n, rest = size % per;
    int at = snprintf(out, DECIMAL_MAX, "%s%llu%s", n < 0 ? "-" : "",
                      (unsigned long long)(size / per), rest ? "." : "");

    for (int i = 0; rest && i < FRACTION_MAX; i++) {
        rest *= 10;
        out[at++] = (char)('0' + rest / per);
        rest %= per;
    }
    out[at] = '\0';
    return out;
}

static void put_decimal(kfk__buf *b, int64_t n, int32_t per_unit)
{
    char text[DECIMAL_MAX];

    put(b, decimal(text, n, per_unit));
}

/* Bytes of the UTF-8 character that |s| begins with; 0: it does not begin with one. */
static size_t utf8(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (n == 0 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || /* long, surrogates */
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))   /* long, too high */
        return 0;
    return n;
}

/* The string, with each character that |escape| has something to say of replaced by that. |escape|
 * gets what is not UTF-8 as 0x80, and answers NULL for what stays. */
static void put_escaped(kfk__buf *b, const char *s,
                        const char *(*escape)(unsigned char c, char out[8]))
{
    size_t n;

    for (; *s; s += n ? n : 1) {
        char out[8];
        const char *other;

        n = utf8(s);
        other = n > 1 ? NULL : escape(n ? (unsigned char)*s : 0x80, out);
        if (other)
            put(b, other);
        else
            kfk__buf_put(b, s, n);
    }
}

static const char *kind_name(int32_t kind)
{
    return kind == KFK_COUNTER     ? "counter"
           : kind == KFK_GAUGE     ? "gauge"
           : kind == KFK_HISTOGRAM ? "histogram"
                                   : "untyped";
}

/* ---- Prometheus ---- */

static const char *escape_help(unsigned char c, char out[8])
{
    (void)out;
    return c == 0x80 ? "\xef\xbf\xbd" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : NULL;
}

static const char *escape_label(unsigned char c, char out[8])
{
    return c == '"' ? "\\\"" : escape_help(c, out);
}

/* What may not be in a name. */
static const char *escape_name(unsigned char c, char out[8])
{
    bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

    (void)out;
    return ok || c == '_' ? NULL : "_";
}

/* name_suffix{label="value",le="bound"}, and a blank. |le| may be NULL. */
static void put_series(kfk__buf *b, const kfk_metric *m, const char *suffix, const char *le)
{
    const char *before = "{";

    put_escaped(b, m->name, escape_name);
    put(b, suffix);
    for (size_t i = 0; i < m->n_labels; i++, before = ",") {
        put(b, before);
        put_escaped(b, m->labels[i].name, escape_name);
        put(b, "=\"");
        put_escaped(b, m->labels[i].value, escape_label);
        put(b, "\"");
    }
    if (le) {
        put(b, before);
        put(b, "le=\"");
        put(b, le);
        put(b, "\"");
        before = ",";
    }
    put(b, *before == ',' ? "} " : " ");
}

static void put_line(kfk__buf *b, const kfk_metric *m, const char *suffix, const char *le,
                     int64_t n, int32_t per_unit)
{
    put_series(b, m, suffix, le);
    put_decimal(b, n, per_unit);
    put(b, "\n");
}

static void prometheus_sample(family *f, const kfk_metric *m)
{
    kfk__buf *b = &f->samples;
    char le[DECIMAL_MAX];

    if (m->kind != KFK_HISTOGRAM) {
        put_line(b, m, "", NULL, m->value, m->per_unit);
        return;
    }
    for (size_t i = 0; i < m->n_buckets; i++)
        put_line(b, m, "_bucket", decimal(le, m->buckets[i].upper, m->per_unit),
                 m->buckets[i].count, 1);
    put_line(b, m, "_bucket", "+Inf", m->count, 1);
    put_line(b, m, "_sum", NULL, m->sum, m->per_unit);
    put_line(b, m, "_count", NULL, m->count, 1);
}

static void prometheus_whole(kfk_metrics_text *t)
{
    kfk__buf *b = &t->out;

    for (const family *f = t->families, *end = f + t->n; f < end; f++) {
        put(b, "# HELP ");
        put_escaped(b, f->name, escape_name);
        put(b, " ");
        put_escaped(b, f->help, escape_help);
        put(b, "\n# TYPE ");
        put_escaped(b, f->name, escape_name);
        put(b, " ");
        put(b, kind_name(f->kind));
        put(b, "\n");
        kfk__buf_put(b, f->samples.data, f->samples.len);
    }
}

/* ---- JSON ---- */

static const char *escape_json(unsigned char c, char out[8])
{
    if (c == 0x80)
        return "\\ufffd";
    if (c >= 0x20 && c != '"' && c != '\\')
        return NULL;
    (void)snprintf(out, 8, c < 0x20 ? "\\u%04x" : "\\%c", c);
    return out;
}

static void put_string(kfk__buf *b, const char *s)
{
    put(b, "\"");
    put_escaped(b, s, escape_json);
    put(b, "\"");
}

/* before "key":n/per_unit */
static void put_member(kfk__buf *b, const char *before, const char *key, int64_t n,
                       int32_t per_unit)
{
    put(b, before);
    put_string(b, key);
    put(b, ":");
    put_decimal(b, n, per_unit);
}

static void json_histogram(kfk__buf *b, const kfk_metric *m)
{
    put_member(b, ",", "count", m->count, 1);
    put_member(b, ",", "sum", m->sum, m->per_unit);
    put_member(b, ",", "max", m->max, m->per_unit);
    put(b, ",\"buckets\":[");
    for (size_t i = 0; i < m->n_buckets; i++) {
        put_member(b, i ? ",{" : "{", "le", m->buckets[i].upper, m->per_unit);
        put_member(b, ",", "count", m->buckets[i].count, 1);
        put(b, "}");
    }
    put(b, "]");
}

static void json_sample(family *f, const kfk_metric *m)
{
    kfk__buf *b = &f->samples;

    put(b, b->len ? ",\n{\"labels\":{" : "\n{\"labels\":{");
    for (size_t i = 0; i < m->n_labels; i++) {
        put(b, i ? "," : "");
        put_string(b, m->labels[i].name);
        put(b, ":");
        put_string(b, m->labels[i].value);
    }
    put(b, "}");
    if (m->kind == KFK_HISTOGRAM)
        json_histogram(b, m);
    else
        put_member(b, ",", "value", m->value, m->per_unit);
    put(b, "}");
}

static void json_whole(kfk_metrics_text *t)
{
    kfk__buf *b = &t->out;

    put(b, "{\"metrics\":[");
    for (const family *f = t->families, *end = f + t->n; f < end; f++) {
        put(b, f == t->families ? "\n{\"name\":" : ",\n{\"name\":");
        put_string(b, f->name);
        put(b, ",\"kind\":");
        put_string(b, kind_name(f->kind));
        put(b, ",\"unit\":");
        put_string(b, f->unit);
        put(b, ",\"help\":");
        put_string(b, f->help);
        put(b, ",\"samples\":[");
        kfk__buf_put(b, f->samples.data, f->samples.len);
        put(b, "]}");
    }
    put(b, "\n]}\n");
}

/* ---- table ---- */

/* Also keeps the two signs that rows are made of to themselves. */
static const char *escape_plain(unsigned char c, char out[8])
{
    (void)out;
    return c < 0x20 || c == 0x7f || c == 0x80 ? "?" : NULL;
}

/* The bound under which |rank| of the values lie. */
static int64_t quantile(const kfk_metric *m, int64_t rank)
{
    for (size_t i = 0; i < m->n_buckets; i++)
        if (m->buckets[i].count >= rank)
            return m->buckets[i].upper < m->max ? m->buckets[i].upper : m->max;
    return m->max;
}

static void table_histogram(kfk__buf *b, const kfk_metric *m)
{
    const struct {
        const char *name;
        int64_t n;
    } parts[] = {
        {" avg=", m->count ? m->sum / m->count : 0},
        {" p50=", quantile(m, m->count - m->count / 2)},
        {" p99=", quantile(m, m->count - m->count / 100)},
        {" max=", m->max},
    };

    put(b, "count=");
    put_decimal(b, m->count, 1);
    for (size_t i = 0; m->count && i < sizeof parts / sizeof *parts; i++) {
        put(b, parts[i].name);
        put_decimal(b, parts[i].n, m->per_unit);
    }
}

/* name:{label=value, ...} TAB value NEWLINE */
static void table_sample(family *f, const kfk_metric *m)
{
    kfk__buf *b = &f->samples;
    const char *before = ":{";

    put_escaped(b, m->name, escape_plain);
    for (size_t i = 0; i < m->n_labels; i++) {
        if (!m->labels[i].value[0])
            continue;
        put(b, before);
        put_escaped(b, m->labels[i].name, escape_plain);
        put(b, "=");
        put_escaped(b, m->labels[i].value, escape_plain);
        before = ", ";
    }
    put(b, *before == ',' ? "}\t" : "\t");
    if (m->kind == KFK_HISTOGRAM)
        table_histogram(b, m);
    else
        put_decimal(b, m->value, m->per_unit);
    put(b, "\n");
}

/* Columns that |n| bytes of UTF-8 take. */
static size_t columns(const uint8_t *s, size_t n)
{
    size_t width = 0;

    for (size_t i = 0; i < n; i++)
        width += (s[i] & 0xc0) != 0x80;
    return width;
}

static void put_row(kfk__buf *b, const uint8_t *name, size_t len, size_t width, const char *between,
                    const uint8_t *value, size_t value_len)
{
    kfk__buf_put(b, name, len);
    for (size_t n = columns(name, len); n < width; n++)
        put(b, " ");
    put(b, between);
    kfk__buf_put(b, value, value_len);
}

/* Each row of |f|: measured, or put if |b| is there. Returns the widest name, |width| at least. */
static size_t table_rows(const family *f, kfk__buf *b, size_t width)
{
    const uint8_t *at = f->samples.data, *end = at + f->samples.len;

    while (at < end) {
        const uint8_t *tab = memchr(at, '\t', (size_t)(end - at));
        const uint8_t *next = (const uint8_t *)memchr(tab, '\n', (size_t)(end - tab)) + 1;
        size_t len = (size_t)(tab - at), wide = columns(at, len);

        if (b)
            put_row(b, at, len, width, " : ", tab + 1, (size_t)(next - tab - 1));
        width = wide > width ? wide : width;
        at = next;
    }
    return width;
}

static void table_whole(kfk_metrics_text *t)
{
    static const char name[] = "Metric Name", value[] = "Value\n";
    size_t width = sizeof name - 1;

    for (size_t i = 0; i < t->n; i++)
        width = table_rows(&t->families[i], NULL, width);
    put_row(&t->out, (const uint8_t *)name, sizeof name - 1, width, "   ", (const uint8_t *)value,
            sizeof value - 1);
    for (size_t i = 0; i < t->n; i++)
        (void)table_rows(&t->families[i], &t->out, width);
}

/* ---- the whole ---- */

static const form forms[] = {
    [KFK_METRICS_TABLE] = {table_sample, table_whole},
    [KFK_METRICS_JSON] = {json_sample, json_whole},
    [KFK_METRICS_PROMETHEUS] = {prometheus_sample, prometheus_whole},
};

kfk_metrics_text *kfk_metrics_text_new(int style, const kfk_allocator *a)
{
    kfk_metrics_text *t;

    a = a ? a : &kfk__malloc_allocator;
    if (style < KFK_METRICS_TABLE || style > KFK_METRICS_PROMETHEUS)
        return NULL;
    t = kfk__zalloc(a, sizeof *t);
    if (!t)
        return NULL;
    t->alloc = *a;
    t->form = &forms[style];
    kfk__buf_init(&t->out, &t->alloc);
    return t;
}

static void release_family(kfk_metrics_text *t, family *f)
{
    kfk__release(&t->alloc, f->name);
    kfk__release(&t->alloc, f->unit);
    kfk__release(&t->alloc, f->help);
    kfk__buf_fini(&f->samples);
}

static family *add_family(kfk_metrics_text *t, const kfk_metric *m)
{
    size_t cap = t->cap ? t->cap * 2 : 32;
    family *f = t->families;

    if (t->n == t->cap) {
        f = kfk__array(&t->alloc, f, cap, sizeof *f);
        if (!f)
            return NULL;
        t->families = f;
        t->cap = cap;
    }
    f += t->n;
    *f = (family){.name = kfk__strdup(&t->alloc, m->name),
                  .unit = kfk__strdup(&t->alloc, m->unit),
                  .help = kfk__strdup(&t->alloc, m->help),
                  .kind = m->kind};
    kfk__buf_init(&f->samples, &t->alloc);
    if (!f->name || !f->unit || !f->help) {
        release_family(t, f);
        return NULL;
    }
    t->n++;
    return f;
}

static family *family_of(kfk_metrics_text *t, const kfk_metric *m)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->families[i].name, m->name) == 0)
            return &t->families[i];
    return add_family(t, m);
}

int kfk_metrics_text_add(const kfk_metric *m, void *text)
{
    kfk_metrics_text *t = text;
    family *f = t->failed ? NULL : family_of(t, m);

    if (f)
        t->form->sample(f, m);
    if (!f || !kfk__buf_ok(&f->samples))
        t->failed = true;
    return t->failed;
}

const char *kfk_metrics_text_get(kfk_metrics_text *t)
{
    if (t->failed)
        return NULL;
    kfk__buf_clear(&t->out);
    t->form->whole(t);
    kfk__buf_put(&t->out, "", 1);
    return kfk__buf_ok(&t->out) ? (const char *)t->out.data : NULL;
}

void kfk_metrics_text_free(kfk_metrics_text *t)
{
    kfk_allocator a;

    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        release_family(t, &t->families[i]);
    kfk__release(&t->alloc, t->families);
    kfk__buf_fini(&t->out);
    a = t->alloc;
    kfk__release(&a, t);
}
