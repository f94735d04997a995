#include "consumer/session.h"

#include <string.h>

#include <kfk/kafka_errors.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { KEY_PARTITION = sizeof(int32_t), KEY_ID = 16 };

void kfk__session_init(kfk__session *s, const kfk_allocator *a)
{
    *s = (kfk__session){.alloc = a};
    kfk__list_init(&s->seats);
    kfk__list_init(&s->news);
    kfk__map_init(&s->by_key, a);
}

/* ---- seats ---- */

static void free_seat(kfk__session *s, kfk__seat *seat)
{
    if (kfk__map_get(&s->by_key, seat->key, seat->key_len) == seat)
        (void)kfk__map_remove(&s->by_key, seat->key, seat->key_len);
    if (!kfk__list_empty(&seat->link))
        s->nameless -= kfk__uuid_is_zero(&seat->wish.id);
    kfk__list_remove(&seat->link);
    kfk__list_remove(&seat->news);
    kfk__assigned_drop(seat->partition);
    kfk__release(s->alloc, seat);
}

void kfk__session_fini(kfk__session *s)
{
    kfk__list *at;

    while ((at = kfk__list_first(&s->seats)) != NULL)
        free_seat(s, KFK__ENTRY(at, kfk__seat, link));
    kfk__map_fini(&s->by_key);
}

static size_t make_key(uint8_t *key, bool by_id, kfk_bytes topic, const kfk__uuid *id,
                       int32_t partition)
{
    memcpy(key, &partition, KEY_PARTITION);
    if (by_id) {
        memcpy(key + KEY_PARTITION, id, KEY_ID);
        return KEY_PARTITION + KEY_ID;
    }
    memcpy(key + KEY_PARTITION, topic.data, topic.len);
    return KEY_PARTITION + topic.len;
}

/* Under the name, or id, by which answers will tell of it. false: no memory. */
static bool enter(kfk__session *s, kfk__seat *seat)
{
    kfk__assigned *p = seat->partition;

    seat->key_len = make_key(seat->key, s->by_id, kfk__bytes(p->topic, p->topic_len),
                             &seat->wish.id, p->partition);
    return kfk__map_put(&s->by_key, seat->key, seat->key_len, seat);
}

/* The seat of this topic's or id's partition, leaving or not. */
static kfk__seat *seat_of(const kfk__session *s, kfk_bytes topic, const kfk__uuid *id,
                          int32_t partition)
{
    uint8_t key[KEY_PARTITION + KFK__TOPIC_MAX];

    if (!s->by_id && topic.len > KFK__TOPIC_MAX)
        return NULL;
    return kfk__map_get(&s->by_key, key, make_key(key, s->by_id, topic, id, partition));
}

static kfk__seat *new_seat(kfk__session *s, kfk__assigned *p, const kfk__wish *wish)
{
    size_t room = KEY_PARTITION + (p->topic_len > KEY_ID ? p->topic_len : KEY_ID);
    kfk__seat *seat = kfk__zalloc(s->alloc, sizeof *seat + room);
    kfk__seat *old;

    if (!seat)
        return NULL;
    seat->wish = *wish;
    seat->partition = kfk__assigned_hold(p);
    kfk__list_init(&seat->link);
    kfk__list_init(&seat->news);
    old = seat_of(s, kfk__bytes(p->topic, p->topic_len), &wish->id, p->partition);
    if (!enter(s, seat)) {
        free_seat(s, seat);
        return NULL;
    }
    kfk__list_push(&s->seats, &seat->link);
    s->wanted++;
    s->nameless += kfk__uuid_is_zero(&wish->id);
    if (!old)
        return seat;
    if (!old->leaving) {
        *old->owner = NULL;
        s->wanted--;
    }
    /* An assignment of before, which leaves: one request cannot both name and forget, so this seat is that one's. What is
     * under way for it is of no interest. */
    seat->named = old->named;
    seat->told = old->told;
    seat->told.version = ~wish->version;
    free_seat(s, old);
    return seat;
}

/* At the end: those that changed last are named last, so that no partition is always behind another. */
static void to_news(kfk__session *s, kfk__seat *seat)
{
    kfk__list_remove(&seat->news);
    kfk__list_push(&s->news, &seat->news);
}

static bool same_wish(const kfk__wish *a, const kfk__wish *b)
{
    return a->offset == b->offset && a->leader_epoch == b->leader_epoch &&
           a->max_bytes == b->max_bytes && kfk__uuid_equal(&a->id, &b->id);
}

/* A partition that left, and that the broker has not been told of yet. */
static kfk__seat *comes_back(kfk__session *s, kfk__assigned *p, const kfk__wish *wish)
{
    kfk__seat *seat = seat_of(s, kfk__bytes(p->topic, p->topic_len), &wish->id, p->partition);

    if (!seat || seat->partition != p || !seat->leaving)
        return NULL;
    seat->leaving = false;
    s->wanted++;
    return seat;
}

kfk_err kfk__session_take(kfk__session *s, kfk__assigned *p, const kfk__wish *wish, kfk__seat **seat)
{
    if (*seat && !kfk__uuid_equal(&(*seat)->wish.id, &wish->id)) { /* another topic of that name */
        kfk__session_leave(s, *seat);
        *seat = NULL;
    }
    if (!*seat)
        *seat = comes_back(s, p, wish);
    if (!*seat)
        *seat = new_seat(s, p, wish);
    if (!*seat)
        return KFK_ERR_NOMEM;
    (*seat)->owner = seat;
    s->nameless += kfk__uuid_is_zero(&wish->id);
    s->nameless -= kfk__uuid_is_zero(&(*seat)->wish.id);
    (*seat)->wish = *wish;
    if (!(*seat)->named || !same_wish(wish, &(*seat)->told))
        to_news(s, *seat);
    else
        (*seat)->told.version = wish->version;
    return KFK_OK;
}

void kfk__session_leave(kfk__session *s, kfk__seat *seat)
{
    s->wanted--;
    seat->leaving = true;
    if (seat->named)
        to_news(s, seat);
    else
        free_seat(s, seat);
}

kfk__seat *kfk__session_find(const kfk__session *s, kfk_bytes topic, const kfk__uuid *id,
                             int32_t partition)
{
    kfk__seat *seat = seat_of(s, topic, id, partition);

    return seat && seat->named && !seat->leaving ? seat : NULL;
}

/* ---- asking ---- */

bool kfk__session_has_ids(const kfk__session *s)
{
    return s->nameless == 0;
}

/* The broker knows of nobody. */
static void forget_all(kfk__session *s)
{
    for (kfk__list *at = s->seats.next, *next; at != &s->seats; at = next) {
        kfk__seat *seat = KFK__ENTRY(at, kfk__seat, link);

        next = at->next;
        seat->named = false;
        if (seat->leaving)
            free_seat(s, seat);
        else if (kfk__list_empty(&seat->news))
            kfk__list_push(&s->news, &seat->news);
    }
}

/* By other keys from now on. Where there is no memory for one, its answers go unheard and the next full request is
 * tried again. */
static kfk_err rekey(kfk__session *s, bool by_id)
{
    kfk__map_fini(&s->by_key);
    kfk__map_init(&s->by_key, s->alloc);
    s->by_id = by_id;
    for (kfk__list *at = s->seats.next; at != &s->seats; at = at->next)
        if (!enter(s, KFK__ENTRY(at, kfk__seat, link)))
            return KFK_ERR_NOMEM;
    return KFK_OK;
}

static bool same_topic(const kfk__session *s, const kfk__seat *a, const kfk__seat *b)
{
    const kfk__assigned *p = a->partition, *q = b->partition;

    if (s->by_id)
        return kfk__uuid_equal(&a->wish.id, &b->wish.id);
    return p->topic_len == q->topic_len && memcmp(p->topic, q->topic, p->topic_len) == 0;
}

typedef struct asking {
    kfk__session *s;
    kfk__fetch_request *rq;
    kfk__fetch_request_partition *parts;
    int32_t *forgotten;
    const kfk__seat *last_named, *last_forgotten;
} asking;

static void name_seat(asking *a, const kfk__seat *seat)
{
    kfk__fetch_request_topic *t = &a->rq->topics.v[a->rq->topics.n - 1];

    if (!a->last_named || !same_topic(a->s, seat, a->last_named)) {
        t = &a->rq->topics.v[a->rq->topics.n++];
        *t = (kfk__fetch_request_topic){
            .topic = kfk__bytes(seat->partition->topic, seat->partition->topic_len),
            .topic_id = seat->wish.id};
        t->partitions.v = a->parts;
    }
    a->last_named = seat;
    t->partitions.n++;
    *a->parts++ = (kfk__fetch_request_partition){.partition = seat->partition->partition,
                                                 .current_leader_epoch = seat->wish.leader_epoch,
                                                 .fetch_offset = seat->wish.offset,
                                                 .last_fetched_epoch = -1,
                                                 .log_start_offset = -1,
                                                 .partition_max_bytes = seat->wish.max_bytes,
                                                 .high_watermark = INT64_MAX};
}

static void forget_seat(asking *a, const kfk__seat *seat)
{
    kfk__fetch_request_forgotten_topic *t =
        &a->rq->forgotten_topics_data.v[a->rq->forgotten_topics_data.n - 1];

    if (!a->last_forgotten || !same_topic(a->s, seat, a->last_forgotten)) {
        t = &a->rq->forgotten_topics_data.v[a->rq->forgotten_topics_data.n++];
        *t = (kfk__fetch_request_forgotten_topic){
            .topic = kfk__bytes(seat->partition->topic, seat->partition->topic_len),
            .topic_id = seat->wish.id};
        t->partitions.v = a->forgotten;
    }
    a->last_forgotten = seat;
    t->partitions.n++;
    *a->forgotten++ = seat->partition->partition;
}

kfk_err kfk__session_ask(kfk__session *s, bool by_id, kfk__arena *arena, kfk__fetch_request *rq)
{
    size_t n = 0;
    asking a = {.s = s, .rq = rq};

    if (s->epoch > 0 && by_id != s->by_id)
        s->epoch = 0; /* one session does not mix them */
    if (s->epoch == 0) {
        forget_all(s);
        if (rekey(s, by_id))
            return KFK_ERR_NOMEM;
    }
    for (const kfk__list *at = s->news.next; at != &s->news; at = at->next)
        n++;
    rq->topics.v = kfk__arena_alloc(arena, (n + 1) * sizeof *rq->topics.v);
    rq->forgotten_topics_data.v =
        kfk__arena_alloc(arena, (n + 1) * sizeof *rq->forgotten_topics_data.v);
    a.parts = kfk__arena_alloc(arena, (n + 1) * sizeof *a.parts);
    a.forgotten = kfk__arena_alloc(arena, (n + 1) * sizeof *a.forgotten);
    if (!rq->topics.v || !rq->forgotten_topics_data.v || !a.parts || !a.forgotten)
        return KFK_ERR_NOMEM;
    rq->topics.n = rq->forgotten_topics_data.n = 0;
    for (const kfk__list *at = s->news.next; at != &s->news; at = at->next) {
        const kfk__seat *seat = KFK__ENTRY(at, kfk__seat, news);

        if (seat->leaving)
            forget_seat(&a, seat);
        else
            name_seat(&a, seat);
    }
    rq->session_id = s->id;
    rq->session_epoch = s->epoch;
    return KFK_OK;
}

void kfk__session_asked(kfk__session *s)
{
    kfk__list *at;

    while ((at = kfk__list_first(&s->news)) != NULL) {
        kfk__seat *seat = KFK__ENTRY(at, kfk__seat, news);

        if (seat->leaving) {
            free_seat(s, seat);
            continue;
        }
        seat->told = seat->wish;
        seat->named = true;
        kfk__list_remove(&seat->news);
    }
}

/* ---- answers ---- */

void kfk__session_lost(kfk__session *s, kfk_err why)
{
    if (why == KFK_ERR_FETCH_SESSION_ID_NOT_FOUND)
        s->id = 0; /* else the next full request closes the one that may be there */
    s->epoch = 0;
    forget_all(s);
}

/* Whether every partition that was asked for is named, as a full answer does. */
static bool names_all(kfk__session *s)
{
    for (const kfk__list *at = s->seats.next; at != &s->seats; at = at->next) {
        const kfk__seat *seat = KFK__ENTRY(at, kfk__seat, link);

        if (seat->named && !seat->heard)
            return false;
    }
    return true;
}

/* Marks what the answer names as |heard| or not. false: it is not in the session, or is marked so already. */
static bool name_each(kfk__session *s, const kfk__fetch_response *rs, bool heard)
{
    for (int32_t i = 0; i < rs->responses.n; i++)
        for (int32_t k = 0; k < rs->responses.v[i].partitions.n; k++) {
            const kfk__fetch_response_topic *t = &rs->responses.v[i];
            kfk__seat *seat =
                seat_of(s, t->topic, &t->topic_id, t->partitions.v[k].partition_index);

            if (!seat || !seat->named || (heard && seat->heard))
                return false;
            seat->heard = heard;
        }
    return true;
}

/* Whether it names only what is in the session, and each once; marks these. */
static bool names_known(kfk__session *s, const kfk__fetch_response *rs)
{
    return name_each(s, rs, false) && name_each(s, rs, true);
}

static kfk_err next_epoch(kfk__session *s, const kfk__fetch_response *rs)
{
    bool full = s->epoch == 0, known, all;

    if (full)
        for (kfk__list *at = s->seats.next; at != &s->seats; at = at->next)
            KFK__ENTRY(at, kfk__seat, link)->heard = false;
    known = names_known(s, rs);
    all = !full || names_all(s);
    /* A broker that is throttling answers a full request with nothing at all. */
    if (full && rs->responses.n == 0 && rs->throttle_time_ms > 0)
        all = true;
    if (!known || !all)
        return KFK_ERR_INVALID_FETCH_SESSION_EPOCH;
    if (full)
        s->id = rs->session_id;
    s->epoch = s->id == 0 ? 0 : s->epoch == INT32_MAX ? 1 : s->epoch + 1;
    return KFK_OK;
}

kfk_err kfk__session_answer(kfk__session *s, const kfk__fetch_response *rs)
{
    kfk_err err = rs->error_code ? rs->error_code : next_epoch(s, rs);

    if (err)
        kfk__session_lost(s, err);
    return err;
}
