/* A spawn and the sync of a task that nobody steals; compiled a second time with FILCH_SERIAL. */
#include <filch.h>

#include "case.h"

static __attribute__((noinline)) uint64_t leaf(uint64_t i);
FILCH_TASK(uint64_t, leaf, uint64_t);

static uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

uint64_t bench_region(long size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)size; i++) {
        leaf_task t;
        leaf_spawn(&t, i);
        sum += leaf_sync(&t);
    }
    return sum;
}
