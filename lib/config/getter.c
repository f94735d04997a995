/* getter: the values of a checked kfk_config, for the files that make handles. */
#include "config/config.h"

#include "config/value.h"

const char *kfk__config_topic_string(const kfk_config *c, const char *topic, kfk__property_id id)
{
    const kfk__setting *set = kfk__settings_find(&c->settings, (int)id, c->role, topic);

    if (!set && topic)
        set = kfk__settings_find(&c->settings, (int)id, c->role, NULL);
    return set ? set->value : kfk__property_default((int)id, c->role);
}

/* Values were read once when they were set, and so do not fail to be read again. */
static int64_t as_long(const char *value)
{
    int64_t n = 0;

    if (value)
        (void)kfk__value_long(value, &n);
    return n;
}

static int as_choice(kfk__property_id id, const char *value)
{
    const char *bounds = kfk__property_table[id].bounds;

    return value && bounds ? kfk__value_choice(bounds, value) : -1;
}

const char *kfk__config_string(const kfk_config *c, kfk__property_id id)
{
    return kfk__config_topic_string(c, NULL, id);
}

int64_t kfk__config_long(const kfk_config *c, kfk__property_id id)
{
    return as_long(kfk__config_string(c, id));
}

int32_t kfk__config_int(const kfk_config *c, kfk__property_id id)
{
    return (int32_t)kfk__config_long(c, id);
}

bool kfk__config_bool(const kfk_config *c, kfk__property_id id)
{
    const char *value = kfk__config_string(c, id);

    return value && *value == 't';
}

double kfk__config_double(const kfk_config *c, kfk__property_id id)
{
    const char *value = kfk__config_string(c, id);
    double n = 0;

    if (value)
        (void)kfk__value_double(value, &n);
    return n;
}

int kfk__config_choice(const kfk_config *c, kfk__property_id id)
{
    return as_choice(id, kfk__config_string(c, id));
}

bool kfk__config_item(const kfk_config *c, kfk__property_id id, size_t i, kfk_bytes *item)
{
    const char *value = kfk__config_string(c, id);

    return value && kfk__value_item(value, i, item);
}

bool kfk__config_is_set(const kfk_config *c, kfk__property_id id)
{
    return kfk__settings_find(&c->settings, (int)id, c->role, NULL) != NULL;
}

bool kfk__config_topic(const kfk_config *c, size_t i, const char **topic, kfk__property_id *id)
{
    for (size_t k = 0; k < c->settings.n; k++) {
        const kfk__setting *set = &c->settings.v[k];

        if (!set->topic || i-- > 0)
            continue;
        *topic = set->topic;
        *id = (kfk__property_id)set->id;
        return true;
    }
    return false;
}

int32_t kfk__config_topic_int(const kfk_config *c, const char *topic, kfk__property_id id)
{
    return (int32_t)as_long(kfk__config_topic_string(c, topic, id));
}

int kfk__config_topic_choice(const kfk_config *c, const char *topic, kfk__property_id id)
{
    return as_choice(id, kfk__config_topic_string(c, topic, id));
}
