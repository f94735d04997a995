/* handle: what a kfk_consumer is, for the files of its public calls.
 *
 * It has two owners, the application and the Fetcher thread; the last one out frees it. Runs that the application holds keep
 * what they need of it (shared.h). */
#ifndef KFK_CONSUMER_HANDLE_H
#define KFK_CONSUMER_HANDLE_H

#include <kfk/consumer.h>

#include "consumer/ask.h"
#include "consumer/fetcher.h"
#include "consumer/records.h"
#include "membership/custom.h"
#include "membership/membership.h"

/* What a consumer has as a member of a group (subscribe.c); zeroed: it is none. */
typedef struct kfk__consumer_group {
    kfk__membership *membership; /* NULL: there has been no subscription yet; set once */
    kfk__member_options options;
    kfk__assignor_list assignors; /* of partition.assignment.strategy */
    atomic_llong alive_at;  /* when poll was left last; KFK__NEVER: somebody is in it */
    atomic_bool is_member;  /* something is subscribed to */
    atomic_bool late;       /* the Coordinator has found that too long ago */
    atomic_bool awaited;    /* somebody waits for the polling thread to come out */
    atomic_bool has_failed; /* |failure| stands for good */
    kfk_event_fn *on_event; /* NULL: nobody hears of it */
    void *on_event_arg;
    const void *serving;    /* the thread that is in a listener; the polling thread's */

    /* Guarded by the shared lock. */
    kfk__list handovers; /* kfk__handover */
    bool joined; /* handovers are taken */
    kfk_listener listener;
    void *arg;
    kfk_error failure;
    kfk_error told; /* that poll is to tell once; KFK_OK: none */
} kfk__consumer_group;

/* Who reads for the application where that is not kfk_consumer_poll: a group, whose workers have lanes (lane.h), mark what they
 * have done (marks.h), and serve handovers. Nothing is locked in these, none waits, and none may be NULL. */
typedef struct kfk__keeper {
    int64_t (*alive_at)(void *owner);                  /* the Coordinator's: as kfk__member_host */
    void (*told)(void *owner, const kfk_error *e);     /* the Coordinator's: what is not fatal */
    int64_t (*tick)(void *owner, int64_t now);         /* the Fetcher's, at each step: when to be called again */
    void *owner;
} kfk__keeper;

struct kfk_consumer {
    kfk__env env;
    unsigned forks; /* kfk__fork_count when it was made */
    atomic_int owners;
    atomic_bool closing;
    atomic_flag polling;
    kfk_config *config;
    kfk__client_options client_options;
    kfk__cut_options cut;
    kfk__keeper keeper; /* zeroed: the application polls */
    kfk__shared *shared;
    kfk__fetcher fetcher;
    kfk__loop loop;
    bool marks;             /* what is done of partitions that are assigned from now on is marked (marks.h); set once */
    int64_t max_undone;     /* with that: offsets of one that may be handed out and not done; 0: no limit */
    int32_t api_timeout_ms; /* default.api.timeout.ms */
    int64_t commit_every;   /* enable.auto.commit: in ns; 0: never */
    int64_t commit_at;      /* when it is due; the polling thread's */
    int64_t stuck_since;    /* when poll first saw that nothing can come; 0: something can; likewise */
    kfk__list asks; /* whose time was over, and that go on; under the shared lock */
    kfk__consumer_group group;
    /* Commits that nobody waits for (async.c); under the shared lock. */
    kfk__list asyncs;
    atomic_size_t n_asyncs; /* in there; changes under the lock */
    bool telling;           /* a thread tells what became of some */
    bool asyncs_ended;      /* closed: the rest is told without an answer */
    struct kfk__listed *listed; /* whose strings kfk_consumer_assignment gave last; under the shared lock */
    kfk__ask *committed; /* whose strings the application has; under the shared lock */
};

/* As kfk_consumer_new, for a handle of |role|; with |keeper| (copied; NULL: none) it reads for a group. |env| is copied. */
kfk_err kfk__consumer_new_as(kfk_consumer **out, const kfk__env *env, const kfk_config *config,
                             uint32_t role, const kfk__keeper *keeper, kfk_error *e);
/* KFK_OK, KFK_ERR_FORKED, KFK_ERR_CLOSED. */
kfk_err kfk__consumer_usable(kfk_consumer *c, kfk_error *e);
/* KFK_OK; KFK_ERR_INVALID_ARG: one names no partition. */
kfk_err kfk__consumer_check(const kfk_tp *tps, size_t n, kfk_error *e);
/* Where reading begins in the topic, and where it goes on from an offset that is not there. */
void kfk__consumer_places(const kfk_consumer *c, const char *topic, kfk__place *start,
                          kfk__place *reset);
/* Partitions for all of |tps|, in |out|, assigned to nobody. KFK_ERR_NOMEM. */
kfk_err kfk__consumer_make(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk__list *out);
/* Where |p| begins, which is new: where |tp| says, or what is committed, or where properties say. Locked. */
void kfk__consumer_begin(kfk_consumer *c, kfk__assigned *p, const kfk_tp *tp);
/* KFK_OK; KFK_ERR_INVALID_ARG: one names no partition, or says to begin where nothing can (|needed|: an offset has to be
 * there). */
kfk_err kfk__consumer_check_places(const kfk_tp *tps, size_t n, bool needed, kfk_error *e);
/* Takes all partitions out of the assignment, into |out|. Locked; what they held is garbage then. */
void kfk__consumer_unassign_all(kfk__shared *s, kfk__list *out);
void kfk__consumer_drop_all(kfk__list *partitions);
/* How a commit is made. */
enum {
    KFK__COMMIT_FOLLOWS = 1, /* if the member has gone on to another epoch meanwhile, it is made again as that */
    KFK__COMMIT_IS_LEFT = 2  /* if it takes longer, nobody asks for its result any more; close waits for it */
};
/* kfk_consumer_commit, which has been checked: as whoever the handle is when this is called (kfk__shared_be). */
kfk_err kfk__consumer_commit(kfk_consumer *c, kfk_tp *tps, size_t n, int timeout_ms, unsigned how,
                             kfk_error *e);
/* Who hears of a commit's end, on the Fetcher (ask.h). */
typedef struct kfk__ended {
    void (*fn)(void *owner, const kfk__ask *ask, const kfk_error *e);
    void *owner;
} kfk__ended;

/* The same, of a member that may go on to another epoch meanwhile, and waits for nothing; for at most |timeout_ms| it is tried.
 * |ended| may be NULL. |out| NULL: nobody else wants to know. Else _ended tells, and _finish or _leave is called, once.
 * KFK_ERR_NOMEM, KFK_ERR_CLOSED. */
kfk_err kfk__consumer_commit_begin(kfk_consumer *c, const kfk_tp *tps, size_t n, int timeout_ms,
                                   const kfk__ended *ended, kfk__ask **out, kfk_error *e);
bool kfk__consumer_commit_ended(kfk_consumer *c, const kfk__ask *ask);
/* It has ended: how. */
kfk_err kfk__consumer_commit_finish(kfk_consumer *c, kfk__ask *ask, kfk_error *e);
/* Nobody wants to know; it goes on, and close waits for it. */
void kfk__consumer_commit_leave(kfk_consumer *c, kfk__ask *ask);
/* Commits what has been handed out, if that is due. The polling thread's, before it hands out more. */
void kfk__consumer_commit_if_due(kfk_consumer *c);
/* With enable.auto.commit: commits what has been handed out. */
void kfk__consumer_commit_last(kfk_consumer *c);
/* Waits until |done|, which is called with the shared lock held, again whenever a position or an answer has become known.
 * KFK_ERR_TIMED_OUT; KFK_ERR_NOMEM: it was not called. */
kfk_err kfk__consumer_watch(kfk_consumer *c, int timeout_ms, bool (*done)(void *arg), void *arg);
/* What kfk_consumer_commit checks first. */
kfk_err kfk__consumer_check_commit(kfk_consumer *c, const kfk_tp *tps, size_t n, kfk_error *e);
/* All positions that are known; each partition is held, in opaque. NULL: no memory. */
kfk_tp *kfk__consumer_positions(kfk_consumer *c, size_t *n);
void kfk__consumer_drop_positions(kfk_consumer *c, kfk_tp *tps, size_t n);

/* Calls those who are to hear of kfk_consumer_commit_async, for all that have ended, with nothing locked. Whatever call it is
 * that the application makes does so, poll, commit, unsubscribe or close, and nobody else. */
void kfk__consumer_tell_commits(kfk_consumer *c);
/* The same for all there are: those that have no answer are told so. There are none from then on. */
void kfk__consumer_end_commits(kfk_consumer *c);
/* Whether there are such without an answer. Locked. */
bool kfk__consumer_commits_pend(const kfk_consumer *c);
/* Drops them, and nobody is told. */
void kfk__consumer_forget_commits(kfk_consumer *c);
/* Gives back what kfk_consumer_assignment gave. */
void kfk__consumer_forget_listed(kfk_consumer *c);

/* Waits for commits that are under way. false: one still is. */
bool kfk__consumer_await_commits(kfk_consumer *c, int timeout_ms);
/* Does what the group has told and the application has not done yet; at most until |until|, and then goes on with it the next
 * time. KFK_OK, or what a listener, or the group, has said. The polling thread's. */
kfk_err kfk__consumer_serve(kfk_consumer *c, int64_t until, kfk_error *e);
/* Ends the Coordinator, and forgets what it has told. */
void kfk__consumer_end_membership(kfk_consumer *c);
/* Gives up what is assigned and leaves the group, within |until|. The polling thread's. KFK_ERR_TIMED_OUT; what a listener
 * says. */
kfk_err kfk__consumer_leave(kfk_consumer *c, int64_t until, kfk_error *e);
/* Who polls takes turns with who subscribes, unsubscribes and closes. false: somebody is at it. */
static inline bool kfk__consumer_enter(kfk_consumer *c)
{
    return !atomic_flag_test_and_set_explicit(&c->polling, memory_order_acquire);
}
void kfk__consumer_exit(kfk_consumer *c);
/* The application is alive: |at|, or KFK__NEVER: right now, and for as long as it likes. With a membership. */
void kfk__consumer_show_life(kfk_consumer *c, int64_t at);
/* What is left of the time until |until|, as a timeout: -1 for KFK__NEVER. */
int kfk__consumer_ms_until(kfk_consumer *c, int64_t until);
/* Nothing that the Coordinator tells is taken from now on, and what nobody has begun is forgotten, but that partitions were
 * lost. */
void kfk__consumer_close_ears(kfk_consumer *c);
/* The application is alive: right now, and for as long as it likes; the Coordinator looks, if it had missed it. */
void kfk__consumer_stir(kfk_consumer *c);
/* Whether the group is none any more for good, and why. */
kfk_err kfk__consumer_failure(kfk_consumer *c, kfk_error *e);
/* Gives up what nobody will ask for any more. */
void kfk__consumer_forget_asks(kfk_consumer *c);

#endif
