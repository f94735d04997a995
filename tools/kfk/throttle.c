#include "throttle.h"

#include <time.h>

#include "tool.h"

/* Less is not worth a sleep; more is slept in parts, so that a signal that comes just before one is
 * not late by all of it. */
enum { NAP_LEAST_NS = 1000000, NAP_MOST_NS = 100000000 };

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void throttle_init(throttle *t, double rate)
{
    *t = (throttle){.rate = rate, .began_ns = now_ns()};
}

static int64_t ahead_ns(const throttle *t, int64_t i)
{
    if (t->rate == 0)
        return i > 0 ? NAP_MOST_NS : 0;
    return (int64_t)((double)i * 1e9 / t->rate) - (now_ns() - t->began_ns);
}

void throttle_wait(const throttle *t, int64_t i)
{
    int64_t ahead;

    if (t->rate < 0)
        return;
    while ((ahead = ahead_ns(t, i)) >= NAP_LEAST_NS && !tool_stopped()) {
        struct timespec nap = {.tv_nsec = ahead < NAP_MOST_NS ? ahead : NAP_MOST_NS};

        (void)nanosleep(&nap, NULL);
    }
}
