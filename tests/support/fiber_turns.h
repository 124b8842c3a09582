/* Fibers of one thread that take turns with it.
 *
 *   Include it in a file that defines _GNU_SOURCE. */
#ifndef FILCH_TESTS_FIBER_TURNS_H
#define FILCH_TESTS_FIBER_TURNS_H

#include <criterion/criterion.h>

#include "fiber.h"
#include "process.h"

enum { STACK = 8 << 20, SLOTS = 1 << 20 };

static struct fl_fibers fibers;
static struct fl_fiber native;
static struct fl_fiber *current; /* of the tests with one thread */

static inline void go(struct fl_fiber *to)
{
    struct fl_fiber *from = current;
    current = to;
    fl_fiber_switch(from, to);
}

static inline void back(void)
{
    go(&native);
}

static inline void begin_with(void (*entry)(void))
{
    fl_fiber_init_native(&native, NULL, NULL);
    current = &native;
    fl_fibers_init(&fibers, STACK, SLOTS, entry);
}

static inline void end(void)
{
    fl_fibers_destroy(&fibers);
    fl_fiber_end_native(&native);
}

static inline struct fl_fiber *get(void)
{
    struct fl_fiber *f = fl_fibers_get(&fibers);
    cr_assert(f, "no fiber after %zu", fibers.made);
    return f;
}

#endif
