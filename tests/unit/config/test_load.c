#include "config_test.h"

#include <errno.h>
#include <fcntl.h>

static kfk_err load(kfk_config *c, const char *text, char *path, kfk_error *e)
{
    kfk_err err;

    memset(e, 0, sizeof *e);
    write_file(path, text);
    err = kfk_config_load(c, path, e);
    unlink(path);
    return err;
}

/* What the Java client's quick start and its users' files look like. */
START_TEST(a_java_file)
{
    static const char text[] =
        "# where the brokers are\n"
        "bootstrap.servers: b1:9092, \\\n"
        "                   b2:9092\n"
        "key.serializer=org.apache.kafka.common.serialization.StringSerializer\n"
        "value.deserializer org.apache.kafka.common.serialization.StringDeserializer\r\n"
        "acks=all\n"
        "client.id = \\u00e9t\\u00e9\n"
        "partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor,"
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor\n"
        "linger.mss=7\n"
        "linger.ms=1\n"
        "linger.ms=2\n"
        "interceptor.classes=com.example.I\n"
        "my.own.key=1";
    kfk_config *c = kfk_config_new(NULL);
    lines l = {0};
    char path[32], want[1024];
    kfk_error e;

    keep_log(c, &l);
    ck_assert_msg(!load(c, text, path, &e), "%s", e.msg);
    ck_assert_str_eq(kfk_config_get(c, "bootstrap.servers"), "b1:9092,b2:9092");
    ck_assert_str_eq(kfk_config_get(c, "client.id"), "\303\251t\303\251");
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "2");
    ck_assert_str_eq(kfk_config_get(c, "partition.assignment.strategy"),
                     "range,cooperative-sticky");
    snprintf(want, sizeof want,
             "6 %s:4: key.serializer is for the Java client only and has no effect\n"
             "6 %s:5: value.deserializer is for the Java client only and has no effect\n"
             "4 %s:9: unknown property \"linger.mss\" has no effect; did you mean \"linger.ms\"?\n"
             "6 %s:12: interceptor.classes is for the Java client only and has no effect\n"
             "4 %s:13: unknown property \"my.own.key\" has no effect\n",
             path, path, path, path, path);
    ck_assert_str_eq(l.text, want);
    kfk_config_free(c);
}
END_TEST

START_TEST(lines_wait_for_a_log)
{
    kfk_config *c = kfk_config_new(NULL);
    lines first = {0}, second = {0};
    char path[32];
    kfk_error e;

    ck_assert_int_eq(load(c, "key.serializer=x\nabcdefgh=1\n", path, &e), KFK_OK);
    keep_log(c, &first);
    ck_assert_int_eq(first.n, 2);
    ck_assert_ptr_nonnull(strstr(first.text, "6 /tmp/"));
    ck_assert_ptr_nonnull(strstr(first.text, "4 /tmp/"));
    keep_log(c, &second);
    ck_assert_int_eq(second.n, 0);
    kfk_config_free(c);
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        const char *text;
        kfk_err err;
        const char *msg;
    } rows[] = {
        {"\n\nlinger.ms=x\n", KFK_ERR_CONFIG, ":3: linger.ms=x: not a whole number"},
        {"security.protocol=SASL_SSL", KFK_ERR_UNSUPPORTED, ":1: security.protocol=SASL_SSL: this"},
        {"# x\nsasl.jaas.config=a \\\n  password=\"hunter2\";", KFK_ERR_UNSUPPORTED,
         ":2: sasl.jaas.config=[redacted]"},
        {"sasl.login.callback.handler.class=a.B", KFK_ERR_UNSUPPORTED, "change who is trusted"},
        {"security.providers=a.B", KFK_ERR_UNSUPPORTED, "change who is trusted"},
        {"config.providers=file", KFK_ERR_UNSUPPORTED, "change who is trusted"},
        {"partitioner.class=com.example.Mine", KFK_ERR_CONFIG, "allowed: [roundrobin, random"},
        {"linger.ms=\\u12", KFK_ERR_CONFIG, ":1: a NUL, or \\u"},
        {"group.protocol=modern", KFK_ERR_CONFIG, "[consumer, classic]"},
    };
    char path[32];
    kfk_error e;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kfk_config *c = kfk_config_new(NULL);

        ck_assert_int_eq(load(c, rows[i].text, path, &e), rows[i].err);
        ck_assert_msg(strstr(e.msg, rows[i].msg) != NULL, "%s", e.msg);
        ck_assert_msg(strncmp(e.msg, path, strlen(path)) == 0, "%s", e.msg);
        ck_assert_ptr_null(strstr(e.msg, "hunter2"));
        kfk_config_free(c);
    }
}
END_TEST

START_TEST(all_or_nothing)
{
    kfk_config *c = kfk_config_new(NULL);
    char path[32];
    kfk_error e;

    ck_assert_int_eq(kfk_config_set(c, "acks", "1", NULL), KFK_OK);
    ck_assert_int_eq(kfk_config_set_topic(c, "t", "compression.type", "lz4", NULL), KFK_OK);
    ck_assert_int_eq(load(c, "acks=0\nlinger.ms=7\nretries=x", path, &e), KFK_ERR_CONFIG);
    ck_assert_str_eq(kfk_config_get(c, "acks"), "1");
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "5");
    ck_assert_int_eq(kfk__config_topic_choice(c, "t", KFK__P_COMPRESSION_TYPE), 3);
    ck_assert_int_eq(load(c, "acks=0\nlinger.ms=7", path, &e), KFK_OK);
    ck_assert_str_eq(kfk_config_get(c, "acks"), "0");
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "7");
    kfk_config_free(c);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e = {0};
    char path[32];
    int fd;

    ck_assert_int_eq(kfk_config_load(c, "/nonexistent/x.properties", &e), KFK_ERR_SYSTEM);
    ck_assert_str_eq(e.msg, "/nonexistent/x.properties: No such file or directory");
    ck_assert_int_eq(e.sys_errno, ENOENT);
    ck_assert_int_eq(kfk_config_load(c, "/tmp", &e), KFK_ERR_SYSTEM);
    ck_assert_int_eq(e.sys_errno, EISDIR);
    ck_assert_int_eq(load(c, "", path, &e), KFK_OK);
    write_file(path, "acks=1\n");
    fd = open(path, O_WRONLY);
    ck_assert_int_eq(ftruncate(fd, 262144), 0);
    ck_assert_int_eq(kfk_config_load(c, path, &e), KFK_ERR_CONFIG); /* NULs, but not too long */
    ck_assert_int_eq(ftruncate(fd, 262145), 0);
    ck_assert_int_eq(kfk_config_load(c, path, &e), KFK_ERR_SYSTEM);
    ck_assert_int_eq(e.sys_errno, EFBIG);
    close(fd);
    unlink(path);
    kfk_config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/load");
    TCase *t = tcase_create("load");

    tcase_add_test(t, a_java_file);
    tcase_add_test(t, lines_wait_for_a_log);
    tcase_add_test(t, refusals);
    tcase_add_test(t, all_or_nothing);
    tcase_add_test(t, files_that_cannot_be_read);
    suite_add_tcase(s, t);
    return run_suite(s);
}
