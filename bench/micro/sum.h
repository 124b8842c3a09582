/* The answer of every micro benchmark: each operation carries its number, and the numbers are summed. */
#ifndef BENCH_SUM_H
#define BENCH_SUM_H

#include <stdint.h>

static inline uint64_t sum_below(uint64_t n)
{
    return n % 2 ? (n - 1) / 2 * n : n / 2 * (n - 1);
}
#endif
