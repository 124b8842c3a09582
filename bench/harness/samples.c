#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

void bench_sample_add(struct bench_series *series, const struct bench_sample *sample)
{
    if (series->sample_count == series->sample_room) {
        series->sample_room = series->sample_room ? 2 * series->sample_room : 16;
        series->samples = realloc(series->samples, series->sample_room * sizeof *series->samples);
        if (!series->samples) {
            fprintf(stderr, "filch-bench: no memory\n");
            exit(2);
        }
    }
    series->samples[series->sample_count++] = *sample;
}

/* The word behind " name=", or NULL. */
static const char *field(const char *line, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' '))
        if (strncmp(at + 1, name, length) == 0 && at[1 + length] == '=')
            return at + length + 2;
    return NULL;
}

/* The metric that the line names, or the only one. */
static bool parse_metric(const char *line, const struct bench_entry *entry, struct bench_sample *sample)
{
    const char *name = field(line, "metric");
    sample->metric = 0;
    if (!name)
        return !entry->metrics[0].name;
    size_t length = strcspn(name, " \n");
    for (; sample->metric < bench_metric_count(entry); sample->metric++) {
        const char *known = entry->metrics[sample->metric].name;
        if (known && strlen(known) == length && strncmp(known, name, length) == 0)
            return true;
    }
    return false;
}

bool bench_sample_parse(const char *line, const struct bench_entry *entry, struct bench_sample *sample)
{
    if (strncmp(line, "filch-bench-sample ", 19) != 0 || !parse_metric(line, entry, sample))
        return false;
    const char *unit = entry->metrics[sample->metric].unit == BENCH_BYTES ? "bytes" : "seconds";
    const char *value = field(line, unit), *result = field(line, "result"), *steals = field(line, "steals");
    const char *workers = field(line, "workers"), *tasks = field(line, "tasks");
    if (!value || !result || !steals || !workers || !tasks)
        return false;
    size_t length = strcspn(result, " \n");
    if (length >= BENCH_RESULT)
        return false;
    memcpy(sample->result, result, length);
    sample->result[length] = '\0';
    sample->value = strtod(value, NULL);
    sample->steals = strtoull(steals, NULL, 10);
    sample->workers = (unsigned)strtoul(workers, NULL, 10);
    sample->tasks = strtoull(tasks, NULL, 10);
    return sample->value >= 0;
}

/* The values of one metric, of one round or (round < 0) of all; the caller frees them. */
static double *values(const struct bench_series *series, size_t metric, long round, bool steals, size_t *n)
{
    double *list = malloc((series->sample_count + 1) * sizeof *list);
    *n = 0;
    for (size_t i = 0; list && i < series->sample_count; i++) {
        const struct bench_sample *s = &series->samples[i];
        if (s->metric == metric && (round < 0 || s->round == (unsigned)round))
            list[(*n)++] = steals ? (double)s->steals : s->value;
    }
    return list;
}

double bench_round_value(const struct bench_series *series, size_t metric, unsigned round)
{
    size_t n;
    double *list = values(series, metric, (long)round, false, &n);
    double median = n ? bench_spread_of(list, n).median : -1;
    free(list);
    return median;
}

uint64_t bench_median_steals(const struct bench_series *series, size_t metric)
{
    size_t n;
    double *list = values(series, metric, -1, true, &n);
    double median = bench_spread_of(list, n).median;
    free(list);
    return (uint64_t)median;
}

struct bench_spread bench_series_spread(const struct bench_series *series, size_t metric, unsigned rounds)
{
    double *list = calloc(rounds + 1, sizeof *list);
    size_t n = 0;
    for (unsigned round = 0; list && round < rounds; round++) {
        double value = bench_round_value(series, metric, round);
        if (value >= 0)
            list[n++] = value;
    }
    struct bench_spread spread = bench_spread_of(list, n);
    free(list);
    return spread;
}

double bench_ratio(const struct bench_series *a, const struct bench_series *b, size_t metric, unsigned rounds)
{
    if (!a || !b || a->wrong[0] || b->wrong[0])
        return 0;
    double *list = calloc(rounds + 1, sizeof *list);
    size_t n = 0;
    for (unsigned round = 0; list && round < rounds; round++) {
        double x = bench_round_value(a, metric, round), y = bench_round_value(b, metric, round);
        if (x > 0 && y > 0)
            list[n++] = x / y;
    }
    double median = bench_spread_of(list, n).median;
    free(list);
    return median;
}

uint64_t bench_tasks(const struct bench_series *series, size_t metric)
{
    for (size_t i = 0; i < series->sample_count; i++)
        if (series->samples[i].metric == metric)
            return series->samples[i].tasks;
    return 0;
}

const struct bench_series *bench_series_find(const struct bench_plan *plan, enum bench_kind kind)
{
    for (size_t i = 0; i < plan->series_count; i++) {
        const struct bench_series *s = &plan->series[i];
        if (s->kind == kind && (kind != BENCH_FILCH || s->workers == 1))
            return s;
    }
    return NULL;
}
