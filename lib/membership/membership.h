/* membership: a member of a group, and the Coordinator thread that keeps it one.
 *
 *   any thread                         │ kfk-coordinator
 *   subscribe, done, rejoin, refused, ─┼─> mailbox ──> member (member.h)
 *   leave, alive                       │                 │
 *                                      │   host: turn, give_up, who, failed
 *
 * It has two owners: whoever made it, and the thread; the last one out frees it. The host outlives the thread. */
#ifndef KFK_MEMBERSHIP_MEMBERSHIP_H
#define KFK_MEMBERSHIP_MEMBERSHIP_H

#include "membership/member.h"
#include "net/loop.h"

typedef struct kfk__membership {
    kfk__member member; /* the thread's */
    kfk__loop loop;
    kfk__env env;
    kfk__client_options client_options;
    atomic_int owners;
    atomic_bool ending;
    atomic_bool left; /* leave has come to its end */

    kfk__mutex lock; /* guards: */
    bool has_wanted, has_rejoin, has_refused, leaves;
    kfk__wanted wanted;
    char reason[160];
    kfk_err refused;
    int32_t refused_generation;
    uint64_t done;       /* the last turn that the host has done */
    kfk__waiter *waiter; /* who waits for |left| */
} kfk__membership;

/* Starts the thread. Copies neither |o|'s strings and assignors nor |co|'s, which outlive it. KFK_ERR_NOMEM,
 * KFK_ERR_SYSTEM. */
kfk_err kfk__membership_new(kfk__membership **out, const kfk__env *env, const kfk__member_options *o,
                            const kfk__client_options *co, const kfk__member_host *host,
                            kfk_thread_fn *told, void *told_arg, kfk_error *e);
/* Ends the thread and waits for that: it does not wait for anything itself. NULL is allowed. Not leaving first is what a
 * crash would be. */
void kfk__membership_free(kfk__membership *s);

/* Any thread, all of them; they wait for nothing. */
/* |wanted| is taken over. */
void kfk__membership_subscribe(kfk__membership *s, kfk__wanted *wanted);
void kfk__membership_done(kfk__membership *s, uint64_t number);
void kfk__membership_rejoin(kfk__membership *s, const char *reason);
void kfk__membership_refused(kfk__membership *s, kfk_err code, int32_t generation);
/* The application has shown itself, after a time in which it had not: host.alive_at is another. */
void kfk__membership_stir(kfk__membership *s);
/* Begins to leave: the host is told nothing any more. */
void kfk__membership_leave(kfk__membership *s);
/* Waits until the broker knows. false: |until| came. */
bool kfk__membership_await_left(kfk__membership *s, int64_t until);

#endif
