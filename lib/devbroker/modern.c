#include "devbroker/modern.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/assignor.h"
#include "devbroker/consumers.h"
#include "devbroker/copy.h"
#include "devbroker/migrate.h"
#include "devbroker/reconcile.h"
#include "devbroker/text.h"

/* What a member's epoch says when it is none. */
enum { JOINS = 0, LEAVES = -1, LEAVES_FOR_A_WHILE = -2 };
enum { FIRST_WITH_OWN_IDS = 1 };

/* ---- answers ---- */

static void refuse(kfk__dev_beat *b, int16_t code, const char *fmt, ...) KFK_PRINTF(3, 4);

static void refuse(kfk__dev_beat *b, int16_t code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    b->code = code;
    b->why = kfk__dev_vtext(b->arena, fmt, ap);
    va_end(ap);
}

static bool blank(kfk_bytes text)
{
    const char *p = text.data;

    for (size_t i = 0; i < text.len; i++)
        if (p[i] != ' ')
            return false;
    return text.data != NULL;
}

static const char *wrong_join(const kfk__consumer_group_heartbeat_request *req)
{
    if (req->rebalance_timeout_ms == -1)
        return "RebalanceTimeoutMs must be provided in first request.";
    if (req->topic_partitions.n != 0)
        return "TopicPartitions must be empty when (re-)joining.";
    if (req->subscribed_topic_names.n < 0 && !req->subscribed_topic_regex.data)
        return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
               "(re-)joining.";
    return NULL;
}

static const char *wrong(const kfk__consumer_group_heartbeat_request *req, int16_t version)
{
    int32_t epoch = req->member_epoch;

    if ((version >= FIRST_WITH_OWN_IDS || epoch > 0 || epoch == LEAVES) && blank(req->member_id))
        return "MemberId can't be empty.";
    if (blank(req->group_id))
        return "GroupId can't be empty.";
    if (blank(req->instance_id))
        return "InstanceId can't be empty.";
    if (blank(req->rack_id))
        return "RackId can't be empty.";
    if (epoch == JOINS)
        return wrong_join(req);
    if (epoch == LEAVES_FOR_A_WHILE && !req->instance_id.data)
        return "InstanceId can't be null.";
    return epoch < LEAVES_FOR_A_WHILE ? "MemberEpoch is invalid." : NULL;
}

bool kfk__dev_beat_ok(kfk__dev_beat *b, int16_t version)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;
    const char *why = wrong(req, version);

    if (why)
        refuse(b, KFK_ERR_INVALID_REQUEST, "%s", why);
    else if (req->server_assignor.data && !kfk__dev_assignor_known(req->server_assignor))
        refuse(b, KFK_ERR_UNSUPPORTED_ASSIGNOR,
               "ServerAssignor %.*s is not supported. Supported assignors: %s.",
               (int)req->server_assignor.len, (const char *)req->server_assignor.data,
               kfk__dev_assignors);
    return b->code == KFK_OK;
}

/* ---- members ---- */

/* The last one goes that did not speak the classic protocol. */
static bool leaves_classic(const kfk__dev_consumer *m)
{
    if (kfk__dev_consumer_classic(m) || m->group->modern.n_members == 1)
        return false;
    for (KFK__DEV_EACH_CONSUMER(other, m->group))
        if (other != m && !kfk__dev_consumer_classic(other))
            return false;
    return true;
}

void kfk__dev_modern_fence(kfk__dev_consumer *m, int64_t now)
{
    kfk__dev_group *g = m->group;
    bool down = leaves_classic(m);

    kfk__dev_consumer_free(m);
    if (down && kfk__dev_migrate_down(g, now))
        return; /* in the epoch that the others are in, so that they hear of a rebalance */
    g->modern.epoch++;
    g->modern.topics = kfk__dev_topics_digest(g);
}

static void session_over(kfk__dev_timer *t, int64_t at)
{
    kfk__dev_modern_fence(KFK__ENTRY(t, kfk__dev_consumer, session), at);
}

/* It did not do in time what it was told to: give up partitions, or join or sync again. */
static void deadline_over(kfk__dev_timer *t, int64_t at)
{
    kfk__dev_modern_fence(KFK__ENTRY(t, kfk__dev_consumer, deadline), at);
}

const kfk__dev_fires kfk__dev_modern_fires = {session_over, deadline_over};

/* ---- who it is ---- */

/* Whether the member says that it has nothing but what it may have. */
static bool owns_its_own(const kfk__dev_consumer *m,
                         const kfk__consumer_group_heartbeat_request *req)
{
    for (int32_t i = 0; i < req->topic_partitions.n; i++) {
        const kfk__consumer_group_heartbeat_request_topic_partitions *t =
            &req->topic_partitions.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++)
            if (!kfk__dev_parts_find(&m->assigned, &t->topic_id, t->partitions.v[k]))
                return false;
    }
    return req->topic_partitions.n >= 0;
}

/* The epoch before is good, too, if the answer with the new one may have been lost. */
static bool check_epoch(const kfk__dev_consumer *m, kfk__dev_beat *b)
{
    int32_t epoch = b->req->member_epoch;

    if (epoch == JOINS || epoch == m->epoch ||
        (epoch < m->epoch && epoch == m->previous_epoch && owns_its_own(m, b->req)))
        return true;
    refuse(b, KFK_ERR_FENCED_MEMBER_EPOCH,
           "The consumer group member has a %s member epoch (%d) than the one known by the group "
           "coordinator (%d). The member must abandon all its partitions and rejoin.",
           epoch > m->epoch ? "greater" : "smaller", (int)epoch, (int)m->epoch);
    return false;
}

static void unknown(kfk__dev_beat *b, const kfk__dev_group *g)
{
    refuse(b, KFK_ERR_UNKNOWN_MEMBER_ID, "Member %.*s is not a member of group %.*s.",
           (int)b->req->member_id.len, (const char *)b->req->member_id.data, (int)g->id.len,
           (const char *)g->id.data);
}

static bool check_instance(const kfk__dev_consumer *m, kfk__dev_beat *b)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;

    if (!m)
        refuse(b, KFK_ERR_UNKNOWN_MEMBER_ID, "Instance id %.*s is unknown.",
               (int)req->instance_id.len, (const char *)req->instance_id.data);
    else if (!kfk__bytes_equal(m->id, req->member_id))
        refuse(b, KFK_ERR_FENCED_INSTANCE_ID,
               "Static member %.*s with instance id %.*s was fenced by member %.*s.",
               (int)req->member_id.len, (const char *)req->member_id.data,
               (int)req->instance_id.len, (const char *)req->instance_id.data, (int)m->id.len,
               (const char *)m->id.data);
    return b->code == KFK_OK;
}

/* A static member comes back: what was its own is its own again. */
static kfk__dev_consumer *come_back(kfk__dev_consumer *m, kfk__dev_beat *b, kfk_bytes id)
{
    kfk_bytes copy;

    if (m->epoch != LEAVES_FOR_A_WHILE && !kfk__dev_consumer_classic(m)) {
        refuse(b, KFK_ERR_UNRELEASED_INSTANCE_ID,
               "Static member %.*s with instance id %.*s cannot join the group because the "
               "instance id is owned by %.*s member.",
               (int)id.len, (const char *)id.data, (int)m->instance.len,
               (const char *)m->instance.data, (int)m->id.len, (const char *)m->id.data);
        return NULL;
    }
    if (!kfk__dev_copy(kfk__dev_group_alloc(m->group), id, &copy))
        return NULL;
    kfk__dev_copy_free(kfk__dev_group_alloc(m->group), &m->id);
    m->id = copy;
    m->epoch = m->previous_epoch = 0;
    return m;
}

/* The member, new or known. NULL: it was refused, or there is no memory. */
static kfk__dev_consumer *identify(kfk__dev_group *g, kfk__dev_beat *b, kfk_bytes id)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;
    bool joins = req->member_epoch == JOINS;
    kfk__dev_consumer *m = req->instance_id.data ? kfk__dev_consumer_static(g, req->instance_id)
                                                 : kfk__dev_consumer_find(g, id);

    if (g->modern.n_members >= g->all->settings.max_size && !kfk__dev_consumer_find(g, id)) {
        refuse(b, KFK_ERR_GROUP_MAX_SIZE_REACHED,
               "The consumer group has reached its maximum capacity of %d members.",
               (int)g->all->settings.max_size);
        return NULL;
    }
    if (joins && !m)
        return kfk__dev_consumer_add(g, id, req->instance_id, &kfk__dev_modern_fires);
    if (joins && req->instance_id.data)
        return come_back(m, b, id);
    if (req->instance_id.data && !check_instance(m, b))
        return NULL;
    if (!m)
        unknown(b, g);
    return m && check_epoch(m, b) ? m : NULL;
}

/* ---- what it wants ---- */

static bool replace(kfk__dev_group *g, kfk_bytes from, kfk_bytes *to)
{
    kfk_bytes copy;

    if (!from.data)
        return true;
    if (!kfk__dev_copy(kfk__dev_group_alloc(g), from, &copy))
        return false;
    kfk__dev_copy_free(kfk__dev_group_alloc(g), to);
    *to = copy;
    return true;
}

/* What is given is new, what is not is as before. */
static bool update(kfk__dev_consumer *m, const kfk__dev_beat *b)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;

    if (req->rebalance_timeout_ms != -1)
        m->rebalance_ms = req->rebalance_timeout_ms;
    return replace(m->group, req->rack_id, &m->rack) &&
           replace(m->group, req->server_assignor, &m->assignor) &&
           replace(m->group, b->client_id, &m->client_id) &&
           replace(m->group, b->client_host, &m->client_host);
}

/* *changed: it wants something else now. */
static bool subscribe(kfk__dev_consumer *m, const kfk__consumer_group_heartbeat_request *req,
                      bool *changed)
{
    const kfk_allocator *a = kfk__dev_group_alloc(m->group);
    const kfk_bytes *names = req->subscribed_topic_names.v, regex = req->subscribed_topic_regex;
    int32_t n = req->subscribed_topic_names.n;

    *changed = false;
    if (n >= 0 && !kfk__dev_subscription_has(&m->wants, names, n)) {
        *changed = true;
        if (!kfk__dev_subscription_names(&m->wants, a, names, n))
            return false;
    }
    if (regex.data && (regex.len != m->wants.regex.len ||
                       (regex.len && memcmp(regex.data, m->wants.regex.data, regex.len) != 0))) {
        *changed = true;
        if (!kfk__dev_subscription_regex(&m->wants, a, regex))
            return false;
    }
    return true;
}

static bool check_regex(kfk__dev_beat *b)
{
    kfk_bytes regex = b->req->subscribed_topic_regex;

    if (regex.len == 0 || kfk__dev_regex_ok(regex))
        return true;
    refuse(b, KFK_ERR_INVALID_REGULAR_EXPRESSION,
           "SubscribedTopicRegex `%.*s` is not a valid regular expression.", (int)regex.len,
           (const char *)regex.data);
    return false;
}

/* ---- the assignment ---- */

static int32_t votes_for(const kfk__dev_group *g, const char *name)
{
    int32_t n = 0;

    for (KFK__DEV_EACH_CONSUMER(m, g))
        n += kfk__bytes_equal(m->assignor, kfk__bytes_str(name));
    return n;
}

const char *kfk__dev_modern_assignor(const kfk__dev_group *g)
{
    return votes_for(g, "range") > votes_for(g, "uniform") ? "range" : "uniform";
}

bool kfk__dev_modern_assign(kfk__dev_group *g, bool changed, int64_t now)
{
    kfk__dev_modern *d = &g->modern;
    uint64_t topics = kfk__dev_topics_digest(g);

    if (d->epoch == 0 || changed || topics != d->topics)
        d->epoch++;
    d->topics = topics;
    if (d->epoch == d->assignment_epoch ||
        (d->assignment_epoch > 0 && now < d->assigned_at + g->all->settings.assign_ms * KFK__MS))
        return true;
    if (!kfk__dev_assign(g, kfk__dev_modern_assignor(g)))
        return false;
    d->assignment_epoch = d->epoch;
    d->assigned_at = now;
    return true;
}

/* What the request says that the member has. false: no memory. */
static bool read_owned(const kfk__dev_group *g, const kfk__consumer_group_heartbeat_request *req,
                       kfk__dev_parts *out)
{
    for (int32_t i = 0; i < req->topic_partitions.n; i++) {
        const kfk__consumer_group_heartbeat_request_topic_partitions *t =
            &req->topic_partitions.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            kfk__dev_part p = {.topic = t->topic_id, .index = t->partitions.v[k]};

            if (!kfk__dev_parts_add(out, kfk__dev_group_alloc(g), &p))
                return false;
        }
    }
    return true;
}

bool kfk__dev_modern_step(kfk__dev_consumer *m, const kfk__dev_parts *owned, bool changed,
                          int64_t now, bool *news)
{
    kfk__dev_progress before = m->progress;
    int32_t epoch = m->epoch;
    bool ok = kfk__dev_reconcile(m, owned, changed, news);

    if (kfk__dev_consumer_classic(m))
        return ok;
    if (m->progress != KFK__DEV_UNREVOKED)
        kfk__dev_consumer_rest(m);
    else if (before != m->progress || epoch != m->epoch || *news)
        kfk__dev_consumer_hurry(m, now, true);
    return ok;
}

static bool reconcile(kfk__dev_consumer *m, kfk__dev_beat *b, bool changed)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;
    kfk__dev_parts owned = {0};
    bool ok = read_owned(m->group, req, &owned) &&
              kfk__dev_modern_step(m, req->topic_partitions.n >= 0 ? &owned : NULL, changed, b->now,
                                   &b->tell);

    kfk__dev_parts_free(&owned, kfk__dev_group_alloc(m->group));
    return ok;
}

static bool full(const kfk__consumer_group_heartbeat_request *req)
{
    return req->member_epoch == JOINS ||
           (req->rebalance_timeout_ms != -1 &&
            (req->subscribed_topic_names.n >= 0 || req->subscribed_topic_regex.data) &&
            req->topic_partitions.n >= 0);
}

bool kfk__dev_modern_new_id(const kfk__dev_group *g, kfk__arena *a, kfk_bytes *out)
{
    kfk__uuid uuid;
    char text[23];

    g->all->env->ops->random(g->all->env->ctx, uuid.b, sizeof uuid.b);
    kfk__uuid_format(&uuid, text);
    return kfk__dev_copy_in(a, kfk__bytes(text, sizeof text - 1), out);
}

bool kfk__dev_modern_beat(kfk__dev_group *g, kfk__dev_beat *b)
{
    kfk__dev_consumer *m;
    bool changed;
    kfk_bytes id = b->req->member_id;

    if (!check_regex(b))
        return true;
    if (id.len == 0 && !kfk__dev_modern_new_id(g, b->arena, &id))
        return false;
    m = identify(g, b, id);
    if (!m)
        return b->code != KFK_OK;
    kfk__dev_consumer_modern(m);
    kfk__dev_consumer_watch(m, b->now);
    if (!update(m, b) || !subscribe(m, b->req, &changed) ||
        !kfk__dev_modern_assign(g, changed, b->now) || !reconcile(m, b, changed))
        return false;
    b->member = m;
    b->tell |= full(b->req);
    return true;
}

bool kfk__dev_modern_upgrade(kfk__dev_group *g, kfk__dev_beat *b)
{
    const char *why;
    int16_t code = kfk__dev_migrate_up(g, &kfk__dev_modern_fires, b->arena, b->now, &why);

    if (code == KFK_ERR_GROUP_ID_NOT_FOUND)
        refuse(b, code, "Cannot upgrade classic group %.*s to consumer group because %s.",
               (int)g->id.len, (const char *)g->id.data, why);
    return code == KFK_OK;
}

/* ---- leaving ---- */

/* It keeps its place until its session ends. */
static void leave_for_a_while(kfk__dev_consumer *m)
{
    m->previous_epoch = m->epoch;
    m->epoch = LEAVES_FOR_A_WHILE;
    m->progress = KFK__DEV_RECONCILED;
    kfk__dev_parts_clear(&m->revoking);
    kfk__dev_consumer_rest(m);
}

void kfk__dev_modern_leave(kfk__dev_group *g, kfk__dev_beat *b)
{
    const kfk__consumer_group_heartbeat_request *req = b->req;
    kfk__dev_consumer *m = req->instance_id.data ? kfk__dev_consumer_static(g, req->instance_id)
                                                 : kfk__dev_consumer_find(g, req->member_id);

    if (req->instance_id.data && !check_instance(m, b))
        return;
    if (!m)
        unknown(b, g);
    else if (req->member_epoch == LEAVES_FOR_A_WHILE)
        leave_for_a_while(m);
    else
        kfk__dev_modern_fence(m, b->now);
}

/* Who administers the group knows an instance alone. */
int16_t kfk__dev_modern_remove(kfk__dev_group *g, kfk_bytes member, kfk_bytes instance, int64_t now)
{
    kfk__dev_consumer *m =
        instance.data ? kfk__dev_consumer_static(g, instance) : kfk__dev_consumer_find(g, member);

    if (!m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    if (instance.data && member.len > 0 && !kfk__bytes_equal(m->id, member))
        return KFK_ERR_FENCED_INSTANCE_ID;
    kfk__dev_modern_fence(m, now);
    return KFK_OK;
}

/* ---- the others ---- */

/* In an epoch before the member's own, it may commit what it has had since then. */
int16_t kfk__dev_modern_check(const kfk__dev_group *g, kfk_bytes member, int32_t epoch,
                              const kfk__dev_part *p)
{
    const kfk__dev_consumer *m = kfk__dev_consumer_find(g, member);
    const kfk__dev_part *has;
    int16_t stale;

    if (!m)
        return KFK_ERR_UNKNOWN_MEMBER_ID;
    stale = kfk__dev_consumer_classic(m) ? KFK_ERR_ILLEGAL_GENERATION : KFK_ERR_STALE_MEMBER_EPOCH;
    if (epoch == m->epoch)
        return KFK_OK;
    if (epoch > m->epoch || !p)
        return stale;
    has = kfk__dev_parts_find(&m->assigned, &p->topic, p->index);
    if (!has)
        has = kfk__dev_parts_find(&m->revoking, &p->topic, p->index);
    return has && epoch >= has->epoch ? KFK_OK : stale;
}

bool kfk__dev_modern_reads(const kfk__dev_group *g, kfk_bytes topic)
{
    const kfk__dev_topic *t = kfk__map_get(&g->all->topics->by_name, topic.data, topic.len);

    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (t && kfk__dev_consumer_wants(m, t->name))
            return true;
    return false;
}

const char *kfk__dev_modern_state_name(const kfk__dev_group *g)
{
    const kfk__dev_modern *d = &g->modern;

    if (d->n_members == 0)
        return "Empty";
    if (d->epoch > d->assignment_epoch)
        return "Assigning";
    for (KFK__DEV_EACH_CONSUMER(m, g))
        if (m->progress != KFK__DEV_RECONCILED || m->epoch != d->assignment_epoch)
            return "Reconciling";
    return "Stable";
}

void kfk__dev_modern_rebalance(kfk__dev_group *g)
{
    g->modern.epoch++;
}

void kfk__dev_modern_move(kfk__dev_group *g, int64_t now)
{
    for (KFK__DEV_EACH_CONSUMER(m, g)) {
        kfk__dev_consumer_watch(m, now);
        if (m->deadline.node.index > 0)
            kfk__dev_consumer_hurry(m, now, true);
    }
}

void kfk__dev_modern_init(kfk__dev_group *g)
{
    kfk__list_init(&g->modern.members);
}

void kfk__dev_modern_fini(kfk__dev_group *g)
{
    for (kfk__dev_consumer *m; (m = kfk__dev_consumer_next(g, NULL));)
        kfk__dev_consumer_free(m);
}
