/* records: a run of records of one partition, cut from what was fetched. The public face is in <kfk/records.h>.
 *
 *   kfk__fetched:  [ batch | batch (compressed) | batch | part of a batch ]
 *                     │        │ inflated          │
 *   kfk_records:    segment  segment             segment        start <= offset < end
 *
 * Cutting checks the crc of each batch and inflates it, on the thread that polls. Walking then only decodes. A run holds
 * the buffer that it lies in, and its partition, until it is freed.
 *
 * Messages of before Kafka 0.11 (record/message.h) are batches, too. Where they are not compressed, a segment has all that
 * lie one behind the other. */
#ifndef KFK_CONSUMER_RECORDS_H
#define KFK_CONSUMER_RECORDS_H

#include "compress/compress.h"
#include "consumer/shared.h"

/* How runs are cut. */
typedef struct kfk__cut_options {
    int32_t max_records;   /* max.poll.records */
    size_t max_inflated;   /* max.decompressed.batch.bytes */
    bool check_crcs;
    kfk__compressor *compressor; /* of the thread that cuts */
} kfk__cut_options;

/* Cuts a run of |p|, beginning at offset |position|, from |f|, which moves on. *run NULL: there was nothing to hand out
 * (markers, batches before the position). *position: where the next run begins.
 * KFK_ERR_NOMEM: nothing has changed. CORRUPT_MESSAGE, KFK_ERR_DECOMPRESS, KFK_ERR_UNSUPPORTED, at *position, with why. */
kfk_err kfk__records_cut(kfk_records **run, kfk__assigned *p, unsigned version, kfk__fetched *f,
                         int64_t *position, const kfk__cut_options *o, const char **why);

/* ---- in a group: what is done of it (marks.h) ---- */

/* The run is handed out, and ends behind a record of |epoch|. Once; a place has been reserved for it. Locked. */
void kfk__records_open(kfk_records *rs, int32_t epoch);
/* All of it before |end|, which kfk_records_next has passed, is done: one lock, whatever the number of records, and no
 * memory. On the thread that reads it. Errors as kfk_records_mark. */
kfk_err kfk__records_mark_to(kfk_records *rs, int64_t end, kfk_error *e);
/* next begins anew, and gives those from |start| to before |end|, which were of the run. On the thread that reads it. */
void kfk__records_rewind(kfk_records *rs, int64_t start, int64_t end);
/* All that next gave so far is done. */
static inline kfk_err kfk__records_mark_all(kfk_records *rs, kfk_error *e)
{
    return kfk__records_mark_to(rs, kfk_records_tp(rs)->offset, e);
}

#endif
