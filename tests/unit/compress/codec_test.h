/* What the tests of the codecs share: an allocator that counts and can fail, and short calls. */
#ifndef CODEC_TEST_H
#define CODEC_TEST_H

#include <check.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compress/compress.h"

typedef struct counts {
    size_t now;   /* bytes held */
    size_t peak;  /* the most there were */
    long calls;   /* allocations made */
    long fail_at; /* the number of the one that fails; 0: none does */
} counts;

static counts counted;

typedef struct prefix {
    alignas(max_align_t) size_t n;
} prefix;

static void *count_resize(void *ctx, void *p, size_t n)
{
    prefix *old = p ? (prefix *)p - 1 : NULL, *made;

    (void)ctx;
    if (++counted.calls == counted.fail_at)
        return NULL;
    counted.now += n;
    /* While it is copied, both are there. */
    if (counted.now > counted.peak)
        counted.peak = counted.now;
    if (old)
        counted.now -= old->n;
    made = realloc(old, sizeof *made + n);
    ck_assert_ptr_nonnull(made);
    made->n = n;
    return made + 1;
}

static void *count_alloc(void *ctx, size_t n)
{
    return count_resize(ctx, NULL, n);
}

static void count_release(void *ctx, void *p)
{
    (void)ctx;
    if (!p)
        return;
    counted.now -= ((prefix *)p - 1)->n;
    free((prefix *)p - 1);
}

static const kfk_allocator counting = {count_alloc, count_resize, count_release, NULL};

/* One codec's context and a buffer for what it makes. */
typedef struct rig {
    kfk__compressor *c;
    kfk__buf out;
    const char *why;
} rig;

static inline void rig_init(rig *r)
{
    counted = (counts){0};
    r->c = kfk__compressor_new(&counting);
    kfk__buf_init(&r->out, &counting);
    r->why = NULL;
}

/* Nothing of ours is left. */
static inline void rig_fini(rig *r)
{
    kfk__compressor_free(r->c);
    kfk__buf_fini(&r->out);
    ck_assert_uint_eq(counted.now, 0);
}

/* What |n| bytes inflate to, in r->out; they are copied first, so that a byte read too far is
 * seen. */
static inline kfk_err inflate_copy(rig *r, kfk__codec codec, const void *in, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    kfk_err err;

    ck_assert_ptr_nonnull(copy);
    if (n)
        memcpy(copy, in, n);
    kfk__buf_clear(&r->out);
    r->why = NULL;
    err = kfk__decompress(r->c, codec, copy, n, &r->out, &r->why);
    if (err == KFK_ERR_DECOMPRESS)
        ck_assert_ptr_nonnull(r->why);
    if (err != KFK_OK)
        ck_assert_uint_eq(r->out.len, 0);
    free(copy);
    return err;
}

static inline void check_inflates_to(rig *r, kfk__codec codec, const void *in, size_t n,
                                     const void *expected, size_t len)
{
    ck_assert_int_eq(inflate_copy(r, codec, in, n), KFK_OK);
    ck_assert_uint_eq(r->out.len, len);
    if (len)
        ck_assert_mem_eq(r->out.data, expected, len);
}

static inline void check_fails(rig *r, kfk__codec codec, const void *in, size_t n)
{
    ck_assert_int_eq(inflate_copy(r, codec, in, n), KFK_ERR_DECOMPRESS);
}

static inline int run_suite(Suite *s, TCase *t)
{
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
