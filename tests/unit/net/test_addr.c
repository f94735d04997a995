#include "unit/net/net.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/addr.h"

static const struct {
    const char *host;
    uint16_t port;
    const char *text;
} numeric[] = {
    {"127.0.0.1", 9092, "127.0.0.1:9092"},
    {"0.0.0.0", 0, "0.0.0.0:0"},
    {"255.255.255.255", 65535, "255.255.255.255:65535"},
    {"::1", 9092, "[::1]:9092"},
    {"::", 1, "[::]:1"},
    {"2001:0DB8:0:0:0:0:0:1", 9092, "[2001:db8::1]:9092"},
    {"::ffff:192.0.2.1", 9092, "[::ffff:192.0.2.1]:9092"},
    {"fe80::1%7", 9092, "[fe80::1%7]:9092"},
    {"fe80::1%4294967295", 65535, "[fe80::1%4294967295]:65535"},
};

START_TEST(numeric_addresses_are_read_and_written)
{
    kfk__addr a;
    char text[KFK__ADDR_TEXT];

    ck_assert(kfk__addr_parse(numeric[_i].host, numeric[_i].port, &a));
    kfk__addr_format(&a, text);
    ck_assert_str_eq(text, numeric[_i].text);
}
END_TEST

static const char *const names[] = {
    "",
    "localhost",
    "127.1",
    "1.2.3.4.5",
    "256.0.0.1",
    "1.2.3.4 ",
    "[::1]",
    ":::",
    "::1%",
    "::1%no-such-interface",
    "fe80::1%4294967296",
    "fe80::1%99999999999999999999999",
    "%1",
    "1.2.3.4%1",
    "::1:9092:",
    "12345::",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
};

START_TEST(all_else_is_a_name)
{
    kfk__addr a, before;

    memset(&a, 0x5a, sizeof a);
    before = a;
    ck_assert_msg(!kfk__addr_parse(names[_i], 1, &a), "%s", names[_i]);
    ck_assert_mem_eq(&a, &before, sizeof a);
}
END_TEST

START_TEST(longest_text_fits)
{
    kfk__addr a = {.family = 6, .port = 65535, .scope = UINT32_MAX};
    char text[KFK__ADDR_TEXT];

    memset(a.bytes, 0xff, sizeof a.bytes);
    kfk__addr_format(&a, text);
    ck_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}
END_TEST

START_TEST(scope_may_be_an_interface)
{
    kfk__addr a;
    unsigned lo = if_nametoindex("lo");

    ck_assert_uint_ne(lo, 0);
    ck_assert(kfk__addr_parse("fe80::1%lo", 9, &a));
    ck_assert_uint_eq(a.scope, lo);
}
END_TEST

START_TEST(equality_sees_every_field)
{
    kfk__addr a, b;

    ck_assert(kfk__addr_parse("fe80::1%1", 9092, &a));
    b = a;
    ck_assert(kfk__addr_equal(&a, &b));
    b.port++;
    ck_assert(!kfk__addr_equal(&a, &b));
    b = a;
    b.scope++;
    ck_assert(!kfk__addr_equal(&a, &b));
    b = a;
    b.bytes[15]++;
    ck_assert(!kfk__addr_equal(&a, &b));
    b = a;
    b.family = 4;
    ck_assert(!kfk__addr_equal(&a, &b));
}
END_TEST

START_TEST(v4_equality_looks_at_four_bytes)
{
    kfk__addr a, b;

    ck_assert(kfk__addr_parse("192.0.2.1", 9092, &a));
    b = a;
    b.bytes[4] = 1;
    ck_assert(kfk__addr_equal(&a, &b));
    b.bytes[3]++;
    ck_assert(!kfk__addr_equal(&a, &b));
}
END_TEST

START_TEST(sockaddr_there_and_back)
{
    kfk__addr a, b;
    struct sockaddr_storage sa;
    socklen_t len;

    ck_assert(kfk__addr_parse(numeric[_i].host, numeric[_i].port, &a));
    len = kfk__addr_to_sockaddr(&a, &sa);
    ck_assert_uint_eq(len,
                      a.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    ck_assert(kfk__addr_from_sockaddr((struct sockaddr *)&sa, len, &b));
    ck_assert(kfk__addr_equal(&a, &b));
}
END_TEST

START_TEST(sockaddr_is_in_network_order)
{
    kfk__addr a;
    struct sockaddr_storage sa;
    struct sockaddr_in v4;

    ck_assert(kfk__addr_parse("192.0.2.1", 9092, &a));
    (void)kfk__addr_to_sockaddr(&a, &sa);
    memcpy(&v4, &sa, sizeof v4);
    ck_assert_int_eq(v4.sin_family, AF_INET);
    ck_assert_uint_eq(v4.sin_port, htons(9092));
    ck_assert_uint_eq(v4.sin_addr.s_addr, htonl(0xc0000201));
}
END_TEST

START_TEST(other_sockaddrs_are_refused)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    kfk__addr a = {.family = 5};

    ck_assert(!kfk__addr_from_sockaddr((struct sockaddr *)&sa, sizeof sa, &a));
    sa.ss_family = AF_INET6;
    ck_assert(!kfk__addr_from_sockaddr((struct sockaddr *)&sa, sizeof(struct sockaddr_in), &a));
    sa.ss_family = AF_INET;
    ck_assert(!kfk__addr_from_sockaddr((struct sockaddr *)&sa, 1, &a));
    ck_assert_uint_eq(kfk__addr_to_sockaddr(&a, &sa), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("addr");
    TCase *t = tcase_create("addr");

    tcase_add_loop_test(t, numeric_addresses_are_read_and_written, 0,
                        sizeof numeric / sizeof *numeric);
    tcase_add_loop_test(t, all_else_is_a_name, 0, sizeof names / sizeof *names);
    tcase_add_test(t, longest_text_fits);
    tcase_add_test(t, scope_may_be_an_interface);
    tcase_add_test(t, equality_sees_every_field);
    tcase_add_test(t, v4_equality_looks_at_four_bytes);
    tcase_add_loop_test(t, sockaddr_there_and_back, 0, sizeof numeric / sizeof *numeric);
    tcase_add_test(t, sockaddr_is_in_network_order);
    tcase_add_test(t, other_sockaddrs_are_refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
