#include "client/request.h"

#include <sys/uio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/header.h"

/* Records shorter than this are copied beside the header: a piece of its own costs more than the copy. */
enum { SPLICE_MIN = 1024 };

/* Most requests are not longer, records aside. */
enum { FIRST_HEAD = 512 };

void kfk__request_free(kfk__request *r)
{
    const kfk_allocator *a;

    if (!r)
        return;
    a = r->head.alloc;
    kfk__release(a, r->splices.v);
    kfk__buf_fini(&r->head);
    kfk__release(a, r);
}

static kfk_err encode(kfk__request *r, const char *client_id)
{
    const kfk__api *api = r->spec.api;
    int16_t version = r->spec.version;
    kfk_err err;

    (void)kfk__buf_reserve(&r->head, FIRST_HEAD);
    kfk__buf_add(&r->head, 4);
    kfk__request_header_write(&r->head, api, version, r->correlation_id, client_id);
    err = kfk__encode(api->request, version, kfk__flexible(api, version), r->spec.body, &r->head,
                      &r->splices);
    if (err)
        return err;
    if (!kfk__buf_ok(&r->head))
        return KFK_ERR_NOMEM;
    r->size = r->head.len + r->splices.total;
    if (r->size - 4 > INT32_MAX)
        return KFK_ERR_INVALID_ARG;
    kfk__put_be32(r->head.data, (uint32_t)(r->size - 4));
    return KFK_OK;
}

/* Room for as many splices as the request may have; where there is no memory for it they are copied. */
static void reserve_splices(kfk__request *r, size_t n)
{
    kfk__splices *sp = &r->splices;
    kfk__splice *v = n > sp->max ? kfk__array(r->head.alloc, sp->v, n, sizeof *sp->v) : NULL;

    if (v) {
        sp->v = v;
        sp->max = n;
    }
    sp->n = sp->total = 0;
    sp->min_len = SPLICE_MIN;
}

kfk_err kfk__request_begin(kfk__request *r, const kfk__request_spec *spec, int32_t correlation_id,
                           const char *client_id)
{
    kfk_err err;

    r->spec = *spec;
    r->correlation_id = correlation_id;
    r->size = r->done = 0;
    kfk__buf_clear(&r->head);
    reserve_splices(r, spec->n_records);
    err = encode(r, client_id);
    r->spec.body = NULL;
    return err;
}

kfk_err kfk__request_new(kfk__request **out, const kfk_allocator *a, const kfk__request_spec *spec,
                         int32_t correlation_id, const char *client_id)
{
    kfk__request *r = kfk__zalloc(a, sizeof *r);
    kfk_err err;

    if (!r)
        return KFK_ERR_NOMEM;
    kfk__list_init(&r->link);
    kfk__buf_init(&r->head, a);
    err = kfk__request_begin(r, spec, correlation_id, client_id);
    if (err)
        kfk__request_free(r);
    else
        *out = r;
    return err;
}

/* Adds what of |p| lies past |*skip| bytes. */
static int add_piece(struct iovec *v, int n, const uint8_t *p, size_t len, size_t *skip)
{
    size_t cut = *skip < len ? *skip : len;

    *skip -= cut;
    if (cut == len)
        return n;
    v[n].iov_base = (void *)(uintptr_t)(p + cut);
    v[n].iov_len = len - cut;
    return n + 1;
}

int kfk__request_pieces(const kfk__request *r, struct iovec *v, int max)
{
    size_t skip = r->done, at = 0;
    int n = 0;

    for (size_t i = 0; i < r->splices.n; i++) {
        const kfk__splice *s = &r->splices.v[i];

        if (n + 2 > max)
            return n;
        n = add_piece(v, n, r->head.data + at, s->at - at, &skip);
        n = add_piece(v, n, s->bytes.data, s->bytes.len, &skip);
        at = s->at;
    }
    if (n < max)
        n = add_piece(v, n, r->head.data + at, r->head.len - at, &skip);
    return n;
}
