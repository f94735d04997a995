/* The records of a batch, and those of messages of before Kafka 0.11, inflated or as they lie. */
#include "batches.h"

#include "devbroker/records.h"
#include "unit/record/messages.h"

static kfk__compressor *c;
static kfk__buf wire;

static void setup(void)
{
    c = kfk__compressor_new(&kfk__malloc_allocator);
    kfk__buf_init(&wire, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__compressor_free(c);
    kfk__buf_fini(&wire);
}

/* Messages at the offsets 3 and 5 of a set, as they stand in it. */
static void put_set(kfk__buf *to, int magic)
{
    for (int64_t i = 3; i <= 5; i += 2)
        (void)put_message(to, &(message_spec){.magic = magic,
                                              .offset = magic ? i - 3 : i,
                                              .timestamp = 100 + i,
                                              .value = "x"});
}

static void compress_set(int magic)
{
    kfk__buf inner, packed;
    struct iovec in;

    kfk__buf_init(&inner, &kfk__malloc_allocator);
    kfk__buf_init(&packed, &kfk__malloc_allocator);
    put_set(&inner, magic);
    in = (struct iovec){inner.data, inner.len};
    ck_assert_int_eq(kfk__compress(c, KFK__CODEC_GZIP, 1, &in, 1, &packed), KFK_OK);
    (void)put_message(&wire, &(message_spec){.magic = magic,
                                             .attributes = KFK__CODEC_GZIP,
                                             .offset = 5,
                                             .timestamp = 105,
                                             .value = (const char *)packed.data,
                                             .value_len = packed.len});
    kfk__buf_fini(&inner);
    kfk__buf_fini(&packed);
}

static kfk_err open_wire(kfk__dev_records *r, kfk__batch_header *h)
{
    const char *why;
    size_t size;

    ck_assert_int_eq(kfk__message_header_read(wire.data, wire.len, h, &size, &why), KFK_OK);
    return kfk__dev_records_open(r, c, &kfk__malloc_allocator, wire.data, size, h, &why);
}

static void expect(kfk__dev_records *r, int64_t offset, int64_t timestamp)
{
    ck_assert(kfk__batch_cursor_next(&r->cursor));
    ck_assert_int_eq(r->cursor.offset, offset);
    ck_assert_int_eq(r->cursor.timestamp, timestamp);
}

START_TEST(a_batch_gives_its_records)
{
    kfk__batch_header h;
    kfk__dev_records r;
    batch b;

    make_batch(&b, &(batch_spec){.n = 2, .base_offset = 8, .timestamp = 100});
    kfk__buf_put(&wire, b.bytes, b.size);
    ck_assert_int_eq(open_wire(&r, &h), KFK_OK);
    expect(&r, 8, 100);
    expect(&r, 9, 101);
    ck_assert(!kfk__batch_cursor_next(&r.cursor));
    kfk__dev_records_close(&r);
}
END_TEST

START_TEST(a_message_gives_itself)
{
    kfk__batch_header h;
    kfk__dev_records r;

    (void)put_message(&wire, &(message_spec){.magic = _i, .offset = 6, .timestamp = 50});
    ck_assert_int_eq(open_wire(&r, &h), KFK_OK);
    expect(&r, 6, _i ? 50 : -1);
    ck_assert(!kfk__batch_cursor_next(&r.cursor));
    kfk__dev_records_close(&r);
}
END_TEST

/* Only then it is known where the set begins. */
START_TEST(a_compressed_set_gives_its_messages)
{
    kfk__batch_header h;
    kfk__dev_records r;

    compress_set(_i);
    ck_assert_int_eq(open_wire(&r, &h), KFK_OK);
    ck_assert_int_eq(h.base_offset, 3);
    ck_assert_int_eq(h.last_offset_delta, 2);
    ck_assert_int_eq(h.count, 2);
    expect(&r, 3, _i ? 103 : -1);
    expect(&r, 5, _i ? 105 : -1);
    ck_assert(!kfk__batch_cursor_next(&r.cursor));
    kfk__dev_records_close(&r);
}
END_TEST

START_TEST(what_does_not_inflate_is_refused)
{
    kfk__batch_header h;
    kfk__dev_records r;

    (void)put_message(
        &wire,
        &(message_spec){.magic = 1, .attributes = KFK__CODEC_GZIP, .offset = 5, .value = "not so"});
    ck_assert_int_eq(open_wire(&r, &h), KFK_ERR_DECOMPRESS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/records");
    TCase *t = tcase_create("records");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_batch_gives_its_records);
    tcase_add_loop_test(t, a_message_gives_itself, 0, 2);
    tcase_add_loop_test(t, a_compressed_set_gives_its_messages, 0, 2);
    tcase_add_test(t, what_does_not_inflate_is_refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
