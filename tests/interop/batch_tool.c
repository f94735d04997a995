/* The C side of batch_check.sh:
 *
 *   batch_tool write FILE    writes batches of every shape with every codec, and lists what it put
 *                            into them (not what it would read back)
 *   batch_tool list FILE     lists the batches of a file that another client wrote */
#include <string.h>

#include "record/write.h"
#include "unit/record/listing.h"

enum { LARGEST = 1 << 20, MANY_HEADERS = 10000 };

static uint8_t text[LARGEST];
static kfk_header headers[MANY_HEADERS];
static const kfk_bytes null_bytes = {NULL, 0};

static void fill(void)
{
    static const uint8_t fox[20] = {"the quick brown fox"};

    for (size_t i = 0; i < LARGEST; i++)
        text[i] = (uint8_t)(fox[i % 20] + i / 3000 % 50);
    for (size_t i = 0; i < MANY_HEADERS; i++) {
        headers[i].key = (kfk_bytes){text, i % 30};
        headers[i].value = i % 4 ? (kfk_bytes){text + i, i % 45} : null_bytes;
    }
}

/* A batch in the making, and the listing of its records. */
typedef struct batch {
    kfk__batch_header header;
    uint8_t *records;
    size_t len;
    char *listed;
    size_t listed_len;
    FILE *listing;
} batch;

static void *must(void *p)
{
    if (!p) {
        perror("batch_tool");
        exit(2);
    }
    return p;
}

static void batch_init(batch *b, int16_t attributes, int64_t base_timestamp, int64_t producer_id)
{
    *b = (batch){.header = {.magic = 2,
                            .leader_epoch = -1,
                            .attributes = attributes,
                            .base_timestamp = base_timestamp,
                            .max_timestamp = base_timestamp,
                            .producer_id = producer_id,
                            .producer_epoch = producer_id < 0 ? -1 : 12,
                            .base_sequence = producer_id < 0 ? -1 : INT32_MAX - 1}};
    b->records = must(malloc(64 << 20));
    b->listing = must(open_memstream(&b->listed, &b->listed_len));
}

static void add(batch *b, int64_t timestamp, kfk_bytes key, kfk_bytes value, size_t n_headers)
{
    kfk__batch_header *h = &b->header;
    uint8_t *end = kfk__record_write(b->records + b->len, timestamp - h->base_timestamp, h->count,
                                     key, value, headers, n_headers);

    b->len = (size_t)(end - b->records);
    if (timestamp > h->max_timestamp && !(h->attributes & KFK__BATCH_LOG_APPEND))
        h->max_timestamp = timestamp;
    list_record(b->listing, h->count,
                h->attributes & KFK__BATCH_LOG_APPEND ? h->max_timestamp : timestamp, key, value,
                -1, headers, n_headers);
    h->last_offset_delta = h->count++;
}

/* Compressed from three pieces, and sealed. */
static void finish(batch *b, kfk__compressor *c, kfk__codec codec, int level, FILE *to)
{
    const size_t third = b->len / 3;
    struct iovec in[3] = {{b->records, third},
                          {b->records + third, third},
                          {b->records + 2 * third, b->len - 2 * third}};
    uint8_t header[KFK__BATCH_HEADER];
    struct iovec body;
    kfk__buf out;

    kfk__buf_init(&out, &kfk__malloc_allocator);
    if (kfk__compress(c, codec, level, in, 3, &out) != KFK_OK)
        exit(2);
    body = (struct iovec){out.data, out.len};
    b->header.attributes = (int16_t)(b->header.attributes | (int)codec);
    b->header.length = (int32_t)(KFK__BATCH_HEADER - KFK__BATCH_LOG_OVERHEAD + out.len);
    kfk__batch_header_write(header, &b->header);
    kfk__batch_seal(header, &body, 1);
    fwrite(header, 1, sizeof header, to);
    fwrite(out.data, 1, out.len, to);
    fclose(b->listing);
    list_batch(stdout, &b->header, KFK__BATCH_HEADER + out.len);
    fwrite(b->listed, 1, b->listed_len, stdout);
    kfk__buf_fini(&out);
    free(b->listed);
    free(b->records);
}

static kfk_bytes bytes(size_t n)
{
    return (kfk_bytes){text, n};
}

/* Null, empty, every width of every number. */
static void add_forms(batch *b)
{
    static const int64_t times[] = {0, 1, 63, 64, -1, -64, -65, 8191, 8192, -100000, 1 << 20};
    const int64_t base = b->header.base_timestamp;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        add(b, base + times[i], null_bytes, bytes(10), 0);
        add(b, base + times[i], bytes(3), null_bytes, 0);
        add(b, base + times[i], bytes(0), bytes(0), i);
    }
    for (size_t n = 0; n < 300; n++)
        add(b, base + (int64_t)n, n % 2 ? bytes(n / 2) : null_bytes, bytes(n), 0);
    for (size_t n = 8100; n < 8210; n++)
        add(b, base, null_bytes, bytes(n), n % 3);
}

static void write_codec(kfk__compressor *c, kfk__codec codec, int level, FILE *to)
{
    batch b;

    batch_init(&b, 0, 1700000000000, -1);
    add_forms(&b);
    finish(&b, c, codec, level, to);
    batch_init(&b, KFK__BATCH_LOG_APPEND, 1700000000000, 77);
    b.header.max_timestamp = 1700000055555;
    add_forms(&b);
    finish(&b, c, codec, level, to);
    batch_init(&b, KFK__BATCH_TRANSACTIONAL, 0, 4001);
    add(&b, 0, null_bytes, bytes(LARGEST), 0);
    add(&b, 5, bytes(70000), bytes(20), MANY_HEADERS);
    finish(&b, c, codec, level, to);
    batch_init(&b, 0, 1, -1);
    add(&b, 1, null_bytes, null_bytes, 0);
    finish(&b, c, codec, level, to);
}

static int write_all(const char *path)
{
    static const struct {
        kfk__codec codec;
        int level;
    } runs[] = {{KFK__CODEC_NONE, 0},   {KFK__CODEC_GZIP, -1}, {KFK__CODEC_GZIP, 9},
                {KFK__CODEC_SNAPPY, 0}, {KFK__CODEC_LZ4, 9},   {KFK__CODEC_LZ4, 12},
                {KFK__CODEC_ZSTD, 3},   {KFK__CODEC_ZSTD, 19}};
    kfk__compressor *c = must(kfk__compressor_new(&kfk__malloc_allocator));
    FILE *to = must(fopen(path, "wb"));

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        write_codec(c, runs[i].codec, runs[i].level, to);
    kfk__compressor_free(c);
    return fclose(to) != 0;
}

static int list(const char *path)
{
    size_t n;
    uint8_t *data = must(read_whole_file(path, &n));
    const char *why = list_file(stdout, data, n);

    if (why)
        fprintf(stderr, "batch_tool: %s: %s\n", path, why);
    free(data);
    return why != NULL;
}

int main(int argc, char **argv)
{
    fill();
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_all(argv[2]);
    if (argc == 3 && strcmp(argv[1], "list") == 0)
        return list(argv[2]);
    fputs("usage: batch_tool write|list FILE\n", stderr);
    return 2;
}
