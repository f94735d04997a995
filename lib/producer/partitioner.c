#include "producer/partitioner.h"

#include <zlib.h>

#include "base/murmur2.h"

int32_t kfk_murmur2(const void *data, size_t n)
{
    return kfk__murmur2(data, n);
}

static uint32_t by_murmur2(const void *key, size_t len)
{
    return (uint32_t)kfk__murmur2(key, len) & INT32_MAX;
}

static uint32_t by_crc32(const void *key, size_t len)
{
    return (uint32_t)crc32_z(0, key, len);
}

/* FNV-1a, 32 bits. */
static uint32_t fnv1a(const void *key, size_t len)
{
    const uint8_t *p = key;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

/* As a signed number, without its sign. */
static uint32_t by_fnv1a(const void *key, size_t len)
{
    uint32_t h = fnv1a(key, len);

    return h >> 31 ? 0u - h : h;
}

/* Without its topmost bit. */
static uint32_t by_fnv1a_reference(const void *key, size_t len)
{
    return fnv1a(key, len) & INT32_MAX;
}

static kfk__key_hash_fn *hash_of(kfk__partitioner which)
{
    switch (which) {
    case KFK__PARTITIONER_ROUND_ROBIN:
    case KFK__PARTITIONER_RANDOM:
        return NULL;
    case KFK__PARTITIONER_CONSISTENT:
    case KFK__PARTITIONER_CONSISTENT_RANDOM:
        return by_crc32;
    case KFK__PARTITIONER_FNV1A:
    case KFK__PARTITIONER_FNV1A_RANDOM:
        return by_fnv1a;
    case KFK__PARTITIONER_FNV1A_REFERENCE:
        return by_fnv1a_reference;
    case KFK__PARTITIONER_DEFAULT:
    case KFK__PARTITIONER_MURMUR2:
    case KFK__PARTITIONER_MURMUR2_RANDOM:
        break;
    }
    return by_murmur2;
}

void kfk__partitioning_init(kfk__partitioning *how, kfk__partitioner which, bool ignore_keys,
                            kfk_partition_fn *fn, void *fn_arg)
{
    how->hash = ignore_keys ? NULL : hash_of(which);
    how->no_key_is_empty = which == KFK__PARTITIONER_CONSISTENT ||
                           which == KFK__PARTITIONER_MURMUR2 || which == KFK__PARTITIONER_FNV1A;
    how->empty_is_no_key = which == KFK__PARTITIONER_CONSISTENT_RANDOM;
    how->by_turns = which == KFK__PARTITIONER_ROUND_ROBIN;
    atomic_init(&how->turn, 0);
    how->fn = fn;
    how->fn_arg = fn_arg;
    how->plain = !how->no_key_is_empty && !how->empty_is_no_key && !how->by_turns && !fn;
}

/* What the program's function says; -1: it leaves it to us. */
static int32_t ask(const kfk__partitioning *how, const kfk_record *r, const char *topic, int32_t n)
{
    const kfk_topic_info info = {.topic = topic, .n_partitions = n};
    int32_t i = how->fn(r, &info, how->fn_arg);

    return i < n ? i : -1;
}

int32_t kfk__partitioning_choose(const kfk__partitioning *how, const kfk_record *r, const char *topic,
                                 int32_t n)
{
    bool keyed = r->key.data ? r->key.len > 0 || !how->empty_is_no_key : how->no_key_is_empty;
    int32_t i = how->fn ? ask(how, r, topic, n) : -1;

    if (i >= 0)
        return i;
    if (how->by_turns)
        return KFK__CHOICE_TURN;
    if (how->hash && keyed)
        return (int32_t)(how->hash(r->key.data, r->key.len) % (uint32_t)n);
    return KFK__CHOICE_STICKY;
}

int32_t kfk__partitioning_turn(kfk__partitioning *how, int32_t n)
{
    return (int32_t)(atomic_fetch_add_explicit(&how->turn, 1, memory_order_relaxed) % (uint32_t)n);
}
