/* Threads of the user in several runtimes at once, attached, inside filch_run and with submissions, with tasks that
 * may migrate and that may not: for tools that look at a whole process. */
#include <filch.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 20, ROUNDS = 2 };

static filch_runtime *runtime;

static long fib(long n);
FILCH_TASK(long, fib, long);

static long fib(long n)
{
    fib_task left;
    if (n < 2)
        return n;
    fib_spawn(&left, n - 1);
    long right = fib(n - 2);
    return fib_sync(&left) + right;
}

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

static void fib_of_12(void *value)
{
    *(long *)value = fib(12);
}

static void *use(void *attaches)
{
    filch_submission s;
    long submitted = 0, run = 0;
    require(!attaches || filch_attach(runtime) == 0, "filch_attach");
    require(fib(14) == 377, "fib");
    require(filch_submit(runtime, &s, fib_of_12, &submitted) == 0, "filch_submit");
    require(filch_run(runtime, fib_of_12, &run) == 0 && run == 144, "filch_run");
    filch_submission_wait(&s);
    require(submitted == 144, "filch_submission_wait");
    require(!attaches || filch_detach() == 0, "filch_detach");
    return NULL;
}

static void use_by_all(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&thread[i], NULL, use, i & 1 ? thread : NULL) == 0, "pthread_create");
    require(fib(15) == 610, "fib of main");
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

int main(void)
{
    for (int migrate = -1; migrate <= 1; migrate += 2) {
        filch_config c = {.size = sizeof c, .workers = 3, .migrate = migrate};
        require(filch_start(&runtime, &c) == 0, "filch_start");
        for (int i = 0; i < ROUNDS; i++)
            use_by_all();
        require(filch_stop(runtime) == 0, "filch_stop");
    }
    require(filch_stop(NULL) == 0, "filch_stop of the default runtime");
    return 0;
}
