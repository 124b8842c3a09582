/* Spawns and syncs nothing much until another worker has begun with a task; and runs a function as a task on a worker's
 * own fiber, where nothing is cold (region.h), while main waits for it: then main's thread is the thief. */
#ifndef BENCH_HOT_H
#define BENCH_HOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <filch.h>

#include "clock.h"

static atomic_bool hot_begun;

static void hot_leaf(void)
{
}
FILCH_TASK(void, hot_leaf);

/* False: nobody came within a second. */
static inline bool hot_wait(atomic_bool *begun)
{
    double since = bench_now();
    for (unsigned i = 1; !atomic_load_explicit(begun, memory_order_acquire);
         i++) { /* pairs with a release in the task */
        hot_leaf_task leaf;
        hot_leaf_spawn(&leaf);
        hot_leaf_sync(&leaf);
        if (i % 1024 == 0 && bench_now() - since > 1)
            return false;
    }
    return true;
}

static void hot_begin(void (*body)(void))
{
    atomic_store_explicit(&hot_begun, true, memory_order_release); /* pairs with the acquire in hot_wait */
    body();
}
FILCH_TASK(void, hot_begin, void (*)(void));

/* False: nobody came, and this thread did it. */
static inline bool hot_run(void (*body)(void))
{
    hot_begin_task t;
    atomic_store_explicit(&hot_begun, false, memory_order_relaxed); /* the spawn publishes it */
    hot_begin_spawn(&t, body);
    bool came = hot_wait(&hot_begun);
    hot_begin_sync(&t);
    return came;
}
#endif
