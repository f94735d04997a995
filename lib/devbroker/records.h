/* records: the records inside one batch, inflated first where they are compressed; or those of a
 * message of before Kafka 0.11 (record/message.h), which is a batch here. */
#ifndef KFK_DEVBROKER_RECORDS_H
#define KFK_DEVBROKER_RECORDS_H

#include "base/buf.h"
#include "compress/compress.h"
#include "record/batch.h"
#include "record/cursor.h"

typedef struct kfk__dev_records {
    kfk__buf inflated;
    kfk__batch_cursor cursor; /* to be read with kfk__batch_cursor_next */
} kfk__dev_records;

/* Opens the whole batch at |batch|, whose header |h| was read without an error; the batch must stay
 * until close. Of a compressed set of messages |h| is complete only then. *why: static.
 * KFK_ERR_DECOMPRESS, KFK_ERR_NOMEM, for such a set also CORRUPT_MESSAGE and KFK_ERR_UNSUPPORTED;
 * close is then not needed. */
kfk_err kfk__dev_records_open(kfk__dev_records *r, kfk__compressor *c, const kfk_allocator *a,
                              const uint8_t *batch, size_t size, kfk__batch_header *h,
                              const char **why);
void kfk__dev_records_close(kfk__dev_records *r);

#endif
