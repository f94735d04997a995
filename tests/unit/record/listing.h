/* A listing of batches, line by line as tests/interop/java/BatchRead.java prints it. */
#ifndef LISTING_H
#define LISTING_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "compress/compress.h"
#include "record/cursor.h"
#include "record/message.h"

enum { LISTING_MAX_HEADERS = 20000, LISTING_MAX_INFLATED = 64 << 20 };

static inline void list_bytes(FILE *f, kfk_bytes b)
{
    const uint8_t *p = b.data;

    if (!p) {
        fputc('-', f);
    } else if (b.len > 40) {
        fprintf(f, "#%zu:%08" PRIx32, b.len, kfk__crc32c(0, p, b.len));
    } else {
        fputc('\'', f);
        for (size_t i = 0; i < b.len; i++)
            fprintf(f, "%02x", p[i]);
    }
}

static inline int flag_of(const kfk__batch_header *h, int bit)
{
    return (h->attributes & bit) != 0;
}

static inline void list_batch(FILE *f, const kfk__batch_header *h, size_t size)
{
    fprintf(f, "batch %" PRId64 "..%" PRId64 " size=%zu epoch=%" PRId32 " codec=%s append=%d",
            h->base_offset, h->base_offset + h->last_offset_delta, size, h->leader_epoch,
            kfk__codec_name((kfk__codec)(h->attributes & KFK__BATCH_CODEC)),
            flag_of(h, KFK__BATCH_LOG_APPEND));
    fprintf(f, " base=%" PRId64 " max=%" PRId64 " producer=%" PRId64 "/%d/%" PRId32,
            h->base_timestamp, h->max_timestamp, h->producer_id, h->producer_epoch,
            h->base_sequence);
    fprintf(f, " txn=%d control=%d horizon=%d count=%" PRId32 "\n",
            flag_of(h, KFK__BATCH_TRANSACTIONAL), flag_of(h, KFK__BATCH_CONTROL),
            flag_of(h, KFK__BATCH_DELETE_HORIZON), h->count);
}

/* |type|: of a control record, -1 for others. */
static inline void list_record(FILE *f, int64_t offset, int64_t timestamp, kfk_bytes key,
                               kfk_bytes value, int type, const kfk_header *headers, size_t n)
{
    fprintf(f, "  %" PRId64 " t=%" PRId64 " k=", offset, timestamp);
    list_bytes(f, key);
    fputs(" v=", f);
    list_bytes(f, value);
    if (type >= 0)
        fprintf(f, " type=%d", type);
    for (size_t i = 0; i < n; i++) {
        fputc(' ', f);
        list_bytes(f, headers[i].key);
        fputc('=', f);
        list_bytes(f, headers[i].value);
    }
    fputc('\n', f);
}

/* What the reader makes of the records of one batch. NULL, or what is wrong with them. */
static inline const char *list_records(FILE *f, const kfk__batch_header *h, const void *records,
                                       size_t n)
{
    static kfk_header headers[LISTING_MAX_HEADERS];
    kfk__batch_cursor c;

    kfk__batch_cursor_init(&c, h, records, n);
    while (kfk__batch_cursor_next(&c)) {
        const kfk__record *r = &c.record;
        int type = h->attributes & KFK__BATCH_CONTROL ? kfk__control_type(r->key) : -1;

        list_record(f, c.offset, c.timestamp, r->key, r->value, type, headers,
                    kfk__record_headers(r, headers, LISTING_MAX_HEADERS));
    }
    return c.why;
}

/* One whole batch, its |size| bytes at |p|. */
static inline const char *list_whole(FILE *f, kfk__compressor *c, kfk__batch_header *h,
                                     const uint8_t *p, size_t size)
{
    const char *why = NULL;
    kfk__buf out;

    list_batch(f, h, size);
    if (!kfk__batch_crc_ok(p, size))
        return "wrong crc";
    if (h->count == 0 && size == KFK__BATCH_HEADER)
        return NULL;
    kfk__buf_init(&out, &kfk__malloc_allocator);
    if (kfk__decompress(c, (kfk__codec)(h->attributes & KFK__BATCH_CODEC), p + KFK__BATCH_HEADER,
                        size - KFK__BATCH_HEADER, &out, &why) == KFK_OK)
        why = list_records(f, h, out.data, out.len);
    kfk__buf_fini(&out);
    return why;
}

static inline void list_message(FILE *f, const kfk__batch_header *h, size_t size)
{
    fprintf(f, "message %" PRId64 "..%" PRId64 " size=%zu magic=%d codec=%s append=%d",
            h->base_offset, h->base_offset + h->last_offset_delta, size, h->magic,
            kfk__codec_name((kfk__codec)(h->attributes & KFK__BATCH_CODEC)),
            flag_of(h, KFK__BATCH_LOG_APPEND));
    fprintf(f, " max=%" PRId64 " count=%" PRId32 "\n", h->max_timestamp, h->count);
}

/* A compressed set, in the value of the message at |p|. */
static inline const char *list_set(FILE *f, kfk__compressor *c, kfk__batch_header *h,
                                   const uint8_t *p, size_t size)
{
    const char *why = NULL;
    kfk__message m;
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    out.limit = LISTING_MAX_INFLATED;
    if (kfk__message_read(p, size, &m, &size, &why) == KFK_OK &&
        (m.magic ? kfk__decompress : kfk__decompress_old)(
            c, (kfk__codec)(h->attributes & KFK__BATCH_CODEC), m.value.data, m.value.len, &out,
            &why) == KFK_OK &&
        kfk__message_set_open(out.data, out.len, true, h, &why) == KFK_OK) {
        list_message(f, h, size);
        why = list_records(f, h, out.data, out.len);
    }
    kfk__buf_fini(&out);
    return why;
}

/* One whole message of before Kafka 0.11. */
static inline const char *list_whole_message(FILE *f, kfk__compressor *c, kfk__batch_header *h,
                                             const uint8_t *p, size_t size)
{
    if (!kfk__message_crc_ok(p, size))
        return "wrong crc";
    if (h->attributes & KFK__BATCH_CODEC)
        return list_set(f, c, h, p, size);
    list_message(f, h, size);
    return list_records(f, h, p, size);
}

/* Every batch in |n| bytes. NULL, or why it ended early. */
static inline const char *list_file(FILE *f, const uint8_t *p, size_t n)
{
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    const char *why = NULL;
    kfk__batch_header h;
    size_t size;

    for (; n > 0 && !why; p += size, n -= size) {
        kfk_err err = kfk__message_header_read(p, n, &h, &size, &why);

        if (err == KFK_ERR_WOULD_BLOCK)
            why = "a partial batch";
        if (err != KFK_OK)
            break;
        why = (h.magic < 2 ? list_whole_message : list_whole)(f, c, &h, p, size);
    }
    kfk__compressor_free(c);
    return why;
}

/* A whole file, in memory to be freed. NULL: it cannot be read. */
static inline uint8_t *read_whole_file(const char *path, size_t *n)
{
    enum { MOST = 64 << 20 };
    FILE *f = fopen(path, "rb");
    uint8_t *data = f ? malloc(MOST) : NULL;

    if (data)
        *n = fread(data, 1, MOST, f);
    if (f)
        fclose(f);
    return data;
}

#endif
