/* topics: what the files of "kfk topics" share. */
#ifndef TOOLS_KFK_TOPICS_H
#define TOOLS_KFK_TOPICS_H

#include "tool.h"

enum {
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    LIST,
    CREATE,
    DELETE,
    ALTER,
    DESCRIBE,
    TOPIC,
    TOPIC_ID,
    CONFIG,
    DELETE_CONFIG,
    PARTITIONS,
    REPLICATION_FACTOR,
    REPLICA_ASSIGNMENT,
    UNDER_REPLICATED,
    UNAVAILABLE,
    UNDER_MIN_ISR,
    AT_MIN_ISR,
    WITH_OVERRIDES,
    IF_EXISTS,
    IF_NOT_EXISTS,
    EXCLUDE_INTERNAL,
    SIZE_LIMIT,
    HELP,
    VERSION,
    N_TOPICS_OPTIONS
};

typedef struct topics {
    args *args;
    kfk_admin *admin;
    kfk_error e;
} topics;

/* "Error while executing topic command : ..." on stdout, where Kafka's tool has it; returns 1. */
int topics_fail(const char *fmt, ...) KFK_PRINTF(1, 2);
int topics_fail_error(const topics *t);

/* Names, in order; topics_names_fini. */
typedef struct topics_names {
    kfk_topics *all;
    const char **v;
    size_t n;
} topics_names;

/* The topics that --topic (all, without it) and --exclude-internal mean. Not 0: an exit status, all
 * has been said. */
int topics_find(topics *t, topics_names *out);
/* The same, and 1 if there are none though --topic was given and --if-exists was not. */
int topics_find_existing(topics *t, topics_names *out);
void topics_names_fini(topics_names *names);

int topics_describe(topics *t);

/* --replica-assignment "1:2,2:3": the replicas of each partition. */
typedef struct topics_assignment {
    kfk_ids *partitions;
    size_t n;
} topics_assignment;

/* Not 0: an exit status. */
int topics_assignment_parse(topics_assignment *as, const char *text);
void topics_assignment_fini(topics_assignment *as);

#endif
