/* L1: what a thief does with a task that it has claimed, and how the owner sees it done.
 *
 *   J1 A task's state is DONE only after its function has returned and its result is stored.
 *   J2 The thief does not touch the task after that store: the owner may return from the function whose frame it is in.
 *   Checked   tests/model/deque_model.c */
#ifndef FL_TASK_H
#define FL_TASK_H

#include "base.h"
#include "seam.h"

/* A task's state from its publication on; before, the word is not initialised.  FL_TAKEN + n: worker n runs it. */
enum { FL_PENDING = 0, FL_DONE = 1, FL_TAKEN = 2 };

static inline void fl_task_run_stolen(struct filch_detail_task *t, uintptr_t thief)
{
    fl_store_rlx(taken, &t->state, FL_TAKEN + thief); /* a hint: where the owner may find work while it waits */
    if (FL_MUTANT(done_before_run))
        fl_store_rel(mutant_done, &t->state, FL_DONE); /* J1 broken: pairs with the acquire join_state */
    t->site->run(t);
    fl_at(FL_AT_DONE);
    fl_store_rel(done, &t->state, FL_DONE); /* J1: pairs with the acquire join_state */
    if (FL_MUTANT(touched_after_done))
        fl_store_rel(mutant_touch, &t->state, FL_DONE); /* J2 broken: pairs with the acquire join_state */
}

/* FL_DONE: the result is there and the task is the caller's again. */
static inline uintptr_t fl_task_state(struct filch_detail_task *t)
{
    return fl_load_acq(join_state, &t->state); /* J1: pairs with the release done */
}

#endif
