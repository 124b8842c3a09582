/* A plain call of a function that returns its argument: what micro/spawn_sync adds to. */
#include "case.h"
#include "sum.h"

static __attribute__((noinline)) uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

uint64_t bench_region(long size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)size; i++)
        sum += leaf(i);
    return sum;
}
