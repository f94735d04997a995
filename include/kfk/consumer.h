/* <kfk/consumer.h>: reads records.
 *
 * One Fetcher thread per consumer, named "kfk-fetcher", does all of its I/O; records are checked, decompressed and
 * decoded on the thread that reads them. Any thread may call, one poll at a time. kfk_consumer(3), kfk_records(3).
 *
 * Calls with a timeout wait at most so many ms (-1: without limit; 0: not at all). list_offsets, commit and committed
 * answer KFK_ERR_TIMED_OUT then, and what they began goes on: the same call with the same partitions, offsets and flags
 * asks for its result, and kfk_consumer_fd tells when there is one. */
#ifndef KFK_CONSUMER_H
#define KFK_CONSUMER_H

#include <kfk/config.h>
#include <kfk/metrics.h>
#include <kfk/records.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_consumer kfk_consumer;

/* A new consumer with the properties of |c|, which is copied. Waits for no broker.
 * KFK_ERR_CONFIG, KFK_ERR_NOMEM, KFK_ERR_SYSTEM. */
KFK_API kfk_err kfk_consumer_new(kfk_consumer **out, const kfk_config *c, kfk_error *e);

/* ---- what is read ---- */

/* Replaces what is read by these partitions; n 0: nothing. With KFK_OFFSET, reading starts at .offset (or at
 * KFK_OFFSET_EARLIEST, KFK_OFFSET_LATEST); with KFK_TIMESTAMP, .offset is a time in ms since 1970, and reading starts at
 * the first record of that time or later. With neither: a partition that was assigned goes on where it was; another
 * starts at what group.id has committed; else where auto.offset.start says, or auto.offset.reset. With KFK_EPOCH,
 * .leader_epoch is that of the record before .offset, and the log is checked to have it still (KIP-320).
 * All strings are copied. KFK_ERR_INVALID_ARG (also: one is named twice), KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* Adds partitions to what is read, or takes them away; the others go on undisturbed. Those that are assigned already, or are
 * not, are KFK_ERR_STATE, and nothing has changed then. Others as kfk_consumer_assign. */
KFK_API kfk_err kfk_consumer_incremental_assign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);
KFK_API kfk_err kfk_consumer_incremental_unassign(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* Moves the positions of assigned partitions to .offset, with KFK_TIMESTAMP and KFK_EPOCH as in kfk_consumer_assign;
 * KFK_OFFSET need not be set. Waits for nothing. Nothing fetched before is delivered after. KFK_ERR_STATE: a partition
 * is not assigned, and then none was moved. Others as kfk_consumer_assign. */
KFK_API kfk_err kfk_consumer_seek(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* ---- what is read, as a member of group.id ---- */

/* What a member of a group is told as partitions come and go: from inside kfk_consumer_poll, and from unsubscribe and
 * close. Any member may be NULL. In them all calls but poll, subscribe, unsubscribe and close may be made.
 * struct_size: sizeof(kfk_listener); flags: 0. */
typedef struct kfk_listener {
    uint32_t struct_size, flags;
    /* These are newly ours. May set .offset with KFK_OFFSET (or KFK_TIMESTAMP) to begin there, and .opaque. */
    kfk_err (*assigned)(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg);
    /* These are about to go, and ours until it returns: the place to commit. .offset: the position, -1 if not known. */
    kfk_err (*revoked)(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg);
    /* These are another's already. NULL: revoked is called. */
    kfk_err (*lost)(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg);
} kfk_listener;

/* Joins group.id to read |topics|, in place of what was subscribed to before; or all topics whose whole name a POSIX
 * extended expression matches, if there is one and it begins with '^' (with group.protocol=consumer the broker matches,
 * by RE2's rules). n 0: kfk_consumer_unsubscribe. |topics| and |l| (NULL: none) are copied. Waits for nothing:
 * kfk_consumer_poll then does what is needed. What a listener returns other than KFK_OK the poll returns, once all is
 * done. KFK_ERR_STATE: partitions are assigned by kfk_consumer_assign. KFK_ERR_CONFIG: no group.id.
 * KFK_ERR_INVALID_ARG: an expression that does not compile, or beside other topics. KFK_ERR_IN_CALLBACK,
 * KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM, KFK_ERR_SYSTEM. */
KFK_API kfk_err kfk_consumer_subscribe(kfk_consumer *c, const char *const *topics, size_t n, const kfk_listener *l,
                                       void *arg, kfk_error *e);
/* Leaves the group: commits with enable.auto.commit, calls revoked, and waits at most |timeout_ms| for the broker to
 * know. Also ends what kfk_consumer_assign began. KFK_ERR_TIMED_OUT: it is left all the same. KFK_ERR_BUSY: another
 * thread polls. */
KFK_API kfk_err kfk_consumer_unsubscribe(kfk_consumer *c, int timeout_ms, kfk_error *e);
/* What is assigned now, by the group or by kfk_consumer_assign: topic, partition, opaque and position. *n: how many
 * there are; at most |max| of them are in |out|. The strings are valid until the next call of this with |c|.
 * KFK_ERR_INVALID_ARG, KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_assignment(kfk_consumer *c, kfk_tp *out, size_t max, size_t *n, kfk_error *e);
/* Makes the group share out its partitions anew, at the next poll; |reason| (NULL: none) is what brokers log.
 * KFK_ERR_STATE: nothing is subscribed to. With group.protocol=consumer it does nothing. */
KFK_API kfk_err kfk_consumer_rejoin(kfk_consumer *c, const char *reason, kfk_error *e);

/* Nothing of these partitions is fetched or handed out until they are resumed; what was fetched before is kept for then.
 * KFK_ERR_STATE: one is not assigned, and then nothing has changed. */
KFK_API kfk_err kfk_consumer_pause(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);
KFK_API kfk_err kfk_consumer_resume(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);

/* The next records of any assigned partition, waiting at most |timeout_ms| (-1: without limit) for them. The position
 * moves past what is handed out. KFK_OK and *rs NULL: nothing came in time. Free |*rs| with kfk_records_free.
 * KFK_ERR_BUSY: another thread polls. KFK_ERR_WOKEN: kfk_consumer_wakeup. KFK_ERR_BUFFER_FULL: for a second, or all of
 * the timeout if that is not 0, runs that the application has not freed, and paused partitions, have held all of
 * fetch.buffer.memory, so nothing can come.
 * KFK_ERR_NO_OFFSET, OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, KFK_ERR_DECOMPRESS, KFK_ERR_BAD_RECORD, and what brokers
 * refuse for good: e names topic, partition and offset; poll tells so again until a seek (corrupt.batch.policy).
 * KFK_ERR_TRUNCATED: the log does not have what was read before the position any more (KIP-320), and
 * auto.offset.reset=none; e->offset is where it parts from that, a seek there goes on.
 * KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_poll(kfk_consumer *c, int timeout_ms, kfk_records **rs, kfk_error *e);

/* Ends a poll that waits, or the next one, with KFK_ERR_WOKEN. Any thread, and signal handlers. */
KFK_API void kfk_consumer_wakeup(kfk_consumer *c);

/* A descriptor that is readable while kfk_consumer_poll has something to hand out or to tell, or a call that timed out
 * has its result, until a poll has brought nothing; of a member of a group also when half of max.poll.interval.ms has
 * passed without a poll. Only wait for it; any number of times the same. -1: there is none
 * to be had. */
KFK_API int kfk_consumer_fd(kfk_consumer *c);

/* ---- where reading is ---- */

/* .offset: where the next poll of this partition goes on; .leader_epoch: of the record before, -1 if not known. .err
 * KFK_ERR_STATE: not assigned; KFK_ERR_WOULD_BLOCK: not known within |timeout_ms|; or why the partition cannot go on. */
KFK_API kfk_err kfk_consumer_position(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

/* .offset: how many offsets lie between the position and the end of what may be read (the last stable offset with
 * read_committed), as brokers told last. Waits for nothing, asks nobody. .err as kfk_consumer_position. */
KFK_API kfk_err kfk_consumer_lag(kfk_consumer *c, kfk_tp *tps, size_t n, kfk_error *e);

/* Asks the leaders of any partitions for offsets: .offset says which (KFK_OFFSET_EARLIEST and so on) or, with
 * KFK_TIMESTAMP, is a time in ms since 1970, meaning the first record of that time or later. Then .offset is the answer,
 * -1 if there is no such record, .leader_epoch its epoch, or -1, and .err why there is none.
 * KFK_ERR_TIMED_OUT, KFK_ERR_INVALID_ARG, KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_consumer_list_offsets(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

/* The number of partitions of |topic|, asked of the cluster, within |timeout_ms|.
 * A topic that is not there is asked for until the time is over: KFK_ERR_TIMED_OUT. INVALID_TOPIC_EXCEPTION,
 * TOPIC_AUTHORIZATION_FAILED. */
KFK_API kfk_err kfk_consumer_partitions(kfk_consumer *c, const char *topic, int timeout_ms, int32_t *count,
                                        kfk_error *e);

/* ---- what is committed, in the name of group.id ---- */

/* Commits .offset of each, with .metadata (NULL: none) and, with KFK_EPOCH, .leader_epoch; n 0: the positions of all
 * assigned partitions. .err says what became of each. A consumer that assigns its partitions itself is no member of the
 * group, which then has none: who commits last is right. A member's commit is refused once the group has gone on without
 * it: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, STALE_MEMBER_EPOCH, FENCED_INSTANCE_ID; KFK_ERR_REVOKED: it is no member now,
 * or the partition is not its own. REBALANCE_IN_PROGRESS: poll, and commit again. KFK_ERR_CONFIG: no group.id.
 * KFK_ERR_TIMED_OUT: it goes on. Else the first .err, or what keeps the group from answering. Others as
 * kfk_consumer_list_offsets. */
KFK_API kfk_err kfk_consumer_commit(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

/* What became of a commit. |tps| as kfk_consumer_commit leaves it; |e|: e->code KFK_OK, or the error. Valid in the call. */
typedef void kfk_commit_fn(kfk_consumer *c, const kfk_tp *tps, size_t n, const kfk_error *e, void *arg);
/* The same without waiting: |fn| (NULL: nobody is told) is called once, by a later poll, commit, unsubscribe or close.
 * In the order of the calls, on the thread that makes that call; it must not free |c|. kfk_consumer_close calls those that
 * have no answer yet with KFK_ERR_TIMED_OUT; kfk_consumer_free calls nobody. Errors: nothing was begun. */
KFK_API kfk_err kfk_consumer_commit_async(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_commit_fn *fn, void *arg,
                                          kfk_error *e);

/* What is committed: .offset (-1: nothing), .leader_epoch (-1: not known) and .metadata, which is the library's and
 * valid until the next kfk_consumer_committed with |c|. .err, and errors, as kfk_consumer_commit. */
KFK_API kfk_err kfk_consumer_committed(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, kfk_error *e);

/* ---- the end ---- */

/* With enable.auto.commit commits the positions; a member then leaves its group (not with group.instance.id, whose
 * partitions wait for it for session.timeout.ms). Stops fetching and ends a poll that waits, once commits that are
 * under way have ended, for which they have |timeout_ms|; it is back within that. Runs that the application still
 * holds stay valid until they are freed. May be called again, from any thread. KFK_ERR_TIMED_OUT: a commit's end is
 * not known. */
KFK_API kfk_err kfk_consumer_close(kfk_consumer *c, int timeout_ms, kfk_error *e);

/* As close(0), but nothing is committed; then gives the memory back. In a child of fork() it closes descriptors and
 * gives memory back, no more, and runs cannot be read any more then. NULL is allowed. */
KFK_API void kfk_consumer_free(kfk_consumer *c);

/* Why nothing moves: the failure that stands now, or KFK_OK. Any thread. */
KFK_API kfk_err kfk_consumer_last_error(kfk_consumer *c, kfk_error *e);

/* Shows what was counted to |fn|, until it returns other than 0, also after close. Any thread.
 * KFK_ERR_INVALID_ARG: a NULL. KFK_ERR_FORKED. KFK_ERR_NOMEM: not all was shown. kfk_metrics(3). */
KFK_API kfk_err kfk_consumer_metrics(kfk_consumer *c, kfk_metric_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
