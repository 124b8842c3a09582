/* filch_stats: each counter counts what it says, for the worker that it says, in programs that leave nothing to chance.
 * Two workers: 0 is this test's thread inside filch_run, 1 a thread of the runtime; 2 is the spare, which may come as
 * soon as 0 has no place, and steal of what answer_thieves spawns. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "fib.h"
#include "os.h"
#include "process.h"
#include "runtime.h"
#include "seam.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(stats, .init = clear_environment, .timeout = 40);

static filch_runtime *runtime; /* of the test that runs */

static struct filch_counters counts_of(int worker)
{
    struct filch_counters s;
    memset(&s, 0xAB, sizeof s);
    s.size = sizeof s;
    cr_assert_eq(filch_stats(runtime, worker, &s), 0);
    cr_assert_eq(s.size, sizeof s);
    return s;
}

static void start_with(unsigned workers, size_t deque)
{
    filch_config c = {.size = sizeof c, .workers = workers, .deque = deque};
    cr_assert_eq(filch_start(&runtime, &c), 0);
}

static struct filch_counters counts_after(unsigned workers, size_t deque, void (*program)(void *))
{
    start_with(workers, deque);
    cr_assert_eq(filch_run(runtime, program, NULL), 0);
    struct filch_counters s = counts_of(FILCH_ALL_WORKERS);
    cr_assert_eq(filch_stop(runtime), 0);
    return s;
}

/* ---- one worker: nothing but its own slow paths ---- */

static void recursion(void *arg)
{
    (void)arg;
    (void)fib(N);
}

/* A region that has lasted for some time makes tasks public whoever may look for them (runtime/region.h). */
Test(stats, what_nobody_stole_is_counted_nowhere)
{
    struct filch_counters s = counts_after(1, 0, recursion);
    cr_assert(s.published >= s.publications && s.publications >= !!s.take_backs);
    s.publications = s.published = s.take_backs = 0;
#define ZERO(name, what) cr_assert_eq(s.name, 0u, #name);
    FILCH_COUNTERS(ZERO)
#undef ZERO
}

static void ten_out_of_order(void *arg)
{
    nothing_task t[10];
    (void)arg;
    for (int i = 0; i < 10; i++)
        nothing_spawn(&t[i]);
    for (int i = 0; i < 10; i++)
        nothing_sync(&t[i]);
}

Test(stats, unordered_counts_syncs_out_of_order)
{
    cr_assert_eq(counts_after(1, 0, ten_out_of_order).unordered, 9u, "the last one is in order");
}

static void seventy_at_once(void *arg)
{
    nothing_task t[70];
    (void)arg;
    for (int i = 0; i < 70; i++)
        nothing_spawn(&t[i]);
    nothing_sync_all(t, 70);
}

Test(stats, at_spawn_counts_tasks_without_room)
{
    struct filch_counters s = counts_after(1, 64, seventy_at_once);
    cr_assert_eq(s.at_spawn, 7u, "the last of 64 slots is never used");
}

/* ---- a stolen task ---- */

static atomic_bool began, go_on;

static void begin(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
}

static void one_stolen(void *arg)
{
    filch_task t;
    filch_spawn(&t, begin, arg);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(stats, a_stolen_task)
{
    start_with(2, 0);
    cr_assert_eq(filch_run(runtime, one_stolen, NULL), 0);
    struct filch_counters owner = counts_of(0), thief = counts_of(1), spare = counts_of(2);
    cr_assert_eq(filch_stop(runtime), 0);
    cr_assert(thief.steals >= 1, "it may have stolen one of those that answer_thieves spawns, too");
    cr_assert_eq(owner.steals, 0u);
    cr_assert_eq(owner.reused, thief.steals + spare.steals);
    cr_assert_eq(thief.reused + spare.reused, 0u);
    cr_assert(owner.forced || (owner.publications >= 1 && owner.published >= owner.publications));
    cr_assert_eq(thief.publications + thief.published + thief.forced, 0u);
    cr_assert_eq(spare.publications + spare.published + spare.forced, 0u);
    cr_assert_eq(owner.at_spawn, 0u);
}

static void begin_and_stay(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    await(&go_on);
}

/* On a fiber of worker 1: spawns when the other worker has asked, which is how that one gets the task. */
static void answers(void *arg)
{
    filch_task t;
    (void)arg;
    while (!fl_load_acq(asked, &fl_own_deque(fl_self())->asked))
        sched_yield();
    atomic_store(&began, false);
    atomic_store(&go_on, false);
    filch_spawn(&t, begin_and_stay, NULL);
    await(&began);
    atomic_store(&go_on, true);
    filch_sync(&t);
}

Test(stats, a_request_and_its_answer)
{
    unsigned rounds = 0;
    start_with(2, 0);
    do { /* who falls asleep asks everybody, which is not counted */
        cr_assert_eq(run_on_a_fiber(runtime, answers, NULL), 0);
        rounds++;
    } while (counts_of(1).requests + counts_of(2).requests == 0);
    struct filch_counters one = counts_of(1), spare = counts_of(2); /* they change parts */
    cr_assert_eq(filch_stop(runtime), 0);
    cr_assert(one.steals + spare.steals >= 2 * rounds);
    cr_assert_eq(one.published + spare.published + one.forced + spare.forced, rounds);
    cr_assert_eq(one.publications + spare.publications, one.published + spare.published);
    cr_assert_eq(one.reused + spare.reused, rounds);
}

/* The owner does not come by any slow path before the task has begun. */
static void deaf(void *arg)
{
    filch_task t;
    (void)arg;
    filch_spawn(&t, begin, NULL);
    await(&began);
    filch_sync(&t);
}

Test(stats, a_task_taken_by_force)
{
    if (!fl_os_has_heavy())
        cr_skip_test("no membarrier here: nothing is taken by force");
    start_with(2, 0);
    for (;;) { /* until the spawn was not what answered the question */
        atomic_store(&began, false);
        cr_assert_eq(filch_run(runtime, deaf, NULL), 0);
        if (counts_of(0).forced)
            break;
    }
    struct filch_counters owner = counts_of(0);
    cr_assert_eq(owner.forced + owner.published, counts_of(1).steals + counts_of(2).steals);
    cr_assert_eq(counts_of(1).forced + counts_of(2).forced, 0u);
    cr_assert_eq(filch_stop(runtime), 0);
}

/* The thief is stopped between its look and its claim, and the owner takes the task back meanwhile. */
static atomic_bool thief_stopped, owner_done;
static pthread_t owner_thread;

static void stop_thief_before_its_claim(enum fl_point point)
{
    if (point == FL_AT_STEAL_READ && !pthread_equal(pthread_self(), owner_thread) && !atomic_load(&owner_done)) {
        atomic_store(&thief_stopped, true);
        await(&owner_done);
    }
}

static void taken_back(void *arg)
{
    nothing_task t;
    (void)arg;
    nothing_spawn(&t);
    until_thief_raises(&thief_stopped);
    nothing_sync(&t);
    atomic_store(&owner_done, true);
}

Test(stats, a_task_taken_back)
{
    owner_thread = pthread_self();
    fl_seam.at = stop_thief_before_its_claim;
    fl_os_deny_heavy(); /* so that it is not taken by force */
    start_with(2, 0);
    cr_assert_eq(filch_run(runtime, taken_back, NULL), 0);
    while (counts_of(1).lost == 0) /* it finds out when it goes on */
        sched_yield();
    struct filch_counters owner = counts_of(0);
    cr_assert(owner.take_backs >= 1);
    cr_assert(owner.publications >= 1);
    cr_assert_eq(owner.lost, 0u);
    cr_assert_eq(owner.forced, 0u);
    cr_assert_eq(counts_of(1).lost, 1u);
    cr_assert_eq(counts_of(1).steals, 0u);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

/* ---- suspensions ---- */

static void raced_child(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    at_end();
}

enum { WORKERS = 4 };
static struct filch_counters so_far[WORKERS]; /* when the sync in question comes */

static void count_from_here(void)
{
    for (int i = 0; i < WORKERS; i++)
        so_far[i] = counts_of(i);
}

static void raced_parent(void *arg)
{
    filch_task t;
    (void)arg;
    new_race();
    filch_spawn(&t, raced_child, NULL);
    until_thief_raises(&began);
    count_from_here();
    at_sync(&t.head);
    filch_sync(&t);
}

enum { COUNTS = 7 };

static void list(uint64_t is[COUNTS], const struct filch_counters *s)
{
    const uint64_t list[COUNTS] = {s->steals,     s->suspensions, s->already_done, s->resumptions,
                                   s->migrations, s->mailed,      s->in_place};
    memcpy(is, list, sizeof list);
}

/* From count_from_here on. */
static void expect_suspensions(int worker, const unsigned expected[COUNTS])
{
    struct filch_counters s = counts_of(worker);
    uint64_t was[COUNTS], is[COUNTS];
    static const char *const name[COUNTS] = {"steals",     "suspensions", "already_done", "resumptions",
                                             "migrations", "mailed",      "in_place"};
    list(was, &so_far[worker]);
    list(is, &s);
    for (int i = 0; i < COUNTS; i++)
        cr_assert_eq(is[i] - was[i], expected[i], "worker %d: %s is %zu, not %u", worker, name[i],
                     (size_t)(is[i] - was[i]), expected[i]);
}

static void expect_race(enum ending how, bool fiber, const unsigned zero[COUNTS], const unsigned one[COUNTS],
                        const unsigned spare[COUNTS])
{
    fl_seam.at = hold_ending;
    forced_ending = how;
    start_with(2, 0);
    cr_assert_eq((fiber ? run_on_a_fiber : filch_run)(runtime, raced_parent, NULL), 0);
    expect_suspensions(0, zero);
    expect_suspensions(1, one);
    expect_suspensions(2, spare);
    struct filch_counters s = counts_of(FILCH_ALL_WORKERS);
    cr_assert_eq(s.reused, s.steals);
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

static const unsigned none[COUNTS];

/* Worker 0 is the parent's; its own stack is where it waits.  Worker 1 has stolen the child. */
Test(stats, a_task_done_before_its_parent_leaves)
{
    expect_race(DONE_BEFORE, false, none, none, none);
}

Test(stats, a_task_done_while_its_parent_leaves)
{
    expect_race(DONE_MEANWHILE, false, (unsigned[COUNTS]){0, 1, 1, 1, 0, 0, 0}, none, none);
}

Test(stats, a_task_done_when_its_parent_waits)
{
    expect_race(DONE_AFTER, false, (unsigned[COUNTS]){0, 1, 0, 1, 0, 0, 0}, (unsigned[COUNTS]){0, 0, 0, 0, 0, 1, 0},
                none);
}

/* Worker 1 has stolen the parent, for which worker 0 waits already, and the spare the child. */
Test(stats, a_task_done_before_its_parent_on_a_fiber_leaves)
{
    expect_race(DONE_BEFORE, true, (unsigned[COUNTS]){0, 0, 0, 1, 0, 0, 0}, (unsigned[COUNTS]){0, 0, 0, 0, 0, 1, 0},
                none);
}

Test(stats, a_task_done_while_its_parent_on_a_fiber_leaves)
{
    expect_race(DONE_MEANWHILE, true, (unsigned[COUNTS]){0, 0, 0, 1, 0, 0, 0}, (unsigned[COUNTS]){0, 1, 1, 1, 0, 1, 0},
                none);
}

/* The parent goes on where its child has ended; when it ends, so does the wait for it on worker 0's own stack. */
Test(stats, a_task_done_when_its_parent_on_a_fiber_waits)
{
    expect_race(DONE_AFTER, true, (unsigned[COUNTS]){0, 0, 0, 1, 0, 0, 0}, (unsigned[COUNTS]){0, 1, 0, 0, 0, 0, 0},
                (unsigned[COUNTS]){0, 0, 0, 1, 1, 1, 0});
}

static bool state_is(int worker, const char *state)
{
    return strcmp(counts_of(worker).state, state) == 0;
}

static void until_waited_for_in_place(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    while (!state_is(1, "waiting in place") && !state_is(2, "waiting in place"))
        sched_yield();
}

static void one_waited_for_in_place(void *arg)
{
    filch_task t;
    (void)arg;
    count_from_here();
    filch_spawn(&t, until_waited_for_in_place, NULL);
    until_thief_raises(&began);
    filch_sync(&t);
    while (!state_is(0, "waiting for a stolen task")) /* so that it does wait */
        sched_yield();
}

Test(stats, a_wait_for_want_of_a_fiber)
{
    start_with(3, 0);
    runtime->fibers.most = runtime->fibers.made;
    cr_assert_eq(run_on_a_fiber(runtime, one_waited_for_in_place, NULL), 0);
    struct filch_counters s = counts_of(FILCH_ALL_WORKERS), own = counts_of(0);
    expect_suspensions(0, (unsigned[COUNTS]){0, 0, 0, 1, 0, 0, 0}); /* it waited already */
    expect_suspensions(3, none); /* the spare's first fiber is not to be had either */
    cr_assert_eq(s.in_place, 1u);
    cr_assert_eq(s.suspensions, own.suspensions);
    cr_assert_eq(filch_stop(runtime), 0);
}

static void until_joining(void *arg)
{
    (void)arg;
    atomic_store(&began, true);
    while (!state_is(0, "waiting for a stolen task"))
        sched_yield();
    until_slot_says(2); /* it is in that state a moment before */
}

static void one_joined(void *arg)
{
    filch_task t;
    (void)arg;
    new_race();
    filch_spawn(&t, until_joining, NULL);
    until_thief_raises(&began);
    count_from_here();
    at_sync(&t.head);
    filch_sync(&t);
}

Test(stats, a_thread_of_the_user_waits)
{
    start_with(2, 0);
    cr_assert_eq(filch_run(runtime, one_joined, NULL), 0);
    expect_suspensions(0, (unsigned[COUNTS]){0, 1, 0, 1, 0, 0, 0});
    expect_suspensions(1, (unsigned[COUNTS]){0, 0, 0, 0, 0, 1, 0});
    cr_assert_eq(filch_stop(runtime), 0);
}

/* ---- sleep, and the states ---- */

Test(stats, a_sleeper_watches_then_sleeps_until_woken)
{
    start_with(2, 0);
    while (counts_of(1).ticks == 0 || !state_is(1, "asleep"))
        sched_yield();
    struct filch_counters s = counts_of(1);
    cr_assert(s.parkings >= 1);
    cr_assert_eq(s.wake_ups, 0u);
    cr_assert_eq(s.steals, 0u);
    cr_assert_eq(filch_run(runtime, one_stolen, NULL), 0);
    cr_assert(counts_of(1).wake_ups >= 1);
    cr_assert_eq(counts_of(0).parkings + counts_of(0).wake_ups, 0u, "worker 0 never slept");
    cr_assert_eq(filch_stop(runtime), 0);
}

/* 0 until the owner runs, 1 until the other worker has entered its sleep, 2 until there is work, 3 */
static FL_ATOMIC(int) shows_work;

/* A sleeper is held before its second look until there is something to be seen. */
static void hold_second_look(enum fl_point point)
{
    if (point == FL_AT_PARK_ENTERED && fl_load_acq(shows_work, &shows_work) == 1) {
        fl_store_rel(shows_work, &shows_work, 2);
        while (fl_load_acq(shows_work, &shows_work) == 2)
            sched_yield();
    }
}

static void shows_work_late(void *arg)
{
    filch_task t;
    (void)arg;
    fl_store_rel(shows_work, &shows_work, 1);
    while (fl_load_acq(shows_work, &shows_work) == 1) /* it may be asleep by now: a task wakes it */
        answer_thieves();
    filch_spawn(&t, begin, NULL); /* public, if the spare has asked meanwhile; else it is seen as a private one */
    fl_store_rel(shows_work, &shows_work, 3);
    until_thief_raises(&began);
    filch_sync(&t);
}

Test(stats, who_sees_work_at_the_second_look_does_not_sleep)
{
    fl_seam.at = hold_second_look;
    start_with(2, 0);
    cr_assert_eq(run_on_a_fiber(runtime, shows_work_late, NULL), 0);
    cr_assert(counts_of(1).cancelled + counts_of(2).cancelled >= 1); /* either has the fiber */
    cr_assert_eq(filch_stop(runtime), 0);
    fl_seam.at = NULL;
}

static bool ran_as_running;

static void look_at_oneself(void *arg)
{
    (void)arg;
    ran_as_running = state_is(0, "running");
}

Test(stats, states)
{
    start_with(2, 0);
    cr_assert(state_is(0, "no thread"));
    cr_assert(state_is(2, "no thread"), "a slot for a thread of the user");
    cr_assert_null(counts_of(FILCH_ALL_WORKERS).state);
    cr_assert_eq(filch_run(runtime, look_at_oneself, NULL), 0);
    cr_assert(ran_as_running);
    cr_assert(state_is(0, "no thread"), "it was given back");
    bool searched = false, watched = false;
    while (!searched || !watched) { /* who has run a task searches for the next one, and then watches for some time */
        atomic_store(&began, false);
        cr_assert_eq(filch_run(runtime, one_stolen, NULL), 0);
        for (int i = 0; i < 100; i++) {
            searched |= state_is(1, "searching");
            watched |= state_is(1, "asleep, watching");
            sched_yield();
        }
    }
    cr_assert_eq(filch_stop(runtime), 0);
}

/* ---- the call ---- */

Test(stats, arguments)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, &s), FILCH_ESTOPPED);
    cr_assert_eq(filch_num_workers(NULL), 0u, "it started nothing");
    setenv("FILCH_NUM_WORKERS", "3", 1);
    cr_assert_eq(fib(N), FIB_N);
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, NULL), FILCH_EINVAL);
    s.size = 0;
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, &s), FILCH_EINVAL);
    s.size = sizeof s.size - 1;
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, &s), FILCH_EINVAL);
    cr_assert_eq(filch_stop(NULL), 0);
    s.size = sizeof s;
    cr_assert_eq(filch_stats(NULL, FILCH_ALL_WORKERS, &s), FILCH_ESTOPPED);
}

Test(stats, workers_that_there_are)
{
    int guests = 1 + FL_GUESTS; /* slots behind filch_num_workers: the spare's, and those that filch_run promises */
    start_with(3, 0);
    for (int worker = FILCH_ALL_WORKERS; worker < 3 + guests; worker++)
        (void)counts_of(worker);
    static const int absent[] = {-2, 4 + FL_GUESTS, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        struct filch_counters s, before;
        memset(&s, 0xAB, sizeof s);
        s.size = sizeof s;
        before = s;
        cr_assert_eq(filch_stats(runtime, absent[i], &s), FILCH_EINVAL, "worker %d", absent[i]);
        cr_assert_eq(memcmp(&s, &before, sizeof s), 0, "an error touches nothing");
    }
    cr_assert_eq(filch_stop(runtime), 0);
}

static void add(struct filch_counters *sum, const struct filch_counters *s)
{
#define ADD(name, what) sum->name += s->name;
    FILCH_COUNTERS(ADD)
#undef ADD
}

/* Idle workers go on counting: the sum of all lies between two sums of each. */
Test(stats, the_sum_of_all_workers)
{
    start_with(3, 0);
    do
        expect_fib(runtime);
    while (counts_of(FILCH_ALL_WORKERS).parkings == 0);
    struct filch_counters before = {.size = 0}, after = {.size = 0};
    for (int worker = 0; worker < 3 + FL_GUESTS; worker++) {
        struct filch_counters s = counts_of(worker);
        add(&before, &s);
    }
    struct filch_counters all = counts_of(FILCH_ALL_WORKERS);
    for (int worker = 0; worker < 3 + FL_GUESTS; worker++) {
        struct filch_counters s = counts_of(worker);
        add(&after, &s);
    }
#define BETWEEN(name, what) cr_assert(before.name <= all.name && all.name <= after.name, #name);
    FILCH_COUNTERS(BETWEEN)
#undef BETWEEN
    cr_assert_eq(filch_stop(runtime), 0);
}

Test(stats, no_byte_beyond_the_callers_size)
{
    union {
        struct filch_counters s;
        unsigned char byte[sizeof(struct filch_counters) + 64];
    } u;
    start_with(1, 0);
    for (size_t size = sizeof u.s.size; size <= sizeof u; size += 8) {
        memset(&u, 0xAB, sizeof u);
        u.s.size = size;
        cr_assert_eq(filch_stats(runtime, FILCH_ALL_WORKERS, &u.s), 0);
        cr_assert_eq(u.s.size, size);
        for (size_t i = size; i < sizeof u; i++)
            cr_assert_eq(u.byte[i], 0xABu, "byte %zu of %zu", i, size);
        for (size_t i = sizeof u.s.size; i < size; i++)
            cr_assert_eq(u.byte[i], 0u, "byte %zu of %zu is not filled", i, size);
    }
    cr_assert_eq(filch_stop(runtime), 0);
}

static void *ask_often(void *rt)
{
    struct filch_counters s = {.size = sizeof s};
    uint64_t steals = 0;
    for (int i = 0; i < 2000; i++) {
        if (filch_stats(rt, i % 3 == 2 ? FILCH_ALL_WORKERS : i % 3, &s) != 0)
            return rt;
        if (i % 3 != 2)
            continue;
        if (s.steals < steals)
            return rt;
        steals = s.steals;
    }
    return NULL;
}

Test(stats, from_any_thread_while_tasks_run)
{
    pthread_t thread;
    void *failed;
    start_with(3, 0);
    start_thread(&thread, ask_often, runtime);
    for (int i = 0; i < 50; i++)
        expect_fib(runtime);
    pthread_join(thread, &failed);
    cr_assert_null(failed, "a counter went down");
    cr_assert_eq(filch_stop(runtime), 0);
}
