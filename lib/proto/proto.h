/* proto: Kafka's messages as C structs.
 *
 * schema/NAME.kfk describes one API, every version, both directions; tools/schemac turns it into
 * proto/NAME.h (structs, and an extern const kfk__api) and proto/NAME.c (constant tables). One
 * walker reads those tables to encode and to decode any message of any version, and to give a
 * struct its defaults:
 *
 *      schema/metadata.kfk ──schemac──> kfk__metadata_request, kfk__metadata_response (structs),
 *                                       kfk__metadata_api (tables)
 *
 *      struct ──kfk__encode(tables, version)──> bytes ──kfk__decode(tables, version)──> struct
 *
 * A schema may also describe one message that belongs to no API (kfk__data): what is inside the
 * bytes of others, with its version in front.
 *
 * Types: bool int8_t int16_t uint16_t int32_t uint32_t int64_t double; kfk__uuid; kfk_bytes for
 * string, bytes and records (data NULL: null); an array is struct { T *v; int32_t n; } (n -1:
 * null); a struct is a member, or a pointer where it is nullable. Decoded values live in an arena,
 * or point into the bytes that were decoded. */
#ifndef KFK_PROTO_PROTO_H
#define KFK_PROTO_PROTO_H

#include <stdbool.h>
#include <stdint.h>

#include <kfk/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/uuid.h"

typedef enum kfk__field_type {
    KFK__T_BOOL,
    KFK__T_INT8,
    KFK__T_INT16,
    KFK__T_UINT16,
    KFK__T_INT32,
    KFK__T_UINT32,
    KFK__T_INT64,
    KFK__T_FLOAT64,
    KFK__T_UUID,
    KFK__T_STRING,
    KFK__T_BYTES,
    KFK__T_RECORDS,
    KFK__T_STRUCT
} kfk__field_type;

enum {
    KFK__F_ARRAY = 1,     /* an array of type */
    KFK__F_IGNORABLE = 2, /* may be left out where the version has no such field */
    KFK__F_POINTER = 4    /* a struct that may be null: the member is a pointer to it */
};

enum {
    KFK__LATEST = INT16_MAX,    /* as the last version: all later ones too */
    KFK__NO_VERSION = INT16_MAX /* as the first version: none */
};

typedef struct kfk__schema kfk__schema;

typedef struct kfk__field {
    const char *name;
    const kfk__schema *sub; /* KFK__T_STRUCT */
    uint32_t offset;        /* in the struct */
    uint8_t type;
    uint8_t flags;
    int16_t min, max;           /* versions that have the field */
    int16_t null_min, null_max; /* versions that allow null; null_min > null_max: none */
    int16_t tag;                /* -1: not tagged */
} kfk__field;

/* A struct: a message, or a part of one. */
struct kfk__schema {
    const char *name;
    const kfk__field *fields;  /* in the order of the wire: tagged ones last, by tag */
    const void *defaults;      /* the struct with every field at its default */
    const uint16_t *min_bytes; /* the least it takes on the wire, by version */
    uint32_t n_untagged;
    uint32_t n_fields;
    uint32_t size; /* sizeof the struct */
};

typedef struct kfk__api {
    const char *name;
    const kfk__schema *request;
    const kfk__schema *response;
    int16_t key;
    int16_t min, max;     /* request and response have the same versions */
    int16_t flexible_min; /* first flexible version; KFK__NO_VERSION: none */
} kfk__api;

/* A message by itself (data.h). */
typedef struct kfk__data {
    const char *name;
    const kfk__schema *schema;
    int16_t min, max;
    int16_t flexible_min;
} kfk__data;

/* NULL: the library does not know the key. */
const kfk__api *kfk__api_by_key(int16_t key);
/* All known APIs, ordered by key. */
extern const kfk__api *const kfk__apis[];
extern const size_t kfk__n_apis;

static inline bool kfk__flexible(const kfk__api *api, int16_t version)
{
    return version >= api->flexible_min;
}

/* Every field at its default. A part of a message is set so by assignment: each struct has a
 * constant whose name is its own with _default behind it. */
void kfk__msg_init(const kfk__schema *s, void *msg);

/* A cut in the encoded bytes where a records field belongs whose bytes were not copied. */
typedef struct kfk__splice {
    size_t at; /* offset in the buffer */
    kfk_bytes bytes;
} kfk__splice;

typedef struct kfk__splices {
    kfk__splice *v;
    size_t n, max;
    size_t min_len; /* records shorter than this are copied instead */
    size_t total;   /* bytes in all splices */
} kfk__splices;

/* Appends |msg| to |out|. |sp| may be NULL: records are copied. With it, records go to |sp| while
 * it has room. A null string or bytes that is null in no version counts as never set, and is sent
 * empty. KFK_ERR_NOMEM; KFK_ERR_UNSUPPORTED_VERSION: a field that is set does not exist in
 * |version| and may not be ignored, or is null where only other versions allow it;
 * KFK_ERR_INVALID_ARG: a string or array longer than the wire can say. */
kfk_err kfk__encode(const kfk__schema *s, int16_t version, bool flexible, const void *msg,
                    kfk__buf *out, kfk__splices *sp);

/* Decodes a whole message that lies in memory; strings, bytes and records point into |bytes|, the
 * rest is in |arena|. *used: how many bytes it took. Nothing is believed: counts are checked
 * against the bytes that remain before anything is allocated. KFK_ERR_PROTOCOL, with the field's
 * name in |why| (may be NULL); KFK_ERR_NOMEM. */
kfk_err kfk__decode(const kfk__schema *s, int16_t version, bool flexible, const void *bytes,
                    size_t n, kfk__arena *arena, void *msg, size_t *used, const char **why);

/* The decoder as an object, for a message that arrives in pieces: its state is an explicit stack,
 * so it stops at any byte and goes on with the next piece. Strings and bytes are copied into the
 * arena. Memory grows with the bytes that came, not with what a length claims. kfk__decode is this
 * decoder fed once. */
typedef struct kfk__decoder kfk__decoder;

/* Where a records field goes, asked whenever there is no room left for it. |len| is the field's
 * length, |have| what has been put so far; |parent| is the struct that holds the field, with its
 * earlier members decoded. Sets *to and *room (1 or more) to where the next bytes belong. With have
 * == len (once, at the end; at once for an empty field) it sets *value instead, which becomes the
 * member. Not KFK_OK: the decoding fails with that code. */
typedef kfk_err kfk__records_sink(void *ctx, const void *parent, size_t len, size_t have,
                                  uint8_t **to, size_t *room, kfk_bytes *value);

/* A struct that is being decoded, and how far it has come. */
typedef struct kfk__decode_frame {
    const kfk__schema *schema;
    uint8_t *obj;
    const kfk__field *field;  /* under way, or next; behind the last one: none */
    int32_t want, have, room; /* elements of the array that |field| is; want -1: not in one */
    int64_t tags;             /* tagged fields still to come; -1: their number has not been read */
    int64_t last_tag;         /* they come in ascending order */
    size_t tag_end;           /* where the value of a tagged field must end */
    bool tag_read;            /* last_tag's size is still to come */
} kfk__decode_frame;

/* Structs inside each other; tools/schemac takes no schema that is deeper. */
enum { KFK__DECODER_DEPTH = 6 };

struct kfk__decoder {
    kfk__arena *arena;
    kfk__records_sink *sink;
    void *sink_ctx;
    const char *why;
    size_t len;  /* of the message */
    size_t at;   /* bytes of it that have been taken */
    size_t owed; /* the least that the elements still to come will take: no length may claim these
                    bytes too */
    size_t skip; /* bytes of an unknown tagged field still to come */
    int16_t version;
    bool flexible;
    bool borrow;      /* strings and bytes stay where they are: the message is fed in one piece */
    bool in_blob;     /* a string, bytes or records has begun: */
    bool to_sink;     /* it is records, and the sink says where they go */
    uint8_t kept;     /* bytes in |part| */
    uint8_t part[16]; /* a number that was cut in two */
    size_t blob_len, blob_have, blob_room;
    uint8_t *blob, *blob_to;
    kfk_bytes *blob_value; /* the member that it becomes */
    uint32_t depth;
    kfk__decode_frame stack[KFK__DECODER_DEPTH];
};

/* |frame_len|: how many bytes the message has; no length inside may claim more than what remains of
 * it. Without a |sink| records are copied into the arena like bytes. */
void kfk__decoder_init(kfk__decoder *d, const kfk__schema *s, int16_t version, bool flexible,
                       size_t frame_len, kfk__arena *arena, void *msg, kfk__records_sink *sink,
                       void *ctx);
/* Takes all |n| bytes, or as many as the message still needs: *used. *done: the message is
 * complete. KFK_ERR_PROTOCOL (decoder_why names the field), KFK_ERR_NOMEM, or the sink's code; the
 * decoder is then useless. */
kfk_err kfk__decoder_feed(kfk__decoder *d, const uint8_t *bytes, size_t n, size_t *used,
                          bool *done);
/* Inside a records field: where a receive may put bytes with no copy; 0: feed instead. */
size_t kfk__decoder_target(kfk__decoder *d, uint8_t **to);
/* |n| bytes were put at the target. Otherwise as feed. */
kfk_err kfk__decoder_filled(kfk__decoder *d, size_t n, bool *done);
/* The field at which it failed. */
const char *kfk__decoder_why(const kfk__decoder *d);

#endif
