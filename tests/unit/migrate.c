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

/* ---- a wake-up that comes late ---- */

static pthread_t late_waker;
static atomic_bool armed, begun, waits, let_go, submitted, stolen, gone_on, too_early, was_late;

static bool at_late_waker(enum fl_point point)
{
    return point == FL_AT_WAKE_COUNTED && pthread_equal(pthread_self(), late_waker) && atomic_load(&armed) &&
           !atomic_load(&was_late);
}

/* Who wakes the worker is held up until that, which woke by itself, has done something else and waits again. */
static void be_late(enum fl_point point)
{
    if (point == FL_AT_AWAIT)
        atomic_store(&waits, true);
    if (!at_late_waker(point))
        return;
    while (!atomic_load(&begun)) {
        if (fl_load_rlx(test_sleeps_for_good, &rt->worker[1].state) == FL_SLEEPING)
            return; /* it does not look again by itself: the next time, perhaps */
        sched_yield();
    }
    atomic_store(&was_late, true);
    await(&let_go);
}

static void watch_who_waits(void)
{
    enum { LOOKS = 2000 };
    atomic_store(&stolen, true);
    await(&waits);
    atomic_store(&let_go, true);
    await(&submitted);
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&gone_on))
            atomic_store(&too_early, true);
        sched_yield();
    }
}
FILCH_TASK(void, watch_who_waits);

static void wait_for_watcher(void *arg)
{
    watch_who_waits_task t;
    (void)arg;
    atomic_store(&begun, true);
    watch_who_waits_spawn(&t);
    until_thief_raises(&stolen);
    watch_who_waits_sync(&t);
    atomic_store(&gone_on, true);
}

static void nothing_to_do(void *arg)
{
    (void)arg;
}

static void *bring_a_thief(void *arg)
{
    filch_submission s;
    await(&begun);
    cr_assert_eq(filch_submit(rt, &s, nothing_to_do, arg), 0);
    filch_submission_wait(&s);
    return NULL;
}

Test(migrate, a_wake_up_that_comes_late_ends_no_wait)
{
    enum { ROUNDS = 50 };
    late_waker = pthread_self();
    for (int i = 0; i < ROUNDS && !atomic_load(&was_late); i++) {
        filch_submission s;
        pthread_t bringer;
        fl_seam.at = be_late;
        start_with(2);
        atomic_bool *flags[] = {&begun, &waits, &let_go, &submitted, &stolen, &gone_on};
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            atomic_store(flags[k], false);
        while (fl_load_rlx(test_watches, &rt->worker[1].state) != FL_WATCHING)
            sched_yield();
        start_thread(&bringer, bring_a_thief, NULL);
        atomic_store(&armed, true);
        cr_assert_eq(filch_submit(rt, &s, wait_for_watcher, NULL), 0);
        atomic_store(&submitted, true);
        filch_submission_wait(&s);
        atomic_store(&armed, false);
        pthread_join(bringer, NULL);
        stop();
    }
    cr_assert(atomic_load(&was_late), "not exercised");
    cr_assert(!atomic_load(&too_early), "a sync returned while its task ran");
}
