/* Latches (runtime/latch.c) under the model checker.
 *
 *   Program   Two actors, each of which opens a latch of its own and waits for the other's, in its way: by sleeping, by
 *             leaving its fiber, or by looking again and again.  Each latch is memory that is gone when its waiter has
 *             gone on.
 *   Asserts   Who goes on sees what the opener did before, and who is told of a fiber what its owner did before it
 *             left.  Of a fiber that was left exactly one is told.  Nobody touches a latch that is gone; one that a
 *             thread sleeps on stays until the end, as the wake-up passes its address to the kernel. */
#include "latch.h"

#include "os.h"

#include <string.h>

#include "mc.h"

enum way { LOOK, SLEEP, LEAVE };

struct setup {
    enum way way[2];
};

static struct box {
    struct fl_latch *latch;
    int made, left, resumed; /* plain data: what was done before open, before leave, and by who was told */
    FL_ATOMIC(int) goes_on;
} box[2];
static const struct setup *setup;

void fl_os_futex_wait(const void *word, uint32_t expected, uint64_t ns)
{
    mc_assert(ns == 0);
    if (mc_futex_wait(word, expected))
        mc_count("slept");
}

void fl_os_futex_wake(const void *word, int at_most)
{
    if (mc_futex_wake(word, at_most))
        mc_count("woke");
}

static void open(struct box *b)
{
    mc_write(&b->made);
    b->made = 1;
    if (!fl_latch_open(b->latch))
        return;
    mc_read(&b->left);
    mc_assert(b->left == 1);
    b->resumed++;
    mc_assert(b->resumed == 1);
    mc_count("resumed");
    fl_store_rel(test_resume, &b->goes_on, 1);
}

static void wait(struct box *b, enum way way)
{
    if (way == LOOK)
        while (!fl_latch_is_open(b->latch))
            fl_spin(test_look);
    if (way == SLEEP)
        fl_latch_sleep(b->latch);
    if (way == LEAVE && !fl_latch_is_open(b->latch)) {
        mc_write(&b->left);
        b->left = 1;
        if (fl_latch_leave(b->latch))
            while (!fl_load_acq(test_resumed, &b->goes_on))
                fl_spin(test_wait);
        else
            mc_count("open already");
    }
    mc_read(&b->made);
    mc_assert(b->made == 1);
    if (way != SLEEP)
        mc_free(b->latch);
}

static void actor(void *arg)
{
    long i = (struct box *)arg - box;
    open(&box[1 - i]);
    wait(&box[i], setup->way[i]);
}

static void scenario(const void *arg)
{
    setup = arg;
    memset(box, 0, sizeof box);
    for (int i = 0; i < 2; i++) {
        fl_store_rlx(test_init, &box[i].goes_on, 0);
        box[i].latch = mc_alloc(sizeof *box[i].latch);
        fl_latch_init(box[i].latch);
    }
    int other = mc_spawn("other", actor, &box[1]);
    actor(&box[0]);
    mc_join(other);
    for (int i = 0; i < 2; i++)
        if (setup->way[i] == SLEEP)
            mc_free(box[i].latch);
    mc_assert(mc_blocks() == 0);
}

#define WAYS(a, b)                                                                                                    \
    &(const struct setup)                                                                                             \
    {                                                                                                                 \
        {                                                                                                             \
            a, b                                                                                                      \
        }                                                                                                             \
    }

static const struct mc_scenario scenarios[] = {
    {"look_and_sleep", scenario, WAYS(LOOK, SLEEP), .reach = "slept woke"},
    {"sleep_and_leave", scenario, WAYS(SLEEP, LEAVE), .reach = "slept woke resumed"},
    {"leave_and_look", scenario, WAYS(LEAVE, LOOK), .reach = "resumed"},
    {"leave_and_leave", scenario, WAYS(LEAVE, LEAVE), .reach = "resumed"},
    {0}};

const struct mc_program mc_program = {.name = "latch", .scenarios = scenarios};
