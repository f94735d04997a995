/* The decoder. Its state is a stack of structs under way, so that it can stop at any byte; nothing
 * recurs on what comes in. Whoever feeds it owns it.
 *
 *      on_struct   its fields one after the other, then its tagged fields
 *        │           an array: on_elements            a struct inside: one more on the stack
 *        └─ blob.c   the bytes of a string, bytes or records
 *
 * Memory: a length is believed only as far as the bytes that remain, and are not owed to something
 * else, could hold it; and it gets memory as the bytes come. */
#include "proto/piece.h"

/* The room that an array gets before its elements are there: so many bytes, or so many for each
 * byte in hand. A true array seldom needs more than that. */
enum { FIRST_ARRAY = 512, ARRAY_PER_BYTE = 4 };

/* Bytes that something new may claim. */
static size_t spare(const kfk__decoder *d, const kfk__piece *in)
{
    size_t n = kfk__piece_left(d, in);

    return n > d->owed ? n - d->owed : 0;
}

/* ---- values ---- */

static kfk__step push(kfk__decoder *d, kfk__piece *in, const kfk__schema *s, void *obj)
{
    kfk__decode_frame *f = &d->stack[d->depth];

    if (d->depth == KFK__DECODER_DEPTH)
        return kfk__malformed(d, in);
    d->depth++;
    f->schema = s;
    f->obj = obj;
    f->field = s->fields;
    f->want = -1;
    f->tags = f->last_tag = -1;
    f->tag_read = false;
    return KFK__STEP_INSIDE;
}

static kfk__step begin_pointer(kfk__decoder *d, kfk__piece *in, const kfk__field *f, void *m)
{
    void *obj;

    if (kfk__field_nullable(f, d->version)) {
        const uint8_t *p = kfk__take(d, in, 1);

        if (!p)
            return KFK__STEP_MORE;
        if ((int8_t)*p < 0)
            return *p == UINT8_MAX ? KFK__STEP_ON : kfk__malformed(d, in);
    }
    obj = kfk__arena_alloc(d->arena, f->sub->size);
    if (!obj)
        return kfk__decoder_fail(d, in, KFK_ERR_NOMEM);
    kfk__msg_init(f->sub, obj);
    memcpy(m, &obj, sizeof obj);
    return push(d, in, f->sub, obj);
}

/* One value of |f|, not an array, to be put at |m|. */
static kfk__step begin_value(kfk__decoder *d, kfk__piece *in, const kfk__field *f, void *m)
{
    if (f->type < KFK__T_STRING)
        return kfk__take_number(d, in, f->type, m) ? KFK__STEP_ON : KFK__STEP_MORE;
    if (f->type != KFK__T_STRUCT)
        return kfk__blob_begin(d, in, f, m);
    return f->flags & KFK__F_POINTER ? begin_pointer(d, in, f, m) : push(d, in, f->sub, m);
}

/* ---- arrays ---- */

/* The least that an element takes on the wire. */
static size_t least(const kfk__decoder *d, const kfk__field *f)
{
    switch ((kfk__field_type)f->type) {
    case KFK__T_STRUCT:
        return f->sub->min_bytes[d->version];
    case KFK__T_STRING:
        return d->flexible ? 1 : 2;
    case KFK__T_BYTES:
    case KFK__T_RECORDS:
        return d->flexible ? 1 : 4;
    default:
        return kfk__field_size(f);
    }
}

/* How many elements there should be room for, when |f->room| have been used up. */
static size_t elements_room(const kfk__decoder *d, const kfk__piece *in, const kfk__decode_frame *f,
                            size_t size)
{
    size_t in_hand = (size_t)(in->end - in->p), want = (size_t)f->want, room;

    if (want * size <= FIRST_ARRAY)
        return want;
    if (f->room == 0) {
        room = in_hand * ARRAY_PER_BYTE;
        room = (room > FIRST_ARRAY ? room : FIRST_ARRAY) / size + 1;
    } else {
        room = (size_t)f->have + in_hand / least(d, f->field);
        if (room < (size_t)f->room * 2)
            room = (size_t)f->room * 2;
    }
    return room < want ? room : want;
}

static kfk__step array_room(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f, void *m)
{
    size_t size = kfk__field_size(f->field);
    size_t room = elements_room(d, in, f, size);
    void *v = kfk__arena_grow(d->arena, kfk__array_get(m).v, (size_t)f->room * size, room * size);

    if (!v)
        return kfk__decoder_fail(d, in, KFK_ERR_NOMEM);
    kfk__array_set(m, v, f->have);
    f->room = (int32_t)room;
    return KFK__STEP_ON;
}

/* One more element is complete: the array always has as many as can be looked at. */
static void count_element(kfk__decode_frame *f)
{
    uint8_t *m = f->obj + f->field->offset;

    f->have++;
    memcpy(m + offsetof(kfk__any_array, n), &f->have, sizeof f->have);
}

static kfk__step begin_element(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f, void *m)
{
    const kfk__schema *sub = f->field->sub;

    if (!sub)
        return begin_value(d, in, f->field, m);
    kfk__msg_init(sub, m);
    d->owed -= sub->min_bytes[d->version];
    return push(d, in, sub, m);
}

static kfk__step on_elements(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    size_t size = kfk__field_size(f->field);
    uint8_t *m = f->obj + f->field->offset;

    while (f->have < f->want) {
        kfk__step s = f->have == f->room ? array_room(d, in, f, m) : KFK__STEP_ON;

        if (s == KFK__STEP_ON)
            s = begin_element(d, in, f, (uint8_t *)kfk__array_get(m).v + (size_t)f->have * size);
        if (s != KFK__STEP_ON)
            return s;
        count_element(f);
    }
    f->want = -1;
    return KFK__STEP_ON;
}

static kfk__step begin_array(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    size_t min_bytes = least(d, f->field);
    int64_t n = 0;
    kfk__step s = kfk__take_length(d, in, f->field, 4, &n);

    if (s != KFK__STEP_ON)
        return s;
    kfk__array_set(f->obj + f->field->offset, NULL, n < 0 ? -1 : 0);
    if (n <= 0)
        return KFK__STEP_ON;
    if (min_bytes == 0 || (uint64_t)n > spare(d, in) / min_bytes)
        return kfk__malformed(d, in);
    if (f->field->sub)
        d->owed += (size_t)n * min_bytes;
    f->want = (int32_t)n;
    f->have = f->room = 0;
    return on_elements(d, in, f);
}

/* ---- structs ---- */

static kfk__step begin_field(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    if (f->want >= 0)
        return on_elements(d, in, f);
    if (f->field->flags & KFK__F_ARRAY)
        return begin_array(d, in, f);
    return begin_value(d, in, f->field, f->obj + f->field->offset);
}

/* Behind the field's value. */
static kfk__step end_field(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    if (f->tags < 0) {
        f->field++;
        return KFK__STEP_ON;
    }
    if (kfk__piece_position(in) != f->tag_end)
        return kfk__malformed(d, in);
    f->tags--;
    f->field = kfk__no_field(f);
    return KFK__STEP_ON;
}

/* A value that was gone inside of is complete: an element, or the field. */
static kfk__step end_inside(kfk__decoder *d, kfk__piece *in)
{
    kfk__decode_frame *f = kfk__decoder_top(d);

    if (f->want < 0)
        return end_field(d, in, f);
    count_element(f);
    return KFK__STEP_ON;
}

static const kfk__field *find_tag(const kfk__decoder *d, const kfk__schema *s, int64_t tag)
{
    const kfk__field *f = s->fields + s->n_untagged, *end = s->fields + s->n_fields;

    while (f < end && (f->tag != tag || !kfk__field_in(f, d->version)))
        f++;
    return f;
}

/* The number of tagged fields; then of each its tag, its size. Each is a step of its own, so that a
 * cut between them loses nothing. */
static kfk__step next_tag(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    uint64_t v = 0;
    kfk__step s = kfk__take_uvarint(d, in, &v);

    if (s != KFK__STEP_ON)
        return s;
    if (f->tags < 0) {
        f->tags = (int64_t)v;
        return v > kfk__piece_left(d, in) / 2 ? kfk__malformed(d, in) : KFK__STEP_ON;
    }
    f->tag_read = !f->tag_read;
    if (f->tag_read) {
        if ((int64_t)v <= f->last_tag)
            return kfk__malformed(d, in);
        f->last_tag = (int64_t)v;
        return KFK__STEP_ON;
    }
    if (v > kfk__piece_left(d, in))
        return kfk__malformed(d, in);
    f->tag_end = kfk__piece_position(in) + (size_t)v;
    f->field = find_tag(d, f->schema, f->last_tag);
    if (f->field < kfk__no_field(f))
        return KFK__STEP_ON;
    f->tags--;
    d->skip = (size_t)v;
    return KFK__STEP_INSIDE;
}

static kfk__step end_struct(kfk__decoder *d, kfk__piece *in)
{
    d->depth--;
    return d->depth == 0 ? KFK__STEP_DONE : end_inside(d, in);
}

static kfk__step on_tags(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    while (f->tags != 0) {
        bool at_field = f->field < kfk__no_field(f);
        kfk__step s = at_field ? begin_field(d, in, f) : next_tag(d, in, f);

        if (s == KFK__STEP_ON && at_field)
            s = end_field(d, in, f);
        if (s != KFK__STEP_ON)
            return s;
    }
    return end_struct(d, in);
}

/* Most fields are plain numbers that lie there whole: they are dealt with on the spot. */
static kfk__step on_fields(kfk__decoder *d, kfk__piece *in, kfk__decode_frame *f)
{
    const kfk__field *field = f->field, *end = f->schema->fields + f->schema->n_untagged;

    for (; field < end; field++) {
        bool number = field->type < KFK__T_STRING && !(field->flags & KFK__F_ARRAY);
        kfk__step s;

        if (!kfk__field_in(field, d->version))
            continue;
        if (number && kfk__take_number(d, in, field->type, f->obj + field->offset))
            continue;
        f->field = field;
        s = number ? KFK__STEP_MORE : begin_field(d, in, f);
        if (s != KFK__STEP_ON)
            return s;
    }
    f->field = kfk__no_field(f);
    return KFK__STEP_ON;
}

static kfk__step on_struct(kfk__decoder *d, kfk__piece *in)
{
    kfk__decode_frame *f = kfk__decoder_top(d);
    kfk__step s = f->tags < 0 ? on_fields(d, in, f) : KFK__STEP_ON;

    if (s != KFK__STEP_ON)
        return s;
    return d->flexible ? on_tags(d, in, f) : end_struct(d, in);
}

static kfk__step on_skip(kfk__decoder *d, kfk__piece *in)
{
    size_t n = (size_t)(in->end - in->p);

    if (n > d->skip)
        n = d->skip;
    in->p += n;
    d->skip -= n;
    return d->skip ? KFK__STEP_MORE : KFK__STEP_ON;
}

static kfk__step one_step(kfk__decoder *d, kfk__piece *in)
{
    kfk__step s;

    if (d->skip)
        return on_skip(d, in);
    if (!d->in_blob)
        return on_struct(d, in);
    s = kfk__blob_go_on(d, in);
    return s == KFK__STEP_ON ? end_inside(d, in) : s;
}

static kfk_err run(kfk__decoder *d, kfk__piece *in, bool *done)
{
    kfk__step s;

    do
        s = one_step(d, in);
    while (s == KFK__STEP_ON || s == KFK__STEP_INSIDE);
    d->at = kfk__piece_position(in);
    *done = s == KFK__STEP_DONE;
    if (s == KFK__STEP_MORE && d->at == d->len)
        s = kfk__malformed(d, in);
    return s == KFK__STEP_FAIL ? in->error : KFK_OK;
}

/* ---- the way in ---- */

void kfk__decoder_init(kfk__decoder *d, const kfk__schema *s, int16_t version, bool flexible,
                       size_t frame_len, kfk__arena *arena, void *msg, kfk__records_sink *sink,
                       void *ctx)
{
    d->arena = arena;
    d->sink = sink;
    d->sink_ctx = ctx;
    d->why = "";
    d->len = frame_len;
    d->at = d->owed = d->skip = 0;
    d->version = version;
    d->flexible = flexible;
    d->borrow = d->in_blob = d->to_sink = false;
    d->kept = 0;
    d->depth = 0;
    kfk__msg_init(s, msg);
    (void)push(d, NULL, s, msg);
}

kfk_err kfk__decoder_feed(kfk__decoder *d, const uint8_t *bytes, size_t n, size_t *used, bool *done)
{
    size_t room = d->len - d->at;
    kfk__piece in = {.p = bytes, .start = bytes, .before = d->at};
    kfk_err err;

    in.end = bytes + (n < room ? n : room);
    err = run(d, &in, done);
    *used = (size_t)(in.p - bytes);
    return err;
}

kfk_err kfk__decoder_filled(kfk__decoder *d, size_t n, bool *done)
{
    static const uint8_t none[1];
    kfk__piece in = {.p = none, .end = none, .start = none, .before = d->at + n};

    kfk__blob_filled(d, n);
    return run(d, &in, done);
}

const char *kfk__decoder_why(const kfk__decoder *d)
{
    return d->why;
}

kfk_err kfk__decode(const kfk__schema *s, int16_t version, bool flexible, const void *bytes,
                    size_t n, kfk__arena *arena, void *msg, size_t *used, const char **why)
{
    kfk__decoder d;
    bool done = false;
    kfk_err err;

    kfk__decoder_init(&d, s, version, flexible, n, arena, msg, NULL, NULL);
    d.borrow = true;
    err = kfk__decoder_feed(&d, bytes, n, used, &done);
    if (err && why)
        *why = kfk__decoder_why(&d);
    return err;
}
