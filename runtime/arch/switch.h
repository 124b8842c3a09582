/* L0: leaving one stack and going on on another.  One of x86_64/, aarch64/ and ucontext/ is linked.
 *
 *   Saved     callee-saved registers and the control words of floating point (their status flags belong to nobody
 *             across a call).  Not the signal mask: it stays with the thread.
 *   Unwinding The first frame of a stack says that it is the first.  Where somebody is switched away, fl_switch_resumed
 *             is its program counter and what was saved its stack pointer: a debugger that sets both walks its frames.
 *   Shadow    stacks (x86 CET) and branch targets (aarch64 BTI): an object that does not say it can do with them
 *             switches them off for its program.  These say nothing. */
#ifndef FL_ARCH_SWITCH_H
#define FL_ARCH_SWITCH_H

#include <stddef.h>
#include <stdint.h>

/* Which of the three this is. */
extern const char fl_switch_name[];

/* Saves where the caller stands in *from and goes on at `to`.  Returns when somebody goes on at *from; the result is
 * what that one passed. */
void *fl_switch(void **from, void *to, void *pass);

/* A stack that ends at `top`, aligned to 16 bytes: what to switch to for the first time.  There begin is called with
 * self and with what the switch passed; it never returns.  control: of fl_switch_control. */
void *fl_switch_prepare(char *top, void (*begin)(void *self, void *passed), void *self, uintptr_t control);

/* The calling thread's floating point control, for stacks that begin with it.  Free it when they are gone. */
uintptr_t fl_switch_control(void);
void fl_switch_control_free(uintptr_t control);

/* Below what fl_switch saved a suspended stack may have this much more in use: a red zone, or the rest of a frame. */
enum { FL_SWITCH_BELOW = 1024 };

#endif
