/* The child of a fork made inside a task, or with tasks unsynced: whatever it asks of filch ends it with a sentence
 * that names the call, the worker of the fork, and the way out. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "stolen.h"

static void begin(void)
{
    clear_environment();
    setenv("FILCH_NUM_WORKERS", "2", 1);
}

TestSuite(fork, .init = begin, .timeout = 60);

static const char sentence[] = "this process is the child of a fork made inside a task, and may only call exec or "
                               "_exit: fork outside tasks, with none unsynced, to use filch in the child\n";

/* ---- a process that makes such a child, and ends as that does ---- */

static void (*act)(void);

static bool forked(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        return true;
    CHILD_REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        raise(WTERMSIG(status));
    _exit(WEXITSTATUS(status));
}

static void fork_here(void)
{
    if (forked())
        act();
}

static atomic_bool began;

static void fork_in_task(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    fork_here();
}

static void inside_a_stolen_task(void)
{
    filch_task t;
    filch_spawn(&t, fork_in_task, NULL);
    until_thief_raises(&began);
    filch_sync(&t);
}

static fib_task unsynced;

static void with_a_task_unsynced(void)
{
    fib_spawn(&unsynced, N);
    fork_here();
}

static void fork_with_one(void *arg)
{
    (void)arg;
    with_a_task_unsynced();
}

static void inside_run_with_a_task_unsynced(void)
{
    filch_run(NULL, fork_with_one, NULL);
}

static void fork_without(void *arg)
{
    (void)arg;
    fork_here();
}

/* The tasks of the slot outside are what the child would miss. */
static void inside_run_of_another_runtime(void)
{
    filch_runtime *rt = start(2);
    fib_spawn(&unsynced, N);
    filch_run(rt, fork_without, NULL);
}

static void *run_forks_with_one(void *arg)
{
    inside_run_with_a_task_unsynced();
    return arg;
}

static void inside_run_on_another_thread(void)
{
    run_thread(run_forks_with_one, NULL);
}

/* ---- what the child does ---- */

static void expect_sentence(void (*place)(void), void (*what)(void), const char *call, const char *worker)
{
    char said[sizeof sentence + 128];
    act = what;
    atomic_store(&began, false);
    struct child child = child_of(place);
    snprintf(said, sizeof said, "filch: %s on %s: %s", call, worker, sentence);
    expect_abort(child, sentence);
    cr_assert(strcmp(child.said, said) == 0, "expected: %sit said: %s", said, child.said);
}

static void spawn(void)
{
    fib_task t;
    fib_spawn(&t, 1);
}

static void sync_own(void)
{
    fib_sync(&unsynced);
}

static void stop_default(void)
{
    filch_stop(NULL);
}

static void start_another(void)
{
    filch_runtime *rt;
    filch_start(&rt, NULL);
}

static void run_default(void)
{
    fib_run(NULL, NULL, 1);
}

static void *spawn_there(void *arg)
{
    spawn();
    return arg;
}

static void spawn_on_another_thread(void)
{
    run_thread(spawn_there, NULL);
}

static void go_back(void)
{
}

static void expect_spawn(void (*place)(void), void (*what)(void), const char *worker)
{
    act = what;
    atomic_store(&began, false);
    struct child child = child_of(place);
    expect_abort(child, sentence);
    cr_assert(strncmp(child.said, "filch: spawn, task fib (", 24) == 0, "%s", child.said);
    cr_assert(strstr(child.said, worker), "the worker is not named: %s", child.said);
    cr_assert_eq(lines_of(child.said), 1u, "%s", child.said);
}

Test(fork, then_spawn)
{
    expect_spawn(inside_a_stolen_task, spawn, "worker 1");
    if (!NO_THREADS_AFTER_FORK)
        expect_spawn(inside_a_stolen_task, spawn_on_another_thread, "worker 1");
    expect_spawn(with_a_task_unsynced, spawn, "worker 0");
    expect_spawn(inside_run_with_a_task_unsynced, spawn, "worker");
    expect_spawn(inside_run_on_another_thread, spawn, "worker");
    expect_spawn(inside_run_of_another_runtime, spawn, "worker");
}

Test(fork, then_sync)
{
    expect_sentence(with_a_task_unsynced, sync_own, "sync", "worker 0");
    expect_sentence(inside_run_with_a_task_unsynced, sync_own, "sync", "worker 0");
}

Test(fork, then_start_run_or_stop_a_runtime)
{
    expect_sentence(inside_a_stolen_task, start_another, "filch_start", "worker 1");
    expect_sentence(inside_a_stolen_task, run_default, "filch_run", "worker 1");
    expect_sentence(inside_a_stolen_task, stop_default, "filch_stop", "worker 1");
    expect_sentence(with_a_task_unsynced, start_another, "filch_start", "worker 0");
    expect_sentence(with_a_task_unsynced, run_default, "filch_run", "worker 0");
    expect_sentence(with_a_task_unsynced, stop_default, "filch_stop", "worker 0");
}

/* Who called the task, or filch_run, is in the parent only. */
Test(fork, then_return)
{
    act = go_back;
    struct child child = child_of(inside_a_stolen_task);
    expect_abort(child, sentence);
    cr_assert(strncmp(child.said, "filch: return, task filch_spawn (", 33) == 0, "%s", child.said);
    expect_sentence(inside_run_with_a_task_unsynced, go_back, "return inside filch_run", "worker 0");
}

static void spawn_again(void)
{
    if (forked())
        spawn();
}

Test(fork, and_fork_again)
{
    expect_spawn(with_a_task_unsynced, spawn_again, "worker 0");
}
