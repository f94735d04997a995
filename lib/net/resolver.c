#include "net/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/helper.h"

struct kfk__job {
    kfk__task task;
    const kfk_allocator *alloc; /* the helper's */
    bool submitted;
    int rc; /* 0 or EAI_* */
    int n;
    kfk__addr found[KFK__RESOLVE_MAX];
    char why[128];
    char host[];
};

static void drop(kfk__task *t)
{
    kfk__release(((kfk__job *)(void *)t)->alloc, t);
}

/* getaddrinfo may tell an address twice (a name that stands twice in /etc/hosts). */
static void keep(kfk__job *j, const struct addrinfo *ai)
{
    kfk__addr a;

    if (j->n == KFK__RESOLVE_MAX || !kfk__addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen, &a))
        return;
    for (int i = 0; i < j->n; i++) {
        if (kfk__addr_equal(&j->found[i], &a))
            return;
    }
    j->found[j->n++] = a;
}

static void explain(kfk__job *j, int err)
{
    char text[sizeof j->why];
    const char *why = gai_strerror(j->rc);

    if (j->rc == EAI_SYSTEM)
        why = strerror_r(err, text, sizeof text);
    (void)snprintf(j->why, sizeof j->why, "%s", why);
}

/* Both families, and without AI_ADDRCONFIG: that drops the addresses of a family of which the
 * machine has none but loopback, and with them the brokers of a development machine. An address
 * that cannot be reached is sorted last and fails at once. */
static void look_up(kfk__task *t)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    kfk__job *j = (kfk__job *)(void *)t;
    struct addrinfo *list = NULL;

    j->rc = getaddrinfo(j->host, NULL, &hints, &list);
    if (j->rc) {
        explain(j, errno);
        return;
    }
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        keep(j, ai);
    freeaddrinfo(list);
    if (j->n == 0) {
        j->rc = EAI_NONAME;
        explain(j, 0);
    }
}

int kfk__resolver_start(kfk__poller *p, const char *host, void *owner, kfk__job **out)
{
    size_t size = strlen(host) + 1;
    const kfk_allocator *a = kfk__helper_allocator();
    kfk__job *j = a ? kfk__zalloc(a, sizeof *j + size) : NULL;
    int rc;

    if (!j)
        return ENOMEM;
    j->alloc = a;
    memcpy(j->host, host, size);
    j->task.run = look_up;
    j->task.drop = drop;
    j->task.poller = p;
    j->task.post.source.owner = owner;
    *out = j;
    if (kfk__addr_parse(host, 0, &j->found[0])) {
        j->n = 1;
        kfk__poller_post(p, &j->task.post);
        return 0;
    }
    j->submitted = true;
    rc = kfk__helper_submit(&j->task);
    if (rc)
        drop(&j->task);
    return rc;
}

int kfk__resolver_result(kfk__job *j, kfk__addr *out, int max, int *n, const char **why)
{
    *n = j->n < max ? j->n : max;
    memcpy(out, j->found, (size_t)*n * sizeof *out);
    *why = j->why;
    return j->rc;
}

void kfk__resolver_end(kfk__job *j)
{
    if (!j)
        return;
    if (j->submitted) {
        kfk__helper_end(&j->task);
        return;
    }
    kfk__poller_unpost(j->task.poller, &j->task.post);
    drop(&j->task);
}
