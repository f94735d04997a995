/* Every call of the admin handle against a broker in this process, and what becomes of it under
 * faults. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kfk/kfk.h>

#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "net/env_posix.h"
#include "proto/create_topics.h"
#include "proto/delete_topics.h"
#include "proto/describe_configs.h"
#include "proto/describe_topic_partitions.h"
#include "proto/list_partition_reassignments.h"
#include "proto/metadata.h"

enum { SOON = 300, ENOUGH = 20000 }; /* ms */

static kfk__devbroker *broker;
static kfk_admin *admin;
static kfk_error e;

static void open_with(const char *bootstrap, const char *backoff, const char *longest)
{
    kfk_config *c = kfk_config_new(NULL);

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", bootstrap, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "retry.backoff.ms", backoff, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "retry.backoff.max.ms", longest, &e), KFK_OK);
    ck_assert_msg(kfk_admin_new(&admin, c, &e) == KFK_OK, "%s", e.msg);
    kfk_config_free(c);
}

static void open_handle(const char *bootstrap)
{
    open_with(bootstrap, "5", "1000");
}

static void start(const char *profile)
{
    kfk__devbroker_opts o = {
        .n_nodes = 3, .default_partitions = 4, .default_replicas = 2, .profile = profile};
    kfk__env env;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    open_handle(kfk__devbroker_bootstrap(broker));
}

static void setup(void)
{
    start(NULL);
}

static void teardown(void)
{
    kfk_admin_free(admin);
    kfk__devbroker_free(broker);
    admin = NULL;
    broker = NULL;
}

static int64_t fault(kfk__dev_fault_kind kind, const kfk__api *api, int32_t count, int32_t value,
                     bool after)
{
    kfk__dev_fault f = {.kind = kind,
                        .api = api->key,
                        .node = KFK__DEV_ANY,
                        .count = count,
                        .value = value,
                        .after = after,
                        .level = KFK__DEV_ANY};
    int64_t id = kfk__devbroker_fault(broker, &f);

    ck_assert_int_gt(id, 0);
    return id;
}

static kfk_err create(const char *name, int32_t partitions, int timeout_ms)
{
    kfk_new_topic t = {.struct_size = sizeof t, .name = name, .partitions = partitions};

    return kfk_admin_create_topics(admin, &t, 1, timeout_ms, NULL, &e);
}

static kfk_err delete_topic(const char *name)
{
    return kfk_admin_delete_topics(admin, &name, 1, ENOUGH, NULL, &e);
}

static bool exists(const char *name)
{
    kfk__uuid id;

    return kfk__devbroker_topic_id(broker, name, &id) == KFK_OK;
}

static void ids_are(kfk_ids ids, int32_t a, int32_t b)
{
    ck_assert_uint_eq(ids.n, 2);
    ck_assert_int_eq(ids.v[0], a);
    ck_assert_int_eq(ids.v[1], b);
}

static kfk_topics *describe(const char *name)
{
    kfk_topics *t;

    ck_assert_msg(kfk_admin_describe_topics(admin, &name, 1, NULL, ENOUGH, &t, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(t->n, 1);
    return t;
}

/* ---- the calls ---- */

START_TEST(creates_topics)
{
    static const int32_t first[] = {3, 1}, second[] = {2, 3};
    const kfk_ids replicas[] = {{first, 2}, {second, 2}};
    const kfk_setting config = {"retention.ms", "1000"};
    const kfk_new_topic topics[] = {
        {.struct_size = sizeof *topics, .name = "defaults"},
        {.struct_size = sizeof *topics, .name = "given", .partitions = 2, .replication_factor = 3},
        {.struct_size = sizeof *topics,
         .name = "by-hand",
         .replicas = replicas,
         .n_replicas = 2,
         .configs = &config,
         .n_configs = 1},
    };
    kfk_error each[3];
    kfk_topics *t;

    ck_assert_msg(kfk_admin_create_topics(admin, topics, 3, ENOUGH, each, &e) == KFK_OK, "%s",
                  e.msg);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(each[i].code, KFK_OK);
    t = describe("defaults");
    ck_assert_uint_eq(t->topics[0]->n_partitions, 4);
    ck_assert_uint_eq(t->topics[0]->partitions[3]->replicas.n, 2);
    kfk_topics_free(t);
    t = describe("given");
    ck_assert_uint_eq(t->topics[0]->n_partitions, 2);
    ck_assert_uint_eq(t->topics[0]->partitions[0]->replicas.n, 3);
    kfk_topics_free(t);
    t = describe("by-hand");
    ck_assert_uint_eq(t->topics[0]->n_partitions, 2);
    ids_are(t->topics[0]->partitions[0]->replicas, 3, 1);
    ids_are(t->topics[0]->partitions[1]->replicas, 2, 3);
    kfk_topics_free(t);
}
END_TEST

START_TEST(tells_of_each_topic)
{
    const kfk_new_topic topics[] = {
        {.struct_size = sizeof *topics, .name = "fine"},
        {.struct_size = sizeof *topics, .name = "bad name"},
        {.struct_size = sizeof *topics, .name = "there"},
    };
    const char *names[] = {"there", "none-such", "fine"};
    kfk_error each[3];

    ck_assert_int_eq(create("there", 1, ENOUGH), KFK_OK);
    ck_assert_int_eq(kfk_admin_create_topics(admin, topics, 3, ENOUGH, each, &e),
                     KFK_ERR_INVALID_TOPIC_EXCEPTION);
    ck_assert_str_eq(e.topic, "bad name");
    ck_assert_int_eq(each[0].code, KFK_OK);
    ck_assert_int_eq(each[1].code, KFK_ERR_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(each[2].code, KFK_ERR_TOPIC_ALREADY_EXISTS);
    ck_assert_str_eq(each[2].msg, "Topic 'there' already exists.");
    ck_assert_str_eq(each[2].topic, "there");
    ck_assert_int_eq(kfk_admin_delete_topics(admin, names, 3, ENOUGH, each, &e),
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_str_eq(e.topic, "none-such");
    ck_assert_int_eq(each[0].code, KFK_OK);
    ck_assert_int_eq(each[2].code, KFK_OK);
    ck_assert(!exists("fine") && !exists("there"));
}
END_TEST

START_TEST(adds_partitions)
{
    static const int32_t ids[] = {2, 1};
    const kfk_ids replicas = {ids, 2};
    kfk_new_partitions p = {
        .struct_size = sizeof p, .topic = "t", .total = 3, .replicas = &replicas, .n_replicas = 1};
    kfk_topics *t;

    ck_assert_int_eq(create("t", 2, ENOUGH), KFK_OK);
    ck_assert_msg(kfk_admin_create_partitions(admin, &p, 1, ENOUGH, NULL, &e) == KFK_OK, "%s",
                  e.msg);
    t = describe("t");
    ck_assert_uint_eq(t->topics[0]->n_partitions, 3);
    ids_are(t->topics[0]->partitions[2]->replicas, 2, 1);
    kfk_topics_free(t);
    ck_assert_int_eq(kfk_admin_create_partitions(admin, &p, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_PARTITIONS);
    ck_assert_str_eq(e.topic, "t");
    p.replicas = NULL;
    p.n_replicas = 0;
    p.total = 5;
    ck_assert_int_eq(kfk_admin_create_partitions(admin, &p, 1, ENOUGH, NULL, &e), KFK_OK);
}
END_TEST

START_TEST(lists_topics)
{
    kfk_topics *t;
    kfk__uuid id;
    char text[23];

    ck_assert_int_eq(kfk_admin_list_topics(admin, ENOUGH, &t, &e), KFK_OK);
    ck_assert_uint_eq(t->n, 0);
    kfk_topics_free(t);
    ck_assert_int_eq(create("a", 1, ENOUGH), KFK_OK);
    ck_assert_int_eq(kfk_admin_list_topics(admin, ENOUGH, &t, &e), KFK_OK);
    ck_assert_uint_eq(t->n, 1);
    ck_assert_str_eq(t->topics[0]->name, "a");
    ck_assert_int_eq(t->topics[0]->internal, 0);
    ck_assert_uint_eq(t->topics[0]->n_partitions, 0);
    ck_assert_int_eq(kfk__devbroker_topic_id(broker, "a", &id), KFK_OK);
    kfk__uuid_format(&id, text);
    ck_assert_str_eq(t->topics[0]->id, text);
    kfk_topics_free(t);
}
END_TEST

static void check_described(const kfk_topic *t, int32_t leader, int32_t epoch)
{
    ck_assert_int_eq(t->err, KFK_OK);
    ck_assert_str_eq(t->name, "t");
    for (size_t i = 0; i < t->n_partitions; i++)
        ck_assert_int_eq(t->partitions[i]->partition, (int)i);
    ck_assert_int_eq(t->partitions[1]->leader, leader);
    ck_assert_int_eq(t->partitions[1]->leader_epoch, epoch);
    ck_assert_uint_eq(t->partitions[1]->isr.n, 3);
    ck_assert_ptr_nonnull(t->partitions[1]->offline.v);
}

static void create_t(void)
{
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", 7, 3, NULL, 0), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "u", 2, 1, NULL, 0), KFK_OK);
}

/* With a page of one partition, of two, and of all: the same. */
START_TEST(describes_page_by_page)
{
    static const int32_t pages[] = {1, 2, 0};
    const char *names[] = {"u", "none-such", "t"};
    kfk_describe how = {.struct_size = sizeof how, .page = pages[_i]};
    int32_t leader, epoch;
    kfk_topics *t;

    create_t();
    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 1, &leader, &epoch), KFK_OK);
    ck_assert_msg(kfk_admin_describe_topics(admin, names, 3, &how, ENOUGH, &t, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(t->n, 3);
    ck_assert_str_eq(t->topics[0]->name, "none-such");
    ck_assert_int_eq(t->topics[0]->err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_uint_eq(t->topics[1]->n_partitions, 7);
    check_described(t->topics[1], leader, epoch);
    ck_assert_ptr_nonnull(t->topics[1]->partitions[0]->elr.v);
    ck_assert_uint_eq(t->topics[1]->partitions[0]->elr.n, 0);
    ck_assert_uint_eq(t->topics[2]->n_partitions, 2);
    kfk_topics_free(t);
    if (pages[_i] == 1)
        ck_assert_int_ge(
            kfk__devbroker_requests(broker, KFK__DEV_ANY, kfk__describe_topic_partitions_api.key),
            9);
}
END_TEST

START_TEST(describes_by_id_and_by_metadata)
{
    kfk_describe how = {.struct_size = sizeof how, .flags = KFK_BY_ID};
    const char *ids[2] = {NULL, "AAAAAAAAAAAAAAAAAAAAAQ"}, *bad = "nonsense", *name = "t";
    int32_t leader, epoch;
    kfk_topics *t, *listed;

    create_t();
    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 1, &leader, &epoch), KFK_OK);
    listed = describe(name);
    ids[0] = listed->topics[0]->id;
    ck_assert_msg(kfk_admin_describe_topics(admin, ids, 2, &how, ENOUGH, &t, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(t->n, 2);
    check_described(t->topics[0], leader, epoch);
    ck_assert_ptr_null(t->topics[0]->partitions[0]->elr.v);
    ck_assert_int_eq(t->topics[1]->err, KFK_ERR_UNKNOWN_TOPIC_ID);
    kfk_topics_free(t);
    kfk_topics_free(listed);
    ck_assert_int_eq(kfk_admin_describe_topics(admin, &bad, 1, &how, ENOUGH, &t, &e),
                     KFK_ERR_INVALID_ARG);
}
END_TEST

/* A broker without DescribeTopicPartitions, and one without topic ids. */
START_TEST(falls_back_to_metadata)
{
    static const char *const profiles[] = {"3.3", "2.4"};
    int32_t leader, epoch;
    kfk_topics *t;

    teardown();
    start(profiles[_i]);
    create_t();
    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 1, &leader, &epoch), KFK_OK);
    t = describe("t");
    check_described(t->topics[0], leader, epoch);
    ck_assert_ptr_null(t->topics[0]->partitions[0]->elr.v);
    ck_assert_uint_eq(strlen(t->topics[0]->id), _i == 0 ? 22 : 0);
    kfk_topics_free(t);
}
END_TEST

START_TEST(describes_the_cluster)
{
    kfk_cluster *c;

    ck_assert_int_eq(kfk_admin_describe_cluster(admin, ENOUGH, &c, &e), KFK_OK);
    ck_assert_uint_eq(c->n_brokers, 3);
    ck_assert_int_ge(c->controller, 1);
    ck_assert_str_eq(c->brokers[0]->host, "127.0.0.1");
    ck_assert_int_gt(c->brokers[0]->port, 0);
    ck_assert_uint_gt(strlen(c->id), 0);
    kfk_cluster_free(c);
}
END_TEST

static const kfk_config_entry *entry(const kfk_topic_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_entries; i++)
        if (strcmp(c->entries[i]->name, name) == 0)
            return c->entries[i];
    ck_abort_msg("no %s", name);
    return NULL;
}

START_TEST(describes_configs)
{
    static const char *const configs[] = {"retention.ms=77"};
    const char *names[] = {"t", "none-such"};
    kfk_topic_configs *c;

    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", 1, 1, configs, 1), KFK_OK);
    ck_assert_msg(kfk_admin_describe_configs(admin, names, 2, ENOUGH, &c, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(c->n, 2);
    ck_assert_str_eq(c->configs[0]->topic, "t");
    ck_assert_int_eq(c->configs[0]->err, KFK_OK);
    ck_assert_str_eq(entry(c->configs[0], "retention.ms")->value, "77");
    ck_assert_int_eq(entry(c->configs[0], "retention.ms")->source, KFK_SOURCE_TOPIC);
    ck_assert_int_eq(entry(c->configs[0], "cleanup.policy")->source, KFK_SOURCE_DEFAULT);
    ck_assert_int_eq(c->configs[1]->err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_uint_gt(strlen(c->configs[1]->msg), 0);
    kfk_topic_configs_free(c);
}
END_TEST

START_TEST(lists_reassignments)
{
    kfk_reassignments *r;

    create_t();
    ck_assert_msg(kfk_admin_list_partition_reassignments(admin, ENOUGH, &r, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(r->n, 0);
    kfk_reassignments_free(r);
    fault(KFK__DEV_FAULT_ERROR, &kfk__list_partition_reassignments_api, -1,
          KFK_ERR_CLUSTER_AUTHORIZATION_FAILED, false);
    ck_assert_int_eq(kfk_admin_list_partition_reassignments(admin, ENOUGH, &r, &e),
                     KFK_ERR_CLUSTER_AUTHORIZATION_FAILED);
}
END_TEST

START_TEST(none_of_nothing)
{
    kfk_topic_configs *c;
    kfk_topics *t;

    ck_assert_int_eq(kfk_admin_create_topics(admin, NULL, 0, ENOUGH, NULL, &e), KFK_OK);
    ck_assert_int_eq(kfk_admin_describe_topics(admin, NULL, 0, NULL, ENOUGH, &t, &e), KFK_OK);
    ck_assert_int_eq(kfk_admin_describe_configs(admin, NULL, 0, ENOUGH, &c, &e), KFK_OK);
    ck_assert_uint_eq(t->n, 0);
    ck_assert_uint_eq(c->n, 0);
    kfk_topics_free(t);
    kfk_topic_configs_free(c);
}
END_TEST

START_TEST(refuses_bad_arguments)
{
    kfk_new_topic t = {.name = "t"};
    const char *none = NULL, *empty = "";
    kfk_topics *out;

    ck_assert_int_eq(kfk_admin_create_topics(admin, &t, 1, ENOUGH, NULL, &e), KFK_ERR_INVALID_ARG);
    t.struct_size = sizeof t;
    t.n_configs = 1;
    ck_assert_int_eq(kfk_admin_create_topics(admin, &t, 1, ENOUGH, NULL, &e), KFK_ERR_INVALID_ARG);
    t.n_configs = 0;
    t.replication_factor = 40000;
    ck_assert_int_eq(kfk_admin_create_topics(admin, &t, 1, ENOUGH, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_create_topics(admin, NULL, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_delete_topics(admin, &none, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_delete_topics(admin, &empty, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_topics(admin, &none, 1, NULL, ENOUGH, &out, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_list_topics(admin, ENOUGH, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_list_topics(NULL, ENOUGH, &out, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_new(NULL, NULL, &e), KFK_ERR_INVALID_ARG);
}
END_TEST

/* ---- faults ---- */

/* "Not now" is asked again, and only for what is not done yet. */
START_TEST(retries_what_is_not_now)
{
    static const int16_t codes[] = {KFK_ERR_NOT_CONTROLLER, KFK_ERR_THROTTLING_QUOTA_EXCEEDED};
    int64_t id = fault(KFK__DEV_FAULT_ERROR, &kfk__create_topics_api, 3, codes[_i], false);

    ck_assert_msg(create("t", 1, ENOUGH) == KFK_OK, "%s", e.msg);
    ck_assert(exists("t"));
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), 3);
}
END_TEST

START_TEST(not_now_until_the_end)
{
    const char *name = "t";

    create_t();
    fault(KFK__DEV_FAULT_ERROR, &kfk__delete_topics_api, -1, KFK_ERR_NOT_CONTROLLER, false);
    /* It is asked again after a minute, so that nothing is under way when time is up. */
    kfk_admin_free(admin);
    open_with(kfk__devbroker_bootstrap(broker), "60000", "60000");
    ck_assert_int_eq(kfk_admin_delete_topics(admin, &name, 1, 3 * SOON, NULL, &e),
                     KFK_ERR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(e.msg, "DeleteTopics"));
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, 0);
    ck_assert(exists("t"));
}
END_TEST

/* The effect took place, or not: the answer is lost, and nobody asks twice. */
START_TEST(lost_answer_is_unknown)
{
    bool after = _i == 1;
    int64_t id = fault(KFK__DEV_FAULT_DROP, &kfk__create_topics_api, -1, 0, after);

    ck_assert_int_ne(create("t", 1, ENOUGH), KFK_OK);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
    ck_assert_str_eq(e.topic, "t");
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), 1);
    ck_assert_int_eq(exists("t"), after);
}
END_TEST

START_TEST(no_answer_is_unknown)
{
    fault(KFK__DEV_FAULT_HANG, &kfk__create_topics_api, -1, 0, true);
    ck_assert_int_eq(create("t", 1, SOON), KFK_ERR_TIMED_OUT);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
    ck_assert(exists("t"));
    kfk__devbroker_fault_clear(broker);
}
END_TEST

START_TEST(the_brokers_own_timeout_is_unknown)
{
    fault(KFK__DEV_FAULT_ERROR, &kfk__create_topics_api, 1, KFK_ERR_REQUEST_TIMED_OUT, true);
    ck_assert_int_eq(create("t", 1, ENOUGH), KFK_ERR_REQUEST_TIMED_OUT);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
}
END_TEST

/* What changes nothing is asked again. */
START_TEST(lost_description_is_asked_again)
{
    int64_t id;

    create_t();
    id = fault(KFK__DEV_FAULT_DROP, &kfk__describe_topic_partitions_api, 2, 0, false);
    kfk_topics_free(describe("t"));
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), 2);
}
END_TEST

START_TEST(broken_answer_ends_the_call)
{
    kfk__dev_fault f = {.kind = KFK__DEV_FAULT_CUT,
                        .api = kfk__describe_configs_api.key,
                        .node = KFK__DEV_ANY,
                        .count = -1,
                        .at = 11};
    const char *name = "t";
    kfk_topic_configs *c;

    ck_assert_int_gt(kfk__devbroker_fault(broker, &f), 0);
    ck_assert_int_ne(kfk_admin_describe_configs(admin, &name, 1, SOON, &c, &e), KFK_OK);
}
END_TEST

START_TEST(old_brokers_have_no_defaults)
{
    teardown();
    start("2.1");
    ck_assert_int_eq(create("t", 0, ENOUGH), KFK_ERR_UNSUPPORTED_VERSION);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, 0);
    ck_assert(!exists("t"));
}
END_TEST

START_TEST(the_controller_goes_away)
{
    kfk_cluster *c;
    int32_t gone;
    kfk_err err;

    ck_assert_int_eq(kfk_admin_describe_cluster(admin, ENOUGH, &c, &e), KFK_OK);
    gone = c->controller;
    kfk_cluster_free(c);
    ck_assert_int_eq(create("t", 1, ENOUGH), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, gone), KFK_OK);
    err = delete_topic("t");
    /* The request may have gone out on the connection that was just about to end. */
    if (err && (e.flags & KFK_MAYBE_DONE))
        err = delete_topic("t");
    ck_assert_msg(err == KFK_OK, "%s", e.msg);
    ck_assert(!exists("t"));
}
END_TEST

/* A port nobody listens at: the call says what stood in the way. */
START_TEST(nobody_there)
{
    char bootstrap[256];
    kfk_topics *t;

    (void)snprintf(bootstrap, sizeof bootstrap, "%s", kfk__devbroker_bootstrap(broker));
    kfk_admin_free(admin);
    kfk__devbroker_stop(broker);
    open_handle(bootstrap);
    ck_assert_int_eq(kfk_admin_list_topics(admin, SOON, &t, &e), KFK_ERR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(e.msg, "127.0.0.1"));
    ck_assert_int_eq(kfk_admin_last_error(admin, &e), KFK_ERR_CONNECT);
}
END_TEST

START_TEST(no_time_at_all)
{
    kfk_topics *t;

    ck_assert_int_eq(kfk_admin_list_topics(admin, 0, &t, &e), KFK_ERR_TIMED_OUT);
}
END_TEST

/* ---- many threads, close, fork ---- */

static void *create_and_delete(void *arg)
{
    const char *name = arg;
    kfk_new_topic t = {.struct_size = sizeof t, .name = name, .partitions = 1};
    kfk_error error;

    for (int i = 0; i < 10; i++) {
        if (kfk_admin_create_topics(admin, &t, 1, ENOUGH, NULL, &error) ||
            kfk_admin_delete_topics(admin, &name, 1, ENOUGH, NULL, &error))
            return arg;
    }
    return NULL;
}

START_TEST(many_at_once)
{
    static char names[][3] = {"t0", "t1", "t2", "t3"};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, create_and_delete, names[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

/* Asks for metrics until it is told to stop, by |arg| not being NULL. */
static void *look_on(void *arg)
{
    _Atomic(void *) *stop = arg;
    kfk_err err = KFK_OK;

    while (!err && !atomic_load_explicit(stop, memory_order_relaxed)) {
        kfk_metrics_text *text = kfk_metrics_text_new(KFK_METRICS_JSON, NULL);

        err = kfk_admin_metrics(admin, kfk_metrics_text_add, text);
        err = kfk_metrics_text_get(text) ? err : KFK_ERR_NOMEM;
        kfk_metrics_text_free(text);
    }
    return err ? arg : NULL;
}

static int add_requests(const kfk_metric *m, void *arg)
{
    if (strcmp(m->name, "kfk_requests_total") == 0)
        *(int64_t *)arg += m->value;
    return 0;
}

START_TEST(metrics_while_it_works)
{
    _Atomic(void *) stop = NULL;
    int64_t requests = 0;
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(pthread_create(&thread, NULL, look_on, &stop), 0);
    (void)fault(KFK__DEV_FAULT_ERROR, &kfk__delete_topics_api, 3, KFK_ERR_NOT_CONTROLLER, false);
    ck_assert_ptr_null(create_and_delete((void *)(uintptr_t) "t"));
    atomic_store_explicit(&stop, &stop, memory_order_relaxed);
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
    ck_assert_int_eq(kfk_admin_metrics(admin, add_requests, &requests), KFK_OK);
    ck_assert_int_ge(requests, 20);
    ck_assert_int_eq(kfk_admin_metrics(NULL, add_requests, &requests), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_metrics(admin, NULL, &requests), KFK_ERR_INVALID_ARG);
}
END_TEST

static void *list_for_long(void *arg)
{
    kfk_error *error = arg;
    kfk_topics *t;

    (void)kfk_admin_list_topics(admin, ENOUGH, &t, error);
    return NULL;
}

/* While the handle's own metadata goes through, a list of topics hangs. */
START_TEST(close_ends_what_waits)
{
    int64_t id;
    pthread_t thread;
    kfk_error theirs;

    ck_assert_int_eq(create("t", 1, ENOUGH), KFK_OK);
    id = fault(KFK__DEV_FAULT_HANG, &kfk__metadata_api, -1, 0, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, list_for_long, &theirs), 0);
    while (kfk__devbroker_fault_hits(broker, id) == 0)
        sched_yield();
    ck_assert_int_eq(kfk_admin_close(admin, 0, &e), KFK_ERR_TIMED_OUT);
    pthread_join(thread, NULL);
    ck_assert_int_eq(theirs.code, KFK_ERR_CLOSED);
    ck_assert_int_eq(create("u", 1, ENOUGH), KFK_ERR_CLOSED);
    ck_assert_int_eq(kfk_admin_last_error(admin, &e), KFK_OK);
}
END_TEST

START_TEST(closes_again_and_again)
{
    ck_assert_int_eq(kfk_admin_close(admin, -1, &e), KFK_OK);
    ck_assert_int_eq(kfk_admin_close(admin, 0, &e), KFK_OK);
    ck_assert_int_eq(create("t", 1, ENOUGH), KFK_ERR_CLOSED);
    kfk_admin_free(NULL);
}
END_TEST

START_TEST(results_outlive_the_handle)
{
    kfk_topics *t;

    create_t();
    t = describe("t");
    kfk_admin_free(admin);
    admin = NULL;
    ck_assert_str_eq(t->topics[0]->name, "t");
    kfk_topics_free(t);
    kfk_topics_free(NULL);
}
END_TEST

START_TEST(not_in_a_child)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        kfk_topics *t;
        bool good = kfk_admin_list_topics(admin, ENOUGH, &t, &e) == KFK_ERR_FORKED &&
                    kfk_admin_close(admin, 0, &e) == KFK_ERR_FORKED &&
                    kfk_admin_last_error(admin, &e) == KFK_ERR_FORKED &&
                    kfk_admin_metrics(admin, add_requests, &e) == KFK_ERR_FORKED;

        kfk_admin_free(admin);
        _exit(good ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(create("t", 1, ENOUGH), KFK_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("admin");
    TCase *calls = tcase_create("calls"), *faults = tcase_create("faults"),
          *life = tcase_create("life");

    tcase_add_checked_fixture(calls, setup, teardown);
    tcase_add_test(calls, creates_topics);
    tcase_add_test(calls, tells_of_each_topic);
    tcase_add_test(calls, adds_partitions);
    tcase_add_test(calls, lists_topics);
    tcase_add_loop_test(calls, describes_page_by_page, 0, 3);
    tcase_add_test(calls, describes_by_id_and_by_metadata);
    tcase_add_loop_test(calls, falls_back_to_metadata, 0, 2);
    tcase_add_test(calls, describes_the_cluster);
    tcase_add_test(calls, describes_configs);
    tcase_add_test(calls, lists_reassignments);
    tcase_add_test(calls, none_of_nothing);
    tcase_add_test(calls, refuses_bad_arguments);
    suite_add_tcase(s, calls);
    tcase_add_checked_fixture(faults, setup, teardown);
    tcase_add_loop_test(faults, retries_what_is_not_now, 0, 2);
    tcase_add_test(faults, not_now_until_the_end);
    tcase_add_loop_test(faults, lost_answer_is_unknown, 0, 2);
    tcase_add_test(faults, no_answer_is_unknown);
    tcase_add_test(faults, the_brokers_own_timeout_is_unknown);
    tcase_add_test(faults, lost_description_is_asked_again);
    tcase_add_test(faults, broken_answer_ends_the_call);
    tcase_add_test(faults, old_brokers_have_no_defaults);
    tcase_add_test(faults, the_controller_goes_away);
    tcase_add_test(faults, nobody_there);
    tcase_add_test(faults, no_time_at_all);
    suite_add_tcase(s, faults);
    tcase_add_checked_fixture(life, setup, teardown);
    tcase_add_test(life, many_at_once);
    tcase_add_test(life, metrics_while_it_works);
    tcase_add_test(life, close_ends_what_waits);
    tcase_add_test(life, closes_again_and_again);
    tcase_add_test(life, results_outlive_the_handle);
    tcase_add_test(life, not_in_a_child);
    suite_add_tcase(s, life);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
