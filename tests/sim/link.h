/* link: connections, from inside the simulator. Whoever opens an end or a listener is told by its
 * |changed| that what it can do may have become more. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "base/list.h"
#include "sim/core.h"
#include "sim/simnet.h"

typedef struct sim_segment {
    int64_t at; /* when it arrives */
    uint32_t len;
    uint32_t kind;
} sim_segment;

/* One direction of a connection. */
typedef struct sim_pipe {
    uint8_t *ring;
    size_t cap, head;
    size_t readable, in_flight; /* bytes, one after the other from head */
    sim_segment *segments;      /* on their way, the oldest first */
    size_t first, n, room;
    sim_timer timer; /* the oldest's */
} sim_pipe;

/* Told as changed(arg). */
typedef struct sim_told {
    void (*changed)(void *arg);
    void *arg;
} sim_told;

typedef struct sim_end_point {
    kfk__list node; /* of its listener's backlog, until it is accepted */
    kfk__addr local;
    sim_told told;
    bool open;      /* someone has it, or a backlog */
    bool connected; /* the peer has answered */
    bool ended;     /* the peer has closed, and all its bytes are here */
    int err;        /* or it is broken */
} sim_end_point;

typedef struct sim_conn {
    struct simnet *net;
    kfk__list node;
    uint32_t id;
    sim_end_point end[2]; /* 0 has called connect */
    sim_pipe pipe[2];     /* pipe[i]: from end i */
} sim_conn;

typedef struct sim_listener {
    struct simnet *net;
    kfk__list node;
    kfk__addr at;
    kfk__list backlog; /* of ends */
    sim_told told;
} sim_listener;

/* A side of a connection, as its holder has it. */
typedef struct sim_side {
    sim_conn *conn;
    int i;
} sim_side;

/* What is known of host |from| to host |to|. */
typedef struct sim_link {
    int64_t delay, jitter;
    bool held;
} sim_link;

struct simnet {
    sim *s;
    kfk__list conns, listeners, names; /* in the order of making */
    sim_link link[SIM_HOSTS][SIM_HOSTS];
    uint32_t last_conn;
    uint32_t partial_one_in;
    uint16_t last_port;
};

struct simnet *simnet_new(sim *s);
void simnet_free(struct simnet *net);

/* 0 or errno. |room| of each direction's bytes; 0: the default. */
int sim_link_connect(struct simnet *net, uint32_t from, const kfk__addr *to, size_t send_room,
                     size_t receive_room, sim_told told, sim_side *out);
int sim_link_listen(struct simnet *net, uint32_t host, const kfk__addr *at, sim_told told,
                    sim_listener **out);
/* EAGAIN: nobody there. */
int sim_link_accept(sim_listener *l, sim_told told, sim_side *out);
void sim_link_unlisten(sim_listener *l);

/* KFK__EV_* of what would not be in vain. */
uint32_t sim_link_ready(sim_side side);
bool sim_link_connecting(sim_side side);
ssize_t sim_link_send(sim_side side, const struct iovec *v, int n);
ssize_t sim_link_recv(sim_side side, const struct iovec *v, int n);
void sim_link_close(sim_side side);

static inline sim_end_point *sim_link_mine(sim_side side)
{
    return &side.conn->end[side.i];
}

static inline sim_end_point *sim_link_peer(sim_side side)
{
    return &side.conn->end[1 - side.i];
}

/* The host whose address it is, as host |own| sees it; 0: none. */
uint32_t sim_link_host(const kfk__addr *a, uint32_t own);
/* Both directions look anew whether and when what is on its way arrives. */
void sim_link_rearm(sim_conn *c);
/* Breaks it for both, and loses what is on its way. */
void sim_link_cut(sim_conn *c);
void sim_link_free(sim_conn *c);

#endif
