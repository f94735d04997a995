#include "groups.h"

#include "membership/racks.h"
#include "membership/roster.h"

static kfk__roster r;

static kfk_err number(const char *text, kfk__roster_order order)
{
    group_of(text);
    return kfk__roster_init(&r, &group, order, &answers);
}

static bool is_list(const int32_t *v, size_t n, const char *text)
{
    char list[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, " %d", (int)v[i]);
    return strcmp(list, text) == 0;
}

static bool readers_are(int32_t t, const char *text)
{
    return is_list(r.readers + r.readers_of[t], (size_t)kfk__roster_n_readers(&r, t), text);
}

static bool topics_are(int32_t m, const char *text)
{
    return is_list(r.topics_read + r.topics_of[m], r.topics_of[m + 1] - r.topics_of[m], text);
}

START_TEST(by_name_and_number)
{
    ck_assert_int_eq(number("t pb 2 -\nt pz 9 -\nt pa 3 -\nt p0 0 -\n"
                            "m y - - -1 pb,pa,pb -\nm x - - -1 pa,gone,p0 -\nm z - - -1 - -",
                            KFK__BY_ID),
                     KFK_OK);
    ck_assert_int_eq(r.n_members, 3);
    ck_assert_ptr_eq(r.members[0], &members[1]);
    ck_assert_ptr_eq(r.members[1], &members[0]);
    ck_assert_int_eq(r.n_topics, 2); /* nobody reads pz, p0 has no partitions */
    ck_assert_int_eq(r.n_partitions, 5);
    ck_assert(is_list(r.first, 3, " 0 3 5"));
    ck_assert(is_list(r.topic_of, 5, " 0 0 0 1 1"));
    ck_assert(readers_are(0, " 0 1") && readers_are(1, " 1"));
    ck_assert(topics_are(0, " 0") && topics_are(1, " 0 1") && topics_are(2, ""));
    ck_assert(kfk__roster_reads(&r, 1, 1) && !kfk__roster_reads(&r, 0, 1));
    ck_assert_int_eq(kfk__roster_topic(&r, kfk__bytes_str("pb")), 1);
    ck_assert_int_eq(kfk__roster_topic(&r, kfk__bytes_str("pz")), -1);
    ck_assert_int_eq(kfk__roster_topic(&r, kfk__bytes_str("")), -1);
    ck_assert_int_eq(kfk__roster_number(&r, 4), 1);
    ck_assert(!r.alike);
}
END_TEST

START_TEST(whether_subscriptions_are_alike)
{
    static const struct {
        const char *text;
        bool alike;
    } cases[] = {
        {"t a 1 -\nt b 1 -\nm x - - -1 a,b -\nm y - - -1 b,a,b -", true},
        {"t a 1 -\nm x - - -1 a,gone -\nm y - - -1 gone,a -", true},
        {"t a 1 -\nm x - - -1 a,gone -\nm y - - -1 a -", false},
        {"t a 1 -\nm x - - -1 a -\nm y - - -1 - -", false},
        {"t a 1 -\nt b 1 -\nm x - - -1 a -\nm y - - -1 b -", false},
        {"m x - - -1 - -\nm y - - -1 - -", true},
        {"t a 1 -", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(number(cases[i].text, KFK__BY_ID), KFK_OK);
        ck_assert_int_eq(r.alike, cases[i].alike);
    }
}
END_TEST

START_TEST(by_instance_before_id)
{
    static const char *const order[] = {"z", "y", "a", "b"};

    ck_assert_int_eq(number("m b - - -1 - -\nm y i2 - -1 - -\nm a - - -1 - -\nm z i1 - -1 - -",
                            KFK__BY_INSTANCE),
                     KFK_OK);
    for (int m = 0; m < 4; m++)
        ck_assert(kfk__bytes_equal(r.members[m]->id, kfk__bytes_str(order[m])));
}
END_TEST

START_TEST(what_cannot_be)
{
    ck_assert_int_eq(number("m a i1 - -1 - -\nm b - - -1 - -\nm a i2 - -1 - -", KFK__BY_INSTANCE),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(number("t p 1 -\nt q 1 -\nt p 2 -\nm a - - -1 p -", KFK__BY_ID),
                     KFK_ERR_INVALID_ARG);
}
END_TEST

/* Nothing is allocated for counts that cannot be. */
START_TEST(absurd_counts)
{
    group_of("t p 1 -\nt q 1 -\nm a - - -1 p,q -");
    topics[0].racks = topics[1].racks = NULL;
    topics[0].n_partitions = topics[1].n_partitions = INT32_MAX;
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_ERR_INVALID_ARG);
    topics[1].n_partitions = INT32_MIN;
    topics[0].n_partitions = KFK__ASSIGN_MOST + 1;
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_ERR_INVALID_ARG);
    topics[0].n_partitions = -1;
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_OK);
    ck_assert_int_eq(r.n_partitions, 0);
    ck_assert_uint_lt(failalloc_bytes(&mem), 1 << 20);
}
END_TEST

START_TEST(subscriptions_without_end)
{
    static kfk_bytes names[2];

    group_of("m a - - -1 p -\nm b - - -1 p -\nm c - - -1 p -");
    for (int m = 0; m < 3; m++) {
        members[m].topics = names;
        members[m].n_topics = INT32_MAX / 2;
    }
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(an_answer_in_order)
{
    static const int32_t holder[] = {1, 0, 1, KFK__NOBODY, 1};

    ck_assert_int_eq(number("t pb 2 -\nt pa 3 -\nm y - - -1 pb,pa -\nm x - - -1 pa -\n"
                            "m z - - -1 pa -",
                            KFK__BY_ID),
                     KFK_OK);
    ck_assert_int_eq(kfk__roster_answer(&r, holder, &memory, &answer), KFK_OK);
    ck_assert_str_eq(text_of(0), "pa:0,2/pb:1");
    ck_assert_str_eq(text_of(1), "pa:1");
    ck_assert_str_eq(text_of(2), "-");
    ck_assert_ptr_null(answer[0].user_data.data);
}
END_TEST

/* ---- racks ---- */

static kfk__racks k;

static bool racks_matter(const char *text)
{
    static const int32_t all[] = {0, 1, 2, 3};

    ck_assert_int_eq(number(text, KFK__BY_ID), KFK_OK);
    ck_assert_int_eq(kfk__racks_init(&k, &r), KFK_OK);
    return kfk__racks_matter(&k, all, (size_t)r.n_members, 0, r.n_partitions);
}

START_TEST(when_racks_matter)
{
    ck_assert(racks_matter("t p 2 a/b\nm x - a -1 p -\nm y - - -1 p -"));
    ck_assert(racks_matter("t p 2 a/a,b\nm x - a -1 p -"));
    /* Nobody is in one, nobody is in one of theirs, everything is in all. */
    ck_assert(!racks_matter("t p 2 a/b\nm x - - -1 p -"));
    ck_assert(!racks_matter("t p 2 a/b\nm x - c -1 p -"));
    ck_assert(!racks_matter("t p 2 a,b/b,a,b\nm x - a -1 p -"));
    ck_assert(!racks_matter("t p 2 -\nm x - a -1 p -"));
}
END_TEST

START_TEST(whether_a_member_is_elsewhere)
{
    ck_assert(racks_matter("t p 3 a/b,c,b/-\nm x - a -1 p -\nm y - - -1 p -\nm z - c -1 p -"));
    ck_assert(!kfk__racks_differ(&k, 0, 0) && kfk__racks_differ(&k, 0, 1));
    ck_assert(!kfk__racks_differ(&k, 1, 0) && !kfk__racks_differ(&k, 1, 1));
    ck_assert(kfk__racks_differ(&k, 2, 0) && !kfk__racks_differ(&k, 2, 1));
    ck_assert_int_eq(kfk__racks_count(&k, 1), 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {by_name_and_number,
                                  whether_subscriptions_are_alike,
                                  by_instance_before_id,
                                  what_cannot_be,
                                  absurd_counts,
                                  subscriptions_without_end,
                                  an_answer_in_order,
                                  when_racks_matter,
                                  whether_a_member_is_elsewhere,
                                  NULL};

    return run_groups("membership/roster", tests);
}
