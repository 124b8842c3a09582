/* L1: how a thread of the user is watched, so that a short region costs it nothing.
 *
 *   Purpose   A region of a thread that was lent a slot lasts from its first unsynced task to its last sync.  One that
 *             ends within some 20 us is not worth a wake-up (which costs the waker 10 us or more), so such a deque is
 *             *cold*: it does not publish, and nobody sleeps the worse for it.  Once a region is older it turns *hot*,
 *             and its deque is like any worker's until the region ends.
 *   Source    Ours; measured in docs/decisions/0007.
 *   Callers   The owner, but for fl_region_look.
 *
 *   R1 A cold deque traps nothing until a watcher posts WATCH.  The next operation after it *opens* the region: `open`
 *      becomes odd, and the owner climbs a ladder: all operations trap while the deque only grows and for LADDER syncs
 *      more; then those that fall below the lowest level since, which come at growing distances.  The clock is read in
 *      traps only, and not in each.  Past FL_REGION_AGE the region is hot.
 *   R2 A watcher that sees the same odd value FL_REGION_AGE later asks for work: that catches a region without traps.
 *      Who was called counts one that is new to it from the call, whatever that was for.
 *   R3 Opening, then reading whether anybody watches; and leaving the watch, then looking for open regions, are a
 *      Dekker pair (idle.c): an open region is watched, or somebody was woken for it.
 *   Checked   tests/unit/region.c; the watcher's part by tests/model/idle_model.c */
#ifndef FL_REGION_H
#define FL_REGION_H

#include "deque.h"

enum { FL_REGION_AGE = 20000 /* ns */ };

/* What a watcher remembers of one region. */
struct fl_watch {
    uint32_t open;
    bool asked;     /* for work */
    uint64_t since; /* when `open` was seen first, or WATCH was posted */
};

/* What a slow path did to a region. */
enum fl_turn { FL_TURN_NONE, FL_TURN_OPENED, FL_TURN_HOT, FL_TURN_CALM };

enum fl_sight {
    FL_SEE_NOTHING,
    FL_SEE_ACTIVITY, /* regions were opened and ended */
    FL_SEE_OPEN,     /* one is open */
    FL_SEE_WORK      /* one is old, or a worker has work */
};

/* A thread moves in: d is cold, and the first operation opens a region. */
void fl_region_begin(struct fl_deque *d);
/* A thread moves out: d is like a worker's. */
void fl_region_end(struct fl_deque *d);
/* After a slow spawn, or a slow sync that left tasks behind, on a cold deque.  FL_TURN_OPENED: it must be watched from
 * now on (R3).  FL_TURN_HOT: fl_deque_answer will publish.  FL_TURN_CALM: nothing traps any more, as after
  * fl_region_close. */
enum fl_turn fl_region_step(struct fl_deque *d, bool sync);
/* After a sync that left no task behind. */
void fl_region_close(struct fl_deque *d);
/* A thief or sleeper looks at another's cold deque. */
enum fl_sight fl_region_look(struct fl_deque *d, struct fl_watch *watch, uint64_t now);
/* A watcher of d has rested since it looked last, and was called at `called`, ns: perhaps by the first region since. */
void fl_region_called(struct fl_deque *d, struct fl_watch *watch, uint64_t called);

static inline bool fl_region_is_open(struct fl_deque *d)
{
    return fl_load_rlx(region_open, &d->region.open) & 1; /* R3: the caller's fence orders it */
}

/* On the owner's line alone, for code and data of the slow paths are cold after a pause.  True: the slow spawn that
 * brought us here is done. */
static inline bool fl_region_climbs(struct fl_deque *d, const struct filch_detail_task *t)
{
    return d->region.climbs && t->slot != FILCH_DETAIL_LAST && d->region.quick && d->region.quick--;
}

/* The first spawn after WATCH, in few lines of code: true if it has opened a region (FL_TURN_OPENED) and is done. */
bool fl_region_opens(struct fl_deque *d, const struct filch_detail_task *t);
/* The same for a slow sync in order of slot i: true if its task is the caller's to run. */
bool fl_region_falls(struct fl_deque *d, uintptr_t i);

static inline bool fl_deque_is_cold(struct fl_deque *d)
{
    return fl_load_rlx(is_cold, &d->cold); /* a hint to thieves; the owner's own */
}

#endif
