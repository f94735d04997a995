/* A member of a group by kfk_consumer_subscribe and poll, Java's way. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/consumer_env.h"
#include "consumer/handle.h"
#include "sim/world.h"

enum { LOG = 1 << 15 };

/* What a listener was told, in order: "+t-0 t-1; -t-0; !t-1;" */
typedef struct ear {
    char text[LOG];
    kfk_err answer;
} ear;

static void note(ear *e, char sign, const kfk_tp *tps, size_t n)
{
    size_t len = strlen(e->text);

    len += (size_t)snprintf(e->text + len, LOG - len, "%c", sign);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(e->text + len, LOG - len, "%s%s-%d", i ? " " : "", tps[i].topic,
                                tps[i].partition);
    (void)snprintf(e->text + len, LOG - len, ";");
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    ear *e = arg;

    (void)c;
    note(e, '+', tps, n);
    return e->answer;
}

static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    note(arg, '-', tps, n);
    return KFK_OK;
}

static kfk_err lost(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    note(arg, '!', tps, n);
    return KFK_OK;
}

static const kfk_listener listener = {sizeof listener, 0, assigned, revoked, lost};
static ear ears[4];
static const char *const topics[] = {"t"};

static kfk_consumer *member(int i, const char *name, const char *value)
{
    kfk_consumer *c = consumer("group.id", "g", "auto.offset.reset", "earliest",
                               name ? name : "client.id", name ? value : "", NULL);

    memset(&ears[i], 0, sizeof ears[i]);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(kfk_consumer_subscribe(c, topics, 1, &listener, &ears[i], &w.e), KFK_OK);
    return c;
}

static void fill(int n)
{
    kfk_producer *p = producer(NULL);

    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_to(p, "t", i % 3), KFK_OK);
    flush(p);
    kfk_producer_free(p);
}

static int ids[WORLD_RECORDS];

static void alone(void)
{
    kfk_consumer *c;
    kfk_tp at[] = {{.topic = "t"}, {.topic = "t", .partition = 1}, {.topic = "t", .partition = 2}};

    topic("t", 3, 1);
    fill(30);
    c = member(0, NULL, NULL);
    ck_assert_int_eq(read_records(c, 30, 20000, ids), 30);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;");
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;-t-0 t-1 t-2;");
    kfk_consumer_free(c);

    c = member(0, NULL, NULL);
    ck_assert_int_eq(read_records(c, 1, 5000, ids), 0);
    ck_assert_int_eq(kfk_consumer_committed(c, at, 3, 5000, &w.e), KFK_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(at[i].offset, 10);
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(one_member_reads_all_and_goes_on_where_it_was)
{
    world_seeds(&(world_opts){0}, 20, alone);
    world_seeds(&(world_opts){.profile = "2.1"}, 10, alone);
}
END_TEST

/* ---- with group.protocol=consumer ---- */

static void alone_modern(void)
{
    kfk_consumer *c;

    topic("t", 3, 1);
    fill(30);
    c = member(0, "group.protocol", "consumer");
    ck_assert_int_eq(read_records(c, 30, 20000, ids), 30);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;");
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;-t-0 t-1 t-2;");
    kfk_consumer_free(c);
}

START_TEST(one_member_of_the_new_protocol)
{
    world_seeds(&(world_opts){0}, 20, alone_modern);
}
END_TEST

/* ---- two ---- */

static atomic_bool stop;
static atomic_int n_read;

static void other(void *arg)
{
    kfk_consumer *c = arg;
    kfk_records *rs;

    while (!stop) {
        ck_assert_int_eq(kfk_consumer_poll(c, 100, &rs, &w.e), KFK_OK);
        while (rs && kfk_records_next(rs))
            n_read++;
        kfk_records_free(rs);
    }
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
}

static void poll_for(kfk_consumer *c, int64_t ms)
{
    int64_t until = now() + ms * KFK__MS;
    kfk_records *rs;

    while (now() < until) {
        ck_assert_int_eq(kfk_consumer_poll(c, 100, &rs, &w.e), KFK_OK);
        while (rs && kfk_records_next(rs))
            n_read++;
        kfk_records_free(rs);
    }
}

static const char *pair_name, *pair_value;

static void pair(void)
{
    kfk_consumer *a, *b;
    kfk__thread *t;

    stop = false;
    n_read = 0;
    topic("t", 3, 1);
    fill(30);
    a = member(0, pair_name, pair_value);
    poll_for(a, 5000);
    b = member(1, pair_name, pair_value);
    ck_assert_int_eq(w.rig.env.ops->spawn(w.rig.env.ctx, &w.rig.env.alloc, "b", other, b, &t), 0);
    poll_for(a, 30000);
    stop = true;
    ck_assert(w.rig.env.ops->join(w.rig.env.ctx, t, KFK__NEVER));
    poll_for(a, 20000);
    if (getenv("SHOW"))
        printf("a %s\nb %s\n", ears[0].text, ears[1].text);
    ck_assert_int_eq(n_read, 30);
    ck_assert_int_eq(kfk_consumer_close(a, 10000, &w.e), KFK_OK);
    kfk_consumer_free(a);
    kfk_consumer_free(b);
}

START_TEST(two_members_share)
{
    pair_name = NULL;
    world_seeds(&(world_opts){0}, 10, pair);
}
END_TEST

START_TEST(two_cooperative_members_share)
{
    pair_name = "partition.assignment.strategy";
    pair_value = "cooperative-sticky";
    world_seeds(&(world_opts){0}, 10, pair);
}
END_TEST

START_TEST(two_members_of_the_new_protocol_share)
{
    pair_name = "group.protocol";
    pair_value = "consumer";
    world_seeds(&(world_opts){0}, 10, pair);
}
END_TEST

/* ---- what brokers refuse ---- */

static const char *protocol;

/* The others are read. */
static void refused(void)
{
    static const char *const names[] = {"no such name", "t"};
    kfk_consumer *c;

    topic("t", 3, 1);
    fill(30);
    c = consumer("group.id", "g", "auto.offset.reset", "earliest", "group.protocol", protocol, NULL);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(kfk_consumer_subscribe(c, names, 2, NULL, NULL, &w.e), KFK_OK);
    for (int told = 0; told == 0;) {
        kfk_records *rs;
        kfk_err err = kfk_consumer_poll(c, 20000, &rs, &w.e);

        told = err == KFK_ERR_INVALID_TOPIC_EXCEPTION;
        ck_assert(told || (!err && rs));
        kfk_records_free(rs);
    }
    ck_assert_str_eq(w.e.topic, names[0]);
    (void)read_records(c, 30, 5000, ids); /* once */
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
    c = member(0, "group.protocol", protocol);
    ck_assert_int_eq(read_records(c, 1, 5000, ids), 0); /* all was read */
    kfk_consumer_free(c);
}

START_TEST(a_name_that_no_topic_may_have_is_told_of_once)
{
    protocol = "classic";
    world_seeds(&(world_opts){0}, 10, refused);
    protocol = "consumer";
    world_seeds(&(world_opts){0}, 10, refused);
}
END_TEST

/* ---- too late ---- */

static atomic_int late;

static void on_event(const kfk_event *e, void *arg)
{
    ck_assert_ptr_eq(arg, &late);
    ck_assert_int_eq(e->type, KFK_EVENT_POLL_INTERVAL);
    ck_assert_int_eq(e->err, KFK_ERR_POLL_INTERVAL);
    ck_assert_int_eq(e->value, 3000);
    late++;
}

static kfk_consumer *watched(void)
{
    const kfk_hooks hooks = {.struct_size = sizeof hooks, .on_event = on_event};
    kfk_config *c = kfk_config_new(NULL);
    kfk_consumer *out;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "group.id", "g", &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "auto.offset.reset", "earliest", &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(c, "max.poll.interval.ms", "3000", &w.e), KFK_OK);
    ck_assert_int_eq(kfk_config_hooks(c, &hooks, &late, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__consumer_new_in(&out, &w.rig.env, c, &w.e), KFK_OK);
    kfk_config_free(c);
    return out;
}

static void too_late(void)
{
    kfk_consumer *c;

    late = 0;
    memset(&ears[0], 0, sizeof ears[0]);
    topic("t", 3, 1);
    c = watched();
    ck_assert_int_eq(kfk_consumer_subscribe(c, topics, 1, &listener, &ears[0], &w.e), KFK_OK);
    poll_for(c, 2000);
    ck_assert_int_eq(late, 0);
    nap(4000);
    ck_assert_int_eq(late, 1);
    poll_for(c, 2000);
    ck_assert_int_eq(late, 1);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;!t-0 t-1 t-2;+t-0 t-1 t-2;");
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(who_does_not_poll_in_time_is_told)
{
    world_seeds(&(world_opts){0}, 5, too_late);
}
END_TEST

/* Who only comes when there is something is called in time where there is nothing. */
static void idle(void)
{
    kfk_consumer *c;

    late = 0;
    memset(&ears[0], 0, sizeof ears[0]);
    topic("t", 3, 1);
    c = watched();
    ck_assert_int_eq(kfk_consumer_subscribe(c, topics, 1, &listener, &ears[0], &w.e), KFK_OK);
    for (int i = 0; i < 10; i++) {
        poll_for(c, 300);
        nap(1000);
        ck_assert(!atomic_load(&c->shared->lane.turn));
        nap(1000);
        ck_assert(atomic_load(&c->shared->lane.turn));
    }
    ck_assert_int_eq(late, 0);
    ck_assert_str_eq(ears[0].text, "+t-0 t-1 t-2;");
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(who_waits_for_the_descriptor_is_called_before_it_is_too_late)
{
    world_seeds(&(world_opts){0}, 5, idle);
}
END_TEST

/* ---- many partitions ---- */

enum { MANY = 1000 };

/* Half of them have something committed, the others are looked up, all at once. */
static void many(void)
{
    static kfk_tp tps[MANY];
    int64_t fetches, lists;
    kfk_consumer *c;

    topic("t", MANY, 1);
    for (int i = 0; i < MANY; i++)
        tps[i] = tp("t", i, 0);
    c = consumer("group.id", "g", NULL);
    ck_assert_int_eq(kfk_consumer_commit(c, tps, MANY / 2, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
    fetches = requests(OFFSET_FETCH);
    lists = requests(LIST_OFFSETS);
    c = member(0, NULL, NULL);
    poll_for(c, 2000);
    ck_assert_int_eq(kfk_consumer_position(c, tps, MANY, 10000, &w.e), KFK_OK);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(tps[i].err, KFK_OK);
    ck_assert_int_eq(requests(OFFSET_FETCH) - fetches, 1);
    ck_assert_int_le(requests(LIST_OFFSETS) - lists, 3); /* of each of three brokers */
    ck_assert_int_eq(kfk_consumer_close(c, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
}

START_TEST(a_thousand_partitions_cost_one_request_to_the_group)
{
    (void)world_run(&(world_opts){.nodes = 3}, many);
    (void)world_run(&(world_opts){.nodes = 3, .profile = "2.1"}, many);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_member_reads_all_and_goes_on_where_it_was,
                                  one_member_of_the_new_protocol,
                                  two_members_share,
                                  two_cooperative_members_share,
                                  two_members_of_the_new_protocol_share,
                                  who_does_not_poll_in_time_is_told,
                                  who_waits_for_the_descriptor_is_called_before_it_is_too_late,
                                  a_thousand_partitions_cost_one_request_to_the_group,
                                  a_name_that_no_topic_may_have_is_told_of_once,
                                  NULL};

    return world_main("subscribe", tests);
}
