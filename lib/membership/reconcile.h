/* reconcile: from what a member has to what its coordinator says that it is to have (KIP-848).
 *
 *   target ──names──> goal ──> REVOKE what is not in it ──> ASSIGN what is new ──> said, at once
 *     ^                                                                              │
 *     └── another one, or names that were not known, in the meantime: begins again <─┘
 *
 * One at a time: a target that comes while one is under way waits for its end. The host is told of
 * each by one ASSIGN, of nothing if nothing is new. What is in both goes on; a partition of another
 * topic of the same name is not the same. */
#ifndef KFK_MEMBERSHIP_RECONCILE_H
#define KFK_MEMBERSHIP_RECONCILE_H

#include "membership/modern_state.h"

/* Does what can be done now. When to be called again. */
int64_t kfk__reconcile_tick(kfk__member *m, int64_t now);
/* Nothing is owned, and nothing is to be: as when it joins. */
void kfk__reconcile_forget(kfk__modern *st);

#endif
