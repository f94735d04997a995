/* value: the text of a property's value, read, checked and put into the one form that the rest
 * relies on.
 *
 * That form: no blanks around; integers in plain decimal; "true" and "false"; choices spelled as
 * the table spells them; lists joined by "," without blanks or empty items; Kafka's class names as
 * our short names, and other clients' names as Kafka's. */
#ifndef KFK_CONFIG_VALUE_H
#define KFK_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

/* *out: the value of property |id| in that form, to be given back with kfk__release_secret.
 * KFK_ERR_CONFIG: ill-typed or out of bounds; e names property, value (unless it is a secret) and
 * what is allowed. KFK_ERR_NOMEM. */
kfk_err kfk__value_read(int id, const char *text, const kfk_allocator *a, char **out, kfk_error *e);

/* KFK_ERR_UNSUPPORTED: this version cannot do |value|, which is in that form, yet or at all. */
kfk_err kfk__value_built(int id, const char *value, kfk_error *e);

#define KFK__REDACTED "[redacted]"

/* A value as it may be shown: cut where it does not fit, on one line, secrets as "[redacted]". */
void kfk__value_show(int id, const char *text, char *out, size_t size);

/* Which of the choices of |bounds|, "[a, b, c]", a text is; -1: none. A choice with a colon,
 * "x:...", stands for all that begin with "x:". */
int kfk__value_choice(const char *bounds, const char *text);

/* The i-th of the choices of |bounds|. false: there are fewer. */
bool kfk__value_choice_at(const char *bounds, size_t i, kfk_bytes *choice);

/* Our name for what has others: Kafka's class names, the names that other clients have; or |text|
 * itself. */
kfk_bytes kfk__value_unalias(int id, kfk_bytes text);

/* The i-th item of a list. false: it has fewer. */
bool kfk__value_item(const char *list, size_t i, kfk_bytes *item);

/* A decimal integer, and nothing else. */
bool kfk__value_long(const char *text, int64_t *out);
/* A decimal fraction with or without an exponent, and nothing else; whatever the locale. */
bool kfk__value_double(const char *text, double *out);

#endif
