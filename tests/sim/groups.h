/* groups: groups of the simulation's world, each with fibers that are in kfk_group_run, and what their handlers saw.
 *
 *     member m = {...};                  group_new(&m, "name", "value", ..., NULL);
 *     group_run(&m);                     a fiber more
 *     group_await(&m, 20000);            all of them have returned
 *
 * The handlers that are here note what they are told in one text ("+t-0 t-1;", "-t-0;", "!t-1;", "?..." for error) and count
 * records of partitions of the topic "t". They check what holds always: one partition is at one handler, offsets go up, and
 * setup, cleanup, lost, error and failed come one at a time. */
#ifndef SIM_GROUPS_H
#define SIM_GROUPS_H

#include <stdatomic.h>

#include <kfk/group.h>

#include "sim/world.h"

enum { GROUP_PARTS = 12, GROUP_RUNS = 4, GROUP_TEXT = 8192, GROUP_LOG = 4096 };

typedef struct member {
    kfk_group *g;
    const char *const *topics; /* NULL: "t" */
    kfk_group_handler h;       /* what is NULL is one of those here, unless |bare| */
    bool bare;
    /* What the handlers do; each may be changed by the test at any time. */
    atomic_llong record_ms, setup_ms, cleanup_ms;
    atomic_int answer, setup_answer; /* of record, setup */
    atomic_llong fails_at;           /* record answers |answer| at this offset only; -1: at each */
    atomic_int fails_in;             /* and in this partition only; -1: in each */
    atomic_int verdict;              /* of failed */
    atomic_llong begin_at;           /* setup: KFK_OFFSET; 0: not set */
    atomic_bool commits;             /* cleanup calls kfk_group_commit */

    atomic_int out;     /* fibers in kfk_group_run */
    kfk_err result[GROUP_RUNS];
    kfk_error error[GROUP_RUNS];
    atomic_int n_runs;

    atomic_int records, setups, cleanups, losts, failures, errors;
    atomic_int attempt;           /* as failed heard last */
    atomic_llong seen[GROUP_PARTS]; /* how often a record of it was handed out */
    atomic_llong next[GROUP_PARTS]; /* behind the last that was done */
    atomic_int at[GROUP_PARTS];   /* handlers that are at it */
    atomic_int alone;             /* those of one at a time */
    atomic_llong left;            /* kfk_group_time_left in cleanup */
    kfk_tp cleaned[GROUP_PARTS];
    kfk_error last_error; /* group_error */
    char text[GROUP_TEXT];
} member;

/* Zeroes what was seen, and makes the group. */
void group_new(member *m, const char *name, ...);
/* The same, where there may be no memory: KFK_OK or KFK_ERR_NOMEM. */
kfk_err group_try(member *m, const char *name, ...);
/* The result of kfk_group_new, which is not to be KFK_OK. */
kfk_err group_refused(member *m, const char *name, ...);
void group_run(member *m);
/* All have returned within |ms|. */
void group_await(member *m, int64_t ms);
/* Stops, awaits, and what was returned is |err| each time; frees. */
void group_end(member *m, kfk_err err);
/* What error() was told last; KFK_OK: nothing. */
kfk_error group_error(member *m);
/* Until |records| are at least so many. */
void group_await_records(member *m, int n, int64_t ms);
/* Until the number is at least so much. */
void group_until(atomic_int *what, int n, int64_t ms);

kfk_err group_record(kfk_group *g, const kfk_record_view *r, void *arg);

/* So many records in all, one after the other to partitions 0 to |parts| - 1 of |topic|. */
void group_fill(const char *topic, int parts, int n);
/* What the group "g" has committed, of a partition of "t"; -1: nothing. */
int64_t group_committed(const char *topic, int32_t partition);

#endif
