/* validate: whether what a producer sent for one partition may be appended, with Kafka's codes and
 * words. */
#ifndef KFK_DEVBROKER_VALIDATE_H
#define KFK_DEVBROKER_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "compress/compress.h"
#include "record/batch.h"

typedef struct kfk__dev_rules {
    const char *topic;
    int32_t partition;
    int16_t version; /* of the Produce request */
    bool compacted;  /* records need keys */
    bool log_append; /* the producer's timestamps do not count */
    int32_t max_message_bytes;
    int64_t wall_ms;
    int64_t before_max_ms,
        after_max_ms; /* how far a timestamp may lie in the past and the future */
} kfk__dev_rules;

/* One record that was refused (KIP-467). */
typedef struct kfk__dev_bad_record {
    int32_t index; /* in the batch */
    kfk_bytes why;
} kfk__dev_bad_record;

typedef struct kfk__dev_refusal {
    int16_t code;
    kfk_bytes why;
    kfk__dev_bad_record *records; /* in the arena */
    int32_t n_records;
} kfk__dev_refusal;

/* KFK_OK, with the batch's header in |h|; else what no->code says as well: CORRUPT_MESSAGE (2),
 * MESSAGE_TOO_LARGE (10), INVALID_TIMESTAMP (32), UNSUPPORTED_COMPRESSION_TYPE (76), INVALID_RECORD
 * (87). KFK_ERR_NOMEM. */
kfk_err kfk__dev_validate(const kfk__dev_rules *rules, kfk__compressor *c, kfk_bytes records,
                          kfk__arena *arena, kfk__batch_header *h, kfk__dev_refusal *no);

#endif
