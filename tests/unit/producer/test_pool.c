/* buffer.memory: whose turn a chunk is, and that there is never more than there may be. */
#include "unit/suite.h"

#include "base/env.h"
#include "producer/pool.h"
#include "unit/fakeenv.h"

enum { SIZE = 1000, MORE = 100 };

static fakeenv fake;
static kfk__env_ops ops;
static kfk__pool pool;
static kfk__chunk *lent[64]; /* what comes back while somebody waits: */
static int n_lent;           /* so many are out; */
static int64_t back_at;      /* then, or at once, */
static int back;             /* so many, one by one until somebody is woken */
static void (*meanwhile)(void); /* once, while the first waits; NULL: nothing */

static int init_waiter(void *ctx, kfk__waiter *w)
{
    (void)ctx, (void)w;
    return 0;
}

static void fini_waiter(void *ctx, kfk__waiter *w)
{
    (void)ctx, (void)w;
}

/* Some chunks come back; if that wakes nobody, time passes. */
static bool wait_a_while(void *ctx, kfk__waiter *w, int64_t until)
{
    void (*other)(void) = meanwhile;
    int wakes = fake.wakes;

    (void)ctx, (void)w;
    meanwhile = NULL;
    if (other)
        other();
    if (until >= back_at && fake.now < back_at)
        fake.now = back_at;
    while (fake.now >= back_at && n_lent > 0 && fake.wakes == wakes && back-- > 0)
        kfk__pool_put(&pool, lent[--n_lent]);
    if (fake.wakes > wakes)
        return true;
    fake.now = until > fake.now ? until : fake.now;
    return false;
}

static void wanted(void *owner)
{
    (void)owner;
}

static void begin(size_t total)
{
    fakeenv_init(&fake);
    ops = fakeenv_ops;
    ops.waiter_init = init_waiter;
    ops.waiter_fini = fini_waiter;
    ops.wait = wait_a_while;
    fake.env.ops = &ops;
    n_lent = back = 0;
    back_at = 0;
    meanwhile = NULL;
    kfk__pool_init(&pool, &fake.env, total, SIZE, MORE, wanted, NULL);
}

static void end(void)
{
    kfk__pool_fini(&pool);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
}

static kfk__chunk *get(size_t cap)
{
    kfk__chunk *c = kfk__pool_try(&pool, cap);

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->cap, cap);
    ck_assert_uint_eq(c->used, 0);
    ck_assert_ptr_null(c->next);
    return c;
}

START_TEST(chunks_take_turns)
{
    kfk__chunk *c[3];

    begin(100 * SIZE);
    for (int i = 0; i < 3; i++)
        c[i] = get(SIZE);
    for (int i = 0; i < 3; i++)
        kfk__pool_put(&pool, c[i]);
    fake.now += KFK__POOL_REST_NS;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 3; i++) {
            ck_assert_ptr_eq(get(SIZE), c[i]);
            kfk__pool_put(&pool, c[i]);
            fake.now += KFK__POOL_REST_NS / 2;
        }
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 3);
    end();
}
END_TEST

START_TEST(one_that_has_just_come_back_rests)
{
    kfk__chunk *first, *other;

    begin(100 * SIZE);
    first = get(SIZE);
    kfk__pool_put(&pool, first);
    fake.now += KFK__POOL_REST_NS - 1;
    other = get(SIZE);
    ck_assert_ptr_ne(other, first);
    fake.now += 1;
    ck_assert_ptr_eq(get(SIZE), first);
    kfk__pool_put(&pool, first);
    kfk__pool_put(&pool, other);
    end();
}
END_TEST

/* However fast they come: so much memory is used for the sake of rest, and no more. */
START_TEST(not_all_memory_is_for_rest)
{
    const size_t part = 10;

    begin(KFK__POOL_PART * part * SIZE);
    for (int i = 0; i < 1000; i++)
        kfk__pool_put(&pool, get(SIZE));
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), part);
    for (int i = 0; i < 1000; i++)
        kfk__pool_put(&pool, get(MORE));
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), part + 1);
    end();
}
END_TEST

START_TEST(what_is_kept_counts_as_available)
{
    kfk__chunk *c[4];

    begin(4 * SIZE);
    for (int i = 0; i < 4; i++)
        c[i] = get(SIZE);
    ck_assert_ptr_null(kfk__pool_try(&pool, SIZE));
    ck_assert(!kfk__pool_has_room(&pool));
    for (int i = 0; i < 4; i++)
        kfk__pool_put(&pool, c[i]);
    ck_assert(kfk__pool_has_room(&pool));
    /* One is given back to the allocator, so that all together are still no more than the total. */
    c[0] = get(2 * MORE);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 4);
    for (int i = 1; i < 4; i++)
        c[i] = get(SIZE);
    ck_assert_ptr_null(kfk__pool_try(&pool, SIZE));
    for (int i = 0; i < 4; i++)
        kfk__pool_put(&pool, c[i]);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 3);
    end();
}
END_TEST

START_TEST(overdrawn_is_paid_back_first)
{
    kfk__chunk *c, *over;

    begin(SIZE);
    c = get(SIZE);
    over = kfk__pool_overdraw(&pool, SIZE);
    ck_assert_ptr_nonnull(over);
    kfk__pool_put(&pool, over);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 1);
    ck_assert_ptr_null(kfk__pool_try(&pool, MORE));
    kfk__pool_put(&pool, c);
    ck_assert_ptr_nonnull(c = kfk__pool_try(&pool, SIZE));
    ck_assert_ptr_null(kfk__pool_try(&pool, MORE));
    kfk__pool_put(&pool, c);
    end();
}
END_TEST

/* All of it is out. */
static void lend_all(void)
{
    for (n_lent = 0; n_lent < 2 * KFK__POOL_PLENTY; n_lent++)
        lent[n_lent] = get(SIZE);
    ck_assert_ptr_null(kfk__pool_try(&pool, MORE));
}

static void take_all_back(void)
{
    while (n_lent > 0)
        kfk__pool_put(&pool, lent[--n_lent]);
}

START_TEST(who_waits_is_woken_when_there_is_plenty)
{
    const int64_t start = 1000 * KFK__MS;
    kfk__chunk *c;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    back = n_lent;
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, KFK__NEVER, &c), KFK_OK);
    ck_assert_int_eq(n_lent, 2 * KFK__POOL_PLENTY - 2);
    ck_assert_int_eq(fake.now, start);
    kfk__pool_put(&pool, c);
    take_all_back();
    end();
}
END_TEST

START_TEST(who_has_waited_takes_what_there_is)
{
    const int64_t start = 1000 * KFK__MS;
    kfk__chunk *c;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    back = 1;
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, KFK__NEVER, &c), KFK_OK);
    ck_assert_int_eq(fake.now, start + KFK__POOL_PATIENCE_NS);
    kfk__pool_put(&pool, c);
    take_all_back();
    end();
}
END_TEST

START_TEST(what_comes_later_is_taken_too)
{
    kfk__chunk *c;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    back = 1;
    back_at = fake.now + 3 * KFK__POOL_PATIENCE_NS;
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, fake.now + 9 * KFK__POOL_PATIENCE_NS, &c), KFK_OK);
    ck_assert_int_eq(fake.now, back_at);
    kfk__pool_put(&pool, c);
    take_all_back();
    end();
}
END_TEST

/* One that needs less, and would find it. */
static void ask_for_little(void)
{
    kfk__chunk *c = NULL;

    kfk__pool_put(&pool, lent[--n_lent]);
    ck_assert_ptr_null(kfk__pool_try(&pool, MORE));
    ck_assert_ptr_null(kfk__pool_reuse(&pool, SIZE));
    ck_assert(!kfk__pool_has_room(&pool));
    ck_assert_int_eq(kfk__pool_get(&pool, MORE, fake.now + 2 * KFK__POOL_PATIENCE_NS, &c),
                     KFK_ERR_BUFFER_FULL);
    ck_assert_ptr_null(c);
}

START_TEST(nobody_passes_who_came_first)
{
    kfk__chunk *c;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    meanwhile = ask_for_little;
    back = 2;
    back_at = fake.now + 4 * KFK__POOL_PATIENCE_NS;
    ck_assert_int_eq(kfk__pool_get(&pool, 3 * SIZE, KFK__NEVER, &c), KFK_OK);
    ck_assert_int_eq(fake.now, back_at);
    kfk__pool_put(&pool, c);
    take_all_back();
    end();
}
END_TEST

static void close_it(void)
{
    kfk__pool_close(&pool);
}

START_TEST(close_ends_a_wait)
{
    kfk__chunk *c = NULL;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    meanwhile = close_it;
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, KFK__NEVER, &c), KFK_ERR_CLOSED);
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, KFK__NEVER, &c), KFK_ERR_CLOSED);
    ck_assert_ptr_null(c);
    take_all_back();
    end();
}
END_TEST

START_TEST(what_is_at_hand_needs_no_allocator)
{
    kfk__chunk *c;

    begin(100 * SIZE);
    ck_assert_ptr_null(kfk__pool_reuse(&pool, SIZE));
    c = get(SIZE);
    kfk__pool_put(&pool, c);
    ck_assert_ptr_null(kfk__pool_reuse(&pool, SIZE));
    fake.now += KFK__POOL_REST_NS;
    ck_assert_ptr_null(kfk__pool_reuse(&pool, MORE));
    ck_assert_ptr_null(kfk__pool_reuse(&pool, 2 * SIZE));
    ck_assert_ptr_eq(kfk__pool_reuse(&pool, SIZE), c);
    kfk__pool_put(&pool, c);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 1);
    ck_assert_uint_eq(pool.available, 100 * SIZE);
    end();
}
END_TEST

START_TEST(a_wait_ends_in_time)
{
    kfk__chunk *c = NULL;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    for (int64_t ns = KFK__POOL_PATIENCE_NS / 2; ns <= 2 * KFK__POOL_PATIENCE_NS; ns *= 2) {
        int64_t until = fake.now + ns;

        back = 0;
        ck_assert_int_eq(kfk__pool_get(&pool, SIZE, until, &c), KFK_ERR_BUFFER_FULL);
        ck_assert_int_eq(fake.now, until);
    }
    ck_assert_ptr_null(c);
    ck_assert(!kfk__pool_short(&pool));
    take_all_back();
    end();
}
END_TEST

START_TEST(what_there_is_is_taken_at_the_last_moment)
{
    int64_t until;
    kfk__chunk *c;

    begin(2 * KFK__POOL_PLENTY * SIZE);
    lend_all();
    back = 1;
    until = fake.now + KFK__POOL_PATIENCE_NS / 2;
    ck_assert_int_eq(kfk__pool_get(&pool, SIZE, until, &c), KFK_OK);
    ck_assert_int_eq(fake.now, until);
    kfk__pool_put(&pool, c);
    take_all_back();
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {chunks_take_turns,
                                  one_that_has_just_come_back_rests,
                                  not_all_memory_is_for_rest,
                                  what_is_kept_counts_as_available,
                                  overdrawn_is_paid_back_first,
                                  who_waits_is_woken_when_there_is_plenty,
                                  who_has_waited_takes_what_there_is,
                                  what_comes_later_is_taken_too,
                                  nobody_passes_who_came_first,
                                  close_ends_a_wait,
                                  what_is_at_hand_needs_no_allocator,
                                  a_wait_ends_in_time,
                                  what_there_is_is_taken_at_the_last_moment,
                                  NULL};

    return unit_main("producer/pool", tests);
}
