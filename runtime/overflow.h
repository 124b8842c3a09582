/* L3: a sentence instead of a bare segmentation fault when a fiber's stack overflows, if the user asks for it.
 *
 *   Purpose   A SIGSEGV handler on an alternate stack: if the address lies in the guard page of the fiber that this
 *             thread runs, it names the task and the worker.  Then, and for any other address, the handler that was
 *             there before decides.
 *   Callers   start, stop: one who starts or stops a runtime.  enter, leave: each thread that works in a slot.
 *   Lifetime  The handler is there while a runtime that asked for it runs.  If somebody else has put theirs in front
 *             of it meanwhile, it stays, and only passes on.
 *   Checked   tests/unit/overflow.c */
#ifndef FL_OVERFLOW_H
#define FL_OVERFLOW_H

#include <stdbool.h>

void fl_overflow_start(void);
void fl_overflow_stop(void);

/* Around a fork: a child has the handler, and nobody who wants it. */
void fl_overflow_hold(void);
void fl_overflow_let_go(void);
void fl_overflow_forget(void);

/* What a thread gives back in the end: its alternate stack, or NULL if it had one, or there is no memory. */
void *fl_overflow_enter(void);
void fl_overflow_leave(void *stack);

#endif
