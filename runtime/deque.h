/* L1: the deque of a fiber.  The owner spawns and syncs at the bottom, thieves steal at the top.
 *
 *     index   -capacity ... consumed ...  top ... public ... split ... private ... bottom ... free ...  -1
 *
 *   Source    Chase, Lev, SPAA 2005, for top and the steal; the split into a private and a shared part: Dinan et al.,
 *             SC 2009, and Lace, Euro-Par 2014.
 *   Differs   top and split are one 64-bit word, so that a thief's compare-and-swap proves the whole public interval;
 *             the slot is read after it, not before; the owner publishes only when asked.  Prose: deque.md.
 *   Callers   owner: spawn, sync and everything here but the two below.  Any thread: fl_deque_steal, fl_deque_ask.
 *   Storage   slots below, the struct above them, never unmapped while a thief may look (type-stable).
 *
 *   D1 a slot in [top, split) was written, and its task's state set to PENDING, before split passed it.
 *   D2 a slot is rewritten only after its task is known to be done, or was never public since it was written.
 *   D3 every slot in [base, bottom) holds a task that is not synced, or NULL (a hole: synced out of order);
 *      no slot in [top, split) is a hole.
 *   D4 limit as the owner wrote it is >= split, so what the hot path takes is private.
 *   D5 asked without a REQUEST in limit means that a thief is between its two stores.  (limit is stored by owner and
 *      thieves: a modification order that differs from the order of execution is beyond the model checker; ask_post
 *      and answered exclude it, since they put a thief's store after the limit that its question was answered with.)
 *
 *   Progress  steal lock-free: FL_LOST means that another thief or the owner won.  The owner's calls: wait-free but for
 *             the compare-and-swaps on {top, split}, which are lock-free.
 *   Checked   tests/model/deque_model.c, tests/unit/deque.c, tests/stress/forkjoin.c */
#ifndef FL_DEQUE_H
#define FL_DEQUE_H

#include "task.h"

/* Tasks published at once at most: initialising them is the price of one request. */
#define FL_PUBLISH_MAX 128u

struct fl_deque {
    /* the owner's line */
    struct filch_detail_deque hot;
    uintptr_t holes;    /* number of holes in [base, bottom) */
    uintptr_t hole_top; /* no hole at or above this index */
    /* the stolen task that the owner runs now; NULL: what it was started with.  A task's parent is this one of the
     * deque that it was spawned on, or was called by it */
    struct filch_detail_task *task;
    /* counters, written by the owner, read by anyone */
    FL_ATOMIC(uint64_t) publications, published, take_backs, reused, unordered, at_spawn;

    /* the thieves' line */
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint64_t) ps; /* {top, split}: low and high 32 bits of the two indices */
    FL_ATOMIC(uint32_t) asked;                      /* 1: a thief asks, see D5 */
};

enum fl_steal { FL_STOLEN, FL_EMPTY, FL_LOST };
enum fl_sync { FL_RUN, FL_WAIT, FL_RAN, FL_MISUSE };

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
/* Gives the slot of a stolen task back, after its state was read as FL_DONE with acquire. */
void fl_deque_release(struct fl_deque *d, struct filch_detail_task *t);
/* True if t waits in this deque for its sync; reads no more of t than its slot. */
bool fl_deque_holds(struct fl_deque *d, const struct filch_detail_task *t);
/* D3, D4 and the order of the indices, by the owner, outside its hot path; looks at every slot. */
bool fl_deque_is_valid(struct fl_deque *d);
/* True if the owner has no unsynced task here. */
bool fl_deque_idle(struct fl_deque *d);

/* Claims the oldest public task.  FL_STOLEN: *t is the caller's to run; then it stores FL_DONE in its state. */
enum fl_steal fl_deque_steal(struct fl_deque *d, struct filch_detail_task **t);
/* Asks the owner to publish at its next spawn or sync.  insist: also if another thief has asked and may have been
 * stopped half-way (D5).  True if it posted the request. */
bool fl_deque_ask(struct fl_deque *d, bool insist);

static inline struct fl_deque *fl_deque_of(struct filch_detail_deque *d)
{
    return (struct fl_deque *)d; /* hot is the first member */
}

#endif
