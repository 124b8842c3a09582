/* From a spawn to the return of its sync, when another worker takes the task: what one steal and its join take.  The
 * owner goes on spawning and syncing meanwhile, as a busy program does, and so answers the thief's request.  In main
 * each is a region of its own, which nobody takes a task of in its first 20 us (region.h). */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <filch.h>

#include "case.h"
#include "clock.h"
#include "hot.h"
#include "steal.h"

enum {
    PATIENCE = 1 /* seconds until a task that nobody steals is synced anyway, and so counted as not stolen */
};

static atomic_bool started;

static __attribute__((noinline)) uint64_t leaf(uint64_t i);
static uint64_t announce(uint64_t i);
FILCH_TASK(uint64_t, leaf, uint64_t);
FILCH_TASK(uint64_t, announce, uint64_t);

static uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

static uint64_t announce(uint64_t i)
{
    atomic_store_explicit(&started, true, memory_order_release); /* pairs with the acquire in stolen */
    return i;
}

/* Waits until another worker has begun the task. */
static bool stolen(void)
{
    double begin = bench_now();
    for (unsigned i = 1;; i++) {
        leaf_task t;
        leaf_spawn(&t, i);
        (void)leaf_sync(&t);
        if (atomic_load_explicit(&started, memory_order_acquire)) /* pairs with the release in announce */
            return true;
        if (i % 1024 == 0 && bench_now() - begin > PATIENCE)
            return false;
    }
}

static uint64_t sum;
static uint64_t rounds;
static bool by_main = true, all;

static void steals(void)
{
    for (uint64_t i = 0; all && i < rounds; i++) {
        announce_task t;
        atomic_store_explicit(&started, false, memory_order_relaxed); /* the spawn publishes it */
        announce_spawn(&t, i);
        all = stolen();
        sum += announce_sync(&t);
    }
}

uint64_t bench_region(long size)
{
    sum = 0;
    rounds = (uint64_t)size;
    all = true;
    if (by_main)
        steals();
    else
        all = hot_run(steals) && all;
    return all ? sum : UINT64_MAX; /* never the sum: not exercised is not right */
}

bool bench_steal_mode(const char *name)
{
    by_main = strcmp(name, "main") == 0;
    return by_main || strcmp(name, "task") == 0;
}
