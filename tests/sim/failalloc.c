#include "sim/failalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE UINT64_C(0x6c69766562796573)
#define JUNK 0xa5

/* Before every block. As long as keeps the block aligned for any type. */
typedef struct header {
    _Alignas(max_align_t) uint64_t mark;
    size_t size;
} header;

static header *header_of(void *p)
{
    header *h = (header *)p - 1;

    if (h->mark != LIVE) {
        (void)fprintf(stderr, "failalloc: release of what is not allocated\n");
        abort();
    }
    return h;
}

static bool fails(failalloc *f)
{
    unsigned long long call = atomic_fetch_add(&f->calls, 1) + 1;
    unsigned long long at = atomic_load(&f->fail_at);

    return at != 0 && (atomic_load(&f->fail_on) ? call >= at : call == at);
}

static void *hand_out(failalloc *f, header *h, size_t n)
{
    h->mark = LIVE;
    h->size = n;
    (void)atomic_fetch_add(&f->blocks, 1);
    (void)atomic_fetch_add(&f->bytes, n);
    return h + 1;
}

static void take_back(failalloc *f, header *h)
{
    h->mark = 0;
    (void)atomic_fetch_sub(&f->blocks, 1);
    (void)atomic_fetch_sub(&f->bytes, h->size);
}

static void *do_alloc(void *ctx, size_t n)
{
    header *h = fails(ctx) || n > SIZE_MAX - sizeof *h ? NULL : malloc(sizeof *h + n);

    if (!h)
        return NULL;
    memset(h, JUNK, sizeof *h + n);
    return hand_out(ctx, h, n);
}

static void do_release(void *ctx, void *p)
{
    header *h;

    if (!p)
        return;
    h = header_of(p);
    take_back(ctx, h);
    free(h);
}

/* Always moves, as nobody may count on the contrary. */
static void *do_resize(void *ctx, void *p, size_t n)
{
    size_t old = p ? header_of(p)->size : 0;
    void *moved = do_alloc(ctx, n);

    if (!moved)
        return NULL;
    if (p)
        memcpy(moved, p, old < n ? old : n);
    do_release(ctx, p);
    return moved;
}

void failalloc_init(failalloc *f)
{
    memset(f, 0, sizeof *f);
}

kfk_allocator failalloc_allocator(failalloc *f)
{
    kfk_allocator a = {do_alloc, do_resize, do_release, f};

    return a;
}

static void fail(failalloc *f, uint64_t nth, bool on)
{
    atomic_store(&f->calls, 0);
    atomic_store(&f->fail_at, nth);
    atomic_store(&f->fail_on, on);
}

void failalloc_fail_once(failalloc *f, uint64_t nth)
{
    fail(f, nth, false);
}

void failalloc_fail_from(failalloc *f, uint64_t nth)
{
    fail(f, nth, true);
}

bool failalloc_failed(const failalloc *f)
{
    unsigned long long at = atomic_load(&f->fail_at);

    return at != 0 && atomic_load(&f->calls) >= at;
}

uint64_t failalloc_calls(const failalloc *f)
{
    return atomic_load(&f->calls);
}

uint64_t failalloc_blocks(const failalloc *f)
{
    return atomic_load(&f->blocks);
}

uint64_t failalloc_bytes(const failalloc *f)
{
    return atomic_load(&f->bytes);
}
