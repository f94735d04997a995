/* assignor: the assignors of the application, by name. What they do is for lib/membership. */
#ifndef KFK_CONFIG_ASSIGNOR_H
#define KFK_CONFIG_ASSIGNOR_H

#include <stdbool.h>

#include <kfk/assignor.h>

typedef struct kfk__config_assignor {
    char *name;
    uint32_t flags;
    kfk_assign_fn *fn;
    void *arg;
} kfk__config_assignor;

typedef struct kfk__config_assignors {
    kfk__config_assignor *v;
    size_t n;
} kfk__config_assignors;

void kfk__config_assignors_fini(kfk__config_assignors *s, const kfk_allocator *a);
/* Adds a copy of |from|. false: no memory; then nothing is changed. */
bool kfk__config_assignors_add(kfk__config_assignors *s, const kfk_allocator *a,
                               const kfk__config_assignor *from);
/* |to| is empty. false: no memory; then |to| is still empty. */
bool kfk__config_assignors_copy(kfk__config_assignors *to, const kfk_allocator *a,
                                const kfk__config_assignors *from);

#endif
