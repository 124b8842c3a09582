/* expect: fib(30) = 832040 */
/* Spawn and sync: fib(n - 1) may run on another core while this one computes fib(n - 2). */
#include <filch.h>
#include <stdio.h>

static long fib(int n);
FILCH_TASK(long, fib, int); /* result, function, arguments: declares fib_task, fib_spawn and fib_sync */

static long fib(int n)
{
    if (n < 2)
        return n;
    fib_task a; /* lives here until its sync: a spawn allocates nothing */
    fib_spawn(&a, n - 1);
    long y = fib(n - 2); /* still a plain function */
    return fib_sync(&a) + y;
}

int main(void)
{
    printf("fib(30) = %ld\n", fib(30)); /* the first spawn starts the default runtime */
    return filch_stop(NULL) ? 1 : 0;    /* ends its threads; the process's end would do, too */
}
