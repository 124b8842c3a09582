/* A thousand tasks spawned into an array on the heap, then synced last first or first first: the loop that one writes
 * without thinking must not be a trap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <filch.h>

#include "case.h"
#include "sum.h"

enum { BATCH = 1000 };

static __attribute__((noinline)) uint64_t leaf(uint64_t i);
FILCH_TASK(uint64_t, leaf, uint64_t);

static leaf_task *batch;
static bool first_first;

static uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

static uint64_t one_batch(uint64_t from)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BATCH; i++)
        leaf_spawn(&batch[i], from + i);
    if (first_first) {
        for (size_t i = 0; i < BATCH; i++)
            sum += leaf_sync(&batch[i]);
    } else {
        for (size_t i = BATCH; i-- > 0;)
            sum += leaf_sync(&batch[i]);
    }
    return sum;
}

uint64_t bench_region(long size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)size; i++)
        sum += one_batch(i * BATCH);
    return sum;
}

static void prepare(long size)
{
    (void)size;
    batch = malloc(BATCH * sizeof *batch); /* lives as long as the process */
    if (!batch) {
        fprintf(stderr, "micro/order: no memory\n");
        exit(2);
    }
}

static bool mode(const char *name)
{
    first_first = strcmp(name, "first-first") == 0;
    return first_first || strcmp(name, "last-first") == 0;
}

static uint64_t expected(long n)
{
    return sum_below((uint64_t)n * BATCH);
}

static uint64_t tasks(long n)
{
    return (uint64_t)n * BATCH;
}

const struct bench_workload bench_workload = {
    .name = "micro/order",
    .size = 5000,
    .smallest = 1,
    .largest = 1000000,
    .prepare = prepare,
    .expected = expected,
    .tasks = tasks,
    .mode = mode,
};
