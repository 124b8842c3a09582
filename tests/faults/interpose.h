/* Calls of the library that fail when a test says so.
 *
 *   How       By --wrap the linker puts these definitions in the way of the calls of libfilch.a, and of the test's.
 *             What glibc and hwloc call themselves is not touched.  futex and membarrier go by syscall().
 *   Counts    From fault_arm on: calls of each kind by all threads, blocks and maps that are not given back.  They lie
 *             in memory that the parent shares, which so learns of a child that has died, too. */
#ifndef FILCH_TESTS_INTERPOSE_H
#define FILCH_TESTS_INTERPOSE_H

#include <stdatomic.h>
#include <stdbool.h>

/* kind, name for people */
#define FAULT_KINDS(X)                                                                                                \
    X(FAULT_THREAD, "pthread_create")                                                                                 \
    X(FAULT_MMAP, "mmap")                                                                                             \
    X(FAULT_MADVISE, "madvise")                                                                                       \
    X(FAULT_MPROTECT, "mprotect")                                                                                     \
    X(FAULT_GUARD, "mprotect, then mmap") /* both ways to make a guard page where the kernel has no call for it */    \
    X(FAULT_MALLOC, "malloc")                                                                                         \
    X(FAULT_AFFINITY, "sched_setaffinity")                                                                            \
    X(FAULT_WAIT, "futex wait")                                                                                       \
    X(FAULT_WAKE, "futex wake")                                                                                       \
    X(FAULT_MEMBARRIER, "membarrier")                                                                                 \
    X(FAULT_KEY, "pthread_key_create")                                                                                \
    X(FAULT_VALUE, "pthread_setspecific")                                                                             \
    X(FAULT_ATFORK, "pthread_atfork")                                                                                 \
    X(FAULT_ALTSTACK, "sigaltstack")

enum fault_kind {
#define FAULT_KIND(name, text) name,
    FAULT_KINDS(FAULT_KIND)
#undef FAULT_KIND
        FAULT_NONE,
    FAULT_KINDS_COUNT = FAULT_NONE
};

struct fault_plan {
    enum fault_kind kind;
    unsigned at;    /* this call of it fails, counted from 1 ... */
    bool from_then; /* ... and all after it */
    int error;
};

struct fault_tally {
    atomic_uint calls[FAULT_KINDS_COUNT];
    atomic_uint failed;
    atomic_int blocks, maps; /* of the library, not given back */
    atomic_ulong steals, suspensions, in_place, at_spawn;
};

/* Shared with children that are forked later; zeroed by fault_arm. */
extern struct fault_tally *fault_tally;
void fault_share(void);

void fault_arm(struct fault_plan plan);
void fault_disarm(void); /* counts go on, nothing fails */
/* Returns when body(arg) has, on a thread of the test's. */
void fault_on_thread(void *(*body)(void *), void *arg);
const char *fault_name(enum fault_kind kind);

#endif
