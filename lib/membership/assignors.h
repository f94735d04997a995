/* assignors: those that there are, by name, and how one is run.
 *
 *   range                eager               no user data
 *   roundrobin           eager               no user data
 *   sticky               eager               what the member had, and since which generation
 *   cooperative-sticky   cooperative, eager  the generation
 *
 * These names are the protocols' in JoinGroup and the values of partition.assignment.strategy, for
 * which Kafka's class names stand as well. A user's own is one more kfk__assignor; its answers are
 * not believed but looked at. */
#ifndef KFK_MEMBERSHIP_ASSIGNORS_H
#define KFK_MEMBERSHIP_ASSIGNORS_H

#include <kfk/error.h>

#include "membership/assign.h"

enum { KFK__N_ASSIGNORS = 4 };
extern const kfk__assignor kfk__assignors[KFK__N_ASSIGNORS];

/* By its name or Kafka's class name; among the |n| of |own| (pointers) first. NULL: there is none.
 */
const kfk__assignor *kfk__assignor_find(kfk_bytes name, const kfk__assignor *const *own, size_t n);

/* The protocol that a member follows who knows these |n|: KFK__COOPERATIVE if all of them support
 * it, else KFK__EAGER; 0: they have none in common. */
uint32_t kfk__assignor_protocol(const kfk__assignor *const *v, size_t n);

/* Runs it for a group that follows |protocol|. Beside what kfk__assign_fn says: KFK_ERR_INVALID_ARG
 * if a user's function gives what is not there, what was not subscribed to or the same twice, or,
 * where the group is cooperative, what another member has. |e| says what is wrong. */
kfk_err kfk__assignor_run(const kfk__assignor *a, uint32_t protocol, const kfk__assign_group *in,
                          kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);

#endif
