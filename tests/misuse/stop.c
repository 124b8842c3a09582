/* filch_stop where it cannot be, and runtimes that were stopped: codes, never a crash. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "fib.h"
#include "misuse.h"
#include "stolen.h"

TestSuite(stop, .init = clear_environment, .timeout = 60);

static struct {
    filch_runtime *rt;
    atomic_bool began, leave;
    int error;
} held;

static void expect_code(void (*body)(void), const char *workers)
{
    expect_silence(misuse_of(body, workers));
}

static filch_runtime *started(unsigned workers)
{
    filch_config c = {.size = sizeof c, .workers = workers};
    filch_runtime *rt;
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    return rt;
}

/* ---- from a worker ---- */

static void stop_it(void *arg)
{
    (void)arg;
    held.error = filch_stop(held.rt);
    atomic_store(&held.began, true);
}

static void spawn_a_stop(void *arg)
{
    filch_task t;
    filch_spawn(&t, stop_it, arg);
    until_thief_raises(&held.began);
    filch_sync(&t);
}

static void by_a_worker(void)
{
    held.rt = started(2);
    CHILD_REQUIRE(filch_run(held.rt, spawn_a_stop, NULL) == 0);
    CHILD_REQUIRE(held.error == FILCH_EINVAL);
    CHILD_REQUIRE(filch_stop(held.rt) == 0);
}

static void by_a_worker_of_the_default_one(void)
{
    held.rt = NULL;
    spawn_a_stop(NULL);
    CHILD_REQUIRE(held.error == FILCH_EINVAL);
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(stop, from_a_worker)
{
    expect_code(by_a_worker, "2");
    expect_code(by_a_worker_of_the_default_one, "2");
}

/* ---- with tasks in flight, or guests inside ---- */

static void stay(void *arg)
{
    (void)arg;
    atomic_store(&held.began, true);
    await(&held.leave);
}

static void *stop_here(void *arg)
{
    held.error = filch_stop(held.rt);
    return arg;
}

static void stop_elsewhere(void)
{
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(&thread, NULL, stop_here, NULL) == 0);
    pthread_join(thread, NULL);
}

/* A task of main's is stolen and runs on: nobody may stop its runtime, main neither. */
static void with_a_task_in_flight(void)
{
    filch_task t;
    held.rt = NULL;
    filch_spawn(&t, stay, NULL);
    until_thief_raises(&held.began);
    stop_elsewhere();
    CHILD_REQUIRE(held.error == FILCH_EBUSY);
    int error = filch_stop(NULL); /* with FILCH_CHECK it says which task */
    atomic_store(&held.leave, true);
    filch_sync(&t);
    CHILD_REQUIRE(error == FILCH_EBUSY);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

static void *be_a_guest(void *arg)
{
    CHILD_REQUIRE(filch_run(held.rt, stay, NULL) == 0);
    return arg;
}

static void with_a_guest_in(filch_runtime *rt)
{
    pthread_t thread;
    held.rt = rt;
    atomic_store(&held.began, false);
    atomic_store(&held.leave, false);
    CHILD_REQUIRE(pthread_create(&thread, NULL, be_a_guest, NULL) == 0);
    await(&held.began);
    CHILD_REQUIRE(filch_stop(rt) == FILCH_EBUSY);
    atomic_store(&held.leave, true);
    pthread_join(thread, NULL);
    CHILD_REQUIRE(filch_stop(rt) == 0);
}

static void with_a_guest(void)
{
    with_a_guest_in(started(2));
    with_a_guest_in(NULL);
}

static void by_its_guest(void)
{
    held.rt = started(2);
    CHILD_REQUIRE(filch_run(held.rt, stop_it, NULL) == 0);
    CHILD_REQUIRE(held.error == FILCH_EBUSY);
    CHILD_REQUIRE(filch_stop(held.rt) == 0);
}

static void of_the_default_one_that_main_was_lent(void)
{
    held.rt = NULL;
    CHILD_REQUIRE(fib(N) == FIB_N);
    stop_elsewhere();
    CHILD_REQUIRE(held.error == FILCH_EBUSY);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(stop, while_it_is_in_use)
{
    struct child child = misuse_of(with_a_task_in_flight, "2");
    expect_success(child);
    if (CHECKED)
        expect_said(child, "filch_stop", &filch_detail_untyped, "worker 0", STILL_UNSYNCED);
    else
        expect_silence(child);
    expect_code(with_a_guest, "2");
    expect_code(by_its_guest, "2");
    expect_code(of_the_default_one_that_main_was_lent, "2");
}

/* ---- twice ---- */

static void one_after_the_other(void)
{
    filch_runtime *rt = started(2), *other = started(1);
    CHILD_REQUIRE(filch_stop(rt) == 0);
    CHILD_REQUIRE(filch_stop(rt) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_stop(other) == 0);
    CHILD_REQUIRE(filch_stop(other) == FILCH_ESTOPPED);
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_ESTOPPED);
}

static atomic_uint arrived;

static void *stop_together(void *error)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < 2)
        sched_yield();
    *(int *)error = filch_stop(held.rt);
    return NULL;
}

static void two_stop(filch_runtime *rt)
{
    pthread_t thread[2];
    int error[2];
    held.rt = rt;
    atomic_store(&arrived, 0);
    for (int i = 0; i < 2; i++)
        CHILD_REQUIRE(pthread_create(&thread[i], NULL, stop_together, &error[i]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHILD_REQUIRE(error[0] + error[1] == FILCH_ESTOPPED && error[0] * error[1] == 0);
}

static void by_two_threads(void)
{
    for (int i = 0; i < 50; i++) {
        two_stop(started(2));
        CHILD_REQUIRE(filch_start(NULL, NULL) == 0);
        two_stop(NULL);
    }
}

Test(stop, twice)
{
    expect_code(one_after_the_other, "2");
    expect_code(by_two_threads, "2");
}

/* ---- what was stopped is used ---- */

static void *use_what_was_stopped(void *rt)
{
    long value;
    struct filch_counters counters = {.size = sizeof counters};
    CHILD_REQUIRE(filch_run(rt, stay, NULL) == FILCH_ESTOPPED);
    CHILD_REQUIRE(fib_run(rt, &value, N) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_attach(rt) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_stats(rt, FILCH_ALL_WORKERS, &counters) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_num_workers(rt) == 0);
    return rt;
}

static void after_its_stop(void)
{
    pthread_t thread;
    filch_runtime *rt = started(2);
    CHILD_REQUIRE(filch_stop(rt) == 0);
    CHILD_REQUIRE(pthread_create(&thread, NULL, use_what_was_stopped, rt) == 0);
    pthread_join(thread, NULL);
    use_what_was_stopped(rt); /* before another starts, perhaps at its address */
}

Test(stop, and_use_it_again)
{
    expect_code(after_its_stop, "2");
}

/* The runtime that this process had before the fork is not running here. */
static void attach_to_the_parents(void)
{
    filch_runtime *rt = started(2);
    int status;
    pid_t pid = fork();
    CHILD_REQUIRE(pid >= 0);
    if (pid == 0)
        _exit(filch_attach(rt) == FILCH_ESTOPPED && filch_num_workers(rt) == 0 && filch_stop(rt) == 0 ? 0 : 1);
    CHILD_REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    CHILD_REQUIRE(filch_stop(rt) == 0);
}

Test(stop, and_the_child_of_a_fork)
{
    if (NO_THREADS_AFTER_FORK)
        cr_skip_test("a sanitizer: no threads after a fork");
    expect_code(attach_to_the_parents, "2");
}

/* ---- start and attach twice, detach without, no function ---- */

static void *attach_twice(void *arg)
{
    CHILD_REQUIRE(filch_detach() == FILCH_EINVAL);
    CHILD_REQUIRE(filch_attach(NULL) == 0);
    CHILD_REQUIRE(filch_attach(NULL) == FILCH_EATTACHED);
    CHILD_REQUIRE(filch_detach() == 0);
    CHILD_REQUIRE(filch_detach() == FILCH_EINVAL);
    return arg;
}

static void twice(void)
{
    pthread_t thread;
    CHILD_REQUIRE(filch_start(NULL, NULL) == 0);
    CHILD_REQUIRE(filch_start(NULL, NULL) == FILCH_ESTARTED);
    CHILD_REQUIRE(pthread_create(&thread, NULL, attach_twice, NULL) == 0);
    pthread_join(thread, NULL);
    CHILD_REQUIRE(filch_run(NULL, NULL, NULL) == FILCH_EINVAL);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(stop, start_and_attach_twice)
{
    expect_code(twice, "2");
}
