/* A folder of our own for what the workloads write. */
#ifndef BENCH_SCRATCH_H
#define BENCH_SCRATCH_H

#include <stdbool.h>

#include "plan.h"

/* In the folder of the JSON file.  False: it could not be made; says why. */
bool bench_scratch_make(struct bench_options *options);
/* With everything in it. */
void bench_scratch_remove(const struct bench_options *options);
#endif
