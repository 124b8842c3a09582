#undef FILCH_CHECK
#include "unchecked_code.h"

#include <filch.h>

static long call(long (*f)(int), int n)
{
    return f(n);
}
FILCH_TASK(long, call, long (*)(int), int);

static call_task of_nobody;

static long nothing(int n)
{
    return n;
}

void leave_unchecked(void)
{
    call_spawn(&of_nobody, nothing, 1);
}

long fib_unchecked(int n, long (*other)(int))
{
    call_task a, b;
    if (n < 2)
        return n;
    call_spawn(&a, other, n - 1);
    call_spawn(&b, other, n - 2);
    long x = call_sync(&a);
    return x + call_sync(&b);
}
