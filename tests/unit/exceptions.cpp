/* C++ exceptions in tasks: thrown and caught inside a task, around syncs after which the task goes on on another
 * thread. Each of these syncs is made to migrate: the child ends only when its parent waits for it. */
#include <filch.h>

#include <criterion/criterion.h>
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <string>

#include "suspended.h"

TestSuite(exceptions, .timeout = 40);

static unsigned wrong;
#define EXPECT(c) ((c) ? (void)0 : (void)(wrong++, fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c)))

/* A call: after a sync it may be another one. */
__attribute__((noinline)) static pthread_t this_thread()
{
    __asm__ volatile("");
    return pthread_self();
}

static filch_runtime *start(unsigned workers)
{
    filch_config c = {};
    filch_runtime *rt = nullptr;
    c.size = sizeof c;
    c.workers = workers;
    fl_seam.at = hold_ending;
    forced_ending = DONE_AFTER;
    cr_assert(filch_start(&rt, &c) == 0);
    return rt;
}

static void expect_none_in_flight()
{
    EXPECT(std::uncaught_exceptions() == 0);
    EXPECT(!std::current_exception());
}

static int what_is_caught()
{
    if (!std::current_exception())
        return -1;
    try {
        throw;
    } catch (int n) {
        return n;
    }
}

/* ---- a child that is stolen, and in the end resumes its parent where it ran itself ---- */

static FL_ATOMIC(int) began;

static int quiet_child(int n)
{
    fl_store_rel(began, &began, 1);
    expect_none_in_flight(); /* whatever its parent is catching */
    at_end();
    return n + 1;
}
FILCH_TASK(int, quiet_child, int);

static int throwing_child(int n)
{
    fl_store_rel(began, &began, 1);
    try {
        throw std::runtime_error("of the child");
    } catch (const std::exception &e) {
        n += std::string(e.what()) == "of the child";
    }
    expect_none_in_flight();
    at_end();
    return n;
}
FILCH_TASK(int, throwing_child, int);

static void await_thief()
{
    while (!fl_load_acq(began, &began)) {
        filch_task t;
        filch_spawn(&t, nothing_at_all, nullptr);
        filch_sync(&t);
        sched_yield();
    }
}

#define MIGRATE(child)                                                                                                \
    do {                                                                                                              \
        child##_task t;                                                                                               \
        fl_store_rel(began, &began, 0);                                                                               \
        new_race();                                                                                                   \
        child##_spawn(&t, 41);                                                                                        \
        await_thief();                                                                                                \
        pthread_t before = this_thread();                                                                             \
        at_sync(&t.head);                                                                                             \
        EXPECT(child##_sync(&t) == 42);                                                                               \
        EXPECT(!pthread_equal(before, this_thread()));                                                                \
    } while (0)

static void expect_on_a_fiber(void (*body)(void *))
{
    filch_runtime *rt = start(2);
    for (int i = 0; i < 20; i++) {
        cr_assert(run_on_a_fiber(rt, body, nullptr) == 0);
        cr_assert(wrong == 0);
        cr_assert(std::uncaught_exceptions() == 0 && !std::current_exception(), "something was left to this thread");
    }
    filch_counters s = {};
    s.size = sizeof s;
    cr_assert(filch_stats(rt, FILCH_ALL_WORKERS, &s) == 0);
    cr_assert(s.migrations >= 20, "not exercised");
    cr_assert(filch_stop(rt) == 0);
    fl_seam.at = nullptr;
}

/* ---- thrown after a migration, caught before it ---- */

static void catch_around(void *)
{
    std::string caught;
    try {
        MIGRATE(quiet_child);
        expect_none_in_flight();
        throw std::runtime_error("after the sync");
    } catch (const std::runtime_error &e) {
        caught = e.what();
    }
    EXPECT(caught == "after the sync");
    expect_none_in_flight();
}

Test(exceptions, thrown_after_a_sync_that_migrated)
{
    expect_on_a_fiber(catch_around);
}

__attribute__((noinline)) static void throw_from_below(int depth)
{
    std::string local(64, 'x'); /* to be destroyed */
    if (depth) {
        throw_from_below(depth - 1);
        EXPECT(local.size() == 64);
        return;
    }
    MIGRATE(throwing_child);
    throw depth;
}

static void catch_far_above(void *)
{
    int caught = -1;
    try {
        throw_from_below(20);
    } catch (int depth) {
        caught = depth;
    }
    EXPECT(caught == 0);
    expect_none_in_flight();
}

Test(exceptions, unwinding_frames_of_another_thread)
{
    expect_on_a_fiber(catch_far_above);
}

/* ---- a sync inside a catch block ---- */

static void sync_in_catch(void *)
{
    bool reached = false;
    try {
        try {
            throw 7;
        } catch (int) {
            EXPECT(what_is_caught() == 7);
            MIGRATE(quiet_child);
            EXPECT(what_is_caught() == 7);
            MIGRATE(throwing_child); /* and back */
            EXPECT(what_is_caught() == 7);
            EXPECT(std::uncaught_exceptions() == 0);
            throw;
        }
    } catch (int n) {
        reached = n == 7;
    }
    EXPECT(reached);
    expect_none_in_flight();
}

Test(exceptions, a_sync_in_a_catch_block_that_migrates)
{
    expect_on_a_fiber(sync_in_catch);
}

static void sync_in_nested_catch(void *)
{
    try {
        throw 1;
    } catch (int) {
        try {
            throw 2;
        } catch (int) {
            MIGRATE(throwing_child);
            EXPECT(what_is_caught() == 2);
        }
        EXPECT(what_is_caught() == 1);
        MIGRATE(quiet_child);
        EXPECT(what_is_caught() == 1);
    }
    expect_none_in_flight();
}

Test(exceptions, a_sync_in_nested_catch_blocks)
{
    expect_on_a_fiber(sync_in_nested_catch);
}

struct syncs_when_destroyed {
    int *seen;
    ~syncs_when_destroyed()
    {
        EXPECT(std::uncaught_exceptions() == 1);
        MIGRATE(quiet_child);
        *seen = std::uncaught_exceptions();
    }
};

static void sync_while_unwinding(void *)
{
    int seen = 0, caught = 0;
    try {
        syncs_when_destroyed guard = {&seen};
        throw 9;
    } catch (int n) {
        caught = n;
    }
    EXPECT(seen == 1);
    EXPECT(caught == 9);
    expect_none_in_flight();
}

Test(exceptions, a_sync_in_a_destructor_while_unwinding)
{
    expect_on_a_fiber(sync_while_unwinding);
}

/* ---- many at once ---- */

static FL_ATOMIC(unsigned) mistakes, migrated;

static int tree(int depth, int id);
FILCH_TASK(int, tree, int, int);

/* Throws, syncs in the catch block what it spawned before and in it, and rethrows; the value is the number of nodes. */
static int tree(int depth, int id)
{
    int sum = 1;
    if (depth == 0) {
        if (id % 4 == 0)
            sched_yield();
        return sum;
    }
    try {
        tree_task left, right;
        pthread_t before = this_thread();
        tree_spawn(&left, depth - 1, 2 * id);
        try {
            throw id;
        } catch (int) {
            tree_spawn(&right, depth - 1, 2 * id + 1);
            sum += tree_sync(&right);
            sum += tree_sync(&left);
            if (!pthread_equal(before, this_thread()))
                fl_add_rlx(migrated, &migrated, 1u);
            throw;
        }
    } catch (int n) {
        if (n != id || std::uncaught_exceptions() != 0)
            fl_add_rlx(mistakes, &mistakes, 1u);
    }
    return sum;
}

Test(exceptions, many_at_once)
{
    enum { DEPTH = 10, NODES = (1 << (DEPTH + 1)) - 1 };
    filch_runtime *rt = start(4);
    while (fl_load_acq(migrated, &migrated) < 10) {
        int nodes = 0;
        cr_assert(tree_run(rt, &nodes, DEPTH, 1) == 0);
        cr_assert(nodes == NODES);
        cr_assert(fl_load_acq(mistakes, &mistakes) == 0);
        cr_assert(std::uncaught_exceptions() == 0 && !std::current_exception());
    }
    cr_assert(filch_stop(rt) == 0);
    fl_seam.at = nullptr;
}
