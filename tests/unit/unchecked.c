/* FILCH_UNCHECKED: no check of the order; last spawned, first synced. */
#define _GNU_SOURCE
#define FILCH_UNCHECKED
#include <filch.h>

#include <criterion/criterion.h>

#include "process.h"
#include "task_shapes.h"

TestSuite(unchecked, .init = clear_environment, .timeout = 50);

#define SHAPE_TEST(name)                                                                                              \
    Test(unchecked, name)                                                                                             \
    {                                                                                                                 \
        name();                                                                                                       \
        cr_assert_eq(atomic_load(&wrong), 0u);                                                                        \
        cr_assert_eq(filch_stop(NULL), 0, "a task was left in the deque");                                            \
    }
SHAPES(SHAPE_TEST)

Test(unchecked, with_one_worker)
{
    struct filch_counters stats = run_shapes(1, 0, 0);
    cr_assert_eq(stats.steals, 0u);
    cr_assert_eq(stats.unordered, 0u);
}

Test(unchecked, with_thieves)
{
    cr_assert_eq(run_shapes(4, 0, 50).unordered, 0u);
}

/* A task that ran at its spawn comes to its sync by the slow path, and gives the last slot back. */
Test(unchecked, more_tasks_than_the_deque_holds)
{
    struct filch_counters stats = run_shapes(1, 64, 0);
    cr_assert(stats.at_spawn > 0, "not exercised");
    stats = run_shapes(3, 64, 50);
    cr_assert(stats.at_spawn > 0, "not exercised");
}

static void *shapes_of_a_thread(void *arg)
{
    all_shapes(NULL);
    return arg;
}

Test(unchecked, on_a_thread_without_a_slot)
{
    run_thread(shapes_of_a_thread, NULL);
    cr_assert_eq(atomic_load(&wrong), 0u);
}
