/* What Java's assignors say of the same groups (tests/interop/java/AssignGolden.java): the same
 * where there is one right answer; else, where Java follows the order of a hash map, the same
 * balance, as little moved and as much near.
 *
 *     test_golden            golden.txt
 *     test_golden FILE       another, of which it also tells what it found */
#include "groups.h"

#ifndef GOLDEN
#define GOLDEN "tests/unit/membership/golden.txt"
#endif

enum { LONGEST_LINE = 1 << 16 };

static const char *path = GOLDEN;
static int line_number;

static struct {
    int groups, one_answer, same, as_good, user_data;
    int64_t kept, kept_by_java, near, near_by_java; /* where there is not one right answer */
} found;

static kfk__assign_share theirs[MOST_MEMBERS];
static measure java, ours;

static void read_theirs(void)
{
    for (int32_t m = 0; m < group.n_members; m++)
        theirs[m].topics = parts_of(expected[m], &theirs[m].n);
    take_measure(theirs, &java);
    as_sorted(&java);
}

/* What is withheld until the next round has no holder, and so makes no balance. */
static void compare_balance(const char *name)
{
    for (int32_t m = 0; m < group.n_members && strcmp(name, "sticky") == 0; m++)
        ck_assert_msg(ours.sizes[m] == java.sizes[m], "%s:%d: another balance", path, line_number);
}

static void compare(const char *name, bool one_answer)
{
    const kfk__assignor *a = called(name);
    bool same;

    write_user_data(a);
    assign(a);
    same = as_expected();
    found.groups++;
    found.one_answer += one_answer;
    found.same += same;
    ck_assert_msg(same || !one_answer, "%s:%d: another answer than Java's", path, line_number);
    read_theirs();
    take_measure(answer, &ours);
    as_sorted(&ours);
    compare_balance(name);
    if (one_answer)
        return;
    found.as_good += !same && ours.kept == java.kept && ours.near == java.near;
    found.kept += ours.kept;
    found.kept_by_java += java.kept;
    found.near += ours.near;
    found.near_by_java += java.near;
}

static kfk_bytes unhex(const char *text)
{
    size_t n = strlen(text) / 2;
    uint8_t *v = keep(n);
    unsigned byte;

    for (size_t i = 0; i < n; i++) {
        MUST(sscanf(text + 2 * i, "%2x", &byte) == 1);
        v[i] = (uint8_t)byte;
    }
    return strcmp(text, "-") == 0 ? (kfk_bytes){0} : kfk__bytes(v, n);
}

/* u NAME GENERATION OWNED HEX */
static void compare_user_data(const char *line)
{
    const char *rest = line + 2;
    const kfk__assignor *a = called(word(&rest));
    kfk__assign_mine mine = {.generation = (int32_t)strtol(word(&rest), NULL, 10)};
    kfk_bytes ours_data;

    mine.any = mine.generation >= 0;
    mine.topics = parts_of(word(&rest), &mine.n);
    ck_assert_int_eq(a->user_data(a, &mine, &memory, &ours_data), KFK_OK);
    ck_assert_msg(kfk__bytes_equal(ours_data, unhex(word(&rest))), "%s:%d: other user data", path,
                  line_number);
    found.user_data++;
}

static void end_case(char *name, bool one_answer)
{
    if (*name)
        compare(name, one_answer);
    *name = '\0';
    forget_group();
}

START_TEST(as_java)
{
    static char line[LONGEST_LINE], name[32];
    FILE *f = fopen(path, "r");
    char kind = '=';

    ck_assert_msg(f != NULL, "no %s: run it from the top of the sources", path);
    for (line_number = 1; fgets(line, sizeof line, f); line_number++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'c' || line[0] == 'u')
            end_case(name, kind == '=');
        if (line[0] == 'c')
            ck_assert_int_eq(sscanf(line, "case %31s %c", name, &kind), 2);
        else if (line[0] == 'u')
            compare_user_data(line);
        else if (line[0] != '#')
            add_line(line);
    }
    end_case(name, kind == '=');
    ck_assert(feof(f) && found.groups > 0 && found.user_data > 0);
    (void)fclose(f);
    /* Among members that are equal otherwise Java takes another first, and so one more or one less
     * is kept or near now and then; over many groups that must come to the same. */
    ck_assert_int_ge(found.kept * 1000, found.kept_by_java * 999);
    ck_assert_int_ge(found.near * 1000, found.near_by_java * 995);
    if (strcmp(path, GOLDEN) != 0)
        printf(
            "%d groups: %d the same, %d of which have one answer, and %d as good; kept %lld (%lld),"
            " near %lld (%lld); %d user data\n",
            found.groups, found.same, found.one_answer, found.as_good, (long long)found.kept,
            (long long)found.kept_by_java, (long long)found.near, (long long)found.near_by_java,
            found.user_data);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {as_java, NULL};

    if (argc > 1)
        path = argv[1];
    return run_groups("membership/golden", tests);
}
