/* filch/task.h: every macro at run time, on each kind of thread, stolen and not. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "process.h"
#include "task_shapes.h"

TestSuite(task, .init = clear_environment, .timeout = 50);

/* One test for each shape, on main and its default runtime. */
#define SHAPE_TEST(name)                                                                                              \
    Test(task, name)                                                                                                  \
    {                                                                                                                 \
        name();                                                                                                       \
        cr_assert_eq(atomic_load(&wrong), 0u);                                                                        \
        cr_assert_eq(filch_stop(NULL), 0, "a task was left in the deque");                                            \
    }
SHAPES(SHAPE_TEST)

Test(task, with_one_worker)
{
    cr_assert_eq(run_shapes(1, 0, 0).steals, 0u);
}

Test(task, with_thieves)
{
    run_shapes(4, 0, 50);
}

Test(task, more_tasks_than_the_deque_holds)
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

Test(task, on_another_thread)
{
    run_thread(shapes_of_a_thread, NULL);
    cr_assert_eq(atomic_load(&wrong), 0u);
    cr_assert_eq(filch_stop(NULL), 0, "a task was left in the deque");
}

Test(task, run_from_outside)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    long value = 0, other = 0;
    int before = atomic_load(&calls);
    struct pair p = {1, 1.5, "p"}, q = {2, 2.5, "q"}, r;
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(square_run(rt, &value, 12), 0);
    cr_assert_eq(value, 144);
    cr_assert_eq(square_run(rt, NULL, 12), 0, "its value is not wanted");
    cr_assert_eq(set_run(rt, &other, 5), 0, "void has no out");
    cr_assert_eq(other, 25);
    cr_assert_eq(v0_run(rt), 0);
    cr_assert_eq(atomic_load(&calls), before + 1);
    cr_assert_eq(a8_run(rt, &value, 1, 2, 3, 4, 5, 6, 7, 8), 0);
    cr_assert_eq(value, 12345678);
    cr_assert_eq(swap_run(rt, &r, p, q), 0);
    cr_assert_str_eq(r.text, "swapped");
    cr_assert_eq(tree_run(rt, &value, 6, 3), 0);
    cr_assert_eq(value, tree_serially(6, 3));
    cr_assert_eq(square_run(NULL, &value, 11), 0, "the default one");
    cr_assert_eq(value, 121);
    cr_assert_eq(filch_stop(NULL), 0);
    cr_assert_eq(filch_stop(rt), 0);
}

static void run_without_memory(void)
{
    struct rlimit limit = {(rlim_t)6 << 20, (rlim_t)6 << 20};
    long value = 77;
    clear_environment();
    CHILD_REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0); /* less than there is: no map succeeds */
    CHILD_REQUIRE(square_run(NULL, &value, 3) == FILCH_ENOMEM);
    CHILD_REQUIRE(value == 77);
}

Test(task, a_run_that_fails_stores_nothing)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer needs the address space");
    expect_success(child_of(run_without_memory));
}

/* What every message and tool finds: the function's name, and the place of its FILCH_TASK. */
static int somewhere(int n)
{
    return n;
}
enum { LINE = __LINE__ + 1 };
FILCH_TASK_AS(prefix_, int, somewhere, int);

Test(task, a_task_knows_its_site)
{
    prefix__task t;
    prefix__spawn(&t, 5);
    cr_assert_str_eq(t.head.site->name, "somewhere");
    cr_assert(strstr(t.head.site->file, "task.c"));
    cr_assert_eq(t.head.site->line, (unsigned)LINE);
    cr_assert_eq(t.head.site->size, sizeof t);
    cr_assert_eq(prefix__sync(&t), 5);
}
