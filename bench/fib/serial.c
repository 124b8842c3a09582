/* The source that one would write without any library: what every ratio refers to. */
#include "case.h"
#include "fib.h"

static long fib(int n)
{
    n = fib_argument(n);
    if (n < 2)
        return n;
    return fib(n - 1) + fib(n - 2);
}

uint64_t bench_region(long size)
{
    return (uint64_t)fib((int)size);
}
