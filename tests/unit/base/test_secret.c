#include "unit/suite.h"

#include <stdbool.h>

#include "base/secret.h"

/* An allocator that looks at what it is given back. */
static char held[16];
static bool released;

static void look(void *ctx, void *p)
{
    (void)ctx;
    ck_assert_ptr_eq(p, held);
    for (size_t i = 0; i < sizeof "password"; i++)
        ck_assert_int_eq(held[i], 0);
    released = true;
}

static const kfk_allocator looking = {.release = look};

START_TEST(a_secret_is_cleared_before_it_is_given_back)
{
    memcpy(held, "password\0after", sizeof "password\0after");
    kfk__release_secret(&looking, held);
    ck_assert(released);
    ck_assert_str_eq(held + sizeof "password", "after"); /* that was not part of it */
}
END_TEST

START_TEST(no_secret_is_nothing)
{
    kfk__release_secret(&looking, NULL);
    kfk__wipe(NULL, 0);
    ck_assert(!released);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("secret");

    tcase_add_test(t, a_secret_is_cleared_before_it_is_given_back);
    tcase_add_test(t, no_secret_is_nothing);
    return run_suite("base/secret", t);
}
