/* <kfk/config.h>: properties by Kafka's own names.
 *
 * A kfk_config is filled by one thread and copied by every kfk_X_new, so it may be freed or changed right after.
 * The properties, their types, bounds and defaults stand in kfk-config(5). */
#ifndef KFK_CONFIG_H
#define KFK_CONFIG_H

#include <kfk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kfk_config kfk_config;

/* Log levels, as syslog numbers them. */
enum { KFK_LOG_ERROR = 3, KFK_LOG_WARN = 4, KFK_LOG_INFO = 6, KFK_LOG_DEBUG = 7 };

/* Called with one line of log, without a newline; from the handle's threads or from inside a call. Nothing is locked.
 * It must return soon, and may not call the handle. What repeats itself is told less and less often, with how much was
 * left out, at most every 16 minutes. subsystem: "producer", "consumer", "group", "admin", "config". */
typedef void kfk_log_fn(int level, const char *subsystem, const char *msg, void *arg);

struct kfk_record;
struct kfk_delivery;

/* A topic, as a partitioner is told of it. The library's memory: grows at its end. */
typedef struct kfk_topic_info {
    const char *topic;
    int32_t n_partitions;
} kfk_topic_info;

/* Chooses the partition of a record that names none: 0 to n_partitions - 1, or -1 to leave it to partitioner.class.
 * Called once for each such record, from inside the send; for one that was kept for a topic not known yet, on the Sender
 * thread. Nothing is locked. It must return soon, and may not call the producer. */
typedef int32_t kfk_partition_fn(const struct kfk_record *r, const kfk_topic_info *t, void *arg);

/* Called for each record, on the thread that sends it, before it is appended. It may not call the producer. */
typedef void kfk_send_fn(const struct kfk_record *r, void *arg);
/* Called once for each record that kfk_send_fn was called for, or would have been, with what became of it: where a
 * callback runs, before that; or, if the record was not taken, on the thread that sends it. */
typedef void kfk_ack_fn(const struct kfk_delivery *d, void *arg);

/* Something that happened inside, of interest to those who watch. */
enum {
    KFK_EVENT_RETRY = 1,  /* a batch is to be sent again: topic, partition, err; value: attempts so far */
    /* The producer moved to another epoch (KIP-360): topic, partition; value: the epoch, or -1: there was none left, and a
     * new producer id is asked for. */
    KFK_EVENT_EPOCH = 2,
    KFK_EVENT_LEADER = 3, /* a partition is led by another broker: topic, partition, broker_id */
    KFK_EVENT_SPLIT = 4,  /* a batch that was too large went in parts: topic, partition; value: how many */
    KFK_EVENT_THROTTLE = 5, /* a broker asked to be left alone (KIP-219): broker_id; value: for how many ms */
    /* Consumer: the application did not come back for records, or did not give up partitions, for max.poll.interval.ms: the
     * group goes on without it until it does; value: that many ms. On "kfk-coordinator". */
    KFK_EVENT_POLL_INTERVAL = 6
};
/* The library's memory: grows at its end. topic is valid in the call only; NULL, and partition -1: none. */
typedef struct kfk_event {
    int32_t type;
    int32_t broker_id; /* -1: none */
    const char *topic;
    int32_t partition;
    kfk_err err;
    int64_t value;
} kfk_event;
/* Called on the handle's thread. Nothing is locked. It must return soon. */
typedef void kfk_event_fn(const kfk_event *e, void *arg);

/* There is room in buffer.memory again, after a send was refused with KFK_ERR_WOULD_BLOCK. */
typedef void kfk_writable_fn(void *arg);

/* Called on each thread that a handle starts, as the first thing that it does (started: 1) and as the last (0), for
 * what a program does with its threads: priorities, processors, tracing. name: "kfk-sender", "kfk-fetcher",
 * "kfk-coordinator", "kfk-worker" or "kfk-admin", static. All signals are blocked, nothing is locked. Until it returns nothing of the handle moves; it may
 * make no call with the handle, which may not be there yet, or not any more. */
typedef void kfk_thread_fn(int started, const char *name, void *arg);

/* Functions of the application that the library calls. struct_size: sizeof(kfk_hooks). NULL members are not called. */
typedef struct kfk_hooks {
    uint32_t struct_size;
    int32_t log_level; /* lines above it are not made; 0: KFK_LOG_INFO */
    kfk_log_fn *log;
    kfk_thread_fn *thread;
    kfk_partition_fn *partition; /* producer, as all below; but on_event also tells of consumers */
    kfk_writable_fn *writable;
    kfk_send_fn *on_send;
    kfk_ack_fn *on_ack;
    kfk_event_fn *on_event;
} kfk_hooks;

/* A new, empty set of properties, using |a| (copied; NULL: malloc) for itself and for the handles made from it.
 * NULL: no memory. */
KFK_API kfk_config *kfk_config_new(const kfk_allocator *a);

/* Sets one property; a later call replaces an earlier one. Both strings are copied.
 * A name may begin with "producer.", "consumer." or "admin.": then it is for handles of that role only, and goes before
 * the same name without a prefix.
 * KFK_ERR_CONFIG: unknown name (the nearest known one is in e->msg), or a value that does not parse or is out of
 * bounds. KFK_ERR_UNSUPPORTED: the value needs a part that is not built yet. KFK_ERR_INVALID_ARG: a NULL.
 * KFK_ERR_NOMEM. */
KFK_API kfk_err kfk_config_set(kfk_config *c, const char *name, const char *value, kfk_error *e);

/* Sets one property for one topic only: compression.type, compression.*.level, partitioner.class, auto.offset.reset.
 * Errors as kfk_config_set. */
KFK_API kfk_err kfk_config_set_topic(kfk_config *c, const char *topic, const char *name, const char *value,
                                     kfk_error *e);

/* Reads a Java client's .properties file. As lenient as Java: keys of other roles and of the JVM are taken and logged
 * once, unknown ones are warned of with their line and the nearest name. What would weaken security is an error.
 * KFK_ERR_SYSTEM: the file cannot be read; else as kfk_config_set, with the line. After an error |c| is as before. */
KFK_API kfk_err kfk_config_load(kfk_config *c, const char *path, kfk_error *e);

/* Sets the application's functions; |arg| is passed to each. KFK_ERR_INVALID_ARG: struct_size. */
KFK_API kfk_err kfk_config_hooks(kfk_config *c, const kfk_hooks *h, void *arg, kfk_error *e);

/* At any time, NULL included. */
KFK_API void kfk_config_free(kfk_config *c);

/* The value that a property has in |c|, or its default; NULL: unknown, or has none. Secrets read "[redacted]".
 * Valid until the next call with |c|. */
KFK_API const char *kfk_config_get(const kfk_config *c, const char *name);

/* The roles that read a property. */
enum { KFK_ROLE_PRODUCER = 1, KFK_ROLE_CONSUMER = 2, KFK_ROLE_ADMIN = 4, KFK_ROLE_GROUP = 8 };

/* What is known of one property. Strings are static; NULL where there is none. */
typedef struct kfk_property {
    uint32_t struct_size;
    uint32_t roles;
    const char *name;
    const char *type;          /* "int" "long" "short" "double" "boolean" "string" "list" "class" "password" */
    const char *default_value; /* NULL: none */
    const char *bounds;        /* "[0,...]", "[none, gzip, snappy, lz4, zstd]"; NULL: any */
    const char *doc;           /* what it does */
} kfk_property;

/* Walks the table: 1 and *p filled for the i-th property, 0 past the end. p->struct_size is the caller's. */
KFK_API int kfk_config_list(size_t i, kfk_property *p);

#ifdef __cplusplus
}
#endif
#endif
