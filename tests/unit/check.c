/* FILCH_CHECK: the same programs run, and a sync of a task that does not wait here says so and aborts. */
#define _GNU_SOURCE
#define FILCH_CHECK
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "process.h"
#include "stolen.h"
#include "task_shapes.h"

TestSuite(check, .init = clear_environment, .timeout = 50);

#define SHAPE_TEST(name)                                                                                              \
    Test(check, name)                                                                                                 \
    {                                                                                                                 \
        name();                                                                                                       \
        cr_assert_eq(atomic_load(&wrong), 0u);                                                                        \
        cr_assert_eq(filch_stop(NULL), 0, "a task was left in the deque");                                            \
    }
SHAPES(SHAPE_TEST)

Test(check, with_thieves)
{
    run_shapes(4, 0, 50);
}

Test(check, more_tasks_than_the_deque_holds)
{
    cr_assert(run_shapes(2, 64, 0).at_spawn > 0, "not exercised");
}

static void *shapes_of_a_thread(void *arg)
{
    all_shapes(NULL);
    return arg;
}

Test(check, on_a_thread_without_a_slot)
{
    run_thread(shapes_of_a_thread, NULL);
    cr_assert_eq(atomic_load(&wrong), 0u);
}

/* ---- misuse ---- */

static const char sentence[] = "was not spawned by this function call on this thread, or was synced before";

/* The body in a child, on its main thread with the default runtime; it says who does what. */
static void expect_misuse_by(void (*body)(void), const char *who)
{
    setenv("FILCH_NUM_WORKERS", "2", 1);
    struct child child = child_of(body);
    expect_abort(child, sentence);
    cr_assert(strstr(child.said, who), "%s is not named: %s", who, child.said);
    cr_assert_eq(lines_of(child.said), 1u, "%s", child.said);
}

static void expect_misuse(void (*body)(void))
{
    expect_misuse_by(body, "sync on ");
}

static void expect_misuse_of_square(void (*body)(void))
{
    expect_misuse_by(body, "sync, task square (");
}

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

/* Without FILCH_CHECK this drops u. */
static void twice_while_another_has_its_slot(void)
{
    square_task t, u;
    square_spawn(&t, 3);
    square_sync(&t);
    square_spawn(&u, 4);
    square_sync(&t);
}

static void twice_ran_at_its_spawn(void)
{
    enum { TASKS = 70 };
    filch_config c = {.size = sizeof c, .workers = 1, .deque = 64};
    square_task t[TASKS];
    CHILD_REQUIRE(filch_start(NULL, &c) == 0);
    for (int i = 0; i < TASKS; i++)
        square_spawn(&t[i], i);
    square_sync(&t[TASKS - 1]);
    square_sync(&t[TASKS - 1]);
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

static void twice_in_sync_all(void)
{
    square_task t[3];
    for (int i = 0; i < 3; i++)
        square_spawn(&t[i], i);
    square_sync(&t[2]);
    square_sync_all(t, 3);
}

/* The thief is at fault: it names the task that it runs. */
static void sync_unspawned(void *arg)
{
    square_task t;
    memset(&t, 0, sizeof t);
    answer_thieves();
    raise_flag(arg);
    square_sync(&t);
}

static void in_a_stolen_task(void)
{
    filch_task t;
    atomic_bool began = false;
    filch_spawn(&t, sync_unspawned, &began);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(check, synced_twice)
{
    expect_misuse_of_square(twice_in_order);
    expect_misuse_of_square(twice_out_of_order);
    expect_misuse_of_square(twice_while_another_has_its_slot);
    expect_misuse_of_square(twice_ran_at_its_spawn);
    expect_misuse_by(twice_stolen, "sync, task filch_spawn (");
    expect_misuse_of_square(twice_in_sync_all);
}

static void zeroed_before_the_first_spawn(void)
{
    square_task t;
    memset(&t, 0, sizeof t);
    square_sync(&t);
}

static void zeroed(void)
{
    square_task t;
    memset(&t, 0, sizeof t);
    answer_thieves(); /* this thread has spawned before */
    square_sync(&t);
}

static void zeroed_beside_another(void)
{
    square_task t, u;
    memset(&t, 0, sizeof t);
    square_spawn(&u, 3);
    square_sync(&t);
}

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
    square_spawn(&t, 3);
    u.head = t.head; /* not the result: a thief may be writing it */
    square_sync(&u);
}

Test(check, never_spawned)
{
    expect_misuse(zeroed_before_the_first_spawn);
    expect_misuse(zeroed);
    expect_misuse(zeroed_beside_another);
    expect_misuse(all_ones);
    expect_misuse(copied);
    expect_misuse_by(in_a_stolen_task, "sync inside, task filch_spawn (");
}

static square_task of_main;

static void *sync_that_of_main(void *arg)
{
    square_sync(&of_main);
    return arg;
}

static void *spawn_and_sync_that_of_main(void *arg)
{
    answer_thieves(); /* serially */
    return sync_that_of_main(arg);
}

static void sync_inside(void *arg)
{
    square_task own;
    square_spawn(&own, 5);
    sync_that_of_main(arg);
}

static void *run_and_sync_that_of_main(void *arg)
{
    filch_run(NULL, sync_inside, arg);
    return arg;
}

static void by(void *(*body)(void *))
{
    pthread_t thread;
    square_spawn(&of_main, 3);
    CHILD_REQUIRE(pthread_create(&thread, NULL, body, NULL) == 0);
    pthread_join(thread, NULL);
}

static void by_a_thread_that_never_spawned(void)
{
    by(sync_that_of_main);
}

static void by_a_thread_without_a_slot(void)
{
    by(spawn_and_sync_that_of_main);
}

static void by_a_thread_inside_run(void)
{
    by(run_and_sync_that_of_main);
}

Test(check, spawned_by_another_thread)
{
    expect_misuse(by_a_thread_that_never_spawned);
    expect_misuse(by_a_thread_without_a_slot);
    expect_misuse(by_a_thread_inside_run);
}
