/* The descriptors that tell a program's own loop when to look at a handle. */
#include "unit/net/net.h"

#include <poll.h>

#include <kfk/kfk.h>

static kfk_consumer *new_consumer(void)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_consumer *made;

    ck_assert_int_eq(kfk_config_set(c, "bootstrap.servers", "127.0.0.1:1", NULL), KFK_OK);
    ck_assert_int_eq(kfk_consumer_new(&made, c, NULL), KFK_OK);
    kfk_config_free(c);
    return made;
}

static bool rings(kfk_consumer *c)
{
    struct pollfd p = {.fd = kfk_consumer_fd(c), .events = POLLIN};

    ck_assert_int_ge(p.fd, 0);
    return poll(&p, 1, 0) == 1;
}

static kfk_err poll_nothing(kfk_consumer *c)
{
    kfk_records *rs;
    kfk_err err = kfk_consumer_poll(c, 0, &rs, NULL);

    ck_assert_ptr_null(rs);
    return err;
}

/* However often it is asked for. */
START_TEST(it_is_quiet_until_there_is_something)
{
    kfk_consumer *c = new_consumer();
    int fd = kfk_consumer_fd(c);

    ck_assert_int_eq(poll_nothing(c), KFK_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kfk_consumer_fd(c), fd);
        ck_assert(!rings(c));
    }
    kfk_consumer_wakeup(c);
    for (int64_t until = far_off(); !rings(c) && now() < until;)
        sched_yield();
    ck_assert(rings(c));
    ck_assert_int_eq(poll_nothing(c), KFK_ERR_WOKEN);
    for (int64_t until = far_off();
         rings(c) && now() < until;) /* the wake-up's own way may take a moment */
        ck_assert_int_eq(poll_nothing(c), KFK_OK);
    ck_assert(!rings(c));
    kfk_consumer_free(c);
}
END_TEST

/* What there is when it is asked for first is not passed over. */
START_TEST(it_rings_at_first)
{
    kfk_tp nowhere = {.topic = "t", .flags = KFK_OFFSET, .offset = 0};
    kfk_consumer *c = new_consumer();

    ck_assert_int_eq(kfk_consumer_assign(c, &nowhere, 1, NULL), KFK_OK);
    ck_assert(rings(c));
    ck_assert_int_eq(poll_nothing(c), KFK_OK);
    ck_assert(!rings(c));
    kfk_consumer_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fd");
    TCase *t = tcase_create("fd");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, it_is_quiet_until_there_is_something);
    tcase_add_test(t, it_rings_at_first);
    suite_add_tcase(s, t);
    return run_suite(s);
}
