/* The assignors by name, what is true of all of them, and those of users. */
#include "chosen.h"

START_TEST(by_either_name)
{
    static const char *const names[] = {"range", "roundrobin", "sticky", "cooperative-sticky"};
    static const char *const classes[] = {"RangeAssignor", "RoundRobinAssignor", "StickyAssignor",
                                          "CooperativeStickyAssignor"};
    char text[128];

    for (int i = 0; i < KFK__N_ASSIGNORS; i++) {
        const kfk__assignor *a = called(names[i]);

        (void)snprintf(text, sizeof text, "org.apache.kafka.clients.consumer.%s", classes[i]);
        ck_assert_ptr_eq(called(text), a);
        ck_assert(kfk__bytes_equal(a->name, kfk__bytes_str(names[i])));
        ck_assert_int_eq(a->version, 0);
        ck_assert_int_eq(a->user_data != NULL, i >= 2);
        ck_assert_uint_eq(a->protocols, i == 3 ? KFK__EAGER | KFK__COOPERATIVE : KFK__EAGER);
    }
    ck_assert_ptr_null(kfk__assignor_find(kfk__bytes_str("Range"), NULL, 0));
    ck_assert_ptr_null(kfk__assignor_find(kfk__bytes_str(""), NULL, 0));
    ck_assert_ptr_null(kfk__assignor_find((kfk_bytes){0}, NULL, 0));
}
END_TEST

START_TEST(the_protocol_in_common)
{
    static const kfk__assignor only_cooperative = {.protocols = KFK__COOPERATIVE};
    const kfk__assignor *v[] = {called("cooperative-sticky"), called("range"), &only_cooperative};

    ck_assert_uint_eq(kfk__assignor_protocol(v, 1), KFK__COOPERATIVE);
    ck_assert_uint_eq(kfk__assignor_protocol(v, 2), KFK__EAGER);
    ck_assert_uint_eq(kfk__assignor_protocol(v, 3), 0);
    ck_assert_uint_eq(kfk__assignor_protocol(v, 0), 0);
}
END_TEST

/* ---- of all ---- */

/* Any order of what is given. */
static void shuffle(void)
{
    for (int32_t i = group.n_members - 1; i > 0; i--) {
        int32_t k = below(i + 1);
        kfk__assign_member m = members[i];

        members[i] = members[k];
        members[k] = m;
    }
    for (int32_t i = group.n_topics - 1; i > 0; i--) {
        int32_t k = below(i + 1);
        kfk__assign_topic t = topics[i];

        topics[i] = topics[k];
        topics[k] = t;
    }
    for (int32_t m = 0; m < group.n_members; m++) {
        kfk_bytes *names = keep(((size_t)members[m].n_topics + 1) * sizeof *names);

        for (int32_t i = 0; i < members[m].n_topics; i++)
            names[i] = members[m].topics[members[m].n_topics - 1 - i];
        members[m].topics = names;
    }
}

/* The answers, as texts, by the members' ids. */
static const char *texts[MOST_MEMBERS];
static kfk_bytes ids[MOST_MEMBERS];

static void note_answer(void)
{
    for (int32_t m = 0; m < group.n_members; m++) {
        const char *text = text_of(m);

        texts[m] = as_string(keep_bytes(text, strlen(text)));
        ids[m] = members[m].id;
    }
}

static void must_be_as_noted(void)
{
    for (int32_t m = 0; m < group.n_members; m++)
        for (int32_t k = 0; k < group.n_members; k++)
            if (kfk__bytes_equal(ids[k], members[m].id))
                ck_assert_str_eq(text_of(m), texts[k]);
}

START_TEST(order_makes_no_difference)
{
    for (int i = 0; i < 1000; i++) {
        const kfk__assignor *a = &kfk__assignors[below(KFK__N_ASSIGNORS)];

        choose_any(i);
        write_user_data(a);
        assign(a);
        note_answer();
        shuffle();
        assign(a);
        must_be_as_noted();
    }
}
END_TEST

/* ---- without memory: racks, several topics, claims; all subscribe to the same, or not ---- */

static const char same[] = "t pa 3 a/b/a,b\nt pb 3 b/a/-\nt pc 1 a\n"
                           "m A i1 a 2 pa,pb,pc pa:0,1 -\nm B - b 2 pa,pb,pc pb:0/pc:0 -\n"
                           "m C - - 1 pa,pb,pc pa:1 -";
static const char different[] = "t pa 3 a/b/a,b\nt pb 3 b/a/-\nt pc 1 a\n"
                                "m A i1 a 2 pa,pb pa:0,1 -\nm B - b 2 pa,pb,pc pb:0/pc:0 -\n"
                                "m C - - 1 pc,gone pa:1 -";

static void sweep(const char *text, const kfk__assignor *a)
{
    failalloc_fail_once(&mem, 0);
    group_of(text);
    write_user_data(a);
    for (uint64_t n = 1;; n++) {
        kfk_error e;
        kfk_err err;

        kfk__arena_fini(&answers);
        failalloc_fail_once(&mem, n);
        err = kfk__assignor_run(a, KFK__EAGER, &group, &answers, &answer, &e);
        if (!failalloc_failed(&mem)) {
            ck_assert_int_eq(err, KFK_OK);
            ck_assert_uint_gt(n, 2);
            return;
        }
        ck_assert_int_eq(err, KFK_ERR_NOMEM);
        ck_assert_int_eq(e.code, KFK_ERR_NOMEM);
    }
}

static kfk_err as_range(const kfk__assignor *self, const kfk__assign_group *in, kfk__arena *arena,
                        const kfk__assign_share **out, kfk_error *e)
{
    return kfk__assignors[0].assign(self, in, arena, out, e);
}

START_TEST(without_memory)
{
    const kfk__assignor users = {.name = kfk__bytes_str("mine"), .assign = as_range};

    for (int i = 0; i < KFK__N_ASSIGNORS; i++) {
        sweep(same, &kfk__assignors[i]);
        sweep(different, &kfk__assignors[i]);
    }
    sweep(different, &users);
}
END_TEST

/* With many members and topics there are more allocations, and more ways out. */
START_TEST(without_memory_for_many)
{
    shape s = {30, 30, 30, IN_RACKS | OWNING};

    choose_group(&s);
    for (int i = 0; i < KFK__N_ASSIGNORS; i++) {
        const kfk__assignor *a = &kfk__assignors[i];
        kfk_err err = KFK_ERR_NOMEM;
        kfk_error e;

        failalloc_fail_once(&mem, 0);
        write_user_data(a);
        for (uint64_t n = 1; err == KFK_ERR_NOMEM; n++) {
            kfk__arena_fini(&answers);
            failalloc_fail_once(&mem, n);
            err = a->assign(a, &group, &answers, &answer, &e);
            ck_assert_int_eq(err != KFK_OK, failalloc_failed(&mem));
        }
        ck_assert_int_eq(err, KFK_OK);
    }
}
END_TEST

START_TEST(a_member_that_comes_twice)
{
    group_of("t p 1 -\nm a - - -1 p -\nm a - - -1 p -");
    for (int i = 0; i < KFK__N_ASSIGNORS; i++) {
        kfk_error e;

        ck_assert_int_eq(
            kfk__assignor_run(&kfk__assignors[i], KFK__EAGER, &group, &answers, &answer, &e),
            KFK_ERR_INVALID_ARG);
        ck_assert_ptr_nonnull(strstr(e.msg, (const char *)kfk__assignors[i].name.data));
    }
}
END_TEST

/* ---- a user's: it says what its argument says, each member's after the other's ---- */

static kfk_err as_told(const kfk__assignor *self, const kfk__assign_group *in, kfk__arena *arena,
                       const kfk__assign_share **out, kfk_error *e)
{
    const char *const *say = self->arg;
    kfk__assign_share *v = kfk__arena_alloc(arena, (size_t)in->n_members * sizeof *v);

    (void)e;
    if (!say)
        return KFK_ERR_STATE;
    for (int32_t m = 0; v && m < in->n_members; m++) {
        v[m] = (kfk__assign_share){.user_data = kfk__bytes_str("data")};
        v[m].topics = parts_of(say[m], &v[m].n);
    }
    *out = v;
    return v ? KFK_OK : KFK_ERR_NOMEM;
}

static kfk_err run_told(const char *const *say, uint32_t protocol, kfk_error *e)
{
    kfk__assignor users = {.name = kfk__bytes_str("mine"),
                           .protocols = KFK__EAGER | KFK__COOPERATIVE,
                           .assign = as_told};
    const kfk__assignor *own = &users;

    memcpy(&users.arg, &say, sizeof say);
    ck_assert_ptr_eq(kfk__assignor_find(kfk__bytes_str("mine"), &own, 1), own);
    ck_assert_ptr_eq(kfk__assignor_find(kfk__bytes_str("range"), &own, 1), called("range"));
    group_of("t pa 2 -\nt pb 2 -\nm A - - 1 pa,pb pa:0\nm B - - 1 pa pa:1");
    return kfk__assignor_run(own, protocol, &group, &answers, &answer, e);
}

static void told(const char *a, const char *b, uint32_t protocol, const char *why)
{
    const char *const say[] = {a, b};
    kfk_error e;

    ck_assert_int_eq(run_told(say, protocol, &e), why ? KFK_ERR_INVALID_ARG : KFK_OK);
    if (why)
        ck_assert_str_eq(e.msg, why);
    else
        ck_assert(kfk__bytes_equal(answer[1].user_data, kfk__bytes_str("data")));
}

START_TEST(users_are_looked_at)
{
    kfk_error e;

    told("pa:0,1/pb:0,1", "-", KFK__EAGER, NULL);
    told("-", "-", KFK__EAGER, NULL);
    told("pb:0/pb:1", "pa:1", KFK__EAGER, NULL);
    told("pa:0", "pa:0", KFK__EAGER,
         "the assignor mine gives partition 0 of pa to member B: it is given away already");
    told("pa:0,0", "-", KFK__EAGER,
         "the assignor mine gives partition 0 of pa to member A: it is given away already");
    told("pa:2", "-", KFK__EAGER,
         "the assignor mine gives partition 2 of pa to member A: there is no such partition");
    told("pa:-1", "-", KFK__EAGER,
         "the assignor mine gives partition -1 of pa to member A: there is no such partition");
    told("-", "pb:1", KFK__EAGER,
         "the assignor mine gives partition 1 of pb to member B: there is no such topic, or it "
         "does not subscribe to it");
    told("gone:0", "-", KFK__EAGER,
         "the assignor mine gives partition 0 of gone to member A: there is no such topic, or it "
         "does not subscribe to it");
    told("pa:0", "pa:1", KFK__COOPERATIVE, NULL);
    told("pa:1", "pa:0", KFK__EAGER, NULL);
    told("-", "pa:0", KFK__COOPERATIVE,
         "the assignor mine gives partition 0 of pa to member B: it must be taken from another "
         "one first");
    ck_assert_int_eq(run_told(NULL, KFK__EAGER, &e), KFK_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(e.msg, "mine"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {by_either_name,
                                  the_protocol_in_common,
                                  order_makes_no_difference,
                                  without_memory,
                                  without_memory_for_many,
                                  a_member_that_comes_twice,
                                  users_are_looked_at,
                                  NULL};

    return run_groups("membership/assignors", tests);
}
