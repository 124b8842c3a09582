/* Any machine whose libc has <ucontext.h>.  See ../switch.h.
 *
 *   Cost      two system calls a switch, for the signal mask: getcontext reads it, setcontext writes it.  (swapcontext
 *             would do both in one, but carries the mask along: a fiber of a user's thread would take its mask to a
 *             worker, which is not to be interrupted.) */
#define _GNU_SOURCE
#include "../switch.h"

#include <fenv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

#if defined __clang__
#define IN_FRAME __attribute__((noinline, no_sanitize("address", "thread")))
#else
#define IN_FRAME __attribute__((noinline, no_sanitize_address, no_sanitize_thread))
#endif

const char fl_switch_name[] = "ucontext";

/* Somebody who is switched away.  It lies in its own stack: in fl_switch's frame, or on the top of a new one. */
struct away {
    ucontext_t context;
    void *passed;
    volatile bool resumed;
};

struct start {
    struct away away; /* first: what fl_switch goes on at */
    void (*begin)(void *self, void *passed);
    void *self;
    const fenv_t *control;
};

/* IN_FRAME: AddressSanitizer may move locals to the heap, and then `from` would say nothing of the stack. */
IN_FRAME void *fl_switch(void **from, void *to, void *pass)
{
    struct away here;
    here.resumed = false;
    if (getcontext(&here.context) != 0)
        abort(); /* it fails for a bad mask address only */
    if (!here.resumed) {
        struct away *there = to;
        here.resumed = true;
        there->passed = pass;
        there->context.uc_sigmask = here.context.uc_sigmask; /* the thread's */
        *from = &here;
        (void)setcontext(&there->context);
        abort();
    }
    return here.passed;
}

/* makecontext passes ints. */
static void begins(unsigned high, unsigned low)
{
    struct start *s = (struct start *)((uintptr_t)high << 16 << 16 | low);
    if (s->control)
        (void)fesetenv(s->control);
    s->begin(s->self, s->away.passed);
    abort();
}

void *fl_switch_prepare(char *top, void (*begin)(void *self, void *passed), void *self, uintptr_t control)
{
    /* makecontext wants the lower end of the stack, uses only the upper one and touches a few words there */
    enum { ASSUMED = 4096 };
    uintptr_t address = ((uintptr_t)top - sizeof(struct start)) / 64 * 64;
    struct start *s = (struct start *)address;
    if (getcontext(&s->away.context) != 0)
        abort();
    s->away.context.uc_stack.ss_sp = (char *)s - ASSUMED;
    s->away.context.uc_stack.ss_size = ASSUMED;
    s->away.context.uc_link = NULL;
    s->begin = begin;
    s->self = self;
    s->control = (const fenv_t *)control;
    makecontext(&s->away.context, (void (*)(void))begins, 2, (unsigned)(address >> 16 >> 16), (unsigned)address);
    return s;
}

uintptr_t fl_switch_control(void)
{
    fenv_t *control = malloc(sizeof *control);
    if (control)
        (void)fegetenv(control);
    return (uintptr_t)control; /* none: a new stack begins with what its maker has */
}

void fl_switch_control_free(uintptr_t control)
{
    free((void *)control);
}
