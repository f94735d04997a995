#include "sim/fiber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

/* SIM_TSAN: the rest is compiled with ThreadSanitizer, this file is not. */
#if defined(SIM_TSAN)
#include <sanitizer/tsan_interface.h>
#define HAS_TSAN 1
#else
#define HAS_TSAN 0
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define HAS_VALGRIND 1
#else
#define HAS_VALGRIND 0
#endif

/* Touched pages are all that it costs. Sanitizers make frames several times as large. */
#define STACK_BYTES ((size_t)1 << 20)

/* The two of the switch that is under way, for the side that arrives. */
static fiber *came_from;
static fiber *going_to;

/* ---- telling the tools ---- */

static void tell_start(fiber *from, fiber *to)
{
    came_from = from;
    going_to = to;
#if HAS_ASAN
    __sanitizer_start_switch_fiber(from->ended ? NULL : &from->fake, to->bottom, to->size);
#endif
#if HAS_TSAN
    __tsan_switch_to_fiber(to->thread, __tsan_switch_to_fiber_no_sync);
#endif
}

/* The OS thread's stack is known to us from here only: as the one that was left. */
static void tell_finish(fiber *self)
{
#if HAS_ASAN
    __sanitizer_finish_switch_fiber(self->fake, &came_from->bottom, &came_from->size);
#else
    (void)self;
#endif
}

static void tell_new(fiber *f, const char *name)
{
#if HAS_TSAN
    f->thread = __tsan_create_fiber(0);
    __tsan_set_fiber_name(f->thread, name);
#endif
#if HAS_VALGRIND
    f->registered = VALGRIND_STACK_REGISTER(f->bottom, (const char *)f->bottom + f->size);
#endif
    (void)f;
    (void)name;
}

static void tell_gone(fiber *f)
{
#if HAS_TSAN
    __tsan_destroy_fiber(f->thread);
#endif
#if HAS_VALGRIND
    VALGRIND_STACK_DEREGISTER(f->registered);
#endif
    (void)f;
}

/* ---- fibers ---- */

static size_t guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void enter(void)
{
    fiber *self = going_to;

    tell_finish(self);
    self->body(self->arg);
    abort();
}

bool fiber_init(fiber *f, const char *name, void (*body)(void *arg), void *arg)
{
    size_t guard = guard_bytes();
    char *map = mmap(NULL, guard + STACK_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED)
        return false;
    memset(f, 0, sizeof *f);
    f->map = map;
    f->bottom = map + guard;
    f->size = STACK_BYTES;
    f->body = body;
    f->arg = arg;
    if (mprotect(map, guard, PROT_NONE) < 0 || getcontext(&f->ctx) < 0) {
        (void)munmap(map, guard + STACK_BYTES);
        return false;
    }
    f->ctx.uc_stack.ss_sp = map + guard;
    f->ctx.uc_stack.ss_size = STACK_BYTES;
    f->ctx.uc_link = NULL;
    makecontext(&f->ctx, enter, 0);
    f->ctx.uc_stack.ss_size =
        0; /* or AddressSanitizer wipes its notes of the stack at every switch */
    tell_new(f, name);
    return true;
}

void fiber_init_here(fiber *f)
{
    memset(f, 0, sizeof *f);
#if HAS_TSAN
    f->thread = __tsan_get_current_fiber();
#endif
}

void fiber_fini(fiber *f)
{
    if (!f->map)
        return;
    tell_gone(f);
    (void)munmap(f->map, guard_bytes() + STACK_BYTES);
    f->map = NULL;
}

void fiber_switch(fiber *from, fiber *to)
{
    int saved = errno; /* is a thread's own */

    tell_start(from, to);
    (void)swapcontext(&from->ctx, &to->ctx);
    tell_finish(from);
    errno = saved;
}

_Noreturn void fiber_leave(fiber *from, fiber *to)
{
    from->ended = true;
    tell_start(from, to);
    (void)setcontext(&to->ctx);
    abort();
}
