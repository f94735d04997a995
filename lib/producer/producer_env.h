/* producer_env: a producer in an env of one's choice: the simulator's, in tests. */
#ifndef KFK_PRODUCER_PRODUCER_ENV_H
#define KFK_PRODUCER_PRODUCER_ENV_H

#include <kfk/producer.h>

#include "base/env.h"

/* As kfk_producer_new. |env| is copied. */
kfk_err kfk__producer_new_in(kfk_producer **out, const kfk__env *env, const kfk_config *c,
                             kfk_error *e);

#endif
