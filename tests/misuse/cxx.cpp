/* Misuse in C++: the same sentences; exceptions that leave tasks behind. */
#include <filch.h>

#include <criterion/criterion.h>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "misuse.h"

TestSuite(cxx, .init = clear_environment, .timeout = 60);

static long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

static void twice()
{
    square_task t;
    square_spawn(&t, 3);
    square_sync(&t);
    square_sync(&t);
}

Test(cxx, synced_twice)
{
    struct child child = misuse_of(twice, "1");
    if (CHECKED)
        expect_death(child, "sync", &square_filch_site, "worker 0", NOT_HERE);
    else
        expect_death(child, "sync", nullptr, "worker 0", NOT_HERE);
}

/* ---- exceptions ---- */

static bool always = true;

__attribute__((noinline)) static void leave_by_exception()
{
    square_task t;
    square_spawn(&t, 3);
    if (always)
        throw std::runtime_error("over a task");
    square_sync(&t);
}

static void caught_below()
{
    square_task t;
    try {
        leave_by_exception();
    } catch (const std::exception &) {
    }
    square_spawn(&t, 4);
    CHILD_REQUIRE(square_sync(&t) == 16);
    CHILD_REQUIRE(!CHECKED);
    CHILD_REQUIRE(filch_stop(nullptr) == FILCH_EBUSY);
}

Test(cxx, an_exception_over_a_task)
{
    struct child child = misuse_of(caught_below, "1");
    if (CHECKED)
        expect_death(child, "a later spawn", &square_filch_site, "worker 0", LEFT_BEHIND);
    else
        expect_silence(child);
}

static void leave_in_auto()
{
    FILCH_AUTO(square, t, 3);
    throw std::runtime_error("over an automatic task");
}

/* Right: the scope syncs its task on this path, too. */
static void caught_over_auto()
{
    try {
        leave_in_auto();
    } catch (const std::exception &) {
    }
    CHILD_REQUIRE(filch_stop(nullptr) == 0);
}

static long throws(long n)
{
    if (n)
        throw std::runtime_error("a task");
    return n;
}
FILCH_TASK(long, throws, long);

/* Right: nobody has stolen the task, so its sync is a call that throws. */
static void thrown_at_its_sync()
{
    throws_task t;
    bool caught = false;
    throws_spawn(&t, 1);
    try {
        throws_sync(&t);
    } catch (const std::exception &) {
        caught = true;
    }
    CHILD_REQUIRE(caught);
    CHILD_REQUIRE(filch_stop(nullptr) == 0);
}

static std::atomic<bool> thief_began;

static long throws_to_nobody(long n)
{
    thief_began = true;
    if (n)
        throw std::runtime_error("a stolen task");
    return n;
}
FILCH_TASK(long, throws_to_nobody, long);

/* Its spawner may be in the middle of anything, so the exception cannot wait for the sync. */
static void thrown_by_a_thief()
{
    throws_to_nobody_task t;
    throws_to_nobody_spawn(&t, 1);
    while (!thief_began) {
        square_task other;
        square_spawn(&other, 2);
        square_sync(&other);
    }
    throws_to_nobody_sync(&t);
    CHILD_REQUIRE(false);
}

Test(cxx, an_exception_that_leaves_a_stolen_task)
{
    struct child child = misuse_of(thrown_by_a_thief, "2");
    cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT, "%#x", (unsigned)child.status);
    cr_assert(strstr(child.said, "terminat"), "std::terminate says: %s", child.said);
}

Test(cxx, what_an_exception_may_do)
{
    expect_silence(misuse_of(caught_over_auto, "1"));
    expect_silence(misuse_of(thrown_at_its_sync, "1"));
}

/* ---- constructors that spawn, destructors that sync ---- */

struct guard {
    square_task t;
    explicit guard(long n);
    ~guard();
};

__attribute__((noinline)) guard::guard(long n)
{
    square_spawn(&t, n);
}

__attribute__((noinline)) guard::~guard()
{
    square_sync(&t);
}

static void guards()
{
    for (long i = 0; i < 100; i++) {
        guard a(i), b(i + 1);
        guard c(i + 2);
    }
    CHILD_REQUIRE(filch_stop(nullptr) == 0);
}

Test(cxx, guards_are_right)
{
    expect_silence(misuse_of(guards, "1"));
    expect_silence(misuse_of(guards, "3"));
}

/* ---- stop ---- */

static void stop_twice()
{
    filch_runtime *rt;
    filch_config c = {};
    c.size = sizeof c;
    c.workers = 2;
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    CHILD_REQUIRE(filch_stop(rt) == 0);
    CHILD_REQUIRE(filch_stop(rt) == FILCH_ESTOPPED);
    CHILD_REQUIRE(filch_run(
                      rt, [](void *) {}, nullptr) == FILCH_ESTOPPED);
}

Test(cxx, stopped_twice)
{
    expect_silence(misuse_of(stop_twice, "2"));
}
