#include "membership/userdata.h"

#include "base/bytes.h"

/* ---- reading: past the end, or at a length that cannot be, |bad| is set and stays ---- */

typedef struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
} reader;

static const uint8_t *take(reader *in, size_t n)
{
    const uint8_t *p = in->at;

    if (in->bad || n > in->left) {
        in->bad = true;
        return NULL;
    }
    in->at += n;
    in->left -= n;
    return p;
}

static int32_t take_i32(reader *in)
{
    const uint8_t *p = take(in, 4);

    return p ? (int32_t)kfk__get_be32(p) : -1;
}

/* How many elements of at least |size| bytes follow. */
static int32_t take_count(reader *in, size_t size)
{
    int32_t n = take_i32(in);

    if (n >= 0 && (size_t)n <= in->left / size)
        return n;
    in->bad = true;
    return 0;
}

static kfk_bytes take_name(reader *in)
{
    const uint8_t *p = take(in, 2);
    uint16_t n = p ? kfk__get_be16(p) : 0;

    if (n > INT16_MAX)
        in->bad = true;
    return kfk__bytes(take(in, n), n);
}

static kfk_err take_topic(reader *in, kfk__arena *arena, kfk__topic_parts *out)
{
    int32_t *v;

    out->topic = take_name(in);
    out->n = take_count(in, 4);
    v = kfk__arena_alloc(arena, ((size_t)out->n + 1) * sizeof *v);
    if (!v)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; i < out->n; i++)
        v[i] = take_i32(in);
    out->v = v;
    return KFK_OK;
}

kfk_err kfk__userdata_read_sticky(kfk_bytes data, kfk__arena *arena, kfk__userdata *out)
{
    reader in = {.at = data.data, .left = data.data ? data.len : 0};
    int32_t n = take_count(&in, 6);
    kfk__topic_parts *topics = kfk__arena_alloc(arena, ((size_t)n + 1) * sizeof *topics);

    *out = (kfk__userdata){.topics = topics, .generation = -1};
    for (int32_t i = 0; topics && !in.bad && i < n; i++)
        if (take_topic(&in, arena, &topics[i]) != KFK_OK)
            return KFK_ERR_NOMEM;
    if (!topics)
        return KFK_ERR_NOMEM;
    if (!in.bad) {
        out->n = n;
        out->generation = take_i32(&in); /* version 0 ends before it */
    }
    return KFK_OK;
}

int32_t kfk__userdata_read_generation(kfk_bytes data)
{
    reader in = {.at = data.data, .left = data.data ? data.len : 0};

    return take_i32(&in);
}

/* ---- writing ---- */

/* 0: it cannot be written. */
static size_t size_of(const kfk__assign_mine *mine)
{
    size_t n = 4 + 4;

    for (int32_t t = 0; t < mine->n; t++) {
        size_t name = mine->topics[t].topic.len, parts = (size_t)mine->topics[t].n * 4;

        if (name > INT16_MAX || parts / 4 != (size_t)mine->topics[t].n ||
            n + parts + name + 6 > INT32_MAX)
            return 0;
        n += parts + name + 6;
    }
    return n;
}

static uint8_t *put_i32(uint8_t *p, int32_t v)
{
    kfk__put_be32(p, (uint32_t)v);
    return p + 4;
}

static uint8_t *put_topic(uint8_t *p, const kfk__topic_parts *t)
{
    kfk__put_be16(p, (uint16_t)t->topic.len);
    p += 2;
    if (t->topic.len > 0)
        memcpy(p, t->topic.data, t->topic.len);
    p = put_i32(p + t->topic.len, t->n);
    for (int32_t i = 0; i < t->n; i++)
        p = put_i32(p, t->v[i]);
    return p;
}

kfk_err kfk__userdata_write_sticky(const kfk__assignor *self, const kfk__assign_mine *mine,
                                   kfk__arena *arena, kfk_bytes *out)
{
    size_t size = size_of(mine);
    uint8_t *data, *p;

    (void)self;
    *out = (kfk_bytes){0};
    if (!mine->any)
        return KFK_OK;
    if (size == 0)
        return KFK_ERR_INVALID_ARG;
    data = kfk__arena_alloc(arena, size);
    if (!data)
        return KFK_ERR_NOMEM;
    p = put_i32(data, mine->n);
    for (int32_t t = 0; t < mine->n; t++)
        p = put_topic(p, &mine->topics[t]);
    (void)put_i32(p, mine->generation);
    *out = kfk__bytes(data, size);
    return KFK_OK;
}

kfk_err kfk__userdata_write_generation(const kfk__assignor *self, const kfk__assign_mine *mine,
                                       kfk__arena *arena, kfk_bytes *out)
{
    uint8_t *data = kfk__arena_alloc(arena, 4);

    (void)self;
    *out = (kfk_bytes){0};
    if (!data)
        return KFK_ERR_NOMEM;
    (void)put_i32(data, mine->any ? mine->generation : -1);
    *out = kfk__bytes(data, 4);
    return KFK_OK;
}
