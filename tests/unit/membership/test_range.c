#include "chosen.h"

static void expect(const char *text)
{
    group_of(text);
    assign(called("range"));
    for (int32_t m = 0; m < group.n_members; m++)
        ck_assert_str_eq(text_of(m), expected[m]);
}

START_TEST(ranges_of_each_topic)
{
    expect("t pa 7 -\nt pb 2 -\n"
           "m A - - -1 pa,pb - pa:0,1,2/pb:0\nm B - - -1 pb,pa - pa:3,4/pb:1\n"
           "m C - - -1 pa,pb - pa:5,6");
    expect("t pa 3 -\nt pb 3 -\n"
           "m A - - -1 pa - pa:0,1\nm B - - -1 pa,pb - pa:2/pb:0,1\nm C - - -1 pb,gone - pb:2");
}
END_TEST

/* Members with group.instance.id are first, by it, whatever their ids. */
START_TEST(instances_keep_their_place)
{
    expect("t p 5 -\nm z i1 - -1 p - p:0,1\nm a - - -1 p - p:4\nm y i2 - -1 p - p:2,3");
    expect("t p 5 -\nm b i1 - -1 p - p:0,1\nm a - - -1 p - p:4\nm c i2 - -1 p - p:2,3");
}
END_TEST

START_TEST(nothing_to_give_or_nobody)
{
    expect("t p 0 -\nm a - - -1 p - -");
    expect("m a - - -1 p - -");
    expect("t p 3 -\nm a - - -1 - - -");
    expect("t p 3 -");
    expect("");
}
END_TEST

/* One topic by itself: what is near first, as many as without racks. */
START_TEST(near_first)
{
    expect("t p 4 b/a/b/a\nm A - a -1 p - p:1,3\nm B - b -1 p - p:0,2");
    expect("t p 4 a/a/a/b\nm A - a -1 p - p:0,1\nm B - b -1 p - p:2,3");
    /* Who is in no rack is near everything, and takes the first. */
    expect("t p 4 b/a/b/a\nm A - - -1 p - p:0,1\nm B - b -1 p - p:2,3");
}
END_TEST

/* Topics that are alike: the same numbers to the same member, if it is near all of them. */
START_TEST(together_before_near)
{
    expect("t pa 2 b/a\nt pb 2 b/a\n"
           "m A - a -1 pa,pb - pa:1/pb:1\nm B - b -1 pa,pb - pa:0/pb:0");
    expect("t pa 2 b/a\nt pb 2 a/b\n"
           "m A - a -1 pa,pb - pa:0/pb:0\nm B - b -1 pa,pb - pa:1/pb:1");
}
END_TEST

/* No reader of a topic has two more of it than another, racks or not. */
START_TEST(even_in_each_topic)
{
    for (int i = 0; i < 3000; i++) {
        static measure got;

        choose_any(i);
        assign(called("range"));
        take_measure(answer, &got);
        ck_assert_int_eq(got.given, n_wanted());
        for (int32_t t = 0; t < group.n_topics; t++) {
            int32_t n[MOST_MEMBERS] = {0}, least = INT32_MAX, most = 0;

            for (int32_t p = 0; p < topics[t].n_partitions; p++)
                if (got.holder[first_of(t) + p] >= 0)
                    n[got.holder[first_of(t) + p]]++;
            for (int32_t m = 0; m < group.n_members; m++) {
                if (!reads(m, topics[t].name))
                    continue;
                least = n[m] < least ? n[m] : least;
                most = n[m] > most ? n[m] : most;
            }
            MUST(least == INT32_MAX || most <= least + 1);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ranges_of_each_topic,
                                  instances_keep_their_place,
                                  nothing_to_give_or_nobody,
                                  near_first,
                                  together_before_near,
                                  even_in_each_topic,
                                  NULL};

    return run_groups("membership/range", tests);
}
