#include "groups.h"

#include "membership/userdata.h"

/* Two topics, then the generation, which version 0 does not have. */
static const uint8_t version_1[] = {0, 0, 0, 2, 0, 2, 'p', 'a', 0, 0, 0, 2, 0, 0, 0, 1,
                                    0, 0, 0, 7, 0, 1, 'q', 0,   0, 0, 0, 0, 0, 1, 2};
enum { VERSION_0 = sizeof version_1 - 4 };

static kfk__userdata said;

static void read_bytes(const uint8_t *data, size_t n)
{
    ck_assert_int_eq(kfk__userdata_read_sticky(kfk__bytes(data, n), &memory, &said), KFK_OK);
}

START_TEST(sticky_as_java_writes_it)
{
    const kfk__assignor *sticky = called("sticky");
    kfk__assign_mine mine = {.any = true, .generation = 258};
    kfk_bytes out;

    mine.topics = parts_of("pa:1,7", &mine.n);
    ck_assert_int_eq(mine.n, 1);
    read_bytes(version_1, sizeof version_1);
    ck_assert_int_eq(said.n, 2);
    ck_assert(kfk__bytes_equal(said.topics[0].topic, kfk__bytes_str("pa")));
    ck_assert_int_eq(said.topics[0].n, 2);
    ck_assert_int_eq(said.topics[0].v[1], 7);
    ck_assert_int_eq(said.topics[1].n, 0);
    ck_assert_int_eq(said.generation, 258);
    mine.topics = said.topics;
    mine.n = said.n;
    ck_assert_int_eq(sticky->user_data(sticky, &mine, &memory, &out), KFK_OK);
    ck_assert(kfk__bytes_equal(out, kfk__bytes(version_1, sizeof version_1)));
    mine.any = false;
    ck_assert_int_eq(sticky->user_data(sticky, &mine, &memory, &out), KFK_OK);
    ck_assert_ptr_null(out.data);
}
END_TEST

START_TEST(version_0_has_no_generation)
{
    read_bytes(version_1, VERSION_0);
    ck_assert_int_eq(said.n, 2);
    ck_assert_int_eq(said.generation, -1);
}
END_TEST

/* In memory of its own, so that a sanitizer sees each byte too many. */
static void read_copy(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    MUST(copy != NULL);
    memcpy(copy, data, n);
    read_bytes(copy, n);
    for (int32_t i = 0; i < said.n; i++)
        MUST(said.topics[i].n >= 0 && said.topics[i].topic.len <= n);
    free(copy);
}

START_TEST(what_cannot_be_read_is_nothing)
{
    uint8_t bytes[sizeof version_1];

    for (size_t n = 0; n < VERSION_0; n++) {
        read_copy(version_1, n);
        ck_assert_int_eq(said.n, 0);
        ck_assert_int_eq(said.generation, -1);
    }
    for (size_t at = 0; at < sizeof bytes; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(bytes, version_1, sizeof bytes);
            bytes[at] = (uint8_t)value;
            read_copy(bytes, sizeof bytes);
        }
    ck_assert_int_eq(kfk__userdata_read_sticky((kfk_bytes){0}, &memory, &said), KFK_OK);
    ck_assert_int_eq(said.n, 0);
}
END_TEST

/* Counts for which there are no bytes ask for no memory. */
START_TEST(absurd_counts)
{
    static const uint8_t topics_without_end[] = {0x7f, 0xff, 0xff, 0xff, 0, 0};
    static const uint8_t fewer_than_none[] = {0xff, 0xff, 0xff, 0xff, 0, 0};
    static const uint8_t parts_without_end[] = {0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff};
    static const uint8_t long_name[] = {0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0};

    read_copy(topics_without_end, sizeof topics_without_end);
    read_copy(fewer_than_none, sizeof fewer_than_none);
    read_copy(parts_without_end, sizeof parts_without_end);
    read_copy(long_name, sizeof long_name);
    ck_assert_int_eq(said.n, 0);
    ck_assert_uint_lt(failalloc_bytes(&mem), 1 << 16);
}
END_TEST

START_TEST(generation_of_cooperative_sticky)
{
    static const uint8_t bytes[] = {0, 0, 1, 2, 9};
    const kfk__assignor *a = called("cooperative-sticky");
    kfk__assign_mine mine = {.any = true, .generation = 258};
    kfk_bytes out;

    ck_assert_int_eq(kfk__userdata_read_generation(kfk__bytes(bytes, 5)), 258);
    ck_assert_int_eq(kfk__userdata_read_generation(kfk__bytes(bytes, 3)), -1);
    ck_assert_int_eq(kfk__userdata_read_generation((kfk_bytes){0}), -1);
    ck_assert_int_eq(a->user_data(a, &mine, &memory, &out), KFK_OK);
    ck_assert(kfk__bytes_equal(out, kfk__bytes(bytes, 4)));
    mine.any = false;
    ck_assert_int_eq(a->user_data(a, &mine, &memory, &out), KFK_OK);
    ck_assert(kfk__bytes_equal(out, kfk__bytes("\xff\xff\xff\xff", 4)));
}
END_TEST

START_TEST(names_too_long_for_the_wire)
{
    const kfk__assignor *sticky = called("sticky");
    kfk__topic_parts parts = {.topic = keep_bytes("p", 1)};
    kfk__assign_mine mine = {.any = true, .topics = &parts, .n = 1, .generation = 1};
    kfk_bytes out;

    parts.topic.len = INT16_MAX + 1;
    ck_assert_int_eq(sticky->user_data(sticky, &mine, &memory, &out), KFK_ERR_INVALID_ARG);
    parts.topic.len = 1;
    parts.n = INT32_MAX;
    ck_assert_int_eq(sticky->user_data(sticky, &mine, &memory, &out), KFK_ERR_INVALID_ARG);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sticky_as_java_writes_it,
                                  version_0_has_no_generation,
                                  what_cannot_be_read_is_nothing,
                                  absurd_counts,
                                  generation_of_cooperative_sticky,
                                  names_too_long_for_the_wire,
                                  NULL};

    return run_groups("membership/userdata", tests);
}
