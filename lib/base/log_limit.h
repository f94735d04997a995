/* log_limit: which of many lines that say the same are told, so that a broker that is down fills no disk.
 *
 *   down                                                                   up            down
 *   told ..30 s.. told ....1 min.... told ........2 min........ told ...   again         told ..30 s.. told
 *                 (29 more like it in 30 s)
 *
 * Of each kind, who it is about and what it says, the first is told at once, the next when half a minute has passed,
 * then twice as long and so on up to 16 minutes; each says how many were left out. What goes well again begins anew, but
 * not oftener than every half minute, as a connection that is made and lost all the time is no better than none. There
 * are so many kinds at a time; one more is left out until one of these is due.
 *
 * Belongs to one thread. Allocates nothing, and has no clock: |now| is the env's. */
#ifndef KFK_BASE_LOG_LIMIT_H
#define KFK_BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { KFK__LOG_KINDS = 64, KFK__LOG_MORE = 64 };

typedef struct kfk__log_kind {
    uint32_t who, what;
    uint32_t left_out; /* since it was told last */
    bool well;         /* since then: the next one is told */
    int64_t told_at;
    int64_t wait;    /* from then to the next one */
    int64_t well_at; /* when |well| was set last; < 0: never */
} kfk__log_kind;

/* Zeroed at first. */
typedef struct kfk__log_limit {
    kfk__log_kind kinds[KFK__LOG_KINDS];
    int n;
} kfk__log_limit;

/* Who a line is about: a host and a port, say. */
uint32_t kfk__log_who(const char *name, unsigned number);
/* Whether |line| about |who| is to be told now; numbers in it do not count. *more: what to add to it, "" or how many were
 * left out. false: it is left out, and counted. */
bool kfk__log_allows(kfk__log_limit *l, uint32_t who, const char *line, int64_t now,
                     char more[KFK__LOG_MORE]);
/* All goes well with |who|. true: something was told about it, so that this may be told too. */
bool kfk__log_well(kfk__log_limit *l, uint32_t who, int64_t now);

#endif
