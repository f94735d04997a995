#include "devbroker/timers.h"

#include "base/env.h"
#include "base/list.h"

void kfk__dev_timers_init(kfk__dev_timers *ts, const kfk_allocator *a)
{
    kfk__heap_init(&ts->heap, a);
    ts->made = 0;
}

void kfk__dev_timers_fini(kfk__dev_timers *ts)
{
    kfk__heap_fini(&ts->heap);
}

bool kfk__dev_timer_init(kfk__dev_timers *ts, kfk__dev_timer *t,
                         void (*fire)(kfk__dev_timer *t, int64_t at))
{
    *t = (kfk__dev_timer){.fire = fire};
    if (!kfk__heap_reserve(&ts->heap, ts->made + 1))
        return false;
    ts->made++;
    return true;
}

void kfk__dev_timer_fini(kfk__dev_timers *ts, kfk__dev_timer *t)
{
    kfk__dev_timer_stop(ts, t);
    ts->made--;
}

void kfk__dev_timer_set(kfk__dev_timers *ts, kfk__dev_timer *t, int64_t at)
{
    kfk__heap_set(&ts->heap, &t->node, at);
}

void kfk__dev_timer_stop(kfk__dev_timers *ts, kfk__dev_timer *t)
{
    kfk__heap_remove(&ts->heap, &t->node);
}

void kfk__dev_timers_run(kfk__dev_timers *ts, int64_t now)
{
    for (kfk__heap_node *n; (n = kfk__heap_first(&ts->heap)) && n->at <= now;) {
        kfk__dev_timer *t = KFK__ENTRY(n, kfk__dev_timer, node);
        int64_t at = n->at;

        kfk__dev_timer_stop(ts, t);
        t->fire(t, at);
    }
}

int64_t kfk__dev_timers_due(const kfk__dev_timers *ts)
{
    const kfk__heap_node *n = kfk__heap_first(&ts->heap);

    return n ? n->at : KFK__NEVER;
}
