/* A little of everything that tasks do, its result checked, for processes in which something goes wrong. */
#ifndef FILCH_TESTS_FAULT_WORK_H
#define FILCH_TESTS_FAULT_WORK_H

#include <filch.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fib.h"
#include "process.h"
#include "seam.h"
#include "stolen.h"

/* ---- a task that is stolen, or that ran at its spawn ---- */

static inline void raise_flag(atomic_bool *flag)
{
    atomic_store(flag, true);
}
FILCH_TASK(void, raise_flag, atomic_bool *);

static atomic_uint ran_at_spawn;

static inline void have_one_stolen(void)
{
    atomic_bool began = false;
    raise_flag_task t;
    raise_flag_spawn(&t, &began);
    atomic_fetch_add(&ran_at_spawn, t.head.slot == FILCH_DETAIL_RAN);
    until_thief_raises(&began);
    raise_flag_sync(&t);
}

/* ---- a fiber that waits ---- */

/* The parent's sync has found its task stolen (FL_AT_WAIT). */
static atomic_bool must_wait;
enum { ROUNDS = 300 }; /* then nobody stole the task, or it runs at its spawn */

static inline void at_wait(enum fl_point point)
{
    if (point == FL_AT_WAIT)
        atomic_store(&must_wait, true);
}

static inline long child(atomic_bool *began)
{
    atomic_store(began, true);
    for (int i = 0; i < ROUNDS && !atomic_load(&must_wait); i++)
        sched_yield();
    return fib(N);
}
FILCH_TASK(long, child, atomic_bool *);

/* On a fiber, if a thief took it.  What it spawns is stolen if another thread is there to do it. */
static inline long parent(atomic_bool *began)
{
    atomic_bool child_began = false;
    child_task t;
    atomic_store(&must_wait, false);
    atomic_store(began, true);
    child_spawn(&t, &child_began);
    for (int i = 0; i < ROUNDS && !atomic_load(&child_began); i++) {
        answer_thieves();
        sched_yield();
    }
    return child_sync(&t);
}
FILCH_TASK(long, parent, atomic_bool *);

static inline long suspend_one(void)
{
    atomic_bool began = false;
    parent_task t;
    parent_spawn(&t, &began);
    until_thief_raises(&began);
    return parent_sync(&t);
}

/* ---- many of them ---- */

enum { LINKS = 40 }; /* fibers come in maps of sixteen */

struct link {
    int below;
    atomic_bool began;
};

/* Each link waits for the next one, which another thread runs: a fiber each.  The number of links. */
static inline long chain(struct link *self);
FILCH_TASK(long, chain, struct link *);

static inline long chain(struct link *self)
{
    struct link next = {self->below - 1, false};
    chain_task t;
    atomic_store(&self->began, true);
    if (!self->below)
        return 0;
    chain_spawn(&t, &next);
    for (int i = 0; i < ROUNDS && !atomic_load(&next.began); i++) {
        answer_thieves();
        sched_yield();
    }
    return chain_sync(&t) + 1;
}

static inline void suspend_many(void *arg)
{
    (void)arg;
    struct link first = {LINKS, false};
    chain_task t;
    chain_spawn(&t, &first);
    until_thief_raises(&first.began);
    CHILD_REQUIRE(chain_sync(&t) == LINKS);
}

/* By one thread at a time. */
static inline void work(void *arg)
{
    (void)arg;
    have_one_stolen();
    CHILD_REQUIRE(suspend_one() == FIB_N);
    CHILD_REQUIRE(fib(N) == FIB_N);
}

#endif
