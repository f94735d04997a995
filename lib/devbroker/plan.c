#include "devbroker/plan.h"

#include <string.h>

#include "base/bytes.h"
#include "proto/fetch.h"

enum { FIRST_WITH_IDS = 13, INITIAL_EPOCH = 0, FINAL_EPOCH = -1 };

typedef kfk__fetch_request request;
typedef kfk__fetch_request_topic topic_in;
typedef kfk__fetch_request_partition partition_in;
typedef kfk__fetch_request_forgotten_topic forgotten_in;

static kfk__dev_sessions *sessions_of(kfk__dev_service *s, const kfk__dev_call *call)
{
    return &kfk__dev_cluster_node(&s->cluster, call->node)->sessions;
}

/* Empty but not null where |b| is empty. data NULL: |b| is null, or there is no memory. */
static kfk_bytes copy(kfk__dev_call *call, kfk_bytes b)
{
    char *to = b.data ? kfk__dev_call_array(call, (int32_t)b.len, 1) : NULL;

    if (to && b.len)
        memcpy(to, b.data, b.len);
    return to ? kfk__bytes(to, b.len) : (kfk_bytes){0};
}

/* ---- what the request says ---- */

/* The name an id has now; null: none. */
static kfk_bytes name_of(const kfk__dev_service *s, const kfk__uuid *id)
{
    const kfk__dev_topic *t = kfk__dev_cluster_topic_by_id(&s->cluster, id);

    return t ? kfk__bytes_str(t->name) : (kfk_bytes){0};
}

static bool add_topic(kfk__dev_service *s, kfk__dev_call *call, const topic_in *in,
                      kfk__dev_plan *plan)
{
    kfk_bytes name = plan->by_id ? name_of(s, &in->topic_id) : in->topic;
    kfk_bytes topic = copy(call, name);

    if (name.data && !topic.data)
        return false;
    for (int32_t i = 0; i < in->partitions.n; i++) {
        const partition_in *p = &in->partitions.v[i];

        plan->wishes[plan->n++] = (kfk__dev_wish){.topic = topic,
                                                  .partition = p->partition,
                                                  .leader_epoch = p->current_leader_epoch,
                                                  .last_fetched_epoch = p->last_fetched_epoch,
                                                  .max_bytes = p->partition_max_bytes,
                                                  .offset = p->fetch_offset,
                                                  .told_high = -1,
                                                  .told_start = -1};
        if (plan->by_id)
            plan->wishes[plan->n - 1].id = in->topic_id;
    }
    return true;
}

static bool add_request(kfk__dev_service *s, kfk__dev_call *call, const request *req,
                        kfk__dev_plan *plan)
{
    int32_t n = 0;

    for (int32_t i = 0; i < req->topics.n; i++)
        n += req->topics.v[i].partitions.n > 0 ? req->topics.v[i].partitions.n : 0;
    plan->wishes = kfk__dev_call_array(call, n, sizeof *plan->wishes);
    for (int32_t i = 0; plan->wishes && i < req->topics.n; i++)
        if (!add_topic(s, call, &req->topics.v[i], plan))
            return false;
    return plan->wishes != NULL;
}

/* ---- what its session says ---- */

static void forget(kfk__dev_session *session, const forgotten_in *in)
{
    for (int32_t i = 0; i < in->partitions.n; i++) {
        kfk__dev_wish w = {
            .topic = in->topic, .id = in->topic_id, .partition = in->partitions.v[i]};

        kfk__dev_session_forget(session, &w);
    }
}

static bool update(kfk__dev_session *session, const request *req, const kfk__dev_plan *plan)
{
    for (int32_t i = 0; i < plan->n; i++)
        if (!kfk__dev_session_want(session, &plan->wishes[i]))
            return false;
    for (int32_t i = 0; i < req->forgotten_topics_data.n; i++)
        forget(session, &req->forgotten_topics_data.v[i]);
    return true;
}

/* A copy of one of its partitions. An id that had no name when it came may have one by now. */
static bool add_kept(kfk__dev_service *s, kfk__dev_call *call, kfk__dev_session *session,
                     const kfk__dev_wish *kept, kfk__dev_wish *to)
{
    kfk_bytes name = kept->topic.data ? kept->topic : name_of(s, &kept->id);

    *to = *kept;
    to->topic = copy(call, name);
    if (name.data && !to->topic.data)
        return false;
    return kept->topic.data || kfk__dev_session_want(session, to);
}

/* In place of what the request says, all that the session holds now. */
static bool add_session(kfk__dev_service *s, kfk__dev_call *call, kfk__dev_session *session,
                        kfk__dev_plan *plan)
{
    plan->wishes = kfk__dev_call_array(call, (int32_t)session->by_key.n, sizeof *plan->wishes);
    plan->n = 0;
    for (kfk__list *i = kfk__list_first(&session->partitions); plan->wishes && i;
         i = kfk__list_next(&session->partitions, i))
        if (!add_kept(s, call, session, &KFK__ENTRY(i, kfk__dev_session_partition, link)->wish,
                      &plan->wishes[plan->n++]))
            return false;
    return plan->wishes != NULL;
}

static int16_t check_session(const kfk__dev_session *session, const request *req, bool by_id)
{
    if (!session)
        return KFK_ERR_FETCH_SESSION_ID_NOT_FOUND;
    if (session->epoch != req->session_epoch)
        return KFK_ERR_INVALID_FETCH_SESSION_EPOCH;
    return session->by_id == by_id ? KFK_OK : KFK_ERR_FETCH_SESSION_TOPIC_ID_ERROR;
}

static bool go_on(kfk__dev_service *s, kfk__dev_call *call, const request *req, kfk__dev_plan *plan)
{
    kfk__dev_sessions *all = sessions_of(s, call);
    kfk__dev_session *session = kfk__dev_sessions_get(all, req->session_id);

    plan->code = check_session(session, req, plan->by_id);
    if (plan->code) {
        plan->n = 0;
        return true;
    }
    if (!update(session, req, plan))
        return false;
    if (session->by_key.n == 0) {
        kfk__dev_sessions_close(all, session);
        return true;
    }
    kfk__dev_sessions_use(all, session, call->now);
    plan->session = session->id;
    plan->epoch = session->epoch;
    return add_session(s, call, session, plan);
}

kfk__dev_plan *kfk__dev_plan_new(kfk__dev_service *s, kfk__dev_call *call)
{
    const request *req = call->request;
    kfk__dev_plan *plan = kfk__dev_call_array(call, 1, sizeof *plan);
    kfk__dev_sessions *all = sessions_of(s, call);

    if (!plan)
        return NULL;
    plan->by_id = call->version >= FIRST_WITH_IDS;
    if (!add_request(s, call, req, plan))
        return NULL;
    if (req->session_epoch != INITIAL_EPOCH && req->session_epoch != FINAL_EPOCH)
        return go_on(s, call, req, plan) ? plan : NULL;
    /* A full request ends the session that it names. */
    kfk__dev_sessions_close(all, kfk__dev_sessions_get(all, req->session_id));
    plan->opens = req->session_epoch == INITIAL_EPOCH;
    return plan;
}

/* ---- what is told ---- */

/* NULL: none, or it has ended since. */
static kfk__dev_session *session_of(kfk__dev_service *s, const kfk__dev_call *call,
                                    const kfk__dev_plan *plan)
{
    return plan->session ? kfk__dev_sessions_get(sessions_of(s, call), plan->session) : NULL;
}

bool kfk__dev_plan_overtaken(kfk__dev_service *s, const kfk__dev_call *call,
                             const kfk__dev_plan *plan)
{
    const kfk__dev_session *session = session_of(s, call, plan);

    return session && session->epoch != plan->epoch;
}

bool kfk__dev_plan_tell(kfk__dev_service *s, const kfk__dev_call *call, kfk__dev_plan *plan,
                        int32_t at, const kfk__dev_news *news)
{
    kfk__dev_wish *w = &plan->wishes[at];
    kfk__dev_session *session = session_of(s, call, plan);
    bool tell = !plan->session || news->code || news->data || news->moving ||
                news->high != w->told_high || news->start != w->told_start;

    /* After an error the partition is told of again, whatever has become of it. */
    w->told_high = news->code ? -1 : news->high;
    w->told_start = news->start;
    if (tell && session)
        kfk__dev_session_told(session, w, w->told_high, w->told_start, news->data);
    return tell;
}

static int32_t open_session(kfk__dev_sessions *all, const kfk__env *env, const kfk__dev_call *call,
                            const kfk__dev_plan *plan)
{
    kfk__dev_session *session =
        kfk__dev_sessions_open(all, env, plan->by_id, (size_t)plan->n, call->now);

    for (int32_t i = 0; session && i < plan->n; i++) {
        if (kfk__dev_session_want(session, &plan->wishes[i]))
            continue;
        kfk__dev_sessions_close(all, session);
        return 0;
    }
    return session ? session->id : 0;
}

int32_t kfk__dev_plan_end(kfk__dev_service *s, const kfk__dev_call *call, const kfk__dev_plan *plan)
{
    return plan->opens ? open_session(sessions_of(s, call), &s->cluster.env, call, plan)
                       : plan->session;
}
