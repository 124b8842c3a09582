/* Runs a function as a task on a worker's own fiber, where nothing is cold (region.h), while main waits for it: then
 * main's thread is the thief. */
#ifndef BENCH_HOT_H
#define BENCH_HOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <filch.h>

static atomic_bool hot_begun;

static void hot_begin(void (*body)(void))
{
    atomic_store_explicit(&hot_begun, true, memory_order_release); /* pairs with the acquire in hot_run */
    body();
}
FILCH_TASK(void, hot_begin, void (*)(void));

static void hot_leaf(void)
{
}
FILCH_TASK(void, hot_leaf);

static inline void hot_run(void (*body)(void))
{
    hot_begin_task t;
    atomic_store_explicit(&hot_begun, false, memory_order_relaxed); /* the spawn publishes it */
    hot_begin_spawn(&t, body);
    while (!atomic_load_explicit(&hot_begun, memory_order_acquire)) { /* pairs with the release in hot_begin */
        hot_leaf_task leaf;
        hot_leaf_spawn(&leaf);
        hot_leaf_sync(&leaf);
    }
    hot_begin_sync(&t);
}
#endif
