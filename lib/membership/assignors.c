#include "membership/assignors.h"

#include "base/bytes.h"
#include "base/error.h"
#include "membership/range.h"
#include "membership/roundrobin.h"
#include "membership/sticky.h"
#include "membership/userdata.h"
#include "membership/verify.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }
#define JAVA "org.apache.kafka.clients.consumer."

const kfk__assignor kfk__assignors[KFK__N_ASSIGNORS] = {
    {.name = TEXT("range"),
     .java_class = TEXT(JAVA "RangeAssignor"),
     .protocols = KFK__EAGER,
     .assign = kfk__range_assign},
    {.name = TEXT("roundrobin"),
     .java_class = TEXT(JAVA "RoundRobinAssignor"),
     .protocols = KFK__EAGER,
     .assign = kfk__roundrobin_assign},
    {.name = TEXT("sticky"),
     .java_class = TEXT(JAVA "StickyAssignor"),
     .protocols = KFK__EAGER,
     .assign = kfk__sticky_assign,
     .user_data = kfk__userdata_write_sticky},
    {.name = TEXT("cooperative-sticky"),
     .java_class = TEXT(JAVA "CooperativeStickyAssignor"),
     .protocols = KFK__EAGER | KFK__COOPERATIVE,
     .assign = kfk__cooperative_assign,
     .user_data = kfk__userdata_write_generation},
};

static bool is_called(const kfk__assignor *a, kfk_bytes name)
{
    return name.data && (kfk__bytes_equal(a->name, name) || kfk__bytes_equal(a->java_class, name));
}

const kfk__assignor *kfk__assignor_find(kfk_bytes name, const kfk__assignor *const *own, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_called(own[i], name))
            return own[i];
    for (size_t i = 0; i < KFK__N_ASSIGNORS; i++)
        if (is_called(&kfk__assignors[i], name))
            return &kfk__assignors[i];
    return NULL;
}

uint32_t kfk__assignor_protocol(const kfk__assignor *const *v, size_t n)
{
    uint32_t common = n > 0 ? KFK__EAGER | KFK__COOPERATIVE : 0;

    for (size_t i = 0; i < n; i++)
        common &= v[i]->protocols;
    return common & KFK__COOPERATIVE ? KFK__COOPERATIVE : common;
}

static bool is_ours(const kfk__assignor *a)
{
    for (size_t i = 0; i < KFK__N_ASSIGNORS; i++)
        if (a->assign == kfk__assignors[i].assign)
            return true;
    return false;
}

static kfk_err failed(const kfk__assignor *a, kfk_err err, kfk_error *e)
{
    return err == KFK_ERR_NOMEM
               ? kfk__fail_nomem(e)
               : kfk__fail(e, err, "the assignor %.*s cannot share out the group's partitions",
                           (int)a->name.len, (const char *)a->name.data);
}

kfk_err kfk__assignor_run(const kfk__assignor *a, uint32_t protocol, const kfk__assign_group *in,
                          kfk__arena *arena, const kfk__assign_share **out, kfk_error *e)
{
    kfk_error why;
    kfk_err err;

    kfk__error_clear(&why);
    err = a->assign(a, in, arena, out, &why);
    if (err != KFK_OK)
        return why.code ? kfk__fail_copy(e, &why) : failed(a, err, e);
    if (is_ours(a))
        return KFK_OK;
    return kfk__verify(a, protocol == KFK__COOPERATIVE, in, *out, arena->alloc, e);
}
