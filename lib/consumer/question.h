/* question: what only the leader of a partition can say: the offset of a place in it (ListOffsets), or where a leader
 * epoch ends (OffsetForLeaderEpoch, KIP-320).
 *
 *   ask ──> waiting (for metadata, a connection, the retry gate) ──> under way, with all that go to that broker ──> done
 *              ^                                                          │ retriable, or the leader has moved
 *              └──────────────────────────────────────────────────────────┘
 *
 * A question is part of whoever asks, and may be dropped at any time. Belongs to the Fetcher. */
#ifndef KFK_CONSUMER_QUESTION_H
#define KFK_CONSUMER_QUESTION_H

#include "client/client.h"

typedef enum kfk__question_kind {
    KFK__ASKS_OFFSET, /* of |timestamp| */
    KFK__ASKS_EPOCH   /* the end of |epoch| */
} kfk__question_kind;

typedef struct kfk__question {
    kfk__list link;                 /* while it waits */
    struct kfk__questioning *under; /* the request that it is in; NULL: none */
    size_t slot;                    /* where in that */
    kfk__question_kind kind;
    /* A request asks of a partition once only. Questions of one group are about different ones. */
    uint32_t group;
    const char *topic; /* the asker's, as long as it asks */
    size_t topic_len;
    int32_t partition;
    int64_t timestamp;    /* ms since 1970, or KFK_OFFSET_... */
    int32_t epoch;
    int32_t leader_epoch; /* the leader's, as we knew it when it was asked last; -1: not known */
    kfk__retry retry;
    int64_t retry_at;
    /* The answer. offset -1: there is none such. UNSUPPORTED_VERSION: the broker cannot say. Else what is wrong for good. */
    kfk_err err;
    int64_t offset;
    int32_t found_epoch; /* ASKS_OFFSET: of the record there; ASKS_EPOCH: the epoch that the end is of; -1: not known */
    /* May ask again. */
    void (*done)(void *owner, struct kfk__question *q, int64_t now);
    void *owner;
} kfk__question;

typedef struct kfk__questions {
    kfk__client *client;
    int8_t isolation;
    kfk__list waiting;
    uint32_t last_group;
} kfk__questions;

/* The group of the questions of assigned partitions. */
enum { KFK__ASSIGNED_GROUP = 0 };

void kfk__questions_init(kfk__questions *qs, kfk__client *client, int8_t isolation);
/* |n| groups, from the one returned on, that nobody else has. */
uint32_t kfk__questions_groups(kfk__questions *qs, uint32_t n);
/* All that step reads of |q| is set, and |q| is not being asked. */
void kfk__questions_ask(kfk__questions *qs, kfk__question *q);
/* Nothing more is heard of it. One that is not being asked, or zeroed, is left alone. */
void kfk__question_drop(kfk__question *q);
static inline bool kfk__question_is_asked(const kfk__question *q)
{
    return q->under || (q->link.next && !kfk__list_empty(&q->link));
}
/* Sends what can be sent. When to look again. */
int64_t kfk__questions_step(kfk__questions *qs, int64_t now);

#endif
