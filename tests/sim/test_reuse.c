/* Memory that a socket still reads is nobody else's (CVE-2026-35554). The broker stands still, what
 * it was sent expires long before its answer, and there are only two buffers: records of another
 * topic wait for them. Each payload names its topic and its number and is a pattern of both, so
 * that a buffer that was used again too early shows, in whichever log it ends. */
#include <stdio.h>
#include <string.h>

#include "devbroker/records.h"
#include "producer/handle.h"
#include "sim/wire.h"
#include "sim/world.h"

enum { TOPICS = 3, SENDERS = 3, EACH = 40, SIZE = 60000, BATCH = 90000 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 20 };
#else
enum { SEEDS = 100 };
#endif

static const char *const topics[TOPICS] = {"a", "b", "c"};
static kfk_producer *p;
static int reused; /* sends that came after one had expired */

/* ---- payloads ---- */

static void fill(char *to, size_t size, int t, int id)
{
    int head = snprintf(to, size, "%08d %s ", id, topics[t]);

    for (size_t i = (size_t)head; i < size; i++)
        to[i] = (char)(topics[t][0] + (int)(i * 31 + (size_t)id * 7) % 251);
}

static void is_as_sent(kfk_bytes value, int t)
{
    static char wanted[SIZE];
    int id = -1;

    ck_assert_uint_gt(value.len, 11);
    ck_assert_int_eq(sscanf(value.data, "%8d", &id), 1);
    ck_assert_uint_le(value.len, SIZE);
    fill(wanted, value.len, t, id);
    ck_assert_msg(memcmp(value.data, wanted, value.len) == 0, "record %d of topic %s is spoilt", id,
                  topics[t]);
}

/* Returns how many records the topic has. */
static int read_log(int t)
{
    kfk_allocator a = failalloc_allocator(&w.broker_mem);
    kfk__compressor *c = kfk__compressor_new(&a);
    kfk__batch_header h;
    kfk__dev_records r;
    const char *why;
    kfk__buf all;
    size_t size;
    int n = 0;

    kfk__buf_init(&all, &a);
    ck_assert_int_eq(kfk__devbroker_dump(w.broker, topics[t], 0, 0, &all), KFK_OK);
    for (size_t at = 0; at < all.len; at += size) {
        ck_assert_int_eq(kfk__batch_header_read(all.data + at, all.len - at, &h, &size, &why), 0);
        ck_assert_int_eq(kfk__dev_records_open(&r, c, &a, all.data + at, size, &h, &why), 0);
        for (; kfk__batch_cursor_next(&r.cursor); n++)
            is_as_sent(r.cursor.record.value, t);
        kfk__dev_records_close(&r);
    }
    kfk__buf_fini(&all);
    kfk__compressor_free(c);
    return n;
}

/* ---- the work ---- */

static kfk__mutex lock; /* guards the next */
static int running;

static void ended(kfk_producer *from, const kfk_delivery *d, void *arg)
{
    report *r = arg;

    (void)from;
    r->n++;
    r->status = d->status;
    r->err = d->err;
}

static void send_all(void *arg)
{
    static char values[SENDERS][SIZE];
    int t = (int)(intptr_t)arg;
    char *value = values[t];

    for (int i = 0; i < EACH; i++) {
        int id = new_record();
        kfk_record r = {.struct_size = sizeof r, .topic = topics[t]};

        r.value = (kfk_bytes){value, 1000 + (size_t)sim_below(w.rig.s, SIZE - 1000)};
        fill(value, r.value.len, t, id);
        w.reports[id].refused = kfk_producer_send(p, &r, ended, &w.reports[id], NULL) != KFK_OK;
        memset(value, 'z', SIZE); /* it was copied */
        nap((int64_t)sim_below(w.rig.s, 30));
    }
    kfk__lock(&lock);
    running--;
    kfk__unlock(&lock);
}

static int still_running(void)
{
    int n;

    kfk__lock(&lock);
    n = running;
    kfk__unlock(&lock);
    return n;
}

static kfk_producer *two_buffers(void)
{
    static const char *const timeouts[] = {"50", "100", "200"};
    static const char *const codecs[] = {"none", "none", "lz4"};
    char memory[32];

    (void)snprintf(memory, sizeof memory, "%zu", 2 * kfk__record_chunk(BATCH));
    return producer("buffer.memory", memory, "batch.size", "90000", "linger.ms", "0",
                    "request.timeout.ms", "40", "delivery.timeout.ms",
                    timeouts[sim_below(w.rig.s, 3)], "max.block.ms", "1000", "retry.backoff.ms",
                    "5", "reconnect.backoff.ms", "1", "compression.type",
                    codecs[sim_below(w.rig.s, 3)], NULL);
}

/* Of the broker: it reads nothing, or nothing arrives there, for a while. */
static void pauses(void)
{
    int64_t ms = 20 + (int64_t)sim_below(w.rig.s, 250);

    if (sim_below(w.rig.s, 3) == 0) {
        FAULT(.kind = KFK__DEV_FAULT_DELAY, .api = PRODUCE, .value = (int32_t)ms);
        return;
    }
    simnet_hold(w.rig.s, 1, WORLD_HOST, true);
    nap(ms);
    simnet_hold(w.rig.s, 1, WORLD_HOST, false);
}

static void judge(void)
{
    int n = 0;

    (void)told(0);
    for (int t = 0; t < TOPICS; t++)
        n += read_log(t);
    for (int i = 0; i < wire_batches() && i < WIRE_BATCHES; i++)
        ck_assert_msg(wire_at(i).sound, "batch %d was changed on its way", i);
    ck_assert_int_ge(n, told(KFK_DELIVERED));
    reused += told(KFK_UNKNOWN) > 0 && told(KFK_DELIVERED) > 0;
}

static void app(void)
{
    for (int t = 0; t < TOPICS; t++)
        topic(topics[t], 1, 1);
    p = two_buffers();
    ck_assert_msg(p != NULL, "%s", w.e.msg);
    kfk__mutex_init(&lock);
    running = SENDERS;
    for (int t = 0; t < SENDERS; t++)
        sim_spawn(w.rig.s, 1, "sender", send_all, (void *)(intptr_t)t);
    while (still_running() > 0) {
        nap((int64_t)sim_below(w.rig.s, 100));
        pauses();
    }
    flush(p);
    ck_assert_int_eq(kfk_producer_close(p, 5000, &w.e), KFK_OK);
    kfk_producer_free(p);
    judge();
}

START_TEST(a_buffer_is_not_used_again_while_a_socket_has_it)
{
    reused = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wire_begin();
        (void)world_run(&(world_opts){.seed = seed, .heard = wire_heard}, app);
    }
    ck_assert_int_gt(reused, SEEDS / 2); /* of most, some expired and others arrived */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_buffer_is_not_used_again_while_a_socket_has_it, NULL};

    return world_main("sim/reuse", tests);
}
