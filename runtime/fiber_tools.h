/* L2: what the sanitizers and valgrind must be told of fibers.  Nothing in a build without them, but for valgrind's
 * no-ops where its header was found: they are run when a fiber is made, not when one is switched to.
 *
 *   Callers   fiber.c alone.  fl_tools_leave is the last thing before the stack changes and fl_tools_arrive the first
 *             thing after: what runs in between belongs, to a tool, to neither fiber.
 *   Limits    ThreadSanitizer has room for about 8,000 threads and fibers in a process.
 *             LeakSanitizer looks for pointers on no stack of a suspended fiber: check for leaks when all have ended.
 *             AddressSanitizer's fake stacks (detect_stack_use_after_return) of pooled fibers are kept to the end. */
#ifndef FL_FIBER_TOOLS_H
#define FL_FIBER_TOOLS_H

#include "fiber.h"

#if defined __SANITIZE_ADDRESS__
#define FL_TOOLS_ASAN 1
#elif defined __SANITIZE_THREAD__
#define FL_TOOLS_TSAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define FL_TOOLS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FL_TOOLS_TSAN 1
#endif
#endif

#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define FL_TOOLS_VALGRIND 1
#endif
#endif

#if defined FL_TOOLS_TSAN
#include <sanitizer/tsan_interface.h>

enum { FL_TOOLS_MOST = 4000 };

static inline void fl_tools_native(struct fl_fiber *f)
{
    f->sanitizer = __tsan_get_current_fiber();
}

static inline void fl_tools_make(struct fl_fiber *f)
{
    f->sanitizer = __tsan_create_fiber(0);
}

static inline void fl_tools_forget(struct fl_fiber *f)
{
    __tsan_destroy_fiber(f->sanitizer);
}

static inline void fl_tools_leave(struct fl_fiber *from, struct fl_fiber *to)
{
    (void)from;
    __tsan_switch_to_fiber(to->sanitizer, 0); /* 0: what this thread did so far comes before what it does now */
}

static inline void fl_tools_arrive(struct fl_fiber *self, struct fl_fiber *before)
{
    (void)self;
    (void)before;
}

#elif defined FL_TOOLS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#define FL_TOOLS_MOST SIZE_MAX

/* The bounds of a thread's own stack are known to the tool, and learned from it by who runs after. */
static inline void fl_tools_native(struct fl_fiber *f)
{
    f->asan_low = NULL;
}

static inline void fl_tools_make(struct fl_fiber *f)
{
    f->asan_low = f->stack_low;
    f->asan_size = f->stack_size;
}

/* What its frames poisoned would hit whoever gets these addresses next. */
static inline void fl_tools_forget(struct fl_fiber *f)
{
    __asan_unpoison_memory_region(f->stack_low, f->stack_size);
}

static inline void fl_tools_leave(struct fl_fiber *from, struct fl_fiber *to)
{
    __sanitizer_start_switch_fiber(&from->sanitizer, to->asan_low, to->asan_size);
}

static inline void fl_tools_arrive(struct fl_fiber *self, struct fl_fiber *before)
{
    __sanitizer_finish_switch_fiber(self->sanitizer, &before->asan_low, &before->asan_size);
}

#else
#define FL_TOOLS_MOST SIZE_MAX

static inline void fl_tools_native(struct fl_fiber *f)
{
    (void)f;
}

static inline void fl_tools_make(struct fl_fiber *f)
{
#if defined FL_TOOLS_VALGRIND
    f->valgrind = VALGRIND_STACK_REGISTER(f->stack_low, f->stack_low + f->stack_size - 1);
#else
    (void)f;
#endif
}

static inline void fl_tools_forget(struct fl_fiber *f)
{
#if defined FL_TOOLS_VALGRIND
    VALGRIND_STACK_DEREGISTER(f->valgrind);
#else
    (void)f;
#endif
}

static inline void fl_tools_leave(struct fl_fiber *from, struct fl_fiber *to)
{
    (void)from;
    (void)to;
}

static inline void fl_tools_arrive(struct fl_fiber *self, struct fl_fiber *before)
{
    (void)self;
    (void)before;
}
#endif

#endif
