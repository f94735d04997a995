/* reader: records, one after the other, of what a scope has. */
#ifndef TOOLS_KFK_READER_H
#define TOOLS_KFK_READER_H

#include "scope.h"
#include "tool.h"

typedef struct reader {
    scope scope;
    kfk_consumer *consumer;
    kfk_records *run; /* that the last record lies in; NULL: none */
} reader;

/* |r| is zeroed, but for what the scope is to be. Waits for nothing. Errors of kfk_consumer_new. */
kfk_err reader_open(reader *r, const kfk_config *c, kfk_error *e);
/* KFK_OK and a run, to be read with kfk_records_next: the one before is freed. KFK_ERR_TIMED_OUT:
 * none came in time. KFK_ERR_WOKEN: a signal. Errors of kfk_consumer_poll. */
kfk_err reader_poll(reader *r, int64_t timeout_ms, kfk_error *e);
/* KFK_OK and a record, valid until the next call. Errors of reader_poll and kfk_records_status. */
kfk_err reader_next(reader *r, int64_t timeout_ms, const kfk_record_view **record, kfk_error *e);
/* Moves behind the record that |e| is about. false: it is not about one. */
bool reader_skip(reader *r, const kfk_error *e);
/* What a member has not read of the last run stays with the group; it commits the rest, with
 * enable.auto.commit, and leaves. */
void reader_close(reader *r);

#endif
