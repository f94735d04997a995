#include "groups.h"

#include "membership/claims.h"

static kfk__roster r;
static kfk__claims c;

static void weigh(const char *text, kfk__claims_from from)
{
    group_of(text);
    write_user_data(called(from == KFK__FROM_USER_DATA ? "sticky" : "cooperative-sticky"));
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_OK);
    ck_assert_int_eq(kfk__claims_init(&c, &r, from), KFK_OK);
}

/* Members are a, b, c ... by their numbers; "-": nobody, "!": contested. */
static bool owners_are(const char *text)
{
    for (int32_t p = 0; p < r.n_partitions; p++) {
        char is = c.contested[p] ? '!' : c.owner[p] == KFK__NOBODY ? '-' : (char)('a' + c.owner[p]);

        if (text[p] != is)
            return false;
    }
    return text[r.n_partitions] == '\0';
}

static bool former_are(const char *text)
{
    for (int32_t p = 0; p < r.n_partitions; p++)
        if (text[p] != (c.former[p] == KFK__NOBODY ? '-' : (char)('a' + c.former[p])))
            return false;
    return true;
}

#define THREE "t p 4 -\nm a - - 4 p p:0,1\nm b - - 5 p p:1,2\nm c - - 5 p p:2"

START_TEST(the_newest_is_believed)
{
    weigh(THREE, KFK__FROM_USER_DATA);
    ck_assert(owners_are("ab!-"));
    ck_assert(former_are("aa--"));
    weigh(THREE, KFK__FROM_SUBSCRIPTION);
    ck_assert(owners_are("ab!-"));
    ck_assert(former_are("aa--"));
}
END_TEST

/* Whatever the order in which they are heard. */
START_TEST(three_claim_the_same)
{
    static const struct {
        const char *generations, *owner;
    } cases[] = {{"445", "c"}, {"454", "b"}, {"544", "a"}, {"554", "!"}, {"545", "!"},
                 {"455", "!"}, {"444", "!"}, {"345", "c"}, {"543", "a"}};
    char text[128];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *g = cases[i].generations;

        (void)snprintf(text, sizeof text,
                       "t p 1 -\nm a - - %c p p:0\nm b - - %c p p:0\nm c - - %c p p:0", g[0], g[1],
                       g[2]);
        weigh(text, KFK__FROM_SUBSCRIPTION);
        ck_assert(owners_are(cases[i].owner));
    }
}
END_TEST

/* To say it twice is no contest; what is not there, and what nobody subscribes to, is nothing. */
START_TEST(claims_of_what_cannot_be)
{
    weigh("t p 2 -\nt q 2 -\n"
          "m a - - 5 p p:0,0,-1,2,99,2147483647,-2147483648/p:0/q:0/gone:1\nm b - - -1 p -",
          KFK__FROM_SUBSCRIPTION);
    ck_assert(owners_are("a-"));
    ck_assert(former_are("--"));
}
END_TEST

/* What does not say since when is older than what does, and equal to what does not either. */
START_TEST(claims_without_a_generation)
{
    weigh("t p 3 -\nm a - - -1 p p:0,1\nm b - - 0 p p:0\nm c - - -5 p p:1,2",
          KFK__FROM_SUBSCRIPTION);
    ck_assert(owners_are("b!c"));
    ck_assert(former_are("aac"));
}
END_TEST

/* A subscription before version 2 has no generation of its own. */
START_TEST(generation_from_user_data)
{
    static const uint8_t five[] = {0, 0, 0, 5}, four[] = {0, 0, 0, 4};

    group_of("t p 1 -\nm a - - -1 p p:0\nm b - - -1 p p:0");
    members[0].user_data = kfk__bytes(five, 4);
    members[1].user_data = kfk__bytes(four, 4);
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_OK);
    ck_assert_int_eq(kfk__claims_init(&c, &r, KFK__FROM_SUBSCRIPTION), KFK_OK);
    ck_assert(owners_are("a"));
    ck_assert(former_are("b"));
}
END_TEST

/* sticky is eager: what a subscription says is owned is given up before the member joins. */
START_TEST(sticky_believes_user_data_alone)
{
    group_of("t p 1 -\nm a - - 5 p p:0");
    ck_assert_int_eq(kfk__roster_init(&r, &group, KFK__BY_ID, &answers), KFK_OK);
    ck_assert_int_eq(kfk__claims_init(&c, &r, KFK__FROM_USER_DATA), KFK_OK);
    ck_assert(owners_are("-"));
}
END_TEST

START_TEST(what_bars)
{
    weigh(THREE, KFK__FROM_SUBSCRIPTION);
    ck_assert(!kfk__claims_bars(&c, 0, 0) && kfk__claims_bars(&c, 0, 1));
    ck_assert(kfk__claims_bars(&c, 1, 0) && !kfk__claims_bars(&c, 1, 1));
    ck_assert(kfk__claims_bars(&c, 2, 1) && kfk__claims_bars(&c, 2, 2));
    ck_assert(!kfk__claims_bars(&c, 3, 0));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_newest_is_believed,
                                  three_claim_the_same,
                                  claims_of_what_cannot_be,
                                  claims_without_a_generation,
                                  generation_from_user_data,
                                  sticky_believes_user_data_alone,
                                  what_bars,
                                  NULL};

    return run_groups("membership/claims", tests);
}
