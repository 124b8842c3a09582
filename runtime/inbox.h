/* L1: what a runtime is given from outside: letters, which any of its workers opens.
 *
 *   Purpose   A thread that works for another runtime, or for none, hands something over and goes on at once.
 *   Source    A stack that is pushed by compare-and-swap (Treiber 1986) and only ever emptied as a whole, so no pointer
 *             is taken for another one of the same address; who takes turns it round, so the oldest comes first.
 *   Callers   put: any thread.  take: workers.  remove: who may wait for what is in the letter.
 *   Storage   A letter is its sender's, from put until somebody has opened it; not touched by the inbox after take.
 *
 *   B1 What the sender did before put is seen by who takes the letter.
 *   B2 A letter is counted from before it is put until after it was taken.  Whoever reads zero after the fence of
 *      parking.h's K1 overlooks none, but those whose senders have yet to look for sleepers.  (Two lists and no count
 *      would not do: a searcher that goes to sleep could find both empty while a taker, who trusts in that searcher,
 *      carries the rest from one to the other.)
 *   B3 Takers exclude each other and never wait: who finds another at it gets nothing, and looks again.
 *   Progress  put lock-free, take wait-free but for the length of what was put since the last one.
 *   Checked   tests/model/idle_model.c (letters...), tests/unit/visit.c */
#ifndef FL_INBOX_H
#define FL_INBOX_H

#include "base.h"
#include "lock.h"

struct fl_letter {
    struct fl_letter *next;
    void (*open)(struct fl_letter *letter);
};

struct fl_inbox {
    FL_ATOMIC(uint32_t) count;
    FL_ATOMIC(struct fl_letter *) newest; /* then the older ones */
    struct fl_lock lock;                  /* guards oldest and what it leads to */
    struct fl_letter *oldest;             /* then the newer ones; none of those that newest leads to */
};

void fl_inbox_init(struct fl_inbox *b);
void fl_inbox_destroy(struct fl_inbox *b);
/* The caller then wakes somebody (K1). */
void fl_inbox_put(struct fl_inbox *b, struct fl_letter *letter);
/* True: it was still there and is its sender's again.  Waits for a taker. */
bool fl_inbox_remove(struct fl_inbox *b, struct fl_letter *letter);
/* The oldest letter; NULL if there is none, or another worker is at it. */
struct fl_letter *fl_inbox_take(struct fl_inbox *b);

static inline bool fl_inbox_has(struct fl_inbox *b)
{
    return fl_load_rlx(inbox_has, &b->count) != 0; /* a hint; B2: the caller's fence orders it */
}

#endif
