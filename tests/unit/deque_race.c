/* runtime/deque.c: an owner and thieves on real threads.
 *
 *   Checked   each task runs once, who syncs it sees its result (plain data: ThreadSanitizer sees what is not ordered),
 *             and at the end nothing is left, nor a question without a request (D5).
 *   How       each thread gives its processor away at random named points of the protocol (seam.h), so that it is
 *             stopped half-way often.  A lost task is a sync that never ends: the test's time limit.
 *   Counted   steals, waits, take-backs, lost steals, tasks at their spawns; goes on until all have happened. */
#define _GNU_SOURCE
#include "deque.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "deque_tasks.h"

enum { THIEVES = 3, BATCH = 48, LEAST_ROUNDS = 3000, MOST_ROUNDS = 200000 };

static struct {
    struct fl_deque *d;
    atomic_bool stop;
    atomic_ulong steals, lost, asks;
    uint64_t waits, wrong_runs, wrong_results, tasks;
} race;

static __thread uint32_t stall_random;

/* Gives the processor away at one named point in eight: a thread that is stopped half-way is the rule here. */
static void stall(enum fl_point point)
{
    if (random_number(&stall_random) % 8 == (unsigned)point % 8)
        sched_yield();
}

static void *thief(void *arg)
{
    uintptr_t id = (uintptr_t)arg;
    stall_random = (uint32_t)id * 2654435769u;
    for (unsigned round = 0; !atomic_load(&race.stop); round++) {
        struct filch_detail_task *t;
        switch (fl_deque_steal(race.d, &t)) {
        case FL_STOLEN:
            atomic_fetch_add_explicit(&race.steals, 1, memory_order_relaxed);
            fl_task_run_stolen(t, id);
            break;
        case FL_LOST: atomic_fetch_add_explicit(&race.lost, 1, memory_order_relaxed); break;
        case FL_EMPTY:
            if (fl_deque_ask(race.d, round % 64 == 63))
                atomic_fetch_add_explicit(&race.asks, 1, memory_order_relaxed);
            sched_yield();
            break;
        }
    }
    return NULL;
}

static void race_spawn(struct task *t, uint32_t *random)
{
    t->argument = (long)random_number(random);
    t->result = 0;
    t->runs = 0;
    race.tasks++;
    filch_detail_spawn_on(on(race.d), &t->head, &site);
}

static void race_sync(struct task *t)
{
    if (filch_detail_sync_on(on(race.d), &t->head))
        run_task(t);
    race.wrong_runs += t->runs != 1;
    race.wrong_results += t->result != work_of(t->argument);
}

static void wait_in_race(struct filch_detail_task *t)
{
    struct task own[2];
    race.waits++;
    /* what runs here meanwhile spawns above t's slot */
    for (int i = 0; i < 2; i++)
        race_spawn(&own[i], &stall_random);
    for (int i = 2; i-- > 0;) /* in order, or the wait for own[i] comes back here without end */
        if (filch_detail_sync_on(on(race.d), &own[i].head))
            run_task(&own[i]);
    race.wrong_runs += (own[0].runs != 1) + (own[1].runs != 1);
    while (fl_task_state(t) != FL_DONE)
        sched_yield();
}

static void run_race(size_t capacity, unsigned thieves, bool ordered)
{
    pthread_t thread[THIEVES];
    static struct task t[BATCH];
    void *storage = new_storage(capacity);
    uint32_t random = (uint32_t)capacity * 31 + thieves;
    memset(&race, 0, sizeof race);
    race.d = fl_deque_init(storage, capacity);
    stall_random = 99;
    wait_for = wait_in_race;
    fl_seam.at = stall;
    for (uintptr_t i = 0; i < thieves; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, thief, (void *)(i + 1)), 0);

    unsigned rounds = 0;
    for (; rounds < MOST_ROUNDS; rounds++) {
        bool enough = atomic_load(&race.steals) > 500 && race.waits > 20 && atomic_load(&race.lost) > 0 &&
                      fl_load_rlx(test, &race.d->take_backs) > 20 &&
                      (capacity > BATCH || fl_load_rlx(test, &race.d->at_spawn) > 20);
        if (enough && rounds >= LEAST_ROUNDS)
            break;
        struct task *open[BATCH];
        unsigned n = 0;
        for (unsigned i = 0; i < BATCH || n;) {
            if (random_number(&random) % 32 == 0)
                sched_yield(); /* or a thief on the same processor never sees a task */
            if (i < BATCH && random_number(&random) % 5 < 3) {
                race_spawn(open[n++] = &t[i++], &random);
            } else if (n) {
                unsigned k = ordered ? n - 1 : random_number(&random) % n;
                struct task *chosen = open[k];
                memmove(&open[k], &open[k + 1], (--n - k) * sizeof *open);
                race_sync(chosen);
            }
        }
    }
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < thieves; i++)
        pthread_join(thread[i], NULL);
    fl_seam.at = NULL;

    cr_assert_eq(race.wrong_runs, 0u, "%zu of %zu tasks were lost or run twice", (size_t)race.wrong_runs,
                 (size_t)race.tasks);
    cr_assert_eq(race.wrong_results, 0u);
    cr_assert(fl_deque_idle(race.d));
    cr_assert(!fl_load_rlx(test, &race.d->asked) || fl_load_rlx(test, &race.d->hot.limit) == FILCH_DETAIL_REQUEST,
              "D5");
    cr_assert(rounds < MOST_ROUNDS, "not exercised: %lu steals, %zu waits, %zu taken back, %zu at spawn, %lu lost",
              atomic_load(&race.steals), (size_t)race.waits, (size_t)fl_load_rlx(test, &race.d->take_backs),
              (size_t)fl_load_rlx(test, &race.d->at_spawn), atomic_load(&race.lost));
    free(storage);
}

Test(deque_race, an_owner_and_a_thief_in_order, .timeout = 50)
{
    run_race(64, 1, true);
}

Test(deque_race, an_owner_and_a_thief_in_any_order, .timeout = 50)
{
    run_race(64, 1, false);
}

Test(deque_race, an_owner_and_thieves_in_any_order, .timeout = 50)
{
    run_race(64, THIEVES, false);
}

Test(deque_race, a_full_deque_and_thieves, .timeout = 50)
{
    run_race(4, THIEVES, false);
}

Test(deque_race, a_full_deque_and_thieves_in_order, .timeout = 50)
{
    run_race(8, 2, true);
}
