/* beat: the heartbeat of a member whose coordinator assigns, as a message (KIP-848).
 *
 * It says in full what the coordinator does not know, and nothing of what it does. What has been
 * said counts as known once it was answered; after any error nothing does. */
#ifndef KFK_MEMBERSHIP_BEAT_H
#define KFK_MEMBERSHIP_BEAT_H

#include "membership/modern_state.h"

/* The request, and in st->saying what of it will be known. KFK_ERR_NOMEM, KFK_ERR_UNSUPPORTED_VERSION
 * (there is an expression and this version has no place for it: st->no_regex). */
kfk_err kfk__beat_build(kfk__member *m, int16_t version, kfk__arena *a, const void **body);
/* The same to leave. */
kfk_err kfk__beat_build_leave(const kfk__member *m, kfk__arena *a, const void **body);
/* Takes an answer in: its epoch and what it assigns. Else why not, in |e|. */
kfk_err kfk__beat_read(kfk__member *m, const void *body, kfk_error *e);
/* The code alone, with the broker's words. */
kfk_err kfk__beat_code(const void *body, kfk_error *e);
/* From now on the coordinator is told all again. */
void kfk__beat_forget(kfk__modern *st);
/* It is said as soon as can be. */
void kfk__beat_owned_changed(kfk__modern *st);
void kfk__beat_wanted_changed(kfk__modern *st);

#endif
