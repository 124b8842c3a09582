/* L2: the machine.  topology.c alone includes hwloc.h.
 *
 *   Places    The processors that workers are put on, in this order: one of each core before the second of any; among
 *             those the faster kind of core first (P before E); among those the order of the machine.
 *   Levels    What two places share, from the machine (0) inwards: a group, a package, an L3, an L2, a core; whatever
 *             hwloc knows between the machine and its processors.  The deepest level that two places share tells how
 *             near they are.
 *   T1        Each processor is at most one place, and all places are inside the mask.
 *   T2        Who shares a level shares all levels above it, so the distance of two places is that of any common
 *             ancestor, and for one worker the others fall into groups, one inside the next.
 *   Source    hwloc (Broquedis et al., PDP 2010), its normal objects, its kinds of processors.
 *   Checked   tests/unit/topology.c, on described and recorded machines. */
#ifndef FL_TOPOLOGY_H
#define FL_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_topology; /* a loaded machine */

#define FL_TOPOLOGY_ERRORS(X)                                                                                         \
    X(FL_TOPOLOGY_OK, "no error")                                                                                     \
    X(FL_TOPOLOGY_MEMORY, "no memory")                                                                                \
    X(FL_TOPOLOGY_SOURCE, "the description of the machine cannot be read")                                            \
    X(FL_TOPOLOGY_LIST, "a list of processors such as 0-3,8 is needed")                                               \
    X(FL_TOPOLOGY_MASK, "no processor of the machine is in the mask")

enum fl_topology_error {
#define FL_TOPOLOGY_NAME(name, text) name,
    FL_TOPOLOGY_ERRORS(FL_TOPOLOGY_NAME)
#undef FL_TOPOLOGY_NAME
};

const char *fl_topology_strerror(enum fl_topology_error error);

/* source: NULL for this machine, "synthetic:DESCRIPTION" (hwloc(7)), or the name of an XML file of lstopo.
 * Cost: this machine, 3 to 14 ms, some hundred files. */
enum fl_topology_error fl_topology_load(struct fl_topology **out, const char *source);
void fl_topology_free(struct fl_topology *t);

struct fl_topology_summary {
    unsigned packages, nodes, l3, l2, cores, processors; /* in the machine, 0 where it does not tell */
    unsigned kinds;                                      /* of cores, ranked by speed; 1 if they are not */
    bool here;                                           /* it is this machine, so its threads can be bound */
};

void fl_topology_summary(const struct fl_topology *t, struct fl_topology_summary *out);
const char *fl_topology_library(void); /* "hwloc 2.9.0" */

struct fl_place {
    unsigned cpu;     /* the kernel's number */
    unsigned core;    /* the machine's number of its core, or of the processor where there are no cores */
    unsigned sibling; /* 0 is the first of its core inside the mask */
    unsigned kind;    /* 0 is the fastest */
    int node;         /* the kernel's number of its memory, -1 if it has none */
    unsigned rank;    /* in the list that was asked for */
};

/* Keeps nothing of the topology that it was made of. */
struct fl_placement {
    size_t places, levels;
    struct fl_place *place;
    unsigned *shared;   /* places x levels: the object of that level, or FL_SHARED_NONE */
    const char **level; /* what a level is: "machine", "package", "numa node", "L3", "core"; static */
};

#define FL_SHARED_NONE (~0u)

enum fl_places {
    FL_PLACES_CORES,   /* a processor of each core first */
    FL_PLACES_THREADS, /* the processors of a core one after the other */
    FL_PLACES_LISTED   /* as the list has them */
};

/* mask: a list of the kernel's numbers, or NULL: the calling thread's affinity mask where the topology is this
 * machine's, else all.  To be freed by fl_placement_free; after an error there is nothing to free. */
enum fl_topology_error fl_topology_place(struct fl_placement *out, const struct fl_topology *t, const char *mask);
/* The same in this order, and with a list only those of it. */
enum fl_topology_error fl_topology_place_as(struct fl_placement *out, const struct fl_topology *t, const char *mask,
                                            const char *list, enum fl_places order);
void fl_placement_free(struct fl_placement *p);

/* The place of a worker: with more workers than places they begin again. */
static inline size_t fl_place_of(const struct fl_placement *p, size_t worker)
{
    return worker % p->places;
}

/* The deepest level that places a and b share; levels if they are the same place. */
size_t fl_placement_nearness(const struct fl_placement *p, size_t a, size_t b);

/* All workers but one, near to far.  Inside a group the order is that of the workers from the next one on, so that
 * neighbours do not all begin with the same. */
struct fl_victims {
    size_t workers, groups;
    unsigned *worker;
    struct fl_victim_group {
        const char *shares; /* "processor" (several workers on one), "core", "L2", ... "machine" */
        size_t end;         /* the group is [the end of the one before, end) of worker */
    } * group;
};

/* False without memory, and then there is nothing to free.  O(workers x levels). */
bool fl_victims_of(struct fl_victims *out, const struct fl_placement *p, size_t worker, size_t workers);
void fl_victims_free(struct fl_victims *v);

/* The k-th of v->workers in a look with that random number: near to far, in each group from another one on. */
static inline unsigned fl_victim_at(const struct fl_victims *v, size_t k, uint32_t random)
{
    size_t begin = 0, g = 0;
    while (k >= v->group[g].end)
        begin = v->group[g++].end;
    return v->worker[begin + (k - begin + random) % (v->group[g].end - begin)];
}

/* Places of this machine and thread; of a list those that are in the thread's mask.  False if the machine cannot be
 * read or nothing is left.  The machine is read once per process.  From any thread. */
bool fl_topology_here(struct fl_placement *out, const char *list, enum fl_places order);
/* For fork: nobody reads the machine in between. */
void fl_topology_hold(void);
void fl_topology_let_go(void);

#endif
