/* <kfk/consumer.h>: reads records.
 *
 * One Fetcher thread per consumer, named "kfk-fetcher", does all of its I/O; records are checked, decompressed and
 * decoded on the thread that reads them. Any thread may call, one poll at a time. kfk_consumer(3), kfk_records(3). */
#ifndef KFK_CONSUMER_H
#define KFK_CONSUMER_H

#include <kfk/config.h>
#include <kfk/metrics.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_consumer kfk_consumer;

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

/* A new consumer with the properties of |c|, which is copied. Waits for no broker.
 * KFK_ERR_CONFIG, KFK_ERR_NOMEM, KFK_ERR_SYSTEM. */
KFK_API kfk_err kfk_consumer_new(kfk_consumer **out, const kfk_config *c, kfk_error *e);

/* Replaces what is read by these partitions; n 0: nothing. With KFK_OFFSET, reading starts at .offset (or at
 * KFK_OFFSET_EARLIEST, KFK_OFFSET_LATEST); without it, where auto.offset.reset says. All strings are copied.
 * KFK_ERR_INVALID_ARG, KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* Moves the positions of assigned partitions to .offset. Nothing fetched before is delivered after.
 * KFK_ERR_STATE: a partition is not assigned, and then none was moved. Others as kfk_consumer_assign. */
KFK_API kfk_err kfk_consumer_seek(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* The next records of any assigned partition, waiting at most |timeout_ms| (-1: without limit) for them. The position
 * moves past what is handed out. KFK_OK and *rs NULL: nothing came in time. Free |*rs| with kfk_records_free.
 * KFK_ERR_BUSY: another thread polls. KFK_ERR_WOKEN: kfk_consumer_wakeup. KFK_ERR_NO_OFFSET, OFFSET_OUT_OF_RANGE,
 * CORRUPT_MESSAGE, KFK_ERR_DECOMPRESS, KFK_ERR_BAD_RECORD: e names topic, partition and offset, and the position stays
 * there until seek. KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_poll(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e);

/* Ends a poll that waits, or the next one, with KFK_ERR_WOKEN. Any thread, and signal handlers. */
KFK_API void kfk_consumer_wakeup(kfk_consumer *c);

/* For each of the partitions: .offset is where the next poll goes on, or .err says why that is not known
 * (KFK_ERR_STATE: not assigned; KFK_ERR_WOULD_BLOCK: not looked up yet). */
KFK_API kfk_err kfk_consumer_position(kfk_consumer *c, kfk_tp *tps, size_t n, kfk_error *e);

/* The number of partitions of |topic|, asked of the cluster, within |timeout_ms|.
 * A topic that is not there is asked for until the time is over: KFK_ERR_TIMED_OUT. INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED. */
KFK_API kfk_err kfk_consumer_partitions(kfk_consumer *c, const char *topic, int timeout_ms, int32_t *count,
                                        kfk_error *e);

/* Stops fetching and ends a poll that waits. Back within |timeout_ms|. Runs that the application still holds stay
 * valid until they are freed. May be called again, from any thread. */
KFK_API kfk_err kfk_consumer_close(kfk_consumer *c, int timeout_ms, kfk_error *e);

/* close(0), then gives the memory back. In a child of fork() it closes descriptors and gives memory back, no more, and runs
 * cannot be read any more then. NULL is allowed. */
KFK_API void kfk_consumer_free(kfk_consumer *c);

/* Why nothing moves: the failure that stands now, or KFK_OK. Any thread. */
KFK_API kfk_err kfk_consumer_last_error(kfk_consumer *c, kfk_error *e);

/* Shows what was counted to |fn|, until it returns other than 0, also after close. Any thread.
 * KFK_ERR_INVALID_ARG: a NULL. KFK_ERR_FORKED. KFK_ERR_NOMEM: not all was shown. kfk_metrics(3). */
KFK_API kfk_err kfk_consumer_metrics(kfk_consumer *c, kfk_metric_fn *fn, void *arg);

/* The next record, or NULL: at the end, at a record that cannot be parsed, and when the partition was taken away or
 * moved by seek. kfk_records_status says which. */
KFK_API const kfk_record_view *kfk_records_next(kfk_records *rs);

/* Copies up to |max| headers of the record that kfk_records_next gave last into |out|; returns how many. The bytes are
 * views, valid until kfk_records_free. */
KFK_API size_t kfk_records_headers(kfk_records *rs, kfk_header *out, size_t max);

/* Why kfk_records_next gave NULL: KFK_OK (all read), KFK_ERR_REVOKED, KFK_ERR_BAD_RECORD, KFK_ERR_DECOMPRESS,
 * CORRUPT_MESSAGE. */
KFK_API kfk_err kfk_records_status(const kfk_records *rs, kfk_error *e);

/* Topic, partition and opaque of the run; offset: the next to be read. Valid until kfk_records_free. */
KFK_API const kfk_tp *kfk_records_tp(const kfk_records *rs);

/* Gives the memory back. Any thread, any order, also after the consumer was freed. NULL is allowed. */
KFK_API void kfk_records_free(kfk_records *rs);

#ifdef __cplusplus
}
#endif
#endif
