#include "producer/kept.h"

#include "producer/regroup.h"
#include "producer/settle.h"

/* The next batch, closed; NULL: there is none. |last|: then no more will come. */
static kfk__producer_batch *take(kfk__topic *t, kfk__partitions *last)
{
    kfk__partition *kept = &t->kept;
    kfk__producer_batch *b;

    kfk__lock(&kept->lock);
    kfk__partition_close_open(kept);
    kfk__lock(&kept->queue_lock);
    b = kfk__partition_head(kept);
    if (b)
        kfk__partition_remove(kept, b);
    kfk__unlock(&kept->queue_lock);
    if (!b && last) {
        /* Inside the lock: who finds no more being kept here finds the partitions. */
        kfk__topic_publish(t, last);
        kept->dead = true;
    }
    kfk__unlock(&kept->lock);
    return b;
}

void kfk__kept_place(kfk__sender *s, kfk__topic *t, kfk__partitions *ps)
{
    kfk__producer_batch *b;

    while ((b = take(t, ps)) != NULL) {
        kfk_err err = kfk__place(s->accumulator, b, ps);

        if (err)
            kfk__settle_error(s, b, err, NULL);
        else
            kfk__settle_gone(s, b);
    }
}

void kfk__kept_fail(kfk__sender *s, kfk__topic *t, kfk_err err, const char *msg)
{
    kfk__producer_batch *b;

    while ((b = take(t, NULL)) != NULL)
        kfk__settle_error(s, b, err, msg);
}
