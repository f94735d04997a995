/* Command lines, as the parser of Kafka's tools (jopt-simple 5.0.4) takes them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/kfk/args.h"

enum { LIST, TOPIC, CONFIG, PARTITIONS, CODEC, PROPS, WAIT, N_OPTIONS };

static const args_option options[] = {
    [LIST] = {"list", ARGS_NOTHING, NULL, "a flag"},
    [TOPIC] = {"topic", ARGS_VALUE, "topic", "one value"},
    [CONFIG] = {"producer.config", ARGS_VALUE, "file", "a name with a dot"},
    [PARTITIONS] = {"partitions", ARGS_VALUE, "number", "a number"},
    [CODEC] = {"codec", ARGS_OPTIONAL, "codec", "a value or none"},
    [PROPS] = {"props", ARGS_VALUES, "name=value", "several values at once"},
    [WAIT] = {"wait", ARGS_NUMBER, "ms", "a number or none"},
};

static args a;

/* The words of a line, which are valid until the next call. */
static int split(const char *line, char **words)
{
    static char copy[512];
    int n = 0;

    strncpy(copy, line, sizeof copy - 1);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[n++] = word;
    return n;
}

static bool parse(const char *line)
{
    char *words[32];

    return args_parse(&a, options, N_OPTIONS, split(line, words), words);
}

static bool parse_strict(const char *line)
{
    char *words[32];

    return args_parse_strict(&a, options, N_OPTIONS, split(line, words), words);
}

static void teardown(void)
{
    args_fini(&a);
}

START_TEST(forms_of_a_value)
{
    static const char *const lines[] = {
        "--topic x",         "--topic=x",        "-topic x",           "-topic=x",
        "stray --topic x y", "--list --topic x", "--topic x -- --list"};

    ck_assert(parse(lines[_i]));
    ck_assert_int_eq(args_count(&a, TOPIC), 1);
    ck_assert_str_eq(args_at(&a, TOPIC, 0), "x");
    ck_assert_int_eq(args_has(&a, LIST), _i == 5);
}
END_TEST

START_TEST(takes_what_it_needs)
{
    int64_t n = 0;

    ck_assert(parse("--topic --list --partitions -1 --producer.config=a=b"));
    ck_assert_str_eq(args_at(&a, TOPIC, 0), "--list");
    ck_assert(!args_has(&a, LIST));
    ck_assert(args_number(&a, PARTITIONS, INT32_MIN, INT32_MAX, &n));
    ck_assert_int_eq(n, -1);
    ck_assert_str_eq(args_at(&a, CONFIG, 0), "a=b");
}
END_TEST

START_TEST(empty_values)
{
    static char topic[] = "--topic", empty[] = "", config[] = "--producer.config=";
    char *const words[] = {topic, empty, config};

    ck_assert(args_parse(&a, options, N_OPTIONS, 3, words));
    ck_assert_str_eq(args_at(&a, TOPIC, 0), "");
    ck_assert_str_eq(args_at(&a, CONFIG, 0), "");
}
END_TEST

START_TEST(value_or_none)
{
    static const struct {
        const char *line, *value;
    } cases[] = {{"--codec", NULL},      {"--codec zstd", "zstd"},  {"--codec --list", NULL},
                 {"--codec=lz4", "lz4"}, {"--codec - --list", "-"}, {"--codec -list", NULL}};

    ck_assert(parse(cases[_i].line));
    ck_assert(args_has(&a, CODEC));
    ck_assert_pstr_eq(args_at(&a, CODEC, 0), cases[_i].value);
}
END_TEST

START_TEST(number_or_none)
{
    static const struct {
        const char *line, *value;
    } cases[] = {{"--wait", NULL},      {"--wait 5", "5"},       {"--wait -1", "-1"},
                 {"--wait soon", NULL}, {"--wait=soon", "soon"}, {"--wait --list", NULL}};

    ck_assert(parse(cases[_i].line));
    ck_assert(args_has(&a, WAIT));
    ck_assert_pstr_eq(args_at(&a, WAIT, 0), cases[_i].value);
}
END_TEST

START_TEST(several_values)
{
    ck_assert(parse("--props a=1 b=2 --topic x --props c=3"));
    ck_assert_int_eq(args_count(&a, PROPS), 3);
    ck_assert_str_eq(args_at(&a, PROPS, 1), "b=2");
    ck_assert_str_eq(args_at(&a, PROPS, 2), "c=3");
    ck_assert_ptr_null(args_at(&a, PROPS, 3));
    ck_assert_str_eq(args_at(&a, TOPIC, 0), "x");
}
END_TEST

START_TEST(bad_lines)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"--topic", "Option topic requires an argument"},
        {"--list --props", "Option props requires an argument"},
        {"--no-such-option", "no-such-option is not a recognized option"},
        {"--no-such=3", "no-such is not a recognized option"},
        {"--topi x", "topi is not a recognized option"}, /* Kafka's tools take no abbreviations */
    };

    ck_assert(!parse(cases[_i].line));
    ck_assert_str_eq(a.why, cases[_i].why);
}
END_TEST

START_TEST(bad_numbers)
{
    static const char *const values[] = {
        "many", "1x", "2147483648", "-2147483649", "99999999999999999999", "0x10"};
    char line[64] = "--partitions ", why[128];
    int64_t n = 7;

    strcat(line, values[_i]);
    ck_assert(parse(line));
    ck_assert(!args_number(&a, PARTITIONS, INT32_MIN, INT32_MAX, &n));
    strcpy(why, "Cannot parse argument '");
    strcat(strcat(why, values[_i]), "' of option partitions");
    ck_assert_str_eq(a.why, why);
    ck_assert_int_eq(n, 7);
}
END_TEST

START_TEST(strict_takes_the_last_and_what_is_cut_short)
{
    const char *value;
    int64_t n = 0;

    ck_assert(parse_strict("--topic a --top=b --part -1 --props -2 -3.5 c --li"));
    ck_assert(args_one(&a, TOPIC, &value));
    ck_assert_str_eq(value, "b");
    ck_assert(args_number(&a, PARTITIONS, INT32_MIN, INT32_MAX, &n));
    ck_assert_int_eq(n, -1);
    ck_assert_int_eq(args_count(&a, PROPS), 3);
    ck_assert(args_has(&a, LIST));
}
END_TEST

START_TEST(strict_refuses)
{
    static const char *const lines[] = {"stray",     "--list stray", "--topic --list",
                                        "--topic",   "-topic x",     "--p 1",
                                        "--no-such", "--topic -1x",  "-h"};

    ck_assert(!parse_strict(lines[_i]));
    ck_assert(a.why[0]);
}
END_TEST

START_TEST(one_of_two)
{
    const char *value;
    int64_t n = 7;

    ck_assert(parse("--topic a --topic b --partitions 1 --partitions 2"));
    ck_assert_int_eq(args_count(&a, TOPIC), 2);
    ck_assert(!args_one(&a, TOPIC, &value));
    ck_assert_str_eq(a.why,
                     "Found multiple arguments for option topic, but you asked for only one");
    ck_assert(!args_number(&a, PARTITIONS, 0, 9, &n));
    ck_assert(args_number(&a, CODEC, 0, 9, &n)); /* not given: as it was */
    ck_assert_int_eq(n, 7);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("args");
    TCase *t = tcase_create("args");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, forms_of_a_value, 0, 7);
    tcase_add_test(t, takes_what_it_needs);
    tcase_add_test(t, empty_values);
    tcase_add_loop_test(t, value_or_none, 0, 6);
    tcase_add_loop_test(t, number_or_none, 0, 6);
    tcase_add_test(t, several_values);
    tcase_add_loop_test(t, bad_lines, 0, 5);
    tcase_add_loop_test(t, bad_numbers, 0, 6);
    tcase_add_test(t, strict_takes_the_last_and_what_is_cut_short);
    tcase_add_loop_test(t, strict_refuses, 0, 9);
    tcase_add_test(t, one_of_two);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
