#include "membership/roundrobin.h"

#include "membership/roster.h"

/* Where in |readers| the turn is: the first at or after member |turn|, or else the first. */
static int32_t whose_turn(const int32_t *readers, int32_t n, int32_t turn)
{
    int32_t from = 0, to = n;

    while (from < to) {
        int32_t mid = from + (to - from) / 2;

        if (readers[mid] < turn)
            from = mid + 1;
        else
            to = mid;
    }
    return from < n ? from : 0;
}

/* Within a topic the turn goes round its readers; from there to the next topic it is kept. */
static void deal(const kfk__roster *r, int32_t *holder)
{
    int32_t turn = 0;

    for (int32_t t = 0; t < r->n_topics; t++) {
        const int32_t *readers = r->readers + r->readers_of[t];
        int32_t n = kfk__roster_n_readers(r, t), at = whose_turn(readers, n, turn);

        for (int32_t p = r->first[t]; p < r->first[t + 1]; p++) {
            holder[p] = readers[at];
            turn = readers[at] + 1;
            at = at + 1 < n ? at + 1 : 0;
        }
    }
}

kfk_err kfk__roundrobin_assign(const kfk__assignor *self, const kfk__assign_group *in,
                               kfk__arena *arena, const kfk__assign_share **out, kfk_error *e)
{
    kfk__arena scratch;
    kfk__roster r;
    kfk_err err;

    (void)self;
    (void)e;
    kfk__arena_init(&scratch, arena->alloc);
    err = kfk__roster_init(&r, in, KFK__BY_INSTANCE, &scratch);
    if (err == KFK_OK) {
        int32_t *holder = kfk__roster_numbers(&r, (size_t)r.n_partitions, KFK__NOBODY);

        if (holder)
            deal(&r, holder);
        err = holder ? kfk__roster_answer(&r, holder, arena, out) : KFK_ERR_NOMEM;
    }
    kfk__arena_fini(&scratch);
    return err;
}
