/* Several runtimes at once: threads that start, use and stop runtimes of their own, of all sizes and kinds, while tasks
 * of all of them visit two runtimes that stay and submit functions to them.  Each result is checked; what was exercised
 * is counted, and asserted. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "process.h"

TestSuite(runtimes, .init = clear_environment, .timeout = 120);

enum { THREADS = 6, ROUNDS = 60, DEPTH = 12, RESULT = 144, SUBMISSIONS = 4, STAY = 2 };

static filch_runtime *stays[STAY];
static atomic_ulong wrong, visits, hosted, submitted, started[2];

static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

static long fib(int n);
FILCH_TASK(long, fib, int);

static long fib(int n)
{
    fib_task left;
    if (n < 2)
        return n;
    fib_spawn(&left, n - 1);
    long right = fib(n - 2);
    return fib_sync(&left) + right;
}

struct call {
    filch_submission s;
    long result;
    pthread_t from;
};

static void call_fib(void *arg)
{
    struct call *c = arg;
    if (!pthread_equal(c->from, this_thread()))
        atomic_fetch_add(&hosted, 1);
    c->result = fib(DEPTH);
}

/* A tree, each node of which visits one of those that stay. */
static long visit(int n);
FILCH_TASK(long, visit, int);

static long visit(int n)
{
    visit_task left;
    struct call c = {.from = this_thread(), .result = -1};
    if (n == 0)
        return 0;
    visit_spawn(&left, n - 1);
    int error = filch_run(stays[n % STAY], call_fib, &c);
    atomic_fetch_add(&visits, 1);
    if (error || c.result != RESULT)
        atomic_fetch_add(&wrong, 1);
    long right = visit(n - 1);
    return visit_sync(&left) + right + 1;
}

static void use(void *arg)
{
    struct call c[SUBMISSIONS];
    unsigned seed = *(unsigned *)arg;
    for (int i = 0; i < SUBMISSIONS; i++) {
        c[i].from = this_thread();
        c[i].result = -1;
        if (filch_submit(stays[(seed + (unsigned)i) % STAY], &c[i].s, call_fib, &c[i]) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    if (visit(4) != 15 || fib(DEPTH) != RESULT)
        atomic_fetch_add(&wrong, 1);
    for (int i = 0; i < SUBMISSIONS; i++) {
        filch_submission_wait(&c[i].s);
        if (c[i].result != RESULT)
            atomic_fetch_add(&wrong, 1);
        atomic_fetch_add(&submitted, 1);
    }
}

static void *start_use_stop(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    for (int round = 0; round < ROUNDS; round++) {
        filch_runtime *rt;
        filch_config c = {.size = sizeof c, .workers = 1 + seed % 5, .migrate = seed / 5 % 2 ? -1 : 1};
        filch_submission s;
        int error = filch_start(&rt, &c);
        if (error) {
            atomic_fetch_add(&wrong, 1);
            return NULL;
        }
        atomic_fetch_add(&started[c.migrate > 0], 1);
        if (filch_submit(rt, &s, use, &seed) != 0 || filch_run(rt, use, &seed) != 0)
            atomic_fetch_add(&wrong, 1);
        filch_submission_wait(&s);
        if (filch_stop(rt) != 0)
            atomic_fetch_add(&wrong, 1);
        seed = seed * 1664525u + 1013904223u; /* Numerical Recipes' generator */
        seed ^= seed >> 16;
    }
    return NULL;
}

Test(runtimes, that_come_and_go_beside_two_that_stay)
{
    pthread_t thread[THREADS];
    unsigned seed[THREADS];
    for (unsigned i = 0; i < STAY; i++) {
        filch_config c = {.size = sizeof c, .workers = 2 + i};
        cr_assert_eq(filch_start(&stays[i], &c), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        seed[i] = 17 + 7919 * i;
        cr_assert_eq(pthread_create(&thread[i], NULL, start_use_stop, &seed[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < STAY; i++)
        cr_assert_eq(filch_stop(stays[i]), 0);
    fprintf(stderr, "%lu runtimes, %lu visits, %lu of those and of %lu submissions on another thread\n",
            atomic_load(&started[0]) + atomic_load(&started[1]), atomic_load(&visits), atomic_load(&hosted),
            atomic_load(&submitted));
    cr_assert_eq(atomic_load(&wrong), 0ul);
    cr_assert_eq(atomic_load(&visits), (unsigned long)THREADS * ROUNDS * 2 * 15);
    cr_assert_eq(atomic_load(&submitted), (unsigned long)THREADS * ROUNDS * 2 * SUBMISSIONS);
    cr_assert(atomic_load(&started[0]) > ROUNDS && atomic_load(&started[1]) > ROUNDS, "not both kinds");
    cr_assert(atomic_load(&hosted) > THREADS * ROUNDS, "not exercised: %lu", atomic_load(&hosted));
}
