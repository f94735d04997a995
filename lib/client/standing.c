#include "client/standing.h"

#include <string.h>

#include "base/error.h"

void kfk__standing_init(kfk__standing *s)
{
    kfk__mutex_init(&s->lock);
    kfk__error_clear(&s->down);
    kfk__error_clear(&s->refused);
}

void kfk__standing_fini(kfk__standing *s)
{
    kfk__mutex_fini(&s->lock);
}

static void set(kfk__standing *s, kfk_error *which, const kfk_error *e)
{
    kfk__lock(&s->lock);
    *which = *e;
    kfk__unlock(&s->lock);
}

void kfk__standing_down(kfk__standing *s, const kfk_error *e)
{
    set(s, &s->down, e);
}

void kfk__standing_refused(kfk__standing *s, const kfk_error *e)
{
    set(s, &s->refused, e);
}

void kfk__standing_up(kfk__standing *s, int32_t broker_id)
{
    kfk__lock(&s->lock);
    if (s->down.broker_id == broker_id)
        kfk__error_clear(&s->down);
    kfk__unlock(&s->lock);
}

void kfk__standing_granted(kfk__standing *s, const char *topic, int32_t partition)
{
    kfk__lock(&s->lock);
    if (s->refused.partition == partition && strcmp(s->refused.topic, topic) == 0)
        kfk__error_clear(&s->refused);
    kfk__unlock(&s->lock);
}

kfk_err kfk__standing_get(kfk__standing *s, kfk_error *e)
{
    kfk_err code;

    kfk__lock(&s->lock);
    code = kfk__fail_copy(e, s->down.code ? &s->down : &s->refused);
    kfk__unlock(&s->lock);
    return code;
}

kfk_err kfk__standing_connection(kfk__standing *s, kfk_error *e)
{
    kfk_err code;

    kfk__lock(&s->lock);
    code = kfk__fail_copy(e, &s->down);
    kfk__unlock(&s->lock);
    return code;
}
