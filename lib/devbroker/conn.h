/* conn: one client's connection to one node: frames in, answers out, one request at a time.
 *
 *   recv ──> staging ──> frame of the call ──step──> answers (in order) ──send──>
 *                              │
 *                              └─ waits: nothing more is taken out of staging
 *
 * That a request holds up those behind it is what a Kafka broker does.
 *
 * Owned by the broker's loop; the service's lock is taken for each request and never held across a
 * send or recv. */
#ifndef KFK_DEVBROKER_CONN_H
#define KFK_DEVBROKER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"
#include "devbroker/call.h"
#include "net/addr.h"

/* What an event's owner is: the first member of whatever owns a socket. */
typedef enum kfk__dev_owner { KFK__DEV_LISTENER, KFK__DEV_CONN } kfk__dev_owner;

typedef struct kfk__dev_conn {
    kfk__dev_owner kind;
    kfk__list link;
    kfk__dev_service *service;
    kfk__env env;
    kfk__sock *sock;
    int32_t node;
    int32_t frame_max;
    uint32_t wanted;
    uint8_t *staging;
    size_t from, to; /* what of it is filled */
    kfk__dev_call *call;
    size_t frame_len; /* of call; 0: not known yet */
    kfk__dev_status status;
    int64_t muted_until;
    kfk__list answers; /* calls; the first is being sent */
    size_t sent;       /* of the first */
    size_t unsent;     /* bytes in all of them */
    bool doomed;       /* to be closed */
    char host[KFK__ADDR_TEXT + 1]; /* of the client: "/127.0.0.1" */
} kfk__dev_conn;

/* Without a socket yet: accept wants its owner first. NULL: no memory. */
kfk__dev_conn *kfk__dev_conn_new(kfk__dev_service *s, const kfk__env *env, int32_t node,
                                 int32_t frame_max);
/* Whose it is, once accept has told. */
void kfk__dev_conn_from(kfk__dev_conn *c, const kfk__addr *client);
/* Closes the socket, if it has one, and frees. */
void kfk__dev_conn_free(kfk__dev_conn *c);

/* The socket has something to read; false: the connection is over. */
bool kfk__dev_conn_read(kfk__dev_conn *c);
/* Handles what can be handled and sends what can be sent; false: the connection is over. */
bool kfk__dev_conn_run(kfk__dev_conn *c, int64_t now, int64_t wall_ms);
/* When to run it again without an event. */
int64_t kfk__dev_conn_due(const kfk__dev_conn *c);
/* Whether its request waits for a change of the cluster that has come since. The service's lock is
 * held. */
bool kfk__dev_conn_stirred(const kfk__dev_conn *c);

#endif
