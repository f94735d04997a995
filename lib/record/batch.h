/* batch: the record batch, version 2 (KIP-98), as it lies on the wire and in the log.
 *
 *   0 base offset i64        21 attributes i16           43 producer id i64
 *   8 length i32             23 last offset delta i32    51 producer epoch i16
 *  12 leader epoch i32       27 base timestamp i64       53 base sequence i32
 *  16 magic i8 = 2           35 max timestamp i64        57 count i32
 *  17 crc32c of 21..end                                  61 records, compressed as one stream
 *
 * Writing and reading are pure functions on memory. What is read is never believed. The records
 * are write.h's, read.h's and cursor.h's. */
#ifndef KFK_RECORD_BATCH_H
#define KFK_RECORD_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

enum {
    KFK__BATCH_HEADER = 61,
    KFK__BATCH_LOG_OVERHEAD = 12, /* base offset and length, which the length does not count */
    KFK__BATCH_CODEC = 7,         /* attributes */
    KFK__BATCH_LOG_APPEND = 8,
    KFK__BATCH_TRANSACTIONAL = 16,
    KFK__BATCH_CONTROL = 32,
    KFK__BATCH_DELETE_HORIZON = 64
};

typedef struct kfk__batch_header {
    int64_t base_offset;
    int32_t length;
    int32_t leader_epoch;
    int8_t magic;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp;
    int64_t max_timestamp;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count;
} kfk__batch_header;

/* ---- writing ---- */

/* Writes the 61 bytes, crc as given. */
void kfk__batch_header_write(uint8_t *to, const kfk__batch_header *h);
/* Sets producer id, epoch and base sequence in a written header. The crc is then wrong until
 * kfk__batch_seal. */
void kfk__batch_set_producer(uint8_t *batch, int64_t producer_id, int16_t epoch,
                             int32_t base_sequence);
/* Writes the crc of a batch whose header is at |header| and whose body is the |n| pieces. */
struct iovec;
void kfk__batch_seal(uint8_t *header, const struct iovec *body, int n);

/* ---- reading ---- */

/* Reads the header at the start of |n| bytes. *size: the whole batch's bytes.
 * KFK_OK: the fields do not contradict each other. base_offset + last_offset_delta does not
 * overflow, nor does the offset after it.
 * KFK_ERR_WOULD_BLOCK: fewer bytes than the batch has (a partial batch at a response's end); only
 * *size is set, to 0 if not even that is known.
 * CORRUPT_MESSAGE (2): fields that cannot be. KFK_ERR_UNSUPPORTED: magic 0 or 1 (message.h), or a
 * codec that this version does not know. For both *why, static. */
kfk_err kfk__batch_header_read(const uint8_t *p, size_t n, kfk__batch_header *h, size_t *size,
                               const char **why);
/* Whether the crc is right, for a whole batch. */
bool kfk__batch_crc_ok(const uint8_t *p, size_t size);

#endif
