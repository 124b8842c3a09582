/* L1: which workers sleep, which search, and whom a publisher wakes.
 *
 *   Purpose   An idle worker searches for a bounded time, then sleeps on a futex of its own; whoever makes work public
 *             wakes one sleeper, unless somebody searches already.  Knows no deque: what "look again" means is its
 *             caller's (idle.c).
 *   Source    The eventcount (Vyukov 2008), split into one futex per worker so that one can be chosen; the count of
 *             searchers as in tokio's and Go's schedulers.
 *   Differs   from both: no lock around the sleepers.  So a wake-up may be counted late, and an AWAKE may come late.
 *   Callers   Each worker about itself: search, found, enter, wait, leave.  Any thread: wake, wake_worker.
 *
 *   Sleeper      S1 enter: ASLEEP in its word; it is counted as a sleeper and no more as a searcher; its bit is set;
 *                   seq_cst fence
 *                S2 the caller's: posts REQUEST everywhere, heavy fence, looks everywhere
 *                S3 found something: leave; else wait or rest, then leave
 *   Publisher    P1 makes work public   P2 seq_cst fence   P3 wake: reads the counts, clears a bit, counts that, wakes
 *
 *   K1 P3 does not see S1: then P2 is before the fence of S1, and S2 sees the work.  P3 sees S1: it wakes one, or
 *      trusts: in a searcher, or, where another has cleared the bit first, in whom that one wakes.
 *   K2 Who clears a bit moves one from sleepers to searchers.  Until that is done both counts are wrong on the safe
 *      side, sleepers too high and searchers too low, even below zero: too many are woken, never too few.
 *   K3 sleepers is never less than the number of bits set.  A count without its bit is a worker between the steps of
 *      S1, which looks again, or between those of K2, which is awake.
 *   K4 Whoever stops to search fences and looks after that: by S1 and S2, or as the last one that finds work and is
 *      told so (found).  So those who trusted in it are heard.
 *   K5 Who is woken sees what its waker did before, and who wakes sees what the sleeper did before S1: therefore its
 *      count and its AWAKE come after the sleeper's count and ASLEEP.  A waker that is held up may store AWAKE into a
 *      later sleep: that ends for no reason, and leave finds out that nobody woke it.
 *   K6 Who rests says so in its word, RESTING for ASLEEP, and stays until that is AWAKE.  One waker, who puts CALLED in
 *      its place, keeps it there for as long as it takes to move its thread (fl_os_keep_away); no other stores AWAKE
 *      over CALLED.  So the thread that is moved is there and does nothing, and it finds out where it may not run.
 *   K7 There are as many places as workers.  A thread of the user takes one while it works and frees it where it waits
 *      or has ended; a worker's thread that finds more at work than places lies down (yield) without a look for work.
 *      Sleepers for whom there is no place do not count: nobody wakes them, and nothing has been asked for in their
 *      name.  Who frees a place owes them what S2 owes a sleeper: the fence, a look everywhere, and a wake-up.
 *      A letter (inbox.h) needs no place: who posts one wakes anyway, who lies down looks for it after its fence.
 *   Progress  search, found, enter and leave wait-free; wake lock-free, but for what the kernel takes to move a thread;
 *             wait and rest sleep.
 *   Checked   tests/model/parking_model.c, tests/unit/parking.c, tests/stress/parking.c */
#ifndef FL_PARKING_H
#define FL_PARKING_H

#include "base.h"
#include "seam.h"

/* One per worker, on a line that its owner polls. */
struct fl_nap {
    FL_ATOMIC(uint32_t) word; /* the futex */

    /* of a rest, K6 */
    int thread;     /* the kernel's number of the thread, or 0: it is not to be moved */
    int away;       /* the processor that it was moved away from, or -1 */
    uint64_t since; /* it rests, or CALLED, ns */
};
enum { FL_AWAKE, FL_ASLEEP, FL_RESTING, FL_CALLED, FL_NEAR };

/* The bits of 64 workers: 1 sleeps and nobody has woken it. */
struct fl_asleep {
    FL_ATOMIC(uint64_t) bits;
};

struct fl_parking {
    unsigned slots;           /* workers that may sleep: ids 0 .. slots - 1 */
    struct fl_nap *nap;       /* the caller's; may be embedded elsewhere, see fl_parking_nap */
    size_t stride;            /* bytes from one nap to the next */
    bool (*moves)(void);      /* NULL at first, see fl_parking_rest */
    struct fl_asleep *asleep; /* (slots + 63) / 64 */
    /* 20 bits: sleepers, and workers without a thread yet; 20: places taken by the user's threads; 24: searchers */
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint64_t) idle;
};

/* The memory of `asleep` is the caller's, zeroed or not; nap[i] lies at (char *)first + i * stride. */
void fl_parking_init(struct fl_parking *p, unsigned slots, struct fl_nap *first, size_t stride,
                     struct fl_asleep *asleep);

static inline struct fl_nap *fl_parking_nap(const struct fl_parking *p, unsigned id)
{
    return (struct fl_nap *)(void *)((char *)p->nap + id * p->stride);
}

/* Free places; less than zero: so many are at work beyond the places. */
static inline int fl_places(uint64_t idle)
{
    return (int)(idle & 0xfffff) - (int)(idle >> 20 & 0xfffff);
}

/* All of them, and those that have no thread yet. */
static inline unsigned fl_asleep(uint64_t idle)
{
    return idle & 0xfffff;
}

/* Those for whom there is a place. */
static inline unsigned fl_sleepers(uint64_t idle)
{
    int places = fl_places(idle);
    return places > 0 ? (unsigned)places : 0;
}

/* Less than zero for a moment, see K2. */
static inline int fl_searchers(uint64_t idle)
{
    return (int)((int64_t)idle >> 40);
}

/* A worker that has run out of work, of so many that there are.  True: it is counted as a searcher; false: half of
 * those awake search already, and at least two. */
bool fl_parking_search(struct fl_parking *p, unsigned workers);
/* A searcher has found work and is none any more.  If it was the last one and somebody sleeps, others may have trusted
 * in it, so it looks at everybody (K4; the seq_cst fence is made here), or just calls fl_parking_wake.  Where there is
 * no place for a sleeper it looks for what needs none. */
enum fl_found { FL_FOUND_ENOUGH, FL_FOUND_NO_PLACE, FL_FOUND_SLEEPERS };
enum fl_found fl_parking_found_what(struct fl_parking *p);
static inline bool fl_parking_found(struct fl_parking *p)
{
    return fl_parking_found_what(p) == FL_FOUND_SLEEPERS;
}
/* K7.  A thread of the user works from now on. */
void fl_parking_take(struct fl_parking *p);
/* It waits or has ended.  True if one of so many workers or another thread of the user is at work: then the caller owes
 * the sleepers something (fl_parking_owes), unless it takes a place before that. */
bool fl_parking_free(struct fl_parking *p, unsigned workers);
/* After fl_parking_free: true if somebody sleeps for whom there is a place.  Fences. */
bool fl_parking_owes(struct fl_parking *p);
/* A worker's thread, no searcher, that has no task: true if there are more at work than places.  Then it is asleep as
 * after fl_parking_enter. */
bool fl_parking_yield(struct fl_parking *p, unsigned id);
/* At the beginning.  Of so many workers, slot 0's thread of the user included, some will have their threads later, and
 * some spares, one at least, will have theirs later; the places of all that are not there are free.  And one of these
 * has come. */
void fl_parking_absent(struct fl_parking *p, unsigned workers, unsigned later, unsigned spares);
void fl_parking_appears(struct fl_parking *p);
/* S1.  searching: the caller is counted as a searcher.  Ends with a seq_cst fence, for what the caller reads next. */
void fl_parking_enter(struct fl_parking *p, unsigned id, bool searching);
/* Until woken, or `ns` nanoseconds, not zero.  May return for no reason. */
void fl_parking_wait(struct fl_parking *p, unsigned id, uint64_t ns);
/* Until woken, or until a wake-up of an earlier sleep comes late.  If p->moves says so (always the same), who wakes a
 * thread that has rested long first bars it from its own processor, where it would have to wait (fl_os_keep_away).
 * Returns when it was called, ns. */
uint64_t fl_parking_rest(struct fl_parking *p, struct fl_nap *nap);
/* For who waits for one call: prepares, lets the caller know, polls is_called, perhaps rests.  Not on the nap that it
 * sleeps on, where a wake-up may come late (K5). */
void fl_parking_prepare(struct fl_nap *nap);
bool fl_parking_is_called(struct fl_nap *nap);
void fl_parking_call(struct fl_nap *nap);
/* The caller is awake and a searcher from now on.  True if it was woken by somebody, false if it woke by itself. */
bool fl_parking_leave(struct fl_parking *p, unsigned id);
/* P2 and P3: true if it woke somebody.  Tries id `near` first, then the higher ones, around; `slots` is 0 again. */
bool fl_parking_wake(struct fl_parking *p, unsigned near);
/* Likewise, also where there is no place for who is woken. */
bool fl_parking_wake_anyway(struct fl_parking *p);
/* Wakes worker id if it sleeps, whoever searches: for what only that one can do.  Fences as fl_parking_wake. */
bool fl_parking_wake_worker(struct fl_parking *p, unsigned id);

#endif
