/* L3: which thread works in which slot.
 *
 *   Slots from rt->threads on, and slot 0, are lent to threads of the user; from rt->threads on to helpers, too.
 *   A helper  is a thread of ours, made where all others of its runtime wait in place (in_place.h, J5).  It opens
 *             letters until there is none, and ends.  It steals nothing and never sleeps like a worker, so parking.h
 *             does not know it; like a thread of the user it takes a place only when it has waited for a stolen task.
 *   Lock      runtime->lock guards who has which slot. */
#ifndef FL_SLOTS_H
#define FL_SLOTS_H

#include "worker.h"

/* Of a slot that is zeroed, as a mapping is. */
void fl_slot_name(struct filch_runtime *rt, unsigned id);
/* Slot 0 has a deque of its own from then on.  False: no memory. */
bool fl_slot_first(struct filch_runtime *rt);
/* Of all slots; no thread is there any more. */
void fl_slots_free_deques(struct filch_runtime *rt);

/* A slot for a thread of the user, with a deque, or NULL, and *error says why: FILCH_EFULL, FILCH_ENOMEM. */
struct fl_worker *fl_slot_lend(struct filch_runtime *rt, int *error);
/* w was lent, and is as it was before. */
void fl_slot_return(struct fl_worker *w);

/* Makes a helper, if all_wait says under the lock that one is needed.  True: it is made, or not needed, or somebody
 * else holds the lock: ask again.  False: there is no slot, no memory or no thread for it. */
bool fl_slot_help(struct filch_runtime *rt, bool (*all_wait)(struct filch_runtime *rt));

#endif
