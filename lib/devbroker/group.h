/* group: what a group is made of.
 *
 *   groups (the oldest first; found by id) ── group ─┬─ classic ── members, pending ones, a leader
 *      │                                            └─ modern ── consumers
 *      └── timers: all of their sessions and waits
 *
 * A group is of one kind, by which one half of it is in use. One without members may change its
 * kind.
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_GROUP_H
#define KFK_DEVBROKER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/env.h"
#include "base/list.h"
#include "base/map.h"
#include "devbroker/group_settings.h"
#include "devbroker/parts.h"
#include "devbroker/subscription.h"
#include "devbroker/timers.h"

struct kfk__dev_group;
struct kfk__dev_parked;

/* A way of assigning that a member knows, and what it says to that. */
typedef struct kfk__dev_protocol {
    kfk_bytes name, metadata;
} kfk__dev_protocol;

typedef struct kfk__dev_member {
    kfk__list link;
    struct kfk__dev_group *group;
    kfk__dev_timer session;
    kfk_bytes id, instance; /* instance null: dynamic */
    kfk_bytes client_id, client_host;
    kfk__dev_protocol *protocols; /* the one it likes best first */
    int32_t n_protocols;
    kfk_bytes assignment;
    int32_t session_ms, rebalance_ms;
    bool pending;          /* it was told its id, and has not come back with it */
    bool is_new;           /* not in a generation yet */
    bool joining, syncing; /* it waits, or its call did */
    bool owes_sync;        /* it has not asked for this generation's assignment */
    bool stored;
    struct kfk__dev_parked *join, *sync; /* NULL: no call waits */
} kfk__dev_member;

typedef enum kfk__dev_classic_state {
    KFK__DEV_EMPTY,
    KFK__DEV_PREPARING,
    KFK__DEV_COMPLETING,
    KFK__DEV_STABLE
} kfk__dev_classic_state;

typedef struct kfk__dev_classic {
    kfk__dev_classic_state state, before;
    kfk__dev_timer timer; /* PREPARING: how long to wait; then: for SyncGroups */
    kfk__list members;    /* in the order they came */
    kfk__list pending;
    kfk__dev_member *leader; /* NULL: none */
    kfk_bytes protocol_type; /* null: nobody has joined yet */
    kfk_bytes protocol;      /* that was chosen; null: none */
    kfk_bytes stored_protocol;
    int32_t n_members, n_joining, n_pending;
    int32_t generation, stored_generation, stored_members;
    int32_t delay_ms, left_ms; /* of an initial rebalance: this wait, and what may follow it */
    bool came;                 /* somebody, in this wait */
} kfk__dev_classic;

/* How far a consumer is on its way to what it is to have. */
typedef enum kfk__dev_progress {
    KFK__DEV_RECONCILED, /* in its epoch it has all */
    KFK__DEV_UNREVOKED,  /* it has to give up some, and say so */
    KFK__DEV_UNRELEASED  /* others have to */
} kfk__dev_progress;

/* A member of a group whose coordinator assigns (KIP-848). */
typedef struct kfk__dev_consumer {
    kfk__list link;
    struct kfk__dev_group *group;
    kfk__dev_timer session, deadline;
    kfk_bytes id, instance, rack; /* instance null: dynamic; rack null: nowhere */
    kfk_bytes client_id, client_host;
    kfk_bytes assignor; /* that it would like; null: any */
    kfk__dev_subscription wants;
    kfk__dev_progress progress;
    int32_t epoch, previous_epoch; /* epoch -2: a static one that is going to come back */
    int32_t rebalance_ms;
    kfk__dev_parts assigned, revoking; /* it has both */
    kfk__dev_parts target;
    kfk__dev_protocol *protocols; /* NULL: it does not speak the classic protocol */
    int32_t n_protocols;
    int32_t session_ms; /* if it does */
} kfk__dev_consumer;

typedef struct kfk__dev_modern {
    kfk__list members; /* in the order they came */
    int32_t n_members;
    int32_t epoch;            /* of what the members want, and what there is */
    int32_t assignment_epoch; /* of the targets */
    uint64_t topics;          /* a digest of the topics that they want, as of epoch */
    int64_t assigned_at;
} kfk__dev_modern;

typedef enum kfk__dev_group_kind { KFK__DEV_CLASSIC, KFK__DEV_MODERN } kfk__dev_group_kind;

typedef struct kfk__dev_group {
    kfk__list link;
    struct kfk__dev_groups *all;
    kfk_bytes id;
    int32_t coordinator; /* as last seen; -1: none */
    int64_t stops;       /* of that node, then */
    kfk__dev_group_kind kind;
    kfk__dev_classic classic;
    kfk__dev_modern modern;
} kfk__dev_group;

/* That a group is coordinated by a node, and not by the one that its hash says. */
typedef struct kfk__dev_home {
    kfk__list link;
    int32_t node;
    kfk_bytes key;
} kfk__dev_home;

typedef struct kfk__dev_groups {
    const kfk__env *env;
    const kfk__dev_topics *topics;
    uint64_t *version; /* counts up with each answer that a call may wait for */
    kfk__list all, homes;
    kfk__map by_id;
    kfk__dev_timers timers;
    kfk__dev_group_settings settings; /* the defaults in their places */
    uint64_t placed;                  /* the cluster's placement as last seen */
} kfk__dev_groups;

static inline const kfk_allocator *kfk__dev_group_alloc(const kfk__dev_group *g)
{
    return &g->all->env->alloc;
}

/* The first member, where |m| is NULL, or the one after; NULL: no more. */
static inline kfk__dev_member *kfk__dev_member_next(const kfk__list *l, const kfk__dev_member *m)
{
    kfk__list *i = m ? kfk__list_next(l, &m->link) : kfk__list_first(l);

    return i ? KFK__ENTRY(i, kfk__dev_member, link) : NULL;
}

static inline kfk__dev_consumer *kfk__dev_consumer_next(const kfk__dev_group *g,
                                                        const kfk__dev_consumer *m)
{
    const kfk__list *l = &g->modern.members;
    kfk__list *i = m ? kfk__list_next(l, &m->link) : kfk__list_first(l);

    return i ? KFK__ENTRY(i, kfk__dev_consumer, link) : NULL;
}

/* for (KFK__DEV_EACH_CONSUMER(m, g)) */
#define KFK__DEV_EACH_CONSUMER(m, g)                        \
    kfk__dev_consumer *m = kfk__dev_consumer_next(g, NULL); \
    m;                                                      \
    m = kfk__dev_consumer_next(g, m)

/* for (KFK__DEV_EACH(m, g)): its members, none of whom goes meanwhile. */
#define KFK__DEV_EACH(m, g)                                                 \
    kfk__dev_member *m = kfk__dev_member_next(&(g)->classic.members, NULL); \
    m;                                                                      \
    m = kfk__dev_member_next(&(g)->classic.members, m)

#endif
