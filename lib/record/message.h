/* message: what a record was before Kafka 0.11, version (magic) 0 or 1 (KIP-31, KIP-32), as old
 * logs still have it. It is read and never written.
 *
 *   0 offset i64            16 magic i8
 *   8 size i32              17 attributes i8: codec, and in version 1 the timestamp's type
 *  12 crc32 of 16..end      18 in version 1: timestamp i64
 *                              key length i32, key · value length i32, value (-1: null)
 *
 * A compressed set is the value of one message, its wrapper, which has the offset of the last one:
 *
 *   version 0:  9 [ 7 | 8 | 9 ]     the log's offsets
 *   version 1:  9 [ 0 | 1 | 2 ]     counted from where the set began
 *
 * To those who read batches a message is a batch: of one record, or a compressed one. Only there
 * the first offset and the count come to light when it is inflated (kfk__message_set_open).
 *
 * Pure functions on memory. What is read is never believed. */
#ifndef KFK_RECORD_MESSAGE_H
#define KFK_RECORD_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "record/batch.h"

typedef struct kfk__message {
    int64_t offset;
    int64_t timestamp; /* -1 in version 0 */
    int8_t magic;
    int8_t attributes; /* KFK__BATCH_CODEC, KFK__BATCH_LOG_APPEND */
    kfk_bytes key;
    kfk_bytes value;
} kfk__message;

/* Reads the message at the start of |n| bytes. *size: the whole message's bytes.
 * KFK_OK: key and value fill it exactly; the offset after its own does not overflow.
 * KFK_ERR_WOULD_BLOCK: fewer bytes than it has; only *size is set, to 0 if not even that is known.
 * CORRUPT_MESSAGE (2): fields that cannot be. KFK_ERR_UNSUPPORTED: an unknown codec. For both *why,
 * static. */
kfk_err kfk__message_read(const uint8_t *p, size_t n, kfk__message *m, size_t *size,
                          const char **why);
/* Whether the crc is right, for a whole message. */
bool kfk__message_crc_ok(const uint8_t *p, size_t size);

/* ---- messages among batches ---- */

/* kfk__batch_header_read of what may be a batch or a message. The fields that a message lacks are
 * -1; base offset and count of a compressed set are those of its wrapper. */
kfk_err kfk__message_header_read(const uint8_t *p, size_t n, kfk__batch_header *h, size_t *size,
                                 const char **why);

/* The messages that a wrapper, with header |h|, inflated to: sets h's base offset, last offset
 * delta and count. CORRUPT_MESSAGE, KFK_ERR_UNSUPPORTED: one of them, or all, cannot be, with *why,
 * static; a wrapper within a wrapper is one that cannot be. */
kfk_err kfk__message_set_open(const uint8_t *p, size_t n, bool check_crcs, kfk__batch_header *h,
                              const char **why);

#endif
