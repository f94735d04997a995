#include "devbroker/records.h"

#include "base/bytes.h"
#include "record/message.h"

enum { INFLATED_MAX = 256 * 1024 * 1024 };

/* The records as they lie there; of a message that is not compressed, itself. */
static kfk_bytes body_of(const uint8_t *batch, size_t size, const kfk__batch_header *h)
{
    kfk__message m;
    const char *why;

    if (h->magic == 2)
        return kfk__bytes(batch + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER);
    if (!(h->attributes & KFK__BATCH_CODEC))
        return kfk__bytes(batch, size);
    (void)kfk__message_read(batch, size, &m, &size, &why); /* as its header was */
    return m.value;
}

static kfk_err inflate(kfk__dev_records *r, kfk__compressor *c, kfk_bytes body,
                       kfk__batch_header *h, const char **why)
{
    kfk__codec codec = (kfk__codec)(h->attributes & KFK__BATCH_CODEC);
    kfk_err err;

    r->inflated.limit = INFLATED_MAX;
    err = (h->magic == 0 ? kfk__decompress_old : kfk__decompress)(c, codec, body.data, body.len,
                                                                  &r->inflated, why);
    if (err || h->magic == 2)
        return err;
    return kfk__message_set_open(r->inflated.data, r->inflated.len, false, h, why);
}

kfk_err kfk__dev_records_open(kfk__dev_records *r, kfk__compressor *c, const kfk_allocator *a,
                              const uint8_t *batch, size_t size, kfk__batch_header *h,
                              const char **why)
{
    kfk_bytes body = body_of(batch, size, h);
    kfk_err err;

    kfk__buf_init(&r->inflated, a);
    if (h->attributes & KFK__BATCH_CODEC) {
        err = inflate(r, c, body, h, why);
        if (err) {
            kfk__dev_records_close(r);
            return err;
        }
        body = kfk__bytes(r->inflated.data, r->inflated.len);
    }
    kfk__batch_cursor_init(&r->cursor, h, body.data, body.len);
    return KFK_OK;
}

void kfk__dev_records_close(kfk__dev_records *r)
{
    kfk__buf_fini(&r->inflated);
}
