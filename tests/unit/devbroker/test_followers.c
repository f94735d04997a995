/* Fetch from the nearest replica (KIP-392): whom the leader sends where, and what a follower has.
 */
#include "fetches.h"

static kfk__dev_partition *p;
static fetched f;

/* Three nodes, of which 1 leads. */
static void set_up(void)
{
    static const kfk__dev_nodes all = {{1, 2, 3}, 3};

    begin(3);
    topic = add_topic("t", 3, 1);
    p = topic->partitions[0];
    p->leader = 1;
    p->replicas = p->isr = all;
    append(0, 5);
    append(0, 5);
}

static void rack(int32_t node, const char *name)
{
    (void)snprintf(service.cluster.nodes[node - 1].rack, 16, "%s", name);
}

static void limit(int32_t node, int64_t start, int64_t high, int64_t end)
{
    kfk__dev_view v = {.start = start, .high = high, .end = end};

    ck_assert_int_eq(kfk__dev_partition_limit(p, &env.alloc, node, &v), KFK_OK);
    service.cluster.version++;
}

/* What a client in a rack is answered. */
static const kfk__fetch_response_partition *from(int16_t version, int32_t node, const char *where,
                                                 int64_t offset)
{
    fill(&f, 1);
    f.req.rack_id = kfk__bytes_str(where);
    f.partitions[0].fetch_offset = offset;
    return first_of(fetch(version, node, &f));
}

static int32_t preferred(const char *where, int64_t offset)
{
    const kfk__fetch_response_partition *r = from(12, 1, where, offset);

    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->high_watermark, 10);
    ck_assert_int_eq(r->log_start_offset, 0);
    ck_assert(r->preferred_read_replica < 0 || r->records.len == 0);
    return r->preferred_read_replica;
}

START_TEST(a_client_is_sent_to_its_rack)
{
    ck_assert_int_eq(preferred("b", 0), -1);
    rack(1, "a");
    rack(2, "b");
    ck_assert_int_eq(preferred("b", 0), 2);
    ck_assert_int_eq(preferred("a", 0), -1);
    ck_assert_int_eq(preferred("c", 0), -1);
    ck_assert_int_eq(preferred("", 0), -1);
    ck_assert_int_eq(from(12, 2, "a", 0)->preferred_read_replica, -1);
    ck_assert_uint_gt(from(12, 2, "a", 0)->records.len, 0);
}
END_TEST

START_TEST(every_version_that_knows_racks_is_sent)
{
    rack(2, "b");
    ck_assert_int_eq(from((int16_t)_i, 1, "b", 0)->preferred_read_replica, _i < 11 ? -1 : 2);
    ck_assert_int_eq(first_of(fetch((int16_t)_i, 1, &f))->records.len > 0, _i < 11);
}
END_TEST

START_TEST(who_leads_in_the_rack_keeps_its_clients)
{
    rack(1, "a");
    rack(2, "a");
    ck_assert_int_eq(preferred("a", 0), -1);
}
END_TEST

START_TEST(of_several_the_one_with_most_is_taken)
{
    rack(2, "b");
    rack(3, "b");
    ck_assert_int_eq(preferred("b", 5), 3);
    limit(3, 0, 9, 9);
    ck_assert_int_eq(preferred("b", 5), 2);
    ck_assert_int_eq(preferred("b", 10), 2);
    limit(2, 0, 7, 7);
    ck_assert_int_eq(preferred("b", 9), 3);
    ck_assert_int_eq(preferred("b", 10), -1);
    limit(3, 6, 10, 10);
    ck_assert_int_eq(preferred("b", 5), 2);
}
END_TEST

START_TEST(nobody_is_sent_where_it_cannot_be_read)
{
    rack(2, "b");
    kfk__dev_cluster_set_up(&service.cluster, 2, false);
    ck_assert_int_eq(preferred("b", 0), -1);
    kfk__dev_cluster_set_up(&service.cluster, 2, true);
    ck_assert_int_eq(preferred("b", 0), 2);
    p->isr = (kfk__dev_nodes){{1, 3}, 2};
    ck_assert_int_eq(preferred("b", 0), -1);
}
END_TEST

/* Its epoch is looked at first, its offset is the other's to look at. */
START_TEST(a_client_that_is_wrong_is_not_sent)
{
    rack(2, "b");
    fill(&f, 1);
    f.req.rack_id = kfk__bytes_str("b");
    f.partitions[0].current_leader_epoch = 4;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, KFK_ERR_UNKNOWN_LEADER_EPOCH);
    ck_assert_int_eq(from(12, 1, "b", 11)->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
}
END_TEST

START_TEST(a_client_that_waits_is_sent_at_once)
{
    kfk__dev_call *call;

    rack(2, "b");
    fill(&f, 1);
    f.req.rack_id = kfk__bytes_str("b");
    f.req.max_wait_ms = 500;
    f.partitions[0].fetch_offset = 10;
    call = call_of(1, &kfk__fetch_api, 12, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_READY);
    kfk__dev_call_free(call);
}
END_TEST

START_TEST(a_session_tells_of_it_each_time)
{
    const kfk__fetch_response *r;
    int32_t id;

    rack(2, "b");
    fill(&f, 1);
    f.req.rack_id = kfk__bytes_str("b");
    f.req.session_epoch = 0;
    id = fetch(12, 1, &f)->session_id;
    for (int32_t epoch = 1; epoch < 3; epoch++) {
        f.req.session_id = id;
        f.req.session_epoch = epoch;
        f.req.topics.n = 0;
        r = fetch(12, 1, &f);
        ck_assert_int_eq(r->responses.n, 1);
        ck_assert_int_eq(first_of(r)->preferred_read_replica, 2);
    }
}
END_TEST

START_TEST(a_follower_has_what_it_has)
{
    static const struct {
        int64_t offset;
        int16_t code;
        bool data;
    } cases[] = {{1, KFK_ERR_OFFSET_OUT_OF_RANGE, false},
                 {2, 0, true},
                 {4, 0, true},
                 {5, 0, false},
                 {8, 0, false},
                 {9, KFK_ERR_OFFSET_OUT_OF_RANGE, false}};

    limit(2, 2, 6, 8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kfk__fetch_response_partition *r = from(12, 2, "", cases[i].offset);

        ck_assert_int_eq(r->error_code, cases[i].code);
        ck_assert_int_eq(r->records.len > 0, cases[i].data);
        ck_assert_int_eq(r->high_watermark, cases[i].code ? -1 : 6);
        ck_assert_int_eq(r->log_start_offset, cases[i].code ? -1 : 2);
        ck_assert_int_eq(r->last_stable_offset, cases[i].code ? -1 : 6);
    }
    ck_assert_uint_eq(from(12, 2, "", 2)->records.len, batch_size);
    ck_assert_int_eq(kfk__dev_partition_limit(p, &env.alloc, 2, NULL), KFK_OK);
    ck_assert_int_eq(from(12, 2, "", 1)->high_watermark, 10);
}
END_TEST

/* Not more than there is, whatever was said; and all of it, as a leader. */
START_TEST(a_follower_has_no_more_than_the_leader)
{
    kfk__dev_view v;

    limit(2, 1, 90, 99);
    kfk__dev_log_trim(&p->log, 3);
    v = kfk__dev_partition_view(p, 2);
    ck_assert_int_eq(v.start, 3);
    ck_assert_int_eq(v.high, 10);
    ck_assert_int_eq(v.end, 10);
    limit(2, 0, 1, 1);
    v = kfk__dev_partition_view(p, 2);
    ck_assert_int_eq(v.start, 3);
    ck_assert_int_eq(v.high, 1);
    ck_assert_int_eq(v.end, 3);
    kfk__dev_partition_lead(&service.cluster, p, 2);
    ck_assert_int_eq(kfk__dev_partition_view(p, 2).end, 10);
}
END_TEST

/* Records 0 to 9 are of epoch 0, 10 to 14 of epoch 1, which the follower has not heard of. */
START_TEST(a_follower_knows_the_epochs_it_has)
{
    const kfk__fetch_response_partition *r;

    kfk__dev_partition_lead(&service.cluster, p, 1);
    append(0, 5);
    limit(2, 0, 8, 8);
    fill(&f, 1);
    f.partitions[0].fetch_offset = 8;
    f.partitions[0].last_fetched_epoch = 0;
    r = first_of(fetch(12, 2, &f));
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_int_eq(r->diverging_epoch.end_offset, -1);
    f.partitions[0].fetch_offset = 9;
    ck_assert_int_eq(first_of(fetch(12, 2, &f))->diverging_epoch.end_offset, 8);
    f.partitions[0].last_fetched_epoch = 1;
    ck_assert_int_eq(first_of(fetch(12, 2, &f))->error_code, KFK_ERR_OFFSET_OUT_OF_RANGE);
    f.partitions[0].fetch_offset = 12;
    ck_assert_int_eq(first_of(fetch(12, 1, &f))->error_code, 0);
}
END_TEST

START_TEST(a_client_waits_for_what_a_follower_gets)
{
    kfk__dev_call *call;

    limit(2, 0, 5, 10);
    fill(&f, 1);
    f.partitions[0].fetch_offset = 5;
    f.req.max_wait_ms = 500;
    call = call_of(2, &kfk__fetch_api, 12, &f.req);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_WAITING);
    limit(2, 0, 10, 10);
    ck_assert_uint_ne(call->seen, service.cluster.version);
    ck_assert_int_eq(kfk__dev_call_step(&service, call, now_ns, WALL_MS), KFK__DEV_READY);
    kfk__dev_call_free(call);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/followers");
    TCase *t = tcase_create("followers");

    tcase_add_checked_fixture(t, set_up, end);
    tcase_add_test(t, a_client_is_sent_to_its_rack);
    tcase_add_loop_test(t, every_version_that_knows_racks_is_sent, 4, 19);
    tcase_add_test(t, who_leads_in_the_rack_keeps_its_clients);
    tcase_add_test(t, of_several_the_one_with_most_is_taken);
    tcase_add_test(t, nobody_is_sent_where_it_cannot_be_read);
    tcase_add_test(t, a_client_that_is_wrong_is_not_sent);
    tcase_add_test(t, a_client_that_waits_is_sent_at_once);
    tcase_add_test(t, a_session_tells_of_it_each_time);
    tcase_add_test(t, a_follower_has_what_it_has);
    tcase_add_test(t, a_follower_has_no_more_than_the_leader);
    tcase_add_test(t, a_follower_knows_the_epochs_it_has);
    tcase_add_test(t, a_client_waits_for_what_a_follower_gets);
    suite_add_tcase(s, t);
    return run_suite(s);
}
