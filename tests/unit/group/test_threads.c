/* A group on threads of the operating system, against an embedded broker over loopback: handlers in several, some that keep
 * runs and others that mark them, members that come and go, and whoever else may call. For ThreadSanitizer first of all. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <kfk/kfk.h>

#include "base/mem.h"
#include "devbroker/devbroker.h"
#include "net/env_posix.h"
#include "unit/suite.h"

enum { PARTITIONS = 6, EACH = 2000, ALL = PARTITIONS * EACH, QUEUE = 4096, ENOUGH_MS = 20000 };

static kfk__env env;
static kfk__devbroker *broker;
static kfk_group *group;
static atomic_bool over;
static atomic_int seen[PARTITIONS][EACH];
static atomic_int distinct, at[PARTITIONS];

/* ---- the handler ---- */

static void note(const kfk_record_view *r)
{
    if (atomic_fetch_add(&seen[r->partition][r->offset], 1) == 0)
        atomic_fetch_add(&distinct, 1);
}

static kfk_err record(kfk_group *g, const kfk_record_view *r, void *arg)
{
    (void)g;
    (void)arg;
    MUST(atomic_fetch_add(&at[r->partition], 1) == 0);
    note(r);
    atomic_fetch_sub(&at[r->partition], 1);
    return r->offset % 997 == 996 && atomic_load(&seen[r->partition][r->offset]) == 1 ? (kfk_err)-3 : KFK_OK;
}

static struct {
    pthread_mutex_t lock;
    kfk_records *v[QUEUE];
    int n;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static kfk_err consume(kfk_group *g, kfk_records *rs, void *arg)
{
    const kfk_record_view *r;
    bool room;

    (void)g;
    (void)arg;
    while ((r = kfk_records_next(rs)) != NULL)
        note(r);
    (void)pthread_mutex_lock(&queue.lock);
    room = queue.n < QUEUE;
    if (room)
        queue.v[queue.n++] = rs;
    (void)pthread_mutex_unlock(&queue.lock);
    return room ? KFK_PENDING : KFK_OK;
}

static kfk_records *take(void)
{
    kfk_records *rs = NULL;

    (void)pthread_mutex_lock(&queue.lock);
    if (queue.n > 0)
        rs = queue.v[--queue.n];
    (void)pthread_mutex_unlock(&queue.lock);
    return rs;
}

static atomic_int alone;

static kfk_err come(kfk_group *g, kfk_tp *tps, size_t n, void *arg)
{
    (void)g, (void)tps, (void)n, (void)arg;
    MUST(atomic_fetch_add(&alone, 1) == 0);
    atomic_fetch_sub(&alone, 1);
    return KFK_OK;
}

static kfk_err go(kfk_group *g, const kfk_tp *tps, size_t n, void *arg)
{
    (void)arg;
    MUST(atomic_fetch_add(&alone, 1) == 0);
    for (size_t i = 0; i < n; i++)
        MUST(atomic_load(&at[tps[i].partition]) == 0);
    (void)kfk_group_time_left(g);
    atomic_fetch_sub(&alone, 1);
    return KFK_OK;
}

static void hear(kfk_group *g, const kfk_error *e, void *arg)
{
    (void)g, (void)e, (void)arg;
    MUST(atomic_fetch_add(&alone, 1) == 0);
    atomic_fetch_sub(&alone, 1);
}

static int judge(kfk_group *g, const kfk_record_view *r, const kfk_error *e, int attempt, void *arg)
{
    (void)g, (void)r, (void)e, (void)arg;
    MUST(atomic_fetch_add(&alone, 1) == 0);
    atomic_fetch_sub(&alone, 1);
    return attempt > 1 ? KFK_SKIP : KFK_RETRY;
}

/* ---- threads ---- */

static void *runs(void *result)
{
    *(kfk_err *)result = kfk_group_run(group, NULL);
    return NULL;
}

/* What has been kept, the last first. */
static void *marks(void *arg)
{
    kfk_records *rs;

    (void)arg;
    for (;;) {
        bool last = atomic_load(&over);

        rs = take();
        if (rs) {
            const kfk_tp *tp = kfk_records_tp(rs);

            for (int64_t o = tp->offset - 1, k = 0; o >= 0 && k < 20; o--, k++)
                if (kfk_records_mark(rs, o, o, NULL))
                    break;
            kfk_records_free(rs);
        } else if (last) {
            return NULL;
        }
    }
}

static int look(const kfk_metric *m, void *arg)
{
    *(int64_t *)arg ^= m->value;
    return 0;
}

static void *looks(void *arg)
{
    kfk_tp tp = {.topic = "t"};
    int64_t sum = 0;

    (void)arg;
    for (int i = 0; !atomic_load(&over); i++) {
        tp.partition = i % PARTITIONS;
        (void)kfk_group_pause(group, &tp, 1, NULL);
        (void)kfk_group_metrics(group, look, &sum);
        (void)kfk_group_last_error(group, NULL);
        (void)kfk_group_time_left(group);
        (void)kfk_group_commit(group, NULL, 0, i % 3, NULL);
        (void)kfk_group_resume(group, &tp, 1, NULL);
        (void)usleep(1000);
    }
    return NULL;
}

/* ---- setting up ---- */

static void set(kfk_config *c, const char *name, const char *value)
{
    kfk_error e;

    ck_assert_msg(kfk_config_set(c, name, value, &e) == KFK_OK, "%s", e.msg);
}

static void fill(void)
{
    kfk_config *c = kfk_config_new(NULL);
    kfk_producer *p;
    kfk_error e;

    set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker));
    ck_assert_int_eq(kfk_producer_new(&p, c, &e), KFK_OK);
    for (int i = 0; i < ALL; i++) {
        kfk_record r = {.struct_size = sizeof r,
                        .topic = "t",
                        .flags = KFK_PARTITION,
                        .partition = i / EACH,
                        .value = {"0123456789", 10}};

        ck_assert_int_eq(kfk_producer_send(p, &r, NULL, NULL, &e), KFK_OK);
    }
    ck_assert_int_eq(kfk_producer_flush(p, ENOUGH_MS, &e), KFK_OK);
    kfk_producer_free(p);
    kfk_config_free(c);
}

static kfk_group *join(bool keeps, const char *threads)
{
    static const char *const topics[] = {"t"};
    kfk_group_handler h = {.struct_size = sizeof h,
                           .record = keeps ? NULL : record,
                           .consume = keeps ? consume : NULL,
                           .setup = come,
                           .cleanup = go,
                           .error = hear,
                           .failed = judge};
    kfk_config *c = kfk_config_new(NULL);
    kfk_group *g;
    kfk_error e;

    set(c, "bootstrap.servers", kfk__devbroker_bootstrap(broker));
    set(c, "group.id", "g");
    set(c, "auto.offset.reset", "earliest");
    set(c, "auto.commit.interval.ms", "20");
    set(c, "retry.backoff.ms", "5");
    set(c, "max.poll.records", "20");
    set(c, "heartbeat.interval.ms", "100");
    set(c, "consume.threads", threads);
    ck_assert_msg(kfk_group_new(&g, c, topics, 1, &h, NULL, &e) == KFK_OK, "%s", e.msg);
    kfk_config_free(c);
    return g;
}

static void open_all(void)
{
    kfk__devbroker_opts o = {.n_nodes = 2};
    kfk_error e;

    ck_assert_int_eq(kfk__env_posix(&env, &kfk__malloc_allocator, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_new(&broker, &env, &o, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_start(broker, &e), KFK_OK);
    ck_assert_int_eq(kfk__devbroker_create_topic(broker, "t", PARTITIONS, 1, NULL, 0), KFK_OK);
    fill();
    memset(seen, 0, sizeof seen);
    atomic_store(&distinct, 0);
    atomic_store(&over, false);
}

static void close_all(void)
{
    kfk_group_free(group);
    kfk__devbroker_free(broker);
}

static void await_all(void)
{
    for (int i = 0; atomic_load(&distinct) < ALL && i < ENOUGH_MS; i++)
        (void)usleep(1000);
    ck_assert_int_eq(atomic_load(&distinct), ALL);
}

static void start_all(pthread_t *t, void *(*const *bodies)(void *), int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, bodies[i], NULL), 0);
}

static void join_all(const pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        (void)pthread_join(t[i], NULL);
}

/* ---- tests ---- */

static void all_of(bool keeps)
{
    static void *(*const others[])(void *) = {looks, marks, marks};
    kfk_err result[2];
    pthread_t r[2], o[3];

    open_all();
    group = join(keeps, "3");
    start_all(o, others, 3);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&r[i], NULL, runs, &result[i]), 0);
    await_all();
    kfk_group_stop(group);
    join_all(r, 2);
    atomic_store(&over, true);
    join_all(o, 3);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(result[i], KFK_OK);
    close_all();
}

START_TEST(all_is_done_while_others_are_at_it)
{
    all_of(false);
}
END_TEST

START_TEST(runs_are_kept_and_marked_elsewhere)
{
    all_of(true);
}
END_TEST

/* Another comes and goes; then a close in the midst of it. */
START_TEST(members_come_and_go)
{
    kfk_group *other;
    kfk_err result;
    kfk_error e;
    pthread_t r;

    open_all();
    group = join(false, "3");
    ck_assert_int_eq(pthread_create(&r, NULL, runs, &result), 0);
    other = join(false, "1");
    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(kfk_group_dispatch(other, 0, NULL, NULL), KFK_OK);
        (void)usleep(1000);
    }
    (void)kfk_group_close(other, ENOUGH_MS, NULL);
    kfk_group_free(other);
    await_all();
    ck_assert_msg(kfk_group_close(group, ENOUGH_MS, &e) == KFK_OK, "%s", e.msg);
    (void)pthread_join(r, NULL);
    ck_assert_int_eq(result, KFK_OK);
    close_all();
}
END_TEST

START_TEST(it_is_freed_while_it_runs)
{
    kfk_err result;
    pthread_t r;

    open_all();
    group = join(false, "3");
    ck_assert_int_eq(pthread_create(&r, NULL, runs, &result), 0);
    while (atomic_load(&distinct) == 0)
        (void)usleep(100);
    kfk_group_free(group);
    (void)pthread_join(r, NULL);
    group = NULL;
    close_all();
}
END_TEST

/* ---- a loop of one's own ---- */

START_TEST(the_descriptor_tells_when_to_dispatch)
{
    kfk_error e;
    int idle = 0;

    open_all();
    group = join(false, "1");
    while (atomic_load(&distinct) < ALL) {
        struct pollfd p = {.fd = kfk_group_fd(group), .events = POLLIN};

        ck_assert_int_eq(poll(&p, 1, ENOUGH_MS), 1);
        ck_assert_msg(kfk_group_dispatch(group, 50, NULL, &e) == KFK_OK, "%s", e.msg);
    }
    /* Then there is little to do. */
    for (int i = 0; i < 20; i++) {
        struct pollfd p = {.fd = kfk_group_fd(group), .events = POLLIN};

        idle += poll(&p, 1, 20) == 0;
        ck_assert_int_eq(kfk_group_dispatch(group, 0, NULL, &e), KFK_OK);
    }
    ck_assert_int_gt(idle, 5);
    kfk_group_stop(group);
    for (;;) {
        struct pollfd p = {.fd = kfk_group_fd(group), .events = POLLIN};

        ck_assert_int_eq(poll(&p, 1, ENOUGH_MS), 1);
        if (kfk_group_dispatch(group, 0, NULL, &e))
            break;
    }
    ck_assert_int_eq(e.code, KFK_ERR_CLOSED);
    close_all();
}
END_TEST

/* ---- signals ---- */

static void on_signal(int sig)
{
    (void)sig;
    kfk_group_stop(group);
}

START_TEST(a_signal_handler_may_stop_it)
{
    kfk_err result;
    pthread_t r;

    open_all();
    group = join(false, "2");
    (void)signal(SIGUSR1, on_signal);
    ck_assert_int_eq(pthread_create(&r, NULL, runs, &result), 0);
    await_all();
    (void)pthread_kill(r, SIGUSR1);
    (void)pthread_join(r, NULL);
    ck_assert_int_eq(result, KFK_OK);
    close_all();
}
END_TEST

/* ---- fork ---- */

#if !defined(__SANITIZE_THREAD__)
static int in_child(void)
{
    kfk_tp tp = {.topic = "t"};
    int64_t sum = 0;
    bool ok = kfk_group_run(group, NULL) == KFK_ERR_FORKED &&
              kfk_group_dispatch(group, 0, NULL, NULL) == KFK_ERR_FORKED &&
              kfk_group_close(group, 0, NULL) == KFK_ERR_FORKED &&
              kfk_group_commit(group, NULL, 0, 0, NULL) == KFK_ERR_FORKED &&
              kfk_group_pause(group, &tp, 1, NULL) == KFK_ERR_FORKED && kfk_group_fd(group) == -1 &&
              kfk_group_last_error(group, NULL) == KFK_ERR_FORKED &&
              kfk_group_metrics(group, look, &sum) == KFK_ERR_FORKED;

    kfk_group_free(group);
    return ok ? 0 : 1;
}

START_TEST(a_child_has_none_of_it)
{
    kfk_err result;
    pthread_t r;
    int status;
    pid_t child;

    open_all();
    group = join(false, "2");
    ck_assert_int_eq(pthread_create(&r, NULL, runs, &result), 0);
    while (atomic_load(&distinct) == 0)
        (void)usleep(100);
    child = fork();
    if (child == 0)
        _exit(in_child());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    await_all();
    kfk_group_stop(group);
    (void)pthread_join(r, NULL);
    ck_assert_int_eq(result, KFK_OK);
    close_all();
}
END_TEST
#endif

int main(void)
{
    const TTest *const tests[] = {all_is_done_while_others_are_at_it,
                                  runs_are_kept_and_marked_elsewhere,
                                  members_come_and_go,
                                  it_is_freed_while_it_runs,
                                  the_descriptor_tells_when_to_dispatch,
                                  a_signal_handler_may_stop_it,
#if !defined(__SANITIZE_THREAD__)
                                  a_child_has_none_of_it,
#endif
                                  NULL};

    return unit_main("group/threads", tests);
}
