/* sticky and cooperative-sticky, with what is beneath: uniform and mixed. */
#include "chosen.h"

static measure got;

/* Each member has written its user data, and the answer is measured. */
static void run(const char *name)
{
    write_user_data(called(name));
    assign(called(name));
    take_measure(answer, &got);
}

static void expect(const char *name, const char *text)
{
    group_of(text);
    run(name);
    for (int32_t m = 0; m < group.n_members; m++)
        ck_assert_str_eq(text_of(m), expected[m]);
}

/* ---- by hand ---- */

START_TEST(what_is_even_stays)
{
    static const char text[] = "t p 5 -\nm A - - 1 p p:1,4 p:1,4\nm B - - 1 p p:0,3 p:0,3\n"
                               "m C - - 1 p p:2 p:2";

    expect("sticky", text);
    expect("cooperative-sticky", text);
    expect("sticky", "t p 3 -\nt q 2 -\nm A - - 1 p,q p:1,2 p:1,2\nm B - - 1 p p:0 p:0\n"
                     "m C - - 1 q q:0,1 q:0,1");
}
END_TEST

START_TEST(who_goes_leaves_the_others_alone)
{
    expect("sticky", "t p 6 -\nm A - - 1 p p:0,3 p:0,1,3\nm B - - 1 p p:2,5 p:2,4,5");
}
END_TEST

/* It gets what is too much elsewhere: the lowest numbers stay. */
START_TEST(who_comes)
{
    expect("sticky", "t p 6 -\nm A - - 1 p p:0,2,4 p:0,2\nm B - - 1 p p:1,3,5 p:1,3\n"
                     "m C - - -1 p - p:4,5");
    expect("cooperative-sticky", "t p 6 -\nm A - - 1 p p:0,2,4 p:0,2\n"
                                 "m B - - 1 p p:1,3,5 p:1,3\nm C - - -1 p - -");
}
END_TEST

START_TEST(topics_that_are_gone_or_not_wanted_any_more)
{
    expect("sticky", "t p 2 -\nm A - - 1 p p:0/gone:0,1 p:0\nm B - - 1 p p:1 p:1");
    expect("sticky", "t p 2 -\nt q 2 -\nm A - - 1 p p:0/q:0,1 p:0,1\nm B - - 1 q - q:0,1");
    expect("cooperative-sticky", "t p 2 -\nt q 2 -\nm A - - 1 p p:0/q:0,1 p:0,1\nm B - - 1 q - -");
}
END_TEST

START_TEST(what_two_claim_is_taken_from_both)
{
    expect("cooperative-sticky", "t p 4 -\nm A - - 3 p p:0,1 p:0\nm B - - 3 p p:1,2 p:2,3");
    /* Also where they do not subscribe to the same. */
    expect("cooperative-sticky", "t p 3 -\nt q 1 -\nm A - - 3 p,q p:0,1 p:0/q:0\n"
                                 "m B - - 3 p p:1,2 p:2");
    expect("cooperative-sticky", "t p 4 -\nm A - - 3 p p:0,1 p:0,3\nm B - - 4 p p:1,2 p:1,2");
}
END_TEST

START_TEST(near_before_sticky)
{
    expect("sticky", "t p 4 a/a/b/b\nm A - a 1 p p:2,3 p:0,1\nm B - b 1 p p:0,1 p:2,3");
    expect("sticky", "t p 4 a/a/b/b\nt q 1 a\nm A - a 1 p,q p:2,3 p:0,1/q:0\n"
                     "m B - b 1 p p:0,1 p:2,3");
    /* But even before near. */
    expect("sticky", "t p 4 a/a/a/b\nm A - a 1 p p:0,1,2 p:0,1\nm B - b 1 p p:3 p:2,3");
}
END_TEST

/* What evens out goes back to where it was before the newest generation. */
START_TEST(the_way_back)
{
    expect("sticky", "t p 4 -\nt q 1 -\nm A - - 2 p p:0,1,2,3 p:2,3\nm B - - -1 p - p:1\n"
                     "m C - - 2 q q:0 q:0\nm D - - 1 p p:0 p:0");
}
END_TEST

/* ---- hostile ---- */

START_TEST(absurd_claims)
{
    expect("sticky", "t p 2 -\nm A - - 2147483647 p p:0,0,0,5,-1,2147483647/p:0 p:0\n"
                     "m B - - -2147483648 p p:1,-7/:3 p:1");
    expect("cooperative-sticky", "t p 2 -\nm A - - 2147483647 p p:0,0,0,5,-1,2147483647/p:0 p:0\n"
                                 "m B - - -1 p p:1,-7/q:3/:3 p:1");
    expect("sticky", "m A - - 1 p p:0,1 -");
    expect("sticky", "t p 3 -\nm A - - 1 - p:0,1 -");
    expect("cooperative-sticky", "t p 3 -");
}
END_TEST

/* Everybody claims everything, again and again. */
START_TEST(everybody_claims_everything)
{
    static int32_t all[1000];
    static kfk__topic_parts parts[3];

    group_of("t p 500 -\nm a - - 3 p -\nm b - - 3 p -\nm c - - 3 p -\nm d - - 4 p -");
    for (int32_t i = 0; i < 1000; i++)
        all[i] = i % 600;
    for (int i = 0; i < 3; i++)
        parts[i] = (kfk__topic_parts){kfk__bytes_str("p"), all, 1000};
    for (int m = 0; m < 4; m++) {
        members[m].owned = parts;
        members[m].n_owned = m < 3 ? 3 : 0;
    }
    run("sticky");
    ck_assert_int_eq(got.given, 500);
    run("cooperative-sticky");
    ck_assert_int_eq(got.given, 0);
}
END_TEST

/* ---- by chance ---- */

/* Those who subscribe to the same: nobody has two more than another, and no more has moved than
 * that takes. */
START_TEST(even_and_as_little_moved_as_can_be)
{
    for (int i = 0; i < 3000; i++) {
        shape s = {1 + i % 20, 1 + i % 4, 1 + i % 25, ALIKE | (i % 3 ? OWNING : 0)};
        int32_t owned[MOST_MEMBERS] = {0}, least, extra, kept = 0;

        choose_group(&s);
        for (int32_t m = 0; m < group.n_members; m++)
            for (int32_t k = 0; k < members[m].n_owned; k++)
                owned[m] += members[m].owned[k].n;
        run("sticky");
        least = got.given / group.n_members;
        extra = got.given % group.n_members;
        ck_assert_int_eq(got.given, n_wanted());
        for (int32_t m = 0; m < group.n_members; m++) {
            MUST(got.sizes[m] == least || got.sizes[m] == least + 1);
            kept += owned[m] <= least ? owned[m] : least + (extra-- > 0);
        }
        ck_assert_int_eq(got.kept, kept);
    }
}
END_TEST

/* Nobody who may read a partition has two less than its holder. */
static void must_be_even(void)
{
    for (int32_t t = 0; t < group.n_topics; t++)
        for (int32_t p = 0; p < topics[t].n_partitions; p++)
            for (int32_t m = 0, h = got.holder[first_of(t) + p]; h >= 0 && m < group.n_members; m++)
                MUST(got.sizes[h] <= got.sizes[m] + 1 || !reads(m, topics[t].name));
}

START_TEST(even_whatever_they_subscribe_to)
{
    for (int i = 0; i < 4000; i++) {
        choose_any(i);
        run("sticky");
        ck_assert_int_eq(got.given, n_wanted());
        must_be_even();
    }
}
END_TEST

/* With nothing new nothing moves. */
START_TEST(the_next_answer_is_the_same)
{
    for (int i = 0; i < 2000; i++) {
        shape s = {1 + i % 20, 1 + i % 6, 1 + i % 15, (unsigned)i % 2 ? ALIKE : OWNING};
        int32_t given;

        choose_group(&s);
        run("sticky");
        given = got.given;
        take_what_was_given(8);
        run("sticky");
        ck_assert_int_eq(got.kept, given);
    }
}
END_TEST

static bool claims(int32_t m, int32_t t, int32_t p)
{
    return owns(m, topics[t].name, p);
}

/* Nobody is given what somebody else may still have. */
static void must_be_free(void)
{
    for (int32_t t = 0; t < group.n_topics; t++)
        for (int32_t p = 0; p < topics[t].n_partitions; p++)
            for (int32_t m = 0, h = got.holder[first_of(t) + p]; h >= 0 && m < group.n_members; m++)
                MUST(m == h || !claims(m, t, p) ||
                     (claims(h, t, p) && members[m].generation < members[h].generation));
}

/* What is taken away in a round is given in the next; by then something else may have to be taken,
 * where racks matter or not all subscribe to the same, but not for long. */
START_TEST(cooperative_rounds_come_to_an_end)
{
    for (int i = 0; i < 5000; i++) {
        int rounds = 0;

        choose_any(i);
        do {
            run("cooperative-sticky");
            must_be_free();
            take_what_was_given(10 + rounds);
            MUST(++rounds <= 5);
        } while (got.given < n_wanted());
        must_be_even();
    }
}
END_TEST

/* A partition that comes, or a member that comes or goes, in a group of many. */
START_TEST(many)
{
    shape s = {.members = 1, .topics = 1, .partitions = 0, .how = ALIKE};
    int32_t least;

    choose_group(&s);
    topics[0] = (kfk__assign_topic){.name = topics[0].name, .n_partitions = 10000};
    for (group.n_members = 0; group.n_members < 51; group.n_members++)
        choose_member(&s, group.n_members);
    group.n_members = 50;
    run("sticky");
    take_what_was_given(1);
    group.n_members = 51;
    run("sticky");
    least = 10000 / 51;
    ck_assert_int_eq(got.kept, 10000 - got.sizes[50]);
    ck_assert_int_ge(got.sizes[50], least);
    take_what_was_given(2);
    group.n_members = 50;
    least = got.sizes[50];
    run("sticky");
    ck_assert_int_eq(got.kept, 10000 - least);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_even_stays,
                                  who_goes_leaves_the_others_alone,
                                  who_comes,
                                  topics_that_are_gone_or_not_wanted_any_more,
                                  what_two_claim_is_taken_from_both,
                                  near_before_sticky,
                                  the_way_back,
                                  absurd_claims,
                                  everybody_claims_everything,
                                  even_and_as_little_moved_as_can_be,
                                  even_whatever_they_subscribe_to,
                                  the_next_answer_is_the_same,
                                  cooperative_rounds_come_to_an_end,
                                  many,
                                  NULL};

    return run_groups("membership/sticky", tests);
}
