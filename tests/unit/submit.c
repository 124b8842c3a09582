/* Functions that are submitted to a runtime, and the ways to wait for them. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "runtime.h"
#include "stolen.h"
#include "suspended.h"

TestSuite(submit, .init = clear_environment, .timeout = 60);

static filch_runtime *rt;

static filch_runtime *start_with(unsigned workers)
{
    filch_runtime *started;
    filch_config c = {.size = sizeof c, .workers = workers};
    cr_assert_eq(filch_start(&started, &c), 0);
    return started;
}

static __attribute__((noinline)) pthread_t this_thread(void)
{
    __asm__ volatile("");
    return pthread_self();
}

static void raise_flag(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
}

static void await_flag(void *flag)
{
    await(flag);
}

static int fib(int n);
FILCH_TASK(int, fib, int);

static int fib(int n)
{
    fib_task left;
    if (n < 2)
        return n;
    fib_spawn(&left, n - 1);
    int right = fib(n - 2);
    return fib_sync(&left) + right;
}

/* ---- each runs once, the oldest first ---- */

enum { MANY = 1000 };

static struct job {
    filch_submission s;
    int turn, fib;
    pthread_t thread;
} job[MANY];
static int turns; /* of the one worker */

static void take_turn(void *arg)
{
    struct job *j = arg;
    j->turn = turns++;
    j->fib = fib(10);
    j->thread = this_thread();
}

Test(submit, the_oldest_first_and_never_on_this_thread)
{
    static filch_submission first, second;
    static atomic_bool go_on, end;
    rt = start_with(2);
    cr_assert_eq(filch_submit(rt, &first, await_flag, &go_on), 0);
    cr_assert_eq(filch_submit(rt, &second, await_flag, &end), 0); /* holds one of two until the end */
    for (int i = 0; i < MANY; i++) {
        cr_assert_eq(filch_submit(rt, &job[i].s, take_turn, &job[i]), 0);
        cr_assert_eq(filch_submission_done(&job[i].s), 0);
    }
    raise_flag(&go_on);
    filch_submission_wait(&first);
    for (int i = 0; i < MANY; i++) {
        filch_submission_wait(&job[i].s);
        cr_assert_eq(filch_submission_done(&job[i].s), 1);
        cr_assert_eq(job[i].turn, i);
        cr_assert_eq(job[i].fib, 55);
        cr_assert(!pthread_equal(job[i].thread, pthread_self()));
    }
    raise_flag(&end);
    filch_submission_wait(&second);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(submit, in_a_runtime_of_one_worker_at_once)
{
    rt = start_with(1);
    cr_assert_eq(filch_submit(rt, &job->s, take_turn, job), 0);
    cr_assert_eq(filch_submission_done(&job->s), 1);
    filch_submission_wait(&job->s);
    cr_assert_eq(job->fib, 55);
    cr_assert(pthread_equal(job->thread, pthread_self()));
    cr_assert_eq(filch_stop(rt), 0);
}

Test(submit, to_the_default_runtime_which_is_started)
{
    cr_assert_eq(setenv("FILCH_NUM_WORKERS", "2", 1), 0);
    cr_assert_eq(filch_submit(NULL, &job->s, take_turn, job), 0);
    filch_submission_wait(&job->s);
    cr_assert_eq(job->fib, 55);
    cr_assert_eq(filch_num_workers(NULL), 2u);
    cr_assert_eq(filch_stop(NULL), 0);
}

/* ---- who waits ---- */

static uint64_t suspensions(void)
{
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(s.suspensions, s.resumptions);
    return s.suspensions;
}

/* With one worker of its own the runtime can run the submission only there, when this task has left it. */
static void waits_for_its_own_worker(void *arg)
{
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        cr_assert_eq(filch_submit(rt, &job[i].s, take_turn, &job[i]), 0);
        filch_submission_wait(&job[i].s);
        cr_assert_eq(job[i].fib, 55);
    }
}

Test(submit, a_task_that_waits_is_suspended)
{
    rt = start_with(2);
    cr_assert_eq(run_on_a_fiber(rt, waits_for_its_own_worker, NULL), 0);
    cr_assert(suspensions() > 0); /* unless the spare, which has this thread's place, was done before the wait */
    cr_assert_eq(filch_stop(rt), 0);
}

static atomic_bool left_behind_ran, submitted_began;

static void needs_what_was_left(void *arg)
{
    (void)arg;
    atomic_store(&submitted_began, true);
    await(&left_behind_ran);
}

/* Two workers, and two must run at the same time beside this thread, which waits: they need its place. */
static void waits_with_a_task_left(void *arg)
{
    filch_task left;
    (void)arg;
    cr_assert_eq(filch_submit(rt, &job->s, needs_what_was_left, NULL), 0);
    await(&submitted_began);
    filch_spawn(&left, raise_flag, &left_behind_ran);
    filch_submission_wait(&job->s);
    filch_sync(&left);
}

Test(submit, a_thread_that_waits_gives_up_its_place_and_its_tasks)
{
    for (int i = 0; i < 100; i++) {
        atomic_store(&left_behind_ran, false);
        atomic_store(&submitted_began, false);
        rt = start_with(2);
        cr_assert_eq(filch_run(rt, waits_with_a_task_left, NULL), 0);
        cr_assert_eq(filch_stop(rt), 0);
    }
}

/* ---- the end ---- */

Test(submit, a_runtime_with_a_submission_that_is_not_done_is_not_stopped)
{
    static atomic_bool go_on;
    rt = start_with(2);
    cr_assert_eq(filch_submit(rt, &job->s, await_flag, &go_on), 0);
    cr_assert_eq(filch_stop(rt), FILCH_EBUSY);
    raise_flag(&go_on);
    filch_submission_wait(&job->s);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(submit, who_sees_that_it_is_done_may_stop_the_runtime)
{
    for (int i = 0; i < 300; i++) {
        atomic_bool flag = false;
        filch_submission s;
        rt = start_with(2 + (unsigned)i % 2);
        cr_assert_eq(filch_submit(rt, &s, raise_flag, &flag), 0);
        while (i % 3 && !filch_submission_done(&s))
            sched_yield();
        if (i % 3 == 0)
            filch_submission_wait(&s);
        cr_assert(atomic_load(&flag));
        cr_assert_eq(filch_stop(rt), 0);
    }
}

/* ---- errors ---- */

Test(submit, nothing_to_call)
{
    rt = start_with(2);
    cr_assert_eq(filch_submit(rt, NULL, raise_flag, NULL), FILCH_EINVAL);
    cr_assert_eq(filch_submit(rt, &job->s, NULL, NULL), FILCH_EINVAL);
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_submit(rt, &job->s, raise_flag, NULL), FILCH_ESTOPPED);
}

static filch_task never_synced;

static void leave_one(void *arg)
{
    filch_spawn(&never_synced, raise_flag, arg);
}

static void submit_what_leaves_a_task(void)
{
    static atomic_bool flag;
    rt = start_with(2);
    (void)filch_submit(rt, &job->s, leave_one, &flag);
    filch_submission_wait(&job->s);
}

Test(submit, a_function_that_leaves_a_task)
{
    expect_abort(child_of(submit_what_leaves_a_task), "filch_submit");
}

static void (*in_the_child)(void);

static void fork_with_one_pending(void)
{
    static atomic_bool never;
    int status;
    rt = start_with(2);
    (void)filch_submit(rt, &job->s, await_flag, &never);
    pid_t pid = fork();
    if (pid == 0)
        in_the_child();
    CHILD_REQUIRE(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    abort();
}

static void wait_for_the_parents(void)
{
    filch_submission_wait(&job->s);
}

static void submit_to_the_parents(void)
{
    (void)filch_submit(rt, &job[1].s, raise_flag, NULL);
}

Test(submit, in_the_child_of_a_fork)
{
    if (NO_THREADS_AFTER_FORK)
        cr_skip_test("a sanitizer: no threads after a fork");
    in_the_child = wait_for_the_parents;
    expect_abort(child_of(fork_with_one_pending), "filch_submission_wait");
    in_the_child = submit_to_the_parents;
    expect_abort(child_of(fork_with_one_pending), "filch_submit");
}

/* ---- from everywhere at once ---- */

enum { THREADS = 16, EACH = 300 };

static atomic_long ran;

static void count_and_spread(void *arg);

/* Every third submits another one, and waits. */
static void count_and_spread(void *arg)
{
    long depth = (long)(intptr_t)arg;
    filch_submission s;
    atomic_fetch_add(&ran, 1);
    if (depth == 0 || fib(8) != 21)
        return;
    if (filch_submit(rt, &s, count_and_spread, (void *)(intptr_t)(depth - 1)) == 0)
        filch_submission_wait(&s);
}

static void *submit_many(void *arg)
{
    filch_submission s[8];
    for (int i = 0; i < EACH; i += 8) {
        for (int k = 0; k < 8; k++)
            if (filch_submit(rt, &s[k], count_and_spread, (void *)(intptr_t)(k % 3)) != 0)
                return arg;
        for (int k = 0; k < 8; k++)
            filch_submission_wait(&s[k]);
    }
    return NULL;
}

static void from_many_threads(unsigned workers)
{
    pthread_t thread[THREADS];
    rt = start_with(workers);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, submit_many, &ran), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        cr_assert_null(failed);
    }
    /* of eight: 3 + 3 * 2 + 2 * 3 */
    cr_assert_eq(atomic_load(&ran), THREADS * ((EACH + 7) / 8) * 15);
    cr_assert(suspensions() > 0);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(submit, from_16_threads_to_2_workers)
{
    from_many_threads(2);
}

Test(submit, from_16_threads_to_4_workers)
{
    from_many_threads(4);
}

/* ---- the thread that is missing ---- */

static filch_submission older, younger;
static atomic_bool both_are_there;

static void wait_for_the_younger(void *arg)
{
    (void)arg;
    await(&both_are_there);
    filch_submission_wait(&younger);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

/* One thread is awake, and takes the older; for the younger a spare must be made, whoever finds out that it is
 * missing: who takes the older, or who waits in it. */
static void older_waits_for_younger(int migrate)
{
    for (int i = 0; i < 300; i++) {
        filch_submission first;
        filch_config c = {.size = sizeof c, .workers = 2, .migrate = migrate};
        cr_assert_eq(filch_start(&rt, &c), 0);
        cr_assert_eq(filch_submit(rt, &first, do_nothing, NULL), 0);
        filch_submission_wait(&first);
        atomic_store(&both_are_there, false);
        cr_assert_eq(filch_submit(rt, &older, wait_for_the_younger, NULL), 0);
        cr_assert_eq(filch_submit(rt, &younger, do_nothing, NULL), 0);
        atomic_store(&both_are_there, true);
        filch_submission_wait(&older);
        cr_assert_eq(filch_stop(rt), 0);
    }
}

Test(submit, one_that_waits_for_another_on_its_thread)
{
    older_waits_for_younger(-1);
}

Test(submit, one_that_waits_for_another_on_a_fiber)
{
    older_waits_for_younger(1);
}

static void await_the_younger(void *arg)
{
    (void)arg;
    await(&both_are_there);
    while (!filch_submission_done(&younger))
        sched_yield();
}

/* The older waits awake: there are two places, so there must be two threads. */
Test(submit, two_at_once_where_there_are_two_places)
{
    for (int i = 0; i < 100; i++) {
        rt = start_with(2);
        atomic_store(&both_are_there, false);
        cr_assert_eq(filch_submit(rt, &older, await_the_younger, NULL), 0);
        cr_assert_eq(filch_submit(rt, &younger, do_nothing, NULL), 0);
        atomic_store(&both_are_there, true);
        filch_submission_wait(&older);
        cr_assert_eq(filch_stop(rt), 0);
    }
}

/* ---- more that wait for each other than there are threads ---- */

enum { CHAINS = 16, LINKS = 60, MOST = 3 };
static filch_runtime *with[MOST];
static unsigned runtimes;
static atomic_int links;

struct link {
    unsigned left;
    bool visits; /* another runtime, before it waits there */
};

static void follow(void *arg);

static filch_runtime *one_of(unsigned i)
{
    return with[i % runtimes];
}

static void submit_and_follow(void *arg)
{
    struct link *next = arg;
    filch_submission s;
    cr_assert_eq(filch_submit(one_of(next->left), &s, follow, next), 0);
    for (unsigned i = 0; i < 5 * next->left && !filch_submission_done(&s); i++)
        sched_yield(); /* somebody else may begin it; near the end of the chain less often */
    filch_submission_wait(&s);
}

static void follow_in_task(struct link *next)
{
    submit_and_follow(next);
}
FILCH_TASK(void, follow_in_task, struct link *);

static void spawn_and_follow(void *arg)
{
    struct link *next = arg;
    follow_in_task_task t;
    follow_in_task_spawn(&t, next);
    for (unsigned i = 0; i < 5 * next->left; i++) { /* somebody else may take it */
        answer_thieves();
        sched_yield();
    }
    follow_in_task_sync(&t);
}

static void follow(void *arg)
{
    struct link *here = arg, next = {here->left - 1, here->visits};
    void (*go_on)(void *) = here->left % 2 ? submit_and_follow : spawn_and_follow;
    cr_assert_eq(fib(5), 5);
    atomic_fetch_add(&links, 1);
    if (here->left == 0)
        return;
    if (here->visits)
        cr_assert_eq(filch_run(one_of(here->left / runtimes), go_on, &next), 0);
    else
        go_on(&next);
}

static void follow_chains(const filch_config *config, unsigned n, bool visits)
{
    struct link start[CHAINS];
    filch_submission s[CHAINS];
    runtimes = n;
    for (unsigned i = 0; i < n; i++) {
        filch_config c = config[i];
        c.size = sizeof c;
        cr_assert_eq(filch_start(&with[i], &c), 0);
    }
    for (unsigned i = 0; i < CHAINS; i++) {
        start[i] = (struct link){LINKS - 1, visits};
        cr_assert_eq(filch_submit(one_of(i), &s[i], follow, &start[i]), 0);
    }
    for (int i = 0; i < CHAINS; i++)
        filch_submission_wait(&s[i]);
    cr_assert_eq(atomic_load(&links), CHAINS * LINKS);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(filch_stop(with[i]), 0);
}

static const filch_config stay = {.workers = 2, .migrate = -1}, move = {.workers = 2}, three = {.workers = 3},
                          alone = {.workers = 1};
#define CHAINS_THROUGH(name, visits, ...)                                                                             \
    Test(submit, chains_##name)                                                                                       \
    {                                                                                                                 \
        const filch_config config[] = {__VA_ARGS__};                                                                  \
        follow_chains(config, sizeof config / sizeof *config, visits);                                                \
    }

CHAINS_THROUGH(through_two_whose_stacks_stay, false, stay, stay)
CHAINS_THROUGH(with_visits_through_two_whose_stacks_stay, true, stay, stay)
CHAINS_THROUGH(through_one_whose_stacks_stay, false, stay, move)
CHAINS_THROUGH(with_visits_through_one_whose_stacks_stay, true, stay, three)
CHAINS_THROUGH(with_visits_of_one_worker, true, move, alone)
CHAINS_THROUGH(with_visits_of_one_worker_through_two, true, move, alone, move)
CHAINS_THROUGH(with_visits_through_two_beside_one_whose_stacks_stay, true, move, stay, move)
CHAINS_THROUGH(on_fibers, true, move, three)

/* Both threads of the first runtime went into the second, where what they spawned was stolen.  It waits for the third,
 * and that for what only those two can do. */
static atomic_int in_third;

static void submit_to_first(void *arg)
{
    filch_submission s;
    (void)arg;
    atomic_fetch_add(&in_third, 1);
    while (atomic_load(&in_third) < 2)
        sched_yield();
    cr_assert_eq(filch_submit(with[0], &s, do_nothing, NULL), 0);
    filch_submission_wait(&s);
}

static void wait_for_third(atomic_bool *stolen)
{
    filch_submission s;
    atomic_store(stolen, true);
    cr_assert_eq(filch_submit(with[2], &s, submit_to_first, NULL), 0);
    while (atomic_load(&in_third) < 2)
        sched_yield();
    filch_submission_wait(&s);
}
FILCH_TASK(void, wait_for_third, atomic_bool *);

static void join_in_second(void *arg)
{
    atomic_bool stolen = false;
    wait_for_third_task t;
    (void)arg;
    wait_for_third_spawn(&t, &stolen);
    until_thief_raises(&stolen);
    wait_for_third_sync(&t);
}

static void go_to_second(void *arg)
{
    cr_assert_eq(filch_run(with[1], join_in_second, arg), 0);
}

Test(submit, by_those_who_wait_for_a_stolen_task_elsewhere)
{
    filch_submission s[2];
    with[0] = start_with(2);
    with[2] = start_with(3);
    for (int i = 0; i < 20; i++) {
        filch_config c = {.size = sizeof c, .workers = 4, .migrate = -1}; /* places for two thieves */
        cr_assert_eq(filch_start(&with[1], &c), 0);
        atomic_store(&in_third, 0);
        for (int k = 0; k < 2; k++)
            cr_assert_eq(filch_submit(with[0], &s[k], go_to_second, NULL), 0);
        for (int k = 0; k < 2; k++)
            filch_submission_wait(&s[k]);
        cr_assert_eq(filch_stop(with[1]), 0);
    }
    cr_assert_eq(filch_stop(with[0]), 0);
    cr_assert_eq(filch_stop(with[2]), 0);
}

/* ---- where threads of the user have all places, and keep them ---- */

static pthread_barrier_t both_have_places;

static void poll_with_a_place(void *arg)
{
    atomic_bool done = false;
    filch_submission s;
    nothing_task unsynced;
    nothing_spawn(&unsynced);
    while (!fl_self()->place)
        answer_thieves();
    pthread_barrier_wait(&both_have_places);
    cr_assert_eq(filch_submit(rt, &s, raise_flag, &done), 0);
    if (arg) {
        await(&done);
        filch_submission_wait(&s);
    } else {
        while (!filch_submission_done(&s))
            sched_yield();
    }
    cr_assert(fl_self()->place, "it kept it");
    nothing_sync(&unsynced);
}

static void *poll_beside_main(void *arg)
{
    cr_assert_eq(filch_run(rt, poll_with_a_place, arg), 0);
    return NULL;
}

Test(submit, needs_no_place)
{
    enum { TURNS = 20 };
    pthread_barrier_init(&both_have_places, NULL, 2);
    for (int i = 0; i < TURNS; i++) {
        pthread_t other;
        rt = start_with(2);
        start_thread(&other, poll_beside_main, NULL);
        cr_assert_eq(filch_run(rt, poll_with_a_place, rt), 0);
        pthread_join(other, NULL);
        cr_assert_eq(filch_stop(rt), 0);
    }
}
