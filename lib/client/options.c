#include "client/options.h"

#include "config/config.h"

/* Kafka's milliseconds, where a negative number means never. */
static int64_t ms(const kfk_config *c, kfk__property_id id)
{
    int64_t v = kfk__config_long(c, id);

    return v < 0 ? -1 : v;
}

void kfk__client_options_read(kfk__client_options *o, const kfk_config *c, const char *subsystem)
{
    *o = (kfk__client_options){
        .bootstrap = kfk__config_string(c, KFK__P_BOOTSTRAP_SERVERS),
        .client_id = kfk__config_string(c, KFK__P_CLIENT_ID),
        .subsystem = subsystem,
        .log = c->log,
        .request_timeout_ms = kfk__config_int(c, KFK__P_REQUEST_TIMEOUT_MS),
        .setup_timeout_ms = ms(c, KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MS),
        .setup_timeout_max_ms = ms(c, KFK__P_SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS),
        .idle_ms = ms(c, KFK__P_CONNECTIONS_MAX_IDLE_MS),
        .metadata_max_age_ms = ms(c, KFK__P_METADATA_MAX_AGE_MS),
        .metadata_max_idle_ms = -1,
        .rebootstrap_ms = -1,
        .reconnect = {ms(c, KFK__P_RECONNECT_BACKOFF_MS), ms(c, KFK__P_RECONNECT_BACKOFF_MAX_MS)},
        .retry = {ms(c, KFK__P_RETRY_BACKOFF_MS), ms(c, KFK__P_RETRY_BACKOFF_MAX_MS)},
        .max_in_flight = INT32_MAX,
        .send_buffer = kfk__config_int(c, KFK__P_SEND_BUFFER_BYTES),
        .receive_buffer = kfk__config_int(c, KFK__P_RECEIVE_BUFFER_BYTES),
        .auto_create_topics = false,
    };
    if (kfk__config_choice(c, KFK__P_METADATA_RECOVERY_STRATEGY) == 0)
        o->rebootstrap_ms = ms(c, KFK__P_METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS);
}
