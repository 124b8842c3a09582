#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "options.h"

enum { ROUNDS = 7, QUICK_ROUNDS = 2, MOST_ROUNDS = 1000, MOST_WORKERS = 1024 };

static const char usage[] =
    "usage: filch-bench [OPTION]... [FILTER]...\n"
    "Measures filch against the plain serial source and its own serial elision.  Every result is checked.\n"
    "\n"
    "  FILTER          the name of a workload, a part of it, or a pattern with * ? [ ]; default: all\n"
    "  --quick         small sizes and two rounds: shows that all works, measures nothing\n"
    "  --workers LIST  numbers of workers, such as 1,2,4; default: 1, 2, 4, ... up to the CPUs, and twice the CPUs\n"
    "  --repeats N     rounds; default: 7, or fewer, at least 3, where they would take over three minutes\n"
    "  --json PATH     where all samples go; default: bench.json, in build/ if there is one\n"
    "  --rivals        other runtimes beside filch: they come with a later release\n"
    "  --long          also what takes many GiB of memory: a million suspended fibers\n"
    "  --list          the workloads\n"
    "\n"
    "Exit status: 0, 1 if a check failed, 2 if it could not begin.\n";

/* Folder of this program, or "." */
static void own_folder(char *path)
{
    ssize_t n = readlink("/proc/self/exe", path, BENCH_PATH - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    else
        memcpy(path, ".", 2);
}

/* False: the path would be too long. */
static bool below(char *path, const char *folder, const char *name)
{
    int n = snprintf(path, BENCH_PATH, "%s/%s", folder, name);
    return n > 0 && n < BENCH_PATH - 64; /* room for the names of programs */
}

static bool to_unsigned(const char *text, unsigned most, char end, unsigned *out, const char **rest)
{
    char *stop;
    errno = 0;
    unsigned long value = strtoul(text, &stop, 10);
    if (errno || stop == text || *text == '-' || value < 1 || value > most || (*stop && *stop != end))
        return false;
    *out = (unsigned)value;
    *rest = *stop ? stop + 1 : stop;
    return true;
}

static bool read_workers(const char *list, struct bench_options *o)
{
    o->worker_count = 0;
    do {
        if (o->worker_count == BENCH_WORKERS ||
            !to_unsigned(list, MOST_WORKERS, ',', &o->workers[o->worker_count], &list))
            return false;
        o->worker_count++;
    } while (*list);
    return true;
}

/* Powers of two, all CPUs, and twice as many. */
static void default_workers(struct bench_options *o)
{
    for (unsigned n = 1; n < o->cpus && n <= MOST_WORKERS / 2; n *= 2)
        o->workers[o->worker_count++] = n;
    unsigned all = o->cpus < MOST_WORKERS / 2 ? o->cpus : MOST_WORKERS / 2;
    o->workers[o->worker_count++] = all;
    o->workers[o->worker_count++] = 2 * all;
}

/* The value of --name VALUE or --name=VALUE, or NULL. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
    size_t length = strlen(name);
    if (strncmp(argv[*i], name, length) != 0)
        return NULL;
    if (argv[*i][length] == '=')
        return argv[*i] + length + 1;
    if (!argv[*i][length] && *i + 1 < argc)
        return argv[++*i];
    return NULL;
}

static bool read_one(int argc, char **argv, int *i, struct bench_options *o)
{
    const char *argument = argv[*i], *value, *rest;
    if (strcmp(argument, "--quick") == 0)
        return o->quick = true;
    if (strcmp(argument, "--long") == 0)
        return o->lengthy = true;
    if (strcmp(argument, "--rivals") == 0)
        return o->rivals = true;
    if (strcmp(argument, "--list") == 0)
        return o->list = true;
    if ((value = value_of("--workers", argc, argv, i)))
        return read_workers(value, o);
    if ((value = value_of("--repeats", argc, argv, i)))
        return o->rounds_given = to_unsigned(value, MOST_ROUNDS, '\0', &o->rounds, &rest);
    if ((value = value_of("--json", argc, argv, i)))
        return *(o->json = value);
    return false;
}

static void fill_defaults(struct bench_options *o)
{
    if (o->worker_count == 0)
        default_workers(o);
    if (!o->rounds_given)
        o->rounds = o->quick ? QUICK_ROUNDS : ROUNDS;
    if (!o->json)
        o->json = access("build", W_OK) == 0 ? "build/bench.json" : "bench.json";
}

int bench_options_read(int argc, char **argv, struct bench_options *o)
{
    char folder[BENCH_PATH];
    const char **filters = calloc((size_t)argc + 1, sizeof *filters); /* lives as long as the process */
    *o = (struct bench_options){.cpus = bench_cpus(), .filters = filters};
    for (int i = 1; filters && i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (!argv[i][0]) {
            fprintf(stderr, "filch-bench: an empty filter selects nothing in particular\n");
            return 2;
        }
        if (argv[i][0] != '-') {
            filters[o->filter_count++] = argv[i];
        } else {
            const char *argument = argv[i];
            if (!read_one(argc, argv, &i, o)) {
                fprintf(stderr, "filch-bench: %s: unknown, or its value is missing or wrong\n\n%s", argument, usage);
                return 2;
            }
        }
    }
    fill_defaults(o);
    own_folder(folder);
    if (!filters || !below(o->programs, folder, "cases") || !below(o->apps, folder, "../examples/apps")) {
        fprintf(stderr, "filch-bench: no memory, or a path that is too long\n");
        return 2;
    }
    return -1;
}

void bench_options_list(void)
{
    for (size_t i = 0; i < bench_catalog_count; i++) {
        const struct bench_entry *e = &bench_catalog[i];
        for (size_t metric = 0; metric < bench_metric_count(e); metric++) {
            char name[BENCH_LABEL];
            bench_metric_name(e, metric, name, sizeof name);
            const char *what = e->metrics[metric].what;
            printf("%-28s %-10s %s%s%s\n", name, e->size, e->what, what ? ": " : "", what ? what : "");
        }
    }
}
