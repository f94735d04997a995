/* fault: what a node is told to do wrong.
 *
 * A rule waits for requests of one API (or any) at one node (or any), lets the first |skip| of them
 * pass, and is then applied to |count| of them. A request meets at most one rule: the oldest that
 * applies.
 *
 *   request ─ before ─> effect (append, create, ...) ─ after ─> answer ── its bytes ──> socket
 *             ERROR DROP HANG DELAY             the same, and THROTTLE   CUT ALTER LENGTH
 *
 * Not locked: the broker's lock guards it. */
#ifndef KFK_DEVBROKER_FAULT_H
#define KFK_DEVBROKER_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/list.h"

enum { KFK__DEV_ANY = -1 };

typedef enum kfk__dev_fault_kind {
    KFK__DEV_FAULT_ERROR, /* the answer says |value| */
    KFK__DEV_FAULT_DROP,  /* the connection is closed without an answer */
    KFK__DEV_FAULT_HANG,  /* no answer, ever; the connection stays and nothing more is read from it
                           */
    KFK__DEV_FAULT_DELAY, /* |value| ms pass first */
    KFK__DEV_FAULT_THROTTLE, /* throttle_time_ms is |value|, and the connection is not read for that
                                long */
    KFK__DEV_FAULT_CUT,      /* the answer ends after |at| bytes, and the connection with it */
    KFK__DEV_FAULT_ALTER, /* byte |at| of the answer is xored with |value|; below 0 it counts from
                             the end */
    KFK__DEV_FAULT_LENGTH /* the answer's frame says that it is |value| bytes long */
} kfk__dev_fault_kind;

typedef struct kfk__dev_fault {
    kfk__dev_fault_kind kind;
    bool after;    /* ERROR, DROP, HANG, DELAY: once the request has taken effect, not before */
    int16_t api;   /* key, or KFK__DEV_ANY */
    int32_t node;  /* id, or KFK__DEV_ANY */
    int32_t skip;  /* requests that pass first */
    int32_t count; /* requests that it meets then; below 0: all */
    int32_t value;
    int32_t at;
    /* ERROR: which error_code of the answer: 0 the outermost, 1 those of its arrays, 2 those of the
     * arrays in these; KFK__DEV_ANY: where this API says what became of one topic or partition. At
     * any other level than that the request takes its effect all the same. */
    int32_t level;
} kfk__dev_fault;

typedef struct kfk__dev_faults {
    kfk__list rules;
    int64_t next_id;
} kfk__dev_faults;

void kfk__dev_faults_init(kfk__dev_faults *f);
void kfk__dev_faults_clear(kfk__dev_faults *f, const kfk_allocator *a);
/* A positive id, or 0: no memory. */
int64_t kfk__dev_faults_add(kfk__dev_faults *f, const kfk_allocator *a, const kfk__dev_fault *what);
/* Takes one rule away. How many requests it met, or -1: no such rule. */
int64_t kfk__dev_faults_remove(kfk__dev_faults *f, const kfk_allocator *a, int64_t id);
/* How many requests a rule has met; -1: no such rule. A rule that is used up stays until it is
 * removed. */
int64_t kfk__dev_faults_hits(const kfk__dev_faults *f, int64_t id);
/* The rule that a request meets, used up by one; false: none. */
bool kfk__dev_faults_meet(kfk__dev_faults *f, int16_t api, int32_t node, kfk__dev_fault *out);

#endif
