/* groups: what the files of "kfk groups" share. */
#ifndef TOOLS_KFK_GROUPS_H
#define TOOLS_KFK_GROUPS_H

#include "tool.h"

enum {
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    TIMEOUT,
    LIST,
    DESCRIBE,
    DELETE,
    RESET_OFFSETS,
    DELETE_OFFSETS,
    VALIDATE_REGEX,
    GROUP,
    ALL_GROUPS,
    TOPIC,
    ALL_TOPICS,
    MEMBERS,
    OFFSETS,
    STATE,
    VERBOSE,
    TYPE,
    TO_OFFSET,
    TO_EARLIEST,
    TO_LATEST,
    TO_CURRENT,
    TO_DATETIME,
    BY_DURATION,
    SHIFT_BY,
    FROM_FILE,
    DRY_RUN,
    EXECUTE,
    EXPORT,
    HELP,
    VERSION
};

typedef struct groups {
    args *args;
    kfk_config *config;
    kfk_admin *admin;
    kfk_consumer *consumer; /* NULL until an offset of a log is asked for */
    int timeout_ms;
    kfk_error e;
} groups;

/* A function that gives an int gives 0 if things go on, 1 if the process is to exit with that, and
 * GROUPS_ENDED where Kafka's tool says on stdout what has failed and exits with 0. Something has
 * been said then. */
enum { GROUPS_ENDED = -1 };

/* "Error: Executing consumer group command failed due to ..."; GROUPS_ENDED. */
int groups_fail(const char *fmt, ...) KFK_PRINTF(1, 2);
/* How deep the error lies in what Kafka's tool catches, which it shows: its text only; with its
 * class; and with what that came wrapped in. */
typedef enum groups_depth { ONLY_TEXT, WITH_CLASS, WRAPPED } groups_depth;

/* The same of an error; |text| is told if Kafka has none for the code. */
int groups_fail_code(groups_depth depth, kfk_err err, const char *text);
int groups_fail_error(const groups *g, groups_depth depth);
/* "Error: ..." on stdout, and things go on. */
void groups_say_error(const char *fmt, ...) KFK_PRINTF(1, 2);
/* A bad command line: a line and the usage; 1. */
int groups_usage(const char *fmt, ...) KFK_PRINTF(1, 2);
/* What Kafka says of a code; |text| if it says nothing. */
const char *groups_text(kfk_err err, const char *text);
/* "CLASS: TEXT", into |out|. */
const char *groups_exception(kfk_err err, const char *text, char *out, size_t size);

/* Zeroed memory, and a copy of a string: without memory the process ends. */
void *groups_alloc(size_t n, size_t size);
char *groups_copy(const char *text);

/* Names of groups: of --group, each once, or of all there are. */
typedef struct groups_names {
    kfk_group_listings *all;
    const char **v;
    size_t n;
} groups_names;

int groups_find(groups *g, groups_names *out);
int groups_find_all(groups *g, groups_names *out);
void groups_names_fini(groups_names *names);
/* Their descriptions; WITH_CLASS or WRAPPED, if one cannot be described. |absent|: one that does
 * not exist can. */
int groups_describe_all(groups *g, const groups_names *names, groups_depth depth, bool absent,
                        kfk_group_descriptions **out);
/* A state or type as Kafka's tool writes it. */
const char *groups_state(const char *state);
const char *groups_type(const char *type);

int groups_list(groups *g);
int groups_describe(groups *g);
/* --members, --state: of |d|'s groups, in the order of their names. */
int groups_print_members(groups *g, const kfk_group_descriptions *d);
int groups_print_states(groups *g, const kfk_group_descriptions *d);
/* What is said of a group by its state; false: it is not there. */
bool groups_print_state(const kfk_group_description *d, int *status);
/* Puts the groups in the order of their names. */
void groups_sort(kfk_group_descriptions *d);
int groups_delete(groups *g);
int groups_delete_offsets(groups *g);
int groups_reset(groups *g);

/* ---- partitions ---- */

/* Partitions and an offset of each, in the order of topics and numbers; names are its own. */
typedef struct groups_tps {
    kfk_tp *v;
    size_t n;
} groups_tps;

/* One more, unless it is there; valid until the next. */
kfk_tp *groups_tps_add(groups_tps *tps, const char *topic, int32_t partition, int64_t offset);
/* NULL: it is not among them. */
kfk_tp *groups_tps_find(const groups_tps *tps, const char *topic, int32_t partition);
void groups_tps_fini(groups_tps *tps);

/* "topic:0,1": its partitions. */
int groups_parse_partitions(const char *text, groups_tps *out);
/* Topics that these partitions are of, or that are named, as the brokers describe them. */
int groups_topics(groups *g, const char *const *names, size_t n, kfk_topics **out);
int groups_topics_of(groups *g, const groups_tps *tps, groups_depth depth, kfk_topics **out);
const kfk_partition *groups_partition(const kfk_topics *topics, const char *topic,
                                      int32_t partition);
/* What a group has committed. */
int groups_committed(groups *g, const char *group, groups_tps *out);
/* Asks for the offset of a place (KFK_OFFSET_LATEST, ...), or of a time, in each log, into
 * tps->v[i].offset. */
int groups_log_offsets(groups *g, groups_tps *tps, int64_t place, bool is_time);

/* ---- --from-file, --export ---- */

typedef struct groups_plan groups_plan;

/* One line of the file. */
struct groups_plan {
    struct groups_plan_row {
        char *group; /* NULL: of the one that was named */
        char *topic;
        int32_t partition;
        int64_t offset;
    } * rows;
    size_t n;
};

int groups_plan_read(groups_plan *plan, const char *path, bool one_group);
void groups_plan_fini(groups_plan *plan);
/* A field as it stands in such a file. */
void groups_plan_print_field(const char *text);

#endif
