/* world: an embedded cluster in a simulation, handles that talk to it, and what became of each record.
 *
 *     world_run(&(world_opts){.nodes = 3}, app);
 *
 *     host 1: app, and the threads of its handles        host 2: the cluster, node N on port 9091 + N
 *
 * app runs as a fiber, once the cluster listens. What it makes it frees; then nothing is left of
 * anybody's memory. There is one world at a time. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdarg.h>

#include <kfk/consumer.h>
#include <kfk/kafka_errors.h>
#include <kfk/producer.h>

#include "devbroker/devbroker.h"
#include "sim/rig.h"

#define WORLD_HOST 2 /* the cluster's */
#define WORLD_PORT 9092
#define WORLD_RECORDS 4096

typedef struct world_opts {
    uint64_t seed;
    int32_t nodes;       /* 0: 1 */
    const char *profile; /* NULL: the newest */
    const char *host;    /* what every node advertises; NULL: its address */
    const char *const *racks; /* of each node; NULL: none */
    int64_t limit;       /* virtual time that it may take; 0: ten minutes */
    bool no_auto_create;
    void (*heard)(void *arg, const struct kfk__dev_call *call); /* devbroker.h */
    bool unchecked; /* what is left of memory is the caller's to look at */
} world_opts;

/* What became of one record. */
typedef struct report {
    int n;        /* how often it was told: 1 */
    bool refused; /* send gave an error */
    int32_t status, partition;
    kfk_err err;
    int64_t offset;
    int64_t at; /* when */
    char msg[160];
} report;

typedef struct world {
    rig rig; /* rig.env: the app's */
    failalloc broker_mem;
    kfk__devbroker *broker;
    char bootstrap[256];
    kfk_error e;
    int sent;
    report reports[WORLD_RECORDS];
} world;

extern world w;

/* Runs |app| to its end. Returns the trace's hash. */
uint64_t world_run(const world_opts *o, void (*app)(void));

/* The same for |n| seeds. */
void world_seeds(const world_opts *o, uint64_t n, void (*app)(void));

int64_t now(void);
void nap(int64_t ms);
/* A test program's main: each a START_TEST, ended by NULL. */
int world_main(const char *name, const TTest *const *tests);

/* The same for a program whose tests are seeds: |n| times |seed| from 1 on, or as $SIM_SEED or $SIM_SEEDS say, and |trace|
 * unless it is one alone. */
int world_seeds_main(const char *name, const TTest *seed, const TTest *trace, int n);

/* ---- the cluster ---- */

void topic(const char *name, int32_t partitions, int32_t replicas);
int64_t requests(int16_t api);
/* Puts a rule in (fault.h). A node of 0 is any, a count of 0 once. Returns its id. */
int64_t fault(kfk__dev_fault what);
#define FAULT(...) fault((kfk__dev_fault){__VA_ARGS__})
enum {
    PRODUCE = 0,
    FETCH = 1,
    LIST_OFFSETS = 2,
    METADATA = 3,
    OFFSET_COMMIT = 8,
    OFFSET_FETCH = 9,
    FIND_COORDINATOR = 10,
    API_VERSIONS = 18,
    INIT_PRODUCER_ID = 22,
    OFFSET_FOR_LEADER_EPOCH = 23
};
/* The records' numbers in a partition's log, at most |max|. Returns how many there are. */
int log_of(const char *topic, int32_t partition, int *ids, int max);

/* ---- handles ---- */

/* "name", "value", ..., NULL. bootstrap.servers is the cluster's unless it is given. */
kfk_config *config(const char *name, va_list ap);
kfk_producer *producer(const char *name, ...);
kfk_consumer *consumer(const char *name, ...);

/* A number for a record. */
int new_record(void);
/* Sends it, with the number as its value, padded to |size| (8 and up), to a partition (-1: any). The
 * result, or the text of an error, is in its report. */
kfk_err send_record(kfk_producer *p, int id, const char *topic, int32_t partition, uint32_t flags,
                    size_t size);
/* A new one of 8 bytes. */
kfk_err send_to(kfk_producer *p, const char *topic, int32_t partition);
void flush(kfk_producer *p);
/* What has been told of it so far, for who has not waited for it. */
report report_of(int id);
/* All records that were accepted have been told once; returns how many of them with |status|. */
int told(int32_t status);
/* How many records send took so far. */
int accepted(void);
/* send_to, and all that was accepted so far is delivered. */
void send_and_flush(kfk_producer *p, const char *topic, int32_t partition);

/* Reads |n| records within |ms| and returns how many there were; their numbers are in |ids|. */
int read_records(kfk_consumer *c, int n, int64_t ms, int *ids);
kfk_tp tp(const char *topic, int32_t partition, int64_t offset);
void assign(kfk_consumer *c, const char *topic, int32_t partition, int64_t offset);

#endif
