#include "sim/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hb.h"

#define START_NS SIM_S
#define SPIN_PICKS 5000000
#define REPORT_BYTES 8192

int sim_hb_depth;

sim *sim_running;

/* ---- small things ---- */

_Noreturn void sim_die(const sim *s, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)fprintf(stderr, "simulator: ");
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    if (s)
        (void)fprintf(stderr, " (seed %llu, %.9f s, fiber %s)", (unsigned long long)s->seed,
                      (double)s->now / (double)SIM_S, s->current ? s->current->name : "none");
    (void)fprintf(stderr, "\n");
    abort();
}

void *sim_alloc(size_t n)
{
    return sim_realloc(NULL, n);
}

void *sim_realloc(void *p, size_t n)
{
    p = realloc(p, n);
    if (!p)
        sim_die(NULL, "out of memory");
    return p;
}

int64_t sim_now(const sim *s)
{
    return s->now;
}

uint64_t sim_seed(const sim *s)
{
    return s->seed;
}

/* ---- chance: xoshiro256**, seeded by splitmix64 ---- */

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t sim_random(sim *s)
{
    uint64_t *r = s->rng;
    uint64_t out = rotl(r[1] * 5, 7) * 9;
    uint64_t t = r[1] << 17;

    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = rotl(r[3], 45);
    return out;
}

uint64_t sim_below(sim *s, uint64_t n)
{
    return n > UINT32_MAX ? sim_random(s) % n : ((sim_random(s) >> 32) * n) >> 32;
}

/* ---- the trace ---- */

static uint64_t mix(uint64_t h, uint64_t x)
{
    return (rotl(h, 23) ^ x) * UINT64_C(0x9fb21c651e98df25);
}

uint64_t sim_digest(uint64_t h, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    uint64_t word;

    for (; n >= sizeof word; n -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        h = mix(h, word);
    }
    word = n;
    while (n > 0)
        word = word << 8 | bytes[--n];
    return mix(h, word);
}

void sim_note(sim *s, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    s->hash = mix(mix(mix(mix(s->hash, (unsigned char)what[0]), a), b), c);
    if (s->tracing)
        (void)fprintf(stderr, "%14.9f %-10s %-8s %llu %llu %llx\n", (double)s->now / (double)SIM_S,
                      s->current ? s->current->name : "-", what, (unsigned long long)a,
                      (unsigned long long)b, (unsigned long long)c);
}

uint64_t sim_trace_hash(const sim *s)
{
    return s->hash ^ s->hash >> 32;
}

/* ---- the choice of who goes on ---- */

static void push_ready(sim *s, sim_task *t)
{
    if (s->n_ready == s->cap_ready) {
        s->cap_ready = s->cap_ready ? s->cap_ready * 2 : 64;
        s->ready = sim_realloc(s->ready, s->cap_ready * sizeof(sim_task *));
    }
    s->ready[s->n_ready++] = t;
}

static void jump(sim *s, int64_t to)
{
    sim_timer *t;

    if (to > s->now)
        s->picks = 0;
    s->now = to;
    sim_note(s, "jump", (uint64_t)to, 0, 0);
    while ((t = sim_timers_first(&s->timers)) != NULL && t->at <= to) {
        sim_timer_clear(&s->timers, t);
        t->fire(t);
    }
}

/* Moves the clock until someone is ready. false: there is no reason to go on, and s->end says why.
 */
static bool find_ready(sim *s)
{
    while (s->n_ready == 0) {
        sim_timer *first = sim_timers_first(&s->timers);

        s->end = kfk__list_empty(&s->tasks) ? SIM_DONE : first ? SIM_UNTIL : SIM_HANG;
        if (s->end != SIM_UNTIL)
            return false;
        if (first->at > s->until) {
            s->now = s->until > s->now ? s->until : s->now;
            return false;
        }
        jump(s, first->at);
    }
    if (++s->picks <= SPIN_PICKS)
        return true;
    s->end = SIM_SPIN;
    return false;
}

/* NULL: back to sim_run. */
static sim_task *choose(sim *s)
{
    size_t i;
    sim_task *t;

    if (!find_ready(s))
        return NULL;
    i = s->n_ready > 1 ? (size_t)sim_below(s, s->n_ready) : 0;
    t = s->ready[i];
    s->ready[i] = s->ready[--s->n_ready];
    sim_note(s, "run", t->id, 0, 0);
    return t;
}

static void free_ended(sim *s)
{
    kfk__list *node;

    while ((node = kfk__list_pop(&s->ended)) != NULL) {
        sim_task *t = KFK__ENTRY(node, sim_task, node);

        fiber_fini(&t->fiber);
        free(t);
    }
}

/* The fiber that runs has said where it can be found again. To |here| and back everything is
 * ordered, between fibers nothing. */
static void go_on(sim *s)
{
    sim_task *me = s->current, *next;
    int depth;

    sim_hb_quiet_begin();
    next = choose(s);
    if (next != me) {
        s->current = next;
        sim_hb_release(&s->to_here);
        depth = sim_hb_quiet_pause();
        fiber_switch(&me->fiber, next ? &next->fiber : &s->here);
        sim_hb_quiet_resume(depth);
        sim_hb_acquire(&s->from_here);
        free_ended(s);
    }
    sim_hb_quiet_end();
}

/* ---- fibers ---- */

static void on_due(sim_timer *timer)
{
    sim_task *t = KFK__ENTRY(timer, sim_task, timer);

    t->due = true;
    sim_unpark(t);
}

static void task_main(void *arg)
{
    sim_task *t = arg;
    sim *s = t->s;
    sim_task *next;

    sim_hb_acquire(&s->from_here);
    sim_hb_acquire(t);
    sim_hb_quiet_begin();
    free_ended(s);
    sim_hb_quiet_end();
    t->body(t->arg);
    if (t->locks)
        sim_die(s, "ended with %u locks held", t->locks);
    sim_hb_release(&s->to_here);
    sim_hb_quiet_begin();
    kfk__list_remove(&t->node);
    kfk__list_push(&s->ended, &t->node);
    sim_note(s, "end", t->id, 0, 0);
    next = choose(s);
    s->current = next;
    sim_hb_quiet_end();
    fiber_leave(&t->fiber, next ? &next->fiber : &s->here);
}

sim_task *sim_task_new(sim *s, const char *name, uint32_t host, void (*body)(void *arg), void *arg)
{
    sim_task *t = sim_alloc(sizeof *t);

    memset(t, 0, sizeof *t);
    t->s = s;
    t->id = ++s->last_id;
    t->host = host;
    t->timer.fire = on_due;
    t->body = body;
    t->arg = arg;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    if (!fiber_init(&t->fiber, t->name, task_main, t))
        sim_die(s, "no memory for a stack");
    kfk__list_push(&s->tasks, &t->node);
    push_ready(s, t);
    sim_hb_release(t);
    return t;
}

void sim_spawn(sim *s, uint32_t host, const char *name, void (*fn)(void *arg), void *arg)
{
    sim_hb_quiet_begin();
    (void)sim_task_new(s, name, host, fn, arg);
    sim_hb_quiet_end();
}

sim_task *sim_self(sim *s, const char *what)
{
    if (!s->current)
        sim_die(s, "%s outside of a fiber", what);
    return s->current;
}

bool sim_park(sim *s, const char *what, int64_t until)
{
    sim_task *t = sim_self(s, what);

    t->what = what;
    t->parked = true;
    t->due = false;
    if (until != KFK__NEVER)
        sim_timer_set(&s->timers, &t->timer, until > s->now ? until : s->now);
    go_on(s);
    return !t->due;
}

void sim_unpark(sim_task *t)
{
    if (!t->parked)
        return;
    t->parked = false;
    sim_timer_clear(&t->s->timers, &t->timer);
    push_ready(t->s, t);
}

void sim_yield(sim *s)
{
    sim_task *t = sim_self(s, "yield");

    if (s->stall_one_in && sim_below(s, s->stall_one_in) == 0) {
        (void)sim_park(s, "stall", s->now + (int64_t)sim_below(s, (uint64_t)s->stall_max + 1));
        return;
    }
    push_ready(s, t);
    go_on(s);
}

void sim_point(sim *s)
{
    if (s->current && sim_below(s, s->lock_switch) == 0)
        sim_yield(s);
}

void sim_sleep(sim *s, int64_t ns)
{
    sim_check_unlocked(s, "sleep");
    (void)sim_park(s, "sleep", s->now + ns);
}

/* ---- running ---- */

sim_end sim_run(sim *s, int64_t until_ns)
{
    sim_task *first;
    int depth;

    if (s->current || (sim_running && sim_running != s))
        sim_die(s, "sim_run within sim_run, or of a second sim");
    sim_running = s;
    s->until = until_ns;
    s->picks = 0;
    sim_hb_quiet_begin();
    first = choose(s);
    if (first) {
        fiber_init_here(&s->here);
        s->current = first;
        sim_hb_release(&s->from_here);
        depth = sim_hb_quiet_pause();
        fiber_switch(&s->here, &first->fiber);
        sim_hb_quiet_resume(depth);
        sim_hb_acquire(&s->to_here);
    }
    free_ended(s);
    sim_hb_quiet_end();
    return s->end;
}

static const char *holder(const sim *s, uint32_t id)
{
    for (kfk__list *n = kfk__list_first(&s->tasks); n; n = kfk__list_next(&s->tasks, n)) {
        const sim_task *t = KFK__ENTRY(n, sim_task, node);

        if (t->id == id)
            return t->name;
    }
    return id ? "one that is gone" : "none";
}

static size_t describe(const sim *s, const sim_task *t, char *out, size_t room)
{
    int n = snprintf(out, room, "\n  %u %s (host %u): %s", t->id, t->name, t->host,
                     t->parked ? t->what : "can go on");

    if (n > 0 && (size_t)n < room && t->parked) {
        size_t at = (size_t)n;

        if (t->lock)
            n += snprintf(out + at, room - at, ", held by %s", holder(s, t->lock->owner));
        else if (t->joining)
            n += snprintf(out + at, room - at, " of %s", t->joining->name);
        at = (size_t)n < room ? (size_t)n : room;
        if (t->timer.place)
            n += snprintf(out + at, room - at, ", until %.9f s",
                          (double)t->timer.at / (double)SIM_S);
    }
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}

const char *sim_report(sim *s)
{
    static const char *const ends[] = {"done", "time is up", "hang", "spin"};
    size_t len;

    if (!s->report)
        s->report = sim_alloc(REPORT_BYTES);
    len = (size_t)snprintf(s->report, REPORT_BYTES, "%s at %.9f s, seed %llu", ends[s->end],
                           (double)s->now / (double)SIM_S, (unsigned long long)s->seed);
    for (kfk__list *n = kfk__list_first(&s->tasks); n && len < REPORT_BYTES;
         n = kfk__list_next(&s->tasks, n))
        len += describe(s, KFK__ENTRY(n, sim_task, node), s->report + len, REPORT_BYTES - len);
    return s->report;
}

/* ---- faults ---- */

void sim_stalls(sim *s, uint32_t one_in, int64_t max_ns)
{
    s->stall_one_in = one_in;
    s->stall_max = max_ns;
}

void sim_fail_spawn(sim *s, uint32_t n)
{
    s->spawn_fails_in = n + 1;
}

void sim_wall_jump(sim *s, int64_t ms)
{
    s->wall_offset_ms += ms;
}

/* ---- making one ---- */

void sim_init(sim *s, uint64_t seed)
{
    static const uint32_t lock_switch[] = {1, 2, 8, 32};
    uint64_t x = seed;

    memset(s, 0, sizeof *s);
    s->seed = seed;
    for (int i = 0; i < 4; i++)
        s->rng[i] = splitmix(&x);
    s->hash = seed;
    s->now = START_NS;
    s->lock_switch = lock_switch[sim_below(s, 4)];
    s->tracing = getenv("KFK_SIM_TRACE") != NULL;
    kfk__list_init(&s->tasks);
    kfk__list_init(&s->ended);
}

void sim_fini(sim *s)
{
    kfk__list *node;

    if (s->current)
        sim_die(s, "sim_free from a fiber");
    while ((node = kfk__list_pop(&s->tasks)) != NULL)
        kfk__list_push(&s->ended, node);
    free_ended(s);
    sim_timers_fini(&s->timers);
    free(s->ready);
    free(s->report);
    if (sim_running == s)
        sim_running = NULL;
}
