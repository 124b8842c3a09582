/* L1: one event, and the one who waits for it.
 *
 *   Purpose   Who waits for what is done elsewhere: a thread sleeps on the latch, a fiber is left and said to be so.
 *   Callers   open: once, any thread.  leave, sleep, nap: one waiter.
 *   Storage   The waiter's.  It may vanish as soon as the latch is open: open touches it no more then, but for the
 *             address that the kernel wakes, where a thread that waits for something else looks once too often.
 *
 *   H1 What was done before open is seen by who finds the latch open.
 *   H2 Either leave fails, or open tells its caller that a fiber waits, and that sees what leave's caller did before.
 *      Not both, and not neither.
 *   Progress  all wait-free but sleep and nap.
 *   Checked   tests/model/latch_model.c */
#ifndef FL_LATCH_H
#define FL_LATCH_H

#include "base.h"

struct fl_latch {
    FL_ATOMIC(uint32_t) word;
};
enum fl_latch_word { FL_CLOSED, FL_CLOSED_ON_THREAD, FL_CLOSED_ON_FIBER, FL_OPEN };

static inline void fl_latch_init(struct fl_latch *l)
{
    fl_store_rlx(latch_init, &l->word, FL_CLOSED); /* nobody else knows it */
}

static inline bool fl_latch_is_open(struct fl_latch *l)
{
    return fl_load_acq(latch_is_open, &l->word) == FL_OPEN; /* H1: pairs with the release latch_open */
}

/* True: a fiber was left, it is the caller's to see to it that it goes on. */
bool fl_latch_open(struct fl_latch *l);
/* Of a fiber that was left.  False: it can go on. */
bool fl_latch_leave(struct fl_latch *l);
/* Until it is open. */
void fl_latch_sleep(struct fl_latch *l);
/* For so long at most, or less.  True: it is open. */
bool fl_latch_nap(struct fl_latch *l, uint64_t ns);

#endif
