/* The catalogue of workloads, and which of them this run wants. */
#define _POSIX_C_SOURCE 200809L

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps.h"
#include "case_run.h"
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

/* One series for each number of workers that was asked for. */
static void add_workers(const struct bench_options *options, struct bench_plan *plan, const char *program)
{
    for (size_t i = 0; i < options->worker_count; i++) {
        unsigned workers = options->workers[i];
        char label[BENCH_LABEL];
        if (workers > options->cpus)
            snprintf(label, sizeof label, "%u on %u CPU%s", workers, options->cpus, options->cpus == 1 ? "" : "s");
        else
            snprintf(label, sizeof label, "%u worker%s", workers, workers == 1 ? "" : "s");
        bench_series_add(plan, BENCH_FILCH, workers, program, label);
    }
}

/* The path of a program; empty if it is too long, and then not found. */
static const char *in(char *path, const char *folder, const char *name, const char *variant)
{
    if (snprintf(path, BENCH_PATH, "%s/%s%s", folder, name, variant) >= BENCH_PATH)
        path[0] = '\0';
    return path;
}

static void add_case(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    const char *folder = options->programs, *name = plan->entry->name;
    bench_series_add(plan, BENCH_SERIAL, 1, in(path, folder, name, "-serial"), "serial");
    bench_series_add(plan, BENCH_ELISION, 1, in(path, folder, name, "-elision"), "elision");
    add_workers(options, plan, in(path, folder, name, "-filch"));
}

static void add_app(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    const char *folder = options->apps, *name = plan->entry->name;
    bench_series_add(plan, BENCH_ELISION, 1, in(path, folder, name, "-serial"), "elision");
    add_workers(options, plan, in(path, folder, name, ""));
}

static void add_spawn_sync(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    const char *folder = options->programs;
    bench_series_add(plan, BENCH_SERIAL, 1, in(path, folder, "micro-call", ""), "plain call");
    bench_series_add(plan, BENCH_ELISION, 1, in(path, folder, "micro-spawn_sync", "-elision"), "elision");
    bench_series_add(plan, BENCH_FILCH, 1, in(path, folder, "micro-spawn_sync", "-filch"), "spawn, sync");
    bench_series_add(plan, BENCH_OTHER, 1, in(path, folder, "micro-chase_lev", ""), "Chase-Lev push, take");
}

static void add_order(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    const char *program = in(path, options->programs, "micro-order", "-filch");
    bench_series_add(plan, BENCH_FILCH, 1, program, "last first, 1 worker")->mode = "last-first";
    bench_series_add(plan, BENCH_OTHER, 1, program, "first first, 1 worker")->mode = "first-first";
    bench_series_add(plan, BENCH_FILCH, 2, program, "last first, 2 workers")->mode = "last-first";
}

static void add_steal(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    const char *folder = options->programs;
    bench_series_add(plan, BENCH_OTHER, 1, in(path, folder, "micro-chase_lev_steal", ""), "Chase-Lev, two loops");
    bench_series_add(plan, BENCH_FILCH, 2, in(path, folder, "micro-steal", "-filch"), "spawn, steal, sync");
}

#define REPETITIONS(normal, quick) .repetitions = normal, .quick_repetitions = quick
#define CASE .add_series = add_case, .run = bench_case_run
#define TREEWALK .add_series = add_app, .prepare = bench_treewalk_prepare, .run = bench_treewalk_run
#define LINESORT .add_series = add_app, .prepare = bench_linesort_prepare, .run = bench_linesort_run
#define MICRO .unit = BENCH_NANOSECONDS_PER_TASK, .run = bench_case_run

/* name, what it is, metrics, size, size with --quick */
const struct bench_entry bench_catalog[] = {
    {"fib", "Fibonacci number, no cut-off", {NULL}, "42", "30", REPETITIONS(1, 3), CASE},
    {"nqueens", "all placements of n queens", {NULL}, "13", "10", REPETITIONS(1, 3), CASE},
    {"tree", "sum of a tree of 2^n nodes", {NULL}, "22", "17", REPETITIONS(9, 3), CASE},
    {"treewalk", "sizes of all files below a folder", {"walk"}, "/usr", "/usr/share", REPETITIONS(1, 1), TREEWALK},
    {"linesort", "sorts text below /usr/share", {"sort", "total"}, "64 MiB", "4 MiB", REPETITIONS(1, 1), LINESORT},
    {"micro/spawn_sync",
     "a task that nobody steals",
     {NULL},
     "20000000",
     "1000000",
     REPETITIONS(5, 3),
     MICRO,
     .add_series = add_spawn_sync},
    {"micro/order",
     "batches of 1,000 tasks",
     {NULL},
     "5000",
     "200",
     REPETITIONS(5, 3),
     MICRO,
     .add_series = add_order},
    {"micro/steal",
     "round trip of a stolen task",
     {NULL},
     "20000",
     "500",
     REPETITIONS(5, 1),
     MICRO,
     .least_cpus = 2,
     .add_series = add_steal},
};
const size_t bench_catalog_count = sizeof bench_catalog / sizeof *bench_catalog;

size_t bench_metric_count(const struct bench_entry *entry)
{
    size_t n = 0;
    while (n < BENCH_METRICS && entry->metrics[n])
        n++;
    return n ? n : 1;
}

void bench_metric_name(const struct bench_entry *entry, size_t metric, char *name, size_t room)
{
    const char *phase = entry->metrics[metric];
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
    entry->add_series(options, plan);
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
