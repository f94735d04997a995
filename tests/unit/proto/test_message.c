/* Defaults: what they are, and when a member has its own. */
#include "golden.h"

#include "proto/describe_topic_partitions.h"
#include "proto/fetch.h"
#include "proto/find_coordinator.h"
#include "proto/list_partition_reassignments.h"
#include "proto/message.h"
#include "proto/metadata.h"
#include "proto/produce.h"

static const kfk__field *field(const kfk__schema *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i].name, name) == 0)
            return &s->fields[i];
    ck_abort_msg("%s has no %s", s->name, name);
    return NULL;
}

static bool is_default(const kfk__schema *s, const char *name, const void *msg)
{
    return kfk__field_is_default(s, field(s, name), msg);
}

START_TEST(a_message_begins_with_its_defaults)
{
    kfk__fetch_request rq;
    kfk__list_partition_reassignments_request reassign;

    memset(&rq, 0xa5, sizeof rq);
    kfk__msg_init(kfk__fetch_api.request, &rq);
    ck_assert_ptr_null(rq.cluster_id.data);
    ck_assert_int_eq(rq.replica_id, -1);
    ck_assert_int_eq(rq.replica_state.replica_id, -1);
    ck_assert_int_eq(rq.replica_state.replica_epoch, -1);
    ck_assert_int_eq(rq.max_bytes, INT32_MAX);
    ck_assert_int_eq(rq.session_epoch, -1);
    ck_assert_int_eq(rq.min_bytes, 0);
    ck_assert_int_eq(rq.topics.n, 0);
    ck_assert_ptr_nonnull(rq.rack_id.data);
    ck_assert_uint_eq(rq.rack_id.len, 0);

    memset(&reassign, 0xa5, sizeof reassign);
    kfk__msg_init(kfk__list_partition_reassignments_api.request, &reassign);
    ck_assert_int_eq(reassign.timeout_ms, 60000);
    ck_assert_int_eq(reassign.topics.n, -1);
}
END_TEST

START_TEST(a_part_of_a_message_has_its_defaults)
{
    kfk__fetch_request_partition p = kfk__fetch_request_partition_default;
    kfk__metadata_response_topic t = kfk__metadata_response_topic_default;

    ck_assert(p.high_watermark == INT64_MAX);
    ck_assert_int_eq(p.current_leader_epoch, -1);
    ck_assert(kfk__uuid_is_zero(&p.replica_directory_id));
    ck_assert_int_eq(t.topic_authorized_operations, INT32_MIN);
    ck_assert(!t.is_internal);
    ck_assert(kfk__metadata_request_default.allow_auto_topic_creation);
    ck_assert_ptr_null(kfk__describe_topic_partitions_request_default.cursor);
}
END_TEST

START_TEST(every_message_has_nothing_but_defaults_at_first)
{
    for (size_t i = 0; i < 2 * kfk__n_apis; i++) {
        const kfk__schema *s = i % 2 ? kfk__apis[i / 2]->request : kfk__apis[i / 2]->response;
        void *msg = new_message(s);

        kfk__msg_init(s, msg);
        for (uint32_t f = 0; f < s->n_fields; f++)
            ck_assert_msg(kfk__field_is_default(s, &s->fields[f], msg), "%s", s->fields[f].name);
        free(msg);
    }
}
END_TEST

START_TEST(what_is_set_is_no_default)
{
    const kfk__schema *s = kfk__fetch_api.request;
    kfk__fetch_request_topic topic = kfk__fetch_request_topic_default;
    kfk__fetch_request rq = kfk__fetch_request_default;

    rq.replica_id = 0;
    rq.replica_state.replica_epoch = 7;
    rq.max_bytes = 0;
    rq.cluster_id = (kfk_bytes){"", 0};
    rq.rack_id = (kfk_bytes){"r", 1};
    rq.topics.v = &topic;
    rq.topics.n = 1;
    ck_assert(!is_default(s, "replica_id", &rq));
    ck_assert(!is_default(s, "replica_state", &rq));
    ck_assert(!is_default(s, "max_bytes", &rq));
    ck_assert(!is_default(s, "cluster_id", &rq));
    ck_assert(!is_default(s, "rack_id", &rq));
    ck_assert(!is_default(s, "topics", &rq));
    ck_assert(is_default(s, "session_epoch", &rq));
}
END_TEST

START_TEST(null_is_no_default_where_null_means_something)
{
    kfk__metadata_request rq = kfk__metadata_request_default;
    kfk__find_coordinator_request find = kfk__find_coordinator_request_default;
    kfk__produce_response_partition p = kfk__produce_response_partition_default;

    rq.topics.n = -1;
    ck_assert(!is_default(kfk__metadata_api.request, "topics", &rq));
    /* The key is null in no version: it was never set. */
    find.key = (kfk_bytes){NULL, 0};
    ck_assert(is_default(kfk__find_coordinator_api.request, "key", &find));
    ck_assert_ptr_null(p.error_message.data);
}
END_TEST

START_TEST(a_pointer_has_null_as_its_default)
{
    kfk__describe_topic_partitions_request rq = kfk__describe_topic_partitions_request_default;
    kfk__describe_topic_partitions_request_cursor cursor =
        kfk__describe_topic_partitions_request_cursor_default;
    const kfk__schema *s = kfk__describe_topic_partitions_api.request;

    ck_assert(is_default(s, "cursor", &rq));
    rq.cursor = &cursor;
    ck_assert(!is_default(s, "cursor", &rq));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("message");

    tcase_add_test(t, a_message_begins_with_its_defaults);
    tcase_add_test(t, a_part_of_a_message_has_its_defaults);
    tcase_add_test(t, every_message_has_nothing_but_defaults_at_first);
    tcase_add_test(t, what_is_set_is_no_default);
    tcase_add_test(t, null_is_no_default_where_null_means_something);
    tcase_add_test(t, a_pointer_has_null_as_its_default);
    return run_suite("message", t);
}
