/* The callbacks of a batch: dense, by index, with empty ones for the records that have none. */
#include "producer/append.h"

#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

enum { RECORDS = 1000, CHUNKS = 16 };

static kfk__chunk *chunks[CHUNKS];
static int n_chunks;
static const kfk_allocator *const no_memory; /* nothing is asked of it */

static kfk__chunk *new_chunk(size_t cap)
{
    kfk__chunk *c = malloc(sizeof *c + cap);

    ck_assert_ptr_nonnull(c);
    ck_assert_int_lt(n_chunks, CHUNKS);
    *c = (kfk__chunk){.cap = cap};
    chunks[n_chunks++] = c;
    return c;
}

static void end(void)
{
    while (n_chunks > 0)
        free(chunks[--n_chunks]);
}

static void on_delivery(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    (void)p, (void)d, (void)arg;
}

/* As append.c does. */
static void put(kfk__producer_batch *b, bool told, void *arg)
{
    static const kfk_record r = {.value = {"v", 1}};

    while (told && !kfk__batch_has_callback_room(b) && !kfk__producer_batch_callback_room(b))
        kfk__producer_batch_extend_callbacks(b, new_chunk(kfk__callback_chunk()));
    kfk__batch_put(b, &r, 7, told, told ? on_delivery : NULL, arg);
}

static char args[RECORDS];

/* Records of which |told| says whether they have a callback: each has its own, at its index, up to the last. */
static void check(int records, bool (*told)(int i))
{
    kfk__producer_batch *b = kfk__producer_batch_new(
        no_memory, new_chunk(kfk__record_chunk(64 * RECORDS)), 100, KFK__CODEC_NONE, 0, SIZE_MAX);
    const kfk__callback *cb;
    kfk__callback_walk w;
    int i = 0, last = -1;
    int32_t n;

    for (int k = 0; k < records; k++) {
        put(b, told(k), &args[k]);
        if (told(k))
            last = k;
    }
    ck_assert_int_eq(b->count, records);
    kfk__callback_walk_init(&w, b);
    while ((cb = kfk__callback_walk_next(&w, &n)) != NULL)
        for (; n > 0; n--, cb++, i++) {
            ck_assert(cb->fn == (told(i) ? on_delivery : NULL));
            ck_assert_ptr_eq(cb->arg, told(i) ? &args[i] : NULL);
        }
    ck_assert_int_eq(i, last + 1);
    end();
}

static bool all(int i)
{
    (void)i;
    return true;
}

static bool none(int i)
{
    (void)i;
    return false;
}

static bool every_third(int i)
{
    return i % 3 == 2;
}

static bool first_only(int i)
{
    return i == 0;
}

static bool late(int i)
{
    return i >= 500;
}

static bool in_runs(int i)
{
    return i / 40 % 2 == 0;
}

START_TEST(each_has_its_own)
{
    static bool (*const which[])(int) = {all, none, every_third, first_only, late, in_runs};
    /* Around the ends of the first piece, of the second and of the third. */
    static const int records[] = {1, 2, 31, 32, 33, 34, 159, 160, 161, 288, 289, RECORDS};

    for (size_t i = 0; i < sizeof which / sizeof *which; i++)
        for (size_t k = 0; k < sizeof records / sizeof *records; k++)
            check(records[k], which[i]);
}
END_TEST

START_TEST(a_record_without_one_closes_the_quick_way)
{
    kfk__producer_batch *b = kfk__producer_batch_new(
        no_memory, new_chunk(kfk__record_chunk(1000)), 100, KFK__CODEC_NONE, 0, SIZE_MAX);

    put(b, true, NULL);
    ck_assert(kfk__batch_has_callback_room(b));
    put(b, false, NULL);
    ck_assert(!kfk__batch_has_callback_room(b));
    ck_assert(!kfk__batch_put_callback(b, 7, true, on_delivery, NULL));
    ck_assert(kfk__producer_batch_callback_room(b));
    ck_assert(kfk__batch_has_callback_room(b));
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_has_its_own, a_record_without_one_closes_the_quick_way, NULL};

    return unit_main("producer/producer_batch", tests);
}
