/* peer: another client of the embedded broker, which says what it likes: for what the admin handle
 * has no calls for, such as being a member of a group. */
#ifndef TESTS_UNIT_ADMIN_PEER_H
#define TESTS_UNIT_ADMIN_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "proto/consumer_group_heartbeat.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/data.h"
#include "proto/header.h"
#include "proto/join_group.h"
#include "proto/sync_group.h"

enum { CLASSIC_V = 3, MODERN_V = 1, PEER_MS = 60000 };

typedef struct peer {
    int fd;
    char id[128];
    int32_t generation;
    kfk__arena arena; /* of the answers */
} peer;

/* The port of node |id|, of "127.0.0.1:p1,127.0.0.1:p2,...". */
static inline uint16_t port_of(kfk__devbroker *b, int32_t id)
{
    const char *at = kfk__devbroker_bootstrap(b);

    for (; id > 1; id--)
        at = strchr(at, ',') + 1;
    return (uint16_t)atoi(strchr(at, ':') + 1);
}

/* Group |group| is that of node 1, and so is the peer's connection. */
static inline void peer_open(peer *p, kfk__devbroker *b, const char *group)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *p = (peer){.generation = -1};
    kfk__arena_init(&p->arena, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__devbroker_move_coordinator(b, group, 1), KFK_OK);
    to.sin_port = htons(port_of(b, 1));
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(p->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static inline void peer_close(peer *p)
{
    (void)close(p->fd);
    kfk__arena_fini(&p->arena);
}

static inline void read_all(int fd, uint8_t *to, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = read(fd, to + have, n - have);

        ck_assert_int_gt(got, 0);
        have += (size_t)got;
    }
}

static inline const void *peer_ask(peer *p, const kfk__api *api, int16_t version, const void *req)
{
    void *resp = kfk__arena_alloc(&p->arena, api->response->size);
    size_t at = kfk__response_header_tagged(api, version) ? 5 : 4, n, used;
    uint8_t head[4], *body;
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    kfk__buf_put(&out, "\0\0\0", 4);
    kfk__request_header_write(&out, api, version, 1, "peer");
    ck_assert_int_eq(
        kfk__encode(api->request, version, kfk__flexible(api, version), req, &out, NULL), KFK_OK);
    kfk__put_be32(out.data, (uint32_t)(out.len - 4));
    ck_assert_int_eq(write(p->fd, out.data, out.len), (ssize_t)out.len);
    kfk__buf_fini(&out);
    read_all(p->fd, head, sizeof head);
    n = kfk__get_be32(head);
    body = kfk__arena_alloc(&p->arena, n);
    read_all(p->fd, body, n);
    kfk__msg_init(api->response, resp);
    ck_assert_int_eq(kfk__decode(api->response, version, kfk__flexible(api, version), body + at,
                                 n - at, &p->arena, resp, &used, NULL),
                     KFK_OK);
    return resp;
}

/* ---- a member of a classic group ---- */

/* Joins as the only one, and so as its leader. */
static inline void peer_join(peer *p, const char *group, const char *type)
{
    kfk__join_group_request_protocol protocol = {.name = kfk__bytes_str("range"),
                                                 .metadata = kfk__bytes_str("any")};
    const kfk__join_group_response *resp;
    kfk__join_group_request req;

    kfk__msg_init(kfk__join_group_api.request, &req);
    req.group_id = kfk__bytes_str(group);
    req.session_timeout_ms = PEER_MS;
    req.rebalance_timeout_ms = PEER_MS;
    req.member_id = kfk__bytes_str(p->id);
    req.protocol_type = kfk__bytes_str(type);
    req.protocols.v = &protocol;
    req.protocols.n = 1;
    resp = peer_ask(p, &kfk__join_group_api, CLASSIC_V, &req);
    ck_assert_int_eq(resp->error_code, 0);
    (void)snprintf(p->id, sizeof p->id, "%.*s", (int)resp->member_id.len,
                   (const char *)resp->member_id.data);
    p->generation = resp->generation_id;
}

/* ... and gives itself these bytes. */
static inline void peer_sync(peer *p, const char *group, kfk_bytes blob)
{
    kfk__sync_group_request_assignment as = {.member_id = kfk__bytes_str(p->id),
                                             .assignment = blob};
    const kfk__sync_group_response *resp;
    kfk__sync_group_request req;

    kfk__msg_init(kfk__sync_group_api.request, &req);
    req.group_id = kfk__bytes_str(group);
    req.generation_id = p->generation;
    req.member_id = kfk__bytes_str(p->id);
    req.assignments.v = &as;
    req.assignments.n = 1;
    resp = peer_ask(p, &kfk__sync_group_api, 2, &req);
    ck_assert_int_eq(resp->error_code, 0);
}

/* An assignment as a consumer's leader writes it: |n| partitions, from 0 on, of one topic. */
static inline void assignment(kfk__buf *out, const char *topic, int32_t n)
{
    int32_t ids[16];
    kfk__consumer_protocol_assignment_partition of = {.topic = kfk__bytes_str(topic)};
    kfk__consumer_protocol_assignment as;

    for (int32_t i = 0; i < n; i++)
        ids[i] = i;
    of.partitions.v = ids;
    of.partitions.n = n;
    kfk__msg_init(kfk__consumer_protocol_assignment_data.schema, &as);
    as.assigned_partitions.v = &of;
    as.assigned_partitions.n = 1;
    kfk__buf_init(out, &kfk__malloc_allocator);
    ck_assert_int_eq(kfk__data_encode(&kfk__consumer_protocol_assignment_data, 1, &as, out),
                     KFK_OK);
}

/* ---- a member of a group whose coordinator assigns ---- */

static inline void peer_beat(peer *p, const char *group, const char *topic, int32_t epoch)
{
    kfk_bytes name = kfk__bytes_str(topic);
    const kfk__consumer_group_heartbeat_response *resp;
    kfk__consumer_group_heartbeat_request req;

    kfk__msg_init(kfk__consumer_group_heartbeat_api.request, &req);
    (void)snprintf(p->id, sizeof p->id, "a-member-of-%s", group);
    req.group_id = kfk__bytes_str(group);
    req.member_id = kfk__bytes_str(p->id);
    req.member_epoch = epoch;
    req.rebalance_timeout_ms = PEER_MS;
    req.subscribed_topic_names.v = &name;
    req.subscribed_topic_names.n = 1;
    req.topic_partitions.v = NULL;
    req.topic_partitions.n = 0;
    resp = peer_ask(p, &kfk__consumer_group_heartbeat_api, MODERN_V, &req);
    ck_assert_msg(resp->error_code == 0, "%d", resp->error_code);
    p->generation = resp->member_epoch;
}

#endif
