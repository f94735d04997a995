/* lead: what the leader of a classic group does in a rebalance: who has joined, what there is of their topics, who gets
 * what.
 *
 *   JoinGroup's members ──> subscriptions ──> topics of all ──> Metadata ──> assignor ──> a share a member
 *
 * And afterwards: whether a topic has other partitions now, so that it is to be done again. No I/O, no time. All lies in
 * the arena of the round. */
#ifndef KFK_MEMBERSHIP_LEAD_H
#define KFK_MEMBERSHIP_LEAD_H

#include "client/metadata.h"
#include "membership/assignors.h"
#include "proto/join_group.h"
#include "proto/metadata.h"

typedef struct kfk__lead {
    kfk__arena *arena;
    kfk__assign_member *members;
    int32_t n_members, n_unreadable; /* whose subscription nobody can read: they get nothing */
    kfk_bytes *topics;               /* of any of them, in order, each once */
    int32_t n_topics;
    int32_t *counts; /* partitions of each, when they were given out; -1: not yet */
    const kfk__assign_share *shares; /* in the members' order; NULL: not yet */
} kfk__lead;

/* Copies what it needs of |rs|. KFK_ERR_NOMEM. */
kfk_err kfk__lead_begin(kfk__lead *l, const kfk__join_group_response *rs, kfk__arena *a);
/* Asks for all topics. KFK_ERR_NOMEM. */
kfk_err kfk__lead_ask(const kfk__lead *l, kfk__arena *a, kfk__metadata_request *rq);
/* Gives out what |rs| says that there is. |scratch| may go afterwards. Errors as kfk__assignor_run. */
kfk_err kfk__lead_assign(kfk__lead *l, const kfk__assignor *by, uint32_t protocol,
                         const kfk__metadata_response *rs, kfk__arena *scratch, kfk_error *e);
/* Where nothing is to be given out, since the coordinator has it all already (KIP-814): what was given out is what |last|, if it
 * led, knew of; else what |rs| says that there is. */
void kfk__lead_recall(kfk__lead *l, const kfk__lead *last);
void kfk__lead_look(kfk__lead *l, const kfk__metadata_response *rs);
/* A topic that has more partitions, or is there, since. NULL: none. */
const char *kfk__lead_changed(const kfk__lead *l, const kfk__metadata *m);

#endif
