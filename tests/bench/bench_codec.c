/* bench_codec: what a codec costs by itself: batches of records as bench_kfk sends them with text=1,
 * compressed as the producer does it, and nothing else.
 *
 * usage: bench_codec codec=gzip|snappy|lz4|zstd [level=N] [records=N] [size=N] [raw=BYTES]
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
static int codec = KFK__CODEC_LZ4, level = -1;

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

static double cpu(void)
{
    struct rusage r;

    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    static const int defaults[] = {0, -1, 0, 9, 3};
    kfk__compressor *c = kfk__compressor_new(&kfk__malloc_allocator);
    uint8_t *batch;
    size_t len, n, done = 0;
    double start;
    kfk__buf out;

    for (int i = 1; i < argc; i++)
        argument(argv[i]);
    batch = malloc(raw + size + KFK__RECORD_OVERHEAD);
    if (codec < KFK__CODEC_GZIP || !c || !batch)
        return fprintf(stderr, "bench_codec: no such codec, or no memory\n"), 2;
    n = fill(batch, &len);
    kfk__buf_init(&out, &kfk__malloc_allocator);
    start = cpu();
    for (; done < records; done += n) {
        struct iovec in = {batch, len};

        kfk__buf_clear(&out);
        if (kfk__compress(c, (kfk__codec)codec, level == -1 ? defaults[codec] : level, &in, 1, &out))
            return 1;
    }
    printf("codec=%s cpu_us_per_record=%.4f ratio=%.3f\n", kfk__codec_name((kfk__codec)codec),
           (cpu() - start) / (double)done, (double)out.len / (double)len);
    kfk__buf_fini(&out);
    kfk__compressor_free(c);
    free(batch);
    return 0;
}
