/* <kfk/error.h>: what can go wrong, and how it is told.
 *
 * Every call that can fail returns a kfk_err and takes a kfk_error as its last parameter. The code says what
 * happened; the struct says where (broker, topic, partition, phase), why (errno, text) and what to do about it (flags).
 * kfk-errors(7) has an entry for each code. */
#ifndef KFK_ERROR_H
#define KFK_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <kfk/kafka_errors.h>
#include <kfk/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0 is success. Codes -1 and 1 and up are Kafka's own (KFK_ERR_X in <kfk/kafka_errors.h>), passed on as the broker
 * gave them, those that this version of the library has no name for included. Codes of -1000 and below are the library's. Never a count, never a class:
 * what to do is in kfk_error.flags. */
typedef int32_t kfk_err;

/* The library's own codes. Numbers never change and are never used again. */
enum {
    KFK_OK = 0,
    KFK_ERR_NOMEM = -1000,            /* the allocator returned NULL */
    KFK_ERR_INVALID_ARG = -1001,      /* an argument is out of its documented range */
    KFK_ERR_CONFIG = -1002,           /* a property is unknown, ill-typed, out of bounds or contradicts another */
    KFK_ERR_UNSUPPORTED = -1003,      /* this version of the library cannot do it yet */
    KFK_ERR_TIMED_OUT = -1004,        /* the time given has passed; the operation may go on */
    KFK_ERR_WOULD_BLOCK = -1005,      /* the call would have to wait, and was told not to */
    KFK_ERR_BUSY = -1006,             /* another thread is in a call that admits one at a time */
    KFK_ERR_CLOSED = -1007,           /* the handle is closed or closing */
    KFK_ERR_STATE = -1008,            /* the call does not fit the state the handle is in */
    KFK_ERR_IN_CALLBACK = -1009,      /* this call may not be made from inside a callback */
    KFK_ERR_FORKED = -1010,           /* the handle belongs to the process before fork() */
    KFK_ERR_WOKEN = -1011,            /* kfk_consumer_wakeup ended the wait */
    KFK_ERR_REVOKED = -1012,          /* the partition, or this ownership of it, is no longer ours */
    KFK_ERR_RESOLVE = -1013,          /* a host name does not resolve */
    KFK_ERR_CONNECT = -1014,          /* a connection cannot be made */
    KFK_ERR_DISCONNECTED = -1015,     /* an established connection was lost */
    KFK_ERR_NOT_KAFKA = -1016,        /* the peer does not speak Kafka's protocol, or speaks TLS where plaintext is set */
    KFK_ERR_PROTOCOL = -1017,         /* an answer is malformed, truncated or does not belong to its request */
    KFK_ERR_DELIVERY_TIMEOUT = -1018, /* delivery.timeout.ms passed before the record was acknowledged */
    KFK_ERR_BUFFER_FULL = -1019,      /* buffer.memory, or fetch.buffer.memory, stayed full */
    KFK_ERR_DECOMPRESS = -1020,       /* a batch cannot be decompressed, or inflates past the limit */
    KFK_ERR_BAD_RECORD = -1021,       /* a record inside a batch cannot be parsed */
    KFK_ERR_SYSTEM = -1022,           /* a system call failed: kfk_error.sys_errno */
    KFK_ERR_INTERNAL = -1023,         /* a broken invariant; the handle is no longer usable */
    KFK_ERR_NO_OFFSET = -1024,        /* no position for a partition, and auto.offset.reset=none */
    KFK_ERR_PURGED = -1025,           /* kfk_producer_purge ended the record */
    KFK_ERR_TRUNCATED = -1026,        /* the log does not have any more what was read, and auto.offset.reset=none */
    KFK_ERR_POLL_INTERVAL = -1027,    /* a member of a group did not come back for max.poll.interval.ms */
    KFK_ERR_BATCH_REFUSED = -1028     /* another record was refused, and with it the batch that both were in */
};

/* kfk_error.flags: the class of this failure, here and now. */
enum {
    KFK_RETRIABLE = 1,  /* the same call may succeed later */
    KFK_ABORTABLE = 2,  /* the transaction must be aborted, then work can go on */
    KFK_FATAL = 4,      /* the handle cannot go on: close it */
    KFK_MAYBE_DONE = 8  /* the effect may have taken place all the same */
};

/* kfk_error.phase: how far things had come. */
enum {
    KFK_PHASE_NONE = 0,
    KFK_PHASE_RESOLVE = 1,
    KFK_PHASE_CONNECT = 2,
    KFK_PHASE_TLS = 3,
    KFK_PHASE_API_VERSIONS = 4,
    KFK_PHASE_SASL = 5,
    KFK_PHASE_REQUEST = 6
};

/* What failed. 1024 bytes, frozen. Written on failure only, so that it needs no initialisation.
 * broker_id and partition are -1, offset is -1, and the strings are "" where they do not apply. */
typedef struct kfk_error {
    kfk_err code;
    uint32_t flags;
    int32_t sys_errno;
    int32_t phase;
    int32_t broker_id;
    int32_t partition;
    int64_t offset;
    char broker[128]; /* "host:port" and where the address came from */
    char topic[256];
    char msg[608]; /* one line: what failed, why, and what can be done */
} kfk_error;

/* The name of a code, for Kafka's as Kafka writes it: "NONE", "NOT_LEADER_OR_FOLLOWER", "KFK_ERR_NOMEM"; "UNKNOWN"
 * for a code without one. Static. */
KFK_API const char *kfk_err_name(kfk_err code);
/* One sentence on what the code means. Static. */
KFK_API const char *kfk_err_str(kfk_err code);
/* The flags that the code has where nothing more is known: KFK_RETRIABLE, KFK_FATAL or 0. */
KFK_API uint32_t kfk_err_flags(kfk_err code);
/* Walks the table of codes: the i-th code, *code written; 0 past the end, 1 otherwise. */
KFK_API int kfk_err_list(size_t i, kfk_err *code);

#ifdef __cplusplus
}
#endif
#endif
