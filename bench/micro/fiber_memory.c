/* What a suspended fiber takes: a chain of tasks, each of which waits for the next one that was stolen from it.  One
 * thread plays all parts by hand (see suspend_resume.c); the fibers, their deques and stacks are the real ones.  Memory
 * is resident pages and page tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <filch.h>

#include "probe.h"
#include "worker.h"

static uint64_t chain(uint64_t n);
FILCH_TASK(uint64_t, chain, uint64_t);

static struct fl_claim stolen; /* of the next fiber */
static uint64_t deepest;       /* when the last one began */
static double bytes_there;

/* VmRSS and VmPTE of this process, in bytes. */
static double memory(void)
{
    char line[256];
    unsigned long kib, sum = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %lu kB", &kib) == 1 || sscanf(line, "VmPTE: %lu kB", &kib) == 1)
            sum += kib;
    if (file)
        fclose(file);
    bench_require(sum > 0, "/proc/self/status does not say");
    return 1024.0 * (double)sum;
}

static __attribute__((noinline)) uint64_t chain(uint64_t n)
{
    if (n == 0) {
        deepest = bench_nanoseconds();
        bytes_there = memory();
        return 0;
    }
    chain_task t;
    chain_spawn(&t, n - 1);
    struct fl_deque *d = fl_own_deque(fl_self());
    if (!fl_deque_publish_all(d) || fl_deque_steal(d, &stolen) != FL_STOLEN) {
        fprintf(stderr, "micro/fiber_memory: nothing to steal\n");
        exit(1);
    }
    return chain_sync(&t) + 1; /* leaves the fiber */
}

static void runner(void)
{
    fl_arrived();
    for (;;) {
        struct fl_claim mine = stolen;
        mine.task->site->run(mine.task);
        struct fl_waiter *waiter = fl_deque_finish(&mine);
        bench_require(waiter != NULL, "the parent does not wait");
        fl_resume(fl_self(), (struct fl_fiber *)waiter); /* comes back for another task */
    }
}

static void run(long size)
{
    uint64_t n = (uint64_t)size;
    chain_task t;
    chain_spawn(&t, 0); /* starts the runtime, which has no fiber yet */
    (void)chain_sync(&t);
    struct filch_runtime *rt = fl_self()->runtime;
    rt->fibers.entry = runner;
    fl_self()->native.tied = NULL; /* there is one thread, so it may leave its own stack like any other */

    double bytes_before = memory();
    uint64_t begin = bench_nanoseconds();
    bench_require(chain(n) == n, "a wrong length");
    uint64_t end = bench_nanoseconds();
    bench_require(rt->fibers.made >= n, "not every task had a fiber of its own");
    bench_say_bytes("memory", (bytes_there - bytes_before) / (double)n);
    bench_say_seconds("suspend", 1e-9 * (double)(deepest - begin), n);
    bench_say_seconds("resume", 1e-9 * (double)(end - deepest), n);
    begin = bench_nanoseconds();
    bench_require(chain(n) == n, "a wrong length");
    bench_say_seconds("again", 1e-9 * (double)(bench_nanoseconds() - begin), n);
}

const struct bench_probe bench_probe = {
    .name = "micro/fiber_memory",
    .size = 10000,
    .smallest = 100,
    .largest = 2000000,
    .run = run,
};
