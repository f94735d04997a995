/* Which batches are of aborted transactions. */
#include "unit/suite.h"

#include "base/mem.h"
#include "consumer/aborted.h"
#include "sim/failalloc.h"

static kfk__aborted a;

static void fill(const kfk__fetch_response_aborted_transaction *v, int32_t n)
{
    ck_assert_int_eq(kfk__aborted_init(&a, &kfk__malloc_allocator, v, n), KFK_OK);
}

static void teardown(void)
{
    kfk__aborted_fini(&a, &kfk__malloc_allocator);
}

static kfk__batch_header at(int64_t producer_id, int64_t offset)
{
    return (kfk__batch_header){.base_offset = offset,
                               .last_offset_delta = 1,
                               .producer_id = producer_id,
                               .attributes = KFK__BATCH_TRANSACTIONAL};
}

static bool is_aborted(int64_t producer_id, int64_t offset)
{
    kfk__batch_header h = at(producer_id, offset);

    return kfk__aborted_has(&a, &h);
}

static void end(int64_t producer_id, int64_t offset)
{
    kfk__batch_header h = at(producer_id, offset);

    kfk__aborted_end(&a, &h);
}

static const kfk__fetch_response_aborted_transaction some[] = {{7, 30}, {8, 12}, {7, 10}, {9, 40}};

START_TEST(from_the_first_offset_to_the_marker)
{
    fill(some, 4);
    ck_assert(!is_aborted(7, 8)); /* 8 and 9 */
    ck_assert(is_aborted(7, 9));
    ck_assert(is_aborted(7, 10));
    ck_assert(!is_aborted(8, 10));
    ck_assert(is_aborted(8, 15));
    ck_assert(!is_aborted(1, 15));
    end(7, 20);
    ck_assert(!is_aborted(7, 21));
    ck_assert(is_aborted(8, 21));
    ck_assert(is_aborted(7, 30)); /* the next one */
    end(7, 35);
    end(8, 36);
    ck_assert_uint_eq(a.n, 1);
    ck_assert(!is_aborted(7, 40));
    ck_assert(is_aborted(9, 40));
}
END_TEST

/* A marker of a transaction that is not named, having no records, ends none that is to come. */
START_TEST(a_marker_ends_what_has_begun)
{
    fill(some, 4);
    end(9, 20);
    end(5, 20);
    ck_assert_uint_eq(a.n, 4);
    ck_assert(is_aborted(9, 40));
}
END_TEST

START_TEST(what_is_not_of_a_transaction_is_not_aborted)
{
    kfk__batch_header h = at(7, 10);

    fill(some, 4);
    h.attributes = 0;
    ck_assert(!kfk__aborted_has(&a, &h));
}
END_TEST

START_TEST(there_may_be_none)
{
    for (int32_t n = -1; n <= 0; n++) {
        fill(NULL, n);
        ck_assert(!is_aborted(7, 10));
        end(7, 10);
        teardown();
    }
}
END_TEST

START_TEST(any_order_will_do)
{
    kfk__fetch_response_aborted_transaction v[100];
    uint32_t x = 1;

    for (int32_t n = 1; n <= 100; n++) {
        for (int32_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            v[i] = (kfk__fetch_response_aborted_transaction){i, x >> 28 ? (int64_t)(x >> 20) : 5};
        }
        fill(v, n);
        ck_assert_uint_eq(a.n, (size_t)n);
        for (int32_t i = 1; i < n; i++)
            ck_assert_int_le(a.v[i - 1].first_offset, a.v[i].first_offset);
        for (int32_t i = 0; i < n; i++) {
            ck_assert(is_aborted(i, v[i].first_offset));
            ck_assert(!is_aborted(i, v[i].first_offset - 2));
        }
        teardown();
    }
}
END_TEST

START_TEST(a_lack_of_memory_is_told)
{
    failalloc mem;
    kfk_allocator alloc = failalloc_allocator(&mem);

    failalloc_init(&mem);
    failalloc_fail_once(&mem, 1);
    ck_assert_int_eq(kfk__aborted_init(&a, &alloc, some, 4), KFK_ERR_NOMEM);
    ck_assert(!is_aborted(7, 10));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("aborted");

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, from_the_first_offset_to_the_marker);
    tcase_add_test(t, a_marker_ends_what_has_begun);
    tcase_add_test(t, what_is_not_of_a_transaction_is_not_aborted);
    tcase_add_test(t, there_may_be_none);
    tcase_add_test(t, any_order_will_do);
    tcase_add_test(t, a_lack_of_memory_is_told);
    return run_suite("consumer/aborted", t);
}
