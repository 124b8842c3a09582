/* What a runtime has done, and does.  Counted in slow paths only: a task that nobody stole is not counted anywhere. */
#ifndef FILCH_STATS_H
#define FILCH_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime.h"

#if defined __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* name, what it counts */
#define FILCH_COUNTERS(X)                                                                                             \
    X(steals, "tasks taken from others and run here")                                                                 \
    X(lost, "steals that another thief, or the owner, won")                                                           \
    X(requests, "times that it asked another for work")                                                               \
    X(publications, "times that it made tasks public")                                                                \
    X(published, "tasks made public")                                                                                 \
    X(take_backs, "times that it made public tasks private again")                                                    \
    X(forced, "of its private tasks, those taken by force while it ran a long function")                              \
    X(suspensions, "syncs that had to wait: the task was stolen and not done")                                        \
    X(already_done, "of these, found the task done after all, and went on at once")                                   \
    X(resumptions, "suspended syncs that went on here")                                                               \
    X(migrations, "of these, suspended on another worker")                                                            \
    X(mailed, "waiting threads of the user, called as the task ended here")                                           \
    X(in_place, "syncs that blocked their worker for want of a fiber")                                                \
    X(reused, "slots of stolen tasks given back")                                                                     \
    X(unordered, "syncs in another order than last spawned, first synced")                                            \
    X(at_spawn, "tasks that ran at their spawn for want of room")                                                     \
    X(parkings, "times that it fell asleep")                                                                          \
    X(cancelled, "times that it was about to, and saw work")                                                          \
    X(wake_ups, "times that somebody woke it")                                                                        \
    X(ticks, "times that it woke by itself, to watch")

struct filch_counters {
    size_t size;       /* set by the caller: sizeof(struct filch_counters) */
    const char *state; /* what the worker does now, in static storage; NULL in a sum */
#define FILCH_DETAIL_COUNTER(name, what) uint64_t name;
    FILCH_COUNTERS(FILCH_DETAIL_COUNTER)
#undef FILCH_DETAIL_COUNTER
};

enum { FILCH_ALL_WORKERS = -1 };

/* Fills *out with the counts of one worker slot since the runtime's start, or of FILCH_ALL_WORKERS their sum.  Slots
 * behind filch_num_workers are those of further threads inside filch_run.  From any thread; while tasks run, the
 * counters are not of one moment.  Cost: a lock, and a cache line or three of each worker.
 * FILCH_EINVAL: out is NULL, its size is too small, or there is no such worker.  FILCH_ESTOPPED: rt, or for
 * NULL the default runtime, does not run. */
int filch_stats(filch_runtime *rt, int worker, struct filch_counters *out);

/* out is not NULL.  Writes a page of text about every runtime of the process: for each worker its state, the task that
 * it runs and its counters; the fibers in use and the suspended syncs.  For people, the format may change.  From any
 * thread, also from a debugger (`call filch_dump(stderr)`) of a program that hangs: it waits for no lock.  No runtime
 * may be stopped meanwhile by another thread that goes on. */
void filch_dump(FILE *out);

#pragma GCC visibility pop
#if defined __cplusplus
}
#endif
#endif
