/* runtime/fork.c: the child of a fork outside tasks begins afresh; exec in a task.  What such a child may not do:
 * misuse/fork.c.  Forks while other threads are inside filch: stress/fork.c. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "stolen.h"
#include "worker.h"

enum { WORKERS = 3 };

static void begin(void)
{
    clear_environment();
    setenv("FILCH_NUM_WORKERS", "3", 1);
}

static void begin_with_children(void)
{
    if (NO_THREADS_AFTER_FORK)
        cr_skip_test("a sanitizer: no threads after a fork");
    begin();
}

TestSuite(fork, .init = begin_with_children, .timeout = 60);
TestSuite(fork_and_exec, .init = begin, .timeout = 60);

/* ---- what every child must be able to do ---- */

/* Each of the runtimes may have made its spare, if this thread had to wait for a stolen task. */
static void await_threads(unsigned n, unsigned runtimes)
{
    unsigned now;
    while ((now = thread_count()) < n || now > n + runtimes)
        sched_yield();
}

static void use_filch(void)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    long value = 0;
    CHILD_REQUIRE(filch_num_workers(NULL) == 0);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_ESTOPPED);
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_num_workers(NULL) == WORKERS);
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    CHILD_REQUIRE(fib_run(rt, &value, N) == 0 && value == FIB_N);
}

/* Threads of the parent are not in the child: it has those that it started. */
static void begin_afresh(void)
{
    unsigned before = thread_count();
    use_filch();
    await_threads(before + WORKERS - 1 + 1, 2);
}

static void begin_afresh_and_stop(void)
{
    unsigned before = thread_count();
    use_filch();
    CHILD_REQUIRE(filch_stop(NULL) == 0);
    await_threads(before + 1, 1);
    CHILD_REQUIRE(fib(N) == FIB_N);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

static void expect_child(void (*body)(void))
{
    expect_success(child_of(body));
}

/* ---- where the fork is made ---- */

Test(fork, of_main_before_between_and_after_regions)
{
    expect_child(begin_afresh);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(fib(N), FIB_N);
        expect_child(begin_afresh);
        expect_child(begin_afresh_and_stop);
        cr_assert_eq(fib(N), FIB_N);
        cr_assert_eq(filch_num_workers(NULL), (unsigned)WORKERS);
        cr_assert_eq(filch_stop(NULL), 0);
        expect_child(begin_afresh);
    }
}

static void *fork_on_a_thread(void *arg)
{
    expect_child(begin_afresh_and_stop); /* never spawned here */
    cr_assert_eq(fib(N), FIB_N);
    expect_child(begin_afresh_and_stop); /* spawned, at once */
    expect_fib(NULL);
    expect_child(begin_afresh_and_stop);
    return arg;
}

Test(fork, of_another_thread)
{
    run_thread(fork_on_a_thread, NULL);
    cr_assert_eq(fib(N), FIB_N);
    run_thread(fork_on_a_thread, NULL);
    cr_assert_eq(filch_stop(NULL), 0);
    run_thread(fork_on_a_thread, NULL);
}

static void fork_and_fork(void)
{
    static int depth;
    begin_afresh();
    if (++depth < 5) {
        struct child child = child_of(fork_and_fork);
        if (child.status)
            dprintf(STDERR_FILENO, "at depth %d: %s", depth, child.said);
        CHILD_REQUIRE(child.status == 0);
    }
    CHILD_REQUIRE(fib(N) == FIB_N);
}

Test(fork, in_a_fork)
{
    cr_assert_eq(fib(N), FIB_N);
    expect_child(fork_and_fork);
}

static pid_t parent;

/* None of its tasks is unsynced: the child goes on with the function, and returns from filch_run. */
static void fork_inside_run(void *status)
{
    cr_assert_eq(fib(N), FIB_N);
    pid_t pid = fork();
    if (pid)
        waitpid(pid, status, 0);
    else
        use_filch();
}

static void after_run(void)
{
    if (getpid() != parent) {
        CHILD_REQUIRE(filch_num_workers(NULL) == WORKERS);
        CHILD_REQUIRE(fib(N) == FIB_N);
        CHILD_REQUIRE(filch_stop(NULL) == 0);
        use_filch();
        _exit(0);
    }
}

static void *run_and_fork(void *rt)
{
    int status = -1;
    cr_assert_eq(filch_run(rt, fork_inside_run, &status), 0);
    after_run();
    cr_assert_eq(status, 0);
    return rt;
}

static void run_in_another(void *rt)
{
    run_and_fork(rt);
}

Test(fork, inside_filch_run)
{
    parent = getpid();
    filch_runtime *rt = start(2);
    run_and_fork(rt);
    run_and_fork(NULL);
    run_thread(run_and_fork, rt);
    run_thread(run_and_fork, NULL);
    cr_assert_eq(filch_run(NULL, run_in_another, rt), 0);
    after_run();
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_stop(NULL), 0);
}

/* A task waits outside, though nothing can be spawned for a thief inside: it ran at its spawn. */
static filch_runtime *full;
static atomic_bool holds_slot, lets_go;

static void *hold_slot(void *arg)
{
    cr_assert_eq(filch_attach(full), 0);
    atomic_store(&holds_slot, true);
    await(&lets_go);
    cr_assert_eq(filch_detach(), 0);
    return arg;
}

static void exit_at_once(void)
{
}

static void fork_without_a_slot(void *arg)
{
    (void)arg;
    expect_success(child_of(exit_at_once));
    expect_abort(child_of(use_filch), "the child of a fork made inside a task");
}

static void fork_beside_a_task(void *arg)
{
    nothing_task t;
    nothing_spawn(&t);
    cr_assert_eq(filch_run(full, fork_without_a_slot, arg), 0);
    nothing_sync(&t);
}

Test(fork, inside_filch_run_without_a_slot)
{
    pthread_t holder;
    filch_runtime *outside = start(2);
    full = start(2);
    full->slots = full->threads; /* none but slot 0 is lent */
    start_thread(&holder, hold_slot, NULL);
    await(&holds_slot);
    cr_assert_eq(filch_run(outside, fork_beside_a_task, NULL), 0);
    atomic_store(&lets_go, true);
    pthread_join(holder, NULL);
    cr_assert_eq(filch_stop(full), 0);
    cr_assert_eq(filch_stop(outside), 0);
}

/* It is called at its sync: no task waits for it or beside it. */
static void fork_here(void)
{
    int status = -1;
    pid_t pid = fork();
    if (!pid) {
        use_filch();
        return;
    }
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
}
FILCH_TASK(void, fork_here);

Test(fork, in_a_task_that_its_sync_calls)
{
    filch_config alone = {.size = sizeof alone, .workers = 1}; /* nobody steals it */
    cr_assert_eq(filch_start(NULL, &alone), 0);
    parent = getpid();
    fork_here_task t;
    fork_here_spawn(&t);
    fork_here_sync(&t);
    if (getpid() != parent)
        _exit(0);
    cr_assert_eq(filch_stop(NULL), 0);
}

/* ---- what the child has of the parent's ---- */

static filch_runtime *of_parent;

static void ask_for_the_parents(void)
{
    struct filch_counters s = {.size = sizeof s};
    CHILD_REQUIRE(filch_num_workers(of_parent) == 0);
    CHILD_REQUIRE(filch_stats(of_parent, FILCH_ALL_WORKERS, &s) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_stop(of_parent) == 0); /* whoever cleans up need not know where he is */
    begin_afresh();
}

static void run_in_the_parents(void)
{
    fib_in(of_parent);
}

Test(fork, a_runtime_of_the_parent_s)
{
    of_parent = start(4);
    expect_fib(of_parent);
    cr_assert_eq(fib(N), FIB_N);
    expect_child(ask_for_the_parents);
    expect_abort(child_of(run_in_the_parents), "this runtime belongs to the process that forked this one: start "
                                               "another in the child, or pass NULL");
    expect_fib(of_parent);
    cr_assert_eq(filch_stop(of_parent), 0);
}

/* Address space: what it leaks, stacks above all, no sum of pages would show. */
static size_t kilobytes(void)
{
    char line[256];
    size_t size = 0;
    FILE *f = fopen("/proc/self/status", "r");
    CHILD_REQUIRE(f);
    while (!size && fgets(line, sizeof line, f))
        if (strncmp(line, "VmSize:", 7) == 0)
            size = strtoul(line + 7, NULL, 10);
    fclose(f);
    return size;
}

static size_t early;

static void line_of_forks(void)
{
    enum { EARLY = 3, LAST = 15, LEAK = 100 << 10 /* less than the first stacks of one runtime */ };
    static int depth;
    depth++;
    mallopt(M_ARENA_MAX, 1); /* an arena of a new thread's would count as 64 MiB */
    CHILD_REQUIRE(fib(N) == FIB_N);
    if (depth == EARLY)
        early = kilobytes();
    if (depth < LAST)
        CHILD_REQUIRE(child_of(line_of_forks).status == 0);
    else
        CHILD_REQUIRE(kilobytes() < early + LEAK);
}

Test(fork, memory_of_the_parent_s_runtime_is_not_kept)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer's own memory grows");
    expect_child(line_of_forks);
}

static cpu_set_t allowed;

static void mask_is_whole(void)
{
    cpu_set_t now;
    CHILD_REQUIRE(sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &allowed));
}

Test(fork, a_pinned_thread_s_child_gets_its_mask_back)
{
    cr_assert_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    if (CPU_COUNT(&allowed) < 2)
        cr_skip_test("one processor: nothing to see");
    setenv("FILCH_PIN", "core", 1);
    cr_assert_eq(fib(N), FIB_N);
    expect_child(mask_is_whole);
    cr_assert_eq(filch_stop(NULL), 0);
}

static void no_handler_is_left(void)
{
    struct sigaction a;
    stack_t s;
    CHILD_REQUIRE(sigaction(SIGSEGV, NULL, &a) == 0 && a.sa_handler == SIG_DFL);
    CHILD_REQUIRE(sigaltstack(NULL, &s) == 0 && (s.ss_flags & SS_DISABLE));
    begin_afresh();
}

Test(fork, overflow_message)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer has a handler of its own");
    filch_config c = {.size = sizeof c, .workers = 2, .overflow_message = 1};
    cr_assert_eq(filch_start(NULL, &c), 0);
    cr_assert_eq(fib(N), FIB_N);
    expect_child(no_handler_is_left);
    struct sigaction a;
    cr_assert_eq(sigaction(SIGSEGV, NULL, &a), 0);
    cr_assert(a.sa_flags & SA_SIGINFO, "the parent's is still there");
    cr_assert_eq(filch_stop(NULL), 0);
}

/* ---- other programs ---- */

static char *const exits_with_7[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "exit 7",
                                     NULL};

static int run_by_fork(void)
{
    int status = -1;
    pid_t pid = fork();
    if (!pid) {
        execv("/bin/sh", exits_with_7);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int run_by_vfork(void)
{
    int status = -1;
    pid_t pid = vfork();
    if (!pid) {
        execv("/bin/sh", exits_with_7);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int run_by_spawn(void)
{
    int status = -1;
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, exits_with_7, environ) == 0)
        waitpid(pid, &status, 0);
    return status;
}

static int run_by_system(void)
{
    return system("exit 7");
}

static int (*const ways[])(void) = {run_by_fork, run_by_vfork, run_by_spawn, run_by_system};
enum { WAYS = sizeof ways / sizeof *ways };

static atomic_bool began;
static int statuses[WAYS];

static void run_programs(void)
{
    atomic_store(&began, true);
    fib_task t; /* unsynced meanwhile */
    fib_spawn(&t, N);
    for (int i = 0; i < WAYS; i++)
        statuses[i] = ways[i]();
    cr_assert_eq(fib_sync(&t), FIB_N);
}
FILCH_TASK(void, run_programs);

static void expect_statuses(void)
{
    for (int i = 0; i < WAYS; i++) {
        cr_assert(WIFEXITED(statuses[i]) && WEXITSTATUS(statuses[i]) == 7, "way %d: %#x", i, (unsigned)statuses[i]);
        statuses[i] = -1;
    }
}

Test(fork_and_exec, in_a_stolen_task)
{
    run_programs_task t;
    run_programs_spawn(&t);
    until_thief_raises(&began);
    run_programs_sync(&t);
    expect_statuses();
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_stop(NULL), 0);
}

Test(fork_and_exec, with_tasks_unsynced)
{
    run_programs();
    expect_statuses();
    cr_assert_eq(filch_stop(NULL), 0);
}
