/* FILCH_PIN=core: workers and guests on cores of the inherited mask, and everybody as before afterwards. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "budget.h"
#include "os.h"
#include "process.h"
#include "runtime.h"
#include "stolen.h"
#include "topology.h"

TestSuite(pin, .init = clear_environment, .timeout = 40);

static struct {
    cpu_set_t guest, worker;
    atomic_bool done;
} pin;

static void see_worker(void *arg)
{
    (void)arg;
    sched_getaffinity(0, sizeof pin.worker, &pin.worker);
    atomic_store(&pin.done, true);
}

static void see_both(void *arg)
{
    filch_task t;
    sched_getaffinity(0, sizeof pin.guest, &pin.guest);
    filch_spawn(&t, see_worker, arg);
    until_thief_raises(&pin.done);
    filch_sync(&t);
}

static void expect_pinned(const cpu_set_t *inherited, bool apart)
{
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_CORE};
    filch_runtime *rt;
    cpu_set_t within, after;
    atomic_store(&pin.done, false);
    cr_assert_eq(filch_start(&rt, &c), 0);
    sched_getaffinity(0, sizeof after, &after);
    cr_assert(CPU_EQUAL(&after, inherited), "start left this thread pinned");
    cr_assert_eq(filch_run(rt, see_both, NULL), 0);
    sched_getaffinity(0, sizeof after, &after);
    cr_assert(CPU_EQUAL(&after, inherited), "run left this thread pinned");
    cr_assert_eq(CPU_COUNT(&pin.guest), 1);
    cr_assert_eq(CPU_COUNT(&pin.worker), 1);
    cr_assert_null(rt->parking.moves);
    CPU_OR(&within, &pin.guest, &pin.worker);
    CPU_AND(&within, &within, inherited);
    cr_assert_eq(CPU_COUNT(&within), apart ? 2 : 1, "inside the inherited mask, on different cores if there are");
    cr_assert_eq(filch_stop(rt), 0);
}

Test(pin, pinned_to_cores_of_the_inherited_mask)
{
    cpu_set_t all, one;
    struct fl_placement p;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    cr_assert(fl_topology_here(&p, NULL, FL_PLACES_CORES));
    size_t cores = p.places;
    for (size_t i = 0; i < cores; i++) {
        cr_assert(CPU_ISSET(p.place[i].cpu, &all));
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(p.place[i].cpu, p.place[k].cpu);
    }
    expect_pinned(&all, cores > 1);

    CPU_ZERO(&one);
    CPU_SET(p.place[cores - 1].cpu, &one);
    fl_placement_free(&p);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    expect_pinned(&one, false);
}

Test(pin, not_pinned_unless_asked)
{
    cpu_set_t all;
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    cr_assert_eq(filch_run(rt, see_both, NULL), 0);
    cr_assert(CPU_EQUAL(&pin.guest, &all));
    cr_assert(CPU_EQUAL(&pin.worker, &all));
    cr_assert_eq(rt->parking.moves, fl_os_wakes_late);
    cr_assert_eq(filch_stop(rt), 0);
}

/* As a new thread does in a virtual machine: elsewhere for now, bound to nothing. */
Test(pin, stepping_aside)
{
    cpu_set_t all, now, one;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    for (int here, there; CPU_COUNT(&all) > 1;) { /* who looks may have been moved once more */
        here = fl_os_cpu();
        fl_os_step_aside(here);
        there = fl_os_cpu();
        sched_getaffinity(0, sizeof now, &now);
        cr_assert(CPU_EQUAL(&now, &all));
        if (there != here)
            break;
    }
    CPU_ZERO(&one);
    CPU_SET(fl_os_cpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    errno = 4711;
    fl_os_step_aside(fl_os_cpu()); /* nowhere to go */
    fl_os_step_aside(-1);          /* from nowhere */
    cr_assert_eq(errno, 4711);
    sched_getaffinity(0, sizeof now, &now);
    cr_assert(CPU_EQUAL(&now, &one));
}

/* Main is lent a slot from its first spawn to filch_stop. */
Test(pin, main_of_the_default_runtime)
{
    cpu_set_t all, now;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    setenv("FILCH_PIN", "core", 1);
    setenv("FILCH_NUM_WORKERS", "2", 1);
    for (int i = 0; i < 3; i++) {
        do { /* no spawn waits for that: it comes when the runtime is some ms old, and main waits for a thief */
            filch_task t;
            atomic_store(&pin.done, false);
            filch_spawn(&t, see_worker, NULL);
            until_thief_raises(&pin.done);
            filch_sync(&t);
            sched_getaffinity(0, sizeof now, &now);
        } while (CPU_COUNT(&now) != 1 || CPU_COUNT(&pin.worker) != 1);
        cr_assert_eq(filch_stop(NULL), 0);
        sched_getaffinity(0, sizeof now, &now);
        cr_assert(CPU_EQUAL(&now, &all), "stop left main pinned");
    }
}

/* From outside into one runtime, from there into another: each gives back what it found. */
static struct {
    filch_runtime *inner;
    cpu_set_t before, inside, after;
} nest;

static void see_inside(void *arg)
{
    (void)arg;
    sched_getaffinity(0, sizeof nest.inside, &nest.inside);
}

/* A runtime that is started there counts processors by the mask of this thread before all that. */
static void start_nested(void *arg)
{
    filch_config c = {.size = sizeof c, .pin = FILCH_PIN_NONE};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    *(unsigned *)arg = filch_num_workers(rt);
    see_inside(NULL);
    cr_assert_eq(filch_stop(rt), 0);
}

static void run_nested(void *arg)
{
    cr_assert_eq(filch_run(nest.inner, start_nested, arg), 0);
}

Test(pin, a_runtime_that_is_started_inside_two)
{
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_CORE}, none = c;
    filch_runtime *outer;
    unsigned workers = 0;
    none.pin = FILCH_PIN_NONE;
    cr_assert_eq(filch_start(&outer, &c), 0);
    cr_assert_eq(filch_start(&nest.inner, &none), 0);
    cr_assert_eq(filch_run(outer, run_nested, &workers), 0);
    cr_assert_eq(workers, fl_budget_cpus());
    cr_assert_eq(CPU_COUNT(&nest.inside), 1, "it is bound again");
    cr_assert_eq(filch_stop(nest.inner), 0);
    cr_assert_eq(filch_stop(outer), 0);
}

static void see_nested(void *arg)
{
    sched_getaffinity(0, sizeof nest.before, &nest.before);
    filch_run(nest.inner, see_inside, arg);
    sched_getaffinity(0, sizeof nest.after, &nest.after);
}

Test(pin, a_task_that_runs_in_another_runtime)
{
    cpu_set_t all, now;
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_CORE};
    filch_runtime *outer;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    cr_assert_eq(filch_start(&outer, &c), 0);
    cr_assert_eq(filch_start(&nest.inner, &c), 0);
    cr_assert_eq(filch_run(outer, see_nested, NULL), 0);
    cr_assert_eq(CPU_COUNT(&nest.inside), 1);
    cr_assert_eq(CPU_COUNT(&nest.before), 1);
    cr_assert(CPU_EQUAL(&nest.before, &nest.after));
    sched_getaffinity(0, sizeof now, &now);
    cr_assert(CPU_EQUAL(&now, &all));
    cr_assert_eq(filch_stop(nest.inner), 0);
    cr_assert_eq(filch_stop(outer), 0);
}

enum { UNTOUCHED = 1234 };

static void do_nothing(void *arg)
{
    (void)arg;
}

Test(pin, calls_leave_errno_alone)
{
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_CORE};
    filch_runtime *rt;
    errno = UNTOUCHED;
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(errno, UNTOUCHED, "filch_start left errno %d", errno);
    cr_assert_eq(filch_run(rt, do_nothing, NULL), 0);
    cr_assert_eq(errno, UNTOUCHED, "filch_run left errno %d", errno);
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(errno, UNTOUCHED, "filch_stop left errno %d", errno);
}
