#include "devbroker/sessions.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/topic.h"

static const int64_t old_ns = 120000 * KFK__MS;

void kfk__dev_sessions_init(kfk__dev_sessions *ss, const kfk_allocator *a)
{
    *ss = (kfk__dev_sessions){.alloc = a, .slots = KFK__DEV_SESSIONS};
    kfk__list_init(&ss->all);
    kfk__map_init(&ss->by_id, a);
}

void kfk__dev_sessions_expire(kfk__dev_sessions *ss)
{
    for (kfk__list *i; (i = kfk__list_first(&ss->all));)
        kfk__dev_sessions_close(ss, KFK__ENTRY(i, kfk__dev_session, link));
}

void kfk__dev_sessions_fini(kfk__dev_sessions *ss)
{
    kfk__dev_sessions_expire(ss);
    kfk__map_fini(&ss->by_id);
}

void kfk__dev_sessions_limit(kfk__dev_sessions *ss, int32_t slots)
{
    ss->slots = slots < 0 ? 0 : slots;
    while (ss->by_id.n > (size_t)ss->slots)
        kfk__dev_sessions_close(ss, KFK__ENTRY(kfk__list_first(&ss->all), kfk__dev_session, link));
}

void kfk__dev_sessions_set_epoch(kfk__dev_sessions *ss, int32_t epoch)
{
    for (kfk__list *i = kfk__list_first(&ss->all); i; i = kfk__list_next(&ss->all, i))
        KFK__ENTRY(i, kfk__dev_session, link)->epoch = epoch;
}

int32_t kfk__dev_sessions_partitions(const kfk__dev_sessions *ss)
{
    int32_t n = 0;

    for (kfk__list *i = kfk__list_first(&ss->all); i; i = kfk__list_next(&ss->all, i))
        n += (int32_t)KFK__ENTRY(i, kfk__dev_session, link)->by_key.n;
    return n;
}

/* ---- slots ---- */

/* The session that gives up its slot for one of |n| partitions; NULL: none does. */
static kfk__dev_session *find_victim(const kfk__dev_sessions *ss, size_t n, int64_t now)
{
    kfk__list *first = kfk__list_first(&ss->all);
    kfk__dev_session *least = NULL;

    if (first && now - KFK__ENTRY(first, kfk__dev_session, link)->used > old_ns)
        return KFK__ENTRY(first, kfk__dev_session, link);
    for (kfk__list *i = first; i; i = kfk__list_next(&ss->all, i)) {
        kfk__dev_session *s = KFK__ENTRY(i, kfk__dev_session, link);

        /* One that has never been used since it came of age is not looked at. */
        if (s->used - s->made <= old_ns || s->by_key.n >= n)
            continue;
        if (!least || s->by_key.n < least->by_key.n ||
            (s->by_key.n == least->by_key.n && s->id < least->id))
            least = s;
    }
    return least;
}

static bool have_slot(kfk__dev_sessions *ss, size_t n, int64_t now)
{
    kfk__dev_session *victim;

    if (ss->by_id.n < (size_t)ss->slots)
        return true;
    victim = find_victim(ss, n, now);
    kfk__dev_sessions_close(ss, victim);
    return victim != NULL;
}

/* Positive, and nobody's. */
static int32_t new_id(const kfk__dev_sessions *ss, const kfk__env *env)
{
    uint32_t id;

    do {
        env->ops->random(env->ctx, &id, sizeof id);
        id &= INT32_MAX;
    } while (id == 0 || kfk__dev_sessions_get(ss, (int32_t)id));
    return (int32_t)id;
}

kfk__dev_session *kfk__dev_sessions_get(const kfk__dev_sessions *ss, int32_t id)
{
    return kfk__map_get(&ss->by_id, &id, sizeof id);
}

kfk__dev_session *kfk__dev_sessions_open(kfk__dev_sessions *ss, const kfk__env *env, bool by_id,
                                         size_t n, int64_t now)
{
    kfk__dev_session *s;

    if (!have_slot(ss, n, now))
        return NULL;
    s = kfk__zalloc(ss->alloc, sizeof *s);
    if (!s)
        return NULL;
    s->id = new_id(ss, env);
    s->epoch = 1;
    s->by_id = by_id;
    s->made = s->used = now;
    kfk__list_init(&s->partitions);
    kfk__map_init(&s->by_key, ss->alloc);
    if (!kfk__map_put(&ss->by_id, &s->id, sizeof s->id, s)) {
        kfk__release(ss->alloc, s);
        return NULL;
    }
    kfk__list_push(&ss->all, &s->link);
    return s;
}

static void drop(kfk__dev_session *s, kfk__dev_session_partition *p)
{
    kfk__map_remove(&s->by_key, p->key, p->key_len);
    kfk__list_remove(&p->link);
    kfk__release(s->by_key.alloc, (void *)(uintptr_t)p->wish.topic.data);
    kfk__release(s->by_key.alloc, p);
}

void kfk__dev_sessions_close(kfk__dev_sessions *ss, kfk__dev_session *s)
{
    if (!s)
        return;
    for (kfk__list *i; (i = kfk__list_first(&s->partitions));)
        drop(s, KFK__ENTRY(i, kfk__dev_session_partition, link));
    kfk__map_fini(&s->by_key);
    kfk__map_remove(&ss->by_id, &s->id, sizeof s->id);
    kfk__list_remove(&s->link);
    kfk__release(ss->alloc, s);
}

int32_t kfk__dev_session_next_epoch(int32_t epoch)
{
    return epoch == INT32_MAX ? 1 : epoch + 1;
}

void kfk__dev_sessions_use(kfk__dev_sessions *ss, kfk__dev_session *s, int64_t now)
{
    s->epoch = kfk__dev_session_next_epoch(s->epoch);
    s->used = now;
    kfk__list_remove(&s->link);
    kfk__list_push(&ss->all, &s->link);
}

/* ---- partitions ---- */

enum { KEY_MAX = 4 + KFK__DEV_NAME_MAX };

static size_t key_size(const kfk__dev_session *s, const kfk__dev_wish *w)
{
    return 4 + (s->by_id ? sizeof w->id.b : w->topic.len);
}

static void key_write(const kfk__dev_session *s, const kfk__dev_wish *w, uint8_t *to)
{
    kfk__put_be32(to, (uint32_t)w->partition);
    if (s->by_id)
        memcpy(to + 4, w->id.b, sizeof w->id.b);
    else if (w->topic.len)
        memcpy(to + 4, w->topic.data, w->topic.len);
}

static kfk__dev_session_partition *find(const kfk__dev_session *s, const kfk__dev_wish *w)
{
    uint8_t key[KEY_MAX];
    size_t len = key_size(s, w);

    if (len > sizeof key)
        return NULL;
    key_write(s, w, key);
    return kfk__map_get(&s->by_key, key, len);
}

static kfk__dev_session_partition *add(kfk__dev_session *s, const kfk__dev_wish *w)
{
    size_t len = key_size(s, w);
    kfk__dev_session_partition *p = kfk__zalloc(s->by_key.alloc, sizeof *p + len);

    if (!p)
        return NULL;
    p->key_len = len;
    key_write(s, w, p->key);
    p->wish.id = w->id;
    p->wish.partition = w->partition;
    p->wish.told_high = w->told_high;
    p->wish.told_start = w->told_start;
    if (!kfk__map_put(&s->by_key, p->key, len, p)) {
        kfk__release(s->by_key.alloc, p);
        return NULL;
    }
    kfk__list_push(&s->partitions, &p->link);
    return p;
}

/* The name, where it was not known before: it stays what it was, whoever has it later. */
static bool name(kfk__dev_session *s, kfk__dev_session_partition *p, kfk_bytes topic)
{
    char *copy;

    if (p->wish.topic.data || !topic.data)
        return true;
    copy = kfk__strndup(s->by_key.alloc, topic.data, topic.len);
    p->wish.topic = kfk__bytes(copy, topic.len);
    return copy != NULL;
}

bool kfk__dev_session_want(kfk__dev_session *s, const kfk__dev_wish *w)
{
    kfk__dev_session_partition *p = find(s, w);
    bool known = p != NULL;

    if (key_size(s, w) > KEY_MAX) /* no topic's name, ever */
        return true;
    if (!known)
        p = add(s, w);
    if (!p)
        return false;
    if (!name(s, p, w->topic)) {
        if (!known)
            drop(s, p);
        return false;
    }
    p->wish.leader_epoch = w->leader_epoch;
    p->wish.last_fetched_epoch = w->last_fetched_epoch;
    p->wish.max_bytes = w->max_bytes;
    p->wish.offset = w->offset;
    return true;
}

void kfk__dev_session_forget(kfk__dev_session *s, const kfk__dev_wish *w)
{
    kfk__dev_session_partition *p = find(s, w);

    if (p)
        drop(s, p);
}

void kfk__dev_session_told(kfk__dev_session *s, const kfk__dev_wish *w, int64_t high, int64_t start,
                           bool data)
{
    kfk__dev_session_partition *p = find(s, w);

    if (!p)
        return;
    p->wish.told_high = high;
    p->wish.told_start = start;
    if (!data)
        return;
    kfk__list_remove(&p->link);
    kfk__list_push(&s->partitions, &p->link);
}
