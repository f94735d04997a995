/* Messages of before Kafka 0.11, by hand: fields, sets, what cannot be. Those that brokers had in
 * their logs are in test_golden.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "record/cursor.h"
#include "unit/record/messages.h"

static kfk__buf buf;
static const char *why;

static void setup(void)
{
    kfk__buf_init(&buf, &kfk__malloc_allocator);
    why = NULL;
}

static void teardown(void)
{
    kfk__buf_fini(&buf);
}

static uint8_t *put(int magic, int64_t offset)
{
    return put_message(&buf, &(message_spec){.magic = magic,
                                             .offset = offset,
                                             .key = "k",
                                             .value = "value",
                                             .timestamp = 1000 + offset % 1000});
}

/* In memory that ends where it does. */
static kfk_err read_copy(const uint8_t *p, size_t n, kfk__batch_header *h, size_t *size)
{
    uint8_t *copy = malloc(n ? n : 1);
    kfk_err err;

    ck_assert_ptr_nonnull(copy);
    if (n)
        memcpy(copy, p, n);
    err = kfk__message_header_read(copy, n, h, size, &why);
    free(copy);
    return err;
}

/* ---- one message ---- */

START_TEST(the_fields_of_both_versions)
{
    kfk__message m;
    size_t size;

    put(_i, 7);
    ck_assert_int_eq(kfk__message_read(buf.data, buf.len, &m, &size, &why), KFK_OK);
    ck_assert_uint_eq(size, buf.len);
    ck_assert_int_eq(m.offset, 7);
    ck_assert_int_eq(m.timestamp, _i ? 1007 : -1);
    ck_assert_int_eq(m.magic, _i);
    ck_assert_int_eq(m.attributes, 0);
    ck_assert_uint_eq(m.key.len, 1);
    ck_assert_uint_eq(m.value.len, 5);
    ck_assert_mem_eq(m.value.data, "value", 5);
    ck_assert(kfk__message_crc_ok(buf.data, size));
}
END_TEST

START_TEST(null_is_not_empty)
{
    kfk__message m;
    size_t size;

    put_message(&buf, &(message_spec){.magic = _i, .value = ""});
    ck_assert_int_eq(kfk__message_read(buf.data, buf.len, &m, &size, &why), KFK_OK);
    ck_assert_ptr_null(m.key.data);
    ck_assert_ptr_nonnull(m.value.data);
    ck_assert_uint_eq(m.value.len, 0);
    kfk__buf_clear(&buf);
    put_message(&buf, &(message_spec){.magic = _i, .key = ""});
    ck_assert_int_eq(kfk__message_read(buf.data, buf.len, &m, &size, &why), KFK_OK);
    ck_assert_ptr_nonnull(m.key.data);
    ck_assert_ptr_null(m.value.data);
}
END_TEST

/* Version 0 has no type of timestamp; what other bits stand for nobody knows. */
START_TEST(attributes_are_those_that_the_version_has)
{
    kfk__message m;
    size_t size;

    put_message(&buf, &(message_spec){.magic = _i, .attributes = 0xf8 | KFK__BATCH_LOG_APPEND});
    ck_assert_int_eq(kfk__message_read(buf.data, buf.len, &m, &size, &why), KFK_OK);
    ck_assert_int_eq(m.attributes, _i ? KFK__BATCH_LOG_APPEND : 0);
}
END_TEST

START_TEST(a_part_of_a_message_is_not_one)
{
    kfk__batch_header h;
    size_t size;

    put(_i, 0);
    for (size_t n = 0; n < buf.len; n++) {
        ck_assert_int_eq(read_copy(buf.data, n, &h, &size), KFK_ERR_WOULD_BLOCK);
        ck_assert_uint_eq(size, n > 16 ? buf.len : 0);
    }
}
END_TEST

START_TEST(the_checksum_covers_what_follows_it)
{
    put(_i, 0);
    for (size_t at = 0; at < buf.len; at++) {
        buf.data[at] ^= 0x10;
        ck_assert_int_eq(kfk__message_crc_ok(buf.data, buf.len), at < 12);
        buf.data[at] ^= 0x10;
    }
}
END_TEST

/* A 32 bit number of a message with key "k" and value "value", or its high half, set to what cannot
 * be. */
static const struct {
    size_t at[2]; /* in versions 0 and 1 */
    uint32_t to;
    const char *why;
} wrong[] = {
    {{8, 8}, 0x80000000, "the message's size is less than its header's"},
    {{8, 8}, 0xffffffff, "the message's size is less than its header's"},
    {{8, 8}, 13, "the message's size is less than its header's"},
    {{0, 0}, 0xffffffff, "the message's offset is out of range"},
    {{18, 26}, 0xfffffffe, "key and value do not fill the message"}, /* a key of -2 */
    {{18, 26}, 0x80000000, "key and value do not fill the message"},
    {{18, 26}, 0x7fffffff, "key and value do not fill the message"},
    {{18, 26}, 0, "key and value do not fill the message"},
    {{18, 26}, 8, "key and value do not fill the message"}, /* no room for the value's length */
    {{23, 31}, 0xfffffffe, "key and value do not fill the message"},
    {{23, 31}, 0xffffffff, "key and value do not fill the message"},
    {{23, 31}, 4, "key and value do not fill the message"},
    {{23, 31}, 6, "key and value do not fill the message"},
    {{23, 31}, 0x7fffffff, "key and value do not fill the message"},
};

enum { WRONG = sizeof wrong / sizeof *wrong };

START_TEST(numbers_that_cannot_be_are_refused)
{
    const int magic = _i >= WRONG;
    const size_t i = (size_t)_i % WRONG;
    kfk__batch_header h;
    size_t size;

    kfk__put_be32(put(magic, 0) + wrong[i].at[magic], wrong[i].to);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), 2);
    ck_assert_str_eq(why, wrong[i].why);
}
END_TEST

START_TEST(a_size_of_version_0_is_too_small_for_version_1)
{
    kfk__batch_header h;
    size_t size;

    put(1, 0);
    kfk__put_be32(buf.data + 8, 14);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), 2);
    buf.data[16] = 0;
    kfk__put_be32(buf.data + 8, 0x7fffffff);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), KFK_ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(the_last_offset_of_all_has_none_after_it)
{
    kfk__batch_header h;
    size_t size;

    put(_i, INT64_MAX);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), 2);
    kfk__buf_clear(&buf);
    put(_i, INT64_MAX - 1);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), KFK_OK);
}
END_TEST

/* zstd came with batches. */
START_TEST(codecs_that_messages_do_not_have)
{
    kfk__batch_header h;
    size_t size;

    for (int codec = 1; codec < 8; codec++) {
        kfk__buf_clear(&buf);
        put_message(&buf, &(message_spec){.magic = _i, .attributes = codec, .value = "x"});
        ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size),
                         codec <= 3 ? KFK_OK : KFK_ERR_UNSUPPORTED);
    }
    kfk__buf_clear(&buf);
    put_message(&buf, &(message_spec){.magic = _i, .attributes = 1});
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), 2);
    ck_assert_str_eq(why, "a compressed message has no value");
}
END_TEST

/* ---- messages among batches ---- */

START_TEST(a_message_has_a_header_as_batches_have)
{
    kfk__batch_header h;
    size_t size;

    put(_i, 42);
    ck_assert_int_eq(read_copy(buf.data, buf.len, &h, &size), KFK_OK);
    ck_assert_int_eq(h.magic, _i);
    ck_assert_int_eq(h.base_offset, 42);
    ck_assert_int_eq(h.last_offset_delta, 0);
    ck_assert_int_eq(h.count, 1);
    ck_assert_int_eq(h.leader_epoch, -1);
    ck_assert_int_eq(h.producer_id, -1);
    ck_assert_int_eq(h.max_timestamp, _i ? 1042 : -1);
}
END_TEST

START_TEST(batches_are_read_as_ever)
{
    uint8_t batch[KFK__BATCH_HEADER];
    kfk__batch_header h = {.base_offset = 3, .length = 49, .magic = 2}, got;
    size_t size;

    kfk__batch_header_write(batch, &h);
    ck_assert_int_eq(read_copy(batch, sizeof batch, &got, &size), KFK_OK);
    ck_assert_int_eq(got.base_offset, 3);
    ck_assert_int_eq(got.magic, 2);
    batch[16] = 3;
    ck_assert_int_eq(read_copy(batch, sizeof batch, &got, &size), 2);
    ck_assert_int_eq(kfk__message_read(batch, sizeof batch, &(kfk__message){0}, &size, &why), 2);
    ck_assert_str_eq(why, "the message's magic is neither 0 nor 1");
}
END_TEST

/* ---- sets ---- */

/* What |buf| has, in a wrapper of that version and offset. */
static kfk_err open_set(kfk__batch_header *h, int magic, int64_t offset)
{
    uint8_t *copy = malloc(buf.len + 1);
    kfk_err err;

    ck_assert_ptr_nonnull(copy);
    if (buf.len)
        memcpy(copy, buf.data, buf.len);
    *h = (kfk__batch_header){
        .magic = (int8_t)magic, .base_offset = offset, .attributes = 1, .count = 1};
    err = kfk__message_set_open(copy, buf.len, true, h, &why);
    free(copy);
    return err;
}

static void check_set(const kfk__batch_header *h, int64_t first, int64_t last, int32_t count)
{
    ck_assert_int_eq(h->base_offset, first);
    ck_assert_int_eq(h->base_offset + h->last_offset_delta, last);
    ck_assert_int_eq(h->count, count);
}

static void check_refused(int magic, int64_t offset, const char *text)
{
    kfk__batch_header h;

    ck_assert_int_eq(open_set(&h, magic, offset), 2);
    ck_assert_str_eq(why, text);
}

/* As compaction leaves them, too: gaps, in front as well. */
START_TEST(offsets_are_absolute_in_version_0_and_relative_in_version_1)
{
    kfk__batch_header h;

    put(0, 100);
    put(0, 103);
    ck_assert_int_eq(open_set(&h, 0, 103), KFK_OK);
    check_set(&h, 100, 103, 2);
    ck_assert_int_eq(open_set(&h, 0, 105), KFK_OK);
    check_set(&h, 100, 105, 2);
    kfk__buf_clear(&buf);
    put(1, 0);
    put(1, 1);
    put(1, 4);
    ck_assert_int_eq(open_set(&h, 1, 4), KFK_OK);
    check_set(&h, 0, 4, 3);
    ck_assert_int_eq(open_set(&h, 1, 104), KFK_OK);
    check_set(&h, 100, 104, 3);
    kfk__buf_clear(&buf);
    put(1, 3);
    put(1, 4);
    ck_assert_int_eq(open_set(&h, 1, 104), KFK_OK);
    check_set(&h, 103, 104, 2);
}
END_TEST

START_TEST(sets_that_cannot_be_are_refused)
{
    check_refused(_i, 7, "a compressed set is empty");
    put(_i, 5);
    check_refused(_i, 4, "the offsets in a compressed set go beyond its own");
    check_refused(1 - _i, 5, "a message is of another version than the compressed set it is in");
    put(_i, 5);
    check_refused(_i, 6, "the offsets in a compressed set do not rise");
    kfk__buf_clear(&buf);
    put(_i, 5);
    put(_i, 4);
    check_refused(_i, 6, "the offsets in a compressed set do not rise");
    kfk__buf_clear(&buf);
    put(_i, 5);
    put_message(&buf, &(message_spec){.magic = _i, .offset = 6, .attributes = 1, .value = "x"});
    check_refused(_i, 6, "a compressed message is in a compressed set");
    kfk__buf_clear(&buf);
    put(_i, 0);
    put(_i, (int64_t)INT32_MAX + 1);
    check_refused(_i, INT64_C(1) << 40, "the offsets in a compressed set are too far apart");
    kfk__buf_clear(&buf);
    put(_i, 0)[30] ^= 1;
    check_refused(_i, 0, "the checksum of a message in a compressed set is wrong");
    kfk__buf_clear(&buf);
    put(_i, 1)[16] = 2;
    check_refused(_i, 1, "the message's magic is neither 0 nor 1");
}
END_TEST

START_TEST(a_set_that_is_cut_short_is_refused)
{
    kfk__batch_header h;
    size_t first;

    put(_i, 0);
    first = buf.len;
    put(_i, 1);
    for (size_t all = buf.len; --buf.len > 0;) {
        kfk_err err = open_set(&h, _i, 1);

        ck_assert_uint_lt(buf.len, all);
        ck_assert_int_eq(err, buf.len == first ? KFK_OK : 2);
        if (err)
            ck_assert_str_eq(why, "a compressed set ends within a message");
    }
}
END_TEST

/* ---- walking ---- */

/* Each record's offset and timestamp, as text. */
static const char *walk(const kfk__batch_header *h)
{
    static char text[256];
    size_t n = 0;
    kfk__batch_cursor c;

    text[0] = 0;
    kfk__batch_cursor_init(&c, h, buf.data, buf.len);
    while (kfk__batch_cursor_next(&c)) {
        n += (size_t)snprintf(text + n, sizeof text - n, " %lld@%lld", (long long)c.offset,
                              (long long)c.timestamp);
        ck_assert_uint_eq(c.record.n_headers, 0);
        ck_assert_uint_eq(kfk__record_headers(&c.record, NULL, 0), 0);
    }
    why = c.why;
    ck_assert(!kfk__batch_cursor_next(&c));
    return text;
}

START_TEST(records_have_offsets_and_times)
{
    kfk__batch_header h;

    put(_i, 2);
    put(_i, 4);
    ck_assert_int_eq(open_set(&h, _i, 14), KFK_OK);
    h.max_timestamp = 77;
    ck_assert_str_eq(walk(&h), _i ? " 12@1002 14@1004" : " 2@-1 4@-1");
    ck_assert_ptr_null(why);
    h.attributes |= KFK__BATCH_LOG_APPEND; /* in version 1 alone: kfk__message_read */
    if (_i)
        ck_assert_str_eq(walk(&h), " 12@77 14@77");
}
END_TEST

/* Each knows when it was appended, if they were not compressed. */
START_TEST(messages_beside_each_other)
{
    kfk__batch_header h = {.magic = 1,
                           .base_offset = 2,
                           .last_offset_delta = 2,
                           .max_timestamp = 77,
                           .attributes = KFK__BATCH_LOG_APPEND,
                           .count = 2};

    put(1, 2);
    put(1, 4);
    ck_assert_str_eq(walk(&h), " 2@1002 4@1004");
    ck_assert_ptr_null(why);
}
END_TEST

START_TEST(what_does_not_fit_its_header_is_not_walked)
{
    kfk__batch_header h = {.base_offset = 2, .last_offset_delta = 1, .count = 2};

    ck_assert_str_eq(walk(&h), "");
    ck_assert_ptr_null(why);
    put(0, 2);
    put(0, 4);
    ck_assert_str_eq(walk(&h), " 2@-1");
    ck_assert_str_eq(why, "a message's offset is not where its set has it");
    h.last_offset_delta = 2;
    ck_assert_str_eq(walk(&h), " 2@-1 4@-1");
    buf.len--;
    ck_assert_str_eq(walk(&h), " 2@-1");
    ck_assert_str_eq(why, "a message is cut short");
    kfk__buf_clear(&buf);
    put(0, 2);
    put(0, 2);
    ck_assert_str_eq(walk(&h), " 2@-1");
    ck_assert_str_eq(why, "a message's offset is not where its set has it");
}
END_TEST

/* Whatever a byte is changed to, with the crcs made right again or not: nothing outside is read,
 * and what is taken for good can be walked. */
START_TEST(changed_sets_do_no_harm)
{
    static const uint8_t masks[] = {0x01, 0x10, 0x80, 0xff};
    size_t second, size;

    put(_i, 2);
    second = buf.len;
    put(_i, 4);
    for (size_t at = 0; at < buf.len; at++)
        for (size_t k = 0; k < 2 * sizeof masks; k++) {
            kfk__batch_header h;
            kfk__message m;

            buf.data[at] ^= masks[k / 2];
            if (k % 2) {
                seal_message(buf.data, second);
                seal_message(buf.data + second, buf.len - second);
            }
            (void)read_copy(buf.data, buf.len, &h, &size);
            if (open_set(&h, _i, 14) == KFK_OK) {
                (void)walk(&h);
                ck_assert_ptr_null(why);
            } else {
                ck_assert_ptr_nonnull(why);
            }
            buf.data[at] ^= masks[k / 2];
            seal_message(buf.data, second);
            seal_message(buf.data + second, buf.len - second);
            ck_assert_int_eq(kfk__message_read(buf.data, buf.len, &m, &size, &why), KFK_OK);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("record/message");
    TCase *t = tcase_create("message");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_fields_of_both_versions, 0, 2);
    tcase_add_loop_test(t, null_is_not_empty, 0, 2);
    tcase_add_loop_test(t, attributes_are_those_that_the_version_has, 0, 2);
    tcase_add_loop_test(t, a_part_of_a_message_is_not_one, 0, 2);
    tcase_add_loop_test(t, the_checksum_covers_what_follows_it, 0, 2);
    tcase_add_loop_test(t, numbers_that_cannot_be_are_refused, 0, 2 * WRONG);
    tcase_add_test(t, a_size_of_version_0_is_too_small_for_version_1);
    tcase_add_loop_test(t, the_last_offset_of_all_has_none_after_it, 0, 2);
    tcase_add_loop_test(t, codecs_that_messages_do_not_have, 0, 2);
    tcase_add_loop_test(t, a_message_has_a_header_as_batches_have, 0, 2);
    tcase_add_test(t, batches_are_read_as_ever);
    tcase_add_test(t, offsets_are_absolute_in_version_0_and_relative_in_version_1);
    tcase_add_loop_test(t, sets_that_cannot_be_are_refused, 0, 2);
    tcase_add_loop_test(t, a_set_that_is_cut_short_is_refused, 0, 2);
    tcase_add_loop_test(t, records_have_offsets_and_times, 0, 2);
    tcase_add_test(t, messages_beside_each_other);
    tcase_add_test(t, what_does_not_fit_its_header_is_not_walked);
    tcase_add_loop_test(t, changed_sets_do_no_harm, 0, 2);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
