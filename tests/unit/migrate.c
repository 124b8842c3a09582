/* config.migrate = -1: a task stays on its thread.  Where it waits the thread waits, and a spare works in its place. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <filch.h>
#include <pthread.h>

#include "process.h"
#include "runtime.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(migrate, .init = clear_environment, .timeout = 60);

static filch_runtime *rt;

static void start_with(unsigned workers)
{
    filch_config c = {.size = sizeof c, .workers = workers, .migrate = -1};
    cr_assert_eq(filch_start(&rt, &c), 0);
}

static struct filch_counters counts(void)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    return s;
}

static void stop(void)
{
    cr_assert_eq(filch_stop(rt), 0);
}

static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

/* ---- on the same thread after each sync ---- */

static atomic_uint moved;

static long tree(int n);
FILCH_TASK(long, tree, int);

static long tree(int n)
{
    pthread_t before = this_thread();
    pthread_mutex_t mine; /* knows its thread, and is held over the sync */
    pthread_mutexattr_t knows;
    tree_task left;
    if (n < 2)
        return n;
    pthread_mutexattr_init(&knows);
    pthread_mutexattr_settype(&knows, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mine, &knows);
    pthread_mutex_lock(&mine);
    tree_spawn(&left, n - 1);
    if (n % 5 == 0)
        sched_yield(); /* for thieves */
    long right = tree(n - 2), sum = tree_sync(&left) + right;
    if (!pthread_equal(before, this_thread()) || pthread_mutex_unlock(&mine) != 0)
        atomic_fetch_add(&moved, 1);
    pthread_mutex_destroy(&mine);
    pthread_mutexattr_destroy(&knows);
    return sum;
}

static void run_tree(void *arg)
{
    *(long *)arg = tree(16);
}

static void trees(unsigned workers)
{
    long sum;
    start_with(workers);
    do {
        sum = -1;
        cr_assert_eq(run_on_a_fiber(rt, run_tree, &sum), 0);
        cr_assert_eq(sum, 987);
    } while (counts().suspensions < 50); /* each of which is a race that a thief must win */
    cr_assert_eq(atomic_load(&moved), 0u);
    cr_assert_eq(counts().migrations, 0u);
    cr_assert_eq(counts().suspensions, counts().resumptions);
    cr_assert(rt->threads == 3 * workers && fl_load_rlx(test_spares, &rt->spares) <= 2 * workers);
    stop();
}

Test(migrate, a_task_of_2_workers_stays_on_its_thread)
{
    trees(2);
}

Test(migrate, a_task_of_3_workers_stays_on_its_thread)
{
    trees(3);
}

Test(migrate, a_task_of_8_workers_stays_on_its_thread)
{
    trees(8);
}

/* ---- the place of who waits is another's ---- */

static atomic_bool began[16], all_are_there;

static void nest(int n);
FILCH_TASK(void, nest, int);

/* n tasks, one in the other, each on a thread of its own that waits for the next; the last one is free to begin only
 * when there are threads for all, and runs when the others have given up their places. */
static void nest(int n)
{
    nest_task t;
    atomic_store(&began[n], true);
    if (n == 0)
        return;
    nest_spawn(&t, n - 1);
    until_thief_raises(&began[n - 1]);
    nest_sync(&t);
}

static void nest_all(void *arg)
{
    nest(*(int *)arg);
}

/* Two places: one is kept by each task until its child has begun, the other is that child's. */
Test(migrate, as_many_can_wait_as_there_are_spares)
{
    int depth = 4;
    start_with(2);
    for (int i = 0; i < 16; i++)
        atomic_store(&began[i], false);
    cr_assert_eq(run_on_a_fiber(rt, nest_all, &depth), 0);
    cr_assert(atomic_load(&began[0]));
    cr_assert_eq(counts().migrations, 0u);
    stop();
}

static atomic_bool sibling_began;

static void raise_sibling(void *arg)
{
    (void)arg;
    atomic_store(&sibling_began, true);
}

static void needs_the_sibling(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
    await(&sibling_began);
}

/* The parent waits for the older, which waits for the younger: somebody else must run that, in the parent's place. */
static void waits_for_the_older(void *arg)
{
    filch_task older, younger;
    filch_spawn(&older, needs_the_sibling, &all_are_there);
    until_thief_raises(&all_are_there);
    filch_spawn(&younger, raise_sibling, NULL);
    filch_sync(&older);
    filch_sync(&younger);
    (void)arg;
}

Test(migrate, who_waits_leaves_its_tasks_and_its_place)
{
    start_with(2);
    for (int i = 0; i < 100; i++) {
        atomic_store(&sibling_began, false);
        atomic_store(&all_are_there, false);
        cr_assert_eq(run_on_a_fiber(rt, waits_for_the_older, NULL), 0);
    }
    cr_assert_eq(counts().migrations, 0u);
    stop();
}

/* ---- beyond the spares, without a thread to be had ---- */

Test(migrate, without_spares_the_wait_costs_a_place_only)
{
    start_with(4);
    fl_store_rlx(test_spares, &rt->spares, rt->threads - rt->workers); /* so none will be made */
    long sum = -1;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(filch_run(rt, run_tree, &sum), 0);
        cr_assert_eq(sum, 987);
    }
    cr_assert_eq(atomic_load(&moved), 0u);
    stop();
}

/* ---- into another runtime ---- */

static filch_runtime *other;

static void note_thread(void *arg)
{
    *(pthread_t *)arg = this_thread();
}

static void go_there(void *arg)
{
    pthread_t there;
    *(int *)arg = filch_run(other, note_thread, &there) == 0 && pthread_equal(there, this_thread());
}

Test(migrate, a_task_goes_to_another_runtime_on_its_thread)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    int right = 0;
    start_with(2);
    cr_assert_eq(filch_start(&other, &c), 0);
    cr_assert_eq(run_on_a_fiber(rt, go_there, &right), 0);
    cr_assert_eq(right, 1);
    cr_assert_eq(filch_stop(other), 0);
    stop();
}
