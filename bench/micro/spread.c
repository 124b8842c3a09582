/* A long region of main after a pause: from its first spawn until the first of its tasks begins on another worker.
 * PAUSE: a deep tree of small tasks.  PAUSE-leaf: one spawn, then a long function without any. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <filch.h>

#include "probe.h"

static void node(unsigned depth);
FILCH_TASK(void, node, unsigned);

enum { DEEP = 60, PATIENCE = 1 /* seconds until nobody will come any more */ };

static pthread_t main_thread;
static _Atomic uint64_t first; /* when another worker began with a task, or 0 */
static uint64_t pause_ns;
static bool leaf;
static uint64_t begin;
static unsigned calls; /* main's */
static bool over;      /* main's: nobody has come */
static struct bench_values values;

static uint64_t seen(void)
{
    return atomic_load_explicit(&first, memory_order_relaxed); /* says its own value, no more */
}

/* A call, so that nobody keeps its answer over a sync. */
static __attribute__((noinline)) bool elsewhere(void)
{
    __asm__ volatile("");
    return !pthread_equal(pthread_self(), main_thread);
}

static bool is_late(void)
{
    return bench_nanoseconds() - begin > PATIENCE * 1000000000ull;
}

static __attribute__((noinline)) void node(unsigned depth)
{
    if (depth == 0 || seen())
        return;
    if (elsewhere()) {
        uint64_t nobody = 0;
        atomic_compare_exchange_strong_explicit(&first, &nobody, bench_nanoseconds(), memory_order_relaxed,
                                                memory_order_relaxed); /* as in seen */
        return;
    }
    over = over || (++calls % 4096 == 0 && is_late());
    if (over)
        return;
    node_task t;
    node_spawn(&t, depth - 1);
    node(depth - 1);
    node_sync(&t);
}

static void one_leaf(void)
{
    node_task t;
    node_spawn(&t, DEEP);
    while (!seen() && !is_late())
        continue;
    node_sync(&t);
}

/* False: nobody came. */
static bool one_region(void)
{
    if (pause_ns > 10000000)
        bench_rest(pause_ns);
    else
        bench_spin(pause_ns);
    atomic_store_explicit(&first, 0, memory_order_relaxed); /* no task is there; the spawn publishes it */
    over = false;
    begin = bench_nanoseconds();
    if (leaf)
        one_leaf();
    else
        node(DEEP);
    bench_require(seen() != 0, "no worker came within a second");
    if (seen())
        bench_values_add(&values, 1e-9 * (double)(seen() - begin));
    return seen() != 0;
}

static void run(long size)
{
    size_t regions = (size_t)size / (pause_ns > 10000000 ? 100 : pause_ns > 1000000 ? 5 : 1) + 1;
    main_thread = pthread_self();
    bench_values_clear(&values, regions + 1);
    bool came = one_region(); /* starts the runtime */
    values.n = 0;
    for (size_t i = 0; i < regions && came; i++)
        came = one_region();
    bench_say_seconds("median", bench_values_quantile(&values, 0.5), 1);
    bench_say_seconds("p90", bench_values_quantile(&values, 0.9), 1);
}

static bool mode(const char *name)
{
    static const struct {
        const char *name;
        uint64_t pause;
    } pauses[] = {{"50us", 50000}, {"3ms", 3000000}, {"300ms", 300000000}};
    size_t length = strcspn(name, "-");
    leaf = strcmp(name + length, "-leaf") == 0;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        if (strlen(pauses[i].name) == length && strncmp(pauses[i].name, name, length) == 0)
            pause_ns = pauses[i].pause;
    return pause_ns && (leaf || !name[length]);
}

const struct bench_probe bench_probe = {
    .name = "micro/spread",
    .size = 1000,
    .smallest = 1,
    .largest = 1000000,
    .mode = mode,
    .run = run,
};
