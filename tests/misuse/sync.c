/* Misuse that is caught in every build, without FILCH_CHECK: one sentence, then SIGABRT. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "misuse.h"
#include "stolen.h"

TestSuite(sync, .init = clear_environment, .timeout = 40);

static const char never_or_twice[] = NOT_HERE;

static long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

static void expect_misuse(void (*body)(void), const char *call, const char *worker, const char *sentence)
{
    setenv("FILCH_NUM_WORKERS", "2", 1);
    struct child child = child_of(body);
    expect_abort(child, sentence);
    cr_assert(strstr(child.said, call), "the call is not named: %s", child.said);
    cr_assert(strstr(child.said, worker), "the worker is not named: %s", child.said);
    cr_assert_eq(lines_of(child.said), 1u, "%s", child.said);
}

/* ---- twice ---- */

static void twice_in_order(void)
{
    square_task t;
    square_spawn(&t, 3);
    square_sync(&t);
    square_sync(&t);
}

static void twice_out_of_order(void)
{
    square_task t, u;
    square_spawn(&t, 3);
    square_spawn(&u, 3);
    square_sync(&t);
    square_sync(&t);
}

static void twice_below_others(void)
{
    square_task t[3];
    for (int i = 0; i < 3; i++)
        square_spawn(&t[i], i);
    square_sync(&t[1]);
    square_sync(&t[0]);
    square_sync(&t[1]);
}

/* The sync that the wrong one took away is the one that finds out. */
static void twice_with_its_slot_used_again(void)
{
    square_task t, u;
    square_spawn(&t, 3);
    square_sync(&t);
    square_spawn(&u, 4);
    square_sync(&t);
    square_sync(&u);
}

static void raise_flag(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
}

static void twice_stolen(void)
{
    filch_task t;
    atomic_bool began = false;
    filch_spawn(&t, raise_flag, &began);
    until_thief_raises(&began);
    filch_sync(&t);
    filch_sync(&t);
}

Test(sync, twice)
{
    expect_misuse(twice_in_order, "sync", "worker 0", never_or_twice);
    expect_misuse(twice_out_of_order, "sync", "worker 0", never_or_twice);
    expect_misuse(twice_below_others, "sync", "worker 0", never_or_twice);
    expect_misuse(twice_with_its_slot_used_again, "sync", "worker 0", never_or_twice);
    expect_misuse(twice_stolen, "sync", "worker 0", never_or_twice);
}

/* ---- never spawned ---- */

static void all_ones(void)
{
    square_task t;
    memset(&t, 0xFF, sizeof t);
    answer_thieves();
    square_sync(&t);
}

static void copied(void)
{
    square_task t, u;
    setenv("FILCH_NUM_WORKERS", "1", 1); /* a thief would store the result while it is copied */
    square_spawn(&t, 3);
    square_spawn(&u, 4);
    memcpy(&u, &t, sizeof u);
    square_sync(&u);
}

static void serial_thread_body(void *arg)
{
    square_task t;
    (void)arg;
    memset(&t, 0xFF, sizeof t);
    answer_thieves();
    square_sync(&t);
}

static void *serial_thread(void *arg)
{
    serial_thread_body(arg);
    return arg;
}

static void on_another_thread(void)
{
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(&thread, NULL, serial_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

static atomic_int attached;

static void *take_a_slot(void *arg)
{
    CHILD_REQUIRE(filch_attach(NULL) == 0);
    atomic_fetch_add(&attached, 1);
    for (;;)
        pause(); /* the process ends before */
    return arg;
}

static void on_a_thread_without_a_slot(void)
{
    enum { SLOTS = 1025 };
    pthread_t thread;
    for (int i = 0; i < SLOTS; i++)
        CHILD_REQUIRE(pthread_create(&thread, NULL, take_a_slot, NULL) == 0);
    while (atomic_load(&attached) < SLOTS)
        sched_yield();
    CHILD_REQUIRE(pthread_create(&thread, NULL, serial_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

Test(sync, never_spawned)
{
    expect_misuse(all_ones, "sync", "worker 0", never_or_twice);
    expect_misuse(copied, "sync", "worker 0", never_or_twice);
    expect_misuse(on_another_thread, "sync", "worker 0", never_or_twice);
    expect_misuse(on_a_thread_without_a_slot, "sync", "without a worker slot", never_or_twice);
}

/* ---- by another thread, another function ---- */

static square_task of_main;

static void sync_inside(void *arg)
{
    square_task own[2];
    (void)arg;
    square_spawn(&own[0], 5);
    square_spawn(&own[1], 5);
    square_sync(&of_main);
}

static void *run_inside(void *arg)
{
    filch_run(NULL, sync_inside, arg);
    return arg;
}

static void by_another_thread(void)
{
    pthread_t thread;
    square_spawn(&of_main, 3);
    CHILD_REQUIRE(pthread_create(&thread, NULL, run_inside, NULL) == 0);
    pthread_join(thread, NULL);
}

Test(sync, by_another_thread)
{
    expect_misuse(by_another_thread, "sync", "worker 3", never_or_twice); /* 2 is the spare */
}

static void leave_one(void *task)
{
    square_spawn(task, 3);
}

static void run_leaves_a_task(void)
{
    square_task t;
    CHILD_REQUIRE(filch_run(NULL, leave_one, &t) == 0);
}

Test(sync, run_returns_with_a_task_unsynced)
{
    expect_misuse(run_leaves_a_task, "filch_run", "worker", CHECKED ? LEFT_NAMED : LEFT_UNNAMED);
}
