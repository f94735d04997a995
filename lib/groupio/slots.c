#include "groupio/slots.h"

#include "base/bytes.h"

void kfk__slots_init(kfk__slots *s, const kfk_allocator *a)
{
    *s = (kfk__slots){0};
    kfk__arena_init(&s->arena, a);
}

void kfk__slots_clear(kfk__slots *s)
{
    for (int32_t i = 0; i < s->n; i++)
        while (kfk__list_pop(&s->v[i].entries) != NULL)
            ;
    s->v = NULL;
    s->topics = NULL;
    s->n = s->n_topics = s->next = 0;
    kfk__arena_reset(&s->arena);
}

void kfk__slots_fini(kfk__slots *s)
{
    kfk__slots_clear(s);
    kfk__arena_fini(&s->arena);
}

/* ---- order: by topic and partition; stable, so that among equals the oldest is first ---- */

static int compare_topics(const kfk__offset_entry *a, const kfk__offset_entry *b)
{
    return a->tp->topic == b->tp->topic ? 0 : strcmp(a->tp->topic, b->tp->topic);
}

static bool comes_after(const kfk__offset_entry *a, const kfk__offset_entry *b)
{
    int order = compare_topics(a, b);

    return order ? order > 0 : a->tp->partition > b->tp->partition;
}

/* Two runs, [0, mid) and [mid, n), into one. */
static void merge(kfk__offset_entry **from, size_t mid, size_t n, kfk__offset_entry **to)
{
    size_t a = 0, b = mid;

    for (size_t i = 0; i < n; i++)
        to[i] = a < mid && (b == n || !comes_after(from[a], from[b])) ? from[a++] : from[b++];
}

/* The C library's qsort is not stable, and may allocate for itself. */
static void sort(kfk__offset_entry **v, kfk__offset_entry **space, size_t n)
{
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            size_t len = n - at < 2 * run ? n - at : 2 * run;

            merge(v + at, run < len ? run : len, len, space + at);
        }
        memcpy(v, space, n * sizeof *v);
    }
}

/* ---- slots ---- */

/* How many of the |n| entries, all of one partition, a slot takes. */
static size_t reach(kfk__offset_entry **v, size_t n)
{
    while (n > 0 && (!v[n - 1]->of->ready || v[n - 1]->overtaken))
        n--;
    return n;
}

static size_t same_partition(kfk__offset_entry **v, size_t n)
{
    size_t k = 1;

    while (k < n && !comes_after(v[k], v[0]))
        k++;
    return k;
}

/* The topic of the next slot; NULL: no memory. */
static kfk__slot_topic *topic_for(kfk__slots *s, const char *name)
{
    kfk__slot_topic *t = s->n_topics > 0 ? &s->topics[s->n_topics - 1] : NULL;
    size_t len = strlen(name);
    char *copy;

    if (t && kfk__bytes_equal(t->name, kfk__bytes(name, len)))
        return t;
    copy = kfk__arena_alloc(&s->arena, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, name, len + 1);
    t = &s->topics[s->n_topics++];
    *t = (kfk__slot_topic){.name = kfk__bytes(copy, len), .slots = &s->v[s->n]};
    return t;
}

static bool add_slot(kfk__slots *s, kfk__offset_entry **v, size_t n)
{
    kfk__slot_topic *t = topic_for(s, v[0]->tp->topic);
    kfk__slot *slot = &s->v[s->n];

    if (!t)
        return false;
    *slot = (kfk__slot){.partition = v[0]->tp->partition};
    kfk__list_init(&slot->entries);
    for (size_t i = 0; i < n; i++) {
        v[i]->newest = i == n - 1;
        kfk__list_push(&slot->entries, &v[i]->link);
    }
    s->n++;
    t->n++;
    return true;
}

kfk_err kfk__slots_fill(kfk__slots *s, kfk__offset_entry **v, size_t n)
{
    kfk__offset_entry **space;
    bool ok;

    kfk__slots_clear(s);
    space = kfk__arena_alloc(&s->arena, (n + 1) * sizeof(kfk__offset_entry *));
    s->v = kfk__arena_alloc(&s->arena, (n + 1) * sizeof *s->v);
    s->topics = kfk__arena_alloc(&s->arena, (n + 1) * sizeof *s->topics);
    ok = space && s->v && s->topics;
    if (ok)
        sort(v, space, n);
    for (size_t at = 0, len; ok && at < n; at += len) {
        size_t covered;

        len = same_partition(v + at, n - at);
        covered = reach(v + at, len);
        ok = covered == 0 || add_slot(s, v + at, covered);
    }
    if (ok)
        return KFK_OK;
    kfk__slots_clear(s);
    return KFK_ERR_NOMEM;
}

bool kfk__slots_know_ids(kfk__slots *s, const kfk__metadata *m)
{
    bool all = true;

    for (int32_t i = 0; i < s->n_topics; i++) {
        kfk__slot_topic *t = &s->topics[i];
        const kfk__topic_info *info = kfk__metadata_find(m, t->name.data, t->name.len);

        t->id = info ? info->id : (kfk__uuid){{0}};
        all = all && !kfk__uuid_is_zero(&t->id);
    }
    return all;
}

/* ---- finding ---- */

static kfk__slot_topic *find_topic(kfk__slots *s, kfk_bytes name, const kfk__uuid *id)
{
    for (int32_t i = 0; i < s->n_topics; i++) {
        int32_t at = (s->next + i) % s->n_topics;
        kfk__slot_topic *t = &s->topics[at];

        if (id ? !kfk__uuid_equal(&t->id, id) : !kfk__bytes_equal(t->name, name))
            continue;
        s->next = at;
        return t;
    }
    return NULL;
}

kfk__slot *kfk__slots_find(kfk__slots *s, kfk_bytes name, const kfk__uuid *id, int32_t partition)
{
    kfk__slot_topic *t = find_topic(s, name, id);
    int32_t from = 0, to = t ? t->n : 0;

    while (from < to) {
        int32_t mid = from + (to - from) / 2;

        if (t->slots[mid].partition == partition)
            return &t->slots[mid];
        if (t->slots[mid].partition < partition)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}
