/* Fetch sessions, as a client meets them: what it may leave out, what it is told, what is refused.
 */
#include "fetches.h"
#include "sim/failalloc.h"

enum { NAMES = 12, IDS = 13 };

static fetched f;
static kfk__fetch_request_forgotten_topic forgotten;
static int32_t forgotten_index;

static void set_up(void)
{
    setup();
    for (int i = 0; i < 3; i++)
        topic->partitions[i]->leader = 1;
    memset(&f, 0, sizeof f);
}

/* A request in a session, that names the first |n| partitions. */
static void in_session(int32_t id, int32_t epoch, int32_t n)
{
    fill(&f, n);
    f.req.session_id = id;
    f.req.session_epoch = epoch;
    if (n == 0)
        f.req.topics.n = 0;
}

static const kfk__fetch_response *go(int16_t version)
{
    return fetch(version, 1, &f);
}

static const kfk__fetch_response *next(int16_t version, int32_t id, int32_t epoch)
{
    in_session(id, epoch, 0);
    return go(version);
}

/* A new session of |n| partitions, with all of them told. */
static int32_t begin_session(int16_t version, int32_t n)
{
    const kfk__fetch_response *r;

    in_session(0, 0, n);
    r = go(version);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_ne(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 1);
    ck_assert_int_eq(r->responses.v[0].partitions.n, n);
    return r->session_id;
}

static void forget(int32_t index)
{
    forgotten_index = index;
    forgotten = (kfk__fetch_request_forgotten_topic){
        .topic = kfk__bytes_str("t"), .topic_id = topic->id, .partitions = {&forgotten_index, 1}};
    f.req.forgotten_topics_data.v = &forgotten;
    f.req.forgotten_topics_data.n = 1;
}

/* The only partition that the answer tells of. */
static const kfk__fetch_response_partition *only(const kfk__fetch_response *r, int32_t index)
{
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->responses.n, 1);
    ck_assert_int_eq(r->responses.v[0].partitions.n, 1);
    ck_assert_int_eq(first_of(r)->partition_index, index);
    return first_of(r);
}

static kfk__dev_sessions *sessions(void)
{
    return &service.cluster.nodes[0].sessions;
}

START_TEST(only_what_is_new_is_told)
{
    const int16_t v = (int16_t)_i;
    int32_t id = begin_session(v, 3);
    const kfk__fetch_response *r = next(v, id, 1);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->session_id, id);
    ck_assert_int_eq(r->responses.n, 0);
    append(1, 2);
    r = next(v, id, 2);
    ck_assert_int_eq(only(r, 1)->high_watermark, 2);
    ck_assert_uint_eq(first_of(r)->records.len, batch_size);
    if (v >= IDS)
        ck_assert(kfk__uuid_equal(&r->responses.v[0].topic_id, &topic->id));
    else
        ck_assert_bytes_eq(r->responses.v[0].topic, "t");
    in_session(id, 3, 1);
    f.partitions[0].partition = 1;
    f.partitions[0].fetch_offset = 2;
    ck_assert_int_eq(go(v)->responses.n, 0);
    ck_assert_int_eq(next(v, id, 4)->responses.n, 0);
}
END_TEST

START_TEST(versions_before_sessions_have_none)
{
    const kfk__fetch_response *r;

    in_session(0, -1, 1);
    r = go((int16_t)_i);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->responses.n, 1);
    ck_assert_uint_eq(sessions()->by_id.n, 0);
}
END_TEST

START_TEST(a_start_that_moves_is_told)
{
    int32_t id;

    append(0, 4);
    id = begin_session(IDS, 1);
    in_session(id, 1, 1);
    f.partitions[0].fetch_offset = 4;
    ck_assert_int_eq(go(IDS)->responses.n, 0);
    kfk__dev_log_trim(&topic->partitions[0]->log, 4);
    ck_assert_int_eq(only(next(IDS, id, 2), 0)->log_start_offset, 4);
    ck_assert_int_eq(next(IDS, id, 3)->responses.n, 0);
}
END_TEST

/* It is told of as long as it lasts, and once more when it is over. */
START_TEST(an_error_is_told_until_it_is_over)
{
    int32_t id = begin_session(IDS, 2);

    topic->partitions[1]->leader = 2;
    ck_assert_int_eq(only(next(IDS, id, 1), 1)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(only(next(IDS, id, 2), 1)->error_code, KFK_ERR_NOT_LEADER_OR_FOLLOWER);
    topic->partitions[1]->leader = 1;
    ck_assert_int_eq(only(next(IDS, id, 3), 1)->error_code, 0);
    ck_assert_int_eq(next(IDS, id, 4)->responses.n, 0);
}
END_TEST

START_TEST(an_epoch_that_diverges_is_told)
{
    int32_t id;

    append(0, 5);
    topic->partitions[0]->leader_epoch = 3;
    kfk__dev_log_truncate(&topic->partitions[0]->log, 0);
    append(0, 2);
    id = begin_session(IDS, 1);
    in_session(id, 1, 1);
    f.partitions[0].fetch_offset = 2;
    f.partitions[0].last_fetched_epoch = 0;
    ck_assert_int_eq(only(go(IDS), 0)->diverging_epoch.end_offset, 0);
    ck_assert_int_eq(only(next(IDS, id, 2), 0)->diverging_epoch.end_offset, 0);
}
END_TEST

START_TEST(partitions_are_added_and_forgotten)
{
    const int16_t v = (int16_t)_i;
    int32_t id = begin_session(v, 1);
    const kfk__fetch_response *r;

    in_session(id, 1, 3);
    forget(0);
    r = go(v);
    ck_assert_int_eq(r->responses.v[0].partitions.n, 2);
    ck_assert_int_eq(first_of(r)->partition_index, 1);
    append(0, 1);
    append(2, 1);
    (void)only(next(v, id, 2), 2);
    ck_assert_int_eq(kfk__dev_sessions_partitions(sessions()), 2);
}
END_TEST

/* The last one forgotten, the session is over: the answer has no session, and no partition. */
START_TEST(an_empty_session_ends)
{
    const kfk__fetch_response *r;
    int32_t id = begin_session(IDS, 1);

    in_session(id, 1, 0);
    forget(0);
    r = go(IDS);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 0);
    ck_assert_int_eq(next(IDS, id, 2)->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
}
END_TEST

START_TEST(what_is_no_session_is_refused)
{
    const kfk__fetch_response *r;
    int32_t id = begin_session(IDS, 1);

    r = next(IDS, id ^ 1, 1);
    ck_assert_int_eq(r->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 0);
    ck_assert_int_eq(next(IDS, 0, 1)->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
    ck_assert_int_eq(next(IDS, id, 2)->error_code, KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    ck_assert_int_eq(next(NAMES, id, 1)->error_code, KFK_ERR_FETCH_SESSION_TOPIC_ID_ERROR);
    ck_assert_int_eq(next(IDS, id, 1)->error_code, 0);
    ck_assert_int_eq(next(IDS, id, 1)->error_code, KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    in_session(0, 0, 1);
    id = go(NAMES)->session_id;
    ck_assert_int_eq(next(IDS, id, 1)->error_code, KFK_ERR_FETCH_SESSION_TOPIC_ID_ERROR);
    ck_assert_int_eq(fetch(NAMES, 2, &f)->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
}
END_TEST

START_TEST(epochs_wrap_to_one)
{
    int32_t id = begin_session(IDS, 1);

    kfk__dev_sessions_set_epoch(sessions(), INT32_MAX);
    ck_assert_int_eq(next(IDS, id, INT32_MAX)->error_code, 0);
    ck_assert_int_eq(next(IDS, id, 1)->error_code, 0);
    ck_assert_int_eq(next(IDS, id, 2)->error_code, 0);
}
END_TEST

/* Epoch 0 ends the session that is named and makes another; epoch -1 only ends it. */
START_TEST(full_requests_end_the_session_they_name)
{
    int32_t id = begin_session(IDS, 1), other;
    const kfk__fetch_response *r;

    in_session(id, 0, 1);
    r = go(IDS);
    other = r->session_id;
    ck_assert_int_ne(other, 0);
    ck_assert_int_ne(other, id);
    ck_assert_int_eq(r->responses.n, 1);
    ck_assert_uint_eq(sessions()->by_id.n, 1);
    in_session(other, -1, 1);
    r = go(IDS);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 1);
    ck_assert_uint_eq(sessions()->by_id.n, 0);
}
END_TEST

START_TEST(without_a_slot_there_is_no_session)
{
    const kfk__fetch_response *r;

    kfk__dev_sessions_limit(sessions(), 0);
    in_session(0, 0, 2);
    r = go(IDS);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.v[0].partitions.n, 2);
}
END_TEST

START_TEST(sessions_end_with_their_node)
{
    int32_t id = begin_session(IDS, 1);

    kfk__dev_cluster_set_up(&service.cluster, 1, false);
    kfk__dev_cluster_set_up(&service.cluster, 1, true);
    ck_assert_int_eq(next(IDS, id, 1)->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
}
END_TEST

/* With room for one batch an answer, each partition has its turn. */
START_TEST(partitions_take_turns)
{
    int32_t id = begin_session(IDS, 3);
    static const int32_t turns[] = {0, 1, 2, 0, 1};

    for (int i = 0; i < 2; i++) {
        append(0, 1);
        append(1, 1);
        append(2, 1);
    }
    for (int i = 0; i < 5; i++) {
        const kfk__fetch_response *r;

        in_session(id, i + 1, 1);
        f.req.max_bytes = 1;
        f.partitions[0].partition = i ? turns[i - 1] : 0;
        f.partitions[0].fetch_offset = (i + 2) / 3; /* how many it has read */
        r = go(IDS);
        for (int k = 0; k < r->responses.v[0].partitions.n; k++)
            ck_assert_int_eq(r->responses.v[0].partitions.v[k].records.len > 0,
                             r->responses.v[0].partitions.v[k].partition_index == turns[i]);
    }
}
END_TEST

/* With ids it is no longer the same topic; with names it is. */
START_TEST(a_topic_made_again_is_another)
{
    int32_t by_id = begin_session(IDS, 1), by_name = begin_session(NAMES, 1);
    kfk__dev_topic *old = topic, gone = *topic;

    topic = &gone; /* for its id */
    kfk__dev_cluster_delete_topic(&service.cluster, old);
    ck_assert_int_eq(only(next(IDS, by_id, 1), 0)->error_code, KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(only(next(NAMES, by_name, 1), 0)->error_code,
                     KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    in_session(0, 0, 1);
    ck_assert_int_eq(first_of(go(IDS))->error_code, KFK_ERR_UNKNOWN_TOPIC_ID);
    topic = add_topic("t", 3, 1);
    topic->partitions[0]->leader = 1;
    ck_assert_int_eq(only(next(IDS, by_id, 2), 0)->error_code, KFK_ERR_INCONSISTENT_TOPIC_ID);
    ck_assert_int_eq(only(next(NAMES, by_name, 2), 0)->error_code, 0);
}
END_TEST

/* Asked for by an id that nobody has had yet. */
START_TEST(an_id_may_get_its_topic_later)
{
    kfk__uuid id = topic->id;
    int32_t session;

    id.b[7] ^= 1;
    in_session(0, 0, 1);
    f.topic.topic_id = id;
    session = go(IDS)->session_id;
    ck_assert_int_eq(only(next(IDS, session, 1), 0)->error_code, KFK_ERR_UNKNOWN_TOPIC_ID);
    kfk__map_remove(&service.cluster.topics.by_id, topic->id.b, sizeof topic->id.b);
    topic->id = id;
    ck_assert(kfk__map_put(&service.cluster.topics.by_id, topic->id.b, sizeof topic->id.b, topic));
    ck_assert_int_eq(only(next(IDS, session, 2), 0)->error_code, 0);
}
END_TEST

static kfk__dev_call *waiting(int32_t id, int32_t epoch)
{
    kfk__dev_call *call;

    in_session(id, epoch, 0);
    f.req.max_wait_ms = 500;
    call = call_of(1, &kfk__fetch_api, IDS, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_WAITING);
    return call;
}

static const kfk__fetch_response *finish(kfk__dev_call *call)
{
    uint8_t *bytes;
    size_t n;

    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_READY);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    return decode_answer(&kfk__fetch_api, IDS, bytes, n);
}

START_TEST(a_session_waits_for_all_it_holds)
{
    int32_t id = begin_session(IDS, 3);
    kfk__dev_call *call = waiting(id, 1);

    append(2, 1);
    (void)only(finish(call), 2);
}
END_TEST

START_TEST(a_session_may_end_while_it_waits)
{
    int32_t id = begin_session(IDS, 3);
    kfk__dev_call *call = waiting(id, 1);

    kfk__dev_sessions_expire(sessions());
    append(2, 1);
    (void)only(finish(call), 2);
    ck_assert_int_eq(next(IDS, id, 2)->error_code, KFK_ERR_FETCH_SESSION_ID_NOT_FOUND);
}
END_TEST

START_TEST(a_request_may_be_overtaken_while_it_waits)
{
    int32_t id = begin_session(IDS, 3);
    kfk__dev_call *call = waiting(id, 1);
    const kfk__fetch_response *r;

    ck_assert_int_eq(next(IDS, id, 2)->error_code, 0);
    append(2, 1);
    r = finish(call);
    ck_assert_int_eq(r->error_code, KFK_ERR_INVALID_FETCH_SESSION_EPOCH);
    ck_assert_int_eq(r->session_id, id);
}
END_TEST

/* Each allocation for a request fails in turn: it has an answer, or its connection goes. */
START_TEST(without_memory_there_is_no_answer)
{
    kfk_allocator good = env.alloc;
    failalloc mem;
    int32_t id = begin_session(IDS, 1);

    append(0, 1);
    failalloc_init(&mem);
    for (uint64_t n = 1; n == 1 || failalloc_failed(&mem); n++) {
        kfk__dev_session *s = kfk__dev_sessions_get(sessions(), id);
        kfk__dev_call *call;

        in_session(id, s->epoch, 2);
        env.alloc = failalloc_allocator(&mem);
        call = call_of(1, &kfk__fetch_api, IDS, &f.req);
        failalloc_fail_once(&mem, n);
        ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS),
                         failalloc_failed(&mem) ? KFK__DEV_DEAD : KFK__DEV_READY);
        kfk__dev_call_free(call);
        ck_assert_uint_eq(failalloc_blocks(&mem), 0);
        env.alloc = good;
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/plan");
    TCase *t = tcase_create("plan");

    tcase_add_checked_fixture(t, set_up, end);
    tcase_add_loop_test(t, only_what_is_new_is_told, 7, 19);
    tcase_add_loop_test(t, versions_before_sessions_have_none, 4, 7);
    tcase_add_test(t, a_start_that_moves_is_told);
    tcase_add_test(t, an_error_is_told_until_it_is_over);
    tcase_add_test(t, an_epoch_that_diverges_is_told);
    tcase_add_loop_test(t, partitions_are_added_and_forgotten, 7, 19);
    tcase_add_test(t, an_empty_session_ends);
    tcase_add_test(t, what_is_no_session_is_refused);
    tcase_add_test(t, epochs_wrap_to_one);
    tcase_add_test(t, full_requests_end_the_session_they_name);
    tcase_add_test(t, without_a_slot_there_is_no_session);
    tcase_add_test(t, sessions_end_with_their_node);
    tcase_add_test(t, partitions_take_turns);
    tcase_add_test(t, a_topic_made_again_is_another);
    tcase_add_test(t, an_id_may_get_its_topic_later);
    tcase_add_test(t, a_session_waits_for_all_it_holds);
    tcase_add_test(t, a_session_may_end_while_it_waits);
    tcase_add_test(t, a_request_may_be_overtaken_while_it_waits);
    tcase_add_test(t, without_memory_there_is_no_answer);
    suite_add_tcase(s, t);
    return run_suite(s);
}
