#include "consumer/place.h"

#include <string.h>

#include <kfk/types.h>

#include "config/duration.h"

kfk__place kfk__place_read(const char *value)
{
    static const char ago[] = "by_duration:";
    int64_t ms;

    if (strcmp(value, "earliest") == 0)
        return (kfk__place){KFK__PLACE_TIME, KFK_OFFSET_EARLIEST};
    if (strcmp(value, "latest") == 0)
        return (kfk__place){KFK__PLACE_TIME, KFK_OFFSET_LATEST};
    if (strncmp(value, ago, sizeof ago - 1) == 0 && kfk__duration_ms(value + sizeof ago - 1, &ms))
        return (kfk__place){KFK__PLACE_AGO, ms};
    return (kfk__place){KFK__PLACE_NONE, 0};
}

int64_t kfk__place_timestamp(kfk__place p, int64_t wall_ms)
{
    if (p.kind == KFK__PLACE_TIME)
        return p.ms;
    return p.ms < wall_ms ? wall_ms - p.ms : 0; /* what is below 0 would mean something else */
}
