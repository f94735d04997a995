#include "devbroker/fault.h"

#include "base/mem.h"

typedef struct rule {
    kfk__list link;
    kfk__dev_fault what;
    int64_t id, hits;
    int32_t skipped;
} rule;

void kfk__dev_faults_init(kfk__dev_faults *f)
{
    kfk__list_init(&f->rules);
    f->next_id = 1;
}

void kfk__dev_faults_clear(kfk__dev_faults *f, const kfk_allocator *a)
{
    for (kfk__list *i; (i = kfk__list_pop(&f->rules));)
        kfk__release(a, KFK__ENTRY(i, rule, link));
}

int64_t kfk__dev_faults_add(kfk__dev_faults *f, const kfk_allocator *a, const kfk__dev_fault *what)
{
    rule *r = kfk__zalloc(a, sizeof *r);

    if (!r)
        return 0;
    r->what = *what;
    r->id = f->next_id++;
    kfk__list_push(&f->rules, &r->link);
    return r->id;
}

static rule *find(const kfk__dev_faults *f, int64_t id)
{
    for (kfk__list *i = kfk__list_first(&f->rules); i; i = kfk__list_next(&f->rules, i))
        if (KFK__ENTRY(i, rule, link)->id == id)
            return KFK__ENTRY(i, rule, link);
    return NULL;
}

int64_t kfk__dev_faults_hits(const kfk__dev_faults *f, int64_t id)
{
    const rule *r = find(f, id);

    return r ? r->hits : -1;
}

int64_t kfk__dev_faults_remove(kfk__dev_faults *f, const kfk_allocator *a, int64_t id)
{
    rule *r = find(f, id);
    int64_t hits = r ? r->hits : -1;

    if (r)
        kfk__list_remove(&r->link);
    kfk__release(a, r);
    return hits;
}

static bool applies(rule *r, int16_t api, int32_t node)
{
    if (r->what.api != KFK__DEV_ANY && r->what.api != api)
        return false;
    if (r->what.node != KFK__DEV_ANY && r->what.node != node)
        return false;
    if (r->what.count >= 0 && r->hits >= r->what.count)
        return false;
    if (r->skipped >= r->what.skip)
        return true;
    r->skipped++;
    return false;
}

bool kfk__dev_faults_meet(kfk__dev_faults *f, int16_t api, int32_t node, kfk__dev_fault *out)
{
    for (kfk__list *i = kfk__list_first(&f->rules); i; i = kfk__list_next(&f->rules, i)) {
        rule *r = KFK__ENTRY(i, rule, link);

        if (!applies(r, api, node))
            continue;
        r->hits++;
        *out = r->what;
        return true;
    }
    return false;
}
