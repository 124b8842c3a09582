/* What a spawn and a sync cost when nothing is stolen: the private end of the current fiber's deque.
 *
 *   Source    The split of private and shared tasks: Dinan, Larkins, Sadayappan, Krishnamoorthy, Nieplocha, SC 2009;
 *             van Dijk, van de Pol, Lace, Euro-Par 2014.  The compare that every rare event shares is ours; the whole
 *             protocol stands in runtime/deque.md.
 *   Differs   Indices are negative and grow to zero, slots lie before the deque, so that one unsigned compare catches
 *             a request, the end of the private tasks *and* the end of the storage.
 *   Callers   Only the thread that runs the fiber.
 *   Cost      x86-64, gcc: see "What it costs" in README.md.  No read-modify-write, no fence, no call. */
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

/* The head of every task.
 *   site, slot   written by the owner at the spawn, before the task can be seen; slot is the owner's alone
 *   state        nobody's until the task is published; then PENDING, or the thief's number, or DONE (runtime/join.h) */
struct filch_detail_task {
    const filch_site *site;
    uintptr_t slot; /* the deque index, or FILCH_DETAIL_RAN or _SYNCED */
    FL_ATOMIC(uintptr_t) state;
};

/* A slot holds a task, or NULL where the task was synced out of order. */
typedef FL_ATOMIC(struct filch_detail_task *) filch_detail_slot;

/* The owner's line of a deque.  Slot i lies at ((filch_detail_slot *)deque)[i], i from -capacity to -1. */
struct filch_detail_deque {
    FL_ATOMIC(uintptr_t) bottom; /* next free slot; the owner's, nobody else reads it */
    FL_ATOMIC(uintptr_t) limit;  /* a spawn or sync at or below it takes the slow path; anyone may store REQUEST */
};

#define FILCH_DETAIL_REQUEST UINTPTR_MAX                         /* as limit: every spawn and sync */
#define FILCH_DETAIL_LAST (FILCH_DETAIL_CAST(uintptr_t, 0) - 1u) /* the slot that is only written when all are full */
#define FILCH_DETAIL_RAN FILCH_DETAIL_CAST(uintptr_t, 0)         /* as slot: the task ran at its spawn */
#define FILCH_DETAIL_SYNCED FILCH_DETAIL_CAST(uintptr_t, 1)      /* as slot, by FILCH_CHECK: synced */

/* 40 bytes of thread-local storage, initial-exec.  Reached %fs-relative at each use, never by a kept address: the
 * frame may go on on another thread after a sync. */
struct filch_detail_thread {
    struct filch_detail_deque *current; /* NULL until the first spawn of a thread that filch did not make */
    void *slot;                         /* the runtime's */
    filch_detail_slot serial_last;      /* serial_last and serial are a deque without room, so that each spawn of a */
    struct filch_detail_deque serial;   /* thread that has no worker slot takes the slow path and runs at once */
};

__attribute__((cold)) struct filch_detail_deque *filch_detail_attach(void);
__attribute__((cold)) void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t);
/* Each returns true if the caller shall run the child now, false if its result is there. */
__attribute__((cold)) int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t);
__attribute__((cold)) int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t);
__attribute__((cold)) int filch_detail_sync_checked(struct filch_detail_task *t);

FILCH_DETAIL_INLINE filch_detail_slot *filch_detail_slot_at(struct filch_detail_deque *d, uintptr_t i)
{
    return FILCH_DETAIL_POINTER(filch_detail_slot *, d) + FILCH_DETAIL_CAST(ptrdiff_t, i);
}

FILCH_DETAIL_INLINE void filch_detail_spawn_on(struct filch_detail_deque *d, struct filch_detail_task *t,
                                               const filch_site *site)
{
    uintptr_t i = fl_load_rlx(spawn_bottom, &d->bottom); /* the owner's own last store */
    t->site = site;
    t->slot = i;
    fl_store_rlx(spawn_slot, filch_detail_slot_at(d, i), t); /* private: nobody reads it before D1 publishes it */
    fl_store_rlx(spawn_raise, &d->bottom, i + 1);            /* only the owner reads it */
    /* a stale limit delays an answer; it never was below the first private slot */
    if (FILCH_DETAIL_UNLIKELY(i + 1 <= fl_load_rlx(spawn_limit, &d->limit)))
        filch_detail_spawn_slow(d, t);
}

FILCH_DETAIL_INLINE int filch_detail_sync_on(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
#if !defined FILCH_UNCHECKED
    if (FILCH_DETAIL_UNLIKELY(fl_load_rlx(sync_bottom, &d->bottom) != i + 1)) /* the owner's own last store */
        return filch_detail_sync_any(d, t);
#endif
    fl_store_rlx(sync_lower, &d->bottom, i); /* only the owner reads it */
    /* i >= any limit that the owner wrote: private, whatever a thief does meanwhile */
    if (FILCH_DETAIL_UNLIKELY(i < fl_load_rlx(sync_limit, &d->limit)))
        return filch_detail_sync_slow(d, t);
    return 1;
}

#if !defined FL_MODEL
extern __thread struct filch_detail_thread filch_detail_self __attribute__((tls_model("initial-exec")));

#if defined __x86_64__ && !defined __ILP32__
/* Two instructions.  In C a compiler may keep the variable's address in a register over a call, and a suspended
 * frame would then read the thread that it left. */
FILCH_DETAIL_INLINE struct filch_detail_deque *filch_detail_current(void)
{
    struct filch_detail_deque *d;
    __asm__ volatile("movq filch_detail_self@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(d));
    return d;
}
#else
struct filch_detail_deque *filch_detail_current(void); /* a call, so that no address outlives it */
#endif

FILCH_DETAIL_INLINE void filch_detail_spawn(struct filch_detail_task *t, const filch_site *site)
{
#if defined FILCH_SERIAL
    t->site = site;
    t->slot = 1; /* for filch_detail_pending */
#else
    struct filch_detail_deque *d = filch_detail_current();
    if (FILCH_DETAIL_UNLIKELY(!d))
        d = filch_detail_attach();
    filch_detail_spawn_on(d, t, site);
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
    return filch_detail_sync_on(filch_detail_current(), t);
#endif
}

/* True between a task's spawn and its sync, on the fiber that spawned it.  Exact: while t lives no other task has its
 * address, and its slot keeps it until it is synced. */
FILCH_DETAIL_INLINE int filch_detail_pending(struct filch_detail_task *t)
{
#if defined FILCH_SERIAL
    return t->slot != 0;
#else
    struct filch_detail_deque *d = filch_detail_current();
    return t->slot != FILCH_DETAIL_RAN && t->slot < fl_load_rlx(pending_bottom, &d->bottom) && /* the owner's own */
           fl_load_rlx(pending_slot, filch_detail_slot_at(d, t->slot)) == t;                   /* the owner's own */
#endif
}
#endif

#pragma GCC visibility pop

#if defined __cplusplus
}
#endif
#endif
