#include "devbroker/answer.h"

#include <string.h>

/* How the generated structs hold every array. */
typedef struct any_array {
    void *v;
    int32_t n;
} any_array;

static const kfk__field *field_named(const kfk__schema *s, const char *name, kfk__field_type type)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].type == type && !(s->fields[i].flags & KFK__F_ARRAY) &&
            !strcmp(s->fields[i].name, name))
            return &s->fields[i];
    return NULL;
}

/* How many were set. */
static int set_errors(const kfk__schema *s, char *msg, int level, int16_t code)
{
    const kfk__field *own = level == 0 ? field_named(s, "error_code", KFK__T_INT16) : NULL;
    int n = 0;

    if (own) {
        memcpy(msg + own->offset, &code, sizeof code);
        return 1;
    }
    for (uint32_t i = 0; level > 0 && i < s->n_fields; i++) {
        const kfk__field *f = &s->fields[i];
        any_array a;

        if (f->type != KFK__T_STRUCT || !(f->flags & KFK__F_ARRAY))
            continue;
        memcpy(&a, msg + f->offset, sizeof a);
        for (int32_t k = 0; k < a.n; k++)
            n += set_errors(f->sub, (char *)a.v + (size_t)k * f->sub->size, level - 1, code);
    }
    return n;
}

void kfk__dev_answer_errors(const kfk__schema *s, void *msg, int level, int16_t code)
{
    if (set_errors(s, msg, level, code) == 0)
        (void)set_errors(s, msg, 0, code);
}

void kfk__dev_answer_throttle(const kfk__schema *s, void *msg, int32_t ms)
{
    const kfk__field *f = field_named(s, "throttle_time_ms", KFK__T_INT32);

    if (f)
        memcpy((char *)msg + f->offset, &ms, sizeof ms);
}
