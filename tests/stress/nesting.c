/* Waiting for stolen tasks piles up no stacks and buries nobody.
 *
 *   Stacks    A suspended fiber waits for one task, which runs on another fiber or is suspended itself: so each worker
 *             is the end of one chain of waiting fibers, as long as tasks are nested, and keeps some more for later.
 *             However many tasks wait one after the other, that is all.
 *   Buried    While a task waits nothing but its own child runs on its stack; and when the child is done, it goes on
 *             before anything else does on that thread.
 *   Exercised Each child is stolen, for its parent does not go on before; a run with few suspensions fails. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "process.h"
#include "runtime.h"
#include "seam.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(nesting, .init = clear_environment, .timeout = 120);

/* Calls: after a sync it may be another one. */
static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

static __attribute__((noinline)) struct fl_fiber *this_fiber(void)
{
    __asm__ volatile("");
    return fl_self()->fiber;
}

static filch_runtime *start(unsigned workers)
{
    filch_config c = {.size = sizeof c, .workers = workers};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    return rt;
}

/* Tells what was used, and stops. */
static void expect_stacks(filch_runtime *rt, size_t chains)
{
    size_t bound = chains + rt->workers * (FL_FIBERS_KEPT + 1), peak = rt->fibers.peak, made = rt->fibers.made;
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(filch_stop(rt), 0);
    fprintf(stderr, "%zu stacks made, %zu at once, bound %zu; %" PRIu64 " steals, %" PRIu64 " suspensions\n", made,
            peak, bound, s.steals, s.suspensions);
    cr_assert(peak <= bound, "%zu stacks at once", peak);
    cr_assert_eq(made, peak, "a stack was made where one was to be had");
    cr_assert_eq(s.in_place, 0u);
}

/* ---- many tasks that wait, each for one of its own ---- */

enum { OUTER = 2000, NEST = 4 /* root, driver, outer, child */, ENOUGH = 100, FEW = 3 };

static struct outer {
    atomic_bool began, child_began;
    FL_ATOMIC(struct fl_fiber *) waits_on; /* the stack that it waits on */
    pthread_t childs_thread;               /* these two are the child's until it is done */
    unsigned long childs_starts;
} outer[OUTER];

static atomic_uint outers_done, buried, late;
static atomic_int tickets;
static atomic_uint outers_begun;
static __thread unsigned long starts; /* of tasks on this thread */

static __attribute__((noinline)) unsigned long starts_here(void)
{
    __asm__ volatile("");
    return starts;
}

/* own: the index of the one that may wait on this stack. */
static __attribute__((noinline)) void note_start(unsigned own)
{
    struct fl_fiber *here = this_fiber();
    starts++;
    for (unsigned i = 0; i < OUTER; i++)
        if (i != own && fl_load_rlx(waits_on, &outer[i].waits_on) == here)
            atomic_fetch_add(&buried, 1);
}

static void child(unsigned i)
{
    note_start(i);
    atomic_store(&outer[i].child_began, true);
    while (!fl_load_rlx(waits_on, &outer[i].waits_on)) /* its parent comes to its sync first ... */
        sched_yield();
    sched_yield(); /* ... and leaves, mostly */
    outer[i].childs_thread = this_thread();
    outer[i].childs_starts = starts_here();
}
FILCH_TASK(void, child, unsigned);

/* Only so many may insist on a thief at once that one worker is always free to be it. */
static bool takes_ticket(void)
{
    if (atomic_fetch_sub(&tickets, 1) > 0)
        return true;
    atomic_fetch_add(&tickets, 1);
    return false;
}

static void one_outer(unsigned i)
{
    child_task t;
    note_start(OUTER);
    atomic_store(&outer[i].began, true);
    atomic_fetch_add(&outers_begun, 1);
    child_spawn(&t, i);
    if (takes_ticket()) {
        until_thief_raises(&outer[i].child_began);
        atomic_fetch_add(&tickets, 1);
    }
    pthread_t before = this_thread();
    fl_store_rlx(waits_on, &outer[i].waits_on, this_fiber());
    child_sync(&t);
    fl_store_rlx(waits_on, &outer[i].waits_on, NULL);
    pthread_t after = this_thread(), there = outer[i].childs_thread;
    bool at_once =
        pthread_equal(after, before) || (pthread_equal(after, there) && starts_here() == outer[i].childs_starts);
    atomic_fetch_add(&late, !at_once);
    atomic_fetch_add(&outers_done, 1);
}
FILCH_TASK(void, one_outer, unsigned);

/* Each keeps one worker busy at a time, itself or by its tasks, and there is one more worker: somebody is always free
 * to steal what it waits for. */
static void driver(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        one_outer_task t;
        one_outer_spawn(&t, i);
        if (i % 2)
            until_thief_raises(&outer[i].began);
        one_outer_sync(&t);
    }
}
FILCH_TASK(void, driver, unsigned, unsigned);

enum { MOST_DRIVERS = 4 };

static void root(void *drivers)
{
    driver_task t[MOST_DRIVERS];
    unsigned n = *(unsigned *)drivers, share = OUTER / n;
    for (unsigned i = 0; i < n; i++)
        driver_spawn(&t[i], i * share, share);
    driver_sync_all(t, n);
}

static void root_of_all(void *arg)
{
    static one_outer_task t[OUTER];
    (void)arg;
    for (unsigned i = 0; i < OUTER; i++)
        one_outer_spawn(&t[i], i);
    while (atomic_load(&outers_begun) < OUTER) { /* all by thieves */
        answer_thieves();
        sched_yield();
    }
    one_outer_sync_all(t, OUTER);
}

static void run_outers(unsigned workers, bool all_at_once)
{
    filch_runtime *rt = start(workers);
    unsigned drivers = workers / 2;
    struct filch_counters s = {.size = sizeof s};
    atomic_store(&tickets, (int)workers - 1 - all_at_once);
    cr_assert_eq(run_on_a_fiber(rt, all_at_once ? root_of_all : root, &drivers), 0);
    cr_assert_eq(atomic_load(&outers_done), (unsigned)OUTER);
    cr_assert_eq(atomic_load(&buried), 0u, "tasks ran on the stacks of others that waited");
    cr_assert_eq(atomic_load(&late), 0u, "a thread did something else before it went on with who waited");
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    uint64_t enough = all_at_once ? FEW : ENOUGH; /* there as many as a single ticket brings */
    cr_assert(s.suspensions >= enough && s.migrations >= enough,
              "not exercised: %" PRIu64 " suspensions, %" PRIu64 " migrations", s.suspensions, s.migrations);
    expect_stacks(rt, workers * (size_t)NEST);
}

Test(nesting, waiting_tasks_of_2_workers)
{
    run_outers(2, false);
}

Test(nesting, waiting_tasks_of_3_workers)
{
    run_outers(3, false);
}

Test(nesting, waiting_tasks_of_8_workers)
{
    run_outers(8, false);
}

Test(nesting, all_waiting_tasks_at_once_of_3_workers)
{
    run_outers(3, true);
}

Test(nesting, all_waiting_tasks_at_once_of_8_workers)
{
    run_outers(8, true);
}

/* ---- one chain: a stack for each that waits, and no more ---- */

enum { DEPTH = SANITIZED ? 200 : 2000 };

static atomic_int begun;

static long link_of_chain(int n);
FILCH_TASK(long, link_of_chain, int);

/* Waits until a thief has begun the next one; so each is on a stack of its own. */
static long link_of_chain(int n)
{
    link_of_chain_task t;
    atomic_fetch_add(&begun, 1);
    if (n == 0)
        return 0;
    int so_far = DEPTH + 1 - n;
    link_of_chain_spawn(&t, n - 1);
    while (atomic_load(&begun) == so_far) {
        answer_thieves();
        sched_yield();
    }
    return link_of_chain_sync(&t) + 1;
}

static void chain(void *value)
{
    *(long *)value = link_of_chain(DEPTH);
}

Test(nesting, a_chain_of_waits)
{
    filch_runtime *rt = start(2);
    long value = 0;
    cr_assert_eq(run_on_a_fiber(rt, chain, &value), 0);
    cr_assert_eq(value, DEPTH);
    cr_assert(rt->fibers.peak >= DEPTH / 2, "not exercised");
    expect_stacks(rt, DEPTH + 2);
}
