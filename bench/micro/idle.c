/* The time on processors that an idle runtime takes after a burst of work, main's own left out.  Its threads search
 * for 50 us, one of them wakes now and then for 120 ms, then all sleep until they are woken.
 *
 *   none    main rests between two regions
 *   region  main rests in one, after a spawn and before its sync: somebody watches it for as long as it is open */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <time.h>

#include <filch.h>

#include "probe.h"

enum { BURST = 25, ANSWER = 75025, WATCHED = 250 /* ms */ };
static const double CLOSE = 20e-6; /* s */

static long fib(int n);
FILCH_TASK(long, fib, int);

static __attribute__((noinline)) long fib(int n)
{
    if (n < 2)
        return n;
    fib_task a;
    fib_spawn(&a, n - 1);
    long y = fib(n - 2);
    return fib_sync(&a) + y;
}

static double of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of all threads but main's.  Between two readings the host may take this processor away, and a virtual machine charges
 * that to main: then once more. */
static double others(void)
{
    double before, all, after;
    int tries = 0;
    do {
        before = of(CLOCK_THREAD_CPUTIME_ID);
        all = of(CLOCK_PROCESS_CPUTIME_ID);
        after = of(CLOCK_THREAD_CPUTIME_ID);
    } while (after - before > CLOSE && ++tries < 1000);
    return all - before;
}

/* The clocks are read one after the other: next to nothing may come out below zero. */
static void say(const char *metric, double seconds)
{
    bench_say_seconds(metric, seconds > 0 ? seconds : 0, 1);
}

static bool in_region;

static void run(long size)
{
    bench_require(fib(BURST) == ANSWER, "a wrong result");
    fib_task t;
    if (in_region)
        fib_spawn(&t, 1);
    double begin = others();
    bench_rest(WATCHED * 1000000ull);
    double watched = others();
    bench_rest((uint64_t)(size > WATCHED ? size - WATCHED : 0) * 1000000);
    double end = others();
    if (in_region)
        bench_require(fib_sync(&t) == 1, "a wrong result");
    say("all", end - begin);
    say("watched", watched - begin);
    say("after", end - watched);
}

static bool mode(const char *name)
{
    in_region = strcmp(name, "region") == 0;
    return in_region || strcmp(name, "none") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/idle",
    .size = 3000,
    .smallest = 300,
    .largest = 1000000,
    .mode = mode,
    .run = run,
};
