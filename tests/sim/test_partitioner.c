/* A program's own partitioner in a whole producer: it is asked once for each send, whatever becomes
 * of the record on its way, and the record lands where it said. */
#include <stdlib.h>
#include <string.h>

#include "producer/producer_env.h"
#include "sim/world.h"

#define N 300
#define PARTITIONS 3

static int calls[WORLD_RECORDS];

static void each_seed(void (*app)(void))
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        memset(calls, 0, sizeof calls);
        (void)world_run(&(world_opts){.seed = seed, .nodes = 2}, app);
    }
}

/* Where the record of a number is to go; every seventh is left to the producer. */
static int32_t place_of(int id)
{
    return id % 7 == 6 ? -1 : id * 5 % PARTITIONS;
}

static int32_t by_number(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    char number[9] = "";
    int id;

    ck_assert_ptr_eq(arg, calls);
    ck_assert_str_eq(t->topic, "t");
    ck_assert_int_eq(t->n_partitions, PARTITIONS);
    memcpy(number, r->value.data, 8);
    id = atoi(number);
    calls[id]++;
    return place_of(id);
}

static int32_t by_value(const kfk_record *r, const kfk_topic_info *t, void *arg)
{
    ++*(int *)arg;
    return (kfk_murmur2(r->value.data, r->value.len) & INT32_MAX) % t->n_partitions;
}

/* "name", "value", ..., NULL. */
static kfk_producer *with_hook(kfk_partition_fn *fn, void *arg, const char *name, ...)
{
    const kfk_hooks h = {.struct_size = sizeof h, .partition = fn};
    kfk_producer *p = NULL;
    kfk_config *c;
    va_list ap;

    va_start(ap, name);
    c = config(name, ap);
    va_end(ap);
    ck_assert_int_eq(kfk_config_hooks(c, &h, arg, &w.e), KFK_OK);
    ck_assert_msg(kfk__producer_new_in(&p, &w.rig.env, c, &w.e) == KFK_OK, "%s", w.e.msg);
    kfk_config_free(c);
    return p;
}

/* Every record was asked about once, is delivered, and lies where it was to. */
static void ends(kfk_producer *p)
{
    flush(p);
    ck_assert_int_eq(told(KFK_DELIVERED), accepted());
    for (int i = 0; i < w.sent; i++) {
        ck_assert_msg(calls[i] == 1, "record %d: %d calls", i, calls[i]);
        if (!w.reports[i].refused && place_of(i) >= 0)
            ck_assert_int_eq(w.reports[i].partition, place_of(i));
    }
    kfk_producer_free(p);
}

static void batches_switch(void)
{
    kfk_producer *p = with_hook(by_number, calls, "batch.size", "200", "linger.ms", "20", NULL);

    topic("t", PARTITIONS, 1);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", -1, 0, 8 + (size_t)i % 150), KFK_OK);
    ends(p);
}

START_TEST(once_where_batches_switch)
{
    each_seed(batches_switch);
}
END_TEST

/* Nothing is known of the topic; some of what is kept overflows a batch. */
static void is_kept(void)
{
    kfk_producer *p = with_hook(by_number, calls, "batch.size", "200", NULL);

    topic("t", PARTITIONS, 1);
    for (int i = 0; i < N / 2; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", -1, KFK_NOWAIT, 50), KFK_OK);
    nap(3);
    for (int i = 0; i < N / 2; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", -1, KFK_NOWAIT, 8), KFK_OK);
    ends(p);
}

START_TEST(once_where_records_are_kept)
{
    each_seed(is_kept);
}
END_TEST

/* The sends wait for memory, all the time. */
static void memory_is_short(void)
{
    kfk_producer *p = with_hook(by_number, calls, "batch.size", "200", "buffer.memory", "8192",
                                "max.block.ms", "60000", NULL);

    topic("t", PARTITIONS, 1);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_record(p, new_record(), "t", -1, 0, 100), KFK_OK);
    ends(p);
}

START_TEST(once_where_memory_is_waited_for)
{
    each_seed(memory_is_short);
}
END_TEST

/* The same without waiting: a send that is refused has asked, too, and the next one does again. */
static void memory_is_refused(void)
{
    kfk_producer *p =
        with_hook(by_number, calls, "batch.size", "200", "buffer.memory", "8192", NULL);

    topic("t", PARTITIONS, 1);
    ck_assert_int_eq(send_to(p, "t", -1), KFK_OK);
    for (int i = 1; i < N; i++)
        if (send_record(p, new_record(), "t", -1, KFK_NOWAIT, 100) == KFK_ERR_WOULD_BLOCK)
            nap(1);
    ck_assert_int_lt(accepted(), N);
    ends(p);
}

START_TEST(once_where_memory_is_refused)
{
    each_seed(memory_is_refused);
}
END_TEST

/* Sent again, and in parts: the partition is settled by then. */
static void is_sent_again(void)
{
    kfk_producer *p = with_hook(by_number, calls, "linger.ms", "20", NULL);

    topic("t", PARTITIONS, 1);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_NOT_LEADER_OR_FOLLOWER,
          .level = KFK__DEV_ANY);
    FAULT(.kind = KFK__DEV_FAULT_ERROR, .api = PRODUCE, .value = KFK_ERR_MESSAGE_TOO_LARGE,
          .level = KFK__DEV_ANY);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(send_to(p, "t", -1), KFK_OK);
    ends(p);
}

START_TEST(once_where_batches_are_sent_again)
{
    each_seed(is_sent_again);
}
END_TEST

static void as_in_the_notes(void)
{
    static const int32_t at[] = {2, 1, 0, 2, 0};
    int n = 0;
    kfk_producer *p = with_hook(by_value, &n, NULL);

    topic("t", PARTITIONS, 1);
    for (int i = 0; i < 5; i++) {
        const char value[] = {'v', (char)('0' + i)};
        kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {value, sizeof value}};
        kfk_delivery d = {.struct_size = sizeof d};

        ck_assert_int_eq(kfk_producer_send_sync(p, &r, 10000, &d, &w.e), KFK_OK);
        ck_assert_int_eq(d.partition, at[i]);
    }
    ck_assert_int_eq(n, 5);
    kfk_producer_free(p);
}

START_TEST(v0_to_v4_over_three_partitions)
{
    each_seed(as_in_the_notes);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {once_where_batches_switch,
                                  once_where_records_are_kept,
                                  once_where_memory_is_waited_for,
                                  once_where_memory_is_refused,
                                  once_where_batches_are_sent_again,
                                  v0_to_v4_over_three_partitions,
                                  NULL};

    return world_main("sim/partitioner", tests);
}
