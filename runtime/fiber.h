/* L2: fibers: stacks that a thread can leave and another can go on with.
 *
 *   Purpose   A fiber is a saved stack, the deque of what runs on it, and what travels with it: the callee-saved
 *             registers, MXCSR and the x87 control word (FPCR on aarch64), the C++ exception globals.
 *   Callers   fl_fiber_switch: the thread that runs `from`.  fl_fibers_*: any thread.
 *   Lifetime  A fiber's memory is never unmapped while its runtime lives (type-stable): thieves may look at the deque
 *             of a pooled one.  Only the pages of a pooled stack may go back to the kernel.
 *
 *   B1 A fiber is resumed only after the switch away from it is complete (the next fiber says so, join.c).
 *   B2 Nothing that the compiler may have derived from the thread's identity is used across fl_fiber_switch: callers
 *      reach thread-local storage through calls that the compiler cannot look into.
 *   Stays     with the thread: thread-local storage and errno, the signal mask, status flags of floating point.
 *   Cost      a switch 10 ns on x86-64, 500 ns by ucontext; a suspended fiber two pages and two page tables, 16 kB.
 *   Debugger  set $pc to &fl_switch_resumed and $sp to fiber->sp: its frames are those of the suspended fiber.
 *   Checked   tests/unit/fiber.c, fiber_memory.c, fiber_cxx.cpp, tests/cross/fiber.sh */
#ifndef FL_FIBER_H
#define FL_FIBER_H

#include <pthread.h>

#include "deque.h"

/* __cxa_eh_globals of the C++ ABI. */
struct fl_exceptions {
    void *caught;
    unsigned uncaught;
};

struct fl_fiber {
    _Alignas(FL_CACHE_LINE) struct fl_waiter waiter; /* first: a slot's word leads here (deque.h) */
    struct fl_deque *deque;  /* set by who makes the fiber; of a thread's own stack: its worker slot's */
    void *tied;              /* the worker whose thread's own stack this is; NULL: a stack of ours, runs anywhere */
    struct fl_fiber *next;   /* in a pool, its owner's */
    struct fl_fiber *behind; /* the fibers left behind (idle.h), guarded by that list's lock */
    struct fl_fiber *before;
    void *sp;                        /* while switched away: the saved stack pointer */
    struct fl_exceptions exceptions; /* while switched away, where there is a C++ runtime */
    char *stack_low;                 /* lowest usable byte; NULL: a thread's own stack */
    size_t stack_size;               /* usable bytes */
    char *guard;                     /* the guard page, or NULL */
    void *sanitizer;                 /* ThreadSanitizer's fiber, or AddressSanitizer's fake stack */
    const void *asan_low;            /* bounds for AddressSanitizer */
    size_t asan_size;
    void (*entry)(void); /* runs on the fiber's first switch-to; never returns */
    unsigned valgrind;   /* its number of the stack */
};

/* The fibers of a runtime: allocation, pool, limits.  Freed fibers keep their deque. */
struct fl_fibers {
    pthread_mutex_t lock;
    struct fl_fiber *pool; /* not in use; guarded by lock, as all below */
    size_t pooled;
    size_t keep; /* pooled stacks that keep their pages */
    size_t made; /* ever */
    size_t most; /* refuse where the process has so many; 0: not asked for yet, fl_fibers_most */
    size_t in_use, peak;
    size_t stack_bytes, deque_slots;
    void (*entry)(void);
    uintptr_t control;     /* floating point's, with which fibers begin: of who called fl_fibers_init */
    size_t stride;         /* bytes of a fiber, with its guard page and deque */
    struct fl_slab *slabs; /* list of what was mapped, the current one first */
};

/* stack_bytes is rounded up to pages.  Maps nothing. */
void fl_fibers_init(struct fl_fibers *f, size_t stack_bytes, size_t deque_slots, void (*entry)(void));
/* Address space for a new fiber, which is what may well not be had: false.  To make one takes twice as long. */
bool fl_fibers_reserve(struct fl_fibers *f);
/* fl_os_most_stacks(), fewer under a sanitizer, or a test's.  f's lock is held, or nobody else uses f. */
size_t fl_fibers_most(struct fl_fibers *f);
/* No fiber of f runs or will run: unmaps all. */
void fl_fibers_destroy(struct fl_fibers *f);
/* A fiber that is switched away: either new (its first switch-to calls f->entry) or put back before (it goes on where
 * it switched away).  NULL: no memory, or the limit is reached. */
struct fl_fiber *fl_fibers_get(struct fl_fibers *f);
/* The fiber must be switched away (B1), its deque idle. */
void fl_fibers_put(struct fl_fibers *f, struct fl_fiber *fiber);

/* A thread's own stack as a fiber; call it on that thread. */
void fl_fiber_init_native(struct fl_fiber *fiber, struct fl_deque *deque, void *tied);
void fl_fiber_end_native(struct fl_fiber *fiber);

/* Leaves `from`, which is running here, and goes on in `to`.  Returns when somebody switches back to `from`, perhaps
 * on another thread. */
void fl_fiber_switch(struct fl_fiber *from, struct fl_fiber *to);

#endif
