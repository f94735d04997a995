#include "groups.h"

#include "membership/order.h"

static int sign(const char *a, const char *b)
{
    int order = kfk__order_names(kfk__bytes_str(a), kfk__bytes_str(b));

    return (order > 0) - (order < 0);
}

START_TEST(names_as_java_compares_them)
{
    /* By UTF-16: U+FFFD is one unit, U+1F600 two, of which the first is lower. */
    static const char *const ascending[] = {
        "",       "-",      "A",      "a",          "a\x01",      "aa",     "b",
        "\u00e9", "\u20ac", "\ud7ff", "\U0001f600", "\U0001f601", "\ue000", "\ufffd"};
    enum { N = sizeof ascending / sizeof ascending[0] };

    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            ck_assert_int_eq(sign(ascending[i], ascending[k]), (i > k) - (i < k));
    ck_assert_int_eq(sign(NULL, ""), -1);
    ck_assert_int_eq(sign("", NULL), 1);
    ck_assert_int_eq(sign(NULL, NULL), 0);
}
END_TEST

static int by_tens(const void *context, int32_t a, int32_t b)
{
    ck_assert_ptr_eq(context, by_tens);
    return a / 10 - b / 10;
}

START_TEST(equals_stay_in_their_order)
{
    enum { N = 1000 };
    static int32_t v[N], space[N], before[N];
    uint64_t state = 5;

    for (size_t n = 0; n < N; n = n * 3 / 2 + 1) {
        for (size_t i = 0; i < n; i++)
            before[i] = v[i] = (int32_t)(chance(&state) % 200);
        kfk__order_sort(v, space, n, by_tens, (const void *)by_tens);
        for (size_t ten = 0, at = 0; ten < 20; ten++)
            for (size_t i = 0; i < n; i++)
                if (before[i] / 10 == (int32_t)ten)
                    MUST(v[at++] == before[i]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names_as_java_compares_them, equals_stay_in_their_order, NULL};

    return run_groups("membership/order", tests);
}
