/* Which request meets which rule. */
#include "batches.h"

#include "devbroker/fault.h"

static kfk__dev_faults f;

static void setup(void)
{
    kfk__dev_faults_init(&f);
}

static void teardown(void)
{
    kfk__dev_faults_clear(&f, &kfk__malloc_allocator);
}

static int64_t add(int16_t api, int32_t node, int32_t skip, int32_t count, int32_t value)
{
    kfk__dev_fault what = {.api = api, .node = node, .skip = skip, .count = count, .value = value};

    return kfk__dev_faults_add(&f, &kfk__malloc_allocator, &what);
}

/* The value of the rule that a request meets; 0: none. */
static int32_t meet(int16_t api, int32_t node)
{
    kfk__dev_fault out;

    return kfk__dev_faults_meet(&f, api, node, &out) ? out.value : 0;
}

START_TEST(rules_apply_to_their_api_and_node)
{
    add(0, 1, 0, -1, 10);
    add(KFK__DEV_ANY, 2, 0, -1, 20);
    add(3, KFK__DEV_ANY, 0, -1, 30);
    ck_assert_int_eq(meet(0, 1), 10);
    ck_assert_int_eq(meet(0, 2), 20);
    ck_assert_int_eq(meet(3, 2), 20);
    ck_assert_int_eq(meet(3, 1), 30);
    ck_assert_int_eq(meet(1, 1), 0);
}
END_TEST

START_TEST(rules_skip_and_are_used_up)
{
    int64_t id = add(0, 1, 2, 2, 10);

    ck_assert_int_eq(meet(0, 1), 0);
    ck_assert_int_eq(meet(0, 1), 0);
    ck_assert_int_eq(meet(0, 1), 10);
    ck_assert_int_eq(meet(0, 1), 10);
    ck_assert_int_eq(meet(0, 1), 0);
    ck_assert_int_eq(kfk__dev_faults_hits(&f, id), 2);
    ck_assert_int_eq(kfk__dev_faults_remove(&f, &kfk__malloc_allocator, id), 2);
    ck_assert_int_eq(kfk__dev_faults_hits(&f, id), -1);
}
END_TEST

START_TEST(the_oldest_rule_that_applies_is_met)
{
    add(0, 1, 0, 1, 10);
    add(0, 1, 0, 1, 20);
    ck_assert_int_eq(meet(0, 1), 10);
    ck_assert_int_eq(meet(0, 1), 20);
    ck_assert_int_eq(meet(0, 1), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/fault");
    TCase *t = tcase_create("fault");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, rules_apply_to_their_api_and_node);
    tcase_add_test(t, rules_skip_and_are_used_up);
    tcase_add_test(t, the_oldest_rule_that_applies_is_met);
    suite_add_tcase(s, t);
    return run_suite(s);
}
