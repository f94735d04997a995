#include "devbroker/parts.h"

#include <string.h>

#include "base/mem.h"

void kfk__dev_parts_free(kfk__dev_parts *ps, const kfk_allocator *a)
{
    kfk__release(a, ps->v);
    *ps = (kfk__dev_parts){0};
}

static int order(const kfk__dev_part *p, const kfk__uuid *topic, int32_t index)
{
    int c = memcmp(p->topic.b, topic->b, sizeof topic->b);

    return c ? c : (p->index > index) - (p->index < index);
}

/* Where it is, or belongs. */
static int32_t place(const kfk__dev_parts *ps, const kfk__uuid *topic, int32_t index)
{
    int32_t low = 0, high = ps->n;

    while (low < high) {
        int32_t mid = low + (high - low) / 2;

        if (order(&ps->v[mid], topic, index) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const kfk__dev_part *kfk__dev_parts_find(const kfk__dev_parts *ps, const kfk__uuid *topic,
                                         int32_t index)
{
    int32_t at = place(ps, topic, index);

    return at < ps->n && order(&ps->v[at], topic, index) == 0 ? &ps->v[at] : NULL;
}

static bool grow(kfk__dev_parts *ps, const kfk_allocator *a, int32_t n)
{
    int32_t cap = ps->cap * 2 > n ? ps->cap * 2 : n;
    kfk__dev_part *v;

    if (n <= ps->cap)
        return true;
    v = kfk__array(a, ps->v, (size_t)cap, sizeof *v);
    if (!v)
        return false;
    ps->v = v;
    ps->cap = cap;
    return true;
}

bool kfk__dev_parts_add(kfk__dev_parts *ps, const kfk_allocator *a, const kfk__dev_part *p)
{
    int32_t at = place(ps, &p->topic, p->index);

    if (at < ps->n && order(&ps->v[at], &p->topic, p->index) == 0)
        return true;
    if (!grow(ps, a, ps->n + 1))
        return false;
    memmove(&ps->v[at + 1], &ps->v[at], (size_t)(ps->n - at) * sizeof *ps->v);
    ps->v[at] = *p;
    ps->n++;
    return true;
}

void kfk__dev_parts_remove(kfk__dev_parts *ps, int32_t at)
{
    ps->n--;
    memmove(&ps->v[at], &ps->v[at + 1], (size_t)(ps->n - at) * sizeof *ps->v);
}

bool kfk__dev_parts_copy(kfk__dev_parts *to, const kfk_allocator *a, const kfk__dev_parts *from)
{
    if (!grow(to, a, from->n))
        return false;
    if (from->n)
        memcpy(to->v, from->v, (size_t)from->n * sizeof *to->v);
    to->n = from->n;
    return true;
}

bool kfk__dev_parts_same(const kfk__dev_parts *a, const kfk__dev_parts *b)
{
    if (a->n != b->n)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        if (order(&a->v[i], &b->v[i].topic, b->v[i].index) != 0)
            return false;
    return true;
}

int32_t kfk__dev_parts_run(const kfk__dev_parts *ps, int32_t at)
{
    int32_t n = 0;

    while (at + n < ps->n && kfk__uuid_equal(&ps->v[at].topic, &ps->v[at + n].topic))
        n++;
    return n;
}

int32_t kfk__dev_parts_topics(const kfk__dev_parts *ps)
{
    int32_t n = 0;

    for (int32_t i = 0; i < ps->n; i += kfk__dev_parts_run(ps, i))
        n++;
    return n;
}
