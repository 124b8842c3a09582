/* L4: what the features on top of the runtime need of it. */
#ifndef FL_RUNTIME_H
#define FL_RUNTIME_H

#include "worker.h"

/* rt, or for NULL the default runtime, or NULL if none runs; no runtime is stopped before fl_let_go, which must come
 * soon and in any case. */
struct filch_runtime *fl_hold(struct filch_runtime *rt);
void fl_let_go(void);
/* For filch_dump: true if the lists are held now; the first of all runtimes. */
bool fl_try_hold(void);
struct filch_runtime *fl_first_runtime(void);

/* This thread is attached no more: its end is not to detach it. */
void fl_forget_end(void);

/* For the child of a fork, under fl_hold.  No runtime is there any more: the list of those that were. */
struct filch_runtime *fl_disown(void);
/* All memory of a runtime without threads but *rt and its lock. */
void fl_free_memory(struct filch_runtime *rt);

#endif
