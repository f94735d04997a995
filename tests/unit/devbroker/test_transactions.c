/* What a log's batches tell of transactions; and batches that a broker had in its log. */
#include "batches.h"

#include "devbroker/log.h"
#include "unit/record/listing.h"

static kfk__dev_log l;

static void setup(void)
{
    kfk__dev_log_init(&l, &kfk__malloc_allocator);
}

static void teardown(void)
{
    kfk__dev_log_fini(&l);
}

/* ---- by hand ---- */

static void put(int64_t producer_id, int32_t n, int16_t attributes)
{
    static batch b;

    make_batch(&b, &(batch_spec){.n = n,
                                 .base_offset = l.end,
                                 .idempotent = true,
                                 .producer_id = producer_id,
                                 .attributes = attributes});
    ck_assert_int_eq(kfk__dev_log_load(&l, b.bytes, b.size, NULL), KFK_OK);
}

static void write_some(int64_t producer_id, int32_t n)
{
    put(producer_id, n, KFK__BATCH_TRANSACTIONAL);
}

/* A marker, of which only the first four bytes of the key count. */
static void end_as(int64_t producer_id, int16_t type)
{
    uint8_t marker[KFK__BATCH_HEADER + 64], key[4] = {0};
    kfk__batch_header h = {.base_offset = l.end,
                           .magic = 2,
                           .attributes = KFK__BATCH_TRANSACTIONAL | KFK__BATCH_CONTROL,
                           .producer_id = producer_id,
                           .count = 1};
    size_t size;

    kfk__put_be16(key + 2, (uint16_t)type);
    size = (size_t)(kfk__record_write(marker + KFK__BATCH_HEADER, 0, 0, (kfk_bytes){key, 4},
                                      (kfk_bytes){0}, NULL, 0) -
                    marker);
    h.length = (int32_t)size - KFK__BATCH_LOG_OVERHEAD;
    kfk__batch_header_write(marker, &h);
    ck_assert_int_eq(kfk__dev_log_load(&l, marker, size, NULL), KFK_OK);
}

static void commit(int64_t producer_id)
{
    end_as(producer_id, KFK__CONTROL_COMMIT);
}

static void cancel(int64_t producer_id)
{
    end_as(producer_id, KFK__CONTROL_ABORT);
}

/* The aborted ones of [from, to), as text. */
static const char *aborted(int64_t from, int64_t to)
{
    static char text[256];
    kfk__dev_transaction found[8];
    size_t n = kfk__dev_transactions_aborted(&l.transactions, from, to, found, 8), at = 0;

    ck_assert_uint_eq(kfk__dev_transactions_aborted(&l.transactions, from, to, NULL, 0), n);
    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " %lld:%lld-%lld",
                               (long long)found[i].producer_id, (long long)found[i].first,
                               (long long)found[i].last);
    return text;
}

START_TEST(a_log_is_stable_up_to_the_first_open_one)
{
    ck_assert_int_eq(kfk__dev_log_stable(&l), 0);
    put(7, 2, 0); /* without a transaction */
    ck_assert_int_eq(kfk__dev_log_stable(&l), 2);
    write_some(7, 3);
    write_some(8, 1);
    write_some(7, 1);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 2);
    commit(7);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 5);
    cancel(8);
    ck_assert_int_eq(kfk__dev_log_stable(&l), l.end);
    ck_assert_str_eq(aborted(0, l.end), " 8:5-8");
}
END_TEST

START_TEST(aborted_ones_are_told_where_they_overlap)
{
    write_some(1, 2); /* 0, 1 */
    write_some(2, 1); /* 2 */
    cancel(1);        /* 3 */
    write_some(1, 1); /* 4 */
    cancel(2);        /* 5 */
    cancel(1);        /* 6 */
    cancel(1);        /* of nothing */
    ck_assert_str_eq(aborted(0, 100), " 1:0-3 2:2-5 1:4-6");
    ck_assert_str_eq(aborted(0, 1), " 1:0-3");
    ck_assert_str_eq(aborted(3, 4), " 1:0-3 2:2-5");
    ck_assert_str_eq(aborted(4, 5), " 2:2-5 1:4-6");
    ck_assert_str_eq(aborted(7, 100), "");
}
END_TEST

START_TEST(what_is_cut_off_was_never_there)
{
    write_some(1, 2);
    cancel(1);
    write_some(2, 1);
    cancel(2);
    kfk__dev_log_truncate(&l, 4);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 3);
    ck_assert_str_eq(aborted(0, 100), " 1:0-2");
    kfk__dev_log_truncate(&l, 2);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 0);
    ck_assert_str_eq(aborted(0, 100), "");
    commit(1);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 3);
}
END_TEST

/* One that begins before the log does is still told. */
START_TEST(what_is_trimmed_away_is_forgotten)
{
    write_some(1, 1);
    cancel(1);
    write_some(2, 1);
    cancel(2);
    kfk__dev_log_trim(&l, 3);
    ck_assert_str_eq(aborted(0, 100), " 2:2-3");
    ck_assert_uint_eq(l.transactions.n_aborted, 1);
    kfk__dev_log_trim(&l, 4);
    ck_assert_uint_eq(l.transactions.n_aborted, 0);
}
END_TEST

START_TEST(other_markers_end_nothing)
{
    write_some(1, 1);
    end_as(1, 5);
    end_as(9, KFK__CONTROL_COMMIT);
    ck_assert_int_eq(kfk__dev_log_stable(&l), 0);
}
END_TEST

/* ---- a broker's ---- */

START_TEST(a_log_of_a_broker)
{
    size_t n = 0, size;
    uint8_t *bytes = read_whole_file("tests/unit/record/golden/transactions.bin", &n);
    kfk__batch_header h;
    const char *why;

    ck_assert_uint_gt(n, 0);
    for (size_t at = 0; at < n; at += size) {
        ck_assert_int_eq(kfk__batch_header_read(bytes + at, n - at, &h, &size, &why), KFK_OK);
        ck_assert_int_eq(kfk__dev_log_load(&l, bytes + at, size, NULL), KFK_OK);
    }
    ck_assert_str_eq(aborted(0, l.end), " 1:0-7 2:12-19 2:20-22 1:21-23");
    ck_assert_int_eq(kfk__dev_log_stable(&l), 24);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/transactions");
    TCase *t = tcase_create("transactions");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_log_is_stable_up_to_the_first_open_one);
    tcase_add_test(t, aborted_ones_are_told_where_they_overlap);
    tcase_add_test(t, what_is_cut_off_was_never_there);
    tcase_add_test(t, what_is_trimmed_away_is_forgotten);
    tcase_add_test(t, other_markers_end_nothing);
    tcase_add_test(t, a_log_of_a_broker);
    suite_add_tcase(s, t);
    return run_suite(s);
}
