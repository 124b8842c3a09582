/* A lock held across a sync, whose function is suspended there and goes on on another thread, hangs nobody.
 *
 *   Program   Many tasks on few workers, each of which takes a mutex or a semaphore of which there are few, spawns
 *             children, syncs them and lets go.  Children of some take another lock, in one order, and sync under it.
 *             A worker that blocks in a lock runs nothing else, so a runtime that ran other tasks on the stack of a
 *             waiting holder, or let the holder wait for a blocked worker, would stand still here.
 *   Root      By turns on a fiber, and on the own stack of this thread, which waits there while others run the rest.
 *   Oracle    What the locks guard is plain memory; the number of tasks; that it comes to an end.
 *   Stalls    At the seams, at random, or at the points of the suspension in turn.
 *   Exercised A run with few migrations under each kind of lock, or few waits of this thread under one, fails. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "os.h"
#include "process.h"
#include "seam.h"
#include "stolen.h"
#include "suspended.h"

enum { MUTEXES = 3, INNER = 2, UNITS = 2, CHILDREN = 4, GRANDCHILDREN = 3, TASKS = 64, ENOUGH = 5 };

enum { ROUNDS = SANITIZED ? 10 : 60, MOST_ROUNDS = 4000 };

/* ---- locks ---- */

static struct guarded {
    pthread_mutex_t lock;
    unsigned long count; /* plain: under the lock */
} outer[MUTEXES], inner[INNER];

static sem_t units;
static atomic_int units_held;

enum kind { OUTER_MUTEX, INNER_MUTEX, SEMAPHORE, KINDS };

static pthread_t first_thread;
static atomic_ulong waited_under_lock, waited_on_own_stack, migrated_under_lock[KINDS], leaves, wrong;
static __thread int holds_lock; /* the function that runs on this thread does, and is in its sync */

static __attribute__((noinline)) void set_holds_lock(int holds)
{
    __asm__ volatile("");
    holds_lock = holds;
}

static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

/* ---- the program ---- */

static void spend(uint32_t seed)
{
    for (volatile uint32_t i = 0; i < seed % 2000; i++)
        continue;
    if (seed % 4 == 0)
        sched_yield();
}

static void leaf(uint32_t seed)
{
    spend(seed);
    atomic_fetch_add_explicit(&leaves, 1, memory_order_relaxed);
}
FILCH_TASK(void, leaf, uint32_t);

static void note_migration(enum kind kind, pthread_t before)
{
    set_holds_lock(0);
    if (!pthread_equal(before, this_thread()))
        atomic_fetch_add(&migrated_under_lock[kind], 1);
}

/* With tasks unsynced: sometimes until a thief may have begun one. */
static void dawdle(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        answer_thieves();
        sched_yield();
    }
}

/* A child that takes a lock itself; all locks outside of it are of another kind, so there is no circle. */
static void child(uint32_t seed)
{
    struct guarded *g = &inner[seed % INNER];
    leaf_task t[GRANDCHILDREN];
    if (seed % 3) {
        leaf(seed);
        return;
    }
    pthread_mutex_lock(&g->lock);
    unsigned long before = ++g->count;
    for (uint32_t i = 0; i < GRANDCHILDREN; i++)
        leaf_spawn(&t[i], seed / 5 + i);
    dawdle(seed / 3 % 64);
    pthread_t thread = this_thread();
    set_holds_lock(1);
    leaf_sync_all(t, GRANDCHILDREN);
    note_migration(INNER_MUTEX, thread);
    if (g->count++ != before)
        atomic_fetch_add(&wrong, 1);
    pthread_mutex_unlock(&g->lock);
}
FILCH_TASK(void, child, uint32_t);

static void sync_under_lock(enum kind kind, uint32_t seed)
{
    child_task t[CHILDREN];
    for (uint32_t i = 0; i < CHILDREN; i++)
        child_spawn(&t[i], seed * 31 + i * 7);
    dawdle(seed / 7 % 8);
    pthread_t thread = this_thread();
    set_holds_lock(1);
    child_sync_all(t, CHILDREN);
    note_migration(kind, thread);
}

static void with_mutex(uint32_t seed)
{
    struct guarded *g = &outer[seed % MUTEXES];
    pthread_mutex_lock(&g->lock);
    unsigned long before = ++g->count;
    sync_under_lock(OUTER_MUTEX, seed);
    if (g->count++ != before)
        atomic_fetch_add(&wrong, 1);
    pthread_mutex_unlock(&g->lock);
}

static void with_semaphore(uint32_t seed)
{
    while (sem_wait(&units) != 0)
        continue;
    if (atomic_fetch_add(&units_held, 1) >= UNITS)
        atomic_fetch_add(&wrong, 1);
    sync_under_lock(SEMAPHORE, seed);
    atomic_fetch_sub(&units_held, 1);
    sem_post(&units);
}

static void many(uint32_t seed, unsigned n);
FILCH_TASK(void, many, uint32_t, unsigned);

static void many(uint32_t seed, unsigned n)
{
    if (n == 1) {
        (seed % 5 < 3 ? with_mutex : with_semaphore)(seed * 2654435761u >> 7);
        return;
    }
    many_task half;
    many_spawn(&half, seed, n / 2);
    many(seed + n / 2, n - n / 2);
    many_sync(&half);
}

static void root(void *seed)
{
    many(*(uint32_t *)seed, TASKS);
}

/* ---- stalls ---- */

static int held_point; /* stall here only; -1: anywhere */
static __thread uint32_t chaos;

static void stall(enum fl_point point)
{
    if (point == FL_AT_WAIT && holds_lock) {
        set_holds_lock(0);
        atomic_fetch_add(pthread_equal(this_thread(), first_thread) ? &waited_on_own_stack : &waited_under_lock, 1);
    }
    if (!chaos)
        chaos = (uint32_t)(uintptr_t)&chaos | 1;
    chaos = chaos * 1664525u + 1013904223u;
    uint32_t dice = chaos >> 16;
    struct timespec t = {0, 100000};
    if (held_point >= 0 ? held_point == (int)point && dice % 4 == 0 : dice % 256 == 0)
        nanosleep(&t, NULL); /* the fault to be survived, not a way to wait for anything */
    else if (dice % 16 == 1)
        sched_yield();
}

/* ---- runs ---- */

static void prepare(void)
{
    clear_environment();
    for (int i = 0; i < MUTEXES; i++)
        pthread_mutex_init(&outer[i].lock, NULL);
    for (int i = 0; i < INNER; i++)
        pthread_mutex_init(&inner[i].lock, NULL);
    sem_init(&units, 0, UNITS);
}

TestSuite(locks, .init = prepare, .timeout = 120);

static bool exercised(void)
{
    bool enough = atomic_load(&waited_under_lock) >= ENOUGH && atomic_load(&waited_on_own_stack) >= ENOUGH;
    for (int kind = 0; kind < KINDS; kind++)
        enough &= atomic_load(&migrated_under_lock[kind]) >= ENOUGH;
    return enough;
}

static void run_locks(unsigned workers, int point, unsigned rounds)
{
    filch_config c = {.size = sizeof c, .workers = workers};
    struct filch_counters s = {.size = sizeof s};
    filch_runtime *rt;
    uint32_t seed = 20180321;
    held_point = point;
    fl_seam.at = stall;
    first_thread = pthread_self();
    cr_assert_eq(filch_start(&rt, &c), 0);
    for (unsigned round = 0; round < rounds || (point < 0 && !exercised() && round < MOST_ROUNDS);
         round++, seed += TASKS) {
        cr_assert_eq((round % 2 ? run_on_a_fiber : filch_run)(rt, root, &seed), 0);
        cr_assert_eq(atomic_load(&wrong), 0u, "a lock let two in, or none out");
        cr_assert_eq(atomic_load(&units_held), 0);
    }
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    fprintf(stderr,
            "%u workers: %" PRIu64 " suspensions, %" PRIu64
            " migrations; under a lock %lu waits, %lu of this thread; migrations under an "
            "outer mutex %lu, an inner one %lu, a semaphore %lu\n",
            workers, s.suspensions, s.migrations, atomic_load(&waited_under_lock), atomic_load(&waited_on_own_stack),
            atomic_load(&migrated_under_lock[OUTER_MUTEX]), atomic_load(&migrated_under_lock[INNER_MUTEX]),
            atomic_load(&migrated_under_lock[SEMAPHORE]));
    cr_assert_eq(s.in_place, 0u);
    cr_assert(point >= 0 || exercised(), "not exercised");
    cr_assert_eq(filch_stop(rt), 0);
    fl_seam.at = NULL;
}

Test(locks, held_over_syncs_by_2_workers)
{
    run_locks(2, -1, ROUNDS);
}

Test(locks, held_over_syncs_by_3_workers)
{
    run_locks(3, -1, ROUNDS);
}

Test(locks, held_over_syncs_by_8_workers)
{
    run_locks(8, -1, ROUNDS);
}

Test(locks, stalled_at_each_point_of_a_suspension)
{
    static const enum fl_point points[] = {FL_AT_STEAL_CLAIMED, FL_AT_DONE, FL_AT_WAIT, FL_AT_AWAIT, FL_AT_RELEASE};
    for (unsigned again = 0; again == 0 || (!exercised() && again < 100); again++)
        for (size_t i = 0; i < sizeof points / sizeof *points; i++)
            for (unsigned workers = 2; workers <= 8; workers *= 2)
                run_locks(workers, (int)points[i], ROUNDS / 10);
    cr_assert(exercised(), "not exercised");
}
