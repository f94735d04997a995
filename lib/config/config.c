/* config: kfk_config, from the application's side. One thread at a time. */
#include "config/config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/value.h"

/* ---- the object ---- */

kfk_config *kfk_config_new(const kfk_allocator *a)
{
    kfk_config *c;

    if (!a)
        a = &kfk__malloc_allocator;
    if (!a->alloc || !a->resize || !a->release)
        return NULL;
    c = kfk__zalloc(a, sizeof *c);
    if (!c)
        return NULL;
    c->alloc = *a;
    kfk__settings_init(&c->settings, &c->alloc);
    kfk__buf_init(&c->notes, &c->alloc);
    return c;
}

void kfk_config_free(kfk_config *c)
{
    kfk_allocator a;

    if (!c)
        return;
    a = c->alloc;
    kfk__settings_fini(&c->settings);
    kfk__config_assignors_fini(&c->assignors, &a);
    kfk__buf_fini(&c->notes);
    kfk__release(&a, c);
}

kfk_config *kfk__config_copy(const kfk_config *c, const kfk_allocator *a)
{
    kfk_config *copy = kfk_config_new(a ? a : &c->alloc);

    if (!copy)
        return NULL;
    copy->log = c->log;
    copy->hooks = c->hooks;
    copy->hooks_arg = c->hooks_arg;
    copy->role = c->role;
    if (kfk__settings_copy(&copy->settings, &c->settings) &&
        kfk__config_assignors_copy(&copy->assignors, &copy->alloc, &c->assignors))
        return copy;
    kfk_config_free(copy);
    return NULL;
}

/* ---- the log ---- */

kfk_err kfk__config_note(kfk_config *c, kfk_error *e, int level, const char *fmt, ...)
{
    char line[KFK__LOG_LINE_MAX];
    char mark = (char)level;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (c->log.fn) {
        kfk__log_write(&c->log, level, "config", "%s", line);
        return KFK_OK;
    }
    kfk__buf_put(&c->notes, &mark, 1);
    kfk__buf_put(&c->notes, line, strlen(line) + 1);
    return kfk__buf_ok(&c->notes) ? KFK_OK : kfk__fail_nomem(e);
}

static void tell_notes(kfk_config *c)
{
    const char *p = (const char *)c->notes.data, *end = p + c->notes.len;

    for (; p < end; p += strlen(p) + 1) {
        int level = *p++;

        kfk__log_write(&c->log, level, "config", "%s", p);
    }
    kfk__buf_fini(&c->notes);
}

/* Whether all that a newer header has behind our struct is left unset. */
static bool rest_is_unset(const kfk_hooks *h)
{
    const unsigned char *p = (const unsigned char *)h;

    for (size_t i = sizeof *h; i < h->struct_size; i++)
        if (p[i])
            return false;
    return true;
}

/* The hooks that were there first end before |thread|. */
enum { FIRST_HOOKS = offsetof(kfk_hooks, thread) };

kfk_err kfk_config_hooks(kfk_config *c, const kfk_hooks *h, void *arg, kfk_error *e)
{
    if (!c || !h)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_config_hooks: config or hooks is NULL");
    if (h->struct_size < FIRST_HOOKS)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_hooks.struct_size is not sizeof(kfk_hooks)");
    if (!rest_is_unset(h))
        return kfk__fail(
            e, KFK_ERR_INVALID_ARG,
            "kfk_hooks.struct_size is of a newer version, with hooks that this one does not have");
    if (h->log_level < 0 || h->log_level > KFK_LOG_DEBUG)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_hooks.log_level=%d: not from 0 to %d",
                         (int)h->log_level, KFK_LOG_DEBUG);
    memset(&c->hooks, 0, sizeof c->hooks);
    memcpy(&c->hooks, h, h->struct_size < sizeof *h ? h->struct_size : sizeof *h);
    c->hooks_arg = arg;
    c->log = (kfk__log){.fn = c->hooks.log,
                        .arg = arg,
                        .level = c->hooks.log_level ? c->hooks.log_level : KFK_LOG_INFO};
    if (c->log.fn)
        tell_notes(c);
    return KFK_OK;
}

/* ---- setting ---- */

kfk__config_key kfk__config_key_of(const char *name)
{
    static const struct {
        const char *prefix;
        uint32_t scope;
    } scopes[] = {
        {"producer.", KFK_ROLE_PRODUCER},
        {"consumer.", KFK_ROLE_CONSUMER | KFK_ROLE_GROUP},
        {"admin.", KFK_ROLE_ADMIN},
    };
    kfk__config_key key = {.full = name, .name = name};

    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        size_t n = strlen(scopes[i].prefix);

        if (strncmp(name, scopes[i].prefix, n) == 0) {
            key.scope = scopes[i].scope;
            key.name = name + n;
        }
    }
    key.id = kfk__property_find(key.name);
    return key;
}

static kfk_err unknown(const kfk__config_key *key, kfk_error *e)
{
    const char *nearest = kfk__property_nearest(key->name);

    return kfk__fail(e, KFK_ERR_CONFIG, "unknown property \"%.100s\"%s%s%s", key->full,
                     nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?" : "");
}

/* Whether a value that is not built is refused at once. From a file, one that only some roles read
 * waits until a handle of such a role is made. */
static bool refused_at_once(const kfk__property *p, int line)
{
    const uint32_t all = KFK_ROLE_PRODUCER | KFK_ROLE_CONSUMER | KFK_ROLE_ADMIN;

    return line == 0 || (p->roles & all) == all;
}

static kfk_err admit(const kfk__config_key *key, const char *value, int line, kfk_error *e)
{
    const kfk__property *p = &kfk__property_table[key->id];

    if (line == 0 && key->scope && !(key->scope & p->roles))
        return kfk__fail(e, KFK_ERR_CONFIG, "%.*s%s: this role does not read %s",
                         (int)(key->name - key->full), key->full, p->name, p->name);
    return refused_at_once(p, line) ? kfk__value_built(key->id, value, e) : KFK_OK;
}

kfk_err kfk__config_put(kfk_config *c, kfk__config_key key, const char *topic, const char *value,
                        int line, kfk_error *e)
{
    kfk__setting set = {.id = key.id, .scope = key.scope, .line = line};
    kfk_err err = kfk__value_read(key.id, value, &c->alloc, &set.value, e);

    if (err)
        return err;
    err = admit(&key, set.value, line, e);
    if (!err && !kfk__settings_put(&c->settings, &set, topic))
        err = kfk__fail_nomem(e);
    if (err)
        kfk__release_secret(&c->alloc, set.value);
    return err;
}

kfk_err kfk_config_set(kfk_config *c, const char *name, const char *value, kfk_error *e)
{
    kfk__config_key key;

    if (!c || !name || !value)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_config_set: config, name or value is NULL");
    key = kfk__config_key_of(name);
    return key.id < 0 ? unknown(&key, e) : kfk__config_put(c, key, NULL, value, 0, e);
}

bool kfk__config_is_topic(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= 249 && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

kfk_err kfk_config_set_topic(kfk_config *c, const char *topic, const char *name, const char *value,
                             kfk_error *e)
{
    kfk__config_key key;

    if (!c || !topic || !name || !value)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_config_set_topic: config, topic, name or value is NULL");
    if (!kfk__config_is_topic(topic))
        return kfk__fail(e, KFK_ERR_CONFIG, "\"%.250s\" cannot be the name of a topic", topic);
    key = kfk__config_key_of(name);
    if (key.id < 0)
        return unknown(&key, e);
    if (!(kfk__property_table[key.id].flags & KFK__PROPERTY_TOPIC))
        return kfk__fail(e, KFK_ERR_CONFIG, "%s cannot be set for one topic", key.name);
    return kfk__config_put(c, key, topic, value, 0, e);
}

/* ---- assignors ---- */

const kfk__config_assignor *kfk__config_assignor_at(const kfk_config *c, size_t i)
{
    return i < c->assignors.n ? &c->assignors.v[i] : NULL;
}

enum { NAME_MOST = 249 }; /* as a topic's */

/* Whether an item of partition.assignment.strategy can be it: a list is split at commas, and blanks
 * around an item are left out. */
static bool can_be_name(const char *name)
{
    size_t n = strlen(name);

    for (const char *p = name; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == ',')
            return false;
    return n > 0 && n <= NAME_MOST;
}

static bool is_taken(const kfk_config *c, const char *name)
{
    const int id = KFK__P_PARTITION_ASSIGNMENT_STRATEGY;
    const char *bounds = kfk__property_table[id].bounds;
    kfk_bytes text = kfk__value_unalias(id, kfk__bytes_str(name)), known;

    for (size_t i = 0; kfk__value_choice_at(bounds, i, &known); i++)
        if (kfk__bytes_equal(known, text))
            return true;
    for (size_t i = 0; i < c->assignors.n; i++)
        if (strcmp(c->assignors.v[i].name, name) == 0)
            return true;
    return false;
}

kfk_err kfk_config_assignor(kfk_config *c, const char *name, uint32_t flags, kfk_assign_fn *fn,
                            void *arg, kfk_error *e)
{
    kfk__config_assignor add = {.flags = flags, .fn = fn, .arg = arg};

    if (!c || !name || !fn)
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_config_assignor: config, name or function is NULL");
    if (flags & ~(uint32_t)KFK_ASSIGNOR_COOPERATIVE)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_config_assignor: flags=%#x: unknown",
                         (unsigned)flags);
    if (!can_be_name(name))
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_config_assignor: a name has 1 to %d characters, none of them a "
                         "comma, a blank or a control character",
                         NAME_MOST);
    if (is_taken(c, name))
        return kfk__fail(e, KFK_ERR_INVALID_ARG,
                         "kfk_config_assignor: there is an assignor \"%s\" already", name);
    add.name = (char *)(uintptr_t)name; /* to be copied */
    return kfk__config_assignors_add(&c->assignors, &c->alloc, &add) ? KFK_OK : kfk__fail_nomem(e);
}

/* ---- introspection ---- */

const char *kfk_config_get(const kfk_config *c, const char *name)
{
    const kfk__setting *set;
    kfk__config_key key;

    if (!c || !name)
        return NULL;
    key = kfk__config_key_of(name);
    if (key.id < 0)
        return NULL;
    set = kfk__settings_find(&c->settings, key.id, key.scope, NULL);
    if (set && kfk__property_table[key.id].type == KFK__TYPE_PASSWORD)
        return KFK__REDACTED;
    return set ? set->value : kfk__property_default(key.id, key.scope);
}

int kfk_config_list(size_t i, kfk_property *p)
{
    static const char *const types[] = {"int",    "long", "short", "double",  "boolean",
                                        "string", "list", "class", "password"};
    const kfk__property *from;
    kfk_property all;

    if (i >= KFK__P_COUNT)
        return 0;
    from = &kfk__property_table[i];
    all = (kfk_property){.struct_size = p->struct_size,
                         .roles = from->roles,
                         .name = from->name,
                         .type = types[from->type],
                         .default_value = from->deflt,
                         .bounds = from->bounds,
                         .doc = from->doc};
    memcpy(p, &all, p->struct_size < sizeof all ? p->struct_size : sizeof all);
    return 1;
}
