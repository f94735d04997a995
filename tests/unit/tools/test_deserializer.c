/* Kafka's deserializers: what Java prints of what they return. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/kfk/deserializer.h"

static char text[256];

static const char *print(const char *name, const char *encoding, const void *bytes, size_t len)
{
    char class[128];
    deserializer d;
    const char *why;
    FILE *out = fmemopen(text, sizeof text, "w");

    (void)snprintf(class, sizeof class, "org.apache.kafka.common.serialization.%sDeserializer",
                   name);
    ck_assert(deserializer_find(&d, class));
    if (encoding)
        ck_assert(deserializer_set_encoding(&d, encoding));
    why = deserializer_print(&d, out, (kfk_bytes){bytes, len});
    ck_assert_int_eq(fclose(out), 0);
    return why;
}

static const struct {
    const char *class, *bytes;
    size_t len;
    const char *text;
} good[] = {
    {"ByteArray", "a\xff", 2, "a\xff"},
    {"Short", "\x80\0", 2, "-32768"},
    {"Integer", "\x7f\xff\xff\xff", 4, "2147483647"},
    {"Integer", "null", 4, "1853189228"},
    {"Long", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "-1"},
    {"Float", "\x3d\xcc\xcc\xcd", 4, "0.1"},
    {"Float", "\x4b\x18\x96\x80", 4, "1.0E7"},
    {"Float", "\xff\x80\0\0", 4, "-Infinity"},
    {"Double", "\0\0\0\0\0\0\0\1", 8, "4.9E-324"},
    {"Double", "\x7f\xef\xff\xff\xff\xff\xff\xff", 8, "1.7976931348623157E308"},
    {"Double", "\x3f\x50\x62\x4d\xd2\xf1\xa9\xfc", 8, "0.001"},
    {"Double", "\x40\xc8\x1c\xd6\xe6\x31\xf8\xa1", 8, "12345.6789"},
    {"Double", "\x80\0\0\0\0\0\0\0", 8, "-0.0"},
    {"Double", "\x7f\xf8\0\0\0\0\0\0", 8, "NaN"},
    {"Boolean", "\1", 1, "true"},
    {"Bytes", "a\\\0 ~\x7f", 6, "a\\x5C\\x00 ~\\x7F"},
    {"ByteBuffer", "abc", 3, "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]"},
    {"UUID", "12-3-4-5-6", 10, "00000012-0003-0004-0005-000000000006"},
    {"UUID", "ABCDEF01-2345-6789-ABCD-EF0123456789", 36, "abcdef01-2345-6789-abcd-ef0123456789"},
    {"UUID", "1abcdef01-2-3-4-5", 17, "abcdef01-0002-0003-0004-000000000005"},
    {"String", "a\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80", 10, "aé☃😀"},
    {"String", "\xc3(\xff", 3, "\xef\xbf\xbd(\xef\xbf\xbd"},
    {"String", "\xed\xa0\x80", 3, "\xef\xbf\xbd"},
    {"String", "\xc0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
    {"String", "\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"String", "\xe2\x98", 2, "\xef\xbf\xbd"},
    {"String", "", 0, ""},
};

START_TEST(prints)
{
    ck_assert_ptr_null(print(good[_i].class, NULL, good[_i].bytes, good[_i].len));
    ck_assert_str_eq(text, good[_i].text);
}
END_TEST

START_TEST(encodings)
{
    ck_assert_ptr_null(print("String", "ISO-8859-1", "\xe9", 1));
    ck_assert_str_eq(text, "é");
    ck_assert_ptr_null(print("String", "UTF-16", "\0A", 2));
    ck_assert_str_eq(text, "A");
    ck_assert_ptr_null(print("String", "UTF-16",
                             "\xff\xfe"
                             "A\0",
                             4));
    ck_assert_str_eq(text, "A");
    ck_assert_ptr_null(print("String", "US-ASCII", "a\xe9", 2));
    ck_assert_str_eq(text, "a\xef\xbf\xbd");
    ck_assert_ptr_null(print("UUID", "UTF-16BE", "\0001\0-\0002\0-\0003\0-\0004\0-\0005", 18));
    ck_assert_str_eq(text, "00000001-0002-0003-0004-000000000005");
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *class, *bytes;
        size_t len;
    } bad[] = {{"Short", "a", 1},
               {"Integer", "abc", 3},
               {"Long", "null", 4},
               {"Float", "", 0},
               {"Double", "a", 1},
               {"Boolean", "\2", 1},
               {"Boolean", "\0\1", 2},
               {"Void", "", 0},
               {"UUID", "1-2-3-4", 7},
               {"UUID", "1-2-3-4-", 8},
               {"UUID", "1-2-3-4-5-6", 11},
               {"UUID", "1-2-3-4-5\0", 10},
               {"UUID", "ffffffffffffffff-2-3-4-5", 24}};

    ck_assert_ptr_nonnull(print(bad[_i].class, NULL, bad[_i].bytes, bad[_i].len));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(unknown)
{
    deserializer d;

    ck_assert(!deserializer_find(&d, "org.apache.kafka.common.serialization.ListDeserializer"));
    ck_assert(!deserializer_find(&d, "com.example.StringDeserializer"));
    ck_assert(!deserializer_find(&d, "String"));
    ck_assert(deserializer_find(&d, "org.apache.kafka.common.serialization.StringDeserializer"));
    ck_assert(!deserializer_set_encoding(&d, "no-such-encoding"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("deserializer");
    TCase *t = tcase_create("deserializer");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, prints, 0, (int)(sizeof good / sizeof *good));
    tcase_add_test(t, encodings);
    tcase_add_loop_test(t, refuses, 0, 13);
    tcase_add_test(t, unknown);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
