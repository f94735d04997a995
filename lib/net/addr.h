/* addr: kfk__addr as text, and as the system's socket addresses. */
#ifndef KFK_NET_ADDR_H
#define KFK_NET_ADDR_H

#include <sys/socket.h>

#include "base/env.h"

/* "[" 45 bytes of IPv6 "%" 10 digits "]:" 5 digits NUL, rounded up. */
#define KFK__ADDR_TEXT 72

/* Reads a numeric address, "192.0.2.1", "2001:db8::1", "fe80::1%eth0" or "fe80::1%2", without
 * brackets. false: |host| is something else, and *out is as it was. */
bool kfk__addr_parse(const char *host, uint16_t port, kfk__addr *out);
/* Writes "192.0.2.1:9092" or "[fe80::1%2]:9092". */
void kfk__addr_format(const kfk__addr *a, char out[KFK__ADDR_TEXT]);
/* The same address, port and, with IPv6, scope. */
bool kfk__addr_equal(const kfk__addr *a, const kfk__addr *b);
/* Returns the length; 0: not a family that we know. */
socklen_t kfk__addr_to_sockaddr(const kfk__addr *a, struct sockaddr_storage *out);
/* false: not a family that we know, or |len| too short for it. */
bool kfk__addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, kfk__addr *out);

#endif
