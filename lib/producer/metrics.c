#include "producer/metrics.h"

/* Batches, from 64 bytes to 64 MiB. */
enum { BYTES_FIRST = 6, BYTES_BOUNDS = 41 };

void kfk__producer_metrics_init(kfk__producer_metrics *m)
{
    *m = (kfk__producer_metrics){0};
    kfk__histogram_init(&m->batch_bytes, BYTES_FIRST, BYTES_BOUNDS);
    kfk__histogram_init(&m->fill, KFK__RATIO_FIRST, KFK__RATIO_BOUNDS);
    kfk__histogram_init(&m->compression, KFK__RATIO_FIRST, KFK__RATIO_BOUNDS);
    kfk__histogram_init(&m->queue, KFK__TIME_FIRST, KFK__TIME_BOUNDS);
}

#define PRODUCER(member) offsetof(kfk__producer_metrics, member)

static const kfk__metric_row producer_rows[] = {
    {"kfk_producer_records_total", "records", "Records in the batches that were sent.", KFK_COUNTER,
     1, PRODUCER(records)},
    {"kfk_producer_record_bytes_total", "bytes", "Bytes of these records before compression.",
     KFK_COUNTER, 1, PRODUCER(record_bytes)},
    {"kfk_producer_batches_total", "batches", "Batches that were sent, each counted once.",
     KFK_COUNTER, 1, PRODUCER(batches)},
    {"kfk_producer_batch_size_bytes", "bytes", "The size of a batch on the wire.", KFK_HISTOGRAM, 1,
     PRODUCER(batch_bytes)},
    {"kfk_producer_batch_fill_ratio", "ratio",
     "Bytes in a batch before compression, by batch.size.", KFK_HISTOGRAM, KFK__PER_ONE,
     PRODUCER(fill)},
    {"kfk_producer_compression_ratio", "ratio",
     "Bytes of a batch after compression, by those before.", KFK_HISTOGRAM, KFK__PER_ONE,
     PRODUCER(compression)},
    {"kfk_producer_queue_seconds", "seconds", "From a batch's first record to its first request.",
     KFK_HISTOGRAM, KFK__PER_SECOND, PRODUCER(queue)},
    {"kfk_producer_delivered_records_total", "records", "Records that the broker has acknowledged.",
     KFK_COUNTER, 1, PRODUCER(delivered)},
    {"kfk_producer_failed_records_total", "records",
     "Records that were not written, and will not be.", KFK_COUNTER, 1, PRODUCER(not_written)},
    {"kfk_producer_unknown_records_total", "records",
     "Records that were sent without a definite answer (with acks=0: all).", KFK_COUNTER, 1,
     PRODUCER(unknown)},
    {"kfk_producer_retried_batches_total", "batches",
     "Batches that were put back to be sent again.", KFK_COUNTER, 1, PRODUCER(retries)},
    {"kfk_producer_split_batches_total", "batches",
     "Batches that a broker found too large, and that were split.", KFK_COUNTER, 1,
     PRODUCER(splits)},
};

#define BUFFER(member) offsetof(kfk__buffer_metrics, member)

static const kfk__metric_row buffer_rows[] = {
    {"kfk_producer_buffer_limit_bytes", "bytes", "buffer.memory.", KFK_GAUGE, 1, BUFFER(total)},
    {"kfk_producer_buffer_available_bytes", "bytes", "How much of buffer.memory is free.",
     KFK_GAUGE, 1, BUFFER(available)},
    {"kfk_producer_buffer_waiters", "threads", "Threads that wait for memory in a send.", KFK_GAUGE,
     1, BUFFER(waiters)},
};

void kfk__producer_metrics_visit(const kfk__producer_metrics *m, const kfk__buffer_metrics *b,
                                 kfk__visitor *v)
{
    kfk__visit_rows(v, producer_rows, sizeof producer_rows / sizeof *producer_rows, m);
    kfk__visit_rows(v, buffer_rows, sizeof buffer_rows / sizeof *buffer_rows, b);
}
