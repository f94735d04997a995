/* nearest: the known name that is most like one that nobody knows, for errors. */
#ifndef KFK_CONFIG_NEAREST_H
#define KFK_CONFIG_NEAREST_H

#include <kfk/types.h>

typedef struct kfk__nearest {
    kfk_bytes name;  /* the caller's */
    kfk_bytes known; /* the nearest of those tried; null: none is like it */
    size_t best;     /* how far away it is */
} kfk__nearest;

kfk__nearest kfk__nearest_to(kfk_bytes name);
/* |known| outlives |n|. Of equals the first stays. */
void kfk__nearest_try(kfk__nearest *n, kfk_bytes known);

#endif
