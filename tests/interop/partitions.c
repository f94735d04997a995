/*
 * Where keys go: libkfk's partitioners beside the functions that librdkafka exports, for random
 * keys and numbers of partitions.
 *
 *   partitions [KEYS [SEED]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "producer/partitioner.h"

enum { KEYS = 20000, KEY_MAX = 300, SHOWN = 5 };

typedef int32_t rdk_fn(const rd_kafka_topic_t *topic, const void *key, size_t len, int32_t n,
                       void *opaque, void *msg_opaque);

/* Those with _random are the same where there is a key. */
static const struct {
    const char *name;
    kfk__partitioner which;
    rdk_fn *fn;
    bool needs_key; /* without one librdkafka's looks at the topic, which there is none of here */
} partitioners[] = {
    {"consistent", KFK__PARTITIONER_CONSISTENT, rd_kafka_msg_partitioner_consistent, false},
    {"consistent_random", KFK__PARTITIONER_CONSISTENT_RANDOM,
     rd_kafka_msg_partitioner_consistent_random, true},
    {"murmur2", KFK__PARTITIONER_MURMUR2, rd_kafka_msg_partitioner_murmur2, false},
    {"murmur2_random", KFK__PARTITIONER_MURMUR2_RANDOM, rd_kafka_msg_partitioner_murmur2_random,
     true},
    {"Java's", KFK__PARTITIONER_DEFAULT, rd_kafka_msg_partitioner_murmur2, true},
    {"fnv1a", KFK__PARTITIONER_FNV1A, rd_kafka_msg_partitioner_fnv1a, false},
    {"fnv1a_random", KFK__PARTITIONER_FNV1A_RANDOM, rd_kafka_msg_partitioner_fnv1a_random, true},
};

enum { N_PARTITIONERS = sizeof partitioners / sizeof *partitioners };

/* xorshift64*. */
static uint64_t state;

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

/* Many are short, as keys are; NULL now and then. */
static const void *make_key(unsigned char *key, size_t *len)
{
    static const size_t most[] = {2, 8, 40, KEY_MAX};

    *len = next() % (most[next() % 4] + 1);
    for (size_t i = 0; i < *len; i++)
        key[i] = (unsigned char)(next() >> 32);
    return *len || next() % 2 ? key : NULL;
}

/* 1 to 2^31 - 1, small ones most often. */
static int32_t make_count(void)
{
    return (int32_t)((next() & INT32_MAX) >> next() % 31) | 1;
}

static bool same(int i, const void *key, size_t len, int32_t n)
{
    const kfk_record r = {.struct_size = sizeof r, .topic = "t", .key = {key, len}};
    kfk__partitioning how;
    int32_t ours, theirs;

    if (partitioners[i].needs_key && !len)
        return true;
    kfk__partitioning_init(&how, partitioners[i].which, false, NULL, NULL);
    ours = kfk__partitioning_choose(&how, &r, "t", n);
    theirs = partitioners[i].fn(NULL, key, len, n, NULL, NULL);
    if (ours != theirs)
        printf("%s: %d bytes, %" PRId32 " partitions: %" PRId32 ", and librdkafka's %" PRId32 "\n",
               partitioners[i].name, (int)len, n, ours, theirs);
    return ours == theirs;
}

int main(int argc, char **argv)
{
    int failed[N_PARTITIONERS] = {0}, n_failed = 0;
    long n = argc > 1 ? atol(argv[1]) : KEYS;

    state = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 20260101;
    for (long k = 0; k < n; k++) {
        unsigned char bytes[KEY_MAX];
        size_t len;
        const void *key = make_key(bytes, &len);
        int32_t count = make_count();

        for (int i = 0; i < N_PARTITIONERS; i++)
            failed[i] += failed[i] < SHOWN && !same(i, key, len, count);
    }
    for (int i = 0; i < N_PARTITIONERS; i++)
        n_failed += failed[i] > 0;
    printf("partitions of %ld keys: %d passed, %d failed\n", n, N_PARTITIONERS - n_failed,
           n_failed);
    return n_failed != 0;
}
