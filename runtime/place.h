/* L3: what each worker of a runtime is bound to, and whom it robs first.
 *
 *   Forms     none; core: a processor of each core, then the cores' others; thread: the processors of a core one after
 *             the other; numa: all processors of the mask that lie in one node; list: the processors that are listed.
 *             Worker i has the i-th place of that order (topology.h), and with more workers than places they begin
 *             again.  auto: numa, if the machine has several nodes, nobody has taken a processor out of the mask, and
 *             no other runtime of this process is bound so; else none.
 *   When      By filch_start, for forms that were asked for there or in the environment.  Else, and for a runtime
 *             that a spawn has started, by the first worker without a task that finds the runtime 5 ms old: so no spawn
 *             waits for that, and what is over soon never pays for it.  The machine is read once per process.
 *   Stop      waits for a worker that reads the machine (4 to 14 ms, once per process): a library's call cannot be
 *             interrupted, and no thread may be left.
 *   W5        A seating is published when it is whole, and stays as long as the runtime; each worker sits down by
 *             itself, when it looks for its next task.
 *   Source    near first, now and then anywhere: hierarchical work stealing (Quintin and Wagner, Euro-Par 2010), and
 *             the bound of localized work stealing (Suksompong, Leiserson, Schardl, SPAA 2016).
 *   Checked   tests/unit/{topology,place,pin}.c */
#ifndef FL_PLACE_H
#define FL_PLACE_H

#include "topology.h"
#include "worker.h"

struct fl_seat {
    const unsigned *cpu; /* the kernel's numbers */
    size_t cpus;
    struct fl_victims victims;
};

struct fl_seating {
    unsigned nodes; /* of memory */
    unsigned *cpu;  /* storage of all */
    size_t workers;
    struct fl_seat seat[];
};

/* NULL, and *error says why, if the machine cannot be read or the list has no processor of the mask.  Cost:
 * fl_topology_load for the first, some us later. */
struct fl_seating *fl_seating_make(enum filch_pin form, const char *list, unsigned workers, int *error);
void fl_seating_free(struct fl_seating *s);

/* Binds the calling thread, which works in w: 0 or FILCH_EPIN, and then it is not bound.  Its old mask is kept in w. */
int fl_seat_take(struct fl_worker *w, struct fl_seating *s);
/* A worker looks for its next task. */
void fl_seat_look(struct fl_worker *w);
/* A thread of the user comes to the sync of a stolen task, in w. */
void fl_seat_user(struct fl_worker *w);
/* Again, after fl_os_affinity_restore. */
void fl_seat_again(struct fl_worker *w);

/* At the end of rt. */
void fl_unplace(struct filch_runtime *rt);

/* auto: this thread's mask and the machine call for a seating. */
bool fl_place_auto(void);

#endif
