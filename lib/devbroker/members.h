/* members: the members of a classic group, one by one: who they are, what they know, and what they
 * choose between them. What follows from their coming and going is classic.c's.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_MEMBERS_H
#define KFK_DEVBROKER_MEMBERS_H

#include "devbroker/group.h"
#include "proto/join_group.h"

/* In no list yet; |fire|: its session ends. NULL: no memory. */
kfk__dev_member *kfk__dev_member_new(kfk__dev_group *g, kfk_bytes id,
                                     void (*fire)(kfk__dev_timer *t, int64_t now));
/* Out of its list, with its timer. Nobody waits for it. */
void kfk__dev_member_free(kfk__dev_member *m);
/* Takes on what it wants and how long it may stay away. false: no memory, and all is as it was. */
bool kfk__dev_member_update(kfk__dev_member *m, const kfk__join_group_request *req,
                            int16_t version);
/* In one piece of memory, the names and metadata behind the array. NULL: no memory. */
kfk__dev_protocol *kfk__dev_protocols_copy(const kfk_allocator *a,
                                           const kfk__join_group_request *req);
bool kfk__dev_member_rename(kfk__dev_member *m, kfk_bytes id);
/* What the member said to the protocol that was chosen; empty: nothing, or none was. */
kfk_bytes kfk__dev_member_metadata(const kfk__dev_member *m);
/* Whether that is what it wants already. */
bool kfk__dev_member_wants(const kfk__dev_member *m, const kfk__join_group_request *req);

/* By id, or by instance; NULL: none. */
kfk__dev_member *kfk__dev_classic_find(const kfk__dev_group *g, kfk_bytes id);
kfk__dev_member *kfk__dev_classic_static(const kfk__dev_group *g, kfk_bytes instance);
kfk__dev_member *kfk__dev_pending_find(const kfk__dev_group *g, kfk_bytes id);
/* Whether somebody who wants that can be of the group. */
bool kfk__dev_members_accept(const kfk__dev_group *g, const kfk__join_group_request *req);
/* The protocol that all know and most like best. There are members, who accepted each other. */
kfk_bytes kfk__dev_members_choice(const kfk__dev_group *g);
/* How long the slowest of them may take. */
int32_t kfk__dev_members_patience(const kfk__dev_group *g);

#endif
