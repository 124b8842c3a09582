/* L3: worker slots, and what a thread that works in one does.
 *
 *   Slots     0 ... workers - 1: slot 0 is lent to a thread of the user, the others have a thread of ours each.
 *             From `workers` on: spares, threads of ours that are made when they are needed, and work while others
 *             wait.  From `threads` on: lent to more threads of the user (filch_run), or for a while to helpers of
 *             ours (slots.h).  At most `workers` of all these are at work, but for the user's own threads and helpers
 *             (parking.h, K7).
 *   Stacks    A thread of ours runs its loop on a fiber; its own stack only begins and ends it.  A thread of the user
 *             stays on its own stack, a *tied* fiber: where its sync must wait the thread waits, and runs nothing else.
 *             Without `migrate` the fibers of our threads are tied, too.
 *   Owner     What is not atomic belongs to the thread that works in the slot; `lent` belongs to runtime->lock.
 *   Lifetime  All of it lives as long as the runtime: a thief may look at any slot at any time.
 *
 *   I3 No index, and no address of thread-local storage or of a worker, is kept over a suspension: whoever comes back
 *      asks fl_self again.
 *   I6 A suspension is completed by the fiber that runs next (fl_arrived). */
#ifndef FL_WORKER_H
#define FL_WORKER_H

#include <pthread.h>

#include "fiber.h"
#include "filch/runtime.h"
#include "inbox.h"
#include "latch.h"
#include "lock.h"
#include "parking.h"
#include "region.h"

enum { FL_GUESTS = 1024, FL_FIBERS_KEPT = 8 };
enum { FL_SPARES = 2 }; /* for each worker, where a worker's thread waits, too */

/* What filch_dump says of a worker. */
#define FL_STATES(X)                                                                                                  \
    X(FL_FREE, "no thread")                                                                                           \
    X(FL_RUNNING, "running")                                                                                          \
    X(FL_SEARCHING, "searching")                                                                                      \
    X(FL_SLEEPING, "asleep")                                                                                          \
    X(FL_WATCHING, "asleep, watching")                                                                                \
    X(FL_WAITING, "waiting in place")                                                                                 \
    X(FL_JOINING, "waiting for a stolen task")

enum fl_state {
#define FL_STATE(name, text) name,
    FL_STATES(FL_STATE)
#undef FL_STATE
};

/* What the next fiber does with the one before it. */
enum fl_after { FL_AFTER_NOTHING, FL_AFTER_POOL, FL_AFTER_AWAIT, FL_AFTER_LATCH };

struct fl_worker {
    struct filch_runtime *runtime;
    unsigned id;
    uint32_t random;        /* state of fl_seam.random */
    struct fl_seat *seat;   /* that the thread is bound to, or NULL */
    bool unseated;          /* it could not be bound */
    void *affinity;         /* of the thread before it was bound: given back to a thread of the user */
    void *alternate;        /* the alternate signal stack that this thread was given */
    bool lent;              /* a thread of the user works here */
    bool attached;          /* for good, not for a filch_run */
    bool has_thread;        /* a thread of ours was made, to be joined */
    int made_at;            /* on this processor, -1: unknown */
    bool place;             /* of a thread of the user: it has taken one (parking.h, K7) */
    pthread_t thread;       /* that one */
    struct fl_fiber native; /* the thread's own stack; tied if the thread is lent */
    struct fl_deque *own;   /* of the native fiber, once somebody was lent the slot */
    struct fl_fiber *fiber; /* the current one */
    struct fl_fiber *kept;  /* pooled fibers, at most FL_FIBERS_KEPT */
    unsigned kept_count;
    struct fl_watch *watch; /* of a thread of ours: one for each slot that may be lent: 0, threads ... slots - 1 */

    struct fl_worker *outer; /* of a thread inside filch_run: the slot that it has outside, or NULL */

    /* between leaving a fiber and arriving in the next one */
    struct fl_fiber *left;
    enum fl_after after;
    struct fl_deque *await_deque;
    uintptr_t await_slot;
    struct fl_latch *await_latch;

    struct fl_letter *letter; /* found, to be opened */

    struct fl_deque_counts counts; /* of the deque of whatever fiber it runs */
    FL_ATOMIC(uint64_t)
    steals, lost, requests, suspensions, already_done, resumptions, migrations, mailed, in_place, parkings, cancelled,
        wake_ups, ticks;
    FL_ATOMIC(uint32_t) state; /* enum fl_state */
    FL_ATOMIC(uint32_t) helps; /* a helper works here (slots.h); changed under the lock */

    /* what others write or read often */
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(struct fl_deque *) deque; /* the current fiber's; NULL: nobody worked here yet */
    struct fl_nap nap;                                          /* it sleeps on this one, */
    struct fl_nap call; /* and waits on this one for the end of a stolen task */
};

enum fl_placing { FL_PLACED /* or never */, FL_PLACING_DUE, FL_PLACING };

struct filch_runtime {
    unsigned workers;
    unsigned threads;         /* slots of our threads, and slot 0: workers and spares */
    unsigned slots;           /* that there may be: threads and FL_GUESTS, or fewer by a test */
    FL_ATOMIC(unsigned) used; /* all others are as if they were not there (fl_slots); changed under lock */
    FL_ATOMIC(unsigned) ever; /* the most that were used; likewise */
    size_t capacity;
    bool heavy, overflow_message; /* heavy: fl_os_has_heavy */
    bool migrates;                /* a task may go on on another thread after a sync */
    FL_ATOMIC(uint32_t) spares;   /* so many were made; changed under lock */
    bool inherited;               /* of the process that forked this one (fork.h): known, but never used */
    FL_ATOMIC(uint32_t) stop;
    enum filch_pin pin;
    char *pin_list;
    bool binds_users;                       /* the thread in slot 0, too */
    bool auto_bound;                        /* see place.c */
    uint64_t born;                          /* ns */
    FL_ATOMIC(struct fl_seating *) seating; /* NULL: nobody is bound; place.h */
    FL_ATOMIC(uint32_t) placing;            /* enum fl_placing */
    bool hasty;                             /* the first thread makes the others */
    bool uncounted;                         /* `workers` is a bound until it is settled */
    FL_ATOMIC(uint32_t) counted;            /* what counts as workers, once that is settled; at most `workers` */
    FL_ATOMIC(uint32_t) settled;            /* W4 */
    FL_ATOMIC(int) pin_error;               /* the last thread's that could not be pinned */
    FL_ATOMIC(uint32_t) ready;              /* threads that have tried to pin themselves */
    struct fl_fibers fibers;

    pthread_mutex_t lock;       /* guards lent and helps, the making of guests' deques and of spares */
    FL_ATOMIC(unsigned) guests; /* threads inside filch_run, and submissions that are not done */
    struct filch_runtime *next; /* of all runtimes, guarded by the default's lock */

    /* suspended fibers with tasks that thieves may take: only syncs in unusual orders leave such */
    struct fl_lock left_lock;
    struct fl_fiber *left_behind;

    struct fl_inbox inbox;
    FL_ATOMIC(uint32_t) posting; /* threads of other runtimes inside fl_idle_post */

    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint32_t) left_count;
    FL_ATOMIC(uint32_t) watcher; /* the sentinel's id + 1, or 0 */
    struct fl_parking parking;
    struct fl_asleep *asleep; /* parking's */
    struct fl_worker *worker; /* slots of them */
};

/* The slots to be looked at.  One that is used and not seen yet is as one without a deque: W1 and the fences beside it
 * say what that means. */
static inline unsigned fl_slots(const struct filch_runtime *rt)
{
    return fl_load_rlx(slots_used, &rt->used); /* see above */
}

/* The slot that this thread works in, or NULL.  A call, so that no address outlives it. */
struct fl_worker *fl_self(void);
/* The same, but inside a filch_run for which it could not be lent a slot the one that it has outside. */
struct fl_worker *fl_innermost(void);
/* The deque of the fiber that this thread runs. */
struct fl_deque *fl_own_deque(struct fl_worker *w);

/* From now on this thread spawns on d, whose bottom may have been changed by slow paths.  NULL: on a deque without room
 * (fl_is_nowhere), where the next spawn attaches the thread. */
void fl_spawn_on(struct filch_detail_deque *d);
bool fl_is_nowhere(const struct filch_detail_deque *d);
/* The first spawn of a thread: lends it a slot, or lets its tasks run at their spawns.  Never fails. */
void fl_attach(void);

/* Calls fn(arg) in a slot of rt that this thread is lent for it, or without one; rt counts it as a guest.  call is for
 * messages. */
void fl_run_as_guest(const char *call, struct filch_runtime *rt, void (*fn)(void *), void *arg);

/* A fiber to go on with, switched away, or NULL. */
struct fl_fiber *fl_worker_fiber(struct fl_worker *w);
/* Leaves the current fiber and goes on in `to`, which can be resumed.  Returns when the current one is resumed, perhaps
 * in another slot. */
void fl_leave(struct fl_worker *w, struct fl_fiber *to, enum fl_after after);
/* The first thing on a fiber that was switched to. */
void fl_arrived(void);
/* The fiber f, which nobody else can resume, goes on: here at once, or on the thread it is tied to, which is called.
 * The current fiber has nothing to do. */
void fl_resume(struct fl_worker *w, struct fl_fiber *f);

/* Leaves the fiber of w, which is not tied, for `next`; `after` says how it is found again.  Returns when it goes on,
 * perhaps on another thread; its tasks can be stolen meanwhile. */
void fl_suspend(struct fl_worker *w, struct fl_fiber *next, enum fl_after after);

/* Where a fiber of ours begins: steals and runs tasks for ever. */
void fl_worker_loop(void);
/* W4.  Returns when all threads that the runtime begins with were made, and `counted` is known. */
void fl_worker_settled(struct filch_runtime *rt);
/* For a free place: makes a spare's thread, if there is one left and nobody sleeps.  Where it fails, those that wait
 * are missed at work. */
void fl_worker_spare(struct filch_runtime *rt);
/* Makes the thread of w.  0, FILCH_ENOMEM or FILCH_ETHREAD. */
int fl_worker_start(struct fl_worker *w, void *(*body)(void *));
/* The body of a worker's thread; arg is its struct fl_worker, which it returns. */
void *fl_worker_main(void *arg);

#endif
