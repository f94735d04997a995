/* custom: the application's assignors (kfk_config_assignor) as those that the rest of this folder
 * knows, and the assignors of one member.
 *
 *   kfk__assign_group ──> roster ──> kfk_assign_member[], kfk_assign_topic[] ──> the function
 *                                                                                   │ owner[]
 *   kfk__assign_share[] <── what others still have is withheld <── is it a member? <┘
 *
 * The function is given members by group.instance.id and then by id, and topics by name: whichever
 * member leads, it sees the same. What members say that they own is passed on as far as it exists,
 * each partition once a member. It may write where it likes into what it was given: only the owners
 * are looked at. */
#ifndef KFK_MEMBERSHIP_CUSTOM_H
#define KFK_MEMBERSHIP_CUSTOM_H

#include <kfk/assignor.h>
#include <kfk/error.h>

#include "membership/assign.h"

/* One of the application's, as it was registered. */
typedef struct kfk__custom {
    const char *name;
    uint32_t flags;
    kfk_assign_fn *fn;
    void *arg;
} kfk__custom;

/* Those that a member knows, the best first. */
typedef struct kfk__assignor_list {
    const kfk__assignor **v;
    size_t n;
    kfk__arena arena;
} kfk__assignor_list;

/* Those called |names|, in that order; each is Kafka's or one of |own|. All is copied. Whatever it
 * returns, |l| is to be given back. KFK_ERR_NOMEM. KFK_ERR_CONFIG: nobody knows a name; |e| has it.
 */
kfk_err kfk__assignors_of(kfk__assignor_list *l, const kfk_bytes *names, size_t n_names,
                          const kfk__custom *own, size_t n_own, const kfk_allocator *a,
                          kfk_error *e);
void kfk__assignor_list_fini(kfk__assignor_list *l);

/* A kfk__assign_fn, whose self->arg is a kfk__custom. Beside KFK_ERR_NOMEM there is
 * KFK_ERR_INVALID_ARG only, whatever the function says: none of its codes are to be taken for a
 * broker's. |e| has its name. */
kfk_err kfk__custom_assign(const kfk__assignor *self, const kfk__assign_group *in,
                           kfk__arena *arena, const kfk__assign_share **out, kfk_error *e);

#endif
