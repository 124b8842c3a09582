/* What happens to a sync whose task was stolen: how it ends, where it goes on, what others get meanwhile.  And what
 * main gets when it asks for a slot too early. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fenv.h>
#include <filch.h>
#include <pthread.h>
#include <string.h>

#include "os.h"
#include "process.h"
#include "runtime.h"
#include "seam.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(join, .init = clear_environment, .timeout = 40);

static filch_runtime *runtime; /* of the test that runs */

static void start_with(unsigned workers)
{
    filch_config c = {.size = sizeof c, .workers = workers};
    cr_assert_eq(filch_start(&runtime, &c), 0);
}

static struct filch_counters counts(void)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(runtime, FILCH_ALL_WORKERS, &s), 0);
    return s;
}

/* A call: after a sync it may be another one. */
static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

/* ---- the endings of the race, and where the parent goes on ---- */

enum { RACES = 100, FRAME = 64 };

static atomic_bool began;
static pthread_t before, after, of_child;
static unsigned wrong;

static long child_of_race(long n)
{
    atomic_store(&began, true);
    of_child = this_thread();
    at_end();
    return n * 31 + 7;
}
FILCH_TASK(long, child_of_race, long);

static void parent_of_race(void *arg)
{
    volatile long frame[FRAME];
    child_of_race_task t;
    long n = *(long *)arg;
    for (int i = 0; i < FRAME; i++)
        frame[i] = n + i;
    atomic_store(&began, false);
    before = this_thread();
    new_race();
    child_of_race_spawn(&t, n);
    until_thief_raises(&began);
    at_sync(&t.head);
    wrong += child_of_race_sync(&t) != n * 31 + 7;
    after = this_thread();
    for (int i = 0; i < FRAME; i++)
        wrong += frame[i] != n + i;
}

/* Repeated, as the second race reuses what the first one left: fibers, slots, deques. */
static void race(enum ending how, bool fiber)
{
    bool migrates = fiber && how == DONE_AFTER;
    fl_seam.at = hold_ending;
    forced_ending = how;
    start_with(2);
    for (long n = 0; n < RACES; n++) {
        cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, parent_of_race, &n), 0);
        cr_assert_eq(wrong, 0u);
        cr_assert(!pthread_equal(before, of_child), "not exercised");
        cr_assert(pthread_equal(after, migrates ? of_child : before), "it went on elsewhere");
        cr_assert(fiber || pthread_equal(after, pthread_self()));
    }
    struct filch_counters s = counts();
    cr_assert_eq(s.migrations, migrates ? (unsigned)RACES : 0u);
    cr_assert_eq(s.suspensions, s.resumptions);
    cr_assert(how != DONE_MEANWHILE || s.already_done >= RACES);
    cr_assert_eq(s.in_place, 0u);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

Test(join, done_before_a_thread_leaves_its_own_stack)
{
    race(DONE_BEFORE, false);
}

Test(join, done_while_a_thread_leaves_its_own_stack)
{
    race(DONE_MEANWHILE, false);
}

Test(join, done_when_a_threads_own_stack_waits)
{
    race(DONE_AFTER, false);
}

Test(join, done_before_a_fiber_is_left)
{
    race(DONE_BEFORE, true);
}

Test(join, done_while_a_fiber_is_left)
{
    race(DONE_MEANWHILE, true);
}

Test(join, done_when_a_fiber_waits)
{
    race(DONE_AFTER, true);
}

/* The same fiber begins again and again in the middle of giving up: its stack must not grow. */
static void many_in_vain(void *arg)
{
    for (long n = 0; n < 20 * RACES; n++)
        parent_of_race(&n);
    (void)arg;
}

Test(join, thousands_of_times_in_vain_take_no_stack)
{
    filch_config c = {.size = sizeof c, .workers = 2, .stack_size = 1 << 16};
    fl_seam.at = hold_ending;
    forced_ending = DONE_MEANWHILE;
    cr_assert_eq(filch_start(&runtime, &c), 0);
    cr_assert_eq(filch_run(runtime, many_in_vain, NULL), 0);
    cr_assert_eq(wrong, 0u);
    cr_assert(counts().already_done >= 20 * RACES);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

/* ---- who goes on while others sleep ---- */

static uintptr_t limit_after;

/* By their bits: the counts are wrong for a moment when somebody is woken (runtime/parking.h, K2). */
static void until_all_others_sleep(void)
{
    while (__builtin_popcountll(fl_load_rlx(bits, &runtime->parking.asleep[0].bits)) != 2 ||
           fl_load_rlx(watcher, &runtime->watcher))
        sched_yield();
}

static void ends_beside_sleepers(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
    until_all_others_sleep();
}

static void goes_on_beside_sleepers(void *arg)
{
    filch_task t;
    atomic_bool stolen = false;
    (void)arg;
    filch_spawn(&t, ends_beside_sleepers, &stolen);
    until_thief_raises(&stolen);
    filch_sync(&t);
    limit_after = fl_load_rlx(limit, &fl_own_deque(fl_self())->hot.limit);
}

/* I7: the sleepers have asked the deques that they saw, and this fiber's was on none of the workers.  Nobody watches,
 * so that nobody else asks. */
Test(join, who_goes_on_while_all_others_sleep_is_asked_for_work)
{
    start_with(3);
    cr_assert_eq(run_on_a_fiber(runtime, goes_on_beside_sleepers, NULL), 0);
    cr_assert(counts().migrations, "not exercised");
    cr_assert_eq(limit_after, FILCH_DETAIL_REQUEST);
    cr_assert_eq(filch_stop(runtime), 0);
}

/* One function that goes to and fro between two threads, and spawns on both. */
static void to_and_fro(void *arg)
{
    (void)arg;
    for (long n = 0; n < RACES; n++) {
        child_of_race_task t;
        nothing_task below[3];
        nothing_spawn(&below[0]);
        nothing_sync(&below[0]);
        atomic_store(&began, false);
        new_race();
        child_of_race_spawn(&t, n);
        until_thief_raises(&began);
        for (int i = 0; i < 3; i++)
            nothing_spawn(&below[i]);
        for (int i = 0; i < 3; i++)
            nothing_sync(&below[i]);
        pthread_t here = this_thread();
        at_sync(&t.head);
        wrong += child_of_race_sync(&t) != n * 31 + 7;
        wrong += pthread_equal(this_thread(), here) != 0;
    }
}

Test(join, a_function_that_migrates_at_each_sync)
{
    fl_seam.at = hold_ending;
    forced_ending = DONE_AFTER;
    start_with(2);
    cr_assert_eq(run_on_a_fiber(runtime, to_and_fro, NULL), 0);
    cr_assert_eq(wrong, 0u);
    cr_assert(counts().migrations >= RACES);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

/* ---- what the waiting parent has not synced yet is there for others ---- */

static atomic_bool oldest_began, sibling_began;

static void oldest(void *arg)
{
    (void)arg;
    atomic_store(&oldest_began, true);
    await(&sibling_began); /* which its parent, that waits for this one, cannot run */
}

static void sibling(void *arg)
{
    (void)arg;
    atomic_store(&sibling_began, true);
}

static void wait_for_the_oldest(void *arg)
{
    filch_task old, young;
    (void)arg;
    filch_spawn(&old, oldest, NULL);
    until_thief_raises(&oldest_began);
    filch_spawn(&young, sibling, NULL);
    filch_sync(&old);
    filch_sync(&young);
}

/* Until the parent had to wait: a spare may take the sibling before that, and then the oldest is done at its sync. */
static void until_it_is_left(bool fiber)
{
    uint64_t earlier;
    start_with(2); /* one is in the oldest: the other gets the sibling, from a fiber that no worker runs */
    do {
        earlier = counts().suspensions;
        atomic_store(&oldest_began, false);
        atomic_store(&sibling_began, false);
        cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, wait_for_the_oldest, NULL), 0);
    } while (counts().suspensions - earlier <= fiber); /* on a fiber one is main's own wait for that */
    cr_assert_eq(filch_stop(runtime), 0);
}

Test(join, a_waiting_fiber_leaves_its_tasks_to_others)
{
    until_it_is_left(true);
}

Test(join, a_waiting_thread_leaves_its_tasks_to_others)
{
    until_it_is_left(false);
}

enum { MANY = 50 };

static atomic_int many_began, on_parents_stack;
static struct fl_fiber *parents_fiber;

static __attribute__((noinline)) struct fl_fiber *this_fiber(void)
{
    __asm__ volatile("");
    return fl_self()->fiber;
}

static long one_of_many(long n)
{
    atomic_fetch_add(&many_began, 1);
    atomic_fetch_add(&on_parents_stack, this_fiber() == parents_fiber);
    if (n == 0)
        while (atomic_load(&many_began) < MANY) /* so the parent waits until all the others were stolen, too */
            sched_yield();
    return n * n;
}
FILCH_TASK(long, one_of_many, long);

static void oldest_first(void *arg)
{
    one_of_many_task t[MANY];
    (void)arg;
    parents_fiber = this_fiber();
    for (long n = 0; n < MANY; n++)
        one_of_many_spawn(&t[n], n);
    while (atomic_load(&many_began) == 0) {
        answer_thieves();
        sched_yield();
    }
    for (long n = 0; n < MANY; n++)
        wrong += one_of_many_sync(&t[n]) != n * n;
}

static void fifty(unsigned workers, bool fiber)
{
    start_with(workers);
    cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, oldest_first, NULL), 0);
    cr_assert_eq(wrong, 0u);
    cr_assert_eq(atomic_load(&many_began), MANY);
    cr_assert_eq(atomic_load(&on_parents_stack), 0);
    cr_assert(counts().steals >= MANY);
    cr_assert_eq(filch_stop(runtime), 0);
}

Test(join, fifty_children_of_a_waiting_fiber_are_all_stolen)
{
    fifty(2, true);
}

Test(join, fifty_children_of_a_waiting_fiber_are_all_stolen_by_several)
{
    fifty(5, true);
}

Test(join, fifty_children_of_a_waiting_thread_are_all_stolen)
{
    fifty(2, false);
}

/* ---- no fiber to be had ---- */

static bool scarce;
static FL_ATOMIC(struct fl_worker *) parents_worker; /* once it is about to sync */

/* While the parent answers thieves, the third worker may steal what it spawns to be able to; then it waits for that,
 * too.  What it did before the sync in question does not count. */
static struct filch_counters before_sync;

static void until_it_waits(void)
{
    struct fl_worker *w;
    do {
        sched_yield();
        w = fl_load_acq(parents_worker, &parents_worker);
    } while (!w || fl_load_acq(state, &w->state) != (w->id ? FL_WAITING : FL_JOINING));
}

static long until_waited_for(long n)
{
    atomic_store(&began, true);
    if (scarce)
        until_it_waits();
    else
        at_end();
    return n + 1;
}
FILCH_TASK(long, until_waited_for, long);

static void wait_with_or_without(void *arg)
{
    until_waited_for_task t;
    (void)arg;
    atomic_store(&began, false);
    new_race();
    until_waited_for_spawn(&t, 41);
    until_thief_raises(&began);
    before_sync = counts();
    at_sync(&t.head);
    fl_store_rel(parents_worker, &parents_worker, fl_self());
    wrong += until_waited_for_sync(&t) != 42;
}

static void without_fibers(bool fiber)
{
    fl_seam.at = hold_ending;
    forced_ending = DONE_AFTER;
    start_with(3);
    size_t most = runtime->fibers.most;
    runtime->fibers.most = runtime->fibers.made;
    scarce = true;
    cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, wait_with_or_without, NULL), 0);
    cr_assert_eq(wrong, 0u);
    struct filch_counters s = counts();
    cr_assert_eq(s.in_place - before_sync.in_place, (unsigned)fiber);
    cr_assert(fiber || s.suspensions - before_sync.suspensions == 1, "the thread's own");

    runtime->fibers.most = most;
    scarce = false;
    cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, wait_with_or_without, NULL), 0);
    cr_assert_eq(wrong, 0u);
    cr_assert_eq(counts().in_place, s.in_place, "there are fibers again");
    cr_assert(counts().suspensions - s.suspensions >= 1);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

Test(join, a_thread_needs_no_fiber_to_wait)
{
    without_fibers(false);
}

Test(join, a_fiber_without_a_fiber_waits_in_place)
{
    without_fibers(true);
}

static atomic_bool waits, holds;
static _Thread_local bool owns; /* asks itself in the name of sleepers, and must not wait for itself */

/* Who asks from then on asks only when the owner waits.  (Not before: whoever has stolen a task that the owner syncs
 * before that asks, too.) */
static void hold_questions(enum fl_point point)
{
    if (point == FL_AT_WAIT && parent_is_here)
        atomic_store(&waits, true);
    if (point == FL_AT_ASKED && !owns && atomic_load(&holds))
        await(&waits);
}

/* Its end is what the parent waits for, even if an earlier question had the sibling published before that. */
static void oldest_in_place(void *arg)
{
    (void)arg;
    atomic_store(&oldest_began, true);
    until_it_waits();
    await(&sibling_began);
}

static void wait_for_the_oldest_in_place(void *arg)
{
    filch_task old, young;
    (void)arg;
    owns = true;
    filch_spawn(&old, oldest_in_place, NULL);
    until_thief_raises(&oldest_began);
    for (int i = 0; i < 100; i++)
        answer_thieves(); /* those who asked before */
    atomic_store(&holds, true);
    filch_spawn(&young, sibling, NULL);
    at_sync(&old.head);
    fl_store_rel(parents_worker, &parents_worker, fl_self());
    filch_sync(&old);
    filch_sync(&young);
}

Test(join, who_waits_in_place_answers_thieves)
{
    fl_seam.at = hold_questions;
    fl_os_deny_heavy(); /* so that nothing is taken by force */
    start_with(4);
    runtime->fibers.most = runtime->fibers.made;
    cr_assert_eq(run_on_a_fiber(runtime, wait_for_the_oldest_in_place, NULL), 0);
    cr_assert(counts().in_place >= 1, "not exercised");
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

/* ---- floating point's control word belongs to the function that set it ---- */

static int childs_rounding;

static long note_rounding(void)
{
    atomic_store(&began, true);
    childs_rounding = fegetround();
    of_child = this_thread();
    at_end();
    return 0;
}
FILCH_TASK(long, note_rounding);

static volatile double one = 1, three = 3;

/* Rounded as the mode says: the store keeps the compiler from dividing before or after. */
static double third(void)
{
    volatile double quotient = one / three;
    return quotient;
}

static void round_upward(void *arg)
{
    note_rounding_task t;
    double nearest = third();
    (void)arg;
    before = this_thread();
    atomic_store(&began, false);
    new_race();
    fesetround(FE_UPWARD);
    double up = third();
    note_rounding_spawn(&t);
    until_thief_raises(&began);
    at_sync(&t.head);
    note_rounding_sync(&t);
    after = this_thread();
    wrong += fegetround() != FE_UPWARD;
    wrong += third() > up || third() < up || up <= nearest;
    fesetround(FE_TONEAREST);
}

static void rounding(bool fiber)
{
    fl_seam.at = hold_ending;
    forced_ending = DONE_AFTER;
    start_with(2);
    cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, round_upward, NULL), 0);
    cr_assert_eq(fiber, !pthread_equal(before, after), "not exercised");
    cr_assert_eq(wrong, 0u);
    cr_assert_eq(childs_rounding, FE_TONEAREST, "its parent's mode is its parent's");
    cr_assert_eq(fegetround(), FE_TONEAREST);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

Test(join, rounding_stays_with_a_fiber)
{
    rounding(true);
}

Test(join, rounding_stays_with_a_thread)
{
    rounding(false);
}

/* ---- main, when all slots are lent ---- */

enum { GUESTS = 17 };

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
    fl_first_runtime()->slots = fl_first_runtime()->threads + GUESTS - 1;
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
        struct filch_counters s = {.size = sizeof s};
        filch_num_workers(NULL);
        filch_stats(NULL, FILCH_ALL_WORKERS, &s);
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

/* ---- a thread of the user waits, and runs nothing meanwhile ---- */

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool other_began, other_may_end, child_began;

static void lock_and_unlock(void *arg)
{
    (void)arg;
    atomic_store(&other_began, true);
    pthread_mutex_lock(&normal);
    pthread_mutex_unlock(&normal);
}

static void until_other_began(void *arg)
{
    (void)arg;
    atomic_store(&child_began, true);
    await(&other_began);
    until_slot_says(2);
}

/* The other task needs the lock; the child ends only when somebody has begun that one and this thread waits. */
static void hold_a_lock(void *arg)
{
    filch_task other, child;
    (void)arg;
    atomic_store(&other_began, false);
    atomic_store(&child_began, false);
    pthread_mutex_lock(&normal);
    new_race();
    filch_spawn(&child, until_other_began, NULL);
    until_thief_raises(&child_began);
    filch_spawn(&other, lock_and_unlock, NULL);
    at_sync(&child.head);
    filch_sync(&child);
    pthread_mutex_unlock(&normal);
    filch_sync(&other);
}

Test(join, a_thread_holds_a_lock_over_its_sync)
{
    start_with(2);
    cr_assert_eq(filch_run(runtime, hold_a_lock, NULL), 0);
    cr_assert(counts().mailed >= 1, "not exercised");
    cr_assert_eq(filch_stop(runtime), 0);
}

static void until_allowed(void *arg)
{
    (void)arg;
    atomic_store(&other_began, true);
    await(&other_may_end);
}

static const char *state_of(int worker)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(runtime, worker, &s), 0);
    return s.state;
}

static bool is_asleep(int worker)
{
    return strcmp(state_of(worker), "asleep") == 0;
}

static atomic_bool third_began;

static void begin_third(void *arg)
{
    (void)arg;
    atomic_store(&third_began, true);
}

/* Once the child is done this thread, which has a place as it has waited, and the other task are at work: with two
 * places there is none for a third. */
static void go_on_beside_the_other(void *arg)
{
    filch_task other, child, third;
    (void)arg;
    new_race();
    filch_spawn(&child, until_other_began, NULL);
    until_thief_raises(&child_began);
    filch_spawn(&other, until_allowed, NULL);
    at_sync(&child.head);
    filch_sync(&child); /* a thread that had taken the other task meanwhile would not come back */
    filch_spawn(&third, begin_third, NULL);
    while (!is_asleep(1) && !is_asleep(2))
        answer_thieves();
    for (int i = 0; i < 1000; i++)
        answer_thieves();
    cr_assert(!atomic_load(&third_began), "three at work in two places");
    atomic_store(&other_may_end, true);
    until_thief_raises(&third_began); /* who is done with the other */
    filch_sync(&third);
    filch_sync(&other);
}

Test(join, a_thread_that_waits_takes_no_other_task_and_gets_its_place_back)
{
    start_with(2);
    cr_assert_eq(filch_run(runtime, go_on_beside_the_other, NULL), 0);
    cr_assert_eq(filch_stop(runtime), 0);
}

/* Nobody is at work any more: all places are free. */
Test(join, places_are_given_back)
{
    start_with(3);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(filch_run(runtime, hold_a_lock, NULL), 0);
        while (fl_load_rlx(test, &runtime->parking.idle) >> 20 != runtime->workers) /* taken as at first; searchers */
            sched_yield();
    }
    cr_assert_eq(filch_stop(runtime), 0);
}
