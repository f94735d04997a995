/* hb: what ThreadSanitizer has to be told, since the simulator's parts are compiled without it
 * (they are all fibers at once). Nothing in other builds.
 *
 * sim_hb_release and then sim_hb_acquire of the same address: what came before the one happens
 * before what comes after the other. Between sim_hb_quiet_begin and _end (they nest) a fiber's own
 * accesses, the allocator's and memcpy's, which are seen all the same, are not looked at. */
#ifndef SIM_HB_H
#define SIM_HB_H

#ifdef SIM_TSAN
#define SIM_HB_TOLD 1
#else
#define SIM_HB_TOLD 0
#endif

/* Of ThreadSanitizer. */
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

extern int sim_hb_depth; /* of quiet_begins of the fiber that runs */

static inline void sim_hb_acquire(void *addr)
{
    if (SIM_HB_TOLD)
        __tsan_acquire(addr);
}

static inline void sim_hb_release(void *addr)
{
    if (SIM_HB_TOLD)
        __tsan_release(addr);
}

static inline void sim_hb_quiet_begin(void)
{
    if (SIM_HB_TOLD && sim_hb_depth++ == 0) {
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
}

static inline void sim_hb_quiet_end(void)
{
    if (SIM_HB_TOLD && --sim_hb_depth == 0) {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    }
}

/* Around a switch: to ThreadSanitizer quiet belongs to the fiber, and one that never comes back
 * must not be left with it. */
static inline int sim_hb_quiet_pause(void)
{
    int depth = sim_hb_depth;

    if (depth > 0) {
        sim_hb_depth = 1;
        sim_hb_quiet_end();
    }
    return depth;
}

static inline void sim_hb_quiet_resume(int depth)
{
    if (depth > 0) {
        sim_hb_quiet_begin();
        sim_hb_depth = depth;
    }
}

#endif
