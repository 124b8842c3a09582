#include "topology.h"

#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"

struct fl_topology {
    hwloc_topology_t hwloc;
};

const char *fl_topology_strerror(enum fl_topology_error error)
{
    static const char *const texts[] = {
#define TEXT(name, text) text,
        FL_TOPOLOGY_ERRORS(TEXT)
#undef TEXT
    };
    return texts[error];
}

const char *fl_topology_library(void)
{
    static const char *const name = "hwloc " HWLOC_VERSION;
    return name;
}

/* ---- loading ---- */

static bool describe(hwloc_topology_t topology, const char *source)
{
    static const char synthetic[] = "synthetic:";
    unsigned long flags = 0;
    if (source && strncmp(source, synthetic, sizeof synthetic - 1) == 0) {
        if (hwloc_topology_set_synthetic(topology, source + sizeof synthetic - 1) != 0)
            return false;
    } else if (source && hwloc_topology_set_xml(topology, source) != 0) {
        return false;
    }
#if HWLOC_API_VERSION >= 0x00020500
    /* else it walks this thread over all processors to ask each, although Linux has told it all */
    flags |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
#endif
    return hwloc_topology_set_flags(topology, flags) == 0 && hwloc_topology_load(topology) == 0;
}

/* hwloc asks for the mask with ever larger sets, and for ever where a filter denies sched_getaffinity. */
static bool may_ask(void)
{
    void *mask = fl_os_affinity_save();
    fl_os_affinity_free(mask);
    return mask;
}

static enum fl_topology_error load(struct fl_topology *t, const char *source)
{
    if (!source && !may_ask())
        return FL_TOPOLOGY_SOURCE;
    if (hwloc_topology_init(&t->hwloc) != 0)
        return FL_TOPOLOGY_MEMORY;
    if (describe(t->hwloc, source))
        return FL_TOPOLOGY_OK;
    hwloc_topology_destroy(t->hwloc);
    return FL_TOPOLOGY_SOURCE;
}

enum fl_topology_error fl_topology_load(struct fl_topology **out, const char *source)
{
    int saved = errno; /* hwloc reads files that need not be there */
    struct fl_topology *t = malloc(sizeof *t);
    enum fl_topology_error error = t ? load(t, source) : FL_TOPOLOGY_MEMORY;
    if (error)
        free(t);
    else
        *out = t;
    errno = saved;
    return error;
}

void fl_topology_free(struct fl_topology *t)
{
    int saved = errno;
    if (t)
        hwloc_topology_destroy(t->hwloc);
    free(t);
    errno = saved;
}

static unsigned count(const struct fl_topology *t, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(t->hwloc, type);
    return n > 0 ? (unsigned)n : 0;
}

void fl_topology_summary(const struct fl_topology *t, struct fl_topology_summary *out)
{
    int saved = errno, kinds = hwloc_cpukinds_get_nr(t->hwloc, 0), efficiency = -1;
    if (kinds > 1)
        (void)hwloc_cpukinds_get_info(t->hwloc, 0, NULL, &efficiency, NULL, NULL, 0);
    *out = (struct fl_topology_summary){
        .packages = count(t, HWLOC_OBJ_PACKAGE),
        .nodes = count(t, HWLOC_OBJ_NUMANODE),
        .l3 = count(t, HWLOC_OBJ_L3CACHE),
        .l2 = count(t, HWLOC_OBJ_L2CACHE),
        .cores = count(t, HWLOC_OBJ_CORE),
        .processors = count(t, HWLOC_OBJ_PU),
        .kinds = efficiency >= 0 ? (unsigned)kinds : 1,
        .here = hwloc_topology_is_thissystem(t->hwloc) != 0,
    };
    errno = saved;
}

/* ---- places ---- */

/* The kinds are numbered from the slowest on, if hwloc knows which is which. */
static unsigned kind_of(hwloc_topology_t topology, hwloc_const_cpuset_t cpu)
{
    int kinds = hwloc_cpukinds_get_nr(topology, 0), efficiency = -1;
    int kind = kinds > 1 ? hwloc_cpukinds_get_by_cpuset(topology, cpu, 0) : -1;
    if (kind >= 0)
        (void)hwloc_cpukinds_get_info(topology, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0);
    return efficiency >= 0 ? (unsigned)(kinds - 1 - kind) : 0;
}

/* A machine that tells of no cores has processors all the same. */
static hwloc_obj_t core_of(hwloc_topology_t topology, hwloc_obj_t pu)
{
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
    return core ? core : pu;
}

static enum fl_topology_error mask_of(hwloc_bitmap_t out, hwloc_topology_t topology, const char *list)
{
    if (list) /* hwloc takes more than lists: "all" and what it does not understand */
        return strspn(list, "0123456789,-") == strlen(list) && hwloc_bitmap_list_sscanf(out, list) == 0
                   ? FL_TOPOLOGY_OK
                   : FL_TOPOLOGY_LIST;
    if (hwloc_topology_is_thissystem(topology))
        return hwloc_get_cpubind(topology, out, HWLOC_CPUBIND_THREAD) == 0 ? FL_TOPOLOGY_OK : FL_TOPOLOGY_MASK;
    return hwloc_bitmap_copy(out, hwloc_topology_get_topology_cpuset(topology)) == 0 ? FL_TOPOLOGY_OK
                                                                                     : FL_TOPOLOGY_MEMORY;
}

/* In the order of the machine; the siblings of a core follow each other. */
static size_t list_places(hwloc_topology_t topology, hwloc_const_cpuset_t mask, struct fl_place *place)
{
    size_t n = 0;
    unsigned sibling = 0;
    hwloc_obj_t pu = NULL, core = NULL;
    while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu))) {
        if (!hwloc_bitmap_isset(mask, pu->os_index))
            continue;
        sibling = core_of(topology, pu) == core ? sibling + 1 : 0;
        core = core_of(topology, pu);
        place[n++] = (struct fl_place){.cpu = pu->os_index,
                                       .core = core->logical_index,
                                       .sibling = sibling,
                                       .kind = kind_of(topology, pu->cpuset),
                                       .node = pu->nodeset ? hwloc_bitmap_first(pu->nodeset) : -1};
    }
    return n;
}

#define BY(field)                                                                                                     \
    if (a->field != b->field)                                                                                         \
    return a->field < b->field ? -1 : 1
static int by_cores(const void *left, const void *right)
{
    const struct fl_place *a = left, *b = right;
    BY(sibling);
    BY(kind);
    BY(core);
    BY(cpu); /* where only some processors have a core, numbers of cores and processors mix */
    return 0;
}

static int by_threads(const void *left, const void *right)
{
    const struct fl_place *a = left, *b = right;
    BY(kind);
    BY(core);
    BY(sibling);
    BY(cpu);
    return 0;
}

static int by_rank(const void *left, const void *right)
{
    const struct fl_place *a = left, *b = right;
    BY(rank);
    return 0;
}
#undef BY

/* Where cpu comes in a list such as 8,0-3; behind all if it is not there. */
static unsigned rank_of(const char *list, unsigned cpu)
{
    unsigned rank = 0;
    while (list && *list) {
        char *end;
        unsigned long from = strtoul(list, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (cpu >= from && cpu <= to)
            return rank + (cpu - (unsigned)from);
        rank += to >= from && to - from < UINT_MAX - rank ? (unsigned)(to - from) + 1 : 0;
        list = *end == ',' ? end + 1 : "";
    }
    return UINT_MAX;
}

static const char *level_name(hwloc_topology_t topology, int depth)
{
    hwloc_obj_t obj = hwloc_get_obj_by_depth(topology, depth, 0);
    switch (obj->type) {
    case HWLOC_OBJ_MACHINE: return "machine";
    case HWLOC_OBJ_PACKAGE: return "package";
    case HWLOC_OBJ_DIE: return "die";
    case HWLOC_OBJ_CORE: return "core";
    case HWLOC_OBJ_GROUP: return obj->memory_arity ? "numa node" : "group";
    case HWLOC_OBJ_L5CACHE: return "L5";
    case HWLOC_OBJ_L4CACHE: return "L4";
    case HWLOC_OBJ_L3CACHE: return "L3";
    case HWLOC_OBJ_L2CACHE: return "L2";
    case HWLOC_OBJ_L1CACHE: return "L1";
    default: return "group";
    }
}

static void fill_shared(const struct fl_placement *p, hwloc_topology_t topology)
{
    for (size_t i = 0; i < p->places; i++) {
        unsigned *shared = p->shared + i * p->levels;
        for (size_t l = 0; l < p->levels; l++)
            shared[l] = FL_SHARED_NONE;
        hwloc_obj_t obj = hwloc_get_pu_obj_by_os_index(topology, p->place[i].cpu);
        while ((obj = obj->parent))
            if (obj->depth >= 0 && (size_t)obj->depth < p->levels)
                shared[obj->depth] = obj->logical_index;
    }
}

static enum fl_topology_error place_in(struct fl_placement *p, hwloc_topology_t topology, hwloc_const_cpuset_t mask,
                                       const char *list, enum fl_places order)
{
    static int (*const orders[])(const void *, const void *) = {by_cores, by_threads, by_rank};
    int all = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), depth = hwloc_get_type_depth(topology, HWLOC_OBJ_PU);
    p->place = all > 0 ? malloc((size_t)all * sizeof *p->place) : NULL;
    if (!p->place)
        return all > 0 ? FL_TOPOLOGY_MEMORY : FL_TOPOLOGY_MASK;
    p->places = list_places(topology, mask, p->place);
    if (!p->places)
        return FL_TOPOLOGY_MASK;
    for (size_t i = 0; i < p->places; i++)
        p->place[i].rank = rank_of(list, p->place[i].cpu);
    qsort(p->place, p->places, sizeof *p->place, orders[order]);

    p->levels = (size_t)depth; /* processors are the deepest: at least the machine is above */
    p->shared = malloc(p->places * p->levels * sizeof *p->shared);
    p->level = malloc(p->levels * sizeof *p->level);
    if (!p->shared || !p->level)
        return FL_TOPOLOGY_MEMORY;
    for (size_t l = 0; l < p->levels; l++)
        p->level[l] = level_name(topology, (int)l);
    fill_shared(p, topology);
    return FL_TOPOLOGY_OK;
}

enum fl_topology_error fl_topology_place_as(struct fl_placement *out, const struct fl_topology *t, const char *mask,
                                            const char *list, enum fl_places order)
{
    int saved = errno;
    hwloc_bitmap_t set = hwloc_bitmap_alloc(), listed = hwloc_bitmap_alloc();
    enum fl_topology_error error = set && listed ? mask_of(set, t->hwloc, mask) : FL_TOPOLOGY_MEMORY;
    if (!error && list)
        error = mask_of(listed, t->hwloc, list);
    if (!error && list && hwloc_bitmap_and(set, set, listed) != 0)
        error = FL_TOPOLOGY_MEMORY;
    *out = (struct fl_placement){0};
    if (!error)
        error = place_in(out, t->hwloc, set, list, order);
    if (error)
        fl_placement_free(out);
    hwloc_bitmap_free(set);
    hwloc_bitmap_free(listed);
    errno = saved;
    return error;
}

enum fl_topology_error fl_topology_place(struct fl_placement *out, const struct fl_topology *t, const char *mask)
{
    return fl_topology_place_as(out, t, mask, NULL, FL_PLACES_CORES);
}

void fl_placement_free(struct fl_placement *p)
{
    free(p->place);
    free(p->shared);
    free(p->level);
    *p = (struct fl_placement){0};
}

/* ---- victims ---- */

size_t fl_placement_nearness(const struct fl_placement *p, size_t a, size_t b)
{
    const unsigned *x = p->shared + a * p->levels, *y = p->shared + b * p->levels;
    size_t l = p->levels;
    if (a == b)
        return l;
    while (--l > 0) /* all share the machine, level 0 */
        if (x[l] == y[l] && x[l] != FL_SHARED_NONE)
            return l;
    return 0;
}

bool fl_victims_of(struct fl_victims *out, const struct fl_placement *p, size_t worker, size_t workers)
{
    size_t here = fl_place_of(p, worker), n = 0;
    size_t *nearness = malloc(workers * sizeof *nearness);
    *out = (struct fl_victims){.worker = malloc(workers * sizeof *out->worker),
                               .group = malloc((p->levels + 1) * sizeof *out->group)};
    if (!nearness || !out->worker || !out->group) {
        free(nearness);
        fl_victims_free(out);
        return false;
    }
    for (size_t i = 0; i < workers; i++)
        nearness[i] = fl_placement_nearness(p, here, fl_place_of(p, i));
    for (size_t l = p->levels + 1; l-- > 0;) {
        size_t before = n;
        for (size_t i = 1; i < workers; i++) {
            size_t other = (worker + i) % workers;
            if (nearness[other] == l)
                out->worker[n++] = (unsigned)other;
        }
        if (n > before)
            out->group[out->groups++] = (struct fl_victim_group){l < p->levels ? p->level[l] : "processor", n};
    }
    out->workers = n;
    free(nearness);
    return true;
}

void fl_victims_free(struct fl_victims *v)
{
    free(v->worker);
    free(v->group);
    *v = (struct fl_victims){0};
}

/* ---- this machine ---- */

static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
static struct fl_topology here;
static bool is_here, is_over;

void fl_topology_hold(void)
{
    pthread_mutex_lock(&reading);
}

void fl_topology_let_go(void)
{
    pthread_mutex_unlock(&reading);
}

/* At exit, or when a plugin that contains this is unloaded. */
__attribute__((destructor)) static void forget(void)
{
    fl_topology_hold();
    if (is_here)
        hwloc_topology_destroy(here.hwloc);
    is_here = false;
    is_over = true; /* a worker of a runtime that was left running may still want it, beside hwloc's own destructors */
    fl_topology_let_go();
}

bool fl_topology_here(struct fl_placement *out, const char *list, enum fl_places order)
{
    int saved = errno;
    fl_topology_hold();
    is_here = !is_over && (is_here || load(&here, NULL) == FL_TOPOLOGY_OK);
    bool got = is_here && hwloc_topology_is_thissystem(here.hwloc) &&
               fl_topology_place_as(out, &here, NULL, list, order) == FL_TOPOLOGY_OK;
    fl_topology_let_go();
    errno = saved;
    return got;
}
