/* The smallest program that spawns. */
#ifndef FILCH_TESTS_FIB_H
#define FILCH_TESTS_FIB_H

#include <filch.h>

#include <criterion/criterion.h>

static inline long fib(int n);
FILCH_TASK(long, fib, int);

static inline long fib(int n)
{
    if (n < 2)
        return n;
    fib_task a;
    fib_spawn(&a, n - 1);
    long y = fib(n - 2);
    return fib_sync(&a) + y;
}

enum { N = 15, FIB_N = 610 };

static inline filch_runtime *start(unsigned workers)
{
    filch_config c = {.size = sizeof c, .workers = workers};
    filch_runtime *rt = NULL;
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_not_null(rt);
    return rt;
}

static inline void expect_fib(filch_runtime *rt)
{
    long value = 0;
    cr_assert_eq(fib_run(rt, &value, N), 0);
    cr_assert_eq(value, FIB_N);
}

/* As the body of a thread: NULL, or rt if something went wrong. */
static inline void *fib_in(void *rt)
{
    long value = 0;
    for (int i = 0; i < 20; i++)
        if (fib_run(rt, &value, N) != 0 || value != FIB_N)
            return rt;
    return NULL;
}

#endif
