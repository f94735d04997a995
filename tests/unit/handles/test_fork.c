/* Handles in a process that forks: what a child may do with its parent's, with its own, and that the
 * parent does not notice. The broker is a process of its own. */
#include "unit/net/net.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kfk/kfk.h>

#include "devbroker/devbroker.h"

enum { ENOUGH = 20000 /* ms */, FORKS = 100 /* by each of two threads */ };

/* Asked for by ThreadSanitizer, which otherwise ends a child that has a thread after such a fork. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* Where there is LeakSanitizer. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* For a child that starts threads: on a stack of one of the parent's, ThreadSanitizer takes them for that one. */
static void other_stacks(void)
{
    pthread_attr_t a;
    size_t size;

    (void)pthread_getattr_default_np(&a);
    (void)pthread_attr_getstacksize(&a, &size);
    (void)pthread_attr_setstacksize(&a, size * 2);
    (void)pthread_setattr_default_np(&a);
    (void)pthread_attr_destroy(&a);
}

/* ---- the broker ---- */

static char bootstrap[64];
static pid_t broker_pid;
static int broker_hold; /* the broker lives until this is closed */

static void broker_main(int tell, int hold)
{
    kfk__devbroker_opts o = {.default_partitions = 1};
    kfk__devbroker *b;
    kfk__env env;
    char c;

    if (kfk__env_posix(&env, &kfk__malloc_allocator, NULL) ||
        kfk__devbroker_new(&b, &env, &o, NULL) || kfk__devbroker_start(b, NULL))
        _exit(1);
    /* By its name, so that names are looked up. */
    (void)dprintf(tell, "localhost%s", strchr(kfk__devbroker_bootstrap(b), ':'));
    close(tell);
    (void)!read(hold, &c, 1);
    kfk__devbroker_free(b);
    _exit(0);
}

static void start_broker(void)
{
    int tell[2], hold[2];

    ck_assert_int_eq(pipe(tell), 0);
    ck_assert_int_eq(pipe(hold), 0);
    broker_pid = fork();
    ck_assert_int_ge(broker_pid, 0);
    if (broker_pid == 0) {
        close(hold[1]);
        broker_main(tell[1], hold[0]);
    }
    close(tell[1]);
    close(hold[0]);
    broker_hold = hold[1];
    memset(bootstrap, 0, sizeof bootstrap);
    ck_assert_int_gt(read(tell[0], bootstrap, sizeof bootstrap - 1), 0);
    close(tell[0]);
}

static void stop_broker(void)
{
    int status;

    close(broker_hold);
    ck_assert_int_eq(waitpid(broker_pid, &status, 0), broker_pid);
    ck_assert_int_eq(status, 0);
}

/* ---- handles ---- */

typedef struct handles {
    kfk_producer *producer;
    kfk_consumer *consumer;
    kfk_admin *admin;
    kfk_records *run;
    kfk_topics *topics;
} handles;

static counted memory;
static atomic_int warnings; /* a connection that is lost is one */
static void (*on_log)(void);

static void log_line(int level, const char *subsystem, const char *msg, void *arg)
{
    (void)subsystem;
    (void)arg;
    if (level <= KFK_LOG_WARN) {
        atomic_fetch_add(&warnings, 1);
        (void)fprintf(stderr, "%s\n", msg);
    }
    if (on_log)
        on_log();
}

static kfk_config *new_config(void)
{
    static const char *const properties[][2] = {
        {"bootstrap.servers", bootstrap},
        {"consumer.fetch.max.wait.ms", "20000"}, /* it sleeps long enough to be found asleep */
        {"producer.acks", "1"},                  /* the log has something to say in kfk_producer_new */
    };
    kfk_hooks hooks = {.struct_size = sizeof hooks, .log = log_line};
    kfk_allocator a = {counted_alloc, counted_resize, counted_release, &memory};
    kfk_config *c = kfk_config_new(&a);

    if (!c || kfk_config_hooks(c, &hooks, NULL, NULL))
        return NULL;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (kfk_config_set(c, properties[i][0], properties[i][1], NULL))
            return NULL;
    return c;
}

static bool send_one(kfk_producer *p)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"value", 5}};

    return kfk_producer_send_sync(p, &r, ENOUGH, NULL, NULL) == KFK_OK;
}

/* The next run, not freed. NULL: none. */
static kfk_records *read_run(kfk_consumer *c)
{
    kfk_records *run = NULL;

    return kfk_consumer_poll(c, ENOUGH, &run, NULL) == KFK_OK ? run : NULL;
}

static bool read_one(kfk_consumer *c)
{
    kfk_records *run = read_run(c);
    bool good = run && kfk_records_next(run);

    kfk_records_free(run);
    return good;
}

static kfk_topics *describe(kfk_admin *a)
{
    const char *name = "t";
    kfk_topics *t = NULL;

    return kfk_admin_describe_topics(a, &name, 1, NULL, ENOUGH, &t, NULL) == KFK_OK ? t : NULL;
}

/* All three, each used once, with a result of each. false: something is wrong. */
static bool open_handles(handles *h)
{
    kfk_config *c = new_config();
    kfk_tp tp = {.topic = "t", .offset = KFK_OFFSET_EARLIEST, .flags = KFK_OFFSET};
    bool good;

    *h = (handles){NULL, NULL, NULL, NULL, NULL};
    good = c && !kfk_producer_new(&h->producer, c, NULL) &&
           !kfk_consumer_new(&h->consumer, c, NULL) && !kfk_admin_new(&h->admin, c, NULL);
    kfk_config_free(c);
    if (!good || !send_one(h->producer) || kfk_consumer_assign(h->consumer, &tp, 1, NULL))
        return false;
    h->run = read_run(h->consumer);
    h->topics = describe(h->admin);
    return h->run && h->topics;
}

static void free_handles(handles *h)
{
    kfk_producer_free(h->producer);
    kfk_consumer_free(h->consumer);
    kfk_admin_free(h->admin);
}

static void free_results(handles *h)
{
    kfk_records_free(h->run);
    kfk_topics_free(h->topics);
}

/* Whether they still do what they did. */
static bool all_work(handles *h)
{
    kfk_topics *t = describe(h->admin);
    bool good = t && send_one(h->producer) && read_one(h->consumer);

    kfk_topics_free(t);
    return good;
}

static bool sleeps(const char *task)
{
    char path[300], text[512] = "", *state;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", task);
    f = fopen(path, "r");
    if (!f)
        return true;
    (void)!fread(text, 1, sizeof text - 1, f);
    fclose(f);
    state = strrchr(text, ')');
    return !strstr(text, "(kfk-") || (state && state[2] == 'S');
}

static bool all_sleep(void)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    bool yes = true;

    while ((entry = readdir(dir)) != NULL)
        yes &= entry->d_name[0] == '.' || sleeps(entry->d_name);
    closedir(dir);
    return yes;
}

/* Until the library's threads have nothing to do, and so nothing in their hands. */
static void quieten(void)
{
    int64_t give_up = far_off();

    while (!all_sleep() && now() < give_up)
        sched_yield();
    ck_assert(all_sleep());
}

static int wait_for(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what every test begins and ends with ---- */

static handles mine;
static int fds; /* open without handles */

static void setup(void)
{
    start_broker();
    fds = open_fds();
    (void)counted_allocator(&memory, 1 << 30);
    ck_assert(open_handles(&mine));
    quieten();
}

static void teardown(void)
{
    ck_assert(all_work(&mine));
    free_results(&mine);
    free_handles(&mine);
    ck_assert_int_eq(memory.out, 0);
    ck_assert_int_eq(open_fds(), fds);
    ck_assert_int_eq(warnings, 0);
    stop_broker();
}

/* ---- the parent's handles in a child ---- */

static bool all_refuse(void)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "t"};
    kfk_records *run;
    kfk_topics *t;

    return kfk_producer_send(mine.producer, &r, NULL, NULL, NULL) == KFK_ERR_FORKED &&
           kfk_producer_flush(mine.producer, 0, NULL) == KFK_ERR_FORKED &&
           kfk_producer_close(mine.producer, 0, NULL) == KFK_ERR_FORKED &&
           kfk_consumer_poll(mine.consumer, 0, &run, NULL) == KFK_ERR_FORKED &&
           kfk_consumer_close(mine.consumer, 0, NULL) == KFK_ERR_FORKED &&
           kfk_admin_list_topics(mine.admin, 0, &t, NULL) == KFK_ERR_FORKED &&
           kfk_admin_close(mine.admin, 0, NULL) == KFK_ERR_FORKED;
}

static bool is_readable(void)
{
    const kfk_record_view *v = kfk_records_next(mine.run);

    return v && v->value.len == 5 && !kfk_records_next(mine.run) &&
           kfk_records_status(mine.run, NULL) == KFK_OK;
}

/* Nothing of the handles is left. 0, or what is wrong. */
static int all_gone_here(void)
{
    if (memory.out != 0)
        return 10;
    if (open_fds() != fds)
        return 11;
    return __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() ? 12 : 0;
}

/* |order| 0: first the results, then the handles; 1: the other way round. */
static int free_in_child(int order)
{
    if (!all_refuse())
        return 1;
    if (!is_readable())
        return 2;
    if (order == 0)
        free_results(&mine);
    free_handles(&mine);
    if (order == 1) {
        if (strcmp(mine.topics->topics[0]->name, "t") != 0)
            return 3;
        free_results(&mine);
    }
    return all_gone_here();
}

START_TEST(a_child_frees_all)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(free_in_child(_i));
    ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* The descriptors that a child keeps open are no hindrance: the connection ends by shutdown. */
START_TEST(a_child_that_keeps_them_is_no_hindrance)
{
    int hold[2];
    pid_t pid;
    char c;

    ck_assert_int_eq(pipe(hold), 0);
    pid = fork();
    if (pid == 0) {
        close(hold[1]);
        _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    ck_assert(all_work(&mine));
    free_results(&mine);
    free_handles(&mine);
    close(hold[1]);
    ck_assert_int_eq(wait_for(pid), 0);
    ck_assert(open_handles(&mine));
}
END_TEST

/* ---- a child's own ---- */

/* With the name looked up by the child's own helper. */
static int use_own(void)
{
    handles own;
    int rc;

    other_stacks();
    free_results(&mine);
    free_handles(&mine);
    if (!open_handles(&own))
        return 1;
    rc = all_work(&own) ? 0 : 2;
    free_results(&own);
    free_handles(&own);
    return rc ? rc : all_gone_here();
}

START_TEST(a_child_has_its_own)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(use_own());
    ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* It frees what it has of both before it. */
static int grandchild(handles *own)
{
    if (free_in_child(1) != 10) /* the other is there */
        return 1;
    free_results(own);
    free_handles(own);
    return all_gone_here();
}

static int child_that_forks(void)
{
    handles own;
    pid_t pid;

    other_stacks();
    if (!open_handles(&own))
        return 1;
    quieten();
    pid = fork();
    if (pid == 0)
        _exit(grandchild(&own));
    if (wait_for(pid) != 0 || !all_work(&own))
        return 2;
    free_results(&own);
    free_handles(&own);
    return free_in_child(0);
}

START_TEST(a_grandchild_frees_both)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(child_that_forks());
    ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* ---- fork in a function that the library calls ---- */

static atomic_bool sent;
static _Atomic pid_t forked;
static int in_callback;

/* Of a process whose last thread has ended. */
static void end_at_once(void)
{
    _exit(7);
}

static void fork_here(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    pid_t pid;

    (void)d;
    (void)arg;
    while (!atomic_load(&sent))
        sched_yield();
    pid = fork();
    if (pid == 0 && in_callback == 0) {
        kfk_producer_free(p);
        kfk_consumer_free(mine.consumer);
        kfk_admin_free(mine.admin);
        free_results(&mine);
        _exit(memory.out == 0 && open_fds() == fds ? 0 : 1);
    }
    if (pid == 0)
        (void)atexit(end_at_once);
    atomic_store(&forked, pid);
}

/* 0: the child frees and ends in the callback; 1: it comes back, and its thread ends, being the last. The topic is
 * another, so that the consumer's thread sleeps on. */
START_TEST(a_callback_forks)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "u", .value = {"value", 5}};
    int rc;

    in_callback = _i;
    ck_assert_int_eq(kfk_producer_send(mine.producer, &r, fork_here, NULL, NULL), KFK_OK);
    atomic_store(&sent, true);
    while (atomic_load(&forked) == 0)
        sched_yield();
    rc = wait_for(forked);
#ifdef __SANITIZE_THREAD__
    rc = _i ? 7 : rc; /* it cannot do without its first thread */
#endif
    ck_assert_int_eq(rc, _i ? 7 : 0);
    ck_assert_int_eq(kfk_producer_flush(mine.producer, ENOUGH, NULL), KFK_OK);
}
END_TEST

static void fork_once(void)
{
    on_log = NULL;
    atomic_store(&forked, fork());
    if (forked == 0)
        other_stacks();
}

/* Both processes come back from one kfk_producer_new, each with a producer. */
START_TEST(the_log_function_forks_in_new)
{
    kfk_config *c = new_config();
    kfk_producer *p;
    bool good;

    on_log = fork_once;
    ck_assert_int_eq(kfk_producer_new(&p, c, NULL), KFK_OK);
    ck_assert_ptr_null(on_log);
    kfk_config_free(c);
    good = send_one(p);
    kfk_producer_free(p);
    if (forked == 0) {
        free_results(&mine);
        free_handles(&mine);
        _exit(good ? all_gone_here() : 1);
    }
    ck_assert(good);
    ck_assert_int_eq(wait_for(forked), 0);
}
END_TEST

/* ---- fork while other threads are busy ---- */

static atomic_bool stop;
static atomic_int failures;

static void *send_on(void *arg)
{
    kfk_record r = {.struct_size = sizeof r, .topic = "t", .value = {"value", 5}};

    for (int i = 0; !atomic_load(&stop); i++) {
        atomic_fetch_add(&failures, kfk_producer_send(mine.producer, &r, NULL, NULL, NULL) != 0);
        if (i % 100 == 99)
            atomic_fetch_add(&failures, !send_one(mine.producer));
    }
    return arg;
}

static void *read_on(void *arg)
{
    while (!atomic_load(&stop)) {
        kfk_records *run;

        atomic_fetch_add(&failures, kfk_consumer_poll(mine.consumer, 10, &run, NULL) != 0);
        while (run && kfk_records_next(run))
            ;
        kfk_records_free(run);
    }
    return arg;
}

static void *make_and_free(void *arg)
{
    while (!atomic_load(&stop)) {
        kfk_config *c = new_config();
        kfk_producer *p = NULL;
        kfk_admin *a = NULL;

        atomic_fetch_add(&failures, kfk_producer_new(&p, c, NULL) || kfk_admin_new(&a, c, NULL));
        kfk_admin_free(a);
        kfk_producer_free(p);
        kfk_config_free(c);
    }
    return arg;
}

static void free_all_in_child(void)
{
    if (SANITIZED)
        return;
    kfk_consumer_free(mine.consumer);
    free_results(&mine);
    kfk_admin_free(mine.admin);
    kfk_producer_free(mine.producer);
}

static void *fork_on(void *arg)
{
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            free_all_in_child();
            _exit(0);
        }
        atomic_fetch_add(&failures, waitpid(pid, &status, 0) != pid || status != 0);
    }
    return arg;
}

START_TEST(two_threads_fork_while_others_work)
{
    void *(*const bodies[])(void *) = {fork_on, fork_on, send_on, read_on, make_and_free};
    enum { N = sizeof bodies / sizeof *bodies };
    pthread_t threads[N];

    for (int i = 0; i < N; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, bodies[i], NULL), 0);
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        if (i == 1)
            atomic_store(&stop, true);
    }
    ck_assert_int_eq(failures, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fork");
    TCase *t = tcase_create("fork");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_child_frees_all, 0, 2);
    tcase_add_test(t, a_child_that_keeps_them_is_no_hindrance);
    tcase_add_test(t, a_child_has_its_own);
    tcase_add_test(t, a_grandchild_frees_both);
    tcase_add_loop_test(t, a_callback_forks, 0, 2);
    tcase_add_test(t, the_log_function_forks_in_new);
    tcase_add_test(t, two_threads_fork_while_others_work);
    suite_add_tcase(s, t);
    return run_suite(s);
}
