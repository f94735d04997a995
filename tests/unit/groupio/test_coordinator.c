#include "asked.h"

#include "groupio/coordinator.h"

enum { NEWEST = 6, MANY_KEYS = 4 };

static const char *const key = "key";
static kfk_error e;
static kfk__coordinator_place at;

START_TEST(every_version_asks)
{
    for (int16_t v = 0; v <= NEWEST; v++) {
        int8_t type = v > 0 ? KFK__COORDINATES_TRANSACTION : KFK__COORDINATES_GROUP;
        const kfk__find_coordinator_request *read;
        kfk__find_coordinator_request rq;

        ck_assert_int_eq(kfk__coordinator_ask(&rq, v, type, &key, 1, &arena), KFK_OK);
        read = over_the_wire(kfk__find_coordinator_api.request, &kfk__find_coordinator_api, v, &rq);
        ck_assert_int_eq(read->key_type, type);
        ck_assert_int_eq(read->coordinator_keys.n, v >= MANY_KEYS);
        ck_assert(is(v >= MANY_KEYS ? read->coordinator_keys.v[0] : read->key, "key"));
    }
}
END_TEST

START_TEST(newer_versions_ask_for_many_at_once)
{
    static const char *const keys[] = {"a", "b", "c"};

    for (int16_t v = 0; v <= NEWEST; v++) {
        const kfk__find_coordinator_request *read;
        kfk__find_coordinator_request rq;

        ck_assert_int_eq(kfk__coordinator_most(v) > 1, v >= MANY_KEYS);
        if (v < MANY_KEYS)
            continue;
        ck_assert_int_eq(kfk__coordinator_ask(&rq, v, 0, keys, 3, &arena), KFK_OK);
        read = over_the_wire(kfk__find_coordinator_api.request, &kfk__find_coordinator_api, v, &rq);
        ck_assert_int_eq(read->coordinator_keys.n, 3);
        ck_assert(is(read->coordinator_keys.v[2], "c"));
    }
}
END_TEST

static kfk_err read_row(int16_t version, const kfk__find_coordinator_response_coordinator *row)
{
    kfk__find_coordinator_response_coordinator rows[] = {{.key = kfk__bytes_str("other")}, *row};
    kfk__find_coordinator_response rs;

    kfk__msg_init(kfk__find_coordinator_api.response, &rs);
    if (version >= MANY_KEYS) {
        rs.coordinators.v = rows;
        rs.coordinators.n = 2;
    } else {
        rs.node_id = row->node_id;
        rs.host = row->host;
        rs.port = row->port;
        rs.error_code = row->error_code;
        rs.error_message = row->error_message;
    }
    kfk__error_clear(&e);
    return kfk__coordinator_read(
        over_the_wire(kfk__find_coordinator_api.response, &kfk__find_coordinator_api, version, &rs),
        version, "key", &at, &e);
}

static const kfk__find_coordinator_response_coordinator good = {
    .key = {"key", 3}, .node_id = 7, .host = {"h", 1}, .port = 9092};

START_TEST(every_version_is_understood)
{
    for (int16_t v = 0; v <= NEWEST; v++) {
        kfk__find_coordinator_response_coordinator row = good;

        ck_assert_int_eq(read_row(v, &row), KFK_OK);
        ck_assert_int_eq(at.id, 7);
        ck_assert(is(at.host, "h"));
        ck_assert_int_eq(at.port, 9092);
        row.error_code = KFK_ERR_GROUP_AUTHORIZATION_FAILED;
        row.error_message = kfk__bytes_str("not you");
        ck_assert_int_eq(read_row(v, &row), KFK_ERR_GROUP_AUTHORIZATION_FAILED);
        ck_assert_int_eq(strstr(e.msg, "not you") != NULL, v > 0);
    }
}
END_TEST

/* A place where nothing can be is none. */
START_TEST(places_that_are_none)
{
    for (int16_t v = 0; v <= NEWEST; v++) {
        kfk__find_coordinator_response_coordinator row = good;

        row.node_id = -1;
        ck_assert_int_eq(read_row(v, &row), KFK_ERR_COORDINATOR_NOT_AVAILABLE);
        row = good;
        row.port = 65536;
        ck_assert_int_eq(read_row(v, &row), KFK_ERR_COORDINATOR_NOT_AVAILABLE);
        row.port = -1;
        ck_assert_int_eq(read_row(v, &row), KFK_ERR_COORDINATOR_NOT_AVAILABLE);
        row = good;
        row.host = kfk__bytes_str("");
        ck_assert_int_eq(read_row(v, &row), KFK_ERR_COORDINATOR_NOT_AVAILABLE);
        row = good;
        row.key = kfk__bytes_str("kez");
        ck_assert_int_eq(read_row(v, &row), v >= MANY_KEYS ? KFK_ERR_PROTOCOL : KFK_OK);
    }
}
END_TEST

START_TEST(without_memory)
{
    kfk__find_coordinator_request rq;

    failalloc_fail_once(&mem, 1);
    ck_assert_int_eq(kfk__coordinator_ask(&rq, NEWEST, 0, &key, 1, &arena), KFK_ERR_NOMEM);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_version_asks,
                                  newer_versions_ask_for_many_at_once,
                                  every_version_is_understood,
                                  places_that_are_none,
                                  without_memory,
                                  NULL};

    return run_asked("groupio/coordinator", tests);
}
