/* check: makes the properties that an application set those of one role, with the rules of the Java
 * client. */
#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/hostport.h"
#include "config/value.h"

static const char *role_name(uint32_t role)
{
    switch (role) {
    case KFK_ROLE_PRODUCER:
        return "a producer";
    case KFK_ROLE_CONSUMER:
        return "a consumer";
    case KFK_ROLE_GROUP:
        return "a consumer group";
    default:
        return "an admin client";
    }
}

/* Gives a property a value that follows from others. */
static kfk_err fill(kfk_config *c, kfk__property_id id, const char *text, kfk_error *e)
{
    kfk__config_key key = {.id = (int)id};

    return kfk__config_put(c, key, NULL, text, 0, e);
}

static kfk_err fill_number(kfk_config *c, kfk__property_id id, int64_t n, kfk_error *e)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, n);
    return fill(c, id, text, e);
}

/* ---- what is for the role ---- */

/* Drops what the role does not read: from a file that is told, from a call it is an error. */
static kfk_err drop_others(kfk_config *c, kfk_error *e)
{
    kfk__settings *s = &c->settings;
    char names[KFK__LOG_LINE_MAX / 2] = "";

    for (size_t i = s->n; i-- > 0;) {
        const kfk__property *p = &kfk__property_table[s->v[i].id];
        size_t len = strlen(names);

        if (p->roles & c->role)
            continue;
        if (s->v[i].line == 0)
            return kfk__fail(e, KFK_ERR_CONFIG, "%s is set, but %s does not read it", p->name,
                             role_name(c->role));
        (void)snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "", p->name);
        kfk__settings_remove(s, i);
    }
    if (*names)
        kfk__log_write(&c->log, KFK_LOG_INFO, "config", "not read by %s, no effect: %s",
                       role_name(c->role), names);
    return KFK_OK;
}

static kfk_err check_built(const kfk_config *c, kfk_error *e)
{
    for (size_t i = 0; i < c->settings.n; i++) {
        const kfk__setting *set = &c->settings.v[i];
        kfk_error inner;
        kfk_err err = kfk__value_built(set->id, set->value, &inner);

        if (err)
            return kfk__fail(e, err, "line %d of the file: %s", set->line, inner.msg);
    }
    return KFK_OK;
}

/* ---- what all roles share ---- */

static kfk_err check_bootstrap(const kfk_config *c, kfk_error *e)
{
    kfk__hostport hp;
    kfk_bytes item;
    size_t i = 0;

    for (; kfk__config_item(c, KFK__P_BOOTSTRAP_SERVERS, i, &item); i++) {
        const char *why = kfk__hostport_read(item, &hp);

        if (why)
            return kfk__fail(e, KFK_ERR_CONFIG, "bootstrap.servers: \"%.*s\": %s",
                             item.len < 255 ? (int)item.len : 255, (const char *)item.data, why);
    }
    if (i == 0)
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "bootstrap.servers is not set; it takes at least one host:port");
    return KFK_OK;
}

/* A first step that is above the last one is cut to it by whoever computes the steps. */
static void warn_steps(const kfk_config *c, kfk__property_id first, kfk__property_id last)
{
    if (kfk__config_long(c, first) > kfk__config_long(c, last))
        kfk__log_write(&c->log, KFK_LOG_WARN, "config", "%s=%s is above %s=%s, which holds instead",
                       kfk__property_table[first].name, kfk__config_string(c, first),
                       kfk__property_table[last].name, kfk__config_string(c, last));
}

static kfk_err check_backoff(kfk_config *c, kfk_error *e)
{
    warn_steps(c, KFK__P_RETRY_BACKOFF_MS, KFK__P_RETRY_BACKOFF_MAX_MS);
    warn_steps(c, KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MS,
               KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS);
    if (!kfk__config_is_set(c, KFK__P_RECONNECT_BACKOFF_MS) ||
        kfk__config_is_set(c, KFK__P_RECONNECT_BACKOFF_MAX_MS))
        return KFK_OK;
    kfk__log_write(
        &c->log, KFK_LOG_WARN, "config",
        "reconnect.backoff.ms is set and reconnect.backoff.max.ms is not: it does not grow");
    return fill_number(c, KFK__P_RECONNECT_BACKOFF_MAX_MS,
                       kfk__config_long(c, KFK__P_RECONNECT_BACKOFF_MS), e);
}

/* ---- producers ---- */

/* Why idempotence cannot be, or NULL. */
static const char *against_idempotence(const kfk_config *c)
{
    if (kfk__config_int(c, KFK__P_RETRIES) == 0)
        return "retries=0";
    if (strcmp(kfk__config_string(c, KFK__P_ACKS), "all") != 0)
        return "acks is not all";
    return NULL;
}

static kfk_err check_idempotence(kfk_config *c, kfk_error *e)
{
    const char *why = against_idempotence(c);

    if (!kfk__config_bool(c, KFK__P_ENABLE_IDEMPOTENCE))
        return KFK_OK;
    if (why && kfk__config_is_set(c, KFK__P_ENABLE_IDEMPOTENCE))
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "enable.idempotence=true needs acks=all and retries above 0, but %s", why);
    if (kfk__config_int(c, KFK__P_MAX_IN_FLIGHT) > 5)
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "max.in.flight.requests.per.connection=%s: idempotence allows at most 5; "
                         "lower it or set enable.idempotence=false",
                         kfk__config_string(c, KFK__P_MAX_IN_FLIGHT));
    if (!why)
        return KFK_OK;
    kfk__log_write(&c->log, KFK_LOG_INFO, "config", "idempotence is off, since %s", why);
    return fill(c, KFK__P_ENABLE_IDEMPOTENCE, "false", e);
}

static int64_t at_most(int64_t n, int64_t max)
{
    return n < max ? n : max;
}

static kfk_err check_delivery_timeout(kfk_config *c, kfk_error *e)
{
    int64_t linger = at_most(kfk__config_long(c, KFK__P_LINGER_MS), INT32_MAX);
    int64_t least = at_most(linger + kfk__config_int(c, KFK__P_REQUEST_TIMEOUT_MS), INT32_MAX);

    if (kfk__config_int(c, KFK__P_DELIVERY_TIMEOUT_MS) >= least)
        return KFK_OK;
    if (kfk__config_is_set(c, KFK__P_DELIVERY_TIMEOUT_MS))
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "delivery.timeout.ms=%s: it may not be less than linger.ms and "
                         "request.timeout.ms together, which are %" PRId64,
                         kfk__config_string(c, KFK__P_DELIVERY_TIMEOUT_MS), least);
    kfk__log_write(&c->log, KFK_LOG_WARN, "config",
                   "delivery.timeout.ms is raised to linger.ms + request.timeout.ms, %" PRId64,
                   least);
    return fill_number(c, KFK__P_DELIVERY_TIMEOUT_MS, least, e);
}

static kfk_err check_producer(kfk_config *c, kfk_error *e)
{
    kfk_err err = check_idempotence(c, e);

    if (!err)
        err = check_delivery_timeout(c, e);
    if (!err && kfk__config_int(c, KFK__P_BATCH_SIZE) == 0)
        err = fill_number(c, KFK__P_BATCH_SIZE, 1, e);
    return err;
}

/* ---- consumers ---- */

static kfk_err check_consumer(kfk_config *c, kfk_error *e)
{
    kfk_err err = kfk__config_check_group(c, e);

    if (err)
        return err;
    if (kfk__config_is_set(c, KFK__P_GROUP_ID))
        return KFK_OK;
    if (!kfk__config_is_set(c, KFK__P_ENABLE_AUTO_COMMIT))
        return fill(c, KFK__P_ENABLE_AUTO_COMMIT, "false", e);
    if (kfk__config_bool(c, KFK__P_ENABLE_AUTO_COMMIT))
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "enable.auto.commit=true: without group.id there is nowhere to commit to");
    return KFK_OK;
}

kfk_err kfk__config_check(kfk_config *c, uint32_t role, kfk_error *e)
{
    kfk_err err;

    c->role = role;
    kfk__settings_keep(&c->settings, role);
    err = drop_others(c, e);
    if (!err)
        err = check_built(c, e);
    if (!err)
        err = check_bootstrap(c, e);
    if (!err)
        err = check_backoff(c, e);
    if (!err && role == KFK_ROLE_PRODUCER)
        err = check_producer(c, e);
    if (!err && (role & (KFK_ROLE_CONSUMER | KFK_ROLE_GROUP)))
        err = check_consumer(c, e);
    return err;
}
