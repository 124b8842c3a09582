/* The affinity mask of every thread is shrunk to one processor and widened again, over and over, while trees of tasks
 * are computed and checked: pinned and not, and while runtimes start. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <sched.h>

#include "tree.h"

#if SANITIZED
enum { TIMES = 20, MOST_WORKERS = 4 };
#else
enum { TIMES = 100, MOST_WORKERS = 8 };
#endif

static cpu_set_t whole;
static atomic_uint shrunk;

static cpu_set_t only(unsigned nth)
{
    cpu_set_t one;
    int cpu = -1;
    CPU_ZERO(&one);
    for (nth = nth % (unsigned)CPU_COUNT(&whole) + 1; nth; nth--)
        do
            cpu++;
        while (!CPU_ISSET(cpu, &whole));
    CPU_SET(cpu, &one);
    return one;
}

/* As `taskset -a -p` does. */
static void set_all(const cpu_set_t *mask)
{
    pid_t threads[THREADS];
    unsigned n = other_threads(threads);
    for (unsigned i = 0; i < n; i++)
        (void)sched_setaffinity(threads[i], sizeof *mask, mask); /* it may have ended */
}

static void shrink_and_widen(void)
{
    static unsigned nth;
    cpu_set_t one = only(nth++);
    set_all(&one);
    pause_ns(1000000);
    set_all(&whole);
    pause_ns(1000000);
    atomic_fetch_add(&shrunk, 1);
}

static void compute(filch_config c)
{
    filch_runtime *rt = start_with(c);
    uint64_t seed = c.workers;
    atomic_store(&shrunk, 0);
    while (atomic_load(&shrunk) < TIMES) {
        expect_tree(rt, seed = mix(seed));
        if (seed % 4 == 0)
            pause_ns(300000); /* so that workers fall asleep */
    }
    cr_assert_eq(filch_stop(rt), 0);
}

static void require_two_processors(void)
{
    cr_assert_eq(sched_getaffinity(0, sizeof whole, &whole), 0);
    if (CPU_COUNT(&whole) < 2)
        cr_skip_test("one processor: its mask cannot be shrunk");
}

TestSuite(mask, .init = clear_environment, .timeout = 100);

Test(mask, shrinks_and_widens)
{
    require_two_processors();
    struct trouble trouble = {.once = shrink_and_widen};
    begin_trouble(&trouble);
    for (unsigned workers = 2; workers <= MOST_WORKERS; workers *= 2)
        for (unsigned pin = FILCH_PIN_NONE; pin <= FILCH_PIN_CORE; pin++)
            compute((filch_config){.workers = workers, .pin = pin});
    end_trouble(&trouble);
}

/* The mask that hwloc was told of may be another one when the threads pin themselves. */
Test(mask, shrinks_while_runtimes_start)
{
    enum { STARTS = 50 };
    require_two_processors();
    struct trouble trouble = {.once = shrink_and_widen};
    begin_trouble(&trouble);
    for (unsigned i = 0; i < STARTS || atomic_load(&shrunk) < TIMES / 4; i++) {
        filch_runtime *rt = start_with((filch_config){.workers = 2 + i % 3, .pin = 1 + i % 2});
        expect_tree(rt, i);
        cr_assert_eq(filch_stop(rt), 0);
    }
    end_trouble(&trouble);
    set_all(&whole);
}

Test(mask, of_one_processor)
{
    require_two_processors();
    cpu_set_t one = only(1), after;
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    for (unsigned pin = FILCH_PIN_NONE; pin <= FILCH_PIN_CORE; pin++) {
        filch_runtime *rt = start_with((filch_config){.workers = 4, .pin = pin});
        for (uint64_t seed = 0; seed < 20; seed++)
            expect_tree(rt, seed);
        cr_assert_eq(filch_stop(rt), 0);
    }
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&one, &after));
}
