#include "config_test.h"

#define BASE "bootstrap.servers=a:1"
#define MEMBER BASE, "group.id=g"
#define MODERN MEMBER, "group.protocol=Consumer"
#define LONG_NAME                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"

static const row names[] = {
    {{BASE}, KFK_ROLE_GROUP, "group.id is not set; a consumer group needs one", {NULL}},
    {{BASE}, KFK_ROLE_CONSUMER, "", {NULL}},
    {{BASE, "group.id="}, KFK_ROLE_CONSUMER, "group.id is empty", {NULL}},
    {{BASE, "group.id= "}, KFK_ROLE_GROUP, "group.id is empty", {NULL}},
    {{MEMBER}, KFK_ROLE_GROUP, "", {"enable.auto.commit=true", "group.protocol=classic"}},
    {{MEMBER, "enable.auto.commit=false"}, KFK_ROLE_GROUP, "", {"enable.auto.commit=false"}},
    {{MEMBER, "group.instance.id=a.B_1-c"}, KFK_ROLE_GROUP, "", {"group.instance.id=a.B_1-c"}},
    {{MEMBER, "group.instance.id=" LONG_NAME "123456789"}, KFK_ROLE_GROUP, "", {NULL}},
    {{MEMBER, "group.instance.id=" LONG_NAME "1234567890"},
     KFK_ROLE_GROUP,
     "it has at most 249 letters",
     {NULL}},
    {{MEMBER, "group.instance.id=."}, KFK_ROLE_CONSUMER, "group.instance.id=.: it has", {NULL}},
    {{MEMBER, "group.instance.id=.."}, KFK_ROLE_CONSUMER, "group.instance.id=..: it has", {NULL}},
    {{MEMBER, "group.instance.id=a/b"}, KFK_ROLE_CONSUMER, "group.instance.id=a/b: it", {NULL}},
    {{MEMBER, "group.instance.id=a\nb"}, KFK_ROLE_CONSUMER, "group.instance.id=a?b: it", {NULL}},
    /* As in Java: whether or not there is a group. */
    {{BASE, "group.instance.id=a b"}, KFK_ROLE_CONSUMER, "group.instance.id=a b: it", {NULL}},
};

static const row protocols[] = {
    {{MODERN}, KFK_ROLE_GROUP, "", {"group.protocol=consumer"}},
    {{MODERN, "group.remote.assignor=uniform"},
     KFK_ROLE_CONSUMER,
     "",
     {"group.remote.assignor=uniform"}},
    {{MODERN, "session.timeout.ms=45000"},
     KFK_ROLE_GROUP,
     "session.timeout.ms is set, but with group.protocol=consumer the broker decides that: leave "
     "it out",
     {NULL}},
    {{MODERN, "consumer.heartbeat.interval.ms=3000"},
     KFK_ROLE_GROUP,
     "heartbeat.interval.ms is set, but with",
     {NULL}},
    {{MODERN, "partition.assignment.strategy=range"},
     KFK_ROLE_CONSUMER,
     "partition.assignment.strategy is set, but with",
     {NULL}},
    {{MODERN, "max.poll.interval.ms=7", "exclude.internal.topics=false"},
     KFK_ROLE_GROUP,
     "",
     {"max.poll.interval.ms=7", "exclude.internal.topics=false"}},

    {{MEMBER, "group.remote.assignor=uniform"},
     KFK_ROLE_GROUP,
     "group.remote.assignor is set, but that is for group.protocol=consumer",
     {NULL}},
    {{BASE, "group.remote.assignor=uniform"}, KFK_ROLE_CONSUMER, "group.remote.assignor", {NULL}},
    {{MEMBER, "group.remote.assignor="}, KFK_ROLE_GROUP, "", {NULL}},

    {{MEMBER, "heartbeat.interval.ms=44999"}, KFK_ROLE_GROUP, "", {NULL}},
    {{MEMBER, "heartbeat.interval.ms=45000"},
     KFK_ROLE_GROUP,
     "heartbeat.interval.ms=45000: it must be less than session.timeout.ms, which is 45000",
     {NULL}},
    {{MEMBER, "session.timeout.ms=2000"},
     KFK_ROLE_CONSUMER,
     "heartbeat.interval.ms=3000: it must be less than session.timeout.ms, which is 2000",
     {NULL}},
    {{MEMBER, "session.timeout.ms=-1"}, KFK_ROLE_CONSUMER, "which is -1", {NULL}},
    {{MEMBER, "heartbeat.interval.ms=0"},
     KFK_ROLE_CONSUMER,
     "heartbeat.interval.ms=0: it is at least 1",
     {NULL}},
    {{MEMBER, "heartbeat.interval.ms=-2147483648"}, KFK_ROLE_CONSUMER, "at least 1", {NULL}},
    {{MEMBER, "heartbeat.interval.ms=1", "session.timeout.ms=2"}, KFK_ROLE_GROUP, "", {NULL}},
    /* Who is no member has no heartbeat. */
    {{BASE, "heartbeat.interval.ms=45000"}, KFK_ROLE_CONSUMER, "", {NULL}},
};

#define STRATEGY "partition.assignment.strategy="
#define JAVA "org.apache.kafka.clients.consumer."

static const row strategies[] = {
    {{MEMBER, STRATEGY "sticky"}, KFK_ROLE_GROUP, "", {STRATEGY "sticky"}},
    {{MEMBER, STRATEGY "cooperative-sticky, roundrobin,sticky,range"},
     KFK_ROLE_GROUP,
     "",
     {STRATEGY "cooperative-sticky,roundrobin,sticky,range"}},
    {{MEMBER, STRATEGY JAVA "RangeAssignor," JAVA "CooperativeStickyAssignor"},
     KFK_ROLE_CONSUMER,
     "",
     {STRATEGY "range,cooperative-sticky"}},
    {{MEMBER, STRATEGY}, KFK_ROLE_GROUP, "partition.assignment.strategy is empty", {NULL}},
    {{MEMBER, STRATEGY " , "}, KFK_ROLE_CONSUMER, "partition.assignment.strategy is empty", {NULL}},
    {{MEMBER, STRATEGY "range,sticky,range"},
     KFK_ROLE_GROUP,
     "strategy: range comes twice",
     {NULL}},
    {{MEMBER, STRATEGY "sticky," JAVA "StickyAssignor"},
     KFK_ROLE_GROUP,
     "strategy: sticky comes twice",
     {NULL}},
    {{MEMBER, STRATEGY "range,stiky"},
     KFK_ROLE_GROUP,
     "partition.assignment.strategy: \"stiky\" is none of Kafka's",
     {NULL}},
    {{MEMBER, STRATEGY "range,stiky"}, KFK_ROLE_GROUP, "; did you mean \"sticky\"?", {NULL}},
    {{MEMBER, STRATEGY "Range"}, KFK_ROLE_CONSUMER, "; did you mean \"range\"?", {NULL}},
    {{MEMBER, STRATEGY "com.example.\033Mine"},
     KFK_ROLE_GROUP,
     "partition.assignment.strategy: \"com.example.?Mine\" is none of Kafka's",
     {NULL}},
    {{MEMBER, STRATEGY LONG_NAME LONG_NAME LONG_NAME}, KFK_ROLE_GROUP, "is none of", {NULL}},
    /* As in Java: whether or not there is a group. */
    {{BASE, STRATEGY "mine"}, KFK_ROLE_CONSUMER, "\"mine\" is none of", {NULL}},
};

static const row groups_only[] = {
    {{MEMBER},
     KFK_ROLE_GROUP,
     "",
     {"consume.threads=1", "max.unacked=100000", "close.timeout.ms=30000"}},
    {{MEMBER, "consume.threads=4", "consumer.max.unacked=1", "close.timeout.ms=0",
      "dead.letter.topic=dead"},
     KFK_ROLE_GROUP,
     "",
     {"consume.threads=4", "max.unacked=1", "close.timeout.ms=0", "dead.letter.topic=dead"}},
    {{MEMBER, "dead.letter.topic=a/b"}, KFK_ROLE_GROUP, "dead.letter.topic=a/b: it has", {NULL}},
    {{MEMBER, "consume.threads=4"},
     KFK_ROLE_CONSUMER,
     "consume.threads is set, but a consumer does not read it",
     {NULL}},
    {{MEMBER, "dead.letter.topic=dead"}, KFK_ROLE_CONSUMER, "but a consumer does not", {NULL}},
    {{BASE, "max.unacked=4"}, KFK_ROLE_PRODUCER, "but a producer does not read it", {NULL}},
};

START_TEST(check_groups_only)
{
    check_row(&groups_only[_i]);
}
END_TEST

START_TEST(bounds)
{
    static const char *const bad[] = {"consume.threads=0", "max.unacked=0", "close.timeout.ms=-1",
                                      "dead.letter.topic="};
    kfk_config *c = kfk_config_new(NULL);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *eq = strchr(bad[i], '=');
        char name[32];

        snprintf(name, sizeof name, "%.*s", (int)(eq - bad[i]), bad[i]);
        ck_assert_int_eq(kfk_config_set(c, name, eq + 1, NULL), KFK_ERR_CONFIG);
    }
    ck_assert_ptr_null(kfk_config_get(c, "dead.letter.topic"));
    kfk_config_free(c);
}
END_TEST

START_TEST(check_names)
{
    check_row(&names[_i]);
}
END_TEST

START_TEST(check_protocols)
{
    check_row(&protocols[_i]);
}
END_TEST

START_TEST(check_strategies)
{
    check_row(&strategies[_i]);
}
END_TEST

/* What a consumer cannot be made of does not keep a producer from being made of the same file. */
START_TEST(files_are_shared)
{
    kfk_config *c = kfk_config_new(NULL), *copy;
    kfk_error e = {0};
    char path[32];

    write_file(path, BASE "\n" STRATEGY "com.example.Mine\ngroup.id=\nheartbeat.interval.ms=-1\n"
                          "dead.letter.topic=/\nconsumer.consume.threads=2\n");
    ck_assert_msg(!kfk_config_load(c, path, &e), "%s", e.msg);
    unlink(path);
    copy = kfk__config_copy(c, NULL);
    ck_assert_msg(!kfk__config_check(copy, KFK_ROLE_PRODUCER, &e), "%s", e.msg);
    kfk_config_free(copy);
    ck_assert_int_eq(kfk__config_check(c, KFK_ROLE_CONSUMER, &e), KFK_ERR_CONFIG);
    kfk_config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/check_group");
    TCase *t = tcase_create("check_group");

    tcase_add_loop_test(t, check_names, 0, sizeof names / sizeof *names);
    tcase_add_loop_test(t, check_protocols, 0, sizeof protocols / sizeof *protocols);
    tcase_add_loop_test(t, check_strategies, 0, sizeof strategies / sizeof *strategies);
    tcase_add_loop_test(t, check_groups_only, 0, sizeof groups_only / sizeof *groups_only);
    tcase_add_test(t, bounds);
    tcase_add_test(t, files_are_shared);
    suite_add_tcase(s, t);
    return run_suite(s);
}
