#include "unit/client/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/error.h"
#include "client/exchange.h"
#include "proto/produce.h"
#include "sim/failalloc.h"

enum { NOW = 1000, TIMEOUT_MS = 30000, MAX_RECEIVES = 16 };

/* ---- a transport that does what the test says ---- */

static struct {
    kfk__transport transport;
    kfk__buf sent;
    size_t piece; /* the most that one send takes */
    size_t space; /* that all sends take, and then none */
    bool broken;  /* sends and receives fail */
    int sends;

    kfk__buf in;    /* what the peer says */
    size_t at;      /* of it received */
    size_t portion; /* the most that one receive gives */
    bool endless;   /* it always says that there is more */
    bool ended;     /* after |in| comes the end */
    int receives;
    uint32_t wanted;
    int after_close; /* calls that came too late */
    bool closed;
} net;

static ssize_t net_send(kfk__transport *t, const struct iovec *v, int n, kfk_error *e)
{
    size_t taken = 0;

    (void)t;
    net.after_close += net.closed;
    if (net.broken) {
        (void)kfk__fail_sys(e, KFK_ERR_DISCONNECTED, EPIPE, "send");
        return KFK__IO_FAILED;
    }
    if (net.space == 0)
        return KFK__IO_AGAIN_WRITE;
    MUST(n > 0);
    for (int i = 0; i < n && taken < net.piece && net.space > 0; i++) {
        size_t part = v[i].iov_len < net.piece - taken ? v[i].iov_len : net.piece - taken;

        part = part < net.space ? part : net.space;
        kfk__buf_put(&net.sent, v[i].iov_base, part);
        net.space -= part;
        taken += part;
    }
    net.sends++;
    return (ssize_t)taken;
}

static ssize_t net_recv(kfk__transport *t, const struct iovec *v, int n, kfk_error *e)
{
    size_t given = 0, left = net.in.len - net.at;

    (void)t;
    net.after_close += net.closed;
    net.receives++;
    if (net.broken) {
        (void)kfk__fail_sys(e, KFK_ERR_DISCONNECTED, ECONNRESET, "recv");
        return KFK__IO_FAILED;
    }
    if (left == 0)
        return net.ended ? 0 : KFK__IO_AGAIN_READ;
    left = left < net.portion ? left : net.portion;
    for (int i = 0; i < n && given < left; i++) {
        size_t part = v[i].iov_len < left - given ? v[i].iov_len : left - given;

        memcpy(v[i].iov_base, net.in.data + net.at + given, part);
        given += part;
    }
    net.at += given;
    return (ssize_t)given;
}

static bool net_pending(const kfk__transport *t)
{
    (void)t;
    net.after_close += net.closed;
    return net.endless;
}

static void net_want(kfk__transport *t, uint32_t what)
{
    (void)t;
    net.after_close += net.closed;
    net.wanted = what;
}

static const kfk__transport_ops net_ops = {
    .send = net_send, .recv = net_recv, .pending = net_pending, .want = net_want};

/* ---- the exchange, and what becomes of its requests ---- */

static failalloc mem;
static kfk_allocator alloc;
static kfk__exchange x;
static kfk__broker_metrics metrics;
static uint8_t scratch[KFK__EXCHANGE_SCRATCH];
static kfk_error e, gone;
static sink to;
static int16_t fetch_version; /* 4: records are the last thing in an answer; 12: they are not */

/* How requests ended, as "3 ok;4 error -1015 written;", by their |arg|. */
static char ends[16384];
static int n_ends;
static int act_at; /* the end at which |act| is called; 0: never */
static void (*act)(void);

static void note(void *owner, void *arg, const kfk__reply *reply, int64_t now)
{
    size_t len = strlen(ends);

    MUST(owner == &x && now == NOW);
    if (reply->err)
        (void)snprintf(ends + len, sizeof ends - len, "%d error %d%s;", (int)(intptr_t)arg,
                       reply->err, reply->written ? " written" : "");
    else
        (void)snprintf(ends + len, sizeof ends - len, "%d %s;", (int)(intptr_t)arg,
                       reply->body ? "ok" : "sent");
    MUST(!reply->err || reply->error == &gone);
    n_ends++;
    if (n_ends == act_at)
        act();
}

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    memset(&metrics, 0, sizeof metrics);
    kfk__histogram_init(&metrics.latency, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
    kfk__histogram_init(&metrics.throttle, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
    kfk__exchange_init(&x, &alloc, &metrics);
    kfk__buf_init(&net.sent, &kfk__malloc_allocator);
    kfk__buf_init(&net.in, &kfk__malloc_allocator);
    net.transport.ops = &net_ops;
    net.piece = net.space = net.portion = SIZE_MAX;
    to = (sink){.step = 100};
    fetch_version = 12;
    (void)kfk__fail(&gone, KFK_ERR_DISCONNECTED, "gone");
    memset(&e, 0x5a, sizeof e);
}

static void teardown(void)
{
    kfk__exchange_fail(&x, &gone, NOW);
    kfk__exchange_fini(&x);
    kfk__buf_fini(&net.sent);
    kfk__buf_fini(&net.in);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
    ck_assert_int_eq(net.after_close, 0);
}

static kfk_err add_spec(kfk__request_spec spec, int arg)
{
    spec.fn = note;
    spec.owner = &x;
    spec.arg = (void *)(intptr_t)arg;
    return kfk__exchange_add(&x, &spec, "me", TIMEOUT_MS, NOW);
}

/* A Metadata request, whose length differs by its number. */
static void add(int arg)
{
    kfk__metadata_request_topic topic = {.name = {"abcdefghijklmnopqrstuvwxyz", (size_t)arg % 26}};
    kfk__metadata_request rq;

    kfk__msg_init(kfk__metadata_api.request, &rq);
    rq.topics.v = &topic;
    rq.topics.n = 1;
    MUST(add_spec((kfk__request_spec){.api = &kfk__metadata_api, .version = 9, .body = &rq}, arg) ==
         KFK_OK);
}

static uint8_t records[3000];

/* A Produce request that wants no answer, if |acks| is 0, with |n| partitions of 1500 bytes. */
static void add_produce(int arg, int16_t acks, int n)
{
    static kfk__produce_request_partition parts[300];
    kfk__produce_request_topic topic = {.name = {"t", 1}, .partition_data = {parts, n}};
    kfk__produce_request rq;

    for (size_t i = 0; i < sizeof records; i++)
        records[i] = (uint8_t)(i * 13 + i / 256);
    for (int i = 0; i < n; i++)
        parts[i] = (kfk__produce_request_partition){.index = i, .records = {records + i, 1500}};
    kfk__msg_init(kfk__produce_api.request, &rq);
    rq.acks = acks;
    rq.topic_data.v = &topic;
    rq.topic_data.n = 1;
    MUST(add_spec((kfk__request_spec){.api = &kfk__produce_api,
                                      .version = 9,
                                      .no_reply = acks == 0,
                                      .n_records = (size_t)n,
                                      .body = &rq},
                  arg) == KFK_OK);
}

static void add_fetch(int arg)
{
    kfk__fetch_request rq;

    kfk__msg_init(kfk__fetch_api.request, &rq);
    MUST(add_spec((kfk__request_spec){.api = &kfk__fetch_api,
                                      .version = fetch_version,
                                      .body = &rq,
                                      .sink = take_records,
                                      .sink_ctx = &to},
                  arg) == KFK_OK);
}

static kfk_err flush(void)
{
    return kfk__exchange_flush(&x, &net.transport, NOW, &e);
}

static kfk_err receive(void)
{
    return kfk__exchange_receive(&x, &net.transport, scratch, NOW, &e);
}

/* Receives until nothing more is there. */
static kfk_err receive_all(void)
{
    kfk_err err = KFK_OK;

    while (!err && net.at < net.in.len)
        err = receive();
    return err;
}

/* As a node does it: the requests end, and nobody may touch the transport any more. */
static void disconnect(void)
{
    net.closed = true;
    kfk__exchange_fail(&x, &gone, NOW);
}

/* ---- out ---- */

/* Takes what was sent apart; correlation ids rise by one from |first|. Returns how many. */
static int check_sent(int32_t first)
{
    size_t at = 0;
    int n = 0;

    while (at < net.sent.len) {
        kfk__request_header h;
        size_t used, size;

        MUST(net.sent.len - at >= 4);
        size = kfk__get_be32(net.sent.data + at);
        MUST(net.sent.len - at - 4 >= size);
        MUST(kfk__request_header_read(net.sent.data + at + 4, size, &h, &used) == KFK_OK);
        MUST(h.correlation_id == first + n);
        at += 4 + size;
        n++;
    }
    return n;
}

START_TEST(requests_go_out_together_and_wait)
{
    for (int i = 0; i < 10; i++)
        add(i);
    ck_assert_int_eq(x.n, 10);
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(net.sends, 1);
    ck_assert_int_eq(check_sent(0), 10);
    ck_assert_uint_eq(net.wanted, KFK__EV_READ);
    ck_assert_int_eq(x.n, 10);
    ck_assert_str_eq(ends, "");
    ck_assert_int_eq(flush(), KFK_OK); /* nothing is left to do */
    ck_assert_int_eq(net.sends, 1);
}
END_TEST

/* Sends that take so many bytes each, and the socket is full after every one of them. */
START_TEST(what_is_cut_anywhere_comes_out_whole)
{
    kfk__buf whole = {.len = 0};

    for (size_t step = 4000; step > 0; step = step > 40 ? step / 2 : step - 1) {
        size_t turns = 0;

        kfk__exchange_fail(&x, &gone, NOW);
        kfk__buf_clear(&net.sent);
        add(1);
        add_produce(2, 1, 2);
        add(3);
        do {
            net.space = net.piece = step;
            MUST(flush() == KFK_OK);
            MUST(net.wanted ==
                 (kfk__list_empty(&x.out) ? KFK__EV_READ : KFK__EV_READ | KFK__EV_WRITE));
            turns++;
        } while (!kfk__list_empty(&x.out));
        MUST(turns == (net.sent.len + step - 1) / step);
        MUST(check_sent(0) == 3);
        if (!whole.len) {
            whole = net.sent;
            kfk__buf_init(&net.sent, &kfk__malloc_allocator);
        } else {
            MUST(net.sent.len == whole.len && !memcmp(net.sent.data, whole.data, whole.len));
        }
    }
    kfk__buf_fini(&whole);
}
END_TEST

START_TEST(more_pieces_than_one_send_takes_go_out_in_several)
{
    for (int i = 0; i < 300; i++)
        add(i);
    add_produce(300, 1, 300);
    add_produce(301, 1, 1);
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(check_sent(0), 302);
    ck_assert(kfk__list_empty(&x.out));
    ck_assert_int_le(net.sends, 5);
}
END_TEST

/* One of several pieces where there is room for one more only, and one behind it that would fit. */
START_TEST(requests_keep_their_order_where_a_send_is_full)
{
    for (int n = 248; n < 260; n++) {
        kfk__exchange_fail(&x, &gone, NOW);
        kfk__buf_clear(&net.sent);
        for (int i = 0; i < n; i++)
            add(i);
        add_produce(n, 1, 1);
        add(n + 1);
        MUST(flush() == KFK_OK);
        MUST(check_sent(0) == n + 2);
    }
}
END_TEST

START_TEST(a_request_without_an_answer_ends_when_it_is_written)
{
    add(1);
    add_produce(2, 0, 1);
    add(3);
    net.space = 100;
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_str_eq(ends, "");
    net.space = SIZE_MAX;
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_str_eq(ends, "2 sent;");
    ck_assert_int_eq(x.n, 2);
    put_metadata(&net.in, 9, 0, 1);
    put_metadata(&net.in, 9, 2, 1);
    ck_assert_int_eq(receive_all(), KFK_OK);
    ck_assert_str_eq(ends, "2 sent;1 ok;3 ok;");
}
END_TEST

static void add_seven(void)
{
    add(7);
}

START_TEST(what_the_end_of_a_request_sends_goes_out_as_well)
{
    add_produce(1, 0, 1);
    act_at = 1;
    act = add_seven;
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(check_sent(0), 2);
    ck_assert(kfk__list_empty(&x.out));
}
END_TEST

/* With more of its bytes, and of the next request, in the same send; or none behind it. */
START_TEST(the_end_of_a_request_may_be_the_end_of_the_connection)
{
    add_produce(1, 0, 1);
    for (int i = 2; i < _i; i++)
        add_produce(i, 0, 1);
    act_at = 1;
    act = disconnect;
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(x.n, 0);
    ck_assert_int_eq(n_ends, _i < 2 ? 1 : _i - 1);
    ck_assert(strncmp(ends, "1 sent;", 7) == 0);
    ck_assert_int_eq(net.after_close, 0);
}
END_TEST

START_TEST(a_connection_that_breaks_while_sending_is_told)
{
    add(1);
    net.broken = true;
    ck_assert_int_eq(flush(), KFK_ERR_DISCONNECTED);
    ck_assert_int_eq(e.sys_errno, EPIPE);
    ck_assert_str_eq(ends, "");
}
END_TEST

START_TEST(nothing_stays_of_a_request_for_which_there_is_no_memory)
{
    kfk__metadata_request rq;
    kfk_err err = KFK_ERR_NOMEM;

    kfk__msg_init(kfk__metadata_api.request, &rq);
    for (uint64_t n = 1; err; n++) {
        failalloc_fail_once(&mem, n);
        err = add_spec(
            (kfk__request_spec){.api = &kfk__metadata_api, .version = 9, .body = &rq}, 1);
        ck_assert_int_eq(err, failalloc_failed(&mem) ? KFK_ERR_NOMEM : KFK_OK);
        ck_assert_int_eq(x.n, err ? 0 : 1);
        ck_assert_int_eq(x.next_correlation, err ? 0 : 1);
    }
    ck_assert_str_eq(ends, "");
}
END_TEST

START_TEST(correlation_ids_begin_again_before_they_overflow)
{
    x.next_correlation = INT32_MAX;
    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    put_metadata(&net.in, 9, INT32_MAX, 1);
    put_metadata(&net.in, 9, 0, 1);
    ck_assert_int_eq(receive_all(), KFK_OK);
    ck_assert_str_eq(ends, "1 ok;2 ok;");
}
END_TEST

/* ---- in ---- */

/* As a node begins: the first answer is the one that shows that it is a broker. */
static void add_four(void)
{
    kfk__api_versions_request rq;

    kfk__msg_init(kfk__api_versions_api.request, &rq);
    MUST(add_spec((kfk__request_spec){.api = &kfk__api_versions_api, .version = 3, .body = &rq},
                  0) == KFK_OK);
    add(1);
    add_fetch(2);
    add(3);
    MUST(flush() == KFK_OK);
}

static void put_four(void)
{
    put_versions(&net.in, 3, 0, KFK_OK);
    put_metadata(&net.in, 9, 1, 1);
    put_fetch(&net.in, fetch_version, 2, 500);
    put_metadata(&net.in, 9, 3, 1);
}

START_TEST(answers_in_pieces_of_any_size_end_their_requests_in_order)
{
    put_four();
    for (net.portion = 1; net.portion < 900; net.portion += 1 + net.portion / 20) {
        kfk__exchange_fail(&x, &gone, NOW);
        ends[0] = '\0';
        net.at = 0;
        memset(to.bytes, 0, sizeof to.bytes);
        add_four();
        MUST(receive_all() == KFK_OK);
        MUST(strcmp(ends, "0 ok;1 ok;2 ok;3 ok;") == 0);
        MUST(x.n == 0);
        check_records(kfk__bytes(to.bytes, 500), 500);
    }
}
END_TEST

START_TEST(answers_cut_in_two_anywhere_end_their_requests_in_order)
{
    put_four();
    for (size_t cut = 1; cut < net.in.len; cut++) {
        kfk__exchange_fail(&x, &gone, NOW);
        ends[0] = '\0';
        net.at = 0;
        add_four();
        net.portion = cut;
        MUST(receive() == KFK_OK);
        net.portion = SIZE_MAX;
        MUST(receive_all() == KFK_OK);
        MUST(strcmp(ends, "0 ok;1 ok;2 ok;3 ok;") == 0);
    }
}
END_TEST

START_TEST(an_answer_out_of_order_is_a_protocol_error)
{
    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    put_metadata(&net.in, 9, 1, 1);
    ck_assert_int_eq(receive(), KFK_ERR_PROTOCOL);
    ck_assert_int_eq(e.code, KFK_ERR_PROTOCOL);
    ck_assert_str_eq(e.msg, "an answer to request 1, while 0 (Metadata) was to be answered next");
    ck_assert_str_eq(ends, "");
    ck_assert_int_eq(x.n, 2); /* whoever closes the connection ends them */
}
END_TEST

START_TEST(an_answer_to_nothing_is_a_protocol_error)
{
    put_metadata(&net.in, 9, 0, 1);
    ck_assert_int_eq(receive(), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(e.msg, "bytes that answer no request");
}
END_TEST

START_TEST(an_answer_to_what_was_not_written_whole_is_a_protocol_error)
{
    add(1);
    net.space = 10;
    ck_assert_int_eq(flush(), KFK_OK);
    put_metadata(&net.in, 9, 0, 1);
    ck_assert_int_eq(receive(), KFK_ERR_PROTOCOL);
}
END_TEST

START_TEST(good_answers_in_front_of_a_bad_one_count)
{
    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    put_metadata(&net.in, 9, 0, 1);
    put_metadata(&net.in, 9, 99, 1);
    ck_assert_int_eq(receive(), KFK_ERR_PROTOCOL);
    ck_assert_str_eq(ends, "1 ok;");
}
END_TEST

START_TEST(the_end_and_a_failure_are_told_apart)
{
    net.ended = true;
    ck_assert_int_eq(receive(), KFK_ERR_DISCONNECTED);
    ck_assert_int_eq(e.code, KFK_OK);
    net.broken = true;
    ck_assert_int_eq(receive(), KFK_ERR_DISCONNECTED);
    ck_assert_int_eq(e.code, KFK_ERR_DISCONNECTED);
    ck_assert_int_eq(e.sys_errno, ECONNRESET);
}
END_TEST

START_TEST(nothing_to_receive_is_no_error)
{
    add(1);
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(net.receives, 1);
}
END_TEST

START_TEST(one_broker_does_not_keep_the_others_waiting)
{
    for (int i = 0; i < 100; i++) {
        add(i);
        put_metadata(&net.in, 9, i, 1);
    }
    ck_assert_int_eq(flush(), KFK_OK);
    net.portion = 1;
    net.endless = true;
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(net.receives, MAX_RECEIVES);
    net.portion = SIZE_MAX;
    net.endless = false;
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(net.receives, MAX_RECEIVES + 1); /* one that is not filled is the last */
    ck_assert_int_eq(n_ends, 100);
}
END_TEST

START_TEST(what_the_sink_refuses_ends_the_connection)
{
    to.err = KFK_ERR_NOMEM;
    add_fetch(0);
    ck_assert_int_eq(flush(), KFK_OK);
    put_fetch(&net.in, 12, 0, 100);
    ck_assert_int_eq(receive(), KFK_ERR_NOMEM);
    ck_assert_int_eq(e.code, KFK_ERR_NOMEM);
    ck_assert_int_eq(x.n, 1);
}
END_TEST

/* In the middle of what was received, at its end, and where records went straight to the sink. */
START_TEST(an_answer_may_be_the_end_of_the_connection)
{
    static const char *const expected[] = {
        "0 ok;1 error -1015 written;2 error -1015 written;3 error -1015 written;",
        "0 ok;1 ok;2 error -1015 written;3 error -1015 written;",
        "0 ok;1 ok;2 ok;3 error -1015 written;", "0 ok;1 ok;2 ok;3 ok;"};

    fetch_version = _i ? 12 : 4;
    put_four();
    for (net.portion = 1; net.portion < 900; net.portion += 1 + net.portion / 4) {
        for (int i = 0; i < 4; i++) {
            kfk_err err = KFK_OK;

            act_at = 0;
            kfk__exchange_fail(&x, &gone, NOW);
            ends[0] = '\0';
            net.at = 0;
            net.closed = false;
            net.endless = true;
            add_four();
            n_ends = 0;
            act_at = i + 1;
            act = disconnect;
            while (!err && !net.closed)
                err = receive();
            MUST(err == KFK_OK);
            MUST(strcmp(ends, expected[i]) == 0);
            MUST(net.after_close == 0);
        }
    }
    net.closed = false;
}
END_TEST

/* ---- the end of the connection ---- */

START_TEST(every_request_ends_once_and_says_whether_it_was_written)
{
    unsigned era = x.era;

    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    add(3);
    add(4);
    net.space = 10;
    ck_assert_int_eq(flush(), KFK_OK);
    add_produce(5, 0, 1);
    kfk__exchange_fail(&x, &gone, NOW);
    ck_assert_str_eq(ends, "1 error -1015 written;2 error -1015 written;3 error -1015 written;"
                           "4 error -1015;5 error -1015;");
    ck_assert_int_eq(x.n, 0);
    ck_assert_uint_ne(x.era, era);
    kfk__exchange_fail(&x, &gone, NOW);
    ck_assert_int_eq(n_ends, 5);
}
END_TEST

static void add_two(void)
{
    add(8);
    add(9);
}

START_TEST(what_is_sent_while_requests_end_is_for_the_next_connection)
{
    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    kfk__buf_clear(&net.sent);
    act_at = 1;
    act = add_two;
    kfk__exchange_fail(&x, &gone, NOW);
    ck_assert_str_eq(ends, "1 error -1015 written;2 error -1015 written;");
    ck_assert_int_eq(x.n, 2);
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(check_sent(0), 2); /* whose ids begin anew */
}
END_TEST

START_TEST(a_request_s_end_may_fail_the_connection_again)
{
    add(1);
    add(2);
    act_at = 1;
    act = disconnect;
    kfk__exchange_fail(&x, &gone, NOW);
    ck_assert_str_eq(ends, "1 error -1015;2 error -1015;");
    ck_assert_int_eq(x.n, 0);
}
END_TEST

START_TEST(half_an_answer_does_not_reach_the_next_connection)
{
    put_four();
    add_four();
    net.portion = net.in.len - 20;
    ck_assert_int_eq(receive(), KFK_OK);
    kfk__exchange_fail(&x, &gone, NOW);
    ends[0] = '\0';
    net.at = 0;
    net.portion = SIZE_MAX;
    add_four();
    ck_assert_int_eq(receive_all(), KFK_OK);
    ck_assert_str_eq(ends, "0 ok;1 ok;2 ok;3 ok;");
}
END_TEST

/* ---- time ---- */

static int64_t deadline(int *whose)
{
    const kfk__request *which;
    int64_t until = kfk__exchange_deadline(&x, &which);

    *whose = which ? (int)(intptr_t)which->spec.arg : -1;
    return until;
}

static void add_with_timeout(int arg, int64_t timeout_ms)
{
    kfk__metadata_request rq;
    kfk__request_spec spec = {.api = &kfk__metadata_api,
                              .version = 9,
                              .body = &rq,
                              .fn = note,
                              .owner = &x,
                              .arg = (void *)(intptr_t)arg};

    kfk__msg_init(kfk__metadata_api.request, &rq);
    MUST(kfk__exchange_add(&x, &spec, NULL, timeout_ms, NOW) == KFK_OK);
}

START_TEST(the_earliest_deadline_is_told_written_or_not)
{
    int whose;

    ck_assert_int_eq(deadline(&whose), KFK__NEVER);
    ck_assert_int_eq(whose, -1);
    add_with_timeout(1, -1);
    ck_assert_int_eq(deadline(&whose), KFK__NEVER);
    add_with_timeout(2, INT64_MAX);
    ck_assert_int_eq(deadline(&whose), KFK__NEVER);
    add_with_timeout(3, 20);
    ck_assert_int_eq(deadline(&whose), NOW + 20 * KFK__MS);
    ck_assert_int_eq(whose, 3);
    ck_assert_int_eq(flush(), KFK_OK);
    ck_assert_int_eq(deadline(&whose), NOW + 20 * KFK__MS);
    add_with_timeout(4, 10);
    ck_assert_int_eq(deadline(&whose), NOW + 10 * KFK__MS);
    ck_assert_int_eq(whose, 4);
}
END_TEST

static void put_throttled(int32_t id, int32_t ms)
{
    kfk__metadata_response rs;

    kfk__msg_init(kfk__metadata_api.response, &rs);
    rs.throttle_time_ms = ms;
    put_answer(&net.in, &kfk__metadata_api, 9, id, &rs);
}

START_TEST(a_broker_that_wants_to_be_left_alone_gives_others_more_time)
{
    int whose;

    add_with_timeout(1, 10);
    add_with_timeout(2, 10);
    add_with_timeout(3, -1);
    ck_assert_int_eq(flush(), KFK_OK);
    add_with_timeout(4, 50); /* which it does not have */
    put_throttled(0, 100);
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_str_eq(ends, "1 ok;");
    ck_assert_int_eq(x.throttled_until, NOW + 100 * KFK__MS);
    ck_assert_int_eq(deadline(&whose), NOW + 50 * KFK__MS);
    kfk__exchange_fail(&x, &gone, NOW);
    ck_assert_int_eq(x.throttled_until, 0);
}
END_TEST

START_TEST(more_time_is_not_so_much_that_it_overflows)
{
    int whose;

    add_with_timeout(1, 10);
    add_with_timeout(2, (INT64_MAX - NOW) / KFK__MS);
    add_with_timeout(3, -1);
    add_with_timeout(4, 10);
    ck_assert_int_eq(flush(), KFK_OK);
    put_throttled(0, INT32_MAX);
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(deadline(&whose), NOW + (10 + (int64_t)INT32_MAX) * KFK__MS);
    ck_assert_int_eq(whose, 4);
    ck_assert_int_eq(KFK__ENTRY(x.waiting.next, kfk__request, link)->deadline, KFK__NEVER);
}
END_TEST

START_TEST(a_shorter_throttling_does_not_end_a_longer_one)
{
    add(1);
    add(2);
    ck_assert_int_eq(flush(), KFK_OK);
    put_throttled(0, 100);
    put_throttled(1, 10);
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(x.throttled_until, NOW + 100 * KFK__MS);
}
END_TEST

START_TEST(a_request_and_an_answer_are_use_of_the_connection)
{
    ck_assert_int_eq(x.used_at, 0);
    add(1);
    ck_assert_int_eq(x.used_at, NOW);
    ck_assert_int_eq(flush(), KFK_OK);
    x.used_at = 0;
    put_metadata(&net.in, 9, 0, 1);
    ck_assert_int_eq(receive(), KFK_OK);
    ck_assert_int_eq(x.used_at, NOW);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("exchange");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, requests_go_out_together_and_wait);
    tcase_add_test(t, what_is_cut_anywhere_comes_out_whole);
    tcase_add_test(t, more_pieces_than_one_send_takes_go_out_in_several);
    tcase_add_test(t, requests_keep_their_order_where_a_send_is_full);
    tcase_add_test(t, a_request_without_an_answer_ends_when_it_is_written);
    tcase_add_test(t, what_the_end_of_a_request_sends_goes_out_as_well);
    tcase_add_loop_test(t, the_end_of_a_request_may_be_the_end_of_the_connection, 1, 5);
    tcase_add_test(t, a_connection_that_breaks_while_sending_is_told);
    tcase_add_test(t, nothing_stays_of_a_request_for_which_there_is_no_memory);
    tcase_add_test(t, correlation_ids_begin_again_before_they_overflow);
    tcase_add_test(t, answers_in_pieces_of_any_size_end_their_requests_in_order);
    tcase_add_test(t, answers_cut_in_two_anywhere_end_their_requests_in_order);
    tcase_add_test(t, an_answer_out_of_order_is_a_protocol_error);
    tcase_add_test(t, an_answer_to_nothing_is_a_protocol_error);
    tcase_add_test(t, an_answer_to_what_was_not_written_whole_is_a_protocol_error);
    tcase_add_test(t, good_answers_in_front_of_a_bad_one_count);
    tcase_add_test(t, the_end_and_a_failure_are_told_apart);
    tcase_add_test(t, nothing_to_receive_is_no_error);
    tcase_add_test(t, one_broker_does_not_keep_the_others_waiting);
    tcase_add_test(t, what_the_sink_refuses_ends_the_connection);
    tcase_add_loop_test(t, an_answer_may_be_the_end_of_the_connection, 0, 2);
    tcase_add_test(t, every_request_ends_once_and_says_whether_it_was_written);
    tcase_add_test(t, what_is_sent_while_requests_end_is_for_the_next_connection);
    tcase_add_test(t, a_request_s_end_may_fail_the_connection_again);
    tcase_add_test(t, half_an_answer_does_not_reach_the_next_connection);
    tcase_add_test(t, the_earliest_deadline_is_told_written_or_not);
    tcase_add_test(t, a_broker_that_wants_to_be_left_alone_gives_others_more_time);
    tcase_add_test(t, more_time_is_not_so_much_that_it_overflows);
    tcase_add_test(t, a_shorter_throttling_does_not_end_a_longer_one);
    tcase_add_test(t, a_request_and_an_answer_are_use_of_the_connection);
    return run_suite("client/exchange", t);
}
