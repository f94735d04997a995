/* rig: what the tests of the simulator share: one simulation, and a server to talk to that sends
 * back whatever it is sent. */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include <check.h>

#include "base/env.h"
#include "base/lock.h"
#include "sim/failalloc.h"
#include "sim/sched.h"
#include "sim/simnet.h"

#define RIG_SERVER 2 /* the host that echo is on */
#define RIG_PORT 9092

typedef struct rig {
    sim *s;
    failalloc mem; /* under env: nothing is left of it at the end */
    kfk__env env;
} rig;

/* With |seed|; rig_end runs it all to SIM_DONE, within a minute of virtual time, and frees it. */
void rig_start(rig *r, uint64_t seed);
void rig_end(rig *r);

/* A server thread on host RIG_SERVER. One that runs out of memory drops the connection. */
typedef struct echo {
    kfk__env env;
    kfk__sock *listener;     /* the thread's */
    struct echo_conn *conns; /* the thread's */
    int accepted;            /* the thread's, until it has ended */
    int rc;                  /* likewise: how the listen ended */
    kfk__mutex lock;
    kfk__poller *poller; /* the thread's; under lock to be woken; NULL: the thread is done */
    bool stop;           /* under lock */
} echo;

void echo_start(echo *e, rig *r);
/* From any fiber; the thread ends soon. */
void echo_stop(echo *e);

/* A client's side, for code that reads from top to bottom: each call waits. */
typedef struct client {
    kfk__env env;
    kfk__poller *poller;
    kfk__sock *sock;
    kfk__event ev; /* of the last poll, which the poller may wipe */
} client;

/* 0, or the errno of the connect; ETIMEDOUT if it has not ended by |until|. */
int client_connect(client *c, const kfk__env *env, const kfk__addr *to, int64_t until);
/* All of |n| bytes: 0, or errno, or ETIMEDOUT; recv: EPIPE where they end sooner. */
int client_send(client *c, const void *data, size_t n, int64_t until);
int client_recv(client *c, void *data, size_t n, int64_t until);
void client_close(client *c);

#endif
