#include "unit/suite.h"

#include <stdio.h>
#include <string.h>

#include "client/bootstrap.h"

/* What came, as "host port;host port;". */
static char got[300];

static void take(void *owner, int index, const char *host, size_t len, uint16_t port)
{
    size_t at = strlen(got);
    int *next = owner;

    ck_assert_int_eq(index, (*next)++);
    (void)snprintf(got + at, sizeof got - at, "%.*s %u;", (int)len, host, port);
}

static const struct {
    const char *list, *expected;
} rows[] = {
    {"a:1", "a 1;"},
    {"a:1,b:65535,c.d:9092", "a 1;b 65535;c.d 9092;"},
    {" a:1 ,  b:2 ", "a 1;b 2;"},
    {"[::1]:9092,[fe80::1%eth0]:1", "::1 9092;fe80::1%eth0 1;"},
    {"::1:9092", "::1 9092;"},
    {"a:00080", "a 80;"},
    {"", ""},
    {",,,", ""},
    {"a:1,,b:2,", "a 1;b 2;"},
    /* What is no address is passed over, and does not count. */
    {"a,b:2", "b 2;"},
    {"a:,b:2", "b 2;"},
    {":1,b:2", "b 2;"},
    {"[]:1,b:2", "b 2;"},
    {":,b:2", "b 2;"},
    {"a:0,b:2", "b 2;"},
    {"a:65536,b:2", "b 2;"},
    {"a:99999,b:2", "b 2;"},
    {"a:4294967297,b:2", "b 2;"},
    {"a:000001,b:2", "b 2;"},
    {"a:-1,b:2", "b 2;"},
    {"a:+1,b:2", "b 2;"},
    {"a:1x,b:2", "b 2;"},
    {"a: 1,b:2", "b 2;"},
    {" , b:2", "b 2;"},
};

START_TEST(each_address_of_a_list_is_told)
{
    int n = 0;

    ck_assert_int_eq(kfk__bootstrap_each(rows[_i].list, take, &n), n);
    ck_assert_str_eq(got, rows[_i].expected);
}
END_TEST

START_TEST(a_host_may_be_as_long_as_it_likes)
{
    char list[250];
    int n = 0;

    memset(list, 'h', sizeof list);
    (void)strcpy(list + 240, ":9092");
    ck_assert_int_eq(kfk__bootstrap_each(list, take, &n), 1);
    ck_assert_uint_eq(strlen(got), 240 + strlen(" 9092;"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("bootstrap");

    tcase_add_loop_test(t, each_address_of_a_list_is_told, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, a_host_may_be_as_long_as_it_likes);
    return run_suite("client/bootstrap", t);
}
