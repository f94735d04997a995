#include "client/bootstrap.h"

#include <stdbool.h>
#include <string.h>

/* The decimal number in [p, end), 1 to 65535; 0: none. */
static uint16_t parse_port(const char *p, const char *end)
{
    uint32_t v = 0;

    if (p == end || end - p > 5)
        return 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        v = v * 10 + (uint32_t)(*p - '0');
    }
    return v <= UINT16_MAX ? (uint16_t)v : 0;
}

static bool parse(const char *p, const char *end, const char **host, size_t *len, uint16_t *port)
{
    const char *colon;

    while (p < end && *p == ' ')
        p++;
    while (end > p && end[-1] == ' ')
        end--;
    for (colon = end; colon > p && colon[-1] != ':'; colon--)
        ;
    if (colon == p)
        return false;
    *port = parse_port(colon, end);
    end = colon - 1;
    if (p < end && *p == '[' && end[-1] == ']') {
        p++;
        end--;
    }
    *host = p;
    *len = (size_t)(end - p);
    return *port && *len;
}

int kfk__bootstrap_each(const char *list,
                        void (*fn)(void *owner, int index, const char *host, size_t len,
                                   uint16_t port),
                        void *owner)
{
    int n = 0;

    while (*list) {
        const char *end = list + strcspn(list, ",");
        const char *host;
        uint16_t port;
        size_t len;

        if (parse(list, end, &host, &len, &port))
            fn(owner, n++, host, len, port);
        list = *end ? end + 1 : end;
    }
    return n;
}
