#include "chosen.h"

static void expect(const char *text)
{
    group_of(text);
    assign(called("roundrobin"));
    for (int32_t m = 0; m < group.n_members; m++)
        ck_assert_str_eq(text_of(m), expected[m]);
}

START_TEST(one_after_another)
{
    expect("t pb 3 -\nt pa 3 -\n"
           "m A - - -1 pa,pb - pa:0,2/pb:1\nm B - - -1 pa,pb - pa:1/pb:0,2");
    expect("");
    expect("t p 3 -");
    expect("m a - - -1 p - -");
}
END_TEST

/* The turn passes over those who do not subscribe, and is kept from topic to topic. */
START_TEST(the_turn_goes_on)
{
    expect("t t0 1 -\nt t1 2 -\nt t2 3 -\n"
           "m C0 - - -1 t0 - t0:0\nm C1 - - -1 t0,t1 - t1:0\n"
           "m C2 - - -1 t0,t1,t2 - t1:1/t2:0,1,2");
    expect("t t0 1 -\nt t1 1 -\nt t2 1 -\n"
           "m A - - -1 t0,t2 - t0:0\nm B - - -1 t1,t2 - t1:0\nm C - - -1 t2 - t2:0");
}
END_TEST

START_TEST(instances_keep_their_place)
{
    expect("t p 5 -\nm z i1 - -1 p - p:0,3\nm a - - -1 p - p:2\nm y i2 - -1 p - p:1,4");
    expect("t p 5 -\nm b i1 - -1 p - p:0,3\nm c - - -1 p - p:2\nm a i2 - -1 p - p:1,4");
}
END_TEST

START_TEST(all_is_given)
{
    for (int i = 0; i < 3000; i++) {
        static measure got;
        int32_t total, n;

        choose_any(i);
        assign(called("roundrobin"));
        take_measure(answer, &got);
        total = n_wanted();
        ck_assert_int_eq(got.given, total);
        n = group.n_members;
        for (int32_t m = 0; m < n && ((unsigned)i * 7 & ALIKE); m++)
            MUST(got.sizes[m] == total / n || got.sizes[m] == total / n + 1);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_after_another, the_turn_goes_on, instances_keep_their_place,
                                  all_is_given, NULL};

    return run_groups("membership/roundrobin", tests);
}
