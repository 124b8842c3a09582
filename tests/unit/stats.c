/* filch_get_stats: each counter counts what it says, in programs that leave nothing to chance. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "seam.h"
#include "stolen.h"

TestSuite(stats, .init = clear_environment, .timeout = 40);

static filch_stats stats_of(filch_runtime *rt)
{
    filch_stats s;
    memset(&s, 0xAB, sizeof s);
    s.size = sizeof s;
    cr_assert_eq(filch_get_stats(rt, &s), 0);
    cr_assert_eq(s.size, sizeof s);
    return s;
}

static filch_stats stats_after(unsigned workers, size_t deque, void (*program)(void *))
{
    filch_config c = {.size = sizeof c, .workers = workers, .deque = deque};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(filch_run(rt, program, NULL), 0);
    filch_stats s = stats_of(rt);
    cr_assert_eq(filch_stop(rt), 0);
    return s;
}

/* ---- one worker: nothing but its own slow paths ---- */

static void recursion(void *arg)
{
    (void)arg;
    (void)fib(N);
}

Test(stats, what_nobody_stole_is_counted_nowhere)
{
    filch_stats s = stats_after(1, 0, recursion);
#define ZERO(name, what) cr_assert_eq(s.name, 0u, #name);
    FILCH_STATS(ZERO)
#undef ZERO
}

static void ten_out_of_order(void *arg)
{
    nothing_task t[10];
    (void)arg;
    for (int i = 0; i < 10; i++)
        nothing_spawn(&t[i]);
    for (int i = 0; i < 10; i++)
        nothing_sync(&t[i]);
}

Test(stats, unordered_counts_syncs_out_of_order)
{
    cr_assert_eq(stats_after(1, 0, ten_out_of_order).unordered, 9u, "the last one is in order");
}

static void seventy_at_once(void *arg)
{
    nothing_task t[70];
    (void)arg;
    for (int i = 0; i < 70; i++)
        nothing_spawn(&t[i]);
    nothing_sync_all(t, 70);
}

Test(stats, at_spawn_counts_tasks_without_room)
{
    filch_stats s = stats_after(1, 64, seventy_at_once);
    cr_assert_eq(s.at_spawn, 7u, "the last of 64 slots is never used");
}

/* ---- two workers: who waits for whom is forced by flags ---- */

static atomic_bool began, waits, grandchild_ran;
static pthread_t grandchild_runner;

static void begin(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
}

static void one_stolen(void *arg)
{
    filch_task t;
    filch_spawn(&t, begin, arg);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(stats, a_stolen_task)
{
    filch_stats s = stats_after(2, 0, one_stolen);
    cr_assert(s.steals >= 1, "it may have stolen one of those that answer_thieves spawns, too");
    cr_assert_eq(s.reused, s.steals);
    cr_assert(s.requests >= 1);
    cr_assert(s.publications >= 1);
    cr_assert(s.published >= s.publications);
    cr_assert_eq(s.helped, 0u);
    cr_assert_eq(s.at_spawn, 0u);
}

/* Raised on the thread that stands in the wait for a stolen task. */
static void note_wait(enum fl_point point)
{
    if (point == FL_AT_WAIT)
        atomic_store(&waits, true);
}

static void until_waited_for(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    await(&waits);
}

static void one_waited_for(void *arg)
{
    filch_task t;
    filch_spawn(&t, until_waited_for, arg);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(stats, a_task_that_is_waited_for)
{
    fl_seam.at = note_wait;
    filch_stats s = stats_after(2, 0, one_waited_for);
    fl_seam.at = NULL;
    cr_assert_eq(s.waits, 1u);
    cr_assert_eq(s.steals, 1u);
    cr_assert_eq(s.reused, 1u);
}

static void grandchild(void *arg)
{
    (void)arg;
    grandchild_runner = pthread_self();
    atomic_store(&grandchild_ran, true);
}

static void child_with_a_child(void *arg)
{
    filch_task t;
    atomic_store(&began, true);
    filch_spawn(&t, grandchild, arg);
    until_thief_raises(&grandchild_ran); /* by who waits for us: there is no other */
    filch_sync(&t);
}

static void one_helped(void *arg)
{
    filch_task t;
    filch_spawn(&t, child_with_a_child, arg);
    until_thief_raises(&began);
    filch_sync(&t);
}

/* J3: who waits for a stolen task runs tasks of its thief. */
Test(stats, a_task_of_ones_thief)
{
    filch_stats s = stats_after(2, 0, one_helped);
    cr_assert(pthread_equal(grandchild_runner, pthread_self()));
    cr_assert(s.helped >= 1);
    cr_assert(s.waits >= 1);
    cr_assert_eq(s.steals, s.helped + 1, "the thief stole the child, all else was stolen in the wait for it");
    cr_assert_eq(s.reused, s.steals);
}

/* The thief is stopped between its look and its claim, and the owner takes the task back meanwhile. */
static atomic_bool thief_stopped, owner_done;
static pthread_t owner;

static void stop_thief_before_its_claim(enum fl_point point)
{
    if (point == FL_AT_STEAL_READ && !pthread_equal(pthread_self(), owner) && !atomic_load(&owner_done)) {
        atomic_store(&thief_stopped, true);
        await(&owner_done);
    }
}

static void taken_back(void *arg)
{
    nothing_task t;
    (void)arg;
    nothing_spawn(&t);
    until_thief_raises(&thief_stopped);
    nothing_sync(&t);
    atomic_store(&owner_done, true);
}

Test(stats, a_task_taken_back)
{
    owner = pthread_self();
    fl_seam.at = stop_thief_before_its_claim;
    filch_stats s = stats_after(2, 0, taken_back);
    fl_seam.at = NULL;
    cr_assert_eq(s.steals, 0u);
    cr_assert(s.take_backs >= 1);
    cr_assert(s.publications >= 1);
}

/* ---- the call ---- */

Test(stats, arguments)
{
    filch_stats s = {.size = sizeof s};
    cr_assert_eq(filch_get_stats(NULL, &s), FILCH_ESTOPPED);
    cr_assert_eq(filch_num_workers(NULL), 0u, "it started nothing");
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_get_stats(NULL, &s), 0);
    cr_assert_eq(filch_get_stats(NULL, NULL), FILCH_EINVAL);
    s.size = 0;
    cr_assert_eq(filch_get_stats(NULL, &s), FILCH_EINVAL);
    s.size = sizeof s.size - 1;
    cr_assert_eq(filch_get_stats(NULL, &s), FILCH_EINVAL);
    cr_assert_eq(filch_stop(NULL), 0);
}

Test(stats, no_byte_beyond_the_callers_size)
{
    union {
        filch_stats s;
        unsigned char byte[sizeof(filch_stats) + 64];
    } u;
    filch_config c = {.size = sizeof c, .workers = 1};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    for (size_t size = sizeof u.s.size; size <= sizeof u; size += 8) {
        memset(&u, 0xAB, sizeof u);
        u.s.size = size;
        cr_assert_eq(filch_get_stats(rt, &u.s), 0);
        cr_assert_eq(u.s.size, size);
        for (size_t i = size; i < sizeof u; i++)
            cr_assert_eq(u.byte[i], 0xABu, "byte %zu of %zu", i, size);
        for (size_t i = sizeof u.s.size; i < size && i < sizeof u.s; i++)
            cr_assert_eq(u.byte[i], 0u, "byte %zu of %zu is not filled", i, size);
    }
    cr_assert_eq(filch_stop(rt), 0);
}

static void *ask_often(void *rt)
{
    filch_stats s = {.size = sizeof s};
    uint64_t steals = 0;
    for (int i = 0; i < 2000; i++) {
        if (filch_get_stats(rt, &s) != 0 || s.steals < steals)
            return rt;
        steals = s.steals;
    }
    return NULL;
}

Test(stats, from_any_thread_while_tasks_run)
{
    filch_config c = {.size = sizeof c, .workers = 3};
    filch_runtime *rt;
    pthread_t thread;
    void *failed;
    cr_assert_eq(filch_start(&rt, &c), 0);
    start_thread(&thread, ask_often, rt);
    for (int i = 0; i < 50; i++)
        expect_fib(rt);
    pthread_join(thread, &failed);
    cr_assert_null(failed, "a counter went down");
    cr_assert_eq(filch_stop(rt), 0);
}
