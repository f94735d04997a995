#include "membership/verify.h"

#include "base/error.h"
#include "membership/claims.h"

typedef struct verifying {
    const kfk__assignor *a;
    kfk__roster r;
    kfk__claims claims;
    int32_t *holder;
    bool cooperative;
    kfk_error *e;
} verifying;

static kfk_err wrong(const verifying *v, int32_t m, kfk_bytes topic, int32_t number,
                     const char *why)
{
    const kfk__assign_member *member = v->r.members[m];
    kfk_err err = kfk__fail(v->e, KFK_ERR_INVALID_ARG,
                            "the assignor %.*s gives partition %d of %.*s to member %.*s: %s",
                            (int)v->a->name.len, (const char *)v->a->name.data, (int)number,
                            (int)topic.len, (const char *)topic.data, (int)member->id.len,
                            (const char *)member->id.data, why);

    if (v->e) {
        kfk__error_set(v->e->topic, sizeof v->e->topic, topic.data, topic.len);
        v->e->partition = number;
    }
    return err;
}

static kfk_err check_partition(verifying *v, int32_t m, int32_t t, int32_t number)
{
    kfk_bytes topic = v->r.topics[t]->name;
    int32_t p = v->r.first[t] + number;

    if (number < 0 || number >= kfk__roster_n_partitions(&v->r, t))
        return wrong(v, m, topic, number, "there is no such partition");
    if (v->holder[p] != KFK__NOBODY)
        return wrong(v, m, topic, number, "it is given away already");
    if (v->cooperative && kfk__claims_bars(&v->claims, p, m))
        return wrong(v, m, topic, number, "it must be taken from another one first");
    v->holder[p] = m;
    return KFK_OK;
}

static kfk_err check_topic(verifying *v, int32_t m, const kfk__topic_parts *parts)
{
    int32_t t = kfk__roster_topic(&v->r, parts->topic);
    kfk_err err = KFK_OK;

    if (parts->n > 0 && (t < 0 || !kfk__roster_reads(&v->r, m, t)))
        return wrong(v, m, parts->topic, parts->v[0],
                     "there is no such topic, or it does not subscribe to it");
    for (int32_t i = 0; err == KFK_OK && i < parts->n; i++)
        err = check_partition(v, m, t, parts->v[i]);
    return err;
}

static kfk_err check_all(verifying *v, const kfk__assign_share *answer)
{
    kfk_err err = KFK_OK;

    for (int32_t m = 0; m < v->r.n_members; m++) {
        const kfk__assign_share *given = &answer[v->r.members[m] - v->r.in->members];

        for (int32_t i = 0; err == KFK_OK && i < given->n; i++)
            err = check_topic(v, m, &given->topics[i]);
    }
    return err;
}

static kfk_err prepare(verifying *v, const kfk__assign_group *in, kfk__arena *scratch)
{
    kfk_err err = kfk__roster_init(&v->r, in, KFK__BY_ID, scratch);

    if (err == KFK_OK)
        err = kfk__claims_init(&v->claims, &v->r, KFK__FROM_SUBSCRIPTION);
    if (err != KFK_OK)
        return err;
    v->holder = kfk__roster_numbers(&v->r, (size_t)v->r.n_partitions, KFK__NOBODY);
    return v->holder ? KFK_OK : KFK_ERR_NOMEM;
}

kfk_err kfk__verify(const kfk__assignor *a, bool cooperative, const kfk__assign_group *in,
                    const kfk__assign_share *answer, const kfk_allocator *alloc, kfk_error *e)
{
    verifying v = {.a = a, .cooperative = cooperative, .e = e};
    kfk__arena scratch;
    kfk_err err;

    kfk__arena_init(&scratch, alloc);
    err = prepare(&v, in, &scratch);
    if (err == KFK_OK)
        err = check_all(&v, answer);
    else if (err == KFK_ERR_NOMEM)
        (void)kfk__fail_nomem(e);
    else
        (void)kfk__fail(e, err, "the group's members or topics are not what they must be");
    kfk__arena_fini(&scratch);
    return err;
}
