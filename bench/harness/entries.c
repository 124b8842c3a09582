/* The catalogue of workloads. */
#include <stdio.h>
#include <string.h>

#include "apps.h"
#include "case_run.h"
#include "plan.h"

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

void bench_rows_add(const struct bench_options *options, struct bench_plan *plan)
{
    char path[BENCH_PATH];
    for (size_t i = 0; i < plan->entry->row_count; i++) {
        const struct bench_row *row = &plan->entry->rows[i];
        if (row->lengthy && !options->lengthy)
            continue;
        unsigned workers = row->workers_of_cpu ? row->workers_of_cpu * options->cpus : row->workers;
        const char *program = in(path, options->programs, row->program, "");
        struct bench_series *s = bench_series_add(plan, row->kind, workers, program, row->label);
        s->mode = row->mode;
        s->size = options->quick ? row->quick_size : row->size;
        s->base = row->base;
        memcpy(s->limit, row->limit, sizeof s->limit);
    }
}

#define AT_MOST(value)                                                                                                \
    {                                                                                                                 \
        .most = value                                                                                                 \
    }
#define TIMES(value)                                                                                                  \
    {                                                                                                                 \
        .most = value, .is_ratio = true                                                                               \
    }

static const struct bench_row spawn_sync_rows[] = {
    {"plain call", "micro-call", .kind = BENCH_SERIAL, .workers = 1},
    {"elision", "micro-spawn_sync-elision", .kind = BENCH_ELISION, .workers = 1},
    {"spawn, sync", "micro-spawn_sync-filch", .kind = BENCH_FILCH, .workers = 1},
    {"Chase-Lev push, take", "micro-chase_lev", .kind = BENCH_OTHER, .workers = 1},
};
static const struct bench_row order_rows[] = {
    {"last first, 1 worker", "micro-order-filch", "last-first", BENCH_FILCH, .workers = 1},
    {"first first, 1 worker", "micro-order-filch", "first-first", BENCH_OTHER, .workers = 1},
    {"last first, 2 workers", "micro-order-filch", "last-first", BENCH_FILCH, .workers = 2},
};
static const struct bench_row steal_rows[] = {
    {"Chase-Lev, two loops", "micro-chase_lev_steal", NULL, BENCH_OTHER, .workers = 1},
    {"by a task", "micro-steal-filch", "task", BENCH_FILCH, .workers = 2},
    {"by main, region by region", "micro-steal-filch", "main", BENCH_OTHER, .workers = 2},
};
static const struct bench_row fiber_switch_rows[] = {
    {"two fibers", "micro-fiber_switch", "two", BENCH_OTHER, .workers = 1, .limit = {AT_MOST(12)}},
    {"a ring of 1,000", "micro-fiber_switch", "thousand", BENCH_OTHER, .workers = 1},
};
static const struct bench_row suspend_resume_rows[] = {
    {"sync of a task done", "micro-suspend_resume", "done", BENCH_OTHER, .workers = 1},
    {"leave, finish, go on", "micro-suspend_resume", "suspends", BENCH_OTHER, .workers = 1},
};
static const struct bench_row resume_rows[] = {
    {"a task", "micro-resume", "task", BENCH_OTHER, .workers = 2, .base = 0},
    {"main, its thread awake", "micro-resume", "awake", BENCH_OTHER, .workers = 2, .base = 1},
    {"main, its thread asleep", "micro-resume", "asleep", BENCH_OTHER, .workers = 2, .base = 2},
};
static const struct bench_row force_rows[] = {
    {"fl_deque_force", "micro-force", NULL, BENCH_OTHER, .workers = 1},
};
static const struct bench_row long_leaf_rows[] = {
    {"1 worker", "micro-long_leaf", NULL, BENCH_OTHER, .workers = 1},
    {"2 workers", "micro-long_leaf", NULL, BENCH_OTHER, .workers = 2, .limit = {TIMES(0.55)}},
};
static const struct bench_row wake_up_rows[] = {
    {"it searches", "micro-wake_up", "searching", BENCH_OTHER, .workers = 2, .base = 0},
    {"a bare futex", "micro-futex", "busy", BENCH_OTHER, .workers = 1, .base = 1},
    {"it sleeps and watches", "micro-wake_up", "asleep", BENCH_OTHER, .workers = 2, .base = 1},
    {"a bare futex, 300 ms", "micro-futex", "deep", BENCH_OTHER, .workers = 1, .base = 3},
    {"all sleep for good", "micro-wake_up", "deep", BENCH_OTHER, .workers = 2, .base = 3},
};
#define REGION(pause, mode, first)                                                                                    \
    {pause ", 1 worker", "micro-region", mode, BENCH_OTHER, .workers = 1, .base = first}, {pause ", 2 workers",       \
                                                                                           "micro-region",            \
                                                                                           mode,                      \
                                                                                           BENCH_OTHER,               \
                                                                                           .workers = 2,              \
                                                                                           .base = first,             \
                                                                                           .limit = {TIMES(1.30)}},   \
    {                                                                                                                 \
        pause ", 8 workers", "micro-region", mode, BENCH_OTHER, .workers = 8, .base = first                           \
    }
static const struct bench_row region_rows[] = {
    REGION("no pause", "none", 0),
    REGION("50 us", "50us", 3),
    REGION("3 ms", "3ms", 6),
};
static const struct bench_row spread_rows[] = {
    {"tree after 50 us", "micro-spread", "50us", BENCH_OTHER, .workers = 2, .base = 0, .limit = {AT_MOST(100)}},
    {"tree after 3 ms", "micro-spread", "3ms", BENCH_OTHER, .workers = 2, .base = 1, .limit = {AT_MOST(100)}},
    {"tree after 300 ms", "micro-spread", "300ms", BENCH_OTHER, .workers = 2, .base = 2, .limit = {AT_MOST(200)}},
    {"long leaf after 50 us", "micro-spread", "50us-leaf", BENCH_OTHER, .workers = 2, .base = 3,
     .limit = {AT_MOST(100)}},
    {"long leaf after 3 ms", "micro-spread", "3ms-leaf", BENCH_OTHER, .workers = 2, .base = 4,
     .limit = {AT_MOST(100)}},
    {"long leaf after 300 ms", "micro-spread", "300ms-leaf", BENCH_OTHER, .workers = 2, .base = 5,
     .limit = {AT_MOST(200)}},
};
static const struct bench_row idle_rows[] = {
    {"2 workers", "micro-idle", NULL, BENCH_OTHER, .workers = 2, .limit = {AT_MOST(8), AT_MOST(2.5), AT_MOST(0.02)}},
    {"8 workers", "micro-idle", NULL, BENCH_OTHER, .workers = 8, .base = 1,
     .limit = {AT_MOST(8), AT_MOST(2.5), AT_MOST(0.02)}},
    {"2 workers, main rests in a region", "micro-idle", "region", BENCH_OTHER, .workers = 2, .base = 2,
     .limit = {AT_MOST(30)}},
};
#define OVERSUBSCRIBED(program)                                                                                       \
    {"a worker a CPU", program, NULL, BENCH_OTHER, .workers_of_cpu = 1},                                              \
    {                                                                                                                 \
        "four workers a CPU", program, NULL, BENCH_OTHER, .workers_of_cpu = 4, .limit = { TIMES(1.15) }               \
    }
static const struct bench_row oversubscribed_fib_rows[] = {OVERSUBSCRIBED("fib-filch")};
static const struct bench_row oversubscribed_nqueens_rows[] = {OVERSUBSCRIBED("nqueens-filch")};
static const struct bench_row oversubscribed_tree_rows[] = {OVERSUBSCRIBED("tree-filch")};
static const struct bench_row start_rows[] = {
    {"one thread instead", "micro-start", "thread", BENCH_OTHER, .workers = 1},
    {"filch", "micro-start", "filch", BENCH_OTHER, .workers = 1,
     .limit = {AT_MOST(100), AT_MOST(0), AT_MOST(0), AT_MOST(150)}},
};
static const struct bench_row fiber_memory_rows[] = {
    {"10^4 (quick: 10^3)", "micro-fiber_memory", NULL, BENCH_OTHER, .workers = 1, .base = 0, .size = "10000",
     .quick_size = "1000"},
    {"10^5 (quick: 10^4)", "micro-fiber_memory", NULL, BENCH_OTHER, .workers = 1, .base = 1, .size = "100000",
     .quick_size = "10000"},
    {"10^6", "micro-fiber_memory", NULL, BENCH_OTHER, .workers = 1, .base = 2, .size = "1000000",
     .quick_size = "1000000", .lengthy = true},
};

#define REPETITIONS(normal, quick) .repetitions = normal, .quick_repetitions = quick
#define CASE .add_series = add_case, .run = bench_case_run
#define TREEWALK .add_series = add_app, .prepare = bench_treewalk_prepare, .run = bench_treewalk_run
#define LINESORT .add_series = add_app, .prepare = bench_linesort_prepare, .run = bench_linesort_run
#define MICRO(list) .rows = list, .row_count = sizeof list / sizeof *list, .run = bench_case_run

#define ONLY                                                                                                          \
    {                                                                                                                 \
        {                                                                                                             \
            NULL, BENCH_MILLISECONDS, NULL                                                                            \
        }                                                                                                             \
    }
#define ONLY_NS(what)                                                                                                 \
    {                                                                                                                 \
        {                                                                                                             \
            NULL, BENCH_NANOSECONDS_PER_TASK, what                                                                    \
        }                                                                                                             \
    }
#define MS(name, what)                                                                                                \
    {                                                                                                                 \
        name, BENCH_MILLISECONDS, what                                                                                \
    }
#define US(name, what)                                                                                                \
    {                                                                                                                 \
        name, BENCH_MICROSECONDS, what                                                                                \
    }
#define NS(name, what)                                                                                                \
    {                                                                                                                 \
        name, BENCH_NANOSECONDS_PER_TASK, what                                                                        \
    }
#define BYTES(name, what)                                                                                             \
    {                                                                                                                 \
        name, BENCH_BYTES, what                                                                                       \
    }

/* name, what it is, metrics, size, size with --quick */
const struct bench_entry bench_catalog[] = {
    {"fib", "Fibonacci number, no cut-off", ONLY, "42", "30", REPETITIONS(1, 3), CASE},
    {"nqueens", "all placements of n queens", ONLY, "13", "10", REPETITIONS(1, 3), CASE},
    {"tree", "sum of a tree of 2^n nodes", ONLY, "22", "17", REPETITIONS(9, 3), CASE},
    {"treewalk",
     "sizes of all files below a folder",
     {MS("walk", NULL)},
     "/usr",
     "/usr/share",
     REPETITIONS(1, 1),
     TREEWALK},
    {"linesort",
     "sorts text below /usr/share",
     {MS("sort", NULL), MS("total", NULL)},
     "64 MiB",
     "4 MiB",
     REPETITIONS(1, 1),
     LINESORT},
    {"micro/spawn_sync", "a task that nobody steals", ONLY_NS(NULL), "20000000", "1000000", REPETITIONS(5, 3),
     MICRO(spawn_sync_rows)},
    {"micro/order", "batches of 1,000 tasks", ONLY_NS(NULL), "5000", "200", REPETITIONS(5, 3), MICRO(order_rows)},
    {"micro/steal", "round trip of a stolen task", ONLY_NS("spawn, steal, sync of one task after the other"), "20000",
     "500", REPETITIONS(5, 1), .least_cpus = 2, MICRO(steal_rows)},
    {"micro/fiber_switch", "fibers in a ring", ONLY_NS("one switch from a fiber to another"), "10000000", "200000",
     REPETITIONS(3, 1), MICRO(fiber_switch_rows)},
    {"micro/suspend_resume", "a sync that leaves its fiber, all on one thread",
     ONLY_NS("spawn, publish, claim, sync of one task on one thread; the rows differ by leaving and resuming a fiber"),
     "1000000", "50000", REPETITIONS(3, 1), MICRO(suspend_resume_rows)},
    {"micro/resume",
     "a sync that leaves its fiber, between workers",
     {US("median", "from the end of a stolen task until the sync that waits for it goes on, which is that of"),
      US("p99", "the same, 99 of 100")},
     "2000",
     "200",
     REPETITIONS(1, 1),
     .least_cpus = 2,
     MICRO(resume_rows)},
    {"micro/force", "a task taken from an owner that does not answer",
     ONLY_NS("a call of fl_deque_force, heavy fence included, while the owner runs a long function elsewhere"),
     "100000", "5000", REPETITIONS(3, 1), .least_cpus = 2, MICRO(force_rows)},
    {"micro/long_leaf",
     "a spawn, a long plain call, a sync",
     {{NULL, BENCH_MILLISECONDS, "a spawn, a plain call as long as the task, a sync; 0.5 times 1 worker is ideal"}},
     "20000000",
     "2000000",
     REPETITIONS(3, 1),
     .least_cpus = 2,
     MICRO(long_leaf_rows)},
    {"micro/wake_up",
     "a task for a worker that is idle",
     {US("median", "from a spawn until its task begins on another worker, while"), US("p99", "the same, 99 of 100"),
      US("caller", "the spawn itself, which publishes and wakes, median")},
     "1000",
     "100",
     REPETITIONS(1, 1),
     .least_cpus = 2,
     MICRO(wake_up_rows)},
    {"micro/region",
     "short parallel regions of main",
     {US("median", "a region of main of 1,023 small tasks, pauses between regions left out"),
      US("mean", "the same, mean")},
     "40000",
     "2000",
     REPETITIONS(1, 1),
     MICRO(region_rows)},
    {"micro/spread",
     "long parallel regions of main",
     {US("median", "from the first spawn of a long region of main until another worker has a task of it"),
      US("p90", "the same, 90 of 100")},
     "1000",
     "100",
     REPETITIONS(1, 1),
     .least_cpus = 2,
     MICRO(spread_rows)},
    {"micro/idle",
     "a runtime with nothing to do",
     {MS("all", "processor time of the workers in the 3 s (--quick: 0.6) after a burst of work, main's left out"),
      MS("watched", "in the first 250 ms of these"), MS("after", "in the rest of these")},
     "3000",
     "600",
     REPETITIONS(1, 1),
     MICRO(idle_rows)},
    {"micro/start",
     "beginning and ending",
     {US("first", "the first spawn and sync of a fresh process, with the default number of workers"),
      US("second", "the next one"), US("stop", "filch_stop after that"),
      US("start_stop", "filch_start and filch_stop of a runtime of 2 workers")},
     "300",
     "30",
     REPETITIONS(1, 1),
     MICRO(start_rows)},
    {"micro/oversubscribed_fib",
     "more workers than CPUs",
     {{NULL, BENCH_MILLISECONDS, "fib, no cut-off"}},
     "40",
     "30",
     REPETITIONS(3, 3),
     MICRO(oversubscribed_fib_rows)},
    {"micro/oversubscribed_nqueens",
     "more workers than CPUs",
     {{NULL, BENCH_MILLISECONDS, "all placements of n queens"}},
     "12",
     "10",
     REPETITIONS(3, 3),
     MICRO(oversubscribed_nqueens_rows)},
    {"micro/oversubscribed_tree",
     "more workers than CPUs",
     {{NULL, BENCH_MILLISECONDS, "sum of a tree of 2^n nodes"}},
     "22",
     "17",
     REPETITIONS(9, 3),
     MICRO(oversubscribed_tree_rows)},
    {"micro/fiber_memory",
     "suspended fibers",
     {BYTES("memory", "resident pages and page tables of one suspended fiber with a shallow stack"),
      NS("suspend", "to steal and run a task on a new fiber and suspend it, each"), NS("resume", "to go on with each"),
      NS("again", "both, once the fibers are there")},
     "10000",
     "1000",
     REPETITIONS(1, 1),
     MICRO(fiber_memory_rows)},
};
const size_t bench_catalog_count = sizeof bench_catalog / sizeof *bench_catalog;
