/* From a spawn until the first instruction of its task on another worker.  The spawner is a worker that runs hot, and
 * makes no other spawn or sync meanwhile: what is measured is this one publication.
 *
 *   searching  the other one looks for tasks
 *   asleep     it has gone to sleep 3 ms before, and wakes by itself now and then, to watch
 *   deep       nothing has happened for 300 ms: all sleep until they are woken */
#include <string.h>

#include <filch.h>

#include "hot.h"
#include "probe.h"

static uint64_t child(uint64_t i);
FILCH_TASK(uint64_t, child, uint64_t);

enum how { SEARCHING, ASLEEP, DEEP };
enum { PATIENCE = 1000000000 /* ns */ };

static enum how how;
static size_t rounds;
static atomic_bool started;
static uint64_t first; /* when the child began; ordered by started */
static struct bench_values latency, caller;

static __attribute__((noinline)) uint64_t child(uint64_t i)
{
    first = bench_nanoseconds();
    atomic_store_explicit(&started, true, memory_order_release); /* pairs with the acquire in spawner */
    return i;
}

static void pause(void)
{
    switch (how) {
    case SEARCHING: bench_spin(10000); break;
    case ASLEEP: bench_spin(3000000); break;
    case DEEP: bench_rest(300000000); break;
    }
}

static void spawner(void)
{
    bench_values_clear(&latency, rounds);
    bench_values_clear(&caller, rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        child_task t;
        atomic_store_explicit(&started, false, memory_order_relaxed); /* the spawn publishes it */
        pause();
        uint64_t begin = bench_nanoseconds();
        child_spawn(&t, i);
        uint64_t end = bench_nanoseconds();
        while (!atomic_load_explicit(&started, memory_order_acquire) && bench_nanoseconds() - begin < PATIENCE)
            continue; /* the acquire pairs with the release in child */
        bool begun = atomic_load_explicit(&started, memory_order_relaxed); /* ordered by the one before */
        bench_require(begun, "no worker came within a second");
        bench_values_add(&latency, 1e-9 * (double)(first - begin));
        bench_values_add(&caller, 1e-9 * (double)(end - begin));
        bench_spin(1000); /* the child returns, so that this worker stays where it is */
        bench_require(child_sync(&t) == i, "a wrong result");
        if (!begun)
            break;
    }
}

static void run(long size)
{
    static const size_t parts[] = {1, 10, 200};
    rounds = (size_t)size / parts[how];
    rounds = rounds < 3 ? 3 : rounds;
    bench_require(hot_run(spawner), "no worker came within a second");
    bench_say_seconds("median", bench_values_quantile(&latency, 0.5), 1);
    bench_say_seconds("p99", bench_values_quantile(&latency, 0.99), 1);
    bench_say_seconds("caller", bench_values_quantile(&caller, 0.5), 1);
}

static bool mode(const char *name)
{
    how = strcmp(name, "asleep") == 0 ? ASLEEP : strcmp(name, "deep") == 0 ? DEEP : SEARCHING;
    return how != SEARCHING || strcmp(name, "searching") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/wake_up",
    .size = 1000,
    .smallest = 1,
    .largest = 1000000,
    .mode = mode,
    .run = run,
};
