#include "unit/suite.h"

#include <kfk/kafka_errors.h>

#include "consumer/shared.h"
#include "unit/fakeenv.h"

enum { MEMORY = 100 << 10, PAGE = 4096 };

static fakeenv fake;
static kfk__env_ops ops;
static kfk__loop loop;
static kfk__shared *shared;
static int wakes; /* of the Fetcher */

static void poller_wake(kfk__poller *p)
{
    (void)p;
    wakes++;
}

static void setup(void)
{
    wakes = 0;
    fakeenv_init(&fake);
    ops = fakeenv_ops;
    ops.poller_wake = poller_wake;
    fake.env.ops = &ops;
    loop.env = fake.env;
    shared = kfk__shared_new(&fake.env, MEMORY);
    ck_assert_ptr_nonnull(shared);
    shared->loop = &loop;
}

static void teardown(void)
{
    kfk__shared_drop(shared);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
}

/* ---- buffers ---- */

START_TEST(a_buffer_has_the_room_that_was_asked_for)
{
    static const size_t caps[] = {0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 1 << 20};

    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        kfk__fbuf *b = kfk__fbuf_new(shared, caps[i]);

        ck_assert_ptr_nonnull(b);
        ck_assert_uint_ge(b->cap, caps[i]);
        ck_assert_uint_lt(b->cap, 2 * caps[i] + 2 * PAGE);
        memset(b->data, 1, b->cap);
        ck_assert_uint_eq(shared->used, b->cap);
        kfk__fbuf_drop(b);
        ck_assert_uint_eq(shared->used, 0);
    }
    kfk__fbuf_drop(NULL);
}
END_TEST

START_TEST(a_buffer_that_was_dropped_serves_again)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, 3 * PAGE);

    kfk__fbuf_drop(b);
    failalloc_fail_from(&fake.mem, 1);
    ck_assert_ptr_null(kfk__fbuf_new(shared, PAGE)); /* it is too good for that */
    ck_assert_ptr_eq(kfk__fbuf_new(shared, 3 * PAGE - 1), b);
    ck_assert_ptr_null(kfk__fbuf_new(shared, 3 * PAGE)); /* that was the only one */
    ck_assert_uint_eq(shared->used, 3 * PAGE);
    ck_assert_uint_eq(shared->kept_bytes, 0);
    memset(b->data, 1, b->cap);
    kfk__fbuf_drop(b);
}
END_TEST

START_TEST(no_more_is_kept_than_the_budget_has_room_for)
{
    kfk__fbuf *b[30];

    for (int i = 0; i < 30; i++)
        b[i] = kfk__fbuf_new(shared, PAGE);
    for (int i = 0; i < 30; i++) {
        kfk__fbuf_drop(b[i]);
        ck_assert(!shared->kept_bytes || shared->used + shared->kept_bytes <= MEMORY);
    }
    ck_assert_uint_eq(shared->kept_bytes, MEMORY / PAGE * PAGE);
    b[0] = kfk__fbuf_new(shared, 2 * MEMORY);
    kfk__fbuf_drop(b[0]);
    ck_assert_uint_le(shared->kept_bytes, MEMORY);
}
END_TEST

/* What is kept is not beside the budget, but of it. */
START_TEST(what_is_kept_makes_room_for_what_is_used)
{
    kfk__fbuf *small[4], *large;

    for (int i = 0; i < 4; i++)
        small[i] = kfk__fbuf_new(shared, MEMORY / 4 / PAGE * PAGE);
    for (int i = 0; i < 4; i++)
        kfk__fbuf_drop(small[i]);
    ck_assert_uint_gt(shared->kept_bytes, MEMORY / 2);
    large = kfk__fbuf_new(shared, MEMORY / 2);
    ck_assert_uint_le(shared->used + shared->kept_bytes, MEMORY);
    kfk__fbuf_drop(large);
}
END_TEST

START_TEST(nothing_is_kept_after_the_close)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, PAGE);
    unsigned long long before = failalloc_blocks(&fake.mem);

    shared->closed = true;
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), before - 1);
}
END_TEST

START_TEST(a_buffer_goes_with_its_last_owner)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, PAGE);

    atomic_fetch_add(&b->owners, 1);
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(shared->used, PAGE);
    b->data[PAGE - 1] = 1;
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(shared->used, 0);
}
END_TEST

/* A run that the application frees last of all. */
START_TEST(a_buffer_outlives_the_consumer)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, PAGE);

    shared->loop = NULL;
    shared->closed = true;
    kfk__shared_drop(shared);
    b->data[0] = 1;
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
    shared = kfk__shared_new(&fake.env, MEMORY);
}
END_TEST

START_TEST(a_buffer_for_which_there_is_no_memory_counts_nothing)
{
    failalloc_fail_once(&fake.mem, 1);
    ck_assert_ptr_null(kfk__fbuf_new(shared, PAGE));
    ck_assert_uint_eq(shared->used, 0);
    failalloc_fail_once(&fake.mem, 1);
    ck_assert_ptr_null(kfk__shared_new(&fake.env, MEMORY));
}
END_TEST

/* ---- credit ---- */

START_TEST(credit_is_what_nobody_holds_or_has_asked_for)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, 2 * PAGE);

    ck_assert_uint_eq(kfk__shared_reserve(shared, PAGE, 1, 1), PAGE);
    ck_assert_uint_eq(kfk__shared_reserve(shared, SIZE_MAX, 1, 1), MEMORY - 3 * PAGE);
    ck_assert_uint_eq(kfk__shared_reserve(shared, SIZE_MAX, 1, 1), 0);
    kfk__shared_unreserve(shared, PAGE);
    ck_assert_uint_eq(kfk__shared_reserve(shared, SIZE_MAX, 1, 1), PAGE);
    kfk__shared_unreserve(shared, MEMORY - 2 * PAGE);
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(shared->reserved, 0);
}
END_TEST

START_TEST(no_broker_gets_more_than_its_share)
{
    ck_assert_uint_eq(kfk__shared_reserve(shared, SIZE_MAX, 4, 1), MEMORY / 4);
    kfk__shared_unreserve(shared, MEMORY / 4);
    ck_assert_uint_eq(kfk__shared_reserve(shared, SIZE_MAX, 0, 1), MEMORY);
    kfk__shared_unreserve(shared, MEMORY);
}
END_TEST

/* Decompression may hold more than there is. */
START_TEST(there_is_no_credit_while_more_is_held_than_there_is)
{
    kfk__fbuf *b = kfk__fbuf_new(shared, 2 * MEMORY);

    ck_assert_uint_eq(kfk__shared_reserve(shared, 1, 1, 1), 0);
    kfk__fbuf_drop(b);
    ck_assert_uint_eq(kfk__shared_reserve(shared, 1, 1, 1), 1);
    kfk__shared_unreserve(shared, 1);
}
END_TEST

START_TEST(whoever_found_no_credit_is_woken_once_there_is_some)
{
    kfk__fbuf *a = kfk__fbuf_new(shared, MEMORY), *b = kfk__fbuf_new(shared, PAGE);

    kfk__fbuf_drop(kfk__fbuf_new(shared, PAGE));
    ck_assert_int_eq(wakes, 0); /* nobody waits */
    ck_assert_uint_eq(kfk__shared_reserve(shared, 1, 1, 1), 0);
    kfk__fbuf_drop(b);
    ck_assert_int_eq(wakes, 0); /* there is none still */
    kfk__fbuf_drop(a);
    ck_assert_int_eq(wakes, 1);
    kfk__fbuf_drop(kfk__fbuf_new(shared, PAGE));
    ck_assert_int_eq(wakes, 1);
}
END_TEST

/* ---- partitions ---- */

static kfk__fetched *add_fetched(kfk__assigned *p, size_t n)
{
    kfk__fetched *f = fake.env.alloc.alloc(fake.env.alloc.ctx, sizeof *f);

    memset(f, 0, sizeof *f);
    kfk__list_init(&f->link);
    f->buf = kfk__fbuf_new(shared, n);
    f->end = n;
    kfk__list_push(&p->fetched, &f->link);
    p->buffered += n;
    return f;
}

/* Whether the Fetcher is to look at it; it does then. */
static bool told(kfk__assigned *p)
{
    bool yes = !kfk__list_empty(&p->news);

    kfk__list_remove(&p->news);
    if (yes)
        kfk__assigned_drop(p);
    return yes;
}

START_TEST(partitions_are_found_by_topic_and_number)
{
    kfk__assigned *a = kfk__assigned_new(shared, "a", 1), *b = kfk__assigned_new(shared, "a", 2),
                  *c = kfk__assigned_new(shared, "b", 1);

    ck_assert_ptr_null(kfk__shared_find(shared, "a", 1));
    kfk__shared_add(shared, a);
    kfk__shared_add(shared, b);
    kfk__shared_add(shared, c);
    ck_assert_ptr_eq(kfk__shared_find(shared, "a", 1), a);
    ck_assert_ptr_eq(kfk__shared_find(shared, "a", 2), b);
    ck_assert_ptr_eq(kfk__shared_find(shared, "b", 1), c);
    ck_assert_ptr_null(kfk__shared_find(shared, "b", 2));
    ck_assert_ptr_null(kfk__shared_find(shared, "ab", 1));
    kfk__shared_remove(shared, a);
    ck_assert_ptr_null(kfk__shared_find(shared, "a", 1));
    ck_assert_ptr_eq(kfk__shared_find(shared, "a", 2), b);
    kfk__shared_remove(shared, b);
    kfk__shared_remove(shared, c);
    kfk__assigned_drop(a);
    kfk__assigned_drop(b);
    kfk__assigned_drop(c);
}
END_TEST

/* Also where there is no memory to find them faster. */
START_TEST(many_partitions_are_found)
{
    kfk__assigned *p[100];
    kfk__list all;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++)
            p[i] = kfk__assigned_new(shared, i % 2 ? "odd" : "even", i);
        if (round)
            failalloc_fail_from(&fake.mem, 1);
        for (int i = 0; i < 100; i++)
            kfk__shared_add(shared, p[i]);
        failalloc_fail_from(&fake.mem, 0);
        for (int i = 0; i < 100; i++) {
            ck_assert_ptr_eq(kfk__shared_find(shared, i % 2 ? "odd" : "even", i), p[i]);
            ck_assert_ptr_null(kfk__shared_find(shared, i % 2 ? "even" : "odd", i));
        }
        kfk__list_init(&all);
        kfk__shared_remove_all(shared, &all);
        ck_assert_ptr_null(kfk__shared_find(shared, "even", 0));
        ck_assert_uint_eq(shared->index.n, 0);
        for (int i = 0; i < 100; i++) {
            ck_assert_ptr_eq(kfk__list_pop(&all), &p[i]->link);
            kfk__assigned_drop(p[i]);
        }
    }
}
END_TEST

START_TEST(a_partition_goes_with_its_last_owner)
{
    kfk__assigned *p = kfk__assigned_new(shared, "t", 0);

    ck_assert_ptr_eq(kfk__assigned_hold(p), p);
    kfk__assigned_drop(p);
    ck_assert_str_eq(p->topic, "t");
    kfk__assigned_drop(p);
    kfk__assigned_drop(NULL);
}
END_TEST

START_TEST(a_move_forgets_what_was_fetched)
{
    kfk__assigned *p = kfk__assigned_new(shared, "t", 0);
    unsigned version = atomic_load(&p->version), fetch_version = p->fetch_version;

    add_fetched(p, 100)->inflated = kfk__fbuf_new(shared, 200);
    (void)add_fetched(p, 100);
    p->resume_at = 7;
    kfk__assigned_ready(p);
    kfk__assigned_move(p, 42, -1);
    ck_assert_uint_ne(p->fetch_version, fetch_version);
    ck_assert_uint_eq(atomic_load(&p->version), version); /* runs that are out stay */
    ck_assert_int_eq(p->position, 42);
    ck_assert_uint_eq(p->buffered, 0);
    ck_assert_int_eq(p->resume_at, -1);
    ck_assert(kfk__list_empty(&p->fetched));
    ck_assert(kfk__list_empty(&shared->lane.ready));
    ck_assert(told(p));
    ck_assert(!told(p)); /* once */
    ck_assert_uint_eq(shared->used, 3 * PAGE); /* nobody frees with the lock held */
    kfk__shared_sweep(shared);
    ck_assert_uint_eq(shared->used, 0);
    kfk__shared_sweep(shared);
    kfk__assigned_drop(p);
}
END_TEST

START_TEST(a_partition_that_failed_stays_where_it_is_and_tells)
{
    char long_text[300];
    kfk__assigned *p = kfk__assigned_new(shared, "t", 0);

    p->position = 9;
    (void)add_fetched(p, 100);
    kfk__assigned_fail(p, KFK_ERR_CORRUPT_MESSAGE, 7, "bad");
    ck_assert_int_eq(p->err, KFK_ERR_CORRUPT_MESSAGE);
    ck_assert_int_eq(p->err_offset, 7);
    ck_assert_str_eq(p->why, "bad");
    ck_assert_int_eq(p->position, 9);
    ck_assert_ptr_eq(kfk__list_first(&shared->lane.ready), &p->ready);
    ck_assert(kfk__list_empty(&p->fetched));
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    kfk__assigned_fail(p, KFK_ERR_CORRUPT_MESSAGE, 7, long_text);
    ck_assert_uint_eq(strlen(p->why), sizeof p->why - 1);
    kfk__assigned_move(p, 10, -1); /* a seek makes it good */
    ck_assert_int_eq(p->err, KFK_OK);
    ck_assert(kfk__list_empty(&shared->lane.ready));
    kfk__shared_sweep(shared);
    ck_assert(told(p)); /* and gives the news' hold back */
    kfk__assigned_drop(p);
}
END_TEST

START_TEST(who_waits_in_poll_is_woken_by_what_is_ready)
{
    kfk__assigned *a = kfk__assigned_new(shared, "t", 0), *b = kfk__assigned_new(shared, "t", 1);
    kfk__waiter w;

    kfk__assigned_ready(a);
    ck_assert_int_eq(fake.wakes, 0); /* nobody waits */
    shared->lane.waiter = &w;
    kfk__assigned_ready(b);
    kfk__assigned_ready(a); /* again, and is in the list once */
    ck_assert_int_eq(fake.wakes, 2);
    ck_assert_ptr_eq(fake.woken, &w);
    ck_assert_ptr_eq(kfk__list_pop(&shared->lane.ready), &a->ready);
    ck_assert_ptr_eq(kfk__list_pop(&shared->lane.ready), &b->ready);
    ck_assert(kfk__list_empty(&shared->lane.ready));
    kfk__assigned_drop(a);
    kfk__assigned_drop(b);
}
END_TEST

START_TEST(nothing_becomes_ready_after_the_close)
{
    kfk__assigned *p = kfk__assigned_new(shared, "t", 0);

    shared->closed = true;
    kfk__assigned_ready(p);
    kfk__assigned_fail(p, KFK_ERR_CORRUPT_MESSAGE, 7, "bad");
    ck_assert(kfk__list_empty(&shared->lane.ready));
    kfk__assigned_drop(p);
}
END_TEST

START_TEST(a_partition_for_which_there_is_no_memory_leaves_nothing)
{
    for (uint64_t n = 1; n <= 2; n++) {
        failalloc_fail_once(&fake.mem, n);
        ck_assert_ptr_null(kfk__assigned_new(shared, "t", 0));
        ck_assert_uint_eq(failalloc_blocks(&fake.mem), 1);
    }
    ck_assert_int_eq(atomic_load(&shared->owners), 1);
}
END_TEST

START_TEST(a_fetcher_that_has_ended_is_not_woken)
{
    kfk__shared_wake(shared);
    ck_assert_int_eq(wakes, 1);
    shared->loop = NULL;
    kfk__shared_wake(shared);
    ck_assert_int_eq(wakes, 1);
}
END_TEST

/* As it was, where there is no memory for what it is to be. */
START_TEST(who_commits_is_a_copy)
{
    char id[] = "m1";
    kfk__group_meta a = {"g", id, NULL, 5}, b = {"g", id, "i", 6};
    kfk__speaker *held;

    ck_assert_int_eq(kfk__shared_be(shared, true, &a), KFK_OK);
    held = kfk__speaker_hold(shared->who);
    failalloc_fail_once(&fake.mem, 1);
    ck_assert_int_eq(kfk__shared_be(shared, false, &b), KFK_ERR_NOMEM);
    ck_assert(shared->member);
    ck_assert_ptr_eq(shared->who, held);
    ck_assert_int_eq(kfk__shared_be(shared, true, &b), KFK_OK);
    id[0] = 'x';
    a.member = b.member = "m1";
    ck_assert(kfk__group_meta_equal(&shared->who->meta, &b));
    ck_assert(kfk__group_meta_equal(&held->meta, &a));
    ck_assert(kfk__speaker_went_on(held, shared->who));
    ck_assert(!kfk__speaker_went_on(shared->who, held));
    ck_assert_int_eq(kfk__shared_be(shared, false, NULL), KFK_OK);
    ck_assert(!kfk__speaker_went_on(held, shared->who));
    ck_assert_ptr_null(shared->who);
    kfk__speaker_drop(held);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("shared");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_buffer_has_the_room_that_was_asked_for);
    tcase_add_test(t, a_buffer_that_was_dropped_serves_again);
    tcase_add_test(t, no_more_is_kept_than_the_budget_has_room_for);
    tcase_add_test(t, what_is_kept_makes_room_for_what_is_used);
    tcase_add_test(t, nothing_is_kept_after_the_close);
    tcase_add_test(t, a_buffer_goes_with_its_last_owner);
    tcase_add_test(t, a_buffer_outlives_the_consumer);
    tcase_add_test(t, a_buffer_for_which_there_is_no_memory_counts_nothing);
    tcase_add_test(t, credit_is_what_nobody_holds_or_has_asked_for);
    tcase_add_test(t, no_broker_gets_more_than_its_share);
    tcase_add_test(t, there_is_no_credit_while_more_is_held_than_there_is);
    tcase_add_test(t, whoever_found_no_credit_is_woken_once_there_is_some);
    tcase_add_test(t, partitions_are_found_by_topic_and_number);
    tcase_add_test(t, many_partitions_are_found);
    tcase_add_test(t, a_partition_goes_with_its_last_owner);
    tcase_add_test(t, a_move_forgets_what_was_fetched);
    tcase_add_test(t, a_partition_that_failed_stays_where_it_is_and_tells);
    tcase_add_test(t, who_waits_in_poll_is_woken_by_what_is_ready);
    tcase_add_test(t, nothing_becomes_ready_after_the_close);
    tcase_add_test(t, a_partition_for_which_there_is_no_memory_leaves_nothing);
    tcase_add_test(t, a_fetcher_that_has_ended_is_not_woken);
    tcase_add_test(t, who_commits_is_a_copy);
    return run_suite("consumer/shared", t);
}
