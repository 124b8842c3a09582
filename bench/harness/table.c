/* The table.  A column holds a ratio only in the rows that it is about. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

enum {
    FEW = 4 /* with fewer rounds a quartile is an invention: least to most instead */
};

struct row {
    const struct bench_plan *plan;
    const struct bench_series *series;
    size_t metric;
    unsigned rounds;
    char line[2 * BENCH_WHY];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct row *row, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(row->line + row->length, sizeof row->line - row->length, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n < sizeof row->line - row->length)
        row->length += (size_t)n;
}

/* Without the blanks of empty columns at its end. */
static void print_line(FILE *out, struct row *row)
{
    while (row->length > 0 && row->line[row->length - 1] == ' ')
        row->length--;
    fprintf(out, "%.*s\n", (int)row->length, row->line);
}

static enum bench_unit unit_of(const struct row *row)
{
    return row->plan->entry->metrics[row->metric].unit;
}

static const char *unit_name(enum bench_unit unit)
{
    static const char *const names[] = {"ms", "us", "ns", "B"};
    return names[unit];
}

/* A sample's value in the unit that the table shows. */
static double in_unit(const struct row *row, double value)
{
    uint64_t tasks = bench_tasks(row->series, row->metric);
    switch (unit_of(row)) {
    case BENCH_MILLISECONDS: return value * 1e3;
    case BENCH_MICROSECONDS: return value * 1e6;
    case BENCH_NANOSECONDS_PER_TASK: return value * 1e9 / (double)(tasks ? tasks : 1);
    case BENCH_BYTES: return value;
    }
    return value;
}

static void add_value(struct row *row, const struct bench_spread *spread)
{
    double value = in_unit(row, spread->median);
    const char *unit = unit_name(unit_of(row));
    double width = row->rounds < FEW ? spread->most - spread->least : spread->high - spread->low;
    double percent = spread->median > 0 ? 100 * width / spread->median : 0;
    add(row, " %10.*f %-2s", value < 10 ? 2 : value < 10000 ? 1 : 0, value, unit);
    if (spread->n > 1)
        add(row, " %5.1f", percent);
    else
        add(row, " %5s", "-");
}

/* Six columns wide, empty for 0. */
static void add_ratio(struct row *row, double ratio)
{
    if (ratio > 0)
        add(row, " %6.2f", ratio);
    else
        add(row, " %6s", "");
}

static void add_ns_per_task(struct row *row, double seconds)
{
    uint64_t tasks = bench_tasks(row->series, row->metric);
    if (tasks > 1 && unit_of(row) == BENCH_MILLISECONDS)
        add(row, " %7.2f", seconds * 1e9 / (double)tasks);
    else
        add(row, " %7s", "");
}

static void add_steals(struct row *row)
{
    if (row->series->kind == BENCH_FILCH || row->series->workers > 1)
        add(row, " %8" PRIu64, bench_median_steals(row->series, row->metric));
    else
        add(row, " %8s", "");
}

static void add_limit(struct row *row, double ratio, double shown)
{
    const struct bench_limit *limit = &row->series->limit[row->metric];
    if (limit->most <= 0)
        return;
    bool holds = (limit->is_ratio ? ratio : shown) <= limit->most;
    if (limit->is_ratio)
        add(row, ", <= %.2f: ", limit->most);
    else
        add(row, "  <= %g %s: ", limit->most, unit_name(unit_of(row)));
    add(row, "%s", holds ? "holds" : "MISSED");
}

/* What a reader must not overlook. */
static void add_verdict(struct row *row, double value)
{
    const struct bench_series *s = row->series, *serial = bench_series_find(row->plan, BENCH_SERIAL);
    const struct bench_series *base = serial ? serial : bench_series_find(row->plan, BENCH_ELISION);
    double gain = s->kind == BENCH_FILCH && s->workers > 1 ? bench_ratio(base, s, row->metric, row->rounds) : 0;
    if (gain > 0 && gain < 1)
        add(row, "  LOSES to %s", base->label);
    if (s->kind == BENCH_FILCH && s->workers > 1 && bench_median_steals(s, row->metric) == 0)
        add(row, "  nothing was stolen");
    const struct bench_series *beside = &row->plan->series[s->base];
    double ratio = bench_ratio(s, beside, row->metric, row->rounds);
    if (s != beside && (s->kind == BENCH_OTHER || !base))
        add(row, "  %.2f times %s", ratio, beside->label);
    add_limit(row, ratio, in_unit(row, value));
}

static void add_ratios(struct row *row)
{
    const struct bench_series *s = row->series, *serial = bench_series_find(row->plan, BENCH_SERIAL);
    const struct bench_series *elision = bench_series_find(row->plan, BENCH_ELISION);
    const struct bench_series *one = bench_series_find(row->plan, BENCH_FILCH);
    bool first = s->kind == BENCH_FILCH && s->workers == 1, more = s->kind == BENCH_FILCH && s->workers > 1;
    add_ratio(row, first ? bench_ratio(s, serial, row->metric, row->rounds) : 0);
    add_ratio(row, first ? bench_ratio(s, elision, row->metric, row->rounds) : 0);
    add_ratio(row, more ? bench_ratio(one, s, row->metric, row->rounds) : 0);
    add_ratio(row, more ? bench_ratio(serial ? serial : elision, s, row->metric, row->rounds) : 0);
}

static void print_row(FILE *out, struct row *row, const char *name)
{
    const struct bench_series *s = row->series;
    add(row, "%-17s %-24s", name, s->label);
    struct bench_spread spread = bench_series_spread(s, row->metric, row->rounds);
    if (s->wrong[0] || spread.n == 0) { /* the time of a wrong result is no time */
        add(row, " *** WRONG: %s", s->wrong[0] ? s->wrong : "no sample");
        print_line(out, row);
        return;
    }
    add_value(row, &spread);
    add_ratios(row);
    add_ns_per_task(row, spread.median);
    add_steals(row);
    add_verdict(row, spread.median);
    print_line(out, row);
}

static void print_metric(FILE *out, const struct bench_plan *plan, size_t metric, unsigned rounds)
{
    char name[BENCH_LABEL], title[2 * BENCH_LABEL];
    bench_metric_name(plan->entry, metric, name, sizeof name);
    if (plan->skipped[0]) {
        fprintf(out, "%-17s skipped: %s\n", name, plan->skipped);
        return;
    }
    const char *what = plan->entry->metrics[metric].what;
    if (what)
        fprintf(out, "%s: %s\n", name, what);
    for (size_t i = 0; i < plan->series_count; i++) {
        struct row row = {plan, &plan->series[i], metric, rounds, "", 0};
        snprintf(title, sizeof title, "%s", what ? "" : i == 0 ? name : i == 1 ? plan->size : "");
        print_row(out, &row, title);
    }
}

static void print_machine(FILE *out, const struct bench_machine *m, unsigned rounds)
{
    fprintf(out, "filch %s%s%s%s, %s, %s\n", m->version, m->revision[0] ? " (" : "", m->revision,
            m->revision[0] ? ")" : "", m->compiler, m->flags);
    fprintf(out, "%s, %u of %u CPUs, %s %s%s%s, %s\n", m->cpu, m->cpus, m->online, m->kernel, m->architecture,
            m->governor[0] ? ", governor " : "", m->governor, m->date);
    if (bench_machine_busy(m))
        fprintf(out, "Other programs were running (load %.2f): the figures say little.\n", m->load);
    fprintf(out,
            "Medians of %u rounds; %s in %% of the median.  Ratios are medians of the ratios within a round.\n"
            "Ts plain source, Te serial elision, T1 and TP filch with 1 and P workers; Ts/TP is Te/TP without a plain "
            "source.\n\n",
            rounds, rounds < FEW ? "range" : "IQR");
}

void bench_report_table(FILE *out, const struct bench_options *options, const struct bench_machine *machine,
                        const struct bench_plan *plans, size_t count, unsigned rounds)
{
    print_machine(out, machine, rounds);
    if (options->quick)
        fprintf(out, "--quick: the sizes are too small for the times to mean anything.\n\n");
    fprintf(out, "%-17s %-24s %13s %5s %6s %6s %6s %6s %7s %8s\n", "workload", "run", "median",
            rounds < FEW ? "range" : "IQR", "T1/Ts", "T1/Te", "T1/TP", "Ts/TP", "ns/task", "steals");
    for (size_t i = 0; i < count; i++)
        for (size_t metric = 0; metric < BENCH_METRICS; metric++)
            if (plans[i].wanted[metric])
                print_metric(out, &plans[i], metric, rounds);
    fflush(out);
}
