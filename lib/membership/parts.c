#include "membership/parts.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "membership/order.h"

void kfk__parts_init(kfk__parts *p, const kfk_allocator *a)
{
    *p = (kfk__parts){.sorted = true};
    kfk__arena_init(&p->names, a);
}

void kfk__parts_fini(kfk__parts *p)
{
    kfk__release(p->names.alloc, p->v);
    p->v = NULL;
    p->n = p->cap = 0;
    kfk__arena_fini(&p->names);
}

void kfk__parts_clear(kfk__parts *p)
{
    p->n = 0;
    p->sorted = true;
    kfk__arena_reset(&p->names);
}

static int compare(const kfk_tp *a, const kfk_tp *b)
{
    int order = a->topic == b->topic ? 0 : strcmp(a->topic, b->topic);

    return order ? order : a->partition < b->partition ? -1 : a->partition > b->partition;
}

static bool make_room(kfk__parts *p)
{
    size_t cap = p->cap ? p->cap * 2 : 16;
    kfk_tp *v;

    if (p->n < p->cap)
        return true;
    v = kfk__array(p->names.alloc, p->v, cap, sizeof *v);
    if (!v)
        return false;
    p->v = v;
    p->cap = cap;
    return true;
}

/* Partitions of one topic mostly follow each other: they share its name. NULL: no memory. */
static const char *name_of(kfk__parts *p, kfk_bytes topic)
{
    const char *last = p->n ? p->v[p->n - 1].topic : NULL;
    char *copy;

    if (last && strlen(last) == topic.len && memcmp(last, topic.data, topic.len) == 0)
        return last;
    copy = kfk__arena_alloc(&p->names, topic.len + 1);
    if (!copy)
        return NULL;
    if (topic.len)
        memcpy(copy, topic.data, topic.len);
    copy[topic.len] = '\0';
    return copy;
}

bool kfk__parts_add(kfk__parts *p, kfk_bytes topic, int32_t partition)
{
    const char *name = make_room(p) ? name_of(p, topic) : NULL;

    if (!name)
        return false;
    p->v[p->n] = (kfk_tp){.topic = name, .partition = partition};
    if (p->n && compare(&p->v[p->n - 1], &p->v[p->n]) >= 0)
        p->sorted = false;
    p->n++;
    return true;
}

static int order(const void *a, const void *b)
{
    return compare(a, b);
}

void kfk__parts_sort(kfk__parts *p)
{
    size_t kept = 0;

    if (p->sorted)
        return;
    kfk__order_in_place(p->v, p->n, sizeof *p->v, order);
    for (size_t i = 0; i < p->n; i++)
        if (kept == 0 || compare(&p->v[kept - 1], &p->v[i]) != 0)
            p->v[kept++] = p->v[i];
    p->n = kept;
    p->sorted = true;
}

bool kfk__parts_has(const kfk__parts *p, const kfk_tp *tp)
{
    size_t from = 0, to = p->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = compare(&p->v[mid], tp);

        if (order == 0)
            return true;
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return false;
}

bool kfk__parts_equal(const kfk__parts *a, const kfk__parts *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (compare(&a->v[i], &b->v[i]) != 0)
            return false;
    return true;
}

static bool add_one(kfk__parts *to, const kfk_tp *tp)
{
    return kfk__parts_add(to, kfk__bytes_str(tp->topic), tp->partition);
}

bool kfk__parts_pick(kfk__parts *out, const kfk__parts *a, const kfk__parts *b, bool in)
{
    for (size_t i = 0; i < a->n; i++)
        if (kfk__parts_has(b, &a->v[i]) == in && !add_one(out, &a->v[i]))
            return false;
    kfk__parts_sort(out);
    return true;
}

bool kfk__parts_join(kfk__parts *to, const kfk__parts *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!add_one(to, &from->v[i]))
            return false;
    kfk__parts_sort(to);
    return true;
}

void kfk__parts_remove(kfk__parts *p, const kfk__parts *gone)
{
    size_t kept = 0;
    kfk__parts fresh;

    for (size_t i = 0; i < p->n; i++)
        if (!kfk__parts_has(gone, &p->v[i]))
            p->v[kept++] = p->v[i];
    p->n = kept;
    /* Names that nobody bears any more go, if there is memory to move the others. */
    kfk__parts_init(&fresh, p->names.alloc);
    if (kfk__parts_join(&fresh, p))
        kfk__parts_move(p, &fresh);
    kfk__parts_fini(&fresh);
}

void kfk__parts_move(kfk__parts *to, kfk__parts *from)
{
    const kfk_allocator *a = from->names.alloc;

    kfk__parts_fini(to);
    *to = *from;
    kfk__parts_init(from, a);
}
