/* Order statistics of small samples. */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include <stddef.h>

struct bench_spread {
    size_t n;
    double median;
    double low, high; /* quartiles, interpolated between neighbours */
    double least, most;
};

/* Interpolated between neighbours; n is not 0. */
double bench_quantile(const double *sorted, size_t n, double share);
/* Sorts values.  All zero if n is 0. */
struct bench_spread bench_spread_of(double *values, size_t n);
#endif
