/* The time on processors that an idle runtime takes after a burst of work, main's own left out.  Its threads search
 * for 50 us, one of them wakes now and then for 200 ms, then all sleep until they are woken. */
#define _POSIX_C_SOURCE 200809L

#include <time.h>

#include <filch.h>

#include "probe.h"

enum { BURST = 25, ANSWER = 75025, WATCHED = 250 /* ms */ };

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

/* Of all threads but main's. */
static double others(void)
{
    return of(CLOCK_PROCESS_CPUTIME_ID) - of(CLOCK_THREAD_CPUTIME_ID);
}

static void run(long size)
{
    bench_require(fib(BURST) == ANSWER, "a wrong result");
    double begin = others();
    bench_rest(WATCHED * 1000000ull);
    double watched = others();
    bench_rest((uint64_t)(size > WATCHED ? size - WATCHED : 0) * 1000000);
    double end = others();
    bench_say_seconds("all", end - begin, 1);
    bench_say_seconds("watched", watched - begin, 1);
    bench_say_seconds("after", end > watched ? end - watched : 0, 1);
}

const struct bench_probe bench_probe = {
    .name = "micro/idle",
    .size = 3000,
    .smallest = 300,
    .largest = 1000000,
    .run = run,
};
