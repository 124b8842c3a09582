#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "measure.h"

enum {
    MINUTES_3 = 170, /* seconds, with something left for the reports */
    LEAST_ROUNDS = 3
};

/* On a screen one line that changes, else a line each. */
static void progress(unsigned done, unsigned all, const struct bench_plan *plan, const struct bench_series *series)
{
    bool screen = isatty(2);
    fprintf(stderr, "%s", screen ? "\r\033[K" : "");
    if (series)
        fprintf(stderr, "[%u/%u] %s %s", done, all, plan->entry->name, series->label);
    else
        fprintf(stderr, "[prepare] %s", plan->entry->name);
    fprintf(stderr, "%s", screen ? " " : "\n");
}

static void prepare(const struct bench_options *options, struct bench_plan *plans, size_t count)
{
    for (size_t i = 0; i < count && !bench_interrupted(); i++) {
        if (!plans[i].entry->prepare || plans[i].skipped[0])
            continue;
        progress(0, 0, &plans[i], NULL);
        plans[i].entry->prepare(options, &plans[i]);
    }
}

/* Each series once, beginning with another one each time.  A series that gave a wrong result is not run again. */
static void one_round(const struct bench_options *options, struct bench_plan *plan, unsigned round, unsigned *done,
                      unsigned all)
{
    for (size_t i = 0; i < plan->series_count && !plan->skipped[0] && !bench_interrupted(); i++) {
        struct bench_series *series = &plan->series[(i + round) % plan->series_count];
        progress(++*done, all, plan, series);
        if (!series->wrong[0])
            plan->entry->run(options, plan, series, round);
    }
}

static unsigned runs_of_a_round(const struct bench_plan *plans, size_t count)
{
    unsigned runs = 0;
    for (size_t i = 0; i < count; i++)
        runs += plans[i].skipped[0] ? 0 : (unsigned)plans[i].series_count;
    return runs;
}

unsigned bench_measure(const struct bench_options *options, struct bench_plan *plans, size_t count)
{
    double begin = bench_now();
    unsigned done = 0, round = 0;
    prepare(options, plans, count);
    unsigned all = runs_of_a_round(plans, count) * options->rounds;
    double rounds_begin = bench_now();
    while (round < options->rounds && !bench_interrupted()) {
        for (size_t i = 0; i < count; i++)
            one_round(options, &plans[i], round, &done, all);
        round++;
        double now = bench_now(), average = (now - rounds_begin) / round;
        if (!options->rounds_given && round >= LEAST_ROUNDS && now - begin + average > MINUTES_3)
            break;
    }
    fprintf(stderr, "%s", isatty(2) ? "\r\033[K" : "");
    if (bench_interrupted())
        return 0;
    if (round < options->rounds)
        fprintf(stderr, "filch-bench: time was up after %u of %u rounds; --repeats insists\n", round, options->rounds);
    return round;
}
