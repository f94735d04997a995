/* handlers: one function an API; apis.c is their table. Each fills call->response from
 * call->request, with call->refuse, where it is set, in the place of the effect. All run under the
 * service's lock. */
#ifndef KFK_DEVBROKER_HANDLERS_H
#define KFK_DEVBROKER_HANDLERS_H

#include "devbroker/call.h"

kfk__dev_handler kfk__dev_api_versions;
kfk__dev_handler kfk__dev_consumer_group_describe;
kfk__dev_handler kfk__dev_consumer_group_heartbeat;
kfk__dev_handler kfk__dev_create_partitions;
kfk__dev_handler kfk__dev_create_topics;
kfk__dev_handler kfk__dev_delete_groups;
kfk__dev_handler kfk__dev_delete_topics;
kfk__dev_handler kfk__dev_describe_configs;
kfk__dev_handler kfk__dev_describe_groups;
kfk__dev_handler kfk__dev_describe_topic_partitions;
kfk__dev_handler kfk__dev_fetch;
kfk__dev_handler kfk__dev_find_coordinator;
kfk__dev_handler kfk__dev_heartbeat;
kfk__dev_handler kfk__dev_init_producer_id;
kfk__dev_handler kfk__dev_join_group;
kfk__dev_handler kfk__dev_leave_group;
kfk__dev_handler kfk__dev_list_groups;
kfk__dev_handler kfk__dev_list_offsets;
kfk__dev_handler kfk__dev_list_partition_reassignments;
kfk__dev_handler kfk__dev_metadata;
kfk__dev_handler kfk__dev_offset_commit;
kfk__dev_handler kfk__dev_offset_delete;
kfk__dev_handler kfk__dev_offset_fetch;
kfk__dev_handler kfk__dev_offset_for_leader_epoch;
kfk__dev_handler kfk__dev_produce;
kfk__dev_handler kfk__dev_sync_group;

#endif
