/* ledger: all memory and all descriptors of one handle, so that a child of fork can give them back.
 *
 *   the application's kfk_allocator <──beneath── ledger <── the handle's kfk_allocator
 *                                                 │  │
 *              blocks: [link|......] [link|...] <─┘  └─> descriptors: the sockets, the poller's own
 *
 * In a child the handle's threads are not there, and may have been anywhere in its structures when the process forked.
 * So a child looks at none of these: it closes the descriptors and releases the blocks. The lists are whole in it, since
 * a fork takes the locks of all ledgers first (fork.h). A block or a descriptor that another thread was about to enter,
 * or had just taken out, is in no list; it stays in the child.
 *
 * Any thread. A ledger has a lock, which is taken with any other held and holds no other; a fork takes that of the list
 * of all ledgers, then theirs. Memory that the application holds longer than a handle is not for a ledger. */
#ifndef KFK_BASE_LEDGER_H
#define KFK_BASE_LEDGER_H

#include <stdbool.h>

#include <kfk/types.h>

#include "base/list.h"

/* An open descriptor, embedded in a block of the same ledger. */
typedef struct kfk__descriptor {
    kfk__list link;
    int fd;
} kfk__descriptor;

/* Makes an allocator that enters in a new ledger what it takes from |a|, which is copied. false: no memory. */
bool kfk__ledger_open(kfk_allocator *out, const kfk_allocator *a);

/* For the functions below |a| is any allocator: without a ledger there is nothing to be entered. */

/* Once, when the handle has been made, or has not: from now on the ledger goes with its last block. */
void kfk__ledger_settle(const kfk_allocator *a);
/* The allocator beneath, for what the application may hold longer than the handle; |a| itself without a ledger. */
const kfk_allocator *kfk__ledger_beneath(const kfk_allocator *a);
/* |fd| is open, and |d| stays where it is until it is closed. */
void kfk__ledger_enter(const kfk_allocator *a, kfk__descriptor *d, int fd);
/* Takes it out, and closes it. */
void kfk__ledger_close(const kfk_allocator *a, kfk__descriptor *d);
/* Only in a child of the process that opened it: closes and releases all, the ledger as well. */
void kfk__ledger_abandon(const kfk_allocator *a);

/* Around a fork; after it in both processes. */
void kfk__ledgers_lock(void);
void kfk__ledgers_unlock(void);

#endif
