/* What the tests of lib/devbroker share: batches made by hand. */
#ifndef TESTS_UNIT_DEVBROKER_BATCHES_H
#define TESTS_UNIT_DEVBROKER_BATCHES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "record/batch.h"
#include "record/write.h"

enum { BATCH_MAX = 64 * 1024 };

/* What a batch is made of. All zero: |n| 1 record, no producer, no time. */
typedef struct batch_spec {
    int32_t n;
    int64_t base_offset;
    int64_t timestamp; /* of the first record; each later one is 1 ms later */
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int16_t attributes;
    bool idempotent;
    bool keyless;
    size_t value_len; /* 0: "value" and the record's number */
} batch_spec;

typedef struct batch {
    uint8_t bytes[BATCH_MAX];
    size_t size;
    kfk__batch_header h;
} batch;

static inline void seal(batch *b)
{
    struct iovec body = {b->bytes + KFK__BATCH_HEADER, b->size - KFK__BATCH_HEADER};

    kfk__batch_header_write(b->bytes, &b->h);
    kfk__batch_seal(b->bytes, &body, 1);
    b->h.crc = kfk__get_be32(b->bytes + 17);
}

static inline void make_batch(batch *b, const batch_spec *s)
{
    int32_t n = s->n ? s->n : 1;
    uint8_t *p = b->bytes + KFK__BATCH_HEADER;
    static const char filler[BATCH_MAX];

    for (int32_t i = 0; i < n; i++) {
        char key[32], value[32];
        size_t len =
            s->value_len ? s->value_len : (size_t)snprintf(value, sizeof value, "value%d", i);

        (void)snprintf(key, sizeof key, "key%d", i);
        p = kfk__record_write(p, i, i, s->keyless ? (kfk_bytes){0} : kfk__bytes_str(key),
                              kfk__bytes(s->value_len ? filler : value, len), NULL, 0);
    }
    b->size = (size_t)(p - b->bytes);
    b->h = (kfk__batch_header){.base_offset = s->base_offset,
                               .length = (int32_t)b->size - KFK__BATCH_LOG_OVERHEAD,
                               .leader_epoch = -1,
                               .magic = 2,
                               .attributes = s->attributes,
                               .last_offset_delta = n - 1,
                               .base_timestamp = s->timestamp,
                               .max_timestamp = s->timestamp + n - 1,
                               .producer_id = s->idempotent ? s->producer_id : -1,
                               .producer_epoch = s->idempotent ? s->producer_epoch : -1,
                               .base_sequence = s->idempotent ? s->base_sequence : -1,
                               .count = n};
    seal(b);
}

#define ck_assert_bytes_eq(b, s)                                                                  \
    ck_assert_msg(kfk__bytes_equal(b, kfk__bytes_str(s)), "\"%.*s\" is not \"%s\"", (int)(b).len, \
                  (const char *)(b).data, s)

static inline int run_suite(Suite *s)
{
    SRunner *sr = srunner_create(s);
    int failed;

    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
