/* What a variant of a workload gives to the common main of case.c.
 *
 *   Parts     <workload>/answer.c defines bench_workload: the default size and the known answer.
 *             <workload>/<variant>.c defines bench_region: the one thing that is timed.
 *             counters_filch.c or counters_none.c define bench_count.
 *   Output    One line for each repetition, to stdout:
 *             filch-bench-sample seconds=0.123 result=4711 steals=3 workers=2 tasks=1000
 *   Callers   main's thread only, one call after the other. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdbool.h>
#include <stdint.h>

#if defined __cplusplus
extern "C" {
#endif

struct bench_workload {
    const char *name;
    long size;                       /* default */
    long smallest, largest;          /* sizes with a known answer */
    long (*warm_up)(long size);      /* size of the warm-up; NULL: the same */
    void (*prepare)(long size);      /* before anything is timed; NULL: nothing to do */
    uint64_t (*expected)(long size); /* known without running the region */
    uint64_t (*tasks)(long size);    /* spawns of one repetition */
    bool (*mode)(const char *mode);  /* takes the third argument, false: unknown; NULL: there are no modes */
};

extern const struct bench_workload bench_workload;

/* The work. */
uint64_t bench_region(long size);

struct bench_counters {
    unsigned workers;
    uint64_t steals; /* since the process began */
};

void bench_count(struct bench_counters *counters);

/* Keeps a value out of the optimiser's sight: it comes back as it went in. */
static inline uint64_t bench_opaque(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

#if defined __cplusplus
}
#endif
#endif
