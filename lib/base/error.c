#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kfk__error_clear(kfk_error *e)
{
    if (!e)
        return;
    e->code = KFK_OK;
    e->flags = 0;
    e->sys_errno = 0;
    e->phase = KFK_PHASE_NONE;
    e->broker_id = -1;
    e->partition = -1;
    e->offset = -1;
    e->broker[0] = '\0';
    e->topic[0] = '\0';
    e->msg[0] = '\0';
}

static void format(kfk_error *e, kfk_err code, const char *fmt, va_list ap)
{
    kfk__error_clear(e);
    e->code = code;
    e->flags = kfk_err_flags(code);
    (void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
}

kfk_err kfk__fail(kfk_error *e, kfk_err code, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    va_start(ap, fmt);
    format(e, code, fmt, ap);
    va_end(ap);
    return code;
}

kfk_err kfk__fail_sys(kfk_error *e, kfk_err code, int sys_errno, const char *fmt, ...)
{
    char why[128];
    size_t len;
    va_list ap;

    if (!e)
        return code;
    va_start(ap, fmt);
    format(e, code, fmt, ap);
    va_end(ap);
    e->sys_errno = sys_errno;
    len = strlen(e->msg);
    (void)snprintf(e->msg + len, sizeof e->msg - len, ": %s",
                   strerror_r(sys_errno, why, sizeof why));
    return code;
}

kfk_err kfk__fail_nomem(kfk_error *e)
{
    return kfk__fail(e, KFK_ERR_NOMEM, "out of memory");
}

kfk_err kfk__fail_copy(kfk_error *to, const kfk_error *from)
{
    if (to && from->code != KFK_OK)
        *to = *from;
    return from->code;
}

void kfk__fail_because(kfk_error *e, const kfk_error *cause)
{
    size_t len;

    if (!e || cause->code == KFK_OK)
        return;
    len = strlen(e->msg);
    (void)snprintf(e->msg + len, sizeof e->msg - len, "; %s", cause->msg);
    e->sys_errno = cause->sys_errno;
    e->phase = cause->phase;
    e->broker_id = cause->broker_id;
    memcpy(e->broker, cause->broker, sizeof e->broker);
}

void kfk__fail_answered(kfk_error *e, kfk_err last)
{
    size_t len;

    if (!e || last == KFK_OK)
        return;
    len = strlen(e->msg);
    (void)snprintf(e->msg + len, sizeof e->msg - len, "; the last answer was %s: %s",
                   kfk_err_name(last), kfk_err_str(last));
}

void kfk__error_set(char *field, size_t size, const char *s, size_t n)
{
    if (n > size - 1)
        n = size - 1;
    if (n)
        memcpy(field, s, n);
    field[n] = '\0';
}
