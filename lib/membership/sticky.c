#include "membership/sticky.h"

#include "membership/mixed.h"
#include "membership/uniform.h"

static kfk_err decide(const kfk__roster *r, const kfk__claims *claims, int32_t *holder)
{
    int32_t *everybody = kfk__roster_numbers(r, (size_t)r->n_members, 0);
    kfk__racks racks;
    bool near;

    if (!everybody || kfk__racks_init(&racks, r) != KFK_OK)
        return KFK_ERR_NOMEM;
    for (int32_t m = 0; m < r->n_members; m++)
        everybody[m] = m;
    near = kfk__racks_matter(&racks, everybody, (size_t)r->n_members, 0, r->n_partitions);
    return r->alike ? kfk__uniform_decide(r, claims, near ? &racks : NULL, holder)
                    : kfk__mixed_decide(r, claims, near ? &racks : NULL, holder);
}

static void withhold(const kfk__roster *r, const kfk__claims *claims, int32_t *holder)
{
    for (int32_t p = 0; p < r->n_partitions; p++)
        if (kfk__claims_bars(claims, p, holder[p]))
            holder[p] = KFK__NOBODY;
}

static kfk_err assign(const kfk__assign_group *in, bool cooperative, kfk__arena *scratch,
                      kfk__arena *arena, const kfk__assign_share **out)
{
    kfk__claims claims;
    kfk__roster r;
    int32_t *holder;
    kfk_err err = kfk__roster_init(&r, in, KFK__BY_ID, scratch);

    if (err != KFK_OK)
        return err;
    holder = kfk__roster_numbers(&r, (size_t)r.n_partitions, KFK__NOBODY);
    if (!holder)
        return KFK_ERR_NOMEM;
    err = kfk__claims_init(&claims, &r, cooperative ? KFK__FROM_SUBSCRIPTION : KFK__FROM_USER_DATA);
    if (err == KFK_OK)
        err = decide(&r, &claims, holder);
    if (err == KFK_OK && cooperative)
        withhold(&r, &claims, holder);
    return err == KFK_OK ? kfk__roster_answer(&r, holder, arena, out) : err;
}

kfk_err kfk__sticky_assign(const kfk__assignor *self, const kfk__assign_group *in,
                           kfk__arena *arena, const kfk__assign_share **out, kfk_error *e)
{
    kfk__arena scratch;
    kfk_err err;

    (void)self;
    (void)e;
    kfk__arena_init(&scratch, arena->alloc);
    err = assign(in, false, &scratch, arena, out);
    kfk__arena_fini(&scratch);
    return err;
}

kfk_err kfk__cooperative_assign(const kfk__assignor *self, const kfk__assign_group *in,
                                kfk__arena *arena, const kfk__assign_share **out, kfk_error *e)
{
    kfk__arena scratch;
    kfk_err err;

    (void)self;
    (void)e;
    kfk__arena_init(&scratch, arena->alloc);
    err = assign(in, true, &scratch, arena, out);
    kfk__arena_fini(&scratch);
    return err;
}
