/* clock: one of the system's clocks, in nanoseconds. */
#ifndef KFK_NET_CLOCK_H
#define KFK_NET_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t kfk__clock_ns(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

#endif
