/* shared: what the application's threads and the Fetcher both touch: the assigned partitions, what has been fetched for
 * them, and the memory it lies in.
 *
 *   Fetcher: records received into a kfk__fbuf ──> partition's `fetched` ──> ready list
 *   poll:    first ready partition ──> a run of it (kfk_records, which holds the buffer)
 *   kfk_records_free: the buffer's bytes are credit again ──> the Fetcher asks for more
 *
 * One lock guards it all; it is taken once a poll, a response, a free, not once a record. Runs outlive the consumer, so
 * this has its own count of owners: the consumer, the Fetcher, each partition and each buffer. */
#ifndef KFK_CONSUMER_SHARED_H
#define KFK_CONSUMER_SHARED_H

#include <stdatomic.h>

#include <kfk/consumer.h>

#include "base/env.h"
#include "base/list.h"
#include "base/lock.h"
#include "client/retry.h"
#include "consumer/aborted.h"
#include "net/loop.h"
#include "record/cursor.h"

typedef struct kfk__shared kfk__shared;

/* auto.offset.reset=none */
#define KFK__RESET_NONE INT64_MIN

/* A piece of fetch memory. */
typedef struct kfk__fbuf {
    kfk__shared *shared;
    struct kfk__fbuf *next; /* among those that are kept */
    atomic_int owners;
    size_t cap;
    uint8_t data[];
} kfk__fbuf;

/* What one response brought for one partition. */
typedef struct kfk__fetched {
    kfk__list link;
    kfk__fbuf *buf;
    size_t at, end;      /* batches that poll has not handed out yet: data[at .. end) */
    int64_t next;        /* the offset after what was handed out of it */
    bool checked;        /* the checksum of the batch at |at| */
    kfk__fbuf *inflated; /* the records of the batch at |at|, if that is compressed and has been begun */
    size_t n_inflated;
    kfk__batch_header header; /* of the batch that is inflated */
    kfk__aborted aborted;     /* none with isolation.level=read_uncommitted */
} kfk__fetched;

/* One assigned partition. */
typedef struct kfk__assigned {
    kfk__shared *shared;
    atomic_int owners;   /* the assignment, the Fetcher's requests, runs */
    atomic_uint version; /* raised whenever what was fetched before must not be delivered any more */
    char *topic;
    size_t topic_len;
    int32_t partition;
    int64_t reset; /* KFK_OFFSET_EARLIEST, KFK_OFFSET_LATEST; KFK__RESET_NONE: an error */

    /* Guarded by the lock. */
    kfk__list link;  /* in the assignment */
    kfk__list ready; /* in the ready list */
    void *opaque;
    int64_t position;  /* of the next record to be handed out; < 0: to be looked up, KFK_OFFSET_... */
    kfk__list fetched; /* oldest first */
    size_t buffered;   /* bytes in them */
    int64_t end; /* of what may be read, as an answer told it last; -1: not known */
    kfk_err err;       /* why there is no more until a seek; KFK_OK */
    char why[160];
    /* Where the last run stopped inside a batch, with the record read that the next one begins with. */
    kfk__batch_cursor resume;
    int64_t resume_at; /* the position it is for; -1: none */

    /* The Fetcher's. */
    unsigned fetch_version; /* the one that these belong to */
    int64_t fetch_since;    /* when that began */
    int64_t fetch_offset;   /* of the next record to be fetched; < 0: to be looked up */
    bool asked;             /* a request for it is out */
    int64_t retry_at;
    kfk__retry retry;
} kfk__assigned;

enum { KFK__FBUF_CLASSES = 24 };

struct kfk__shared {
    kfk__env env;
    atomic_int owners;
    atomic_bool woken;       /* kfk_consumer_wakeup */
    atomic_size_t max_bytes; /* fetch.buffer.memory */

    kfk__mutex lock; /* guards all below */
    kfk__loop *loop; /* the Fetcher's; NULL: it has ended */
    kfk__list partitions;
    kfk__list ready;
    kfk__list garbage;   /* kfk__fetched that nobody wants: kfk__shared_sweep */
    kfk__waiter *poller; /* who waits in poll */
    size_t used;         /* bytes in buffers that somebody holds */
    size_t reserved;     /* bytes that brokers have been asked for */
    size_t kept_bytes;
    kfk__fbuf *kept[KFK__FBUF_CLASSES];
    bool starved; /* the Fetcher waits for credit */
    bool changed; /* the assignment, or a position, since the Fetcher looked */
    bool closed;
};

/* With one owner. NULL: no memory. */
kfk__shared *kfk__shared_new(const kfk__env *env, size_t max_bytes);
void kfk__shared_drop(kfk__shared *s);

/* A buffer of |cap| bytes or more, with one owner. NULL: no memory. */
kfk__fbuf *kfk__fbuf_new(kfk__shared *s, size_t cap);
void kfk__fbuf_drop(kfk__fbuf *b);
/* Takes credit for bytes that a broker is asked for: at most |max|, and one share of |shares|. Returns how much; 0: the
 * Fetcher will be woken when there is some again. */
size_t kfk__shared_reserve(kfk__shared *s, size_t max, size_t shares);
void kfk__shared_unreserve(kfk__shared *s, size_t n);

/* A partition with one owner, in no list. NULL: no memory. */
kfk__assigned *kfk__assigned_new(kfk__shared *s, const char *topic, int32_t partition);
static inline kfk__assigned *kfk__assigned_hold(kfk__assigned *p)
{
    atomic_fetch_add_explicit(&p->owners, 1, memory_order_relaxed);
    return p;
}
void kfk__assigned_drop(kfk__assigned *p);
/* Forgets what was fetched, which goes to the garbage; the position is |position| now. Locked. */
void kfk__assigned_move(kfk__assigned *p, int64_t position);
/* No more records until a seek, because of |err| at the position. Locked. */
void kfk__assigned_fail(kfk__assigned *p, kfk_err err, const char *why);
/* There is something for poll: puts it into the ready list, and wakes who waits. Locked. */
void kfk__assigned_ready(kfk__assigned *p);
kfk__assigned *kfk__shared_find(kfk__shared *s, const char *topic, int32_t partition);

/* Frees the garbage, which cannot be done with the lock held. */
void kfk__shared_sweep(kfk__shared *s);
void kfk__fetched_free(kfk__shared *s, kfk__fetched *f);

/* Wakes the Fetcher. Locked or not. */
void kfk__shared_wake(kfk__shared *s);

#endif
