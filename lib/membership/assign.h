/* assign: what an assignor is asked, and what it answers.
 *
 *   kfk__assign_group                        kfk__assign_share, one a member, in the members' order
 *     members   id, instance, rack,            topics       a topic and its partitions, by name
 *               topics, what it owns    ───>                and number
 *     topics    name, partitions, racks        user_data
 *
 * An assignor is a function of these and of nothing else: the leader of a group calls it once a
 * rebalance, and whichever member leads, the answer is the same. It does not depend on the order
 * of members, of topics or of names within them. Strings, and arrays that are given, stay the
 * caller's; answers point at the names of the topics that were given and lie in the caller's
 * arena. Types only. */
#ifndef KFK_MEMBERSHIP_ASSIGN_H
#define KFK_MEMBERSHIP_ASSIGN_H

#include <stdbool.h>

#include <kfk/error.h>
#include <kfk/types.h>

#include "base/arena.h"

/* As it lies on the wire; a topic may come more than once. */
typedef struct kfk__topic_parts {
    kfk_bytes topic;
    const int32_t *v;
    int32_t n;
} kfk__topic_parts;

typedef struct kfk__assign_member {
    kfk_bytes id;
    kfk_bytes instance;      /* group.instance.id; null: none */
    kfk_bytes rack;          /* client.rack; null or empty: none */
    const kfk_bytes *topics; /* subscribed */
    int32_t n_topics;
    int32_t n_owned;
    const kfk__topic_parts *owned; /* what it says that it owns ... */
    int32_t generation;            /* ... since this generation; negative: it does not say */
    kfk_bytes user_data;           /* the assignor's own, of the subscription; null: none */
} kfk__assign_member;

/* The racks of a partition's replicas; one may come more than once. */
typedef struct kfk__assign_racks {
    const kfk_bytes *v;
    int32_t n;
} kfk__assign_racks;

typedef struct kfk__assign_topic {
    kfk_bytes name;
    int32_t n_partitions;           /* 0 and less: as if there were no such topic */
    const kfk__assign_racks *racks; /* of each partition; NULL: not known */
} kfk__assign_topic;

typedef struct kfk__assign_group {
    const kfk__assign_member *members; /* no id twice */
    const kfk__assign_topic *topics;   /* no name twice; some may have no subscriber */
    int32_t n_members, n_topics;
} kfk__assign_group;

typedef struct kfk__assign_share {
    const kfk__topic_parts *topics;
    int32_t n;
    kfk_bytes user_data; /* null, but for assignors of users */
} kfk__assign_share;

/* What the last rebalance gave to this member, as it remembers it when it joins again. */
typedef struct kfk__assign_mine {
    bool any; /* there was one */
    int32_t n;
    const kfk__topic_parts *topics;
    int32_t generation;
} kfk__assign_mine;

/* The rebalance protocols (KIP-429). EAGER: members give up everything before they join.
 * COOPERATIVE: they keep what they have, and a partition that moves is given to nobody in the round
 * in which it is taken away. */
enum { KFK__EAGER = 1, KFK__COOPERATIVE = 2 };

typedef struct kfk__assignor kfk__assignor;

/* *out: in->n_members answers, in |arena|. KFK_ERR_NOMEM, KFK_ERR_INVALID_ARG (a member or a topic
 * comes twice; more partitions than KFK__ASSIGN_MOST; a user's function failed): *out is not to be
 * used, and the arena may hold what nobody needs. |e|, which is clear, may be filled where there is
 * more to say than that. */
typedef kfk_err kfk__assign_fn(const kfk__assignor *self, const kfk__assign_group *in,
                               kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);

/* What this member writes into its subscription for the leader's assignor; null: nothing. */
typedef kfk_err kfk__user_data_fn(const kfk__assignor *self, const kfk__assign_mine *mine,
                                  kfk__arena *arena, kfk_bytes *out);

struct kfk__assignor {
    kfk_bytes name;       /* the name of the protocol in JoinGroup */
    kfk_bytes java_class; /* null: Kafka has none */
    uint32_t protocols;   /* KFK__EAGER, KFK__COOPERATIVE, or both */
    int16_t version;      /* of its user data, as Java's assignors tell it */
    kfk__assign_fn *assign;
    kfk__user_data_fn *user_data; /* NULL: it has none */
    void *arg;                    /* a user's */
};

/* Far more than a cluster has. */
enum { KFK__ASSIGN_MOST = 1 << 24 };

#endif
