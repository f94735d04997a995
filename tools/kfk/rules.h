/* rules: which partitions of which topics kfk offsets is about. */
#ifndef TOOLS_KFK_RULES_H
#define TOOLS_KFK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expression.h"

/* Topics that an expression matches, and of them the partitions of a list, or of a range. */
typedef struct rule {
    expression topics;
    int32_t *ids; /* NULL: the range */
    size_t n_ids;
    int64_t from, to; /* the first one, and the one behind the last */
} rule;

typedef struct rules {
    rule *v;
    size_t n;
    char why[512]; /* what was wrong, said as Kafka's tool does */
} rules;

/* --topic-partitions: TOPIC[:PARTITIONS],... where partitions are 1, 1-3 (3 is not among them), 1-
 * or -3. false: |why| is set. rules_fini in all cases. */
bool rules_parse_list(rules *r, const char *text);
/* --topic and --partitions, each of which may be NULL. */
bool rules_parse(rules *r, const char *topic, const char *partitions);
void rules_fini(rules *r);

bool rules_topic(const rules *r, const char *topic);
bool rules_partition(const rules *r, const char *topic, int32_t partition);

#endif
