#include "consumer/run.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "record/cursor.h"
#include "record/message.h"

/* A run ends once so much has been inflated for it: more would only wait in memory. */
enum { ENOUGH_INFLATED = 1 << 20, FIRST_SEGMENTS = 4 };

/* ---- cutting ---- */

static kfk__segment *add_segment(kfk_records *rs)
{
    size_t cap = rs->cap ? rs->cap * 2 : FIRST_SEGMENTS;
    kfk__segment *v;

    if (rs->n_segments < rs->cap)
        return &rs->segments[rs->n_segments];
    v = kfk__array(&rs->alloc, rs->segments, cap, sizeof *v);
    if (!v)
        return NULL;
    rs->segments = v;
    rs->cap = cap;
    return &v[rs->n_segments];
}

/* A batch's records, where they lie; of a message that is not compressed, itself. */
static kfk_bytes body_of(const kfk__batch_header *h, const uint8_t *p, size_t size)
{
    kfk__message m;
    const char *why;

    if (h->magic == 2)
        return kfk__bytes(p + KFK__BATCH_HEADER, size - KFK__BATCH_HEADER);
    if (!(h->attributes & KFK__BATCH_CODEC))
        return kfk__bytes(p, size);
    (void)kfk__message_read(p, size, &m, &size, &why); /* which it has been before */
    return m.value;
}

/* Only now the header of a compressed set of messages is complete. */
static kfk_err decompress(kfk__batch_header *h, kfk_bytes body, const kfk__cut_options *o,
                          kfk__buf *out, const char **why)
{
    kfk__codec codec = (kfk__codec)(h->attributes & KFK__BATCH_CODEC);
    kfk_err err = (h->magic == 0 ? kfk__decompress_old : kfk__decompress)(
        o->compressor, codec, body.data, body.len, out, why);

    if (err || h->magic == 2)
        return err;
    return kfk__message_set_open(out->data, out->len, o->check_crcs, h, why);
}

/* Puts what the batch at f->at inflates to into a buffer, which counts against the budget. */
static kfk_err inflate(const kfk_records *rs, kfk__batch_header *h, kfk__fetched *f, kfk_bytes body,
                       const kfk__cut_options *o, const char **why)
{
    kfk__shared *s = rs->partition->shared;
    const kfk_allocator memory = kfk__fbuf_allocator(s);
    size_t last;
    kfk__buf out;
    kfk_err err;

    kfk__buf_init(&out, &memory);
    out.limit = o->max_inflated;
    /* As much as the last one needed, so that it need not grow on the way. */
    last = atomic_load_explicit(&s->inflated, memory_order_relaxed);
    (void)kfk__buf_reserve(&out, last < out.limit ? last : out.limit);
    err = kfk__buf_ok(&out) ? decompress(h, body, o, &out, why) : KFK_ERR_NOMEM;
    if (err) {
        kfk__buf_fini(&out);
        return err;
    }
    f->inflated = kfk__fbuf_of(out.data);
    f->n_inflated = out.len;
    atomic_store_explicit(&s->inflated, out.len, memory_order_relaxed);
    f->header = *h;
    return KFK_OK;
}

static bool crc_ok(const kfk__batch_header *h, const uint8_t *p, size_t size)
{
    return h->magic == 2 ? kfk__batch_crc_ok(p, size) : kfk__message_crc_ok(p, size);
}

/* No offset comes twice: no broker gives such, and positions would go backwards. */
static kfk_err check_order(const kfk__batch_header *h, const kfk__fetched *f, const char **why)
{
    if (h->base_offset >= f->next)
        return KFK_OK;
    *why = "the offsets of a batch begin before those in front of it end";
    return KFK_ERR_CORRUPT_MESSAGE;
}

/* Whether a message at |p| lies behind the last segment, which is of such as well. */
static bool continues(const kfk_records *rs, const kfk__batch_header *h, const uint8_t *p)
{
    const kfk__segment *s = rs->n_segments ? &rs->segments[rs->n_segments - 1] : NULL;

    return s && h->magic < 2 && !(h->attributes & KFK__BATCH_CODEC) &&
           h->magic == s->header.magic && h->attributes == s->header.attributes &&
           p == s->records + s->n && h->base_offset - s->header.base_offset <= INT32_MAX;
}

static void extend(kfk__segment *s, const kfk__batch_header *h, size_t size)
{
    s->header.count++;
    s->header.last_offset_delta = (int32_t)(h->base_offset - s->header.base_offset);
    s->n += size;
}

/* Whether there is anything in the batch at f->at for the application. */
static bool is_wanted(const kfk__batch_header *h, const kfk__fetched *f)
{
    return !(h->attributes & KFK__BATCH_CONTROL) && h->count > 0 &&
           !kfk__aborted_has(&f->aborted, h);
}

/* A control batch, whose record says how its producer's transaction has ended. What is neither an
 * abort nor a commit means nothing to clients. */
static kfk_err take_marker(const kfk__batch_header *h, kfk__fetched *f, kfk_bytes body,
                           const char **why)
{
    if (f->aborted.n == 0)
        return KFK_OK;
    if (h->attributes & KFK__BATCH_CODEC) {
        *why = "a control batch is compressed";
        return KFK_ERR_CORRUPT_MESSAGE;
    }
    if (kfk__batch_marker(h, body.data, body.len, why) == KFK__CONTROL_ABORT)
        kfk__aborted_end(&f->aborted, h);
    return *why ? KFK_ERR_CORRUPT_MESSAGE : KFK_OK;
}

/* Checks the batch at f->at, whose header has been read, and inflates it. */
static kfk_err open_batch(const kfk_records *rs, kfk__batch_header *h, kfk__fetched *f, size_t size,
                          const kfk__cut_options *o, const char **why)
{
    const uint8_t *p = f->buf->data + f->at;
    kfk_err err = KFK_OK;

    if (o->check_crcs && !f->checked && !crc_ok(h, p, size)) {
        *why = "the checksum of the batch is wrong";
        return KFK_ERR_CORRUPT_MESSAGE;
    }
    f->checked = true;
    if (h->attributes & KFK__BATCH_CONTROL)
        return take_marker(h, f, body_of(h, p, size), why);
    if (!is_wanted(h, f))
        return KFK_OK;
    if ((h->attributes & KFK__BATCH_CODEC) && !f->inflated)
        err = inflate(rs, h, f, body_of(h, p, size), o, why);
    if (!err && f->inflated)
        *h = f->header;
    return err ? err : check_order(h, f, why);
}

/* Adds the batch at f->at, which has been opened, if it has anything for the application. */
static kfk_err add_batch(kfk_records *rs, const kfk__batch_header *h, kfk__fetched *f, size_t size)
{
    const uint8_t *p = f->buf->data + f->at;
    kfk_bytes body = body_of(h, p, size);
    kfk__segment *s;

    if (!is_wanted(h, f))
        return KFK_OK;
    if (continues(rs, h, p)) {
        extend(&rs->segments[rs->n_segments - 1], h, size);
        return KFK_OK;
    }
    s = add_segment(rs);
    if (!s)
        return KFK_ERR_NOMEM;
    *s = (kfk__segment){.header = *h, .records = body.data, .n = body.len};
    atomic_init(&s->left, NULL);
    if (f->inflated) {
        s->inflated = f->inflated;
        atomic_fetch_add_explicit(&f->inflated->owners, 1, memory_order_relaxed);
        s->records = f->inflated->data;
        s->n = f->n_inflated;
    }
    rs->n_segments++;
    return KFK_OK;
}

/* The batch at f->at has been handed out whole. */
static void next_batch(kfk__fetched *f, const kfk__batch_header *h, size_t size)
{
    f->next = kfk__run_last_offset(h) + 1;
    f->epoch = h->leader_epoch;
    kfk__fbuf_drop(f->inflated);
    f->inflated = NULL;
    f->checked = false;
    f->at += size;
}

/* What of the current segment all of its records have in common. */
static void show_segment(kfk_records *rs)
{
    const kfk__batch_header *h = &rs->segments[rs->current].header;

    rs->view.leader_epoch = h->leader_epoch;
    rs->view.flags = h->attributes & KFK__BATCH_LOG_APPEND ? KFK_LOG_APPEND_TIME : 0;
}

static kfk_records *new_run(kfk__assigned *p, unsigned version, kfk__fetched *f, int64_t start)
{
    const kfk_allocator *beneath = kfk__ledger_beneath(&p->shared->env.alloc);
    kfk_records *rs = kfk__zalloc(beneath, sizeof *rs);

    if (!rs)
        return NULL;
    rs->alloc = p->shared->env.alloc;
    rs->beneath = *beneath;
    rs->forks = kfk__fork_count();
    rs->partition = kfk__assigned_hold(p);
    rs->version = version;
    rs->start = start;
    rs->buf = f->buf;
    atomic_fetch_add_explicit(&f->buf->owners, 1, memory_order_relaxed);
    return rs;
}

/* Where a run ends that has room for |room| of the records of |s| from |first| on: at the next one, if there is one. Only
 * where compaction has taken out some they have to be counted. */
static int64_t end_of_room(const kfk__segment *s, int64_t first, int64_t room)
{
    kfk__batch_cursor c;

    if (kfk__run_is_dense(s))
        return first + room;
    kfk__batch_cursor_init(&c, &s->header, s->records, s->n);
    while (kfk__batch_cursor_next(&c))
        if (c.offset >= first && room-- == 0)
            return c.offset;
    return kfk__run_last_offset(&s->header) + 1;
}

/* Takes one batch in. *position moves past what of it is in the run, and *room is what the run has room for after that.
 * true: none. */
static bool take_batch(const kfk_records *rs, const kfk__batch_header *h, kfk__fetched *f,
                       size_t size, int64_t *position, int64_t *room)
{
    const kfk__segment *s = rs->n_segments ? &rs->segments[rs->n_segments - 1] : NULL;
    bool holds_some = s && kfk__run_last_offset(&s->header) == kfk__run_last_offset(h);
    int64_t first = h->base_offset > *position ? h->base_offset : *position;
    int64_t n = holds_some ? kfk__run_last_offset(h) - first + 1 : 0;

    /* A batch may have more records than the run has room for: what is left of it is the next run's. */
    if (n > *room && h->count > *room) {
        int64_t end = end_of_room(s, first, *room);

        if (end <= kfk__run_last_offset(h)) {
            *position = end;
            f->epoch = h->leader_epoch;
            return true;
        }
    }
    *position = kfk__run_last_offset(h) + 1;
    *room -= n < *room ? n : *room;
    next_batch(f, h, size);
    return *room == 0;
}

/* The first offset of the batch |size| bytes behind f->at; -1: nobody knows. Messages of old do not tell theirs. */
static int64_t base_of_next(const kfk__fetched *f, size_t size)
{
    kfk__batch_header h;
    const char *why;

    if (size == 0 || size >= f->end - f->at ||
        kfk__batch_header_read(f->buf->data + f->at + size, f->end - f->at - size, &h, &size, &why))
        return -1;
    return h.base_offset;
}

/* Where to go on behind the batch at f->at, which cannot be read and says itself that it ends at |own| (-1: not even
 * that). It is believed as far as the next one does not know better. */
static int64_t behind_bad(const kfk__fetched *f, size_t size, int64_t own, int64_t position)
{
    int64_t next = base_of_next(f, size);

    return next > position && (own <= position || next < own) ? next : own;
}

/* Adds batch after batch until the run is long enough. */
static kfk_err fill(kfk_records *rs, kfk__fetched *f, int64_t *position, const kfk__cut_options *o,
                    const char **why)
{
    int64_t room = o->max_records;
    size_t inflated = 0;
    bool enough = false;

    while (!enough && f->at < f->end && inflated < ENOUGH_INFLATED) {
        kfk__batch_header h;
        size_t size;
        kfk_err err =
            kfk__message_header_read(f->buf->data + f->at, f->end - f->at, &h, &size, why);
        const int64_t own = err ? -1 : kfk__run_last_offset(&h) + 1;

        if (err == KFK_ERR_WOULD_BLOCK) { /* what follows whole batches has been cut off before */
            *why = "a batch that was fetched is cut short";
            f->bad_until = -1;
            return KFK_ERR_CORRUPT_MESSAGE;
        }
        if (!err)
            err = check_order(&h, f, why);
        if (!err && kfk__run_last_offset(&h) < *position) {
            next_batch(f, &h, size);
            continue;
        }
        if (!err)
            err = open_batch(rs, &h, f, size, o, why);
        if (!err)
            err = add_batch(rs, &h, f, size);
        if (err) {
            f->bad_until = behind_bad(f, size, own, *position);
            return err;
        }
        inflated += f->inflated ? f->n_inflated : 0;
        enough = take_batch(rs, &h, f, size, position, &room);
    }
    return KFK_OK;
}

/* If the run before stopped inside the batch that this one begins with, it goes on from there. */
static void resume(kfk_records *rs)
{
    kfk__assigned *p = rs->partition;
    const kfk__segment *s = &rs->segments[0];

    kfk__lock(&p->shared->lock);
    rs->tp.opaque = p->opaque;
    rs->fetch_version = p->fetch_version;
    if (p->resume_at == rs->start && p->resume.end == s->records + s->n) {
        rs->cursor = p->resume;
        rs->pending = true;
        rs->current = 0;
    }
    p->resume_at = -1;
    kfk__unlock(&p->shared->lock);
}

kfk_err kfk__records_cut(kfk_records **run, kfk__assigned *p, unsigned version, kfk__fetched *f,
                         int64_t *position, const kfk__cut_options *o, const char **why)
{
    kfk_records *rs = new_run(p, version, f, *position);
    kfk_err err;

    *run = NULL;
    if (!rs)
        return KFK_ERR_NOMEM;
    err = fill(rs, f, position, o, why);
    rs->end = *position;
    /* What is good before a bad batch is handed out first; the next cut meets the bad one again. */
    if (rs->n_segments == 0) {
        kfk_records_free(rs);
        return err;
    }
    rs->tp = (kfk_tp){.topic = p->topic,
                      .partition = p->partition,
                      .offset = rs->start,
                      .leader_epoch = -1,
                      .flags = KFK_OFFSET};
    rs->view.topic = p->topic;
    rs->view.partition = p->partition;
    rs->view.offset = -2; /* no record's */
    rs->current = (size_t)-1;
    resume(rs);
    if (rs->current == 0)
        show_segment(rs);
    *run = rs;
    return KFK_OK;
}

static void drop_parts(kfk_records *rs)
{
    for (size_t i = 0; i < rs->n_segments; i++) {
        kfk__fbuf_drop(rs->segments[i].inflated);
        kfk__release(&rs->alloc, atomic_load_explicit(&rs->segments[i].left, memory_order_relaxed));
    }
    kfk__release(&rs->alloc, rs->segments);
    kfk__fbuf_drop(rs->buf);
    kfk__assigned_drop(rs->partition);
}

void kfk_records_free(kfk_records *rs)
{
    kfk_allocator beneath;

    if (!rs)
        return;
    if (!kfk__run_is_forked(rs))
        drop_parts(rs);
    beneath = rs->beneath;
    kfk__release(&beneath, rs);
}

/* ---- walking ---- */

/* The offset to go on at behind what cannot be read: the next batch's. Messages of old stand each for itself. */
static int64_t after_bad(const kfk_records *rs)
{
    const kfk__batch_header *h = &rs->segments[rs->current].header;

    return h->magic < 2 ? rs->tp.offset + 1 : kfk__run_last_offset(h) + 1;
}

/* The record after the last good one cannot be read: that is where the partition stands, until a seek. */
static void bad_record(kfk_records *rs, const char *why)
{
    kfk__assigned *p = rs->partition;

    rs->status = KFK_ERR_BAD_RECORD;
    rs->why = why;
    if (kfk__run_is_forked(rs))
        return;
    kfk__lock(&p->shared->lock);
    if (atomic_load_explicit(&p->version, memory_order_relaxed) == rs->version) {
        p->position = rs->tp.offset;
        if (p->marks)
            kfk__marks_cut(p->marks, p->position, rs->view.leader_epoch);
        kfk__assigned_fail(p, KFK_ERR_BAD_RECORD, p->position, why);
        p->skip_to = after_bad(rs);
    }
    kfk__unlock(&p->shared->lock);
    kfk__shared_sweep(p->shared);
}

/* To the first record of the next segment. false: there is none, or it cannot be read. */
static bool next_segment(kfk_records *rs)
{
    const kfk__segment *s;

    if (rs->current != (size_t)-1 && rs->cursor.why) {
        bad_record(rs, rs->cursor.why);
        return false;
    }
    if (++rs->current >= rs->n_segments)
        return false;
    s = &rs->segments[rs->current];
    kfk__batch_cursor_init(&rs->cursor, &s->header, s->records, s->n);
    show_segment(rs);
    return true;
}

/* All before |offset| has been given. */
static inline void pass(kfk_records *rs, int64_t offset)
{
    __atomic_store_n(&rs->tp.offset, offset, __ATOMIC_RELAXED);
}

/* The end, for one reason or another. */
static const kfk_record_view *stop(kfk_records *rs, kfk_err status)
{
    if (!rs->status)
        rs->status = status;
    if (!rs->status)
        pass(rs, rs->end);
    rs->current = rs->n_segments;
    rs->cursor.left = 0;
    return NULL;
}

/* The cursor stands on a record that is the next run's: that one is spared the way to it. */
static const kfk_record_view *stop_inside(kfk_records *rs)
{
    kfk__assigned *p = rs->partition;

    if (rs->current < rs->n_segments && !kfk__run_is_forked(rs)) {
        kfk__lock(&p->shared->lock);
        if (p->fetch_version == rs->fetch_version) {
            p->resume = rs->cursor;
            p->resume_at = rs->end;
        }
        kfk__unlock(&p->shared->lock);
    }
    return stop(rs, KFK_OK);
}

/* Moves the cursor to the next record there is, in another segment if need be. false: there is none. */
static bool advance(kfk_records *rs)
{
    while (rs->current >= rs->n_segments || !kfk__batch_cursor_next(&rs->cursor))
        if (rs->current == rs->n_segments || rs->status || !next_segment(rs))
            return false;
    return true;
}

/* Gives the record that the cursor stands on. */
static inline const kfk_record_view *give(kfk_records *rs, const kfk__record *r)
{
    kfk_record_view *v = &rs->view;

    v->key = r->key;
    v->value = r->value;
    v->offset = rs->cursor.offset;
    v->timestamp_ms = rs->cursor.timestamp;
    v->n_headers = r->n_headers;
    pass(rs, rs->cursor.offset + 1);
    return v;
}

/* What next does where the quick way does not lead on. |read|: the cursor stands on a record that was not given. */
static __attribute__((noinline)) const kfk_record_view *next_slowly(kfk_records *rs, bool read)
{
    rs->pending = false;
    do {
        if (!read && !advance(rs))
            return stop(rs, KFK_OK);
        if (rs->cursor.offset >= rs->end)
            return stop_inside(rs);
        read = false;
    } while (rs->cursor.offset < rs->start);
    return give(rs, &rs->cursor.record);
}

/* Whether that is an offset of the run. A delta that the batch cannot have may be beyond what there is of offsets. */
static inline bool in_run(const kfk_records *rs, int32_t delta)
{
    int64_t offset = (int64_t)((uint64_t)rs->cursor.base_offset + (uint32_t)delta);

    return offset >= rs->start && offset < rs->end;
}

/* Nearly every record is the next one of its batch, in the run, and without headers. Such a one is read into registers, and
 * from there to the view: the way through memory costs a fifth more. */
const kfk_record_view *kfk_records_next(kfk_records *rs)
{
    kfk__batch_cursor *c = &rs->cursor;
    const uint8_t *next;
    kfk__record r;

    if (atomic_load_explicit(&rs->partition->version, memory_order_relaxed) != rs->version)
        return stop(rs, KFK_ERR_REVOKED);
    if (c->left == 0 || rs->pending)
        return next_slowly(rs, rs->pending);
    next = kfk__record_read_plain(c->p, c->end, &r);
    if (!next || !in_run(rs, r.offset_delta) || !kfk__batch_cursor_step(c, &r, next))
        return next_slowly(rs, false);
    r.n_headers = c->record.n_headers = 0;
    return give(rs, &r);
}

void kfk__records_rewind(kfk_records *rs, int64_t start, int64_t end)
{
    rs->start = start;
    rs->end = end;
    rs->current = (size_t)-1;
    rs->pending = false;
    rs->cursor.left = 0;
    rs->status = KFK_OK;
    rs->view.offset = -2;
    pass(rs, start);
}

size_t kfk_records_headers(kfk_records *rs, kfk_header *out, size_t max)
{
    return kfk__record_headers(&rs->cursor.record, out, max);
}

kfk_err kfk_records_status(const kfk_records *rs, kfk_error *e)
{
    kfk_err err = rs->status;

    if (!err)
        return KFK_OK;
    if (err == KFK_ERR_REVOKED)
        (void)kfk__fail(e, err, "%.200s-%d: the partition was taken away, or moved by seek",
                        rs->tp.topic, rs->tp.partition);
    else
        (void)kfk__fail(e, err, "%.200s-%d at offset %lld: %s", rs->tp.topic, rs->tp.partition,
                        (long long)rs->tp.offset, rs->why);
    if (e) {
        kfk__error_set(e->topic, sizeof e->topic, rs->tp.topic, strlen(rs->tp.topic));
        e->partition = rs->tp.partition;
        e->offset = rs->tp.offset;
    }
    return err;
}

/* ---- a record of its own ---- */

/* In one piece of memory: this, then the headers, then all bytes and the topic. */
typedef struct owned {
    kfk_allocator alloc;
    kfk_record_owned record;
} owned;

/* Whether next gave a record last, and not NULL. */
static bool has_record(const kfk_records *rs)
{
    return rs->current < rs->n_segments && rs->tp.offset == rs->view.offset + 1;
}

static kfk_bytes copy_bytes(uint8_t **to, kfk_bytes from)
{
    kfk_bytes copy = {from.data ? *to : NULL, from.len};

    if (from.len > 0)
        memcpy(*to, from.data, from.len);
    *to += from.len;
    return copy;
}

static size_t size_of_headers(const kfk_header *h, size_t n)
{
    size_t size = 0;

    for (size_t i = 0; i < n; i++)
        size += h[i].key.len + h[i].value.len;
    return size;
}

kfk_record_owned *kfk_record_copy(kfk_records *rs)
{
    const kfk_record_view *v = &rs->view;
    const kfk_allocator *a = &rs->beneath;
    size_t n = v->n_headers, topic_len = strlen(v->topic), size;
    kfk_header *headers;
    uint8_t *to;
    owned *o;

    if (!has_record(rs) || n > SIZE_MAX / sizeof *headers / 2)
        return NULL;
    headers = kfk__alloc(a, (n + 1) * sizeof *headers);
    if (!headers)
        return NULL;
    n = kfk_records_headers(rs, headers, n);
    size = size_of_headers(headers, n) + v->key.len + v->value.len + topic_len + 1;
    o = kfk__alloc(a, sizeof *o + n * sizeof *headers + size);
    if (o) {
        kfk_header *copies = (kfk_header *)(o + 1);

        to = (uint8_t *)(copies + n);
        for (size_t i = 0; i < n; i++)
            copies[i] = (kfk_header){copy_bytes(&to, headers[i].key),
                                     copy_bytes(&to, headers[i].value)};
        o->alloc = *a;
        o->record = (kfk_record_owned){.headers = copies, .view = *v};
        o->record.view.n_headers = (uint32_t)n;
        o->record.view.key = copy_bytes(&to, v->key);
        o->record.view.value = copy_bytes(&to, v->value);
        o->record.view.topic = memcpy(to, v->topic, topic_len + 1);
    }
    kfk__release(a, headers);
    return o ? &o->record : NULL;
}

void kfk_record_free(kfk_record_owned *r)
{
    owned *o = r ? KFK__ENTRY(r, owned, record) : NULL;
    kfk_allocator a;

    if (!o)
        return;
    a = o->alloc;
    kfk__release(&a, o);
}

const kfk_tp *kfk_records_tp(const kfk_records *rs)
{
    return &rs->tp;
}
