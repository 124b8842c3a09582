/* filch_dump: what a person sees of a program that hangs, while it hangs. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "fib.h"
#include "process.h"
#include "runtime.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(dump, .init = clear_environment, .timeout = 40);

/* To be freed. */
static char *dumped(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out);
    filch_dump(out);
    fclose(out);
    return text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

/* ---- which runtimes, which workers ---- */

Test(dump, without_a_runtime)
{
    char *text = dumped();
    cr_assert_str_eq(text, "filch: no runtime\n");
    free(text);
}

static void expect_runtime(const char *text, const filch_runtime *rt, unsigned workers)
{
    char head[80];
    snprintf(head, sizeof head, "filch runtime %p: %u workers, ", (const void *)rt, workers);
    cr_assert_eq(count(text, head), 1u, "not once \"%s\" in: %s", head, text);
}

Test(dump, every_runtime)
{
    setenv("FILCH_NUM_WORKERS", "4", 1);
    filch_runtime *first = start(2), *second = start(3);
    cr_assert_eq(fib(N), FIB_N); /* starts the default one */
    char *text = dumped();
    cr_assert_eq(count(text, "filch runtime "), 3u, "%s", text);
    expect_runtime(text, first, 2);
    expect_runtime(text, second, 3);
    cr_assert_eq(count(text, ": 4 workers, "), 1u, "%s", text);
    cr_assert_eq(count(text, "  worker "), 2u + 3u + 4u, "%s", text);
    cr_assert_eq(count(text, "running, a thread of the user"), 1u, "main is lent to the default one: %s", text);
    cr_assert_eq(count(text, "  fibers: "), 3u, "%s", text);
    free(text);

    cr_assert_eq(filch_stop(first), 0);
    cr_assert_eq(filch_stop(NULL), 0);
    text = dumped();
    cr_assert_eq(count(text, "filch runtime "), 1u, "%s", text);
    expect_runtime(text, second, 3);
    free(text);
    cr_assert_eq(filch_stop(second), 0);
}

/* The line of text that begins so, in static storage. */
static const char *line_of(const char *text, const char *beginning)
{
    static char line[512];
    const char *at = strstr(text, beginning);
    cr_assert(at, "no line \"%s\" in: %s", beginning, text);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

/* Again and again until a line has this, which comes sooner or later. */
static void until_line_has(const char *beginning, const char *part)
{
    for (bool has = false; !has; sched_yield()) {
        char *text = dumped();
        has = strstr(text, beginning) && strstr(line_of(text, beginning), part);
        free(text);
    }
}

Test(dump, states_of_workers)
{
    filch_runtime *rt = start(3);
    until_line_has("  worker 1: ", "  worker 1: asleep");
    until_line_has("  worker 2: ", "  worker 2: asleep");
    until_line_has("filch runtime ", ": 3 workers, 2 asleep, 0 searching, nobody watches");
    char *text = dumped();
    cr_assert_str_eq(line_of(text, "  worker 0: "), "  worker 0: no thread");
    free(text);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(dump, who_watches)
{
    filch_runtime *rt = start(2);
    bool seen = false;
    for (unsigned i = 1; !seen; i++) { /* after some time without tasks nobody watches any more */
        char *text = dumped();
        seen = strstr(text, "1 asleep, 0 searching, watched by worker 1;");
        free(text);
        if (i % 100 == 0)
            expect_fib(rt);
        sched_yield();
    }
    cr_assert_eq(filch_stop(rt), 0);
}

/* ---- the tasks that run ---- */

static atomic_bool began, go_on;
static atomic_uint errands;

static void errand(void)
{
    atomic_fetch_add(&errands, 1);
    atomic_store(&began, true);
    await(&go_on);
}
FILCH_TASK(void, errand);
enum { ERRAND_LINE = __LINE__ - 1 };

/* Of tasks that have begun, once what has been stolen has. */
static char *dumped_with_errands(void)
{
    for (;;) {
        unsigned n = atomic_load(&errands);
        char *text = dumped();
        if (count(text, "in task errand ") == n && atomic_load(&errands) == n)
            return text;
        free(text);
        sched_yield();
    }
}

/* Main's region is short, so it may have no place, and then the spare steals, too: two errands run, or one. */
static void dump_beside_errands(void *arg)
{
    enum { ERRANDS = 3 };
    errand_task t[ERRANDS];
    char expected[200];
    (void)arg;
    errand_spawn(&t[0]);
    until_thief_raises(&began);
    for (unsigned n = 1; n < ERRANDS; n++)
        errand_spawn(&t[n]);
    char *text = dumped_with_errands();
    snprintf(expected, sizeof expected, ": running, in task errand (%s:%d); ", __FILE__, ERRAND_LINE);
    cr_assert(strstr(text, expected), "no \"%s\" in: %s", expected, text);
    cr_assert_leq(count(text, "in task "), 2u, "one that waits does not run: %s", text);
    cr_assert(strstr(line_of(text, "  worker 0: "), " private tasks") ||
                  strstr(line_of(text, "  worker 0: "), " public tasks"),
              "%s", text);
    cr_assert(strstr(text, " steals "), "%s", text);
    free(text);
    atomic_store(&go_on, true);
    for (unsigned n = ERRANDS; n-- > 0;)
        errand_sync(&t[n]);
    text = dumped();
    cr_assert(!strstr(text, "in task "), "%s", text);
    free(text);
}

Test(dump, the_tasks_that_run)
{
    filch_runtime *rt = start(2);
    cr_assert_eq(filch_run(rt, dump_beside_errands, NULL), 0);
    cr_assert_eq(filch_stop(rt), 0);
}

static void until_main_is_suspended(void *arg)
{
    (void)arg;
    until_line_has("  syncs: ", "  syncs: 1 suspended, ");
}

Test(dump, suspended_syncs)
{
    filch_runtime *rt = start(2);
    cr_assert_eq(run_on_a_fiber(rt, until_main_is_suspended, NULL), 0);
    char *text = dumped();
    cr_assert(!strstr(text, "suspended,"), "all have gone on: %s", text);
    free(text);
    cr_assert_eq(filch_stop(rt), 0);
}

/* ---- when ---- */

static atomic_bool held, let_go;

static void *hold_runtimes(void *arg)
{
    fl_hold(NULL);
    atomic_store(&held, true);
    await(&let_go);
    fl_let_go();
    return arg;
}

/* As while somebody starts or stops a runtime and does not come to an end: a dump that waited would never return. */
Test(dump, waits_for_no_lock)
{
    pthread_t thread;
    filch_runtime *rt = start(2);
    start_thread(&thread, hold_runtimes, NULL);
    await(&held);
    pthread_mutex_lock(&rt->lock);
    pthread_mutex_lock(&rt->fibers.lock);
    fl_lock(&rt->left_lock);
    char *text = dumped();
    fl_unlock(&rt->left_lock);
    pthread_mutex_unlock(&rt->fibers.lock);
    pthread_mutex_unlock(&rt->lock);
    cr_assert(strstr(text, "filch: somebody starts, stops or asks a runtime"), "%s", text);
    expect_runtime(text, rt, 2);
    free(text);
    atomic_store(&let_go, true);
    pthread_join(thread, NULL);
    text = dumped();
    cr_assert(!strstr(text, "somebody starts"), "%s", text);
    free(text);
    cr_assert_eq(filch_stop(rt), 0);
}

static void *dump_often(void *arg)
{
    for (int i = 0; i < 200; i++)
        free(dumped());
    atomic_store(&go_on, true);
    return arg;
}

Test(dump, from_any_thread_while_tasks_run)
{
    pthread_t thread[2];
    filch_runtime *rt = start(3);
    start_thread(&thread[0], dump_often, NULL);
    start_thread(&thread[1], fib_in, rt);
    while (!atomic_load(&go_on))
        expect_fib(rt);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    cr_assert_eq(filch_stop(rt), 0);
}
