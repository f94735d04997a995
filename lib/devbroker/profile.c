#include "devbroker/profile.h"

#include <stddef.h>
#include <string.h>

enum { COLUMNS = 6, NEWEST = COLUMNS - 1 };

static const kfk__dev_profile profiles[COLUMNS] = {
    {"2.1", 0, true, true, true, false},  {"2.4", 1, true, true, true, false},
    {"2.8", 2, true, true, false, false}, {"3.3", 3, true, false, false, true},
    {"3.7", 4, true, false, false, true}, {"4.3", 5, false, false, false, true},
};

/* -1: absent. An API that is not in this table has no limit of its own. */
static const struct {
    int16_t key;
    int8_t max[COLUMNS];
} versions[] = {
    {0, {7, 8, 9, 9, 10, 13}},     /* Produce */
    {1, {10, 11, 12, 13, 16, 18}}, /* Fetch */
    {2, {4, 5, 6, 7, 8, 11}},      /* ListOffsets */
    {3, {7, 9, 11, 12, 12, 13}},   /* Metadata */
    {8, {6, 8, 8, 8, 9, 10}},      /* OffsetCommit */
    {9, {5, 6, 7, 8, 9, 10}},      /* OffsetFetch */
    {10, {2, 3, 3, 4, 4, 6}},      /* FindCoordinator */
    {11, {3, 6, 7, 9, 9, 9}},      /* JoinGroup */
    {12, {2, 4, 4, 4, 4, 4}},      /* Heartbeat */
    {13, {2, 4, 4, 5, 5, 5}},      /* LeaveGroup */
    {14, {2, 4, 5, 5, 5, 5}},      /* SyncGroup */
    {15, {2, 5, 5, 5, 5, 6}},      /* DescribeGroups */
    {16, {2, 3, 4, 4, 4, 5}},      /* ListGroups */
    {18, {2, 3, 3, 3, 3, 4}},      /* ApiVersions */
    {19, {3, 5, 7, 7, 7, 7}},      /* CreateTopics */
    {20, {3, 5, 6, 6, 6, 6}},      /* DeleteTopics */
    {22, {1, 2, 4, 4, 4, 5}},      /* InitProducerId */
    {23, {2, 3, 4, 4, 4, 4}},      /* OffsetForLeaderEpoch */
    {32, {2, 2, 4, 4, 4, 4}},      /* DescribeConfigs */
    {37, {1, 1, 3, 3, 3, 3}},      /* CreatePartitions */
    {42, {1, 2, 2, 2, 2, 2}},      /* DeleteGroups */
    {46, {-1, 0, 0, 0, 0, 0}},     /* ListPartitionReassignments */
    {47, {-1, 0, 0, 0, 0, 0}},     /* OffsetDelete */
    {68, {-1, -1, -1, -1, -1, 1}}, /* ConsumerGroupHeartbeat */
    {69, {-1, -1, -1, -1, -1, 1}}, /* ConsumerGroupDescribe */
    {75, {-1, -1, -1, -1, -1, 0}}, /* DescribeTopicPartitions */
};

const kfk__dev_profile *kfk__dev_profile_by_name(const char *name)
{
    if (!name || !*name)
        return &profiles[NEWEST];
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

int16_t kfk__dev_profile_max(const kfk__dev_profile *p, int16_t key)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (versions[i].key == key)
            return versions[i].max[p->column];
    return INT16_MAX;
}
