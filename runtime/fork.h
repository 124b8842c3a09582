/* L3: the child of a fork.
 *
 *   Purpose   A child has one thread, the one that forked.  If that was outside tasks, it begins anew: its first
 *             spawn or filch_start makes it a runtime of its own.  If it was inside one, frames of the child wait for
 *             tasks that only the parent runs: what it asks of filch ends it with a sentence.
 *   Outside   No task of the forking thread is unsynced, and it is on its own stack.  A task that was called at its
 *             sync, while no other is unsynced, is outside, too: nothing of it is missing in the child.
 *   Callers   fl_fork_watch: everybody who takes the default's lock, before.  fl_fork_check: slow paths only.
 *
 *   Fork      A1 prepare: takes the default's lock, then of each runtime its own, its fibers', that of the fibers left
 *                behind and its inbox's, last overflow's.  So what they guard is whole in the child, whoever was at it.
 *             A2 parent: gives them back.
 *             A3 child: gives them back, gives this thread its mask and signal stack back, points it to the deque
 *                without room, where the next spawn or sync traps, and disowns the runtimes: their memory goes, unless
 *                frames of this thread lie in it, but for struct filch_runtime, by which they are known again.
 *   Order     But for prepare, nobody takes the default's lock while he holds another, nor two runtimes' locks.
 *   Not       vfork, posix_spawn and _Fork call no handlers.  Handlers of the user's that call filch would wait for
 *             A1's locks.  A runtime that another thread was just starting is lost in the child, with its memory.
 *   Checked   tests/unit/fork.c, tests/misuse/fork.c, tests/stress/fork.c */
#ifndef FL_FORK_H
#define FL_FORK_H

#include "worker.h"

/* Registers the handlers, once.  Unlike a constructor it costs nobody anything who does not use filch.  They go when
 * this library is unloaded. */
void fl_fork_watch(void);

/* This process is the child of a fork inside a task: the worker's id + 1, else 0.  Written by the child's first thread
 * while there is no other. */
extern int fl_forked_inside;
__attribute__((cold, noreturn)) void fl_fork_misuse(const char *call, const filch_site *site);

/* rt is one of the process that forked this one, and left there.  Reads no byte of *rt. */
bool fl_fork_left(const struct filch_runtime *rt);

/* call, with a task of that site or NULL, is not for the child of a fork inside a task. */
static inline void fl_fork_check(const char *call, const filch_site *site)
{
    if (FL_UNLIKELY(fl_forked_inside))
        fl_fork_misuse(call, site);
}

#endif
