/* What is measured: workloads, the series of runs of each, and the samples that come in.
 *
 *   Words     A *series* is one program with its arguments and number of workers.  A *round* runs each series of each
 *             workload once, in an order that rotates.  A *sample* is one repetition.  A *metric* is what is measured:
 *             the only region of most workloads, the phases of a program that has several, or what a probe (probe.h)
 *             measures by itself.  A *limit* is a promise of docs/: the table says whether it holds, the exit status
 *             does not, since a busy machine breaks any promise about time.
 *   Ratios    Are taken within a round, then their median: a machine that slows down between rounds slows both sides.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process.h"
#include "stat.h"

enum {
    BENCH_PATH = 4096,
    BENCH_LABEL = 40,
    BENCH_RESULT = 64,
    BENCH_METRICS = 4, /* most of one workload */
    BENCH_WORKERS = 32 /* longest list of numbers of workers */
};

enum bench_kind {
    BENCH_SERIAL,  /* the plain source */
    BENCH_ELISION, /* the source with filch, compiled with FILCH_SERIAL */
    BENCH_FILCH,
    BENCH_OTHER /* compared with its base only */
};

/* Of what the table shows; samples are in seconds, or bytes. */
enum bench_unit { BENCH_MILLISECONDS, BENCH_MICROSECONDS, BENCH_NANOSECONDS_PER_TASK, BENCH_BYTES };

struct bench_metric {
    const char *name; /* NULL: the only one of its workload */
    enum bench_unit unit;
    const char *what; /* in plain words, for the table; NULL: none are needed */
};

struct bench_options {
    const char *const *filters;
    size_t filter_count;
    unsigned workers[BENCH_WORKERS];
    size_t worker_count;
    unsigned cpus; /* that this process may run on */
    unsigned rounds;
    bool rounds_given; /* then the time is not limited */
    bool quick, rivals, list, lengthy;
    const char *json;
    char programs[BENCH_PATH]; /* folder of the variants */
    char apps[BENCH_PATH];     /* folder of the example programs */
    char scratch[BENCH_PATH];  /* ours alone, removed at the end */
};

struct bench_sample {
    unsigned round, metric;
    double value; /* seconds, or bytes */
    uint64_t steals, tasks;
    unsigned workers;
    char result[BENCH_RESULT];
};

struct bench_limit {
    double most;   /* in the unit of the table, or times the base; 0: no limit */
    bool is_ratio; /* to the base */
};

struct bench_series {
    char label[BENCH_LABEL];
    enum bench_kind kind;
    unsigned workers; /* that FILCH_NUM_WORKERS asks for */
    char program[BENCH_PATH];
    const char *mode; /* third argument, or NULL */
    const char *size; /* NULL: the plan's */
    size_t base;      /* the series of the plan that a BENCH_OTHER one is compared with */
    struct bench_limit limit[BENCH_METRICS];
    struct bench_sample *samples;
    size_t sample_count, sample_room;
    char wrong[BENCH_WHY]; /* a check failed: what; else empty */
};

/* A series of an entry that lists them. */
struct bench_row {
    const char *label;
    const char *program; /* in the folder of the variants */
    const char *mode;
    enum bench_kind kind;
    unsigned workers;        /* as FILCH_NUM_WORKERS; or: */
    unsigned workers_of_cpu; /* so many for each CPU, if not 0 */
    size_t base;             /* index of the row to be compared with; its own: none */
    const char *size, *quick_size;
    struct bench_limit limit[BENCH_METRICS];
    bool lengthy; /* only with --long */
};

struct bench_plan;

/* One row of the catalogue. */
struct bench_entry {
    const char *name, *what;
    struct bench_metric metrics[BENCH_METRICS];
    const char *size, *quick_size;
    unsigned repetitions, quick_repetitions; /* in one process */
    unsigned least_cpus;
    const struct bench_row *rows;
    size_t row_count;
    /* NULL: the rows are the series. */
    void (*add_series)(const struct bench_options *options, struct bench_plan *plan);
    /* Fills plan->skipped if it cannot be measured here; NULL: nothing to prepare. */
    void (*prepare)(const struct bench_options *options, struct bench_plan *plan);
    /* Runs the series once and adds its samples; fills series->wrong. */
    void (*run)(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                unsigned round);
};

/* One workload of this run. */
struct bench_plan {
    const struct bench_entry *entry;
    const char *size;
    unsigned repetitions;
    bool wanted[BENCH_METRICS];
    struct bench_series *series;
    size_t series_count;
    char skipped[BENCH_WHY]; /* why, or empty */
};

/* The entries (entries.c), and the series of those that list rows. */
void bench_rows_add(const struct bench_options *options, struct bench_plan *plan);
extern const struct bench_entry bench_catalog[];
extern const size_t bench_catalog_count;

/* Catalogue (catalog.c).  The name of a metric is "name" or "name.metric". */
size_t bench_metric_count(const struct bench_entry *entry);
void bench_metric_name(const struct bench_entry *entry, size_t metric, char *name, size_t room);
struct bench_series *bench_series_add(struct bench_plan *plan, enum bench_kind kind, unsigned workers,
                                      const char *program, const char *label);

/* The plans that the filters want; *count 0: none.  Exits if there is no memory. */
struct bench_plan *bench_plan_make(const struct bench_options *options, size_t *count);
void bench_plan_free(struct bench_plan *plans, size_t count);

/* Samples (samples.c). */
void bench_sample_add(struct bench_series *series, const struct bench_sample *sample);
bool bench_sample_parse(const char *line, const struct bench_entry *entry, struct bench_sample *sample);
/* The value of one round: the median of its repetitions; negative: there is none. */
double bench_round_value(const struct bench_series *series, size_t metric, unsigned round);
struct bench_spread bench_series_spread(const struct bench_series *series, size_t metric, unsigned rounds);
/* Median over the rounds of a's value divided by b's; 0 if no round has both or either is NULL or wrong. */
double bench_ratio(const struct bench_series *a, const struct bench_series *b, size_t metric, unsigned rounds);
uint64_t bench_median_steals(const struct bench_series *series, size_t metric);
/* Of all rounds with a sample. */
uint64_t bench_tasks(const struct bench_series *series, size_t metric);
/* The series of that kind, with one worker if it is BENCH_FILCH; or NULL. */
const struct bench_series *bench_series_find(const struct bench_plan *plan, enum bench_kind kind);
#endif
