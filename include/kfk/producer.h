/* <kfk/producer.h>: sends records.
 *
 * Any thread may send. One Sender thread per producer, named "kfk-sender", does all of its I/O and runs the delivery
 * callbacks. kfk_producer(3) tells the whole story. */
#ifndef KFK_PRODUCER_H
#define KFK_PRODUCER_H

#include <kfk/config.h>
#include <kfk/metrics.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_producer kfk_producer;

/* One record to be sent. struct_size: sizeof(kfk_record). The library copies all that it points at. */
typedef struct kfk_record {
    uint32_t struct_size;
    uint32_t flags; /* KFK_PARTITION, KFK_TIMESTAMP, KFK_NOWAIT */
    const char *topic;
    kfk_bytes key;
    kfk_bytes value;
    const kfk_header *headers;
    size_t n_headers;
    int64_t timestamp_ms; /* with KFK_TIMESTAMP; else the time of the call */
    int32_t partition;    /* with KFK_PARTITION; else by key, or sticky without one */
} kfk_record;

/* What became of a record. */
enum {
    KFK_DELIVERED = 1,   /* the broker said so */
    KFK_NOT_WRITTEN = 2, /* it never left, or every attempt was refused: it is not in the log, and will not be */
    KFK_UNKNOWN = 3      /* it was sent and no definite answer came (with acks=0: none was asked for) */
};

typedef struct kfk_delivery {
    uint32_t struct_size;
    int32_t status; /* KFK_DELIVERED, KFK_NOT_WRITTEN, KFK_UNKNOWN */
    kfk_err err;    /* KFK_OK, or why not */
    int32_t partition;
    int64_t offset;       /* -1: not known */
    int64_t timestamp_ms; /* the record's, or the broker's where the topic has LogAppendTime */
    const char *topic;    /* valid in the callback only */
    const char *msg;      /* the broker's text, or NULL; valid in the callback only */
    void *arg;            /* as given to kfk_producer_send */
} kfk_delivery;

/* Called once for each record that was accepted with it, on the Sender thread; within a partition in the order in which
 * the broker took the batches: that of the records, but for a batch that is sent again while one behind it is
 * acknowledged. Nothing is locked. It may send (without waiting); flush, close and send_sync answer
 * KFK_ERR_IN_CALLBACK, and free takes effect when it has returned. It may run before the kfk_producer_send that it
 * belongs to has returned on its own thread. While it runs, nothing else of this producer moves. */
typedef void kfk_delivery_fn(kfk_producer *p, const kfk_delivery *d, void *arg);

/* A new producer with the properties of |c|, which is copied. Connects in the background and waits for no broker.
 * KFK_ERR_CONFIG: a property is missing or contradicts another. KFK_ERR_NOMEM. KFK_ERR_SYSTEM: no thread, no
 * descriptor. */
KFK_API kfk_err kfk_producer_new(kfk_producer **out, const kfk_config *c, kfk_error *e);

/* Appends one record to its partition's batch. Waits at most max.block.ms for the topic's metadata and for room in
 * buffer.memory; one that may not wait (KFK_NOWAIT, max.block.ms=0, from a callback) is kept until its topic is known,
 * and KFK_ERR_WOULD_BLOCK tells of a full buffer. Any thread. An error means that the record was not taken and |cb| is
 * never called; KFK_OK means that it is called exactly once, never from inside this call. |cb| may be NULL.
 * KFK_ERR_INVALID_ARG, MESSAGE_TOO_LARGE (10), KFK_ERR_TIMED_OUT (metadata, or a partition that the topic does not
 * have), KFK_ERR_BUFFER_FULL, KFK_ERR_WOULD_BLOCK, KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM, and what makes the
 * topic unusable (INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED). */
KFK_API kfk_err kfk_producer_send(kfk_producer *p, const kfk_record *r, kfk_delivery_fn *cb, void *arg, kfk_error *e);

/* Sends one record and waits at most |timeout_ms| for its delivery; does not linger. The result is in |d| (struct_size
 * set by the caller; topic and msg NULL), and KFK_OK means delivered (with acks=0: sent). KFK_ERR_TIMED_OUT with
 * KFK_MAYBE_DONE in the error's flags: still queued or in flight, its fate unknown to the caller; without: it was not
 * taken. Other errors as kfk_producer_send, or why it was not delivered. */
KFK_API kfk_err kfk_producer_send_sync(kfk_producer *p, const kfk_record *r, int timeout_ms, kfk_delivery *d,
                                       kfk_error *e);

/* How many partitions |topic| has, waiting at most |timeout_ms| (-1: without limit; 0, or from a callback: not at all)
 * for its metadata, which sends to it then need not wait for. KFK_ERR_TIMED_OUT, KFK_ERR_WOULD_BLOCK (asked for, not
 * there yet), KFK_ERR_INVALID_ARG, KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM, and what makes the topic unusable. */
KFK_API kfk_err kfk_producer_partitions(kfk_producer *p, const char *topic, int timeout_ms, int32_t *n,
                                        kfk_error *e);

/* The hash by which the Java client places keys: (kfk_murmur2(key, len) & 0x7fffffff) % partitions. For partitioners. */
KFK_API int32_t kfk_murmur2(const void *data, size_t n);

/* Sends at once all that was appended before the call, and waits at most |timeout_ms| (-1: without limit) until each
 * of those records has had its result. KFK_ERR_TIMED_OUT, KFK_ERR_IN_CALLBACK, KFK_ERR_FORKED. */
KFK_API kfk_err kfk_producer_flush(kfk_producer *p, int timeout_ms, kfk_error *e);

/* Ends every record that was appended before the call and has no result: those that are queued as not written (or
 * unknown, if an attempt was not answered), those in flight as unknown, all with KFK_ERR_PURGED. Returns at once; the
 * results follow. Any thread, callbacks too. KFK_ERR_FORKED. */
KFK_API kfk_err kfk_producer_purge(kfk_producer *p, kfk_error *e);

/* A descriptor that is readable while there is something for kfk_producer_dispatch to do: a result, a line of log or an
 * event (dispatch=app), or room again after KFK_ERR_WOULD_BLOCK. For poll, select, epoll; not to be read, written or
 * closed. It lives as long as the producer. -1: none can be had. Any thread. */
KFK_API int kfk_producer_fd(kfk_producer *p);

/* Runs callbacks and hooks that wait to be run, at most |max| of them (-1: all), on this thread; *n (may be NULL): how
 * many ran. Waits for nothing. With dispatch=thread there are none, but it makes kfk_producer_fd unreadable again.
 * One thread at a time: KFK_ERR_BUSY. KFK_ERR_IN_CALLBACK, KFK_ERR_FORKED. */
KFK_API kfk_err kfk_producer_dispatch(kfk_producer *p, int max, int *n, kfk_error *e);

/* dispatch=app, for records that were sent without a callback: their results, in order, into an array of |max| elements
 * of |elem_size| bytes (sizeof(kfk_delivery)). topic is valid as long as the producer, msg until the next take. Returns how many; 0 too where a record with a callback is next, or another thread dispatches. Once it has
 * been called (with |max| 0 will do), kfk_producer_dispatch leaves these results to it; before, it drops them. */
KFK_API size_t kfk_producer_take(kfk_producer *p, kfk_delivery *out, size_t elem_size, size_t max);

/* Refuses further sends, delivers what is queued for at most |timeout_ms| (-1: without limit), then ends the rest
 * with KFK_ERR_CLOSED. When it returns, every record has had its callback. May be called again, from any thread.
 * KFK_ERR_TIMED_OUT: some records were not delivered. KFK_ERR_IN_CALLBACK, KFK_ERR_FORKED. */
KFK_API kfk_err kfk_producer_close(kfk_producer *p, int timeout_ms, kfk_error *e);

/* close(0), then gives the memory back once a callback that is running has returned. In a child of fork() it closes
 * descriptors and gives memory back, no more. NULL is allowed. */
KFK_API void kfk_producer_free(kfk_producer *p);

/* Why nothing moves: the failure that stands now, or KFK_OK. Any thread. */
KFK_API kfk_err kfk_producer_last_error(kfk_producer *p, kfk_error *e);

/* Shows what was counted to |fn|, until it returns other than 0, also after close. Any thread,
 * callbacks included. KFK_ERR_INVALID_ARG: a NULL. KFK_ERR_FORKED. kfk_metrics(3). */
KFK_API kfk_err kfk_producer_metrics(kfk_producer *p, kfk_metric_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
