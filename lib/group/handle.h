/* handle: what a kfk_group is, for the files of this folder.
 *
 *   kfk_group_run, x N ──┐   worker: lane ──> run of records ──> record() or consume() ──> marks
 *   consume.threads ─────┼─>    │
 *   kfk_group_dispatch ──┘      └─ who has the token: handovers, one step after the other ──> setup(), cleanup(), lost()
 *   kfk-fetcher: tick ──> commits of what is done                    kfk-coordinator: told ──> errors
 *
 * Its owners are the application and each worker; the last one out frees it. */
#ifndef KFK_GROUP_HANDLE_H
#define KFK_GROUP_HANDLE_H

#include <kfk/group.h>

#include "consumer/handover.h"
#include "consumer/lane.h"
#include "group/metrics.h"

enum { KFK__GROUP_ERRORS = 4 };

typedef struct kfk__group_options {
    int32_t threads;      /* consume.threads */
    int32_t close_ms;     /* close.timeout.ms */
    int64_t commit_every; /* enable.auto.commit: in ns; 0: never */
    int64_t max_poll_ms;  /* max.poll.interval.ms */
    kfk__backoff retry;
    const char *dead_topic; /* dead.letter.topic; NULL: none */
    const char *group;
} kfk__group_options;

/* A thread that reads in a lane and calls handlers. */
typedef struct kfk__worker {
    kfk__list link; /* in group->workers */
    kfk_group *group;
    kfk__lane lane;
    kfk__cut_options cut;
    const void *self;        /* the thread; NULL: none is at it */
    atomic_llong busy_since; /* when the call of a handler that runs now began; KFK__NEVER: none does */
    atomic_llong calls;      /* of record(), so that the Coordinator sees it going on */
    int64_t left;            /* calls of handlers that it may still make: kfk_group_dispatch's; else plenty */
    kfk__thread *thread;     /* made by kfk_group_run; NULL: the application's */
    /* Of alive_at, under group->lock. */
    int64_t seen_calls, seen_at;
} kfk__worker;

/* How far the handover that is being served has come. */
typedef enum kfk__service_stage {
    KFK__SERVICE_NEW,
    KFK__SERVICE_STOPPED,  /* nothing more is handed out; runs that are out are waited for */
    KFK__SERVICE_COMMITS,  /* what is done is being committed */
    KFK__SERVICE_COMMITS_2 /* and what cleanup() has marked */
} kfk__service_stage;

typedef enum kfk__group_phase {
    KFK__GROUP_OPEN,
    KFK__GROUP_ENDING,  /* all that is assigned is being given up */
    KFK__GROUP_LEAVING, /* and now the group left */
    KFK__GROUP_ENDED
} kfk__group_phase;

struct kfk_group {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    atomic_int owners;
    kfk_consumer *consumer;
    kfk_group_handler h;
    void *arg;
    kfk_producer *producer; /* set before run */
    kfk__group_options o;
    atomic_bool stop;   /* it is to end */
    atomic_bool silent; /* it is freed: no handler is called any more */
    atomic_bool token;  /* somebody is in setup, cleanup, lost, error or failed, or decides what comes next */
    atomic_int token_waiters;
    atomic_int phase;         /* kfk__group_phase; changed by who has the token */
    atomic_llong look_at;     /* when who waits is to look again, for what the token's holder waits for */
    atomic_int n_aside;       /* of |asides| */
    atomic_llong end_by;      /* ENDING: until then other threads' handlers are waited for */
    atomic_llong host_until;  /* kfk_group_close's time is over; KFK__NEVER: it is not what ends the group */
    atomic_bool ready;        /* it has been made */
    atomic_llong tick_at;     /* when kfk_group_dispatch is to be called again; KFK__NEVER */
    /* The Fetcher's. */
    int64_t commit_at;      /* when the next commit is due */
    atomic_bool committing; /* one is under way */
    bool ended_runs;        /* it has been seen that the group is to end */

    kfk__worker *host;        /* kfk_group_dispatch's and kfk_group_close's; NULL: not needed yet */
    atomic_bool hosting;      /* somebody is in one of these */

    /* Of who has the token. */
    kfk__service_stage stage;
    kfk__handover *serving; /* the one that is at that stage; NULL: none */
    kfk__handover *all;     /* the last: all that is assigned, as the group ends */
    size_t n_clean;         /* so many of it cleanup() was called for */
    kfk__ask *last;         /* the commit that is waited for */
    size_t n_last;          /* so many of what is known are in it */
    int64_t announced;      /* the |look_at| that all have been woken for */
    int64_t again_at;       /* when it is to be made again; 0: it is not */
    atomic_bool timed_out;         /* handlers of other threads have not returned in time */
    int64_t stop_by;        /* what was begun before the stop is waited for until then; KFK__NEVER: there was none */
    int64_t leave_by;       /* until then the last commit, and the broker's word, are waited for */

    /* Guarded by the consumer's shared lock. */
    kfk__list asides;   /* kfk__assigned.aside */

    kfk__mutex lock; /* guards what follows; never with the shared lock inside */
    kfk__list workers;
    atomic_int n_workers; /* in kfk_group_run, or made by it */
    bool hired;        /* consume.threads have been made */
    kfk_error errors[KFK__GROUP_ERRORS]; /* that error() is to be told */
    int32_t n_errors;
    kfk_error outcome; /* what kfk_group_run returns; set once */
    bool told_outcome; /* by kfk_group_dispatch */
    kfk__group_metrics metrics;
};

static inline kfk__group_phase kfk__group_phase_of(kfk_group *g)
{
    return (kfk__group_phase)atomic_load_explicit(&g->phase, memory_order_acquire);
}

static inline bool kfk__group_is_stopping(kfk_group *g)
{
    return atomic_load_explicit(&g->stop, memory_order_acquire);
}

static inline bool kfk__group_is_silent(kfk_group *g)
{
    return atomic_load_explicit(&g->silent, memory_order_acquire);
}

/* A line of the log. */
#define kfk__group_log(g, level, ...) \
    kfk__log_write(&(g)->consumer->client_options.log, level, "group", __VA_ARGS__)

#endif
