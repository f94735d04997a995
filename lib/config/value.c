#include "config/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/error.h"
#include "config/duration.h"
#include "config/property.h"

/* ---- numbers ---- */

bool kfk__value_long(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    int64_t n = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (!*text)
        return false;
    for (; *text; text++) {
        int digit = *text - '0';

        if (digit < 0 || digit > 9)
            return false;
        /* Downwards, since there is one negative number more. */
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    if (!negative && n == INT64_MIN)
        return false;
    *out = negative ? n : -n;
    return true;
}

static double scale(double value, int64_t exponent)
{
    for (; exponent > 0 && value < 1e308; exponent--)
        value *= 10;
    for (; exponent < 0 && value > 0; exponent++)
        value /= 10;
    return value;
}

bool kfk__value_double(const char *text, double *out)
{
    bool negative = *text == '-', any = false;
    int64_t exponent = 0, shift = 0;
    double value = 0;

    if (*text == '-' || *text == '+')
        text++;
    for (; *text >= '0' && *text <= '9'; text++, any = true)
        value = value * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, any = true, shift--)
            value = value * 10 + (*text - '0');
    if (!any)
        return false;
    if (*text == 'e' || *text == 'E') {
        if (!kfk__value_long(text + 1, &exponent) || exponent > 400 || exponent < -400)
            return false;
    } else if (*text) {
        return false;
    }
    value = scale(value, exponent + shift);
    *out = negative ? -value : value;
    return true;
}

/* ---- bounds ---- */

/* The number that begins at |s| and ends before one of ",] ". */
static double bound(const char *s)
{
    size_t n = strcspn(s, ",] ");
    char text[32];
    double value = 0;

    if (n >= sizeof text)
        return 0;
    memcpy(text, s, n);
    text[n] = '\0';
    (void)kfk__value_double(text, &value);
    return value;
}

/* Bounds of numbers: "[lo,...]", "[lo,...,hi]", either with " or x" behind it. */
static bool in_range(const char *bounds, double value)
{
    const char *hi, *other;

    if (!bounds)
        return true;
    other = strstr(bounds, " or ");
    if (other && value >= bound(other + 4) && value <= bound(other + 4))
        return true;
    hi = strstr(bounds, "...,");
    return value >= bound(bounds + 1) && (!hi || value <= bound(hi + 4));
}

/* The choices between "[" and "]", one after the other. */
static bool next_choice(const char **s, kfk_bytes *choice)
{
    size_t n;

    *s += strspn(*s, "[, ");
    n = strcspn(*s, ",]");
    *choice = (kfk_bytes){*s, n};
    *s += n;
    return n > 0;
}

static bool same_choice(kfk_bytes choice, kfk_bytes text, bool any_case)
{
    const char *colon = memchr(choice.data, ':', choice.len);

    if (colon) {
        choice.len = (size_t)(colon + 1 - (const char *)choice.data);
        text.len = text.len > choice.len ? choice.len : text.len;
    }
    if (text.len != choice.len)
        return false;
    return any_case ? strncasecmp(choice.data, text.data, text.len) == 0
                    : memcmp(choice.data, text.data, text.len) == 0;
}

/* Which of the choices |text| is, or -1; and *text as the table spells it. */
static int find_choice(const char *bounds, kfk_bytes *text)
{
    static const char note[] = "(case insensitive) ";
    bool any_case = strncmp(bounds, note, sizeof note - 1) == 0;
    kfk_bytes choice;

    bounds += any_case ? sizeof note - 1 : 0;
    for (int i = 0; next_choice(&bounds, &choice); i++) {
        if (!same_choice(choice, *text, any_case))
            continue;
        if (any_case)
            *text = choice;
        return i;
    }
    return -1;
}

/* Whether there are values beside the choices, which are not looked at here. */
static bool is_open(const char *bounds)
{
    return *bounds == 'n' || strstr(bounds, "] or ");
}

bool kfk__value_choice_at(const char *bounds, size_t i, kfk_bytes *choice)
{
    while (next_choice(&bounds, choice))
        if (i-- == 0)
            return true;
    return false;
}

int kfk__value_choice(const char *bounds, const char *text)
{
    kfk_bytes t = kfk__bytes_str(text);

    return find_choice(bounds, &t);
}

/* ---- lists ---- */

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* The next item of a list, without the blanks around it; empty ones are passed over. */
static bool next_item(const char **s, kfk_bytes *item)
{
    const char *end;

    while (**s && (**s == ',' || is_blank(**s)))
        (*s)++;
    end = *s + strcspn(*s, ",");
    *item = (kfk_bytes){*s, (size_t)(end - *s)};
    *s = end;
    while (item->len && is_blank(end[-1])) {
        item->len--;
        end--;
    }
    return item->len > 0;
}

bool kfk__value_item(const char *list, size_t i, kfk_bytes *item)
{
    while (next_item(&list, item))
        if (i-- == 0)
            return true;
    return false;
}

/* ---- reading ---- */

/* Other spellings: Kafka's class names, and what sarama and librdkafka call places in a log. */
static const struct {
    int id;
    const char *from, *to;
} aliases[] = {
    {KFK__P_ACKS, "-1", "all"},
    {KFK__P_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.RoundRobinPartitioner",
     "roundrobin"},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY, "org.apache.kafka.clients.consumer.RangeAssignor",
     "range"},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY, "org.apache.kafka.clients.consumer.RoundRobinAssignor",
     "roundrobin"},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY, "org.apache.kafka.clients.consumer.StickyAssignor",
     "sticky"},
    {KFK__P_PARTITION_ASSIGNMENT_STRATEGY,
     "org.apache.kafka.clients.consumer.CooperativeStickyAssignor", "cooperative-sticky"},
    {KFK__P_AUTO_OFFSET_RESET, "oldest", "earliest"},
    {KFK__P_AUTO_OFFSET_RESET, "smallest", "earliest"},
    {KFK__P_AUTO_OFFSET_RESET, "beginning", "earliest"},
    {KFK__P_AUTO_OFFSET_RESET, "newest", "latest"},
    {KFK__P_AUTO_OFFSET_RESET, "largest", "latest"},
    {KFK__P_AUTO_OFFSET_RESET, "end", "latest"},
    {KFK__P_AUTO_OFFSET_RESET, "error", "none"},
};

kfk_bytes kfk__value_unalias(int id, kfk_bytes text)
{
    if (id == KFK__P_AUTO_OFFSET_START)
        id = KFK__P_AUTO_OFFSET_RESET;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (aliases[i].id == id && kfk__bytes_equal(kfk__bytes_str(aliases[i].from), text))
            return kfk__bytes_str(aliases[i].to);
    return text;
}

static kfk_bytes trim(const char *text)
{
    kfk_bytes t;

    while (*text && is_blank(*text))
        text++;
    t = kfk__bytes_str(text);
    while (t.len && is_blank(text[t.len - 1]))
        t.len--;
    return t;
}

/* The functions below append the value to |b| and return NULL, or say what is wrong with it. */

static const char *read_integer(kfk__property_type type, const char *bounds, kfk_bytes t,
                                kfk__buf *b)
{
    int64_t max = type == KFK__TYPE_SHORT ? INT16_MAX
                  : type == KFK__TYPE_INT ? INT32_MAX
                                          : INT64_MAX;
    char text[32];
    int64_t n;

    kfk__error_set(text, sizeof text, t.data, t.len);
    if (t.len >= sizeof text || !kfk__value_long(text, &n))
        return "not a whole number";
    if (n > max || n < -max - 1)
        return "too large for its type";
    if (!in_range(bounds, (double)n))
        return "out of bounds";
    (void)snprintf(text, sizeof text, "%" PRId64, n);
    kfk__buf_put(b, text, strlen(text));
    return NULL;
}

static const char *read_double(const char *bounds, kfk_bytes t, kfk__buf *b)
{
    char text[64];
    double value;

    kfk__error_set(text, sizeof text, t.data, t.len);
    if (t.len >= sizeof text || !kfk__value_double(text, &value))
        return "not a number";
    if (!in_range(bounds, value))
        return "out of bounds";
    kfk__buf_put(b, t.data, t.len);
    return NULL;
}

static const char *read_boolean(kfk_bytes t, kfk__buf *b)
{
    if (find_choice("(case insensitive) [true, false]", &t) < 0)
        return "neither true nor false";
    kfk__buf_put(b, t.data, t.len);
    return NULL;
}

static bool is_duration(kfk_bytes t)
{
    char text[64];
    int64_t ms;

    kfk__error_set(text, sizeof text, t.data, t.len);
    return t.len < sizeof text && kfk__duration_ms(text, &ms);
}

static const char *read_word(int id, kfk_bytes t, kfk__buf *b)
{
    static const char by_duration[] = "by_duration:";
    const char *bounds = kfk__property_table[id].bounds;

    t = kfk__value_unalias(id, t);
    if (bounds && *bounds == 'n' && t.len == 0)
        return "empty";
    if (bounds && !is_open(bounds) && find_choice(bounds, &t) < 0)
        return "not one of the values that it can have";
    if (t.len > sizeof by_duration - 1 && memcmp(t.data, by_duration, sizeof by_duration - 1) == 0 &&
        !is_duration(kfk__bytes((const char *)t.data + sizeof by_duration - 1,
                                t.len - (sizeof by_duration - 1))))
        return "not a span of time, PnDTnHnMn.nS, of 0 or more";
    kfk__buf_put(b, t.data, t.len);
    return NULL;
}

static const char *read_list(int id, const char *text, kfk__buf *b)
{
    kfk_bytes item;

    while (next_item(&text, &item)) {
        const char *why;

        if (b->len)
            kfk__buf_put(b, ",", 1);
        why = read_word(id, item, b);
        if (why)
            return why;
    }
    return NULL;
}

static const char *read_any(int id, const char *text, kfk__buf *b)
{
    const kfk__property *p = &kfk__property_table[id];
    kfk_bytes t = trim(text);

    switch (p->type) {
    case KFK__TYPE_INT:
    case KFK__TYPE_LONG:
    case KFK__TYPE_SHORT:
        return read_integer(p->type, p->bounds, t, b);
    case KFK__TYPE_DOUBLE:
        return read_double(p->bounds, t, b);
    case KFK__TYPE_BOOLEAN:
        return read_boolean(t, b);
    case KFK__TYPE_LIST:
        return read_list(id, text, b);
    case KFK__TYPE_STRING:
    case KFK__TYPE_CLASS:
        return read_word(id, t, b);
    case KFK__TYPE_PASSWORD:
        kfk__buf_put(b, t.data, t.len);
        return NULL;
    }
    return "of an unknown type";
}

static kfk_err refuse(int id, const char *text, const char *why, kfk_error *e)
{
    const kfk__property *p = &kfk__property_table[id];
    char shown[128];

    kfk__value_show(id, text, shown, sizeof shown);
    return kfk__fail(e, KFK_ERR_CONFIG, "%s=%s: %s%s%s", p->name, shown, why,
                     p->bounds ? "; allowed: " : "", p->bounds ? p->bounds : "");
}

void kfk__value_show(int id, const char *text, char *out, size_t size)
{
    bool secret = kfk__property_table[id].type == KFK__TYPE_PASSWORD;

    (void)snprintf(out, size, "%s", secret ? KFK__REDACTED : text);
    for (; *out; out++)
        if ((unsigned char)*out < ' ' || *out == 0x7f)
            *out = '?';
}

kfk_err kfk__value_read(int id, const char *text, const kfk_allocator *a, char **out, kfk_error *e)
{
    const char *why = NULL;
    kfk__buf b;

    kfk__buf_init(&b, a);
    /* All at once, so that growing leaves no copy of a secret behind. */
    if (kfk__buf_reserve(&b, strlen(text) + 32)) {
        why = read_any(id, text, &b);
        kfk__buf_put(&b, "", 1);
    }
    if (kfk__buf_ok(&b) && !why) {
        *out = (char *)b.data;
        return KFK_OK;
    }
    kfk__buf_fini(&b);
    return why ? refuse(id, text, why, e) : kfk__fail_nomem(e);
}

static bool is_built(int id, const char *value)
{
    const kfk__property *p = &kfk__property_table[id];

    if (kfk__property_is_default(id, value))
        return true;
    if (p->flags & (KFK__PROPERTY_JVM | KFK__PROPERTY_JVM_SECURITY))
        return false;
    return !p->built || kfk__value_choice(p->built, value) >= 0;
}

kfk_err kfk__value_built(int id, const char *value, kfk_error *e)
{
    const kfk__property *p = &kfk__property_table[id];
    const char *possible;
    char shown[128];

    if (is_built(id, value))
        return KFK_OK;
    kfk__value_show(id, value, shown, sizeof shown);
    if (p->flags & KFK__PROPERTY_JVM)
        return kfk__fail(e, KFK_ERR_UNSUPPORTED,
                         "%s=%s: this has a meaning for the Java client only", p->name, shown);
    if (p->flags & KFK__PROPERTY_JVM_SECURITY)
        return kfk__fail(e, KFK_ERR_UNSUPPORTED,
                         "%s=%s: this is for the Java client only, and to leave it out could "
                         "change who is trusted",
                         p->name, shown);
    possible = *p->built ? p->built : p->deflt;
    return kfk__fail(e, KFK_ERR_UNSUPPORTED,
                     "%s=%s: this version of libkfk cannot do that yet; %s%s", p->name, shown,
                     possible ? "possible: " : "leave it out", possible ? possible : "");
}
