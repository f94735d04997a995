#include "sim/groups.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "group/group_env.h"

static kfk__mutex text_lock;

static void note(member *m, const char *text)
{
    size_t len;

    kfk__lock(&text_lock);
    len = strlen(m->text);
    (void)snprintf(m->text + len, sizeof m->text - len, "%s", text);
    kfk__unlock(&text_lock);
}

static void note_tps(member *m, char sign, const kfk_tp *tps, size_t n)
{
    char text[1024];
    int len = snprintf(text, sizeof text, "%c", sign);

    for (size_t i = 0; i < n; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s-%d", i ? " " : "", tps[i].topic,
                        tps[i].partition);
    (void)snprintf(text + len, sizeof text - (size_t)len, ";");
    note(m, text);
}

static void enter_alone(member *m)
{
    ck_assert_int_eq(m->alone++, 0);
}

static void leave_alone(member *m)
{
    ck_assert_int_eq(m->alone--, 1);
}

kfk_err group_record(kfk_group *g, const kfk_record_view *r, void *arg)
{
    member *m = arg;
    int32_t p = r->partition;
    bool fails;

    ck_assert_ptr_eq(g, m->g);
    ck_assert_int_lt(p, GROUP_PARTS);
    ck_assert_int_eq(m->at[p]++, 0);
    fails = m->answer && (m->fails_at < 0 || m->fails_at == r->offset) &&
            (m->fails_in < 0 || m->fails_in == p);
    if (m->record_ms)
        nap(m->record_ms);
    m->seen[p]++;
    if (!fails)
        m->next[p] = r->offset + 1;
    m->records++;
    ck_assert_int_eq(m->at[p]--, 1);
    return fails ? m->answer : KFK_OK;
}

static kfk_err setup(kfk_group *g, kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;

    (void)g;
    enter_alone(m);
    note_tps(m, '+', tps, n);
    for (size_t i = 0; i < n; i++) {
        tps[i].opaque = &m->at[tps[i].partition];
        if (m->begin_at) {
            tps[i].offset = m->begin_at;
            tps[i].flags = KFK_OFFSET;
        }
    }
    if (m->setup_ms)
        nap(m->setup_ms);
    m->setups++;
    leave_alone(m);
    return m->setup_answer;
}

static kfk_err cleanup(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;
    kfk_error e;

    enter_alone(m);
    note_tps(m, '-', tps, n);
    m->left = kfk_group_time_left(g);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(tps[i].opaque, &m->at[tps[i].partition]);
        ck_assert_int_eq(m->at[tps[i].partition], 0);
        m->cleaned[tps[i].partition] = tps[i];
    }
    if (m->commits)
        ck_assert_msg(kfk_group_commit(g, NULL, 0, 5000, &e) == KFK_OK, "%s", e.msg);
    if (m->cleanup_ms)
        nap(m->cleanup_ms);
    m->cleanups++;
    leave_alone(m);
    return KFK_OK;
}

static void lost(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    member *m = arg;

    (void)g;
    enter_alone(m);
    note_tps(m, '!', tps, n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(tps[i].opaque, &m->at[tps[i].partition]);
        ck_assert_int_eq(m->at[tps[i].partition], 0);
    }
    m->losts++;
    leave_alone(m);
}

static void error(kfk_group *g, const kfk_error *e, void *arg)
{
    member *m = arg;

    (void)g;
    enter_alone(m);
    kfk__lock(&text_lock);
    m->last_error = *e;
    kfk__unlock(&text_lock);
    m->errors++;
    leave_alone(m);
}

static int failed(kfk_group *g, const kfk_record_view *r, const kfk_error *e, int attempt, void *arg)
{
    member *m = arg;

    (void)g;
    enter_alone(m);
    ck_assert_int_eq(e->offset, r->offset);
    ck_assert_int_eq(e->partition, r->partition);
    m->attempt = attempt;
    m->failures++;
    leave_alone(m);
    return m->verdict;
}

static kfk_err new_group(member *m, const char *name, va_list ap)
{
    static const char *const topics[] = {"t"};
    const char *const *ts = m->topics ? m->topics : topics;
    kfk_group_handler h = m->h;
    kfk_config *c = config(name, ap);
    size_t n = 0;
    kfk_err err;

    if (!c)
        return KFK_ERR_NOMEM;
    err = kfk_config_set(c, "group.id", "g", &w.e);
    if (!err)
        err = kfk_config_set(c, "auto.offset.reset", "earliest", &w.e);
    if (err) {
        kfk_config_free(c);
        return err;
    }
    while (m->topics && m->topics[n])
        n++;
    h.struct_size = sizeof h;
    if (!m->bare && !h.record && !h.consume)
        h.record = group_record;
    if (!m->bare) {
        h.setup = h.setup ? h.setup : setup;
        h.cleanup = h.cleanup ? h.cleanup : cleanup;
        h.lost = h.lost ? h.lost : lost;
        h.error = h.error ? h.error : error;
        h.failed = h.failed ? h.failed : failed;
    }
    err = kfk__group_new_in(&m->g, &w.rig.env, c, ts, m->topics ? n : 1, &h, m, &w.e);
    kfk_config_free(c);
    return err;
}

static void forget(member *m)
{
    m->out = m->n_runs = 0;
    m->records = m->setups = m->cleanups = m->losts = m->failures = m->errors = 0;
    for (int i = 0; i < GROUP_PARTS; i++) {
        m->seen[i] = 0;
        m->next[i] = 0;
        m->at[i] = 0;
    }
    m->left = -2;
    m->text[0] = '\0';
    memset(&m->last_error, 0, sizeof m->last_error);
    memset(m->cleaned, 0, sizeof m->cleaned);
    if (!m->answer)
        m->fails_at = m->fails_in = -1;
}

void group_new(member *m, const char *name, ...)
{
    kfk_err err;
    va_list ap;

    kfk__mutex_init(&text_lock);
    forget(m);
    va_start(ap, name);
    err = new_group(m, name, ap);
    va_end(ap);
    ck_assert_msg(err == KFK_OK, "%s", w.e.msg);
}

kfk_err group_try(member *m, const char *name, ...)
{
    kfk_err err;
    va_list ap;

    kfk__mutex_init(&text_lock);
    forget(m);
    va_start(ap, name);
    err = new_group(m, name, ap);
    va_end(ap);
    return err;
}

kfk_err group_refused(member *m, const char *name, ...)
{
    kfk_err err;
    va_list ap;

    va_start(ap, name);
    err = new_group(m, name, ap);
    va_end(ap);
    ck_assert_int_ne(err, KFK_OK);
    ck_assert_int_eq(err, w.e.code);
    return err;
}

static void runner(void *arg)
{
    member *m = arg;
    int i = m->n_runs++;

    m->result[i] = kfk_group_run(m->g, &m->error[i]);
    m->out--;
}

void group_run(member *m)
{
    m->out++;
    sim_spawn(w.rig.s, 1, "runs", runner, m);
}

void group_until(atomic_int *what, int n, int64_t ms)
{
    for (int64_t until = now() + ms * SIM_MS; *what < n && now() < until;)
        nap(5);
    ck_assert_int_ge(*what, n);
}

kfk_error group_error(member *m)
{
    kfk_error e;

    kfk__lock(&text_lock);
    e = m->last_error;
    kfk__unlock(&text_lock);
    return e;
}

void group_await(member *m, int64_t ms)
{
    for (int64_t until = now() + ms * SIM_MS; m->out > 0 && now() < until;)
        nap(1);
    ck_assert_msg(m->out == 0, "%d are in kfk_group_run still: %s", m->out, m->text);
}

void group_await_records(member *m, int n, int64_t ms)
{
    for (int64_t until = now() + ms * SIM_MS; m->records < n && now() < until;)
        nap(5);
    ck_assert_msg(m->records >= n, "%d of %d records: %s; %d errors: %s", m->records, n, m->text, m->errors, m->errors ? group_error(m).msg : "");
}

void group_end(member *m, kfk_err err)
{
    kfk_group_stop(m->g);
    group_await(m, 60000);
    for (int i = 0; i < m->n_runs; i++)
        ck_assert_msg(m->result[i] == err, "%s: %s", kfk_err_name(m->result[i]), m->error[i].msg);
    kfk_group_free(m->g);
}

void group_fill(const char *name, int parts, int n)
{
    kfk_producer *p = producer("linger.ms", "5", NULL);

    for (int i = 0; i < n; i++)
        ck_assert_int_eq(send_to(p, name, i % parts), KFK_OK);
    flush(p);
    kfk_producer_free(p);
}

int64_t group_committed(const char *name, int32_t partition)
{
    kfk_consumer *c = consumer("group.id", "g", "enable.auto.commit", "false", NULL);
    kfk_tp tp = {.topic = name, .partition = partition};

    ck_assert_int_eq(kfk_consumer_committed(c, &tp, 1, 10000, &w.e), KFK_OK);
    kfk_consumer_free(c);
    return tp.offset;
}
