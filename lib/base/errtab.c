/* errtab: names, meanings and default flags of all error codes, from errtab_kafka.def and
 * errtab_own.def.
 *
 * Both ranges are dense, so a code is its own index: Kafka's from -1 up, ours from -1000 down. */
#include <kfk/error.h>

enum { KAFKA_FIRST = -1, OWN_FIRST = -1000 };

typedef struct entry {
    kfk_err code;
    uint32_t flags;
    const char *name;
    const char *meaning;
} entry;

/* The number in the table and the public constant are the same. */
enum { KFK_ERR_NONE = KFK_OK };
#define KAFKA(number, id, flags, meaning, remedy) \
    _Static_assert(KFK_ERR_##id == (number), "KFK_ERR_" #id);
#include "base/errtab_kafka.def"
#undef KAFKA

#define KAFKA(number, id, flags, meaning, remedy) \
    [(number)-KAFKA_FIRST] = {(number), (flags), #id, meaning},
static const entry kafka[] = {
#include "base/errtab_kafka.def"
};

#define OWN(id, flags, meaning, remedy) \
    [OWN_FIRST - KFK_ERR_##id] = {KFK_ERR_##id, (flags), "KFK_ERR_" #id, meaning},
static const entry own[] = {
#include "base/errtab_own.def"
};

enum { N_KAFKA = sizeof kafka / sizeof *kafka, N_OWN = sizeof own / sizeof *own };

static const entry *lookup(kfk_err code)
{
    static const entry unknown = {
        0, 0, "UNKNOWN", "An error code that this version of the library has no name for."};

    if (code >= KAFKA_FIRST && code < KAFKA_FIRST + N_KAFKA)
        return &kafka[code - KAFKA_FIRST];
    if (code <= OWN_FIRST && code > OWN_FIRST - N_OWN)
        return &own[OWN_FIRST - code];
    return &unknown;
}

const char *kfk_err_name(kfk_err code)
{
    return lookup(code)->name;
}

const char *kfk_err_str(kfk_err code)
{
    return lookup(code)->meaning;
}

uint32_t kfk_err_flags(kfk_err code)
{
    return lookup(code)->flags;
}

int kfk_err_list(size_t i, kfk_err *code)
{
    if (i >= N_KAFKA + N_OWN)
        return 0;
    *code = i < N_KAFKA ? kafka[i].code : own[i - N_KAFKA].code;
    return 1;
}
