/* Records out of lines, as Kafka's LineMessageReader reads them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/kfk/lines.h"

/* What a record is, as text: "key|value|h=v,..." with NULL for null. */
static void show(char *out, const lines_record *r)
{
    kfk_bytes all[2] = {r->key, r->value};

    *out = '\0';
    for (int i = 0; i < 2; i++) {
        strncat(out, all[i].data ? all[i].data : "NULL", all[i].data ? all[i].len : 4);
        strcat(out, "|");
    }
    for (size_t i = 0; i < r->n_headers; i++) {
        strncat(out, r->headers[i].key.data, r->headers[i].key.len);
        strcat(out, "=");
        if (r->headers[i].value.data)
            strncat(out, r->headers[i].value.data, r->headers[i].value.len);
        else
            strcat(out, "NULL");
        strcat(out, ",");
    }
}

enum { MOST = 3 };

static const struct {
    const char *properties[6];
    const char *text;
    const char *records[MOST]; /* or what is wrong with the line */
} cases[] = {
    {{0}, "one\n\ntwo\r\n", {"NULL|one|", "NULL||", "NULL|two|"}},
    {{0}, "no end", {"NULL|no end|"}},
    {{0}, "cr\rand\r\n\rend", {"NULL|cr|", "NULL|and|", "NULL||"}},
    {{"parse.key=true"}, "k\tv\n\tv\nk\t\n", {"k|v|", "|v|", "k||"}},
    {{"parse.key=true"},
     "a\tb\nno key\n",
     {"a|b|", "No key separator found on line number 2: 'no key'"}},
    {{"parse.key=TRUE", "ignore.error=true"}, "no key\n", {"NULL|no key|"}},
    {{"parse.key=true", "key.separator=::"}, "k::v::w\n", {"k|v::w|"}},
    {{"parse.key=true", "null.marker=NIL"}, "NIL\tNIL\n", {"NULL|NULL|"}},
    {{"parse.headers=true", "parse.key=true"}, "a:1,b:2\tk\tv\n", {"k|v|a=1,b=2,"}},
    {{"parse.headers=true", "null.marker=N"},
     "a:N,b:\tv\nN\tv\n",
     {"NULL|v|a=NULL,b=,", "NULL|v|"}},
    {{"parse.headers=true"},
     "a\tv\n",
     {"No header key separator found in pair 'a' on line number 1"}},
    {{"parse.headers=true", "ignore.error=true"}, "a\tv\nx\n", {"NULL|v|a=NULL,", "NULL|x|"}},
    {{"parse.headers=true"}, "a:1\n", {"No headers delimiter found on line number 1: 'a:1'"}},
    {{"parse.headers=true", "parse.key= True "}, "a:1,,\tk\tv\n,\tk\tv\n", {"k|v|a=1,", "k|v|"}},
    {{"parse.headers=true", "headers.separator= *; *"},
     "a:1 ;b: 2;  c:\tv\n",
     {"NULL|v|a=1,b= 2,c=,"}},
    {{"parse.headers=true"},
     "\tv\n",
     {"No header key separator found in pair '' on line number 1"}},
    {{"parse.headers=true", "headers.delimiter=/", "headers.separator=;",
      "headers.key.separator==", "parse.key=true", "key.separator=+"},
     "a=1;b=2/k+v\n",
     {"k|v|a=1,b=2,"}},
};

START_TEST(records)
{
    lines l;
    FILE *in = fmemopen((void *)(uintptr_t)cases[_i].text, strlen(cases[_i].text), "r");

    lines_init(&l);
    for (int i = 0; i < 6 && cases[_i].properties[i]; i++)
        lines_set(&l, cases[_i].properties[i]);
    ck_assert(lines_check(&l));
    for (int i = 0; i < MOST && cases[_i].records[i]; i++) {
        lines_record r;
        char text[256];
        int got = lines_next(&l, in, &r);

        ck_assert_int_ne(got, 0);
        show(text, &r);
        ck_assert_str_eq(got > 0 ? text : l.why, cases[_i].records[i]);
        free(r.headers);
    }
    (void)fclose(in);
    lines_fini(&l);
}
END_TEST

START_TEST(separators_differ)
{
    static const struct {
        const char *pair, *why;
    } bad[] = {
        {"headers.separator=\t", "headers.delimiter and headers.separator may not be equal"},
        {"headers.key.separator=,", "headers.separator and headers.key.separator may not be equal"},
        {"null.marker=\t", "null.marker and key.separator may not be equal"}};
    lines l;

    lines_init(&l);
    lines_set(&l, bad[_i].pair);
    ck_assert(!lines_check(&l));
    ck_assert_str_eq(l.why, bad[_i].why);
    lines_fini(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lines");
    TCase *t = tcase_create("lines");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, records, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, separators_differ, 0, 3);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
