/* What a run leaves behind: one table, and all samples as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "machine.h"
#include "plan.h"

void bench_report_table(FILE *out, const struct bench_options *options, const struct bench_machine *machine,
                        const struct bench_plan *plans, size_t count, unsigned rounds);

/* False: it could not be written; says why on stderr. */
bool bench_report_json(const char *path, const struct bench_machine *machine, const struct bench_plan *plans,
                       size_t count, unsigned rounds, const char *const *command);
#endif
