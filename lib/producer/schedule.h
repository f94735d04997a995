/* schedule: which partitions are to be sent, when, and to whom.
 *
 *   kfk__schedule_place ──┬── nothing in its deque ───────> IDLE
 *                         ├── lingers, backs off ─────────> TIMER: in the heap
 *                         ├── held back by what is in flight, or by who compresses its head ──> WAITING
 *                         ├── leader known ───────────────> READY: in its leader's list
 *                         └── leader not known ───────────> HOMELESS, and metadata is asked for
 *
 * Partitions without records cost nothing: they are in no list. Belongs to the Sender thread. */
#ifndef KFK_PRODUCER_SCHEDULE_H
#define KFK_PRODUCER_SCHEDULE_H

#include "base/heap.h"
#include "client/client.h"
#include "producer/topics.h"

/* The partitions that are ready to be sent to one broker. */
typedef struct kfk__leader {
    kfk__list link;
    int32_t id;
    kfk__list ready; /* partitions, by drain_link */
    int64_t waits_since; /* it takes nothing, and |ready| is not empty; KFK__NEVER: no */
    bool stuck;          /* for too long: records without a partition go elsewhere (KIP-794) */
} kfk__leader;

typedef struct kfk__schedule {
    kfk__client *client;
    const kfk_allocator *alloc;
    int64_t linger_ns;
    bool idempotent;
    bool in_order;        /* one batch in flight a partition, whatever else */
    uint64_t flush_id;    /* batches up to this one do not linger */
    bool hurried;         /* nor does any: memory is short, or the producer closes */
    size_t n_partitions;  /* that the heap has room for */
    uint64_t leaders_era; /* raised whenever a partition's leader may be another */
    kfk__heap timers;
    kfk__list leaders;
    kfk__map leader_by_id;
    kfk__list homeless;
    void (*led)(void *owner, kfk__partition *p, int32_t leader); /* a leader was found; NULL: nobody asks */
    void *owner;
} kfk__schedule;

void kfk__schedule_init(kfk__schedule *s, kfk__client *client, const kfk_allocator *a,
                        int64_t linger_ns, bool idempotent, bool in_order);
void kfk__schedule_fini(kfk__schedule *s);
/* Room for |n| more partitions. false: no memory. */
bool kfk__schedule_reserve(kfk__schedule *s, size_t n);

/* Puts the partition where it belongs now. */
void kfk__schedule_place(kfk__schedule *s, kfk__partition *p, int64_t now);
/* Places whatever is due. */
void kfk__schedule_run(kfk__schedule *s, int64_t now);
/* When the next one is due. To be asked last: what is drained makes new ones. */
int64_t kfk__schedule_next(const kfk__schedule *s);
/* What lingers is looked at again: flush_id or hurried has changed. */
void kfk__schedule_hurry(kfk__schedule *s, int64_t now);
/* Leaders may have moved: all that is to be sent is looked at again, and who backs off from one that has does so no
 * longer. */
void kfk__schedule_leaders(kfk__schedule *s, int64_t now);

/* Whether the head must wait for what is in flight, so that order and sequences stay right, or for who compresses it.
 * queue_lock is held. */
bool kfk__schedule_holds(const kfk__schedule *s, const kfk__partition *p,
                         const kfk__producer_batch *head);

#endif
