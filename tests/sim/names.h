/* names: the table behind resolve, from inside the simulator. */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include "base/list.h"
#include "sim/core.h"

#define SIM_NAME_ADDRS 16

typedef struct sim_name {
    kfk__list node;
    char *name;
    kfk__addr addrs[SIM_NAME_ADDRS];
    int n;
    int eai;
    int64_t delay;
} sim_name;

/* Looked up by its text, like all of them. NULL: never told of. */
const sim_name *sim_names_find(const struct simnet *net, const char *name);
/* How long a lookup takes: an address none, a name what its entry says. */
int64_t sim_names_delay(const struct simnet *net, const char *name);
/* What it finds, at most SIM_NAME_ADDRS: 0 or EAI_*. */
int sim_names_look_up(const struct simnet *net, const char *name, kfk__addr *out, int *n);
void sim_names_free(struct simnet *net);

#endif
