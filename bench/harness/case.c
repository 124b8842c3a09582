/* The main of every variant: PROGRAM [SIZE [REPETITIONS [MODE]]].  One warm-up, then timed repetitions; each result is
 * compared with the known answer.  Exit status 0, 1 for a wrong result, 2 for wrong arguments. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "clock.h"

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [SIZE [REPETITIONS [MODE]]], SIZE from %ld to %ld\n", program, bench_workload.smallest,
            bench_workload.largest);
    return 2;
}

static bool to_long(const char *text, long low, long high, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return !errno && end != text && !*end && *out >= low && *out <= high;
}

static bool right(uint64_t result, long size)
{
    uint64_t expected = bench_workload.expected(size);
    if (result == expected)
        return true;
    fprintf(stderr, "%s %ld: result %" PRIu64 ", expected %" PRIu64 "\n", bench_workload.name, size, result, expected);
    return false;
}

static bool warm_up(long size)
{
    long small = bench_workload.warm_up ? bench_workload.warm_up(size) : size;
    return right(bench_region(small), small);
}

static bool repetition(long size)
{
    struct bench_counters before, after;
    bench_count(&before);
    double begin = bench_now();
    uint64_t result = bench_region(size);
    double end = bench_now();
    bench_count(&after);
    printf("filch-bench-sample seconds=%.9f result=%" PRIu64 " steals=%" PRIu64 " workers=%u tasks=%" PRIu64 "\n",
           end - begin, result, after.steals - before.steals, after.workers, bench_workload.tasks(size));
    return right(result, size);
}

int main(int argc, char **argv)
{
    long size = bench_workload.size, repetitions = 1;
    if (argc > 1 && !to_long(argv[1], bench_workload.smallest, bench_workload.largest, &size))
        return usage(argv[0]);
    if (argc > 2 && !to_long(argv[2], 1, 1000000, &repetitions))
        return usage(argv[0]);
    if (argc > 3 && !(bench_workload.mode && bench_workload.mode(argv[3])))
        return usage(argv[0]);
    if (argc > 4)
        return usage(argv[0]);

    if (bench_workload.prepare)
        bench_workload.prepare(size);
    bool ok = warm_up(size);
    for (long i = 0; i < repetitions; i++)
        ok = repetition(size) && ok;
    if (fflush(stdout) || ferror(stdout)) {
        perror("stdout");
        return 2;
    }
    return ok ? 0 : 1;
}
