/* The log: offsets and epochs given, reads cut as a broker cuts them, truncation, trimming. */
#include "batches.h"

#include "devbroker/log.h"
#include "unit/record/messages.h"

static kfk__dev_log l;
static batch b;

static void setup(void)
{
    kfk__dev_log_init(&l, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__dev_log_fini(&l);
}

static int64_t append(int32_t n, int32_t epoch)
{
    int64_t base = -1;

    make_batch(&b, &(batch_spec){.n = n, .timestamp = 1000 * (l.end + 1)});
    ck_assert_int_eq(kfk__dev_log_append(&l, b.bytes, b.size, epoch, -1, &base), KFK_OK);
    return base;
}

static kfk__batch_header header_at(const uint8_t *p, size_t n)
{
    kfk__batch_header h = {0};
    const char *why;
    size_t size;

    ck_assert_int_eq(kfk__batch_header_read(p, n, &h, &size, &why), KFK_OK);
    return h;
}

START_TEST(offsets_and_epochs_are_given)
{
    kfk__dev_slice s;
    kfk__batch_header h;

    ck_assert_int_eq(append(3, 7), 0);
    ck_assert_int_eq(append(2, 8), 3);
    ck_assert_int_eq(l.end, 5);
    ck_assert_int_eq(l.high, 5);
    s = kfk__dev_log_read(&l, 4, 5, SIZE_MAX, true);
    h = header_at(s.bytes, s.len);
    ck_assert_int_eq(h.base_offset, 3);
    ck_assert_int_eq(h.leader_epoch, 8);
    ck_assert(kfk__batch_crc_ok(s.bytes, s.len));
    ck_assert_int_eq(kfk__dev_log_epoch_at(&l, 2), 7);
    ck_assert_int_eq(kfk__dev_log_epoch_at(&l, 5), -1);
}
END_TEST

START_TEST(append_time_replaces_the_producers)
{
    kfk__dev_slice s;
    kfk__batch_header h;
    int64_t base;

    make_batch(&b, &(batch_spec){.n = 2, .timestamp = 5});
    ck_assert_int_eq(kfk__dev_log_append(&l, b.bytes, b.size, 0, 777, &base), KFK_OK);
    s = kfk__dev_log_read(&l, 0, 2, SIZE_MAX, true);
    h = header_at(s.bytes, s.len);
    ck_assert_int_eq(h.max_timestamp, 777);
    ck_assert_int_ne(h.attributes & KFK__BATCH_LOG_APPEND, 0);
    ck_assert(kfk__batch_crc_ok(s.bytes, s.len));
    ck_assert_ptr_nonnull(kfk__dev_log_find_time(&l, 777));
    ck_assert_ptr_null(kfk__dev_log_find_time(&l, 778));
}
END_TEST

/* Two batches of |n| bytes: what a read of at most |max| gives. */
START_TEST(reads_are_cut_anywhere_but_in_the_first)
{
    size_t n;

    append(1, 0);
    append(1, 0);
    n = b.size;
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, 2 * n, false).len, 2 * n);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, n + 7, false).len, n + 7);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, n, false).len, n);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, n - 1, false).len, 0);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, n - 1, true).len, n);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 2, 0, true).len, n);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 0, 1, SIZE_MAX, true).len, n);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 1, 1, SIZE_MAX, true).len, 0);
    ck_assert_uint_eq(kfk__dev_log_read(&l, 2, 2, SIZE_MAX, true).len, 0);
    ck_assert_uint_eq(kfk__dev_log_available(&l, 0, 2, SIZE_MAX), 2 * n);
    ck_assert_uint_eq(kfk__dev_log_available(&l, 0, 2, n + 1), n + 1);
}
END_TEST

START_TEST(many_chunks_lose_nothing)
{
    int64_t next = 0;

    for (int i = 0; i < 5000; i++)
        append(10, 0);
    while (next < l.end) {
        kfk__dev_slice s = kfk__dev_log_read(&l, next, l.end, SIZE_MAX, false);
        size_t at = 0;

        ck_assert_uint_gt(s.len, 0);
        while (at < s.len) {
            kfk__batch_header h = header_at(s.bytes + at, s.len - at);

            ck_assert_int_eq(h.base_offset, next);
            ck_assert(kfk__batch_crc_ok(s.bytes + at, (size_t)h.length + 12));
            next = h.base_offset + h.last_offset_delta + 1;
            at += (size_t)h.length + 12;
        }
    }
    ck_assert_int_eq(next, 50000);
}
END_TEST

START_TEST(truncation_drops_whole_batches_and_epochs)
{
    int32_t epoch;
    int64_t end;

    append(3, 1);
    append(3, 2);
    append(3, 3);
    kfk__dev_log_truncate(&l, 7);
    ck_assert_int_eq(l.end, 6);
    ck_assert_int_eq(l.high, 6);
    kfk__dev_log_epoch_end(&l, 2, 9, &epoch, &end);
    ck_assert_int_eq(epoch, 2);
    ck_assert_int_eq(end, 6);
    kfk__dev_log_epoch_end(&l, 3, 9, &epoch, &end);
    ck_assert_int_eq(epoch, 2);
    ck_assert_int_eq(end, 6);
    kfk__dev_log_truncate(&l, 3);
    ck_assert_int_eq(l.end, 3);
    ck_assert_int_eq(append(1, 9), 3);
    kfk__dev_log_truncate(&l, 0);
    ck_assert_int_eq(l.end, 0);
    ck_assert_uint_eq(l.bytes, 0);
}
END_TEST

/* An answer that is being sent keeps its bytes, whatever becomes of the log. */
START_TEST(pinned_bytes_survive_truncation)
{
    uint8_t copy[BATCH_MAX];
    kfk__dev_slice s;

    append(3, 1);
    s = kfk__dev_log_read(&l, 0, 3, SIZE_MAX, true);
    memcpy(copy, s.bytes, s.len);
    kfk__dev_chunk_hold(s.chunk);
    kfk__dev_log_truncate(&l, 0);
    append(5, 2);
    ck_assert_mem_eq(copy, s.bytes, s.len);
    kfk__dev_log_fini(&l);
    ck_assert_mem_eq(copy, s.bytes, s.len);
    kfk__dev_chunk_drop(s.chunk);
}
END_TEST

START_TEST(trimming_moves_the_start)
{
    int32_t epoch;
    int64_t end;

    append(3, 1);
    append(3, 2);
    kfk__dev_log_trim(&l, 1);
    ck_assert_int_eq(l.start, 1);
    ck_assert_uint_eq(l.n, 2);
    kfk__dev_log_trim(&l, 4);
    ck_assert_int_eq(l.start, 4);
    ck_assert_uint_eq(l.n, 1);
    kfk__dev_log_epoch_end(&l, 1, 2, &epoch, &end);
    ck_assert_int_eq(epoch, 1);
    ck_assert_int_eq(end, 4);
    kfk__dev_log_trim(&l, 100);
    ck_assert_int_eq(l.start, 6);
    ck_assert_int_eq(l.end, 6);
    kfk__dev_log_trim(&l, 2);
    ck_assert_int_eq(l.start, 6);
}
END_TEST

START_TEST(epochs_end_where_the_next_begins)
{
    static const struct {
        int32_t asked, found;
        int64_t end;
    } cases[] = {{0, 0, 0}, {1, 1, 3}, {2, 1, 3},   {3, 3, 5},
                 {4, 3, 5}, {5, 5, 6}, {6, -1, -1}, {-1, -1, -1}};

    append(3, 1);
    append(2, 3);
    append(1, 5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t found;
        int64_t end;

        kfk__dev_log_epoch_end(&l, cases[i].asked, 5, &found, &end);
        ck_assert_int_eq(found, cases[i].found);
        ck_assert_int_eq(end, cases[i].end);
    }
}
END_TEST

/* As old messages have none. */
START_TEST(what_has_no_epoch_begins_none)
{
    int32_t found;
    int64_t end;

    make_batch(&b, &(batch_spec){.n = 2});
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size, NULL), KFK_OK);
    ck_assert_uint_eq(l.n_epochs, 0);
    append(3, 4);
    kfk__dev_log_epoch_end(&l, 1, 4, &found, &end);
    ck_assert_int_eq(found, 1);
    ck_assert_int_eq(end, 2);
}
END_TEST

/* Messages of before Kafka 0.11 are batches of their own. */
START_TEST(old_messages_are_kept_as_they_are)
{
    kfk__batch_header set = {.base_offset = 9, .last_offset_delta = 2, .max_timestamp = 1011};
    kfk__dev_slice s;
    kfk__buf old;

    kfk__buf_init(&old, &kfk__malloc_allocator);
    (void)put_message(&old, &(message_spec){.magic = _i, .offset = 7, .value = "x"});
    ck_assert_int_eq(kfk__dev_log_load(&l, old.data, old.len, NULL), KFK_OK);
    ck_assert_int_eq(kfk__dev_log_load(&l, old.data, old.len, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(l.start, 7);
    ck_assert_int_eq(l.end, 8);
    kfk__buf_clear(&old);
    (void)put_message(
        &old, &(message_spec){
                  .magic = _i, .attributes = 1, .offset = 11, .timestamp = 1011, .value = "a set"});
    ck_assert_int_eq(kfk__dev_log_load(&l, old.data, old.len - 1, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__dev_log_load(&l, old.data, old.len, &set), KFK_OK);
    ck_assert_int_eq(l.end, 12);
    s = kfk__dev_log_read(&l, 10, 12, SIZE_MAX, true);
    ck_assert_uint_eq(s.len, old.len);
    ck_assert_mem_eq(s.bytes, old.data, old.len);
    ck_assert_int_eq(append(2, 0), 12);
    kfk__dev_log_truncate(&l, 12);
    ck_assert_int_eq(l.end, 12);
    kfk__dev_log_truncate(&l, 10);
    ck_assert_int_eq(l.end, 9);
    kfk__buf_fini(&old);
}
END_TEST

START_TEST(loading_leaves_gaps)
{
    make_batch(&b, &(batch_spec){.n = 2, .base_offset = 100});
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size, NULL), KFK_OK);
    ck_assert_int_eq(l.start, 100);
    make_batch(&b, &(batch_spec){.n = 2, .base_offset = 101});
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size, NULL), KFK_ERR_INVALID_ARG);
    make_batch(&b, &(batch_spec){.n = 2, .base_offset = 110});
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size, NULL), KFK_OK);
    ck_assert_int_eq(l.end, 112);
    ck_assert_int_eq(kfk__dev_log_find(&l, 105)->base, 110);
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size - 1, NULL), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(shedding_drops_the_oldest)
{
    size_t first = 0;

    append(1, 0);
    ck_assert(!kfk__dev_log_shed(&l));
    append(1, 0);
    ck_assert(kfk__dev_log_shed(&l));
    ck_assert_int_eq(l.start, 1);
    ck_assert_uint_eq(l.n, 1);
    do
        append(10, 0);
    while (l.batches[l.n - 1].chunk == l.batches[0].chunk);
    while (l.batches[first].chunk == l.batches[0].chunk)
        first++;
    ck_assert_uint_eq(first, l.n - 1);
    ck_assert(kfk__dev_log_shed(&l));
    ck_assert_uint_eq(l.n, 1);
    ck_assert_int_eq(l.start, l.batches[0].base);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/log");
    TCase *t = tcase_create("log");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, offsets_and_epochs_are_given);
    tcase_add_test(t, append_time_replaces_the_producers);
    tcase_add_test(t, reads_are_cut_anywhere_but_in_the_first);
    tcase_add_test(t, many_chunks_lose_nothing);
    tcase_add_test(t, truncation_drops_whole_batches_and_epochs);
    tcase_add_test(t, pinned_bytes_survive_truncation);
    tcase_add_test(t, trimming_moves_the_start);
    tcase_add_test(t, epochs_end_where_the_next_begins);
    tcase_add_test(t, what_has_no_epoch_begins_none);
    tcase_add_loop_test(t, old_messages_are_kept_as_they_are, 0, 2);
    tcase_add_test(t, loading_leaves_gaps);
    tcase_add_test(t, shedding_drops_the_oldest);
    suite_add_tcase(s, t);
    return run_suite(s);
}
