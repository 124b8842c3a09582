/* A plugin: its one function uses filch and leaves nothing of it behind.  C and C++ alike. */
#include <filch.h>

#include <stddef.h>

#if defined __cplusplus
extern "C" {
#endif

static long fib(int n);
FILCH_TASK(long, fib, int);

static long fib(int n)
{
    if (n < 2)
        return n;
    fib_task a;
    fib_spawn(&a, n - 1);
    long y = fib(n - 2);
    return fib_sync(&a) + y;
}

/* Started by nobody knows whom, and left running: the next call finds it so. */
__attribute__((visibility("default"))) long plugin_fib_and_leave(int n)
{
    return fib(n);
}

/* What embed/plugins.c looks for.  overflow_message as in filch_config; the result is negative if something fails. */
__attribute__((visibility("default"))) long plugin_fib(int n, int overflow_message)
{
    filch_config c = {0, 0, 0, 0, 0, 0};
    long value;
    c.size = sizeof c;
    c.workers = 3;
    c.overflow_message = overflow_message;
    if (filch_start(NULL, &c) != 0)
        return -1;
    value = fib(n);
    return filch_stop(NULL) == 0 ? value : -2;
}

#if defined __cplusplus
}
#endif
