#include "membership/tips.h"

#include <string.h>

#include "base/mem.h"
#include "membership/order.h"

void kfk__tips_init(kfk__tips *t, const kfk_allocator *a)
{
    *t = (kfk__tips){.alloc = a};
}

void kfk__tips_fini(kfk__tips *t)
{
    kfk__release(t->alloc, t->v);
    kfk__tips_init(t, t->alloc);
}

void kfk__tips_clear(kfk__tips *t)
{
    t->n = 0;
}

bool kfk__tips_add(kfk__tips *t, const kfk__tip *tip)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        kfk__tip *v = kfk__array(t->alloc, t->v, cap, sizeof *v);

        if (!v)
            return false;
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n++] = *tip;
    return true;
}

static int compare(const kfk__tip *a, const kfk__tip *b)
{
    int order = memcmp(a->topic.b, b->topic.b, sizeof a->topic.b);

    return order ? order : a->partition < b->partition ? -1 : a->partition > b->partition;
}

static int order(const void *a, const void *b)
{
    return compare(a, b);
}

void kfk__tips_sort(kfk__tips *t)
{
    size_t kept = 0;

    kfk__order_in_place(t->v, t->n, sizeof *t->v, order);
    for (size_t i = 0; i < t->n; i++)
        if (kept == 0 || compare(&t->v[kept - 1], &t->v[i]) != 0)
            t->v[kept++] = t->v[i];
    t->n = kept;
}

/* The first that is not before |tip|, or n. */
static size_t find(const kfk__tips *t, const kfk__tip *tip)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (compare(&t->v[mid], tip) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

bool kfk__tips_has(const kfk__tips *t, const kfk__tip *tip)
{
    size_t at = find(t, tip);

    return at < t->n && compare(&t->v[at], tip) == 0;
}

bool kfk__tips_has_topic(const kfk__tips *t, const kfk__uuid *topic)
{
    kfk__tip first = {*topic, INT32_MIN};
    size_t at = find(t, &first);

    return at < t->n && kfk__uuid_equal(&t->v[at].topic, topic);
}

bool kfk__tips_equal(const kfk__tips *a, const kfk__tips *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (compare(&a->v[i], &b->v[i]) != 0)
            return false;
    return true;
}

size_t kfk__tips_run(const kfk__tips *t, size_t at)
{
    size_t end = at;

    while (end < t->n && kfk__uuid_equal(&t->v[end].topic, &t->v[at].topic))
        end++;
    return end;
}

void kfk__tips_move(kfk__tips *to, kfk__tips *from)
{
    kfk__release(to->alloc, to->v);
    *to = *from;
    kfk__tips_init(from, from->alloc);
}
