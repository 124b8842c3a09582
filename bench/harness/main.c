/* filch-bench: runs every variant of every workload as a process of its own, so that no idle worker of one disturbs
 * another, in interleaved rounds, and checks every result. */
#include <stdio.h>

#include "machine.h"
#include "measure.h"
#include "options.h"
#include "report.h"
#include "scratch.h"

static int nothing_matches(const struct bench_options *options)
{
    fprintf(stderr, "filch-bench: no workload matches %s; there are:\n", options->filters[0]);
    for (size_t i = 0; i < bench_catalog_count; i++)
        fprintf(stderr, "  %s\n", bench_catalog[i].name);
    return 2;
}

/* What makes the figures doubtful, said before they are taken. */
static void warn(const struct bench_options *options, const struct bench_machine *machine)
{
    if (options->rivals)
        fprintf(stderr, "filch-bench: rivals come with a later release; going on without them\n");
    if (bench_machine_busy(machine))
        fprintf(stderr, "filch-bench: other programs are running (load %.2f): expect a wide spread\n", machine->load);
}

static bool any_wrong(const struct bench_plan *plans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < plans[i].series_count; k++)
            if (plans[i].series[k].wrong[0])
                return true;
    return false;
}

static int measure_and_report(const struct bench_options *options, struct bench_plan *plans, size_t count,
                              const char *const *command)
{
    struct bench_machine machine;
    bench_machine_read(&machine);
    warn(options, &machine);
    unsigned rounds = bench_measure(options, plans, count);
    if (bench_interrupted())
        return 2;
    bench_report_table(stdout, options, &machine, plans, count, rounds);
    if (!bench_report_json(options->json, &machine, plans, count, rounds, command))
        return 2;
    printf("\nAll samples: %s\n", options->json);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "filch-bench: the table could not be written to stdout\n");
        return 2;
    }
    if (!any_wrong(plans, count))
        return 0;
    fprintf(stderr, "\n*** filch-bench: a check FAILED, see the rows marked WRONG\n");
    return 1;
}

int main(int argc, char **argv)
{
    static struct bench_options options;
    size_t count;
    int status = bench_options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (options.list) {
        bench_options_list();
        return 0;
    }
    struct bench_plan *plans = bench_plan_make(&options, &count);
    bench_signals_catch();
    if (count == 0)
        status = nothing_matches(&options);
    else if (!bench_scratch_make(&options))
        status = 2;
    else
        status = measure_and_report(&options, plans, count, (const char *const *)argv);
    bench_scratch_remove(&options);
    bench_plan_free(plans, count);
    if (bench_interrupted())
        bench_signals_die(bench_interrupted());
    return status;
}
