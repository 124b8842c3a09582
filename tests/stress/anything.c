/* Many threads at once, each of which does anything that a thread may do with runtimes, in random order: spawns, runs,
 * submits and polls or waits, attaches and detaches, has a runtime of its own.  What they call submits, waits and
 * visits in turn, in four runtimes: of one worker, of two, of two whose stacks stay on their threads, and of four.
 * Each result is checked; what was exercised is counted, and asserted. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fib.h"
#include "process.h"

TestSuite(anything, .init = clear_environment, .timeout = 300);

enum { ROUNDS = 60, MOST_THREADS = 100, TURNS = 6, LEVELS = 3, POLLS = 50 };

static const filch_config config[] = {{.workers = 1}, {.workers = 2}, {.workers = 2, .migrate = -1}, {.workers = 4}};
enum { RUNTIMES = sizeof config / sizeof *config };
static filch_runtime *runtime[RUNTIMES];

static atomic_ulong wrong;
#define DEEDS(X) X(spawned) X(ran) X(polled) X(waited) X(attached) X(started)
enum deed {
#define DEED(name) name,
    DEEDS(DEED)
#undef DEED
        KINDS
};
static atomic_ulong deeds[KINDS], nested;

static void expect(bool right)
{
    if (!right)
        atomic_fetch_add(&wrong, 1);
}

/* Numerical Recipes' generator. */
static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* What is called, and calls the same. */
struct call {
    unsigned seed;
    int levels;
    bool done;
};

static void call(void *arg);

static void submit_and_wait(unsigned *seed, int levels)
{
    struct call c = {next(seed), levels, false};
    filch_submission s;
    expect(filch_submit(runtime[next(seed) % RUNTIMES], &s, call, &c) == 0);
    for (int i = next(seed) % 2 ? POLLS : 0; i > 0 && !filch_submission_done(&s); i--)
        sched_yield();
    filch_submission_wait(&s);
    expect(c.done);
}

static void visit(unsigned *seed, int levels)
{
    struct call c = {next(seed), levels, false};
    expect(filch_run(runtime[next(seed) % RUNTIMES], call, &c) == 0);
    expect(c.done);
}

static void call(void *arg)
{
    struct call *c = arg;
    unsigned seed = c->seed;
    fib_task t;
    fib_spawn(&t, 10);
    if (c->levels > 0) {
        submit_and_wait(&seed, c->levels - 1);
        visit(&seed, c->levels - 1);
    }
    expect(fib_sync(&t) == 55);
    atomic_fetch_add(&nested, 1);
    c->done = true;
}

static void poll(unsigned *seed)
{
    struct call c = {next(seed), LEVELS, false};
    filch_submission s;
    expect(filch_submit(runtime[next(seed) % RUNTIMES], &s, call, &c) == 0);
    while (!filch_submission_done(&s)) {
        expect(fib(5) == 5);
        sched_yield();
    }
    expect(c.done);
}

static void attach(unsigned *seed)
{
    int error = filch_attach(runtime[next(seed) % RUNTIMES]);
    expect(error == 0 || error == FILCH_EATTACHED);
    expect(fib(N) == FIB_N);
    expect(filch_detach() == 0);
}

static void have_one(unsigned *seed)
{
    struct call c = {next(seed), 1, false};
    filch_runtime *own;
    filch_config own_config = {
        .size = sizeof own_config, .workers = 1 + next(seed) % 4, .migrate = next(seed) % 2 ? -1 : 1};
    if (filch_start(&own, &own_config) != 0) {
        expect(false);
        return;
    }
    expect(filch_run(own, call, &c) == 0 && c.done);
    expect(filch_stop(own) == 0);
}

static void *do_anything(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    for (int i = 0; i < TURNS; i++) {
        enum deed deed = (enum deed)(next(&seed) % KINDS);
        switch (deed) {
        case spawned: expect(fib(N) == FIB_N); break;
        case ran: visit(&seed, LEVELS); break;
        case polled: poll(&seed); break;
        case waited: submit_and_wait(&seed, LEVELS); break;
        case attached: attach(&seed); break;
        case started: have_one(&seed); break;
        case KINDS: break;
        }
        atomic_fetch_add(&deeds[deed], 1);
    }
    return NULL;
}

Test(anything, at_once)
{
    unsigned long threads = 0, done = 0;
    unsigned random = 7;
    for (int i = 0; i < RUNTIMES; i++) {
        filch_config c = config[i];
        c.size = sizeof c;
        cr_assert_eq(filch_start(&runtime[i], &c), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread[MOST_THREADS];
        unsigned seed[MOST_THREADS], n = 1 + next(&random) % MOST_THREADS;
        for (unsigned i = 0; i < n; i++) {
            seed[i] = next(&random);
            cr_assert_eq(pthread_create(&thread[i], NULL, do_anything, &seed[i]), 0);
        }
        for (unsigned i = 0; i < n; i++)
            pthread_join(thread[i], NULL);
        threads += n;
    }
    for (int i = 0; i < RUNTIMES; i++)
        cr_assert_eq(filch_stop(runtime[i]), 0);
    int error = filch_stop(NULL);
    cr_assert(error == 0 || error == FILCH_ESTOPPED);
    fprintf(stderr, "%lu threads, %lu calls", threads, atomic_load(&nested));
#define DEED(name)                                                                                                    \
    fprintf(stderr, ", %lu " #name, atomic_load(&deeds[name]));                                                       \
    done += atomic_load(&deeds[name]);                                                                                \
    cr_assert(atomic_load(&deeds[name]) > threads / 2, "not exercised: " #name);
    DEEDS(DEED)
#undef DEED
    fprintf(stderr, "\n");
    cr_assert_eq(atomic_load(&wrong), 0ul);
    cr_assert_eq(done, threads * TURNS);
}
