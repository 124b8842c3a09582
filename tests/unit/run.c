/* runtime/runtime.c: filch_run, several runtimes at once, and threads that are not the runtime's. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "stolen.h"
#include "worker.h"

TestSuite(run, .init = clear_environment, .timeout = 40);

/* ---- several runtimes ---- */

Test(run, several_at_once)
{
    enum { RUNTIMES = 3, THREADS = 6 };
    filch_runtime *rt[RUNTIMES];
    pthread_t thread[THREADS];
    unsigned threads = thread_count_at_rest();
    for (unsigned i = 0; i < RUNTIMES; i++)
        rt[i] = start(i + 1);
    for (int i = 0; i < THREADS; i++)
        start_thread(&thread[i], fib_in, rt[i % RUNTIMES]);
    cr_assert_eq(fib(N), FIB_N, "and the default one");
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    for (int i = 0; i < RUNTIMES; i++)
        cr_assert_eq(filch_stop(rt[i]), 0);
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_stop(NULL), 0);
    await_thread_count(threads);
}

static struct {
    filch_runtime *outer, *inner;
    long value[3];
    int error[3];
    pthread_t runner;
    atomic_bool began, goes_on;
} nest;

/* outer -> inner -> outer, each with work of its own in between. */
static void innermost(void *arg)
{
    (void)arg;
    nest.value[2] = fib(N);
}

static void inside_inner(void *arg)
{
    fib_task t;
    fib_spawn(&t, N);
    nest.error[1] = filch_run(nest.outer, innermost, arg);
    nest.value[1] = fib_sync(&t);
}

static void inside_outer(void *arg)
{
    fib_task t;
    fib_spawn(&t, N);
    nest.error[0] = filch_run(nest.inner, inside_inner, arg);
    nest.value[0] = fib_sync(&t);
}

static void expect_nest(void)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(nest.value[i], FIB_N);
        cr_assert_eq(nest.error[i], 0);
        nest.value[i] = 0;
    }
}

Test(run, a_task_runs_in_another_runtime_and_back)
{
    nest.outer = start(2);
    nest.inner = start(2);
    cr_assert_eq(filch_run(nest.outer, inside_outer, NULL), 0);
    expect_nest();
    inside_outer(NULL); /* the default one is the outermost now */
    expect_nest();
    cr_assert_eq(filch_stop(nest.inner), 0);
    cr_assert_eq(filch_stop(nest.outer), 0);
    cr_assert_eq(filch_stop(NULL), 0);
}

static void stolen_nest(void *arg)
{
    nest.runner = pthread_self();
    atomic_store(&nest.began, true);
    inside_outer(arg);
}

static void spawn_stolen_nest(void *arg)
{
    filch_task t;
    filch_spawn(&t, stolen_nest, arg);
    until_thief_raises(&nest.began);
    filch_sync(&t);
}

Test(run, a_stolen_task_runs_in_another_runtime_and_back)
{
    nest.outer = start(2);
    nest.inner = start(2);
    cr_assert_eq(filch_run(nest.outer, spawn_stolen_nest, NULL), 0);
    cr_assert_not(pthread_equal(nest.runner, pthread_self()));
    expect_nest();
    cr_assert_eq(filch_stop(nest.inner), 0);
    cr_assert_eq(filch_stop(nest.outer), 0);
}

static void note_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
}

static void run_in_own(void *arg)
{
    struct {
        filch_runtime *rt;
        pthread_t callee;
        int error;
    } *own = arg;
    own->error = filch_run(own->rt, note_thread, &own->callee);
}

Test(run, a_task_of_a_runtime_that_runs_in_it_just_calls)
{
    struct {
        filch_runtime *rt;
        pthread_t callee;
        int error;
    } own = {start(2), 0, 99};
    cr_assert_eq(filch_run(own.rt, run_in_own, &own), 0);
    cr_assert_eq(own.error, 0);
    cr_assert(pthread_equal(own.callee, pthread_self()));
    cr_assert_eq(filch_stop(own.rt), 0);
}

/* ---- outside threads ---- */

Test(run, run_without_a_function)
{
    filch_runtime *rt = start(1);
    cr_assert_eq(filch_run(rt, NULL, NULL), FILCH_EINVAL);
    cr_assert_eq(filch_run(NULL, NULL, NULL), FILCH_EINVAL);
    cr_assert_eq(filch_num_workers(NULL), 0u, "nothing was started");
    cr_assert_eq(filch_stop(rt), 0);
}

Test(run, many_threads_share_a_runtime)
{
    enum { THREADS = 12 };
    pthread_t thread[THREADS];
    filch_runtime *rt = start(3);
    for (int i = 0; i < THREADS; i++)
        start_thread(&thread[i], fib_in, rt);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    cr_assert_eq(filch_stop(rt), 0);
}

enum { CROWD = 20, SLOTS = 17 }; /* of a runtime with so few: main's and 16 more */

static struct {
    filch_runtime *rt;
    pthread_barrier_t all_inside;
    atomic_uint serial, wrong, errors;
} crowd;

static void raise_flag(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
}

static void in_the_crowd(void *arg)
{
    atomic_bool ran = false;
    filch_task t;
    (void)arg;
    pthread_barrier_wait(&crowd.all_inside);
    filch_spawn(&t, raise_flag, &ran);
    if (atomic_load(&ran)) /* nobody else would take it: all others stand at the barriers */
        atomic_fetch_add(&crowd.serial, 1);
    pthread_barrier_wait(&crowd.all_inside);
    filch_sync(&t);
    if (!atomic_load(&ran) || fib(N) != FIB_N)
        atomic_fetch_add(&crowd.wrong, 1);
    pthread_barrier_wait(&crowd.all_inside);
}

static void *join_the_crowd(void *arg)
{
    if (filch_run(crowd.rt, in_the_crowd, arg) != 0)
        atomic_fetch_add(&crowd.errors, 1);
    return NULL;
}

Test(run, threads_beyond_its_slots_run_serially)
{
    pthread_t thread[CROWD];
    crowd.rt = start(1);
    crowd.rt->slots = crowd.rt->threads + SLOTS - 1;
    pthread_barrier_init(&crowd.all_inside, NULL, CROWD);
    for (int round = 0; round < 3; round++) { /* slots are given back */
        atomic_store(&crowd.serial, 0);
        for (int i = 0; i < CROWD; i++)
            start_thread(&thread[i], join_the_crowd, NULL);
        for (int i = 0; i < CROWD; i++)
            pthread_join(thread[i], NULL);
        cr_assert_eq(atomic_load(&crowd.serial), (unsigned)(CROWD - SLOTS));
        cr_assert_eq(atomic_load(&crowd.wrong), 0u);
        cr_assert_eq(atomic_load(&crowd.errors), 0u);
    }
    cr_assert_eq(filch_stop(crowd.rt), 0);
}

static struct {
    filch_runtime *rt;
    pthread_barrier_t all_attached, all_seen;
    atomic_uint refused, serial, wrong;
} many;

static void *be_one_of_many(void *arg)
{
    atomic_bool ran = false;
    filch_task t;
    if (filch_attach(many.rt) != 0)
        atomic_fetch_add(&many.refused, 1);
    pthread_barrier_wait(&many.all_attached);
    filch_spawn(&t, raise_flag, &ran);
    if (t.head.slot == FILCH_DETAIL_RAN)
        atomic_fetch_add(&many.serial, 1);
    filch_sync(&t);
    if (!atomic_load(&ran) || fib(10) != 55)
        atomic_fetch_add(&many.wrong, 1);
    pthread_barrier_wait(&many.all_seen);
    return arg;
}

/* As many as a server has; and what they leave behind is not looked at any more. */
Test(run, many_threads_have_a_slot_each)
{
    enum { MANY = 150 };
    pthread_t thread[MANY];
    many.rt = start(2);
    pthread_barrier_init(&many.all_attached, NULL, MANY + 1);
    pthread_barrier_init(&many.all_seen, NULL, MANY + 1);
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(fl_slots(many.rt), many.rt->threads);
        for (int i = 0; i < MANY; i++)
            start_thread(&thread[i], be_one_of_many, NULL);
        pthread_barrier_wait(&many.all_attached);
        cr_assert_eq(fl_slots(many.rt), many.rt->threads + MANY - 1, "slot 0 is one of them");
        cr_assert_null(fib_in(many.rt));
        pthread_barrier_wait(&many.all_seen);
        for (int i = 0; i < MANY; i++)
            pthread_join(thread[i], NULL);
    }
    cr_assert_eq(fl_slots(many.rt), many.rt->threads);
    cr_assert_eq(atomic_load(&many.refused) + atomic_load(&many.serial) + atomic_load(&many.wrong), 0u);
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(many.rt, (int)many.rt->threads + MANY - 1, &s), 0);
    cr_assert_eq(s.steals, 0u);
    cr_assert_eq(filch_stop(many.rt), 0);
}

Test(run, outside_threads_use_the_default_one_beside_main)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    setenv("FILCH_NUM_WORKERS", "2", 1);
    for (int i = 0; i < THREADS; i++)
        start_thread(&thread[i], fib_in, NULL);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(fib(N), FIB_N);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    cr_assert_eq(filch_num_workers(NULL), 2u);
    cr_assert_eq(filch_stop(NULL), 0);
}

static void *plainly_then_inside(void *rt)
{
    if (fib(10) != 55 || filch_num_workers(NULL) != 1)
        return rt;
    if (fib_in(rt))
        return rt;
    return filch_detach() == 0 && fib(10) == 55 ? NULL : rt; /* in the default one, as before */
}

Test(run, a_thread_is_attached_as_before_after_run)
{
    pthread_t thread;
    void *failed;
    setenv("FILCH_NUM_WORKERS", "1", 1);
    filch_runtime *rt = start(2);
    start_thread(&thread, plainly_then_inside, rt);
    pthread_join(thread, &failed);
    cr_assert_null(failed);
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_stop(NULL), 0);
}
