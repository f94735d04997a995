#include "devbroker/records.h"

enum { INFLATED_MAX = 256 * 1024 * 1024 };

kfk_err kfk__dev_records_open(kfk__dev_records *r, kfk__compressor *c, const kfk_allocator *a,
                              const uint8_t *batch, size_t size, const kfk__batch_header *h,
                              const char **why)
{
    kfk__codec codec = (kfk__codec)(h->attributes & KFK__BATCH_CODEC);
    const uint8_t *body = batch + KFK__BATCH_HEADER;
    size_t n = size - KFK__BATCH_HEADER;
    kfk_err err;

    kfk__buf_init(&r->inflated, a);
    if (codec != KFK__CODEC_NONE) {
        r->inflated.limit = INFLATED_MAX;
        err = kfk__decompress(c, codec, body, n, &r->inflated, why);
        if (err) {
            kfk__dev_records_close(r);
            return err;
        }
        body = r->inflated.data;
        n = r->inflated.len;
    }
    kfk__batch_cursor_init(&r->cursor, h, body, n);
    return KFK_OK;
}

void kfk__dev_records_close(kfk__dev_records *r)
{
    kfk__buf_fini(&r->inflated);
}
