/* A function on a fiber, and the three endings of the race between a sync and its stolen task, each forced by holding
 * one of the two at a seam.
 *
 *   Use       fl_seam.at = hold_ending and forced_ending = ..., before the runtime starts.  One pair at a time: the
 *             parent calls new_race before it spawns the task and at_sync right before its sync, when a thief has begun
 *             it; the task calls at_end as its last thing.
 *   Callers   C and C++. */
#ifndef FILCH_TESTS_SUSPENDED_H
#define FILCH_TESTS_SUSPENDED_H

#include <filch.h>
#include <pthread.h>
#include <sched.h>

#if defined __cplusplus
extern "C" {
#endif
#include "seam.h"
#if defined __cplusplus
}
#endif

/* ---- a function on a fiber ---- */

struct on_a_fiber {
    void (*fn)(void *);
    void *arg;
    pthread_t spawner;
    FL_ATOMIC(int) began;
    FL_ATOMIC(filch_detail_slot *) slot; /* of the task that calls fn */
};

/* 1: the task is done; 2: somebody waits for it (runtime/deque.c); 0: the slot is known. */
static inline int slot_says(filch_detail_slot *slot, uintptr_t bit)
{
    return slot && (fl_load_acq(raced_word, slot) & bit) == bit;
}

static inline void nothing_at_all(void *arg)
{
    (void)arg;
}

static inline void begin_on_a_fiber(void *arg)
{
    struct on_a_fiber *on = FILCH_DETAIL_CAST(struct on_a_fiber *, arg);
    fl_store_rel(began, &on->began, 1);
    while (!pthread_equal(pthread_self(), on->spawner) && !slot_says(fl_load_acq(on_slot, &on->slot), 2))
        sched_yield();
    on->fn(on->arg);
}

static inline void wait_for_a_fiber(void *arg)
{
    struct on_a_fiber *on = FILCH_DETAIL_CAST(struct on_a_fiber *, arg);
    filch_task t, other;
    on->spawner = pthread_self();
    filch_spawn(&t, begin_on_a_fiber, on);
    fl_store_rel(on_slot, &on->slot, filch_detail_slot_at(filch_detail_here().d, t.head.slot));
    while (!fl_load_acq(began, &on->began)) {
        filch_spawn(&other, nothing_at_all, FILCH_DETAIL_NULL);
        filch_sync(&other);
        sched_yield();
    }
    filch_sync(&t);
}

/* Calls fn(arg) as a stolen task, so that it may go on on another thread after a sync, when this thread waits in its
 * own sync: with two workers these are the two. */
static inline int run_on_a_fiber(filch_runtime *rt, void (*fn)(void *), void *arg)
{
    struct on_a_fiber on;
    on.fn = fn;
    on.arg = arg;
    fl_store_rel(began, &on.began, 0);
    fl_store_rel(on_slot, &on.slot, FILCH_DETAIL_CAST(filch_detail_slot *, FILCH_DETAIL_NULL));
    return filch_run(rt, wait_for_a_fiber, &on);
}

/* ---- the endings ---- */

enum ending {
    DONE_BEFORE,    /* before the sync decides to leave */
    DONE_MEANWHILE, /* when the fiber was left, and nobody knows yet that it waits */
    DONE_AFTER      /* when it waits */
};

static enum ending forced_ending;
static FL_ATOMIC(filch_detail_slot *) raced_for; /* the slot of the task */
static FL_ATOMIC(int) has_left;
static __thread int parent_is_here, child_is_here;

static inline void new_race(void)
{
    fl_store_rel(raced_for, &raced_for, FILCH_DETAIL_CAST(filch_detail_slot *, FILCH_DETAIL_NULL));
    fl_store_rel(has_left, &has_left, 0);
}

/* A call: the thread may be another one than before. */
static __attribute__((noinline, unused)) void at_sync(struct filch_detail_task *t)
{
    parent_is_here = 1;
    fl_store_rel(raced_for, &raced_for, filch_detail_slot_at(filch_detail_here().d, t->slot));
}

static __attribute__((noinline, unused)) void at_end(void)
{
    child_is_here = 1;
}

/* 0: the parent is at its sync. */
static inline void until_slot_says(uintptr_t bit)
{
    while (!slot_says(fl_load_acq(raced_for, &raced_for), bit))
        sched_yield();
}

static __attribute__((unused)) void hold_ending(enum fl_point point)
{
    if (point == FL_AT_WAIT && parent_is_here && forced_ending == DONE_BEFORE) {
        parent_is_here = 0;
        until_slot_says(1);
    }
    if (point == FL_AT_AWAIT && parent_is_here) {
        parent_is_here = 0;
        fl_store_rel(has_left, &has_left, 1);
        if (forced_ending == DONE_MEANWHILE)
            until_slot_says(1);
    }
    if (point == FL_AT_DONE && child_is_here) {
        child_is_here = 0;
        until_slot_says(0);
        if (forced_ending == DONE_AFTER)
            until_slot_says(2);
        while (forced_ending == DONE_MEANWHILE && !fl_load_acq(has_left, &has_left))
            sched_yield();
    }
}

#endif
