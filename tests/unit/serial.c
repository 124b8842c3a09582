/* FILCH_SERIAL: the serial elision.  The same programs, the same values, and no runtime. */
#define _GNU_SOURCE
#define FILCH_SERIAL
#include <filch.h>

#include <criterion/criterion.h>

#include "process.h"
#include "task_shapes.h"

TestSuite(serial, .init = clear_environment, .timeout = 50);

#define SHAPE_TEST(name)                                                                                              \
    Test(serial, name)                                                                                                \
    {                                                                                                                 \
        name();                                                                                                       \
        cr_assert_eq(atomic_load(&wrong), 0u);                                                                        \
        cr_assert_eq(filch_num_workers(NULL), 0u, "it used a runtime");                                               \
    }
SHAPES(SHAPE_TEST)

Test(serial, a_child_runs_at_its_sync)
{
    long value = 0;
    set_task t;
    set_spawn(&t, &value, 3);
    cr_assert_eq(value, 0);
    set_sync(&t);
    cr_assert_eq(value, 9);
}

Test(serial, run_uses_no_runtime)
{
    long value = 0;
    cr_assert_eq(square_run(NULL, &value, 12), 0);
    cr_assert_eq(value, 144);
    cr_assert_eq(square_run(NULL, NULL, 12), 0);
    cr_assert_eq(set_run(NULL, &value, 5), 0);
    cr_assert_eq(value, 25);
    cr_assert_eq(filch_num_workers(NULL), 0u);
}

Test(serial, inside_a_runtime)
{
    cr_assert_eq(run_shapes(2, 0, 0).publications, 0u);
}
