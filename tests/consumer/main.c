/* What a user of an installed filch compiles, as C11 and as C++17. */
#include <filch.h>
#include <stdio.h>

long fib(int n);
FILCH_TASK(long, fib, int);

long fib(int n)
{
    if (n < 2)
        return n;
    fib_task a;
    fib_spawn(&a, n - 1);
    long y = fib(n - 2);
    return fib_sync(&a) + y;
}

int main(void)
{
    long value = fib(20);
    printf("fib(20) = %ld, filch %s\n", value, filch_version());
    return value == 6765 ? 0 : 1;
}
