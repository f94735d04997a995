/* hostport: "host:port", an entry of bootstrap.servers. */
#ifndef KFK_CONFIG_HOSTPORT_H
#define KFK_CONFIG_HOSTPORT_H

#include <kfk/types.h>

enum { KFK__HOST_MAX = 256 }; /* bytes of a host name, its NUL included */

typedef struct kfk__hostport {
    char host[KFK__HOST_MAX]; /* a name or an address, without brackets */
    uint16_t port;
} kfk__hostport;

/* Reads one entry. NULL, or what is wrong with it. */
const char *kfk__hostport_read(kfk_bytes text, kfk__hostport *out);

#endif
