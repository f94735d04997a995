/* <kfk/records.h>: what a poll hands out. kfk_records(3).
 *
 * A run is read by one thread at a time; it may be given to another, and freed there. */
#ifndef KFK_RECORDS_H
#define KFK_RECORDS_H

#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run of records of one partition. Its memory counts against the consumer's budget until it is freed. */
typedef struct kfk_records kfk_records;

/* One record, as it lies in the fetched batch. Valid until the next kfk_records_next; what key, value and topic point
 * at is valid until kfk_records_free. The library's memory: it may grow at its end. */
typedef struct kfk_record_view {
    const char *topic;
    kfk_bytes key;
    kfk_bytes value;
    int64_t offset;
    int64_t timestamp_ms; /* -1: none */
    int32_t partition;
    int32_t leader_epoch; /* -1: not known */
    uint32_t n_headers;
    uint32_t flags; /* KFK_LOG_APPEND_TIME */
} kfk_record_view;

/* A record that lives on its own. The library's memory: it may grow at its end. */
typedef struct kfk_record_owned {
    const kfk_header *headers; /* view.n_headers of them */
    kfk_record_view view;
} kfk_record_owned;

/* The next record, or NULL: at the end, at a record that cannot be parsed, and when the partition was taken away or
 * moved by seek. kfk_records_status says which. */
KFK_API const kfk_record_view *kfk_records_next(kfk_records *rs);

/* Copies up to |max| headers of the record that kfk_records_next gave last into |out|; returns how many. The bytes are
 * views, valid until kfk_records_free. */
KFK_API size_t kfk_records_headers(kfk_records *rs, kfk_header *out, size_t max);

/* Copies the record that kfk_records_next gave last, with its headers, into one piece of memory of the allocator. It may
 * outlive the run and the consumer, and is freed with kfk_record_free. NULL: no memory, or there is no such record. */
KFK_API kfk_record_owned *kfk_record_copy(kfk_records *rs);
/* NULL is allowed. */
KFK_API void kfk_record_free(kfk_record_owned *r);

/* Why kfk_records_next gave NULL: KFK_OK (all read), KFK_ERR_REVOKED, KFK_ERR_BAD_RECORD. What is wrong with a whole
 * batch is told by kfk_consumer_poll, in place of a run. */
KFK_API kfk_err kfk_records_status(const kfk_records *rs, kfk_error *e);

/* Topic, partition and opaque of the run; offset: the next to be read, which is what kfk_consumer_commit takes. It
 * changes with kfk_records_next. Valid until kfk_records_free. */
KFK_API const kfk_tp *kfk_records_tp(const kfk_records *rs);

/* In a group: the records with offsets |first| to |last| are done; those of the run among them. In any order, on any
 * thread, again and again; only what has nothing undone before it is committed. Offsets outside of what next gave so far
 * are KFK_ERR_INVALID_ARG. KFK_ERR_REVOKED: the partition is no longer ours, or is ours anew: nothing was marked.
 * KFK_ERR_STATE: the run is not of a group. KFK_ERR_NOMEM: nothing was marked. KFK_ERR_FORKED. */
KFK_API kfk_err kfk_records_mark(kfk_records *rs, int64_t first, int64_t last, kfk_error *e);

/* Gives the memory back. Any thread, any order, also after the consumer was freed. NULL is allowed. */
KFK_API void kfk_records_free(kfk_records *rs);

#ifdef __cplusplus
}
#endif
#endif
