/* L3: looking for work, asking for it, going to sleep without losing any.
 *
 *   I5 After the owner has lowered limit below a REQUEST it fences and looks whether anybody sleeps (fl_idle_answered).
 *   I7 While anybody sleeps, every worker with private work has REQUEST posted, or somebody searches or is being woken:
 *      a worker that falls asleep posts REQUEST everywhere after it is counted (S2); the last searcher that finds work
 *      does the same, or wakes another (K4); a worker whose current deque changes looks whether anybody sleeps
 *      (fl_idle_moved); who answers a REQUEST wakes one.  Cold deques (region.h) are exempt: the sentinel watches them.
 *   W1 The sentinel is one of the sleepers, which wakes by itself to look: 50 us after it fell asleep, then at doubled
 *      distances up to 1 ms, 4 ms after 20 ms.  When nothing has happened for 120 ms it sleeps like the others (R3).
 *   Checked   tests/model/idle_model.c, tests/stress/forkjoin.c */
#ifndef FL_IDLE_H
#define FL_IDLE_H

#include "worker.h"

/* The end of each slow path of d's owner: cares for the region of a thread of the user, and wakes somebody for what was
 * published (fl_idle_answered). */
void fl_idle_after(struct fl_worker *w, struct fl_deque *d, bool sync);
/* A region was opened: somebody shall watch it. */
void fl_idle_opened(struct fl_worker *w);
void fl_idle_answered(struct fl_worker *w, struct fl_deque *d);
/* d has become the current deque of w. */
void fl_idle_moved(struct fl_worker *w, struct fl_deque *d);
/* The suspended fiber f has public tasks; and it has been resumed. */
void fl_idle_leave_behind(struct filch_runtime *rt, struct fl_fiber *f);
void fl_idle_fetch(struct filch_runtime *rt, struct fl_fiber *f);

/* The stolen task in slot i of d, the deque of the thread of the user that works in w, is not done: until it is. */
void fl_idle_wait(struct fl_worker *w, struct fl_deque *d, uintptr_t i, struct fl_waiter *waiter);
/* The thread that waits so in w goes on. */
void fl_idle_call(struct fl_worker *w);
/* The thread of the user in w leaves it. */
void fl_idle_gone(struct fl_worker *w);

/* Puts a letter into the inbox of rt and sees to it that somebody opens it.  From any thread; never waits.
 *   B4 Who has seen that a letter was opened may stop rt while its sender still looks for sleepers: so it waits for
 *      that in fl_idle_posted first. */
void fl_idle_post(struct filch_runtime *rt, struct fl_letter *letter);
void fl_idle_posted(struct filch_runtime *rt);

/* The thread of the user in w works for another runtime, and is back. */
void fl_idle_away(struct fl_worker *w);
void fl_idle_back(struct fl_worker *w);

/* Searches and sleeps until there is a task, or a letter in w (true), or the runtime stops. */
bool fl_idle_find(struct fl_worker *w, struct fl_claim *claim);

#endif
