/* runtime/place.c: seats, and when workers take them.  What they are bound to: pin.c; orders of places: topology.c. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "os.h"
#include "place.h"
#include "process.h"
#include "runtime.h"
#include "stolen.h"

TestSuite(place, .init = clear_environment, .timeout = 60);

static struct fl_placement placed(const char *machine, const char *list, enum fl_places order)
{
    struct fl_topology *t;
    struct fl_placement p;
    cr_assert_eq(fl_topology_load(&t, machine), FL_TOPOLOGY_OK);
    cr_assert_eq(fl_topology_place_as(&p, t, NULL, list, order), FL_TOPOLOGY_OK);
    fl_topology_free(t);
    return p;
}

static void expect_cpus(const struct fl_placement *p, size_t n, const unsigned cpu[])
{
    cr_assert_eq(p->places, n);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(p->place[i].cpu, cpu[i], "place %zu is %u and not %u", i, p->place[i].cpu, cpu[i]);
}

Test(place, orders)
{
    static const char machine[] = "synthetic:pack:2 core:2 pu:2";
    struct fl_placement p = placed(machine, NULL, FL_PLACES_CORES);
    expect_cpus(&p, 8, (const unsigned[]){0, 2, 4, 6, 1, 3, 5, 7});
    fl_placement_free(&p);
    p = placed(machine, NULL, FL_PLACES_THREADS);
    expect_cpus(&p, 8, (const unsigned[]){0, 1, 2, 3, 4, 5, 6, 7});
    fl_placement_free(&p);
    p = placed(machine, "6,1-3,0", FL_PLACES_LISTED);
    expect_cpus(&p, 5, (const unsigned[]){6, 1, 2, 3, 0});
    fl_placement_free(&p);
    p = placed(machine, "7,100-200,1", FL_PLACES_LISTED); /* what is not there is left out */
    expect_cpus(&p, 2, (const unsigned[]){7, 1});
    fl_placement_free(&p);
}

/* Each once, near to far, and inside a group each can be the first. */
static void expect_looks(const char *machine, size_t workers)
{
    struct fl_placement p = placed(machine, NULL, FL_PLACES_CORES);
    for (size_t w = 0; w < workers; w++) {
        struct fl_victims v;
        cr_assert(fl_victims_of(&v, &p, w, workers));
        cr_assert_eq(v.workers, workers - 1);
        for (uint32_t random = 0; random < 3 * workers; random++) {
            bool *seen = calloc(workers, 1);
            size_t last = p.levels;
            for (size_t k = 0; k < v.workers; k++) {
                unsigned i = fl_victim_at(&v, k, random * 2654435761u);
                size_t near = fl_placement_nearness(&p, fl_place_of(&p, w), fl_place_of(&p, i));
                cr_assert(i < workers && i != w && !seen[i] && near <= last);
                seen[i] = true;
                last = near;
            }
            free(seen);
        }
        for (size_t k = 0; k < v.group[0].end; k++) {
            bool first = false;
            for (uint32_t random = 0; random < v.group[0].end; random++)
                first |= fl_victim_at(&v, 0, random) == v.worker[k];
            cr_assert(first);
        }
        fl_victims_free(&v);
    }
    fl_placement_free(&p);
}

Test(place, a_look_goes_from_near_to_far_and_misses_nobody)
{
    expect_looks("synthetic:pu:1", 3);
    expect_looks("synthetic:core:4 pu:2", 8);
    expect_looks("synthetic:pack:2 l3:2 core:4 pu:2", 32);
    expect_looks("synthetic:pack:2 l3:2 core:3 pu:1", 17);
}

/* ---- seats on this machine ---- */

static void expect_seats(enum filch_pin form, const char *list, bool single)
{
    int error = 1;
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        cr_skip_test("more processors than this test counts");
    struct fl_seating *s = fl_seating_make(form, list, 5, &error);
    cr_assert_not_null(s);
    cr_assert_eq(error, 0);
    cr_assert(s->nodes >= 1 && s->workers == 5);
    for (size_t i = 0; i < 5; i++) {
        cr_assert(single ? s->seat[i].cpus == 1 : s->seat[i].cpus >= 1);
        for (size_t k = 0; k < s->seat[i].cpus; k++)
            cr_assert(CPU_ISSET(s->seat[i].cpu[k], &mask));
        cr_assert_eq(s->seat[i].victims.workers, 4u);
    }
    if (!single && s->nodes == 1)
        cr_assert_eq(s->seat[0].cpus, (size_t)CPU_COUNT(&mask));
    fl_seating_free(s);
}

Test(place, seats_of_each_form)
{
    expect_seats(FILCH_PIN_CORE, NULL, true);
    expect_seats(FILCH_PIN_THREAD, NULL, true);
    expect_seats(FILCH_PIN_NUMA, NULL, false);
    expect_seats(FILCH_PIN_LIST, "0-4095", true);
}

Test(place, a_list_without_a_processor_of_the_mask)
{
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_LIST, .pin_list = "100000"};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), FILCH_EPIN);
}

Test(place, a_list_binds_in_its_order)
{
    cpu_set_t mask;
    char list[24];
    unsigned last = 0;
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_LIST, .pin_list = list};
    filch_runtime *rt;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        cr_skip_test("more processors than this test counts");
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        last = CPU_ISSET(i, &mask) ? i : last;
    snprintf(list, sizeof list, "%u", last);
    cr_assert_eq(filch_start(&rt, &c), 0);
    for (unsigned i = 0; i < 2; i++)
        cr_assert(rt->worker[i].seat == NULL || rt->worker[i].seat->cpu[0] == last);
    cr_assert_not_null(rt->worker[1].seat);
    cr_assert_eq(filch_stop(rt), 0);
}

/* ---- later ---- */

static atomic_bool stolen;

static void raise_stolen(void *arg)
{
    (void)arg;
    atomic_store(&stolen, true);
}

/* A worker comes for its next task. */
static void have_one_stolen(void)
{
    filch_task t;
    atomic_store(&stolen, false);
    filch_spawn(&t, raise_stolen, NULL);
    until_thief_raises(&stolen);
    filch_sync(&t);
}

static uint32_t placing(struct filch_runtime *rt)
{
    return fl_load_rlx(test_placing, &rt->placing);
}

static struct filch_runtime *of_this_thread(void)
{
    return fl_self()->runtime;
}

Test(place, auto_binds_nobody_where_there_is_one_node)
{
    setenv("FILCH_NUM_WORKERS", "2", 1);
    have_one_stolen();
    struct filch_runtime *rt = of_this_thread();
    if (fl_os_has_nodes())
        cr_skip_test("this machine has several nodes");
    while (placing(rt) != FL_PLACED)
        have_one_stolen();
    cr_assert_null(fl_load_acq(test_seating, &rt->seating));
    cr_assert_eq(filch_stop(NULL), 0);
}

/* A spawn with FILCH_PIN=core starts at once; the machine is read later, and a stop may come at any moment of that. */
Test(place, a_stop_at_each_moment_of_placing)
{
    unsigned begun = 0;
    setenv("FILCH_PIN", "core", 1);
    setenv("FILCH_NUM_WORKERS", "3", 1);
    for (int i = 0; i < 12; i++) {
        have_one_stolen(); /* at least; mostly that is before its time */
        struct filch_runtime *rt = of_this_thread();
        while (i % 3 == 1 && placing(rt) != FL_PLACING)
            have_one_stolen();
        while (i % 3 == 2 && !fl_load_acq(test_seating, &rt->seating))
            have_one_stolen();
        begun += placing(rt) == FL_PLACING;
        cr_assert_eq(filch_stop(NULL), 0);
    }
    cr_assert(begun >= 8);
}
