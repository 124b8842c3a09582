/* A task object that is spawned while it waits for its sync, no function, and a task that syncs its caller's. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>

#include "misuse.h"

TestSuite(spawn, .init = clear_environment, .timeout = 60);

static long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

/* ---- twice ---- */

static void twice(void)
{
    square_task t;
    square_spawn(&t, 3);
    square_spawn(&t, 4);
    square_sync(&t);
    square_sync(&t);
}

/* What is left of the first spawn is in the way. */
static void is_in_the_way(void)
{
    CHILD_REQUIRE(!CHECKED);
    CHILD_REQUIRE(filch_stop(NULL) == FILCH_EBUSY);
}

static void twice_synced_once(void)
{
    square_task t;
    square_spawn(&t, 3);
    square_spawn(&t, 4);
    square_sync(&t);
    is_in_the_way();
}

static void twice_among_others(void)
{
    square_task t[40];
    for (int i = 0; i < 40; i++)
        square_spawn(&t[i], i);
    square_spawn(&t[7], 7);
    for (int i = 40; i-- > 0;)
        square_sync(&t[i]);
    is_in_the_way();
}

static void expect_twice(void (*body)(void), bool seen_in_release)
{
    struct child child = misuse_of(body, "1");
    if (CHECKED)
        expect_death(child, "spawn", &square_filch_site, "worker 0", SPAWNED_TWICE);
    else if (seen_in_release)
        expect_death(child, "sync", NULL, "worker 0", NOT_HERE);
    else
        expect_silence(child);
}

Test(spawn, twice)
{
    expect_twice(twice, true);
    expect_twice(twice_synced_once, false);
    expect_twice(twice_among_others, false);
}

/* ---- no function ---- */

static void without_function(void)
{
    filch_task t;
    filch_spawn(&t, NULL, NULL);
    filch_sync(&t);
}

Test(spawn, without_function)
{
    struct child child = misuse_of(without_function, "1");
    if (CHECKED)
        expect_death(child, "spawn", &filch_detail_untyped, "a thread without a worker slot", NO_FUNCTION);
    else
        cr_assert(WIFSIGNALED(child.status) || WEXITSTATUS(child.status) != 0,
                  "NULL was called: %#x", /* a sanitizer */
                  (unsigned)child.status);
}

/* ---- a task syncs its caller's ---- */

static long sync_that(square_task *t)
{
    return square_sync(t);
}
FILCH_TASK(long, sync_that, square_task *);

static void a_callers(void)
{
    square_task t;
    sync_that_task u;
    square_spawn(&t, 3);
    sync_that_spawn(&u, &t);
    sync_that_sync(&u);
    CHILD_REQUIRE(!CHECKED);
    square_sync(&t);
}

Test(spawn, a_task_syncs_its_callers)
{
    struct child child = misuse_of(a_callers, "1");
    if (CHECKED)
        expect_death(child, "return", &sync_that_filch_site, "worker 0", SYNCED_THE_CALLERS);
    else
        expect_death(child, "sync", NULL, "worker 0", NOT_HERE);
}

/* ---- what is right ---- */

static void again_and_again(void)
{
    square_task t[3];
    for (int i = 0; i < 10000; i++) {
        square_spawn(&t[i % 3], i);
        square_spawn(&t[(i + 1) % 3], i);
        CHILD_REQUIRE(square_sync(&t[i % 3]) == (long)i * i); /* not in order */
        CHILD_REQUIRE(square_sync(&t[(i + 1) % 3]) == (long)i * i);
    }
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

Test(spawn, one_object_again_and_again)
{
    expect_silence(misuse_of(again_and_again, "1"));
    expect_silence(misuse_of(again_and_again, "3"));
}
