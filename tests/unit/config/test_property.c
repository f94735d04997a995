#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/property.h"
#include "config/value.h"

static const struct fact {
    const char *roles, *name, *type, *deflt, *bounds;
} java[] = {
#include "java_properties.inc"
};

enum { N_JAVA = sizeof java / sizeof *java };

/* Where we mean to differ from Java; NULL, NULL: the property is not ours. */
static const struct {
    const char *name, *deflt, *bounds;
} ours[] = {
    {"bootstrap.servers", NULL, NULL}, /* required of admin clients, too */
    {"partition.assignment.strategy", "range,cooperative-sticky",
     "[range, roundrobin, sticky, cooperative-sticky] or what kfk_config_assignor names"},
    {"partitioner.class", NULL,
     "[roundrobin, random, consistent, consistent_random, murmur2, murmur2_random, fnv1a, "
     "fnv1a_random, fnv1a_reference]"},
    {"share.acquire.mode", "batch_optimized", "(case insensitive) [batch_optimized, record_limit]"},
};

static const char not_ours[] = "internal.throw.on.fetch.stable.offset.unsupported";

static uint32_t roles_of(const char *letters)
{
    uint32_t roles = 0;

    for (; *letters; letters++)
        roles |= *letters == 'P'   ? KFK_ROLE_PRODUCER
                 : *letters == 'C' ? (uint32_t)(KFK_ROLE_CONSUMER | KFK_ROLE_GROUP)
                                   : KFK_ROLE_ADMIN;
    return roles;
}

static bool same(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strncmp(a, "(case", 5) == 0 ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static struct fact expected(size_t i)
{
    struct fact f = java[i];

    for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
        if (strcmp(ours[k].name, f.name) == 0) {
            f.deflt = ours[k].deflt;
            f.bounds = ours[k].bounds;
        }
    return f;
}

START_TEST(table_is_javas)
{
    uint32_t seen[KFK__P_COUNT] = {0};
    kfk_property p = {.struct_size = sizeof p};

    for (size_t i = 0; i < N_JAVA; i++) {
        struct fact f = expected(i);
        int id = kfk__property_find(f.name);

        if (strcmp(f.name, not_ours) == 0) {
            ck_assert_int_eq(id, -1);
            continue;
        }
        ck_assert_msg(id >= 0, "%s is missing", f.name);
        ck_assert_int_eq(kfk_config_list((size_t)id, &p), 1);
        ck_assert_str_eq(p.name, f.name);
        ck_assert_msg(strcmp(p.type, f.type) == 0, "%s: type %s", f.name, p.type);
        ck_assert_msg(same(p.bounds, f.bounds), "%s: bounds %s", f.name, p.bounds);
        for (uint32_t role = 1; role <= KFK_ROLE_GROUP; role <<= 1)
            if (role & roles_of(f.roles))
                ck_assert_msg(same(kfk__property_default(id, role), f.deflt), "%s: default",
                              f.name);
        seen[id] |= roles_of(f.roles);
    }
    for (int id = 0; id < KFK__P_COUNT; id++)
        if (id == KFK__P_FETCH_BUFFER_MEMORY || id == KFK__P_MAX_DECOMPRESSED_BATCH_BYTES ||
            id == KFK__P_DISPATCH || id == KFK__P_AUTO_OFFSET_START ||
            id == KFK__P_CORRUPT_BATCH_POLICY || id == KFK__P_CONSUME_THREADS ||
            id == KFK__P_MAX_UNACKED || id == KFK__P_CLOSE_TIMEOUT_MS ||
            id == KFK__P_DEAD_LETTER_TOPIC)
            ck_assert_uint_eq(seen[id], 0);
        else
            ck_assert_msg(seen[id] == kfk__property_table[id].roles, "%s: roles",
                          kfk__property_table[id].name);
}
END_TEST

START_TEST(names_are_unique_and_described)
{
    for (int i = 0; i < KFK__P_COUNT; i++) {
        const kfk__property *p = &kfk__property_table[i];

        ck_assert_int_eq(kfk__property_find(p->name), i);
        ck_assert_msg(strlen(p->doc) > 10 && p->doc[strlen(p->doc) - 1] == '.', "%s", p->name);
        ck_assert_ptr_null(strchr(p->doc, '\n'));
    }
}
END_TEST

/* A default is in the form that values are kept in, within its bounds, and built. */
START_TEST(defaults_are_values)
{
    for (int id = 0; id < KFK__P_COUNT; id++)
        for (uint32_t role = 1; role <= KFK_ROLE_GROUP; role <<= 1) {
            const char *deflt = kfk__property_default(id, role);
            kfk_error e = {0};
            char *value = NULL;

            if (!deflt)
                continue;
            ck_assert_msg(!kfk__value_read(id, deflt, &kfk__malloc_allocator, &value, &e), "%s",
                          e.msg);
            ck_assert_str_eq(value, deflt);
            ck_assert_msg(!kfk__value_built(id, value, NULL), "%s", kfk__property_table[id].name);
            free(value);
        }
}
END_TEST

START_TEST(security_is_not_built)
{
    static const char *const not_yet[] = {"security.protocol=SSL",
                                          "security.protocol=SASL_SSL",
                                          "ssl.truststore.location=/x",
                                          "sasl.jaas.config=x",
                                          "transactional.id=t",
                                          "sasl.login.class=X"};

    for (size_t i = 0; i < sizeof not_yet / sizeof *not_yet; i++) {
        const char *value = strchr(not_yet[i], '=') + 1;
        char name[64];

        snprintf(name, sizeof name, "%.*s", (int)(value - 1 - not_yet[i]), not_yet[i]);
        ck_assert_msg(kfk__value_built(kfk__property_find(name), value, NULL) ==
                          KFK_ERR_UNSUPPORTED,
                      "%s", not_yet[i]);
    }
}
END_TEST

START_TEST(nearest_name)
{
    static const struct {
        const char *given, *nearest;
    } near[] = {
        {"linger.mss", "linger.ms"},
        {"linger", "linger.ms"},
        {"bootstrap.server", "bootstrap.servers"},
        {"compresion.type", "compression.type"},
        {"linger-ms", "linger.ms"},
        {"", NULL},
        {"zzzzzzzzzzz", NULL},
        {"q", NULL},
    };
    char huge[5000];

    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const char *got = kfk__property_nearest(near[i].given);

        ck_assert_msg(same(got, near[i].nearest), "%s: %s", near[i].given, got);
    }
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    ck_assert_ptr_null(kfk__property_nearest(huge));
}
END_TEST

START_TEST(list_keeps_to_struct_size)
{
    kfk_property p;

    memset(&p, 0x5a, sizeof p);
    p.struct_size = (uint32_t)offsetof(kfk_property, type);
    ck_assert_int_eq(kfk_config_list(0, &p), 1);
    ck_assert_str_eq(p.name, "bootstrap.servers");
    ck_assert_uint_eq((uint8_t) * (const char *)&p.type, 0x5a);
    ck_assert_int_eq(kfk_config_list(KFK__P_COUNT, &p), 0);
    ck_assert_int_eq(kfk_config_list(SIZE_MAX, &p), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config/property");
    TCase *t = tcase_create("property");
    SRunner *r;
    int failed;

    tcase_add_test(t, table_is_javas);
    tcase_add_test(t, names_are_unique_and_described);
    tcase_add_test(t, defaults_are_values);
    tcase_add_test(t, security_is_not_built);
    tcase_add_test(t, nearest_name);
    tcase_add_test(t, list_keeps_to_struct_size);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
