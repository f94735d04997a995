#include "unit/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "sim/failalloc.h"

enum { FIRST_CAP = 16 };

static failalloc mem;
static kfk_allocator alloc;
static kfk__map map;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__map_init(&map, &alloc);
}

static void teardown(void)
{
    kfk__map_fini(&map);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static bool put(const char *key, void *value)
{
    return kfk__map_put(&map, key, strlen(key), value);
}

static void *get(const char *key)
{
    return kfk__map_get(&map, key, strlen(key));
}

static void *take(const char *key)
{
    return kfk__map_remove(&map, key, strlen(key));
}

START_TEST(an_empty_map_has_nothing)
{
    ck_assert_ptr_null(get("a"));
    ck_assert_ptr_null(take("a"));
    ck_assert_ptr_null(kfk__map_get(&map, NULL, 0));
    ck_assert_ptr_null(kfk__map_remove(&map, NULL, 0));
}
END_TEST

START_TEST(a_key_is_all_of_its_bytes)
{
    static const struct {
        const char *key;
        size_t len;
    } keys[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"ab", 2}};
    int values[7];

    for (size_t i = 0; i < 7; i++)
        ck_assert(kfk__map_put(&map, keys[i].key, keys[i].len, &values[i]));
    ck_assert_uint_eq(map.n, 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_ptr_eq(kfk__map_get(&map, keys[i].key, keys[i].len), &values[i]);
    ck_assert_ptr_null(kfk__map_get(&map, "a\0c", 3));
}
END_TEST

START_TEST(keys_of_one_hash_are_told_apart)
{
    static const char *const pairs[2][2] = {{"declinate", "macallums"}, {"aywybmkg", "a"}};
    int first, second;

    for (int i = 0; i < 2; i++) {
        const char *a = pairs[i][0], *b = pairs[i][1];

        ck_assert_uint_eq(kfk__map_hash(a, strlen(a)), kfk__map_hash(b, strlen(b)));
        ck_assert(put(a, &first));
        ck_assert_ptr_null(get(b));
        ck_assert(put(b, &second));
        ck_assert_ptr_eq(get(a), &first);
        ck_assert_ptr_eq(get(b), &second);
    }
}
END_TEST

/* A broker's answer may have null where a name should be. */
START_TEST(a_null_key_is_the_empty_one)
{
    int value;

    ck_assert(kfk__map_put(&map, "", 0, &value));
    ck_assert_ptr_eq(kfk__map_get(&map, NULL, 0), &value);
}
END_TEST

START_TEST(what_is_put_twice_is_there_once)
{
    int first, second;

    ck_assert(put("a", &first));
    ck_assert(put("a", &second));
    ck_assert_uint_eq(map.n, 1);
    ck_assert_ptr_eq(take("a"), &second);
    ck_assert_ptr_null(get("a"));
}
END_TEST

START_TEST(a_value_that_is_replaced_takes_its_key_along)
{
    char *first = strdup("key"), *second = strdup("key");
    int value;

    ck_assert(put(first, &value));
    ck_assert(put(second, &value));
    free(first); /* nobody may look at it any more */
    ck_assert_ptr_eq(get("key"), &value);
    ck_assert_ptr_eq(take("key"), &value);
    free(second);
}
END_TEST

START_TEST(there_is_always_an_end_to_a_search)
{
    char keys[1000][16];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", i);
        MUST(put(keys[i], keys[i]));
        MUST(!get("nothing"));
        MUST(map.n < map.cap);
    }
    for (int i = 0; i < 1000; i++)
        MUST(get(keys[i]) == keys[i]);
}
END_TEST

/* ---- collisions ---- */

/* Keys whose way begins at slot |home| of the smallest map. */
static void keys_of_home(uint32_t home, char (*keys)[16], int n)
{
    for (int i = 0, k = 0; k < n; i++) {
        (void)snprintf(keys[k], sizeof keys[k], "k%d", i);
        if (kfk__map_hash(keys[k], strlen(keys[k])) % FIRST_CAP == home)
            k++;
    }
}

/* Takes the keys out in one order after another, and looks each time for those that are left. */
static void check_removals(char (*keys)[16], int n)
{
    for (int first = 0; first < n; first++) {
        for (int i = 0; i < n; i++)
            MUST(put(keys[i], keys[i]));
        MUST(map.cap == FIRST_CAP);
        for (int gone = 0; gone < n; gone++) {
            int victim = (first + gone * 5) % n;

            MUST(take(keys[victim]) == keys[victim]);
            MUST(!take(keys[victim]));
            for (int later = gone + 1; later < n; later++) {
                int i = (first + later * 5) % n;

                MUST(get(keys[i]) == keys[i]);
            }
        }
        MUST(map.n == 0);
    }
}

START_TEST(removing_one_of_many_that_collide_leaves_the_others)
{
    char keys[12][16];

    keys_of_home((uint32_t)_i, keys, 12);
    check_removals(keys, 12);
}
END_TEST

/* Those of one home have to go past those of the next, and around the end. */
START_TEST(removing_from_mixed_runs_leaves_the_others)
{
    char keys[12][16];

    keys_of_home((uint32_t)_i, keys, 4);
    keys_of_home((uint32_t)(_i + 1) % FIRST_CAP, keys + 4, 4);
    keys_of_home((uint32_t)(_i + 3) % FIRST_CAP, keys + 8, 4);
    check_removals(keys, 12);
}
END_TEST

enum { KEYS = 300 };

START_TEST(it_is_as_an_array_would_be_whatever_is_put_and_removed)
{
    static char keys[KEYS][16];
    void *model[KEYS] = {NULL};
    uint64_t state = 7;
    size_t n = 0;

    for (int i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof keys[i], "%d", i * 7);
    for (int turn = 0; turn < 200000; turn++) {
        size_t i = (size_t)(chance(&state) % KEYS);

        if (chance(&state) % 2) {
            n += !model[i];
            model[i] = &keys[chance(&state) % KEYS];
            MUST(put(keys[i], model[i]));
        } else {
            MUST(take(keys[i]) == model[i]);
            n -= model[i] != NULL;
            model[i] = NULL;
        }
        MUST(map.n == n);
        i = (size_t)(chance(&state) % KEYS);
        MUST(get(keys[i]) == model[i]);
    }
}
END_TEST

/* ---- memory ---- */

START_TEST(no_memory_leaves_the_map_as_it_was)
{
    char keys[64][16];
    int refused = 0;

    failalloc_fail_once(&mem, 1);
    ck_assert(!put("a", keys));
    ck_assert_uint_eq(map.n, 0);
    ck_assert_ptr_null(get("a"));
    for (int i = 0; i < 64; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", i);
        failalloc_fail_once(&mem, 1);
        if (!put(keys[i], keys[i])) {
            refused++;
            ck_assert_ptr_null(get(keys[i]));
            ck_assert(put(keys[i], keys[i]));
        }
        for (int k = 0; k <= i; k++)
            MUST(get(keys[k]) == keys[k]);
    }
    ck_assert_int_eq(refused, 4); /* at 1, 13, 25 and 49 entries */
}
END_TEST

START_TEST(the_hash_is_fnv_1a)
{
    ck_assert_uint_eq(kfk__map_hash("", 0), 0x811c9dc5);
    ck_assert_uint_eq(kfk__map_hash("a", 1), 0xe40c292c);
    ck_assert_uint_eq(kfk__map_hash("foobar", 6), 0xbf9cf968);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("map");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_empty_map_has_nothing);
    tcase_add_test(t, a_key_is_all_of_its_bytes);
    tcase_add_test(t, keys_of_one_hash_are_told_apart);
    tcase_add_test(t, a_null_key_is_the_empty_one);
    tcase_add_test(t, what_is_put_twice_is_there_once);
    tcase_add_test(t, a_value_that_is_replaced_takes_its_key_along);
    tcase_add_test(t, there_is_always_an_end_to_a_search);
    tcase_add_loop_test(t, removing_one_of_many_that_collide_leaves_the_others, 0, FIRST_CAP);
    tcase_add_loop_test(t, removing_from_mixed_runs_leaves_the_others, 0, FIRST_CAP);
    tcase_add_test(t, it_is_as_an_array_would_be_whatever_is_put_and_removed);
    tcase_add_test(t, no_memory_leaves_the_map_as_it_was);
    tcase_add_test(t, the_hash_is_fnv_1a);
    return run_suite("base/map", t);
}
