/* A program for debuggers and profilers: main asks for an errand; a thief runs it on a fiber; at the summit of a
 * recursion it syncs out of order, then waits for a stolen child, goes on on another thread, and does there what
 * argv[1] says: nothing, `labour` or `overrun`. */
#include <filch.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stolen.h"
#include "suspended.h"
#include "worker.h"

/* Stays a function of its own, so that its name is in every backtrace. */
#if defined __clang__
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noinline, noclone))
#endif

enum { HEIGHT = 4 };

struct fl_fiber *suspended; /* that of the errand; debuggers read it */
static atomic_bool errand_began, valley_began;
static const char *what;
static volatile unsigned long sink;

/* ---- what happens after the migration ---- */

FRAME static void labour(void)
{
    for (unsigned long i = 0; i < 600000000; i++)
        sink = i;
}

FRAME static void overrun(void)
{
    volatile size_t size = 3;            /* so that no compiler sees it coming */
    volatile char *three = malloc(size); /* and none leaves the store out */
    if (!three)
        abort();
    three[3] = 1;
    free((void *)(uintptr_t)three);
}

FRAME void arrived(void)
{
    if (strcmp(what, "labour") == 0)
        labour();
    else if (strcmp(what, "overrun") == 0)
        overrun();
    sink = 1;
}

/* ---- the child ---- */

/* Its parent is suspended now. */
FRAME void below(void)
{
    sink = 2;
}

static void valley(void)
{
    atomic_store(&valley_began, true);
    until_slot_says(2);
    below();
    sink = 5;
}
FILCH_TASK(void, valley);

/* ---- the errand ---- */

FRAME void out_of_order(void)
{
    nothing_task a, b;
    nothing_spawn(&a);
    nothing_spawn(&b);
    nothing_sync(&a);
    nothing_sync(&b);
    sink = 3;
}

FRAME static int summit(void)
{
    valley_task t;
    out_of_order();
    new_race();
    valley_spawn(&t);
    until_thief_raises(&valley_began);
    suspended = fl_self()->fiber;
    at_sync(&t.head);
    valley_sync(&t);
    arrived();
    sink = 4;
    return 1;
}

FRAME static int climb(int height)
{
    volatile int above = height ? climb(height - 1) : summit();
    return above + 1;
}

FRAME static int errand(int height)
{
    atomic_store(&errand_began, true);
    volatile int steps = climb(height);
    return steps;
}
FILCH_TASK(int, errand, int);

int main(int argc, char **argv)
{
    filch_config c = {.size = sizeof c, .workers = 2};
    errand_task t;
    what = argc > 1 ? argv[1] : "";
    if (filch_start(NULL, &c) != 0)
        return 1;
    errand_spawn(&t, HEIGHT);
    until_thief_raises(&errand_began);
    int steps = errand_sync(&t);
    return steps == HEIGHT + 2 && filch_stop(NULL) == 0 ? 0 : 1;
}
