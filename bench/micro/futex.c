/* What a wake-up costs without any library: from a store and a futex_wake until the thread that slept has stamped the
 * time.  The floor of every runtime whose idle threads sleep, measured beside it, since it differs tenfold from machine
 * to machine and from minute to minute.
 *
 *   busy  this thread spins 3 ms between two wake-ups
 *   deep  it sleeps 300 ms, so that its processors go to sleep, too */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#define END UINT32_MAX

static bool deep;
static _Atomic(uint32_t) word, seen;
static uint64_t woken; /* ordered by seen */

static void *sleeper(void *arg)
{
    uint32_t last = 0, now;
    for (;;) {
        while ((now = atomic_load_explicit(&word, memory_order_acquire)) == last) /* pairs with set */
            (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, last, NULL, NULL, 0);
        woken = bench_nanoseconds();
        atomic_store_explicit(&seen, now, memory_order_release); /* pairs with the acquire in one */
        if (now == END)
            return arg;
        last = now;
    }
}

static void set(uint32_t value)
{
    atomic_store_explicit(&word, value, memory_order_release); /* pairs with the acquire in sleeper */
    (void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static struct bench_values latency, caller;

static void one(uint32_t value)
{
    if (deep)
        bench_rest(300000000);
    else
        bench_spin(3000000);
    uint64_t begin = bench_nanoseconds();
    set(value);
    uint64_t end = bench_nanoseconds();
    while (atomic_load_explicit(&seen, memory_order_acquire) != value) /* pairs with the release in sleeper */
        continue;
    bench_values_add(&latency, 1e-9 * (double)(woken - begin));
    bench_values_add(&caller, 1e-9 * (double)(end - begin));
}

static void run(long size)
{
    size_t rounds = (size_t)size / (deep ? 200 : 10);
    rounds = rounds < 3 ? 3 : rounds;
    bench_values_clear(&latency, rounds);
    bench_values_clear(&caller, rounds);
    atomic_store_explicit(&word, 0, memory_order_relaxed); /* pthread_create orders both */
    atomic_store_explicit(&seen, 0, memory_order_relaxed);
    pthread_t thread;
    bool started = pthread_create(&thread, NULL, sleeper, NULL) == 0;
    bench_require(started, "no thread");
    if (!started)
        return;
    for (uint32_t i = 1; i <= rounds; i++)
        one(i);
    set(END);
    pthread_join(thread, NULL);
    bench_say_seconds("median", bench_values_quantile(&latency, 0.5), 1);
    bench_say_seconds("p99", bench_values_quantile(&latency, 0.99), 1);
    bench_say_seconds("caller", bench_values_quantile(&caller, 0.5), 1);
}

static bool mode(const char *name)
{
    deep = strcmp(name, "deep") == 0;
    return deep || strcmp(name, "busy") == 0;
}

const struct bench_probe bench_probe = {
    .name = "micro/wake_up",
    .size = 1000,
    .smallest = 1,
    .largest = 1000000,
    .mode = mode,
    .run = run,
};
