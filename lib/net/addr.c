#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static size_t addr_len(const kfk__addr *a)
{
    return a->family == 4 ? 4 : 16;
}

/* An interface's number, or its name. 0: neither. */
static uint32_t parse_scope(const char *s)
{
    uint64_t n = 0;
    const char *p = s;

    for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    if (*p == '\0')
        return n <= UINT32_MAX ? (uint32_t)n : 0;
    return if_nametoindex(s);
}

static bool parse_v6(const char *host, kfk__addr *a)
{
    char bare[INET6_ADDRSTRLEN];
    const char *percent = strchr(host, '%');
    size_t len = percent ? (size_t)(percent - host) : strlen(host);

    if (len >= sizeof bare)
        return false;
    memcpy(bare, host, len);
    bare[len] = '\0';
    if (inet_pton(AF_INET6, bare, a->bytes) != 1)
        return false;
    a->family = 6;
    if (percent)
        a->scope = parse_scope(percent + 1);
    return !percent || a->scope != 0;
}

bool kfk__addr_parse(const char *host, uint16_t port, kfk__addr *out)
{
    kfk__addr a = {.port = port};

    if (inet_pton(AF_INET, host, a.bytes) == 1)
        a.family = 4;
    else if (!parse_v6(host, &a))
        return false;
    *out = a;
    return true;
}

void kfk__addr_format(const kfk__addr *a, char out[KFK__ADDR_TEXT])
{
    char bare[INET6_ADDRSTRLEN] = "?";

    (void)inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, bare, sizeof bare);
    if (a->family == 4)
        (void)snprintf(out, KFK__ADDR_TEXT, "%s:%u", bare, a->port);
    else if (a->scope)
        (void)snprintf(out, KFK__ADDR_TEXT, "[%s%%%u]:%u", bare, a->scope, a->port);
    else
        (void)snprintf(out, KFK__ADDR_TEXT, "[%s]:%u", bare, a->port);
}

bool kfk__addr_equal(const kfk__addr *a, const kfk__addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, addr_len(a)) == 0;
}

static socklen_t to_v4(const kfk__addr *a, struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};

    memcpy(&v4.sin_addr, a->bytes, sizeof v4.sin_addr);
    memcpy(out, &v4, sizeof v4);
    return sizeof v4;
}

static socklen_t to_v6(const kfk__addr *a, struct sockaddr_storage *out)
{
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope};

    memcpy(&v6.sin6_addr, a->bytes, sizeof v6.sin6_addr);
    memcpy(out, &v6, sizeof v6);
    return sizeof v6;
}

socklen_t kfk__addr_to_sockaddr(const kfk__addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (a->family == 4)
        return to_v4(a, out);
    return a->family == 6 ? to_v6(a, out) : 0;
}

static void from_v4(const struct sockaddr *sa, kfk__addr *out)
{
    struct sockaddr_in v4;

    memcpy(&v4, sa, sizeof v4);
    *out = (kfk__addr){.family = 4, .port = ntohs(v4.sin_port)};
    memcpy(out->bytes, &v4.sin_addr, sizeof v4.sin_addr);
}

static void from_v6(const struct sockaddr *sa, kfk__addr *out)
{
    struct sockaddr_in6 v6;

    memcpy(&v6, sa, sizeof v6);
    *out = (kfk__addr){.family = 6, .port = ntohs(v6.sin6_port), .scope = v6.sin6_scope_id};
    memcpy(out->bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
}

bool kfk__addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, kfk__addr *out)
{
    if (len < offsetof(struct sockaddr, sa_data))
        return false;
    if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        from_v4(sa, out);
        return true;
    }
    if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        from_v6(sa, out);
        return true;
    }
    return false;
}
