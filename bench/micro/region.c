/* Short regions of main: a binary tree of 1,023 nodes, one child spawned and the other called, then a pause in which
 * main does something else.  Too short to be worth a thief, so that more workers should not make it slower. */
#include <string.h>

#include <filch.h>

#include "probe.h"

static uint64_t nodes(unsigned depth);
FILCH_TASK(uint64_t, nodes, unsigned);

enum { DEPTH = 10, NODES = (1 << DEPTH) - 1 };

static uint64_t pause_ns;
static size_t part;
static struct bench_values values;

static __attribute__((noinline)) uint64_t nodes(unsigned depth)
{
    if (depth == 1)
        return bench_opaque(1);
    nodes_task left;
    nodes_spawn(&left, depth - 1);
    uint64_t right = nodes(depth - 1);
    return nodes_sync(&left) + right + 1;
}

static void run(long size)
{
    size_t regions = (size_t)size / part + 1;
    bench_values_clear(&values, regions);
    (void)nodes(DEPTH); /* starts the runtime */
    bench_rest(20000000);
    for (size_t i = 0; i < regions; i++) {
        if (pause_ns)
            bench_spin(pause_ns);
        uint64_t begin = bench_nanoseconds(), sum = nodes(DEPTH), end = bench_nanoseconds();
        bench_require(sum == NODES, "a wrong number of nodes");
        bench_values_add(&values, 1e-9 * (double)(end - begin));
    }
    bench_say_seconds("median", bench_values_quantile(&values, 0.5), 1);
    bench_say_seconds("mean", bench_values_mean(&values), 1);
}

static bool mode(const char *name)
{
    pause_ns = strcmp(name, "50us") == 0 ? 50000 : strcmp(name, "3ms") == 0 ? 3000000 : 0;
    part = pause_ns > 1000000 ? 200 : pause_ns ? 10 : 1;
    return pause_ns || strcmp(name, "none") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/region",
    .size = 40000,
    .smallest = 1,
    .largest = 10000000,
    .mode = mode,
    .run = run,
};
