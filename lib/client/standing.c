#include "client/standing.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

void kfk__standing_init(kfk__standing *s, const kfk__client_options *options,
                        kfk__log_limit *limit)
{
    s->options = options;
    s->limit = limit;
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

/* Lines about one partition are of one kind, and those about its topic. */
static uint32_t who(const char *topic, int32_t partition)
{
    return kfk__log_who(topic, (unsigned)partition);
}

static void name_partition(char out[280], const char *topic, int32_t partition)
{
    if (partition < 0)
        (void)snprintf(out, 280, "topic %.249s", topic);
    else
        (void)snprintf(out, 280, "topic %.249s, partition %d", topic, partition);
}

void kfk__standing_partition_refused(kfk__standing *s, const char *topic, int32_t partition,
                                     kfk_err why, int64_t now)
{
    const kfk__client_options *o = s->options;
    char more[KFK__LOG_MORE], what[280];
    kfk_error e;

    name_partition(what, topic, partition);
    (void)kfk__fail(&e, why, "%s: %s: %s", what, kfk_err_name(why), kfk_err_str(why));
    kfk__error_set(e.topic, sizeof e.topic, topic, strlen(topic));
    e.partition = partition;
    e.phase = KFK_PHASE_REQUEST;
    kfk__standing_refused(s, &e);
    if (kfk__log_on(&o->log, KFK_LOG_WARN) &&
        kfk__log_allows(s->limit, who(topic, partition), e.msg, now, more))
        kfk__log_line(&o->log, KFK_LOG_WARN, o->subsystem, "%s%s", e.msg, more);
}

void kfk__standing_partition_granted(kfk__standing *s, const char *topic, int32_t partition,
                                     int64_t now)
{
    const kfk__client_options *o = s->options;
    char what[280];

    kfk__standing_granted(s, topic, partition);
    if (!kfk__log_well(s->limit, who(topic, partition), now))
        return;
    name_partition(what, topic, partition);
    kfk__log_write(&o->log, KFK_LOG_INFO, o->subsystem, "%s: goes on again", what);
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
