/* What a worker owes others while it waits for a stolen task, and what main gets when it asks for a slot too early. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>

#include "process.h"
#include "seam.h"
#include "stolen.h"

TestSuite(join, .init = clear_environment, .timeout = 40);

/* ---- a waiting owner answers ---- */

static atomic_bool oldest_began, sibling_began, owner_waits;

static void oldest(void *arg)
{
    (void)arg;
    atomic_store(&oldest_began, true);
    await(&sibling_began); /* which is private to the owner, and only a third worker can run */
}

static void sibling(void *arg)
{
    (void)arg;
    atomic_store(&sibling_began, true);
}

/* Who asks after the oldest was stolen asks only when the owner waits for it. */
static void hold_questions(enum fl_point point)
{
    if (point == FL_AT_WAIT)
        atomic_store(&owner_waits, true);
    if (point == FL_AT_ASKED && atomic_load(&oldest_began))
        await(&owner_waits);
}

static void wait_for_the_oldest(void *arg)
{
    filch_task old, young;
    (void)arg;
    filch_spawn(&old, oldest, NULL);
    until_thief_raises(&oldest_began);
    for (int i = 0; i < 100; i++)
        answer_thieves(); /* those who asked before */
    filch_spawn(&young, sibling, NULL);
    filch_sync(&old);
    filch_sync(&young);
}

Test(join, a_waiting_owner_answers_thieves)
{
    filch_config c = {.size = sizeof c, .workers = 3};
    filch_runtime *rt;
    fl_seam.at = hold_questions;
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(filch_run(rt, wait_for_the_oldest, NULL), 0);
    cr_assert(atomic_load(&owner_waits), "not exercised");
    cr_assert_eq(filch_stop(rt), 0);
}

/* ---- main, when all slots are lent ---- */

enum { GUESTS = 16 };

static atomic_int inside;
static atomic_bool leave;

static void stay(void *arg)
{
    (void)arg;
    atomic_fetch_add(&inside, 1);
    await(&leave);
}

static void *guest(void *arg)
{
    filch_run(NULL, stay, NULL);
    return arg;
}

static bool runs_at_its_spawn(void)
{
    nothing_task t;
    nothing_spawn(&t);
    bool ran = t.head.slot == FILCH_DETAIL_RAN;
    nothing_sync(&t);
    return ran;
}

Test(join, main_gets_a_slot_once_one_is_free)
{
    filch_config c = {.size = sizeof c, .workers = 1};
    pthread_t thread[GUESTS];
    cr_assert_eq(filch_start(NULL, &c), 0);
    for (int i = 0; i < GUESTS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, guest, NULL), 0);
    while (atomic_load(&inside) < GUESTS)
        sched_yield();
    cr_assert(runs_at_its_spawn());
    cr_assert(runs_at_its_spawn());
    atomic_store(&leave, true);
    for (int i = 0; i < GUESTS; i++)
        pthread_join(thread[i], NULL);
    cr_assert(!runs_at_its_spawn());
    cr_assert_eq(filch_stop(NULL), 0);
    cr_assert(!runs_at_its_spawn(), "after a stop the next spawn starts a runtime");
    cr_assert_eq(filch_stop(NULL), 0);
}

/* ---- questions do not keep a runtime from being stopped ---- */

static atomic_bool asked_enough;

static void *ask(void *arg)
{
    while (!atomic_load(&asked_enough)) {
        filch_stats s = {.size = sizeof s};
        filch_num_workers(NULL);
        filch_get_stats(NULL, &s);
    }
    return arg;
}

Test(join, questions_do_not_keep_a_runtime_from_being_stopped)
{
    pthread_t thread;
    filch_config c = {.size = sizeof c, .workers = 1};
    cr_assert_eq(pthread_create(&thread, NULL, ask, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(filch_start(NULL, &c), 0);
        cr_assert_eq(filch_stop(NULL), 0);
    }
    atomic_store(&asked_enough, true);
    pthread_join(thread, NULL);
}
