#include "devbroker/call.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "devbroker/answer.h"
#include "proto/header.h"

enum { API_VERSIONS = 18 };
enum { SPLICE_MIN = 1024 }; /* shorter records are copied beside the rest */

kfk__dev_call *kfk__dev_call_new(const kfk_allocator *a, int32_t node)
{
    kfk__dev_call *call = kfk__zalloc(a, sizeof *call);

    if (!call)
        return NULL;
    call->node = node;
    kfk__list_init(&call->link);
    kfk__buf_init(&call->frame, a);
    kfk__buf_init(&call->out, a);
    kfk__arena_init(&call->arena, a);
    return call;
}

void kfk__dev_call_free(kfk__dev_call *call)
{
    const kfk_allocator *a;

    if (!call)
        return;
    if (call->forget)
        call->forget(call);
    a = call->frame.alloc;
    for (size_t i = 0; i < call->n_pins; i++)
        kfk__dev_chunk_drop(call->pins[i]);
    kfk__release(a, call->pins);
    kfk__buf_fini(&call->frame);
    kfk__buf_fini(&call->out);
    kfk__arena_fini(&call->arena);
    kfk__release(a, call);
}

/* ---- for handlers ---- */

void *kfk__dev_call_array(kfk__dev_call *call, int32_t n, size_t size)
{
    void *v = n < 0 || (n && size > SIZE_MAX / (size_t)n)
                  ? NULL
                  : kfk__arena_alloc(&call->arena, (size_t)n * size + 1);

    if (v)
        memset(v, 0, (size_t)n * size);
    return v;
}

void *kfk__dev_call_structs(kfk__dev_call *call, const kfk__schema *s, int32_t n)
{
    char *v = kfk__dev_call_array(call, n, s->size);

    for (int32_t i = 0; v && i < n; i++)
        kfk__msg_init(s, v + (size_t)i * s->size);
    return v;
}

bool kfk__dev_call_pin(kfk__dev_call *call, const kfk__dev_slice *slice)
{
    if (!slice->chunk)
        return true;
    if (call->n_pins == call->cap_pins) {
        size_t cap = call->cap_pins ? call->cap_pins * 2 : 8;
        kfk__dev_chunk **v =
            kfk__array(call->frame.alloc, call->pins, cap, sizeof(kfk__dev_chunk *));

        if (!v)
            return false;
        call->pins = v;
        call->cap_pins = cap;
    }
    kfk__dev_chunk_hold(slice->chunk);
    call->pins[call->n_pins++] = slice->chunk;
    return true;
}

/* ---- the request's bytes ---- */

static bool decode_body(kfk__dev_call *call, const uint8_t *p)
{
    const kfk__api *api = call->api->api;
    const uint8_t *end = call->frame.data + call->frame.len;
    bool flexible = kfk__flexible(api, call->version);
    size_t used;

    call->request = kfk__dev_call_structs(call, api->request, 1);
    if (!call->request)
        return false;
    return kfk__decode(api->request, call->version, flexible, p, (size_t)(end - p), &call->arena,
                       call->request, &used, NULL) == KFK_OK &&
           used == (size_t)(end - p);
}

/* false: nothing that this broker would answer. An ApiVersions of a version from the future is
 * answered in version 0, with error 35, and its body is not looked at. */
static bool parse(kfk__dev_service *s, kfk__dev_call *call)
{
    const uint8_t *p = call->frame.data;
    const kfk__dev_profile *profile = kfk__dev_cluster_profile(&s->cluster, call->node);
    kfk__request_header h;
    size_t used;
    int16_t max;

    if (kfk__request_header_read(p, call->frame.len, &h, &used))
        return false;
    call->key = h.key;
    call->version = h.version;
    call->correlation = h.correlation_id;
    call->client_id = h.client_id;
    call->api = kfk__dev_api_find(profile, call->key, &max);
    if (!call->api)
        return false;
    if (call->key >= 0 && call->key < KFK__DEV_KEYS)
        s->requests[call->node - 1][call->key]++;
    if (call->version >= call->api->api->min && call->version <= max)
        return decode_body(call, p + used);
    if (call->key != API_VERSIONS)
        return false;
    call->version = 0;
    call->refuse = KFK_ERR_UNSUPPORTED_VERSION;
    call->request = kfk__dev_call_structs(call, call->api->api->request, 1);
    return call->request != NULL;
}

/* ---- the answer's bytes ---- */

static bool bytes_fault(const kfk__dev_call *call)
{
    return call->faulty &&
           (call->fault.kind == KFK__DEV_FAULT_CUT || call->fault.kind == KFK__DEV_FAULT_ALTER ||
            call->fault.kind == KFK__DEV_FAULT_LENGTH);
}

static void spoil(kfk__dev_call *call)
{
    const kfk__dev_fault *f = &call->fault;
    int64_t at = f->at < 0 ? (int64_t)call->out.len + f->at : f->at;

    if (f->kind == KFK__DEV_FAULT_LENGTH)
        kfk__put_be32(call->out.data, (uint32_t)f->value);
    if (f->kind == KFK__DEV_FAULT_ALTER && at >= 0 && at < (int64_t)call->out.len)
        call->out.data[at] ^= (uint8_t)f->value;
    if (f->kind == KFK__DEV_FAULT_CUT) {
        call->cut = true;
        call->cut_at = f->at < 0 ? 0 : (size_t)f->at;
    }
}

static bool encode(kfk__dev_call *call)
{
    const kfk__api *api = call->api->api;
    bool spoiled = bytes_fault(call);

    (void)kfk__buf_add(&call->out, 4);
    kfk__response_header_write(&call->out, api, call->version, call->correlation);
    call->splices = (kfk__splices){.max = call->n_pins, .min_len = SPLICE_MIN};
    call->splices.v = kfk__dev_call_array(call, (int32_t)call->n_pins, sizeof *call->splices.v);
    if (!call->splices.v ||
        kfk__encode(api->response, call->version, kfk__flexible(api, call->version), call->response,
                    &call->out, spoiled ? NULL : &call->splices) ||
        !kfk__buf_ok(&call->out))
        return false;
    kfk__put_be32(call->out.data, (uint32_t)(call->out.len - 4 + call->splices.total));
    if (spoiled)
        spoil(call);
    return true;
}

/* ---- the way through ---- */

static kfk__dev_status wait_ms(kfk__dev_call *call, kfk__dev_stage stage)
{
    call->stage = stage;
    call->until = call->now + call->fault.value * KFK__MS;
    return KFK__DEV_WAITING;
}

static kfk__dev_status hang(kfk__dev_call *call)
{
    call->stage = KFK__DEV_HANGING;
    return KFK__DEV_HUNG;
}

static int own_level(const kfk__dev_call *call)
{
    const kfk__dev_api *api = call->api;

    return api->error_level + (api->deeper_from > 0 && call->version >= api->deeper_from);
}

static int error_level(const kfk__dev_call *call)
{
    return call->fault.level == KFK__DEV_ANY ? own_level(call) : call->fault.level;
}

static kfk__dev_status finish(kfk__dev_call *call)
{
    const kfk__schema *response = call->api->api->response;
    const kfk__dev_fault *f = &call->fault;

    if (call->faulty && f->kind == KFK__DEV_FAULT_ERROR)
        kfk__dev_answer_errors(response, call->response, error_level(call), (int16_t)f->value);
    if (call->faulty && f->kind == KFK__DEV_FAULT_THROTTLE) {
        call->throttle_ms = f->value;
        kfk__dev_answer_throttle(response, call->response, f->value);
    }
    return encode(call) ? KFK__DEV_READY : KFK__DEV_DEAD;
}

static kfk__dev_status handled(kfk__dev_call *call, kfk__dev_outcome outcome)
{
    bool after = call->faulty && call->fault.after;

    if (after && call->fault.kind == KFK__DEV_FAULT_DROP)
        return KFK__DEV_DEAD;
    if (after && call->fault.kind == KFK__DEV_FAULT_HANG)
        return hang(call);
    if (outcome == KFK__DEV_SILENT)
        return KFK__DEV_DONE;
    if (!after || call->fault.kind != KFK__DEV_FAULT_DELAY)
        return finish(call);
    /* Now, as what it points to may be gone by then. */
    return encode(call) ? wait_ms(call, KFK__DEV_DELAYED_AFTER) : KFK__DEV_DEAD;
}

static kfk__dev_status handle(kfk__dev_service *s, kfk__dev_call *call)
{
    kfk__dev_outcome outcome;

    call->stage = KFK__DEV_HANDLING;
    if (!call->response)
        call->response = kfk__dev_call_structs(call, call->api->api->response, 1);
    if (!call->response)
        return KFK__DEV_DEAD;
    outcome = call->api->handle(s, call);
    if (outcome == KFK__DEV_WAIT)
        return KFK__DEV_WAITING;
    return outcome == KFK__DEV_CLOSE ? KFK__DEV_DEAD : handled(call, outcome);
}

static kfk__dev_status begin(kfk__dev_service *s, kfk__dev_call *call)
{
    if (!parse(s, call))
        return KFK__DEV_DEAD;
    if (s->heard)
        s->heard(s->heard_arg, call);
    call->until = KFK__NEVER;
    call->faulty = kfk__dev_faults_meet(&s->faults, call->key, call->node, &call->fault);
    if (!call->faulty || call->fault.after)
        return handle(s, call);
    switch (call->fault.kind) {
    case KFK__DEV_FAULT_DROP:
        return KFK__DEV_DEAD;
    case KFK__DEV_FAULT_HANG:
        return hang(call);
    case KFK__DEV_FAULT_DELAY:
        return wait_ms(call, KFK__DEV_DELAYED_BEFORE);
    case KFK__DEV_FAULT_ERROR:
        if (error_level(call) == own_level(call))
            call->refuse = (int16_t)call->fault.value;
        return handle(s, call);
    default:
        return handle(s, call);
    }
}

static kfk__dev_status go_on(kfk__dev_service *s, kfk__dev_call *call, int64_t now)
{
    switch (call->stage) {
    case KFK__DEV_BEGIN:
        return begin(s, call);
    case KFK__DEV_DELAYED_BEFORE:
        if (now < call->until)
            return KFK__DEV_WAITING;
        call->until = KFK__NEVER;
        return handle(s, call);
    case KFK__DEV_HANDLING:
        return handle(s, call);
    case KFK__DEV_DELAYED_AFTER:
        return now < call->until ? KFK__DEV_WAITING : KFK__DEV_READY;
    case KFK__DEV_HANGING:
        return KFK__DEV_HUNG;
    }
    return KFK__DEV_DEAD;
}

kfk__dev_status kfk__dev_call_step(kfk__dev_service *s, kfk__dev_call *call, int64_t now,
                                   int64_t wall_ms)
{
    kfk__dev_status status;

    call->now = now;
    call->wall_ms = wall_ms;
    status = go_on(s, call, now);
    call->seen = s->cluster.version;
    return status;
}

const kfk__dev_api *kfk__dev_api_find(const kfk__dev_profile *p, int16_t key, int16_t *max)
{
    for (size_t i = 0; i < kfk__dev_n_apis; i++) {
        const kfk__dev_api *a = &kfk__dev_apis[i];

        if (a->api->key != key)
            continue;
        *max = kfk__dev_profile_max(p, key);
        if (*max > a->max)
            *max = a->max;
        return *max < 0 ? NULL : a;
    }
    return NULL;
}
