#include "groups.h"

#include "base/mem.h"
#include "membership/tips.h"

static kfk__tip tip(uint8_t topic, int32_t partition)
{
    return (kfk__tip){{{topic}}, partition};
}

static void add(kfk__tips *t, uint8_t topic, int32_t partition)
{
    kfk__tip one = tip(topic, partition);

    ck_assert(kfk__tips_add(t, &one));
}

static bool has(const kfk__tips *t, uint8_t topic, int32_t partition)
{
    kfk__tip one = tip(topic, partition);

    return kfk__tips_has(t, &one);
}

START_TEST(in_order_and_once)
{
    kfk__tips t;
    uint32_t x = 7;

    kfk__tips_init(&t, &kfk__malloc_allocator);
    kfk__tips_sort(&t);
    ck_assert(!has(&t, 0, 0));
    for (int i = 0; i < 2000; i++) {
        x = x * 1103515245 + 12345;
        add(&t, (uint8_t)(x >> 16 & 7), (int32_t)(x >> 20 & 31));
    }
    kfk__tips_sort(&t);
    ck_assert_uint_eq(t.n, 256);
    for (size_t i = 0; i < t.n; i++) {
        ck_assert_uint_eq(t.v[i].topic.b[0], i / 32);
        ck_assert_int_eq(t.v[i].partition, (int32_t)(i % 32));
        ck_assert(has(&t, (uint8_t)(i / 32), (int32_t)(i % 32)));
    }
    ck_assert_uint_eq(kfk__tips_run(&t, 32), 64);
    ck_assert_uint_eq(kfk__tips_run(&t, 255), 256);
    kfk__tips_fini(&t);
}
END_TEST

START_TEST(what_there_is)
{
    kfk__tips a, b;
    kfk__uuid topic = {{3}};

    kfk__tips_init(&a, &kfk__malloc_allocator);
    kfk__tips_init(&b, &kfk__malloc_allocator);
    add(&a, 3, 5);
    add(&a, 1, 0);
    kfk__tips_sort(&a);
    ck_assert(kfk__tips_has_topic(&a, &topic));
    topic.b[0] = 2;
    ck_assert(!kfk__tips_has_topic(&a, &topic));
    topic.b[0] = 4;
    ck_assert(!kfk__tips_has_topic(&a, &topic));
    ck_assert(!has(&a, 3, 4) && !has(&a, 3, 6) && has(&a, 3, 5));
    ck_assert(!kfk__tips_equal(&a, &b));
    add(&b, 1, 0);
    add(&b, 3, 5);
    ck_assert(kfk__tips_equal(&a, &b));
    b.v[1].partition = 6;
    ck_assert(!kfk__tips_equal(&a, &b));
    kfk__tips_move(&b, &a);
    ck_assert_uint_eq(a.n, 0);
    ck_assert(has(&b, 3, 5));
    kfk__tips_clear(&b);
    ck_assert_uint_eq(b.n, 0);
    kfk__tips_fini(&a);
    kfk__tips_fini(&b);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {in_order_and_once, what_there_is, NULL};

    return run_groups("membership/tips", tests);
}
