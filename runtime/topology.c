#include "topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>

static size_t cores_in(hwloc_topology_t topology, hwloc_const_cpuset_t mask, unsigned **cpus)
{
    int total = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    /* a machine that tells of no cores has processors all the same */
    hwloc_obj_type_t type = total > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    if (total <= 0)
        total = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    hwloc_bitmap_t here = hwloc_bitmap_alloc();
    unsigned *list = total > 0 ? malloc((size_t)total * sizeof *list) : NULL;
    size_t n = 0;
    if (here && list) {
        for (int i = 0; i < total; i++) {
            hwloc_obj_t core = hwloc_get_obj_by_type(topology, type, (unsigned)i);
            if (!core || hwloc_bitmap_and(here, core->cpuset, mask) != 0 || hwloc_bitmap_first(here) < 0)
                continue;
            list[n++] = (unsigned)hwloc_bitmap_first(here);
        }
    }
    hwloc_bitmap_free(here);
    if (!n) {
        free(list);
        return 0;
    }
    *cpus = list;
    return n;
}

size_t fl_topology_cores(unsigned **cpus)
{
    hwloc_topology_t topology;
    size_t n = 0;
    int saved = errno; /* hwloc reads files that need not be there */
    if (hwloc_topology_init(&topology) != 0)
        return 0;
    hwloc_bitmap_t mask = hwloc_bitmap_alloc();
    if (mask && hwloc_topology_load(topology) == 0 && hwloc_get_cpubind(topology, mask, HWLOC_CPUBIND_THREAD) == 0)
        n = cores_in(topology, mask, cpus);
    hwloc_bitmap_free(mask);
    hwloc_topology_destroy(topology);
    errno = saved;
    return n;
}
