/* Counters of a variant that runs on filch. */
#include <filch.h>

#include "case.h"

void bench_count(struct bench_counters *counters)
{
    struct filch_counters stats = {.size = sizeof stats};
    if (filch_stats(NULL, FILCH_ALL_WORKERS, &stats)) /* the default runtime has not started yet */
        stats.steals = 0;
    counters->workers = filch_num_workers(NULL);
    counters->steals = stats.steals;
}
