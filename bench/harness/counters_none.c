/* Counters of a variant that runs on one thread: the twin of counters_filch.c. */
#include "case.h"

void bench_count(struct bench_counters *counters)
{
    counters->workers = 1;
    counters->steals = 0;
}
