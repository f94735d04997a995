/* error: how a kfk_error is filled. Context is added once, by the layer that knows the noun. */
#ifndef KFK_BASE_ERROR_H
#define KFK_BASE_ERROR_H

#include <kfk/error.h>

/* Fills |e| (NULL is allowed) with the code, its default flags and the text, and returns |code|. All else is "none". */
kfk_err kfk__fail(kfk_error *e, kfk_err code, const char *fmt, ...) KFK_PRINTF(3, 4);
/* The same for a failed system call: ": " and the text of |sys_errno| are appended. */
kfk_err kfk__fail_sys(kfk_error *e, kfk_err code, int sys_errno, const char *fmt, ...) KFK_PRINTF(4, 5);
kfk_err kfk__fail_nomem(kfk_error *e);
/* Copies |from| to |to| (NULL is allowed) and returns its code. */
kfk_err kfk__fail_copy(kfk_error *to, const kfk_error *from);
/* Adds to |e| (NULL is allowed) what it came of: text, system error, phase and broker. KFK_OK: nothing. */
void kfk__fail_because(kfk_error *e, const kfk_error *cause);
/* Adds to |e| (NULL is allowed) what a broker answered last. KFK_OK: nothing. */
void kfk__fail_answered(kfk_error *e, kfk_err last);
/* A kfk_error that says KFK_OK. */
void kfk__error_clear(kfk_error *e);
/* Copies a string into a fixed field, cut where it does not fit. */
void kfk__error_set(char *field, size_t size, const char *s, size_t n);

#endif
