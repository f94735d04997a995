#include "unit/net/net.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/addr.h"
#include "net/resolver.h"
#include "net/waiter.h"

/* Takes the place of the system's, so that a look-up can fail, or last, as a test wants it. */
static struct {
    bool blocks;
    kfk__waiter entered, go;
    int rc, err;
    const char *addresses[40];
} fake;

static int real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                            struct addrinfo **out)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(host, service, hints, out);
}

/* The addresses as one list, made of the system's lists of one each, so that freeaddrinfo can do
 * it. */
static int fake_list(struct addrinfo **out)
{
    static const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};

    *out = NULL;
    for (int i = 0; fake.addresses[i]; i++) {
        ck_assert_int_eq(real_getaddrinfo(fake.addresses[i], NULL, &numeric, out), 0);
        out = &(*out)->ai_next;
    }
    return 0;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    if (strcmp(host, "fake") != 0)
        return real_getaddrinfo(host, service, hints, out);
    if (fake.blocks) {
        kfk__waiter_wake(NULL, &fake.entered);
        (void)kfk__waiter_wait(NULL, &fake.go, KFK__NEVER);
    }
    errno = fake.err;
    return fake.rc ? fake.rc : fake_list(out);
}

static kfk__env env;
static const kfk__env_ops *ops;
static kfk__poller *p;
static kfk__event ev[8];
static char me;

static kfk__addr found[KFK__RESOLVE_MAX + 8];
static int n_found;
static const char *why;

static void open_poller(int backend)
{
    ck_assert_int_eq(kfk__env_posix_with(&env, &kfk__malloc_allocator, backends[backend], NULL),
                     KFK_OK);
    ops = env.ops;
    ck_assert_int_eq(ops->poller_new(env.ctx, &env.alloc, &p), 0);
}

/* Looks |host| up, to the end. Its addresses are in |found|. */
static int look_up(const char *host)
{
    kfk__job *j;
    int rc;

    ck_assert_int_eq(ops->resolve(p, host, &me, &j), 0);
    ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
    ck_assert_ptr_eq(ev[0].owner, &me);
    ck_assert_uint_eq(ev[0].what, KFK__EV_JOB);
    rc = ops->resolved(j, found, KFK__RESOLVE_MAX + 8, &n_found, &why);
    if (rc) {
        static char text[200];

        ck_assert_uint_lt(strlen(why), sizeof text);
        why = strcpy(text, why);
    }
    ops->job_end(j);
    ck_assert_ptr_null(ev[0].owner);
    return rc;
}

static const char *const numeric[] = {"127.0.0.1", "192.0.2.77", "::1", "fe80::1%3"};

START_TEST(numeric_needs_no_thread)
{
    open_poller(_i);
    for (size_t i = 0; i < sizeof numeric / sizeof *numeric; i++) {
        kfk__addr a;

        ck_assert(kfk__addr_parse(numeric[i], 0, &a));
        ck_assert_int_eq(look_up(numeric[i]), 0);
        ck_assert_int_eq(n_found, 1);
        ck_assert(kfk__addr_equal(&found[0], &a));
    }
    ck_assert_int_eq(threads_called("kfk-helper"), 0);
    ops->poller_free(p);
}
END_TEST

START_TEST(numeric_can_be_forgotten)
{
    kfk__job *a, *b;

    open_poller(_i);
    ck_assert_int_eq(ops->resolve(p, "127.0.0.1", &me, &a), 0);
    ck_assert_int_eq(ops->resolve(p, "127.0.0.2", &p, &b), 0);
    ops->job_end(a);
    ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
    ck_assert_ptr_eq(ev[0].owner, &p);
    ops->job_end(b);
    ops->job_end(NULL);
    ops->poller_free(p);
}
END_TEST

START_TEST(localhost_is_loopback)
{
    open_poller(_i);
    ck_assert_int_eq(look_up("localhost"), 0);
    ck_assert_int_gt(n_found, 0);
    for (int i = 0; i < n_found; i++) {
        kfk__addr six;

        ck_assert(kfk__addr_parse("::1", 0, &six));
        ck_assert(found[i].family == 4 ? found[i].bytes[0] == 127
                                       : kfk__addr_equal(&found[i], &six));
    }
    ops->poller_free(p);
}
END_TEST

/* A label may have 63 bytes: this is refused without asking anybody. */
START_TEST(impossible_name)
{
    char host[300];

    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    open_poller(_i);
    ck_assert_int_ne(look_up(host), 0);
    ck_assert_int_eq(n_found, 0);
    ck_assert_str_ne(why, "");
    ck_assert_int_ne(look_up(""), 0);
    ops->poller_free(p);
}
END_TEST

START_TEST(failure_has_its_text)
{
    open_poller(_i);
    fake.rc = EAI_AGAIN;
    ck_assert_int_eq(look_up("fake"), EAI_AGAIN);
    ck_assert_str_eq(why, gai_strerror(EAI_AGAIN));
    fake.rc = EAI_SYSTEM;
    fake.err = EMFILE;
    ck_assert_int_eq(look_up("fake"), EAI_SYSTEM);
    ck_assert_str_eq(why, "Too many open files");
    ops->poller_free(p);
}
END_TEST

START_TEST(order_is_kept_and_doubles_are_not)
{
    open_poller(_i);
    fake.addresses[0] = "::1";
    fake.addresses[1] = "192.0.2.1";
    fake.addresses[2] = "::1";
    fake.addresses[3] = "192.0.2.2";
    fake.addresses[4] = "192.0.2.1";
    ck_assert_int_eq(look_up("fake"), 0);
    ck_assert_int_eq(n_found, 3);
    for (int i = 0; i < 3; i++) {
        kfk__addr a;

        ck_assert(kfk__addr_parse(fake.addresses[i == 2 ? 3 : i], 0, &a));
        ck_assert(kfk__addr_equal(&found[i], &a));
    }
    ops->poller_free(p);
}
END_TEST

START_TEST(no_address_is_no_name)
{
    open_poller(_i);
    ck_assert_int_eq(look_up("fake"), EAI_NONAME);
    ck_assert_str_ne(why, "");
    ops->poller_free(p);
}
END_TEST

START_TEST(too_many_addresses)
{
    static char text[39][16];
    kfk__job *j;

    open_poller(_i);
    for (int i = 0; i < 39; i++) {
        (void)snprintf(text[i], sizeof text[i], "192.0.2.%d", i);
        fake.addresses[i] = text[i];
    }
    ck_assert_int_eq(look_up("fake"), 0);
    ck_assert_int_eq(n_found, KFK__RESOLVE_MAX);
    ck_assert_int_eq(ops->resolve(p, "fake", &me, &j), 0);
    ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
    memset(&found[2], 0x5a, sizeof found[2]);
    ck_assert_int_eq(ops->resolved(j, found, 2, &n_found, &why), 0);
    ck_assert_int_eq(n_found, 2);
    ck_assert_uint_eq(found[2].family, 0x5a);
    ops->job_end(j);
    ops->poller_free(p);
}
END_TEST

START_TEST(ended_while_it_is_looked_up)
{
    kfk__job *running, *queued;

    fake.blocks = true;
    ck_assert_int_eq(kfk__waiter_init(NULL, &fake.entered), 0);
    ck_assert_int_eq(kfk__waiter_init(NULL, &fake.go), 0);
    open_poller(_i);
    ck_assert_int_eq(ops->resolve(p, "fake", &me, &running), 0);
    ck_assert_int_eq(ops->resolve(p, "fake", &me, &queued), 0);
    ck_assert(kfk__waiter_wait(NULL, &fake.entered, far_off()));
    ck_assert_int_eq(look_up("127.0.0.1"), 0); /* waits for nobody */
    ops->job_end(running);
    ops->job_end(queued);
    ops->poller_free(p);

    /* Its answer comes now, and the thread goes on to the next as if nothing had been. */
    open_poller(_i);
    ck_assert_int_eq(ops->resolve(p, "localhost", &me, &queued), 0);
    kfk__waiter_wake(NULL, &fake.go);
    ck_assert_int_eq(wait_events(&env, p, ev, 8), 1);
    ck_assert_ptr_eq(ev[0].owner, &me);
    ops->job_end(queued);
    ops->poller_free(p);
}
END_TEST

START_TEST(begun_and_ended_at_any_point)
{
    open_poller(_i);
    for (int i = 0; i < 200; i++) {
        kfk__job *j[3];

        for (int k = 0; k < 3; k++)
            ck_assert_int_eq(ops->resolve(p, "fake", &me, &j[k]), 0);
        for (int k = 0; k < i % 4; k++)
            ops->poll(p, ev, 1, i % 2 ? 0 : now() + 50000);
        for (int k = 0; k < 3; k++)
            ops->job_end(j[k]);
    }
    ck_assert_int_eq(ops->poll(p, ev, 8, 0), 0);
    ops->poller_free(p);
}
END_TEST

int main(void)
{
    const TTest *const both[] = {
        numeric_needs_no_thread,     numeric_can_be_forgotten,
        localhost_is_loopback,       impossible_name,
        failure_has_its_text,        order_is_kept_and_doubles_are_not,
        no_address_is_no_name,       too_many_addresses,
        ended_while_it_is_looked_up, begun_and_ended_at_any_point,
    };
    Suite *s = suite_create("resolver");
    TCase *t = tcase_create("resolver");

    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        tcase_add_loop_test(t, both[i], 0, N_BACKENDS);
    suite_add_tcase(s, t);
    return run_suite(s);
}
