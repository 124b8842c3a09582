/* Threads of the modelled program as fibers.
 *
 *   Differs   from ucontext alone: makecontext makes each fiber once, _setjmp and _longjmp switch, because swapcontext
 *             makes a system call each time.  A fiber's base frame never returns, so a thread that an execution left
 *             in the middle is restarted by a jump to the base.
 *   Callers   mc_search.c; one OS thread.  Not for sanitizers, which know nothing of these stacks. */
#undef _FORTIFY_SOURCE /* its longjmp refuses to change stacks */
#define _GNU_SOURCE 1

#include "mc_internal.h"

#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

enum { STACK_SIZE = 128 * 1024 };

struct fiber {
    jmp_buf base;
    jmp_buf here;
    bool made;
    bool fresh; /* starts at its base */
};

static struct fiber fibers[MC_THREADS];
static jmp_buf controller;
static _Alignas(64) char stacks[MC_THREADS][STACK_SIZE];

static void fiber_base(void)
{
    (void)_setjmp(fibers[mc.self].base);
    mc_thread_main();
}

static void fiber_make(struct fiber *f)
{
    ucontext_t context;

    if (getcontext(&context) != 0)
        abort();
    context.uc_stack.ss_sp = stacks[f - fibers];
    context.uc_stack.ss_size = STACK_SIZE;
    context.uc_link = NULL;
    f->made = true;
    makecontext(&context, fiber_base, 0);
    setcontext(&context);
    abort();
}

void mc_fiber_restart(int thread)
{
    fibers[thread].fresh = true;
}

_Noreturn void mc_fiber_leave(int to)
{
    mc.self = to;
    if (to == MC_NOBODY)
        _longjmp(controller, 1);

    struct fiber *f = &fibers[to];
    bool fresh = f->fresh;
    f->fresh = false;
    if (fresh && !f->made)
        fiber_make(f);
    _longjmp(fresh ? f->base : f->here, 1);
}

void mc_fiber_switch(int from, int to)
{
    if (_setjmp(from == MC_NOBODY ? controller : fibers[from].here) == 0)
        mc_fiber_leave(to);
}
