/* bootstrap: the addresses in bootstrap.servers. */
#ifndef KFK_CLIENT_BOOTSTRAP_H
#define KFK_CLIENT_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

/* Calls |fn| with each "host:port" of a comma-separated list, brackets around an IPv6 address taken off. Entries that
 * are not of that form, which the configuration has refused already, are passed over. Returns how many there were. */
int kfk__bootstrap_each(const char *list,
                        void (*fn)(void *owner, int index, const char *host, size_t len,
                                   uint16_t port),
                        void *owner);

#endif
