/* bench_codec: what a codec costs by itself: batches of records as bench_kfk sends them with text=1,
 * compressed as the producer does it, or with inflate=1 inflated as the consumer does it, and nothing
 * else.
 *
 * usage: bench_codec codec=gzip|snappy|lz4|zstd [level=N] [records=N] [size=N] [raw=BYTES] [inflate=1]
 *
 * raw: the bytes of records in a batch. Prints CPU us a record, and the ratio. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "compress/compress.h"
#include "record/write.h"

enum { OVERHEAD = 16 };

static size_t records = 1000000, size = 100, raw = 16384;
static int codec = KFK__CODEC_LZ4, level = -1, inflate;

static void argument(const char *arg)
{
    const char *value = strchr(arg, '=');
    size_t name = value ? (size_t)(value - arg) : 0;

    if (name == 5 && strncmp(arg, "codec", name) == 0)
        codec = kfk__codec_by_name(value + 1);
    else if (name == 5 && strncmp(arg, "level", name) == 0)
        level = atoi(value + 1);
    else if (name == 7 && strncmp(arg, "records", name) == 0)
        records = strtoul(value + 1, NULL, 10);
    else if (name == 4 && strncmp(arg, "size", name) == 0)
        size = strtoul(value + 1, NULL, 10);
    else if (name == 3 && strncmp(arg, "raw", name) == 0)
        raw = strtoul(value + 1, NULL, 10);
    else if (name == 7 && strncmp(arg, "inflate", name) == 0)
        inflate = atoi(value + 1);
    else
        codec = -1;
}

/* A batch's records; returns how many there are. */
static size_t fill(uint8_t *batch, size_t *len)
{
    char *value = malloc(size + 1);
    uint8_t *p = batch;
    size_t n = 0;

    if (!value)
        exit(1);
    for (size_t i = 0, x = 12345; i < size; i++, x = x * 1103515245 + 12345)
        value[i] = "etaoin shrdlucmf"[x >> 16 & 15];
    for (; (size_t)(p - batch) + size + OVERHEAD < raw || n == 0; n++) {
        memcpy(value, &n, sizeof n < size ? sizeof n : size);
        p = kfk__record_write(p, (int64_t)n / 100, (int32_t)n, (kfk_bytes){NULL, 0},
                              (kfk_bytes){value, size}, NULL, 0);
    }
    *len = (size_t)(p - batch);
    free(value);
    return n;
}

/* |packed| again and again; returns for how many records. */
static size_t inflate_all(kfk__compressor *c, const kfk__buf *packed, size_t n)
{
    size_t done = 0;
    const char *why;
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    for (; done < records; done += n) {
        kfk__buf_clear(&out);
        if (kfk__decompress(c, (kfk__codec)codec, packed->data, packed->len, &out, &why))
            exit(1);
    }
    kfk__buf_fini(&out);
    return done;
}

static size_t compress_all(kfk__compressor *c, const uint8_t *batch, size_t len, size_t n,
                           size_t most, kfk__buf *out)
{
    static const int defaults[] = {0, -1, 0, 9, 3};
    size_t done = 0;

    for (; done < most; done += n) {
        struct iovec in = {(void *)(uintptr_t)batch, len};

        kfk__buf_clear(out);
        if (kfk__compress(c, (kfk__codec)codec, level == -1 ? defaults[codec] : level, &in, 1, out))
            exit(1);
    }
    return done;
}

static double cpu(void)
{
    struct rusage r;

    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    uint8_t *batch;
    size_t len, n, done;
    double start;
    kfk__buf out;

    for (int i = 1; i < argc; i++)
        argument(argv[i]);
    batch = malloc(raw + size + KFK__RECORD_OVERHEAD);
    if (codec < KFK__CODEC_GZIP || !c || !batch)
        return fprintf(stderr, "bench_codec: no such codec, or no memory\n"), 2;
    n = fill(batch, &len);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    if (inflate)
        (void)compress_all(c, batch, len, n, 1, &out);
    start = cpu();
    done = inflate ? inflate_all(c, &out, n) : compress_all(c, batch, len, n, records, &out);
    printf("codec=%s cpu_us_per_record=%.4f ratio=%.3f\n", kfk__codec_name((kfk__codec)codec),
           (cpu() - start) / (double)done, (double)out.len / (double)len);
    kfk__buf_fini(&out);
    kfk__compressor_free(c);
    free(batch);
    return 0;
}
