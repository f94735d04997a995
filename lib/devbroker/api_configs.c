/* DescribeConfigs: every setting of a topic, and a broker's few. */
#include "devbroker/handlers.h"

#include "devbroker/reply.h"
#include "devbroker/text.h"
#include "proto/describe_configs.h"

enum { BROKER = 4, TOPIC = 2, TOPIC_CONFIG = 1, STATIC_BROKER_CONFIG = 4, DEFAULT_CONFIG = 5 };

typedef kfk__describe_configs_request request;
typedef kfk__describe_configs_request_resource resource_in;
typedef kfk__describe_configs_response_result result_out;
typedef kfk__describe_configs_response_config config_out;
typedef kfk__describe_configs_response_synonym synonym_out;

/* One setting to tell, wherever it comes from. */
typedef struct setting {
    const char *name, *value, *def;
    kfk__dev_config_type type;
    int8_t source;
} setting;

static bool wanted(const resource_in *in, const char *name)
{
    if (in->configuration_keys.n < 0)
        return true;
    for (int32_t i = 0; i < in->configuration_keys.n; i++)
        if (kfk__bytes_equal(in->configuration_keys.v[i], kfk__bytes_str(name)))
            return true;
    return false;
}

static bool tell_synonyms(kfk__dev_call *call, const kfk__schema *s, const setting *from,
                          config_out *out)
{
    bool set = from->source != DEFAULT_CONFIG;
    synonym_out *rows = kfk__dev_rows(call, s, out, "synonyms", set ? 2 : 1);

    if (!rows)
        return false;
    if (set) {
        rows->name = kfk__bytes_str(from->name);
        rows->value = kfk__bytes_str(from->value);
        rows->source = from->source;
        rows++;
    }
    rows->name = kfk__bytes_str(from->name);
    rows->value = kfk__bytes_str(from->def);
    rows->source = DEFAULT_CONFIG;
    return true;
}

static bool tell(kfk__dev_call *call, const kfk__schema *s, const setting *from, config_out *out)
{
    const request *req = call->request;

    out->name = kfk__bytes_str(from->name);
    out->value = kfk__bytes_str(from->value);
    out->config_source = from->source;
    out->config_type = (int8_t)from->type;
    return !req->include_synonyms || tell_synonyms(call, s, from, out);
}

/* The |n| settings that the resource asks for. */
static bool tell_all(kfk__dev_call *call, const resource_in *in, const setting *all, int32_t n,
                     result_out *out)
{
    const kfk__schema *result = kfk__dev_sub(call->api->api->response, "results");
    config_out *rows = kfk__dev_rows(call, result, out, "configs", n);
    int32_t told = 0;

    for (int32_t i = 0; rows && i < n; i++)
        if (wanted(in, all[i].name) &&
            !tell(call, kfk__dev_sub(result, "configs"), &all[i], &rows[told++]))
            return false;
    out->configs.n = told;
    return rows != NULL;
}

static bool describe_topic(const kfk__dev_cluster *c, kfk__dev_call *call, const resource_in *in,
                           result_out *out)
{
    const kfk__dev_topic *t = kfk__dev_cluster_topic(c, in->resource_name);
    setting all[KFK__DEV_N_CONFIGS];

    if (!t) {
        out->error_code = KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        out->error_message = kfk__bytes_str("This server does not host this topic-partition.");
        return true;
    }
    for (int i = 0; i < KFK__DEV_N_CONFIGS; i++)
        all[i] = (setting){kfk__dev_config_defs[i].name, kfk__dev_config_value(&t->config, i),
                           kfk__dev_config_defs[i].def, kfk__dev_config_defs[i].type,
                           t->config.set[i] ? TOPIC_CONFIG : DEFAULT_CONFIG};
    return tell_all(call, in, all, KFK__DEV_N_CONFIGS, out);
}

/* What clients look at: the defaults for new topics, and the node's id. */
static bool describe_broker(const kfk__dev_cluster *c, kfk__dev_call *call, const resource_in *in,
                            result_out *out)
{
    const char *partitions = kfk__dev_text(&call->arena, "%d", (int)c->default_partitions).data;
    const char *replicas = kfk__dev_text(&call->arena, "%d", (int)c->default_replicas).data;
    const char *id = kfk__dev_text(&call->arena, "%d", (int)call->node).data;
    setting all[] = {
        {"auto.create.topics.enable", c->auto_create ? "true" : "false", "true", KFK__DEV_BOOLEAN,
         STATIC_BROKER_CONFIG},
        {"default.replication.factor", replicas, "1", KFK__DEV_INT, STATIC_BROKER_CONFIG},
        {"node.id", id, NULL, KFK__DEV_INT, STATIC_BROKER_CONFIG},
        {"num.partitions", partitions, "1", KFK__DEV_INT, STATIC_BROKER_CONFIG},
    };

    if (in->resource_name.len && !(id && kfk__bytes_equal(in->resource_name, kfk__bytes_str(id)))) {
        out->error_code = KFK_ERR_INVALID_REQUEST;
        out->error_message = kfk__dev_text(&call->arena,
                                           "Unexpected broker id, expected %d or empty string, but "
                                           "received %.*s",
                                           (int)call->node, (int)in->resource_name.len,
                                           (const char *)in->resource_name.data);
        return true;
    }
    return tell_all(call, in, all, in->resource_name.len ? (int32_t)(sizeof all / sizeof *all) : 0,
                    out);
}

static bool describe(const kfk__dev_cluster *c, kfk__dev_call *call, const resource_in *in,
                     result_out *out)
{
    out->resource_type = in->resource_type;
    out->resource_name = in->resource_name;
    out->error_code = call->refuse;
    if (call->refuse)
        return true;
    if (in->resource_type == TOPIC)
        return describe_topic(c, call, in, out);
    if (in->resource_type == BROKER)
        return describe_broker(c, call, in, out);
    out->error_code = KFK_ERR_INVALID_REQUEST;
    out->error_message =
        kfk__dev_text(&call->arena, "Unexpected resource type %d.", (int)in->resource_type);
    return true;
}

kfk__dev_outcome kfk__dev_describe_configs(kfk__dev_service *s, kfk__dev_call *call)
{
    const request *req = call->request;
    result_out *rows =
        kfk__dev_rows(call, call->api->api->response, call->response, "results", req->resources.n);

    for (int32_t i = 0; rows && i < req->resources.n; i++)
        if (!describe(&s->cluster, call, &req->resources.v[i], &rows[i]))
            return KFK__DEV_CLOSE;
    return rows ? KFK__DEV_ANSWER : KFK__DEV_CLOSE;
}
