/* fl_deque_force alone: one thread has spawned, and runs a long function on another processor; this one takes task
 * after task from it.  A call posts a request, and makes every processor that runs this process fence. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <filch.h>

#include "case.h"
#include "os.h"
#include "sum.h"
#include "worker.h"

static uint64_t leaf(uint64_t i);
FILCH_TASK(uint64_t, leaf, uint64_t);

static struct fl_deque *deque;
static leaf_task *spawned;
static uint64_t count;
static atomic_bool ready, over;

static __attribute__((noinline)) uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

static void *owner(void *unused)
{
    fl_spawn_on(&deque->hot);
    for (uint64_t i = 0; i < count; i++)
        leaf_spawn(&spawned[i], i);
    atomic_store_explicit(&ready, true, memory_order_release); /* pairs with the acquire in bench_region */
    while (!atomic_load_explicit(&over, memory_order_acquire)) /* pairs with the release in bench_region */
        continue;
    return unused; /* the deque is thrown away with its tasks: they were all taken */
}

static void start(long size, void **storage, pthread_t *thread)
{
    size_t bytes = (fl_deque_bytes((size_t)size + 2) + FL_CACHE_LINE - 1) / FL_CACHE_LINE * FL_CACHE_LINE;
    *storage = aligned_alloc(FL_CACHE_LINE, bytes);
    spawned = calloc((size_t)size, sizeof *spawned);
    count = (uint64_t)size;
    atomic_store_explicit(&ready, false, memory_order_relaxed); /* the thread's start orders both */
    atomic_store_explicit(&over, false, memory_order_relaxed);
    if (*storage && spawned && fl_os_has_heavy()) {
        for (size_t i = 0; i < bytes / sizeof(uintptr_t); i++)
            ((uintptr_t *)*storage)[i] = 0;
        deque = fl_deque_init(*storage, (size_t)size + 2);
        if (pthread_create(thread, NULL, owner, NULL) == 0)
            return;
    }
    fprintf(stderr, "micro/force: no memory, no thread, or no membarrier\n");
    exit(2);
}

static void prepare(long size)
{
    (void)size;
    fl_os_has_heavy();
}

uint64_t bench_region(long size)
{
    void *storage;
    pthread_t thread;
    uint64_t sum = 0;
    start(size, &storage, &thread);
    while (!atomic_load_explicit(&ready, memory_order_acquire)) /* pairs with the release in owner */
        fl_spin(bench);
    for (uint64_t i = 0; i < (uint64_t)size; i++) {
        struct fl_claim claim;
        if (fl_deque_force(deque, &claim) != FL_STOLEN)
            break; /* the sum will be wrong */
        claim.task->site->run(claim.task);
        sum += ((leaf_task *)claim.task)->result;
    }
    atomic_store_explicit(&over, true, memory_order_release); /* pairs with the acquire in owner */
    pthread_join(thread, NULL);
    free(spawned);
    free(storage);
    return sum;
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
    .name = "micro/force",
    .size = 100000,
    .smallest = 1,
    .largest = 1000000,
    .prepare = prepare,
    .expected = expected,
    .tasks = tasks,
};
