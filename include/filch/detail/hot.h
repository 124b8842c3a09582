/* What a spawn and a sync cost when nothing is stolen: the private end of the current fiber's deque.
 *
 *   Source    The split of private and shared tasks: Dinan, Larkins, Sadayappan, Krishnamoorthy, Nieplocha, SC 2009;
 *             van Dijk, van de Pol, Lace, Euro-Par 2014.  The compare that every rare event shares is ours; the whole
 *             protocol stands in runtime/deque.md.
 *   Differs   Indices are negative and grow to zero, slots lie before the deque, so that one unsigned compare catches
 *             a request, the end of the private tasks *and* the end of the storage.
 *   Callers   Only the thread that runs the fiber.
 *   Cost      see "What it costs" in README.md.  No read-modify-write, no fence, no call. */
#ifndef FILCH_DETAIL_HOT_H
#define FILCH_DETAIL_HOT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#if defined __cplusplus
#define FILCH_DETAIL_CAST(T, e) (static_cast<T>(e))
#define FILCH_DETAIL_POINTER(T, e) (reinterpret_cast<T>(e))
#define FILCH_DETAIL_ASSERT(c, sentence) static_assert(c, sentence)
#define FILCH_DETAIL_NULL nullptr
extern "C" {
#else
#define FILCH_DETAIL_CAST(T, e) ((T)(e))
#define FILCH_DETAIL_POINTER(T, e) ((T)(e))
#define FILCH_DETAIL_ASSERT(c, sentence) _Static_assert(c, sentence)
#define FILCH_DETAIL_NULL NULL
#endif

#define FILCH_DETAIL_INLINE static inline __attribute__((unused, always_inline))
#define FILCH_DETAIL_LIKELY(c) __builtin_expect(!!(c), 1)
#define FILCH_DETAIL_UNLIKELY(c) __builtin_expect(!!(c), 0)

#pragma GCC visibility push(default)

/* What FILCH_TASK knows at compile time; every message, trace and debugger finds the task's name here. */
typedef struct filch_site {
    void (*run)(void *task); /* calls the function with the task's arguments and stores its result */
    const char *name;
    const char *file;
    unsigned line; /* of FILCH_TASK */
    unsigned size; /* of the whole task, bytes */
} filch_site;

/* The head of every task, written by the owner at the spawn, before the task can be seen.  Whether a stolen task is
 * done stands in its slot, not here: so publishing one costs nothing. */
struct filch_detail_task {
    const filch_site *site;
    uintptr_t slot; /* the deque index, or FILCH_DETAIL_RAN, _SYNCED, _CALLED + n; the owner's alone */
};

/* A slot's word: the task; the task + FILCH_DETAIL_DONE; who waits for it + 2 (runtime/deque.h); or 0 where the task
 * was synced out of order. */
typedef FL_ATOMIC(uintptr_t) filch_detail_slot;

/* The owner's line of a deque.  Slot i lies at ((filch_detail_slot *)deque)[i], i from -capacity to -1. */
struct filch_detail_deque {
    FL_ATOMIC(uintptr_t) bottom; /* next free slot; the owner's, who forces a steal and who falls asleep read it */
    uintptr_t base;              /* index of the first slot: -capacity */
    FL_ATOMIC(uintptr_t) limit;  /* a spawn or sync at or below it takes the slow path; anyone may store REQUEST */
};

#define FILCH_DETAIL_REQUEST UINTPTR_MAX                         /* as limit: every spawn and sync */
#define FILCH_DETAIL_LAST (FILCH_DETAIL_CAST(uintptr_t, 0) - 1u) /* the slot that is only written when all are full */
#define FILCH_DETAIL_DONE FILCH_DETAIL_CAST(uintptr_t, 1)        /* in a slot's word: stolen, and it has returned */
#define FILCH_DETAIL_RAN FILCH_DETAIL_CAST(uintptr_t, 1)         /* as slot: the task ran at its spawn */
#define FILCH_DETAIL_SYNCED FILCH_DETAIL_CAST(uintptr_t, 2)      /* as slot, by FILCH_CHECK: synced */
#define FILCH_DETAIL_CALLED FILCH_DETAIL_CAST(uintptr_t, 16)     /* + n, by FILCH_CHECK: called, n others unsynced */

/* 64 bytes of thread-local storage, initial-exec, on a line of their own.  Reached %fs-relative at each use, never by a
 * kept address: the frame may go on on another thread after a sync. */
struct filch_detail_thread {
    struct filch_detail_deque *current; /* at first one without room, so that the first spawn takes the slow path */
    uintptr_t bottom;                   /* current->bottom again: the hot path reads this one */
    void *slot;                         /* the runtime's */
    filch_detail_slot serial_last;      /* serial_last and serial are a deque without room, so that each spawn of a */
    struct filch_detail_deque serial;   /* thread that has no worker slot takes the slow path and runs at once */
    void *outside;                      /* the runtime's */
};

__attribute__((cold)) void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t);
/* Each returns true if the caller shall run the child now, false if its result is there. */
__attribute__((cold)) int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t);
__attribute__((cold)) int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t);
/* FILCH_CHECK.  Where sync_checked returns true, returned follows the call. */
void filch_detail_spawn_checked(struct filch_detail_task *t, const filch_site *site);
int filch_detail_sync_checked(struct filch_detail_task *t);
void filch_detail_returned(struct filch_detail_task *t);
__attribute__((cold)) void filch_detail_no_function(const filch_site *site);

FILCH_DETAIL_INLINE filch_detail_slot *filch_detail_slot_at(struct filch_detail_deque *d, uintptr_t i)
{
    return FILCH_DETAIL_POINTER(filch_detail_slot *, d) + FILCH_DETAIL_CAST(ptrdiff_t, i);
}

/* Where this thread spawns: its deque and, on x86-64, the offset of filch_detail_self from the thread pointer, which is
 * the same for all threads. */
struct filch_detail_place {
    struct filch_detail_deque *d;
    uintptr_t self;
};

/* The hot path's accesses to what only its thread writes, and its three compares.
 *
 * On x86-64 they are single instructions.  bottom is read from thread-local storage, because a store and a load of one
 * constant address are forwarded faster than those by a register, and the chain from spawn to spawn is what a leaf
 * waits for.  The deque has it, too, for the slow paths and for thieves.  Compilers load an atomic into a register
 * before they compare it; here a relaxed load is a plain one, and the compare takes it as its operand.  Both are
 * measured in docs/decisions/0003-hot-path.md.  The C form is what the model checker sees and other machines run. */
#if defined __x86_64__ && !defined __ILP32__ && !defined FL_MODEL
#define FILCH_DETAIL_COMPARE(flag, holds, i, p)                                                                       \
    __asm__ volatile("cmpq %2, %1" : "=@cc" flag(holds) : "r"(i), "m"(*(p)))

FILCH_DETAIL_INLINE struct filch_detail_place filch_detail_here(void)
{
    struct filch_detail_place here;
    __asm__ volatile("movq filch_detail_self@gottpoff(%%rip), %0" : "=r"(here.self));
    __asm__ volatile("movq %%fs:(%1), %0" : "=r"(here.d) : "r"(here.self));
    return here;
}

FILCH_DETAIL_INLINE uintptr_t filch_detail_bottom(struct filch_detail_place here)
{
    uintptr_t bottom;
    __asm__ volatile("movq %%fs:8(%1), %0" : "=r"(bottom) : "r"(here.self));
    return bottom;
}

/* The clobber is the light fence of the C form: the compare comes after. */
FILCH_DETAIL_INLINE void filch_detail_set_bottom(struct filch_detail_place here, uintptr_t bottom)
{
    fl_store_rel(hot_bottom, &here.d->bottom, bottom); /* F2: pairs with the acquire force_bottom */
    __asm__ volatile("movq %0, %%fs:8(%1)" : : "r"(bottom), "r"(here.self) : "memory");
}

/* Is bottom `next`? */
FILCH_DETAIL_INLINE int filch_detail_in_order(struct filch_detail_place here, uintptr_t next)
{
    int holds;
    __asm__ volatile("cmpq %%fs:8(%2), %1" : "=@cce"(holds) : "r"(next), "r"(here.self));
    return holds;
}

/* Is `next`, the bottom after a spawn, at or below the limit? */
FILCH_DETAIL_INLINE int filch_detail_spawn_traps(struct filch_detail_deque *d, uintptr_t next)
{
    int holds;
    FILCH_DETAIL_COMPARE("be", holds, next, &d->limit);
    return holds;
}

/* Is slot i below the limit? */
FILCH_DETAIL_INLINE int filch_detail_sync_traps(struct filch_detail_deque *d, uintptr_t i)
{
    int holds;
    FILCH_DETAIL_COMPARE("b", holds, i, &d->limit);
    return holds;
}
#else
struct filch_detail_place filch_detail_here(void); /* a call, so that no address outlives it; attaches the thread */

FILCH_DETAIL_INLINE uintptr_t filch_detail_bottom(struct filch_detail_place here)
{
    return fl_load_rlx(spawn_bottom, &here.d->bottom); /* the owner's own last store */
}

FILCH_DETAIL_INLINE void filch_detail_set_bottom(struct filch_detail_place here, uintptr_t bottom)
{
    fl_store_rel(hot_bottom, &here.d->bottom, bottom); /* F2: pairs with the acquire force_bottom */
    fl_fence_light(hot_light);                         /* F1: pairs with the heavy force_heavy: bottom, then limit */
}

FILCH_DETAIL_INLINE int filch_detail_in_order(struct filch_detail_place here, uintptr_t next)
{
    return fl_load_rlx(sync_bottom, &here.d->bottom) == next; /* the owner's own last store */
}

FILCH_DETAIL_INLINE int filch_detail_spawn_traps(struct filch_detail_deque *d, uintptr_t next)
{
    return next <= fl_load_rlx(spawn_limit, &d->limit); /* stale delays an answer: see spawn_on */
}

FILCH_DETAIL_INLINE int filch_detail_sync_traps(struct filch_detail_deque *d, uintptr_t i)
{
    return i < fl_load_rlx(sync_limit, &d->limit); /* stale delays an answer: see sync_on */
}
#endif

/* Store first, compare after.  A stale limit delays an answer; it never was below the first private slot. */
FILCH_DETAIL_INLINE void filch_detail_spawn_on(struct filch_detail_place here, struct filch_detail_task *t,
                                               const filch_site *site)
{
    uintptr_t i = filch_detail_bottom(here);
    t->site = site;
    t->slot = i;
    /* Private: nobody reads it before D1 or F2 publishes it. */
    fl_store_rlx(spawn_slot, filch_detail_slot_at(here.d, i), FILCH_DETAIL_POINTER(uintptr_t, t)); /* see above */
    filch_detail_set_bottom(here, i + 1);
    if (FILCH_DETAIL_UNLIKELY(filch_detail_spawn_traps(here.d, i + 1)))
        filch_detail_spawn_slow(here.d, t);
}

/* At or above any limit that the owner wrote slot i is private, whatever a thief does meanwhile. */
FILCH_DETAIL_INLINE int filch_detail_sync_on(struct filch_detail_place here, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
#if !defined FILCH_UNCHECKED
    if (FILCH_DETAIL_UNLIKELY(!filch_detail_in_order(here, i + 1)))
        return filch_detail_sync_any(here.d, t);
#endif
    filch_detail_set_bottom(here, i);
    if (FILCH_DETAIL_UNLIKELY(filch_detail_sync_traps(here.d, i)))
        return filch_detail_sync_slow(here.d, t);
    return 1;
}

#if !defined FL_MODEL
extern __thread struct filch_detail_thread filch_detail_self __attribute__((tls_model("initial-exec")));

FILCH_DETAIL_INLINE void filch_detail_spawn(struct filch_detail_task *t, const filch_site *site)
{
#if defined FILCH_SERIAL
    t->site = site;
    t->slot = FILCH_DETAIL_POINTER(uintptr_t, t); /* for filch_detail_pending: no other object holds that by chance */
#elif defined FILCH_CHECK
    filch_detail_spawn_checked(t, site);
#else
    filch_detail_spawn_on(filch_detail_here(), t, site);
#endif
}

FILCH_DETAIL_INLINE int filch_detail_sync(struct filch_detail_task *t)
{
#if defined FILCH_SERIAL
    t->slot = 0;
    return 1;
#elif defined FILCH_CHECK
    return filch_detail_sync_checked(t);
#else
    return filch_detail_sync_on(filch_detail_here(), t);
#endif
}

/* True between a task's spawn and its sync, on the fiber that spawned it.  Exact: while t lives no other task has its
 * address, and its slot keeps it until it is synced. */
FILCH_DETAIL_INLINE int filch_detail_pending(struct filch_detail_task *t)
{
#if defined FILCH_SERIAL
    return t->slot == FILCH_DETAIL_POINTER(uintptr_t, t);
#else
    struct filch_detail_deque *d = filch_detail_here().d;
    if (t->slot < d->base || t->slot >= fl_load_rlx(pending_bottom, &d->bottom)) /* the owner's own */
        return 0;
    uintptr_t word = fl_load_rlx(pending_slot, filch_detail_slot_at(d, t->slot)); /* not read for its task's result */
    return (word | FILCH_DETAIL_DONE) == (FILCH_DETAIL_POINTER(uintptr_t, t) | FILCH_DETAIL_DONE);
#endif
}
#endif

#pragma GCC visibility pop

#if defined __cplusplus
}
#endif
#endif
