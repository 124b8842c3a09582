/* L3: waiting for a stolen task. */
#ifndef FL_JOIN_H
#define FL_JOIN_H

#include "worker.h"

/* Returns once the stolen task t of w's deque is done. */
void fl_join(struct fl_worker *w, struct filch_detail_task *t);

#endif
