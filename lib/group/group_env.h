/* group_env: a group in an env of one's choice: the simulator's, in tests. */
#ifndef KFK_GROUP_GROUP_ENV_H
#define KFK_GROUP_GROUP_ENV_H

#include <kfk/group.h>

#include "base/env.h"

/* As kfk_group_new. |env| is copied. */
kfk_err kfk__group_new_in(kfk_group **out, const kfk__env *env, const kfk_config *c,
                          const char *const *topics, size_t n, const kfk_group_handler *h, void *arg,
                          kfk_error *e);

#endif
