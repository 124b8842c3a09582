/* A deque, the fiber that owns it and its tasks, for the model tests of runtime/deque.c.
 *
 *   Fiber     The owner's program is a string: `s` spawns the next task, a digit syncs that task, `.` lets others go
 *             on, `?` asks as a thief would: the older half of what is private is published at the next spawn or sync.
 *             It can be left at a sync and gone on with by another thread, as join.c and worker.c do it (`suspends`);
 *             else it waits there, and may spawn and sync tasks of its own meanwhile (`helps`).
 *   Checks    Every task runs once, its arguments are seen by who runs it and its result by who syncs it (plain data:
 *             a race is a failure), nobody touches a task after its sync returned (its memory is freed there), nobody
 *             goes on with a fiber before it was left (plain data, too), and in the end the deque is empty and D5
 *   holds. Faults    Those planted here are of the deque's callers. */
#ifndef DEQUE_PLAY_H
#define DEQUE_PLAY_H

#include <string.h>

#include "deque.h"
#include "mc.h"

enum { MOST = 7, OTHERS = 3 };

struct setup {
    const char *program;
    int thieves, forcers, looks; /* each of them looks so often, and thieves ask when they find nothing */
    size_t capacity;
    bool asked;    /* a request is there from the start: saves the search the asking */
    bool helps;    /* tasks of the owner's own while it waits */
    bool suspends; /* a sync that must wait leaves the fiber */
    bool cold;     /* the deque gives nothing, and a slow sync tries the short way first, as region.c does */
    int later;     /* looks of the thread that has left the fiber */
};

struct task {
    struct filch_detail_task head;
    long argument, result;
    int runs;
};

static struct fiber {
    struct fl_waiter waiter; /* the first member, as in worker.c */
    const char *next;        /* in the program */
    struct task *task[MOST];
    int count;
    int saved; /* stands for all of it: written when the fiber is left, read when somebody goes on with it */
    struct filch_detail_task *stolen; /* what the last slow sync found stolen */
    uintptr_t kept;
} fiber;

static const struct setup *setup;
static struct fl_deque *deque;
static int spawned;    /* by the fiber, which is in one place */
static bool suspended; /* not part of the program: only counted by */
static FL_ATOMIC(uint32_t) finished;

/* ---- tasks ---- */

static void run(void *arg)
{
    struct task *t = arg;
    mc_read(&t->argument);
    mc_write(&t->runs);
    mc_assert(t->runs++ == 0);
    mc_write(&t->result);
    t->result = t->argument * 7;
}

static const filch_site site = {run, "task", __FILE__, __LINE__, sizeof(struct task)};

static struct filch_detail_place here(void)
{
    return (struct filch_detail_place){&deque->hot, 0};
}

static struct task *spawn(void)
{
    struct task *t = mc_alloc(sizeof *t);
    mc_name(&t->argument, "argument");
    mc_name(&t->result, "result");
    mc_name(&t->runs, "runs");
    mc_write(&t->runs);
    t->runs = 0;
    mc_write(&t->argument);
    t->argument = ++spawned;
    filch_detail_spawn_on(here(), &t->head, &site);
    return t;
}

static void synced(struct task *t)
{
    mc_read(&t->runs);
    mc_assert(t->runs == 1);
    mc_read(&t->result);
    mc_assert(t->result == t->argument * 7);
    mc_free(t);
}

static void wait_in_place(struct filch_detail_task *t);

/* False: the task is stolen, and the fiber must wait for it. */
static bool sync_or_wait(struct task *t)
{
    fiber.stolen = NULL;
    if (filch_detail_sync_on(here(), &t->head))
        run(t);
    return !fiber.stolen;
}

static void sync(struct task *t)
{
    if (!sync_or_wait(t))
        wait_in_place(&t->head);
    synced(t);
}

static void wait_in_place(struct filch_detail_task *t)
{
    mc_count("waited");
    while (!fl_deque_is_done(deque, t)) {
        if (setup->thieves)
            fl_deque_answer(deque);
        if (setup->helps && spawned < 8) {
            mc_count("helped");
            sync(spawn());
        }
        fl_spin(wait);
    }
    fl_deque_release(deque, t);
    mc_count("released");
}

/* ---- the slow paths, as runtime/join.c has them ---- */

static unsigned taken_by_force(void)
{
    return (unsigned)(deque->force.fl_value >> 1) & 0x7FFFFF;
}

static void count_forced(void)
{
    if (taken_by_force())
        mc_count(taken_by_force() > 1 ? "two_settled" : "settled");
}

void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    count_forced();
    if (!fl_deque_spawned(fl_deque_of(d), t)) {
        mc_count("ran_at_spawn");
        t->site->run(t);
    } else if (deque->ps.fl_value != before) {
        mc_count("published");
    }
}

/* What a sync found of its task: all that is public, some of it, or none. */
static void count_taken(uint64_t before, const struct filch_detail_task *t)
{
    uint32_t top = (uint32_t)before, split = (uint32_t)(before >> 32), i = (uint32_t)t->slot;
    if (i >= split)
        return;
    mc_count("taken_back");
    if (i > top)
        mc_count((uint32_t)(deque->ps.fl_value >> 32) > (uint32_t)deque->ps.fl_value ? "half_stays" : "above_taken");
}

static int finish_sync(struct filch_detail_task *t, enum fl_sync outcome, uint64_t before)
{
    mc_assert(outcome != FL_MISUSE);
    if (outcome == FL_RUN)
        count_taken(before, t);
    if (outcome == FL_WAIT)
        fiber.stolen = t;
    return outcome == FL_RUN;
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    count_forced();
    if (setup->cold && fl_deque_sync_cold(fl_deque_of(d), t->slot, true)) {
        mc_count("short_way");
        return 1;
    }
    return finish_sync(t, fl_deque_sync(fl_deque_of(d), t), before);
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    count_forced();
    enum fl_sync outcome = fl_deque_sync_any(fl_deque_of(d), t);
    if (outcome == FL_RUN)
        mc_count("hole");
    return finish_sync(t, outcome, before);
}

void fl_broken(const char *condition, const char *file, int line)
{
    mc_fail("%s does not hold (%s:%d)", condition, file, line);
}

/* ---- the fiber ---- */

static void resume(void)
{
    suspended = false;
    mc_read(&fiber.saved);
    struct filch_detail_task *t = fiber.stolen;
    fl_deque_release(deque, t);
    mc_count("released");
    if (FL_MUTANT(index_kept)) /* I3 broken: an index from before */
        fl_store_rel(mutant_keep, &deque->hot.bottom, fiber.kept);
    synced((struct task *)t);
}

/* I2 broken, as the first prototype did it. */
static void reset(void)
{
    fl_store_rlx(mutant_store, &deque->ps, (uint64_t)(uint32_t)deque->hot.base << 32 | (uint32_t)deque->hot.base);
    fl_store_rel(mutant_keep, &deque->hot.bottom, deque->hot.base);
}

/* Leaves the fiber.  False: another thread goes on with it, or did. */
static bool suspend(void)
{
    struct filch_detail_task *t = fiber.stolen;
    uintptr_t slot = t->slot, holes = deque->holes;
    if (fl_deque_is_done(deque, t)) {
        mc_count("done_already");
        resume();
        return true;
    }
    if (fl_deque_publish_all(deque))
        mc_count("left_behind");
    if (deque->holes < holes)
        mc_count("closed");
    mc_write(&fiber.waiter.task);
    fiber.waiter.task = t;
    fiber.kept = deque->hot.bottom.fl_value;
    suspended = true;
    if (FL_MUTANT(reset_at_suspension))
        reset();
    if (FL_MUTANT(await_before_leaving) && fl_deque_await(deque, slot, &fiber.waiter)) {
        mc_write(&fiber.saved); /* J3 broken */
        return false;
    }
    mc_write(&fiber.saved);
    /* the next fiber */
    if (FL_MUTANT(reset_at_suspension)) {
        struct task *other = spawn();
        if (!sync_or_wait(other))
            mc_fail("the next fiber's task is lost");
        synced(other);
        fiber.stolen = t;
    }
    if (!fl_deque_await(deque, slot, &fiber.waiter)) {
        mc_count("done_wins");
        resume();
        return true;
    }
    mc_count("await_wins");
    if (FL_MUTANT(touched_after_await)) { /* I8 broken */
        mc_read(&((struct task *)t)->argument);
        spawned += (int)((struct task *)t)->argument * 0;
    }
    return false;
}

/* The program, from where it is, to its end or until another thread goes on with it. */
static void play(void)
{
    while (*fiber.next) {
        char step = *fiber.next++;
        if (step == 's') {
            fiber.task[fiber.count++] = spawn();
        } else if (step == '.') {
            fl_spin(pause);
        } else if (step == '?') {
            fl_deque_ask(deque, FL_ASK_WORK, true);
        } else if (!setup->suspends) {
            sync(fiber.task[step - '0']);
        } else if (sync_or_wait(fiber.task[step - '0'])) {
            synced(fiber.task[step - '0']);
        } else if (!suspend()) {
            return;
        }
    }
    fl_store_rlx(finish_program, &finished, 1); /* main joins whoever did it */
    mc_futex_wake(&finished, 1);
}

/* ---- threads ---- */

static void run_claimed(const struct fl_claim *claim)
{
    struct task *t = (struct task *)claim->task;
    mc_assert(t && (uintptr_t)t % sizeof(void *) == 0);
    if (suspended)
        mc_count("from_suspended");
    run(t);
    struct fl_waiter *waiter = fl_deque_finish(claim);
    mc_assert(!waiter || waiter == &fiber.waiter);
    if (waiter && !FL_MUTANT(waiter_ignored)) {
        mc_count("migrated");
        resume();
        play();
    }
}

static void thief(void *arg)
{
    struct fl_claim claim;
    for (int i = 0; i < *(const int *)arg; i++)
        switch (fl_deque_steal(deque, &claim)) {
        case FL_STOLEN:
            mc_count("stolen");
            run_claimed(&claim);
            break;
        case FL_LOST: mc_count("lost"); break;
        case FL_EMPTY:
            if (fl_deque_ask(deque, FL_ASK_WORK, false))
                mc_count("asked");
            break;
        }
}

static void forcer(void *arg)
{
    struct fl_claim claim;
    for (int i = 0; i < *(const int *)arg; i++)
        switch (fl_deque_force(deque, &claim)) {
        case FL_STOLEN:
            mc_count("forced");
            run_claimed(&claim);
            break;
        case FL_LOST: mc_count("force_lost"); break;
        case FL_EMPTY: mc_count("nothing_private"); break;
        }
}

static void test(const void *arg)
{
    static const char *const thief_names[] = {"thief", "thief 2"}, *const forcer_names[] = {"forcer", "forcer 2"};
    int others[OTHERS], n = 0;
    setup = arg;
    spawned = 0;
    suspended = false;
    finished.fl_value = 0;
    fiber = (struct fiber){.next = setup->program};
    deque = fl_deque_init(mc_alloc(fl_deque_bytes(setup->capacity)), setup->capacity);
    mc_name(&deque->ps, "ps");
    mc_name(&deque->asked, "asked");
    mc_name(&deque->force, "force");
    mc_name(&deque->hot.bottom, "bottom");
    mc_name(&deque->hot.limit, "limit");
    mc_name(&fiber.saved, "saved");
    mc_name_each(filch_detail_slot_at(&deque->hot, deque->hot.base), setup->capacity, sizeof(filch_detail_slot),
                 "slot");
    fl_store_rlx(set_cold, &deque->cold, setup->cold); /* nobody else knows the deque yet */
    if (setup->asked)
        fl_deque_ask(deque, FL_ASK_WORK, false);
    for (int i = 0; i < setup->thieves; i++)
        others[n++] = mc_spawn(thief_names[i], thief, (void *)(uintptr_t)&setup->looks);
    for (int i = 0; i < setup->forcers; i++)
        others[n++] = mc_spawn(forcer_names[i], forcer, (void *)(uintptr_t)&setup->looks);
    play();
    if (setup->suspends) {
        thief((void *)(uintptr_t)&setup->later);
        while (!fl_load_rlx(program_end, &finished)) /* it joins whoever did it */
            mc_futex_wait(&finished, 0);
    }
    while (n)
        mc_join(others[--n]);
    mc_assert(fl_deque_idle(deque));
    mc_assert(fl_deque_is_valid(deque));
    mc_assert(!deque->holes);
    mc_assert(!deque->asked.fl_value || deque->hot.limit.fl_value == FILCH_DETAIL_REQUEST); /* D5 */
    mc_assert(!taken_by_force());
    mc_assert(mc_blocks() == 1);
}

#define FULL                                                                                                          \
    {                                                                                                                 \
        .strategy = MC_DFS                                                                                            \
    }
#define BOUND(n)                                                                                                      \
    {                                                                                                                 \
        .strategy = MC_DFS, .preemptions = MC_BOUND(n)                                                                \
    }

#define STALE(n)                                                                                                      \
    {                                                                                                                 \
        .strategy = MC_DFS, .stale = MC_BOUND(n)                                                                      \
    }
#define PCT(n)                                                                                                        \
    {                                                                                                                 \
        .strategy = MC_PCT, .executions = (n)                                                                         \
    }

#define SETUP(...) (&(const struct setup){__VA_ARGS__})

#endif
