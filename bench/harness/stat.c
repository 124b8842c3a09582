#include <stdlib.h>

#include "stat.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const double *sorted, size_t n, double share)
{
    double place = share * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct bench_spread bench_spread_of(double *values, size_t n)
{
    struct bench_spread s = {.n = n};
    if (n == 0)
        return s;
    qsort(values, n, sizeof *values, ascending);
    s.least = values[0];
    s.low = bench_quantile(values, n, 0.25);
    s.median = bench_quantile(values, n, 0.5);
    s.high = bench_quantile(values, n, 0.75);
    s.most = values[n - 1];
    return s;
}
