/* The broker over real sockets: frames in and answers out, waiting, faults, nodes that stop. The
 * client's side is plain blocking sockets; a read that gets nothing for ten seconds fails the test.
 */
#include "batches.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "compress/compress.h"
#include "devbroker/devbroker.h"
#include "net/env_posix.h"
#include "proto/api_versions.h"
#include "proto/fetch.h"
#include "proto/header.h"
#include "proto/metadata.h"
#include "proto/produce.h"
#include "unit/record/messages.h"

enum { PATIENCE_S = 10, CORRELATION = 1000 };

static kfk__env env;
static kfk__devbroker *broker;
static kfk__arena arena;
static kfk__buf wire;

static void make(int32_t nodes)
{
    kfk__devbroker_opts o = {.n_nodes = nodes};
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    kfk__arena_init(&arena, &kfk__malloc_allocator);
    kfk__buf_init(&wire, &kfk__malloc_allocator);
}

static void setup(void)
{
    kfk_error e;

    make(3);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", 1, 3, NULL, 0), KFK_OK);
}

static void teardown(void)
{
    kfk__devbroker_free(broker);
    kfk__arena_fini(&arena);
    kfk__buf_fini(&wire);
}

/* ---- the client's side ---- */

static uint16_t port_of(int32_t node)
{
    const char *p = kfk__devbroker_bootstrap(broker);

    while (node-- > 1)
        p = strchr(p, ',') + 1;
    return (uint16_t)strtol(strchr(p, ':') + 1, NULL, 10);
}

/* -1: refused. */
static int try_connect(int32_t node)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port_of(node))};
    struct timeval patience = {PATIENCE_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(fd);
    return -1;
}

static int dial(int32_t node)
{
    int fd = try_connect(node);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void send_all(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t put = send(fd, at, n, MSG_NOSIGNAL);

        ck_assert_int_gt(put, 0);
        at += put;
        n -= (size_t)put;
    }
}

/* How many of |n| bytes came before the end. */
static size_t receive(int fd, void *p, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = recv(fd, (char *)p + got, n - got, 0);

        ck_assert_msg(r >= 0 || errno == ECONNRESET, "nothing came: %s", strerror(errno));
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    return got;
}

static void add_request(const kfk__api *api, int16_t version, int32_t correlation, const void *req)
{
    size_t at = wire.len;

    (void)kfk__buf_add(&wire, 4);
    kfk__request_header_write(&wire, api, version, correlation, "tester");
    ck_assert_int_eq(
        kfk__encode(api->request, version, kfk__flexible(api, version), req, &wire, NULL), KFK_OK);
    kfk__put_be32(wire.data + at, (uint32_t)(wire.len - at - 4));
}

static void send_wire(int fd)
{
    send_all(fd, wire.data, wire.len);
    kfk__buf_clear(&wire);
}

/* The next answer's body, decoded; NULL: the connection ended. */
static void *answer(int fd, const kfk__api *api, int16_t version, int32_t correlation)
{
    size_t header = kfk__response_header_tagged(api, version) ? 5 : 4, n, used;
    uint8_t len[4], *bytes;
    void *resp;

    if (receive(fd, len, 4) < 4)
        return NULL;
    n = kfk__get_be32(len);
    bytes = kfk__arena_alloc(&arena, n);
    ck_assert_uint_eq(receive(fd, bytes, n), n);
    ck_assert_uint_eq(kfk__get_be32(bytes), (uint32_t)correlation);
    resp = kfk__arena_alloc(&arena, api->response->size);
    kfk__msg_init(api->response, resp);
    ck_assert_int_eq(kfk__decode(api->response, version, kfk__flexible(api, version),
                                 bytes + header, n - header, &arena, resp, &used, NULL),
                     KFK_OK);
    return resp;
}

/* ---- requests ---- */

static void add_versions(int32_t correlation)
{
    kfk__api_versions_request req;

    kfk__msg_init(kfk__api_versions_api.request, &req);
    req.client_software_name = req.client_software_version = kfk__bytes_str("x");
    add_request(&kfk__api_versions_api, 3, correlation, &req);
}

static const kfk__api_versions_response *versions_answer(int fd, int32_t correlation)
{
    return answer(fd, &kfk__api_versions_api, 3, correlation);
}

static void ping(int fd)
{
    add_versions(7);
    send_wire(fd);
    ck_assert_ptr_nonnull(versions_answer(fd, 7));
}

/* The connection ends, at once and with nothing more in it. */
static void expect_end(int fd)
{
    char byte;

    ck_assert_uint_eq(receive(fd, &byte, 1), 0);
    close(fd);
}

static void add_produce(int32_t correlation, kfk_bytes records)
{
    kfk__produce_request_partition p = {.records = records};
    kfk__produce_request_topic t = {.name = kfk__bytes_str("t"), .partition_data = {&p, 1}};
    kfk__produce_request req;

    kfk__msg_init(kfk__produce_api.request, &req);
    req.acks = -1;
    req.topic_data.v = &t;
    req.topic_data.n = 1;
    add_request(&kfk__produce_api, 9, correlation, &req);
}

static const kfk__produce_response_partition *produce_answer(int fd, int32_t correlation)
{
    const kfk__produce_response *r = answer(fd, &kfk__produce_api, 9, correlation);

    ck_assert_ptr_nonnull(r);
    return &r->responses.v[0].partition_responses.v[0];
}

static void add_fetch_in(int32_t session, int32_t epoch, int32_t correlation, int64_t offset,
                         int32_t wait_ms)
{
    kfk__fetch_request_partition p = {.current_leader_epoch = -1,
                                      .fetch_offset = offset,
                                      .last_fetched_epoch = -1,
                                      .log_start_offset = -1,
                                      .partition_max_bytes = INT32_MAX};
    kfk__fetch_request_topic t = {.topic = kfk__bytes_str("t"), .partitions = {&p, 1}};
    kfk__fetch_request req;

    kfk__msg_init(kfk__fetch_api.request, &req);
    req.max_wait_ms = wait_ms;
    req.min_bytes = 1;
    req.session_id = session;
    req.session_epoch = epoch;
    req.topics.v = &t;
    req.topics.n = 1;
    add_request(&kfk__fetch_api, 11, correlation, &req);
}

static void add_fetch(int32_t correlation, int64_t offset, int32_t wait_ms)
{
    add_fetch_in(0, -1, correlation, offset, wait_ms);
}

static const kfk__fetch_response_partition *fetch_answer(int fd, int32_t correlation)
{
    const kfk__fetch_response *r = answer(fd, &kfk__fetch_api, 11, correlation);

    ck_assert_ptr_nonnull(r);
    return &r->responses.v[0].partitions.v[0];
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static batch b;

static void make_records(size_t value_len)
{
    make_batch(&b, &(batch_spec){.n = 1, .timestamp = 1000, .value_len = value_len});
}

/* ---- frames ---- */

START_TEST(every_node_answers)
{
    for (int32_t node = 1; node <= 3; node++) {
        int fd = dial(node);

        ping(fd);
        close(fd);
        ck_assert_int_eq(kfk__devbroker_requests(broker, node, 18), 1);
    }
    ck_assert_int_eq(kfk__devbroker_requests(broker, KFK__DEV_ANY, 18), 3);
}
END_TEST

START_TEST(answers_keep_their_order)
{
    int fd = dial(1);

    make_records(10);
    for (int i = 0; i < 50; i++) {
        add_versions(CORRELATION + 3 * i);
        add_produce(CORRELATION + 3 * i + 1, kfk__bytes(b.bytes, b.size));
        add_fetch(CORRELATION + 3 * i + 2, i + 1, 1);
    }
    send_wire(fd);
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_nonnull(versions_answer(fd, CORRELATION + 3 * i));
        ck_assert_int_eq(produce_answer(fd, CORRELATION + 3 * i + 1)->base_offset, i);
        ck_assert_int_eq(fetch_answer(fd, CORRELATION + 3 * i + 2)->high_watermark, i + 1);
    }
    close(fd);
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte)
{
    int fd = dial(1), one = 1;

    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, 1, &one, sizeof one), 0);
    add_versions(5);
    for (size_t i = 0; i < wire.len; i++)
        send_all(fd, wire.data + i, 1);
    kfk__buf_clear(&wire);
    ck_assert_ptr_nonnull(versions_answer(fd, 5));
    close(fd);
}
END_TEST

START_TEST(long_frames_go_in_and_come_out)
{
    enum { N = 300 };
    const kfk__fetch_response_partition *p;
    int64_t offset = 0;
    size_t total = 0;
    int fd = dial(1);

    make_records(60000);
    for (int i = 0; i < N; i++)
        add_produce(i, kfk__bytes(b.bytes, b.size));
    send_wire(fd);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(produce_answer(fd, i)->error_code, 0);
    /* Many long answers before the first of them is read. */
    for (int i = 0; i < N; i++)
        add_fetch(i, i, 0);
    send_wire(fd);
    for (int i = 0; i < N; i++) {
        p = fetch_answer(fd, i);
        ck_assert_int_eq(p->error_code, 0);
        ck_assert_uint_ge(p->records.len, b.size);
        ck_assert_uint_eq(kfk__get_be64(p->records.data), (uint64_t)i);
        ck_assert(kfk__batch_crc_ok(p->records.data, b.size));
        total += p->records.len;
        offset++;
        kfk__arena_reset(&arena);
    }
    ck_assert_uint_gt(total, 16 * 1024 * 1024);
    close(fd);
}
END_TEST

START_TEST(one_frame_of_many_megabytes_goes_in)
{
    enum { SIZE = 20 * 1024 * 1024 };
    uint8_t *junk = calloc(1, SIZE);
    int fd = dial(1);

    add_produce(1, kfk__bytes(junk, SIZE));
    send_wire(fd);
    ck_assert_int_ne(produce_answer(fd, 1)->error_code, 0);
    ping(fd);
    close(fd);
    free(junk);
}
END_TEST

START_TEST(what_is_no_frame_ends_the_connection)
{
    static const uint8_t frames[][8] = {
        {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {0x47, 0x45, 0x54, 0x20, '/', ' '}};
    int fd = dial(1);

    send_all(fd, frames[_i], 8);
    expect_end(fd);
    fd = dial(1);
    ping(fd);
    close(fd);
}
END_TEST

/* ---- waiting ---- */

START_TEST(a_waiting_fetch_is_woken_by_another_connection)
{
    const kfk__fetch_response_partition *p;
    int reader = dial(1), writer = dial(1);

    make_records(10);
    add_fetch(1, 0, 1000 * 1000);
    send_wire(reader);
    add_produce(2, kfk__bytes(b.bytes, b.size));
    send_wire(writer);
    ck_assert_int_eq(produce_answer(writer, 2)->error_code, 0);
    p = fetch_answer(reader, 1);
    ck_assert_uint_eq(p->records.len, b.size);
    close(reader);
    close(writer);
}
END_TEST

START_TEST(a_waiting_fetch_ends_with_its_time)
{
    int64_t began = now_ms();
    int fd = dial(1);

    add_fetch(1, 0, 50);
    send_wire(fd);
    ck_assert_uint_eq(fetch_answer(fd, 1)->records.len, 0);
    ck_assert_int_ge(now_ms() - began, 50);
    close(fd);
}
END_TEST

START_TEST(a_waiting_fetch_hears_of_a_new_leader)
{
    int fd = dial(1);

    add_fetch(1, 0, 1000 * 1000);
    send_wire(fd);
    ck_assert_int_eq(kfk__devbroker_delete_topic(broker, "t"), KFK_OK);
    ck_assert_int_eq(fetch_answer(fd, 1)->error_code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    close(fd);
}
END_TEST

/* ---- faults ---- */

static int64_t add_fault(kfk__dev_fault what)
{
    int64_t id;

    what.api = 18;
    what.node = KFK__DEV_ANY;
    what.count = 1;
    what.level = KFK__DEV_ANY;
    id = kfk__devbroker_fault(broker, &what);
    ck_assert_int_gt(id, 0);
    return id;
}

START_TEST(a_dropped_connection_ends)
{
    int64_t id = add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_DROP, .after = _i});
    int fd = dial(1), other = dial(1);

    add_versions(1);
    send_wire(fd);
    expect_end(fd);
    ping(other);
    close(other);
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), 1);
    ck_assert_int_eq(kfk__devbroker_fault_remove(broker, id), 1);
    ck_assert_int_eq(kfk__devbroker_fault_hits(broker, id), -1);
}
END_TEST

START_TEST(an_answer_is_cut)
{
    int fd = dial(1);
    char bytes[16];

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_CUT, .at = 6});
    add_versions(1);
    add_versions(2);
    send_wire(fd);
    ck_assert_uint_eq(receive(fd, bytes, sizeof bytes), 6);
    close(fd);
}
END_TEST

START_TEST(an_answer_lies_about_its_length)
{
    int fd = dial(1);
    uint8_t len[4];

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_LENGTH, .value = 0x7fffffff});
    add_versions(1);
    send_wire(fd);
    ck_assert_uint_eq(receive(fd, len, 4), 4);
    ck_assert_uint_eq(kfk__get_be32(len), 0x7fffffff);
    close(fd);
}
END_TEST

/* Nothing more comes on that connection, and the others go on. */
START_TEST(a_hung_request_hangs_alone)
{
    int fd = dial(1), other = dial(1);
    char byte;

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_HANG});
    add_versions(1);
    add_versions(2);
    send_wire(fd);
    for (int i = 0; i < 100 && kfk__devbroker_requests(broker, 1, 18) == 0; i++)
        ping(other);
    ping(other);
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    close(fd);
    ping(other);
    close(other);
}
END_TEST

START_TEST(a_delay_delays)
{
    int64_t began = now_ms();
    int fd = dial(1);

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_DELAY, .after = _i, .value = 30});
    ping(fd);
    ck_assert_int_ge(now_ms() - began, 30);
    close(fd);
}
END_TEST

START_TEST(a_throttled_connection_is_not_read)
{
    int64_t began = now_ms();
    int fd = dial(1);

    add_fault((kfk__dev_fault){.kind = KFK__DEV_FAULT_THROTTLE, .value = 30});
    add_versions(1);
    add_versions(2);
    send_wire(fd);
    ck_assert_int_eq(versions_answer(fd, 1)->throttle_time_ms, 30);
    ck_assert_int_eq(versions_answer(fd, 2)->throttle_time_ms, 0);
    ck_assert_int_ge(now_ms() - began, 30);
    close(fd);
}
END_TEST

/* ---- the cluster ---- */

START_TEST(a_node_stops_and_comes_back_on_its_port)
{
    uint16_t port = port_of(1);
    int32_t leader, epoch;
    int fd = dial(1);

    ping(fd);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, 1), KFK_OK);
    expect_end(fd);
    ck_assert_int_eq(try_connect(1), -1);
    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 0, &leader, &epoch), KFK_OK);
    ck_assert_int_eq(leader, 2);
    ck_assert_int_eq(epoch, 1);
    ck_assert_int_eq(kfk__devbroker_start_node(broker, 1), KFK_OK);
    while ((fd = try_connect(1)) < 0)
        ;
    ping(fd);
    close(fd);
    ck_assert_int_eq(port_of(1), port);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, 4), KFK_ERR_INVALID_ARG);
}
END_TEST

/* However short the stop was. */
START_TEST(a_node_that_restarts_ends_its_connections)
{
    int fd = dial(1), other = dial(2);

    ping(fd);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, 1), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start_node(broker, 1), KFK_OK);
    expect_end(fd);
    ping(other);
    close(other);
    while ((fd = try_connect(1)) < 0)
        ;
    ping(fd);
    close(fd);
}
END_TEST

/* The highest version of Produce that a node tells. */
static int16_t newest_produce(int32_t node)
{
    const kfk__api_versions_response *r;
    int16_t max = -1;
    int fd;

    while ((fd = try_connect(node)) < 0)
        ;
    add_versions(7);
    send_wire(fd);
    r = versions_answer(fd, 7);
    ck_assert_ptr_nonnull(r);
    for (int32_t i = 0; i < r->api_keys.n; i++)
        if (r->api_keys.v[i].api_key == kfk__produce_api.key)
            max = r->api_keys.v[i].max_version;
    close(fd);
    return max;
}

START_TEST(a_node_restarts_as_another_version)
{
    int fd = dial(1), other = dial(2);

    ping(fd);
    ck_assert_int_eq(kfk__devbroker_restart_node(broker, 1, "2.8"), KFK_OK);
    expect_end(fd);
    ping(other);
    close(other);
    ck_assert_int_eq(newest_produce(1), 9);
    ck_assert_int_eq(newest_produce(2), 13);
    fd = dial(1);
    ping(fd);
    ck_assert_int_eq(kfk__devbroker_stop_node(broker, 1), KFK_OK);
    expect_end(fd);
    ck_assert_int_eq(kfk__devbroker_restart_node(broker, 1, NULL), KFK_OK);
    ck_assert_int_eq(newest_produce(1), 13);
    ck_assert_int_eq(kfk__devbroker_restart_node(broker, 4, "2.8"), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_restart_node(broker, 1, "0.8"), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(a_broker_starts_again_on_its_ports)
{
    uint16_t port = port_of(2);
    kfk_error e;
    int fd;

    kfk__devbroker_stop(broker);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    ck_assert_int_eq(port_of(2), port);
    fd = dial(2);
    ping(fd);
    close(fd);
}
END_TEST

START_TEST(what_is_in_a_log_can_be_put_there_and_read)
{
    static const char *const configs[] = {"cleanup.policy=compact"}, *const wrong[] = {
                                                                         "cleanup.policy=x"};
    kfk__devbroker_offsets o;
    kfk__buf out;

    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "u", 0, 0, wrong, 1), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "u", 0, 0, configs, 1), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "u", 0, 0, NULL, 0), KFK_ERR_INVALID_ARG);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    make_batch(&b, &(batch_spec){.n = 3, .base_offset = 10});
    kfk__buf_put(&out, b.bytes, b.size);
    make_batch(&b, &(batch_spec){.n = 1, .base_offset = 20});
    kfk__buf_put(&out, b.bytes, b.size);
    ck_assert_int_eq(kfk__devbroker_load(broker, "u", 0, out.data, out.len), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_load(broker, "u", 1, out.data, out.len), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_offsets_of(broker, "u", 0, &o), KFK_OK);
    ck_assert_int_eq(o.start, 10);
    ck_assert_int_eq(o.end, 21);
    kfk__buf_clear(&out);
    ck_assert_int_eq(kfk__devbroker_dump(broker, "u", 0, 13, &out), KFK_OK);
    ck_assert_uint_eq(out.len, b.size);
    ck_assert_mem_eq(out.data, b.bytes, b.size);
    ck_assert_int_eq(kfk__devbroker_truncate(broker, "u", 0, 15), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_trim(broker, "u", 0, 11), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_offsets_of(broker, "u", 0, &o), KFK_OK);
    ck_assert_int_eq(o.start, 11);
    ck_assert_int_eq(o.end, 15);
    kfk__buf_fini(&out);
}
END_TEST

/* A set of messages of version |magic| at the offsets from |first| on, in gzip. */
static void put_set(kfk__buf *to, int magic, int64_t first, int64_t n)
{
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    kfk__buf inner, packed;
    struct iovec in;

    kfk__buf_init(&inner, &kfk__malloc_allocator);
    kfk__buf_init(&packed, &kfk__malloc_allocator);
    for (int64_t i = 0; i < n; i++)
        (void)put_message(&inner, &(message_spec){.magic = magic,
                                                  .offset = magic ? i : first + i,
                                                  .timestamp = 1000 + i,
                                                  .value = "x"});
    in = (struct iovec){inner.data, inner.len};
    ck_assert_int_eq(kfk__compress(c, KFK__CODEC_GZIP, 6, &in, 1, &packed), KFK_OK);
    (void)put_message(to, &(message_spec){.magic = magic,
                                          .attributes = KFK__CODEC_GZIP,
                                          .offset = first + n - 1,
                                          .timestamp = 1000 + n - 1,
                                          .value = (const char *)packed.data,
                                          .value_len = packed.len});
    kfk__buf_fini(&inner);
    kfk__buf_fini(&packed);
    kfk__compressor_free(c);
}

START_TEST(old_messages_can_be_put_there_and_read)
{
    const kfk__fetch_response_partition *p;
    kfk__devbroker_offsets o;
    kfk__buf old;
    int fd = dial(1);

    kfk__buf_init(&old, &kfk__malloc_allocator);
    put_set(&old, _i, 20, 3);
    (void)put_message(&old, &(message_spec){.magic = _i, .offset = 30, .value = "y"});
    ck_assert_int_eq(kfk__devbroker_load(broker, "t", 0, old.data, old.len), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_load(broker, "t", 0, old.data, old.len), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_offsets_of(broker, "t", 0, &o), KFK_OK);
    ck_assert_int_eq(o.start, 20);
    ck_assert_int_eq(o.end, 31);
    add_fetch(1, 21, 0);
    send_wire(fd);
    p = fetch_answer(fd, 1);
    ck_assert_uint_eq(p->records.len, old.len);
    ck_assert_mem_eq(p->records.data, old.data, old.len);
    close(fd);
    kfk__buf_fini(&old);
}
END_TEST

START_TEST(leaders_move)
{
    int32_t leader, epoch;

    ck_assert_int_eq(kfk__devbroker_move_leader(broker, "t", 0, 3), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_bump_epoch(broker, "t", 0), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 0, &leader, &epoch), KFK_OK);
    ck_assert_int_eq(leader, 3);
    ck_assert_int_eq(epoch, 2);
    ck_assert_int_eq(kfk__devbroker_move_leader(broker, "t", 0, 4), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_move_leader(broker, "t", 1, 1), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_move_leader(broker, "v", 0, 1), KFK_ERR_INVALID_ARG);
}
END_TEST

/* The session that the answer is part of, and its error. */
static int32_t session(int fd, int32_t id, int32_t epoch, int16_t *code)
{
    const kfk__fetch_response *r;

    add_fetch_in(id, epoch, 1, 0, 0);
    send_wire(fd);
    r = answer(fd, &kfk__fetch_api, 11, 1);
    ck_assert_ptr_nonnull(r);
    *code = r->error_code;
    return r->session_id;
}

static int32_t count_sessions(int32_t node)
{
    int32_t sessions, partitions;

    ck_assert_int_eq(kfk__devbroker_sessions(broker, node, &sessions, &partitions), KFK_OK);
    ck_assert_int_eq(sessions, partitions);
    return sessions;
}

START_TEST(an_offset_can_be_pending)
{
    ck_assert_int_eq(kfk__devbroker_set_pending(broker, "g", "t", 0, true), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_set_pending(broker, "g", "t", 0, false), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_set_pending(broker, "g", "t", 1, true), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_set_pending(broker, "g", "x", 0, true), KFK_ERR_INVALID_ARG);
}
END_TEST

START_TEST(a_follower_can_lag)
{
    static const kfk__devbroker_offsets has = {0, 1, 2},
                                        wrong[] = {{-1, 0, 0}, {1, 0, 2}, {0, 3, 2}};
    int32_t leader, epoch;

    ck_assert_int_eq(kfk__devbroker_leader(broker, "t", 0, &leader, &epoch), KFK_OK);
    for (int32_t node = 1; node <= 3; node++)
        if (node != leader)
            ck_assert_int_eq(kfk__devbroker_set_follower(broker, "t", 0, node, &has), KFK_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kfk__devbroker_set_follower(broker, "t", 0, 1, &wrong[i]),
                         KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_set_follower(broker, "t", 0, 4, &has), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_set_follower(broker, "t", 9, 1, &has), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_set_follower(broker, "t", 0, 1, NULL), KFK_OK);
}
END_TEST

START_TEST(fetch_sessions_can_be_ended)
{
    int fd = dial(1);
    int16_t code;
    int32_t id = session(fd, 0, 0, &code), other;

    ck_assert_int_ne(id, 0);
    ck_assert_int_eq(count_sessions(1), 1);
    ck_assert_int_eq(count_sessions(2), 0);
    ck_assert_int_eq(kfk__devbroker_set_session_epoch(broker, 1, INT32_MAX), KFK_OK);
    ck_assert_int_eq(session(fd, id, INT32_MAX, &code), id);
    ck_assert_int_eq(kfk__devbroker_expire_sessions(broker, KFK__DEV_ANY), KFK_OK);
    (void)session(fd, id, 1, &code);
    ck_assert_int_eq(code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
    other = session(fd, 0, 0, &code);
    ck_assert_int_ne(other, 0);
    ck_assert_int_eq(kfk__devbroker_limit_sessions(broker, 1, 0), KFK_OK);
    ck_assert_int_eq(count_sessions(KFK__DEV_ANY), 0);
    ck_assert_int_eq(session(fd, 0, 0, &code), 0);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(kfk__devbroker_expire_sessions(broker, 4), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_limit_sessions(broker, 1, -1), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk__devbroker_set_session_epoch(broker, 1, 0), KFK_ERR_INVALID_ARG);
    close(fd);
}
END_TEST

START_TEST(stopping_ends_every_connection)
{
    int fd = dial(1);

    ping(fd);
    kfk__devbroker_stop(broker);
    expect_end(fd);
    kfk__devbroker_stop(broker);
}
END_TEST

/* ---- the host's own loop ---- */

START_TEST(a_host_may_step_it)
{
    kfk__event ev[8];
    uint8_t len[4];
    kfk_error e;
    int fd;

    make(1);
    ck_assert_int_eq(kfk__devbroker_listen(broker, &e), KFK_OK);
    fd = dial(1);
    add_versions(1);
    send_wire(fd);
    while (kfk__devbroker_requests(broker, 1, 18) == 0) {
        int64_t until = kfk__now(&env) + PATIENCE_S * 1000 * KFK__MS;
        int n = env.ops->poll(kfk__devbroker_poller(broker), ev, 8, until);

        ck_assert_int_lt(kfk__now(&env), until);
        ck_assert_int_eq(kfk__devbroker_step(broker, ev, n, kfk__now(&env)), KFK__NEVER);
    }
    ck_assert_uint_eq(receive(fd, len, 4), 4);
    close(fd);
    teardown();
}
END_TEST

START_TEST(options_have_bounds)
{
    static const kfk__devbroker_opts wrong[] = {{.n_nodes = 17},         {.n_nodes = -1},
                                                {.default_replicas = 2}, {.default_partitions = -1},
                                                {.fetch_sessions = -2},  {.profile = "0.8"}};
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &wrong[_i], &e), KFK_ERR_INVALID_ARG);
    kfk__devbroker_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/devbroker");
    TCase *t = tcase_create("threaded"), *plain = tcase_create("plain");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_node_answers);
    tcase_add_test(t, answers_keep_their_order);
    tcase_add_test(t, a_frame_may_come_byte_by_byte);
    tcase_add_test(t, long_frames_go_in_and_come_out);
    tcase_add_test(t, one_frame_of_many_megabytes_goes_in);
    tcase_add_loop_test(t, what_is_no_frame_ends_the_connection, 0, 3);
    tcase_add_test(t, a_waiting_fetch_is_woken_by_another_connection);
    tcase_add_test(t, a_waiting_fetch_ends_with_its_time);
    tcase_add_test(t, a_waiting_fetch_hears_of_a_new_leader);
    tcase_add_loop_test(t, a_dropped_connection_ends, 0, 2);
    tcase_add_test(t, an_answer_is_cut);
    tcase_add_test(t, an_answer_lies_about_its_length);
    tcase_add_test(t, a_hung_request_hangs_alone);
    tcase_add_loop_test(t, a_delay_delays, 0, 2);
    tcase_add_test(t, a_throttled_connection_is_not_read);
    tcase_add_test(t, a_node_stops_and_comes_back_on_its_port);
    tcase_add_test(t, a_node_that_restarts_ends_its_connections);
    tcase_add_test(t, a_node_restarts_as_another_version);
    tcase_add_test(t, a_broker_starts_again_on_its_ports);
    tcase_add_test(t, what_is_in_a_log_can_be_put_there_and_read);
    tcase_add_loop_test(t, old_messages_can_be_put_there_and_read, 0, 2);
    tcase_add_test(t, leaders_move);
    tcase_add_test(t, an_offset_can_be_pending);
    tcase_add_test(t, a_follower_can_lag);
    tcase_add_test(t, fetch_sessions_can_be_ended);
    tcase_add_test(t, stopping_ends_every_connection);
    tcase_add_test(plain, a_host_may_step_it);
    tcase_add_loop_test(plain, options_have_bounds, 0, 6);
    suite_add_tcase(s, t);
    suite_add_tcase(s, plain);
    return run_suite(s);
}
