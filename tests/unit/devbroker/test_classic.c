/* Groups of the classic protocol: who is in, who leads, who waits for whom, and for how long. */
#include "joins.h"

#include "sim/failalloc.h"

#include "proto/offset_commit.h"

static client a, b, c;

static void setup(void)
{
    begin(2);
    a = b = c = (client){.metadata = 0};
}

static void teardown(void)
{
    drop_call(&a);
    drop_call(&b);
    drop_call(&c);
    end();
}

/* ---- joining ---- */

START_TEST(one_alone_in_every_version)
{
    const kfk__join_group_response *r;

    a.older = (int16_t)(JOIN_V - _i);
    r = join_now(&a);
    ck_assert_int_eq(r->generation_id, 1);
    ck_assert_bytes_eq(r->leader, a.id);
    ck_assert_bytes_eq(r->protocol_name, "range");
    if (_i >= 7)
        ck_assert_bytes_eq(r->protocol_type, "consumer");
    ck_assert_int_eq(r->members.n, 1);
    ck_assert_bytes_eq(r->members.v[0].member_id, a.id);
    ck_assert_bytes_eq(r->members.v[0].metadata, "range0");
    ck_assert(!r->skip_assignment);
    ck_assert_int_eq(strncmp(a.id, "tester-", 7), 0);
    ck_assert_uint_eq(strlen(a.id), 7 + 36);
    ck_assert_state("CompletingRebalance");
    ck_assert_int_eq(beat(&a), 0);
}
END_TEST

START_TEST(from_version_4_on_an_id_comes_first)
{
    a.older = JOIN_V - 4;
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
    ck_assert_state("Empty");
    ck_assert_int_eq(beat(&a), KFK_ERR_UNKNOWN_MEMBER_ID);
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->generation_id, 1);
}
END_TEST

START_TEST(an_id_that_is_not_used_is_forgotten)
{
    a.session_ms = 6000;
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
    pass_ms(6000);
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(who_has_an_id_that_nobody_gave_is_unknown)
{
    strcpy(a.id, "invented");
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_ptr_null(group_now());
    settle_one(&b);
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(timeouts_have_bounds)
{
    a.session_ms = 5999;
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_INVALID_SESSION_TIMEOUT);
    a.session_ms = 1800001;
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_INVALID_SESSION_TIMEOUT);
}
END_TEST

START_TEST(another_node_is_not_the_coordinator)
{
    send_call(&a, join_call(&a, 3 - coordinator_of(the_group)));
    ck_assert_int_eq(join_end(&a)->error_code, KFK_ERR_NOT_COORDINATOR);
}
END_TEST

START_TEST(two_wait_for_each_other)
{
    const client *const both[] = {&a, &b};
    const kfk__join_group_response *r;

    settle_one(&a);
    join_in(&b);
    ck_assert(waits(&b));
    ck_assert_state("PreparingRebalance");
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_begin(&a);
    r = join_end(&a);
    ck_assert_int_eq(r->generation_id, 2);
    ck_assert_int_eq(r->members.n, 2);
    ck_assert_bytes_eq(r->members.v[1].member_id, b.id);
    r = join_end(&b);
    ck_assert_int_eq(r->members.n, 0);
    ck_assert_bytes_eq(r->leader, a.id);
    sync_begin(&b, NULL, 0);
    ck_assert(waits(&b));
    sync_begin(&a, both, 2);
    sync_ok(&a);
    sync_ok(&b);
    ck_assert_state("Stable");
    ck_assert_int_eq(beat(&b), 0);
}
END_TEST

START_TEST(a_pending_member_is_waited_for)
{
    settle_one(&a);
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_MEMBER_ID_REQUIRED);
    ck_assert_state("Stable");
    join_begin(&a); /* the leader may ask for a rebalance at any time */
    ck_assert(waits(&a));
    join_begin(&b);
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    ck_assert_int_eq(join_end(&b)->generation_id, 2);
}
END_TEST

START_TEST(the_first_rebalance_gives_others_time)
{
    service.cluster.groups.settings.initial_delay_ms = 3000;
    join_in(&a);
    pass_ms(2999);
    ck_assert(waits(&a));
    join_in(&b);
    pass_ms(1); /* somebody came: as long again */
    ck_assert(waits(&a));
    pass_ms(2999);
    ck_assert(waits(&b));
    pass_ms(1);
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    ck_assert_int_eq(join_end(&b)->generation_id, 1);
}
END_TEST

START_TEST(that_time_is_not_longer_than_a_rebalance)
{
    service.cluster.groups.settings.initial_delay_ms = 3000;
    a.rebalance_ms = b.rebalance_ms = c.rebalance_ms = 5000;
    join_in(&a);
    pass_ms(2000);
    join_in(&b);
    pass_ms(2000);
    join_in(&c);
    ck_assert(waits(&a));
    pass_ms(1000);
    ck_assert_int_eq(join_end(&a)->members.n, 3);
}
END_TEST

/* ---- those that do not come back ---- */

START_TEST(who_does_not_rejoin_in_time_is_out)
{
    settle_two(&a, &b);
    join_in(&c);
    join_begin(&b);
    for (int i = 0; i < 5; i++) { /* a is alive, and does not come */
        pass_ms(9000);
        ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    }
    pass_ms(9000);
    ck_assert(waits(&b));
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    pass_ms(6000);
    ck_assert_int_eq(join_end(&b)->members.n, 2); /* it leads now */
    ck_assert_int_eq(join_end(&c)->generation_id, 3);
    ck_assert_int_eq(beat(&a), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(a_session_ends)
{
    settle_two(&a, &b);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(beat(&a), 0);
    pass_ms(1);
    ck_assert_state("PreparingRebalance");
    ck_assert_int_eq(beat(&b), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->members.n, 1);
}
END_TEST

START_TEST(the_last_one_leaves_an_empty_group)
{
    settle_one(&a);
    pass_ms(SESSION_MS);
    ck_assert_state("Empty");
    ck_assert_int_eq(group_now()->classic.generation, 2);
    settle_one(&b);
    ck_assert_int_eq(b.generation, 3);
}
END_TEST

START_TEST(who_waits_needs_no_heartbeats)
{
    settle_one(&a);
    join_in(&b);
    for (int i = 0; i < 5; i++) {
        pass_ms(9000);
        ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    }
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    ck_assert_int_eq(join_end(&b)->error_code, 0);
}
END_TEST

/* Its client has gone, which a broker is not told of. */
START_TEST(a_new_member_is_not_waited_for_for_ever)
{
    settle_one(&a);
    b.rebalance_ms = 600000;
    join_in(&b);
    drop_call(&b);
    a.rebalance_ms = 600000;
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(beat(&a), 0);
    pass_ms(1); /* its session in the generation */
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    join_in(&c);
    drop_call(&c);
    for (int i = 0; i < 31; i++) {
        pass_ms(9700);
        (void)beat(&a);
    }
    ck_assert_ptr_null(kfk__dev_classic_find(group_now(), kfk__bytes_str(c.id)));
}
END_TEST

START_TEST(who_does_not_ask_for_its_assignment_is_out)
{
    const client *const both[] = {&a, &b};

    settle_one(&a);
    join_in(&b);
    join_begin(&a);
    (void)join_end(&a);
    (void)join_end(&b);
    sync_begin(&a, both, 2);
    sync_ok(&a);
    for (int i = 0; i < 7; i++) {
        pass_ms(i < 6 ? 9000 : 6000);
        (void)beat(&a);
        (void)beat(&b);
    }
    ck_assert_int_eq(beat(&b), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
}
END_TEST

/* The leader is gone before it could assign: who waits for it is told to join again. */
START_TEST(a_leader_that_goes_is_replaced)
{
    settle_one(&a);
    join_in(&b);
    join_begin(&a);
    (void)join_end(&a);
    (void)join_end(&b);
    sync_begin(&b, NULL, 0);
    ck_assert_int_eq(leave(&a), 0);
    ck_assert_int_eq(sync_end(&b)->error_code, KFK_ERR_REBALANCE_IN_PROGRESS);
    join_begin(&b);
    ck_assert_bytes_eq(join_end(&b)->leader, b.id);
}
END_TEST

/* ---- what they agree on ---- */

START_TEST(the_protocol_that_all_know_and_most_like_is_chosen)
{
    a.protocols[0] = "range";
    a.protocols[1] = "sticky";
    a.protocols[2] = "rr";
    b.protocols[0] = "sticky";
    b.protocols[1] = "range";
    c.protocols[0] = "sticky";
    c.protocols[1] = "range";
    settle_one(&a);
    join_in(&b);
    join_in(&c);
    join_begin(&a);
    ck_assert_bytes_eq(join_end(&a)->protocol_name, "sticky");
    ck_assert_bytes_eq(join_end(&b)->protocol_name, "sticky");
    ck_assert_bytes_eq(join_end(&c)->protocol_name, "sticky");
}
END_TEST

START_TEST(who_has_nothing_in_common_is_refused)
{
    settle_one(&a);
    b.protocols[0] = "other";
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    b = (client){.type = "connect"};
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    b = (client){.type = ""};
    ck_assert_int_eq(leave(&a), 0);
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    b = (client){.type = "connect"};
    ck_assert_int_eq(join_now(&b)->generation_id, 3);
}
END_TEST

START_TEST(the_same_request_again_changes_nothing)
{
    settle_two(&a, &b);
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->generation_id, 2);
    ck_assert_state("Stable");
    b.metadata = 1; /* it reads other topics now */
    join_begin(&b);
    ck_assert(waits(&b));
    ck_assert_state("PreparingRebalance");
    join_begin(&a);
    ck_assert_bytes_eq(join_end(&a)->members.v[1].metadata, "range1");
    ck_assert_int_eq(join_end(&b)->generation_id, 3);
    join_begin(&a); /* its answer was lost */
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    ck_assert_state("CompletingRebalance");
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->generation_id, 3);
}
END_TEST

START_TEST(a_group_can_be_full)
{
    service.cluster.groups.settings.max_size = 1;
    settle_one(&a);
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_GROUP_MAX_SIZE_REACHED);
    ck_assert_int_eq(beat(&a), 0);
}
END_TEST

/* ---- syncs ---- */

START_TEST(syncs_are_refused)
{
    client d;

    sync_begin(&a, NULL, 0);
    ck_assert_int_eq(sync_end(&a)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    settle_one(&a);
    d = a;
    d.generation = 0;
    sync_begin(&d, NULL, 0);
    ck_assert_int_eq(sync_end(&d)->error_code, KFK_ERR_ILLEGAL_GENERATION);
    d = a;
    strcpy(d.id, "nobody");
    sync_begin(&d, NULL, 0);
    ck_assert_int_eq(sync_end(&d)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    d = a;
    d.protocols[0] = "other";
    sync_begin(&d, NULL, 0);
    ck_assert_int_eq(sync_end(&d)->error_code, KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    sync_begin(&a, NULL, 0); /* again, in a stable group */
    sync_ok(&a);
    join_in(&b);
    sync_begin(&a, NULL, 0);
    ck_assert_int_eq(sync_end(&a)->error_code, KFK_ERR_REBALANCE_IN_PROGRESS);
    ck_assert_int_eq(leave(&b), 0);
}
END_TEST

/* Version 5 says what it takes the group for. */
START_TEST(a_sync_names_its_protocol)
{
    kfk__sync_group_request req;
    const kfk__sync_group_response *r;

    settle_one(&a);
    new_request(&kfk__sync_group_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.member_id = kfk__bytes_str(a.id);
    req.generation_id = a.generation;
    for (int16_t v = 0; v <= 5; v++) {
        r = ask(coordinator_of(the_group), &kfk__sync_group_api, v, &req);
        ck_assert_int_eq(r->error_code, v < 5 ? 0 : KFK_ERR_INCONSISTENT_GROUP_PROTOCOL);
    }
}
END_TEST

START_TEST(who_is_not_named_gets_nothing)
{
    const kfk__sync_group_response *r;

    (void)join_now(&a);
    sync_begin(&a, NULL, 0);
    r = sync_end(&a);
    ck_assert_int_eq(r->error_code, 0);
    ck_assert_uint_eq(r->assignment.len, 0);
}
END_TEST

/* ---- static members ---- */

static void two_statics(void)
{
    a.instance = "i1";
    b.instance = "i2";
    settle_two(&a, &b);
}

START_TEST(a_static_member_comes_back_without_a_rebalance)
{
    client again = {.instance = "i2"};
    const kfk__join_group_response *r;

    two_statics();
    ck_assert_int_eq(strncmp(a.id, "i1-", 3), 0);
    r = join_now(&again);
    ck_assert_str_ne(again.id, b.id);
    ck_assert_int_eq(r->generation_id, 2);
    ck_assert_bytes_eq(r->leader, a.id);
    ck_assert_int_eq(r->members.n, 0);
    ck_assert_state("Stable");
    sync_begin(&again, NULL, 0);
    ck_assert_bytes_eq(sync_end(&again)->assignment, b.id); /* what the old one had */
    ck_assert_int_eq(beat(&again), 0);
    ck_assert_int_eq(beat(&b), KFK_ERR_FENCED_INSTANCE_ID);
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_FENCED_INSTANCE_ID);
    sync_begin(&b, NULL, 0);
    ck_assert_int_eq(sync_end(&b)->error_code, KFK_ERR_FENCED_INSTANCE_ID);
    ck_assert_int_eq(leave(&b), KFK_ERR_FENCED_INSTANCE_ID);
}
END_TEST

/* From version 9 on it is told that it leads and need not assign; before, that the old one leads.
 */
START_TEST(a_static_leader_comes_back)
{
    client again = {.instance = "i1", .older = (int16_t)(JOIN_V - _i)};
    const kfk__join_group_response *r;

    two_statics();
    r = join_now(&again);
    ck_assert_int_eq(r->generation_id, 2);
    ck_assert_int_eq(r->skip_assignment, _i >= 9);
    ck_assert_int_eq(r->members.n, _i >= 9 ? 2 : 0);
    ck_assert_bytes_eq(r->leader, _i >= 9 ? again.id : a.id);
    ck_assert_bytes_eq(group_now()->classic.leader->id, again.id);
}
END_TEST

START_TEST(a_static_member_with_other_wishes_begins_a_rebalance)
{
    client again = {.instance = "i2"};

    a.protocols[0] = again.protocols[1] = "range";
    a.protocols[1] = again.protocols[0] = "sticky";
    a.instance = "i1";
    b = again;
    settle_one(&a);
    join_in(&b);
    join_begin(&a);
    ck_assert_bytes_eq(join_end(&a)->protocol_name, "range");
    (void)join_end(&b);
    sync_begin(&a, NULL, 0);
    (void)sync_end(&a);
    again.protocols[1] = NULL; /* which leaves only the other one */
    join_begin(&again);
    ck_assert(waits(&again));
    ck_assert_state("PreparingRebalance");
    drop_call(&again);
}
END_TEST

START_TEST(who_waits_as_a_static_member_is_fenced_by_the_next)
{
    client again = {.instance = "i2"};

    a.instance = "i1";
    b.instance = "i2";
    settle_one(&a);
    join_begin(&b);
    ck_assert(waits(&b));
    join_begin(&again);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_FENCED_INSTANCE_ID);
    ck_assert(waits(&again));
    join_begin(&a);
    ck_assert_int_eq(join_end(&a)->members.n, 2);
    ck_assert_int_eq(join_end(&again)->generation_id, 2);
}
END_TEST

START_TEST(one_that_comes_back_before_the_assignment_begins_again)
{
    client again = {.instance = "i2"};

    a.instance = "i1";
    b.instance = "i2";
    settle_one(&a);
    join_begin(&b);
    join_begin(&a);
    (void)join_end(&a);
    (void)join_end(&b);
    sync_begin(&b, NULL, 0);
    join_begin(&again);
    ck_assert_int_eq(sync_end(&b)->error_code, KFK_ERR_FENCED_INSTANCE_ID);
    ck_assert(waits(&again));
    ck_assert_state("PreparingRebalance");
    drop_call(&again);
}
END_TEST

START_TEST(an_absent_static_member_stays_until_its_session_ends)
{
    two_statics();
    b.session_ms = 1;
    join_in(&c);
    for (int i = 0; i < 7; i++) {
        pass_ms(i < 6 ? 9000 : 6000);
        (void)beat(&a);
        (void)beat(&b);
    }
    ck_assert(waits(&c) == false); /* it is over: c leads, and a and b are in it still */
    ck_assert_int_eq(join_end(&c)->members.n, 3);
    ck_assert_int_eq(beat(&a), KFK_ERR_ILLEGAL_GENERATION);
}
END_TEST

START_TEST(an_instance_that_is_not_known_is_unknown)
{
    client d = {.instance = "i9"};

    settle_one(&a);
    strcpy(d.id, a.id);
    ck_assert_int_eq(beat(&d), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

/* ---- leaving ---- */

START_TEST(leaving_in_every_version)
{
    settle_two(&a, &b);
    ck_assert_int_eq(leave_as("nobody", NULL, (int16_t)_i), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(leave_as(b.id, NULL, (int16_t)_i), 0);
    ck_assert_int_eq(beat(&b), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(beat(&a), KFK_ERR_REBALANCE_IN_PROGRESS);
    ck_assert_int_eq(leave_as(a.id, NULL, (int16_t)_i), 0);
    ck_assert_state("Empty");
}
END_TEST

START_TEST(an_instance_leaves_by_its_name)
{
    two_statics();
    ck_assert_int_eq(leave_as("", "i9", 3), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(leave_as("", NULL, 3), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(leave_as("", "i2", 3), 0);
    ck_assert_int_eq(beat(&b), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(a_pending_member_leaves)
{
    settle_one(&a);
    join_begin(&b);
    (void)join_end(&b);
    ck_assert_int_eq(leave(&b), 0);
    ck_assert_int_eq(group_now()->classic.n_pending, 0);
    ck_assert_state("PreparingRebalance"); /* as Kafka has it: somebody left */
}
END_TEST

START_TEST(who_waits_and_leaves_is_told)
{
    settle_one(&a);
    join_in(&b);
    ck_assert_int_eq(leave(&b), 0);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

START_TEST(there_is_nothing_to_leave)
{
    ck_assert_int_eq(leave_as("x", NULL, 5), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(leave_as("x", NULL, 0), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(beat(&a), KFK_ERR_UNKNOWN_MEMBER_ID);
}
END_TEST

/* ---- commits ---- */

static int16_t commit(const client *m, int32_t generation)
{
    kfk__offset_commit_request_partition p = {.committed_offset = 5, .committed_leader_epoch = -1};
    kfk__offset_commit_request_topic t = {.name = kfk__bytes_str("t"), .partitions = {&p, 1}};
    kfk__offset_commit_request req;

    new_request(&kfk__offset_commit_api, &req);
    req.group_id = kfk__bytes_str(the_group);
    req.member_id = kfk__bytes_str(m ? m->id : "");
    req.group_instance_id = kfk__bytes_str(m ? m->instance : NULL);
    req.generation_id_or_member_epoch = generation;
    req.topics.v = &t;
    req.topics.n = 1;
    return ((kfk__offset_commit_response *)ask(coordinator_of(the_group), &kfk__offset_commit_api,
                                               9, &req))
        ->topics.v[0]
        .partitions.v[0]
        .error_code;
}

START_TEST(only_members_commit_and_only_in_their_generation)
{
    client old = {.instance = "i2"};

    (void)add_topic("t", 1, 1);
    ck_assert_int_eq(commit(NULL, -1), 0);
    ck_assert_int_eq(commit(NULL, 1), KFK_ERR_UNKNOWN_MEMBER_ID);
    settle_one(&a);
    ck_assert_int_eq(commit(NULL, -1), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(commit(&a, a.generation), 0);
    ck_assert_int_eq(commit(&a, 7), KFK_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(commit(&a, -1), KFK_ERR_ILLEGAL_GENERATION);
    b.instance = "i2";
    join_begin(&b);
    ck_assert_int_eq(commit(&a, 1), 0); /* of what it had, until it joins again */
    join_begin(&a);
    (void)join_end(&a);
    (void)join_end(&b);
    ck_assert_int_eq(commit(&a, 2), KFK_ERR_REBALANCE_IN_PROGRESS);
    strcpy(old.id, "x");
    ck_assert_int_eq(commit(&old, 2), KFK_ERR_FENCED_INSTANCE_ID);
}
END_TEST

START_TEST(a_commit_is_a_sign_of_life)
{
    (void)add_topic("t", 1, 1);
    settle_one(&a);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(commit(&a, 1), 0);
    pass_ms(SESSION_MS - 1);
    ck_assert_int_eq(beat(&a), 0);
}
END_TEST

/* ---- another coordinator ---- */

static void move(void)
{
    kfk__dev_cluster_set_up(&service.cluster, coordinator_of(the_group), false);
    kfk__dev_coordinate(&service.cluster, now_ns);
}

START_TEST(a_stable_group_survives_its_coordinator)
{
    int32_t node = coordinator_of(the_group);

    settle_two(&a, &b);
    pass_ms(SESSION_MS - 1);
    move();
    ck_assert_int_ne(coordinator_of(the_group), node);
    pass_ms(SESSION_MS - 1); /* which begins anew */
    ck_assert_int_eq(beat(&a), 0);
    ck_assert_int_eq(beat(&b), 0);
    sync_begin(&b, NULL, 0);
    sync_ok(&b);
}
END_TEST

START_TEST(who_waits_is_told_that_it_moved)
{
    settle_one(&a);
    join_in(&b);
    move();
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(beat(&a), 0); /* as if nobody had come */
    join_begin(&b);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_state("Stable");
}
END_TEST

START_TEST(a_generation_without_an_assignment_is_lost)
{
    settle_one(&a);
    join_in(&b);
    join_begin(&a);
    (void)join_end(&a);
    (void)join_end(&b);
    sync_begin(&b, NULL, 0);
    move();
    ck_assert_int_eq(sync_end(&b)->error_code, KFK_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(beat(&b), KFK_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(beat(&a), KFK_ERR_ILLEGAL_GENERATION);
    a.generation = 1;
    ck_assert_int_eq(beat(&a), 0);
}
END_TEST

START_TEST(the_same_node_again_is_another_coordinator)
{
    int32_t node = coordinator_of(the_group);

    settle_one(&a);
    join_in(&b);
    kfk__dev_cluster_set_up(&service.cluster, node, false);
    kfk__dev_cluster_set_up(&service.cluster, node, true);
    kfk__dev_coordinate(&service.cluster, now_ns);
    ck_assert_int_eq(join_end(&b)->error_code, KFK_ERR_NOT_COORDINATOR);
}
END_TEST

START_TEST(a_group_can_be_given_to_a_node)
{
    int32_t node = 3 - coordinator_of(the_group);

    settle_one(&a);
    ck_assert_int_eq(
        kfk__dev_coordinate_at(&service.cluster, kfk__bytes_str(the_group), node), KFK_OK);
    ck_assert_int_eq(coordinator_of(the_group), node);
    pass_ms(0);
    ck_assert_int_eq(beat(&a), 0);
    kfk__dev_cluster_set_up(&service.cluster, node, false);
    ck_assert_int_eq(coordinator_of(the_group), 3 - node);
    kfk__dev_cluster_set_up(&service.cluster, node, true);
    ck_assert_int_eq(coordinator_of(the_group), node);
}
END_TEST

/* ---- no memory ---- */

/* Whatever fails, fails that request alone: its connection ends, and the group is as it was. */
static bool try_all(failalloc *f, uint64_t nth)
{
    client d = {.older = JOIN_V - 3};
    kfk__dev_call *call;
    kfk_allocator from = failalloc_allocator(f);

    begin_on(2, &from);
    a = (client){.metadata = 0};
    settle_one(&a);
    call = join_call(&d, coordinator_of(the_group));
    failalloc_fail_once(f, nth);
    send_call(&d, call);
    drop_call(&d);
    ck_assert(kfk__dev_classic_find(group_now(), kfk__bytes_str(a.id)) != NULL);
    failalloc_fail_once(f, 0);
    ck_assert_int_eq(beat(&a),
                     group_now()->classic.n_members > 1 ? KFK_ERR_REBALANCE_IN_PROGRESS : KFK_OK);
    end();
    return failalloc_failed(f);
}

START_TEST(no_memory_at_any_point)
{
    failalloc f;
    bool failed = true;

    end();
    failalloc_init(&f);
    for (uint64_t n = 1; failed; n++) {
        failed = try_all(&f, n);
        ck_assert_uint_eq(failalloc_blocks(&f), 0);
    }
    begin(2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("devbroker/classic");
    TCase *t = tcase_create("classic");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, one_alone_in_every_version, 0, 10);
    tcase_add_test(t, from_version_4_on_an_id_comes_first);
    tcase_add_test(t, an_id_that_is_not_used_is_forgotten);
    tcase_add_test(t, who_has_an_id_that_nobody_gave_is_unknown);
    tcase_add_test(t, timeouts_have_bounds);
    tcase_add_test(t, another_node_is_not_the_coordinator);
    tcase_add_test(t, two_wait_for_each_other);
    tcase_add_test(t, a_pending_member_is_waited_for);
    tcase_add_test(t, the_first_rebalance_gives_others_time);
    tcase_add_test(t, that_time_is_not_longer_than_a_rebalance);
    tcase_add_test(t, who_does_not_rejoin_in_time_is_out);
    tcase_add_test(t, a_session_ends);
    tcase_add_test(t, the_last_one_leaves_an_empty_group);
    tcase_add_test(t, who_waits_needs_no_heartbeats);
    tcase_add_test(t, a_new_member_is_not_waited_for_for_ever);
    tcase_add_test(t, who_does_not_ask_for_its_assignment_is_out);
    tcase_add_test(t, a_leader_that_goes_is_replaced);
    tcase_add_test(t, the_protocol_that_all_know_and_most_like_is_chosen);
    tcase_add_test(t, who_has_nothing_in_common_is_refused);
    tcase_add_test(t, the_same_request_again_changes_nothing);
    tcase_add_test(t, a_group_can_be_full);
    tcase_add_test(t, syncs_are_refused);
    tcase_add_test(t, a_sync_names_its_protocol);
    tcase_add_test(t, who_is_not_named_gets_nothing);
    tcase_add_test(t, a_static_member_comes_back_without_a_rebalance);
    tcase_add_loop_test(t, a_static_leader_comes_back, 5, 10);
    tcase_add_test(t, a_static_member_with_other_wishes_begins_a_rebalance);
    tcase_add_test(t, who_waits_as_a_static_member_is_fenced_by_the_next);
    tcase_add_test(t, one_that_comes_back_before_the_assignment_begins_again);
    tcase_add_test(t, an_absent_static_member_stays_until_its_session_ends);
    tcase_add_test(t, an_instance_that_is_not_known_is_unknown);
    tcase_add_loop_test(t, leaving_in_every_version, 0, 6);
    tcase_add_test(t, an_instance_leaves_by_its_name);
    tcase_add_test(t, a_pending_member_leaves);
    tcase_add_test(t, who_waits_and_leaves_is_told);
    tcase_add_test(t, there_is_nothing_to_leave);
    tcase_add_test(t, only_members_commit_and_only_in_their_generation);
    tcase_add_test(t, a_commit_is_a_sign_of_life);
    tcase_add_test(t, a_stable_group_survives_its_coordinator);
    tcase_add_test(t, who_waits_is_told_that_it_moved);
    tcase_add_test(t, a_generation_without_an_assignment_is_lost);
    tcase_add_test(t, the_same_node_again_is_another_coordinator);
    tcase_add_test(t, a_group_can_be_given_to_a_node);
    tcase_add_test(t, no_memory_at_any_point);
    suite_add_tcase(s, t);
    return run_suite(s);
}
