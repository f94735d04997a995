/* What the tests of proto share: the messages of golden.txt, which Kafka's own classes encoded
 * (tests/interop/java/GoldenMessages.java), and an allocator that counts. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/proto.h"

#define GOLDEN_FILE "tests/unit/proto/golden.txt"

enum { GOLDEN_LINES = 1312, GOLDEN_MESSAGES = 990 };

/* ck_assert writes down each time it is passed, which is too slow to be passed a million times. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

typedef struct golden {
    const char *name;
    const kfk__api *api;       /* NULL: a message that is no API's */
    const kfk__schema *schema; /* NULL: a header */
    char kind[8];
    int16_t version;
    bool flexible;
    size_t n;
    uint8_t *bytes; /* n of them and no more, so that a sanitizer sees a read past the end */
} golden;

/* ---- counting ---- */

typedef struct counts {
    size_t bytes; /* in all allocations ever made */
    long calls;   /* how many there were */
    long fail_at; /* the one that fails; 0: none */
} counts;

static counts counted;

static inline void *count_alloc(void *ctx, size_t n)
{
    (void)ctx;
    if (++counted.calls == counted.fail_at)
        return NULL;
    counted.bytes += n;
    return malloc(n);
}

static inline void *count_resize(void *ctx, void *p, size_t n)
{
    (void)ctx;
    if (++counted.calls == counted.fail_at)
        return NULL;
    counted.bytes += n;
    return realloc(p, n);
}

static inline void count_release(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const kfk_allocator counting = {count_alloc, count_resize, count_release, NULL};

/* ---- golden.txt ---- */

static inline unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static const kfk__data *const golden_data[] = {&kfk__consumer_protocol_assignment_data,
                                               &kfk__consumer_protocol_subscription_data};

/* Whose line it is: a key, or the name of a message that is no API's. */
static inline void golden_of(golden *g, const char *whose)
{
    for (size_t i = 0; i < sizeof golden_data / sizeof *golden_data; i++) {
        const kfk__data *d = golden_data[i];

        if (strcmp(whose, d->name) != 0)
            continue;
        g->name = d->name;
        g->schema = d->schema;
        g->flexible = g->version >= d->flexible_min;
        return;
    }
    g->api = kfk__api_by_key((int16_t)strtol(whose, NULL, 10));
    ck_assert_ptr_nonnull(g->api);
    g->name = g->api->name;
    g->flexible = kfk__flexible(g->api, g->version);
    if (strcmp(g->kind, "req") == 0)
        g->schema = g->api->request;
    if (strcmp(g->kind, "res") == 0)
        g->schema = g->api->response;
}

/* The next line, |g| zeroed before the first; false at the end. */
static inline bool golden_next(FILE *f, golden *g)
{
    char line[4096], whose[64], hex[4096] = "";
    int version;

    free(g->bytes);
    *g = (golden){.n = 0};
    if (!fgets(line, sizeof line, f))
        return false;
    ck_assert_int_ge(sscanf(line, "%63s %d %7s %4095s", whose, &version, g->kind, hex), 3);
    g->version = (int16_t)version;
    golden_of(g, whose);
    g->n = strlen(hex) / 2;
    g->bytes = malloc(g->n ? g->n : 1);
    ck_assert_ptr_nonnull(g->bytes);
    for (size_t i = 0; i < g->n; i++)
        g->bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return true;
}

/* Calls |test| with every message; they must all be there. */
static inline void golden_each(void (*test)(const golden *g))
{
    FILE *f = fopen(GOLDEN_FILE, "r");
    golden g = {.n = 0};
    int messages = 0;

    ck_assert_msg(f, "%s: cannot be read; tests run in the top directory", GOLDEN_FILE);
    while (golden_next(f, &g)) {
        if (!g.schema)
            continue;
        messages++;
        test(&g);
    }
    (void)fclose(f);
    ck_assert_int_eq(messages, GOLDEN_MESSAGES);
}

/* |msg| encoded is |g|, to the byte. */
static inline void golden_check(const golden *g, const void *msg)
{
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    MUST(kfk__encode(g->schema, g->version, g->flexible, msg, &out, NULL) == KFK_OK);
    if (out.len != g->n || (g->n > 0 && memcmp(out.data, g->bytes, g->n) != 0))
        ck_abort_msg("%s v%d %s: not the bytes that Kafka wrote", g->name, g->version, g->kind);
    kfk__buf_fini(&out);
}

static inline void *new_message(const kfk__schema *s)
{
    void *msg = malloc(s->size);

    MUST(msg);
    return msg;
}

static inline int run_suite(const char *name, TCase *t)
{
    Suite *s = suite_create(name);
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
