/* wire: every batch that came to the cluster in a Produce request, in the order in which it was
 * read, whatever became of it then.
 *
 *     wire_begin();
 *     world_run(&(world_opts){.heard = wire_heard}, app);       app: wire_batches(), wire_at(i) */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "devbroker/call.h"
#include "record/batch.h"

#define WIRE_BATCHES 4096

typedef struct wire_batch {
    int64_t at;
    int32_t node, partition;
    int request; /* the Produce request that it was in, counted from 0 */
    size_t size;
    bool sound;     /* its crc is right */
    uint32_t print; /* of all of its bytes */
    kfk__batch_header h;
} wire_batch;

void wire_begin(void);
void wire_heard(void *arg, const kfk__dev_call *call);
/* How many there were. Only the first WIRE_BATCHES can be looked at. */
int wire_batches(void);
wire_batch wire_at(int i);

#endif
