/* Topic settings: names, values, and what is wrong with them in Kafka's words. */
#include "batches.h"

#include "devbroker/config.h"

static int row(const char *name)
{
    return kfk__dev_config_index(name, strlen(name));
}

START_TEST(names_are_ordered_and_found)
{
    for (int i = 0; i < KFK__DEV_N_CONFIGS; i++) {
        ck_assert_int_eq(row(kfk__dev_config_defs[i].name), i);
        ck_assert(kfk__dev_config_valid(i, kfk__dev_config_defs[i].def));
        if (i > 0)
            ck_assert_int_lt(strcmp(kfk__dev_config_defs[i - 1].name, kfk__dev_config_defs[i].name),
                             0);
    }
    ck_assert_int_eq(row("no.such.setting"), -1);
}
END_TEST

static const struct {
    const char *name, *value, *error; /* error NULL: valid */
} values[] = {
    {"retention.ms", "-1", NULL},
    {"retention.ms", "-2",
     "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
    {"retention.ms", "abc",
     "Invalid value abc for configuration retention.ms: Not a number of type LONG"},
    {"retention.ms", "",
     "Invalid value  for configuration retention.ms: Not a number of type LONG"},
    {"retention.ms", "9223372036854775808",
     "Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG"},
    {"compression.gzip.level", "10",
     "Invalid value 10 for configuration compression.gzip.level: Value must be no more than 9"},
    {"max.message.bytes", "1x",
     "Invalid value 1x for configuration max.message.bytes: Not a number of type INT"},
    {"cleanup.policy", "compact,delete", NULL},
    {"cleanup.policy", "compact,keep",
     "Invalid value compact,keep for configuration cleanup.policy: String must be one of: compact, "
     "delete"},
    {"message.timestamp.type", "LogAppendTime", NULL},
    {"preallocate", "maybe",
     "Invalid value maybe for configuration preallocate: Expected value to be either true or "
     "false"},
    {"min.cleanable.dirty.ratio", "0.25", NULL},
    {"min.cleanable.dirty.ratio", "x",
     "Invalid value x for configuration min.cleanable.dirty.ratio: Not a number of "
     "type DOUBLE"},
};

START_TEST(values_are_checked)
{
    kfk__arena a;
    kfk_bytes why;

    kfk__arena_init(&a, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__dev_config_valid(row(values[_i].name), values[_i].value),
                     values[_i].error == NULL);
    if (values[_i].error) {
        why = kfk__dev_config_error(row(values[_i].name), values[_i].value, &a);
        ck_assert_str_eq(why.data, values[_i].error);
    }
    kfk__arena_fini(&a);
}
END_TEST

START_TEST(what_is_set_is_acted_on)
{
    kfk__dev_config c;

    kfk__dev_config_init(&c);
    ck_assert_int_eq(c.max_message_bytes, 1048588);
    ck_assert_int_eq(c.min_insync, 1);
    ck_assert(!c.compacted && !c.log_append);
    ck_assert_int_eq(
        kfk__dev_config_set(&c, &kfk__malloc_allocator, row("min.insync.replicas"), "2"), KFK_OK);
    ck_assert_int_eq(
        kfk__dev_config_set(&c, &kfk__malloc_allocator, row("cleanup.policy"), "compact"), KFK_OK);
    ck_assert_int_eq(
        kfk__dev_config_set(&c, &kfk__malloc_allocator, row("min.insync.replicas"), "0"),
        KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(c.min_insync, 2);
    ck_assert(c.compacted);
    ck_assert_str_eq(kfk__dev_config_value(&c, row("cleanup.policy")), "compact");
    kfk__dev_config_fini(&c, &kfk__malloc_allocator);
    ck_assert_int_eq(c.min_insync, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/config");
    TCase *t = tcase_create("config");

    tcase_add_test(t, names_are_ordered_and_found);
    tcase_add_loop_test(t, values_are_checked, 0, (int)(sizeof values / sizeof *values));
    tcase_add_test(t, what_is_set_is_acted_on);
    suite_add_tcase(s, t);
    return run_suite(s);
}
