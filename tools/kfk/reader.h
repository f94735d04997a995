/* reader: one topic's records, one after the other. */
#ifndef TOOLS_KFK_READER_H
#define TOOLS_KFK_READER_H

#include "tool.h"

typedef struct reader {
    kfk_consumer *consumer;
    kfk_records *run; /* that the last record lies in; NULL: none */
} reader;

/* Of all partitions (|partition| -1), or of one from |offset| on; all begin where auto.offset.reset
 * says. Waits for the topic's metadata. Errors of kfk_consumer_new, _partitions, _assign. */
kfk_err reader_open(reader *r, const kfk_config *c, const char *topic, int64_t partition,
                    int64_t offset, kfk_error *e);
/* KFK_OK and a record, valid until the next call. KFK_ERR_TIMED_OUT: none came in time.
 * KFK_ERR_WOKEN, and errors of kfk_consumer_poll and kfk_records_status. */
kfk_err reader_next(reader *r, int64_t timeout_ms, const kfk_record_view **record, kfk_error *e);
/* Moves behind the record that |e| is about. false: it is not about one. */
bool reader_skip(reader *r, const kfk_error *e);
void reader_close(reader *r);

#endif
