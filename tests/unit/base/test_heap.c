#include "unit/suite.h"

#include "base/heap.h"
#include "sim/failalloc.h"

enum { NODES = 200 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__heap heap;
static kfk__heap_node nodes[NODES];

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__heap_init(&heap, &alloc);
    ck_assert(kfk__heap_reserve(&heap, NODES));
}

static void teardown(void)
{
    kfk__heap_fini(&heap);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static kfk__heap_node *pop(void)
{
    kfk__heap_node *first = kfk__heap_first(&heap);

    if (first)
        kfk__heap_remove(&heap, first);
    return first;
}

START_TEST(an_empty_heap_has_no_first)
{
    ck_assert_ptr_null(kfk__heap_first(&heap));
    kfk__heap_set(&heap, &nodes[0], 1);
    ck_assert_ptr_eq(pop(), &nodes[0]);
    ck_assert_ptr_null(kfk__heap_first(&heap));
    ck_assert_uint_eq(nodes[0].index, 0);
}
END_TEST

START_TEST(the_earliest_comes_first)
{
    static const int64_t at[] = {5, INT64_MAX, 0, INT64_MIN, -1, 7, 6};
    static const int order[] = {3, 4, 2, 0, 6, 5, 1};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        kfk__heap_set(&heap, &nodes[i], at[i]);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        ck_assert_ptr_eq(pop(), &nodes[order[i]]);
}
END_TEST

START_TEST(equal_times_come_in_the_order_in_which_they_were_put_in)
{
    for (int i = 0; i < NODES; i++)
        kfk__heap_set(&heap, &nodes[i], i % 2);
    for (int i = 0; i < NODES; i += 2)
        ck_assert_ptr_eq(pop(), &nodes[i]);
    for (int i = 1; i < NODES; i += 2)
        ck_assert_ptr_eq(pop(), &nodes[i]);
}
END_TEST

START_TEST(a_node_that_is_set_again_goes_behind_its_equals)
{
    for (int i = 0; i < 3; i++)
        kfk__heap_set(&heap, &nodes[i], 1);
    kfk__heap_set(&heap, &nodes[0], 1);
    ck_assert_uint_eq(heap.n, 3);
    ck_assert_ptr_eq(pop(), &nodes[1]);
    ck_assert_ptr_eq(pop(), &nodes[2]);
    ck_assert_ptr_eq(pop(), &nodes[0]);
}
END_TEST

START_TEST(what_is_not_in_can_be_removed)
{
    kfk__heap_set(&heap, &nodes[0], 1);
    kfk__heap_remove(&heap, &nodes[1]);
    kfk__heap_remove(&heap, &nodes[0]);
    kfk__heap_remove(&heap, &nodes[0]);
    ck_assert_uint_eq(heap.n, 0);
}
END_TEST

/* The last node lies among early times, and what is removed among late ones. */
START_TEST(the_node_that_fills_a_gap_may_have_to_rise)
{
    static const int64_t at[] = {1, 10, 2, 11, 12, 4, 5, 20, 21, 22, 23, 6};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        kfk__heap_set(&heap, &nodes[i], at[i]);
    kfk__heap_remove(&heap, &nodes[7]); /* it lies below 11 and 10; 6 takes its place */
    for (int64_t last = INT64_MIN; heap.n;) {
        const kfk__heap_node *first = pop();

        ck_assert_int_gt(first->at, last);
        last = first->at;
    }
}
END_TEST

/* ---- whatever is done to it ---- */

/* The heap's first is the least of all that are in, and each knows where it is. */
static void check_heap(void)
{
    const kfk__heap_node *least = NULL;
    size_t n = 0;

    for (kfk__heap_node *p = nodes; p < nodes + NODES; p++) {
        if (!p->index)
            continue;
        n++;
        MUST(p->index <= heap.n && heap.v[p->index] == p);
        if (!least || p->at < least->at || (p->at == least->at && p->order < least->order))
            least = p;
    }
    MUST(n == heap.n);
    MUST(kfk__heap_first(&heap) == least);
}

START_TEST(the_first_is_the_least_whatever_was_set_and_removed)
{
    uint64_t state = 1;

    failalloc_fail_from(&mem, 1); /* there is room */
    for (int i = 0; i < 50000; i++) {
        kfk__heap_node *p = &nodes[chance(&state) % NODES];

        if (chance(&state) % 3)
            kfk__heap_set(&heap, p, (int64_t)(chance(&state) % 64));
        else
            kfk__heap_remove(&heap, p);
        if (i % 16 == 0)
            check_heap();
    }
    while (kfk__heap_first(&heap)) {
        (void)pop();
        check_heap();
    }
}
END_TEST

/* ---- memory ---- */

START_TEST(reserve_makes_room_for_as_many_as_it_says)
{
    for (size_t n = 0; n < 70; n++) {
        kfk__heap_node few[70] = {{0}};

        kfk__heap_fini(&heap);
        failalloc_fail_once(&mem, 0);
        ck_assert(kfk__heap_reserve(&heap, n));
        ck_assert(kfk__heap_reserve(&heap, n));
        ck_assert_uint_eq(failalloc_calls(&mem), 1);
        for (size_t i = 0; i < n; i++)
            kfk__heap_set(&heap, &few[i], -(int64_t)i);
        ck_assert_ptr_eq(kfk__heap_first(&heap), n ? &few[n - 1] : NULL);
    }
}
END_TEST

START_TEST(no_room_leaves_the_heap_as_it_was)
{
    kfk__heap_set(&heap, &nodes[0], 2);
    kfk__heap_set(&heap, &nodes[1], 1);
    failalloc_fail_from(&mem, 1);
    ck_assert(!kfk__heap_reserve(&heap, 10 * NODES));
    failalloc_fail_once(&mem, 0);
    ck_assert(!kfk__heap_reserve(&heap, SIZE_MAX / sizeof(void *)));
    ck_assert(!kfk__heap_reserve(&heap, SIZE_MAX - 1));
    ck_assert_uint_eq(failalloc_calls(&mem), 0); /* of bytes, that would have been a few */
    ck_assert(kfk__heap_reserve(&heap, NODES));
    ck_assert_ptr_eq(pop(), &nodes[1]);
    ck_assert_ptr_eq(pop(), &nodes[0]);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("heap");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_empty_heap_has_no_first);
    tcase_add_test(t, the_earliest_comes_first);
    tcase_add_test(t, equal_times_come_in_the_order_in_which_they_were_put_in);
    tcase_add_test(t, a_node_that_is_set_again_goes_behind_its_equals);
    tcase_add_test(t, what_is_not_in_can_be_removed);
    tcase_add_test(t, the_node_that_fills_a_gap_may_have_to_rise);
    tcase_add_test(t, the_first_is_the_least_whatever_was_set_and_removed);
    tcase_add_test(t, reserve_makes_room_for_as_many_as_it_says);
    tcase_add_test(t, no_room_leaves_the_heap_as_it_was);
    return run_suite("base/heap", t);
}
