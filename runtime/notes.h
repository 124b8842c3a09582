/* L1: what FILCH_CHECK remembers of the tasks in a deque, beside it.
 *
 *   Purpose   To name a task that was left unsynced without reading it: its frame is gone, another's data lies there.
 *   Callers   The owner of the deque.  Without FILCH_CHECK nobody makes notes, and a deque has none.
 *   Storage   As of a deque: the notes of slots -capacity ... -1 lie before the struct.  16 bytes of address space per
 *             slot, touched as used; kept until the deque goes.
 *
 *   N1 The note of slot i is about the task t in it if its task is t: it is written after t's spawn by FILCH_CHECK,
 *      moves with t, and is wiped before t's sync.  A task of other code has no note, or one that is about another.
 *   N2 hint[hash of t] is a slot in which t was, or another task with that hash: whoever reads it looks there. */
#ifndef FL_NOTES_H
#define FL_NOTES_H

#include "deque.h"

struct fl_note {
    const struct filch_detail_task *task;
    const filch_site *site;
};

enum { FL_HINTS = 4096 };

struct fl_notes {
    uintptr_t stack_low, stack_high; /* of the stack that the owner runs on; high 0: not asked yet */
    uintptr_t hint[FL_HINTS];
};

/* The notes of d, made if need be; NULL without memory. */
struct fl_notes *fl_notes_of(struct fl_deque *d);
/* The deque goes, and its notes with it. */
void fl_notes_free(struct fl_deque *d);
/* t, spawned from site, is in its slot of d. */
void fl_notes_add(struct fl_deque *d, const struct filch_detail_task *t, const filch_site *site);
/* t is about to be synced. */
void fl_notes_wipe(struct fl_deque *d, const struct filch_detail_task *t);
/* What is noted of t, which is in slot i, or NULL. */
const filch_site *fl_notes_site(struct fl_deque *d, uintptr_t i, const struct filch_detail_task *t);
/* True if t is sure to be in d.  Reads no byte of t.  False: it is not, or is not known to be. */
bool fl_notes_know(struct fl_deque *d, const struct filch_detail_task *t);

static inline struct fl_note *fl_note_at(struct fl_notes *notes, uintptr_t i)
{
    return (struct fl_note *)(void *)notes + (ptrdiff_t)i;
}

/* A task of d moves from one slot to another. */
static inline void fl_notes_move(struct fl_deque *d, uintptr_t from, uintptr_t to)
{
    if (d->notes)
        *fl_note_at(d->notes, to) = *fl_note_at(d->notes, from);
}

/* Another thread has moved in: its stack is not known. */
static inline void fl_notes_moved_in(struct fl_deque *d)
{
    if (d->notes)
        d->notes->stack_high = 0;
}

#endif
