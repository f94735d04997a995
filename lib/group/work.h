/* work: what a worker does: serves handovers, goes on with what is aside, takes runs and hands them out, waits.
 *
 * Those in kfk_group_run, and those that it makes, do so until the group has ended; the host, which is kfk_group_dispatch's
 * thread, a turn at a time. */
#ifndef KFK_GROUP_WORK_H
#define KFK_GROUP_WORK_H

#include "group/handle.h"

/* NULL: no memory. It reads in a lane from kfk__worker_enter on. */
kfk__worker *kfk__worker_new(kfk_group *g);
void kfk__worker_free(kfk__worker *w);
void kfk__worker_enter(kfk__worker *w);
void kfk__worker_leave(kfk__worker *w);

/* Until the group has ended. */
void kfk__work(kfk__worker *w);
/* What there is to do, without waiting; *at: when there may be more, if nobody wakes the lane before. false: there was nothing. */
bool kfk__work_once(kfk__worker *w, int64_t *at);
/* Waits until there may be something to do, at most until |until|. */
void kfk__work_await(kfk__worker *w, int64_t until);

/* Whether the calling thread is inside of a handler, or of what else the group calls. */
bool kfk__group_in_callback(kfk_group *g);
/* The member's host: since when the oldest handler that runs has. */
int64_t kfk__group_alive_at(void *owner);
/* The same: what went wrong. */
void kfk__group_told(void *owner, const kfk_error *e);

#endif
