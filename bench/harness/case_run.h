/* One run of a variant that has the main of case.c. */
#ifndef BENCH_CASE_RUN_H
#define BENCH_CASE_RUN_H

#include "plan.h"

void bench_case_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                    unsigned round);

/* For every workload: the series had the workers that it asked for, and its result is that of all other series. */
void bench_check_sample(const struct bench_plan *plan, struct bench_series *series, const struct bench_sample *sample);

/* Says it once, loudly; the first reason stays. */
__attribute__((format(printf, 3, 4))) void bench_series_wrong(const struct bench_plan *plan,
                                                              struct bench_series *series, const char *format, ...);

/* "FILCH_NUM_WORKERS=n" */
void bench_workers_setting(char *setting, size_t room, unsigned workers);
#endif
