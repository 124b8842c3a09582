/* L4: what the features on top of the runtime need of it. */
#ifndef FL_RUNTIME_H
#define FL_RUNTIME_H

#include "worker.h"

/* rt, or for NULL the default runtime, kept from being stopped until fl_let_go; NULL if no default runtime runs. */
struct filch_runtime *fl_hold(struct filch_runtime *rt);
void fl_let_go(struct filch_runtime *rt);

#endif
