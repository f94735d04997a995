/* broker: what devbroker.c (the loop) and control.c (the calls from other threads) share. */
#ifndef KFK_DEVBROKER_BROKER_H
#define KFK_DEVBROKER_BROKER_H

#include "devbroker/call.h"
#include "devbroker/conn.h"
#include "net/loop.h"

/* A node's port. */
typedef struct kfk__dev_listener {
    kfk__dev_owner kind;
    int32_t node;
    kfk__addr at;
    kfk__sock *sock;    /* NULL: closed */
    int64_t rest_until; /* not 0: it neither opens nor accepts before */
    int64_t stops;      /* of the node, as acted on */
    int64_t stops_seen; /* and as last seen, */
    bool up;            /* with whether it is up */
} kfk__dev_listener;

struct kfk__devbroker {
    kfk__env env;
    kfk__dev_service service; /* its lock guards |stopping| too */
    bool stopping;
    /* the loop's own */
    kfk__loop loop;
    bool started; /* the loop has a thread; whoever starts and stops it knows */
    kfk__dev_listener listeners[KFK__DEV_NODES_MAX];
    kfk__list conns;
    int32_t request_max;
    char bootstrap[KFK__DEV_NODES_MAX * 270];
};

#endif
