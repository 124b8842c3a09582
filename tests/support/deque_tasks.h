/* Tasks for the tests of runtime/deque.c, and the slow paths of spawn and sync as runtime/join.c has them: a test that
 * includes this is linked with deque.c and without join.c, and drives the hot path of <filch.h> as a program does. */
#ifndef FILCH_TESTS_DEQUE_TASKS_H
#define FILCH_TESTS_DEQUE_TASKS_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static inline uint32_t random_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u; /* Numerical Recipes; the low bits are weak */
    return *state >> 8;
}

enum status { NEW, RAN, WAITS, STOLEN, FINISHED };

struct task {
    struct filch_detail_task head;
    enum status status;
    long argument, result;
    unsigned runs;
};

/* What the owner does between a sync that found its task stolen and the task's end. */
static void (*wait_for)(struct fl_deque *d, struct filch_detail_task *t);
static enum fl_sync outcome; /* of the last slow sync; the owner's */

static inline long work_of(long argument)
{
    return argument * 31 + 7;
}

static void run_task(void *arg)
{
    struct task *t = arg;
    t->runs++;
    t->result = work_of(t->argument);
}

/* What a thief does with a task that it has claimed; returns who waits for it. */
static inline struct fl_waiter *run_claimed(const struct fl_claim *claim)
{
    claim->task->site->run(claim->task);
    return fl_deque_finish(claim);
}

static const filch_site site = {run_task, "run_task", __FILE__, __LINE__, sizeof(struct task)};

/* Where the hot path spawns and syncs on d, as the runtime leaves it after each slow path. */
static struct filch_detail_place on(struct fl_deque *d)
{
    fl_spawn_on(&d->hot);
    return filch_detail_here();
}

void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (!fl_deque_spawned(fl_deque_of(d), t))
        t->site->run(t);
}

static int finish(struct filch_detail_deque *d, struct filch_detail_task *t, enum fl_sync result)
{
    outcome = result;
    if (result == FL_WAIT) {
        wait_for(fl_deque_of(d), t);
        fl_deque_release(fl_deque_of(d), t);
        outcome = FL_WAIT;
    }
    return result == FL_RUN;
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    return finish(d, t, fl_deque_sync(fl_deque_of(d), t));
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    return finish(d, t, fl_deque_sync_any(fl_deque_of(d), t));
}

static inline void *new_storage(size_t capacity)
{
    size_t bytes = fl_deque_bytes(capacity);
    void *storage = aligned_alloc(FL_CACHE_LINE, bytes);
    cr_assert(storage);
    return memset(storage, 0, bytes);
}

#endif
