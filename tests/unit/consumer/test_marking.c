/* Marking what of a run is done: batches with holes in them, runs that begin and end inside them, beside a list of all records
 * and whether each is done. */
#include "unit/devbroker/batches.h"

#include <pthread.h>

#include <kfk/kafka_errors.h>

#include "consumer/records.h"
#include "unit/fakeenv.h"

enum { MEMORY = 1 << 20, MOST = 2000 };

/* ck_assert writes down each time it is passed. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

static fakeenv fake;
static kfk__shared *shared;
static kfk__assigned *part;
static kfk__compressor *compressor;
static kfk__cut_options options;
static kfk__buf batches;
static kfk__fetched *fetched;
static int64_t position, next_offset;
static kfk_error e;
static uint64_t seed;

static struct {
    int64_t offset;
    bool given, done;
} records[MOST]; /* of the log */
static int n_records;

static void setup(void)
{
    fakeenv_init(&fake);
    shared = kfk__shared_new(&fake.env, MEMORY);
    part = kfk__assigned_new(shared, "topic", 3);
    part->marks = kfk__marks_new(&fake.env.alloc, 0);
    compressor = kfk__compressor_new(&kfk__malloc_allocator);
    options = (kfk__cut_options){.max_records = 500, .max_inflated = 1 << 20, .compressor = compressor};
    kfk__buf_init(&batches, &kfk__malloc_allocator);
    position = next_offset = n_records = 0;
}

static void drop_fetched(void)
{
    if (fetched)
        kfk__fetched_free(shared, fetched);
    fetched = NULL;
}

static void teardown(void)
{
    drop_fetched();
    kfk__shared_sweep(shared);
    if (!kfk__list_empty(&part->news))
        kfk__assigned_drop(part);
    kfk__assigned_drop(part);
    kfk__shared_drop(shared);
    kfk__compressor_free(compressor);
    kfk__buf_fini(&batches);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
}

/* xorshift64 */
static uint64_t chance(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int64_t below(int64_t n)
{
    return (int64_t)(chance() % (uint64_t)n);
}

/* The next batch: |span| offsets, of which each has a record if its bit in |which| is set. */
static uint8_t *put(int32_t span, uint64_t which)
{
    static batch b;
    uint8_t *p = b.bytes + KFK__BATCH_HEADER;
    int32_t n = 0;

    make_batch(&b, &(batch_spec){.base_offset = next_offset});
    for (int32_t i = 0; i < span; i++) {
        if (!(which >> (i % 64) & 1))
            continue;
        p = kfk__record_write(p, i, i, (kfk_bytes){0}, kfk__bytes("v", 1), NULL, 0);
        records[n_records].given = records[n_records].done = false;
        records[n_records++].offset = next_offset + i;
        n++;
    }
    b.size = (size_t)(p - b.bytes);
    b.h.length = (int32_t)b.size - KFK__BATCH_LOG_OVERHEAD;
    b.h.last_offset_delta = span - 1;
    b.h.count = n;
    b.h.leader_epoch = (int32_t)(next_offset / 100);
    seal(&b);
    next_offset += span;
    kfk__buf_put(&batches, b.bytes, b.size);
    return batches.data + batches.len - b.size;
}

static void fetch(void)
{
    drop_fetched();
    fetched = kfk__zalloc(&fake.env.alloc, sizeof *fetched);
    kfk__list_init(&fetched->link);
    fetched->buf = kfk__fbuf_new(shared, batches.len);
    memcpy(fetched->buf->data, batches.data, batches.len);
    fetched->end = batches.len;
}

/* As the lane does. NULL: there was nothing to hand out. */
static kfk_records *cut(void)
{
    const char *why;
    kfk_records *rs;

    ck_assert_int_eq(kfk__marks_reserve(part->marks), KFK_OK);
    ck_assert_int_eq(kfk__records_cut(&rs, part, atomic_load(&part->version), fetched, &position,
                                      &options, &why),
                     KFK_OK);
    part->position = position;
    if (rs)
        kfk__records_open(rs, fetched->epoch);
    else
        kfk__marks_skip(part->marks, position, fetched->epoch);
    return rs;
}

static int64_t done(void)
{
    int32_t epoch;

    return kfk__marks_done(part->marks, &epoch);
}

static void mark(kfk_records *rs, int64_t first, int64_t last)
{
    ck_assert_int_eq(kfk_records_mark(rs, first, last, &e), KFK_OK);
}

START_TEST(what_next_gave_can_be_marked)
{
    kfk_records *rs;

    put(10, ~UINT64_C(0));
    fetch();
    rs = cut();
    ck_assert_int_eq(kfk_records_mark(rs, 0, 0, &e), KFK_ERR_INVALID_ARG);
    (void)kfk_records_next(rs);
    (void)kfk_records_next(rs);
    ck_assert_int_eq(kfk_records_mark(rs, 0, 2, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_records_mark(rs, -1, 0, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_records_mark(rs, 1, 0, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(done(), 0);
    mark(rs, 1, 1);
    ck_assert_int_eq(done(), 0);
    mark(rs, 0, 0);
    ck_assert_int_eq(done(), 2);
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
    ck_assert_int_eq(done(), 2);
    while (kfk_records_next(rs))
        ;
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
    ck_assert_int_eq(done(), 10);
    kfk_records_free(rs);
}
END_TEST

/* No more is needed than to mark each record that there is. */
START_TEST(holes_hold_nothing_back)
{
    kfk_records *rs;

    put(10, 0x124); /* 2, 5 and 8 */
    put(3, 0);
    fetch();
    rs = cut();
    while (kfk_records_next(rs))
        ;
    mark(rs, 5, 5);
    ck_assert_int_eq(done(), 0);
    mark(rs, 2, 2);
    ck_assert_int_eq(done(), 8);
    mark(rs, 8, 8);
    ck_assert_int_eq(done(), 13);
    kfk_records_free(rs);
}
END_TEST

static int64_t next(kfk_records *rs)
{
    const kfk_record_view *v = kfk_records_next(rs);

    return v ? v->offset : -1;
}

/* A part of a run comes again, whether it was read to the end or not. */
START_TEST(a_run_can_be_read_again)
{
    kfk_records *rs;

    put(10, 0x124); /* 2, 5 and 8 */
    put(10, ~UINT64_C(0));
    fetch();
    rs = cut();
    while (kfk_records_next(rs))
        ;
    mark(rs, 2, 2);
    mark(rs, 11, 15);
    kfk__records_rewind(rs, 3, 11);
    ck_assert_int_eq(kfk_records_tp(rs)->offset, 3);
    ck_assert_int_eq(kfk_records_mark(rs, 5, 5, &e), KFK_ERR_INVALID_ARG); /* it was not given anew */
    ck_assert_int_eq(next(rs), 5);
    ck_assert_int_eq(next(rs), 8);
    kfk__records_rewind(rs, 5, 11);
    ck_assert_int_eq(next(rs), 5);
    ck_assert_int_eq(next(rs), 8);
    ck_assert_int_eq(next(rs), 10);
    ck_assert_int_eq(next(rs), -1);
    ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_OK);
    ck_assert_int_eq(kfk_records_tp(rs)->offset, 11);
    kfk__records_rewind(rs, 3, 11);
    while (kfk_records_next(rs))
        ;
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
    ck_assert_int_eq(done(), 16);
    kfk__records_rewind(rs, 16, 20);
    ck_assert_int_eq(next(rs), 16);
    ck_assert_int_eq(next(rs), 17);
    kfk_records_free(rs);
}
END_TEST

START_TEST(what_is_not_ours_cannot_be_marked)
{
    kfk__marks *marks = part->marks;
    kfk_records *rs;

    put(10, ~UINT64_C(0));
    fetch();
    rs = cut();
    (void)kfk_records_next(rs);
    part->marks = NULL;
    ck_assert_int_eq(kfk_records_mark(rs, 0, 0, &e), KFK_ERR_STATE);
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_ERR_STATE);
    part->marks = marks;
    kfk__assigned_revoke(part); /* by seek */
    ck_assert_int_eq(kfk_records_mark(rs, 0, 0, &e), KFK_ERR_REVOKED);
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_ERR_REVOKED);
    ck_assert_int_eq(done(), -1);
    kfk_records_free(rs);
}
END_TEST

START_TEST(without_memory_nothing_is_marked)
{
    kfk_records *rs;

    put(64, 0x5555555555555555);
    fetch();
    rs = cut();
    while (kfk_records_next(rs))
        ;
    failalloc_fail_from(&fake.mem, 1);
    ck_assert_int_eq(kfk_records_mark(rs, 0, 0, &e), KFK_ERR_NOMEM);
    ck_assert_int_eq(kfk__marks_undone(part->marks), 64);
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
    failalloc_fail_from(&fake.mem, 0);
    ck_assert_int_eq(done(), 64);
    kfk_records_free(rs);
}
END_TEST

/* The records before it are to be done, and then those after it, if somebody goes on behind it. */
START_TEST(a_record_that_cannot_be_read_is_not_waited_for)
{
    uint8_t *bytes;
    kfk_records *rs;

    put(2, 3);
    bytes = put(3, 7);
    bytes[KFK__BATCH_HEADER + 8] = 0x7f; /* the second record's length */
    put(2, 3);
    fetch();
    rs = cut();
    while (kfk_records_next(rs))
        ;
    ck_assert_int_eq(kfk_records_status(rs, &e), KFK_ERR_BAD_RECORD);
    mark(rs, 0, 2);
    ck_assert_int_eq(done(), 3);
    ck_assert_int_eq(kfk__marks_undone(part->marks), 0);
    kfk__assigned_move(part, 5, -1);
    position = 5;
    kfk_records_free(rs);
    fetch();
    rs = cut();
    ck_assert_int_eq(kfk_records_next(rs)->offset, 5);
    ck_assert_int_eq(done(), 5);
    ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
    ck_assert_int_eq(done(), 6);
    kfk_records_free(rs);
}
END_TEST

START_TEST(room_for_more_makes_it_ready)
{
    kfk_records *rs;

    kfk__marks_free(part->marks);
    part->marks = kfk__marks_new(&fake.env.alloc, 5);
    put(10, ~UINT64_C(0));
    fetch();
    rs = cut();
    kfk__list_push(&part->fetched, &fetched->link);
    kfk__assigned_ready(part);
    ck_assert(kfk__list_empty(&shared->lane.ready));
    for (int i = 0; i < 6; i++)
        mark(rs, 0, kfk_records_next(rs)->offset);
    ck_assert_ptr_eq(kfk__list_first(&shared->lane.ready), &part->ready);
    kfk__list_remove(&part->ready);
    kfk__list_remove(&fetched->link);
    kfk_records_free(rs);
}
END_TEST

/* ---- beside the list ---- */

static void fill_log(void)
{
    kfk__buf_clear(&batches);
    for (int i = 0; i < 12; i++) {
        uint64_t which = below(2) ? ~UINT64_C(0) : chance() & chance();

        put((int32_t)(1 + below(40)), below(8) ? which : 0);
    }
    fetch();
}

/* The records |from| to |to| of the list. */
static void mark_some(kfk_records *rs, int from, int to)
{
    int64_t first = records[from].offset, last = records[to].offset;

    if (below(4) == 0 && to + 1 < n_records && records[to + 1].given)
        last += below(records[to + 1].offset - last); /* in a hole */
    if (last >= kfk_records_tp(rs)->offset)
        last = kfk_records_tp(rs)->offset - 1;
    mark(rs, first, last);
    for (int i = from; i <= to; i++)
        records[i].done = true;
}

static void check(void)
{
    int64_t is = done(), least = 0, most = position;

    for (int i = 0; i < n_records && records[i].given; i++) {
        if (!records[i].done) {
            most = records[i].offset;
            break;
        }
        least = records[i].offset + 1;
    }
    if (most == position)
        least = position;
    MUST(is >= least && is <= most);
}

typedef struct cut_run {
    kfk_records *rs;
    int first, n, marked; /* in the list */
} cut_run;

static cut_run runs[MOST];

/* Marks one of the records, or a few. */
static void mark_of(cut_run *r)
{
    int from = r->first + (int)below(r->n), to = from + (int)below(3);

    if (to >= r->first + r->n)
        to = from;
    if (below(10) == 0)
        from = r->first;
    if (below(20) == 0) {
        MUST(kfk__records_mark_to(r->rs, records[to].offset + 1, &e) == KFK_OK);
        for (int i = r->first; i <= to; i++)
            records[i].done = true;
        return;
    }
    mark_some(r->rs, from, to);
}

static void mark_the_rest(cut_run *r)
{
    int order[512];

    for (int i = 0; i < r->n; i++)
        order[i] = r->first + i;
    for (int i = r->n - 1; i > 0; i--) {
        int k = (int)below(i + 1), x = order[i];

        order[i] = order[k];
        order[k] = x;
    }
    for (int i = 0; i < r->n; i++) {
        mark_some(r->rs, order[i], order[i]);
        check();
    }
    kfk_records_free(r->rs);
}

START_TEST(any_order_is_as_in_the_list)
{
    int n = 0, given = 0;

    seed = (uint64_t)_i + 1;
    fill_log();
    options.max_records = 1 + (int32_t)below(30);
    while (fetched->at < fetched->end) {
        kfk_records *rs = cut();
        cut_run *r = &runs[n];

        if (!rs)
            continue;
        *r = (cut_run){.rs = rs, .first = given};
        for (const kfk_record_view *v; (v = kfk_records_next(rs)) != NULL; r->n++) {
            ck_assert_int_eq(v->offset, records[given].offset);
            records[given++].given = true;
        }
        if (r->n == 0) {
            ck_assert_int_eq(kfk__records_mark_all(rs, &e), KFK_OK);
            kfk_records_free(rs);
            continue;
        }
        n++;
        for (int k = 0; k < 5; k++) {
            mark_of(&runs[below(n)]);
            check();
        }
    }
    ck_assert_int_eq(given, n_records);
    while (n > 0) {
        int k = (int)below(n);
        cut_run r = runs[k];

        runs[k] = runs[--n];
        mark_the_rest(&r);
    }
    ck_assert_int_eq(done(), next_offset);
    ck_assert_int_eq(kfk__marks_undone(part->marks), 0);
}
END_TEST

/* ---- threads ---- */

static struct {
    kfk_records *rs;
    atomic_int given; /* of the list */
} all;

/* Every third record, as it is given. */
static void *marks_some(void *arg)
{
    for (int i = (int)(intptr_t)arg; i < n_records; i += 3) {
        while (atomic_load(&all.given) <= i)
            ;
        MUST(kfk_records_mark(all.rs, records[i].offset, records[i].offset, NULL) == KFK_OK);
    }
    return NULL;
}

/* While it is read on. */
START_TEST(any_thread_may_mark)
{
    pthread_t v[3];

    kfk__assigned_drop(part);
    kfk__shared_drop(shared);
    fake.env.alloc = kfk__malloc_allocator; /* the other counts, and not for many threads */
    shared = kfk__shared_new(&fake.env, MEMORY);
    part = kfk__assigned_new(shared, "topic", 3);
    part->marks = kfk__marks_new(&fake.env.alloc, 0);
    for (int i = 0; i < 8; i++)
        put(50, i % 2 ? 0xf0f0f0f0f0f0f0f0 : ~UINT64_C(0));
    fetch();
    all.rs = cut();
    atomic_store(&all.given, 0);
    for (int i = 0; i < 3; i++)
        MUST(pthread_create(&v[i], NULL, marks_some, (void *)(intptr_t)i) == 0);
    while (kfk_records_next(all.rs))
        atomic_fetch_add(&all.given, 1);
    for (int i = 0; i < 3; i++)
        MUST(pthread_join(v[i], NULL) == 0);
    ck_assert_int_eq(done(), next_offset);
    kfk_records_free(all.rs);
    drop_fetched();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("consumer/marking");
    TCase *t = tcase_create("marking");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_next_gave_can_be_marked);
    tcase_add_test(t, holes_hold_nothing_back);
    tcase_add_test(t, a_run_can_be_read_again);
    tcase_add_test(t, what_is_not_ours_cannot_be_marked);
    tcase_add_test(t, without_memory_nothing_is_marked);
    tcase_add_test(t, a_record_that_cannot_be_read_is_not_waited_for);
    tcase_add_test(t, room_for_more_makes_it_ready);
    tcase_add_loop_test(t, any_order_is_as_in_the_list, 0, 100);
    tcase_add_test(t, any_thread_may_mark);
    suite_add_tcase(s, t);
    return run_suite(s);
}
