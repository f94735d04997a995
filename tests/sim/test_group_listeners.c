/* What listeners may say, and what becomes of it. */
#include <string.h>

#include "sim/crew.h"

static const char *protocol;

static void run(uint64_t seeds, void (*app)(void))
{
    static const char *const protocols[] = {"classic", "consumer"};

    for (int i = 0; i < 2; i++) {
        protocol = protocols[i];
        world_seeds(&(world_opts){.nodes = 2, .heard = crew_heard}, seeds, app);
    }
}

static void begin(void)
{
    crew_begin(protocol);
    crew_topic(0, 2);
    crew_fill(0, 2, 10);
}

static void end(void)
{
    crew_end();
    ck_assert_int_eq(crew_group().members, 0);
}

static void says_no(void)
{
    const crew_habits no = {.answer = -5};
    kfk_error e;

    begin();
    (void)crew_join_as(&no, "t0", NULL);
    (void)crew_await(10000);
    crew_await_read(10000);
    e = crew_error(0);
    ck_assert_int_eq(e.code, -5);
    ck_assert(!(e.flags & KFK_FATAL));
    ck_assert_msg(strstr(e.msg, "assigned()"), "%s", e.msg);
    ck_assert_int_eq(crew_has(0), 2);
    ck_assert_int_eq(crew_leave(0, 10000), -5); /* revoked() says so, too */
    end();
}

START_TEST(what_a_listener_says_poll_says)
{
    run(3, says_no);
}
END_TEST

static void elsewhere(void)
{
    const crew_habits at = {.from_start = true, .start_plus = 7};

    begin();
    (void)crew_join_as(&at, "t0", NULL);
    (void)crew_await(10000);
    nap(2000);
    for (int id = 0; id < w.sent; id++)
        ck_assert_int_eq(crew_reads(id), id / 2 >= 7);
    crew_end();
    (void)crew_join("t0", NULL); /* and from there it was committed */
    (void)crew_await(10000);
    nap(2000);
    for (int id = 0; id < w.sent; id++)
        ck_assert_int_eq(crew_reads(id), id / 2 >= 7);
    end();
}

START_TEST(assigned_may_set_offsets)
{
    run(5, elsewhere);
}
END_TEST

static void without_lost(void)
{
    const crew_habits none = {.no_lost = true};

    begin();
    (void)crew_join_as(&none, "t0", "max.poll.interval.ms", "8000", NULL);
    (void)crew_await(10000);
    crew_forget_log(0);
    crew_pause(0, 12000);
    nap(13000);
    (void)crew_await(10000);
    ck_assert_str_eq(crew_log(0), "-t0-0 t0-1;+t0-0 t0-1;");
    ck_assert_int_eq(crew_errors(0, KFK_OK), 0);
    end();
}

START_TEST(without_lost_revoked_is_called)
{
    run(3, without_lost);
}
END_TEST

/* Too long for its deadline: it loses what it was to give up, and is told once it is back. */
static void too_slow(void)
{
    begin();
    (void)crew_join("t0", "max.poll.interval.ms", "8000", NULL);
    (void)crew_await(10000);
    crew_await_read(10000);
    crew_forget_log(0);
    (void)crew_join("t0", "max.poll.interval.ms", "8000", NULL);
    crew_pause(0, 30000);
    nap(15000);
    ck_assert_int_eq(crew_has(1), 2);
    ck_assert_str_eq(crew_log(0), "");
    nap(16000);
    (void)crew_await(15000);
    ck_assert_int_eq(crew_log(0)[0], '!');
    ck_assert_int_eq(crew_has(0), 1);
    end();
}

START_TEST(who_gives_nothing_up_in_time_loses_it)
{
    run(5, too_slow);
}
END_TEST

/* What is lost and not told of yet is told of by unsubscribe and close. */
static void leaves_while_lost(void)
{
    begin();
    (void)crew_join("t0", "max.poll.interval.ms", "8000", NULL);
    (void)crew_await(10000);
    crew_forget_log(0);
    crew_pause(0, 20000);
    nap(10000);
    ck_assert_str_eq(crew_log(0), "");
    ck_assert_int_eq(below(2) ? crew_leave(0, 10000) : crew_unsubscribe(0, 10000), KFK_OK);
    ck_assert_str_eq(crew_log(0), "!t0-0 t0-1;");
    end();
}

START_TEST(who_leaves_hears_of_what_was_lost)
{
    run(5, leaves_while_lost);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_a_listener_says_poll_says,
                                  assigned_may_set_offsets,
                                  without_lost_revoked_is_called,
                                  who_gives_nothing_up_in_time_loses_it,
                                  who_leaves_hears_of_what_was_lost,
                                  NULL};

    return world_main("group_listeners", tests);
}
