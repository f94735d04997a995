#include "sim/simnet.h"

#include <stdlib.h>
#include <string.h>

#include "sim/link.h"
#include "sim/names.h"

#define DELAY_NS (100 * SIM_MS / 1000)
#define PARTIAL_ONE_IN 4

kfk__addr sim_addr(uint32_t host, uint16_t port)
{
    kfk__addr a = {.family = 4, .port = port, .bytes = {10, 0, 0, (uint8_t)host}};

    return a;
}

struct simnet *simnet_new(sim *s)
{
    struct simnet *net = sim_alloc(sizeof *net);

    memset(net, 0, sizeof *net);
    net->s = s;
    net->partial_one_in = PARTIAL_ONE_IN;
    kfk__list_init(&net->conns);
    kfk__list_init(&net->listeners);
    kfk__list_init(&net->names);
    for (int i = 0; i < SIM_HOSTS; i++) {
        for (int j = 0; j < SIM_HOSTS; j++)
            net->link[i][j].delay = DELAY_NS;
    }
    return net;
}

void simnet_free(struct simnet *net)
{
    kfk__list *n;

    while ((n = kfk__list_first(&net->conns)) != NULL)
        sim_link_free(KFK__ENTRY(n, sim_conn, node));
    while ((n = kfk__list_pop(&net->listeners)) != NULL)
        free(KFK__ENTRY(n, sim_listener, node));
    sim_names_free(net);
    free(net);
}

/* ---- links ---- */

typedef struct range {
    uint32_t first, last;
} range;

static range hosts(const sim *s, uint32_t host)
{
    if (host >= SIM_HOSTS)
        sim_die(s, "host %u: they end at %d", host, SIM_HOSTS - 1);
    return host == SIM_ANY ? (range){1, SIM_HOSTS - 1} : (range){host, host};
}

void simnet_delay(sim *s, uint32_t from, uint32_t to, int64_t ns, int64_t jitter_ns)
{
    range f = hosts(s, from), t = hosts(s, to);

    for (uint32_t i = f.first; i <= f.last; i++) {
        for (uint32_t j = t.first; j <= t.last; j++) {
            s->net->link[i][j].delay = ns;
            s->net->link[i][j].jitter = jitter_ns;
        }
    }
}

void simnet_hold(sim *s, uint32_t from, uint32_t to, bool on)
{
    range f = hosts(s, from), t = hosts(s, to);

    sim_note(s, "hold", from, to, on);
    for (uint32_t i = f.first; i <= f.last; i++) {
        for (uint32_t j = t.first; j <= t.last; j++)
            s->net->link[i][j].held = on;
    }
    for (kfk__list *n = kfk__list_first(&s->net->conns); n; n = kfk__list_next(&s->net->conns, n))
        sim_link_rearm(KFK__ENTRY(n, sim_conn, node));
}

void simnet_partition(sim *s, uint32_t a, uint32_t b, bool on)
{
    simnet_hold(s, a, b, on);
    simnet_hold(s, b, a, on);
}

void simnet_blackhole(sim *s, uint32_t host, bool on)
{
    simnet_partition(s, host, SIM_ANY, on);
}

static bool among(range r, const kfk__addr *a)
{
    return a->bytes[3] >= r.first && a->bytes[3] <= r.last;
}

void simnet_cut(sim *s, uint32_t a, uint32_t b)
{
    range x = hosts(s, a), y = hosts(s, b);

    sim_note(s, "cut", a, b, 0);
    for (kfk__list *n = kfk__list_first(&s->net->conns); n; n = kfk__list_next(&s->net->conns, n)) {
        sim_conn *c = KFK__ENTRY(n, sim_conn, node);
        const kfk__addr *p = &c->end[0].local, *q = &c->end[1].local;

        if ((among(x, p) && among(y, q)) || (among(y, p) && among(x, q)))
            sim_link_cut(c);
    }
}

void simnet_partial(sim *s, uint32_t one_in)
{
    s->net->partial_one_in = one_in;
}
