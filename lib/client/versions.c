#include "client/versions.h"

#include <string.h>

#include <kfk/kafka_errors.h>
#include <kfk/version.h>

#include "base/bytes.h"

void kfk__versions_reset(kfk__versions *v)
{
    for (size_t i = 0; i < KFK__VERSIONS_KEYS; i++)
        v->keys[i] = (kfk__version_range){0, -1};
    v->ask = kfk__api_versions_api.max;
}

void kfk__versions_request(kfk__api_versions_request *rq)
{
    kfk__msg_init(kfk__api_versions_api.request, rq);
    rq->client_software_name = kfk__bytes_str("libkfk");
    rq->client_software_version = kfk__bytes_str(KFK_VERSION_STRING);
}

kfk__versions_result kfk__versions_answer(kfk__versions *v, const kfk__api_versions_response *rs,
                                          kfk_err *err, const char **why)
{
    int16_t next = 0;

    for (int32_t i = 0; i < rs->api_keys.n; i++) {
        const kfk__api_versions_response_api_key *k = &rs->api_keys.v[i];

        if (k->api_key >= 0 && k->api_key < KFK__VERSIONS_KEYS)
            v->keys[k->api_key] = (kfk__version_range){k->min_version, k->max_version};
    }
    *err = rs->error_code;
    if (rs->error_code == KFK_OK)
        return KFK__VERSIONS_KNOWN;
    *why = kfk_err_str(rs->error_code);
    if (rs->error_code != KFK_ERR_UNSUPPORTED_VERSION)
        return KFK__VERSIONS_FAILED;
    /* A broker that answers with an error and no list is asked with the oldest version there is. */
    if (v->keys[kfk__api_versions_api.key].max > 0)
        next = v->keys[kfk__api_versions_api.key].max;
    if (next >= v->ask)
        return KFK__VERSIONS_FAILED;
    v->ask = next;
    return KFK__VERSIONS_ASK_AGAIN;
}

int16_t kfk__versions_pick(const kfk__versions *v, const kfk__api *api, int16_t max)
{
    kfk__version_range theirs = {0, -1};
    int16_t low, high;

    if (api->key >= 0 && api->key < KFK__VERSIONS_KEYS)
        theirs = v->keys[api->key];
    low = theirs.min > api->min ? theirs.min : api->min;
    high = theirs.max < api->max ? theirs.max : api->max;
    if (high > max)
        high = max;
    return high >= low ? high : -1;
}
