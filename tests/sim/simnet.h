/* simnet: the network of a simulation, in memory, and its faults.
 *
 *      host 10.0.0.1                                         host 10.0.0.2
 *      end 0 ── pipe 0: [readable | in flight ....] ──────────> end 1      latency(1 -> 2)
 *            <────────────────── [.... in flight | readable] :pipe 1 ──    latency(2 -> 1)
 *
 * Hosts are 10.0.0.1 to 10.0.0.63 and need not be announced; 127.x.x.x is the host of whoever says
 * it; any other address, and IPv6, is unreachable at once (ENETUNREACH). A port on which nobody
 * listens refuses. What is sent arrives whole and in order, after the latency of the link; but a
 * send may take, and a recv may give, fewer bytes than there is room for: the seed says when. A
 * pipe's bytes, read or not, take room in it until they are read.
 *
 * A host is named by its N, two hosts are a link with a direction; SIM_ANY stands for all. */
#ifndef SIM_SIMNET_H
#define SIM_SIMNET_H

#include "sim/sched.h"

#define SIM_HOSTS 64
#define SIM_ANY 0

kfk__addr sim_addr(uint32_t host, uint16_t port);

/* What is sent from now on takes |ns| and up to |jitter_ns| more. At the start: 100 us, no jitter.
 */
void simnet_delay(sim *s, uint32_t from, uint32_t to, int64_t ns, int64_t jitter_ns);
/* Holds all that is on its way |from| |to| or will be; healed (false), it arrives a latency later.
 */
void simnet_hold(sim *s, uint32_t from, uint32_t to, bool on);
/* simnet_hold in both directions. */
void simnet_partition(sim *s, uint32_t a, uint32_t b, bool on);
/* Nothing reaches the host and nothing leaves it: a connect to it never ends. */
void simnet_blackhole(sim *s, uint32_t host, bool on);
/* Resets every connection between the two (SIM_ANY, n: all of n's), and loses what is on its way.
 */
void simnet_cut(sim *s, uint32_t a, uint32_t b);
/* One in |one_in| sends and recvs is partial; 0: none. At the start 4. */
void simnet_partial(sim *s, uint32_t one_in);

/* ---- names ---- */

/* What a lookup of |name| finds: hosts, in this order; or, of any address, one more. A name that
 * was never told of is EAI_NONAME. */
void simnet_name(sim *s, const char *name, const uint32_t *hosts, int n);
void simnet_name_add(sim *s, const char *name, const kfk__addr *a);
/* 0, or the EAI_* code that its lookups end with. */
void simnet_name_fails(sim *s, const char *name, int eai);
/* How long its lookups take; 1 ms at the start. KFK__NEVER: for ever. */
void simnet_name_delay(sim *s, const char *name, int64_t ns);

#endif
