/* filch_run into another runtime from inside a task: the function runs on a worker of that one, and the task is
 * suspended, so that its own worker goes on with other tasks. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>

#include "process.h"
#include "runtime.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(visit, .init = clear_environment, .timeout = 60);

static filch_runtime *start_with(unsigned workers)
{
    filch_runtime *rt;
    filch_config c = {.size = sizeof c, .workers = workers};
    cr_assert_eq(filch_start(&rt, &c), 0);
    return rt;
}

static uint64_t suspensions(filch_runtime *rt)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(s.suspensions, s.resumptions);
    return s.suspensions;
}

static filch_runtime *home, *abroad;

/* A call: after a suspension it may be another one. */
static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

/* ---- the worker goes on ---- */

static atomic_bool abroad_began, other_ran;
static pthread_t visitor, host;

static void wait_abroad(void *arg)
{
    (void)arg;
    host = pthread_self();
    atomic_store(&abroad_began, true);
    await(&other_ran);
}

static void visits(void *arg)
{
    int *error = arg;
    visitor = pthread_self();
    *error = filch_run(abroad, wait_abroad, NULL);
}

static void other(void *arg)
{
    (void)arg;
    atomic_store(&other_ran, true);
}

/* home has one thread of its own: the other task can only run where the visitor was. */
static void other_beside_the_visit(void *arg)
{
    filch_task visit, later;
    filch_spawn(&visit, visits, arg);
    until_thief_raises(&abroad_began);
    filch_spawn(&later, other, NULL);
    until_thief_raises(&other_ran);
    filch_sync(&later);
    filch_sync(&visit);
}

Test(visit, the_worker_of_a_visitor_goes_on_with_other_tasks)
{
    int error = 1;
    home = start_with(2);
    abroad = start_with(2);
    cr_assert_eq(filch_run(home, other_beside_the_visit, &error), 0);
    cr_assert_eq(error, 0);
    cr_assert(!pthread_equal(host, visitor) && !pthread_equal(host, pthread_self()),
              "not on a worker of that runtime");
    cr_assert(suspensions(home) >= 1);
    cr_assert_eq(filch_stop(abroad), 0);
    cr_assert_eq(filch_stop(home), 0);
}

/* ---- its tasks stay there for others ---- */

static atomic_bool left_behind_ran;

static void raise_left_behind(void *arg)
{
    (void)arg;
    atomic_store(&left_behind_ran, true);
}

static void until_left_behind_ran(void *arg)
{
    (void)arg;
    await(&left_behind_ran);
}

static void leaves_a_task(void *arg)
{
    filch_task left;
    filch_spawn(&left, raise_left_behind, NULL);
    *(int *)arg = filch_run(abroad, until_left_behind_ran, NULL);
    filch_sync(&left);
}

Test(visit, what_the_visitor_has_not_synced_is_stolen_meanwhile)
{
    int error = 1;
    home = start_with(2);
    abroad = start_with(2);
    cr_assert_eq(run_on_a_fiber(home, leaves_a_task, &error), 0);
    cr_assert_eq(error, 0);
    cr_assert_eq(filch_stop(abroad), 0);
    cr_assert_eq(filch_stop(home), 0);
}

/* ---- there and back, from everywhere at once ---- */

enum { RUNTIMES = 3, DEPTH = 14 };
static filch_runtime *all[RUNTIMES];

struct hop {
    int n, at;
    long value;
    pthread_t from;
};
static atomic_long hosted;

static long hops(int n, int at);
FILCH_TASK(long, hops, int, int);

static void hop_to(void *arg)
{
    struct hop *h = arg;
    if (!pthread_equal(h->from, this_thread()))
        atomic_fetch_add(&hosted, 1);
    h->value = hops(h->n, h->at);
}

/* fib(n), each call of which may go on in another runtime. */
static long hops(int n, int at)
{
    if (n < 2)
        return n;
    hops_task left;
    struct hop right = {n - 2, n % 3 ? at : (at + 1) % RUNTIMES, -1, this_thread()};
    hops_spawn(&left, n - 1, at);
    if (filch_run(all[right.at], hop_to, &right) != 0)
        return -1000000;
    return hops_sync(&left) + right.value;
}

static void *hop_as_a_guest(void *arg)
{
    struct hop *h = arg;
    bool fibers = filch_num_workers(all[h->at]) > 1;
    h->from = pthread_self();
    return (fibers ? run_on_a_fiber : filch_run)(all[h->at], hop_to, h) == 0 && h->value == 377 ? arg : NULL;
}

static void hop_everywhere(unsigned workers, int rounds)
{
    for (int i = 0; i < RUNTIMES; i++)
        all[i] = start_with(workers);
    for (int round = 0; round < rounds; round++) {
        struct hop h[RUNTIMES];
        pthread_t thread[RUNTIMES];
        for (int i = 0; i < RUNTIMES; i++) {
            h[i] = (struct hop){.n = DEPTH, .at = i, .value = -1};
            cr_assert_eq(pthread_create(&thread[i], NULL, hop_as_a_guest, &h[i]), 0);
        }
        for (int i = 0; i < RUNTIMES; i++) {
            void *right;
            pthread_join(thread[i], &right);
            cr_assert_eq(h[i].value, 377);
            cr_assert_not_null(right);
        }
    }
    cr_assert(workers == 1 ? hosted == 0 : hosted >= rounds * RUNTIMES, "not exercised: %ld", hosted);
    for (int i = 0; i < RUNTIMES; i++)
        (void)suspensions(all[i]); /* each has ended */
    for (int i = 0; i < RUNTIMES; i++)
        cr_assert_eq(filch_stop(all[i]), 0);
}

Test(visit, there_and_back_with_two_workers)
{
    hop_everywhere(2, 30);
}

Test(visit, there_and_back_with_four_workers)
{
    hop_everywhere(4, 30);
}

/* No thread is there that could open a letter: the visitor's thread does it itself. */
Test(visit, there_and_back_with_one_worker)
{
    hop_everywhere(1, 3);
}

/* ---- where there is no fiber to go on with ---- */

static void note_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
}

static void visits_without_a_fiber(void *arg)
{
    (void)arg;
    visitor = this_thread();
    cr_assert_eq(filch_run(abroad, note_thread, &host), 0);
}

Test(visit, without_a_fiber_it_runs_on_the_visitors_thread)
{
    home = start_with(2);
    abroad = start_with(2);
    home->fibers.most = home->fibers.made;
    cr_assert_eq(run_on_a_fiber(home, visits_without_a_fiber, NULL), 0);
    cr_assert(pthread_equal(visitor, host));
    cr_assert_eq(filch_stop(abroad), 0);
    cr_assert_eq(filch_stop(home), 0);
}

/* ---- a runtime with visitors is not stopped ---- */

static int stop_result;

static void stop_abroad(void *arg)
{
    (void)arg;
    atomic_store(&other_ran, false);
    filch_task visit;
    int error = 1;
    filch_spawn(&visit, visits, &error);
    until_thief_raises(&abroad_began);
    stop_result = filch_stop(abroad);
    atomic_store(&other_ran, true);
    filch_sync(&visit);
    cr_assert_eq(error, 0);
}

Test(visit, a_runtime_with_a_visitor_is_not_stopped)
{
    home = start_with(2);
    abroad = start_with(2);
    cr_assert_eq(filch_run(home, stop_abroad, NULL), 0);
    cr_assert_eq(stop_result, FILCH_EBUSY);
    cr_assert_eq(filch_stop(abroad), 0);
    cr_assert_eq(filch_stop(home), 0);
}

/* It may still be looked for sleepers there, by who told the visitor or the host. */
Test(visit, both_are_stopped_as_soon_as_the_visitor_is_back)
{
    for (int i = 0; i < 200; i++) {
        int error = 1;
        home = start_with(2);
        abroad = start_with(3);
        atomic_store(&other_ran, true);
        cr_assert_eq(run_on_a_fiber(home, visits, &error), 0);
        cr_assert_eq(error, 0);
        cr_assert_eq(filch_stop(i % 2 ? abroad : home), 0);
        cr_assert_eq(filch_stop(i % 2 ? home : abroad), 0);
    }
}

/* ---- a thread of the user stays on its thread ---- */

static atomic_bool holds_the_worker;

static void hold_the_worker(void *arg)
{
    (void)arg;
    atomic_store(&holds_the_worker, true);
    await(&left_behind_ran);
}

/* At home the only worker waits for the task that is left behind; the place of this thread is needed for that. */
static void goes_abroad(void *arg)
{
    filch_task held, left;
    pthread_t self = pthread_self();
    filch_spawn(&held, hold_the_worker, NULL);
    until_thief_raises(&holds_the_worker);
    filch_spawn(&left, raise_left_behind, NULL);
    *(int *)arg = filch_run(abroad, until_left_behind_ran, NULL);
    cr_assert(pthread_equal(self, pthread_self()));
    filch_sync(&left);
    filch_sync(&held);
}

Test(visit, the_place_of_a_thread_that_is_away_is_anothers)
{
    for (int i = 0; i < 100; i++) {
        int error = 1;
        atomic_store(&left_behind_ran, false);
        atomic_store(&holds_the_worker, false);
        home = start_with(2);
        abroad = start_with(2);
        cr_assert_eq(filch_run(home, goes_abroad, &error), 0);
        cr_assert_eq(error, 0);
        cr_assert_eq(filch_stop(abroad), 0);
        cr_assert_eq(filch_stop(home), 0);
    }
}
