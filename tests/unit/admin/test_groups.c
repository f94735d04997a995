/* The calls about groups, against a broker in this process: what they tell, what they change, and
 * what becomes of them where coordinators move, do not answer, or answer nonsense. */
#include "peer.h"

#include <kfk/kfk.h>

#include "net/env_posix.h"
#include "proto/consumer_group_describe.h"
#include "proto/delete_groups.h"
#include "proto/describe_groups.h"
#include "proto/find_coordinator.h"
#include "proto/leave_group.h"
#include "proto/list_groups.h"
#include "proto/offset_commit.h"
#include "proto/offset_delete.h"
#include "proto/offset_fetch.h"
#include "unit/suite.h"

enum { SOON = 200, ENOUGH = 20000 }; /* ms */

static kfk__devbroker *broker;
static kfk_admin *admin;
static kfk_error e;

static void open_handle(void)
{
    kfk_config *c = kfk_config_new(NULL);

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker), &e),
                     KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "retry.backoff.ms", "5", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "reconnect.backoff.ms", "1", &e), KFK_OK);
    ck_assert_msg(kfk_admin_new(&admin, c, &e) == KFK_OK, "%s", e.msg);
    kfk_config_free(c);
}

static void start(const char *profile)
{
    kfk__devbroker_opts o = {.n_nodes = 3, .default_partitions = 4, .profile = profile};
    kfk__env env;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    open_handle();
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", 4, 1, NULL, 0), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "u", 2, 1, NULL, 0), KFK_OK);
}

static void setup(void)
{
    start(NULL);
}

static void teardown(void)
{
    kfk_admin_free(admin);
    kfk__devbroker_free(broker);
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

static kfk_err alter(const char *group, const char *topic, int32_t partition, int64_t offset)
{
    kfk_tp tp = {.topic = topic, .partition = partition, .offset = offset};
    kfk_err err = kfk_admin_alter_group_offsets(admin, group, &tp, 1, ENOUGH, &e);

    ck_assert_int_eq(tp.err, err);
    return err;
}

static void must_alter(const char *group, const char *topic, int32_t partition, int64_t offset)
{
    ck_assert_msg(alter(group, topic, partition, offset) == KFK_OK, "%s", e.msg);
}

static kfk_group_descriptions *describe(const char *group)
{
    kfk_group_descriptions *d;

    ck_assert_msg(kfk_admin_describe_groups(admin, &group, 1, ENOUGH, &d, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(d->n, 1);
    ck_assert_str_eq(d->groups[0]->group, group);
    return d;
}

/* Of a partition; -1: none. */
static int64_t offset_of(const char *group, const char *topic, int32_t partition)
{
    kfk_groups_offsets *o;
    int64_t offset = -1;

    ck_assert_msg(kfk_admin_group_offsets(admin, &group, 1, 0, ENOUGH, &o, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_uint_eq(o->n, 1);
    ck_assert_msg(o->groups[0]->err == KFK_OK, "%s", o->groups[0]->msg);
    for (size_t i = 0; i < o->groups[0]->n; i++)
        if (strcmp(o->groups[0]->tps[i].topic, topic) == 0 &&
            o->groups[0]->tps[i].partition == partition)
            offset = o->groups[0]->tps[i].offset;
    kfk_groups_offsets_free(o);
    return offset;
}

/* A classic group whose one member has |n| partitions of t. */
static void classic_member(peer *p, const char *group, int32_t n)
{
    kfk__buf blob;

    assignment(&blob, "t", n);
    peer_open(p, broker, group);
    peer_join(p, group, "consumer");
    peer_sync(p, group, kfk__bytes(blob.data, blob.len));
    kfk__buf_fini(&blob);
}

/* ---- listing ---- */

static const kfk_group_listing *listed(const kfk_group_listings *l, const char *group)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->groups[i]->group, group) == 0)
            return l->groups[i];
    return NULL;
}

static kfk_group_listings *list(const kfk_group_filter *filter, size_t n)
{
    kfk_group_listings *l;

    ck_assert_msg(kfk_admin_list_groups(admin, filter, ENOUGH, &l, &e) == KFK_OK, "%s", e.msg);
    ck_assert_uint_eq(l->n, n);
    return l;
}

START_TEST(lists_groups_of_all_brokers)
{
    kfk_group_listings *l = list(NULL, 0);
    char group[8];
    peer p;

    kfk_group_listings_free(l);
    classic_member(&p, "classic", 1);
    for (int i = 0; i < 9; i++) { /* of which each broker has some */
        (void)snprintf(group, sizeof group, "g%d", i);
        must_alter(group, "t", 0, i);
    }
    l = list(NULL, 10);
    ck_assert_str_eq(listed(l, "classic")->state, "Stable");
    ck_assert_str_eq(listed(l, "classic")->type, "classic");
    ck_assert_str_eq(listed(l, "classic")->protocol_type, "consumer");
    ck_assert_str_eq(listed(l, "g8")->state, "Empty");
    ck_assert_str_eq(listed(l, "g8")->protocol_type, "");
    kfk_group_listings_free(l);
    peer_close(&p);
}
END_TEST

START_TEST(lists_what_the_filter_lets_pass)
{
    static const char *const stable = "stable", *const consumer = "consumer", *const none = "";
    kfk_group_filter f = {.struct_size = sizeof f};
    peer classic, modern;

    classic_member(&classic, "classic", 1);
    peer_open(&modern, broker, "modern");
    peer_beat(&modern, "modern", "t", 0);
    must_alter("empty", "t", 0, 1);
    kfk_group_listings_free(list(&f, 3));
    f.states = &stable;
    f.n_states = 1;
    kfk_group_listings_free(list(&f, 2));
    f.types = &consumer;
    f.n_types = 1;
    kfk_group_listings_free(list(&f, 1));
    f = (kfk_group_filter){.struct_size = sizeof f, .protocols = &none, .n_protocols = 1};
    kfk_group_listings_free(list(&f, 1));
    f.protocols = &consumer;
    kfk_group_listings_free(list(&f, 2));
    peer_close(&classic);
    peer_close(&modern);
}
END_TEST

START_TEST(old_brokers_filter_less)
{
    static const char *const empty = "Empty", *const classic = "classic",
                             *const consumer = "consumer";
    kfk_group_filter f = {.struct_size = sizeof f, .states = &empty, .n_states = 1};
    kfk_group_listings *l;

    teardown();
    start("2.4");
    must_alter("g", "t", 0, 1);
    ck_assert_int_eq(kfk_admin_list_groups(admin, &f, ENOUGH, &l, &e), KFK_ERR_UNSUPPORTED_VERSION);
    f = (kfk_group_filter){.struct_size = sizeof f, .types = &consumer, .n_types = 1};
    ck_assert_int_eq(kfk_admin_list_groups(admin, &f, ENOUGH, &l, &e), KFK_ERR_UNSUPPORTED_VERSION);
    f.types = &classic;
    l = list(&f, 1);
    ck_assert_str_eq(l->groups[0]->state, "");
    ck_assert_str_eq(l->groups[0]->type, "");
    kfk_group_listings_free(l);
}
END_TEST

/* ---- describing ---- */

static const char *const profiles[] = {NULL, "3.3", "2.1"};

START_TEST(describes_a_classic_group)
{
    kfk_group_descriptions *d;
    const kfk_group_description *g;
    peer p;

    teardown();
    start(profiles[_i]);
    classic_member(&p, "g", 3);
    d = describe("g");
    g = d->groups[0];
    ck_assert_msg(g->err == KFK_OK, "%s", g->msg);
    ck_assert_str_eq(g->type, "classic");
    ck_assert_str_eq(g->state, "Stable");
    ck_assert_str_eq(g->protocol_type, "consumer");
    ck_assert_str_eq(g->assignor, "range");
    ck_assert_int_eq(g->coordinator, 1);
    ck_assert_str_eq(g->host, "127.0.0.1");
    ck_assert_int_eq(g->port, port_of(broker, 1));
    ck_assert_int_eq(g->epoch, -1);
    ck_assert_uint_eq(g->n_members, 1);
    ck_assert_str_eq(g->members[0]->id, p.id);
    ck_assert_str_eq(g->members[0]->client, "peer");
    ck_assert_str_eq(g->members[0]->host, "/127.0.0.1");
    ck_assert_ptr_null(g->members[0]->instance);
    ck_assert_int_eq(g->members[0]->err, KFK_OK);
    ck_assert_uint_eq(g->members[0]->n_assigned, 3);
    ck_assert_str_eq(g->members[0]->assigned[2].topic, "t");
    ck_assert_int_eq(g->members[0]->assigned[2].partition, 2);
    ck_assert_ptr_null(g->members[0]->target);
    ck_assert_int_eq(g->members[0]->upgraded, -1);
    kfk_group_descriptions_free(d);
    peer_close(&p);
}
END_TEST

START_TEST(describes_a_group_whose_coordinator_assigns)
{
    kfk_group_descriptions *d;
    const kfk_group_description *g;
    const kfk_group_member *m;
    peer p;

    peer_open(&p, broker, "g");
    peer_beat(&p, "g", "t", 0);
    d = describe("g");
    g = d->groups[0];
    m = g->members[0];
    ck_assert_str_eq(g->type, "consumer");
    ck_assert_str_eq(g->state, "Stable");
    ck_assert_str_eq(g->assignor, "uniform");
    ck_assert_int_eq(g->epoch, p.generation);
    ck_assert_int_eq(g->assignment_epoch, p.generation);
    ck_assert_str_eq(m->id, p.id);
    ck_assert_int_eq(m->epoch, p.generation);
    ck_assert_int_eq(m->upgraded, 1);
    ck_assert_uint_eq(m->n_target, 4);
    ck_assert_str_eq(m->target[3].topic, "t");
    ck_assert_uint_eq(m->n_topics, 1);
    ck_assert_str_eq(m->topics[0], "t");
    ck_assert_ptr_null(m->regex);
    kfk_group_descriptions_free(d);
    peer_close(&p);
}
END_TEST

/* Of all kinds, of three coordinators, in the order in which they were asked for. */
START_TEST(describes_several_at_once)
{
    const char *names[] = {"none", "classic", "e1", "modern", "e2", "e3", "e4"};
    kfk_group_descriptions *d;
    peer classic, modern;

    classic_member(&classic, "classic", 1);
    peer_open(&modern, broker, "modern");
    peer_beat(&modern, "modern", "t", 0);
    for (int i = 1; i <= 4; i++)
        must_alter(names[i < 2 ? 2 : i + 2], "t", 0, 1);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, names, 7, ENOUGH, &d, &e), KFK_OK);
    for (int i = 0; i < 7; i++)
        ck_assert_str_eq(d->groups[i]->group, names[i]);
    ck_assert_int_eq(d->groups[0]->err, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(d->groups[0]->msg, "group none: "));
    ck_assert_ptr_nonnull(strstr(d->groups[0]->msg, "kfk_admin_list_groups"));
    ck_assert_str_eq(d->groups[1]->type, "classic");
    ck_assert_str_eq(d->groups[3]->type, "consumer");
    ck_assert_str_eq(d->groups[6]->state, "Empty");
    kfk_group_descriptions_free(d);
    peer_close(&classic);
    peer_close(&modern);
}
END_TEST

START_TEST(a_group_of_another_protocol_has_no_partitions)
{
    kfk_group_descriptions *d;
    peer p;

    peer_open(&p, broker, "connect");
    peer_join(&p, "connect", "connect");
    peer_sync(&p, "connect", kfk__bytes_str("what connect says"));
    d = describe("connect");
    ck_assert_str_eq(d->groups[0]->protocol_type, "connect");
    ck_assert_int_eq(d->groups[0]->members[0]->err, KFK_OK);
    ck_assert_uint_eq(d->groups[0]->members[0]->n_assigned, 0);
    kfk_group_descriptions_free(d);
    peer_close(&p);
}
END_TEST

/* The leader's bytes, cut short everywhere and altered everywhere: what it says is told or not, and
 * nothing is believed of how much there is. */
START_TEST(assignments_that_are_nonsense)
{
    static const uint8_t masks[] = {0, 0x01, 0x40, 0x80, 0xff};
    kfk__buf blob;
    peer p;

    assignment(&blob, "t", 3);
    for (size_t at = 0; at < blob.len; at++) {
        uint8_t mask = masks[_i];
        kfk_group_descriptions *d;
        const kfk_group_member *m;

        peer_open(&p, broker, "g");
        peer_join(&p, "g", "consumer");
        blob.data[at] ^= mask;
        peer_sync(&p, "g", kfk__bytes(blob.data, mask ? blob.len : at));
        blob.data[at] ^= mask;
        d = describe("g");
        ck_assert_uint_eq(d->groups[0]->n_members, 1);
        m = d->groups[0]->members[0];
        ck_assert(m->err == KFK_OK || m->err == KFK_ERR_PROTOCOL);
        ck_assert_uint_le(m->n_assigned, 8);
        if (!mask)
            ck_assert_int_eq(m->err, at == 0 ? KFK_OK : KFK_ERR_PROTOCOL);
        kfk_group_descriptions_free(d);
        ck_assert_int_eq(kfk__devbroker_forget_group(broker, "g"), KFK_OK);
        peer_close(&p);
    }
    kfk__buf_fini(&blob);
}
END_TEST

/* ---- deleting ---- */

START_TEST(deletes_groups_without_members)
{
    const char *names[] = {"busy", "none", "empty"};
    kfk_error each[3];
    peer p;

    classic_member(&p, "busy", 1);
    must_alter("empty", "t", 0, 1);
    ck_assert_int_eq(kfk_admin_delete_groups(admin, names, 3, ENOUGH, each, &e),
                     KFK_ERR_NON_EMPTY_GROUP);
    ck_assert_ptr_nonnull(strstr(e.msg, "group busy: "));
    ck_assert_ptr_nonnull(strstr(e.msg, "Stop its members"));
    ck_assert_int_eq(each[0].code, KFK_ERR_NON_EMPTY_GROUP);
    ck_assert_int_eq(each[1].code, KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(each[2].code, KFK_OK);
    ck_assert_int_eq(offset_of("empty", "t", 0), -1);
    ck_assert_int_eq(kfk_admin_delete_groups(admin, NULL, 0, ENOUGH, NULL, &e), KFK_OK);
    peer_close(&p);
}
END_TEST

/* ---- offsets ---- */

START_TEST(offsets_are_written_and_read)
{
    kfk_tp tps[] = {
        {.topic = "t", .partition = 3, .offset = 33, .metadata = "note"},
        {.topic = "u", .partition = 0, .offset = 44},
        {.topic = "t", .partition = 0, .offset = 55, .leader_epoch = 7, .flags = KFK_EPOCH}};
    const char *names[] = {"none", "g"};
    const kfk_group_offsets *g;
    kfk_groups_offsets *o;

    teardown();
    start(profiles[_i]);
    ck_assert_msg(kfk_admin_alter_group_offsets(admin, "g", tps, 3, ENOUGH, &e) == KFK_OK, "%s",
                  e.msg);
    ck_assert_msg(kfk_admin_group_offsets(admin, names, 2, KFK_STABLE, ENOUGH, &o, &e) == KFK_OK,
                  "%s", e.msg);
    ck_assert_uint_eq(o->n, 2);
    ck_assert_uint_eq(o->groups[0]->n, 0);
    g = o->groups[1];
    ck_assert_str_eq(g->group, "g");
    ck_assert_uint_eq(g->n, 3);
    for (size_t i = 0; i < 3; i++) {
        const kfk_tp *tp = &g->tps[i];

        if (tp->topic[0] == 'u') {
            ck_assert_int_eq(tp->offset, 44);
        } else if (tp->partition == 3) {
            ck_assert_int_eq(tp->offset, 33);
            ck_assert_str_eq(tp->metadata, "note");
        } else {
            ck_assert_int_eq(tp->offset, 55);
            ck_assert_int_eq((tp->flags & KFK_EPOCH) ? tp->leader_epoch : -1,
                             _i == 2 ? tp->leader_epoch : 7);
        }
    }
    kfk_groups_offsets_free(o);
}
END_TEST

START_TEST(offsets_of_groups_with_members_are_their_own)
{
    peer p;

    classic_member(&p, "g", 1);
    ck_assert_int_eq(alter("g", "t", 0, 1), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_str_eq(e.topic, "t");
    ck_assert_int_eq(e.partition, 0);
    ck_assert_ptr_nonnull(strstr(e.msg, "group g: "));
    ck_assert_ptr_nonnull(strstr(e.msg, "stop them first"));
    peer_close(&p);
}
END_TEST

START_TEST(offsets_that_are_not_written)
{
    kfk_tp tps[] = {{.topic = "t", .partition = 0, .offset = 1},
                    {.topic = "none-such", .partition = 0, .offset = 2},
                    {.topic = "t", .partition = 1, .offset = 3},
                    {.topic = "t", .partition = 1, .offset = 4}};

    ck_assert_int_eq(kfk_admin_alter_group_offsets(admin, "g", tps, 4, ENOUGH, &e),
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_str_eq(e.topic, "none-such");
    ck_assert_int_eq(tps[0].err, KFK_OK);
    ck_assert_int_eq(tps[1].err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(offset_of("g", "t", 0), 1);
    ck_assert_int_eq(offset_of("g", "t", 1), 4);
}
END_TEST

START_TEST(offsets_are_deleted)
{
    kfk_tp tps[] = {{.topic = "t", .partition = 0}, {.topic = "u", .partition = 9}};

    must_alter("g", "t", 0, 1);
    must_alter("g", "t", 1, 2);
    ck_assert_int_eq(kfk_admin_delete_group_offsets(admin, "g", tps, 2, ENOUGH, &e),
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(tps[0].err, KFK_OK);
    ck_assert_int_eq(tps[1].err, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(offset_of("g", "t", 0), -1);
    ck_assert_int_eq(offset_of("g", "t", 1), 2);
    ck_assert_int_eq(kfk_admin_delete_group_offsets(admin, "none", tps, 1, ENOUGH, &e),
                     KFK_ERR_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(tps[0].err, KFK_ERR_GROUP_ID_NOT_FOUND);
    teardown();
    start("2.1");
    ck_assert_int_eq(kfk_admin_delete_group_offsets(admin, "g", tps, 1, ENOUGH, &e),
                     KFK_ERR_UNSUPPORTED_VERSION);
}
END_TEST

/* ---- members ---- */

START_TEST(members_are_removed)
{
    kfk_group_leaver leavers[] = {{.member = "nobody"}, {.instance = "none"}, {.member = NULL}};
    kfk_group_descriptions *d;
    kfk_error each[3];
    peer p;

    classic_member(&p, "g", 1);
    leavers[2].member = p.id;
    ck_assert_int_eq(kfk_admin_remove_members(admin, "g", leavers, 3, ENOUGH, each, &e),
                     KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_ptr_nonnull(strstr(e.msg, "group g: "));
    ck_assert_ptr_nonnull(strstr(e.msg, "nobody"));
    ck_assert_int_eq(each[1].code, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_msg(each[2].code == KFK_OK, "%s", each[2].msg);
    d = describe("g");
    ck_assert_str_eq(d->groups[0]->state, "Empty");
    kfk_group_descriptions_free(d);
    ck_assert_int_eq(kfk_admin_remove_members(admin, "g", NULL, 0, ENOUGH, NULL, &e), KFK_OK);
    leavers[0].member = NULL;
    ck_assert_int_eq(kfk_admin_remove_members(admin, "g", leavers, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_remove_members(admin, NULL, leavers, 1, ENOUGH, NULL, &e),
                     KFK_ERR_INVALID_ARG);
    peer_close(&p);
    teardown();
    start("2.1");
    ck_assert_int_eq(kfk_admin_remove_members(admin, "g", &leavers[1], 1, ENOUGH, NULL, &e),
                     KFK_ERR_UNSUPPORTED_VERSION);
}
END_TEST

/* Of a static member, of one whose coordinator is another one now, and where the answer is lost. */
START_TEST(members_are_removed_by_the_coordinator_that_is)
{
    kfk_group_leaver leaver = {.member = NULL};
    int64_t id;
    peer p;

    classic_member(&p, "g", 1);
    leaver.member = p.id;
    id = fault(KFK__DEV_FAULT_ERROR, &kfk__leave_group_api, 2, KFK_ERR_NOT_COORDINATOR, false);
    ck_assert_msg(kfk_admin_remove_members(admin, "g", &leaver, 1, ENOUGH, NULL, &e) == KFK_OK,
                  "%s", e.msg);
    ck_assert_int_ge(kfk__devbroker_fault_hits(broker, id), 1);
    kfk__devbroker_fault_clear(broker);
    peer_close(&p);
    classic_member(&p, "g", 1);
    leaver.member = p.id;
    fault(KFK__DEV_FAULT_DROP, &kfk__leave_group_api, 1, 0, true);
    ck_assert_int_ne(kfk_admin_remove_members(admin, "g", &leaver, 1, ENOUGH, NULL, &e), KFK_OK);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
    peer_close(&p);
}
END_TEST

/* ---- arguments ---- */

START_TEST(refuses_bad_arguments)
{
    const char *twice[] = {"g", "h", "g"}, *null = NULL;
    kfk_group_filter f = {.n_states = 0};
    kfk_tp tp = {.topic = "t", .partition = -1};
    kfk_group_descriptions *d;
    kfk_groups_offsets *o;
    kfk_group_listings *l;

    ck_assert_int_eq(kfk_admin_list_groups(admin, &f, 0, &l, &e), KFK_ERR_INVALID_ARG);
    f.struct_size = sizeof f;
    f.n_types = 1;
    ck_assert_int_eq(kfk_admin_list_groups(admin, &f, 0, &l, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_list_groups(admin, NULL, 0, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_list_groups(NULL, NULL, 0, &l, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, twice, 3, 0, &d, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, &null, 1, 0, &d, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, twice, 1, 0, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_groups(NULL, twice, 1, 0, &d, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_group_offsets(admin, NULL, 1, 0, 0, &o, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_group_offsets(admin, twice, 1, 0, 0, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_delete_groups(admin, NULL, 1, 0, NULL, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_alter_group_offsets(admin, "g", &tp, 1, 0, &e), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_alter_group_offsets(admin, NULL, NULL, 0, 0, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_delete_group_offsets(admin, "g", NULL, 1, 0, &e),
                     KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, NULL, 0, 0, &d, &e), KFK_OK);
    ck_assert_uint_eq(d->n, 0);
    kfk_group_descriptions_free(d);
    ck_assert_int_eq(kfk_admin_alter_group_offsets(admin, "g", NULL, 0, 0, &e), KFK_OK);
}
END_TEST

/* ---- coordinators that are not there, or not yet ---- */

static const int16_t passing[] = {KFK_ERR_NOT_COORDINATOR, KFK_ERR_COORDINATOR_NOT_AVAILABLE,
                                  KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS};

START_TEST(not_now_is_asked_again)
{
    static const kfk__api *const apis[] = {&kfk__find_coordinator_api, &kfk__offset_commit_api,
                                           &kfk__offset_fetch_api,     &kfk__offset_delete_api,
                                           &kfk__delete_groups_api,    &kfk__describe_groups_api};
    int64_t before = kfk__devbroker_requests(broker, KFK__DEV_ANY, kfk__find_coordinator_api.key);
    const char *name = "g";
    int64_t ids[6];
    kfk_tp tp = {.topic = "t", .partition = 1};

    for (int i = 0; i < 6; i++)
        ids[i] = fault(KFK__DEV_FAULT_ERROR, apis[i], 3, passing[_i], false);
    must_alter("g", "t", 0, 5);
    must_alter("g", "t", 1, 6);
    ck_assert_int_eq(offset_of("g", "t", 0), 5);
    kfk_group_descriptions_free(describe("g"));
    ck_assert_int_eq(kfk_admin_delete_group_offsets(admin, "g", &tp, 1, ENOUGH, &e), KFK_OK);
    ck_assert_int_eq(kfk_admin_delete_groups(admin, &name, 1, ENOUGH, NULL, &e), KFK_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(kfk__devbroker_fault_hits(broker, ids[i]), 3);
    ck_assert_int_ge(
        kfk__devbroker_requests(broker, KFK__DEV_ANY, kfk__find_coordinator_api.key) - before, 15);
}
END_TEST

START_TEST(not_now_until_the_end)
{
    kfk_tp tp = {.topic = "t", .partition = 0, .offset = 1};

    fault(KFK__DEV_FAULT_ERROR, &kfk__offset_commit_api, -1, passing[_i], false);
    ck_assert_int_eq(kfk_admin_alter_group_offsets(admin, "g", &tp, 1, SOON, &e),
                     KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(tp.err, KFK_ERR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(e.msg, "group g: "));
    /* A coordinator that has to load has written nothing. */
    ck_assert_int_eq((e.flags & KFK_MAYBE_DONE) != 0,
                     passing[_i] != KFK_ERR_COORDINATOR_LOAD_IN_PROGRESS);
}
END_TEST

/* The coordinator goes away, and another one takes over. */
START_TEST(the_coordinator_goes_away)
{
    kfk_group_descriptions *d;

    ck_assert_int_eq(kfk__devbroker_move_coordinator(broker, "g", 2), KFK_OK);
    must_alter("g", "t", 0, 5);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, 2), KFK_OK);
    ck_assert_int_eq(offset_of("g", "t", 0), 5);
    d = describe("g");
    ck_assert_int_ne(d->groups[0]->coordinator, 2);
    kfk_group_descriptions_free(d);
    ck_assert_int_eq(kfk__devbroker_move_coordinator(broker, "g", 3), KFK_OK);
    must_alter("g", "t", 0, 6);
    ck_assert_int_eq(offset_of("g", "t", 0), 6);
}
END_TEST

/* What changes nothing is asked again; what does is not, and nobody knows. */
START_TEST(lost_answers)
{
    const char *name = "g";
    int64_t id;

    must_alter("g", "t", 0, 5);
    id = fault(KFK__DEV_FAULT_DROP, &kfk__offset_fetch_api, 2, 0, false);
    ck_assert_int_eq(offset_of("g", "t", 0), 5);
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), 2);
    id = fault(KFK__DEV_FAULT_DROP, &kfk__offset_commit_api, 1, 0, true);
    ck_assert_int_ne(alter("g", "t", 0, 6), KFK_OK);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
    ck_assert_int_eq(offset_of("g", "t", 0), 6);
    fault(KFK__DEV_FAULT_DROP, &kfk__delete_groups_api, 1, 0, false);
    ck_assert_int_ne(kfk_admin_delete_groups(admin, &name, 1, ENOUGH, NULL, &e), KFK_OK);
    ck_assert_uint_eq(e.flags & KFK_MAYBE_DONE, KFK_MAYBE_DONE);
    ck_assert_int_eq(offset_of("g", "t", 0), 6);
}
END_TEST

/* Where nothing was said of any group, the call has failed. */
START_TEST(no_answer_at_all)
{
    const char *names[] = {"g", "h"};
    kfk_group_descriptions *d;
    kfk_groups_offsets *o;

    ck_assert_int_eq(kfk_admin_describe_groups(admin, names, 2, 0, &d, &e), KFK_ERR_TIMED_OUT);
    fault(KFK__DEV_FAULT_HANG, &kfk__offset_fetch_api, -1, 0, false);
    ck_assert_int_eq(kfk_admin_group_offsets(admin, names, 2, 0, SOON, &o, &e), KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(kfk_admin_close(admin, 0, &e), KFK_OK);
    ck_assert_int_eq(kfk_admin_describe_groups(admin, names, 2, ENOUGH, &d, &e), KFK_ERR_CLOSED);
    kfk__devbroker_fault_clear(broker);
}
END_TEST

/* All of them, whatever comes of it. */
static void call_all(void)
{
    const char *names[] = {"g", "none"};
    const kfk_group_leaver nobody = {.member = "nobody"};
    kfk_tp tp = {.topic = "t", .partition = 0, .offset = 1};
    kfk_group_descriptions *d = NULL;
    kfk_group_listings *l = NULL;
    kfk_groups_offsets *o = NULL;

    (void)kfk_admin_list_groups(admin, NULL, SOON, &l, &e);
    (void)kfk_admin_describe_groups(admin, names, 2, SOON, &d, &e);
    (void)kfk_admin_group_offsets(admin, names, 2, 0, SOON, &o, &e);
    (void)kfk_admin_alter_group_offsets(admin, "none", &tp, 1, SOON, &e);
    (void)kfk_admin_delete_group_offsets(admin, "none", &tp, 1, SOON, &e);
    (void)kfk_admin_remove_members(admin, "g", &nobody, 1, SOON, NULL, &e);
    (void)kfk_admin_delete_groups(admin, names, 2, SOON, NULL, &e);
    kfk_group_listings_free(l);
    kfk_group_descriptions_free(d);
    kfk_groups_offsets_free(o);
}

/* Answers that end too soon, and answers of which a byte is altered: the call ends in time, with
 * what it was told or without. (An altered time of throttling is believed, so that each has a
 * handle of its own.) */
START_TEST(answers_that_are_broken)
{
    static const kfk__api *const apis[] = {
        &kfk__find_coordinator_api, &kfk__consumer_group_describe_api,
        &kfk__describe_groups_api,  &kfk__list_groups_api,
        &kfk__offset_fetch_api,     &kfk__offset_delete_api,
        &kfk__offset_commit_api,    &kfk__delete_groups_api,
        &kfk__leave_group_api};
    const kfk__api *api = apis[_i];
    peer p;

    classic_member(&p, "g", 2);
    for (int32_t at = 4; at < 60; at++) {
        kfk__dev_fault f = {.kind = at % 2 ? KFK__DEV_FAULT_CUT : KFK__DEV_FAULT_ALTER,
                            .api = api->key,
                            .node = KFK__DEV_ANY,
                            .count = 1,
                            .at = at,
                            .value = 0x81};

        ck_assert_int_gt(kfk__devbroker_fault(broker, &f), 0);
        call_all();
        kfk_admin_free(admin);
        open_handle();
        kfk__devbroker_fault_clear(broker);
    }
    peer_close(&p);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("admin/groups");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, lists_groups_of_all_brokers);
    tcase_add_test(t, lists_what_the_filter_lets_pass);
    tcase_add_test(t, old_brokers_filter_less);
    tcase_add_loop_test(t, describes_a_classic_group, 0, 3);
    tcase_add_test(t, describes_a_group_whose_coordinator_assigns);
    tcase_add_test(t, describes_several_at_once);
    tcase_add_test(t, a_group_of_another_protocol_has_no_partitions);
    tcase_add_loop_test(t, assignments_that_are_nonsense, 0, 5);
    tcase_add_test(t, deletes_groups_without_members);
    tcase_add_loop_test(t, offsets_are_written_and_read, 0, 3);
    tcase_add_test(t, offsets_of_groups_with_members_are_their_own);
    tcase_add_test(t, offsets_that_are_not_written);
    tcase_add_test(t, offsets_are_deleted);
    tcase_add_test(t, members_are_removed);
    tcase_add_test(t, members_are_removed_by_the_coordinator_that_is);
    tcase_add_test(t, refuses_bad_arguments);
    tcase_add_loop_test(t, not_now_is_asked_again, 0, 3);
    tcase_add_loop_test(t, not_now_until_the_end, 0, 3);
    tcase_add_test(t, the_coordinator_goes_away);
    tcase_add_test(t, lost_answers);
    tcase_add_test(t, no_answer_at_all);
    tcase_add_loop_test(t, answers_that_are_broken, 0, 9);
    return run_suite("admin/groups", t);
}
