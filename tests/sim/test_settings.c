/* What is set for all topics, or for one of them, reaches the producer: codecs and their levels, as
 * they lie in the log, and partitioners. */
#include <stdio.h>
#include <string.h>

#include "compress/compress.h"
#include "producer/producer_env.h"
#include "record/batch.h"
#include "sim/world.h"

enum { LINES = 1000 };

/* Topics are told apart by names; NULL: for all. */
typedef struct setting {
    const char *topic, *name, *value;
} setting;

static kfk_producer *made_with(const setting *s, size_t n)
{
    static const setting large_batches[] = {{NULL, "batch.size", "1000000"},
                                            {NULL, "linger.ms", "1000"}};
    kfk_config *c = kfk_config_new(&w.rig.env.alloc);
    kfk_producer *p = NULL;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(kfk_config_set(c, large_batches[i].name, large_batches[i].value, &w.e),
                         KFK_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg((s[i].topic ? kfk_config_set_topic(c, s[i].topic, s[i].name, s[i].value, &w.e)
                                  : kfk_config_set(c, s[i].name, s[i].value, &w.e)) == KFK_OK,
                      "%s", w.e.msg);
    ck_assert_msg(kfk__producer_new_in(&p, &w.rig.env, c, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_config_free(c);
    return p;
}

#define MADE_WITH(...)                        \
    made_with((const setting[]){__VA_ARGS__}, \
              sizeof((const setting[]){__VA_ARGS__}) / sizeof(setting))

static void ends(kfk_producer *p)
{
    ck_assert_msg(kfk_producer_close(p, 10000, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_producer_free(p);
}

/* ---- codecs and levels ---- */

/* Such as servers write. */
static int line(char *text, size_t size, int i)
{
    static const char *const did[] = {"GET /index.html", "GET /api/v1/users", "POST /api/v1/orders",
                                      "DELETE /api/v1/sessions", "PUT /api/v1/carts"};
    static const char *const who[] = {"alice", "bob", "carol", "dave"};
    uint32_t chance = (uint32_t)i * 2654435761u;

    return snprintf(
        text, size, "2026-03-%02d 12:%02d:%02d.%03u INFO %s by %s from 10.0.%u.%u took %u us",
        i / 60 % 28 + 1, i / 7 % 60, i % 60, chance % 1000, did[chance / 7 % 5],
        who[chance / 11 % 4], chance >> 20 & 255, chance >> 12 & 255, chance >> 7 & 4095);
}

/* The same lines for every topic, with the same timestamps. */
static void send_lines(kfk_producer *p, const char *name, uint32_t flags)
{
    for (int i = 0; i < LINES; i++) {
        char text[200];
        const kfk_record r = {.struct_size = sizeof r,
                              .flags = flags | KFK_TIMESTAMP | KFK_PARTITION,
                              .topic = name,
                              .timestamp_ms = 1000 + i,
                              .value = {text, (size_t)line(text, sizeof text, i)}};

        ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &w.e), KFK_OK);
    }
    flush(p);
}

/* *codec: of the one batch that the log has. Returns its size. */
static size_t logged(const char *name, int *codec)
{
    kfk_allocator a = failalloc_allocator(&w.broker_mem);
    kfk__batch_header h;
    const char *why;
    size_t size;
    kfk__buf all;

    kfk__buf_init(&all, &a);
    ck_assert_int_eq(kfk__devbroker_dump(w.broker, name, 0, 0, &all), KFK_OK);
    ck_assert_int_eq(kfk__batch_header_read(all.data, all.len, &h, &size, &why), 0);
    ck_assert_uint_eq(size, all.len);
    ck_assert_int_eq(h.count, LINES);
    *codec = h.attributes & KFK__BATCH_CODEC;
    kfk__buf_fini(&all);
    return size;
}

/* Lines to a topic; the batch that they are has that codec. Returns its size. */
static size_t size_of(kfk_producer *p, const char *name, int codec)
{
    size_t size;
    int is;

    topic(name, 1, 1);
    send_lines(p, name, 0);
    size = logged(name, &is);
    ck_assert_msg(is == codec, "%s: codec %d", name, is);
    return size;
}

static void each_codec(void)
{
    static const struct {
        const char *name;
        int codec;
    } each[] = {{"none", KFK__CODEC_NONE},
                {"gzip", KFK__CODEC_GZIP},
                {"snappy", KFK__CODEC_SNAPPY},
                {"lz4", KFK__CODEC_LZ4},
                {"zstd", KFK__CODEC_ZSTD}};

    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        kfk_producer *p = MADE_WITH({NULL, "compression.type", each[i].name});

        (void)size_of(p, each[i].name, each[i].codec);
        ends(p);
    }
}

START_TEST(a_codec_for_all_topics_is_that_of_the_log)
{
    (void)world_run(&(world_opts){0}, each_codec);
}
END_TEST

/* Whether it is said before or after what is said of all. */
static void codec_of_one_topic(void)
{
    kfk_producer *p =
        MADE_WITH({"plain", "compression.type", "none"}, {"early", "compression.type", "zstd"},
                  {NULL, "compression.type", "gzip"}, {"late", "compression.type", "lz4"},
                  {"snappy", "compression.type", "snappy"});

    (void)size_of(p, "other", KFK__CODEC_GZIP);
    (void)size_of(p, "plain", KFK__CODEC_NONE);
    (void)size_of(p, "early", KFK__CODEC_ZSTD);
    (void)size_of(p, "late", KFK__CODEC_LZ4);
    (void)size_of(p, "snappy", KFK__CODEC_SNAPPY);
    ends(p);
}

START_TEST(a_codec_for_one_topic_is_for_that_alone)
{
    (void)world_run(&(world_opts){0}, codec_of_one_topic);
}
END_TEST

/* What one level makes of the lines, set for all topics; NULL: the default. */
static size_t at_level(const char *name, const char *level)
{
    int codec = strcmp(name, "gzip") == 0  ? KFK__CODEC_GZIP
                : strcmp(name, "lz4") == 0 ? KFK__CODEC_LZ4
                                           : KFK__CODEC_ZSTD;
    char property[64], of[64];
    kfk_producer *p;
    size_t size;

    (void)snprintf(property, sizeof property, "compression.%s.level", name);
    (void)snprintf(of, sizeof of, "%s.%s", name, level ? level : "default");
    p = level ? MADE_WITH({NULL, "compression.type", name}, {NULL, property, level})
              : MADE_WITH({NULL, "compression.type", name});
    size = size_of(p, of, codec);
    ends(p);
    return size;
}

static void levels(void)
{
    size_t lz4_fast = at_level("lz4", "9"), zstd_1 = at_level("zstd", "1");

    ck_assert_uint_lt(at_level("gzip", "9"), at_level("gzip", "1"));
    ck_assert_uint_lt(at_level("lz4", "17"), at_level("lz4", "3"));
    ck_assert_uint_lt(at_level("zstd", "19"), zstd_1);
    ck_assert_uint_lt(zstd_1, at_level("zstd", "-100"));
    /* 9 is lz4's fast compressor; those beside it are high compression. */
    ck_assert_uint_lt(at_level("lz4", "8"), lz4_fast);
    ck_assert_uint_lt(at_level("lz4", "10"), lz4_fast);
    ck_assert_uint_lt(at_level("lz4", "1"), lz4_fast);
    /* As Java's defaults. */
    ck_assert_uint_eq(at_level("lz4", NULL), lz4_fast);
    ck_assert_uint_eq(at_level("zstd", NULL), at_level("zstd", "3"));
    ck_assert_uint_eq(at_level("gzip", NULL), at_level("gzip", "6"));
}

START_TEST(a_level_makes_a_difference)
{
    (void)world_run(&(world_opts){0}, levels);
}
END_TEST

/* Each size is the one that the level has for all topics. */
static void levels_of_one_topic(void)
{
    size_t gzip_1 = at_level("gzip", "1"), gzip_9 = at_level("gzip", "9");
    size_t lz4_9 = at_level("lz4", "9"), lz4_17 = at_level("lz4", "17");
    size_t zstd_1 = at_level("zstd", "1"), zstd_19 = at_level("zstd", "19");
    kfk_producer *p =
        MADE_WITH({NULL, "compression.type", "gzip"}, {NULL, "compression.gzip.level", "1"},
                  {NULL, "compression.zstd.level", "1"}, {"g9", "compression.gzip.level", "9"},
                  {"z1", "compression.type", "zstd"}, {"z19", "compression.type", "zstd"},
                  {"z19", "compression.zstd.level", "19"}, {"z19", "compression.gzip.level", "9"},
                  {"l9", "compression.type", "lz4"}, {"l17", "compression.type", "lz4"},
                  {"l17", "compression.lz4.level", "17"});

    ck_assert_uint_eq(size_of(p, "g1", KFK__CODEC_GZIP), gzip_1);
    ck_assert_uint_eq(size_of(p, "g9", KFK__CODEC_GZIP), gzip_9);
    ck_assert_uint_eq(size_of(p, "z1", KFK__CODEC_ZSTD), zstd_1);
    ck_assert_uint_eq(size_of(p, "z19", KFK__CODEC_ZSTD), zstd_19);
    ck_assert_uint_eq(size_of(p, "l9", KFK__CODEC_LZ4), lz4_9);
    ck_assert_uint_eq(size_of(p, "l17", KFK__CODEC_LZ4), lz4_17);
    ends(p);
}

START_TEST(a_level_for_one_topic_is_for_that_alone)
{
    (void)world_run(&(world_opts){0}, levels_of_one_topic);
}
END_TEST

/* What is sent while its topic is not known is put into batches later, and not by who sends it. */
static void kept(void)
{
    size_t size = at_level("zstd", "19");
    kfk_producer *p =
        MADE_WITH({"kept", "compression.type", "zstd"}, {"kept", "compression.zstd.level", "19"});
    int codec;

    topic("kept", 1, 1);
    send_lines(p, "kept", KFK_NOWAIT);
    ck_assert_uint_eq(logged("kept", &codec), size);
    ck_assert_int_eq(codec, KFK__CODEC_ZSTD);
    ends(p);
}

START_TEST(what_is_kept_for_a_topic_gets_the_topics_codec_and_level)
{
    (void)world_run(&(world_opts){0}, kept);
}
END_TEST

/* ---- partitioners ---- */

/* Of three partitions. */
static int32_t place_of(kfk_producer *p, const char *name, const char *key)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = name, .key = {key, strlen(key)}};
    kfk_delivery d = {.struct_size = sizeof d};

    ck_assert_msg(kfk_producer_send_sync(p, &r, 10000, &d, &w.e) == KFK_OK, "%s", w.e.msg);
    return d.partition;
}

/* How these clients place k0 to k5 (Java's, librdkafka's consistent). */
static const int32_t murmur2[] = {2, 2, 0, 1, 1, 0}, crc32[] = {0, 1, 0, 2, 2, 1},
                     turns[] = {0, 1, 2, 0, 1, 2};

static void keys_go(kfk_producer *p, const char *name, const int32_t *places)
{
    topic(name, 3, 1);
    for (int i = 0; i < 6; i++) {
        const char key[] = {'k', (char)('0' + i), 0};

        ck_assert_int_eq(place_of(p, name, key), places[i]);
    }
}

static void partitioners(void)
{
    kfk_producer *p = MADE_WITH({"turns", "partitioner.class", "roundrobin"},
                                {"crc32", "partitioner.class", "consistent"});

    keys_go(p, "plain", murmur2);
    keys_go(p, "turns", turns);
    keys_go(p, "crc32", crc32);
    ends(p);
    p = MADE_WITH(
        {"before", "partitioner.class", "murmur2"}, {NULL, "partitioner.class", "consistent"},
        {"after", "partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner"});
    keys_go(p, "all", crc32);
    keys_go(p, "before", murmur2);
    keys_go(p, "after", turns);
    ends(p);
}

START_TEST(a_partitioner_for_one_topic_is_for_that_alone)
{
    (void)world_run(&(world_opts){0}, partitioners);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_codec_for_all_topics_is_that_of_the_log,
                                  a_codec_for_one_topic_is_for_that_alone,
                                  a_level_makes_a_difference,
                                  a_level_for_one_topic_is_for_that_alone,
                                  what_is_kept_for_a_topic_gets_the_topics_codec_and_level,
                                  a_partitioner_for_one_topic_is_for_that_alone,
                                  NULL};

    return world_main("sim/settings", tests);
}
