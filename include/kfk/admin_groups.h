/* <kfk/admin_groups.h>: lists, describes and deletes groups, and reads, writes and deletes the
 * offsets that they have committed. The handle, its deadlines and its errors are those of
 * <kfk/admin.h>. kfk_admin_groups(3).
 *
 * Each group is looked after by a broker of its own, its coordinator, which is found first: one
 * that is being replaced is looked for until the deadline. Names of states and types are Kafka's:
 * "Stable", "Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling",
 * "Dead"; "classic", "consumer" (KIP-848), "share", "streams". */
#ifndef KFK_ADMIN_GROUPS_H
#define KFK_ADMIN_GROUPS_H

#include <kfk/admin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which groups there are ---- */

/* Which groups to list; zeroed but for its size means all. Upper and lower case of states and types
 * do not matter. struct_size: sizeof(kfk_group_filter). */
typedef struct kfk_group_filter {
    uint32_t struct_size;
    uint32_t flags; /* 0 */
    const char *const *states;
    size_t n_states;
    const char *const *types;
    size_t n_types;
    const char *const
        *protocols; /* protocol types: "consumer"; "" of groups that only have offsets */
    size_t n_protocols;
} kfk_group_filter;

typedef struct kfk_group_listing {
    const char *group;
    const char *protocol_type; /* "consumer"; "": no member has said one yet */
    const char *state;         /* "": not told (before 2.6) */
    const char *type;          /* "": not told (before 3.8) */
} kfk_group_listing;

typedef struct kfk_group_listings {
    size_t n;
    const kfk_group_listing *const *groups;
} kfk_group_listings;

/* The groups of all brokers, each once, in no order. |filter| may be NULL.
 * CLUSTER_AUTHORIZATION_FAILED. UNSUPPORTED_VERSION: it asks for states (before 2.6), or for types
 * other than "classic" (before 3.8). */
KFK_API kfk_err kfk_admin_list_groups(kfk_admin *a, const kfk_group_filter *filter, int timeout_ms,
                                      kfk_group_listings **out, kfk_error *e);
KFK_API void kfk_group_listings_free(kfk_group_listings *l);

/* ---- what they are ---- */

typedef struct kfk_group_member {
    const char *id;
    const char *instance; /* group.instance.id; NULL: none, or not told (before 2.4) */
    const char *client;   /* client.id */
    const char *host;
    const char *rack; /* NULL: none, or not told */
    kfk_err
        err; /* why what it has is not known: it is written by another client and cannot be read */
    int32_t epoch;    /* KIP-848; -1: none */
    int32_t upgraded; /* 1: it lets the coordinator assign; 0: it speaks the classic protocol; -1:
                         not told */
    size_t n_assigned;
    const kfk_tp *assigned; /* topic and partition only */
    size_t n_target;
    const kfk_tp *target; /* what it is to have; NULL: groups of this type do not tell */
    size_t n_topics;
    const char *const
        *topics;       /* that it subscribes to by name; NULL: groups of this type do not tell */
    const char *regex; /* that it subscribes with; NULL: none, or not told */
} kfk_group_member;

typedef struct kfk_group_description {
    const char *group;
    kfk_err err;     /* why the rest is not known */
    const char *msg; /* with err */
    const char *type;
    const char *state;
    const char *protocol_type;
    const char *assignor;     /* "": none chosen */
    const char *host;         /* of the coordinator */
    int32_t port;             /* the same */
    int32_t coordinator;      /* its id; -1: not found */
    int32_t epoch;            /* KIP-848; -1: none */
    int32_t assignment_epoch; /* the epoch that what members are to have is of; -1: none */
    size_t n_members;
    const kfk_group_member *const *members;
} kfk_group_description;

typedef struct kfk_group_descriptions {
    size_t n;
    const kfk_group_description *const *groups; /* in the order in which they were asked for */
} kfk_group_descriptions;

/* These groups (n 0: none), of types "classic" and "consumer". A group's own failure
 * (GROUP_ID_NOT_FOUND, GROUP_AUTHORIZATION_FAILED, COORDINATOR_NOT_AVAILABLE, or that there was no
 * time for it) is in its err, and the call is KFK_OK. Before Kafka 4.0 a group that does not exist
 * is one whose state is "Dead". */
KFK_API kfk_err kfk_admin_describe_groups(kfk_admin *a, const char *const *groups, size_t n,
                                          int timeout_ms, kfk_group_descriptions **out,
                                          kfk_error *e);
KFK_API void kfk_group_descriptions_free(kfk_group_descriptions *d);

/* ---- their end ---- */

/* Deletes groups that have no members, with their offsets. |each| and |e| as for the changes of
 * <kfk/admin.h>. NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED.
 */
KFK_API kfk_err kfk_admin_delete_groups(kfk_admin *a, const char *const *groups, size_t n,
                                        int timeout_ms, kfk_error *each, kfk_error *e);

/* ---- offsets ---- */

/* What one group has committed. */
typedef struct kfk_group_offsets {
    const char *group;
    kfk_err err;     /* why the rest is not known */
    const char *msg; /* with err */
    size_t n;
    const kfk_tp
        *tps; /* offset, leader_epoch (with KFK_EPOCH), metadata; err: why this one is not known */
} kfk_group_offsets;

typedef struct kfk_groups_offsets {
    size_t n;
    const kfk_group_offsets *const *groups; /* in the order in which they were asked for */
} kfk_groups_offsets;

enum {
    KFK_STABLE = 1
}; /* flags of kfk_admin_group_offsets: wait for transactions that are about to commit others */

/* All offsets of these groups (n 0: none), by topic and partition. A group that does not exist has
 * none. A group's own failure is in its err, and the call is KFK_OK. */
KFK_API kfk_err kfk_admin_group_offsets(kfk_admin *a, const char *const *groups, size_t n,
                                        uint32_t flags, int timeout_ms, kfk_groups_offsets **out,
                                        kfk_error *e);
KFK_API void kfk_groups_offsets_free(kfk_groups_offsets *o);

/* Writes offsets of a group that has no members (or makes it): topic, partition and offset of each,
 * leader_epoch with KFK_EPOCH, metadata (NULL: ""). tps[i].err tells of each; the call returns, and
 * |e| tells, KFK_OK if all were written, else the first that was not. UNKNOWN_MEMBER_ID: the group
 * has members, which commit for themselves. UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE,
 * GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED. */
KFK_API kfk_err kfk_admin_alter_group_offsets(kfk_admin *a, const char *group, kfk_tp *tps,
                                              size_t n, int timeout_ms, kfk_error *e);

/* Deletes the offsets of these partitions. Results as above. GROUP_SUBSCRIBED_TO_TOPIC: members of
 * the group read the topic. GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (it is no group of consumers),
 * UNKNOWN_TOPIC_OR_PARTITION, GROUP_AUTHORIZATION_FAILED. UNSUPPORTED_VERSION: before 2.4. */
KFK_API kfk_err kfk_admin_delete_group_offsets(kfk_admin *a, const char *group, kfk_tp *tps,
                                               size_t n, int timeout_ms, kfk_error *e);

/* ---- members ---- */

/* A member that is to go: by its id, or, if it has a group.instance.id, by that. Frozen. */
typedef struct kfk_group_leaver {
    const char *member;   /* NULL: it has an instance */
    const char *instance; /* NULL: none */
} kfk_group_leaver;

/* Takes members out of a group: their partitions are shared out at once. A member that lives on is
 * told, and may join anew. |each| and |e| as for the changes of <kfk/admin.h>. UNKNOWN_MEMBER_ID,
 * GROUP_AUTHORIZATION_FAILED. UNSUPPORTED_VERSION: before 2.4. */
KFK_API kfk_err kfk_admin_remove_members(kfk_admin *a, const char *group,
                                         const kfk_group_leaver *members, size_t n, int timeout_ms,
                                         kfk_error *each, kfk_error *e);

#ifdef __cplusplus
}
#endif
#endif
