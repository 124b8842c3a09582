/* expect: squares up to 1000000 hold 1024: yes, 1000: no */
/* FILCH_AUTO declares a task, spawns it, and syncs it where its scope ends: on every path, early returns included. */
#include <filch.h>
#include <stdbool.h>
#include <stdio.h>

static bool holds(const int *a, size_t n, int x);
FILCH_TASK(bool, holds, const int *, size_t, int);

/* True if x is among the n numbers from a on. */
static bool holds(const int *a, size_t n, int x)
{
    if (n <= 1)
        return n == 1 && a[0] == x;
    FILCH_AUTO(holds, left, a, n / 2, x);
    if (holds(a + n / 2, n - n / 2, x))
        return true;          /* left is synced here; nobody wants its result */
    return holds_sync(&left); /* synced by hand for its result: then not again */
}

static const char *answer(bool yes)
{
    return yes ? "yes" : "no";
}

int main(void)
{
    static int squares[1000];
    for (int i = 0; i < 1000; i++)
        squares[i] = (i + 1) * (i + 1);
    printf("squares up to %d hold 1024: %s, ", squares[999], answer(holds(squares, 1000, 1024)));
    printf("1000: %s\n", answer(holds(squares, 1000, 1000)));
    return filch_stop(NULL) ? 1 : 0;
}
