#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps.h"
#include "case_run.h"

#if !defined FILCH_BENCH_SOURCES
#define FILCH_BENCH_SOURCES "."
#endif

enum {
    LIMIT = 300, /* seconds for one process */
    MIB = 1 << 20
};

/* What is expected; one of each is enough, as each workload is planned once. */
static uint64_t tree_bytes, tree_entries;
static char text_list[BENCH_PATH], sorted[BENCH_PATH], output[BENCH_PATH];

#define SKIP(plan, ...) (void)snprintf((plan)->skipped, sizeof(plan)->skipped, __VA_ARGS__)

static bool have_programs(struct bench_plan *plan)
{
    for (size_t i = 0; i < plan->series_count; i++) {
        const char *path = plan->series[i].program;
        if (access(path, X_OK)) {
            SKIP(plan, "examples/apps%s is not built", strrchr(path, '/'));
            return false;
        }
    }
    return true;
}

/* Runs a program of the system that the check needs; what it says goes into the reason to skip. */
static bool prepare_with(struct bench_plan *plan, const char *const *argv, const char *file)
{
    static const char *const environment[] = {"LC_ALL=C", NULL};
    const struct bench_command command = {
        .argv = argv, .environment = environment, .output = file, .limit = LIMIT, .partial = true};
    struct bench_outcome outcome;
    bool ok = bench_run(&command, &outcome);
    if (!ok)
        SKIP(plan, "%s", outcome.why);
    bench_outcome_free(&outcome);
    return ok;
}

/* Seconds of a phase; negative: it is not there.  NULL: of all phases. */
static double phase_seconds(const char *text, const char *phase)
{
    static const char mark[] = "filch-timing phase=";
    double sum = -1;
    for (const char *line = strstr(text, mark); line; line = strstr(line + 1, mark)) {
        const char *name = line + sizeof mark - 1;
        size_t length = strcspn(name, " \n");
        if (strncmp(name + length, " seconds=", 9) != 0)
            continue;
        if (!phase || (strlen(phase) == length && strncmp(name, phase, length) == 0))
            sum = (sum < 0 ? 0 : sum) + strtod(name + length + 9, NULL);
    }
    return sum;
}

static void read_counters(const char *text, struct bench_sample *sample)
{
    unsigned workers;
    uint64_t steals;
    const char *line = strstr(text, "filch-timing workers=");
    if (line && sscanf(line, "filch-timing workers=%u steals=%" SCNu64, &workers, &steals) == 2) {
        sample->workers = workers;
        sample->steals = steals;
    }
}

/* Runs a series; false and said so if it failed.  The caller frees the outcome. */
static bool run_app(const struct bench_plan *plan, struct bench_series *series, const char *const *argv,
                    struct bench_outcome *outcome)
{
    char workers[48];
    bench_workers_setting(workers, sizeof workers, series->workers);
    const char *const environment[] = {workers, NULL};
    const struct bench_command command = {.argv = argv, .environment = environment, .limit = LIMIT, .partial = true};
    if (!bench_run(&command, outcome) && !bench_interrupted())
        bench_series_wrong(plan, series, "%s", outcome->why);
    return outcome->ok;
}

/* One sample for each metric; "total" is the sum of all phases. */
static void add_samples(struct bench_plan *plan, struct bench_series *series, unsigned round, const char *timing,
                        const char *result)
{
    struct bench_sample sample = {.round = round, .workers = 1};
    snprintf(sample.result, sizeof sample.result, "%s", result);
    read_counters(timing, &sample);
    bench_check_sample(plan, series, &sample);
    for (unsigned metric = 0; metric < bench_metric_count(plan->entry); metric++) {
        const char *phase = plan->entry->metrics[metric].name;
        sample.metric = metric;
        sample.value = phase_seconds(timing, strcmp(phase, "total") == 0 ? NULL : phase);
        if (sample.value < 0)
            bench_series_wrong(plan, series, "no time of phase %s", phase);
        else
            bench_sample_add(series, &sample);
    }
}

/* Sums what find says; false: why is in plan->skipped. */
static bool find_sums(const struct bench_options *options, struct bench_plan *plan, uint64_t *entries, uint64_t *bytes)
{
    char path[BENCH_PATH + 8], line[64];
    const char *argv[] = {"find", plan->size, "-xdev", "-printf", "%s\\n", NULL};
    snprintf(path, sizeof path, "%s/find", options->scratch);
    if (!prepare_with(plan, argv, path))
        return false;
    FILE *file = fopen(path, "r");
    *entries = *bytes = 0;
    while (file && fgets(line, sizeof line, file)) {
        *bytes += strtoull(line, NULL, 10);
        ++*entries;
    }
    if (file)
        fclose(file);
    return *entries > 0;
}

void bench_treewalk_prepare(const struct bench_options *options, struct bench_plan *plan)
{
    struct stat status;
    if (!have_programs(plan))
        return;
    if (stat(plan->size, &status) || !S_ISDIR(status.st_mode))
        SKIP(plan, "%s is no folder", plan->size);
    else if (!find_sums(options, plan, &tree_entries, &tree_bytes) && !plan->skipped[0])
        SKIP(plan, "find %s found nothing", plan->size);
}

/* The number behind a word at the beginning of a line. */
static uint64_t number_of(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, word, length) == 0 && line[length] == ' ')
            return strtoull(line + length, NULL, 10);
    return 0;
}

void bench_treewalk_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                        unsigned round)
{
    const char *argv[] = {series->program, "--timing", plan->size, NULL};
    struct bench_outcome outcome;
    if (run_app(plan, series, argv, &outcome)) {
        uint64_t entries = number_of(outcome.out, "entries"), bytes = number_of(outcome.out, "bytes");
        bool ok = entries == tree_entries && bytes == tree_bytes;
        /* Somebody may have changed the files meanwhile: then find sees it, too. */
        if (!ok && find_sums(options, plan, &tree_entries, &tree_bytes))
            ok = entries == tree_entries && bytes == tree_bytes;
        char result[64];
        snprintf(result, sizeof result, "as find, %" PRIu64 " unreadable", number_of(outcome.out, "errors"));
        if (ok)
            add_samples(plan, series, round, outcome.err, result);
        else
            bench_series_wrong(plan, series,
                               "%" PRIu64 " entries, %" PRIu64 " bytes, but find has %" PRIu64 " and %" PRIu64,
                               entries, bytes, tree_entries, tree_bytes);
    }
    bench_outcome_free(&outcome);
}

void bench_linesort_prepare(const struct bench_options *options, struct bench_plan *plan)
{
    char bytes[32], files[BENCH_PATH + 16];
    struct stat status;
    if (!have_programs(plan))
        return;
    snprintf(text_list, sizeof text_list, "%.*s/list", BENCH_PATH - 16, options->scratch);
    snprintf(sorted, sizeof sorted, "%.*s/sorted", BENCH_PATH - 16, options->scratch);
    snprintf(output, sizeof output, "%.*s/output", BENCH_PATH - 16, options->scratch);
    snprintf(bytes, sizeof bytes, "%lu", strtoul(plan->size, NULL, 10) * MIB);
    snprintf(files, sizeof files, "--files0-from=%s", text_list);
    const char *list[] = {"sh", FILCH_BENCH_SOURCES "/examples/apps/text_list.sh", "/usr/share", bytes, NULL};
    const char *sort[] = {"sort", files, "-o", sorted, NULL};
    if (!prepare_with(plan, list, text_list))
        return;
    if (stat(text_list, &status) || status.st_size == 0)
        SKIP(plan, "there is no text below /usr/share");
    else
        prepare_with(plan, sort, NULL);
}

static bool same_files(const char *a, const char *b)
{
    static char x[MIB], y[MIB];
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    bool same = f && g;
    size_t n = 1;
    while (same && n > 0) {
        n = fread(x, 1, sizeof x, f);
        same = fread(y, 1, sizeof y, g) == n && memcmp(x, y, n) == 0;
    }
    same = same && !ferror(f) && !ferror(g);
    if (f)
        fclose(f);
    if (g)
        fclose(g);
    return same;
}

void bench_linesort_run(const struct bench_options *options, struct bench_plan *plan, struct bench_series *series,
                        unsigned round)
{
    const char *argv[] = {series->program, "--timing", "--files-from", text_list, "-o", output, NULL};
    struct bench_outcome outcome;
    (void)options;
    remove(output); /* an old one must not pass for a new one */
    if (run_app(plan, series, argv, &outcome)) {
        if (same_files(output, sorted))
            add_samples(plan, series, round, outcome.err, "as sort");
        else
            bench_series_wrong(plan, series, "the output differs from that of LC_ALL=C sort");
    }
    bench_outcome_free(&outcome);
}
