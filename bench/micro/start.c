/* What a program pays to begin with filch: its first spawn and sync, which start the default runtime, in this fresh
 * process and with nothing set; then starting and stopping a runtime of two workers, again and again. */
#define _DEFAULT_SOURCE
#include <stdlib.h>

#include <filch.h>

#include "probe.h"

static long leaf(long i);
FILCH_TASK(long, leaf, long);

static __attribute__((noinline)) long leaf(long i)
{
    return i + 1;
}

static double seconds_since(uint64_t begin)
{
    return 1e-9 * (double)(bench_nanoseconds() - begin);
}

static double pair(void)
{
    leaf_task t;
    uint64_t begin = bench_nanoseconds();
    leaf_spawn(&t, 41);
    bench_require(leaf_sync(&t) == 42, "a wrong result");
    return seconds_since(begin);
}

static void run(long size)
{
    struct bench_values v = {0};
    filch_config c = {.size = sizeof c, .workers = 2};
    unsetenv("FILCH_NUM_WORKERS"); /* the driver's: the default is what takes longer */
    bench_say_seconds("first", pair(), 1);
    bench_say_seconds("second", pair(), 1);
    uint64_t begin = bench_nanoseconds();
    bench_require(filch_stop(NULL) == 0, "the default runtime was not stopped");
    bench_say_seconds("stop", seconds_since(begin), 1);

    bench_values_clear(&v, (size_t)size);
    for (long i = 0; i < size; i++) {
        filch_runtime *rt;
        begin = bench_nanoseconds();
        bench_require(filch_start(&rt, &c) == 0 && filch_stop(rt) == 0, "a runtime did not start and stop");
        bench_values_add(&v, seconds_since(begin));
    }
    bench_say_seconds("start_stop", bench_values_quantile(&v, 0.5), 1);
}

const struct bench_probe bench_probe = {
    .name = "micro/start",
    .size = 300,
    .smallest = 1,
    .largest = 100000,
    .run = run,
};
