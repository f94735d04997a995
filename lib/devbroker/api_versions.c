/* ApiVersions: what this broker can do. Also InitProducerId, which is as small. */
#include "devbroker/handlers.h"

#include "devbroker/reply.h"
#include "proto/api_versions.h"
#include "proto/init_producer_id.h"

enum {
    PRODUCE = 0,
    API_VERSIONS = 18,
};
enum { METADATA_VERSION_MIN = 7, METADATA_VERSION_MAX = 29 };

typedef kfk__api_versions_request request;
typedef kfk__api_versions_response response;
typedef kfk__api_versions_response_api_key key_out;

/* Produce is told from 0 on even where only 3 and up are served: librdkafka looks for exactly that
 * (KAFKA-18659). */
static void tell_key(const kfk__dev_profile *profile, const kfk__dev_api *a, key_out *out)
{
    int16_t max = 0;

    (void)kfk__dev_api_find(profile, a->api->key, &max);
    out->api_key = a->api->key;
    out->min_version = profile->advertises_zero || a->api->key == PRODUCE ? 0 : a->api->min;
    out->max_version = max;
}

static bool tell_keys(const kfk__dev_profile *profile, kfk__dev_call *call, response *resp)
{
    key_out *rows =
        kfk__dev_rows(call, call->api->api->response, resp, "api_keys", (int32_t)kfk__dev_n_apis);
    int32_t n = 0;
    int16_t max;

    if (!rows)
        return false;
    for (size_t i = 0; i < kfk__dev_n_apis; i++) {
        const kfk__dev_api *a = &kfk__dev_apis[i];

        /* Who asked in a version from the future only needs to know which one to ask in. */
        if (call->refuse == KFK_ERR_UNSUPPORTED_VERSION && a->api->key != API_VERSIONS)
            continue;
        if (kfk__dev_api_find(profile, a->api->key, &max))
            tell_key(profile, a, &rows[n++]);
    }
    resp->api_keys.n = n;
    return true;
}

static bool tell_features(kfk__dev_call *call, response *resp)
{
    const kfk__schema *s = call->api->api->response;
    kfk__api_versions_response_supported_feature *can =
        kfk__dev_rows(call, s, resp, "supported_features", 1);
    kfk__api_versions_response_finalized_feature *is =
        kfk__dev_rows(call, s, resp, "finalized_features", 1);

    if (!can || !is)
        return false;
    can->name = is->name = kfk__bytes_str("metadata.version");
    can->min_version = METADATA_VERSION_MIN;
    can->max_version = METADATA_VERSION_MAX;
    is->min_version_level = is->max_version_level = METADATA_VERSION_MAX;
    resp->finalized_features_epoch = 1;
    return true;
}

static bool legal_software(kfk_bytes name)
{
    const char *p = name.data;

    for (size_t i = 0; i < name.len; i++) {
        bool letter = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
                      (p[i] >= '0' && p[i] <= '9');

        if (!letter && (i == 0 || i + 1 == name.len || (p[i] != '.' && p[i] != '-')))
            return false;
    }
    return name.len > 0;
}

kfk__dev_outcome kfk__dev_api_versions(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__dev_profile *profile = kfk__dev_cluster_profile(&s->cluster, call->node);
    const request *req = call->request;
    response *resp = call->response;

    resp->error_code = call->refuse;
    if (!call->refuse && call->version >= 3 &&
        !(legal_software(req->client_software_name) &&
          legal_software(req->client_software_version)))
        resp->error_code = KFK_ERR_INVALID_REQUEST;
    if (!tell_keys(profile, call, resp))
        return KFK__DEV_CLOSE;
    if (call->version >= 3 && profile->features && !tell_features(call, resp))
        return KFK__DEV_CLOSE;
    return KFK__DEV_ANSWER;
}

kfk__dev_outcome kfk__dev_init_producer_id(kfk__dev_service *s, kfk__dev_call *call)
{
    const kfk__init_producer_id_request *req = call->request;
    kfk__init_producer_id_response *resp = call->response;

    resp->error_code = call->refuse;
    if (!call->refuse && req->transactional_id.data)
        resp->error_code = KFK_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    if (!resp->error_code)
        resp->producer_id = s->cluster.next_producer_id++;
    resp->producer_epoch = resp->error_code ? -1 : s->cluster.producer_epoch;
    return KFK__DEV_ANSWER;
}
