#include "sim/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "sim/link.h"
#include "sim/simnet.h"

#define DELAY_NS SIM_MS

/* "10.0.0.1" and "::1" are their own answer. */
static bool parse(const char *text, kfk__addr *out)
{
    kfk__addr a = {.family = 4};

    if (inet_pton(AF_INET, text, a.bytes) != 1) {
        a.family = 6;
        if (inet_pton(AF_INET6, text, a.bytes) != 1)
            return false;
    }
    *out = a;
    return true;
}

static sim_name *find(const struct simnet *net, const char *name)
{
    for (kfk__list *n = kfk__list_first(&net->names); n; n = kfk__list_next(&net->names, n)) {
        sim_name *e = KFK__ENTRY(n, sim_name, node);

        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

static sim_name *find_or_add(sim *s, const char *name)
{
    sim_name *e = find(s->net, name);
    size_t size = strlen(name) + 1;

    if (e)
        return e;
    e = sim_alloc(sizeof *e);
    memset(e, 0, sizeof *e);
    e->name = memcpy(sim_alloc(size), name, size);
    e->delay = DELAY_NS;
    kfk__list_push(&s->net->names, &e->node);
    return e;
}

void simnet_name_add(sim *s, const char *name, const kfk__addr *a)
{
    sim_name *e = find_or_add(s, name);

    if (e->n == SIM_NAME_ADDRS)
        sim_die(s, "more than %d addresses for %s", SIM_NAME_ADDRS, name);
    e->addrs[e->n++] = *a;
}

void simnet_name(sim *s, const char *name, const uint32_t *hosts, int n)
{
    find_or_add(s, name)->n = 0;
    for (int i = 0; i < n; i++) {
        kfk__addr a = sim_addr(hosts[i], 0);

        simnet_name_add(s, name, &a);
    }
}

void simnet_name_fails(sim *s, const char *name, int eai)
{
    find_or_add(s, name)->eai = eai;
}

void simnet_name_delay(sim *s, const char *name, int64_t ns)
{
    find_or_add(s, name)->delay = ns;
}

int64_t sim_names_delay(const struct simnet *net, const char *name)
{
    const sim_name *e = find(net, name);
    kfk__addr a;

    if (parse(name, &a))
        return 0;
    return e ? e->delay : DELAY_NS;
}

int sim_names_look_up(const struct simnet *net, const char *name, kfk__addr *out, int *n)
{
    const sim_name *e = find(net, name);

    *n = 0;
    if (parse(name, out)) {
        *n = 1;
        return 0;
    }
    if (!e || e->eai || e->n == 0)
        return e && e->eai ? e->eai : EAI_NONAME;
    *n = e->n;
    memcpy(out, e->addrs, (size_t)e->n * sizeof *out);
    return 0;
}

void sim_names_free(struct simnet *net)
{
    kfk__list *n;

    while ((n = kfk__list_pop(&net->names)) != NULL) {
        sim_name *e = KFK__ENTRY(n, sim_name, node);

        free(e->name);
        free(e);
    }
}
