/* course: where the Fetcher is with one partition: what comes next, and who is asked.
 *
 *   committed? ──> ListOffsets ──> epoch still there? ──> Fetch ──┐
 *                      ^                 ^  └─ leader moved ──────┤
 *                      └── out of range, truncated: the policy ───┘
 *
 * Belongs to the Fetcher; it is a part of kfk__assigned. */
#ifndef KFK_CONSUMER_COURSE_H
#define KFK_CONSUMER_COURSE_H

#include "consumer/question.h"

struct kfk__seat;
struct kfk__fetch_source;

typedef struct kfk__course {
    kfk__list known;   /* among those that the Fetcher has; then it holds the partition */
    kfk__list waiting; /* among those that wait for retry_at, or for the group to be asked */
    unsigned version;  /* the partition's fetch_version that the rest belongs to */
    int64_t since;     /* when that began */
    int64_t offset;    /* of the next record to be fetched; < 0: to be looked up */
    int32_t epoch;     /* leader epoch of the record before; -1: not known */
    int32_t checked;   /* the leader's epoch at which the log had that; -1: it is to be checked */
    kfk__uuid id;      /* the topic's, when it was first seen; zero: not known */
    int64_t by_name_until; /* until then another id is no news: where reading is was asked for by the topic's name since */
    kfk__question question;
    bool asks_group;   /* for what is committed */
    int32_t replica;   /* who is nearer than the leader (KIP-392); -1: nobody */
    int64_t replica_until;
    struct kfk__fetch_source *source; /* whom it is fetched from, or would be were it not full; NULL: nobody */
    struct kfk__seat *seat;     /* its seat there; NULL: it has none */
    bool held_back;             /* counted in the source's held_back */
    int64_t retry_at;
    kfk__retry retry;
} kfk__course;

#endif
