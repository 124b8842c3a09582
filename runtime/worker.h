/* L3: worker slots, and the loop of a thread that works in one.
 *
 *   Slots     0 ... workers - 1: slot 0 is lent to a thread of the user, the others have a thread of ours each.
 *             workers ... slots - 1: lent to more threads of the user (filch_run).
 *   Owner     A slot's deque and counters belong to the thread that works in it; `lent` belongs to runtime->lock.
 *   Lifetime  All of it lives as long as the runtime: a thief may look at any slot at any time. */
#ifndef FL_WORKER_H
#define FL_WORKER_H

#include <pthread.h>

#include "deque.h"

enum { FL_GUESTS = 15 };

struct fl_worker {
    struct filch_runtime *runtime;
    unsigned id;
    uint32_t random; /* state of fl_seam.random */
    unsigned hungry; /* rounds without a task since the last one */
    int cpu;         /* to be pinned to, or -1 */
    void *affinity;  /* of the thread of the user that was pinned here, to be given back */
    bool lent;       /* a thread of the user works here */
    bool has_thread; /* a thread of ours was made */
    pthread_t thread;
    FL_ATOMIC(uint64_t) steals, lost, requests, waits, helped;

    /* NULL until somebody works here for the first time; then never changed */
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(struct fl_deque *) deque;
};

struct filch_runtime {
    unsigned workers;
    unsigned slots; /* workers + FL_GUESTS */
    size_t capacity;
    bool pinned;
    FL_ATOMIC(uint32_t) stop;
    FL_ATOMIC(int) pin_error;  /* the last thread's that could not be pinned */
    FL_ATOMIC(uint32_t) ready; /* threads that have tried to pin themselves */

    pthread_mutex_t lock; /* guards lent, guests and the making of guests' deques */
    unsigned guests;      /* threads inside filch_run */

    struct fl_worker *worker; /* slots of them */
};

/* The slot that this thread works in, or NULL.  A call, so that no address outlives it. */
struct fl_worker *fl_self(void);
struct fl_deque *fl_own_deque(struct fl_worker *w);

/* From now on this thread spawns on d, whose bottom may have been changed by slow paths.  NULL: on a deque without room
 * (fl_is_nowhere), where the next spawn attaches the thread. */
void fl_spawn_on(struct filch_detail_deque *d);
bool fl_is_nowhere(const struct filch_detail_deque *d);
/* The first spawn of a thread: lends it a slot, or lets its tasks run at their spawns.  Never fails. */
void fl_attach(void);

/* Takes a task from v's deque and runs it; if there is none, asks v for more. */
bool fl_steal_from(struct fl_worker *w, struct fl_worker *v);
/* Between two fruitless looks. */
void fl_back_off(unsigned round);
/* The body of a worker's thread; arg is its struct fl_worker. */
void *fl_worker_main(void *arg);

#endif
