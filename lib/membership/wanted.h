/* wanted: what a member subscribes to: topics by name, or by an expression. A value with an owner; no thread of its own. */
#ifndef KFK_MEMBERSHIP_WANTED_H
#define KFK_MEMBERSHIP_WANTED_H

#include <regex.h>
#include <stdbool.h>

#include <kfk/error.h>
#include <kfk/types.h>

typedef struct kfk__wanted {
    const kfk_allocator *alloc;
    char **topics; /* in order, each once; with a pattern none */
    size_t n;
    char *pattern; /* NULL: by name */
    regex_t regex;
} kfk__wanted;

void kfk__wanted_init(kfk__wanted *w, const kfk_allocator *a);
void kfk__wanted_fini(kfk__wanted *w);
/* Of what kfk_consumer_subscribe is given. KFK_ERR_INVALID_ARG, KFK_ERR_NOMEM: nothing is wanted then. */
kfk_err kfk__wanted_set(kfk__wanted *w, const char *const *topics, size_t n, kfk_error *e);
/* One more by name, in its place; none is there twice. KFK_ERR_NOMEM. */
kfk_err kfk__wanted_add(kfk__wanted *w, const char *topic);
/* |to| has what |from| had; |from| wants nothing. */
void kfk__wanted_move(kfk__wanted *to, kfk__wanted *from);
bool kfk__wanted_equal(const kfk__wanted *a, const kfk__wanted *b);
/* Whether the whole of |name| matches the pattern. */
bool kfk__wanted_matches(const kfk__wanted *w, const char *name);
/* Whether a topic of this name is one of those wanted by name. */
bool kfk__wanted_names(const kfk__wanted *w, kfk_bytes name);

#endif
