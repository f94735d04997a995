#include "net/loop.h"

#include <string.h>

#include "base/fork.h"

int kfk__loop_init(kfk__loop *l, const kfk__env *env, kfk__step_fn *step, void *self)
{
    memset(l, 0, sizeof *l);
    l->env = *env;
    l->step = step;
    l->self = self;
    return env->ops->poller_new(env->ctx, &l->env.alloc, &l->poller);
}

void kfk__loop_fini(kfk__loop *l)
{
    if (l->poller)
        l->env.ops->poller_free(l->poller);
    l->poller = NULL;
}

bool kfk__loop_turn(kfk__loop *l, int64_t limit)
{
    int64_t until = l->until < limit ? l->until : limit;
    int n = l->env.ops->poll(l->poller, l->events, KFK__LOOP_EVENTS, until);

    until = l->step(l->self, l->events, n, kfk__now(&l->env));
    if (until < 0)
        return false;
    l->until = until;
    return true;
}

/* A callback may have forked, and come back in the child: there it ends, before a poll could take
 * the parent's events. After the last step the loop may be gone. */
static void run(void *arg)
{
    const kfk__loop *l = arg;
    kfk_thread_fn *told = l->told;
    void *told_arg = l->told_arg;
    const char *name = l->name;
    unsigned forks = kfk__fork_count();

    if (told)
        told(1, name, told_arg);
    while (forks == kfk__fork_count() && kfk__loop_turn(arg, KFK__NEVER))
        ;
    if (told && forks == kfk__fork_count())
        told(0, name, told_arg);
}

int kfk__loop_start(kfk__loop *l, const char *name)
{
    l->name = name;
    return l->env.ops->spawn(l->env.ctx, &l->env.alloc, name, run, l, &l->thread);
}

bool kfk__loop_join(kfk__loop *l, int64_t until)
{
    kfk__thread *t = l->thread;

    l->thread = NULL;
    return !t || l->env.ops->join(l->env.ctx, t, until);
}

void kfk__loop_wake(kfk__loop *l)
{
    l->env.ops->poller_wake(l->poller);
}
