#include "config_test.h"

static const row rows[] = {
    {{NULL}, KFK_ROLE_PRODUCER, "bootstrap.servers is not set", {NULL}},
    {{NULL}, KFK_ROLE_ADMIN, "bootstrap.servers is not set", {NULL}},
    {{"bootstrap.servers= , "}, KFK_ROLE_CONSUMER, "bootstrap.servers is not set", {NULL}},
    {{"bootstrap.servers=a:1,b"},
     KFK_ROLE_CONSUMER,
     "bootstrap.servers: \"b\": it has no port; Kafka's is most often 9092",
     {NULL}},
    {{"bootstrap.servers=::1:9092"}, KFK_ROLE_ADMIN, "\"::1:9092\": an IPv6 address", {NULL}},

    /* A key of another role. */
    {{"bootstrap.servers=a:1", "fetch.min.bytes=1"},
     KFK_ROLE_PRODUCER,
     "fetch.min.bytes is set, but a producer does not read it",
     {NULL}},
    {{"bootstrap.servers=a:1", "acks=1"},
     KFK_ROLE_CONSUMER,
     "acks is set, but a consumer does",
     {NULL}},
    {{"bootstrap.servers=a:1", "acks=1"}, KFK_ROLE_GROUP, "but a consumer group does not", {NULL}},
    {{"bootstrap.servers=a:1", "acks=1"}, KFK_ROLE_ADMIN, "but an admin client does not", {NULL}},
    {{"bootstrap.servers=a:1", "producer.acks=1", "consumer.fetch.min.bytes=2", "client.id=x"},
     KFK_ROLE_CONSUMER,
     "",
     {"fetch.min.bytes=2", "client.id=x"}},

    /* The delivery timeout. */
    {{"bootstrap.servers=a:1", "linger.ms=100000"},
     KFK_ROLE_PRODUCER,
     "",
     {"delivery.timeout.ms=130000"}},
    {{"bootstrap.servers=a:1", "linger.ms=90000"},
     KFK_ROLE_PRODUCER,
     "",
     {"delivery.timeout.ms=120000"}},
    {{"bootstrap.servers=a:1", "linger.ms=9223372036854775807"},
     KFK_ROLE_PRODUCER,
     "",
     {"delivery.timeout.ms=2147483647"}},
    {{"bootstrap.servers=a:1", "delivery.timeout.ms=30004"},
     KFK_ROLE_PRODUCER,
     "delivery.timeout.ms=30004: it may not be less than linger.ms and request.timeout.ms "
     "together, "
     "which are 30005",
     {NULL}},
    {{"bootstrap.servers=a:1", "delivery.timeout.ms=30005"},
     KFK_ROLE_PRODUCER,
     "",
     {"delivery.timeout.ms=30005"}},

    {{"bootstrap.servers=a:1", "batch.size=0"}, KFK_ROLE_PRODUCER, "", {"batch.size=1"}},
    {{"bootstrap.servers=a:1", "reconnect.backoff.ms=7"},
     KFK_ROLE_CONSUMER,
     "",
     {"reconnect.backoff.max.ms=7"}},
    {{"bootstrap.servers=a:1", "reconnect.backoff.ms=7", "reconnect.backoff.max.ms=9"},
     KFK_ROLE_CONSUMER,
     "",
     {"reconnect.backoff.max.ms=9"}},

    /* Committing without a group. */
    {{"bootstrap.servers=a:1"}, KFK_ROLE_CONSUMER, "", {"enable.auto.commit=false"}},
    {{"bootstrap.servers=a:1", "enable.auto.commit=false", "auto.commit.interval.ms=7"},
     KFK_ROLE_CONSUMER,
     "",
     {"enable.auto.commit=false"}},
    {{"bootstrap.servers=a:1", "consumer.enable.auto.commit=true"},
     KFK_ROLE_CONSUMER,
     "enable.auto.commit=true: without group.id there is nowhere to commit to",
     {NULL}},
};

/* As ProducerConfig has it. */
static const row idempotence[] = {
    {{"bootstrap.servers=a:1"}, KFK_ROLE_PRODUCER, "", {"enable.idempotence=true", "acks=all"}},
    {{"bootstrap.servers=a:1", "acks=1"}, KFK_ROLE_PRODUCER, "", {"enable.idempotence=false"}},
    {{"bootstrap.servers=a:1", "acks=0"}, KFK_ROLE_PRODUCER, "", {"enable.idempotence=false"}},
    {{"bootstrap.servers=a:1", "acks=-1"}, KFK_ROLE_PRODUCER, "", {"enable.idempotence=true"}},
    {{"bootstrap.servers=a:1", "retries=0"}, KFK_ROLE_PRODUCER, "", {"enable.idempotence=false"}},
    {{"bootstrap.servers=a:1", "enable.idempotence=true", "acks=1"},
     KFK_ROLE_PRODUCER,
     "enable.idempotence=true needs acks=all and retries above 0, but acks is not all",
     {NULL}},
    {{"bootstrap.servers=a:1", "enable.idempotence=true", "retries=0"},
     KFK_ROLE_PRODUCER,
     "but retries=0",
     {NULL}},
    {{"bootstrap.servers=a:1", "max.in.flight.requests.per.connection=6"},
     KFK_ROLE_PRODUCER,
     "max.in.flight.requests.per.connection=6: idempotence allows at most 5",
     {NULL}},
    {{"bootstrap.servers=a:1", "max.in.flight.requests.per.connection=6", "acks=1"},
     KFK_ROLE_PRODUCER,
     "idempotence allows at most 5",
     {NULL}},
    {{"bootstrap.servers=a:1", "max.in.flight.requests.per.connection=6",
      "enable.idempotence=false"},
     KFK_ROLE_PRODUCER,
     "",
     {"max.in.flight.requests.per.connection=6"}},
};

START_TEST(checks)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(check_22_idempotence_needs_what_it_needs)
{
    check_row(&idempotence[_i]);
}
END_TEST

START_TEST(files_are_lenient)
{
    kfk_config *c = kfk_config_new(NULL), *copy;
    kfk_error e = {0};
    lines l = {0};
    char path[32];

    write_file(path, "bootstrap.servers=a:1\nacks=1\nfetch.min.bytes=2\n\n"
                     "share.acknowledgement.mode=explicit\nconsumer.linger.ms=3\n");
    ck_assert_msg(!kfk_config_load(c, path, &e), "%s", e.msg);
    unlink(path);
    keep_log(c, &l);

    copy = kfk__config_copy(c, NULL);
    ck_assert_msg(!kfk__config_check(copy, KFK_ROLE_PRODUCER, &e), "%s", e.msg);
    ck_assert_str_eq(l.text, "6 not read by a producer, no effect: share.acknowledgement.mode, "
                             "fetch.min.bytes\n"
                             "6 idempotence is off, since acks is not all\n");
    kfk_config_free(copy);

    memset(&l, 0, sizeof l);
    copy = kfk__config_copy(c, NULL);
    ck_assert_int_eq(kfk__config_check(copy, KFK_ROLE_CONSUMER, &e), KFK_ERR_UNSUPPORTED);
    ck_assert_str_eq(e.msg, "line 5 of the file: share.acknowledgement.mode=explicit: this version of "
                            "libkfk cannot do that yet; possible: implicit");
    ck_assert_str_eq(l.text, "6 not read by a consumer, no effect: linger.ms, acks\n");
    kfk_config_free(copy);
    kfk_config_free(c);
}
END_TEST

START_TEST(steps_above_their_limit)
{
    static const char *const pairs[] = {"bootstrap.servers=a:1", "retry.backoff.ms=5000",
                                        "socket.connection.setup.timeout.ms=40000", NULL};
    kfk_config *c = config_of(pairs);
    lines l = {0};
    kfk_error e;

    keep_log(c, &l);
    ck_assert_int_eq(kfk__config_check(c, KFK_ROLE_ADMIN, &e), KFK_OK);
    ck_assert_str_eq(
        l.text, "4 retry.backoff.ms=5000 is above retry.backoff.max.ms=1000, which holds instead\n"
                "4 socket.connection.setup.timeout.ms=40000 is above "
                "socket.connection.setup.timeout.max.ms=30000, which holds instead\n");
    kfk_config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/check");
    TCase *t = tcase_create("check");

    tcase_add_loop_test(t, checks, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(t, check_22_idempotence_needs_what_it_needs, 0,
                        sizeof idempotence / sizeof *idempotence);
    tcase_add_test(t, files_are_lenient);
    tcase_add_test(t, steps_above_their_limit);
    suite_add_tcase(s, t);
    return run_suite(s);
}
