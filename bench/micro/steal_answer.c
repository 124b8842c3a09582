/* Steals one after the other: numbers of tasks that went from one thread to another, and their sum. */
#include "case.h"
#include "steal.h"
#include "sum.h"

static uint64_t expected(long n)
{
    return sum_below((uint64_t)n);
}

static uint64_t tasks(long n)
{
    return (uint64_t)n;
}

const struct bench_workload bench_workload = {
    .name = "micro/steal",
    .size = 20000,
    .smallest = 1,
    .largest = 100000000,
    .expected = expected,
    .tasks = tasks,
    .mode = bench_steal_mode,
};
