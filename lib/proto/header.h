/* header: what stands in front of a request and of a response.
 *
 *   request   v1: key i16 · version i16 · correlation id i32 · client id nullable string (i16
 * length, always) v2: the same, and tagged fields             for flexible versions response  v0:
 * correlation id i32 v1: the same, and tagged fields             for flexible versions, but for
 * ApiVersions */
#ifndef KFK_PROTO_HEADER_H
#define KFK_PROTO_HEADER_H

#include "proto/proto.h"

typedef struct kfk__request_header {
    int16_t key;
    int16_t version;
    int32_t correlation_id;
    kfk_bytes client_id;
} kfk__request_header;

/* |client_id| may be NULL. */
void kfk__request_header_write(kfk__buf *out, const kfk__api *api, int16_t version,
                               int32_t correlation_id, const char *client_id);
/* Reads one; |h| points into the bytes. *used: what it took. An API that the library does not know
 * is taken for one without tagged fields. KFK_ERR_PROTOCOL. */
kfk_err kfk__request_header_read(const uint8_t *p, size_t n, kfk__request_header *h, size_t *used);

/* Whether the response's header has tagged fields. A client cannot know which version answers
 * ApiVersions, so that one never has (KIP-511). */
bool kfk__response_header_tagged(const kfk__api *api, int16_t version);
void kfk__response_header_write(kfk__buf *out, const kfk__api *api, int16_t version,
                                int32_t correlation_id);
/* For kfk__decoder: one int32_t, the correlation id. */
extern const kfk__schema kfk__response_header_schema;

#endif
