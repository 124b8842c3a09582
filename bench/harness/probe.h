/* What a probe, a case that measures by itself, gives to the common main of probe.c and finds there.
 *
 *   Parts     micro/<probe>.c defines bench_probe; counters_filch.c or counters_none.c define bench_count.
 *   Output    One line for each value, to stdout:
 *             filch-bench-sample metric=caller seconds=0.000000123 result=1 steals=3 workers=2 tasks=1
 *   Callers   main's thread only, but for bench_require and bench_nanoseconds: any. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case.h"

struct bench_probe {
    const char *name;
    long size; /* default */
    long smallest, largest;
    bool (*mode)(const char *mode); /* takes the third argument, false: unknown; NULL: there are no modes */
    void (*run)(long size);         /* one repetition: measures, and says so */
};

extern const struct bench_probe bench_probe;

/* One value: all of `tasks` operations. */
void bench_say_seconds(const char *metric, double seconds, uint64_t tasks);
void bench_say_bytes(const char *metric, double bytes);

/* Values of many operations of one repetition.  The memory lives as long as the process. */
struct bench_values {
    double *seconds;
    size_t n, room;
};

void bench_values_clear(struct bench_values *v, size_t room);
void bench_values_add(struct bench_values *v, double seconds); /* not beyond room */
/* Sorts them.  share: 0.5 is the median. */
double bench_values_quantile(struct bench_values *v, double share);
double bench_values_mean(const struct bench_values *v);

/* Every check of a result.  False: says what on stderr, and the process will end with status 1. */
void bench_require(bool right, const char *what);

/* Without a system call on most machines, about 25 ns. */
uint64_t bench_nanoseconds(void);
/* Keeps its processor busy, without a spawn or sync. */
void bench_spin(uint64_t nanoseconds);
/* Gives its processor away. */
void bench_rest(uint64_t nanoseconds);
#endif
