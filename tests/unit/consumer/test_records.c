/* Runs of records, cut from batches made by hand. */
#include "unit/devbroker/batches.h"

#include <kfk/kafka_errors.h>

#include "consumer/records.h"
#include "unit/fakeenv.h"
#include "unit/record/messages.h"

enum { MEMORY = 1 << 20 };

static fakeenv fake;
static kfk__shared *shared;
static kfk__assigned *part;
static kfk__compressor *compressor;
static kfk__cut_options options;
static kfk__buf batches; /* what a broker gave, one after the other */
static kfk__fetched *fetched;
static int64_t position;
static const char *why;
static kfk_error e;

static void setup(void)
{
    fakeenv_init(&fake);
    shared = kfk__shared_new(&fake.env, MEMORY);
    part = kfk__assigned_new(shared, "topic", 3);
    compressor = kfk__compressor_new(&kfk__malloc_allocator);
    options = (kfk__cut_options){.max_records = 500,
                                 .max_inflated = 1 << 20,
                                 .check_crcs = true,
                                 .compressor = compressor};
    kfk__buf_init(&batches, &kfk__malloc_allocator);
    position = 0;
    part->opaque = &options;
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
    if (!kfk__list_empty(&part->news)) /* which hold it */
        kfk__assigned_drop(part);
    kfk__assigned_drop(part);
    ck_assert_uint_eq(shared->used, 0);
    kfk__shared_drop(shared);
    kfk__compressor_free(compressor);
    kfk__buf_fini(&batches);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
}

/* ---- batches ---- */

static uint8_t *put_spec(const batch_spec *spec)
{
    static batch b;

    make_batch(&b, spec);
    kfk__buf_put(&batches, b.bytes, b.size);
    return batches.data + batches.len - b.size;
}

static uint8_t *put(int64_t offset, int32_t n)
{
    return put_spec(&(batch_spec){.base_offset = offset, .n = n});
}

static void compress_batch(batch *b, kfk__codec codec)
{
    struct iovec body = {b->bytes + KFK__BATCH_HEADER, b->size - KFK__BATCH_HEADER};
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__compress(compressor, codec, 1, &body, 1, &out), KFK_OK);
    memcpy(b->bytes + KFK__BATCH_HEADER, out.data, out.len);
    b->size = KFK__BATCH_HEADER + out.len;
    b->h.length = (int32_t)b->size - KFK__BATCH_LOG_OVERHEAD;
    b->h.attributes = (int16_t)codec;
    kfk__buf_fini(&out);
    seal(b);
}

static void put_compressed(int64_t offset, int32_t n, size_t value_len)
{
    static batch b;

    make_batch(&b, &(batch_spec){.base_offset = offset, .n = n, .value_len = value_len});
    compress_batch(&b, KFK__CODEC_LZ4);
    kfk__buf_put(&batches, b.bytes, b.size);
}

/* What the Fetcher makes of them. */
static void fetch(void)
{
    drop_fetched();
    fetched = kfk__zalloc(&fake.env.alloc, sizeof *fetched);
    kfk__list_init(&fetched->link);
    fetched->buf = kfk__fbuf_new(shared, batches.len);
    memcpy(fetched->buf->data, batches.data, batches.len);
    fetched->end = batches.len;
}

static kfk_err cut(kfk_records **rs)
{
    why = NULL;
    return kfk__records_cut(rs, part, atomic_load(&part->version), fetched, &position, &options,
                            &why);
}

static kfk_records *must_cut(void)
{
    kfk_records *rs;

    ck_assert_int_eq(cut(&rs), KFK_OK);
    ck_assert_ptr_nonnull(rs);
    return rs;
}

/* Reads what |rs| has and frees it: offsets that rise by one from |from| up to |to|. */
static void check_run(kfk_records *rs, int64_t from, int64_t to)
{
    const kfk_record_view *v;

    ck_assert_int_eq(kfk_records_tp(rs)->offset, from);
    while ((v = kfk_records_next(rs)) != NULL) {
        ck_assert_int_eq(v->offset, from++);
        ck_assert_int_eq(kfk_records_tp(rs)->offset, from);
    }
    ck_assert_int_eq(from, to);
    ck_assert_int_eq(kfk_records_status(rs, &e), KFK_OK);
    ck_assert_int_eq(kfk_records_tp(rs)->offset, to);
    ck_assert_ptr_null(kfk_records_next(rs));
    kfk_records_free(rs);
}

/* ---- cutting ---- */

START_TEST(a_run_has_the_records_of_all_batches)
{
    kfk_records *rs;
    const kfk_record_view *v;

    put_spec(&(batch_spec){.base_offset = 0, .n = 3, .timestamp = 1000});
    put(3, 4);
    fetch();
    rs = must_cut();
    ck_assert_int_eq(atomic_load(&part->owners), 2);
    ck_assert_int_eq(position, 7);
    ck_assert_uint_eq(fetched->at, fetched->end);
    ck_assert_str_eq(kfk_records_tp(rs)->topic, "topic");
    ck_assert_int_eq(kfk_records_tp(rs)->partition, 3);
    ck_assert_ptr_eq(kfk_records_tp(rs)->opaque, &options);
    (void)kfk_records_next(rs);
    v = kfk_records_next(rs);
    ck_assert_int_eq(v->offset, 1);
    ck_assert_int_eq(v->timestamp_ms, 1001);
    ck_assert_str_eq(v->topic, "topic");
    ck_assert_int_eq(v->partition, 3);
    ck_assert_mem_eq(v->key.data, "key1", 4);
    ck_assert_mem_eq(v->value.data, "value1", 6);
    for (int64_t offset = 2; offset < 7; offset++)
        ck_assert_int_eq(kfk_records_next(rs)->offset, offset);
    ck_assert_ptr_null(kfk_records_next(rs));
    kfk_records_free(rs);
}
END_TEST

/* Each run read before the next is cut, which then goes on where it stopped; or after all are. */
START_TEST(runs_of_any_length_have_every_record_once)
{
    for (options.max_records = 1; options.max_records < 40; options.max_records++) {
        kfk_records *later[40];
        int n = 0;

        kfk__buf_clear(&batches);
        position = 0;
        put(0, 5);
        put(5, 1);
        put_compressed(6, 11, 20);
        put(17, 3);
        put_compressed(20, 2, 100);
        fetch();
        while (fetched->at < fetched->end) {
            int64_t from = position;
            kfk_records *rs = must_cut();

            ck_assert_int_le(position - from, options.max_records);
            if (_i)
                later[n++] = rs;
            else
                check_run(rs, from, position);
        }
        ck_assert_int_eq(position, 22);
        for (int i = 0; i < n; i++)
            check_run(later[i], i * options.max_records,
                      i + 1 < n ? (i + 1) * options.max_records : 22);
    }
}
END_TEST

START_TEST(records_before_the_position_are_passed_over)
{
    for (int64_t from = 0; from < 9; from++) {
        position = from;
        kfk__buf_clear(&batches);
        put(0, 3);
        put_compressed(3, 3, 10);
        put(6, 3);
        fetch();
        check_run(must_cut(), from, 9);
    }
}
END_TEST

START_TEST(batches_that_hold_nothing_for_the_application_are_passed_over)
{
    kfk_records *rs;

    put_spec(&(batch_spec){.base_offset = 0, .attributes = KFK__BATCH_CONTROL});
    kfk__put_be32(put(1, 1) + 57, 0); /* emptied by compaction */
    put_spec(&(batch_spec){.base_offset = 2, .attributes = KFK__BATCH_CONTROL});
    options.check_crcs = false; /* which would be another now */
    fetch();
    ck_assert_int_eq(cut(&rs), KFK_OK);
    ck_assert_ptr_null(rs);
    ck_assert_int_eq(position, 3);
    ck_assert_uint_eq(fetched->at, fetched->end);
}
END_TEST

/* How many records |rs| has, which is freed. */
static int count(kfk_records *rs)
{
    int n = 0;

    while (kfk_records_next(rs))
        n++;
    ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_OK);
    kfk_records_free(rs);
    return n;
}

/* Compaction leaves gaps, within batches and between them. */
START_TEST(offsets_that_are_missing_do_not_let_more_records_through)
{
    for (options.max_records = 1; options.max_records < 30; options.max_records++) {
        int n = 0;

        kfk__buf_clear(&batches);
        position = 0;
        put(1000, 10);
        put_compressed(5000, 10, 10);
        put(INT64_C(1) << 40, 5);
        fetch();
        while (fetched->at < fetched->end) {
            int got = count(must_cut());

            ck_assert_int_gt(got, 0);
            ck_assert_int_le(got, options.max_records);
            n += got;
        }
        ck_assert_int_eq(n, 25);
    }
}
END_TEST

START_TEST(what_comes_behind_a_marker_is_found)
{
    put_spec(&(batch_spec){.base_offset = 0, .attributes = KFK__BATCH_CONTROL});
    put(1, 2);
    put_spec(&(batch_spec){.base_offset = 3, .attributes = KFK__BATCH_CONTROL});
    put(4, 1);
    fetch();
    options.max_records = 2;
    ck_assert_int_eq(count(must_cut()), 2);
    ck_assert_int_eq(count(must_cut()), 1);
    ck_assert_int_eq(position, 5);
}
END_TEST

/* Offsets may be anything; where they end, nothing may follow. */
START_TEST(offsets_at_the_end_of_the_range_do_not_overflow)
{
    kfk_records *rs;
    int64_t offset = INT64_MAX - 3;

    put(offset, 3);
    position = offset + 1;
    fetch();
    rs = must_cut();
    ck_assert_int_eq(kfk_records_next(rs)->offset, offset + 1);
    ck_assert_int_eq(kfk_records_next(rs)->offset, offset + 2);
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_int_eq(position, INT64_MAX);
    kfk_records_free(rs);
    kfk__buf_clear(&batches);
    put(INT64_MAX, 1);
    fetch();
    position = 0;
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
}
END_TEST

/* ---- what is wrong with batches ---- */

START_TEST(what_is_good_in_front_of_a_bad_batch_comes_first)
{
    kfk_records *rs;

    put(0, 2);
    put(2, 2)[70] ^= 1;
    fetch();
    check_run(must_cut(), 0, 2);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_ptr_null(rs);
    ck_assert_str_eq(why, "the checksum of the batch is wrong");
    ck_assert_int_eq(position, 2);
}
END_TEST

/* Nor is it inflated: it may be of any kind. */
START_TEST(what_lies_before_the_position_is_not_looked_at)
{
    put(0, 5)[70] ^= 1;
    put_compressed(5, 5, 1000);
    put(10, 2);
    position = 10;
    options.max_inflated = 10;
    fetch();
    check_run(must_cut(), 10, 12);
}
END_TEST

START_TEST(checksums_are_looked_at_only_where_that_is_wanted)
{
    put(0, 2)[20] ^= 1;
    fetch();
    options.check_crcs = false;
    check_run(must_cut(), 0, 2);
}
END_TEST

START_TEST(a_batch_that_is_cut_short_is_refused)
{
    kfk_records *rs;

    put(0, 2);
    for (size_t n = 1; n < batches.len; n++) {
        fetch();
        fetched->end = n;
        ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
        ck_assert_ptr_null(rs);
    }
}
END_TEST

START_TEST(what_inflates_to_more_than_is_allowed_is_refused)
{
    kfk_records *rs;

    put(0, 1);
    put_compressed(1, 10, 1000);
    fetch();
    options.max_inflated = 9000;
    check_run(must_cut(), 0, 1);
    ck_assert_int_eq(cut(&rs), KFK_ERR_DECOMPRESS);
    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(position, 1);
    options.max_inflated = 11000;
    check_run(must_cut(), 1, 11);
}
END_TEST

START_TEST(a_record_that_cannot_be_read_stops_the_partition_there)
{
    kfk_records *rs;
    uint8_t *bytes;

    put(0, 1);
    bytes = put(1, 3);
    bytes[KFK__BATCH_HEADER + 17] = 0x7f; /* the second record's length */
    options.check_crcs = false;
    fetch();
    rs = must_cut();
    while (kfk_records_next(rs))
        ;
    ck_assert_int_eq(kfk_records_status(rs, &e), KFK_ERR_BAD_RECORD);
    ck_assert_int_eq(e.partition, 3);
    ck_assert_str_eq(e.topic, "topic");
    ck_assert_int_eq(e.offset, 2);
    ck_assert_int_eq(part->err, KFK_ERR_BAD_RECORD);
    ck_assert_int_eq(part->position, 2);
    ck_assert_ptr_eq(kfk__list_pop(&shared->lane.ready), &part->ready);
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_ERR_BAD_RECORD);
    kfk_records_free(rs);
}
END_TEST

/* No broker gives such. */
START_TEST(offsets_that_go_backwards_are_refused)
{
    kfk_records *rs;

    put(0, 5);
    put(4, 2);
    fetch();
    check_run(must_cut(), 0, 5);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_str_eq(why, "the offsets of a batch begin before those in front of it end");
    kfk__buf_clear(&batches);
    position = 0;
    put(0, 5);
    put(1, 1); /* before the position even */
    fetch();
    check_run(must_cut(), 0, 5);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
}
END_TEST

/* ---- messages of before Kafka 0.11 ---- */

static void put_old(int magic, int64_t offset)
{
    put_message(&batches, &(message_spec){.magic = magic,
                                          .offset = offset,
                                          .timestamp = 1000 + offset,
                                          .value = "value"});
}

/* |n| of them from |offset| on, in a wrapper. */
static void put_old_set(int magic, kfk__codec codec, int64_t offset, int n, size_t value_len)
{
    static const char value[4096];
    kfk__buf set, out;

    kfk__buf_init(&set, &kfk__malloc_allocator);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    for (int i = 0; i < n; i++)
        put_message(&set, &(message_spec){.magic = magic,
                                          .offset = magic ? i : offset + i,
                                          .timestamp = 1000 + offset + i,
                                          .value = value,
                                          .value_len = value_len});
    ck_assert_int_eq(
        kfk__compress(compressor, codec, 1, &(struct iovec){set.data, set.len}, 1, &out), KFK_OK);
    put_message(&batches, &(message_spec){.magic = magic,
                                          .attributes = (int)codec,
                                          .offset = offset + n - 1,
                                          .value = (char *)out.data,
                                          .value_len = out.len});
    kfk__buf_fini(&set);
    kfk__buf_fini(&out);
}

/* 24 records, as an upgrade of brokers leaves them. */
static void put_old_and_new(void)
{
    for (int i = 0; i < 3; i++)
        put_old(0, i);
    put_old_set(0, KFK__CODEC_GZIP, 3, 4, 10);
    put_old(0, 7);
    put_old(1, 8);
    put_old(1, 9);
    put_old_set(1, KFK__CODEC_LZ4, 10, 5, 10);
    put_old_set(1, KFK__CODEC_SNAPPY, 15, 1, 10);
    put(16, 3);
    put_old(1, 19);
    put_compressed(20, 4, 10);
}

START_TEST(old_and_new_come_one_after_the_other)
{
    for (options.max_records = 1; options.max_records < 30; options.max_records++) {
        kfk__buf_clear(&batches);
        position = 0;
        put_old_and_new();
        fetch();
        while (fetched->at < fetched->end) {
            int64_t from = position;
            kfk_records *rs = must_cut();

            ck_assert_int_le(position - from, options.max_records);
            check_run(rs, from, position);
        }
        ck_assert_int_eq(position, 24);
    }
}
END_TEST

START_TEST(old_records_before_the_position_are_passed_over)
{
    put_old_and_new();
    for (int64_t from = 0; from < 24; from++) {
        position = from;
        fetch();
        check_run(must_cut(), from, 24);
    }
}
END_TEST

START_TEST(old_records_have_the_times_that_their_version_has)
{
    kfk_records *rs;
    const kfk_record_view *v;

    put_old(0, 0);
    put_old(1, 1);
    put_message(&batches, &(message_spec){.magic = 1,
                                          .attributes = KFK__BATCH_LOG_APPEND,
                                          .offset = 2,
                                          .timestamp = 55,
                                          .key = ""});
    fetch();
    rs = must_cut();
    v = kfk_records_next(rs);
    ck_assert_int_eq(v->timestamp_ms, -1);
    ck_assert_uint_eq(v->flags, 0);
    ck_assert_int_eq(v->leader_epoch, -1);
    ck_assert_ptr_null(v->key.data);
    ck_assert_uint_eq(v->value.len, 5);
    v = kfk_records_next(rs);
    ck_assert_int_eq(v->timestamp_ms, 1001);
    ck_assert_uint_eq(v->flags, 0);
    v = kfk_records_next(rs);
    ck_assert_int_eq(v->timestamp_ms, 55);
    ck_assert_uint_eq(v->flags, KFK_LOG_APPEND_TIME);
    ck_assert_ptr_nonnull(v->key.data);
    ck_assert_uint_eq(v->key.len, 0);
    ck_assert_ptr_null(v->value.data);
    ck_assert_uint_eq(v->n_headers, 0);
    ck_assert_uint_eq(kfk_records_headers(rs, NULL, 0), 0);
    ck_assert_ptr_null(kfk_records_next(rs));
    kfk_records_free(rs);
}
END_TEST

/* What other clients than Java's called snappy: one block, here of one literal, without framing. */
START_TEST(old_sets_of_one_snappy_block_are_read)
{
    kfk__buf set, block;

    kfk__buf_init(&set, &kfk__malloc_allocator);
    kfk__buf_init(&block, &kfk__malloc_allocator);
    for (int i = 0; i < 3; i++)
        put_message(&set, &(message_spec){.offset = i, .value = "value"});
    ck_assert_uint_lt(set.len, 128);
    kfk__buf_put(&block, (uint8_t[]){(uint8_t)set.len, 60 << 2, (uint8_t)(set.len - 1)}, 3);
    kfk__buf_put(&block, set.data, set.len);
    put_message(&batches, &(message_spec){.attributes = KFK__CODEC_SNAPPY,
                                          .offset = 2,
                                          .value = (char *)block.data,
                                          .value_len = block.len});
    kfk__buf_fini(&set);
    kfk__buf_fini(&block);
    fetch();
    check_run(must_cut(), 0, 3);
}
END_TEST

START_TEST(what_is_good_in_front_of_a_bad_message_comes_first)
{
    kfk_records *rs;

    put_old(_i, 0);
    put_old(_i, 1);
    put_old(_i, 2);
    batches.data[batches.len - 1] ^= 1;
    fetch();
    check_run(must_cut(), 0, 2);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_str_eq(why, "the checksum of the batch is wrong");
    ck_assert_int_eq(position, 2);
    options.check_crcs = false;
    check_run(must_cut(), 2, 3);
}
END_TEST

START_TEST(old_offsets_that_go_backwards_are_refused)
{
    kfk_records *rs;

    put_old(_i, 0);
    put_old(_i, 0);
    fetch();
    check_run(must_cut(), 0, 1);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    kfk__buf_clear(&batches);
    position = 0;
    put_old(_i, 5);
    put_old_set(_i, KFK__CODEC_GZIP, 4, 3, 10); /* 4 .. 6, which comes to light inside of it */
    fetch();
    ck_assert_int_eq(cut(&rs), KFK_OK);
    kfk_records_free(rs);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_str_eq(why, "the offsets of a batch begin before those in front of it end");
}
END_TEST

START_TEST(an_old_set_is_inflated_no_further_than_is_allowed)
{
    kfk_records *rs;

    put_old_set(_i, KFK__CODEC_GZIP, 0, 10, 1000);
    fetch();
    options.max_inflated = 9000;
    ck_assert_int_eq(cut(&rs), KFK_ERR_DECOMPRESS);
    ck_assert_ptr_nonnull(why);
    options.max_inflated = 11000;
    options.max_records = 4;
    check_run(must_cut(), 0, 4);
    options.max_inflated = 1; /* it could not be done again */
    check_run(must_cut(), 4, 8);
    check_run(must_cut(), 8, 10);
}
END_TEST

START_TEST(a_message_that_is_cut_short_is_refused)
{
    kfk_records *rs;

    put_old(_i, 0);
    for (size_t n = 1; n < batches.len; n++) {
        fetch();
        fetched->end = n;
        ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
        ck_assert_ptr_null(rs);
    }
}
END_TEST

/* Reads all there is, whatever it is. */
static void read_all(void)
{
    kfk_records *rs;

    while (fetched->at < fetched->end && cut(&rs) == KFK_OK) {
        while (rs && kfk_records_next(rs))
            ;
        kfk_records_free(rs);
    }
    kfk__assigned_move(part, 0, -1);
    kfk__shared_sweep(shared);
    position = 0;
}

START_TEST(changed_messages_do_no_harm)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};

    options.check_crcs = false;
    options.max_records = 5;
    put_old_and_new();
    for (size_t at = 0; at < batches.len; at++)
        for (size_t k = 0; k < sizeof masks; k++) {
            batches.data[at] ^= masks[k];
            fetch();
            read_all();
            batches.data[at] ^= masks[k];
        }
}
END_TEST

/* ---- transactions ---- */

static void put_part(int64_t producer_id, int64_t offset, int32_t n)
{
    put_spec(&(batch_spec){.base_offset = offset,
                           .n = n,
                           .idempotent = true,
                           .producer_id = producer_id,
                           .attributes = KFK__BATCH_TRANSACTIONAL});
}

/* A marker whose key is |key|, of four bytes or more. */
static uint8_t *put_marker(int64_t producer_id, int64_t offset, kfk_bytes key)
{
    static batch b;
    uint8_t *p = b.bytes + KFK__BATCH_HEADER;

    p = kfk__record_write(p, 0, 0, key, (kfk_bytes){0}, NULL, 0);
    b.size = (size_t)(p - b.bytes);
    b.h = (kfk__batch_header){.base_offset = offset,
                              .length = (int32_t)b.size - KFK__BATCH_LOG_OVERHEAD,
                              .magic = 2,
                              .attributes = KFK__BATCH_TRANSACTIONAL | KFK__BATCH_CONTROL,
                              .producer_id = producer_id,
                              .count = 1};
    seal(&b);
    kfk__buf_put(&batches, b.bytes, b.size);
    return batches.data + batches.len - b.size;
}

static uint8_t *put_abort(int64_t producer_id, int64_t offset)
{
    return put_marker(producer_id, offset, kfk__bytes("\0\0\0\0", 4));
}

static void put_commit(int64_t producer_id, int64_t offset)
{
    (void)put_marker(producer_id, offset, kfk__bytes("\0\0\0\1", 4));
}

/* As an answer with these in it is. */
static void fetch_with(const kfk__fetch_response_aborted_transaction *v, int32_t n)
{
    fetch();
    ck_assert_int_eq(kfk__aborted_init(&fetched->aborted, &fake.env.alloc, v, n), KFK_OK);
}

/* The offsets of all records, as text. */
static const char *offsets(void)
{
    static char text[256];
    const kfk_record_view *v;
    size_t n = 0;

    text[0] = 0;
    while (fetched->at < fetched->end) {
        kfk_records *rs;

        ck_assert_int_eq(cut(&rs), KFK_OK);
        while (rs && (v = kfk_records_next(rs)) != NULL)
            n += (size_t)snprintf(text + n, sizeof text - n, " %lld", (long long)v->offset);
        if (rs)
            ck_assert_int_eq(kfk_records_status(rs, NULL), KFK_OK);
        kfk_records_free(rs);
    }
    return text;
}

START_TEST(aborted_transactions_are_passed_over)
{
    static const kfk__fetch_response_aborted_transaction aborted[] = {{1, 11}, {2, 2}, {1, 0}};

    for (options.max_records = 1; options.max_records < 20; options.max_records++) {
        kfk__buf_clear(&batches);
        position = 0;
        put_part(1, 0, 2);
        put_part(2, 2, 1);
        put_part(3, 3, 2);
        put(5, 1); /* of no transaction */
        put_abort(1, 6);
        put_part(1, 7, 2); /* the next of this producer's, which will be committed */
        put_commit(3, 9);
        put_commit(1, 10);
        put_part(1, 11, 1);
        put_abort(2, 12);
        put_part(2, 13, 1);
        put_commit(2, 14);
        put_abort(1, 15);
        fetch_with(aborted, 3);
        ck_assert_str_eq(offsets(), " 3 4 5 7 8 13");
        ck_assert_int_eq(position, 16);
        ck_assert_uint_eq(fetched->aborted.n, 0);
    }
}
END_TEST

/* The marker comes with the next answer, which does not name what is over before it. */
START_TEST(a_transaction_may_end_in_a_later_answer)
{
    put_part(1, 0, 2);
    fetch_with(&(kfk__fetch_response_aborted_transaction){1, 0}, 1);
    ck_assert_str_eq(offsets(), "");
    ck_assert_int_eq(position, 2);
    kfk__buf_clear(&batches);
    put_part(1, 2, 1);
    put_abort(1, 3);
    put_part(1, 4, 1);
    fetch_with(&(kfk__fetch_response_aborted_transaction){1, 0}, 1);
    ck_assert_str_eq(offsets(), " 4");
    ck_assert_int_eq(position, 5);
}
END_TEST

START_TEST(markers_of_other_kinds_end_nothing)
{
    put_part(1, 0, 1);
    (void)put_marker(1, 1, kfk__bytes("\0\0\0\5", 4));
    put_part(1, 2, 1);
    (void)put_marker(1, 3, kfk__bytes("\0\1\0\0 and more", 13)); /* of a later version */
    put_part(1, 4, 1);
    fetch_with(&(kfk__fetch_response_aborted_transaction){1, 0}, 1);
    ck_assert_str_eq(offsets(), " 4");
}
END_TEST

START_TEST(a_marker_that_cannot_be_read_is_refused)
{
    static const kfk__fetch_response_aborted_transaction aborted = {1, 0};
    kfk_records *rs;
    uint8_t *marker;

    marker = put_abort(1, 0);
    marker[KFK__BATCH_HEADER] = 0x7e;
    options.check_crcs = false;
    fetch_with(&aborted, 1);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_str_eq(why, "a record cannot be parsed");
    fetch(); /* nobody asks what it says */
    ck_assert_int_eq(cut(&rs), KFK_OK);
    position = 0;
    kfk__buf_clear(&batches);
    put_abort(1, 0)[22] |= KFK__CODEC_LZ4;
    fetch_with(&aborted, 1);
    ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_str_eq(why, "a control batch is compressed");
}
END_TEST

/* Or what its producer commits next would be taken for aborted, and passed over in silence. */
START_TEST(a_marker_that_does_not_say_how_it_ended_is_refused)
{
    static const struct {
        const char *key;
        size_t len;
    } bad[] = {{"", 0}, {"\0\0\0", 3}, {"\377\377\0\0", 4}, {"\0\0\377\377", 4}, {NULL, 0}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kfk_records *rs;

        kfk__buf_clear(&batches);
        position = 0;
        (void)put_marker(1, 0, kfk__bytes(bad[i].key, bad[i].len));
        put_part(1, 1, 1);
        fetch_with(&(kfk__fetch_response_aborted_transaction){1, 0}, 1);
        ck_assert_int_eq(cut(&rs), KFK_ERR_CORRUPT_MESSAGE);
        ck_assert_str_eq(why, "the key of a control record cannot be read");
        ck_assert_int_eq(position, 0);
    }
}
END_TEST

/* ---- memory, and who owns it ---- */

START_TEST(a_batch_is_inflated_once_for_all_of_its_runs)
{
    put_compressed(0, 10, 100);
    fetch();
    options.max_records = 4;
    check_run(must_cut(), 0, 4);
    options.max_inflated = 1; /* it could not be done again */
    check_run(must_cut(), 4, 8);
    ck_assert_ptr_nonnull(fetched->inflated);
    check_run(must_cut(), 8, 10);
    ck_assert_ptr_null(fetched->inflated);
}
END_TEST

START_TEST(a_run_ends_once_enough_has_been_inflated)
{
    for (int i = 0; i < 40; i++)
        put_compressed(i, 1, 60000);
    fetch();
    options.max_records = 1000;
    check_run(must_cut(), 0, 18); /* of 60,000 bytes each: more than 1 MiB */
    check_run(must_cut(), 18, 36);
    check_run(must_cut(), 36, 40);
}
END_TEST

START_TEST(a_run_outlives_everything_it_came_from)
{
    kfk_records *rs;

    put(0, 2);
    put_compressed(2, 2, 100);
    fetch();
    rs = must_cut();
    drop_fetched();
    kfk__assigned_drop(part);
    kfk__shared_drop(shared);
    check_run(rs, 0, 4);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
    shared = kfk__shared_new(&fake.env, MEMORY);
    part = kfk__assigned_new(shared, "topic", 3);
}
END_TEST

START_TEST(a_run_of_a_partition_that_was_moved_is_revoked)
{
    kfk_records *rs;

    put(0, 3);
    fetch();
    rs = must_cut();
    (void)kfk_records_next(rs);
    kfk__assigned_move(part, 77, -1); /* the Fetcher's doing: what is out is out */
    ck_assert_ptr_nonnull(kfk_records_next(rs));
    kfk__assigned_revoke(part); /* a seek's */
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_int_eq(kfk_records_status(rs, &e), KFK_ERR_REVOKED);
    ck_assert_int_eq(e.offset, 2);
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_int_eq(part->position, 77);
    kfk_records_free(rs);
}
END_TEST

/* It outlives all that it came from. */
START_TEST(a_copied_record_lives_on_its_own)
{
    kfk_record_owned *first, *second;
    const kfk_record_view *v;
    kfk_records *rs;

    put(0, 2);
    fetch();
    rs = must_cut();
    ck_assert_ptr_null(kfk_record_copy(rs)); /* there is none yet */
    v = kfk_records_next(rs);
    first = kfk_record_copy(rs);
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(first->view.offset, v->offset);
    ck_assert_int_eq(first->view.timestamp_ms, v->timestamp_ms);
    ck_assert_uint_eq(first->view.value.len, v->value.len);
    ck_assert_ptr_ne(first->view.value.data, v->value.data);
    ck_assert_mem_eq(first->view.value.data, v->value.data, v->value.len);
    ck_assert_int_eq(first->view.key.data == NULL, v->key.data == NULL);
    (void)kfk_records_next(rs);
    failalloc_fail_once(&fake.mem, 1);
    ck_assert_ptr_null(kfk_record_copy(rs));
    failalloc_fail_once(&fake.mem, 2);
    ck_assert_ptr_null(kfk_record_copy(rs));
    second = kfk_record_copy(rs);
    ck_assert_int_eq(second->view.offset, 1);
    ck_assert_ptr_null(kfk_records_next(rs));
    ck_assert_ptr_null(kfk_record_copy(rs)); /* nor any more */
    kfk_records_free(rs);
    ck_assert_str_eq(first->view.topic, "topic");
    ck_assert_int_eq(first->view.offset, 0);
    kfk_record_free(second);
    kfk_record_free(first);
    kfk_record_free(NULL);
}
END_TEST

/* Where the run before stopped is of no use to a position that a seek chose. */
START_TEST(a_seek_into_the_same_batch_begins_where_it_says)
{
    put(0, 10);
    fetch();
    options.max_records = 4;
    check_run(must_cut(), 0, 4);
    ck_assert_int_eq(part->resume_at, 4);
    kfk__assigned_move(part, 2, -1);
    position = 2;
    check_run(must_cut(), 2, 6);
}
END_TEST

START_TEST(a_lack_of_memory_changes_nothing_that_is_handed_out)
{
    bool failed = true;

    put_old(1, 0);
    put_old_set(0, KFK__CODEC_LZ4, 1, 2, 100);
    put_compressed(3, 3, 100);
    put(6, 20);
    options.max_records = 7;
    for (uint64_t n = 1; failed; n++) {
        kfk_records *rs;

        fetch();
        position = 0;
        failalloc_fail_once(&fake.mem, n);
        while (fetched->at < fetched->end) {
            int64_t from = position;

            if (cut(&rs) == KFK_OK) {
                check_run(rs, from, position);
                continue;
            }
            ck_assert_ptr_null(rs);
            ck_assert_int_eq(position, from);
        }
        failed = failalloc_failed(&fake.mem);
        ck_assert_int_eq(position, 26);
    }
}
END_TEST

START_TEST(freeing_nothing_is_allowed)
{
    kfk_records_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("consumer/records");
    TCase *t = tcase_create("records");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_run_has_the_records_of_all_batches);
    tcase_add_loop_test(t, runs_of_any_length_have_every_record_once, 0, 2);
    tcase_add_test(t, records_before_the_position_are_passed_over);
    tcase_add_test(t, batches_that_hold_nothing_for_the_application_are_passed_over);
    tcase_add_test(t, offsets_that_are_missing_do_not_let_more_records_through);
    tcase_add_test(t, what_comes_behind_a_marker_is_found);
    tcase_add_test(t, offsets_at_the_end_of_the_range_do_not_overflow);
    tcase_add_test(t, what_is_good_in_front_of_a_bad_batch_comes_first);
    tcase_add_test(t, what_lies_before_the_position_is_not_looked_at);
    tcase_add_test(t, checksums_are_looked_at_only_where_that_is_wanted);
    tcase_add_test(t, a_batch_that_is_cut_short_is_refused);
    tcase_add_test(t, what_inflates_to_more_than_is_allowed_is_refused);
    tcase_add_test(t, a_record_that_cannot_be_read_stops_the_partition_there);
    tcase_add_test(t, offsets_that_go_backwards_are_refused);
    tcase_add_test(t, old_and_new_come_one_after_the_other);
    tcase_add_test(t, old_records_before_the_position_are_passed_over);
    tcase_add_test(t, old_records_have_the_times_that_their_version_has);
    tcase_add_test(t, old_sets_of_one_snappy_block_are_read);
    tcase_add_loop_test(t, what_is_good_in_front_of_a_bad_message_comes_first, 0, 2);
    tcase_add_loop_test(t, old_offsets_that_go_backwards_are_refused, 0, 2);
    tcase_add_loop_test(t, an_old_set_is_inflated_no_further_than_is_allowed, 0, 2);
    tcase_add_loop_test(t, a_message_that_is_cut_short_is_refused, 0, 2);
    tcase_add_test(t, changed_messages_do_no_harm);
    tcase_add_test(t, aborted_transactions_are_passed_over);
    tcase_add_test(t, a_transaction_may_end_in_a_later_answer);
    tcase_add_test(t, markers_of_other_kinds_end_nothing);
    tcase_add_test(t, a_marker_that_cannot_be_read_is_refused);
    tcase_add_test(t, a_marker_that_does_not_say_how_it_ended_is_refused);
    tcase_add_test(t, a_batch_is_inflated_once_for_all_of_its_runs);
    tcase_add_test(t, a_run_ends_once_enough_has_been_inflated);
    tcase_add_test(t, a_run_outlives_everything_it_came_from);
    tcase_add_test(t, a_run_of_a_partition_that_was_moved_is_revoked);
    tcase_add_test(t, a_copied_record_lives_on_its_own);
    tcase_add_test(t, a_seek_into_the_same_batch_begins_where_it_says);
    tcase_add_test(t, a_lack_of_memory_changes_nothing_that_is_handed_out);
    tcase_add_test(t, freeing_nothing_is_allowed);
    suite_add_tcase(s, t);
    return run_suite(s);
}
