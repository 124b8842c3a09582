/* From the end of a stolen task until the sync that waits for it goes on, between two workers.  The parent has left its
 * fiber for sure: the child waits for that.
 *
 *   task      the parent runs on a fiber of ours: it goes on at once, on the child's worker
 *   awake     the parent is main, whose frames come back to main's thread: that one searches for tasks meanwhile
 *   asleep    the same, but it sleeps by then */
#include <string.h>

#include <filch.h>

#include "hot.h"
#include "probe.h"
#include "worker.h"

static uint64_t child(uint64_t i);
FILCH_TASK(uint64_t, child, uint64_t);

static atomic_bool started;
static _Atomic(filch_detail_slot *) slot; /* the child's */
static filch_detail_slot nowhere;         /* instead, when nobody came */
static uint64_t ended;                    /* when the child returned; the sync orders it */
static bool by_main;
static uint64_t wait_for; /* ns */
static size_t rounds;
static struct bench_values values;

static __attribute__((noinline)) uint64_t child(uint64_t i)
{
    filch_detail_slot *where;
    atomic_store_explicit(&started, true, memory_order_release);         /* pairs with the acquire in hot_wait */
    while (!(where = atomic_load_explicit(&slot, memory_order_acquire))) /* pairs with the release in parent */
        fl_spin(bench);
    while (where != &nowhere && !(fl_load_rlx(bench, where) & 2)) /* deque.c: the word leads to a waiter */
        fl_spin(bench);
    bench_spin(wait_for);
    ended = bench_nanoseconds();
    return i;
}

static void parent(void)
{
    bench_values_clear(&values, rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        child_task t;
        atomic_store_explicit(&slot, NULL, memory_order_relaxed);     /* the spawn publishes it */
        atomic_store_explicit(&started, false, memory_order_relaxed); /* the same */
        child_spawn(&t, i);
        bool begun = hot_wait(&started);
        filch_detail_slot *mine = begun ? filch_detail_slot_at(filch_detail_here().d, t.head.slot) : &nowhere;
        atomic_store_explicit(&slot, mine, memory_order_release); /* pairs with the acquire in child */
        uint64_t result = child_sync(&t), now = bench_nanoseconds();
        bench_require(result == i, "a wrong result");
        bench_require(begun, "no worker came within a second");
        if (!begun)
            break;
        bench_values_add(&values, 1e-9 * (double)(now - ended));
    }
}

static void run(long size)
{
    rounds = wait_for > 0 ? (size_t)size / 20 + 1 : (size_t)size;
    if (by_main)
        parent();
    else
        bench_require(hot_run(parent), "no worker came within a second");
    bench_say_seconds("median", bench_values_quantile(&values, 0.5), 1);
    bench_say_seconds("p99", bench_values_quantile(&values, 0.99), 1);
}

static bool mode(const char *name)
{
    by_main = strcmp(name, "task") != 0;
    wait_for = strcmp(name, "asleep") == 0 ? 3000000 : 0;
    return !by_main || wait_for || strcmp(name, "awake") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/resume",
    .size = 2000,
    .smallest = 1,
    .largest = 1000000,
    .mode = mode,
    .run = run,
};
