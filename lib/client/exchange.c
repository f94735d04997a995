#include "client/exchange.h"

#include <string.h>

#include "base/error.h"
#include "client/throttle.h"

enum {
    MAX_PIECES = 256, /* of one send */
    MAX_RECEIVES = 16, /* at a time, so that one broker cannot keep the others waiting */
    MAX_SPARE = 8,
    FIRST_LOOK = 4096, /* bytes of an answer that are received before it is known where its records go */
    LARGEST_SPARE = 4096 /* bytes of its head: what was larger is given back */
};

void kfk__exchange_init(kfk__exchange *x, const kfk_allocator *a, kfk__broker_metrics *metrics)
{
    *x = (kfk__exchange){.alloc = a, .metrics = metrics};
    kfk__list_init(&x->out);
    kfk__list_init(&x->waiting);
    kfk__list_init(&x->spare);
    kfk__input_init(&x->input, a);
}

void kfk__exchange_fini(kfk__exchange *x)
{
    kfk__list *at;

    while ((at = kfk__list_pop(&x->spare)) != NULL)
        kfk__request_free(KFK__ENTRY(at, kfk__request, link));
    kfk__input_fini(&x->input);
}

/* ---- the end of a request ---- */

static void put_aside(kfk__exchange *x, kfk__request *r)
{
    if (x->n_spare == MAX_SPARE || r->head.cap > LARGEST_SPARE) {
        kfk__request_free(r);
        return;
    }
    kfk__list_push_front(&x->spare, &r->link);
    x->n_spare++;
}

static void finish(kfk__exchange *x, kfk__request *r, const kfk__reply *reply, int64_t now)
{
    kfk__list_remove(&r->link);
    x->n--;
    kfk__gauge_add(&x->metrics->in_flight, -1);
    if (x->traced)
        x->traced(x->traced_by, r, reply, now);
    r->spec.fn(r->spec.owner, r->spec.arg, reply, now);
    put_aside(x, r);
}

void kfk__exchange_fail(kfk__exchange *x, const kfk_error *error, int64_t now)
{
    kfk__list requests;
    kfk__list *at;

    /* They are put aside first: what their functions send goes nowhere yet. */
    kfk__list_init(&requests);
    kfk__list_splice(&requests, &x->waiting);
    kfk__list_splice(&requests, &x->out);
    kfk__input_reset(&x->input);
    x->next_correlation = 0;
    x->throttled_until = 0;
    x->era++;
    while ((at = kfk__list_first(&requests)) != NULL) {
        kfk__request *r = KFK__ENTRY(at, kfk__request, link);
        kfk__reply reply = {.err = error->code,
                            .written = r->done > 0,
                            .version = r->spec.version,
                            .error = error};

        finish(x, r, &reply, now);
    }
}

static void sooner(const kfk__list *requests, const kfk__request **which, int64_t *until)
{
    for (kfk__list *at = requests->next; at != requests; at = at->next) {
        const kfk__request *r = KFK__ENTRY(at, kfk__request, link);

        if (r->deadline >= *until)
            continue;
        *until = r->deadline;
        *which = r;
    }
}

int64_t kfk__exchange_deadline(const kfk__exchange *x, const kfk__request **which)
{
    int64_t until = KFK__NEVER;

    *which = NULL;
    sooner(&x->waiting, which, &until);
    sooner(&x->out, which, &until);
    return until;
}

/* ---- out ---- */

static kfk_err new_request(kfk__exchange *x, kfk__request **out, const kfk__request_spec *spec,
                           const char *client_id)
{
    kfk__list *at = kfk__list_pop(&x->spare);
    kfk_err err;

    if (!at)
        return kfk__request_new(out, x->alloc, spec, x->next_correlation, client_id);
    x->n_spare--;
    *out = KFK__ENTRY(at, kfk__request, link);
    err = kfk__request_begin(*out, spec, x->next_correlation, client_id);
    if (err)
        put_aside(x, *out);
    return err;
}

kfk_err kfk__exchange_add(kfk__exchange *x, const kfk__request_spec *spec, const char *client_id,
                          int64_t timeout_ms, int64_t now)
{
    kfk__request *r;
    kfk_err err = new_request(x, &r, spec, client_id);

    if (err)
        return err;
    x->next_correlation = x->next_correlation == INT32_MAX ? 0 : x->next_correlation + 1;
    r->sent_at = now;
    r->deadline = kfk__deadline(now, timeout_ms);
    x->used_at = now;
    x->n++;
    kfk__gauge_add(&x->metrics->in_flight, 1);
    kfk__list_push(&x->out, &r->link);
    if (x->traced)
        x->traced(x->traced_by, r, NULL, now);
    return KFK_OK;
}

/* |sent| bytes more have been written: requests move on from |out| to |waiting|. The end of one may end the
 * connection: |era| tells. */
static void written(kfk__exchange *x, size_t sent, int64_t now)
{
    unsigned era = x->era;

    while (sent > 0 && x->era == era) {
        kfk__request *r = KFK__ENTRY(kfk__list_first(&x->out), kfk__request, link);
        size_t rest = r->size - r->done;

        if (sent < rest) {
            r->done += sent;
            return;
        }
        sent -= rest;
        r->done = r->size;
        r->written_at = now;
        kfk__counter_add(&x->metrics->requests, 1);
        if (r->spec.no_reply) {
            kfk__reply reply = {.written = true, .version = r->spec.version};

            finish(x, r, &reply, now);
            continue;
        }
        kfk__list_remove(&r->link);
        kfk__list_push(&x->waiting, &r->link);
    }
}

static int gather(const kfk__exchange *x, struct iovec *v)
{
    int n = 0;

    for (kfk__list *at = x->out.next; at != &x->out && n + 2 < MAX_PIECES; at = at->next)
        n += kfk__request_pieces(KFK__ENTRY(at, kfk__request, link), v + n, MAX_PIECES - n);
    return n;
}

kfk_err kfk__exchange_flush(kfk__exchange *x, kfk__transport *t, int64_t now, kfk_error *e)
{
    struct iovec v[MAX_PIECES];
    uint32_t want = KFK__EV_READ;
    unsigned era = x->era;

    while (!kfk__list_empty(&x->out)) {
        ssize_t sent = t->ops->send(t, v, gather(x, v), e);

        if (sent == KFK__IO_FAILED)
            return KFK_ERR_DISCONNECTED;
        if (sent < 0) {
            want |= kfk__io_event(sent);
            break;
        }
        kfk__counter_add(&x->metrics->sent_bytes, sent);
        written(x, (size_t)sent, now);
        if (x->era != era) /* |t| is closed */
            return KFK_OK;
    }
    t->ops->want(t, want);
    return KFK_OK;
}

/* ---- in ---- */

static kfk__request *first_waiting(const kfk__exchange *x)
{
    kfk__list *at = kfk__list_first(&x->waiting);

    return at ? KFK__ENTRY(at, kfk__request, link) : NULL;
}

/* The broker wants to be left alone, and what it has of ours it may only read after that. */
static void throttle(kfk__exchange *x, int64_t ms, int64_t now)
{
    int64_t until = kfk__deadline(now, ms);

    kfk__histogram_record_ns(&x->metrics->throttle, ms * KFK__MS);
    if (until > x->throttled_until)
        x->throttled_until = until;
    for (kfk__list *at = x->waiting.next; at != &x->waiting; at = at->next) {
        kfk__request *r = KFK__ENTRY(at, kfk__request, link);

        r->deadline = r->deadline > KFK__NEVER - ms * KFK__MS ? KFK__NEVER
                                                              : r->deadline + ms * KFK__MS;
    }
}

/* The request that waits longest has its answer. */
static void answered(kfk__exchange *x, kfk__request *r, int64_t now)
{
    const kfk__input *in = &x->input;
    kfk__reply reply = {.written = true, .version = in->body_version, .body = in->body};
    int64_t ms = kfk__throttle_ms(r->spec.api, in->body_version, in->body);

    kfk__histogram_record_ns(&x->metrics->latency, now - r->written_at);
    if (ms > 0)
        throttle(x, ms, now);
    x->used_at = now;
    finish(x, r, &reply, now);
}

static kfk_err bad(kfk_error *e, kfk_err err, const char *why)
{
    return kfk__fail(e, err, "%s", err == KFK_ERR_PROTOCOL ? why : kfk_err_str(err));
}

/* Bytes that were received. An answer may end the connection: |era| tells. */
static kfk_err feed(kfk__exchange *x, const uint8_t *p, size_t len, int64_t now, kfk_error *e)
{
    unsigned era = x->era;

    while (len > 0 && x->era == era) {
        kfk__request *r = first_waiting(x);
        char why[160] = "";
        size_t used;
        bool done;
        kfk_err err = kfk__input_feed(&x->input, r, p, len, &used, &done, why);

        if (err)
            return bad(e, err, why);
        p += used;
        len -= used;
        if (done)
            answered(x, r, now);
    }
    return KFK_OK;
}

/* |n| bytes were received where the records belong that are being read. */
static kfk_err filled(kfk__exchange *x, size_t n, int64_t now, kfk_error *e)
{
    kfk__request *r = first_waiting(x);
    char why[160] = "";
    bool done;
    kfk_err err = kfk__input_filled(&x->input, r, n, &done, why);

    if (err)
        return bad(e, err, why);
    if (done)
        answered(x, r, now);
    return KFK_OK;
}

/* One receive: into the records that are being read, if any, and what follows them into the scratch. *more: there may
 * be more to receive. */
/* How much of the scratch to offer. What comes there is copied, and behind the first bytes of an answer with records there
 * are places for these: few are enough to see where. */
static size_t scratch_for(const kfk__exchange *x, size_t room)
{
    const kfk__request *first = first_waiting(x);

    return room == 0 && first && first->spec.sink ? FIRST_LOOK : KFK__EXCHANGE_SCRATCH;
}

static kfk_err receive_some(kfk__exchange *x, kfk__transport *t, uint8_t *scratch, int64_t now,
                            bool *more, kfk_error *e)
{
    struct iovec v[2];
    uint8_t *to;
    size_t room = kfk__input_target(&x->input, &to), more_room = scratch_for(x, room), direct;
    unsigned era = x->era;
    kfk_err err = KFK_OK;
    int pieces = 0;
    ssize_t got;

    *more = false;
    if (room)
        v[pieces++] = (struct iovec){to, room};
    v[pieces++] = (struct iovec){scratch, more_room};
    got = t->ops->recv(t, v, pieces, e);
    if (got == KFK__IO_AGAIN_READ || got == KFK__IO_AGAIN_WRITE)
        return KFK_OK;
    if (got <= 0) {
        if (got == 0)
            kfk__error_clear(e);
        return KFK_ERR_DISCONNECTED;
    }
    kfk__counter_add(&x->metrics->received_bytes, got);
    direct = (size_t)got < room ? (size_t)got : room;
    if (direct)
        err = filled(x, direct, now, e);
    if (!err && x->era == era)
        err = feed(x, scratch, (size_t)got - direct, now, e);
    /* A receive that was not filled has emptied the socket: asking again would cost a system call to hear so. */
    if (!err && x->era == era)
        *more = (size_t)got == room + more_room || t->ops->pending(t);
    return err;
}

kfk_err kfk__exchange_receive(kfk__exchange *x, kfk__transport *t, uint8_t *scratch, int64_t now,
                              kfk_error *e)
{
    kfk_err err = KFK_OK;
    bool more = true;

    for (int i = 0; i < MAX_RECEIVES && more && !err; i++)
        err = receive_some(x, t, scratch, now, &more, e);
    return err;
}
