/* admin_env: an admin handle in an env of one's choice: the simulator's, in tests. */
#ifndef KFK_ADMIN_ADMIN_ENV_H
#define KFK_ADMIN_ADMIN_ENV_H

#include <kfk/admin.h>

#include "base/env.h"

/* As kfk_admin_new. |env| is copied. */
kfk_err kfk__admin_new_in(kfk_admin **out, const kfk__env *env, const kfk_config *c, kfk_error *e);

#endif
