/* runtime/topology.c: where workers are put and whom they steal from first, on described and recorded machines.
 * The XML files in tests/topology/ are hwloc's exports of descriptions, with kinds, holes and a memory-only node. */
#define _GNU_SOURCE
#include "topology.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

TestSuite(topology, .init = clear_environment);

#define XML(name) FL_TOPOLOGIES "/" name ".xml"
#define SYNTHETIC(text) "synthetic:" text

/* places: the kernel's numbers in order.  victims: of worker 0, with a worker on each place: "shared: workers; ..." */
static const struct machine {
    const char *source, *mask, *places, *victims;
} machines[] = {
    {SYNTHETIC("pu:1"), NULL, "0", ""},
    {SYNTHETIC("core:1 pu:1"), NULL, "0", ""},
    {SYNTHETIC("pu:4"), NULL, "0 1 2 3", "machine: 1 2 3; "},
    {SYNTHETIC("core:4 pu:1"), NULL, "0 1 2 3", "machine: 1 2 3; "},
    {SYNTHETIC("core:2 pu:2"), NULL, "0 2 1 3", "core: 2; machine: 1 3; "},
    {SYNTHETIC("core:2 pu:4"), NULL, "0 4 1 5 2 6 3 7", "core: 2 4 6; machine: 1 3 5 7; "},
    {SYNTHETIC("pack:1 core:2 pu:2(indexes=0,2,1,3)"), NULL, "0 1 2 3", "core: 2; package: 1 3; "},
    {SYNTHETIC("pack:2 core:2 pu:2"), NULL, "0 2 4 6 1 3 5 7", "core: 4; package: 1 5; machine: 2 3 6 7; "},
    {SYNTHETIC("pack:1 l3:2 l2:2 core:1 pu:2"), NULL, "0 2 4 6 1 3 5 7", "core: 4; L3: 1 5; package: 2 3 6 7; "},
    {SYNTHETIC("pack:1 l3:1 l2:2 core:2 pu:1"), NULL, "0 1 2 3", "L2: 1; L3: 2 3; "},
    {SYNTHETIC("pack:2 l3:2 l2:2 core:2 pu:1"), NULL, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
     "L2: 1; L3: 2 3; package: 4 5 6 7; machine: 8 9 10 11 12 13 14 15; "},
    {SYNTHETIC("pack:2 numa:2 core:2 pu:1"), NULL, "0 1 2 3 4 5 6 7",
     "numa node: 1; package: 2 3; machine: 4 5 6 7; "},
    {SYNTHETIC("numa:2 pack:2 core:2 pu:1"), NULL, "0 1 2 3 4 5 6 7",
     "package: 1; numa node: 2 3; machine: 4 5 6 7; "},
    {SYNTHETIC("pack:2 [numa] core:2 pu:1"), NULL, "0 1 2 3", "package: 1; machine: 2 3; "},
    {SYNTHETIC("pack:1 l3:1 numa:2 core:2 pu:1"), NULL, "0 1 2 3", "numa node: 1; L3: 2 3; "},
    {SYNTHETIC("group:2 group:2 core:2 pu:1"), NULL, "0 1 2 3 4 5 6 7", "group: 1; group: 2 3; machine: 4 5 6 7; "},
    {SYNTHETIC("pack:4 die:2 core:1 pu:1"), "0-3", "0 1 2 3", "package: 1; machine: 2 3; "},

    {SYNTHETIC("pack:2 core:2 pu:1(indexes=0,2,1,3)"), NULL, "0 2 1 3", "package: 1; machine: 2 3; "},

    /* inside a mask */
    {SYNTHETIC("pack:2 core:2 pu:2"), "0-7", "0 2 4 6 1 3 5 7", "core: 4; package: 1 5; machine: 2 3 6 7; "},
    {SYNTHETIC("pack:2 core:2 pu:2"), "1,3-5", "1 3 4 5", "package: 1; machine: 2 3; "},
    {SYNTHETIC("pack:2 core:2 pu:2"), "7", "7", ""},
    {SYNTHETIC("pack:2 core:2 pu:2"), "6-9999", "6 7", "core: 1; "},
    {SYNTHETIC("pack:2 core:2 pu:2"), "2,3,6", "2 6 3", "core: 2; machine: 1; "},

    /* recorded */
    {XML("two_packages"), NULL, "0 2 4 6 1 3 5 7", "core: 4; L3: 1 5; machine: 2 3 6 7; "},
    {XML("two_packages"), "1,4,5", "1 4 5", "machine: 1 2; "},
    {XML("one_without_l3"), NULL, "0 2 4 6 1 3 5 7", "core: 4; L3: 1 5; machine: 2 3 6 7; "},
    {XML("one_without_l3"), "4-7", "4 6 5 7", "core: 2; package: 1 3; "},
    {XML("memory_only_node"), NULL, "0 1", "L3: 1; "},
    {XML("offline"), NULL, "0 2 5 7 3", "package: 1 2 3 4; "},
    {XML("hybrid"), NULL, "0 8 16 18 20 22 24 26 28 30 1 9", "core: 10; L3: 1 2 3 4 5 6 7 8 9 11; "},
    {XML("hybrid"), "9,16-24", "9 16 18 20 22 24", "L3: 1 2 3 4 5; "},
    {XML("hybrid"), "16-31", "16 18 20 22 24 26 28 30", "L2: 1 2 3; L3: 4 5 6 7; "},
    {XML("little_first"), NULL, "7 4 5 6 0 1 2 3", "L3: 1 2 3 4 5 6 7; "},
    {XML("little_first"), "0-5", "4 5 0 1 2 3", "L3: 1 2 3 4 5; "},
};

/* ---- what always holds ---- */

static void expect_places(const struct fl_placement *p, const char *name)
{
    cr_assert(p->places > 0 && p->levels > 0);
    for (size_t i = 0; i < p->places; i++) {
        for (size_t k = 0; k < i; k++) {
            cr_assert_neq(p->place[i].cpu, p->place[k].cpu, "%s: %u twice", name, p->place[i].cpu);
            if (p->place[i].core == p->place[k].core)
                cr_assert_lt(p->place[k].sibling, p->place[i].sibling, "%s: siblings in order", name);
        }
        if (i) {
            const struct fl_place *a = &p->place[i - 1], *b = &p->place[i];
            cr_assert(a->sibling <= b->sibling, "%s: cores before siblings", name);
            cr_assert(a->sibling < b->sibling || a->kind <= b->kind, "%s: fast before slow", name);
        }
    }
}

/* All others once, near to far, and each group as near as its first; nearness is a tree's: of three places the two
 * farther pairs are equally far. */
static void expect_victims(const struct fl_placement *p, size_t workers, const char *name)
{
    for (size_t w = 0; w < workers; w++) {
        struct fl_victims v;
        bool *seen = calloc(workers, sizeof *seen);
        cr_assert(fl_victims_of(&v, p, w, workers));
        cr_assert_eq(v.workers, workers - 1, "%s: %zu victims of %zu", name, v.workers, w);
        size_t begin = 0, last = SIZE_MAX;
        for (size_t g = 0; g < v.groups; g++) {
            cr_assert_lt(begin, v.group[g].end, "%s: an empty group", name);
            size_t near = fl_placement_nearness(p, fl_place_of(p, w), fl_place_of(p, v.worker[begin]));
            cr_assert_lt(near, last, "%s: near to far", name);
            for (size_t i = begin; i < v.group[g].end; i++) {
                size_t other = v.worker[i];
                cr_assert(other < workers && other != w && !seen[other], "%s: each once", name);
                seen[other] = true;
                cr_assert_eq(fl_placement_nearness(p, fl_place_of(p, w), fl_place_of(p, other)), near);
                cr_assert_eq(fl_placement_nearness(p, fl_place_of(p, other), fl_place_of(p, w)), near);
            }
            begin = v.group[g].end;
            last = near;
        }
        cr_assert_eq(begin, v.workers);
        fl_victims_free(&v);
        free(seen);
    }
}

static void expect_a_tree(const struct fl_placement *p, const char *name)
{
    for (size_t a = 0; a < p->places; a++)
        for (size_t b = 0; b < a; b++)
            for (size_t c = 0; c < b; c++) {
                size_t ab = fl_placement_nearness(p, a, b), bc = fl_placement_nearness(p, b, c),
                       ac = fl_placement_nearness(p, a, c);
                cr_assert(ac >= (ab < bc ? ab : bc), "%s: %zu %zu %zu", name, a, b, c);
            }
}

static void places_text(char *text, size_t room, const struct fl_placement *p)
{
    size_t n = 0;
    *text = 0;
    for (size_t i = 0; i < p->places && n < room; i++)
        n += (size_t)snprintf(text + n, room - n, "%s%u", i ? " " : "", p->place[i].cpu);
}

static void victims_text(char *text, size_t room, const struct fl_placement *p)
{
    struct fl_victims v;
    size_t n = 0, i = 0;
    *text = 0;
    cr_assert(fl_victims_of(&v, p, 0, p->places));
    for (size_t g = 0; g < v.groups && n < room; g++) {
        n += (size_t)snprintf(text + n, room - n, "%s:", v.group[g].shares);
        for (; i < v.group[g].end && n < room; i++)
            n += (size_t)snprintf(text + n, room - n, " %u", v.worker[i]);
        n += n < room ? (size_t)snprintf(text + n, room - n, "; ") : 0;
    }
    fl_victims_free(&v);
}

static struct fl_placement placement_of(const char *source, const char *mask)
{
    struct fl_topology *t;
    struct fl_placement p;
    cr_assert_eq(fl_topology_load(&t, source), FL_TOPOLOGY_OK, "%s", source);
    enum fl_topology_error error = fl_topology_place(&p, t, mask);
    cr_assert_eq(error, FL_TOPOLOGY_OK, "%s: %s", source, fl_topology_strerror(error));
    fl_topology_free(t); /* the placement keeps nothing of it */
    return p;
}

Test(topology, machines)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        const struct machine *m = &machines[i];
        struct fl_placement p = placement_of(m->source, m->mask);
        char places[512], victims[512];
        places_text(places, sizeof places, &p);
        victims_text(victims, sizeof victims, &p);
        cr_expect_str_eq(places, m->places, "%s in %s: %s", m->source, m->mask ? m->mask : "all", places);
        cr_expect_str_eq(victims, m->victims, "%s in %s: %s", m->source, m->mask ? m->mask : "all", victims);
        expect_places(&p, m->source);
        expect_a_tree(&p, m->source);
        for (size_t workers = 1; workers <= p.places + 3; workers++)
            expect_victims(&p, workers, m->source);
        fl_placement_free(&p);
    }
}

/* ---- what a table does not show ---- */

Test(topology, more_than_1024_processors)
{
    struct fl_placement p = placement_of(SYNTHETIC("pack:4 l3:8 core:24 pu:2"), NULL);
    struct fl_victims v;
    cr_assert_eq(p.places, 1536u);
    cr_assert_eq(p.place[767].cpu, 1534u);
    cr_assert_eq(p.place[768].cpu, 1u);
    cr_assert(fl_victims_of(&v, &p, 700, 1536));
    cr_assert_eq(v.groups, 4u);
    cr_assert_eq(v.worker[0], 700u + 768u, "the sibling");
    cr_assert_eq(v.group[0].end, 1u);
    cr_assert_eq(v.group[1].end, 47u);
    cr_assert_eq(v.group[2].end, 383u);
    cr_assert_eq(v.group[3].end, 1535u);
    fl_victims_free(&v);
    fl_placement_free(&p);
}

Test(topology, processors_beyond_1024_in_a_mask)
{
    struct fl_placement p = placement_of(SYNTHETIC("pack:4 core:192 pu:2"), "1022-1025,1535,4000-5000");
    char places[64];
    places_text(places, sizeof places, &p);
    cr_assert_str_eq(places, "1022 1024 1535 1023 1025");
    fl_placement_free(&p);
}

Test(topology, more_workers_than_places_share_them)
{
    struct fl_placement p = placement_of(SYNTHETIC("core:2 pu:1"), NULL);
    struct fl_victims v;
    cr_assert(fl_victims_of(&v, &p, 3, 6));
    cr_assert_eq(v.groups, 2u);
    cr_assert_str_eq(v.group[0].shares, "processor");
    cr_assert_eq(v.group[0].end, 2u);
    static const unsigned expected[] = {5, 1, 4, 0, 2};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(v.worker[i], expected[i], "victim %zu is %u", i, v.worker[i]);
    fl_victims_free(&v);
    fl_placement_free(&p);
}

Test(topology, memory_of_places)
{
    struct fl_placement p = placement_of(SYNTHETIC("numa:2(indexes=3,1) core:2 pu:1"), NULL);
    cr_assert_eq(p.place[0].node, 3);
    cr_assert_eq(p.place[3].node, 1);
    fl_placement_free(&p);
    p = placement_of(XML("memory_only_node"), NULL);
    cr_assert_eq(p.place[0].node, 0);
    cr_assert_eq(p.place[1].node, 0);
    fl_placement_free(&p);
}

Test(topology, summaries)
{
    struct fl_topology *t;
    struct fl_topology_summary s;
    cr_assert_eq(fl_topology_load(&t, XML("hybrid")), FL_TOPOLOGY_OK);
    fl_topology_summary(t, &s);
    cr_assert(s.packages == 1 && s.nodes == 1 && s.l3 == 1 && s.l2 == 4 && s.cores == 10 && s.processors == 12);
    cr_assert(s.kinds == 2 && !s.here);
    fl_topology_free(t);
    cr_assert_eq(fl_topology_load(&t, SYNTHETIC("pu:3")), FL_TOPOLOGY_OK);
    fl_topology_summary(t, &s);
    cr_assert(s.packages == 0 && s.l3 == 0 && s.l2 == 0 && s.cores == 0 && s.processors == 3 && s.kinds == 1);
    fl_topology_free(t);
}

/* ---- errors ---- */

Test(topology, a_source_that_cannot_be_read)
{
    static const char *const bad[] = {"synthetic:", "synthetic:core:x", "synthetic:nonsense:3", "no/such/file.xml",
                                      __FILE__};
    setenv("HWLOC_HIDE_ERRORS", "2", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_topology *t = NULL;
        errno = 1234;
        cr_assert_eq(fl_topology_load(&t, bad[i]), FL_TOPOLOGY_SOURCE, "%s", bad[i]);
        cr_assert_null(t);
        cr_assert_eq(errno, 1234);
    }
}

Test(topology, masks_that_leave_nothing_or_are_none)
{
    static const struct {
        const char *mask;
        enum fl_topology_error error;
    } bad[] = {{"4", FL_TOPOLOGY_MASK},   {"100-2000", FL_TOPOLOGY_MASK}, {"", FL_TOPOLOGY_MASK},
               {"all", FL_TOPOLOGY_LIST}, {"0x3", FL_TOPOLOGY_LIST},      {"0-1 2", FL_TOPOLOGY_LIST}};
    struct fl_topology *t;
    struct fl_placement p;
    cr_assert_eq(fl_topology_load(&t, SYNTHETIC("core:4 pu:1")), FL_TOPOLOGY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 1234;
        cr_assert_eq(fl_topology_place(&p, t, bad[i].mask), bad[i].error, "\"%s\"", bad[i].mask);
        cr_assert_eq(errno, 1234);
        cr_assert_null(p.place);
    }
    fl_topology_free(t);
}

/* ---- this machine ---- */

Test(topology, this_machine)
{
    cpu_set_t mask;
    struct fl_placement p = placement_of(NULL, NULL);
    expect_places(&p, "this machine");
    expect_victims(&p, p.places, "this machine");
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        cr_skip_test("more processors than this test counts");
    cr_assert_eq(p.places, (size_t)CPU_COUNT(&mask));
    for (size_t i = 0; i < p.places; i++)
        cr_assert(CPU_ISSET(p.place[i].cpu, &mask));
    struct fl_placement here;
    cr_assert(fl_topology_here(&here, NULL, FL_PLACES_CORES));
    cr_assert_eq(here.places, p.places);
    for (size_t i = 0; i < p.places; i++)
        cr_assert_eq(here.place[i].cpu, p.place[i].cpu);
    fl_placement_free(&here);
    fl_placement_free(&p);
}

Test(topology, loading_leaves_the_mask_alone)
{
    cpu_set_t before, after;
    struct fl_topology *t;
    if (sched_getaffinity(0, sizeof before, &before) != 0)
        cr_skip_test("more processors than this test counts");
    cr_assert_eq(fl_topology_load(&t, NULL), FL_TOPOLOGY_OK);
    fl_topology_free(t);
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&before, &after));
}

/* HWLOC_SYNTHETIC stays in force: a made-up machine, whose numbers nobody may be pinned to. */
Test(topology, no_pinning_to_a_machine_that_is_not_this_one)
{
    struct fl_placement here;
    setenv("HWLOC_SYNTHETIC", "core:2 pu:1", 1);
    cr_assert_not(fl_topology_here(&here, NULL, FL_PLACES_CORES));
    struct fl_placement p = placement_of(NULL, NULL);
    cr_assert_eq(p.places, 2u);
    fl_placement_free(&p);
}
