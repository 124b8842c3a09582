/* Pairs of one operation each: a call, a spawn and its sync, a push and its take. */
#include "case.h"
#include "sum.h"

static long warm_up(long n)
{
    return n / 10 + 1;
}

static uint64_t expected(long n)
{
    return sum_below((uint64_t)n);
}

static uint64_t tasks(long n)
{
    return (uint64_t)n;
}

const struct bench_workload bench_workload = {
    .name = "micro/spawn_sync",
    .size = 20000000,
    .smallest = 1,
    .largest = 1000000000,
    .warm_up = warm_up,
    .expected = expected,
    .tasks = tasks,
};
