#include "sim/timers.h"

#include <stdlib.h>

void sim_timers_fini(sim_timers *ts)
{
    free(ts->heap);
}

static bool sooner(const sim_timer *a, const sim_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void put(sim_timers *ts, size_t place, sim_timer *t)
{
    ts->heap[place] = t;
    t->place = place;
}

static void sift_up(sim_timers *ts, sim_timer *t, size_t place)
{
    for (; place > 1 && sooner(t, ts->heap[place / 2]); place /= 2)
        put(ts, place, ts->heap[place / 2]);
    put(ts, place, t);
}

static void sift_down(sim_timers *ts, sim_timer *t, size_t place)
{
    size_t child;

    for (; (child = place * 2) <= ts->n; place = child) {
        if (child < ts->n && sooner(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (!sooner(ts->heap[child], t))
            break;
        put(ts, place, ts->heap[child]);
    }
    put(ts, place, t);
}

static void grow(sim_timers *ts)
{
    if (ts->n + 1 < ts->cap)
        return;
    ts->cap = ts->cap ? ts->cap * 2 : 64;
    ts->heap = realloc(ts->heap, ts->cap * sizeof(sim_timer *));
    if (!ts->heap)
        abort();
}

void sim_timer_set(sim_timers *ts, sim_timer *t, int64_t at)
{
    sim_timer_clear(ts, t);
    grow(ts);
    t->at = at;
    t->seq = ts->seq++;
    ts->n++;
    sift_up(ts, t, ts->n);
}

void sim_timer_clear(sim_timers *ts, sim_timer *t)
{
    size_t place = t->place;
    sim_timer *last;

    if (place == 0)
        return;
    t->place = 0;
    last = ts->heap[ts->n--];
    if (last == t)
        return;
    sift_down(ts, last, place);
    sift_up(ts, last, last->place);
}

sim_timer *sim_timers_first(const sim_timers *ts)
{
    return ts->n ? ts->heap[1] : NULL;
}
