/* The rounds. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "plan.h"

/* Prepares all workloads, then runs them.  Returns the number of whole rounds: fewer than asked for when time was up,
 * 0 after an interrupt. */
unsigned bench_measure(const struct bench_options *options, struct bench_plan *plans, size_t count);
#endif
