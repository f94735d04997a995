/* parked: requests that are answered when their group is ready for them.
 *
 *   a call ── kept ──> parked <── member's join or sync
 *
 * Either end may go first: a call that ends takes itself from the member, a member that is told
 * lets go of the call. What the answer says is a verdict; how it is written is the call's to know.
 */
#ifndef KFK_DEVBROKER_PARKED_H
#define KFK_DEVBROKER_PARKED_H

#include "devbroker/group.h"

/* What a JoinGroup or SyncGroup is told. Zero: nothing. */
typedef struct kfk__dev_verdict {
    int16_t code;
    kfk_bytes id; /* that the member goes on with */
    int32_t generation;
    kfk_bytes protocol_type, protocol, leader;
    const kfk__dev_group *leads; /* the group whose members it is told of; NULL: it does not lead */
    bool skip;                   /* it leads, and need not assign */
    kfk_bytes assignment;
} kfk__dev_verdict;

typedef struct kfk__dev_parked {
    struct kfk__dev_parked **at; /* the member's; NULL: nobody's (any more) */
    void *call;
    bool (*tell)(void *call, const kfk__dev_verdict *v); /* false: no memory */
    bool done;                                           /* it was told */
    bool broken;                                         /* there was no memory for that */
} kfk__dev_parked;

/* It waits at |at|, a member's; whoever waited there before waits for nothing any more, as a client
 * does that has sent its request again. */
void kfk__dev_park(kfk__dev_parked *p, kfk__dev_parked **at);
/* It waits no more, told or not. */
void kfk__dev_unpark(kfk__dev_parked *p);
void kfk__dev_tell(kfk__dev_parked *p, const kfk__dev_verdict *v);

/* That the member is in its classic group's generation, with what it was assigned. */
kfk__dev_verdict kfk__dev_verdict_of(const kfk__dev_member *m);
/* To whom waits for the member, if a call does. */
void kfk__dev_tell_join(kfk__dev_member *m, const kfk__dev_verdict *v);
void kfk__dev_tell_sync(kfk__dev_member *m, const kfk__dev_verdict *v);
/* The same, with no more than a code. */
void kfk__dev_refuse_sync(kfk__dev_member *m, int16_t code);
void kfk__dev_refuse_join(kfk__dev_member *m, int16_t code, kfk_bytes id);

#endif
