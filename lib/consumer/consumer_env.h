/* consumer_env: a consumer in an env of one's choice: the simulator's, in tests. */
#ifndef KFK_CONSUMER_CONSUMER_ENV_H
#define KFK_CONSUMER_CONSUMER_ENV_H

#include <kfk/consumer.h>

#include "base/env.h"

/* As kfk_consumer_new. |env| is copied. */
kfk_err kfk__consumer_new_in(kfk_consumer **out, const kfk__env *env, const kfk_config *c,
                             kfk_error *e);

#endif
