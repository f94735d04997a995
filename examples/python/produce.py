#!/usr/bin/env python3
"""Sends each line of standard input as a record, through cffi, without a compiler.

    produce.py BOOTSTRAP TOPIC < lines

No C calls Python: results are taken as an array (dispatch=app, kfk_producer_take) when the
producer's descriptor says that there are some. $LIBKFK: the library, if not where the system looks.
"""

import os
import select
import sys

import cffi

ffi = cffi.FFI()
ffi.cdef("""
    typedef struct kfk_config kfk_config;
    typedef struct kfk_producer kfk_producer;
    typedef struct { const void *data; size_t len; } kfk_bytes;
    typedef struct { uint32_t struct_size, flags; const char *topic; kfk_bytes key, value;
                     const void *headers; size_t n_headers; int64_t timestamp_ms;
                     int32_t partition; } kfk_record;
    typedef struct { uint32_t struct_size; int32_t status, err, partition;
                     int64_t offset, timestamp_ms; const char *topic, *msg;
                     void *arg; } kfk_delivery;
    typedef struct { int32_t code; uint32_t flags; int32_t sys_errno, phase, broker_id, partition;
                     int64_t offset; char broker[128], topic[256], msg[608]; } kfk_error;
    const char *kfk_err_str(int32_t code);
    kfk_config *kfk_config_new(const void *allocator);
    int32_t kfk_config_set(kfk_config *, const char *name, const char *value, kfk_error *);
    void kfk_config_free(kfk_config *);
    int32_t kfk_producer_new(kfk_producer **, const kfk_config *, kfk_error *);
    int32_t kfk_producer_send(kfk_producer *, const kfk_record *, void *cb, void *arg, kfk_error *);
    int kfk_producer_fd(kfk_producer *);
    int32_t kfk_producer_dispatch(kfk_producer *, int max, int *n, kfk_error *);
    size_t kfk_producer_take(kfk_producer *, kfk_delivery *, size_t elem_size, size_t max);
    void kfk_producer_free(kfk_producer *);
""")
kfk = ffi.dlopen(os.environ.get("LIBKFK", "libkfk.so.1"))
NOWAIT, WOULD_BLOCK, AT_ONCE = 16, -1005, 1000
error = ffi.new("kfk_error *")


def check(err):
    if err:
        raise RuntimeError(ffi.string(error.msg).decode())


def make_producer(**properties):
    config = ffi.gc(kfk.kfk_config_new(ffi.NULL), kfk.kfk_config_free)
    for name, value in properties.items():
        name = name.replace("_", ".")
        check(kfk.kfk_config_set(config, name.encode(), value.encode(), error))
    made = ffi.new("kfk_producer **")
    check(kfk.kfk_producer_new(made, config, error))
    kfk.kfk_producer_take(made[0], ffi.NULL, ffi.sizeof("kfk_delivery"), 0)  # dispatch leaves them
    return ffi.gc(made[0], kfk.kfk_producer_free)


def results(producer, poll, array=ffi.new("kfk_delivery[]", AT_ONCE)):
    """Waits, and yields (the record's number, its offset or what went wrong)."""
    poll.poll()
    check(kfk.kfk_producer_dispatch(producer, -1, ffi.NULL, error))  # what else there is: log, room
    n = kfk.kfk_producer_take(producer, array, ffi.sizeof("kfk_delivery"), AT_ONCE)
    for d in array[0:n]:
        why = ffi.string(d.msg or kfk.kfk_err_str(d.err)).decode()
        yield int(ffi.cast("intptr_t", d.arg)), why if d.err else d.offset


def send(producer, topic, number, line):
    """False: there is no room now."""
    value = ffi.from_buffer(line.rstrip(b"\n"))
    r = ffi.new("kfk_record *", {"struct_size": ffi.sizeof("kfk_record"), "flags": NOWAIT,
                                 "topic": topic, "value": (value, len(value))})
    err = kfk.kfk_producer_send(producer, r, ffi.NULL, ffi.cast("void *", number), error)
    check(err if err != WOULD_BLOCK else 0)
    return err == 0


def main(bootstrap, topic):
    producer = make_producer(bootstrap_servers=bootstrap, dispatch="app")
    topic, lines, n, told = ffi.new("char[]", topic.encode()), list(sys.stdin.buffer), 0, 0
    poll = select.poll()
    poll.register(kfk.kfk_producer_fd(producer), select.POLLIN)
    while told < len(lines):
        while n < len(lines) and send(producer, topic, n, lines[n]):
            n += 1
        for number, what in results(producer, poll):
            print(f"{number}: {what}")
            told += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
