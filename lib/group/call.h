/* call: the application's functions are called: with nothing locked, and the Coordinator knows since when.
 *
 *   kfk__call_begin ──> record(), consume() ──> kfk__call_end          any number at once
 *   kfk__token_take ──> setup(), cleanup(), lost(), error(), failed() ──> kfk__token_give     one at a time */
#ifndef KFK_GROUP_CALL_H
#define KFK_GROUP_CALL_H

#include "group/handle.h"

/* false: no handler is to be called any more. */
bool kfk__call_begin(kfk__worker *w);
void kfk__call_end(kfk__worker *w);

/* Whoever has it serves handovers, and calls what is called one at a time. false: somebody has. */
bool kfk__token_take(kfk_group *g);
/* Waits for it. KFK_ERR_NOMEM. */
kfk_err kfk__token_await(kfk_group *g);
void kfk__token_give(kfk_group *g);

/* Each by who has the token. */
kfk_err kfk__call_setup(kfk__worker *w, kfk_tp *tps, size_t n);
kfk_err kfk__call_cleanup(kfk__worker *w, const kfk_tp *tps, size_t n);
void kfk__call_lost(kfk__worker *w, const kfk_tp *tps, size_t n);
int kfk__call_failed(kfk__worker *w, const kfk_record_view *r, const kfk_error *e, int attempt);
void kfk__call_error(kfk__worker *w, const kfk_error *e);
/* The same by a worker that may not have the token: it waits for that. */
void kfk__group_tell(kfk__worker *w, const kfk_error *e);
/* error() is told when a worker has the time. Any thread. */
void kfk__group_tell_later(kfk_group *g, const kfk_error *e);
/* Tells what was to be told later; by who has the token. Whether there was something. */
bool kfk__group_tell_now(kfk__worker *w);

/* kfk_group_run is to end with |e|; the first holds. Any thread. */
void kfk__group_fail(kfk_group *g, const kfk_error *e);

#endif
