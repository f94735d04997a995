/* Where keys go: where other clients put them. The numbers are librdkafka's (its own functions) and
 * sarama's, of the same keys. */
#include "producer/partitioner.h"

#include <string.h>

#include "unit/suite.h"

static const char *const keys[] = {"",   "a",  "abc", "foobar", "k0",
                                   "k1", "k2", "k3",  "k4",     "key-1234567890",
                                   "\xff\xfe\xfd"};

enum { KEYS = sizeof keys / sizeof *keys };

/* Of 100 partitions. */
static const struct {
    kfk__partitioner which;
    int32_t at[KEYS];
} golden[] = {
    {KFK__PARTITIONER_CONSISTENT, {0, 7, 78, 69, 51, 33, 7, 61, 22, 28, 61}},
    {KFK__PARTITIONER_MURMUR2, {81, 24, 7, 66, 45, 97, 53, 36, 60, 59, 92}},
    {KFK__PARTITIONER_DEFAULT, {81, 24, 7, 66, 45, 97, 53, 36, 60, 59, 92}},
    {KFK__PARTITIONER_MURMUR2_RANDOM, {81, 24, 7, 66, 45, 97, 53, 36, 60, 59, 92}},
    {KFK__PARTITIONER_FNV1A, {35, 76, 31, 76, 26, 7, 64, 45, 50, 6, 41}},
    {KFK__PARTITIONER_FNV1A_RANDOM, {35, 76, 31, 76, 26, 7, 64, 45, 50, 6, 41}},
    {KFK__PARTITIONER_FNV1A_REFERENCE, {13, 72, 31, 72, 22, 41, 84, 3, 98, 6, 7}},
    {KFK__PARTITIONER_CONSISTENT_RANDOM, {-1, 7, 78, 69, 51, 33, 7, 61, 22, 28, 61}},
    {KFK__PARTITIONER_RANDOM, {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
};

static kfk__partitioning how;

static void begin(kfk__partitioner which)
{
    kfk__partitioning_init(&how, which, false, NULL, NULL);
}

static int32_t place(const char *key, const char *value, int32_t n)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "t"};

    if (key)
        r.key = (kfk_bytes){key, strlen(key)};
    if (value)
        r.value = (kfk_bytes){value, strlen(value)};
    return kfk__partitioning_choose(&how, &r, "t", n);
}

START_TEST(keys_go_where_other_clients_put_them)
{
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        begin(golden[i].which);
        for (int k = 0; k < KEYS; k++)
            ck_assert_msg(place(keys[k], NULL, 100) == golden[i].at[k], "partitioner %d, key %d: %d",
                          golden[i].which, k, place(keys[k], NULL, 100));
    }
}
END_TEST

START_TEST(check_04_keys_as_java_places_them)
{
    static const int32_t at[] = {2, 2, 0, 1, 1};

    begin(KFK__PARTITIONER_DEFAULT);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(place(keys[4 + i], NULL, 3), at[i]);
}
END_TEST

/* CRC32 of an empty key is 0; the others are those of "" above. */
START_TEST(check_05_no_key_is_an_empty_one_or_none)
{
    static const struct {
        kfk__partitioner which;
        int32_t at;
    } cases[] = {
        {KFK__PARTITIONER_CONSISTENT, 0},         {KFK__PARTITIONER_MURMUR2, 81},
        {KFK__PARTITIONER_FNV1A, 35},             {KFK__PARTITIONER_DEFAULT, -1},
        {KFK__PARTITIONER_CONSISTENT_RANDOM, -1}, {KFK__PARTITIONER_MURMUR2_RANDOM, -1},
        {KFK__PARTITIONER_FNV1A_RANDOM, -1},      {KFK__PARTITIONER_FNV1A_REFERENCE, -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i].which);
        ck_assert_int_eq(place(NULL, NULL, 100), cases[i].at);
    }
}
END_TEST

START_TEST(round_robin_takes_turns_keys_or_not)
{
    begin(KFK__PARTITIONER_ROUND_ROBIN);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(place(i % 2 ? "key" : NULL, NULL, 3), KFK__CHOICE_TURN);
        ck_assert_int_eq(kfk__partitioning_turn(&how, 3), i % 3);
    }
    ck_assert(!how.plain);
}
END_TEST

START_TEST(keys_can_be_ignored)
{
    kfk__partitioning_init(&how, KFK__PARTITIONER_DEFAULT, true, NULL, NULL);
    ck_assert_int_eq(place("a", NULL, 100), -1);
    ck_assert(how.plain);
}
END_TEST

/* ---- the program's function ---- */

static int calls;

static int32_t by_value(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    ck_assert_str_eq(t->topic, "t");
    ck_assert_ptr_eq(arg, &calls);
    calls++;
    return (kfk_murmur2(r->value.data, r->value.len) & INT32_MAX) % t->n_partitions;
}

START_TEST(a_function_of_ones_own_is_asked_once_a_record)
{
    static const int32_t at[] = {2, 1, 0, 2, 0};
    static const char *const values[] = {"v0", "v1", "v2", "v3", "v4"};

    calls = 0;
    kfk__partitioning_init(&how, KFK__PARTITIONER_DEFAULT, false, by_value, &calls);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(place(NULL, values[i], 3), at[i]);
    ck_assert_int_eq(calls, 5);
    ck_assert(!how.plain);
}
END_TEST

static int32_t answer_of_fn;

static int32_t always(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    (void)r, (void)t, (void)arg;
    return answer_of_fn;
}

START_TEST(what_it_leaves_or_gets_wrong_goes_by_the_key)
{
    static const int32_t answers[] = {-1, -7, 100, INT32_MAX, INT32_MIN};

    kfk__partitioning_init(&how, KFK__PARTITIONER_DEFAULT, false, always, NULL);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        answer_of_fn = answers[i];
        ck_assert_int_eq(place("abc", NULL, 100), 7);
        ck_assert_int_eq(place(NULL, NULL, 100), -1);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {keys_go_where_other_clients_put_them,
                                  check_04_keys_as_java_places_them,
                                  check_05_no_key_is_an_empty_one_or_none,
                                  round_robin_takes_turns_keys_or_not,
                                  keys_can_be_ignored,
                                  a_function_of_ones_own_is_asked_once_a_record,
                                  what_it_leaves_or_gets_wrong_goes_by_the_key,
                                  NULL};

    return unit_main("producer/partitioner", tests);
}
