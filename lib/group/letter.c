#include "group/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

enum { REASONS = 8 };

struct kfk__letter {
    atomic_int owners;
    kfk__shared *shared; /* held */
    _Atomic kfk_err result;
};

void kfk__letter_drop(kfk__letter *l)
{
    kfk__shared *s;

    if (!l || atomic_fetch_sub_explicit(&l->owners, 1, memory_order_acq_rel) != 1)
        return;
    s = l->shared;
    kfk__release(&s->env.alloc, l);
    kfk__shared_drop(s);
}

kfk_err kfk__letter_result(const kfk__letter *l)
{
    return atomic_load_explicit(&l->result, memory_order_acquire);
}

static void delivered(kfk_producer *p, const kfk_delivery *d, void *arg)
{
    kfk__letter *l = arg;
    kfk__shared *s = l->shared;
    kfk_err err = d->status == KFK_DELIVERED ? KFK_OK : d->err ? d->err : KFK_ERR_TIMED_OUT;

    (void)p;
    atomic_store_explicit(&l->result, err, memory_order_release);
    kfk__lock(&s->lock);
    kfk__shared_turn_all(s);
    kfk__unlock(&s->lock);
    kfk__letter_drop(l);
}

static kfk__letter *new_letter(kfk_group *g)
{
    kfk__letter *l = kfk__zalloc(&g->env.alloc, sizeof *l);

    if (!l)
        return NULL;
    atomic_init(&l->owners, 2);
    atomic_init(&l->result, KFK_ERR_WOULD_BLOCK);
    l->shared = kfk__shared_hold(g->consumer->shared);
    return l;
}

/* ---- what it says ---- */

typedef struct texts {
    char partition[16], offset[24], timestamp[24], code[16], attempts[16];
} texts;

static void add(kfk_header *h, size_t *n, const char *name, const char *value)
{
    h[(*n)++] = (kfk_header){kfk__bytes_str(name), kfk__bytes_str(value)};
}

/* The record's own, then why. */
static size_t headers_of(kfk_group *g, kfk_records *rs, const kfk_record_view *r,
                         const kfk__letter_reason *reason, texts *t, kfk_header *h)
{
    size_t n = kfk_records_headers(rs, h, r->n_headers);

    (void)snprintf(t->partition, sizeof t->partition, "%" PRId32, r->partition);
    (void)snprintf(t->offset, sizeof t->offset, "%" PRId64, r->offset);
    (void)snprintf(t->timestamp, sizeof t->timestamp, "%" PRId64, r->timestamp_ms);
    (void)snprintf(t->code, sizeof t->code, "%" PRId32, reason->e->code);
    (void)snprintf(t->attempts, sizeof t->attempts, "%d", reason->attempts);
    add(h, &n, "dead-letter.topic", r->topic);
    add(h, &n, "dead-letter.partition", t->partition);
    add(h, &n, "dead-letter.offset", t->offset);
    add(h, &n, "dead-letter.timestamp", t->timestamp);
    add(h, &n, "dead-letter.group", g->o.group);
    add(h, &n, "dead-letter.error.code", t->code);
    add(h, &n, "dead-letter.error", reason->e->msg);
    add(h, &n, "dead-letter.attempts", t->attempts);
    return n;
}

static kfk_err topic_of(kfk_group *g, const kfk_record_view *r, char *out, size_t size)
{
    int n = g->o.dead_topic ? snprintf(out, size, "%s", g->o.dead_topic)
                            : snprintf(out, size, "%s.dead-letter", r->topic);

    return n < (int)size ? KFK_OK : KFK_ERR_INVALID_ARG;
}

static kfk_err send(kfk_group *g, kfk_records *rs, const kfk_record_view *r,
                    const kfk__letter_reason *reason, kfk__letter *l, kfk_error *why)
{
    char topic[KFK__TOPIC_MAX + 1];
    kfk_header *h = kfk__array(&g->env.alloc, NULL, (size_t)r->n_headers + REASONS, sizeof *h);
    kfk_record letter = {.struct_size = sizeof letter,
                         .flags = KFK_NOWAIT,
                         .topic = topic,
                         .key = r->key,
                         .value = r->value,
                         .headers = h};
    kfk_err err;
    texts t;

    if (!h)
        return kfk__fail_nomem(why);
    letter.n_headers = headers_of(g, rs, r, reason, &t, h);
    err = topic_of(g, r, topic, sizeof topic);
    if (err)
        (void)kfk__fail(why, err, "the name %.200s.dead-letter is too long", r->topic);
    else
        err = kfk_producer_send(g->producer, &letter, delivered, l, why);
    kfk__release(&g->env.alloc, h);
    return err;
}

kfk__letter *kfk__letter_send(kfk_group *g, kfk_records *rs, const kfk_record_view *r,
                              const kfk__letter_reason *reason, kfk_error *why)
{
    kfk__letter *l;

    if (!g->producer) {
        (void)kfk__fail(why, KFK_ERR_STATE,
                        "failed() said KFK_DEAD_LETTER, and there is no producer "
                        "(kfk_group_set_producer)");
        return NULL;
    }
    l = new_letter(g);
    if (!l) {
        (void)kfk__fail_nomem(why);
        return NULL;
    }
    if (!send(g, rs, r, reason, l, why))
        return l;
    kfk__letter_drop(l);
    kfk__letter_drop(l);
    return NULL;
}
