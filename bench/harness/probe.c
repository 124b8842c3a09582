/* The main of every probe: PROGRAM [SIZE [REPETITIONS [MODE]]].  Exit status 0, 1 for a wrong result, 2 for wrong
 * arguments. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "probe.h"
#include "stat.h"

static atomic_bool wrong;

void bench_require(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "%s: %s\n", bench_probe.name, what);
    atomic_store_explicit(&wrong, true, memory_order_relaxed); /* only a flag, read at the end */
}

static void say(const char *metric, const char *unit, double value, uint64_t tasks)
{
    struct bench_counters now;
    bench_count(&now);
    printf("filch-bench-sample metric=%s %s=%.12g result=1 steals=%" PRIu64 " workers=%u tasks=%" PRIu64 "\n", metric,
           unit, value, now.steals, now.workers, tasks);
}

void bench_say_seconds(const char *metric, double seconds, uint64_t tasks)
{
    say(metric, "seconds", seconds, tasks);
}

void bench_say_bytes(const char *metric, double bytes)
{
    say(metric, "bytes", bytes, 1);
}

void bench_values_clear(struct bench_values *v, size_t room)
{
    if (room > v->room) {
        v->seconds = realloc(v->seconds, room * sizeof *v->seconds);
        v->room = room;
    }
    v->n = 0;
    if (!v->seconds) {
        fprintf(stderr, "%s: no memory\n", bench_probe.name);
        exit(2);
    }
}

void bench_values_add(struct bench_values *v, double seconds)
{
    if (v->n < v->room)
        v->seconds[v->n++] = seconds;
}

double bench_values_quantile(struct bench_values *v, double share)
{
    (void)bench_spread_of(v->seconds, v->n);
    return v->n ? bench_quantile(v->seconds, v->n, share) : 0;
}

double bench_values_mean(const struct bench_values *v)
{
    double sum = 0;
    for (size_t i = 0; i < v->n; i++)
        sum += v->seconds[i];
    return v->n ? sum / (double)v->n : 0;
}

uint64_t bench_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void bench_spin(uint64_t nanoseconds)
{
    uint64_t begin = bench_nanoseconds();
    while (bench_nanoseconds() - begin < nanoseconds)
        continue;
}

void bench_rest(uint64_t nanoseconds)
{
    struct timespec left = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    while (nanosleep(&left, &left) && errno == EINTR)
        continue;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [SIZE [REPETITIONS [MODE]]], SIZE from %ld to %ld\n", program, bench_probe.smallest,
            bench_probe.largest);
    return 2;
}

static bool to_long(const char *text, long low, long high, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return !errno && end != text && !*end && *out >= low && *out <= high;
}

int main(int argc, char **argv)
{
    long size = bench_probe.size, repetitions = 1;
    if (argc > 1 && !to_long(argv[1], bench_probe.smallest, bench_probe.largest, &size))
        return usage(argv[0]);
    if (argc > 2 && !to_long(argv[2], 1, 1000000, &repetitions))
        return usage(argv[0]);
    if (argc > 3 && !(bench_probe.mode && bench_probe.mode(argv[3])))
        return usage(argv[0]);
    if (argc > 4)
        return usage(argv[0]);

    for (long i = 0; i < repetitions; i++)
        bench_probe.run(size);
    if (fflush(stdout) || ferror(stdout)) {
        perror("stdout");
        return 2;
    }
    return atomic_load_explicit(&wrong, memory_order_relaxed) ? 1 : 0; /* the threads that set it have ended or idle */
}
