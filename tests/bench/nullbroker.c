/* nullbroker: the cheapest server that a Kafka client can produce into and consume from.
 *
 * What is produced is counted and dropped; what is fetched are copies of one batch, made at the
 * start. So a run against it measures the client. It speaks as a Kafka 2.1 broker does, whose
 * messages are all of the older, inflexible kind; topics of any name exist. One thread per
 * connection, which owns all that it touches but the counters.
 *
 *   nullbroker [port=0] [partitions=1] [records=N] [size=100] [batch=16384] [fetch=1048576]
 *
 * records: at least so many are there to be fetched from each partition, and no more than it takes
 * to fill the last batch; size: bytes of a record's value; batch: of a batch; fetch: at most so
 * much of a partition at a time. It prints "port N" once it listens and, ended by SIGTERM, what was
 * produced.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire.h"

enum {
    PRODUCE = 0,
    FETCH = 1,
    LIST_OFFSETS = 2,
    METADATA = 3,
    FIND_COORDINATOR = 10,
    API_VERSIONS = 18,
    INIT_PID = 22
};
enum { UNSUPPORTED_VERSION = 35 };
enum { BATCH_HEADER = 61, MAX_PARTITIONS = 4096, MAX_REQUEST = 100 << 20, MAX_PIECES = 1024 };

static struct {
    size_t port, partitions, records, size, batch, fetch;
} opt = {0, 1, 1000000000000, 100, 16384, 1 << 20};

static struct {
    uint8_t *bytes;
    size_t len;
    int32_t records;
} batch;

static atomic_llong n_records, n_bytes, n_batches, n_requests, next_pid;
static atomic_llong log_end[MAX_PARTITIONS];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the batch that is served ---- */

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;

    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static size_t varint_len(int64_t v)
{
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    size_t n = 1;

    while (z >>= 7)
        n++;
    return n;
}

static void put_varint(struct out *out, int64_t v)
{
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);

    for (; z >= 0x80; z >>= 7)
        put8(out, (int)(z & 0x7f) | 0x80);
    put8(out, (int)z);
}

/* A record without a key or headers. */
static void put_record(struct out *out, int32_t delta)
{
    int64_t size = (int64_t)opt.size;
    size_t len = 3 + varint_len(delta) + varint_len(size) + opt.size + 1;

    put_varint(out, (int64_t)len);
    put8(out, 0); /* attributes */
    put_varint(out, 0);
    put_varint(out, delta);
    put_varint(out, -1);
    put_varint(out, size);
    memset(room(out, opt.size), 'a' + delta % 26, opt.size);
    put_varint(out, 0);
}

/* As many records as fit into opt.batch bytes, one at least. The crc does not cover the base
 * offset, so that the batch can be sent with any. */
static void make_batch(void)
{
    struct out body = {0}, head = {0};
    size_t before, record = 0;

    for (batch.records = 0; batch.records == 0 || BATCH_HEADER + body.len + record <= opt.batch;
         batch.records++) {
        before = body.len;
        put_record(&body, batch.records);
        record = body.len - before;
    }
    put16(&head, 0); /* from the attributes on, which is what the crc covers */
    put32(&head, batch.records - 1);
    put64(&head, 1700000000000);
    put64(&head, 1700000000000);
    put64(&head, -1);
    put16(&head, -1);
    put32(&head, -1);
    put32(&head, batch.records);
    memcpy(room(&head, body.len), body.bytes, body.len);

    free(body.bytes);
    body = (struct out){0};
    put64(&body, 0);
    put32(&body, (int64_t)head.len + 9);
    put32(&body, 0);
    put8(&body, 2);
    put32(&body, crc32c(head.bytes, head.len));
    memcpy(room(&body, head.len), head.bytes, head.len);
    free(head.bytes);
    batch.bytes = body.bytes;
    batch.len = body.len;
}

/* ---- the calls: each reads its request and writes its answer ---- */

static void api_versions(struct out *out, int version)
{
    static const int16_t spoken[][3] = {
        {PRODUCE, 3, 7},      {FETCH, 4, 10},   {LIST_OFFSETS, 1, 4},    {METADATA, 1, 7},
        {API_VERSIONS, 0, 2}, {INIT_PID, 0, 1}, {FIND_COORDINATOR, 0, 2}};
    size_t n = sizeof spoken / sizeof spoken[0];

    /* A version that we do not know is answered in version 0. */
    put16(out, version > 2 ? UNSUPPORTED_VERSION : 0);
    put32(out, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 3; j++)
            put16(out, spoken[i][j]);
    if (version == 1 || version == 2)
        put32(out, 0);
}

static void put_self(struct out *out)
{
    put32(out, 1);
    put_text(out, "127.0.0.1");
    put32(out, (int64_t)opt.port);
}

static void put_partitions(struct out *out, int version)
{
    put32(out, (int64_t)opt.partitions);
    for (size_t i = 0; i < opt.partitions; i++) {
        put16(out, 0);
        put32(out, (int64_t)i);
        put32(out, 1);
        if (version >= 7)
            put32(out, 0);
        for (int list = 0; list < 2; list++) { /* replicas, in sync */
            put32(out, 1);
            put32(out, 1);
        }
        if (version >= 5)
            put32(out, 0);
    }
}

static void metadata(struct in *in, struct out *out, int version)
{
    int32_t topics = get32(in);

    if (version >= 3)
        put32(out, 0);
    put32(out, 1);
    put_self(out);
    put16(out, -1); /* rack */
    if (version >= 2)
        put_text(out, "nullbroker");
    put32(out, 1); /* controller */
    put32(out, topics > 0 ? topics : 0);
    for (int32_t i = 0; i < topics && !in->bad; i++) {
        put16(out, 0);
        put_str(out, get_str(in));
        put8(out, 0);
        put_partitions(out, version);
    }
}

static int64_t count_batches(const uint8_t *p, size_t n)
{
    struct in in = {p, p + n, false};
    int64_t records = 0;

    while ((size_t)(in.end - in.p) >= BATCH_HEADER) {
        const uint8_t *start = in.p;

        (void)take(&in, 8);
        size_t len = (size_t)get32(&in);
        in.p = start + BATCH_HEADER - 4;
        records += get32(&in);
        in.p = start;
        (void)take(&in, 12 + len);
        atomic_fetch_add_explicit(&n_batches, 1, memory_order_relaxed);
    }
    return records;
}

static void produce_partition(struct in *in, struct out *out, int version)
{
    int32_t partition = get32(in);
    int32_t len = get32(in);
    const uint8_t *records = take(in, len > 0 ? (size_t)len : 0);
    int64_t n = in->bad ? 0 : count_batches(records, (size_t)len);

    atomic_fetch_add_explicit(&n_records, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&n_bytes, len, memory_order_relaxed);
    put32(out, partition);
    put16(out, 0);
    put64(out, atomic_fetch_add(&log_end[(uint32_t)partition % MAX_PARTITIONS], n));
    put64(out, -1);
    if (version >= 5)
        put64(out, 0);
}

/* Returns whether the client wants an answer. */
static bool produce(struct in *in, struct out *out, int version)
{
    (void)get_str(in); /* transactional id */
    bool answer = get16(in) != 0;

    (void)get32(in);
    int32_t topics = get32(in);
    put32(out, topics);
    while (topics-- > 0 && !in->bad) {
        put_str(out, get_str(in));
        int32_t partitions = get32(in);
        put32(out, partitions);
        while (partitions-- > 0 && !in->bad)
            produce_partition(in, out, version);
    }
    put32(out, 0);
    atomic_fetch_add_explicit(&n_requests, 1, memory_order_relaxed);
    return answer;
}

static int64_t end_of_log(void)
{
    int64_t n = (int64_t)opt.records + batch.records - 1;

    return n - n % batch.records;
}

/* How many batches from |offset| on go into |room| bytes; one at least, if |first|, however small
 * the room is. */
static size_t batches_from(int64_t offset, size_t room, bool first)
{
    size_t there = offset < end_of_log() ? (size_t)((end_of_log() - offset) / batch.records) : 0;
    size_t n = room / batch.len;

    if (n == 0 && first)
        n = 1;
    return n < there ? n : there;
}

/* |left|: what the answer may still hold. */
static void fetch_partition(struct in *in, struct out *out, int version, size_t *left)
{
    put32(out, get32(in));
    if (version >= 9)
        (void)get32(in);
    int64_t offset = get(in, 8);
    if (version >= 5)
        (void)get(in, 8);
    size_t most = (size_t)get32(in);

    put16(out, 0);
    put64(out, end_of_log());
    put64(out, end_of_log());
    if (version >= 5)
        put64(out, 0);
    put32(out, -1); /* aborted transactions */

    /* A fetch from inside a batch gets the whole of it, as from a real log. */
    offset -= offset % batch.records;
    most = most < opt.fetch ? most : opt.fetch;
    most = most < *left ? most : *left;
    size_t n = batches_from(offset, most, out->n_pieces == 0);
    put32(out, (int64_t)(n * batch.len));
    *left -= n * batch.len < *left ? n * batch.len : *left;
    for (; n > 0; n--, offset += batch.records)
        put_batch(out, offset);
}

static void fetch(struct in *in, struct out *out, int version)
{
    (void)get32(in);
    int32_t max_wait_ms = get32(in);
    (void)get32(in); /* min bytes: nothing new ever comes */
    size_t left = (size_t)get32(in);
    (void)get8(in);
    if (version >= 7)
        (void)take(in, 4 + 4);

    put32(out, 0);
    if (version >= 7) {
        put16(out, 0);
        put32(out, 0); /* no session */
    }
    int32_t topics = get32(in);
    put32(out, topics);
    while (topics-- > 0 && !in->bad) {
        put_str(out, get_str(in));
        int32_t partitions = get32(in);
        put32(out, partitions);
        while (partitions-- > 0 && !in->bad)
            fetch_partition(in, out, version, &left);
    }
    if (out->n_pieces == 0)
        (void)usleep((useconds_t)max_wait_ms * 1000);
}

static void list_offsets(struct in *in, struct out *out, int version)
{
    (void)get32(in);
    if (version >= 2)
        (void)get8(in);
    int32_t topics = get32(in);
    if (version >= 2)
        put32(out, 0);
    put32(out, topics);
    while (topics-- > 0 && !in->bad) {
        put_str(out, get_str(in));
        int32_t partitions = get32(in);
        put32(out, partitions);
        while (partitions-- > 0 && !in->bad) {
            put32(out, get32(in));
            if (version >= 4)
                (void)get32(in);
            int64_t timestamp = get(in, 8);
            put16(out, 0);
            put64(out, -1);
            put64(out, timestamp == -1 ? end_of_log() : 0);
            if (version >= 4)
                put32(out, 0);
        }
    }
}

static void init_producer_id(struct out *out)
{
    put32(out, 0);
    put16(out, 0);
    put64(out, 1000 + atomic_fetch_add(&next_pid, 1));
    put16(out, 0);
}

static void find_coordinator(struct out *out, int version)
{
    if (version >= 1)
        put32(out, 0);
    put16(out, 0);
    if (version >= 1)
        put16(out, -1);
    put_self(out);
}

/* ---- connections ---- */

/* Answers one request. false: close. *answer: whether there is one to be sent. */
static bool serve(struct in *in, struct out *out, bool *answer)
{
    int key = get16(in), version = get16(in);

    put32(out, 0); /* the length, once it is known */
    put32(out, get32(in));
    *answer = true;
    if (key == API_VERSIONS) {
        api_versions(out, version);
        return true;
    }
    (void)get_str(in); /* client id */
    switch (key) {
    case PRODUCE:
        *answer = produce(in, out, version);
        break;
    case FETCH:
        fetch(in, out, version);
        break;
    case LIST_OFFSETS:
        list_offsets(in, out, version);
        break;
    case METADATA:
        metadata(in, out, version);
        break;
    case FIND_COORDINATOR:
        find_coordinator(out, version);
        break;
    case INIT_PID:
        init_producer_id(out);
        break;
    default:
        fprintf(stderr, "nullbroker: call %d is not served\n", key);
        return false;
    }
    if (in->bad)
        fprintf(stderr, "nullbroker: a request of call %d, version %d, is malformed\n", key,
                version);
    return !in->bad;
}

static bool receive(int s, void *to, size_t n)
{
    uint8_t *p = to;

    while (n > 0) {
        ssize_t got = recv(s, p, n, 0);
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool send_all(int s, struct iovec *v, size_t n)
{
    while (n > 0) {
        ssize_t sent = writev(s, v, n < MAX_PIECES ? (int)n : MAX_PIECES);
        if (sent < 0)
            return false;
        for (; n > 0 && (size_t)sent >= v->iov_len; v++, n--)
            sent -= (ssize_t)v->iov_len;
        if (n > 0) {
            v->iov_base = (uint8_t *)v->iov_base + sent;
            v->iov_len -= (size_t)sent;
        }
    }
    return true;
}

/* The answer's own bytes and, between them, the batches: each its own base offset and the rest of
 * the prepared one. */
static bool send_answer(int s, struct out *out)
{
    size_t n = 0, at = 0, total = out->len - 4 + out->n_pieces * batch.len;
    struct iovec *v = need(malloc((3 * out->n_pieces + 1) * sizeof *v));
    uint32_t prefix = htobe32((uint32_t)total);
    bool ok;

    memcpy(out->bytes, &prefix, sizeof prefix);
    for (size_t i = 0; i < out->n_pieces; i++) {
        struct piece *piece = &out->pieces[i];
        if (piece->at > at)
            v[n++] = (struct iovec){out->bytes + at, piece->at - at};
        at = piece->at;
        v[n++] = (struct iovec){&piece->offset, 8};
        v[n++] = (struct iovec){batch.bytes + 8, batch.len - 8};
    }
    if (out->len > at)
        v[n++] = (struct iovec){out->bytes + at, out->len - at};
    ok = send_all(s, v, n);
    free(v);
    return ok;
}

static void *connection(void *arg)
{
    int s = (int)(intptr_t)arg, on = 1;
    uint8_t *request = NULL;
    size_t cap = 0;
    struct out out = {0};
    uint32_t prefix;
    bool answer;

    (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (receive(s, &prefix, sizeof prefix)) {
        size_t len = be32toh(prefix);
        if (len > MAX_REQUEST)
            break;
        if (len > cap)
            request = need(realloc(request, cap = len));
        if (!receive(s, request, len))
            break;
        struct in in = {request, request + len, false};
        out.len = out.n_pieces = 0;
        if (!serve(&in, &out, &answer) || (answer && !send_answer(s, &out)))
            break;
    }
    close(s);
    free(request);
    free(out.bytes);
    free(out.pieces);
    return NULL;
}

static void *accept_all(void *arg)
{
    for (;;) {
        pthread_t thread;
        int s = accept((int)(intptr_t)arg, NULL, NULL);
        if (s >= 0 && pthread_create(&thread, NULL, connection, (void *)(intptr_t)s) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

static int listen_on(size_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (struct sockaddr *)&at, len) || listen(s, 64) ||
        getsockname(s, (struct sockaddr *)&at, &len))
        die("nullbroker");
    opt.port = ntohs(at.sin_port);
    return s;
}

static bool option(const char *arg)
{
    static const struct {
        const char *name;
        size_t *value;
    } options[] = {{"port=", &opt.port},       {"partitions=", &opt.partitions},
                   {"records=", &opt.records}, {"size=", &opt.size},
                   {"batch=", &opt.batch},     {"fetch=", &opt.fetch}};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t n = strlen(options[i].name);
        if (strncmp(arg, options[i].name, n) == 0) {
            *options[i].value = strtoul(arg + n, NULL, 10);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    pthread_t acceptor;
    sigset_t ending;
    int got, s;

    for (int i = 1; i < argc; i++)
        if (!option(argv[i])) {
            fprintf(stderr, "nullbroker: what is %s?\n", argv[i]);
            return 2;
        }
    make_batch();
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
    s = listen_on(opt.port);
    if (pthread_create(&acceptor, NULL, accept_all, (void *)(intptr_t)s))
        die("nullbroker: thread");
    printf("port %zu\n", opt.port);
    fflush(stdout);
    (void)sigwait(&ending, &got);
    printf("produced: %lld records, %lld bytes, %lld batches, %lld requests\n", n_records, n_bytes,
           n_batches, n_requests);
    return 0;
}
