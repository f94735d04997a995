#include "config_test.h"

#define STRATEGY "partition.assignment.strategy"

static kfk_err assign(const kfk_assign_member *members, size_t n_members, kfk_assign_topic *topics,
                      size_t n_topics, void *arg)
{
    (void)members;
    (void)n_members;
    (void)topics;
    (void)n_topics;
    (void)arg;
    return KFK_OK;
}

static kfk_config *member(const char *strategy)
{
    const char *pairs[] = {"bootstrap.servers=a:1", "group.id=g", strategy, NULL};

    return config_of(pairs);
}

static void checked(const kfk_config *c, kfk_err want, const char *text)
{
    kfk_config *copy = kfk__config_copy(c, NULL);
    kfk_error e = {0};

    ck_assert_msg(kfk__config_check(copy, KFK_ROLE_GROUP, &e) == want, "%s", e.msg);
    if (want)
        ck_assert_msg(strstr(e.msg, text) != NULL, "%s", e.msg);
    kfk_config_free(copy);
}

START_TEST(may_come_before_or_after)
{
    kfk_config *c = member(STRATEGY "=mine,range");
    int arg = 0;

    checked(c, KFK_ERR_CONFIG,
            STRATEGY ": \"mine\" is none of Kafka's, and kfk_config_assignor did not name it");
    ck_assert_int_eq(kfk_config_assignor(c, "mine", 0, assign, NULL, NULL), KFK_OK);
    checked(c, KFK_OK, "");
    ck_assert_int_eq(
        kfk_config_assignor(c, "com.example.Yours", KFK_ASSIGNOR_COOPERATIVE, assign, &arg, NULL),
        KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, STRATEGY, "com.example.Yours,mine", NULL), KFK_OK);
    checked(c, KFK_OK, "");
    ck_assert_int_eq(kfk_config_set(c, STRATEGY, "com.example.Your", NULL), KFK_OK);
    checked(c, KFK_ERR_CONFIG, "; did you mean \"com.example.Yours\"?");
    ck_assert_int_eq(kfk_config_set(c, STRATEGY, "mine,range,mine", NULL), KFK_OK);
    checked(c, KFK_ERR_CONFIG, "mine comes twice");
    kfk_config_free(c);
}
END_TEST

START_TEST(copies_have_them)
{
    kfk_config *c = member(STRATEGY "=mine"), *copy;
    char name[] = "mine";
    int arg = 0;

    ck_assert_int_eq(kfk_config_assignor(c, name, KFK_ASSIGNOR_COOPERATIVE, assign, &arg, NULL),
                     KFK_OK);
    name[0] = 'x';
    copy = kfk__config_copy(c, NULL);
    ck_assert_int_eq(kfk_config_assignor(c, "another", 0, assign, NULL, NULL), KFK_OK);
    ck_assert_ptr_nonnull(kfk__config_assignor_at(c, 1));
    kfk_config_free(c);

    ck_assert_str_eq(kfk__config_assignor_at(copy, 0)->name, "mine");
    ck_assert_uint_eq(kfk__config_assignor_at(copy, 0)->flags, KFK_ASSIGNOR_COOPERATIVE);
    ck_assert(kfk__config_assignor_at(copy, 0)->fn == assign);
    ck_assert_ptr_eq(kfk__config_assignor_at(copy, 0)->arg, &arg);
    ck_assert_ptr_null(kfk__config_assignor_at(copy, 1));
    kfk_config_free(copy);
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"range", "there is an assignor \"range\" already"},
        {"cooperative-sticky", "there is an assignor \"cooperative-sticky\" already"},
        {"org.apache.kafka.clients.consumer.StickyAssignor", "StickyAssignor\" already"},
        {"mine", "there is an assignor \"mine\" already"},
        {"", "a name has 1 to 249 characters"},
        {"a,b", "none of them a comma"},
        {" a", "none of them"},
        {"a\n", "none of them"},
        {"a\177", "none of them"},
    };
    kfk_config *c = kfk_config_new(NULL);
    char name[252];
    kfk_error e;

    ck_assert_int_eq(kfk_config_assignor(c, "mine", 0, assign, NULL, &e), KFK_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(kfk_config_assignor(c, rows[i].name, 0, assign, NULL, &e),
                         KFK_ERR_INVALID_ARG);
        ck_assert_msg(strstr(e.msg, rows[i].text) != NULL, "%s", e.msg);
    }
    memset(name, 'n', sizeof name);
    name[250] = '\0';
    ck_assert_int_eq(kfk_config_assignor(c, name, 0, assign, NULL, NULL), KFK_ERR_INVALID_ARG);
    name[249] = '\0';
    ck_assert_int_eq(kfk_config_assignor(c, name, 0, assign, NULL, NULL), KFK_OK);
    ck_assert_int_eq(kfk_config_assignor(c, "x", 2, assign, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_str_eq(e.msg, "kfk_config_assignor: flags=0x2: unknown");
    ck_assert_int_eq(kfk_config_assignor(NULL, "x", 0, assign, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_assignor(c, NULL, 0, assign, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_assignor(c, "x", 0, NULL, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_ptr_null(kfk__config_assignor_at(c, 2));
    kfk_config_free(c);
}
END_TEST

static kfk_err scenario(const kfk_allocator *a)
{
    kfk_config *c = kfk_config_new(a), *copy = NULL;
    kfk_err err = c ? KFK_OK : KFK_ERR_NOMEM;

    for (int i = 0; !err && i < 3; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        err = kfk_config_assignor(c, name, 0, assign, NULL, NULL);
        ck_assert_int_eq(err != KFK_OK, c->assignors.n <= (size_t)i);
    }
    if (!err) {
        copy = kfk__config_copy(c, NULL);
        err = copy ? KFK_OK : KFK_ERR_NOMEM;
    }
    kfk_config_free(copy);
    kfk_config_free(c);
    return err;
}

START_TEST(every_allocation_may_fail)
{
    heap h = {0};
    kfk_allocator a = heap_allocator(&h);
    long failed = 0;
    kfk_err err;

    do {
        h.left = failed++;
        err = scenario(&a);
        ck_assert(err == KFK_OK || err == KFK_ERR_NOMEM);
        ck_assert_int_eq(h.live, 0);
    } while (err);
    ck_assert_int_gt(failed, 13);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/assignor");
    TCase *t = tcase_create("assignor");

    tcase_add_test(t, may_come_before_or_after);
    tcase_add_test(t, copies_have_them);
    tcase_add_test(t, refusals);
    tcase_add_test(t, every_allocation_may_fail);
    suite_add_tcase(s, t);
    return run_suite(s);
}
