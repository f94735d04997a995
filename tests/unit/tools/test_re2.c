/* What Kafka's own tool says of these is in tests/kafka/groups.golden; here is what goes on inside
 * of brackets, braces and parentheses, and that no text is read past its end. */
#include "unit/suite.h"

#include <string.h>

#include "../tools/kfk/re2.h"

static void is_sound(const char *text)
{
    ck_assert_msg(!re2_fault(text), "%s: %s", text, re2_fault(text));
}

static void is_faulty(const char *text, const char *why)
{
    const char *fault = re2_fault(text);

    ck_assert_msg(fault && strstr(fault, why), "%s: %s", text, fault ? fault : "sound");
}

START_TEST(brackets)
{
    is_sound("[abc]");
    is_sound("[^a-z0-9_]+");
    is_sound("[]]");
    is_sound("[a\\]b]");
    is_sound("[\\d\\-\\x41-\\x{5a}]");
    is_sound("[[:^digit:][:alpha:]]");
    is_sound("[a-]");
    is_faulty("[", "missing closing ]");
    is_faulty("[a-", "missing closing ]");
    is_faulty("[b-a]", "range");
    is_faulty("[\\q]", "escape");
    is_faulty("[\\", "trailing backslash");
    is_faulty("[[:nothing:]]", "range");
}
END_TEST

START_TEST(repetitions)
{
    is_sound("a{0}b{0,1000}c{2,}?");
    is_sound("a{x}{,}");
    is_sound("(a+)*");
    is_faulty("a+*", "nested");
    is_faulty("a{2}{3}", "nested");
    is_faulty("a{1,1001}", "repeat count");
    is_faulty("+", "missing argument");
    is_faulty("(|?)", "missing argument");
}
END_TEST

START_TEST(groups)
{
    is_sound("((a)|(?:b))");
    is_sound("(?i)(?-s)(?im-U:a)");
    is_sound("(?P<n_1>a)");
    is_faulty("(", "missing closing )");
    is_faulty("(a|b", "missing closing )");
    is_faulty("(?P<n>a", "missing closing )");
    is_faulty("(?P<n", "named capture");
    is_faulty("(?P<>a)", "named capture");
    is_faulty("(?-)", "Perl");
    is_faulty("(?", "Perl");
    is_faulty("(?<=a)", "Perl");
}
END_TEST

START_TEST(escapes)
{
    is_sound("\\A\\b\\B\\z\\.\\\\\\n\\012");
    is_sound("\\pL\\P{Greek}\\p{^Lu}");
    is_sound("\\Qa(b[c\\E+");
    is_sound("\\Qa(b[c");
    is_faulty("\\", "trailing backslash");
    is_faulty("\\8", "escape");
    is_faulty("\\x", "escape");
    is_faulty("\\x{110000}", "escape");
    is_faulty("\\x{41", "escape");
    is_faulty("\\p", "range");
    is_faulty("\\p{Greek", "range");
}
END_TEST

/* Made by chance of what has a meaning: it ends, within the text. */
START_TEST(any_text)
{
    static const char letters[] = "ab()[]{}|*+?\\^$-,:0129PxQE<>i=!";
    uint64_t state = 7;

    for (int i = 0; i < 200000; i++) {
        size_t n = chance(&state) % 12;
        char *text = calloc(n + 1, 1);

        for (size_t k = 0; k < n; k++)
            text[k] = letters[chance(&state) % (sizeof letters - 1)];
        (void)re2_fault(text);
        free(text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {brackets, repetitions, groups, escapes, any_text, NULL};

    return unit_main("tools/re2", tests);
}
