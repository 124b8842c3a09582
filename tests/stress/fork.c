/* Forks at any moment: while threads of the process are inside filch, each child begins afresh.
 *
 *   Others    Threads that call filch_run on the default runtime, one that starts and stops a runtime again and again,
 *             and main's, which is lent a slot.  First main's thread forks, then another.
 *   Property  Each child computes what it should, with a default runtime and one of its own, and ends; so do the
 *             parent's threads.  A lock that a child inherited would stop it for ever: the time limit.
 *   Exercised Counted: forks that came while another thread was inside a call of filch. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fib.h"
#include "process.h"

static void begin(void)
{
    clear_environment();
    setenv("FILCH_NUM_WORKERS", "3", 1);
}

TestSuite(fork, .init = begin, .timeout = 300);

enum { FORKS = 400, RUNNERS = 3 };

static atomic_bool over;
static atomic_uint inside, wrong;

static bool is_over(void)
{
    return atomic_load(&over);
}

static void compute(filch_runtime *rt)
{
    long value = 0;
    atomic_fetch_add(&inside, 1);
    if (fib_run(rt, &value, 10) != 0 || value != 55)
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_sub(&inside, 1);
}

static void *run_in_default(void *arg)
{
    while (!is_over())
        compute(NULL);
    return arg;
}

static void *start_and_stop(void *arg)
{
    filch_config c = {.size = sizeof c, .workers = 2, .overflow_message = 1};
    while (!is_over()) {
        filch_runtime *rt;
        atomic_fetch_add(&inside, 1);
        if (filch_start(&rt, &c) != 0)
            atomic_fetch_add(&wrong, 1);
        else if (filch_num_workers(NULL) > 3 || filch_stop(rt) != 0)
            atomic_fetch_add(&wrong, 1);
        atomic_fetch_sub(&inside, 1);
    }
    return arg;
}

static void begin_afresh(void)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    long value = 0;
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_num_workers(NULL) == 3);
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    CHILD_REQUIRE(fib_run(rt, &value, N) == 0 && value == FIB_N);
    CHILD_REQUIRE(filch_stop(rt) == 0 && filch_stop(NULL) == 0);
}

static unsigned amid; /* forks while somebody was inside */

static void fork_often(void)
{
    for (int i = 0; i < FORKS / 2; i++) {
        amid += atomic_load(&inside) > 0;
        expect_success(child_of(begin_afresh));
    }
}

static void *fork_on_a_thread(void *arg)
{
    fork_often();
    return arg;
}

Test(fork, amid_threads_inside_filch)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer's allocator is not made for it: a child inherits its locks as they are");
    pthread_t runner[RUNNERS], starter, forker;
    for (int i = 0; i < RUNNERS; i++)
        start_thread(&runner[i], run_in_default, NULL);
    start_thread(&starter, start_and_stop, NULL);

    for (int i = 0; i < FORKS / 2; i++) { /* main has a slot, and tasks between its forks */
        cr_assert_eq(fib(N), FIB_N);
        amid += atomic_load(&inside) > 0;
        expect_success(child_of(begin_afresh));
    }
    start_thread(&forker, fork_on_a_thread, NULL);
    while (!is_over() && pthread_tryjoin_np(forker, NULL) != 0)
        cr_assert_eq(fib(N), FIB_N);

    atomic_store(&over, true);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runner[i], NULL);
    pthread_join(starter, NULL);
    cr_assert_eq(filch_stop(NULL), 0);
    cr_assert_eq(atomic_load(&wrong), 0u);
    cr_assert(amid >= FORKS / 2, "not exercised: %u of %d forks while another thread was inside filch", amid, FORKS);
}
