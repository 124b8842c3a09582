/* What the example applications share: allocation that ends the program, timed phases on stderr, the runtime's end. */
#ifndef APP_H
#define APP_H

#include <errno.h>
#include <filch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Exit statuses, as find, du and sort use them. */
enum { APP_OK = 0, APP_SOME_ERRORS = 1, APP_TROUBLE = 2 };

/* realloc or the end, from any thread, tasks included: other tasks may still run, so that no destructor does. */
static inline void *app_grow(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) {
        fprintf(stderr, "%s: no memory for %zu bytes\n", program_invocation_short_name, size);
        _Exit(APP_TROUBLE);
    }
    return p;
}

static inline void *app_alloc(size_t size)
{
    return app_grow(NULL, size);
}

static inline double app_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists and t is ours */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Says how long the phase took that began at *since; the next one begins now. */
static inline void app_phase(bool timing, const char *name, double *since)
{
    double now = app_now();
    if (timing)
        fprintf(stderr, "filch-timing phase=%s seconds=%.6f\n", name, now - *since);
    *since = now;
}

/* Stops the default runtime, if a spawn has started it; says what it did.  The serial elision has none: 0 workers. */
static inline void app_finish(bool timing)
{
    unsigned workers = 0;
    struct filch_counters stats = {.size = sizeof stats};
#if !defined FILCH_SERIAL
    workers = filch_num_workers(NULL);
    if (workers > 0) {
        int error = filch_stats(NULL, FILCH_ALL_WORKERS, &stats);
        if (!error)
            error = filch_stop(NULL);
        if (error)
            fprintf(stderr, "%s: %s\n", program_invocation_short_name, filch_strerror(error));
    }
#endif
    if (timing)
        fprintf(stderr, "filch-timing workers=%u steals=%llu\n", workers, (unsigned long long)stats.steals);
}

#endif
