/* names: what the topics are called whose ids a coordinator gave.
 *
 *   find ──> known already ─────────────────────────> name
 *        ├─> in the client's metadata (subscribed) ──> name, kept from now on
 *        └─> neither: none yet ── tick: Metadata by id, again through the gate ──> news
 *
 * A topic's name never changes; so one is kept as long as somebody speaks of its id, also when the
 * topic is gone. Belongs to the client's thread. */
#ifndef KFK_MEMBERSHIP_NAMES_H
#define KFK_MEMBERSHIP_NAMES_H

#include "client/client.h"
#include "membership/tips.h"

typedef struct kfk__named {
    kfk__uuid id;
    char *name; /* NULL: not known yet */
} kfk__named;

typedef struct kfk__names {
    kfk__client *client;
    kfk__named *v; /* by id */
    size_t n, cap;
    kfk__call *call; /* NULL: none is under way */
    kfk__retry retry;
    int64_t not_before;
    bool news; /* names have come; who looks at it clears it */
} kfk__names;

void kfk__names_init(kfk__names *n, kfk__client *client);
/* Before the client's end, or after it. */
void kfk__names_fini(kfk__names *n);
/* *out: the name, valid until the id is let go; NULL: it is being asked for. KFK_ERR_NOMEM. */
kfk_err kfk__names_find(kfk__names *n, const kfk__uuid *id, const char **out);
/* Lets go of all that neither has. */
void kfk__names_keep(kfk__names *n, const kfk__tips *a, const kfk__tips *b);
/* Asks for what is not known. When to be called again. */
int64_t kfk__names_tick(kfk__names *n, int64_t now);

#endif
