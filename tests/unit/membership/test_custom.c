/* Assignors of the application: what they are told, and what becomes of what they say. */
#include "chosen.h"

#include <stdarg.h>

#include "membership/custom.h"

/* ---- one that does as its argument says ---- */

typedef struct told {
    kfk_assign_fn *then; /* what it does beside looking */
    kfk_err err;
    int n; /* calls */
    char text[1 << 12];
} told;

static void note(told *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(told *t, const char *fmt, ...)
{
    size_t at = strlen(t->text);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(t->text + at, sizeof t->text - at, fmt, ap);
    va_end(ap);
}

static void note_member(told *t, const kfk_assign_member *m)
{
    note(t, "m %s %s %s", m->id, m->instance ? m->instance : "-", m->rack ? m->rack : "-");
    for (size_t i = 0; i < m->n_topics; i++)
        note(t, "%s%s", i ? "," : " ", m->topics[i]);
    for (size_t i = 0; i < m->n_owned; i++)
        note(t, " %s:%d", m->owned[i].topic, (int)m->owned[i].partition);
    note(t, "\n");
}

static kfk_err look(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                    size_t n_topics, void *arg)
{
    told *t = arg;

    t->n++;
    t->text[0] = '\0';
    for (size_t i = 0; i < n_members; i++)
        note_member(t, &m[i]);
    for (size_t i = 0; i < n_topics; i++) {
        note(t, "t %s %d\n", topic[i].topic, (int)topic[i].n_partitions);
        for (int32_t p = 0; p < topic[i].n_partitions; p++)
            ck_assert_int_eq(topic[i].owner[p], -1);
    }
    return t->then && !t->err ? t->then(m, n_members, topic, n_topics, NULL) : t->err;
}

/* All of all topics to the last member that reads any. */
static kfk_err all_to_last(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                           size_t n_topics, void *arg)
{
    (void)arg;
    (void)m;
    for (size_t i = 0; i < n_topics; i++)
        for (int32_t p = 0; p < topic[i].n_partitions; p++)
            topic[i].owner[p] = (int32_t)n_members - 1;
    return KFK_OK;
}

/* To any that reads it, by chance, or to nobody. */
static kfk_err by_chance(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                         size_t n_topics, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < n_topics; i++)
        for (int32_t p = 0; p < topic[i].n_partitions; p++) {
            int32_t k = below((int32_t)n_members);

            for (size_t n = 0; n < m[k].n_topics; n++)
                if (m[k].topics[n] == topic[i].topic)
                    topic[i].owner[p] = k;
        }
    return KFK_OK;
}

static kfk_err beyond(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                      size_t n_topics, void *arg)
{
    (void)m;
    (void)arg;
    topic[n_topics - 1].owner[1] = (int32_t)n_members;
    return KFK_OK;
}

static kfk_err below_nobody(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                            size_t n_topics, void *arg)
{
    (void)m;
    (void)n_members;
    (void)n_topics;
    (void)arg;
    topic[0].owner[0] = INT32_MIN;
    return KFK_OK;
}

/* What it was given is not what it was when it returns. */
static kfk_err scribbles(const kfk_assign_member *m, size_t n_members, kfk_assign_topic *topic,
                         size_t n_topics, void *arg)
{
    static int32_t mine[8];

    (void)m;
    (void)n_members;
    (void)arg;
    topic[0].owner[0] = 0;
    for (size_t i = 0; i < n_topics; i++)
        topic[i] = (kfk_assign_topic){"no such topic", 1 << 30, mine};
    return KFK_OK;
}

/* ---- running it ---- */

static kfk__assignor_list list;

static kfk_err run(told *t, uint32_t flags, kfk_error *e)
{
    const kfk__custom own = {"mine", flags, look, t};
    const kfk_bytes name = kfk__bytes_str("mine");
    kfk_err err = kfk__assignors_of(&list, &name, 1, &own, 1, &alloc, e);

    kfk__arena_reset(&answers);
    if (!err)
        err = kfk__assignor_run(list.v[0], kfk__assignor_protocol(list.v, list.n), &group, &answers,
                                &answer, e);
    kfk__assignor_list_fini(&list);
    return err;
}

static const char plain[] = "t pb 2 -\nt pa 3 -\nt empty 0 -\n"
                            "m B - r1 4 pb,pa,gone,pa pa:1,0\nm A - - 4 pa pa:2\n"
                            "m C i - 4 pb,empty pb:0,1";

START_TEST(what_it_is_told)
{
    told t = {0};

    group_of(plain);
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(t.text, "m C i - pb pb:0 pb:1\nm A - - pa pa:2\nm B - r1 pa,pb pa:1 pa:0\n"
                             "t pa 3\nt pb 2\n");
    for (int32_t m = 0; m < 3; m++)
        ck_assert_str_eq(text_of(m), "-");
}
END_TEST

/* Claims come from other clients. */
START_TEST(only_what_there_is)
{
    told t = {0};

    group_of(
        "t p 2 -\nt q 1 -\nm A - - 4 p p:-1,2,0,0,2147483647/gone:0/q:0/p:0,1\nm B - - 4 - p:1\n"
        "m C - - -1 q -");
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(t.text, "m A - - p p:0 q:0 p:1\nm B - - p:1\nm C - - q\nt p 2\nt q 1\n");
}
END_TEST

START_TEST(nothing_to_share_out)
{
    told t = {0};

    group_of("t p 2 -\nm A - - -1 gone -");
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(t.text, "m A - -\n");
    group_of("t p 2 -");
    ck_assert_int_eq(run(&t, KFK_ASSIGNOR_COOPERATIVE, NULL), KFK_OK);
    ck_assert_str_eq(t.text, "");
    ck_assert_int_eq(t.n, 2);
}
END_TEST

START_TEST(order_makes_no_difference)
{
    char before[1 << 12];
    told t = {0};

    group_of(plain);
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    strcpy(before, t.text);
    group_of("t empty 0 -\nt pa 3 -\nt pb 2 -\nm C i - 4 empty,pb pb:0,1\n"
             "m A - - 4 pa pa:2\nm B - r1 4 pa,pb,gone pa:1,0");
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(t.text, before);
}
END_TEST

static void refused(told t, const char *text)
{
    kfk_error e;

    group_of("t p 2 -\nt q 1 -\nm A - - 4 p,q -\nm B - - 4 p p:0");
    ck_assert_int_eq(run(&t, 0, &e), KFK_ERR_INVALID_ARG);
    ck_assert_str_eq(e.msg, text);
    ck_assert_int_eq(e.code, KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(run(&t, 0, NULL), KFK_ERR_INVALID_ARG);
}

START_TEST(hostile_answers)
{
    refused((told){.then = below_nobody},
            "the assignor mine gives partition 0 of p to member -2147483648, of 2");
    refused((told){.then = all_to_last}, "the assignor mine gives partition 0 of q to member B: "
                                         "there is no such topic, or it does not subscribe to it");
}
END_TEST

START_TEST(a_member_that_there_is_not)
{
    told t = {.then = beyond};
    kfk_error e;

    group_of("t p 2 -\nm A - - 4 p -\nm B - - 4 p p:0");
    ck_assert_int_eq(run(&t, KFK_ASSIGNOR_COOPERATIVE, &e), KFK_ERR_INVALID_ARG);
    ck_assert_str_eq(e.msg, "the assignor mine gives partition 1 of p to member 2, of 2");
}
END_TEST

/* A code of the group's would be taken for the coordinator's. */
START_TEST(its_errors)
{
    refused((told){.err = KFK_ERR_FENCED_INSTANCE_ID},
            "the assignor mine failed with FENCED_INSTANCE_ID (82)");
    refused((told){.err = KFK_ERR_STATE}, "the assignor mine failed with KFK_ERR_STATE (-1008)");
    refused((told){.err = 12345}, "the assignor mine failed with UNKNOWN (12345)");
}
END_TEST

START_TEST(its_lack_of_memory)
{
    told t = {.err = KFK_ERR_NOMEM};
    kfk_error e;

    group_of(plain);
    ck_assert_int_eq(run(&t, 0, &e), KFK_ERR_NOMEM);
    ck_assert_int_eq(e.code, KFK_ERR_NOMEM);
}
END_TEST

START_TEST(only_owners_are_looked_at)
{
    told t = {.then = scribbles};

    group_of("t p 2 -\nt q 1 -\nm A - - 4 p,q -\nm B - - 4 p -");
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(text_of(0), "p:0");
    ck_assert_str_eq(text_of(1), "-");
}
END_TEST

/* KIP-429: what moves does so in two rounds. */
START_TEST(what_others_have_is_withheld)
{
    told t = {.then = all_to_last};

    group_of("t p 4 -\nm A - - 4 p p:0,1\nm B - - 4 p p:2");
    ck_assert_int_eq(run(&t, KFK_ASSIGNOR_COOPERATIVE, NULL), KFK_OK);
    ck_assert_str_eq(text_of(0), "-");
    ck_assert_str_eq(text_of(1), "p:2,3");
    group_of("t p 4 -\nm A - - 5 p -\nm B - - 5 p p:2,3");
    ck_assert_int_eq(run(&t, KFK_ASSIGNOR_COOPERATIVE, NULL), KFK_OK);
    ck_assert_str_eq(text_of(1), "p:0,1,2,3");
    /* Of two that claim it neither has it. */
    group_of("t p 1 -\nm A - - 5 p p:0\nm B - - 5 p p:0");
    ck_assert_int_eq(run(&t, KFK_ASSIGNOR_COOPERATIVE, NULL), KFK_OK);
    ck_assert_str_eq(text_of(1), "-");

    group_of("t p 4 -\nm A - - 4 p p:0,1\nm B - - 4 p p:2");
    ck_assert_int_eq(run(&t, 0, NULL), KFK_OK);
    ck_assert_str_eq(text_of(1), "p:0,1,2,3");
}
END_TEST

START_TEST(any_group)
{
    for (int i = 0; i < 2000; i++) {
        told t = {.then = by_chance};
        static measure got;
        kfk_error e;

        choose_any(i);
        ck_assert_msg(run(&t, i & 1 ? KFK_ASSIGNOR_COOPERATIVE : 0, &e) == KFK_OK, "%s", e.msg);
        take_measure(answer, &got);
    }
}
END_TEST

START_TEST(without_memory)
{
    told t = {.then = by_chance};

    group_of(plain);
    for (uint64_t n = 1;; n++) {
        kfk_error e;
        kfk_err err;

        kfk__arena_fini(&answers);
        failalloc_fail_once(&mem, n);
        err = run(&t, KFK_ASSIGNOR_COOPERATIVE, &e);
        if (!failalloc_failed(&mem)) {
            ck_assert_int_eq(err, KFK_OK);
            ck_assert_uint_gt(n, 3);
            return;
        }
        ck_assert_int_eq(err, KFK_ERR_NOMEM);
        ck_assert_int_eq(e.code, KFK_ERR_NOMEM);
    }
}
END_TEST

/* With many members there are more allocations, and more ways out. */
START_TEST(without_memory_for_many)
{
    const shape s = {60, 60, 60, IN_RACKS | OWNING};
    kfk_err err = KFK_ERR_NOMEM;
    uint64_t n = 1;

    choose_group(&s);
    for (; err == KFK_ERR_NOMEM; n++) {
        told t = {.err = KFK_OK};
        kfk_error e;

        kfk__arena_fini(&answers);
        failalloc_fail_once(&mem, n);
        err = run(&t, KFK_ASSIGNOR_COOPERATIVE, &e);
        ck_assert_int_eq(err != KFK_OK, failalloc_failed(&mem));
    }
    ck_assert_int_eq(err, KFK_OK);
    ck_assert_uint_gt(n, 10);
}
END_TEST

/* ---- the list ---- */

START_TEST(a_list)
{
    char name[] = "mine";
    told t = {0};
    const kfk__custom own[] = {{"theirs", KFK_ASSIGNOR_COOPERATIVE, look, &t}, {name, 0, look, &t}};
    const kfk_bytes names[] = {kfk__bytes_str("mine"), kfk__bytes_str("cooperative-sticky"),
                               kfk__bytes_str("theirs")};

    ck_assert_int_eq(kfk__assignors_of(&list, names, 3, own, 2, &alloc, NULL), KFK_OK);
    memset(name, 'x', 4);
    ck_assert_uint_eq(list.n, 3);
    ck_assert(kfk__bytes_equal(list.v[0]->name, kfk__bytes_str("mine")));
    ck_assert_uint_eq(list.v[0]->protocols, KFK__EAGER);
    ck_assert_ptr_eq(list.v[1], called("cooperative-sticky"));
    ck_assert_uint_eq(list.v[2]->protocols, KFK__EAGER | KFK__COOPERATIVE);
    ck_assert_ptr_null(list.v[2]->user_data);
    ck_assert_uint_eq(kfk__assignor_protocol(list.v, 3), KFK__EAGER);
    ck_assert_uint_eq(kfk__assignor_protocol(list.v + 1, 2), KFK__COOPERATIVE);
    kfk__assignor_list_fini(&list);

    ck_assert_int_eq(kfk__assignors_of(&list, NULL, 0, NULL, 0, &alloc, NULL), KFK_OK);
    ck_assert_uint_eq(list.n, 0);
    kfk__assignor_list_fini(&list);
    kfk__assignor_list_fini(&list);
}
END_TEST

START_TEST(a_name_that_nobody_knows)
{
    const kfk_bytes names[] = {kfk__bytes_str("range"), kfk__bytes_str("mine")};
    kfk_error e;

    ck_assert_int_eq(kfk__assignors_of(&list, names, 2, NULL, 0, &alloc, &e), KFK_ERR_CONFIG);
    ck_assert_str_eq(e.msg, "there is no assignor \"mine\"");
    kfk__assignor_list_fini(&list);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_it_is_told,
                                  only_what_there_is,
                                  nothing_to_share_out,
                                  order_makes_no_difference,
                                  hostile_answers,
                                  a_member_that_there_is_not,
                                  its_errors,
                                  its_lack_of_memory,
                                  only_owners_are_looked_at,
                                  what_others_have_is_withheld,
                                  any_group,
                                  without_memory,
                                  without_memory_for_many,
                                  a_list,
                                  a_name_that_nobody_knows,
                                  NULL};

    return run_groups("membership/custom", tests);
}
