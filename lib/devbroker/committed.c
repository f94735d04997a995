#include "devbroker/committed.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { TOPIC_MAX = 249, KEY_MAX = 4 + KFK__DEV_GROUP_MAX + 4 + TOPIC_MAX + 4 };

static size_t key_size(kfk_bytes group, kfk_bytes topic)
{
    return 4 + group.len + 4 + topic.len + 4;
}

static void key_write(uint8_t *to, kfk_bytes group, kfk_bytes topic, int32_t partition)
{
    kfk__put_be32(to, (uint32_t)group.len);
    if (group.len)
        memcpy(to + 4, group.data, group.len);
    to += 4 + group.len;
    kfk__put_be32(to, (uint32_t)topic.len);
    if (topic.len)
        memcpy(to + 4, topic.data, topic.len);
    kfk__put_be32(to + 4 + topic.len, (uint32_t)partition);
}

static bool too_long(kfk_bytes group, kfk_bytes topic)
{
    return group.len > KFK__DEV_GROUP_MAX || topic.len > TOPIC_MAX;
}

kfk__dev_offset *kfk__dev_offsets_get(const kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                                      int32_t partition)
{
    uint8_t key[KEY_MAX];

    if (too_long(group, topic))
        return NULL;
    key_write(key, group, topic, partition);
    return kfk__map_get(&os->by_key, key, key_size(group, topic));
}

static void drop(kfk__dev_offsets *os, kfk__dev_offset *o)
{
    kfk__map_remove(&os->by_key, o->key, o->key_len);
    kfk__list_remove(&o->link);
    kfk__release(os->by_key.alloc, o->metadata);
    kfk__release(os->by_key.alloc, o);
}

/* In front of which a new one of this group and topic goes: behind the last of the same. */
static kfk__list *place_of(kfk__dev_offsets *os, const kfk__dev_offset *o)
{
    for (kfk__list *i = os->all.prev; i != &os->all; i = i->prev) {
        const kfk__dev_offset *other = KFK__ENTRY(i, kfk__dev_offset, link);

        if (kfk__bytes_equal(other->group, o->group) && kfk__bytes_equal(other->topic, o->topic))
            return i->next;
    }
    return &os->all;
}

static kfk__dev_offset *add(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                            int32_t partition)
{
    size_t key_len = key_size(group, topic);
    kfk__dev_offset *o = kfk__zalloc(os->by_key.alloc, sizeof *o + key_len);

    if (!o)
        return NULL;
    o->key_len = key_len;
    key_write(o->key, group, topic, partition);
    o->group = kfk__bytes(o->key + 4, group.len);
    o->topic = kfk__bytes(o->key + 4 + group.len + 4, topic.len);
    o->partition = partition;
    o->offset = o->leader_epoch = -1;
    if (!kfk__map_put(&os->by_key, o->key, key_len, o)) {
        kfk__release(os->by_key.alloc, o);
        return NULL;
    }
    kfk__list_insert(place_of(os, o), &o->link);
    return o;
}

kfk_err kfk__dev_offsets_put(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                             int32_t partition, int64_t offset, int32_t leader_epoch,
                             kfk_bytes metadata)
{
    kfk__dev_offset *o = kfk__dev_offsets_get(os, group, topic, partition);
    char *copy;

    if (too_long(group, topic))
        return KFK_ERR_INVALID_ARG;
    copy = kfk__strndup(os->by_key.alloc, metadata.data ? metadata.data : "", metadata.len);
    if (!copy)
        return KFK_ERR_NOMEM;
    if (!o && !(o = add(os, group, topic, partition))) {
        kfk__release(os->by_key.alloc, copy);
        return KFK_ERR_NOMEM;
    }
    kfk__release(os->by_key.alloc, o->metadata);
    o->metadata = copy;
    o->metadata_len = metadata.len;
    o->offset = offset;
    o->leader_epoch = leader_epoch;
    return KFK_OK;
}

kfk_err kfk__dev_offsets_pend(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                              int32_t partition, bool pending)
{
    kfk__dev_offset *o = kfk__dev_offsets_get(os, group, topic, partition);

    if (too_long(group, topic))
        return KFK_ERR_INVALID_ARG;
    if (!o && pending)
        o = add(os, group, topic, partition);
    if (!o)
        return pending ? KFK_ERR_NOMEM : KFK_OK;
    o->pending = pending;
    return KFK_OK;
}

/* Those of a group, or of a topic; the other one is null. */
static void drop_all(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic)
{
    for (kfk__list *i = kfk__list_first(&os->all), *next; i; i = next) {
        kfk__dev_offset *o = KFK__ENTRY(i, kfk__dev_offset, link);

        next = kfk__list_next(&os->all, i);
        if (kfk__bytes_equal(group.data ? o->group : o->topic, group.data ? group : topic))
            drop(os, o);
    }
}

void kfk__dev_offsets_forget(kfk__dev_offsets *os, kfk_bytes topic)
{
    drop_all(os, (kfk_bytes){0}, topic);
}

void kfk__dev_offsets_forget_group(kfk__dev_offsets *os, kfk_bytes group)
{
    drop_all(os, group, (kfk_bytes){0});
}

void kfk__dev_offsets_remove(kfk__dev_offsets *os, kfk_bytes group, kfk_bytes topic,
                             int32_t partition)
{
    kfk__dev_offset *o = kfk__dev_offsets_get(os, group, topic, partition);

    if (o)
        drop(os, o);
}

void kfk__dev_offsets_init(kfk__dev_offsets *os, const kfk_allocator *a)
{
    kfk__list_init(&os->all);
    kfk__map_init(&os->by_key, a);
}

void kfk__dev_offsets_fini(kfk__dev_offsets *os)
{
    for (kfk__list *i; (i = kfk__list_first(&os->all));)
        drop(os, KFK__ENTRY(i, kfk__dev_offset, link));
    kfk__map_fini(&os->by_key);
}
