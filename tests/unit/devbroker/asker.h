/* What the tests of the handlers share: a cluster without sockets, asked through the bytes of the
 * protocol. */
#ifndef TESTS_UNIT_DEVBROKER_ASKER_H
#define TESTS_UNIT_DEVBROKER_ASKER_H

#include "batches.h"

#include "devbroker/call.h"
#include "devbroker/topic.h"
#include "net/env_posix.h"
#include "proto/header.h"
#include "proto/metadata.h"

enum { WALL_MS = 1700000000 };

static kfk__env env;
static kfk__dev_service service;
static kfk__arena arena; /* of the answers */
static int64_t now_ns;

static inline void begin_on(int32_t nodes, const kfk_allocator *a)
{
    kfk_error e;

    memset(&service, 0, sizeof service);
    now_ns = 1000 * KFK__MS;
    ck_assert_int_eq(kfk__env_posix(&env, a, &e), KFK_OK);
    kfk__mutex_init(&service.lock);
    kfk__dev_faults_init(&service.faults);
    ck_assert_int_eq(kfk__dev_cluster_init(&service.cluster, &env, nodes), KFK_OK);
    service.cluster.auto_create = true;
    for (int32_t i = 0; i < nodes; i++) {
        (void)snprintf(service.cluster.nodes[i].host, 16, "node%d", (int)(i + 1));
        service.cluster.nodes[i].port = (uint16_t)(9091 + i);
    }
    kfk__arena_init(&arena, &kfk__malloc_allocator);
}

static inline void begin(int32_t nodes)
{
    begin_on(nodes, &kfk__malloc_allocator);
}

static inline void end(void)
{
    kfk__dev_faults_clear(&service.faults, &kfk__malloc_allocator);
    kfk__dev_cluster_fini(&service.cluster);
    kfk__mutex_fini(&service.lock);
    kfk__arena_fini(&arena);
}

static inline void new_request(const kfk__api *api, void *req)
{
    kfk__msg_init(api->request, req);
}

/* A call that has its frame; not stepped yet. */
static inline kfk__dev_call *call_of(int32_t node, const kfk__api *api, int16_t version,
                                     const void *req)
{
    kfk__dev_call *call = kfk__dev_call_new(&env.alloc, node);

    ck_assert_ptr_nonnull(call);
    kfk__request_header_write(&call->frame, api, version, 77, "tester");
    ck_assert_int_eq(
        kfk__encode(api->request, version, kfk__flexible(api, version), req, &call->frame, NULL),
        KFK_OK);
    return call;
}

/* The bytes of an answer, its spliced records put in. */
static inline uint8_t *answer_bytes(const kfk__dev_call *call, size_t *n)
{
    size_t at = 0, from = 0;
    uint8_t *out = kfk__arena_alloc(&arena, call->out.len + call->splices.total + 1);

    for (size_t i = 0; i <= call->splices.n; i++) {
        size_t upto = i < call->splices.n ? call->splices.v[i].at : call->out.len;

        memcpy(out + at, call->out.data + from, upto - from);
        at += upto - from;
        from = upto;
        if (i == call->splices.n)
            break;
        memcpy(out + at, call->splices.v[i].bytes.data, call->splices.v[i].bytes.len);
        at += call->splices.v[i].bytes.len;
    }
    *n = at;
    return out;
}

/* Decodes an answer, which is whole and right in its frame and header. */
static inline void *decode_answer(const kfk__api *api, int16_t version, const uint8_t *bytes,
                                  size_t n)
{
    size_t at = kfk__response_header_tagged(api, version) ? 9 : 8, used;
    void *resp = kfk__arena_alloc(&arena, api->response->size);
    const char *why = "";

    ck_assert_uint_ge(n, at);
    ck_assert_uint_eq(kfk__get_be32(bytes), n - 4);
    ck_assert_uint_eq(kfk__get_be32(bytes + 4), 77);
    kfk__msg_init(api->response, resp);
    ck_assert_msg(kfk__decode(api->response, version, kfk__flexible(api, version), bytes + at,
                              n - at, &arena, resp, &used, &why) == KFK_OK,
                  "%s v%d: %s", api->name, version, why);
    ck_assert_uint_eq(used, n - at);
    return resp;
}

/* Asks a node and gives its answer, which must come at once. */
static inline void *ask(int32_t node, const kfk__api *api, int16_t version, const void *req)
{
    kfk__dev_call *call = call_of(node, api, version, req);
    size_t n;
    uint8_t *bytes;

    ck_assert_msg(kfk__dev_call_step(&service, call, now_ns, WALL_MS) == KFK__DEV_READY, "%s v%d",
                  api->name, version);
    bytes = answer_bytes(call, &n);
    kfk__dev_call_free(call);
    return decode_answer(api, version, bytes, n);
}

static inline kfk__dev_topic *add_topic(const char *name, int32_t partitions, int32_t replicas)
{
    kfk__dev_topic *t =
        kfk__dev_cluster_create_topic(&service.cluster, kfk__bytes_str(name), partitions, replicas);

    ck_assert_ptr_nonnull(t);
    return t;
}

static inline void set_config(kfk__dev_topic *t, const char *name, const char *value)
{
    ck_assert_int_eq(kfk__dev_config_set(&t->config, &env.alloc,
                                         kfk__dev_config_index(name, strlen(name)), value),
                     KFK_OK);
}

#endif
