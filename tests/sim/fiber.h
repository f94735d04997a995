/* fiber: a stack that control can be switched to, and back. All of one OS thread.
 *
 * AddressSanitizer, ThreadSanitizer and valgrind are told of every switch. To ThreadSanitizer a
 * fiber is a thread, and a switch orders nothing: only what would order two threads does (hb.h). So
 * it finds the races between fibers, though no two ever run at once. */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

typedef struct fiber {
    ucontext_t ctx;
    void (*body)(void *arg);
    void *arg;
    void *map; /* the stack and, below it, a page that faults; NULL: the OS thread's own stack */
    const void *bottom; /* of the stack */
    size_t size;
    void *fake;   /* AddressSanitizer's */
    void *thread; /* ThreadSanitizer's */
    unsigned registered;
    bool ended;
} fiber;

/* A fiber that will run body(arg), which must not return but end in fiber_leave. |name| is for the
 * reports of tools. false: no memory. */
bool fiber_init(fiber *f, const char *name, void (*body)(void *arg), void *arg);
/* The OS thread as it is, to come back to. */
void fiber_init_here(fiber *f);
/* Not from |f| itself. What its frames own is lost. */
void fiber_fini(fiber *f);

/* |from| is the one that runs. Returns when something switches back to it. Keeps errno. */
void fiber_switch(fiber *from, fiber *to);
/* For the last time. */
_Noreturn void fiber_leave(fiber *from, fiber *to);

#endif
