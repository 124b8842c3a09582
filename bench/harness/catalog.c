/* Which workloads of the catalogue this run wants. */
#define _POSIX_C_SOURCE 200809L

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static void no_memory(void)
{
    fprintf(stderr, "filch-bench: no memory\n");
    exit(2);
}

struct bench_series *bench_series_add(struct bench_plan *plan, enum bench_kind kind, unsigned workers,
                                      const char *program, const char *label)
{
    size_t room = (plan->series_count + 1) * sizeof *plan->series;
    plan->series = realloc(plan->series, room);
    if (!plan->series)
        no_memory();
    struct bench_series *s = &plan->series[plan->series_count++];
    *s = (struct bench_series){.kind = kind, .workers = workers};
    snprintf(s->label, sizeof s->label, "%s", label);
    snprintf(s->program, sizeof s->program, "%s", program);
    return s;
}

size_t bench_metric_count(const struct bench_entry *entry)
{
    size_t n = 0;
    while (n < BENCH_METRICS && entry->metrics[n].name)
        n++;
    return n ? n : 1;
}

void bench_metric_name(const struct bench_entry *entry, size_t metric, char *name, size_t room)
{
    const char *phase = entry->metrics[metric].name;
    snprintf(name, room, "%s%s%s", entry->name, phase ? "." : "", phase ? phase : "");
}

static bool is_name(const char *filter)
{
    char name[BENCH_LABEL];
    for (size_t i = 0; i < bench_catalog_count; i++) {
        for (size_t metric = 0; metric < bench_metric_count(&bench_catalog[i]); metric++) {
            bench_metric_name(&bench_catalog[i], metric, name, sizeof name);
            if (strcmp(name, filter) == 0)
                return true;
        }
    }
    return false;
}

/* A whole name means that one alone, a pattern of the shell what it matches, anything else is a part of the name. */
static bool wants(const struct bench_options *options, const char *name)
{
    for (size_t i = 0; i < options->filter_count; i++) {
        const char *filter = options->filters[i];
        if (is_name(filter)          ? strcmp(filter, name) == 0
            : strpbrk(filter, "*?[") ? fnmatch(filter, name, 0) == 0
                                     : strstr(name, filter) != NULL)
            return true;
    }
    return options->filter_count == 0;
}

static bool plan_one(const struct bench_options *options, const struct bench_entry *entry, struct bench_plan *plan)
{
    bool any = false;
    *plan = (struct bench_plan){.entry = entry};
    for (size_t metric = 0; metric < bench_metric_count(entry); metric++) {
        char name[BENCH_LABEL];
        bench_metric_name(entry, metric, name, sizeof name);
        plan->wanted[metric] = wants(options, name);
        any = any || plan->wanted[metric];
    }
    if (!any)
        return false;
    plan->size = options->quick ? entry->quick_size : entry->size;
    plan->repetitions = options->quick ? entry->quick_repetitions : entry->repetitions;
    if (entry->add_series)
        entry->add_series(options, plan);
    else
        bench_rows_add(options, plan);
    if (entry->least_cpus > options->cpus)
        snprintf(plan->skipped, sizeof plan->skipped, "needs %u CPUs, this process has %u", entry->least_cpus,
                 options->cpus);
    return true;
}

struct bench_plan *bench_plan_make(const struct bench_options *options, size_t *count)
{
    struct bench_plan *plans = calloc(bench_catalog_count, sizeof *plans);
    if (!plans)
        no_memory();
    *count = 0;
    for (size_t i = 0; i < bench_catalog_count; i++)
        *count += plan_one(options, &bench_catalog[i], &plans[*count]);
    return plans;
}

void bench_plan_free(struct bench_plan *plans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < plans[i].series_count; k++)
            free(plans[i].series[k].samples);
        free(plans[i].series);
    }
    free(plans);
}
