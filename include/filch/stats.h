/* Counters of a runtime, summed over its worker slots.  They are kept in slow paths only: a task that nobody stole is
 * not counted anywhere. */
#ifndef FILCH_STATS_H
#define FILCH_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime.h"

#if defined __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* name, what it counts */
#define FILCH_STATS(X)                                                                                                \
    X(steals, "tasks run by another worker than the one that spawned them")                                           \
    X(lost, "steals that another thief, or the owner, won")                                                           \
    X(requests, "times that a thief asked for work to be published")                                                  \
    X(publications, "times that an owner made tasks public")                                                          \
    X(published, "tasks made public")                                                                                 \
    X(take_backs, "times that an owner made public tasks private again")                                              \
    X(waits, "syncs that found their task stolen and not done")                                                       \
    X(helped, "tasks stolen from the thief of one's own child during such a wait")                                    \
    X(reused, "slots of stolen tasks given back")                                                                     \
    X(unordered, "syncs in another order than last spawned, first synced")                                            \
    X(at_spawn, "tasks that ran at their spawn for want of room")

typedef struct filch_stats {
    size_t size; /* set by the caller: sizeof(filch_stats) */
#define FILCH_DETAIL_STAT(name, what) uint64_t name;
    FILCH_STATS(FILCH_DETAIL_STAT)
#undef FILCH_DETAIL_STAT
} filch_stats;

/* Fills *out; counts since the runtime's start.  From any thread; while tasks run the counters are not of one moment.
 * FILCH_EINVAL: out is NULL or its size is too small.  FILCH_ESTOPPED: rt is NULL and no default runtime runs. */
int filch_get_stats(filch_runtime *rt, filch_stats *out);

#pragma GCC visibility pop
#if defined __cplusplus
}
#endif
#endif
