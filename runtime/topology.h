/* L2: the machine.  topology.c alone includes hwloc.h. */
#ifndef FL_TOPOLOGY_H
#define FL_TOPOLOGY_H

#include <stddef.h>

/* The kernel's number of the first allowed processor of each core inside this thread's affinity mask, in the order of
 * the machine; *cpus is malloc'ed.  Returns their number, 0 if the machine cannot be read.
 * Cost: hwloc reads some hundred files, 3 to 14 ms. */
size_t fl_topology_cores(unsigned **cpus);

#endif
