/* The decoder, against every message of golden.txt: whole, cut at every byte, with every byte
 * changed, in pieces; and against bytes made by hand to do harm. */
#include "decode_test.h"

#include "proto/fetch.h"
#include "proto/find_coordinator.h"
#include "proto/metadata.h"

enum {
    BYTES_PER_BYTE = 16, /* what decoding may allocate for each byte that came in; */
    IN_PIECES = 32,      /* for each that came in alone, since arrays then move as they grow */
    BIT_FLIPS_UP_TO = 256
};

/* ---- whole ---- */

static void check_whole(const golden *g)
{
    void *msg = new_message(g->schema);
    const char *why = NULL;
    size_t used = 0;

    counted.bytes = 0;
    ck_assert_msg(kfk__decode(g->schema, g->version, g->flexible, g->bytes, g->n, &arena, msg,
                              &used, &why) == KFK_OK,
                  "%s v%d %s: %s", g->name, g->version, g->kind, why);
    ck_assert_uint_eq(used, g->n);
    golden_check(g, msg);
    ck_assert_uint_le(counted.bytes, BASE_BYTES + BYTES_PER_BYTE * g->n);
    kfk__arena_fini(&arena);
    free(msg);
}

START_TEST(what_kafka_wrote_is_read_and_written_again)
{
    golden_each(check_whole);
}
END_TEST

/* What came is not only consistent: the values are in the right members. */
START_TEST(values_arrive_in_their_members)
{
    static const uint8_t bytes[] = {
        0,    0,   0,   5,                                       /* throttle_time_ms */
        2,    0,   0,   0, 7,   2, 'h', 0, 0, 0x23, 0x84, 0,  0, /* a broker without a rack */
        3,    'i', 'd',                                          /* cluster_id */
        0,    0,   0,   7,                                       /* controller_id */
        2,    0,   3,   2, 't',                                  /* a topic: error_code, name */
        1,    2,   3,   4, 5,   6, 7,   8, 9, 10,   11,   12, 13, 14, 15, 16, /* topic_id */
        2,                                    /* is_internal, any but 0 */
        2,    0,   0,   0, 0,   0, 9,         /* a partition: error_code, index */
        0,    0,   0,   7, 0,   0, 0,   4,    /* leader_id, leader_epoch */
        3,    0,   0,   0, 7,   0, 0,   0, 8, /* replica_nodes */
        1,    1,   0,                         /* isr_nodes, offline_replicas */
        0x80, 0,   0,   0, 0,                 /* topic_authorized_operations */
        0};
    kfk__metadata_response rs;
    const kfk__metadata_response_partition *p;
    size_t used;

    ck_assert_int_eq(kfk__decode(kfk__metadata_api.response, 12, true, bytes, sizeof bytes, &arena,
                                 &rs, &used, NULL),
                     KFK_OK);
    ck_assert_uint_eq(used, sizeof bytes);
    ck_assert_int_eq(rs.throttle_time_ms, 5);
    ck_assert_int_eq(rs.brokers.n, 1);
    ck_assert_int_eq(rs.brokers.v[0].node_id, 7);
    ck_assert_uint_eq(rs.brokers.v[0].host.len, 1);
    ck_assert_int_eq(rs.brokers.v[0].port, 9092);
    ck_assert_ptr_null(rs.brokers.v[0].rack.data);
    ck_assert_mem_eq(rs.cluster_id.data, "id", 2);
    ck_assert_int_eq(rs.controller_id, 7);
    ck_assert_int_eq(rs.topics.n, 1);
    ck_assert_int_eq(rs.topics.v[0].error_code, 3);
    ck_assert_int_eq(rs.topics.v[0].topic_id.b[15], 16);
    ck_assert_int_eq(rs.topics.v[0].is_internal, true);
    ck_assert_int_eq(rs.topics.v[0].topic_authorized_operations, INT32_MIN);
    ck_assert_int_eq(rs.topics.v[0].partitions.n, 1);
    p = rs.topics.v[0].partitions.v;
    ck_assert_int_eq(p->partition_index, 9);
    ck_assert_int_eq(p->leader_id, 7);
    ck_assert_int_eq(p->leader_epoch, 4);
    ck_assert_int_eq(p->replica_nodes.n, 2);
    ck_assert_int_eq(p->replica_nodes.v[1], 8);
    ck_assert_int_eq(p->isr_nodes.n, 0);
    /* A field that the version does not have is at its default. */
    ck_assert_int_eq(rs.cluster_authorized_operations, INT32_MIN);
}
END_TEST

/* ---- cut ---- */

static void check_cuts(const golden *g)
{
    void *msg = new_message(g->schema);

    for (size_t n = 0; n < g->n; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        const char *why = NULL;
        kfk__decoder d;
        bool done = true;
        size_t used;

        MUST(cut);
        memcpy(cut, g->bytes, n);
        MUST(kfk__decode(g->schema, g->version, g->flexible, cut, n, &arena, msg, &used, &why) ==
             KFK_ERR_PROTOCOL);
        MUST(why);
        kfk__decoder_init(&d, g->schema, g->version, g->flexible, g->n, &arena, msg, NULL, NULL);
        MUST(kfk__decoder_feed(&d, cut, n, &used, &done) == KFK_OK);
        MUST(!done);
        MUST(used == n);
        kfk__arena_reset(&arena);
        free(cut);
    }
    free(msg);
}

START_TEST(a_message_that_is_cut_is_refused_or_waited_for)
{
    golden_each(check_cuts);
}
END_TEST

/* ---- changed ---- */

static void check_changed(const golden *g, const uint8_t *bytes)
{
    void *msg = new_message(g->schema);
    const char *why = NULL;
    kfk__buf out;
    size_t used;
    kfk_err err;

    counted.bytes = 0;
    err = kfk__decode(g->schema, g->version, g->flexible, bytes, g->n, &arena, msg, &used, &why);
    MUST(counted.bytes <= BASE_BYTES + BYTES_PER_BYTE * g->n);
    if (err == KFK_OK) {
        /* What was taken for a message is one. */
        MUST(used <= g->n);
        kfk__buf_init(&out, &kfk__malloc_allocator);
        MUST(kfk__encode(g->schema, g->version, g->flexible, msg, &out, NULL) == KFK_OK);
        kfk__buf_fini(&out);
    } else {
        MUST(err == KFK_ERR_PROTOCOL);
        MUST(why);
    }
    kfk__arena_fini(&arena);
    free(msg);
}

/* The same, byte by byte: it goes as far, and memory follows what has come. */
static void check_changed_in_pieces(const golden *g, const uint8_t *bytes)
{
    void *msg = new_message(g->schema);
    kfk_err err = KFK_OK;
    bool done = false;
    kfk__decoder d;
    size_t used;

    counted.bytes = 0;
    kfk__decoder_init(&d, g->schema, g->version, g->flexible, g->n, &arena, msg, NULL, NULL);
    for (size_t at = 0; at < g->n && !err && !done; at++) {
        err = kfk__decoder_feed(&d, bytes + at, 1, &used, &done);
        MUST(counted.bytes <= BASE_BYTES + IN_PIECES * (at + 1));
    }
    MUST(err == KFK_ERR_PROTOCOL || (err == KFK_OK && (done || g->n == 0)));
    kfk__arena_fini(&arena);
    free(msg);
}

static void check_changes(const golden *g)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    uint8_t *bytes = malloc(g->n ? g->n : 1);

    MUST(bytes);
    memcpy(bytes, g->bytes, g->n);
    for (size_t at = 0; at < g->n; at++) {
        for (size_t i = 0; i < sizeof values; i++) {
            bytes[at] = values[i];
            check_changed(g, bytes);
            if (g->n <= BIT_FLIPS_UP_TO)
                check_changed_in_pieces(g, bytes);
        }
        for (int bit = 0; bit < 8 && g->n <= BIT_FLIPS_UP_TO; bit++) {
            bytes[at] = (uint8_t)(g->bytes[at] ^ 1 << bit);
            check_changed(g, bytes);
        }
        bytes[at] = g->bytes[at];
    }
    free(bytes);
}

START_TEST(a_message_that_was_changed_does_no_harm)
{
    golden_each(check_changes);
}
END_TEST

/* ---- in pieces ---- */

/* Feeds |g| in pieces of |piece| bytes. */
static void check_pieces(const golden *g, size_t piece, kfk__records_sink *fn)
{
    void *msg = new_message(g->schema);
    sink s = {.err = KFK_OK};
    kfk__decoder d;
    bool done = false;
    size_t at = 0;

    kfk__decoder_init(&d, g->schema, g->version, g->flexible, g->n, &arena, msg, fn, &s);
    do {
        size_t n = g->n - at < piece ? g->n - at : piece, used;
        uint8_t *bytes = malloc(n ? n : 1);

        MUST(!done);
        MUST(bytes);
        memcpy(bytes, g->bytes + at, n);
        MUST(kfk__decoder_feed(&d, bytes, n, &used, &done) == KFK_OK);
        MUST(used == n);
        at += n;
        free(bytes);
    } while (at < g->n);
    MUST(done);
    golden_check(g, msg);
    kfk__arena_reset(&arena);
    free(msg);
}

static void check_byte_by_byte(const golden *g)
{
    check_pieces(g, 1, NULL);
    check_pieces(g, 1, take_records);
}

START_TEST(byte_by_byte_gives_the_same)
{
    golden_each(check_byte_by_byte);
}
END_TEST

static void check_piece_sizes(const golden *g)
{
    for (size_t piece = 2; piece < 40; piece += 3)
        check_pieces(g, piece, take_records);
    check_pieces(g, 4096, NULL);
}

START_TEST(pieces_of_any_size_give_the_same)
{
    golden_each(check_piece_sizes);
}
END_TEST

/* Bytes of the frame behind the message are left where they are. */
START_TEST(no_more_is_taken_than_the_message_has)
{
    static const uint8_t bytes[] = {0, 1, 'k', 9, 9, 9};
    kfk__find_coordinator_request rq;
    kfk__decoder d;
    bool done;
    size_t used;

    ck_assert_int_eq(kfk__decode(kfk__find_coordinator_api.request, 0, false, bytes, sizeof bytes,
                                 &arena, &rq, &used, NULL),
                     KFK_OK);
    ck_assert_uint_eq(used, 3);
    kfk__decoder_init(&d, kfk__find_coordinator_api.request, 0, false, sizeof bytes, &arena, &rq,
                      NULL, NULL);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, sizeof bytes, &used, &done), KFK_OK);
    ck_assert(done);
    ck_assert_uint_eq(used, 3);
}
END_TEST

/* ---- memory ---- */

enum { CLAIM = 100 << 20 }; /* the frame's length, of which next to nothing comes */

static void feed_claim(const kfk__api *api, const kfk__schema *s, int16_t version,
                       const uint8_t *bytes, size_t n, size_t most)
{
    void *msg = new_message(s);
    kfk__decoder d;
    bool done;
    size_t used;

    counted.bytes = 0;
    kfk__decoder_init(&d, s, version, kfk__flexible(api, version), CLAIM, &arena, msg, NULL, NULL);
    ck_assert_int_eq(kfk__decoder_feed(&d, bytes, n, &used, &done), KFK_OK);
    ck_assert(!done);
    ck_assert_uint_le(counted.bytes, most);
    kfk__arena_fini(&arena);
    free(msg);
}

START_TEST(a_claim_gets_memory_only_as_bytes_come)
{
    static const uint8_t topics[] = {0, 0x40, 0, 0, 0, 1, 'a', 0, 1, 'b', 0};
    static const uint8_t brokers[] = {0x80, 0x80, 0x80, 0x02};
    uint8_t records[64];
    size_t n = fetch_head(records, 90 << 20);

    feed_claim(&kfk__metadata_api, kfk__metadata_api.request, 1, topics, sizeof topics, BASE_BYTES);
    feed_claim(&kfk__metadata_api, kfk__metadata_api.response, 9, brokers, 0, 0);
    records[n] = 'r';
    feed_claim(&kfk__fetch_api, kfk__fetch_api.response, 4, records, n, BASE_BYTES);
    feed_claim(&kfk__fetch_api, kfk__fetch_api.response, 4, records, n + 1, BASE_BYTES + 65536);
}
END_TEST

/* Fetch v4: of two topics the first says how many partitions it has, of 30 bytes and more each.
 * Behind that are 481 bytes, of which 6 belong to the second topic. */
START_TEST(bytes_are_claimed_once)
{
    uint8_t bytes[14 + 16 * 30 + 1] = {[7] = 2, [13] = 15};
    kfk__fetch_response rs;
    const char *why = "nothing";
    size_t used;

    ck_assert_int_eq(kfk__decode(kfk__fetch_api.response, 4, false, bytes, sizeof bytes, &arena,
                                 &rs, &used, NULL),
                     KFK_OK);
    ck_assert_int_eq(rs.responses.v[0].partitions.n, 15);
    bytes[13] = 16;
    ck_assert_int_eq(kfk__decode(kfk__fetch_api.response, 4, false, bytes, sizeof bytes, &arena,
                                 &rs, &used, &why),
                     KFK_ERR_PROTOCOL);
    ck_assert_str_eq(why, "partitions");
}
END_TEST

static void check_no_memory(const golden *g)
{
    void *msg = new_message(g->schema);
    kfk_err err = KFK_ERR_NOMEM;
    size_t used;

    for (long n = 1; err == KFK_ERR_NOMEM; n++) {
        kfk__decoder d;
        bool done;

        counted = (counts){.fail_at = n};
        kfk__decoder_init(&d, g->schema, g->version, g->flexible, g->n, &arena, msg, NULL, NULL);
        err = kfk__decoder_feed(&d, g->bytes, g->n, &used, &done);
        kfk__arena_fini(&arena);
    }
    MUST(err == KFK_OK);
    free(msg);
}

START_TEST(a_lack_of_memory_is_said)
{
    golden_each(check_no_memory);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("decode");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_kafka_wrote_is_read_and_written_again);
    tcase_add_test(t, values_arrive_in_their_members);
    tcase_add_test(t, a_message_that_is_cut_is_refused_or_waited_for);
    tcase_add_test(t, a_message_that_was_changed_does_no_harm);
    tcase_add_test(t, byte_by_byte_gives_the_same);
    tcase_add_test(t, pieces_of_any_size_give_the_same);
    tcase_add_test(t, no_more_is_taken_than_the_message_has);
    tcase_add_test(t, a_claim_gets_memory_only_as_bytes_come);
    tcase_add_test(t, bytes_are_claimed_once);
    tcase_add_test(t, a_lack_of_memory_is_said);
    return run_suite("decode", t);
}
