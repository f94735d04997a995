#include "sim/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kfk/admin.h>

#include "admin/admin_env.h"
#include "consumer/consumer_env.h"
#include "consumer/handle.h"
#include "consumer/handover.h"
#include "devbroker/call.h"
#include "proto/offset_commit.h"

enum { PROPS = 48, POLL_MS = 100, APIS = 128, LOOK_MS = 20, CALM_MS = 400 };

typedef enum verb { NOTHING, LEAVE, DIE, UNSUBSCRIBE, SUBSCRIBE, COMMIT, COMMIT_AT } verb;

typedef struct member {
    int i;
    /* Set before its fiber runs. */
    const char *props[PROPS];
    int n_props;
    char topics[256];

    /* Guarded by |lock|. */
    kfk_consumer *c;
    bool running, subscribed;
    crew_habits habits;
    int64_t away_until; /* it does not poll before that */
    struct {
        verb what;
        const char *topics;
        kfk_tp tp;
        int ms;
        bool done;
        kfk_err err;
        kfk_error e;
    } order;
    char log[CREW_LOG];
    kfk_err errors[CREW_ERRORS];
    int n_errors;
    kfk_error last;
    bool failed;  /* for good */
    bool busy;    /* in a listener */
    bool held[CREW_TOPICS][CREW_PARTS];
    int64_t next[CREW_TOPICS][CREW_PARTS]; /* to be read, as it has it; -1: anything */
    int64_t handed[CREW_TOPICS][CREW_PARTS];
    int asked[APIS];
} member;

static kfk__mutex lock; /* guards all of this */
static member crew[CREW];
static int n_crew;
static const char *protocol;
static int parts[CREW_TOPICS], replicas;
static kfk__uuid ids[CREW_TOPICS];
static int64_t past[CREW_TOPICS][CREW_PARTS]; /* handed out to somebody, who has asked for more since */
static int64_t most[CREW_TOPICS][CREW_PARTS]; /* handed out to anybody */
static int reads[WORLD_RECORDS];

uint64_t below(uint64_t n)
{
    return sim_below(w.rig.s, n);
}

static int number_of_topic(const char *name, size_t len)
{
    ck_assert_msg(len == 2 && name[0] == 't' && name[1] >= '0' && name[1] < '0' + CREW_TOPICS, "%.*s",
                  (int)len, name);
    return name[1] - '0';
}

static int topic_of(const kfk_tp *tp)
{
    return number_of_topic(tp->topic, strlen(tp->topic));
}

/* ---- what may never be ---- */

typedef struct suspect {
    char id[128];
    bool known;
} suspect;

/* Of two. */
static void look(void *arg, const kfk__devbroker_member *m)
{
    suspect *s = arg;

    for (int i = 0; i < 2; i++)
        s[i].known |= m->id.len == strlen(s[i].id) && memcmp(m->id.data, s[i].id, m->id.len) == 0;
}

/* As whom it commits. Locked. */
static int32_t who(const member *m, char *id, size_t size)
{
    int32_t generation = -1;

    (void)snprintf(id, size, "%s", "");
    if (!m->c)
        return -1;
    kfk__lock(&m->c->shared->lock);
    if (m->c->shared->who) {
        generation = m->c->shared->who->meta.generation;
        (void)snprintf(id, size, "%s", m->c->shared->who->meta.member);
    }
    kfk__unlock(&m->c->shared->lock);
    return generation;
}

/* It was too slow to give it up, and will be told. Locked. */
static bool is_lost(const member *m, int t, int p)
{
    kfk_consumer *c = m->c;
    bool found = false;

    if (!c)
        return false;
    kfk__lock(&c->shared->lock);
    for (kfk__list *at = c->group.handovers.next; at != &c->group.handovers; at = at->next) {
        const kfk__handover *h = KFK__ENTRY(at, kfk__handover, link);

        for (size_t i = 0; (h->kind == KFK__TURN_LOST || h->given_up) && i < h->n; i++)
            found |= topic_of(&h->tps[i]) == t && h->tps[i].partition == p;
    }
    kfk__unlock(&c->shared->lock);
    return found;
}

/* |m| is given what |other| has, both of whom the coordinator takes for members. */
static void check_not_had_by(const member *m, member *other, int t, int p)
{
    kfk__devbroker_group_state state;
    suspect s[2] = {{.known = false}};
    int32_t generation = -1;
    bool held;

    kfk__lock(&lock);
    held = other != m && other->held[t][p] && !is_lost(other, t, p);
    if (held)
        generation = who(other, s[0].id, sizeof s[0].id);
    (void)who(m, s[1].id, sizeof s[1].id);
    kfk__unlock(&lock);
    if (!held || generation < 0)
        return;
    if (kfk__devbroker_group(w.broker, "g", &state, look, s))
        return;
    ck_assert_msg(!s[0].known || !s[1].known, "seed %llu: t%d-%d is given to m%d, and m%d (%s, generation %d of %d) has it",
                  (unsigned long long)sim_seed(w.rig.s), t, p, m->i, other->i, s[0].id, generation,
                  state.epoch);
}

static int committed_topic(const kfk__offset_commit_request_topic *t)
{
    if (t->name.len)
        return number_of_topic(t->name.data, t->name.len);
    for (int i = 0; i < CREW_TOPICS; i++)
        if (memcmp(&ids[i], &t->topic_id, sizeof t->topic_id) == 0)
            return i;
    ck_abort_msg("a commit of a topic that is not there");
    return -1;
}

static void check_commit(const kfk__offset_commit_request *rq, kfk_bytes by)
{
    for (int32_t i = 0; i < rq->topics.n; i++) {
        const kfk__offset_commit_request_topic *t = &rq->topics.v[i];

        for (int32_t k = 0; k < t->partitions.n; k++) {
            int32_t p = t->partitions.v[k].partition_index;
            int64_t offset = t->partitions.v[k].committed_offset;
            int n = committed_topic(t);
            int64_t most_of_it = past[n][p];

            if (getenv("CREW_VERBOSE"))
                (void)fprintf(stderr, "%8.3f %.*s commits %lld of t%d-%d in %d\n", (double)now() / SIM_S,
                              (int)by.len, (const char *)by.data, (long long)offset, n, p,
                              rq->generation_id_or_member_epoch);
            ck_assert_msg(offset <= most_of_it,
                          "seed %llu: %.*s commits %lld of t%d-%d, and only %lld were asked past",
                          (unsigned long long)sim_seed(w.rig.s), (int)by.len,
                          (const char *)by.data, (long long)offset, n, p, (long long)most_of_it);
        }
    }
}

void crew_heard(void *arg, const kfk__dev_call *call)
{
    kfk_bytes id = call->client_id;
    const char *name = id.data;

    (void)arg;
    if (id.len != 2 || name[0] != 'm')
        return;
    if (getenv("CREW_VERBOSE") && call->key >= OFFSET_FETCH && call->key <= SYNC_GROUP)
        (void)fprintf(stderr, "%8.3f %.2s: %s at node %d\n", (double)now() / SIM_S, name,
                      call->api->api->name, (int)call->node);
    kfk__lock(&lock);
    if (call->key >= 0 && call->key < APIS)
        crew[name[1] - '0'].asked[call->key]++;
    if (call->key == OFFSET_COMMIT)
        check_commit(call->request, id);
    kfk__unlock(&lock);
}

/* ---- listeners ---- */

static void note(member *m, char sign, const kfk_tp *tps, size_t n)
{
    size_t len = strlen(m->log);

    len += (size_t)snprintf(m->log + len, CREW_LOG - len, "%c", sign);
    for (size_t i = 0; i < n && len < CREW_LOG - 20; i++)
        len += (size_t)snprintf(m->log + len, CREW_LOG - len, "%s%s-%d", i ? " " : "", tps[i].topic,
                                tps[i].partition);
    ck_assert_uint_lt(len, CREW_LOG - 20);
    (void)snprintf(m->log + len, CREW_LOG - len, ";");
}

static kfk_err take_part(member *m, char sign, kfk_tp *tps, size_t n, crew_habits *habits)
{
    kfk__lock(&lock);
    note(m, sign, tps, n);
    m->busy = true;
    *habits = m->habits;
    kfk__unlock(&lock);
    if (getenv("CREW_VERBOSE")) {
        (void)fprintf(stderr, "%8.3f m%d %c", (double)now() / SIM_S, m->i, sign);
        for (size_t i = 0; i < n; i++)
            (void)fprintf(stderr, " %s-%d", tps[i].topic, tps[i].partition);
        (void)fprintf(stderr, "\n");
    }
    return habits->answer;
}

static kfk_err assigned(kfk_consumer *c, kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;
    crew_habits habits;
    kfk_err err = take_part(m, '+', tps, n, &habits);

    (void)c;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < CREW; k++)
            check_not_had_by(m, &crew[k], topic_of(&tps[i]), tps[i].partition);
    kfk__lock(&lock);
    for (size_t i = 0; i < n; i++) {
        int t = topic_of(&tps[i]), p = tps[i].partition;

        ck_assert_msg(!m->held[t][p], "m%d is given t%d-%d, which it has", m->i, t, p);
        m->held[t][p] = true;
        m->next[t][p] = -1;
    }
    kfk__unlock(&lock);
    for (size_t i = 0; habits.from_start && i < n; i++) {
        tps[i].offset = habits.start_plus;
        tps[i].flags |= KFK_OFFSET;
    }
    if (habits.slow_ms)
        nap((int64_t)below((uint64_t)habits.slow_ms + 1));
    kfk__lock(&lock);
    m->busy = false;
    kfk__unlock(&lock);
    return err;
}

static kfk_err gone(member *m, char sign, const kfk_tp *tps, size_t n)
{
    crew_habits habits;
    kfk_err err = take_part(m, sign, (kfk_tp *)tps, n, &habits);

    if (habits.slow_ms)
        nap((int64_t)below((uint64_t)habits.slow_ms + 1));
    kfk__lock(&lock);
    for (size_t i = 0; i < n; i++) {
        int t = topic_of(&tps[i]), p = tps[i].partition;

        ck_assert_msg(m->held[t][p], "m%d loses t%d-%d, which it has not", m->i, t, p);
        m->held[t][p] = false;
    }
    m->busy = false;
    kfk__unlock(&lock);
    return err;
}

static kfk_err revoked(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    return gone(arg, '-', tps, n);
}

static kfk_err lost(kfk_consumer *c, const kfk_tp *tps, size_t n, void *arg)
{
    (void)c;
    return gone(arg, '!', tps, n);
}

/* ---- a member's fiber ---- */

static kfk_err subscribe(member *m, kfk_consumer *c, const char *topics, kfk_error *e)
{
    kfk_listener l = {sizeof l, 0, assigned, revoked, m->habits.no_lost ? NULL : lost};
    const char *v[CREW_TOPICS];
    char copy[256], *at = copy;
    size_t n = 0;

    (void)snprintf(copy, sizeof copy, "%s", topics);
    while (at && n < CREW_TOPICS) {
        v[n++] = at;
        at = copy[0] == '^' ? NULL : strchr(at, ',');
        if (at)
            *at++ = '\0';
    }
    return kfk_consumer_subscribe(c, v, n, &l, m, e);
}

static kfk_consumer *make(const member *m)
{
    kfk_consumer *c = NULL;
    kfk_config *cf = kfk_config_new(&w.rig.env.alloc);
    char id[8];
    kfk_error e;

    (void)snprintf(id, sizeof id, "m%d", m->i);
    ck_assert_int_eq(kfk_config_set(cf, "bootstrap.servers", w.bootstrap, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(cf, "client.id", id, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(cf, "group.id", "g", &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(cf, "group.protocol", protocol, &e), KFK_OK);
    ck_assert_int_eq(kfk_config_set(cf, "auto.offset.reset", "earliest", &e), KFK_OK);
    if (strcmp(protocol, "classic") == 0) {
        ck_assert_int_eq(kfk_config_set(cf, "session.timeout.ms", "6000", &e), KFK_OK);
        ck_assert_int_eq(kfk_config_set(cf, "heartbeat.interval.ms", "1000", &e), KFK_OK);
    }
    for (int i = 0; i < m->n_props; i += 2)
        ck_assert_msg(kfk_config_set(cf, m->props[i], m->props[i + 1], &e) == KFK_OK, "%s", e.msg);
    ck_assert_msg(kfk__consumer_new_in(&c, &w.rig.env, cf, &e) == KFK_OK, "%s", e.msg);
    kfk_config_free(cf);
    return c;
}

/* It asks for more. */
static void ask_past(member *m)
{
    kfk__lock(&lock);
    for (int t = 0; t < CREW_TOPICS; t++)
        for (int p = 0; p < CREW_PARTS; p++)
            if (m->handed[t][p] > past[t][p])
                past[t][p] = m->handed[t][p];
    kfk__unlock(&lock);
}

static void read_one(member *m, const kfk_record_view *r)
{
    int t = number_of_topic(r->topic, strlen(r->topic)), p = r->partition, id;
    char text[9] = "";

    memcpy(text, r->value.data, 8);
    id = atoi(text);
    ck_assert_msg(m->held[t][p], "m%d reads of t%d-%d, which it has not", m->i, t, p);
    ck_assert_msg(m->next[t][p] < 0 || r->offset == m->next[t][p],
                  "m%d reads %lld of t%d-%d, and not %lld", m->i, (long long)r->offset, t, p,
                  (long long)m->next[t][p]);
    if (!m->habits.from_start)
        ck_assert_msg(r->offset <= most[t][p], "seed %llu: m%d begins t%d-%d at %lld, and %lld was next",
                      (unsigned long long)sim_seed(w.rig.s), m->i, t, p, (long long)r->offset,
                      (long long)most[t][p]);
    m->next[t][p] = m->handed[t][p] = r->offset + 1;
    if (r->offset + 1 > most[t][p])
        most[t][p] = r->offset + 1;
    reads[id]++;
}

static bool read_all(member *m, kfk_records *rs)
{
    const kfk_record_view *r;
    bool any = false;

    kfk__lock(&lock);
    while (rs && (r = kfk_records_next(rs)) != NULL) {
        read_one(m, r);
        any = true;
    }
    kfk__unlock(&lock);
    kfk_records_free(rs);
    return any;
}

static void hear_error(member *m, const kfk_error *e)
{
    if (getenv("CREW_VERBOSE"))
        (void)fprintf(stderr, "%8.3f m%d: %s: %s\n", (double)now() / SIM_S, m->i,
                      kfk_err_name(e->code), e->msg);
    kfk__lock(&lock);
    if (m->n_errors < CREW_ERRORS)
        m->errors[m->n_errors++] = e->code;
    m->last = *e;
    m->failed |= (e->flags & KFK_FATAL) != 0;
    kfk__unlock(&lock);
}

static void poll_once(member *m, kfk_consumer *c)
{
    kfk_records *rs;
    crew_habits habits;
    kfk_error e;
    kfk_err err;
    bool any;

    ask_past(m);
    err = kfk_consumer_poll(c, POLL_MS, &rs, &e);
    if (err)
        hear_error(m, &e);
    any = read_all(m, rs);
    kfk__lock(&lock);
    habits = m->habits;
    kfk__unlock(&lock);
    if (habits.work_ms && any)
        nap((int64_t)below((uint64_t)habits.work_ms + 1));
    if (habits.commits && any) {
        ask_past(m);
        (void)kfk_consumer_commit(c, NULL, 0, 5000, &e);
    }
    if (err)
        nap(1);
}

static kfk_err obey(member *m, kfk_consumer *c, verb what, kfk_error *e)
{
    kfk_tp at = m->order.tp;

    ask_past(m);
    switch (what) {
    case LEAVE:
        return kfk_consumer_close(c, m->order.ms, e);
    case UNSUBSCRIBE:
        return kfk_consumer_unsubscribe(c, m->order.ms, e);
    case SUBSCRIBE:
        kfk__lock(&lock);
        (void)snprintf(m->topics, sizeof m->topics, "%s", m->order.topics);
        kfk__unlock(&lock);
        return subscribe(m, c, m->order.topics, e);
    case COMMIT:
        return kfk_consumer_commit(c, NULL, 0, 5000, e);
    case COMMIT_AT:
        return kfk_consumer_commit(c, &at, 1, 5000, e);
    default:
        return KFK_OK;
    }
}

/* What becomes of what it had when it is gone without a word. */
static void bury(member *m)
{
    kfk_consumer *c;

    kfk__lock(&lock);
    c = m->c;
    m->c = NULL;
    kfk__unlock(&lock);
    kfk_consumer_free(c);
    kfk__lock(&lock);
    memset(m->held, 0, sizeof m->held);
    kfk__unlock(&lock);
}

static bool is_present(const member *m)
{
    bool yes;

    kfk__lock(&lock);
    yes = !m->failed && m->subscribed && now() >= m->away_until;
    kfk__unlock(&lock);
    return yes;
}

static void member_main(void *arg)
{
    member *m = arg;
    kfk_consumer *c = make(m);
    verb what = NOTHING;
    kfk_error e;

    kfk__lock(&lock);
    m->c = c;
    kfk__unlock(&lock);
    ck_assert_msg(subscribe(m, c, m->topics, &e) == KFK_OK, "%s", e.msg);
    while (what != LEAVE && what != DIE) {
        kfk_err err = KFK_OK;

        kfk__lock(&lock);
        what = m->order.done ? NOTHING : m->order.what;
        kfk__unlock(&lock);
        if (what == NOTHING && is_present(m))
            poll_once(m, c);
        else if (what == NOTHING)
            nap(5);
        else
            err = obey(m, c, what, &e);
        if (what == LEAVE || what == UNSUBSCRIBE)
            ck_assert_msg(crew_has(m->i) == 0, "seed %llu: m%d has left, and was not told that it has nothing",
                          (unsigned long long)sim_seed(w.rig.s), m->i);
        if (what == LEAVE || what == DIE)
            bury(m);
        if (what == NOTHING)
            continue;
        kfk__lock(&lock);
        m->subscribed = what == SUBSCRIBE ? true : m->subscribed && what != UNSUBSCRIBE;
        m->running = what != LEAVE && what != DIE;
        m->order.err = err;
        m->order.e = e;
        m->order.done = true;
        kfk__unlock(&lock);
    }
}

/* ---- the crew ---- */

void crew_begin(const char *of)
{
    kfk__dev_group_settings set = {.session_ms = 6000, .heartbeat_ms = 1000};

    kfk__mutex_init(&lock);
    memset(crew, 0, sizeof crew);
    memset(parts, 0, sizeof parts);
    memset(past, 0, sizeof past);
    memset(most, 0, sizeof most);
    memset(reads, 0, sizeof reads);
    n_crew = 0;
    replicas = 1;
    protocol = of;
    kfk__devbroker_set_groups(w.broker, &set);
}

static int join(const crew_habits *habits, const char *topics, const char *name, va_list ap)
{
    member *m = &crew[n_crew];

    ck_assert_int_lt(n_crew, CREW);
    m->i = n_crew;
    for (; name; name = va_arg(ap, const char *))
        m->props[m->n_props++] = name;
    if (m->n_props % 2)
        m->n_props--;
    (void)snprintf(m->topics, sizeof m->topics, "%s", topics);
    kfk__lock(&lock);
    if (habits)
        m->habits = *habits;
    m->order.done = true;
    m->running = m->subscribed = true;
    n_crew++;
    kfk__unlock(&lock);
    sim_spawn(w.rig.s, (uint32_t)(10 + m->i), "member", member_main, m);
    return m->i;
}

int crew_join(const char *topics, const char *name, ...)
{
    va_list ap;
    int i;

    va_start(ap, name);
    i = join(NULL, topics, name, ap);
    va_end(ap);
    return i;
}

int crew_join_as(const crew_habits *habits, const char *topics, const char *name, ...)
{
    va_list ap;
    int i;

    va_start(ap, name);
    i = join(habits, topics, name, ap);
    va_end(ap);
    return i;
}

void crew_change(int i, crew_habits habits)
{
    kfk__lock(&lock);
    crew[i].habits = habits;
    kfk__unlock(&lock);
}

static kfk_err order(int i, verb what, const char *topics, const kfk_tp *tp, int ms, kfk_error *e)
{
    member *m = &crew[i];
    bool done = false;
    kfk_err err;

    kfk__lock(&lock);
    m->order.what = what;
    m->order.topics = topics;
    m->order.ms = ms;
    if (tp)
        m->order.tp = *tp;
    m->order.done = false;
    kfk__unlock(&lock);
    while (!done) {
        nap(5);
        kfk__lock(&lock);
        done = m->order.done;
        kfk__unlock(&lock);
    }
    kfk__lock(&lock);
    err = m->order.err;
    if (e)
        *e = m->order.e;
    kfk__unlock(&lock);
    return err;
}

kfk_err crew_leave(int i, int ms)
{
    return order(i, LEAVE, NULL, NULL, ms, NULL);
}

void crew_die(int i)
{
    (void)order(i, DIE, NULL, NULL, 0, NULL);
}

kfk_err crew_unsubscribe(int i, int ms)
{
    return order(i, UNSUBSCRIBE, NULL, NULL, ms, NULL);
}

kfk_err crew_subscribe(int i, const char *topics)
{
    return order(i, SUBSCRIBE, topics, NULL, 0, NULL);
}

kfk_err crew_commit(int i, kfk_error *e)
{
    return order(i, COMMIT, NULL, NULL, 0, e);
}

kfk_err crew_commit_at(int i, int t, int p, int64_t offset, kfk_error *e)
{
    char name[] = "t0";
    kfk_tp tp = {.topic = name, .partition = p, .offset = offset, .flags = KFK_OFFSET};

    name[1] = (char)('0' + t);
    return order(i, COMMIT_AT, NULL, &tp, 0, e);
}

void crew_pause(int i, int64_t ms)
{
    kfk__lock(&lock);
    crew[i].away_until = now() + ms * SIM_MS;
    kfk__unlock(&lock);
}

void crew_cut_off(int i, bool on)
{
    simnet_partition(w.rig.s, (uint32_t)(10 + i), WORLD_HOST, on);
}

static bool is_running(int i)
{
    bool yes;

    kfk__lock(&lock);
    yes = crew[i].running;
    kfk__unlock(&lock);
    return yes;
}

void crew_end(void)
{
    for (int i = 0; i < n_crew; i++)
        if (is_running(i))
            (void)crew_leave(i, 30000);
}

/* ---- how it is ---- */

static bool wants(const member *m, int t)
{
    char name[] = "t0";

    name[1] = (char)('0' + t);
    if (m->topics[0] == '^')
        return true; /* tests have expressions that match them all */
    return strstr(m->topics, name) != NULL;
}

/* Locked. */
static int owners(int t, int p)
{
    int n = 0;

    for (int i = 0; i < n_crew; i++)
        n += crew[i].held[t][p];
    return n;
}

static bool wanted_by_any(int t)
{
    for (int i = 0; i < n_crew; i++)
        if (crew[i].running && crew[i].subscribed && !crew[i].failed && wants(&crew[i], t))
            return true;
    return false;
}

/* Locked. */
static bool is_shared_out(int *live)
{
    *live = 0;
    for (int i = 0; i < n_crew; i++) {
        member *m = &crew[i];
        char id[128];
        bool idle;

        if (!m->running || !m->subscribed || m->failed)
            continue;
        ++*live;
        if (!m->c || m->busy || who(m, id, sizeof id) < 0)
            return false;
        kfk__lock(&m->c->shared->lock);
        idle = kfk__list_empty(&m->c->group.handovers);
        kfk__unlock(&m->c->shared->lock);
        if (!idle)
            return false;
    }
    for (int t = 0; t < CREW_TOPICS; t++)
        for (int p = 0; p < CREW_PARTS; p++)
            if (owners(t, p) != (p < parts[t] && wanted_by_any(t)))
                return false;
    return true;
}

bool crew_is_stable(void)
{
    kfk__devbroker_group_state state = crew_group();
    bool yes;
    int live;

    kfk__lock(&lock);
    yes = is_shared_out(&live);
    kfk__unlock(&lock);
    return yes && state.members == live &&
           (live > 0 ? state.state && strcmp(state.state, "Stable") == 0 : true);
}

static void report_crew(void)
{
    kfk__devbroker_group_state state = crew_group();

    (void)fprintf(stderr, "seed %llu, group %s, epoch %d, %d members\n",
                  (unsigned long long)sim_seed(w.rig.s), state.state, state.epoch, state.members);
    for (int i = 0; i < n_crew; i++) {
        char id[128];

        kfk__lock(&lock);
        (void)fprintf(stderr, "m%d %s generation %d, error %s:", i,
                      crew[i].running ? "runs," : "is gone,", who(&crew[i], id, sizeof id),
                      kfk_err_name(crew[i].last.code));
        for (int t = 0; t < CREW_TOPICS; t++)
            for (int p = 0; p < CREW_PARTS; p++)
                if (crew[i].held[t][p])
                    (void)fprintf(stderr, " t%d-%d", t, p);
        (void)fprintf(stderr, " (%s)\n", crew[i].log);
        kfk__unlock(&lock);
    }
}

void crew_until(bool (*done)(void), int64_t ms, const char *what)
{
    int64_t until = now() + ms * SIM_MS;

    while (!done()) {
        if (now() > until) {
            report_crew();
            ck_abort_msg("seed %llu: not within %lld ms: %s", (unsigned long long)sim_seed(w.rig.s),
                         (long long)ms, what);
        }
        nap(LOOK_MS);
    }
}

/* It may look so for a moment, before what has been begun is seen. */
static bool stays_stable(void)
{
    for (int i = 0; i < CALM_MS / LOOK_MS; i++) {
        if (!crew_is_stable())
            return false;
        nap(LOOK_MS);
    }
    return true;
}

int64_t crew_await(int64_t ms)
{
    int64_t start = now();

    crew_until(stays_stable, ms, "all is shared out, and the group is stable");
    return (now() - start) / SIM_MS - CALM_MS;
}

/* Whoever has it is at its end. Locked. */
static bool is_at_end(const member *m, int t, int p)
{
    kfk__assigned *a = NULL;
    char name[] = "t0";
    bool yes;

    name[1] = (char)('0' + t);
    if (!m->c)
        return false;
    kfk__lock(&m->c->shared->lock);
    a = kfk__shared_find(m->c->shared, name, p);
    yes = a && a->position >= most[t][p];
    kfk__unlock(&m->c->shared->lock);
    return yes;
}

static bool all_is_read(void)
{
    bool all = true;

    kfk__lock(&lock);
    for (int i = 0; i < w.sent; i++)
        all = all && reads[i] > 0;
    for (int i = 0; all && i < n_crew; i++)
        for (int k = 0; all && k < CREW_TOPICS * CREW_PARTS; k++)
            if (crew[i].held[k / CREW_PARTS][k % CREW_PARTS])
                all = is_at_end(&crew[i], k / CREW_PARTS, k % CREW_PARTS);
    kfk__unlock(&lock);
    return all;
}

void crew_await_read(int64_t ms)
{
    crew_until(all_is_read, ms, "all records are read");
}

const char *crew_log(int i)
{
    static char copy[CREW_LOG];

    kfk__lock(&lock);
    memcpy(copy, crew[i].log, sizeof copy);
    kfk__unlock(&lock);
    return copy;
}

void crew_forget_log(int i)
{
    kfk__lock(&lock);
    crew[i].log[0] = '\0';
    crew[i].n_errors = 0;
    kfk__unlock(&lock);
}

int crew_errors(int i, kfk_err code)
{
    int n = 0;

    kfk__lock(&lock);
    for (int k = 0; k < crew[i].n_errors; k++)
        n += crew[i].errors[k] == code;
    kfk__unlock(&lock);
    return n;
}

kfk_error crew_error(int i)
{
    kfk_error e;

    kfk__lock(&lock);
    e = crew[i].last;
    kfk__unlock(&lock);
    return e;
}

int crew_has(int i)
{
    int n = 0;

    kfk__lock(&lock);
    for (int t = 0; t < CREW_TOPICS; t++)
        for (int p = 0; p < CREW_PARTS; p++)
            n += crew[i].held[t][p];
    kfk__unlock(&lock);
    return n;
}

bool crew_holds(int i, int t, int p)
{
    bool yes;

    kfk__lock(&lock);
    yes = crew[i].held[t][p];
    kfk__unlock(&lock);
    return yes;
}

int crew_reads(int id)
{
    int n;

    kfk__lock(&lock);
    n = reads[id];
    kfk__unlock(&lock);
    return n;
}

int64_t crew_handed(int i, int t, int p)
{
    int64_t at;

    kfk__lock(&lock);
    at = crew[i].handed[t][p];
    kfk__unlock(&lock);
    return at;
}

int32_t crew_generation(int i)
{
    char id[128];
    int32_t generation;

    kfk__lock(&lock);
    generation = who(&crew[i], id, sizeof id);
    kfk__unlock(&lock);
    return generation;
}

const char *crew_id(int i)
{
    static char id[128];

    kfk__lock(&lock);
    (void)who(&crew[i], id, sizeof id);
    kfk__unlock(&lock);
    return id;
}

int crew_asked(int i, int16_t api)
{
    int n;

    kfk__lock(&lock);
    n = crew[i].asked[api];
    kfk__unlock(&lock);
    return n;
}

kfk__devbroker_group_state crew_group(void)
{
    kfk__devbroker_group_state state = {.state = NULL};

    (void)kfk__devbroker_group(w.broker, "g", &state, NULL, NULL);
    return state;
}

kfk_consumer *crew_handle(int i)
{
    kfk_consumer *c;

    kfk__lock(&lock);
    c = crew[i].c;
    kfk__unlock(&lock);
    return c;
}

int crew_size(void)
{
    return n_crew;
}

bool crew_is_there(int i)
{
    bool yes;

    kfk__lock(&lock);
    yes = crew[i].running && !crew[i].failed && crew[i].c;
    kfk__unlock(&lock);
    return yes;
}

bool crew_is_subscribed(int i)
{
    bool yes;

    kfk__lock(&lock);
    yes = crew[i].subscribed;
    kfk__unlock(&lock);
    return yes;
}

const char *crew_instance(int i)
{
    for (int k = 0; k < crew[i].n_props; k += 2)
        if (strcmp(crew[i].props[k], "group.instance.id") == 0)
            return crew[i].props[k + 1];
    return NULL;
}

/* ---- topics ---- */

void crew_parts(int t, int n)
{
    kfk__lock(&lock);
    parts[t] = n;
    kfk__unlock(&lock);
}

void crew_replicas(int n)
{
    replicas = n;
}

void crew_topic(int t, int n)
{
    char name[] = "t0";
    kfk__uuid id;

    name[1] = (char)('0' + t);
    topic(name, n, replicas);
    ck_assert_int_eq(kfk__devbroker_topic_id(w.broker, name, &id), KFK_OK);
    kfk__lock(&lock);
    ids[t] = id;
    kfk__unlock(&lock);
    crew_parts(t, n);
}

bool crew_grow(int t, int n)
{
    kfk__devbroker_offsets at;
    char name[] = "t0";
    kfk_new_partitions more = {.struct_size = sizeof more, .total = n, .topic = name};
    kfk_config *cf = kfk_config_new(&w.rig.env.alloc);
    kfk_admin *a;

    name[1] = (char)('0' + t);
    ck_assert_int_eq(kfk_config_set(cf, "bootstrap.servers", w.bootstrap, &w.e), KFK_OK);
    ck_assert_int_eq(kfk__admin_new_in(&a, &w.rig.env, cf, &w.e), KFK_OK);
    kfk_config_free(cf);
    (void)kfk_admin_create_partitions(a, &more, 1, 30000, NULL, &w.e);
    kfk_admin_free(a);
    if (kfk__devbroker_offsets_of(w.broker, name, n - 1, &at))
        return false;
    crew_parts(t, n);
    return true;
}

void crew_fill(int t, int n, int each)
{
    kfk_producer *p = producer("client.id", "producer", NULL);
    char name[] = "t0";

    name[1] = (char)('0' + t);
    for (int k = 0; k < each; k++)
        for (int i = 0; i < n; i++)
            ck_assert_int_eq(send_to(p, name, i), KFK_OK);
    flush(p);
    kfk_producer_free(p);
}
