/* runtime/runtime.c: start, stop, and what they leave alone.  filch_run: unit/run.c.  Pinning: unit/pin.c. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base.h"
#include "fib.h"
#include "process.h"
#include "stolen.h"

TestSuite(runtime, .init = clear_environment, .timeout = 40);

/* ---- start and stop ---- */

Test(runtime, starts_and_stops_again_and_again)
{
    unsigned threads = thread_count_at_rest();
    for (unsigned i = 0; i < 40; i++) {
        filch_runtime *rt = start(i % 4 + 1);
        cr_assert_eq(filch_num_workers(rt), i % 4 + 1);
        if (i % 3)
            expect_fib(rt);
        cr_assert_eq(filch_stop(rt), 0);
    }
    await_thread_count(threads);
}

Test(runtime, the_default_one_starts_and_stops_again_and_again)
{
    unsigned threads = thread_count_at_rest();
    setenv("FILCH_NUM_WORKERS", "3", 1);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(filch_num_workers(NULL), 0u);
        cr_assert_eq(fib(N), FIB_N);
        cr_assert_eq(filch_num_workers(NULL), 3u);
        cr_assert_eq(filch_stop(NULL), 0);
    }
    await_thread_count(threads);
}

/* Threads that are just starting, searching or falling asleep, whatever the moment brings. */
Test(runtime, starts_and_stops_a_thousand_times)
{
    enum { TIMES = SANITIZED ? 200 : 1000 };
    unsigned threads = thread_count_at_rest();
    for (unsigned i = 0; i < TIMES; i++) {
        filch_runtime *rt = start(8);
        if (i % 2)
            expect_fib(rt);
        cr_assert_eq(filch_stop(rt), 0);
    }
    await_thread_count(threads);
}

static unsigned asleep(filch_runtime *rt, unsigned workers)
{
    unsigned n = 0;
    for (unsigned i = 1; i < workers; i++) {
        struct filch_counters s = {.size = sizeof s};
        cr_assert_eq(filch_stats(rt, (int)i, &s), 0);
        n += strcmp(s.state, "asleep") == 0;
    }
    return n;
}

Test(runtime, stop_wakes_who_sleeps)
{
    enum { WORKERS = 8 };
    unsigned threads = thread_count_at_rest();
    filch_runtime *rt = start(WORKERS);
    expect_fib(rt);
    while (asleep(rt, WORKERS) < WORKERS - 2) /* all but who watches */
        sched_yield();
    cr_assert_eq(filch_stop(rt), 0);

    rt = start(WORKERS);
    while (asleep(rt, WORKERS) < WORKERS - 1)
        sched_yield();
    cr_assert_eq(filch_stop(rt), 0);
    await_thread_count(threads);
}

Test(runtime, one_worker_creates_no_thread)
{
    unsigned threads = thread_count_at_rest();
    setenv("FILCH_NUM_WORKERS", "1", 1);
    filch_runtime *rt = start(1);
    expect_fib(rt);
    cr_assert_eq(thread_count(), threads);
    cr_assert_eq(filch_stop(rt), 0);

    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_num_workers(NULL), 1u);
    cr_assert_eq(thread_count(), threads);
    cr_assert_eq(filch_stop(NULL), 0);
}

Test(runtime, n_workers_are_n_less_one_threads)
{
    unsigned threads = thread_count_at_rest();
    for (unsigned n = 2; n <= 9; n += 7) {
        filch_runtime *rt = start(n);
        cr_assert_eq(thread_count(), threads + n - 1);
        cr_assert_eq(filch_stop(rt), 0);
        await_thread_count(threads);
    }
}

Test(runtime, more_workers_than_processors)
{
    filch_runtime *rt = start(24);
    expect_fib(rt);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(runtime, the_default_one_is_started_once)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    cr_assert_eq(filch_start(NULL, &c), 0);
    cr_assert_eq(filch_start(NULL, NULL), FILCH_ESTARTED);
    cr_assert_eq(filch_num_workers(NULL), 2u);
    cr_assert_eq(fib(N), FIB_N, "main's first spawn uses what was started");
    cr_assert_eq(filch_num_workers(NULL), 2u);
    cr_assert_eq(filch_stop(NULL), 0);
    cr_assert_eq(filch_stop(NULL), FILCH_ESTOPPED);

    setenv("FILCH_NUM_WORKERS", "1", 1);
    cr_assert_eq(fib(N), FIB_N, "the first spawn starts it again");
    cr_assert_eq(filch_start(NULL, &c), FILCH_ESTARTED, "the first spawn has started it");
    cr_assert_eq(filch_stop(NULL), 0);
}

Test(runtime, a_failed_start_leaves_nothing)
{
    unsigned threads = thread_count_at_rest();
    filch_runtime *const before = (filch_runtime *)&threads, *rt = before;
    filch_config c = {.size = sizeof c, .workers = 1025};
    cr_assert_eq(filch_start(&rt, &c), FILCH_EINVAL);
    c = (filch_config){.size = 0};
    cr_assert_eq(filch_start(&rt, &c), FILCH_EINVAL);
    cr_assert_eq(filch_start(NULL, &c), FILCH_EINVAL);
    cr_assert_eq(filch_num_workers(NULL), 0u);
    c = (filch_config){.size = sizeof c, .workers = 3, .stack_size = (size_t)1 << 47};
    cr_assert_eq(filch_start(&rt, &c), FILCH_ENOMEM, "a stack larger than the address space");
    cr_assert_eq((void *)rt, (void *)before);
    await_thread_count(threads);
}

static void without_address_space(void)
{
    struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    filch_config c = {.size = sizeof c, .workers = 2, .deque = (size_t)1 << 28};
    filch_runtime *rt = NULL;
    clear_environment();
    CHILD_REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    errno = 1234;
    CHILD_REQUIRE(filch_start(&rt, &c) == FILCH_ENOMEM);
    CHILD_REQUIRE(errno == 1234);
    CHILD_REQUIRE(!rt);
}

Test(runtime, no_memory_for_a_deque)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer needs the address space");
    expect_success(child_of(without_address_space));
}

static void without_a_default_runtime(void)
{
    struct rlimit limit = {(rlim_t)6 << 20, (rlim_t)6 << 20};
    clear_environment();
    CHILD_REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0); /* less than there is: no map succeeds */
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_ESTOPPED);
    CHILD_REQUIRE(fib(N) == FIB_N);
}

Test(runtime, main_goes_on_serially_where_the_default_one_cannot_start)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer needs the address space");
    struct child child = child_of(without_a_default_runtime);
    expect_success(child);
    cr_assert(strstr(child.said, "could not be started") && strstr(child.said, filch_strerror(FILCH_ENOMEM)), "%s",
              child.said);
    cr_assert_eq(lines_of(child.said), 1u);
}

/* ---- stop refuses ---- */

static struct {
    filch_runtime *rt;
    atomic_bool inside, leave, began;
    int error;
} held;

static void stay_inside(void *arg)
{
    (void)arg;
    atomic_store(&held.inside, true);
    await(&held.leave);
}

static void *stay_inside_thread(void *arg)
{
    held.error = filch_run(held.rt, stay_inside, arg);
    return NULL;
}

static void expect_busy_while_inside(filch_runtime *rt)
{
    pthread_t thread;
    memset(&held, 0, sizeof held);
    held.rt = rt;
    start_thread(&thread, stay_inside_thread, NULL);
    await(&held.inside);
    cr_assert_eq(filch_stop(rt), FILCH_EBUSY);
    atomic_store(&held.leave, true);
    pthread_join(thread, NULL);
    cr_assert_eq(held.error, 0);
    expect_fib(rt); /* it was left as it was */
    cr_assert_eq(filch_stop(rt), 0);
}

Test(runtime, stop_while_a_thread_is_inside)
{
    expect_busy_while_inside(start(2));
    cr_assert_eq(fib(N), FIB_N);
    expect_busy_while_inside(NULL);
}

static void stop_own(void *arg)
{
    (void)arg;
    held.error = filch_stop(held.rt);
    atomic_store(&held.began, true);
}

static void stop_in_stolen_task(void *arg)
{
    filch_task t;
    filch_spawn(&t, stop_own, arg);
    until_thief_raises(&held.began);
    filch_sync(&t);
}

Test(runtime, stop_from_its_own_tasks)
{
    held.rt = start(2);
    cr_assert_eq(filch_run(held.rt, stop_own, NULL), 0);
    cr_assert(held.error == FILCH_EINVAL || held.error == FILCH_EBUSY, "%d", held.error);

    atomic_store(&held.began, false);
    cr_assert_eq(filch_run(held.rt, stop_in_stolen_task, NULL), 0);
    cr_assert_eq(held.error, FILCH_EINVAL);
    expect_fib(held.rt);
    cr_assert_eq(filch_stop(held.rt), 0);
}

Test(runtime, stop_with_a_task_unsynced)
{
    fib_task t;
    fib_spawn(&t, N);
    cr_assert_eq(filch_stop(NULL), FILCH_EBUSY);
    cr_assert_eq(fib_sync(&t), FIB_N);
    cr_assert_eq(filch_stop(NULL), 0);
}

static void *stop_default(void *error)
{
    *(int *)error = filch_stop(NULL);
    return NULL;
}

Test(runtime, only_main_stops_what_it_was_lent)
{
    int error = 99;
    filch_config c = {.size = sizeof c, .workers = 2};
    cr_assert_eq(filch_start(NULL, &c), 0);
    run_thread(stop_default, &error);
    cr_assert_eq(error, 0, "it is lent to nobody");
    cr_assert_eq(fib(N), FIB_N);
    run_thread(stop_default, &error);
    cr_assert_eq(error, FILCH_EBUSY);
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_stop(NULL), 0);
}

static void stop_default_inside(void *error)
{
    *(int *)error = filch_stop(NULL);
}

Test(runtime, main_does_not_stop_its_own_from_inside_another)
{
    int error = 99;
    filch_runtime *rt = start(1);
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_run(rt, stop_default_inside, &error), 0);
    cr_assert_eq(error, FILCH_EBUSY);
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_stop(NULL), 0);
}

Test(runtime, stop_of_nothing)
{
    cr_assert_eq(filch_stop(NULL), FILCH_ESTOPPED);
}

/* A function that syncs, stops, and starts again in the scope of a FILCH_AUTO task. */
static void auto_over_a_stop(void)
{
    filch_config c = {.size = sizeof c, .workers = 1, .deque = 64};
    {
        FILCH_AUTO(fib, a, N);
        CHILD_REQUIRE(fib_sync(&a) == FIB_N);
        CHILD_REQUIRE(filch_stop(NULL) == 0);
    }
    {
        FILCH_AUTO(fib, a, N);
        CHILD_REQUIRE(fib_sync(&a) == FIB_N);
        CHILD_REQUIRE(filch_stop(NULL) == 0);
        CHILD_REQUIRE(filch_start(NULL, &c) == 0); /* with a smaller deque */
        CHILD_REQUIRE(fib(N) == FIB_N);
    }
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(runtime, a_scope_may_outlive_the_runtime_of_its_synced_task)
{
    clear_environment();
    expect_success(child_of(auto_over_a_stop));
}

/* ---- what the caller keeps ---- */

enum { UNTOUCHED = 1234 };

#define KEEPS_ERRNO(call)                                                                                             \
    do {                                                                                                              \
        errno = UNTOUCHED;                                                                                            \
        (void)(call);                                                                                                 \
        cr_assert_eq(errno, UNTOUCHED, "%s left errno %d", #call, errno);                                             \
    } while (0)

static void do_nothing(void *arg)
{
    (void)arg;
}

Test(runtime, calls_leave_errno_alone)
{
    filch_config plain = {.size = sizeof plain, .workers = 3}, bad = {.size = 0};
    filch_config deep = {.size = sizeof deep, .workers = 3, .stack_size = (size_t)1 << 47};
    filch_runtime *rt, *none;
    struct filch_counters stats = {.size = sizeof stats};
    KEEPS_ERRNO(filch_start(&rt, &plain));
    KEEPS_ERRNO(filch_start(&none, &bad));
    KEEPS_ERRNO(filch_start(&none, &deep));
    KEEPS_ERRNO(filch_run(rt, do_nothing, NULL));
    KEEPS_ERRNO(fib_run(rt, NULL, N));
    KEEPS_ERRNO(filch_run(rt, NULL, NULL));
    KEEPS_ERRNO(filch_stats(rt, FILCH_ALL_WORKERS, &stats));
    KEEPS_ERRNO(filch_num_workers(rt));
    KEEPS_ERRNO(filch_stop(rt));
    KEEPS_ERRNO(filch_stop(NULL));
    KEEPS_ERRNO(fib(N)); /* starts the default one */
    KEEPS_ERRNO(filch_start(NULL, NULL));
    KEEPS_ERRNO(filch_stop(NULL));
    KEEPS_ERRNO(filch_strerror(-4711));
}

static void print_nothing(void)
{
    clear_environment();
    dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is watched, too */
    filch_config c = {.size = sizeof c, .workers = 2, .pin = FILCH_PIN_CORE};
    filch_runtime *rt;
    long value;
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    CHILD_REQUIRE(fib_run(rt, &value, N) == 0 && value == FIB_N);
    CHILD_REQUIRE(filch_stop(rt) == 0);
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(runtime, says_nothing_unasked)
{
    struct child child = child_of(print_nothing);
    expect_success(child);
    cr_assert_str_empty(child.said);
}

/* ---- threads of ours ---- */

static struct {
    char name[16];
    sigset_t blocked;
    atomic_bool seen;
} thread_of_ours;

static void look_at_thread(void *arg)
{
    (void)arg;
    prctl(PR_GET_NAME, thread_of_ours.name);
    pthread_sigmask(SIG_SETMASK, NULL, &thread_of_ours.blocked);
    atomic_store(&thread_of_ours.seen, true);
}

static void have_a_thread_looked_at(void *arg)
{
    filch_task t;
    atomic_store(&thread_of_ours.seen, false);
    filch_spawn(&t, look_at_thread, arg);
    until_thief_raises(&thread_of_ours.seen);
    filch_sync(&t);
}

/* SIGPROF is profilers', and the synchronous ones must reach the thread that caused them; KILL and STOP nobody blocks,
 * 32 and 33 are the C library's. */
static bool is_open_to(int signal)
{
    static const int open[] = {SIGPROF, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGTRAP,
                               SIGSYS,  SIGABRT, SIGKILL, SIGSTOP, 32,     33};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (open[i] == signal)
            return true;
    return false;
}

static void expect_a_quiet_thread(void)
{
    cr_assert_str_eq(thread_of_ours.name, "filch 1");
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        cr_assert_eq(sigismember(&thread_of_ours.blocked, signal), !is_open_to(signal), "signal %d", signal);
}

Test(runtime, threads_have_names_and_leave_signals_to_others)
{
    struct sigaction before[65], after;
    sigset_t mask, now;
    filch_runtime *rt;
    filch_config c = {.size = sizeof c, .workers = 2, .overflow_message = -1};
    memset(before, 0, sizeof before);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        (void)sigaction(signal, NULL, &before[signal]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(filch_run(rt, have_a_thread_looked_at, NULL), 0);
    expect_a_quiet_thread();
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_start(NULL, &c), 0);
    have_a_thread_looked_at(NULL);
    expect_a_quiet_thread();
    cr_assert_eq(filch_stop(NULL), 0);
    setenv("FILCH_NUM_WORKERS", "2", 1);
    have_a_thread_looked_at(NULL); /* started by its spawn */
    expect_a_quiet_thread();
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        memset(&after, 0, sizeof after);
        if (sigaction(signal, NULL, &after) == 0 && (FL_DEBUG == 0 || signal != SIGSEGV)) /* the overflow message */
            cr_assert(after.sa_handler == before[signal].sa_handler, "a handler was installed for signal %d", signal);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        cr_assert_eq(sigismember(&now, signal), sigismember(&mask, signal), "signal %d", signal);
    cr_assert_eq(filch_stop(NULL), 0);
    char name[16];
    prctl(PR_GET_NAME, name);
    cr_assert(strncmp(name, "filch", 5) != 0, "main keeps its name");
}
