/* check_group: the properties of a group's member, with the rules of the Java client. */
#include "config/config.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "config/nearest.h"
#include "config/value.h"

enum { CONSUMER }; /* of the choices of group.protocol */

/* What is empty has been refused when it was set. */
static kfk_err check_name(const kfk_config *c, kfk__property_id id, kfk_error *e)
{
    const char *name = kfk__config_string(c, id);
    char shown[300];

    if (!name || kfk__config_is_topic(name))
        return KFK_OK;
    kfk__value_show((int)id, name, shown, sizeof shown);
    return kfk__fail(e, KFK_ERR_CONFIG,
                     "%s=%s: it has at most 249 letters, digits, '.', '_' and '-', and is not "
                     "\".\" or \"..\"",
                     kfk__property_table[id].name, shown);
}

static kfk_err check_names(const kfk_config *c, kfk_error *e)
{
    const char *group = kfk__config_string(c, KFK__P_GROUP_ID);
    kfk_err err;

    if (!group && c->role == KFK_ROLE_GROUP)
        return kfk__fail(e, KFK_ERR_CONFIG, "group.id is not set; a consumer group needs one");
    if (group && !*group)
        return kfk__fail(e, KFK_ERR_CONFIG, "group.id is empty");
    err = check_name(c, KFK__P_GROUP_INSTANCE_ID, e);
    return err ? err : check_name(c, KFK__P_DEAD_LETTER_TOPIC, e);
}

/* ---- partition.assignment.strategy ---- */

/* The i-th of the assignors that there are: ours, then the application's. */
static bool assignor_at(const kfk_config *c, size_t i, kfk_bytes *name)
{
    const char *bounds = kfk__property_table[KFK__P_PARTITION_ASSIGNMENT_STRATEGY].bounds;
    const kfk__config_assignor *own;
    kfk_bytes known;
    size_t n = 0;

    if (kfk__value_choice_at(bounds, i, name))
        return true;
    while (kfk__value_choice_at(bounds, n, &known))
        n++;
    own = kfk__config_assignor_at(c, i - n);
    *name = kfk__bytes_str(own ? own->name : NULL);
    return own != NULL;
}

static bool is_known(const kfk_config *c, kfk_bytes name, kfk__nearest *nearest)
{
    kfk_bytes known;

    for (size_t i = 0; assignor_at(c, i, &known); i++) {
        if (kfk__bytes_equal(known, name))
            return true;
        kfk__nearest_try(nearest, known);
    }
    return false;
}

static kfk_err check_strategy(const kfk_config *c, kfk_bytes name, kfk_error *e)
{
    kfk__nearest nearest = kfk__nearest_to(name);
    char text[128], shown[128];

    if (is_known(c, name, &nearest))
        return KFK_OK;
    kfk__error_set(text, sizeof text, name.data, name.len);
    kfk__value_show(KFK__P_PARTITION_ASSIGNMENT_STRATEGY, text, shown, sizeof shown);
    return kfk__fail(e, KFK_ERR_CONFIG,
                     "partition.assignment.strategy: \"%s\" is none of Kafka's, and "
                     "kfk_config_assignor did not name it%s%.*s%s",
                     shown, nearest.known.data ? "; did you mean \"" : "", (int)nearest.known.len,
                     nearest.known.data ? (const char *)nearest.known.data : "",
                     nearest.known.data ? "\"?" : "");
}

static bool came_before(const kfk_config *c, size_t n, kfk_bytes name)
{
    kfk_bytes item;

    for (size_t i = 0; i < n && kfk__config_item(c, KFK__P_PARTITION_ASSIGNMENT_STRATEGY, i, &item);
         i++)
        if (kfk__bytes_equal(item, name))
            return true;
    return false;
}

static kfk_err check_strategies(const kfk_config *c, kfk_error *e)
{
    kfk_err err = KFK_OK;
    kfk_bytes name;
    size_t i = 0;

    for (; !err && kfk__config_item(c, KFK__P_PARTITION_ASSIGNMENT_STRATEGY, i, &name); i++) {
        err = check_strategy(c, name, e);
        if (!err && came_before(c, i, name))
            err = kfk__fail(e, KFK_ERR_CONFIG, "partition.assignment.strategy: %.*s comes twice",
                            name.len < 255 ? (int)name.len : 255, (const char *)name.data);
    }
    if (i == 0)
        return kfk__fail(e, KFK_ERR_CONFIG, "partition.assignment.strategy is empty");
    return err;
}

/* ---- the protocols ---- */

/* Only a member has a heartbeat. */
static kfk_err check_heartbeat(const kfk_config *c, kfk_error *e)
{
    int32_t heartbeat = kfk__config_int(c, KFK__P_HEARTBEAT_INTERVAL_MS);
    int32_t session = kfk__config_int(c, KFK__P_SESSION_TIMEOUT_MS);

    if (!kfk__config_is_set(c, KFK__P_GROUP_ID))
        return KFK_OK;
    if (heartbeat < 1)
        return kfk__fail(e, KFK_ERR_CONFIG, "heartbeat.interval.ms=%" PRId32 ": it is at least 1",
                         heartbeat);
    if (heartbeat >= session)
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "heartbeat.interval.ms=%" PRId32
                         ": it must be less than session.timeout.ms, which is %" PRId32,
                         heartbeat, session);
    return KFK_OK;
}

static kfk_err check_classic(const kfk_config *c, kfk_error *e)
{
    const char *remote = kfk__config_string(c, KFK__P_GROUP_REMOTE_ASSIGNOR);
    kfk_err err;

    if (remote && *remote)
        return kfk__fail(e, KFK_ERR_CONFIG,
                         "group.remote.assignor is set, but that is for group.protocol=consumer; "
                         "with classic it is partition.assignment.strategy");
    err = check_strategies(c, e);
    return err ? err : check_heartbeat(c, e);
}

static kfk_err check_modern(const kfk_config *c, kfk_error *e)
{
    static const kfk__property_id brokers[] = {KFK__P_PARTITION_ASSIGNMENT_STRATEGY,
                                               KFK__P_HEARTBEAT_INTERVAL_MS,
                                               KFK__P_SESSION_TIMEOUT_MS};

    for (size_t i = 0; i < sizeof brokers / sizeof *brokers; i++)
        if (kfk__config_is_set(c, brokers[i]))
            return kfk__fail(e, KFK_ERR_CONFIG,
                             "%s is set, but with group.protocol=consumer the broker decides that: "
                             "leave it out",
                             kfk__property_table[brokers[i]].name);
    return KFK_OK;
}

kfk_err kfk__config_check_group(const kfk_config *c, kfk_error *e)
{
    kfk_err err = check_names(c, e);

    if (err)
        return err;
    return kfk__config_choice(c, KFK__P_GROUP_PROTOCOL) == CONSUMER ? check_modern(c, e)
                                                                    : check_classic(c, e);
}
