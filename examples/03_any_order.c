/* expect: longest flight below 3000: 216 steps from 2919; all flights: 215015 steps */
/* Tasks in an array, as many as the program wants to know of at once.  Any order of syncs is right: the natural one,
 * first spawned first synced, and sync_all, which takes the fast one and leaves the values in the tasks. */
#include <filch.h>
#include <stdio.h>
#include <stdlib.h>

/* How many steps the Collatz sequence takes from n to 1. */
static int flight(long n)
{
    int steps = 0;
    for (; n != 1; steps++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return steps;
}
FILCH_TASK(int, flight, long);

static long longest(flight_task *tasks, long n)
{
    long best = 1;
    int most = 0;
    for (long i = 1; i < n; i++)
        flight_spawn(&tasks[i], i);
    for (long i = 1; i < n; i++) {
        int steps = flight_sync(&tasks[i]);
        if (steps > most) {
            most = steps;
            best = i;
        }
    }
    return best;
}

static long sum_of_steps(flight_task *tasks, long n)
{
    long sum = 0;
    for (long i = 1; i < n; i++)
        flight_spawn(&tasks[i], i);
    flight_sync_all(&tasks[1], (size_t)(n - 1));
    for (long i = 1; i < n; i++)
        sum += tasks[i].result;
    return sum;
}

int main(void)
{
    enum { N = 3000 };
    flight_task *tasks = malloc(N * sizeof *tasks); /* a task lives where its owner puts it */
    if (!tasks)
        return 1;
    long best = longest(tasks, N);
    printf("longest flight below %d: %d steps from %ld; ", N, flight(best), best);
    printf("all flights: %ld steps\n", sum_of_steps(tasks, N));
    free(tasks);
    return filch_stop(NULL) ? 1 : 0;
}
