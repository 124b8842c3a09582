/* What a program pays to begin with filch: its first spawn and sync, which start the default runtime, in this fresh
 * process and with nothing set; then starting and stopping a runtime of two workers, again and again.
 *
 *   Yardstick  Mode "thread": one thread made, then joined, in place of each of these. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <filch.h>

#include "probe.h"

static long leaf(long i);
FILCH_TASK(long, leaf, long);

static bool threads; /* the mode */

static __attribute__((noinline)) long leaf(long i)
{
    return i + 1;
}

static void *nothing(void *arg)
{
    return arg;
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

static void first_spawn(void)
{
    unsetenv("FILCH_NUM_WORKERS"); /* the driver's: the default is what takes longer */
    bench_say_seconds("first", pair(), 1);
    bench_say_seconds("second", pair(), 1);
    uint64_t begin = bench_nanoseconds();
    bench_require(filch_stop(NULL) == 0, "the default runtime was not stopped");
    bench_say_seconds("stop", seconds_since(begin), 1);
}

static double make_and_join(const char *made, const char *joined)
{
    pthread_t thread;
    uint64_t begin = bench_nanoseconds();
    bench_require(pthread_create(&thread, NULL, nothing, NULL) == 0, "no thread was made");
    double making = seconds_since(begin);
    uint64_t then = bench_nanoseconds();
    bench_require(pthread_join(thread, NULL) == 0, "a thread was not joined");
    double joining = seconds_since(then), both = seconds_since(begin);
    if (made)
        bench_say_seconds(made, making, 1);
    if (joined)
        bench_say_seconds(joined, joining, 1);
    return both;
}

static double start_and_stop(void)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    uint64_t begin = bench_nanoseconds();
    bench_require(filch_start(&rt, &c) == 0 && filch_stop(rt) == 0, "a runtime did not start and stop");
    return seconds_since(begin);
}

static void run(long size)
{
    struct bench_values v = {0};
    if (threads) {
        make_and_join("first", NULL);
        make_and_join("second", "stop");
    } else {
        first_spawn();
    }
    bench_values_clear(&v, (size_t)size);
    for (long i = 0; i < size; i++)
        bench_values_add(&v, threads ? make_and_join(NULL, NULL) : start_and_stop());
    bench_say_seconds("start_stop", bench_values_quantile(&v, 0.5), 1);
}

static bool mode(const char *name)
{
    threads = strcmp(name, "thread") == 0;
    return threads || strcmp(name, "filch") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/start",
    .size = 300,
    .smallest = 1,
    .largest = 100000,
    .mode = mode,
    .run = run,
};
