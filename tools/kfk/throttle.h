/* throttle: keeps to so many records a second. */
#ifndef TOOLS_KFK_THROTTLE_H
#define TOOLS_KFK_THROTTLE_H

#include <stdint.h>

typedef struct throttle {
    double rate; /* below 0: as fast as it goes; 0: nothing after the second record */
    int64_t began_ns;
} throttle;

void throttle_init(throttle *t, double rate);
/* After record |i|, counted from 0: waits while it is ahead of its time, or until tool_stopped. */
void throttle_wait(const throttle *t, int64_t i);

#endif
