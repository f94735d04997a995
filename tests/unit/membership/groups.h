/* What the tests of the assignors share: groups from text, answers as text, and what can be
 * measured of an answer. The text is that of golden.txt (tests/interop/java/AssignGolden.java says
 * what it means); "-" is none:
 *
 *     t TOPIC PARTITIONS RACKS
 *     m ID INSTANCE RACK GENERATION TOPICS OWNED [ANSWER] */
#ifndef TESTS_MEMBERSHIP_GROUPS_H
#define TESTS_MEMBERSHIP_GROUPS_H

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "membership/assignors.h"
#include "sim/failalloc.h"
#include "unit/suite.h"

enum { MOST_MEMBERS = 1024, MOST_TOPICS = 1024, MOST_PARTITIONS = 1 << 14 };

static failalloc mem;
static kfk_allocator alloc;

/* A group, and what it lies in. */
static kfk__arena memory;
static kfk__assign_member members[MOST_MEMBERS];
static kfk__assign_topic topics[MOST_TOPICS];
static const char *expected[MOST_MEMBERS]; /* answers, or NULL */
static kfk__assign_group group;

/* What an assignor said. */
static kfk__arena answers;
static const kfk__assign_share *answer;

static void setup(void)
{
    failalloc_init(&mem);
    alloc = failalloc_allocator(&mem);
    kfk__arena_init(&memory, &alloc);
    kfk__arena_init(&answers, &alloc);
    group = (kfk__assign_group){.members = members, .topics = topics};
}

static void teardown(void)
{
    kfk__arena_fini(&memory);
    kfk__arena_fini(&answers);
    ck_assert_uint_eq(failalloc_blocks(&mem), 0);
}

static inline int run_groups(const char *name, const TTest *const *tests)
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    for (; *tests; tests++)
        tcase_add_test(t, *tests);
    return run_suite(name, t);
}

static inline void *keep(size_t n)
{
    void *p = kfk__arena_alloc(&memory, n + 1);

    MUST(p != NULL);
    return p;
}

static inline kfk_bytes keep_bytes(const char *s, size_t n)
{
    return kfk__bytes(memcpy(keep(n), s, n), n);
}

static inline const kfk__assignor *called(const char *name)
{
    const kfk__assignor *a = kfk__assignor_find(kfk__bytes_str(name), NULL, 0);

    MUST(a != NULL);
    return a;
}

/* ---- a group from text ---- */

/* The next piece of |*s| up to |end| or the end, without it; false: there is none any more. */
static inline bool piece(const char **s, char end, kfk_bytes *out)
{
    size_t n;

    if (!*s)
        return false;
    n = strcspn(*s, (char[]){end, '\0'});
    *out = keep_bytes(*s, n);
    *s = (*s)[n] ? *s + n + 1 : NULL;
    return true;
}

static inline bool is_none(kfk_bytes text)
{
    return text.len == 1 && memcmp(text.data, "-", 1) == 0;
}

static inline const char *as_string(kfk_bytes text)
{
    char *s = keep(text.len);

    memcpy(s, text.data, text.len);
    s[text.len] = '\0';
    return s;
}

static inline const char *word(const char **s)
{
    kfk_bytes text;

    return piece(s, ' ', &text) ? as_string(text) : NULL;
}

static inline kfk_bytes maybe(const char *text)
{
    return strcmp(text, "-") == 0 ? (kfk_bytes){0} : kfk__bytes_str(text);
}

/* "a,b" */
static inline const kfk_bytes *names_of(const char *text, int32_t *n)
{
    kfk_bytes *v = keep((strlen(text) + 1) * sizeof *v);

    *n = 0;
    if (strcmp(text, "-") != 0 && *text)
        while (piece(&text, ',', &v[*n]))
            ++*n;
    return v;
}

/* "p0:0,1/p1:3" */
static inline const kfk__topic_parts *parts_of(const char *text, int32_t *n)
{
    kfk__topic_parts *v = keep((strlen(text) + 1) * sizeof *v);
    kfk_bytes part, number;

    *n = 0;
    if (strcmp(text, "-") == 0)
        return v;
    while (piece(&text, '/', &part)) {
        const char *rest = as_string(part);
        int32_t *numbers = keep((part.len + 1) * sizeof *numbers);
        int32_t k = 0;
        kfk_bytes name;

        (void)piece(&rest, ':', &name);
        while (piece(&rest, ',', &number))
            numbers[k++] = (int32_t)strtol(as_string(number), NULL, 10);
        v[(*n)++] = (kfk__topic_parts){name, numbers, k};
    }
    return v;
}

static inline void add_topic(const char *name, int32_t n, const char *racks)
{
    kfk__assign_topic *t = &topics[group.n_topics++];
    kfk__assign_racks *v = keep(((size_t)(n > 0 ? n : 0) + 1) * sizeof *v);
    kfk_bytes of;

    MUST(group.n_topics <= MOST_TOPICS);
    *t = (kfk__assign_topic){.name = keep_bytes(name, strlen(name)), .n_partitions = n};
    if (strcmp(racks, "-") == 0 && n != 1)
        return;
    t->racks = v;
    for (int32_t p = 0; p < n; p++) {
        MUST(piece(&racks, '/', &of));
        v[p].v = names_of(as_string(of), &v[p].n);
    }
}

static inline void add_member(const char *line)
{
    kfk__assign_member *m = &members[group.n_members];
    const char *rest = line, *answer_text;

    MUST(group.n_members < MOST_MEMBERS);
    *m = (kfk__assign_member){.id = kfk__bytes_str(word(&rest))};
    m->instance = maybe(word(&rest));
    m->rack = maybe(word(&rest));
    m->generation = (int32_t)strtol(word(&rest), NULL, 10);
    m->topics = names_of(word(&rest), &m->n_topics);
    m->owned = parts_of(word(&rest), &m->n_owned);
    answer_text = word(&rest);
    expected[group.n_members++] = answer_text;
}

/* One line of it. */
static inline void add_line(const char *line)
{
    const char *rest = line + 2, *name, *n;

    if (line[0] == 'm') {
        add_member(rest);
        return;
    }
    MUST(line[0] == 't');
    name = word(&rest);
    n = word(&rest);
    add_topic(name, (int32_t)strtol(n, NULL, 10), word(&rest));
}

static inline void forget_group(void)
{
    group.n_members = group.n_topics = 0;
    kfk__arena_reset(&memory);
}

/* A group of lines. */
static inline void group_of(const char *text)
{
    kfk_bytes line;

    forget_group();
    while (piece(&text, '\n', &line))
        if (line.len > 0)
            add_line(as_string(line));
}

/* Each member writes the user data that it has for this assignor. */
static inline void write_user_data(const kfk__assignor *a)
{
    for (int32_t m = 0; m < group.n_members; m++) {
        kfk__assign_mine mine = {members[m].generation >= 0, members[m].n_owned, members[m].owned,
                                 members[m].generation};

        members[m].user_data = (kfk_bytes){0};
        if (a->user_data)
            MUST(a->user_data(a, &mine, &memory, &members[m].user_data) == KFK_OK);
    }
}

/* Runs it on the group. */
static inline void assign(const kfk__assignor *a)
{
    kfk_error why;

    kfk__arena_reset(&answers);
    answer = NULL;
    kfk__error_clear(&why);
    MUST(a->assign(a, &group, &answers, &answer, &why) == KFK_OK);
}

/* ---- an answer as text ---- */

static inline const char *text_of(int32_t m)
{
    static char text[1 << 16];
    size_t at = 0;

    for (int32_t i = 0; i < answer[m].n; i++) {
        const kfk__topic_parts *t = &answer[m].topics[i];

        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? "/" : "",
                               (int)t->topic.len, (const char *)t->topic.data);
        for (int32_t k = 0; k < t->n; k++)
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "%c%d", k ? ',' : ':', (int)t->v[k]);
        MUST(at < sizeof text);
    }
    return at ? text : "-";
}

/* ... is what the member's line says. */
static inline bool as_expected(void)
{
    for (int32_t m = 0; m < group.n_members; m++)
        if (strcmp(text_of(m), expected[m]) != 0)
            return false;
    return true;
}

/* ---- what can be measured: holders by topic, in the group's order, and partition ---- */

typedef struct measure {
    int32_t holder[MOST_PARTITIONS]; /* the member, or -1 */
    int32_t sizes[MOST_MEMBERS];     /* what each has; as_sorted: the most first */
    int32_t given, kept, near; /* in all; what its holder says it owned; in its holder's rack */
} measure;

static inline int32_t topic_index(kfk_bytes name)
{
    for (int32_t t = 0; t < group.n_topics; t++)
        if (kfk__bytes_equal(topics[t].name, name))
            return t;
    return -1;
}

static inline int32_t first_of(int32_t t)
{
    int32_t sum = 0;

    for (int32_t i = 0; i < t; i++)
        sum += topics[i].n_partitions > 0 ? topics[i].n_partitions : 0;
    return sum;
}

static inline bool owns(int32_t m, kfk_bytes topic, int32_t p)
{
    for (int32_t i = 0; i < members[m].n_owned; i++)
        for (int32_t k = 0; k < members[m].owned[i].n; k++)
            if (members[m].owned[i].v[k] == p && kfk__bytes_equal(members[m].owned[i].topic, topic))
                return true;
    return false;
}

static inline bool reads(int32_t m, kfk_bytes topic)
{
    for (int32_t i = 0; i < members[m].n_topics; i++)
        if (kfk__bytes_equal(members[m].topics[i], topic))
            return true;
    return false;
}

static inline bool is_near(int32_t m, int32_t t, int32_t p)
{
    const kfk__assign_racks *racks = topics[t].racks ? &topics[t].racks[p] : NULL;

    for (int32_t i = 0; racks && i < racks->n; i++)
        if (kfk__bytes_equal(racks->v[i], members[m].rack))
            return true;
    return false;
}

/* Also sees to it that the answer is one: what is there, was subscribed to, and once. */
static inline void take_measure(const kfk__assign_share *of, measure *out)
{
    int32_t all = first_of(group.n_topics);

    MUST(all <= MOST_PARTITIONS);
    memset(out, 0, sizeof *out);
    for (int32_t p = 0; p < all; p++)
        out->holder[p] = -1;
    for (int32_t m = 0; m < group.n_members; m++) {
        for (int32_t i = 0; i < of[m].n; i++) {
            const kfk__topic_parts *part = &of[m].topics[i];
            int32_t t = topic_index(part->topic), first = first_of(t);

            MUST(t >= 0 && part->n > 0 && reads(m, part->topic));
            for (int32_t k = 0; k < part->n; k++) {
                MUST(part->v[k] >= 0 && part->v[k] < topics[t].n_partitions);
                MUST(out->holder[first + part->v[k]] == -1);
                out->holder[first + part->v[k]] = m;
                out->sizes[m]++;
                out->given++;
                out->kept += owns(m, part->topic, part->v[k]);
                out->near += is_near(m, t, part->v[k]);
            }
        }
    }
}

static inline int more_first(const void *a, const void *b)
{
    return *(const int32_t *)b - *(const int32_t *)a;
}

static inline void as_sorted(measure *m)
{
    qsort(m->sizes, (size_t)group.n_members, sizeof m->sizes[0], more_first);
}

/* How many partitions somebody subscribes to. */
static inline int32_t n_wanted(void)
{
    int32_t n = 0;

    for (int32_t t = 0; t < group.n_topics; t++)
        for (int32_t m = 0; m < group.n_members; m++)
            if (reads(m, topics[t].name)) {
                n += topics[t].n_partitions > 0 ? topics[t].n_partitions : 0;
                break;
            }
    return n;
}

#endif
