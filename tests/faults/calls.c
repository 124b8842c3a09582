/* The k-th call of each kind that the library makes fails, and in other runs that call and all after it: for every k,
 * in scenarios that make, use and end runtimes.
 *
 *   Oracle    Each run is a process of its own, and ends by the right result or by a negative code; then no thread, no
 *             memory, no descriptor and no map of the library is left, errno is as it was, and, if only the one call
 *             failed, the same calls do well the next time.  A spawn never fails.  membarrier and a futex's waking
 *             that worked and are denied later have nothing in their place: there the end is a sentence and an abort.
 *   Which k   Until the first task is stolen the order of calls is always the same: each k is made to fail.  Later it
 *             is not, as of futex and membarrier, and of sched_setaffinity between threads: the first dozen.
 *   Hangs     A run that takes 100 s says where it stands (filch_dump), and fails.
 *   Exercised Each kind is reached, fails at least once, and in those runs tasks are stolen and syncs suspended. */
#define _GNU_SOURCE
#include "interpose.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os.h"
#include "runtime.h"
#include "work.h"
#include "worker.h"

enum {
    LATE = 400,  /* seconds: a run takes 40 ms alone, and 10 s on two processors beside 100 busy threads */
    CODE = 32,   /* exit status of a clean negative code: CODE - code */
    HANGS = 8,   /* exit status */
    ERRNO = 4711 /* no error has it */
};

/* The largest k; of kinds whose number depends on who was faster it is less. */
#if SANITIZED
enum { MOST = 8, FEW = 3 };
#else
enum { MOST = 64, FEW = 12 };
#endif

/* Set-up calls leave errno alone. */
#define CALL(call)                                                                                                    \
    __extension__({                                                                                                   \
        errno = ERRNO;                                                                                                \
        int code = (call);                                                                                            \
        CHILD_REQUIRE(errno == ERRNO);                                                                                \
        code;                                                                                                         \
    })

/* ---- scenarios: 0, or the negative code of what could not be had ---- */

static void note_stats(filch_runtime *rt)
{
    struct filch_counters c = {.size = sizeof c};
    atomic_fetch_add(&fault_tally->at_spawn, atomic_exchange(&ran_at_spawn, 0));
    if (filch_stats(rt, FILCH_ALL_WORKERS, &c) != 0)
        return;
    atomic_fetch_add(&fault_tally->steals, c.steals);
    atomic_fetch_add(&fault_tally->suspensions, c.suspensions);
    atomic_fetch_add(&fault_tally->in_place, c.in_place);
}

static void *attach_and_work(void *runtime)
{
    filch_runtime *rt = runtime;
    int error = CALL(filch_attach(rt));
    CHILD_REQUIRE(error == 0 || error == FILCH_ENOMEM);
    if (error)
        return (void *)"no slot"; /* whoever spawns now works for the default runtime */
    work(NULL);
    CHILD_REQUIRE(CALL(filch_detach()) == 0);
    return NULL;
}

/* Main's slot is in use, so the thread needs another one. */
static void beside_main(void *rt)
{
    fault_on_thread(attach_and_work, rt);
}

static int with(filch_config c, void (*more)(void *))
{
    filch_runtime *rt = NULL;
    c.size = sizeof c;
    int error = CALL(filch_start(&rt, &c));
    CHILD_REQUIRE(!error == !!rt);
    if (error)
        return error;
    CHILD_REQUIRE(CALL(filch_run(rt, work, NULL)) == 0);
    CHILD_REQUIRE(CALL(filch_run(rt, beside_main, rt)) == 0);
    fault_on_thread(attach_and_work, rt);
    CHILD_REQUIRE(CALL(filch_run(rt, work, NULL)) == 0);
    CHILD_REQUIRE(CALL(filch_run(rt, more, NULL)) == 0);
    note_stats(rt);
    CHILD_REQUIRE(CALL(filch_stop(rt)) == 0);
    return 0;
}

static int two_workers(void)
{
    return with((filch_config){.workers = 2}, work);
}

static int four_workers(void)
{
    return with((filch_config){.workers = 4}, work);
}

static int pinned(void)
{
    return with((filch_config){.workers = 2, .pin = FILCH_PIN_CORE}, work);
}

static int overflow_message(void)
{
    return with((filch_config){.workers = 2, .overflow_message = 1}, work);
}

static int guards_by_mprotect(void)
{
    fl_os_deny_guard();
    return with((filch_config){.workers = 2}, suspend_many);
}

static int many_fibers(void)
{
    return with((filch_config){.workers = 2}, suspend_many);
}

static int stop_default(void)
{
    note_stats(NULL);
    int error = CALL(filch_stop(NULL));
    CHILD_REQUIRE(error == 0 || error == FILCH_ESTOPPED); /* it could not be started: all was serial */
    return 0;
}

static int first_spawn(void)
{
    work(NULL);
    work(NULL);
    return stop_default();
}

static void *spawn_and_end(void *arg)
{
    work(arg);
    return NULL; /* its end detaches it */
}

static int first_spawn_of_a_thread(void)
{
    fault_on_thread(spawn_and_end, NULL);
    fault_on_thread(spawn_and_end, NULL);
    return stop_default();
}

static int run_in_default(void)
{
    int error = CALL(filch_run(NULL, work, NULL));
    if (error)
        CHILD_REQUIRE(CALL(filch_stop(NULL)) == FILCH_ESTOPPED);
    else
        CHILD_REQUIRE(stop_default() == 0);
    return error;
}

static void fib_only(void *arg)
{
    (void)arg;
    CHILD_REQUIRE(fib(N) == FIB_N);
}

/* The number of workers is found out; it may be 1. */
static int counted_workers(void)
{
    filch_runtime *rt = NULL;
    unsetenv("FILCH_NUM_WORKERS");
    int error = CALL(filch_start(&rt, NULL));
    if (error)
        return error;
    CHILD_REQUIRE(CALL(filch_run(rt, fib_only, NULL)) == 0);
    CHILD_REQUIRE(CALL(filch_stop(rt)) == 0);
    return 0;
}

/* ---- functions that wait for each other in two runtimes, more of them than there are fibers at rest ---- */

enum { CHAIN = 20 };
static filch_runtime *here, *there;

static void follow(void *left);

static void submit_and_follow(void *left)
{
    filch_submission s;
    CHILD_REQUIRE(CALL(filch_submit(*(int *)left % 2 ? here : there, &s, follow, left)) == 0);
    for (int i = 0; i < ROUNDS / 10 && !filch_submission_done(&s); i++)
        sched_yield(); /* somebody else may begin it */
    filch_submission_wait(&s);
}

static void follow(void *left)
{
    int *links = left;
    CHILD_REQUIRE(fib(N / 2) > 0);
    if (*links == 0)
        return;
    --*links;
    if (*links % 3)
        submit_and_follow(links);
    else
        /* not by CALL: it may go on on another thread, which has another errno */
        CHILD_REQUIRE(filch_run(*links % 2 ? there : here, submit_and_follow, links) == 0);
}

static int wait_for_each_other(int migrate)
{
    filch_config c = {.size = sizeof c, .workers = 2, .migrate = migrate};
    int links[] = {CHAIN, CHAIN - 1};
    filch_submission s[2];
    here = there = NULL;
    int error = CALL(filch_start(&here, &c));
    if (error)
        return error;
    c.migrate = 1;
    error = CALL(filch_start(&there, &c));
    if (!error) {
        CHILD_REQUIRE(CALL(filch_submit(here, &s[0], follow, &links[0])) == 0);
        CHILD_REQUIRE(CALL(filch_submit(there, &s[1], follow, &links[1])) == 0);
        filch_submission_wait(&s[0]);
        filch_submission_wait(&s[1]);
        CHILD_REQUIRE(links[0] == 0 && links[1] == 0);
        CHILD_REQUIRE(CALL(filch_run(here, work, NULL)) == 0);
        note_stats(here);
        note_stats(there);
        CHILD_REQUIRE(CALL(filch_stop(there)) == 0);
    }
    CHILD_REQUIRE(CALL(filch_stop(here)) == 0);
    return error;
}

static int submissions(void)
{
    return wait_for_each_other(1);
}

static int submissions_whose_stacks_stay(void)
{
    return wait_for_each_other(-1);
}

static int (*const scenarios[])(void) = {
    two_workers,        four_workers,   pinned,          overflow_message, first_spawn, first_spawn_of_a_thread,
    guards_by_mprotect, run_in_default, counted_workers, many_fibers,      submissions, submissions_whose_stacks_stay};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* ---- one run ---- */

static struct {
    int (*scenario)(void);
    struct fault_plan plan;
} now;

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *all = opendir("/proc/self/fd");
    CHILD_REQUIRE(all);
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

/* What filch_dump does not say of those who sleep. */
static void print_naps(const struct filch_runtime *rt)
{
    uint64_t idle = fl_load_rlx(hang_idle, &rt->parking.idle);
    fprintf(stderr, "idle %#llx: %u asleep, %d places, %d searching; watcher %u\n", (unsigned long long)idle,
            fl_asleep(idle), fl_places(idle), fl_searchers(idle), fl_load_rlx(hang_watcher, &rt->watcher));
    for (unsigned i = 0; i < rt->threads; i++) {
        struct fl_worker *w = &rt->worker[i];
        struct fl_deque *d = fl_load_acq(hang_deque, &w->deque);
        fprintf(stderr, "  %u: nap %u, call %u, bit %d, away %d; deque asked %u, region %u\n", i,
                fl_load_rlx(hang_nap, &w->nap.word), fl_load_rlx(hang_call, &w->call.word),
                (int)(fl_load_rlx(hang_bits, &rt->asleep[i / 64].bits) >> i % 64 & 1), w->nap.away,
                d ? fl_load_rlx(hang_asked, &d->asked) : 0, d ? fl_load_rlx(hang_open, &d->region.open) : 0);
    }
}

static void hangs(int signal)
{
    (void)signal;
    fault_disarm();
    filch_dump(stderr); /* what it may not do in a handler it does in a process that is lost anyway */
    for (const struct filch_runtime *rt = fl_first_runtime(); rt; rt = rt->next)
        print_naps(rt);
    fflush(stderr);
    _exit(HANGS);
}

static void expect_nothing_left(unsigned threads, unsigned files, const cpu_set_t *mask)
{
    cpu_set_t after;
    await_thread_count(threads);
    CHILD_REQUIRE(atomic_load(&fault_tally->blocks) == 0);
    CHILD_REQUIRE(atomic_load(&fault_tally->maps) == 0);
    CHILD_REQUIRE(descriptors() == files);
    CHILD_REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
    CHILD_REQUIRE(now.plan.kind == FAULT_AFFINITY || CPU_EQUAL(&after, mask));
}

static void run_now(void)
{
    cpu_set_t mask;
    unsigned threads = thread_count_at_rest(), files = descriptors();
    CHILD_REQUIRE(sched_getaffinity(0, sizeof mask, &mask) == 0);
    signal(SIGALRM, hangs);
    alarm(LATE);
    setenv("FILCH_NUM_WORKERS", "2", 1);
    fl_seam.at = at_wait;
    fault_arm(now.plan);
    int code = now.scenario();
    CHILD_REQUIRE(code <= 0);
    expect_nothing_left(threads, files, &mask);
    if (!now.plan.from_then && now.plan.kind != FAULT_NONE) {
        fault_disarm();
        CHILD_REQUIRE(now.scenario() == 0);
        expect_nothing_left(threads, files, &mask);
    }
    _exit(code ? CODE - code : 0);
}

/* ---- again and again ---- */

/* Each wait of main's tries to make the spare. */
static void wait_without_a_spare(void)
{
    enum { WAITS = 100, FIBERS = 16 };
    filch_config c = {.size = sizeof c, .workers = 2};
    filch_runtime *rt;
    signal(SIGALRM, hangs);
    alarm(LATE);
    fl_seam.at = at_wait;
    fault_arm((struct fault_plan){FAULT_THREAD, 2, true, EAGAIN});
    CHILD_REQUIRE(filch_start(&rt, &c) == 0);
    for (int i = 0; i < WAITS; i++)
        CHILD_REQUIRE(filch_run(rt, work, NULL) == 0);
    CHILD_REQUIRE(atomic_load(&fault_tally->failed) > FIBERS);
    CHILD_REQUIRE(rt->fibers.made <= FIBERS);
    CHILD_REQUIRE(filch_stop(rt) == 0);
}

/* The first thread's fiber of a runtime that a spawn starts is made by that thread: it tries until it has one. */
static void have_a_late_fiber(void)
{
    signal(SIGALRM, hangs);
    alarm(LATE);
    setenv("FILCH_NUM_WORKERS", "2", 1);
    fl_os_deny_guard();
    fault_arm((struct fault_plan){FAULT_GUARD, 1, false, ENOMEM});
    CHILD_REQUIRE(first_spawn() == 0);
    CHILD_REQUIRE(atomic_load(&fault_tally->failed) == 1);
}

static void never_have_a_fiber(void)
{
    signal(SIGALRM, hangs);
    alarm(LATE);
    setenv("FILCH_NUM_WORKERS", "2", 1);
    fl_os_deny_guard();
    fault_arm((struct fault_plan){FAULT_GUARD, 1, true, ENOMEM});
    unsigned threads = thread_count_at_rest();
    for (int i = 0; i < 3; i++) {
        fib_only(NULL);
        for (unsigned n = atomic_load(&fault_tally->failed); atomic_load(&fault_tally->failed) < n + 3;)
            sched_yield();
        CHILD_REQUIRE(filch_num_workers(NULL) == 2);
        CHILD_REQUIRE(filch_stop(NULL) == 0);
        await_thread_count(threads);
        CHILD_REQUIRE(atomic_load(&fault_tally->blocks) == 0 && atomic_load(&fault_tally->maps) == 0);
    }
}

/* ---- all runs of a kind ---- */

static struct {
    unsigned most, runs, failed, right, in_place, at_spawn;
    unsigned long steals, suspensions;
    unsigned codes[16];
    unsigned aborts;
} sum;

/* What had worked before and never will again.  The first three calls of membarrier only ask. */
static bool may_abort(struct fault_plan plan)
{
    return plan.from_then &&
           ((plan.kind == FAULT_MEMBARRIER && plan.at > 3) || (plan.kind == FAULT_WAKE && plan.at > 1));
}

static void judge(struct child child, unsigned scenario)
{
    char text[128];
    snprintf(text, sizeof text, "scenario %u, call %u of %s%s fails by %s", scenario, now.plan.at,
             fault_name(now.plan.kind), now.plan.from_then ? ", and all after it," : "", strerror(now.plan.error));
    if (may_abort(now.plan) && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT) {
        cr_assert(strstr(child.said, "worked when filch started"), "%s: it said: %s", text, child.said);
        sum.aborts++;
        return;
    }
    cr_assert(WIFEXITED(child.status), "%s: status %#x; it said: %s", text, (unsigned)child.status, child.said);
    int code = WEXITSTATUS(child.status);
    cr_assert(code == 0 || (code > CODE && code < CODE + 16), "%s: status %d%s; it said: %s", text, code,
              code == HANGS ? ", it hangs" : "", child.said);
    if (code)
        sum.codes[code - CODE]++;
    else
        sum.right++;
}

/* True if the call was reached. */
static bool exercise_one(unsigned scenario, struct fault_plan plan)
{
    now.scenario = scenarios[scenario];
    now.plan = plan;
    judge(child_of(run_now), scenario);
    sum.runs++;
    sum.steals += atomic_load(&fault_tally->steals);
    sum.suspensions += atomic_load(&fault_tally->suspensions);
    sum.failed += atomic_load(&fault_tally->failed) > 0;
    sum.in_place += atomic_load(&fault_tally->in_place) > 0;
    sum.at_spawn += atomic_load(&fault_tally->at_spawn) > 0;
    return atomic_load(&fault_tally->failed) > 0;
}

/* Calls of the kind in a run without faults. */
static unsigned calls_of(unsigned scenario, enum fault_kind kind)
{
    now.scenario = scenarios[scenario];
    now.plan = (struct fault_plan){.kind = FAULT_NONE};
    expect_success(child_of(run_now));
    return atomic_load(&fault_tally->calls[kind]);
}

static void print_sum(enum fault_kind kind)
{
    fprintf(stderr, "%-20s %4u calls, %4u runs, %4u with a fault: %4u right", fault_name(kind), sum.most, sum.runs,
            sum.failed, sum.right);
    for (int i = 1; i < 16; i++)
        if (sum.codes[i])
            fprintf(stderr, ", %u code %d", sum.codes[i], -i);
    fprintf(stderr, ", %u aborts; waited in place in %u, ran at the spawn in %u\n", sum.aborts, sum.in_place,
            sum.at_spawn);
}

/* once: only as a single failure, what cannot last. */
static void exercise(enum fault_kind kind, unsigned most, int error, bool once)
{
    fault_share();
    for (unsigned s = 0; s < SCENARIOS; s++) {
        unsigned calls = calls_of(s, kind);
        if (sum.most < calls)
            sum.most = calls;
        for (unsigned k = 1; k <= calls && k <= most; k++) {
            bool reached = exercise_one(s, (struct fault_plan){kind, k, false, error});
            if (!once)
                reached |= exercise_one(s, (struct fault_plan){kind, k, true, error});
            if (!reached)
                break;
        }
    }
}

static void expect_exercised(enum fault_kind kind)
{
    print_sum(kind);
    cr_assert(sum.most > 0 && sum.failed > 0, "not exercised: no call of %s was made to fail", fault_name(kind));
    cr_assert(sum.steals > 0 && sum.suspensions > 0, "not exercised: %lu steals, %lu suspensions", sum.steals,
              sum.suspensions);
    cr_assert(sum.right > 0, "no run with a fault in %s came to its result", fault_name(kind));
}

TestSuite(calls, .init = clear_environment, .timeout = 900);

Test(calls, pthread_create)
{
    exercise(FAULT_THREAD, MOST, EAGAIN, false);
    expect_exercised(FAULT_THREAD);
    cr_assert(sum.codes[-FILCH_ETHREAD] > 0);
}

Test(calls, a_spare_that_cannot_be_made_costs_no_fiber)
{
    fault_share();
    expect_success(child_of(wait_without_a_spare));
}

Test(calls, a_first_fiber_that_is_late)
{
    fault_share();
    expect_success(child_of(have_a_late_fiber));
    expect_success(child_of(never_have_a_fiber));
}

Test(calls, mmap)
{
    exercise(FAULT_MMAP, MOST, ENOMEM, false);
    expect_exercised(FAULT_MMAP);
    cr_assert(sum.codes[-FILCH_ENOMEM] > 0 && sum.at_spawn > 0 && sum.in_place > 0);
}

Test(calls, madvise)
{
    exercise(FAULT_MADVISE, MOST, EINVAL, false);
    expect_exercised(FAULT_MADVISE);
}

Test(calls, mprotect)
{
    exercise(FAULT_MPROTECT, MOST, ENOMEM, false);
    expect_exercised(FAULT_MPROTECT);
    for (int i = 0; i < 16; i++)
        cr_assert(!sum.codes[i], "mmap was in its place");
}

Test(calls, guard_page)
{
    exercise(FAULT_GUARD, MOST, ENOMEM, false);
    expect_exercised(FAULT_GUARD);
    cr_assert(sum.codes[-FILCH_ENOMEM] > 0 && sum.in_place > 0);
}

Test(calls, malloc)
{
    exercise(FAULT_MALLOC, 200, ENOMEM, false);
    expect_exercised(FAULT_MALLOC);
    cr_assert(sum.codes[-FILCH_ENOMEM] > 0);
}

Test(calls, sched_setaffinity)
{
    exercise(FAULT_AFFINITY, FEW, EPERM, false);
    exercise(FAULT_AFFINITY, FEW, EINVAL, true);
    expect_exercised(FAULT_AFFINITY);
    cr_assert(sum.codes[-FILCH_EPIN] > 0);
}

Test(calls, futex_wait)
{
    exercise(FAULT_WAIT, FEW, EINTR, true);
    exercise(FAULT_WAIT, 3, EAGAIN, true);
    exercise(FAULT_WAIT, 3, ENOSYS, false);
    expect_exercised(FAULT_WAIT);
}

Test(calls, futex_wake)
{
    exercise(FAULT_WAKE, FEW, ENOSYS, false);
    expect_exercised(FAULT_WAKE);
}

Test(calls, membarrier)
{
    exercise(FAULT_MEMBARRIER, FEW, EPERM, false);
    exercise(FAULT_MEMBARRIER, 3, ENOMEM, true);
    expect_exercised(FAULT_MEMBARRIER);
}

Test(calls, keys)
{
    exercise(FAULT_KEY, MOST, EAGAIN, false);
    expect_exercised(FAULT_KEY);
}

Test(calls, values_of_keys)
{
    exercise(FAULT_VALUE, MOST, ENOMEM, false);
    expect_exercised(FAULT_VALUE);
}

Test(calls, pthread_atfork)
{
    exercise(FAULT_ATFORK, MOST, ENOMEM, false);
    expect_exercised(FAULT_ATFORK);
}

Test(calls, sigaltstack)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer gives each thread an alternate stack of its own");
    exercise(FAULT_ALTSTACK, MOST, ENOMEM, false);
    expect_exercised(FAULT_ALTSTACK);
}
