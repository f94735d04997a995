/* options: what the client layer needs of a handle's properties. Filled once by the handle, read-only then. */
#ifndef KFK_CLIENT_OPTIONS_H
#define KFK_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "client/retry.h"

typedef struct kfk__client_options {
    const char *bootstrap; /* bootstrap.servers, checked */
    const char *client_id;
    const char *subsystem; /* of log lines: "producer", "consumer", "admin" */
    kfk__log log;
    int64_t request_timeout_ms;
    int64_t setup_timeout_ms;     /* socket.connection.setup.timeout.ms */
    int64_t setup_timeout_max_ms; /* socket.connection.setup.timeout.max.ms */
    int64_t idle_ms;              /* connections.max.idle.ms; -1: never */
    int64_t metadata_max_age_ms;
    int64_t metadata_max_idle_ms; /* a topic not used for so long is forgotten; -1: never */
    int64_t rebootstrap_ms;       /* metadata.recovery.rebootstrap.trigger.ms; -1: no rebootstrap */
    kfk__backoff reconnect;
    kfk__backoff retry;
    int32_t max_in_flight; /* per connection */
    int32_t send_buffer;
    int32_t receive_buffer;
    bool auto_create_topics;
} kfk__client_options;

struct kfk_config;
/* Reads what producer, consumer and admin have in common; the handle's entry file sets the rest. The strings are the
 * configuration's, which outlives the options. */
void kfk__client_options_read(kfk__client_options *o, const struct kfk_config *c,
                              const char *subsystem);

#endif
