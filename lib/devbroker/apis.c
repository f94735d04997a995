/* apis: the table of what the embedded broker serves. */
#include "devbroker/handlers.h"

#include "proto/api_versions.h"
#include "proto/consumer_group_describe.h"
#include "proto/consumer_group_heartbeat.h"
#include "proto/create_partitions.h"
#include "proto/create_topics.h"
#include "proto/delete_groups.h"
#include "proto/delete_topics.h"
#include "proto/describe_configs.h"
#include "proto/describe_groups.h"
#include "proto/describe_topic_partitions.h"
#include "proto/fetch.h"
#include "proto/find_coordinator.h"
#include "proto/heartbeat.h"
#include "proto/init_producer_id.h"
#include "proto/join_group.h"
#include "proto/leave_group.h"
#include "proto/list_groups.h"
#include "proto/list_offsets.h"
#include "proto/list_partition_reassignments.h"
#include "proto/metadata.h"
#include "proto/offset_commit.h"
#include "proto/offset_delete.h"
#include "proto/offset_fetch.h"
#include "proto/offset_for_leader_epoch.h"
#include "proto/produce.h"
#include "proto/sync_group.h"

const kfk__dev_api kfk__dev_apis[] = {
    {&kfk__produce_api, kfk__dev_produce, 13, 2, 0},
    {&kfk__fetch_api, kfk__dev_fetch, 18, 2, 0},
    {&kfk__list_offsets_api, kfk__dev_list_offsets, 11, 2, 0},
    {&kfk__metadata_api, kfk__dev_metadata, 13, 1, 0},
    {&kfk__offset_commit_api, kfk__dev_offset_commit, 10, 2, 0},
    {&kfk__offset_fetch_api, kfk__dev_offset_fetch, 10, 2, 8},
    {&kfk__find_coordinator_api, kfk__dev_find_coordinator, 6, 1, 0},
    {&kfk__join_group_api, kfk__dev_join_group, 9, 0, 0},
    {&kfk__heartbeat_api, kfk__dev_heartbeat, 4, 0, 0},
    {&kfk__leave_group_api, kfk__dev_leave_group, 5, 0, 0},
    {&kfk__sync_group_api, kfk__dev_sync_group, 5, 0, 0},
    {&kfk__describe_groups_api, kfk__dev_describe_groups, 6, 1, 0},
    {&kfk__list_groups_api, kfk__dev_list_groups, 5, 0, 0},
    {&kfk__api_versions_api, kfk__dev_api_versions, 4, 0, 0},
    {&kfk__create_topics_api, kfk__dev_create_topics, 7, 1, 0},
    {&kfk__delete_topics_api, kfk__dev_delete_topics, 6, 1, 0},
    {&kfk__init_producer_id_api, kfk__dev_init_producer_id, 5, 0, 0},
    {&kfk__offset_for_leader_epoch_api, kfk__dev_offset_for_leader_epoch, 4, 2, 0},
    {&kfk__describe_configs_api, kfk__dev_describe_configs, 4, 1, 0},
    {&kfk__create_partitions_api, kfk__dev_create_partitions, 3, 1, 0},
    {&kfk__delete_groups_api, kfk__dev_delete_groups, 2, 1, 0},
    {&kfk__list_partition_reassignments_api, kfk__dev_list_partition_reassignments, 0, 0, 0},
    {&kfk__offset_delete_api, kfk__dev_offset_delete, 0, 2, 0},
    {&kfk__consumer_group_heartbeat_api, kfk__dev_consumer_group_heartbeat, 1, 0, 0},
    {&kfk__consumer_group_describe_api, kfk__dev_consumer_group_describe, 1, 1, 0},
    {&kfk__describe_topic_partitions_api, kfk__dev_describe_topic_partitions, 0, 1, 0},
};

const size_t kfk__dev_n_apis = sizeof kfk__dev_apis / sizeof *kfk__dev_apis;
