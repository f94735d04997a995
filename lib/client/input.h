/* input: one response after another, from bytes that come in pieces of any size.
 *
 *   ┌────────────┬───────────────────────────┬──────┐
 *   │ length i32 │ correlation id i32 [tags] │ body │   answers come in the order of the requests, so the first
 *   └────────────┴───────────────────────────┴──────┘   request that waits says how to read header and body
 *
 * Nothing is kept of the bytes but what they decode to; records fields go where the request's sink says. Belongs to
 * the node. */
#ifndef KFK_CLIENT_INPUT_H
#define KFK_CLIENT_INPUT_H

#include "client/request.h"

typedef struct kfk__input {
    enum { KFK__IN_LENGTH, KFK__IN_HEADER, KFK__IN_BODY, KFK__IN_WHOLE } at;
    uint8_t length[4];
    size_t have;   /* of length */
    size_t left;   /* bytes of the frame still to come */
    size_t limit;  /* no frame is longer */
    struct {
        int32_t correlation_id;
    } header;
    void *body; /* the response struct, once the frame is complete */
    int16_t body_version;
    kfk__decoder decoder;
    kfk__arena arena;
    kfk__buf whole; /* an ApiVersions response: which version it has shows only in its bytes */
} kfk__input;

void kfk__input_init(kfk__input *in, const kfk_allocator *a);
void kfk__input_fini(kfk__input *in);
/* For a new connection. */
void kfk__input_reset(kfk__input *in);

/* Takes bytes up to the end of the current frame: *used. *done: |r|, the request that waits longest, is answered by
 * in->body (version in->body_version), valid until the next feed. |r| NULL: nothing waits, so any byte is an error.
 * KFK_ERR_PROTOCOL or the sink's code; |why| tells which; KFK_ERR_NOMEM. */
kfk_err kfk__input_feed(kfk__input *in, const kfk__request *r, const uint8_t *bytes, size_t n,
                        size_t *used, bool *done, char why[160]);
/* Where a receive may put bytes of records directly; 0: nowhere. */
size_t kfk__input_target(kfk__input *in, uint8_t **to);
/* |n| bytes were put there. Otherwise as feed. */
kfk_err kfk__input_filled(kfk__input *in, const kfk__request *r, size_t n, bool *done,
                          char why[160]);

#endif
