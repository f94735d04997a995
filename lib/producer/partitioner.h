/* partitioner: which partition a record goes to that names none.
 *
 *   the program's function ──-1──> by turns (topics.h) ──no──> by the key's hash ──no key──> the sticky choice (topics.h)
 *
 * Which of these a topic has is settled when it is first sent to. Any thread, nothing locked. */
#ifndef KFK_PRODUCER_PARTITIONER_H
#define KFK_PRODUCER_PARTITIONER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kfk/config.h>
#include <kfk/producer.h>

/* What partitioner.class names, in the order of its bounds. */
typedef enum kfk__partitioner {
    KFK__PARTITIONER_DEFAULT = -1,     /* as Java's without one: murmur2, sticky without a key */
    KFK__PARTITIONER_ROUND_ROBIN,      /* Java's, keys or not: by turns, of those with a leader */
    KFK__PARTITIONER_RANDOM,           /* sticky, keys or not */
    KFK__PARTITIONER_CONSISTENT,       /* librdkafka's, here and below: crc32, no key is an empty one */
    KFK__PARTITIONER_CONSISTENT_RANDOM, /* crc32, sticky without a key or with an empty one */
    KFK__PARTITIONER_MURMUR2,          /* no key is an empty one */
    KFK__PARTITIONER_MURMUR2_RANDOM,   /* as Java's */
    KFK__PARTITIONER_FNV1A,            /* no key is an empty one */
    KFK__PARTITIONER_FNV1A_RANDOM,     /* and sarama's NewHashPartitioner */
    KFK__PARTITIONER_FNV1A_REFERENCE   /* sarama's NewReferenceHashPartitioner */
} kfk__partitioner;

/* The hash of a key; what is left of it over the number of partitions is the partition. */
typedef uint32_t kfk__key_hash_fn(const void *key, size_t len);

typedef struct kfk__partitioning {
    kfk__key_hash_fn *hash; /* NULL: keys do not count */
    bool no_key_is_empty;
    bool empty_is_no_key;
    bool by_turns;
    _Atomic uint32_t turn;
    kfk_partition_fn *fn; /* the program's; NULL: none */
    void *fn_arg;
    bool plain; /* a record with a key goes by its hash, one without is sticky, and that is all */
} kfk__partitioning;

void kfk__partitioning_init(kfk__partitioning *how, kfk__partitioner which, bool ignore_keys,
                            kfk_partition_fn *fn, void *fn_arg);
/* What the record does not settle: it depends on how partitions are doing. */
enum { KFK__CHOICE_STICKY = -1, KFK__CHOICE_TURN = -2 };

/* One of the topic's |n| partitions, or one of these. To be called once a record, since the program's function counts on
 * it. What that function returns beyond |n| is as if it had left the choice to us. */
int32_t kfk__partitioning_choose(const kfk__partitioning *how, const kfk_record *r, const char *topic,
                                 int32_t n);
/* Whose turn it is of |n|: 0, 1, ... and 0 again. */
int32_t kfk__partitioning_turn(kfk__partitioning *how, int32_t n);

#endif
