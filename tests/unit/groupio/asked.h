/* What the tests of groupio share: commits and fetches as they are asked for, and messages that go
 * over the wire and come back. */
#ifndef TESTS_UNIT_GROUPIO_ASKED_H
#define TESTS_UNIT_GROUPIO_ASKED_H

#include "unit/suite.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "groupio/slots.h"
#include "sim/failalloc.h"

static failalloc mem;
static kfk_allocator alloc;
static kfk__arena arena;
static kfk__slots slots;
static kfk__offsets *asked[4];
static int n_asked;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__arena_init(&arena, &alloc);
    kfk__slots_init(&slots, &alloc);
    n_asked = 0;
}

static void teardown(void)
{
    for (int i = 0; i < n_asked; i++)
        kfk__offsets_free(asked[i]);
    kfk__slots_fini(&slots);
    kfk__arena_fini(&arena);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static inline kfk_tp tp_of(const char *topic, int32_t partition, int64_t offset)
{
    return (kfk_tp){.topic = topic, .partition = partition, .offset = offset};
}

static inline kfk__offsets *ask(const kfk_tp *tps, size_t n)
{
    kfk__group_meta who = kfk__group_meta_of("g");
    kfk__offsets *o = kfk__offsets_new(&alloc, &who, tps, n);

    ck_assert_ptr_nonnull(o);
    o->ready = true;
    asked[n_asked++] = o;
    return o;
}

/* All that was asked for and is not settled. */
static inline kfk_err fill(void)
{
    kfk__offset_entry *v[64];
    size_t n = 0;

    for (int i = 0; i < n_asked; i++)
        for (size_t k = 0; k < asked[i]->n; k++)
            if (!asked[i]->entries[k].settled)
                v[n++] = &asked[i]->entries[k];
    return kfk__slots_fill(&slots, v, n);
}

static inline kfk__slot *slot_of(const char *topic, int32_t partition)
{
    return kfk__slots_find(&slots, kfk__bytes_str(topic), NULL, partition);
}

/* |msg| as the other side reads it. */
static inline void *over_the_wire(const kfk__schema *s, const kfk__api *api, int16_t version,
                                  const void *msg)
{
    void *out = kfk__arena_alloc(&arena, s->size);
    void *bytes;
    const char *why;
    size_t used;
    kfk__buf b;

    kfk__buf_init(&b, &alloc);
    ck_assert_int_eq(kfk__encode(s, version, kfk__flexible(api, version), msg, &b, NULL), KFK_OK);
    bytes = kfk__arena_alloc(&arena, b.len + 1);
    ck_assert(out && bytes);
    memcpy(bytes, b.data, b.len);
    ck_assert_msg(kfk__decode(s, version, kfk__flexible(api, version), bytes, b.len, &arena, out,
                              &used, &why) == KFK_OK,
                  "version %d", version);
    ck_assert_uint_eq(used, b.len);
    kfk__buf_fini(&b);
    return out;
}

static inline bool is(kfk_bytes b, const char *text)
{
    return kfk__bytes_equal(b, kfk__bytes_str(text));
}

static inline int run_asked(const char *name, const TTest *const *tests)
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, setup, teardown);
    for (; *tests; tests++)
        tcase_add_test(t, *tests);
    return run_suite(name, t);
}

#endif
