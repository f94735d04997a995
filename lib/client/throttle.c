#include "client/throttle.h"

#include <string.h>

/* From which version on it is the client that must wait. */
static const struct {
    int16_t key;
    int16_t from;
} thresholds[] = {
    {0, 6},  {1, 8},  {2, 3},  {3, 6},  {8, 4},  {9, 4},  {10, 2}, {11, 3}, {12, 2}, {13, 2},
    {14, 2}, {15, 2}, {16, 2}, {18, 2}, {19, 3}, {20, 2}, {21, 1}, {22, 1}, {23, 2}, {24, 1},
    {25, 1}, {26, 1}, {28, 1}, {29, 1}, {30, 1}, {31, 1}, {32, 2}, {33, 1}, {34, 1}, {35, 1},
    {37, 1}, {38, 1}, {39, 1}, {40, 1}, {41, 1}, {42, 1},
};

static int16_t threshold(int16_t key)
{
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++)
        if (thresholds[i].key == key)
            return thresholds[i].from;
    return 0;
}

int64_t kfk__throttle_ms(const kfk__api *api, int16_t version, const void *response)
{
    const kfk__schema *s = api->response;

    if (version < threshold(api->key))
        return 0;
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const kfk__field *f = &s->fields[i];
        int32_t ms;

        if (f->type != KFK__T_INT32 || strcmp(f->name, "throttle_time_ms") != 0)
            continue;
        memcpy(&ms, (const char *)response + f->offset, sizeof ms);
        return ms > 0 ? ms : 0;
    }
    return 0;
}
