/* scope: the partitions that a tool reads: one, those of a topic, or those of all topics that an
 * expression matches. What comes to be later is read, too: it is looked for every
 * metadata.max.age.ms. A member of a group only looks for topics, and subscribes to them. */
#ifndef TOOLS_KFK_SCOPE_H
#define TOOLS_KFK_SCOPE_H

#include "expression.h"
#include "tool.h"

typedef struct scope {
    const char *topic;              /* or: */
    const expression *include;      /* Kafka's own topics are not among them */
    const kfk_config *admin_config; /* with include: for the handle that lists topics */
    bool member;                    /* of group.id; not with a partition */
    const kfk_listener *listener;   /* of the member's; NULL: none */
    void *listener_arg;
    int64_t partition; /* of topic, from offset on; -1: all, from auto.offset.reset on */
    int64_t offset;

    kfk_consumer *consumer;
    kfk_admin *admin; /* with include */
    struct scope_topic *topics; /* a member's: those that it has subscribed to */
    size_t n_topics;
    kfk_tp *fresh; /* partitions that are not assigned yet */
    size_t n_fresh;
    bool assigned; /* or subscribed */
    int64_t max_age_ms, look_at_ms;
} scope;

/* |s| has its first members set. Waits for nothing. Errors of kfk_admin_new. */
kfk_err scope_open(scope *s, kfk_consumer *consumer, const kfk_config *c, kfk_error *e);
/* Assigns what there is, if it is time to look, waiting at most |wait_ms|. That a topic or a broker
 * is not there is no error: it is looked for again. Errors of kfk_consumer_assign and
 * kfk_consumer_subscribe, and what brokers refuse. */
kfk_err scope_look(scope *s, int wait_ms, kfk_error *e);
void scope_close(scope *s);

#endif
