/* What a broker is told of the partitions that are fetched from it, and what its answers do. */
#include "unit/suite.h"

#include <stdio.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "consumer/session.h"
#include "unit/fakeenv.h"

enum { ID = 7, MOST = 16 };

static fakeenv fake;
static kfk__shared *shared;
static kfk__session s;

static void setup(void)
{
    fakeenv_init(&fake);
    shared = kfk__shared_new(&fake.env, 1 << 20);
    kfk__session_init(&s, &fake.env.alloc);
}

static void teardown(void)
{
    kfk__session_fini(&s);
    kfk__shared_drop(shared);
    ck_assert_uint_eq(failalloc_blocks(&fake.mem), 0);
}

/* ---- partitions and their seats ---- */

typedef struct reader {
    kfk__assigned *p;
    kfk__seat *seat;
} reader;

static reader reads(const char *topic, int32_t partition)
{
    return (reader){.p = kfk__assigned_new(shared, topic, partition)};
}

static void drop(reader *r)
{
    if (r->seat)
        kfk__session_leave(&s, r->seat);
    kfk__assigned_drop(r->p);
    *r = (reader){0};
}

static kfk__uuid id_of(uint8_t id)
{
    return (kfk__uuid){{id}};
}

static kfk__wish wish_of(uint8_t id, int64_t offset)
{
    return (kfk__wish){.id = id_of(id), .offset = offset, .max_bytes = 100, .version = 1};
}

static kfk_err try_take(reader *r, const kfk__wish *wish)
{
    return kfk__session_take(&s, r->p, wish, &r->seat);
}

static void take_id(reader *r, uint8_t id, int64_t offset)
{
    kfk__wish wish = wish_of(id, offset);

    ck_assert_int_eq(try_take(r, &wish), KFK_OK);
    ck_assert_ptr_nonnull(r->seat);
}

static void take(reader *r, int64_t offset)
{
    take_id(r, 0, offset);
}

static void leave(reader *r)
{
    kfk__session_leave(&s, r->seat);
    r->seat = NULL;
}

/* ---- requests, as text: session/epoch, what is named with its offset, what is forgotten ---- */

static char text[1024];

static void add(const char *format, kfk_bytes topic, const kfk__uuid *id, int32_t partition,
                int64_t offset)
{
    size_t n = strlen(text);
    char name[32];

    if (s.by_id)
        (void)snprintf(name, sizeof name, "#%d", id->b[0]);
    else
        (void)snprintf(name, sizeof name, "%.*s", (int)topic.len, (const char *)topic.data);
    (void)snprintf(text + n, sizeof text - n, format, name, (int)partition, (long long)offset);
}

static void show(const kfk__fetch_request *rq)
{
    (void)snprintf(text, sizeof text, "%d/%d", (int)rq->session_id, (int)rq->session_epoch);
    for (int32_t i = 0; i < rq->topics.n; i++)
        for (int32_t k = 0; k < rq->topics.v[i].partitions.n; k++)
            add(" %s-%d@%lld", rq->topics.v[i].topic, &rq->topics.v[i].topic_id,
                rq->topics.v[i].partitions.v[k].partition,
                rq->topics.v[i].partitions.v[k].fetch_offset);
    for (int32_t i = 0; i < rq->forgotten_topics_data.n; i++)
        for (int32_t k = 0; k < rq->forgotten_topics_data.v[i].partitions.n; k++)
            add(" -%s-%d", rq->forgotten_topics_data.v[i].topic,
                &rq->forgotten_topics_data.v[i].topic_id,
                rq->forgotten_topics_data.v[i].partitions.v[k], 0);
}

/* What would be sent; it is not, yet. */
static kfk_err look(bool by_id)
{
    kfk__fetch_request rq = kfk__fetch_request_default;
    kfk__arena arena;
    kfk_err err;

    kfk__arena_init(&arena, &fake.env.alloc);
    err = kfk__session_ask(&s, by_id, &arena, &rq);
    if (!err)
        show(&rq);
    kfk__arena_fini(&arena);
    return err;
}

static void asks_by(bool by_id, const char *want)
{
    ck_assert_int_eq(look(by_id), KFK_OK);
    ck_assert_str_eq(text, want);
    kfk__session_asked(&s);
}

static void asks(const char *want)
{
    asks_by(false, want);
}

/* ---- answers ---- */

static kfk__fetch_response answer;
static kfk__fetch_response_topic topics[MOST];
static kfk__fetch_response_partition parts[MOST];

static void begin_answer(int32_t session_id)
{
    answer = (kfk__fetch_response){.session_id = session_id, .responses = {topics, 0}};
}

static void names_id(const char *topic, uint8_t id, int32_t partition)
{
    int32_t i = answer.responses.n++;

    ck_assert_int_lt(i, MOST);
    parts[i] = (kfk__fetch_response_partition){.partition_index = partition};
    topics[i] = (kfk__fetch_response_topic){
        .topic = kfk__bytes_str(topic), .topic_id = id_of(id), .partitions = {&parts[i], 1}};
}

static void names(const reader *r)
{
    names_id(r->p->topic, r->seat ? r->seat->wish.id.b[0] : 0, r->p->partition);
}

static kfk_err ends(void)
{
    return kfk__session_answer(&s, &answer);
}

static void answered(int32_t session_id, const reader *a, const reader *b)
{
    begin_answer(session_id);
    if (a)
        names(a);
    if (b)
        names(b);
    ck_assert_int_eq(ends(), KFK_OK);
}

static kfk__seat *found(const reader *r, uint8_t id)
{
    kfk__uuid uuid = id_of(id);

    return kfk__session_find(&s, kfk__bytes(r->p->topic, r->p->topic_len), &uuid, r->p->partition);
}

/* Two partitions in a session that has begun. */
static reader a, b;

static void begin(void)
{
    a = reads("t", 0);
    b = reads("t", 1);
    take(&a, 10);
    take(&b, 20);
    asks("0/0 t-0@10 t-1@20");
    answered(ID, &a, &b);
}

static void finish(void)
{
    drop(&a);
    drop(&b);
}

/* ---- what is told ---- */

START_TEST(the_first_request_names_all)
{
    reader u = reads("u", 5);

    a = reads("t", 0);
    b = reads("t", 1);
    take(&a, 1);
    take(&u, 2);
    take(&b, 3);
    ck_assert_uint_eq(s.wanted, 3);
    asks("0/0 t-0@1 u-5@2 t-1@3");
    drop(&u);
    finish();
}
END_TEST

START_TEST(then_only_what_has_changed_is_told)
{
    begin();
    asks("7/1");
    answered(ID, NULL, NULL);
    take(&b, 20); /* as it is */
    asks("7/2");
    answered(ID, &b, NULL);
    take(&b, 21);
    asks("7/3 t-1@21");
    answered(ID, NULL, NULL);
    asks("7/4");
    finish();
}
END_TEST

START_TEST(every_part_of_a_wish_is_told)
{
    kfk__wish w = wish_of(0, 10);

    begin();
    w.max_bytes++;
    ck_assert_int_eq(try_take(&a, &w), KFK_OK);
    asks("7/1 t-0@10");
    answered(ID, NULL, NULL);
    w.leader_epoch++;
    ck_assert_int_eq(try_take(&a, &w), KFK_OK);
    asks("7/2 t-0@10");
    answered(ID, NULL, NULL);
    w.version++; /* which is ours alone */
    ck_assert_int_eq(try_take(&a, &w), KFK_OK);
    asks("7/3");
    ck_assert_uint_eq(a.seat->told.version, w.version);
    finish();
}
END_TEST

/* Or one that always has something would keep the others from being served. */
START_TEST(what_changed_last_is_named_last)
{
    begin();
    take(&a, 11);
    take(&b, 21);
    take(&a, 12);
    asks("7/1 t-1@21 t-0@12");
    finish();
}
END_TEST

/* A request that could not be sent has told nobody anything. */
START_TEST(what_was_not_sent_is_told_again)
{
    begin();
    take(&a, 11);
    leave(&b);
    ck_assert_int_eq(look(false), KFK_OK);
    ck_assert_int_eq(look(false), KFK_OK);
    ck_assert_str_eq(text, "7/1 t-0@11 -t-1");
    asks("7/1 t-0@11 -t-1");
    finish();
}
END_TEST

START_TEST(who_leaves_is_forgotten_once)
{
    begin();
    leave(&b);
    ck_assert_uint_eq(s.wanted, 1);
    asks("7/1 -t-1");
    answered(ID, NULL, NULL);
    asks("7/2");
    answered(ID, NULL, NULL);
    leave(&a);
    asks("7/3 -t-0");
    answered(ID, NULL, NULL);
    ck_assert_uint_eq(s.wanted, 0);
    ck_assert(kfk__list_empty(&s.seats));
    asks("7/4");
    finish();
}
END_TEST

START_TEST(who_leaves_before_it_was_named_leaves_no_trace)
{
    reader c = reads("t", 2);

    begin();
    take(&c, 30);
    leave(&c);
    asks("7/1");
    drop(&c);
    finish();
}
END_TEST

/* ---- epochs and sessions ---- */

START_TEST(after_the_last_epoch_comes_the_first)
{
    begin();
    s.epoch = INT32_MAX - 1;
    asks("7/2147483646");
    answered(ID, NULL, NULL);
    asks("7/2147483647");
    answered(ID, NULL, NULL);
    asks("7/1");
    answered(ID, NULL, NULL);
    asks("7/2");
    finish();
}
END_TEST

START_TEST(a_broker_without_sessions_is_told_all_each_time)
{
    a = reads("t", 0);
    b = reads("t", 1);
    take(&a, 10);
    take(&b, 20);
    for (int i = 0; i < 3; i++) {
        asks("0/0 t-0@10 t-1@20");
        answered(0, &a, &b);
    }
    leave(&a);
    asks("0/0 t-1@20");
    answered(0, &b, NULL);
    finish();
}
END_TEST

/* Each as the broker's error says; what it was told counts for nothing. */
static void errors(int16_t err, const char *want)
{
    reader c = reads("t", 2);

    begin();
    asks("7/1");
    answered(ID, NULL, NULL);
    take(&c, 30);
    leave(&b);
    asks("7/2 t-2@30 -t-1");
    leave(&c);
    begin_answer(0);
    answer.error_code = err;
    ck_assert_int_eq(ends(), err);
    ck_assert_ptr_null(found(&a, 0));
    asks(want);
    begin_answer(ID + 1);
    names(&a);
    ck_assert_int_eq(ends(), KFK_OK);
    asks("8/1");
    drop(&c);
    finish();
}

START_TEST(an_error_begins_the_session_anew)
{
    errors(KFK_ERR_FETCH_SESSION_ID_NOT_FOUND, "0/0 t-0@10");
    kfk__session_fini(&s);
    kfk__session_init(&s, &fake.env.alloc);
    errors(KFK_ERR_INVALID_FETCH_SESSION_EPOCH, "7/0 t-0@10");
    kfk__session_fini(&s);
    kfk__session_init(&s, &fake.env.alloc);
    errors(KFK_ERR_FETCH_SESSION_TOPIC_ID_ERROR, "7/0 t-0@10");
    kfk__session_fini(&s);
    kfk__session_init(&s, &fake.env.alloc);
    errors(KFK_ERR_UNKNOWN_SERVER_ERROR, "7/0 t-0@10");
}
END_TEST

/* Nobody knows what the broker took in. */
START_TEST(an_answer_that_is_lost_begins_the_session_anew)
{
    begin();
    take(&a, 11);
    asks("7/1 t-0@11");
    leave(&b);
    kfk__session_lost(&s, KFK_ERR_NETWORK_EXCEPTION);
    asks("7/0 t-0@11");
    answered(ID + 1, &a, NULL);
    asks("8/1");
    finish();
}
END_TEST

/* ---- answers that are not about what was asked ---- */

static void refuses(void)
{
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    asks("7/0 t-0@10 t-1@20");
    answered(ID, &a, &b);
    asks("7/1");
}

START_TEST(an_answer_about_what_was_not_asked_is_refused)
{
    reader c = reads("t", 2);

    begin();
    asks("7/1");
    begin_answer(ID);
    names(&a);
    names_id("t", 0, 2);
    refuses();
    begin_answer(ID);
    names_id("u", 0, 0);
    refuses();
    begin_answer(ID);
    names_id("", 0, 0);
    refuses();
    begin_answer(ID);
    names_id("t", 0, -1);
    refuses();
    take(&c, 30); /* which is not named yet */
    begin_answer(ID);
    names(&c);
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    leave(&c);
    drop(&c);
    finish();
}
END_TEST

/* Of two answers for one partition at most one is true. */
START_TEST(an_answer_that_names_a_partition_twice_is_refused)
{
    begin();
    asks("7/1");
    answered(ID, &b, NULL);
    asks("7/2");
    answered(ID, &b, &a); /* once in each is another thing */
    asks("7/3");
    begin_answer(ID);
    names(&a);
    names(&b);
    names(&a);
    refuses();
    finish();
}
END_TEST

START_TEST(a_name_that_no_topic_can_have_is_refused)
{
    static char longest[4096];

    memset(longest, 't', sizeof longest - 1);
    begin();
    asks("7/1");
    begin_answer(ID);
    names_id(longest, 0, 0);
    refuses();
    finish();
}
END_TEST

START_TEST(a_full_answer_that_lacks_a_partition_is_refused)
{
    begin();
    kfk__session_lost(&s, KFK_ERR_NETWORK_EXCEPTION);
    asks("7/0 t-0@10 t-1@20");
    begin_answer(ID);
    names(&b);
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    asks("7/0 t-0@10 t-1@20");
    begin_answer(ID); /* nothing at all, and not because of a quota */
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    asks("7/0 t-0@10 t-1@20");
    begin_answer(ID); /* the same one twice */
    names(&b);
    names(&b);
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    asks("7/0 t-0@10 t-1@20");
    answered(ID, &a, &b);
    asks("7/1");
    finish();
}
END_TEST

START_TEST(a_full_answer_has_nothing_in_it_where_the_broker_throttles)
{
    begin();
    kfk__session_lost(&s, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
    asks("0/0 t-0@10 t-1@20");
    begin_answer(0);
    answer.throttle_time_ms = 100;
    ck_assert_int_eq(ends(), KFK_OK);
    asks("0/0 t-0@10 t-1@20");
    begin_answer(0); /* it may not leave out some of them */
    answer.throttle_time_ms = 100;
    names(&a);
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    finish();
}
END_TEST

/* What came into the session since then is not to be in the answer, what left may be. */
START_TEST(an_answer_is_held_to_what_was_asked_then)
{
    reader c = reads("t", 2);

    begin();
    kfk__session_lost(&s, KFK_ERR_NETWORK_EXCEPTION);
    asks("7/0 t-0@10 t-1@20");
    take(&c, 30);
    leave(&b);
    begin_answer(ID);
    names(&a);
    names_id("t", 0, 1);
    ck_assert_int_eq(ends(), KFK_OK);
    ck_assert_ptr_eq(found(&a, 0), a.seat);
    ck_assert_ptr_null(found(&b, 0));
    ck_assert_ptr_null(found(&c, 0));
    asks("7/1 t-2@30 -t-1");
    drop(&c);
    finish();
}
END_TEST

/* ---- ids ---- */

START_TEST(ids_are_for_all_or_for_none)
{
    a = reads("t", 0);
    b = reads("u", 0);
    ck_assert(kfk__session_has_ids(&s));
    take_id(&a, 1, 10);
    ck_assert(kfk__session_has_ids(&s));
    take_id(&b, 0, 20);
    ck_assert(!kfk__session_has_ids(&s));
    take_id(&b, 2, 20);
    ck_assert(kfk__session_has_ids(&s));
    finish();
}
END_TEST

START_TEST(a_session_does_not_mix_names_and_ids)
{
    a = reads("t", 0);
    b = reads("u", 0);
    take_id(&a, 1, 10);
    take_id(&b, 2, 20);
    asks_by(true, "0/0 #1-0@10 #2-0@20");
    answered(ID, &a, &b);
    ck_assert_ptr_eq(found(&a, 1), a.seat);
    ck_assert_ptr_eq(found(&a, 2), b.seat);
    ck_assert_ptr_null(found(&a, 3));
    asks_by(true, "7/1");
    answered(ID, NULL, NULL);
    asks_by(false, "7/0 t-0@10 u-0@20");
    answered(ID + 1, &a, &b);
    ck_assert_ptr_eq(found(&a, 0), a.seat);
    asks_by(false, "8/1");
    answered(ID + 1, NULL, NULL);
    leave(&b);
    asks_by(true, "8/0 #1-0@10"); /* of whom the new session never knew */
    finish();
}
END_TEST

/* Partitions of the same topic share an entry where they follow each other. */
START_TEST(topics_with_ids_are_told_apart_by_them)
{
    kfk__fetch_request rq = kfk__fetch_request_default;
    kfk__arena arena;
    reader c = reads("t", 1);

    a = reads("t", 0);
    b = reads("t", 0); /* of the topic that had the name before */
    take_id(&a, 1, 10);
    take_id(&c, 1, 30);
    asks_by(true, "0/0 #1-0@10 #1-1@30");
    take_id(&b, 2, 20);
    kfk__session_lost(&s, KFK_ERR_NETWORK_EXCEPTION);
    kfk__arena_init(&arena, &fake.env.alloc);
    ck_assert_int_eq(kfk__session_ask(&s, true, &arena, &rq), KFK_OK);
    ck_assert_int_eq(rq.topics.n, 2);
    kfk__arena_fini(&arena);
    drop(&c);
    finish();
}
END_TEST

/* The partition's version is another one then, as its position is. */
static void made_again(bool by_id)
{
    kfk__wish wish = wish_of(2, 0);

    a = reads("t", 0);
    take_id(&a, 1, 10);
    asks_by(by_id, by_id ? "0/0 #1-0@10" : "0/0 t-0@10");
    answered(ID, &a, NULL);
    wish.version++;
    ck_assert_int_eq(try_take(&a, &wish), KFK_OK);
    ck_assert_uint_eq(s.wanted, 1);
}

START_TEST(a_topic_that_is_made_again_is_another)
{
    made_again(true);
    asks_by(true, "7/1 #2-0@0 -#1-0");
    begin_answer(ID);
    names_id("t", 1, 0); /* the old one, which was forgotten */
    ck_assert_int_eq(ends(), KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    drop(&a);
}
END_TEST

START_TEST(a_topic_that_is_made_again_has_its_name_still)
{
    made_again(false);
    begin_answer(ID); /* of before it was made again, as the version tells */
    names_id("t", 0, 0);
    ck_assert_int_eq(ends(), KFK_OK);
    ck_assert_uint_ne(a.seat->told.version, a.seat->wish.version);
    asks_by(false, "7/2 t-0@0");
    ck_assert_ptr_eq(found(&a, 0), a.seat);
    drop(&a);
}
END_TEST

/* ---- leaving and coming back ---- */

START_TEST(who_comes_back_at_once_has_its_seat)
{
    kfk__seat *seat;

    begin();
    seat = b.seat;
    leave(&b);
    ck_assert_ptr_null(found(&b, 0));
    take(&b, 20);
    ck_assert_ptr_eq(b.seat, seat);
    ck_assert_uint_eq(s.wanted, 2);
    asks("7/1 t-1@20"); /* and is not forgotten */
    answered(ID, &b, NULL);
    ck_assert_ptr_eq(found(&b, 0), b.seat);
    leave(&b);
    take(&b, 25);
    asks("7/2 t-1@25");
    finish();
}
END_TEST

START_TEST(who_comes_back_later_is_named_anew)
{
    begin();
    leave(&b);
    asks("7/1 -t-1");
    take(&b, 20);
    answered(ID, NULL, NULL);
    asks("7/2 t-1@20");
    answered(ID, &b, NULL);
    finish();
}
END_TEST

/* Of another assignment: what is under way is not for it, as its version tells, and one request
 * cannot both name and forget. */
START_TEST(who_takes_a_seat_over_hears_nothing_of_what_was_asked_before)
{
    reader again = reads("t", 1);

    begin();
    asks("7/1");
    leave(&b);
    take(&again, 5);
    ck_assert_uint_eq(s.wanted, 2);
    begin_answer(ID);
    names(&again);
    ck_assert_int_eq(ends(), KFK_OK);
    ck_assert_ptr_eq(found(&again, 0), again.seat);
    ck_assert_uint_ne(again.seat->told.version, 1);
    ck_assert_int_eq(again.seat->told.offset, 20);
    asks("7/2 t-1@5");
    ck_assert_uint_eq(again.seat->told.version, 1);
    drop(&again);
    finish();
}
END_TEST

START_TEST(who_takes_a_seat_over_and_wants_the_same_need_not_say_so)
{
    reader again = reads("t", 1);

    begin();
    leave(&b);
    take(&again, 20);
    asks("7/1");
    ck_assert_uint_eq(again.seat->told.version, 1);
    drop(&again);
    finish();
}
END_TEST

/* Which no sound cluster has: who came last has the seat, and the other one knows. */
START_TEST(two_topics_of_one_id_have_one_seat)
{
    a = reads("t", 0);
    b = reads("u", 0);
    take_id(&a, 1, 10);
    asks_by(true, "0/0 #1-0@10");
    answered(ID, &a, NULL);
    take_id(&b, 1, 20);
    ck_assert_ptr_null(a.seat);
    ck_assert_uint_eq(s.wanted, 1);
    asks_by(true, "7/1 #1-0@20");
    answered(ID, &b, NULL);
    take_id(&a, 1, 10);
    ck_assert_ptr_null(b.seat);
    asks_by(true, "7/2 #1-0@10");
    finish();
    ck_assert_uint_eq(s.wanted, 0);
}
END_TEST

/* ---- no memory ---- */

static void take_somehow(reader *r, uint8_t id, int64_t offset)
{
    kfk__wish wish = wish_of(id, offset);
    size_t before = s.wanted - (r->seat != NULL);

    while (try_take(r, &wish)) {
        ck_assert_uint_eq(s.wanted, before + (r->seat != NULL));
    }
    ck_assert_uint_eq(s.wanted, before + 1);
}

static void ask_somehow(bool by_id, const char *want)
{
    while (look(by_id))
        ;
    ck_assert_str_eq(text, want);
    kfk__session_asked(&s);
}

/* One allocation fails, whichever it is: what is told in the end is the same. */
START_TEST(a_lack_of_memory_loses_nothing)
{
    bool failed = true;

    for (uint64_t n = 1; failed; n++) {
        reader r[8], again;

        kfk__session_fini(&s);
        kfk__session_init(&s, &fake.env.alloc);
        for (int32_t i = 0; i < 8; i++)
            r[i] = reads(i < 4 ? "t" : "u", i % 4);
        again = reads("t", 1);
        failalloc_fail_once(&fake.mem, n);
        for (int i = 0; i < 8; i++)
            take_somehow(&r[i], (uint8_t)(i / 4 + 1), i);
        ask_somehow(true, "0/0 #1-0@0 #1-1@1 #1-2@2 #1-3@3 #2-0@4 #2-1@5 #2-2@6 #2-3@7");
        begin_answer(ID);
        for (int i = 0; i < 8; i++)
            names(&r[i]);
        ck_assert_int_eq(ends(), KFK_OK);
        leave(&r[1]);
        take_somehow(&again, 1, 11);
        take_somehow(&r[2], 3, 12);
        leave(&r[7]);
        ask_somehow(true, "7/1 #1-1@11 #3-2@12 -#1-2 -#2-3");
        failed = failalloc_failed(&fake.mem);
        failalloc_fail_once(&fake.mem, 0);
        drop(&again);
        for (int i = 0; i < 8; i++)
            drop(&r[i]);
    }
}
END_TEST

/* ---- a broker ---- */

/* What a broker makes of the requests: which partitions, by topic and id, it has in the session. */
enum { TOPICS = 2, PARTITIONS = 3, IDS = 4 };
static int64_t known[TOPICS][PARTITIONS][IDS]; /* from which offset on; -1: it is not in it */
static bool changed[TOPICS][PARTITIONS][IDS];  /* by this request */

static void set_known(kfk_bytes topic, const kfk__uuid *id, int32_t partition, int64_t offset)
{
    int t = ((const char *)topic.data)[0] == 'u', i = s.by_id ? id->b[0] - t * IDS : 0;

    ck_assert_msg(!changed[t][partition][i], "told twice: %s", text);
    ck_assert_msg(offset >= 0 || known[t][partition][i] >= 0, "forgotten unasked: %s", text);
    changed[t][partition][i] = true;
    known[t][partition][i] = offset;
}

static void broker_hears(const kfk__fetch_request *rq)
{
    memset(changed, 0, sizeof changed);
    if (rq->session_epoch == 0)
        memset(known, -1, sizeof known);
    for (int32_t i = 0; i < rq->topics.n; i++)
        for (int32_t k = 0; k < rq->topics.v[i].partitions.n; k++)
            set_known(rq->topics.v[i].topic, &rq->topics.v[i].topic_id,
                      rq->topics.v[i].partitions.v[k].partition,
                      rq->topics.v[i].partitions.v[k].fetch_offset);
    for (int32_t i = 0; i < rq->forgotten_topics_data.n; i++)
        for (int32_t k = 0; k < rq->forgotten_topics_data.v[i].partitions.n; k++)
            set_known(rq->forgotten_topics_data.v[i].topic,
                      &rq->forgotten_topics_data.v[i].topic_id,
                      rq->forgotten_topics_data.v[i].partitions.v[k], -1);
}

static reader all[TOPICS][PARTITIONS];

/* It has those that are wanted, and no others. */
static void check_known(void)
{
    for (int t = 0; t < TOPICS; t++)
        for (int k = 0; k < PARTITIONS; k++)
            for (int i = 0; i < IDS; i++) {
                const kfk__seat *seat = all[t][k].seat;
                bool there = seat && i == (s.by_id ? seat->wish.id.b[0] - t * IDS : 0);

                ck_assert_msg(known[t][k][i] == (there ? seat->wish.offset : -1),
                              "%d-%d of %d: %lld after %s", t, k, i, (long long)known[t][k][i],
                              text);
            }
}

static void sends(uint64_t *state)
{
    kfk__fetch_request rq = kfk__fetch_request_default;
    bool by_id = chance(state) % 8 > 0 && kfk__session_has_ids(&s);
    kfk__arena arena;

    kfk__arena_init(&arena, &fake.env.alloc);
    if (kfk__session_ask(&s, by_id, &arena, &rq) == KFK_OK) {
        show(&rq);
        broker_hears(&rq);
        kfk__session_asked(&s);
        check_known();
    }
    kfk__arena_fini(&arena);
}

static void answers(uint64_t *state)
{
    static const int16_t errs[] = {70, 71, 106, -1};
    bool full = s.epoch == 0;
    uint64_t what = chance(state) % 16;

    begin_answer(full ? (int32_t)(chance(state) % 3) : s.id);
    for (int t = 0; t < TOPICS; t++)
        for (int k = 0; k < PARTITIONS; k++)
            for (int i = 0; i < IDS; i++)
                if (known[t][k][i] >= 0 && (full || chance(state) % 2))
                    names_id(t ? "u" : "t", (uint8_t)(t * IDS + i), k);
    answer.error_code = what < 4 ? errs[what] : 0;
    if (what == 4)
        kfk__session_lost(&s, KFK_ERR_NETWORK_EXCEPTION);
    else
        ck_assert_int_eq(ends(), answer.error_code);
}

/* Takes it with another wish, another topic of that name, or not at all; or another takes its seat.
 */
static void changes(uint64_t *state, reader *r)
{
    uint8_t id = (uint8_t)(1 + chance(state) % (IDS - 1) + (r->p->topic[0] == 'u' ? IDS : 0));
    kfk__wish wish = wish_of(id, (int64_t)(chance(state) % 4));
    reader other;

    switch (chance(state) % 4) {
    case 0:
        if (r->seat)
            leave(r);
        return;
    case 1:
        if (r->seat)
            wish.id = r->seat->wish.id;
        break;
    case 2:
        do {
            other = reads(r->p->topic, r->p->partition);
        } while (!other.p);
        drop(r);
        *r = other;
        break;
    default:
        break;
    }
    (void)try_take(r, &wish);
}

START_TEST(a_broker_knows_what_is_wanted_whatever_happens)
{
    for (uint64_t seed = 1; seed < 100; seed++) {
        uint64_t state = seed * 77777;

        memset(known, -1, sizeof known);
        for (int i = 0; i < TOPICS * PARTITIONS; i++)
            all[i / PARTITIONS][i % PARTITIONS] = reads(i / PARTITIONS ? "u" : "t", i % PARTITIONS);
        for (int step = 0; step < 100; step++) {
            size_t n = 0;

            if (chance(&state) % 4 == 0)
                failalloc_fail_once(&fake.mem, 1 + chance(&state) % 4);
            for (uint64_t i = chance(&state) % 4; i > 0; i--)
                changes(&state, &all[chance(&state) % TOPICS][chance(&state) % PARTITIONS]);
            failalloc_fail_once(&fake.mem, 0);
            for (int i = 0; i < TOPICS * PARTITIONS; i++)
                n += all[i / PARTITIONS][i % PARTITIONS].seat != NULL;
            ck_assert_uint_eq(s.wanted, n);
            sends(&state);
            answers(&state);
        }
        for (int i = 0; i < TOPICS * PARTITIONS; i++)
            drop(&all[i / PARTITIONS][i % PARTITIONS]);
        kfk__session_fini(&s);
        kfk__session_init(&s, &fake.env.alloc);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("session");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_first_request_names_all);
    tcase_add_test(t, then_only_what_has_changed_is_told);
    tcase_add_test(t, every_part_of_a_wish_is_told);
    tcase_add_test(t, what_changed_last_is_named_last);
    tcase_add_test(t, what_was_not_sent_is_told_again);
    tcase_add_test(t, who_leaves_is_forgotten_once);
    tcase_add_test(t, who_leaves_before_it_was_named_leaves_no_trace);
    tcase_add_test(t, after_the_last_epoch_comes_the_first);
    tcase_add_test(t, a_broker_without_sessions_is_told_all_each_time);
    tcase_add_test(t, an_error_begins_the_session_anew);
    tcase_add_test(t, an_answer_that_is_lost_begins_the_session_anew);
    tcase_add_test(t, an_answer_about_what_was_not_asked_is_refused);
    tcase_add_test(t, an_answer_that_names_a_partition_twice_is_refused);
    tcase_add_test(t, a_name_that_no_topic_can_have_is_refused);
    tcase_add_test(t, a_full_answer_that_lacks_a_partition_is_refused);
    tcase_add_test(t, a_full_answer_has_nothing_in_it_where_the_broker_throttles);
    tcase_add_test(t, an_answer_is_held_to_what_was_asked_then);
    tcase_add_test(t, ids_are_for_all_or_for_none);
    tcase_add_test(t, a_session_does_not_mix_names_and_ids);
    tcase_add_test(t, topics_with_ids_are_told_apart_by_them);
    tcase_add_test(t, a_topic_that_is_made_again_is_another);
    tcase_add_test(t, a_topic_that_is_made_again_has_its_name_still);
    tcase_add_test(t, who_comes_back_at_once_has_its_seat);
    tcase_add_test(t, who_comes_back_later_is_named_anew);
    tcase_add_test(t, who_takes_a_seat_over_hears_nothing_of_what_was_asked_before);
    tcase_add_test(t, who_takes_a_seat_over_and_wants_the_same_need_not_say_so);
    tcase_add_test(t, two_topics_of_one_id_have_one_seat);
    tcase_add_test(t, a_lack_of_memory_loses_nothing);
    tcase_add_test(t, a_broker_knows_what_is_wanted_whatever_happens);
    return run_suite("consumer/session", t);
}
