/* runtime/deque.c: an owner, thieves and forcers on real threads.
 *
 *   Checked   each task runs once, who syncs it sees its result (plain data: ThreadSanitizer sees what is not ordered),
 *             and at the end nothing is left, nor a question without a request (D5).
 *   How       each thread gives its processor away at random named points of the protocol (seam.h), so that it is
 *             stopped half-way often.  A lost task, or a waiter that is never told, is a sync that never ends: the
 *             test's time limit.
 *   Counted   steals, waits, who was first at a slot where the owner waits, take-backs, lost steals, tasks at their
 *             spawns, forced ones, two forced at once; goes on until all have happened. */
#define _GNU_SOURCE
#include "deque.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "deque_tasks.h"
#include "os.h"

enum { THIEVES = 3, FORCERS = 2, BATCH = 48, LEAST_ROUNDS = 3000, MOST_ROUNDS = 200000 };

static struct {
    struct fl_deque *d;
    atomic_bool stop;
    atomic_ulong steals, lost, asks, forced, force_lost, told;
    uint64_t waits, too_late, twice, wrong_runs, wrong_results, tasks;
} race;

/* Who waits is told by whoever finishes its task, as a fiber is resumed. */
struct race_waiter {
    struct fl_waiter waiter; /* the first member */
    atomic_bool told;
};

static __thread uint32_t stall_random;

/* Gives the processor away at one named point in eight: a thread that is stopped half-way is the rule here. */
static void stall(enum fl_point point)
{
    if (random_number(&stall_random) % 8 == (unsigned)point % 8)
        sched_yield();
}

static void run_and_tell(const struct fl_claim *claim)
{
    struct race_waiter *waiter = (struct race_waiter *)run_claimed(claim);
    if (!waiter)
        return;
    atomic_fetch_add_explicit(&race.told, 1, memory_order_relaxed);
    atomic_store_explicit(&waiter->told, true, memory_order_release);
}

static void *thief(void *arg)
{
    stall_random = (uint32_t)(uintptr_t)arg * 2654435769u;
    for (unsigned round = 0; !atomic_load(&race.stop); round++) {
        struct fl_claim claim;
        switch (fl_deque_steal(race.d, &claim)) {
        case FL_STOLEN:
            atomic_fetch_add_explicit(&race.steals, 1, memory_order_relaxed);
            run_and_tell(&claim);
            break;
        case FL_LOST: atomic_fetch_add_explicit(&race.lost, 1, memory_order_relaxed); break;
        case FL_EMPTY:
            if (fl_deque_ask(race.d, FL_ASK_WORK, round % 64 == 63))
                atomic_fetch_add_explicit(&race.asks, 1, memory_order_relaxed);
            sched_yield();
            break;
        }
    }
    return NULL;
}

static void *forcer(void *arg)
{
    stall_random = (uint32_t)(uintptr_t)arg * 2654435769u + 1;
    while (!atomic_load(&race.stop)) {
        struct fl_claim claim;
        enum fl_steal result = fl_deque_has_private(race.d) ? fl_deque_force(race.d, &claim) : FL_EMPTY;
        if (result == FL_STOLEN) {
            atomic_fetch_add_explicit(&race.forced, 1, memory_order_relaxed);
            run_and_tell(&claim);
        } else {
            if (result == FL_LOST)
                atomic_fetch_add_explicit(&race.force_lost, 1, memory_order_relaxed);
            sched_yield();
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

/* What runs on the owner's stack meanwhile spawns above t's slot.  In order, or a wait for own[i] came back here
 * without end. */
static void run_others(void)
{
    struct task own[2];
    for (int i = 0; i < 2; i++)
        race_spawn(&own[i], &stall_random);
    for (int i = 2; i-- > 0;)
        if (filch_detail_sync_on(on(race.d), &own[i].head))
            run_task(&own[i]);
    race.wrong_runs += (own[0].runs != 1) + (own[1].runs != 1);
}

static void wait_in_race(struct fl_deque *d, struct filch_detail_task *t)
{
    static unsigned depth;
    struct race_waiter waiter = {.waiter = {t}};
    atomic_init(&waiter.told, false);
    race.waits++;
    if (depth < 2) {
        depth++;
        run_others();
        depth--;
    }
    bool leaves = random_number(&stall_random) % 2;
    if (leaves && fl_deque_await(d, t->slot, &waiter.waiter)) {
        while (!atomic_load_explicit(&waiter.told, memory_order_acquire))
            sched_yield();
        return;
    }
    race.too_late += leaves;
    while (!leaves && !fl_deque_is_done(d, t))
        sched_yield();
}

/* Until all that can happen has happened; forcing needs owners that go on. */
static bool is_enough(size_t capacity, unsigned thieves, unsigned forcers)
{
    uint64_t at_spawn = fl_load_rlx(test, &race.d->counts->at_spawn);
    if (thieves && (atomic_load(&race.steals) <= 500 || atomic_load(&race.lost) == 0 ||
                    fl_load_rlx(test, &race.d->counts->take_backs) <= 20))
        return false;
    if (forcers && (atomic_load(&race.forced) <= 200 || atomic_load(&race.force_lost) == 0 || race.twice == 0))
        return false;
    return race.waits > 20 && race.too_late > 0 && atomic_load(&race.told) > 0 && (capacity > BATCH || at_spawn > 20);
}

static void long_function(unsigned yields)
{
    unsigned taken = 0;
    for (; yields && taken < 2; yields--) {
        sched_yield();
        taken = (fl_load_rlx(test, &race.d->force) & 0xFFFFFF) >> 1;
    }
    race.twice += taken > 1;
}

static void run_race(size_t capacity, unsigned thieves, unsigned forcers, bool ordered)
{
    pthread_t thread[THIEVES + FORCERS];
    static struct task t[BATCH];
    void *storage = new_storage(capacity);
    uint32_t random = (uint32_t)capacity * 31 + thieves;
    if (forcers && !fl_os_has_heavy())
        cr_skip_test("no membarrier: nobody forces");
    memset(&race, 0, sizeof race);
    race.d = fl_deque_init(storage, capacity);
    stall_random = 99;
    wait_for = wait_in_race;
    fl_seam.at = stall;
    for (uintptr_t i = 0; i < thieves + forcers; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, i < thieves ? thief : forcer, (void *)(i + 1)), 0);

    unsigned rounds = 0;
    for (; rounds < MOST_ROUNDS; rounds++) {
        if (rounds >= LEAST_ROUNDS && is_enough(capacity, thieves, forcers))
            break;
        struct task *open[BATCH];
        unsigned n = 0;
        for (unsigned i = 0; i < BATCH || n;) {
            if (random_number(&random) % 32 == 0)
                long_function(forcers ? 20 : 1); /* or a thief on the same processor never sees a task */
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
    for (unsigned i = 0; i < thieves + forcers; i++)
        pthread_join(thread[i], NULL);
    fl_seam.at = NULL;

    cr_assert_eq(race.wrong_runs, 0u, "%zu of %zu tasks were lost or run twice", (size_t)race.wrong_runs,
                 (size_t)race.tasks);
    cr_assert_eq(race.wrong_results, 0u);
    cr_assert(fl_deque_idle(race.d));
    cr_assert(!fl_load_rlx(test, &race.d->asked) || fl_load_rlx(test, &race.d->hot.limit) == FILCH_DETAIL_REQUEST,
              "D5");
    cr_assert(rounds < MOST_ROUNDS,
              "not exercised: %lu steals, %zu waits, %zu too late, %lu told, %zu taken back, %zu at spawn, %lu lost, "
              "%lu forced, %zu twice, %lu lost",
              atomic_load(&race.steals), (size_t)race.waits, (size_t)race.too_late, atomic_load(&race.told),
              (size_t)fl_load_rlx(test, &race.d->counts->take_backs),
              (size_t)fl_load_rlx(test, &race.d->counts->at_spawn), atomic_load(&race.lost), atomic_load(&race.forced),
              (size_t)race.twice, atomic_load(&race.force_lost));
    cr_assert_eq(fl_load_rlx(test, &race.d->counts->forced), atomic_load(&race.forced));
    free(storage);
}

Test(deque_race, an_owner_and_a_thief_in_order, .timeout = 50)
{
    run_race(64, 1, 0, true);
}

Test(deque_race, an_owner_and_a_thief_in_any_order, .timeout = 50)
{
    run_race(64, 1, 0, false);
}

Test(deque_race, an_owner_and_thieves_in_any_order, .timeout = 50)
{
    run_race(64, THIEVES, 0, false);
}

Test(deque_race, a_full_deque_and_thieves, .timeout = 50)
{
    run_race(4, THIEVES, 0, false);
}

Test(deque_race, a_full_deque_and_thieves_in_order, .timeout = 50)
{
    run_race(8, 2, 0, true);
}

Test(deque_race, an_owner_and_a_forcer_in_order, .timeout = 50)
{
    run_race(64, 0, 1, true);
}

Test(deque_race, an_owner_and_forcers_in_any_order, .timeout = 50)
{
    run_race(64, 0, FORCERS, false);
}

Test(deque_race, a_full_deque_and_forcers, .timeout = 50)
{
    run_race(4, 0, FORCERS, false);
}

Test(deque_race, everybody, .timeout = 50)
{
    run_race(64, THIEVES, FORCERS, false);
}

Test(deque_race, everybody_in_order, .timeout = 50)
{
    run_race(64, THIEVES, FORCERS, true);
}
