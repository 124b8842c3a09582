/* L1: the deque of a fiber.  The owner spawns and syncs at the bottom, thieves steal at the top.
 *
 *     index   -capacity ... consumed ...  top ... public ... split ... private ... bottom ... free ...  -1
 *
 *   Source    Chase, Lev, SPAA 2005, for top and the steal; the split into a private and a shared part: Dinan et al.,
 *             SC 2009, and Lace, Euro-Par 2014.
 *   Differs   top and split are one 64-bit word, so that a thief's compare-and-swap proves the whole public interval;
 *             the slot is read after it, not before; the slot's word is also where owner and thief meet when the task
 *             is done, so that publishing touches no task; a thief can take a private task from an owner that does
 *             not answer (force).  Prose: deque.md.
 *   Callers   The owner is the thread that runs the fiber.  Owner: what is not named here.  Any thread: fl_deque_steal,
 *             fl_deque_force, fl_deque_ask, fl_deque_look.  The thief that claimed a task: fl_deque_finish.
 *             Whoever has made the owner leave: fl_deque_await.
 *   Storage   slots below, the struct above them, never unmapped while a thief may look (type-stable).
 *
 *   D1 a slot in [top, split) was written before split passed it.
 *   D2 a slot is rewritten only after its task is known to be done, or was never public since it was written.
 *   D3 every slot in [base, bottom) holds a task that is not synced, or 0 (a hole: synced out of order);
 *      no slot in [top, split) is a hole.
 *   D4 limit as the owner wrote it is >= split, so what the hot path takes is private.
 *   D5 asked without a REQUEST in limit means that a thief is between its two stores, or that the deque watches itself
 *      (region.h).
 *   D6 the owner lowers limit below REQUEST on its own account, or takes a private task in a slow path, only while it
 *      holds `force`.
 *   J1 a slot's word is DONE only after the task's function has returned and its result is stored.
 *   J2 the thief does not touch the task after that: the owner may return from the function whose frame it is in.
 *   J3 a slot's word leads to a waiter only after whoever waits there can be resumed.
 *   F1 owner {bottom, then limit} against forcer {REQUEST, then bottom} is a Dekker pair, light against heavy.
 *   F2 the slots below a bottom that was read are written.
 *
 *   Progress  steal lock-free: FL_LOST means that another thief or the owner won.  The owner's calls: wait-free but for
 *             the compare-and-swaps on {top, split} and force, which are lock-free.  Force: an owner that was stopped
 *             in a slow path keeps forcers out; forcers never hold anybody up.
 *   Checked   tests/model/deque_model.c, tests/model/force_model.c, tests/unit/deque.c, tests/stress/forkjoin.c */
#ifndef FL_DEQUE_H
#define FL_DEQUE_H

#include "base.h"
#include "seam.h"

/* Who waits for a stolen task: the head of a suspended fiber. */
struct fl_waiter {
    struct filch_detail_task *task; /* the one it waits for: a thief may find the waiter where it looks for the task */
};

/* Written by the owner, read by anyone. */
struct fl_deque_counts {
    FL_ATOMIC(uint64_t) publications, published, take_backs, reused, unordered, at_spawn, forced;
};

/* How a thread of the user is watched (region.h).  `open` is the owner's, and read by watchers. */
struct fl_region {
    FL_ATOMIC(uint32_t) open; /* odd while a region is open and watched; each region changes it */
    bool guest;               /* this deque is of a thread of the user */
    bool ladder;              /* open, and cold */
    bool climbs;              /* on it, every operation traps still */
    uint16_t quick;           /* spawns that trap and need nothing else */
    uint32_t steps;           /* of the ladder; 0: it has only spawned so far */
    uint32_t timed;           /* steps until the clock is read again */
    uint64_t since;           /* when the clock was read first; 0: not yet */
};

struct fl_deque {
    /* the owner's line */
    struct filch_detail_deque hot;
    struct fl_region region; /* on the same 64 bytes: after a pause all else is cold */
    uintptr_t holes;         /* number of holes in [base, bottom) */
    uintptr_t hole_top;      /* no hole at or above this index */
    uintptr_t floor;         /* limit is never set lower; 0: as low as can be */
    /* the stolen task that the owner runs now; NULL: what it was started with.  A task's parent is this one of the
     * deque that it was spawned on, or was called by it */
    struct filch_detail_task *task;
    bool lowered; /* limit was set below a REQUEST since the flag was cleared: see fl_idle_answered */
    struct fl_deque_counts *counts; /* whom its events count for: its own until a worker runs it */
    struct fl_deque_counts own_counts;
    struct fl_notes *notes;             /* of FILCH_CHECK (notes.h), or NULL; the owner's */
    FL_ATOMIC(const filch_site *) site; /* of the stolen task, for filch_dump */

    /* the thieves' line */
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint64_t) ps; /* {top, split}: low and high 32 bits of the two indices */
    FL_ATOMIC(uint64_t) force;                      /* {held, slots taken by force, sequence number} */
    FL_ATOMIC(uint32_t) asked;                      /* enum fl_ask */
    FL_ATOMIC(uint32_t) cold;                       /* 1: see region.h; the owner's */
};

/* What a thief, or a watcher, wants of the owner. */
enum fl_ask { FL_ASK_NOTHING, FL_ASK_WORK, FL_ASK_WATCH };
enum fl_steal { FL_STOLEN, FL_EMPTY, FL_LOST };
enum fl_sync { FL_RUN, FL_WAIT, FL_RAN, FL_MISUSE };

/* A task that a thief has claimed, to be run and then finished. */
struct fl_claim {
    struct fl_deque *deque;
    uintptr_t slot;
    struct filch_detail_task *task;
};

/* Bytes of storage for a deque of `capacity` slots (the last one is never used), aligned to FL_CACHE_LINE. */
size_t fl_deque_bytes(size_t capacity);
/* The storage must be zero or just mapped: slots are not written. */
struct fl_deque *fl_deque_init(void *storage, size_t capacity);

/* The slow spawn: the hot path has stored t and raised bottom.  False: there is no room, the caller runs t now. */
bool fl_deque_spawned(struct fl_deque *d, struct filch_detail_task *t);
/* The slow sync in order: the hot path has lowered bottom to t's slot.
 * FL_RUN: the caller runs t.  FL_WAIT: it was stolen; t's slot stays taken until fl_deque_release.  FL_RAN. */
enum fl_sync fl_deque_sync(struct fl_deque *d, struct filch_detail_task *t);
/* The sync out of order: bottom is untouched.  FL_MISUSE: t is not a task that waits in this deque. */
enum fl_sync fl_deque_sync_any(struct fl_deque *d, struct filch_detail_task *t);
/* Answers a thief, if one asks, without a spawn or sync: while the owner waits. */
void fl_deque_answer(struct fl_deque *d);
/* True once the stolen task t has returned: its result is there, and the task is the caller's again. */
bool fl_deque_is_done(struct fl_deque *d, const struct filch_detail_task *t);
/* Gives the slot of a stolen task back, after fl_deque_is_done. */
void fl_deque_release(struct fl_deque *d, struct filch_detail_task *t);
/* The owner is about to leave: everything unsynced becomes public.  True if thieves can find something here. */
bool fl_deque_publish_all(struct fl_deque *d);
/* The owner has left, waiter can be resumed.  True: whoever finishes the task in `slot` will do so; the waiter may
 * run already.  False: the task is done, as fl_deque_is_done says it. */
bool fl_deque_await(struct fl_deque *d, uintptr_t slot, struct fl_waiter *waiter);
/* True if t waits in this deque for its sync; reads no more of t than its slot. */
bool fl_deque_holds(struct fl_deque *d, const struct filch_detail_task *t);
/* The number of unsynced tasks.  By the owner. */
uintptr_t fl_deque_count(struct fl_deque *d);
/* The unsynced task that was spawned last, and its slot; NULL if there is none.  The task may be gone: its function has
 * returned. */
const struct filch_detail_task *fl_deque_youngest(struct fl_deque *d, uintptr_t *slot);
/* True if slot i is taken by t; reads no byte of t. */
bool fl_deque_has(struct fl_deque *d, uintptr_t i, const struct filch_detail_task *t);
/* D3, D4 and the order of the indices, by the owner, outside its hot path; looks at every slot. */
bool fl_deque_is_valid(struct fl_deque *d);
/* True if the owner has no unsynced task here. */
bool fl_deque_idle(struct fl_deque *d);
/* A slow sync in order on a deque that gives nothing (region.h), in few lines of code and data: true if slot i is
 * private and its task the caller's to run; limit is i then if `lower`.  False: nothing happened. */
bool fl_deque_sync_cold(struct fl_deque *d, uintptr_t i, bool lower);
/* Sets limit anew after a change of floor. */
void fl_deque_refresh(struct fl_deque *d);

/* Claims the oldest public task. */
enum fl_steal fl_deque_steal(struct fl_deque *d, struct fl_claim *claim);
/* Claims the oldest private task, of an owner that runs a long function and does not answer; it finds a REQUEST when it
 * comes back.  Only where fl_os_has_heavy().  A system call, about 1 us.  FL_EMPTY: there is none.  FL_LOST: something
 * is public, the owner has come by or is in a slow path, or another forcer won. */
enum fl_steal fl_deque_force(struct fl_deque *d, struct fl_claim *claim);
/* The claimed task has returned.  Who waits for it and is to be resumed by the caller, or NULL. */
struct fl_waiter *fl_deque_finish(const struct fl_claim *claim);
/* Asks the owner for something at its next spawn or sync.  insist: also if another thief has asked and may have been
 * stopped half-way (D5).  True if it posted the request. */
bool fl_deque_ask(struct fl_deque *d, enum fl_ask what, bool insist);
/* What a thief could find: tasks that are public; tasks that are private, as far as can be seen (it reads the owner's
 * line; exact after a heavy fence if the owner has seen no REQUEST). */
bool fl_deque_has_public(struct fl_deque *d);
bool fl_deque_has_private(struct fl_deque *d);

static inline struct fl_deque *fl_deque_of(struct filch_detail_deque *d)
{
    return (struct fl_deque *)d; /* hot is the first member */
}

#endif
