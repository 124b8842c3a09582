/* The sync of a stolen task, with the thief's part played by hand on the same thread: no latency between processors.
 * "done" finishes the task before the sync, which finds it done.  "suspends" leaves the fiber; the next one finishes
 * the task and goes on with the one that waits.  Both publish the task and claim it; the difference is the
 * suspension. */
#include <string.h>

#include <filch.h>

#include "case.h"
#include "sum.h"
#include "worker.h"

static uint64_t leaf(uint64_t i);
FILCH_TASK(uint64_t, leaf, uint64_t);

static struct fl_claim claim;
static bool before_sync;

static __attribute__((noinline)) uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

/* As run() in worker.c. */
static void finish(void)
{
    claim.task->site->run(claim.task);
    struct fl_waiter *waiter = fl_deque_finish(&claim);
    if (waiter)
        fl_resume(fl_self(), (struct fl_fiber *)waiter);
}

/* The loop of a worker that never has to search. */
static void finisher(void)
{
    fl_arrived();
    for (;;)
        finish();
}

static void prepare(long size)
{
    (void)size;
    leaf_task t;
    leaf_spawn(&t, 0); /* starts the runtime, which has no fiber yet */
    (void)leaf_sync(&t);
    fl_self()->runtime->fibers.entry = finisher;
    fl_self()->native.tied = NULL; /* there is one thread, so it may leave its own stack like any other */
}

uint64_t bench_region(long size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)size; i++) {
        leaf_task t;
        leaf_spawn(&t, i);
        struct fl_deque *d = fl_own_deque(fl_self());
        if (!fl_deque_publish_all(d) || fl_deque_steal(d, &claim) != FL_STOLEN)
            return UINT64_MAX; /* never the sum: not exercised is not right */
        if (before_sync)
            finish();
        sum += leaf_sync(&t);
    }
    uint64_t suspended = fl_load_rlx(bench, &fl_self()->suspensions); /* this thread's */
    return (suspended == 0) == before_sync ? sum : UINT64_MAX;
}

static bool mode(const char *name)
{
    before_sync = strcmp(name, "done") == 0;
    return before_sync || strcmp(name, "suspends") == 0;
}

static uint64_t expected(long n)
{
    return sum_below((uint64_t)n);
}

static uint64_t tasks(long n)
{
    return (uint64_t)n;
}

const struct bench_workload bench_workload = {
    .name = "micro/suspend_resume",
    .size = 1000000,
    .smallest = 1,
    .largest = 100000000,
    .prepare = prepare,
    .expected = expected,
    .tasks = tasks,
    .mode = mode,
};
