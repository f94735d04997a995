/* versions: which versions of which APIs a broker speaks (ApiVersions, KIP-35 and KIP-511).
 *
 * The newest request is sent first. A broker that does not know it answers UNSUPPORTED_VERSION in a body of version 0
 * that says what it does know, and is asked once more. */
#ifndef KFK_CLIENT_VERSIONS_H
#define KFK_CLIENT_VERSIONS_H

#include <stdbool.h>

#include "proto/api_versions.h"
#include "proto/proto.h"

enum { KFK__VERSIONS_KEYS = 96 };

typedef struct kfk__version_range {
    int16_t min, max; /* max < min: not there */
} kfk__version_range;

typedef struct kfk__versions {
    kfk__version_range keys[KFK__VERSIONS_KEYS];
    int16_t ask; /* the version of the next ApiVersions request */
} kfk__versions;

typedef enum kfk__versions_result {
    KFK__VERSIONS_KNOWN,
    KFK__VERSIONS_ASK_AGAIN,
    KFK__VERSIONS_FAILED
} kfk__versions_result;

/* For a new connection. */
void kfk__versions_reset(kfk__versions *v);
void kfk__versions_request(kfk__api_versions_request *rq);
/* Takes an answer in. FAILED: *err and |why| (static) say so. */
kfk__versions_result kfk__versions_answer(kfk__versions *v, const kfk__api_versions_response *rs,
                                          kfk_err *err, const char **why);
/* The highest version of |api| that both sides speak, at most |max|; -1: none. */
int16_t kfk__versions_pick(const kfk__versions *v, const kfk__api *api, int16_t max);

#endif
