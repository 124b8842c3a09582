#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "case_run.h"

enum {
    LIMIT = 120 /* seconds for one process */
};

void bench_series_wrong(const struct bench_plan *plan, struct bench_series *series, const char *format, ...)
{
    char why[BENCH_WHY];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n*** WRONG: %s, %s: %s\n\n", plan->entry->name, series->label, why);
    if (!series->wrong[0])
        memcpy(series->wrong, why, sizeof why);
}

void bench_workers_setting(char *setting, size_t room, unsigned workers)
{
    snprintf(setting, room, "FILCH_NUM_WORKERS=%u", workers);
}

void bench_check_sample(const struct bench_plan *plan, struct bench_series *series, const struct bench_sample *sample)
{
    if (series->kind != BENCH_SERIAL && series->kind != BENCH_ELISION && sample->workers != series->workers)
        bench_series_wrong(plan, series, "ran with %u workers, %u were asked for", sample->workers, series->workers);
    for (size_t i = 0; i < plan->series_count && !series->wrong[0]; i++) {
        const struct bench_series *other = &plan->series[i];
        if (other->sample_count && !other->wrong[0] && strcmp(other->samples[0].result, sample->result) != 0) {
            bench_series_wrong(plan, series, "result %s, but %s has %s", sample->result, other->label,
                               other->samples[0].result);
        }
    }
}

void bench_case_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                    unsigned round)
{
    char repetitions[16], workers[48];
    snprintf(repetitions, sizeof repetitions, "%u", plan->repetitions);
    bench_workers_setting(workers, sizeof workers, series->workers);
    const char *size = series->size ? series->size : plan->size;
    const char *argv[] = {series->program, size, repetitions, series->mode, NULL};
    const char *environment[] = {workers, NULL};
    const struct bench_command command = {.argv = argv, .environment = environment, .limit = LIMIT};
    struct bench_outcome outcome;
    unsigned found = 0, expected = plan->repetitions * (unsigned)bench_metric_count(plan->entry);
    (void)options;
    if (!bench_run(&command, &outcome) && !bench_interrupted())
        bench_series_wrong(plan, series, "%s", outcome.why);
    for (const char *line = outcome.out; outcome.ok && !series->wrong[0] && *line;
         line += strcspn(line, "\n"), line += *line == '\n') {
        struct bench_sample sample = {.round = round};
        if (!bench_sample_parse(line, plan->entry, &sample))
            continue;
        bench_check_sample(plan, series, &sample);
        bench_sample_add(series, &sample);
        found++;
    }
    if (outcome.ok && !series->wrong[0] && found != expected)
        bench_series_wrong(plan, series, "%u samples, expected %u", found, expected);
    bench_outcome_free(&outcome);
}
