/* With filch; compiled a second time with FILCH_SERIAL as the serial elision. */
#include <filch.h>

#include "case.h"
#include "fib.h"

static long fib(int n);
FILCH_TASK(long, fib, int);

static long fib(int n)
{
    n = fib_argument(n);
    if (n < 2)
        return n;
    fib_task a;
    fib_spawn(&a, n - 1);
    long y = fib(n - 2);
    return fib_sync(&a) + y;
}

uint64_t bench_region(long size)
{
    return (uint64_t)fib((int)size);
}
