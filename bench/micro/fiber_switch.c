/* Fibers that only switch to each other, in a ring: one call of fl_fiber_switch.  Two fit the smallest cache; a
 * thousand have their stacks and heads in the second level. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "fiber.h"
#include "sum.h"

enum { STACK = 64 << 10, SLOTS = 64, MOST = 1000 };

static struct fl_fibers fibers;
static struct fl_fiber native, *ring[MOST];
static size_t length = 2, at;
static uint64_t number, last, sum;

/* Goes on in the next fiber.  Each passage has a number; those that only complete a round count for nothing. */
static void pass_on(void)
{
    size_t from = at;
    sum += number < last ? number : 0;
    number++;
    at = at + 1 < length ? at + 1 : 0;
    fl_fiber_switch(ring[from], ring[at]);
}

static void passer(void)
{
    for (;;)
        pass_on();
}

static void prepare(long size)
{
    (void)size;
    fl_fiber_init_native(&native, NULL, NULL);
    fl_fibers_init(&fibers, STACK, SLOTS, passer);
    ring[0] = &native;
    for (size_t i = 1; i < length; i++) {
        ring[i] = fl_fibers_get(&fibers);
        if (!ring[i]) {
            fprintf(stderr, "micro/fiber_switch: no memory\n");
            exit(2);
        }
    }
}

uint64_t bench_region(long size)
{
    number = sum = 0;
    last = (uint64_t)size;
    while (number < last)
        pass_on(); /* returns after a round */
    return sum;
}

static bool mode(const char *name)
{
    if (strcmp(name, "thousand") == 0)
        length = MOST;
    return length == MOST || strcmp(name, "two") == 0;
}

static long warm_up(long n)
{
    return n / 10 + 1;
}

static uint64_t expected(long n)
{
    return sum_below((uint64_t)n);
}

static uint64_t tasks(long n)
{
    return (uint64_t)n;
}

const struct bench_workload bench_workload = {
    .name = "micro/fiber_switch",
    .size = 10000000,
    .smallest = 1,
    .largest = 1000000000,
    .warm_up = warm_up,
    .prepare = prepare,
    .expected = expected,
    .tasks = tasks,
    .mode = mode,
};
