#define _GNU_SOURCE /* sched_getaffinity, getloadavg */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <filch.h>

#include "machine.h"
#include "process.h"

/* The build system says both. */
#if !defined FILCH_BENCH_FLAGS
#define FILCH_BENCH_FLAGS "unknown"
#endif
#if !defined FILCH_BENCH_SOURCES
#define FILCH_BENCH_SOURCES "."
#endif

#if defined __clang__
#define COMPILER __VERSION__
#elif defined __GNUC__
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

unsigned bench_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more than CPU_SETSIZE of them */
    return online > 0 ? (unsigned)online : 1;
}

/* The rest of the first line that begins with `key`, without the colon; key "" takes the first line. */
static void line_of(const char *path, const char *key, char *out, size_t room)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    out[0] = '\0';
    while (file && !out[0] && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = line + strlen(key);
        value += strspn(value, " \t:");
        snprintf(out, room, "%.*s", (int)strcspn(value, "\n"), value);
    }
    if (file)
        fclose(file);
}

static void read_revision(char *out, size_t room)
{
    const char *argv[] = {"git", "-C", FILCH_BENCH_SOURCES, "describe", "--always", "--dirty", "--tags", NULL};
    const struct bench_command command = {.argv = argv, .limit = 10};
    struct bench_outcome outcome;
    out[0] = '\0';
    if (bench_run(&command, &outcome))
        snprintf(out, room, "%.*s", (int)strcspn(outcome.out, "\n"), outcome.out);
    bench_outcome_free(&outcome);
}

bool bench_machine_busy(const struct bench_machine *machine)
{
    return machine->load > 0.25 * machine->cpus;
}

void bench_machine_read(struct bench_machine *m)
{
    struct utsname name;
    time_t now = time(NULL);
    struct tm utc;
    memset(m, 0, sizeof *m);
    m->compiler = COMPILER;
    m->flags = FILCH_BENCH_FLAGS;
    m->version = FILCH_VERSION;
    m->cpus = bench_cpus();
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    m->online = online > 0 ? (unsigned)online : m->cpus;
    line_of("/proc/cpuinfo", "model name", m->cpu, sizeof m->cpu);
    if (!m->cpu[0])
        snprintf(m->cpu, sizeof m->cpu, "unknown");
    line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", m->governor, sizeof m->governor);
    if (uname(&name) == 0) {
        snprintf(m->kernel, sizeof m->kernel, "%.50s %.60s", name.sysname, name.release);
        snprintf(m->architecture, sizeof m->architecture, "%.60s", name.machine);
    }
    if (getloadavg(&m->load, 1) != 1)
        m->load = -1;
    if (gmtime_r(&now, &utc))
        strftime(m->date, sizeof m->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    read_revision(m->revision, sizeof m->revision);
}
