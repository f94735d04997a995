/* The heap of timers against a list that is searched. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sched.h"
#include "sim/timers.h"

#define N 40

static sim_timer timers[N];

/* The set one that is due first; of those due at once, the one set first. */
static sim_timer *expected(void)
{
    sim_timer *best = NULL;

    for (int i = 0; i < N; i++) {
        sim_timer *t = &timers[i];

        if (t->place == 0)
            continue;
        if (!best || t->at < best->at || (t->at == best->at && t->seq < best->seq))
            best = t;
    }
    return best;
}

START_TEST(first_is_first)
{
    sim *s = sim_new((uint64_t)_i);
    sim_timers ts = {.n = 0};

    memset(timers, 0, sizeof timers);
    ck_assert_ptr_null(sim_timers_first(&ts));
    for (int step = 0; step < 5000; step++) {
        sim_timer *t = &timers[sim_below(s, N)];

        if (sim_below(s, 3) == 0)
            sim_timer_clear(&ts, t);
        else
            sim_timer_set(&ts, t, (int64_t)sim_below(s, 100));
        ck_assert_ptr_eq(sim_timers_first(&ts), expected());
    }
    for (size_t left = ts.n; left > 0; left--) {
        sim_timer *t = sim_timers_first(&ts);

        ck_assert_ptr_eq(t, expected());
        sim_timer_clear(&ts, t);
    }
    ck_assert_ptr_null(sim_timers_first(&ts));
    sim_timers_fini(&ts);
    sim_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/timers");
    TCase *tc = tcase_create("heap");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, first_is_first, 0, 10);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
