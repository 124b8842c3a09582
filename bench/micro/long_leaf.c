/* A spawn, a long plain call, a sync: the owner never comes by to answer a thief.  Both halves take the same time, so
 * half of what one worker takes is ideal, and all of it is what a runtime takes that asks and waits. */
#include <filch.h>

#include "case.h"

static uint64_t leaf(uint64_t seed, uint64_t steps);
FILCH_TASK(uint64_t, leaf, uint64_t, uint64_t);

/* Some 1.5 ns a step, each needs the one before. */
static __attribute__((noinline)) uint64_t leaf(uint64_t seed, uint64_t steps)
{
    for (uint64_t i = 0; i < steps; i++)
        seed = bench_opaque(seed * 6364136223846793005u + 1442695040888963407u);
    return seed;
}

uint64_t bench_region(long size)
{
    leaf_task t;
    leaf_spawn(&t, 1, (uint64_t)size);
    uint64_t mine = leaf(2, (uint64_t)size);
    return mine ^ leaf_sync(&t);
}

static uint64_t expected(long size)
{
    return leaf(1, (uint64_t)size) ^ leaf(2, (uint64_t)size);
}

static uint64_t tasks(long size)
{
    (void)size;
    return 1;
}

const struct bench_workload bench_workload = {
    .name = "micro/long_leaf",
    .size = 20000000,
    .smallest = 1,
    .largest = 1000000000,
    .expected = expected,
    .tasks = tasks,
};
