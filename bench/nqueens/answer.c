/* All ways to place n queens on an n x n board: an irregular tree of tasks with some 100 ns of work in each. */
#include "case.h"
#include "nqueens.h"

/* Solutions and queens placed, by an independent program with bit masks. */
static const struct {
    uint64_t solutions, placed;
} known[NQUEENS_MOST + 1] = {
    {1, 0},
    {1, 1},
    {0, 2},
    {0, 5},
    {2, 16},
    {10, 53},
    {4, 152},
    {40, 551},
    {92, 2056},
    {352, 8393},
    {724, 35538},
    {2680, 166925},
    {14200, 856188},
    {73712, 4674889},
    {365596, 27358552},
    {2279184, 171129071},
};

static long warm_up(long n)
{
    return n > 2 ? n - 2 : n;
}

static uint64_t expected(long n)
{
    return known[n].solutions;
}

static uint64_t tasks(long n)
{
    return known[n].placed;
}

const struct bench_workload bench_workload = {
    .name = "nqueens",
    .size = 13,
    .smallest = 0,
    .largest = NQUEENS_MOST,
    .warm_up = warm_up,
    .expected = expected,
    .tasks = tasks,
};
