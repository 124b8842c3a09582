/* FILCH_UNCHECKED and a wrong order: undefined, and found later at best; FILCH_CHECK beside it wins. */
#define _GNU_SOURCE
#define FILCH_UNCHECKED
#include <filch.h>

#include <criterion/criterion.h>

#include "misuse.h"

TestSuite(unchecked, .init = clear_environment, .timeout = 60);

static long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

static void first_spawned_first_synced(void *arg)
{
    square_task t, u;
    (void)arg;
    square_spawn(&t, 3);
    square_spawn(&u, 4);
    square_sync(&t);
    square_sync(&u);
}

static void in_run(void)
{
    CHILD_REQUIRE(filch_run(NULL, first_spawned_first_synced, NULL) == 0);
    CHILD_REQUIRE(filch_stop(NULL) == 0);
}

/* With one worker: nobody is there whom the wrong bottom could mislead. */
Test(unchecked, wrong_order)
{
    struct child child = misuse_of(in_run, "1");
    if (CHECKED)
        expect_silence(child);
    else
        expect_death(child, "filch_run", NULL, "worker 0", LEFT_UNNAMED);
}

static void twice(void)
{
    square_task t;
    square_spawn(&t, 3);
    square_sync(&t);
    square_sync(&t);
}

Test(unchecked, twice)
{
    if (!CHECKED)
        cr_skip_test("undefined without FILCH_CHECK");
    expect_death(misuse_of(twice, "1"), "sync", &square_filch_site, "worker 0", NOT_HERE);
}
