/* <kfk/types.h>: the small values that the calls of every handle share. */
#ifndef KFK_TYPES_H
#define KFK_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <kfk/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "This field is given": the bits of the flags member of kfk_record, kfk_tp and kfk_record_view. With no bit set the
 * field is not looked at, so a zeroed struct is right. */
enum {
    KFK_PARTITION = 1,
    KFK_TIMESTAMP = 2,
    KFK_OFFSET = 4,
    KFK_EPOCH = 8,
    KFK_NOWAIT = 16,         /* kfk_record: do not wait, whatever max.block.ms says */
    KFK_LOG_APPEND_TIME = 32 /* kfk_record_view: timestamp_ms is the broker's, not the producer's */
};

/* Some bytes. data NULL is Kafka's null, which is not the same as the empty value (data not NULL, len 0). */
typedef struct kfk_bytes {
    const void *data;
    size_t len;
} kfk_bytes;

/* One record header. The key may not be null, the value may. Frozen. */
typedef struct kfk_header {
    kfk_bytes key;
    kfk_bytes value;
} kfk_header;

/* A partition of a topic, with what is said of it. Frozen. opaque is the application's. */
typedef struct kfk_tp {
    const char *topic;
    const char *metadata;
    void *opaque;
    int64_t offset;
    int32_t partition;
    int32_t leader_epoch;
    kfk_err err;
    uint32_t flags;
    uint64_t reserved[2];
} kfk_tp;

/* Offsets that stand for a place in the partition; for kfk_tp.offset with KFK_OFFSET. */
#define KFK_OFFSET_EARLIEST (-2)
#define KFK_OFFSET_LATEST (-1)
/* These can only be asked for (kfk_consumer_list_offsets). */
#define KFK_OFFSET_MAX_TIMESTAMP (-3)           /* the record with the highest timestamp */
#define KFK_OFFSET_EARLIEST_LOCAL (-4)          /* the first one that is on a broker's disk (KIP-405) */
#define KFK_OFFSET_LATEST_TIERED (-5)           /* the last one that is in tiered storage */
#define KFK_OFFSET_EARLIEST_PENDING_UPLOAD (-6) /* the first one that is not in tiered storage yet */

/* Where a handle's memory comes from. All three members are needed, and are called from any thread.
 * alloc and resize return memory aligned for any type, or NULL; release takes NULL. In a child of fork() they go on
 * working, as malloc does: handles are freed there by release. */
typedef struct kfk_allocator {
    void *(*alloc)(void *ctx, size_t n);
    void *(*resize)(void *ctx, void *p, size_t n);
    void (*release)(void *ctx, void *p);
    void *ctx;
} kfk_allocator;

#ifdef __cplusplus
}
#endif
#endif
