/* <kfk/group.h>: consumer groups by a handler, a struct of functions. kfk_group(3).
 *
 *   kfk_group_new ──> kfk_group_run: join ──> setup ──> record, or consume, again and again ──> cleanup ──> ...
 *   kfk_group_stop: what is done is committed, the group is left, run returns
 *
 * The library joins, assigns, fetches, calls, commits and joins again by itself. Handlers run in the threads that are in
 * kfk_group_run, and in those of consume.threads: two partitions at once in two of them, one partition never, and each in
 * order. Nothing is locked in any of them. All I/O is that of two threads, "kfk-fetcher" and "kfk-coordinator"; a handler
 * that is slow holds neither up. Any thread may call anything here. */
#ifndef KFK_GROUP_H
#define KFK_GROUP_H

#include <kfk/config.h>
#include <kfk/metrics.h>
#include <kfk/producer.h>
#include <kfk/records.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_group kfk_group;

/* What consume() returns where it keeps the run. Not an error. */
#define KFK_PENDING ((kfk_err)-1100)

/* What failed() answers. */
enum {
    KFK_RETRY = 0,       /* the same record again, after retry.backoff.ms, doubled each time up to retry.backoff.max.ms */
    KFK_SKIP = 1,        /* as if it were done */
    KFK_DEAD_LETTER = 2, /* to dead.letter.topic, by the producer that was set; once that has it, as if it were done */
    KFK_STOP = 3         /* kfk_group_run ends with the error, and the record is not done */
};

/* Give record or consume; each other member may be NULL. struct_size: sizeof(kfk_group_handler). flags: 0. */
typedef struct kfk_group_handler {
    uint32_t struct_size, flags;
    /* One record. KFK_OK: it is done. An error: failed() says what becomes of it. What |r| points at is valid until it
     * returns; kfk_group_headers has its headers. */
    kfk_err (*record)(kfk_group *g, const kfk_record_view *r, void *arg);
    /* A run of one partition. KFK_OK: all that kfk_records_next gave is done. KFK_PENDING: rs is the application's from
     * now on, to be marked (kfk_records_mark) and freed by it on any thread; more of the partition follows, as far as
     * max.unacked allows. An error: what has not been marked is not done, and failed() is asked about the first of it. */
    kfk_err (*consume)(kfk_group *g, kfk_records *rs, void *arg);
    /* These partitions are newly ours. It may set .offset with KFK_OFFSET (or KFK_TIMESTAMP) to begin there, and
     * .opaque, which runs, cleanup and lost then have. An error ends kfk_group_run. */
    kfk_err (*setup)(kfk_group *g, kfk_tp *tps, size_t n, void *arg);
    /* These are about to go; no record() or consume() of theirs runs. They are ours until it returns, and what is done
     * of them has been committed: .offset is where the next owner goes on. Marks made here are committed after it. An
     * error is told to error(). */
    kfk_err (*cleanup)(kfk_group *g, const kfk_tp *tps, size_t n, void *arg);
    /* These are another's already: the group went on without us. No record() or consume() of theirs runs. NULL:
     * cleanup is called. */
    void (*lost)(kfk_group *g, const kfk_tp *tps, size_t n, void *arg);
    /* Something went wrong that the library goes on from: a commit, a partition that cannot be read, a deadline that was
     * missed. NULL: the log has it. */
    void (*error)(kfk_group *g, const kfk_error *e, void *arg);
    /* record() or consume() failed with e->code for |r|, for the |attempt|th time (1, 2, ...). KFK_RETRY, KFK_SKIP,
     * KFK_DEAD_LETTER or KFK_STOP. NULL: KFK_RETRY. */
    int (*failed)(kfk_group *g, const kfk_record_view *r, const kfk_error *e, int attempt, void *arg);
} kfk_group_handler;

/* A member of group.id, to read |topics|; or those whose whole name a POSIX extended expression matches, if there is one
 * and it begins with '^'. |c|, |topics| and |h| are copied. Joins at once, and waits for no broker.
 * KFK_ERR_CONFIG (also: no group.id), KFK_ERR_INVALID_ARG, KFK_ERR_NOMEM, KFK_ERR_SYSTEM. */
KFK_API kfk_err kfk_group_new(kfk_group **out, const kfk_config *c, const char *const *topics, size_t n,
                              const kfk_group_handler *h, void *arg, kfk_error *e);

/* Who writes dead letters. It stays the caller's, and outlives the group. Before run: else KFK_ERR_STATE. */
KFK_API kfk_err kfk_group_set_producer(kfk_group *g, kfk_producer *p, kfk_error *e);

/* Calls the handler until kfk_group_stop, or until something ends it: then what is done is committed, partitions are
 * cleaned up, the group is left. From N threads at once: N workers, which all return then; consume.threads makes more.
 * KFK_OK: stopped. What a handler ended it with (setup; KFK_STOP). Fatal ones of the group: FENCED_INSTANCE_ID,
 * UNRELEASED_INSTANCE_ID, GROUP_AUTHORIZATION_FAILED, INCONSISTENT_GROUP_PROTOCOL, UNSUPPORTED_ASSIGNOR,
 * GROUP_MAX_SIZE_REACHED and such; e names the group, and what to do. KFK_ERR_TIMED_OUT: handlers in other threads have
 * not returned within close.timeout.ms of the stop. KFK_ERR_IN_CALLBACK, KFK_ERR_FORKED, KFK_ERR_CLOSED. */
KFK_API kfk_err kfk_group_run(kfk_group *g, kfk_error *e);

/* Makes kfk_group_run return. It only signals: any thread, handlers, signal handlers. */
KFK_API void kfk_group_stop(kfk_group *g);

/* The same as run, for a loop of one's own: does what there is to do, at most |max| calls of the handler (0: no limit),
 * and returns without waiting; *n: how many. KFK_OK, also when nothing was to be done. KFK_ERR_CLOSED: after
 * kfk_group_stop all is done. Others as kfk_group_run. One thread at a time: else KFK_ERR_BUSY. */
KFK_API kfk_err kfk_group_dispatch(kfk_group *g, int max, int *n, kfk_error *e);
/* A descriptor that is readable while kfk_group_dispatch has something to do. -1: there is none to be had. */
KFK_API int kfk_group_fd(kfk_group *g);

/* Commits .offset of each (with .metadata, and .leader_epoch with KFK_EPOCH); n 0: what is done, of all partitions. .err
 * says what became of each: KFK_ERR_REVOKED if it is not ours any more. Waits at most |timeout_ms| (-1: without limit).
 * Errors as kfk_consumer_commit. */
KFK_API kfk_err kfk_group_commit(kfk_group *g, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

/* Nothing of these is handed to handlers until they are resumed. KFK_ERR_REVOKED: one is not ours, nothing has changed. */
KFK_API kfk_err kfk_group_pause(kfk_group *g, const kfk_tp *tps, size_t n, kfk_error *e);
KFK_API kfk_err kfk_group_resume(kfk_group *g, const kfk_tp *tps, size_t n, kfk_error *e);

/* In record() and failed(), on their thread: the headers of the record, as kfk_records_headers. */
KFK_API size_t kfk_group_headers(kfk_group *g, const kfk_record_view *r, kfk_header *out, size_t max);

/* While partitions are to be given up: ms until they are taken, 0 if they have been. Else -1. */
KFK_API int64_t kfk_group_time_left(kfk_group *g);

/* Stops, and waits at most |timeout_ms| until what is done is committed and the group is left; run() in other threads
 * returns. KFK_ERR_TIMED_OUT: a handler still runs. From a handler: KFK_ERR_IN_CALLBACK. */
KFK_API kfk_err kfk_group_close(kfk_group *g, int timeout_ms, kfk_error *e);
/* As close(0), then gives the memory back; where a handler still runs, its thread does so as the last. NULL is allowed. */
KFK_API void kfk_group_free(kfk_group *g);

/* Why nothing moves: the failure that stands now, or KFK_OK. */
KFK_API kfk_err kfk_group_last_error(kfk_group *g, kfk_error *e);
/* As kfk_consumer_metrics. */
KFK_API kfk_err kfk_group_metrics(kfk_group *g, kfk_metric_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
