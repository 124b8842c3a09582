/* L3: misuse of tasks, seen and named.
 *
 *   Purpose   In every build: a sync of what does not wait here, and a stolen task, filch_run or thread that ends
 *             with a task unsynced.  In code compiled with FILCH_CHECK: each spawn and sync looks, and each task that a
 *             sync has called.  docs/misuse.md lists all of it with its sentences.
 *   Callers   The thread that runs the fiber.
 *
 *   M1 A task whose object lies on this stack below the frame that spawns or syncs now belongs to a call that has
 *      returned.  Both addresses must lie in the bounds of one stack, so code that switches stacks of its own, and
 *      tasks that lie elsewhere, are left in peace.
 *   M2 The number of a deque's unsynced tasks is the same before and after a task that a sync calls.
 *   Sound     What M1 and M2 find is misuse for sure.  Not found: a task left by a function that was inlined, until the
 *             task around it returns (M2); one that ran at its spawn, which nobody misses.
 *   Checked   tests/misuse/unsynced.c, mixed.c */
#ifndef FL_CHECK_H
#define FL_CHECK_H

#include "worker.h"

/* A sync of t, which does not wait here.  Names t if it is sure to be a task, else the one that this worker runs. */
__attribute__((cold, noreturn)) void fl_check_sync_failed(const struct filch_detail_task *t);
/* d, this fiber's deque, has an unsynced task at the end of `call`, which is of a task of that site, or NULL. */
__attribute__((cold, noreturn)) void fl_check_left(const char *call, const filch_site *site, struct fl_deque *d);
/* The site of the unsynced task of d that was spawned last, or NULL if it is not known. */
const filch_site *fl_check_unsynced_site(struct fl_deque *d);

#endif
