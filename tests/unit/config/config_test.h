/* What the tests of kfk_config share: an allocator that counts, fails at the i-th call and looks
 * for secrets in what is given back, and a log that is kept. */
#ifndef KFK_TESTS_CONFIG_TEST_H
#define KFK_TESTS_CONFIG_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

typedef struct heap {
    long left;          /* allocations until the one that fails; negative: none does */
    long live;          /* blocks not given back */
    const char *secret; /* must not stand in a block that is given back */
} heap;

/* A block with its size before it. It is full of junk, since a release looks through all of it. */
static inline void *heap_alloc(void *ctx, size_t n)
{
    heap *h = ctx;
    size_t *p;

    if (h->left == 0)
        return NULL;
    h->left -= h->left > 0;
    p = malloc(n + 2 * sizeof *p);
    p[0] = n;
    memset(p + 2, 0xa5, n);
    h->live++;
    return p + 2;
}

static inline void heap_release(void *ctx, void *block)
{
    size_t *p = (size_t *)block - 2;
    heap *h = ctx;

    if (h->secret)
        ck_assert_ptr_null(memmem(block, p[0], h->secret, strlen(h->secret)));
    h->live--;
    free(p);
}

static inline void *heap_resize(void *ctx, void *block, size_t n)
{
    void *p = heap_alloc(ctx, n);

    if (p && block) {
        size_t old = ((size_t *)block)[-2];

        memcpy(p, block, old < n ? old : n);
        heap_release(ctx, block);
    }
    return p;
}

static inline kfk_allocator heap_allocator(heap *h)
{
    return (kfk_allocator){heap_alloc, heap_resize, heap_release, h};
}

typedef struct lines {
    int n;
    char text[4096];
} lines;

static inline void keep_line(int level, const char *subsystem, const char *msg, void *arg)
{
    lines *l = arg;
    size_t len = strlen(l->text);

    ck_assert_str_eq(subsystem, "config");
    snprintf(l->text + len, sizeof l->text - len, "%d %s\n", level, msg);
    l->n++;
}

static inline void keep_log(kfk_config *c, lines *l)
{
    kfk_hooks h = {.struct_size = sizeof h, .log = keep_line};

    ck_assert_int_eq(kfk_config_hooks(c, &h, l, NULL), KFK_OK);
}

/* Sets "name=value" pairs, up to NULL. */
static inline kfk_config *config_of(const char *const *pairs)
{
    kfk_config *c = kfk_config_new(NULL);

    for (; *pairs; pairs++) {
        const char *eq = strchr(*pairs, '=');
        char name[80];
        kfk_error e = {0};

        snprintf(name, sizeof name, "%.*s", (int)(eq - *pairs), *pairs);
        ck_assert_msg(!kfk_config_set(c, name, eq + 1, &e), "%s", e.msg);
    }
    return c;
}

/* ---- rows of what kfk__config_check does ---- */

enum { MAX_PAIRS = 7 };

/* Properties set by calls, the role, and the error, or "" and values that the check leaves. */
typedef struct row {
    const char *set[MAX_PAIRS];
    uint32_t role;
    const char *error;
    const char *left[MAX_PAIRS];
} row;

static inline void check_row(const row *r)
{
    kfk_config *c = config_of(r->set);
    kfk_config *copy = kfk__config_copy(c, NULL);
    kfk_error e = {0};
    kfk_err err = kfk__config_check(copy, r->role, &e);

    if (*r->error) {
        ck_assert_int_eq(err, KFK_ERR_CONFIG);
        ck_assert_msg(strstr(e.msg, r->error) != NULL, "%s", e.msg);
    } else {
        ck_assert_msg(!err, "%s", e.msg);
    }
    for (const char *const *left = r->left; *left; left++) {
        const char *eq = strchr(*left, '=');
        char name[80];

        snprintf(name, sizeof name, "%.*s", (int)(eq - *left), *left);
        ck_assert_str_eq(kfk__config_string(copy, (kfk__property_id)kfk__property_find(name)),
                         eq + 1);
    }
    kfk_config_free(copy);
    kfk_config_free(c);
}

/* A file with this text; the path is to be unlinked. */
static inline void write_file(char path[32], const char *text)
{
    int fd;

    strcpy(path, "/tmp/kfk-config-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static inline int run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
