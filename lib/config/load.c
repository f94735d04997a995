/* load: kfk_config_load, a file of the Java client, as lenient as that is.
 *
 * What is for another role, or for the JVM, is taken and told; what is not known is warned of. What
 * is wrong in itself, is not built, or would change who is trusted is an error, and then nothing of
 * the file is taken. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/properties.h"

enum { FILE_MAX = 1 << 18 };

/* A file that may have passwords in it, and the room to decode it; both are wiped. */
typedef struct text {
    uint8_t *bytes; /* FILE_MAX + 1 */
    size_t len;
    uint8_t *line; /* len bytes, and behind them KFK__PROPERTIES_OUT(len) for keys and values */
} text;

static size_t work_size(const text *t)
{
    return t->len + KFK__PROPERTIES_OUT(t->len);
}

static void text_fini(text *t, const kfk_allocator *a)
{
    kfk__wipe(t->bytes, t->len);
    kfk__wipe(t->line, work_size(t));
    kfk__release(a, t->bytes);
    kfk__release(a, t->line);
}

/* 0 or errno. */
static int read_all(int fd, text *t)
{
    while (t->len <= FILE_MAX) {
        ssize_t n = read(fd, t->bytes + t->len, FILE_MAX + 1 - t->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : 0;
        t->len += (size_t)n;
    }
    return EFBIG;
}

/* What |t| holds is to be given back in any case. */
static kfk_err text_read(text *t, const kfk_allocator *a, const char *path, kfk_error *e)
{
    int fd, why;

    t->bytes = kfk__alloc(a, FILE_MAX + 1);
    if (!t->bytes)
        return kfk__fail_nomem(e);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, errno, "%.300s", path);
    why = read_all(fd, t);
    (void)close(fd);
    if (why)
        return kfk__fail_sys(e, KFK_ERR_SYSTEM, why, "%.300s", path);
    t->line = kfk__zalloc(a, work_size(t));
    return t->line ? KFK_OK : kfk__fail_nomem(e);
}

static kfk_err warn_unknown(kfk_config *c, const kfk__config_key *key, const char *path, int line,
                            kfk_error *e)
{
    const char *nearest = kfk__property_nearest(key->name);

    return kfk__config_note(c, e, KFK_LOG_WARN,
                            "%s:%d: unknown property \"%.100s\" has no effect%s%s%s", path, line,
                            key->full, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                            nearest ? "\"?" : "");
}

static kfk_err apply(kfk_config *c, const char *path, const kfk__pair *pair, kfk_error *e)
{
    kfk__config_key key;
    kfk_error inner;
    kfk_err err;

    if (pair->wrong)
        return kfk__fail(e, KFK_ERR_CONFIG, "%.300s:%d: %s", path, pair->line, pair->wrong);
    key = kfk__config_key_of(pair->key);
    if (key.id < 0)
        return warn_unknown(c, &key, path, pair->line, e);
    if (kfk__property_table[key.id].flags & KFK__PROPERTY_JVM)
        return kfk__config_note(c, e, KFK_LOG_INFO,
                                "%s:%d: %s is for the Java client only and has no effect", path,
                                pair->line, key.name);
    err = kfk__config_put(c, key, NULL, pair->value, pair->line, &inner);
    return err ? kfk__fail(e, err, "%.300s:%d: %s", path, pair->line, inner.msg) : KFK_OK;
}

static kfk_err apply_all(kfk_config *c, const char *path, const text *t, kfk_error *e)
{
    kfk__properties_reader r;
    kfk_err err = KFK_OK;
    kfk__pair pair;

    kfk__properties_init(&r, t->bytes, t->len, t->line, (char *)t->line + t->len);
    while (!err && kfk__properties_next(&r, &pair))
        err = apply(c, path, &pair, e);
    return err;
}

kfk_err kfk_config_load(kfk_config *c, const char *path, kfk_error *e)
{
    kfk__settings before;
    text t = {0};
    kfk_err err;

    if (!c || !path)
        return kfk__fail(e, KFK_ERR_INVALID_ARG, "kfk_config_load: config or path is NULL");
    kfk__settings_init(&before, &c->alloc);
    err = text_read(&t, &c->alloc, path, e);
    if (!err && !kfk__settings_copy(&before, &c->settings))
        err = kfk__fail_nomem(e);
    if (!err) {
        err = apply_all(c, path, &t, e);
        if (err)
            kfk__settings_swap(&before, &c->settings);
    }
    kfk__settings_fini(&before);
    text_fini(&t, &c->alloc);
    return err;
}
