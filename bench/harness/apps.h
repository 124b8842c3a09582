/* Two real programs of examples/apps as workloads, their results checked against find and sort.
 *
 *   Timing    With --timing a program says on stderr `filch-timing phase=NAME seconds=S` for each phase and
 *             `filch-timing workers=N steals=N` at its end; the start of the process is in no phase.
 *   Inputs    Whatever this machine has below /usr.  What is not there is skipped, with the reason in the table. */
#ifndef BENCH_APPS_H
#define BENCH_APPS_H

#include "plan.h"

void bench_treewalk_prepare(const struct bench_options *options, struct bench_plan *plan);
void bench_treewalk_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                        unsigned round);

void bench_linesort_prepare(const struct bench_options *options, struct bench_plan *plan);
void bench_linesort_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                        unsigned round);
#endif
