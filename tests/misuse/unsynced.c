/* A task that nobody syncs: where it is found, with FILCH_CHECK and without. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "misuse.h"
#include "stolen.h"

TestSuite(unsynced, .init = clear_environment, .timeout = 60);

static long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

/* Nothing of the functions that leave a task is inlined, nor are their calls the last of their callers. */
#define CALLED __attribute__((noinline))
#define KEEP() __asm__ volatile("" : : : "memory")

static void do_nothing(void *arg)
{
    (void)arg;
}

/* ---- by a function that a plain call runs: FILCH_CHECK finds it at the next spawn or sync below ---- */

CALLED static void leave_one(void)
{
    square_task t;
    square_spawn(&t, 3);
    KEEP();
}

/* Where it was not found before: the task is in the way of filch_stop. */
static void is_in_the_way(void)
{
    CHILD_REQUIRE(!CHECKED);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_EBUSY);
}

static void then_spawn(void)
{
    square_task t;
    leave_one();
    square_spawn(&t, 4);
    CHILD_REQUIRE(square_sync(&t) == 16);
    is_in_the_way();
}

static void then_sync(void)
{
    square_task t;
    square_spawn(&t, 4);
    leave_one();
    CHILD_REQUIRE(square_sync(&t) == 16);
    is_in_the_way();
}

static void then_spawn_untyped(void)
{
    filch_task t;
    leave_one();
    filch_spawn(&t, do_nothing, NULL);
    filch_sync(&t);
    is_in_the_way();
}

static void expect_left_behind(void (*body)(void), const char *call)
{
    struct child child = misuse_of(body, "1");
    if (CHECKED)
        expect_death(child, call, &square_filch_site, "worker 0", LEFT_BEHIND);
    else
        expect_silence(child);
}

Test(unsynced, by_a_plain_function)
{
    expect_left_behind(then_spawn, "a later spawn");
    expect_left_behind(then_sync, "a later sync");
    expect_left_behind(then_spawn_untyped, "a later spawn");
}

/* On a fiber's stack, whose bounds are another's. */
static atomic_bool began, stays;

static void stay(void *arg)
{
    (void)arg;
    atomic_store(&stays, true);
    for (;;)
        sched_yield();
}

/* Main waits, so there is a third thread, which shall not steal what is left: from a stack that is in use again. */
static void keep_the_spare(filch_task *task)
{
    atomic_store(&began, true);
    filch_spawn(task, stay, NULL);
    until_thief_raises(&stays);
}

static void leave_and_spawn(void *arg)
{
    filch_task task;
    (void)arg;
    keep_the_spare(&task);
    leave_one();
    answer_thieves();
}

static void stolen_then_spawn(void)
{
    filch_task t;
    atomic_store(&began, false);
    filch_spawn(&t, leave_and_spawn, NULL);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(unsynced, by_a_plain_function_of_a_stolen_task)
{
    struct child child = misuse_of(stolen_then_spawn, "2");
    if (CHECKED)
        expect_death(child, "a later spawn", &square_filch_site, "worker 1", LEFT_BEHIND);
    else
        expect_death(child, "return", &filch_detail_untyped, "worker 1", LEFT_UNNAMED);
}

static jmp_buf back;

CALLED static void jump(void)
{
    square_task t;
    square_spawn(&t, 3);
    KEEP();
    longjmp(back, 1);
}

static void longjmp_over_one(void)
{
    square_task t;
    if (setjmp(back) == 0)
        jump();
    square_spawn(&t, 4);
    CHILD_REQUIRE(square_sync(&t) == 16);
    is_in_the_way();
}

Test(unsynced, by_a_longjmp)
{
    expect_left_behind(longjmp_over_one, "a later spawn");
}

/* ---- by a task: called at its sync, or stolen ---- */

static square_task of_nobody;

static void leave_void(void)
{
    square_spawn(&of_nobody, 3);
}
FILCH_TASK(void, leave_void);

static long leave_long(long n)
{
    square_spawn(&of_nobody, n);
    return n;
}
FILCH_TASK(long, leave_long, long);

static void leave_untyped(void *arg)
{
    (void)arg;
    leave_void();
}

static void by_void(void)
{
    leave_void_task t;
    leave_void_spawn(&t);
    leave_void_sync(&t);
    is_in_the_way();
}

static void by_long(void)
{
    leave_long_task t;
    leave_long_spawn(&t, 5);
    CHILD_REQUIRE(leave_long_sync(&t) == 5);
    is_in_the_way();
}

static void by_one_of_an_array(void)
{
    leave_long_task t[1];
    leave_long_spawn(&t[0], 5);
    leave_long_sync_all(t, 1);
    is_in_the_way();
}

static void by_untyped(void)
{
    filch_task t;
    filch_spawn(&t, leave_untyped, NULL);
    filch_sync(&t);
    is_in_the_way();
}

static void out_of_order(void)
{
    leave_void_task t;
    square_task u;
    leave_void_spawn(&t);
    square_spawn(&u, 4);
    leave_void_sync(&t);
    CHILD_REQUIRE(square_sync(&u) == 16);
    is_in_the_way();
}

static void expect_at_return(void (*body)(void), const char *call)
{
    struct child child = misuse_of(body, "1");
    if (CHECKED)
        expect_death(child, call, &square_filch_site, "worker 0", LEFT_NAMED);
    else
        expect_silence(child);
}

Test(unsynced, by_a_task_called_at_its_sync)
{
    expect_at_return(by_void, "return of leave_void");
    expect_at_return(by_long, "return of leave_long");
    expect_at_return(by_one_of_an_array, "return of leave_long");
    expect_at_return(by_untyped, "return of filch_spawn");
    expect_at_return(out_of_order, "return of leave_void");
}

/* What was spawned is gone before anybody asks for its name. */
static void leave_on_the_heap(void)
{
    square_task *t = malloc(sizeof *t);
    CHILD_REQUIRE(t);
    square_spawn(t, 3);
    free(t);
}
FILCH_TASK(void, leave_on_the_heap);

static void freed(void)
{
    leave_on_the_heap_task t;
    leave_on_the_heap_spawn(&t);
    leave_on_the_heap_sync(&t);
    is_in_the_way();
}

Test(unsynced, and_freed)
{
    expect_at_return(freed, "return of leave_on_the_heap");
}

static void leave_stolen(void *arg)
{
    filch_task task;
    (void)arg;
    keep_the_spare(&task);
    leave_void();
}

static void by_stolen(void)
{
    filch_task t;
    atomic_store(&began, false);
    filch_spawn(&t, leave_stolen, NULL);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(unsynced, by_a_stolen_task)
{
    struct child child = misuse_of(by_stolen, "2");
    if (CHECKED)
        expect_death(child, "return of filch_spawn", &square_filch_site, "worker 1", LEFT_NAMED);
    else
        expect_death(child, "return", &filch_detail_untyped, "worker 1", LEFT_UNNAMED);
}

/* ---- by the function of filch_run, a thread, and whoever stops or detaches ---- */

static void in_run(void)
{
    (void)filch_run(NULL, leave_untyped, NULL);
}

static void run_again(void *arg)
{
    (void)filch_run(NULL, leave_untyped, arg);
}

static void in_run_inside_run(void)
{
    (void)filch_run(NULL, run_again, NULL);
}

static void in_run_of_its_own_runtime(void)
{
    answer_thieves();
    in_run();
}

static void expect_left(struct child child, const char *call, const char *worker)
{
    if (CHECKED)
        expect_death(child, call, &square_filch_site, worker, LEFT_NAMED);
    else
        expect_death(child, call, NULL, worker, LEFT_UNNAMED);
}

Test(unsynced, by_the_function_of_filch_run)
{
    expect_left(misuse_of(in_run, "1"), "filch_run", "worker 0");
    expect_left(misuse_of(in_run_inside_run, "1"), "filch_run", "worker 0");
    expect_left(misuse_of(in_run_of_its_own_runtime, "1"), "filch_run", "worker 0");
}

static void *leave_and_end(void *arg)
{
    leave_void();
    return arg;
}

static void at_the_end_of_a_thread(void)
{
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(&thread, NULL, leave_and_end, NULL) == 0);
    pthread_join(thread, NULL);
}

static void end_inside(void *arg)
{
    pthread_exit(arg);
}

static void *end_inside_run(void *arg)
{
    filch_runtime *rt;
    filch_config c = {.size = sizeof c, .workers = 1};
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    CHILD_REQUIRE(filch_attach(NULL) == 0);
    (void)filch_run(rt, end_inside, arg);
    return arg;
}

static void at_the_end_of_a_thread_inside_run(void)
{
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(&thread, NULL, end_inside_run, NULL) == 0);
    pthread_join(thread, NULL);
}

Test(unsynced, at_the_end_of_a_thread)
{
    expect_left(misuse_of(at_the_end_of_a_thread, "1"), "the end of a thread", "worker 0");
    expect_death(misuse_of(at_the_end_of_a_thread_inside_run, "1"), "the end of a thread", NULL, "worker 0",
                 ENDED_INSIDE);
}

static void stop(void)
{
    leave_void();
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_EBUSY);
}

static void *detach_thread(void *arg)
{
    CHILD_REQUIRE(filch_attach(NULL) == 0);
    leave_void();
    CHILD_REQUIRE(filch_detach() == FILCH_EBUSY);
    CHILD_REQUIRE(square_sync(&of_nobody) == 9);
    CHILD_REQUIRE(filch_detach() == 0);
    return arg;
}

static void detach(void)
{
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(&thread, NULL, detach_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

/* The code tells, and FILCH_CHECK names the task beside it. */
static void expect_busy(void (*body)(void), const char *call)
{
    struct child child = misuse_of(body, "1");
    expect_success(child);
    if (CHECKED)
        expect_said(child, call, &square_filch_site, "worker 0", STILL_UNSYNCED);
    else
        expect_silence(child);
}

Test(unsynced, at_filch_stop_and_filch_detach)
{
    expect_busy(stop, "filch_stop");
    expect_busy(detach, "filch_detach");
}

/* ---- what looks like it, and is right ---- */

CALLED static void spawn_for(square_task *t, long n)
{
    square_spawn(t, n);
    KEEP();
}

CALLED static long sync_for(square_task *t)
{
    long value = square_sync(t);
    KEEP();
    return value;
}

/* Wrappers of the calls: the object outlives them. */
static void by_wrappers(void)
{
    square_task t, *u = malloc(sizeof *u);
    CHILD_REQUIRE(u);
    spawn_for(&t, 3);
    spawn_for(u, 4);
    CHILD_REQUIRE(sync_for(&t) == 9);
    CHILD_REQUIRE(sync_for(u) == 16);
    free(u);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

/* Tasks below the stack of who spawns later: on another thread's. */
static void *lend_a_task(void *task)
{
    square_task own;
    square_spawn(&own, 2);
    CHILD_REQUIRE(square_sync(&own) == 4);
    return task;
}

static void beside_other_threads(void)
{
    square_task t[4];
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        square_spawn(&t[i], i);
        CHILD_REQUIRE(pthread_create(&thread, NULL, lend_a_task, NULL) == 0);
        pthread_join(thread, NULL);
    }
    for (int i = 0; i < 4; i++)
        CHILD_REQUIRE(square_sync(&t[i]) == (long)i * i);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

/* A slot's deque is lent to one thread after the other, each with its own stack. */
static void one_after_another(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHILD_REQUIRE(pthread_create(&thread, NULL, lend_a_task, NULL) == 0);
        pthread_join(thread, NULL);
    }
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(unsynced, what_is_right_is_left_in_peace)
{
    expect_silence(misuse_of(by_wrappers, "1"));
    expect_silence(misuse_of(beside_other_threads, "1"));
    expect_silence(misuse_of(one_after_another, "1"));
}
