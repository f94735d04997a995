#include "config/hostport.h"

#include <string.h>

#include "base/error.h"

static const char *read_port(const char *s, size_t n, uint16_t *port)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || value > 65535)
            return "its port is not a number from 1 to 65535";
        value = value * 10 + (uint32_t)(s[i] - '0');
    }
    if (value == 0 || value > 65535)
        return "its port is not a number from 1 to 65535";
    *port = (uint16_t)value;
    return NULL;
}

static const char *read_host(const char *s, size_t n, const char *allowed, char *host)
{
    if (n == 0)
        return "it has no host";
    if (n >= KFK__HOST_MAX)
        return "its host is too long";
    memcpy(host, s, n);
    host[n] = '\0';
    return strspn(host, allowed) == n ? NULL : "its host has a character that no host has";
}

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *read_bracketed(const char *s, size_t n, kfk__hostport *out)
{
    const char *close = memchr(s, ']', n);
    const char *why;
    size_t used;

    if (!close)
        return "its bracket is not closed";
    used = (size_t)(close + 1 - s);
    if (used == n || *++close != ':')
        return "it has no port; Kafka's is most often 9092";
    why = read_host(s + 1, used - 2, LETTERS_DIGITS ":.%-_", out->host);
    return why ? why : read_port(s + used + 1, n - used - 1, &out->port);
}

const char *kfk__hostport_read(kfk_bytes text, kfk__hostport *out)
{
    const char *s = text.data, *colon = memchr(s, ':', text.len), *why;
    size_t host;

    if (text.len && *s == '[')
        return read_bracketed(s, text.len, out);
    if (!colon)
        return "it has no port; Kafka's is most often 9092";
    host = (size_t)(colon - s);
    if (text.len - host >= 3 && memcmp(colon, "://", 3) == 0)
        return "it is host:port only, without a scheme; see security.protocol";
    if (memchr(colon + 1, ':', text.len - host - 1))
        return "an IPv6 address has to stand in brackets, [::1]:9092";
    why = read_host(s, host, LETTERS_DIGITS "-._", out->host);
    return why ? why : read_port(colon + 1, text.len - host - 1, &out->port);
}
