/* expect: 4 threads: 75025 121393 196418 317811 */
/* Threads of the program's own: NAME_run lends a runtime the calling thread, runs the function there, and lets the
 * runtime's workers steal what it spawns. */
#include <filch.h>
#include <pthread.h>
#include <stdio.h>

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

enum { THREADS = 4 };

struct request {
    filch_runtime *runtime;
    int n;
    long value;
    int error;
};

static void *answer(void *arg)
{
    struct request *r = arg;
    r->error = fib_run(r->runtime, &r->value, r->n);
    return NULL;
}

int main(void)
{
    filch_runtime *runtime; /* one of our own, of two worker slots; NULL would name the default one */
    int error = filch_start(&runtime, &(filch_config){.size = sizeof(filch_config), .workers = 2});
    if (error) {
        fprintf(stderr, "%s\n", filch_strerror(error));
        return 1;
    }

    pthread_t threads[THREADS];
    struct request requests[THREADS];
    int started = 0;
    for (; started < THREADS; started++) {
        requests[started] = (struct request){.runtime = runtime, .n = 25 + started};
        if (pthread_create(&threads[started], NULL, answer, &requests[started]))
            break;
    }
    printf("%d threads:", started);
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        if (requests[i].error)
            fprintf(stderr, "%s\n", filch_strerror(requests[i].error));
        printf(" %ld", requests[i].value);
    }
    printf("\n");
    return filch_stop(runtime) ? 1 : 0;
}
