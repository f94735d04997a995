#include "membership/subscription.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "proto/consumer_protocol_assignment.h"
#include "proto/consumer_protocol_subscription.h"
#include "proto/data.h"

/* ---- a set, by topic ---- */

static int32_t count_topics(const kfk__parts *p)
{
    int32_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += i == 0 || strcmp(p->v[i].topic, p->v[i - 1].topic) != 0;
    return n;
}

const kfk__topic_parts *kfk__parts_by_topic(const kfk__parts *p, kfk__arena *a, int32_t *n)
{
    kfk__topic_parts *topics = kfk__arena_alloc(a, ((size_t)count_topics(p) + 1) * sizeof *topics);
    int32_t *numbers = kfk__arena_alloc(a, (p->n + 1) * sizeof *numbers);

    *n = 0;
    if (!topics || !numbers)
        return NULL;
    for (size_t i = 0; i < p->n; i++) {
        numbers[i] = p->v[i].partition;
        if (i == 0 || strcmp(p->v[i].topic, p->v[i - 1].topic) != 0)
            topics[(*n)++] = (kfk__topic_parts){kfk__bytes_str(p->v[i].topic), &numbers[i], 0};
        topics[*n - 1].n++;
    }
    return topics;
}

/* ---- messages as bytes ---- */

/* With its version in front, in the arena. */
static kfk_err write(const kfk__data *d, const void *msg, kfk__arena *a, kfk_bytes *out)
{
    kfk__buf buf;
    void *copy;
    kfk_err err;

    kfk__buf_init(&buf, a->alloc);
    err = kfk__data_encode(d, d->max, msg, &buf);
    if (!err && !(copy = kfk__arena_alloc(a, buf.len + 1)))
        err = KFK_ERR_NOMEM;
    if (!err)
        *out = kfk__bytes(memcpy(copy, buf.data, buf.len), buf.len);
    kfk__buf_fini(&buf);
    return err;
}

/* The arrays of messages point to what may change; ours may not, and nobody changes it. */
static int32_t *numbers_of(const kfk__topic_parts *t)
{
    return (int32_t *)(uintptr_t)t->v;
}

kfk_err kfk__subscription_write(const kfk__assign_member *m, kfk__arena *a, kfk_bytes *out)
{
    kfk__consumer_protocol_subscription msg;

    kfk__msg_init(kfk__consumer_protocol_subscription_data.schema, &msg);
    msg.topics.v = (kfk_bytes *)(uintptr_t)m->topics;
    msg.topics.n = m->n_topics;
    msg.user_data = m->user_data;
    msg.generation_id = m->generation;
    msg.rack_id = m->rack;
    msg.owned_partitions.v =
        kfk__arena_alloc(a, ((size_t)m->n_owned + 1) * sizeof *msg.owned_partitions.v);
    if (!msg.owned_partitions.v)
        return KFK_ERR_NOMEM;
    msg.owned_partitions.n = m->n_owned;
    for (int32_t i = 0; i < m->n_owned; i++) {
        kfk__consumer_protocol_subscription_partition *p = &msg.owned_partitions.v[i];

        p->topic = m->owned[i].topic;
        p->partitions.v = numbers_of(&m->owned[i]);
        p->partitions.n = m->owned[i].n;
    }
    return write(&kfk__consumer_protocol_subscription_data, &msg, a, out);
}

kfk_err kfk__subscription_read(kfk_bytes data, kfk__arena *a, kfk__assign_member *m,
                               const char **why)
{
    kfk__consumer_protocol_subscription msg;
    kfk__topic_parts *owned;
    int16_t version;
    kfk_err err = kfk__data_decode(&kfk__consumer_protocol_subscription_data, data, a, &msg,
                                   &version, why);

    if (err)
        return err;
    owned = kfk__arena_alloc(a, ((size_t)msg.owned_partitions.n + 1) * sizeof *owned);
    if (!owned)
        return KFK_ERR_NOMEM;
    for (int32_t i = 0; i < msg.owned_partitions.n; i++)
        owned[i] = (kfk__topic_parts){msg.owned_partitions.v[i].topic,
                                      msg.owned_partitions.v[i].partitions.v,
                                      msg.owned_partitions.v[i].partitions.n};
    m->rack = msg.rack_id;
    m->topics = msg.topics.v;
    m->n_topics = msg.topics.n;
    m->owned = owned;
    m->n_owned = msg.owned_partitions.n;
    m->generation = msg.generation_id;
    m->user_data = msg.user_data;
    return KFK_OK;
}

kfk_err kfk__assignment_write(const kfk__assign_share *s, kfk__arena *a, kfk_bytes *out)
{
    kfk__consumer_protocol_assignment msg;

    kfk__msg_init(kfk__consumer_protocol_assignment_data.schema, &msg);
    msg.user_data = s->user_data;
    msg.assigned_partitions.v =
        kfk__arena_alloc(a, ((size_t)s->n + 1) * sizeof *msg.assigned_partitions.v);
    if (!msg.assigned_partitions.v)
        return KFK_ERR_NOMEM;
    msg.assigned_partitions.n = s->n;
    for (int32_t i = 0; i < s->n; i++) {
        msg.assigned_partitions.v[i].topic = s->topics[i].topic;
        msg.assigned_partitions.v[i].partitions.v = numbers_of(&s->topics[i]);
        msg.assigned_partitions.v[i].partitions.n = s->topics[i].n;
    }
    return write(&kfk__consumer_protocol_assignment_data, &msg, a, out);
}

static kfk_err take_topic(const kfk__consumer_protocol_assignment_partition *t, kfk__parts *out,
                          const char **why)
{
    for (int32_t i = 0; i < t->partitions.n; i++) {
        if (t->partitions.v[i] < 0 || t->topic.len == 0 || memchr(t->topic.data, 0, t->topic.len)) {
            *why = "partitions";
            return KFK_ERR_PROTOCOL;
        }
        if (!kfk__parts_add(out, t->topic, t->partitions.v[i]))
            return KFK_ERR_NOMEM;
    }
    return KFK_OK;
}

kfk_err kfk__assignment_read(kfk_bytes data, kfk__parts *out, const char **why)
{
    kfk__consumer_protocol_assignment msg;
    kfk__arena arena;
    int16_t version;
    kfk_err err;

    kfk__parts_clear(out);
    if (data.len == 0)
        return KFK_OK;
    kfk__arena_init(&arena, out->names.alloc);
    err = kfk__data_decode(&kfk__consumer_protocol_assignment_data, data, &arena, &msg, &version,
                           why);
    for (int32_t i = 0; !err && i < msg.assigned_partitions.n; i++)
        err = take_topic(&msg.assigned_partitions.v[i], out, why);
    kfk__arena_fini(&arena);
    kfk__parts_sort(out);
    return err;
}
