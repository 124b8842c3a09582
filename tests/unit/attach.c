/* Threads of the user that stay: by a plain spawn, by filch_attach; how they leave, and what they are refused. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "stolen.h"
#include "worker.h"

enum { SLOTS = 17, COMERS = SANITIZED ? 3000 : 100000 };

TestSuite(attach, .init = clear_environment, .timeout = 300);

static bool runs_at_its_spawn(void)
{
    nothing_task t;
    nothing_spawn(&t);
    bool ran = t.head.slot == FILCH_DETAIL_RAN;
    nothing_sync(&t);
    return ran;
}

static void in_a_thread(void *(*body)(void *))
{
    pthread_t thread;
    void *failed;
    start_thread(&thread, body, &failed);
    pthread_join(thread, &failed);
    cr_assert_null(failed);
}

/* ---- plain spawns ---- */

static void raise_flag(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
}

static void *spawn_until_stolen(void *arg)
{
    atomic_bool stolen = false;
    filch_task t;
    bool ok = !runs_at_its_spawn() && filch_num_workers(NULL) == 2;
    filch_spawn(&t, raise_flag, &stolen);
    until_thief_raises(&stolen);
    filch_sync(&t);
    return ok && fib(N) == FIB_N ? NULL : arg;
}

Test(attach, the_first_spawn_of_a_thread_starts_the_default_runtime_and_attaches_it)
{
    setenv("FILCH_NUM_WORKERS", "2", 1);
    in_a_thread(spawn_until_stolen);
    cr_assert_eq(filch_stop(NULL), 0, "the end of the thread has detached it");
    in_a_thread(spawn_until_stolen);
    cr_assert_eq(filch_stop(NULL), 0, "and again");
}

static pthread_barrier_t all_attached;

static void *be_one_of_many(void *arg)
{
    bool ok = !runs_at_its_spawn();
    pthread_barrier_wait(&all_attached);
    for (int i = 0; i < 20 && ok; i++)
        ok = fib(N) == FIB_N;
    return ok ? NULL : arg;
}

Test(attach, sixteen_threads_beside_main)
{
    pthread_t thread[SLOTS - 1];
    void *failed;
    setenv("FILCH_NUM_WORKERS", "2", 1);
    cr_assert_eq(fib(N), FIB_N);
    pthread_barrier_init(&all_attached, NULL, SLOTS - 1);
    for (int i = 0; i < SLOTS - 1; i++)
        start_thread(&thread[i], be_one_of_many, thread);
    for (int i = 0; i < SLOTS - 1; i++) {
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    cr_assert_eq(filch_stop(NULL), 0);
}

static void *come_and_go(void *arg)
{
    return !runs_at_its_spawn() && fib(5) == 5 ? NULL : arg;
}

Test(attach, threads_come_and_go)
{
    setenv("FILCH_NUM_WORKERS", "2", 1);
    answer_thieves();
    for (int i = 0; i < COMERS; i++)
        in_a_thread(come_and_go);
    cr_assert_eq(filch_stop(NULL), 0);
}

/* ---- filch_attach, filch_detach ---- */

static filch_runtime *runtime;

static void *attach_and_detach(void *arg)
{
    filch_task t;
    struct filch_counters s = {.size = sizeof s};
    for (int i = 0; i < 3; i++) {
        atomic_bool stolen = false;
        if (filch_attach(runtime) != 0 || filch_attach(runtime) != FILCH_EATTACHED ||
            filch_attach(NULL) != FILCH_EATTACHED)
            return arg;
        filch_spawn(&t, raise_flag, &stolen);
        if (filch_detach() != FILCH_EBUSY)
            return arg;
        until_thief_raises(&stolen);
        filch_sync(&t);
        if (filch_detach() != 0 || filch_detach() != FILCH_EINVAL)
            return arg;
    }
    filch_stats(runtime, FILCH_ALL_WORKERS, &s);
    return s.steals >= 3 && filch_num_workers(NULL) == 0 ? NULL : arg;
}

Test(attach, to_a_runtime_and_away)
{
    runtime = start(2);
    in_a_thread(attach_and_detach);
    cr_assert_eq(filch_stop(runtime), 0);
}

static void detach_in_vain(void *arg)
{
    *(int *)arg = filch_detach();
}

Test(attach, who_is_not_attached_cannot_detach)
{
    int error = 0;
    runtime = start(2);
    cr_assert_eq(filch_detach(), FILCH_EINVAL);
    cr_assert_eq(filch_run(runtime, detach_in_vain, &error), 0);
    cr_assert_eq(error, FILCH_EINVAL, "inside filch_run");
    answer_thieves();
    cr_assert_eq(filch_detach(), FILCH_EINVAL, "main stays until the default runtime is stopped");
    cr_assert_eq(filch_stop(NULL), 0);
    cr_assert_eq(filch_stop(runtime), 0);
}

static atomic_bool attached, may_leave;

static void *stay_attached(void *arg)
{
    int error = filch_attach(runtime);
    atomic_store(&attached, true);
    await(&may_leave);
    return error ? arg : NULL;
}

Test(attach, an_attached_thread_keeps_its_runtime_from_being_stopped)
{
    pthread_t thread;
    void *failed;
    runtime = start(2);
    start_thread(&thread, stay_attached, &failed);
    await(&attached);
    cr_assert_eq(filch_stop(runtime), FILCH_EBUSY);
    atomic_store(&may_leave, true);
    pthread_join(thread, &failed);
    cr_assert_null(failed);
    cr_assert_eq(filch_stop(runtime), 0);
}

static atomic_uint refused;

static void *attach_among_many(void *arg)
{
    int error = filch_attach(runtime);
    if (error)
        atomic_fetch_add(&refused, 1);
    bool ok = (error == 0 || error == FILCH_EFULL) && (fib(10) == 55);
    pthread_barrier_wait(&all_attached);
    return ok ? NULL : arg;
}

Test(attach, no_more_than_there_are_slots)
{
    enum { MORE = SLOTS + 3 };
    pthread_t thread[MORE];
    void *failed;
    setenv("FILCH_NUM_WORKERS", "2", 1);
    runtime = start(2);
    runtime->slots = runtime->threads + SLOTS - 1;
    pthread_barrier_init(&all_attached, NULL, MORE);
    for (int i = 0; i < MORE; i++)
        start_thread(&thread[i], attach_among_many, thread);
    for (int i = 0; i < MORE; i++) {
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    cr_assert_eq(atomic_load(&refused), (unsigned)(MORE - SLOTS));
    cr_assert_eq(filch_stop(runtime), 0);
    cr_assert_eq(filch_stop(NULL), 0, "those that were refused had used the default one");
}

/* More often than a process may have keys. */
Test(attach, many_runtimes_one_after_the_other)
{
    for (int i = 0; i < 1500; i++) {
        runtime = start(1);
        cr_assert_eq(filch_attach(runtime), 0);
        cr_assert_eq(fib(5), 5);
        cr_assert_eq(filch_detach(), 0);
        cr_assert_eq(filch_stop(runtime), 0);
    }
}

/* ---- misuse ---- */

static void *end_unsynced(void *arg)
{
    static filch_task t;
    filch_spawn(&t, raise_flag, &attached);
    return arg;
}

static void leave_a_task(void)
{
    pthread_t thread;
    setenv("FILCH_NUM_WORKERS", "1", 1);
    start_thread(&thread, end_unsynced, NULL);
    pthread_join(thread, NULL);
}

Test(attach, a_thread_that_ends_with_a_task_unsynced)
{
    struct child child = child_of(leave_a_task);
    cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT, "status %#x", (unsigned)child.status);
    cr_assert(strstr(child.said, "the end of a thread") && strstr(child.said, "unsynced"), "it said: %s", child.said);
}

/* ---- inside a filch_run for which no slot was left ---- */

static filch_runtime *full;
static atomic_bool has_it, may_detach;

static void *take_its_slot(void *arg)
{
    if (filch_attach(full) != 0)
        return full;
    atomic_store(&has_it, true);
    await(&may_detach);
    return filch_detach() == 0 ? arg : full;
}

static void attach_without_a_slot(void *code)
{
    cr_assert(runs_at_its_spawn(), "it has no slot here");
    *(int *)code = filch_attach(NULL);
}

static void run_without_a_slot(void *code)
{
    cr_assert_eq(filch_run(full, attach_without_a_slot, code), 0);
}

Test(attach, not_inside_a_run_without_a_slot)
{
    filch_runtime *outside = start(2);
    pthread_t holder;
    void *failed = NULL;
    int code = 0;
    full = start(2);
    full->slots = full->threads; /* none but slot 0 is lent */
    start_thread(&holder, take_its_slot, NULL);
    await(&has_it);
    cr_assert_eq(filch_run(outside, run_without_a_slot, &code), 0);
    cr_assert_eq(code, FILCH_EATTACHED);
    atomic_store(&may_detach, true);
    pthread_join(holder, &failed);
    cr_assert_null(failed);
    cr_assert_eq(filch_stop(full), 0);
    cr_assert_eq(filch_stop(outside), 0, "nothing was lent that stays");
}
