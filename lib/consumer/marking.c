/* What of a run is done, in a group (marks.h). The run knows at which of its offsets there are records. */
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "consumer/run.h"

void kfk__records_open(kfk_records *rs, int32_t epoch)
{
    rs->ticket = kfk__marks_open(rs->partition->marks, rs->start, rs->end, epoch);
}

static int64_t first_of(const kfk_records *rs, const kfk__segment *s)
{
    return s->header.base_offset > rs->start ? s->header.base_offset : rs->start;
}

static int64_t end_of(const kfk_records *rs, const kfk__segment *s)
{
    int64_t end = kfk__run_last_offset(&s->header) + 1;

    return end < rs->end ? end : rs->end;
}

/* The first segment that ends behind |offset|; n_segments: none does. */
static size_t find_segment(const kfk_records *rs, int64_t offset)
{
    size_t low = 0, high = rs->n_segments;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (end_of(rs, &rs->segments[mid]) <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* How many of them are before |offset|. */
static size_t count_before(const kfk__run_offsets *o, int64_t offset)
{
    size_t low = 0, high = o->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (o->v[mid] < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Where there are holes, writes down which records are left: what is marked one by one is looked up there. */
static kfk_err know_offsets(const kfk_records *rs, kfk__segment *s)
{
    const int64_t first = first_of(rs, s), end = end_of(rs, s);
    size_t most = (size_t)(s->header.count < end - first ? s->header.count : end - first);
    kfk__run_offsets *fresh, *none = NULL;
    kfk__batch_cursor c;

    if (kfk__run_is_dense(s) || atomic_load_explicit(&s->left, memory_order_acquire))
        return KFK_OK;
    fresh = kfk__alloc(&rs->alloc, sizeof *fresh + most * sizeof *fresh->v);
    if (!fresh)
        return KFK_ERR_NOMEM;
    fresh->n = 0;
    kfk__batch_cursor_init(&c, &s->header, s->records, s->n);
    while (fresh->n < most && kfk__batch_cursor_next(&c) && c.offset < end)
        if (c.offset >= first)
            fresh->v[fresh->n++] = c.offset;
    /* Two may do it at once. */
    if (!atomic_compare_exchange_strong_explicit(&s->left, &none, fresh, memory_order_acq_rel,
                                                 memory_order_acquire))
        kfk__release(&rs->alloc, fresh);
    return KFK_OK;
}

/* The first record of a segment with holes from |offset| on; the end of the run: there is none. */
static int64_t look_for(const kfk_records *rs, const kfk__segment *s, int64_t offset)
{
    kfk__batch_cursor c;

    kfk__batch_cursor_init(&c, &s->header, s->records, s->n);
    while (kfk__batch_cursor_next(&c))
        if (c.offset >= offset && c.offset < rs->end)
            return c.offset;
    return rs->end;
}

/* The first record of the segment from |offset| on; the end of the run: there is none. Where |offset| is before all of it, any
 * place before its first does: that is as little done as the record. */
static int64_t next_in(const kfk_records *rs, const kfk__segment *s, int64_t offset)
{
    const kfk__run_offsets *o = atomic_load_explicit(&s->left, memory_order_acquire);
    int64_t first = first_of(rs, s);
    size_t k;

    if (!o && first >= offset)
        return first;
    if (!o)
        return kfk__run_is_dense(s) ? offset : look_for(rs, s, offset);
    k = count_before(o, offset);
    return k < o->n ? o->v[k] : rs->end;
}

/* The first record of the run from |offset| on, or its end. */
static int64_t next_record(const kfk_records *rs, int64_t offset)
{
    int64_t next = rs->end;

    for (size_t i = find_segment(rs, offset); i < rs->n_segments && next == rs->end; i++)
        next = next_in(rs, &rs->segments[i], offset);
    return next;
}

/* Behind the last record before |offset|, or the start of the run. What lies behind the last of a segment that nobody looked
 * into is done with that. */
static int64_t behind_last(const kfk_records *rs, int64_t offset)
{
    size_t i = find_segment(rs, offset);

    i = i < rs->n_segments ? i + 1 : i;
    while (i-- > 0) {
        const kfk__segment *s = &rs->segments[i];
        const kfk__run_offsets *o = atomic_load_explicit(&s->left, memory_order_acquire);
        int64_t end = end_of(rs, s);
        size_t k;

        if (first_of(rs, s) >= offset)
            continue;
        if (!o)
            return end < offset ? end : offset;
        k = count_before(o, offset);
        if (k > 0)
            return o->v[k - 1] + 1;
    }
    return rs->start;
}

/* Of the last record before |offset|. */
static int32_t epoch_before(const kfk_records *rs, int64_t offset)
{
    size_t i = find_segment(rs, offset - 1);

    if (i == rs->n_segments || (i > 0 && first_of(rs, &rs->segments[i]) >= offset))
        i--;
    return rs->segments[i].header.leader_epoch;
}

static kfk_err mark_failed(const kfk_records *rs, kfk_err err, kfk_error *e)
{
    if (err == KFK_ERR_NOMEM)
        return kfk__fail_nomem(e);
    return kfk__fail(e, err, "%.200s-%d was taken away, or is ours anew", rs->tp.topic,
                     rs->tp.partition);
}

/* [from, to) is done. */
static kfk_err mark_range(const kfk_records *rs, int64_t from, int64_t to, kfk_error *e)
{
    kfk__assigned *p = rs->partition;
    bool room;
    kfk_err err =
        kfk__marks_mark(p->marks, rs->ticket, from, to, epoch_before(rs, to), &room);

    if (err)
        return mark_failed(rs, err, e);
    if (room) {
        kfk__lock(&p->shared->lock);
        kfk__assigned_resume(p);
        kfk__unlock(&p->shared->lock);
    }
    return KFK_OK;
}

static kfk_err may_mark(const kfk_records *rs, kfk_error *e)
{
    if (kfk__run_is_forked(rs))
        return kfk__fail(e, KFK_ERR_FORKED, "the run belongs to the process before fork()");
    if (!rs->partition->marks)
        return kfk__fail(e, KFK_ERR_STATE, "the run is not of a group");
    return KFK_OK;
}

kfk_err kfk__records_mark_to(kfk_records *rs, int64_t end, kfk_error *e)
{
    kfk_err err = may_mark(rs, e);

    if (err || end <= rs->start)
        return err;
    return mark_range(rs, rs->start, next_record(rs, end), e);
}

kfk_err kfk_records_mark(kfk_records *rs, int64_t first, int64_t last, kfk_error *e)
{
    const int64_t given = __atomic_load_n(&rs->tp.offset, __ATOMIC_RELAXED);
    kfk_err err = may_mark(rs, e);

    if (err)
        return err;
    if (first < rs->start || last < first || last >= given)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "%lld to %lld: kfk_records_next gave %lld up to before %lld",
                         (long long)first, (long long)last, (long long)rs->start,
                         (long long)given);
    for (size_t i = find_segment(rs, first); !err && i < rs->n_segments; i++) {
        if (first_of(rs, &rs->segments[i]) > last)
            break;
        err = know_offsets(rs, &rs->segments[i]);
    }
    if (err)
        return mark_failed(rs, err, e);
    /* With what lies before and behind them up to the next records, which is nobody's. */
    return mark_range(rs, behind_last(rs, first), next_record(rs, last + 1), e);
}
