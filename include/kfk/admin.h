/* <kfk/admin.h>: makes, changes, deletes and describes topics.
 *
 * One thread per handle, named "kfk-admin", does all of its I/O. Any thread may call, any number at
 * a time; a call waits for its answer. kfk_admin(3).
 *
 * Where a call has a |timeout_ms| it lasts no longer: retries included; -1: default.api.timeout.ms.
 * An answer that is only "not now" (another controller, a quota) is tried again until then. Each
 * call may answer, beside what it lists: KFK_ERR_TIMED_OUT (and e->msg says what stood in the way),
 * KFK_ERR_CLOSED, KFK_ERR_FORKED, KFK_ERR_INVALID_ARG, KFK_ERR_NOMEM, KFK_ERR_DISCONNECTED,
 * UNSUPPORTED_VERSION (the broker is too old) and what a broker answers. KFK_MAYBE_DONE in
 * e->flags: the request was sent and its answer did not come; look before trying again.
 *
 * A call that returns something makes it in the library's memory, which stays valid until it is
 * given to its _free, also after the handle is gone. Strings end with a NUL and are never NULL
 * unless it says so. */
#ifndef KFK_ADMIN_H
#define KFK_ADMIN_H

#include <kfk/config.h>
#include <kfk/metrics.h>
#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_admin kfk_admin;

/* ---- the handle ---- */

/* A new handle with the properties of |c|, which is copied. Waits for no broker.
 * KFK_ERR_CONFIG, KFK_ERR_NOMEM, KFK_ERR_SYSTEM. */
KFK_API kfk_err kfk_admin_new(kfk_admin **out, const kfk_config *c, kfk_error *e);

/* Refuses further calls, lets those that wait go on for at most |timeout_ms| (-1: without limit),
 * and ends them with KFK_ERR_CLOSED then. May be called again, from any thread. KFK_ERR_TIMED_OUT:
 * some were ended so. KFK_ERR_FORKED. */
KFK_API kfk_err kfk_admin_close(kfk_admin *a, int timeout_ms, kfk_error *e);

/* close(0), then gives the memory back. No other thread may be in a call. In a child of fork() it
 * closes descriptors and gives memory back, no more. NULL is allowed. */
KFK_API void kfk_admin_free(kfk_admin *a);

/* Why nothing moves: the failure that stands now, or KFK_OK. Any thread. */
KFK_API kfk_err kfk_admin_last_error(kfk_admin *a, kfk_error *e);

/* Shows what was counted to |fn|, until it returns other than 0, also after close. Any thread.
 * KFK_ERR_INVALID_ARG: a NULL. KFK_ERR_FORKED. kfk_metrics(3). */
KFK_API kfk_err kfk_admin_metrics(kfk_admin *a, kfk_metric_fn *fn, void *arg);

/* ---- what calls take ---- */

/* Broker ids; v NULL: not told, which is not the same as none (n 0). Frozen. */
typedef struct kfk_ids {
    const int32_t *v;
    size_t n;
} kfk_ids;

/* A property of a topic. Frozen. */
typedef struct kfk_setting {
    const char *name;
    const char *value; /* NULL: none */
} kfk_setting;

/* A topic to be made. A zeroed struct with its size and a name is one with the broker's defaults.
 * struct_size: sizeof(kfk_new_topic), the same in all of an array. */
typedef struct kfk_new_topic {
    uint32_t struct_size;
    int32_t partitions;         /* 0: the broker's default, or as many as replicas has */
    int32_t replication_factor; /* 0: the same */
    const char *name;
    const kfk_ids
        *replicas; /* of each partition, the preferred leader first; NULL: the brokers choose */
    size_t n_replicas;
    const kfk_setting *configs;
    size_t n_configs;
} kfk_new_topic;

/* A topic that is to have more partitions. struct_size: sizeof(kfk_new_partitions), the same in all
 * of an array. */
typedef struct kfk_new_partitions {
    uint32_t struct_size;
    int32_t total; /* how many it is to have then */
    const char *topic;
    const kfk_ids *replicas; /* of each new partition; NULL: the brokers choose */
    size_t n_replicas;
} kfk_new_partitions;

/* ---- changes ----
 * Each is one request for |n| topics, some of which may be done and others not. |each| (NULL, or
 * room for n) is told of all of them, in their order: code KFK_OK, or why not, with the broker's
 * words in msg. The call returns, and |e| tells, KFK_OK if all were done, else the first that was
 * not. */

/* TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
 * INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, POLICY_VIOLATION, TOPIC_AUTHORIZATION_FAILED.
 * UNSUPPORTED_VERSION: partitions or replication_factor is 0, and the broker (before 2.4) has no
 * defaults. */
KFK_API kfk_err kfk_admin_create_topics(kfk_admin *a, const kfk_new_topic *topics, size_t n,
                                        int timeout_ms, kfk_error *each, kfk_error *e);

/* UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, TOPIC_DELETION_DISABLED. */
KFK_API kfk_err kfk_admin_delete_topics(kfk_admin *a, const char *const *topics, size_t n,
                                        int timeout_ms, kfk_error *each, kfk_error *e);

/* UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS (not more than there are),
 * INVALID_REPLICA_ASSIGNMENT, REASSIGNMENT_IN_PROGRESS, TOPIC_AUTHORIZATION_FAILED. */
KFK_API kfk_err kfk_admin_create_partitions(kfk_admin *a, const kfk_new_partitions *topics,
                                            size_t n, int timeout_ms, kfk_error *each,
                                            kfk_error *e);

/* ---- topics ---- */

typedef struct kfk_partition {
    kfk_err err;
    int32_t partition;
    int32_t leader;       /* -1: none */
    int32_t leader_epoch; /* -1: not told */
    kfk_ids replicas;
    kfk_ids isr;
    kfk_ids offline;
    kfk_ids elr; /* eligible to lead though not in sync (KIP-966) */
    kfk_ids last_known_elr;
} kfk_partition;

typedef struct kfk_topic {
    const char *name;
    const char *id; /* in Kafka's text form; "": not told (before 2.8) */
    kfk_err err;    /* why the rest is not known */
    int32_t internal;
    size_t n_partitions;
    const kfk_partition *const *partitions; /* by number */
} kfk_topic;

typedef struct kfk_topics {
    size_t n;
    const kfk_topic *const *topics;
} kfk_topics;

/* All topics that the caller may see, without their partitions, in no order. */
KFK_API kfk_err kfk_admin_list_topics(kfk_admin *a, int timeout_ms, kfk_topics **out, kfk_error *e);

enum { KFK_BY_ID = 1 }; /* kfk_describe.flags: |topics| are ids */

/* How to describe topics; zeroed but for its size is right. struct_size: sizeof(kfk_describe). */
typedef struct kfk_describe {
    uint32_t struct_size;
    uint32_t flags;
    int32_t page; /* partitions an answer, where there are pages (from 3.8 on); 0: 2000 */
} kfk_describe;

/* These topics (n 0: none) and their partitions, in the order of the broker's answer; |how| may be
 * NULL. A topic's own failure (UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID,
 * TOPIC_AUTHORIZATION_FAILED) is in its err, and the call is KFK_OK. */
KFK_API kfk_err kfk_admin_describe_topics(kfk_admin *a, const char *const *topics, size_t n,
                                          const kfk_describe *how, int timeout_ms, kfk_topics **out,
                                          kfk_error *e);
KFK_API void kfk_topics_free(kfk_topics *t);

/* ---- the cluster ---- */

typedef struct kfk_broker {
    int32_t id;
    int32_t port;
    const char *host;
    const char *rack; /* NULL: none */
} kfk_broker;

typedef struct kfk_cluster {
    const char *id;
    int32_t controller; /* -1: none; with KRaft any broker that passes requests on to it */
    size_t n_brokers;
    const kfk_broker *const *brokers; /* that are up */
} kfk_cluster;

KFK_API kfk_err kfk_admin_describe_cluster(kfk_admin *a, int timeout_ms, kfk_cluster **out,
                                           kfk_error *e);
KFK_API void kfk_cluster_free(kfk_cluster *c);

/* ---- configurations ---- */

/* Where a value comes from, as the protocol numbers it. */
enum {
    KFK_SOURCE_UNKNOWN = 0,
    KFK_SOURCE_TOPIC = 1,
    KFK_SOURCE_BROKER = 2,
    KFK_SOURCE_DEFAULT_BROKER = 3,
    KFK_SOURCE_STATIC_BROKER = 4,
    KFK_SOURCE_DEFAULT = 5,
    KFK_SOURCE_BROKER_LOGGER = 6,
    KFK_SOURCE_CLIENT_METRICS = 7,
    KFK_SOURCE_GROUP = 8
};

typedef struct kfk_config_entry {
    const char *name;
    const char *value; /* NULL: none, or sensitive */
    int32_t source;    /* KFK_SOURCE_... */
    int32_t read_only;
    int32_t sensitive;
} kfk_config_entry;

typedef struct kfk_topic_config {
    const char *topic;
    kfk_err err;
    const char *msg; /* with err */
    size_t n_entries;
    const kfk_config_entry *const *entries;
} kfk_topic_config;

typedef struct kfk_topic_configs {
    size_t n;
    const kfk_topic_config *const *configs;
} kfk_topic_configs;

/* All properties of these topics (n 0: none), in the order of the broker's answer. A topic's own
 * failure is in its err, and the call is KFK_OK. */
KFK_API kfk_err kfk_admin_describe_configs(kfk_admin *a, const char *const *topics, size_t n,
                                           int timeout_ms, kfk_topic_configs **out, kfk_error *e);
KFK_API void kfk_topic_configs_free(kfk_topic_configs *c);

/* ---- reassignments ---- */

/* A partition whose replicas are being moved. */
typedef struct kfk_reassignment {
    const char *topic;
    int32_t partition;
    kfk_ids replicas; /* all, old and new */
    kfk_ids adding;
    kfk_ids removing;
} kfk_reassignment;

typedef struct kfk_reassignments {
    size_t n;
    const kfk_reassignment *const *reassignments;
} kfk_reassignments;

/* All that are under way. CLUSTER_AUTHORIZATION_FAILED; UNSUPPORTED_VERSION: before 2.4. */
KFK_API kfk_err kfk_admin_list_partition_reassignments(kfk_admin *a, int timeout_ms,
                                                       kfk_reassignments **out, kfk_error *e);
KFK_API void kfk_reassignments_free(kfk_reassignments *r);

#ifdef __cplusplus
}
#endif
#endif
