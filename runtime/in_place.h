/* L3: the waits of our threads that keep them where they are.
 *
 *   Purpose   A thread of ours waits in place where no fiber can be had, and where what waits stays on its stack: in a
 *             runtime whose tasks do not migrate, and inside a runtime where it had to go itself (filch_run).
 *   J5 While all threads of a runtime wait so, none would open what it is given, and that may be what they wait for.
 *      So each looks whether that is so, from time to time, and then makes a helper (slots.h); where that fails it
 *      opens a letter on top of its stack: the one exception from J4.  A letter that resumes a fiber cannot be opened
 *      there.  No order is needed but the lock's: others' states are hints, asked for again while the wait lasts.
 *   Checked   tests/unit/submit.c, tests/faults/calls.c (submissions), tests/stress/anything.c */
#ifndef FL_IN_PLACE_H
#define FL_IN_PLACE_H

#include "worker.h"

enum { FL_PATIENCE = 10000000 }; /* ns, of a thread that would rather not run anything on its stack */

/* True for a thread of ours, whatever runtime it is in. */
bool fl_is_ours(void);
/* On a thread of ours, which others see waiting meanwhile: calls wait(what) until it says that the wait is over.  wait
 * sleeps for at most FL_PATIENCE at a time.  May return on another thread if the fiber is not tied. */
void fl_in_place(bool (*wait)(void *what), void *what);

#endif
