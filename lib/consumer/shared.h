/* shared: what the application's threads and the Fetcher both touch: the assigned partitions, what has been fetched for
 * them, and the memory it lies in.
 *
 *   Fetcher: records received into a kfk__fbuf ──> partition's `fetched` ──> ready list of its lane
 *   poll:    first ready partition of its lane ──> a run of it (kfk_records, which holds the buffer)
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
#include "consumer/aborted.h"
#include "consumer/course.h"
#include "consumer/marks.h"
#include "consumer/place.h"
#include "consumer/speaker.h"
#include "net/loop.h"
#include "record/cursor.h"

typedef struct kfk__shared kfk__shared;

/* A commit as a member was refused with |code|: the group has gone on without it, or is about to. Called by the Fetcher, with
 * nothing locked; |generation| is that of the commit. */
typedef void kfk__refused_fn(void *owner, kfk_err code, int32_t generation);

/* The longest name that a topic may have. */
enum { KFK__TOPIC_MAX = 249 };

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
    int32_t epoch;       /* of the batch that this ends in */
    int64_t bad_until;   /* the offset after the batch that cannot be read; -1: nobody knows */
    bool checked;        /* the checksum of the batch at |at| */
    kfk__fbuf *inflated; /* the records of the batch at |at|, if that is compressed and has been begun */
    size_t n_inflated;
    kfk__batch_header header; /* of the batch that is inflated */
    kfk__aborted aborted;     /* none with isolation.level=read_uncommitted */
} kfk__fetched;

/* Partitions by topic and number. Adding never fails: without memory the chains only get longer. */
enum { KFK__INDEX_FEW = 16 };

typedef struct kfk__index {
    struct kfk__assigned **heads; /* of chains by kfk__assigned.chain; NULL: |few| */
    size_t cap;                   /* a power of two */
    size_t n;
    struct kfk__assigned *few[KFK__INDEX_FEW];
} kfk__index;

/* What is read by one, a partition at a time: all that there is by kfk_consumer_poll; or, in a group, by each worker what is
 * its own (lane.h). Guarded by the lock. */
typedef struct kfk__lane {
    kfk__list link;      /* in shared->lanes */
    kfk__list ready;     /* its partitions of which there is something to read */
    kfk__waiter *waiter; /* who waits for such; NULL: nobody does */
    struct kfk__assigned *reading; /* held: somebody cuts a run of it, or is not done with that yet; NULL: nobody */
    size_t n;         /* its partitions */
    atomic_bool turn; /* its thread is to look up, for something else than records */
} kfk__lane;

/* A partition that its reader, a worker of a group, goes on with later: nothing of it is handed out meanwhile. The list is the
 * group's, and holds the partition; |link| is guarded by the lock, and so is all while it is in there. Else it is the reader's. */
typedef struct kfk__aside {
    kfk__list link;          /* in no list: it is not aside */
    struct kfk_records *run; /* to be gone on with; NULL: the partition could not be read, and is to be tried again */
    int64_t end;             /* where that ended when it was cut */
    int64_t due;
    struct kfk__letter *letter; /* that has to be delivered before; NULL: none */
    int64_t failed; /* the offset of what failed last */
    int attempt;    /* and how often it did */
    uint32_t tries; /* of whatever it is, for the backoff */
} kfk__aside;

/* One assigned partition. */
typedef struct kfk__assigned {
    kfk__shared *shared;
    atomic_int owners;   /* the assignment, the news, the Fetcher, runs */
    atomic_uint version; /* raised by seek and unassign: what was handed out before is not to be read on */
    char *topic;
    size_t topic_len;
    int32_t partition;
    kfk__place start; /* where to begin where nothing is committed */
    kfk__place reset; /* where to go on from an offset that is not there */
    kfk__marks *marks; /* what of it has been done, in a group; NULL: nobody marks anything */

    /* Guarded by the lock. */
    kfk__list link;  /* in the assignment */
    struct kfk__assigned *chain; /* in its index */
    kfk__lane *lane; /* the lane it is read in, while it is assigned; changes only while nobody reads it */
    kfk__list ready; /* in the ready list of that */
    kfk__list news;  /* the Fetcher is to look at it */
    unsigned fetch_version; /* raised whenever what was fetched and not handed out is of no use any more */
    bool gone;       /* not assigned any more */
    bool paused;
    bool leaving;    /* it is about to go: nothing more is handed out, and who lets go of it tells */
    kfk__aside aside;
    int64_t asked;   /* the offset that a group has asked to be committed; -1: none */
    size_t full;     /* the Fetcher holds back while more than so much is buffered; 0: it does not */
    kfk__place from; /* where to look for it while the position is not known */
    void *opaque;
    int64_t position;  /* of the next record to be handed out; < 0: not known */
    int32_t epoch;     /* leader epoch of the record before it; -1: not known */
    kfk__list fetched; /* oldest first */
    size_t buffered;   /* bytes in them */
    int64_t end;       /* of what may be read, as an answer told it last; -1: not known */
    kfk_err err;       /* why there is no more until a seek; KFK_OK */
    int64_t err_offset; /* what poll tells with it */
    int64_t skip_to;    /* where it goes on behind what cannot be read; -1: that is not it, or nobody knows */
    char why[200];
    /* Where the last run stopped inside a batch, with the record read that the next one begins with. */
    kfk__batch_cursor resume;
    int64_t resume_at; /* the position it is for; -1: none */

    kfk__course course; /* the Fetcher's */
} kfk__assigned;

/* One who waits for a position. Lives in its frame. */
typedef struct kfk__watcher {
    kfk__list link;
    kfk__waiter *waiter;
} kfk__watcher;

enum { KFK__FBUF_CLASSES = 64 }; /* up to 240 MiB */

struct kfk__shared {
    kfk__env env;
    atomic_int owners;
    atomic_bool woken;       /* kfk_consumer_wakeup */
    atomic_size_t max_bytes; /* fetch.buffer.memory */
    bool skips_bad;          /* corrupt.batch.policy=skip; set once */
    atomic_size_t inflated;  /* what a batch inflated to last */

    kfk__mutex lock; /* guards all below */
    kfk__loop *loop; /* the Fetcher's; NULL: it has ended */
    kfk__list partitions;
    kfk__index index; /* of these */
    kfk__lane lane;  /* kfk_consumer_poll's */
    kfk__list lanes; /* in use in its place; none: that one is */
    kfk__list news;      /* partitions, each held by it, that the Fetcher is to look at */
    kfk__list asks;      /* that the Fetcher is to take up (ask.h) */
    kfk__poller *bell;   /* kfk_consumer_fd's; NULL: nobody has asked for it */
    kfk__list garbage;   /* kfk__fetched that nobody wants: kfk__shared_sweep */
    kfk__list watchers;  /* kfk__watcher, those who wait for positions */
    bool member;         /* it is one of the group, or about to be: what is not its own it does not commit */
    kfk__speaker *who;    /* held: as whom it commits; NULL: as nobody in particular */
    kfk__refused_fn *refused; /* NULL: nobody wants to know */
    void *refused_owner;
    size_t used;         /* bytes in buffers that somebody holds */
    size_t reserved;     /* bytes that brokers have been asked for */
    size_t kept_bytes;
    kfk__fbuf *kept[KFK__FBUF_CLASSES];
    size_t starved; /* the Fetcher waits for so much credit; 0: it does not */
    bool closed;
};

/* With one owner. NULL: no memory. */
kfk__shared *kfk__shared_new(const kfk__env *env, size_t max_bytes);
void kfk__shared_drop(kfk__shared *s);
kfk__shared *kfk__shared_hold(kfk__shared *s);

/* As whom commits are made from now on; NULL: as nobody in particular. KFK_ERR_NOMEM: it is as before. Those of a |member|
 * are KFK_ERR_REVOKED without a question to anybody, for what is not assigned to it, and for all if it has no generation. */
kfk_err kfk__shared_be(kfk__shared *s, bool member, const kfk__group_meta *who);
/* Who hears of commits that were refused. |owner| outlives the Fetcher. */
void kfk__shared_on_refused(kfk__shared *s, kfk__refused_fn *fn, void *owner);

/* A buffer of |cap| bytes or more, with one owner. NULL: no memory. */
kfk__fbuf *kfk__fbuf_new(kfk__shared *s, size_t cap);
void kfk__fbuf_drop(kfk__fbuf *b);
/* For what grows: its pieces of memory are the data of buffers, each with one owner. */
kfk_allocator kfk__fbuf_allocator(kfk__shared *s);
static inline kfk__fbuf *kfk__fbuf_of(const void *data)
{
    return (kfk__fbuf *)((uintptr_t)data - offsetof(kfk__fbuf, data));
}
/* Takes credit for bytes that a broker is asked for: at most |max|, and one share of |shares|. Returns how much; 0: there is
 * not even |least|, and the Fetcher will be woken when there is. */
size_t kfk__shared_reserve(kfk__shared *s, size_t max, size_t shares, size_t least);
void kfk__shared_unreserve(kfk__shared *s, size_t n);
/* How much to ask for of one partition, at most |max|: plenty while memory is free, a fair share when it is not, so that
 * partitions that nobody reads never take up all. */
size_t kfk__shared_limit(kfk__shared *s, size_t max);

/* A partition with one owner, in no list. NULL: no memory. */
kfk__assigned *kfk__assigned_new(kfk__shared *s, const char *topic, int32_t partition);
static inline kfk__assigned *kfk__assigned_hold(kfk__assigned *p)
{
    atomic_fetch_add_explicit(&p->owners, 1, memory_order_relaxed);
    return p;
}
void kfk__assigned_drop(kfk__assigned *p);
/* Runs that are out are not to be read on. Locked. */
void kfk__assigned_revoke(kfk__assigned *p);
/* The same, but what was handed out can still be marked. Locked. */
void kfk__assigned_end_runs(kfk__assigned *p);
/* The offset to commit of it: what was marked in a group, else the position; < 0: not known. *epoch: of the record before it,
 * or -1. Locked. */
int64_t kfk__assigned_done(kfk__assigned *p, int32_t *epoch);
/* These forget what was fetched, which goes to the garbage, and let the Fetcher begin anew. Locked. */
/* The position is |offset| now; |epoch|: of the record before, -1 if not known. */
void kfk__assigned_move(kfk__assigned *p, int64_t offset, int32_t epoch);
/* It is to be looked up. */
void kfk__assigned_look_up(kfk__assigned *p, kfk__place from);
/* To where it begins when nothing is known of it. */
void kfk__assigned_start(kfk__assigned *p);
/* Not assigned any more: the runs are revoked, too. */
void kfk__assigned_leave(kfk__assigned *p);
/* No more records until a seek, because of |err|, which poll tells with |offset|; the position stays. */
void kfk__assigned_fail(kfk__assigned *p, kfk_err err, int64_t offset, const char *why);

/* The Fetcher is to look at it. Locked. */
void kfk__assigned_tell(kfk__assigned *p);
/* There is something to read: puts it into the ready list, and wakes who waits; unless it is paused, or has as much undone
 * as it may. Locked. */
void kfk__assigned_ready(kfk__assigned *p);
/* Whether anything keeps it from being read has changed. Locked. */
void kfk__assigned_resume(kfk__assigned *p);

/* In use from now on, or not any more: kfk_consumer_poll's is, unless there are others. Partitions that nobody reads move, so
 * that each lane has its part. Who reads in one that goes has let go of what he read. Locked. */
void kfk__shared_add_lane(kfk__shared *s, kfk__lane *lane);
void kfk__shared_remove_lane(kfk__shared *s, kfk__lane *lane);
/* The lane's thread is to look up, now or when it comes to wait. Locked. */
void kfk__shared_turn(kfk__shared *s, kfk__lane *lane);
/* Wakes whoever waits in a lane. Locked. */
void kfk__shared_wake_lanes(kfk__shared *s);
/* Whether there is anything to read, in any lane. Locked. */
bool kfk__shared_any_ready(const kfk__shared *s);
/* Whether somebody reads a run of it, or has not let go of it yet. Locked. */
bool kfk__shared_is_read(const kfk__shared *s, const kfk__assigned *p);
void kfk__lane_init(kfk__lane *lane);

void kfk__index_init(kfk__index *x);
/* Forgets all. */
void kfk__index_fini(kfk__index *x, const kfk_allocator *a);
struct kfk__assigned *kfk__index_find(const kfk__index *x, const char *topic, int32_t partition);
/* It is in no index. */
void kfk__index_add(kfk__index *x, struct kfk__assigned *p, const kfk_allocator *a);
void kfk__index_remove(kfk__index *x, struct kfk__assigned *p);

/* Into the assignment, or out of it. Locked. */
void kfk__shared_add(kfk__shared *s, kfk__assigned *p);
void kfk__shared_remove(kfk__shared *s, kfk__assigned *p);
/* All of it, into |out|. Locked. */
void kfk__shared_remove_all(kfk__shared *s, kfk__list *out);
kfk__assigned *kfk__shared_find(kfk__shared *s, const char *topic, int32_t partition);

/* Frees the garbage, which cannot be done with the lock held. */
void kfk__shared_sweep(kfk__shared *s);
void kfk__fetched_free(kfk__shared *s, kfk__fetched *f);

/* Wakes the Fetcher. Locked or not. */
void kfk__shared_wake(kfk__shared *s);
/* A position has become known, or never will, or an ask has its answer, or nobody reads any more what is to go: wakes those who
 * wait for that, and a group's workers, which look up. Locked. */
void kfk__shared_known(kfk__shared *s);
/* The first of these alone. Locked. */
void kfk__shared_wake_watchers(kfk__shared *s);
/* Whoever reads in a lane is to look up. Locked. */
void kfk__shared_turn_all(kfk__shared *s);
/* Makes kfk_consumer_fd readable. Locked. */
void kfk__shared_ring(kfk__shared *s);

#endif
