/* Fibonacci numbers without a cut-off: nothing but spawns and syncs.  Says what a task costs and nothing else. */
#include "case.h"

/* Smaller by a factor of 11, which is long enough to start everything. */
static long warm_up(long n)
{
    return n > 5 ? n - 5 : n;
}

static uint64_t expected(long n)
{
    uint64_t a = 0, b = 1;
    while (n-- > 0) {
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    return a;
}

/* One for each call with n >= 2. */
static uint64_t tasks(long n)
{
    return expected(n + 1) - 1;
}

const struct bench_workload bench_workload = {
    .name = "fib",
    .size = 42,
    .smallest = 0,
    .largest = 60,
    .warm_up = warm_up,
    .expected = expected,
    .tasks = tasks,
};
