/* Makes sure that a task is stolen, without asking a clock: the spawner goes on only when the thief has begun. */
#ifndef FILCH_TESTS_STOLEN_H
#define FILCH_TESTS_STOLEN_H

#include <filch.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

static inline void nothing(void)
{
}
FILCH_TASK(void, nothing);

/* A spawn and a sync: the runtime answers a thief that asks, and publishes older tasks first. */
static inline void answer_thieves(void)
{
    nothing_task t;
    nothing_spawn(&t);
    nothing_sync(&t);
}

/* For a function that has tasks unsynced: returns when one of them, run by a thief, has raised the flag. */
static inline void until_thief_raises(atomic_bool *flag)
{
    while (!atomic_load(flag)) {
        answer_thieves();
        sched_yield();
    }
}

static inline void await(atomic_bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

#endif
