#include "config_test.h"

#include "base/mem.h"

static kfk_err set(kfk_config *c, const char *name, const char *value, kfk_error *e)
{
    memset(e, 0, sizeof *e);
    return kfk_config_set(c, name, value, e);
}

START_TEST(set_and_get)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e;

    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "5");
    ck_assert_ptr_null(kfk_config_get(c, "bootstrap.servers"));
    ck_assert_ptr_null(kfk_config_get(c, "no.such.thing"));
    ck_assert_int_eq(set(c, "linger.ms", " 10 ", &e), KFK_OK);
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "10");
    ck_assert_int_eq(set(c, "linger.ms", "20", &e), KFK_OK);
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "20");
    ck_assert_int_eq(set(c, "linger.ms", "-1", &e), KFK_ERR_CONFIG);
    ck_assert_str_eq(kfk_config_get(c, "linger.ms"), "20");
    kfk_config_free(c);
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        const char *name, *value;
        kfk_err err;
        const char *msg;
    } rows[] = {
        {"lingr.ms", "1", KFK_ERR_CONFIG,
         "unknown property \"lingr.ms\"; did you mean \"linger.ms\"?"},
        {"producer.lingr.ms", "1", KFK_ERR_CONFIG,
         "unknown property \"producer.lingr.ms\"; did you mean \"linger.ms\"?"},
        {"zzzzzzzzzzzz", "1", KFK_ERR_CONFIG, "unknown property \"zzzzzzzzzzzz\""},
        {"linger.ms", "soon", KFK_ERR_CONFIG,
         "linger.ms=soon: not a whole number; allowed: [0,...]"},
        {"consumer.linger.ms", "1", KFK_ERR_CONFIG,
         "consumer.linger.ms: this role does not read linger.ms"},
        {"security.protocol", "ssl", KFK_ERR_UNSUPPORTED,
         "security.protocol=SSL: this version of libkfk cannot do that yet; possible: PLAINTEXT"},
        {"group.instance.id", " ", KFK_ERR_CONFIG,
         "group.instance.id= : empty; allowed: non-empty string"},
        {"transactional.id", "t", KFK_ERR_UNSUPPORTED,
         "transactional.id=t: this version of libkfk cannot do that yet; leave it out"},
        {"auto.offset.reset", "by_duration:1D", KFK_ERR_CONFIG,
         "auto.offset.reset=by_duration:1D: not a span of time, PnDTnHnMn.nS, of 0 or more; "
         "allowed: [latest, earliest, none, by_duration:PnDTnHnMn.nS]"},
        {"ssl.key.password", "hunter2", KFK_ERR_UNSUPPORTED,
         "ssl.key.password=[redacted]: this version of libkfk cannot do that yet; leave it out"},
        {"key.serializer", "a.B", KFK_ERR_UNSUPPORTED,
         "key.serializer=a.B: this has a meaning for the Java client only"},
        {"sasl.login.class", "a.B", KFK_ERR_UNSUPPORTED,
         "sasl.login.class=a.B: this is for the Java client only, and to leave it out could change "
         "who is trusted"},
    };
    kfk_config *c = kfk_config_new(NULL);
    kfk_error e;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(set(c, rows[i].name, rows[i].value, &e), rows[i].err);
        ck_assert_str_eq(e.msg, rows[i].msg);
        ck_assert_int_eq(e.code, rows[i].err);
        ck_assert_int_eq(kfk_config_set(c, rows[i].name, rows[i].value, NULL), rows[i].err);
    }
    kfk_config_free(c);
}
END_TEST

START_TEST(defaults_may_be_said)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_property p = {.struct_size = sizeof p};

    for (size_t i = 0; kfk_config_list(i, &p); i++)
        if (p.default_value) {
            kfk_error e = {0};

            ck_assert_msg(!kfk_config_set(c, p.name, p.default_value, &e), "%s", e.msg);
            ck_assert_str_eq(kfk_config_get(c, p.name), p.default_value);
        }
    kfk_config_free(c);
}
END_TEST

START_TEST(prefixes)
{
    kfk_config *c = kfk_config_new(NULL), *p;
    kfk_error e;

    ck_assert_int_eq(set(c, "bootstrap.servers", "b:1", &e), KFK_OK);
    ck_assert_int_eq(set(c, "producer.request.timeout.ms", "7", &e), KFK_OK);
    ck_assert_int_eq(set(c, "request.timeout.ms", "8", &e), KFK_OK);
    ck_assert_int_eq(set(c, "consumer.client.id", "c", &e), KFK_OK);
    ck_assert_str_eq(kfk_config_get(c, "request.timeout.ms"), "8");
    ck_assert_str_eq(kfk_config_get(c, "producer.request.timeout.ms"), "7");
    ck_assert_str_eq(kfk_config_get(c, "consumer.request.timeout.ms"), "8");
    ck_assert_str_eq(kfk_config_get(c, "producer.receive.buffer.bytes"), "32768");
    ck_assert_str_eq(kfk_config_get(c, "receive.buffer.bytes"), "65536");

    p = kfk__config_copy(c, NULL);
    ck_assert_msg(!kfk__config_check(p, KFK_ROLE_PRODUCER, &e), "%s", e.msg);
    ck_assert_int_eq(kfk__config_int(p, KFK__P_REQUEST_TIMEOUT_MS), 7);
    ck_assert_str_eq(kfk__config_string(p, KFK__P_CLIENT_ID), "");
    ck_assert_int_eq(kfk__config_int(p, KFK__P_RECEIVE_BUFFER_BYTES), 32768);
    kfk_config_free(p);
    p = kfk__config_copy(c, NULL);
    ck_assert_msg(!kfk__config_check(p, KFK_ROLE_CONSUMER, &e), "%s", e.msg);
    ck_assert_int_eq(kfk__config_int(p, KFK__P_REQUEST_TIMEOUT_MS), 8);
    ck_assert_str_eq(kfk__config_string(p, KFK__P_CLIENT_ID), "c");
    ck_assert_int_eq(kfk__config_int(p, KFK__P_RECEIVE_BUFFER_BYTES), 65536);
    kfk_config_free(p);
    kfk_config_free(c);
}
END_TEST

START_TEST(topics)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk__property_id id;
    const char *topic;
    kfk_error e;

    ck_assert_int_eq(set(c, "compression.type", "lz4", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set_topic(c, "a", "compression.type", "gzip", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set_topic(c, "a", "compression.type", "zstd", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set_topic(c, "b", "compression.zstd.level", "7", &e), KFK_OK);
    ck_assert_str_eq(kfk_config_get(c, "compression.type"), "lz4");
    ck_assert_int_eq(kfk__config_choice(c, KFK__P_COMPRESSION_TYPE), 3);
    ck_assert_int_eq(kfk__config_topic_choice(c, "a", KFK__P_COMPRESSION_TYPE), 4);
    ck_assert_int_eq(kfk__config_topic_choice(c, "b", KFK__P_COMPRESSION_TYPE), 3);
    ck_assert_int_eq(kfk__config_topic_int(c, "a", KFK__P_COMPRESSION_ZSTD_LEVEL), 3);
    ck_assert_int_eq(kfk__config_topic_int(c, "b", KFK__P_COMPRESSION_ZSTD_LEVEL), 7);
    ck_assert(kfk__config_topic(c, 0, &topic, &id));
    ck_assert_str_eq(topic, "a");
    ck_assert_int_eq(id, KFK__P_COMPRESSION_TYPE);
    ck_assert(kfk__config_topic(c, 1, &topic, &id));
    ck_assert_str_eq(topic, "b");
    ck_assert(!kfk__config_topic(c, 2, &topic, &id));

    ck_assert_int_eq(kfk_config_set_topic(c, "a", "linger.ms", "7", &e), KFK_ERR_CONFIG);
    ck_assert_str_eq(e.msg, "linger.ms cannot be set for one topic");
    ck_assert_int_eq(kfk_config_set_topic(c, "a/b", "compression.type", "gzip", &e),
                     KFK_ERR_CONFIG);
    ck_assert_int_eq(kfk_config_set_topic(c, "", "compression.type", "gzip", &e), KFK_ERR_CONFIG);
    ck_assert_int_eq(kfk_config_set_topic(c, "..", "compression.type", "gzip", &e), KFK_ERR_CONFIG);
    ck_assert_int_eq(kfk_config_set_topic(c, "a", "compression.typ", "gzip", &e), KFK_ERR_CONFIG);
    kfk_config_free(c);
}
END_TEST

START_TEST(values_by_type)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_bytes item;
    kfk_error e;

    ck_assert_int_eq(set(c, "bootstrap.servers", "a:1, [::1]:2", &e), KFK_OK);
    ck_assert(kfk__config_item(c, KFK__P_BOOTSTRAP_SERVERS, 1, &item));
    ck_assert_mem_eq(item.data, "[::1]:2", item.len);
    ck_assert(!kfk__config_item(c, KFK__P_BOOTSTRAP_SERVERS, 2, &item));
    ck_assert_int_eq(kfk__config_long(c, KFK__P_BUFFER_MEMORY), 33554432);
    ck_assert(kfk__config_bool(c, KFK__P_CHECK_CRCS));
    ck_assert(!kfk__config_bool(c, KFK__P_PARTITIONER_IGNORE_KEYS));
    ck_assert(!kfk__config_is_set(c, KFK__P_CHECK_CRCS));
    ck_assert(kfk__config_is_set(c, KFK__P_BOOTSTRAP_SERVERS));
    ck_assert_double_eq_tol(kfk__config_double(c, KFK__P_SASL_LOGIN_REFRESH_WINDOW_FACTOR), 0.8,
                            1e-9);
    ck_assert_int_eq(kfk__config_choice(c, KFK__P_ACKS), 0);
    ck_assert_ptr_null(kfk__config_string(c, KFK__P_GROUP_ID));
    kfk_config_free(c);
}
END_TEST

START_TEST(arguments)
{
    kfk_allocator half = {NULL, NULL, NULL, NULL};
    kfk_config *c = kfk_config_new(NULL);
    struct {
        kfk_hooks now;
        void *later;
    } newer = {{.struct_size = sizeof newer, .log_level = KFK_LOG_WARN}, NULL};
    kfk_hooks h = {.struct_size = sizeof h};

    ck_assert_ptr_null(kfk_config_new(&half));
    ck_assert_int_eq(kfk_config_set(NULL, "linger.ms", "1", NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_set(c, NULL, "1", NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_set(c, "linger.ms", NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_set_topic(c, NULL, "acks", "1", NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_load(c, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_ptr_null(kfk_config_get(NULL, "linger.ms"));
    ck_assert_int_eq(kfk_config_hooks(c, &h, NULL, NULL), KFK_OK);
    h.struct_size = offsetof(kfk_hooks, thread);
    ck_assert_int_eq(kfk_config_hooks(c, &h, NULL, NULL), KFK_OK);
    h.struct_size--;
    ck_assert_int_eq(kfk_config_hooks(c, &h, NULL, NULL), KFK_ERR_INVALID_ARG);
    h = (kfk_hooks){.struct_size = sizeof h, .log_level = 8};
    ck_assert_int_eq(kfk_config_hooks(c, &h, NULL, NULL), KFK_ERR_INVALID_ARG);
    ck_assert_int_eq(kfk_config_hooks(c, &newer.now, NULL, NULL), KFK_OK);
    newer.later = &newer;
    ck_assert_int_eq(kfk_config_hooks(c, &newer.now, NULL, NULL), KFK_ERR_INVALID_ARG);
    kfk_config_free(c);
    kfk_config_free(NULL);
}
END_TEST

/* Everything that allocates, once. */
static kfk_err scenario(const kfk_allocator *a, const char *path)
{
    kfk_config *c = kfk_config_new(a), *copy = NULL;
    kfk_err err = c ? KFK_OK : KFK_ERR_NOMEM;

    for (int i = 0; !err && i < KFK__P_COUNT; i++)
        if (kfk__property_table[i].roles & KFK_ROLE_PRODUCER && kfk__property_table[i].deflt)
            err =
                kfk_config_set(c, kfk__property_table[i].name, kfk__property_table[i].deflt, NULL);
    if (!err)
        err = kfk_config_set_topic(c, "t", "compression.type", "zstd", NULL);
    if (!err)
        err = kfk_config_load(c, path, NULL);
    if (!err) {
        copy = kfk__config_copy(c, NULL);
        err = copy ? kfk__config_check(copy, KFK_ROLE_PRODUCER, NULL) : KFK_ERR_NOMEM;
    }
    if (!err)
        ck_assert_int_eq(kfk__config_int(copy, KFK__P_BATCH_SIZE), 1);
    kfk_config_free(copy);
    kfk_config_free(c);
    return err;
}

START_TEST(every_allocation_may_fail)
{
    heap h = {0};
    kfk_allocator a = heap_allocator(&h);
    long failed = 0;
    char path[32];
    kfk_err err;

    write_file(
        path,
        "bootstrap.servers=a:1\nlingr.ms=1\nbatch.size=0\nfetch.min.bytes=3\nkey.serializer=x\n");
    do {
        h.left = failed;
        err = scenario(&a, path);
        ck_assert(err == KFK_OK || err == KFK_ERR_NOMEM);
        ck_assert_int_eq(h.live, 0);
        failed++;
    } while (err);
    ck_assert_int_gt(failed, 100);
    unlink(path);
}
END_TEST

START_TEST(secrets_are_wiped)
{
    heap h = {.left = -1, .secret = "hunter2"};
    kfk_allocator a = heap_allocator(&h);
    kfk_config *c = kfk_config_new(&a), *copy;
    char path[32];
    kfk_error e;

    write_file(path, "linger.ms=7\nssl.key.password=hunter2\n");
    ck_assert_int_eq(kfk_config_load(c, path, &e), KFK_ERR_UNSUPPORTED);
    ck_assert_ptr_null(strstr(e.msg, "hunter2"));
    ck_assert_int_eq(set(c, "sasl.jaas.config", "x hunter2", &e), KFK_ERR_UNSUPPORTED);
    ck_assert_ptr_null(strstr(e.msg, "hunter2"));
    /* As it is once one is taken. */
    for (int i = 0; i < 2; i++) {
        kfk__setting secret = {.id = KFK__P_SSL_KEY_PASSWORD, .value = kfk__strdup(&a, "hunter2")};

        ck_assert(kfk__settings_put(&c->settings, &secret, NULL));
        ck_assert_str_eq(kfk_config_get(c, "ssl.key.password"), "[redacted]");
    }
    copy = kfk__config_copy(c, NULL);
    ck_assert_str_eq(kfk__config_string(copy, KFK__P_SSL_KEY_PASSWORD), "hunter2");
    kfk_config_free(copy);
    kfk_config_free(c);
    ck_assert_int_eq(h.live, 0);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/config");
    TCase *t = tcase_create("config");

    tcase_add_test(t, set_and_get);
    tcase_add_test(t, refusals);
    tcase_add_test(t, defaults_may_be_said);
    tcase_add_test(t, prefixes);
    tcase_add_test(t, topics);
    tcase_add_test(t, values_by_type);
    tcase_add_test(t, arguments);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, secrets_are_wiped);
    suite_add_tcase(s, t);
    return run_suite(s);
}
