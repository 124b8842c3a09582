/* Code with FILCH_CHECK and code without it in one program. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>

#include "misuse.h"
#include "unchecked_code.h"

TestSuite(mixed, .init = clear_environment, .timeout = 60);

/* ---- the one calls the other, and both are stolen ---- */

static long fib_mixed(int n);
FILCH_TASK(long, fib_mixed, int);

static long fib_mixed(int n)
{
    fib_mixed_task a, b;
    if (n < 2 || n % 2)
        return fib_unchecked(n, fib_mixed);
    fib_mixed_spawn(&a, n - 1);
    fib_mixed_spawn(&b, n - 2);
    long x = n % 4 ? fib_mixed_sync(&a) : fib_mixed_sync(&b);
    return x + (n % 4 ? fib_mixed_sync(&b) : fib_mixed_sync(&a));
}

static void call_each_other(void)
{
    for (int i = 0; i < 20; i++)
        CHILD_REQUIRE(fib_mixed(16) == 987);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(mixed, they_call_each_other)
{
    expect_silence(misuse_of(call_each_other, "1"));
    expect_silence(misuse_of(call_each_other, "4"));
}

/* ---- a task of code without FILCH_CHECK is left: found, but not named ---- */

static void leave(void)
{
    leave_unchecked();
}
FILCH_TASK(void, leave);

static void in_a_task(void)
{
    leave_task t;
    leave_spawn(&t);
    leave_sync(&t);
    CHILD_REQUIRE(!CHECKED);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_EBUSY);
}

Test(mixed, an_unchecked_task_is_left)
{
    struct child child = misuse_of(in_a_task, "1");
    if (CHECKED)
        expect_death(child, "return", &leave_filch_site, "worker 0", LEFT_UNNAMED);
    else
        expect_silence(child);
}

/* The object is there, and the same in both. */
Test(mixed, the_layouts_agree)
{
    cr_assert_eq(sizeof(filch_task), 4 * sizeof(void *));
    cr_assert_eq(sizeof(struct filch_detail_task), 2 * sizeof(void *));
    cr_assert_eq(sizeof(leave_task), 2 * sizeof(void *));
}
