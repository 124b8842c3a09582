/* Functions that are submitted to a runtime, and the ways to wait for them. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <pthread.h>
#include <semaphore.h>
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

static void await_a_thief(void *arg)
{
    atomic_bool stolen = false;
    filch_task t;
    (void)arg;
    filch_spawn(&t, raise_flag, &stolen);
    until_thief_raises(&stolen);
    filch_sync(&t);
}

/* Its one thread rests, takes the submission, and then there is nobody left to ask for what that spawns. */
Test(submit, two_at_once_where_there_are_two_places_one_of_them_at_rest)
{
    filch_submission s;
    for (int i = 0; i < 20; i++) {
        rt = start_with(2);
        while (fl_load_rlx(test, &rt->worker[1].state) != FL_WATCHING)
            sched_yield();
        cr_assert_eq(filch_submit(rt, &s, await_a_thief, NULL), 0);
        filch_submission_wait(&s);
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

/* No helper can be made, as if there were no memory. */
static void leave_no_slots(filch_runtime *to)
{
    to->slots = to->threads;
}

static void follow_chains(const filch_config *config, unsigned n, bool visits, bool help)
{
    struct link start[CHAINS];
    filch_submission s[CHAINS];
    runtimes = n;
    for (unsigned i = 0; i < n; i++) {
        filch_config c = config[i];
        c.size = sizeof c;
        cr_assert_eq(filch_start(&with[i], &c), 0);
        if (!help)
            leave_no_slots(with[i]);
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
        follow_chains(config, sizeof config / sizeof *config, visits, true);                                          \
    }                                                                                                                 \
    Test(submit, chains_##name##_without_help)                                                                        \
    {                                                                                                                 \
        const filch_config config[] = {__VA_ARGS__};                                                                  \
        follow_chains(config, sizeof config / sizeof *config, visits, false);                                         \
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

static void wait_elsewhere(bool help)
{
    filch_submission s[2];
    with[0] = start_with(2);
    with[2] = start_with(3);
    if (!help)
        leave_no_slots(with[0]);
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

Test(submit, by_those_who_wait_for_a_stolen_task_elsewhere)
{
    wait_elsewhere(true);
}

Test(submit, by_those_who_wait_for_a_stolen_task_elsewhere_without_help)
{
    wait_elsewhere(false);
}

/* Its threads are all busy: who submits does it, if it would keep a thread waiting, here or there. */
static void submit_to_the_busy(void *arg)
{
    atomic_bool done = false;
    filch_submission s;
    (void)arg;
    cr_assert_eq(filch_submit(with[1], &s, raise_flag, &done), 0);
    filch_submission_wait(&s);
    cr_assert(atomic_load(&done));
}

static void take_a_thread(void *held)
{
    sem_post(&((sem_t *)held)[0]);
    sem_wait(&((sem_t *)held)[1]);
}

static void submit_to_busy_threads(const filch_config *from, const filch_config *to)
{
    filch_submission holder, s;
    filch_config c[] = {*from, *to};
    sem_t held[2];
    sem_init(&held[0], 0, 0);
    sem_init(&held[1], 0, 0);
    for (int i = 0; i < 2; i++) {
        c[i].size = sizeof c[i];
        cr_assert_eq(filch_start(&with[i], &c[i]), 0);
    }
    fl_store_rlx(test, &with[1]->spares, with[1]->threads - with[1]->workers); /* none will be made */
    cr_assert_eq(filch_submit(with[1], &holder, take_a_thread, held), 0);
    sem_wait(&held[0]);
    cr_assert_eq(filch_submit(with[0], &s, submit_to_the_busy, NULL), 0);
    filch_submission_wait(&s);
    sem_post(&held[1]);
    filch_submission_wait(&holder);
    cr_assert_eq(filch_stop(with[1]), 0);
    cr_assert_eq(filch_stop(with[0]), 0);
}

Test(submit, to_busy_threads_whose_stacks_stay)
{
    submit_to_busy_threads(&move, &stay);
}

Test(submit, to_busy_threads_from_where_stacks_stay)
{
    submit_to_busy_threads(&stay, &move);
}

/* ---- helpers ---- */

static unsigned helpers_of(filch_runtime *of)
{
    return fl_load_rlx(test, &of->ever) - of->threads; /* the most at once; nobody else uses it any more */
}

static filch_submission suspended[2];
static atomic_int visitors;

static void await_four_visitors(void *arg)
{
    (void)arg;
    atomic_fetch_add(&visitors, 1);
    while (atomic_load(&visitors) < 4)
        sched_yield();
}

static void visit_third(void *arg)
{
    cr_assert_eq(filch_run(with[2], await_four_visitors, arg), 0);
}

static void wait_in_second(void *which)
{
    atomic_fetch_add(&visitors, 1);
    filch_submission_wait(which);
}

static void wait_for_it_in_second(void *which)
{
    cr_assert_eq(filch_run(with[1], wait_in_second, which), 0);
}

/* Both threads of the first runtime have gone into the second and wait there for tasks of the first that have begun,
 * and were suspended for the third.  That is done, so they could go on. */
static void both_wait_for_suspended(const filch_config *second)
{
    filch_submission waiting[2];
    filch_config c = *second;
    c.size = sizeof c;
    with[0] = start_with(2);
    with[2] = start_with(5);
    cr_assert_eq(filch_start(&with[1], &c), 0);
    for (int i = 0; i < 20; i++) {
        atomic_store(&visitors, 0);
        for (int k = 0; k < 2; k++)
            cr_assert_eq(filch_submit(with[0], &suspended[k], visit_third, NULL), 0);
        while (atomic_load(&visitors) < 2)
            sched_yield();
        for (int k = 0; k < 2; k++)
            cr_assert_eq(filch_submit(with[0], &waiting[k], wait_for_it_in_second, &suspended[k]), 0);
        for (int k = 0; k < 2; k++)
            filch_submission_wait(&waiting[k]);
        for (int k = 0; k < 2; k++)
            cr_assert(filch_submission_done(&suspended[k]));
    }
    cr_assert(helpers_of(with[0]) > 0, "not exercised");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(filch_stop(with[i]), 0);
}

Test(submit, by_all_threads_for_what_was_suspended_from_one_worker)
{
    both_wait_for_suspended(&alone);
}

Test(submit, by_all_threads_for_what_was_suspended_from_where_stacks_stay)
{
    both_wait_for_suspended(&stay);
}

/* A task on each thread that there is; each waits for the next one, which was stolen. */
static atomic_bool stolen_at[64];
static unsigned deepest;
static void (*at_the_end)(void);
static atomic_int ends;
static sem_t begun;

static void go_deeper(unsigned depth);
FILCH_TASK(void, go_deeper, unsigned);

static void check_fib(void *arg)
{
    (void)arg;
    cr_assert_eq(fib(10), 55);
}

/* The last one waits for a submission that another runtime has made. */
static void submit_here(void *arg)
{
    filch_submission s;
    (void)arg;
    sem_post(&begun);
    cr_assert_eq(filch_submit(rt, &s, check_fib, NULL), 0);
    while (!filch_submission_done(&s)) /* nor does it take it back */
        sched_yield();
}

static void go_deeper(unsigned depth)
{
    atomic_store(&stolen_at[depth], true);
    if (depth < deepest) {
        go_deeper_task next;
        go_deeper_spawn(&next, depth + 1);
        until_thief_raises(&stolen_at[depth + 1]);
        go_deeper_sync(&next);
        return;
    }
    at_the_end();
    atomic_fetch_add(&ends, 1);
}

static void begin_to_go_deeper(void *arg)
{
    (void)arg;
    go_deeper(0);
}

static void wait_for_who_submits_here(void)
{
    filch_submission s;
    cr_assert_eq(filch_submit(with[0], &s, submit_here, NULL), 0);
    sem_wait(&begun); /* too late to take it back */
    filch_submission_wait(&s);
}

Test(submit, by_threads_of_which_all_but_one_wait_for_stolen_tasks)
{
    filch_submission s;
    at_the_end = wait_for_who_submits_here;
    sem_init(&begun, 0, 0);
    with[0] = start_with(2);
    for (int i = 0; i < 10; i++) {
        filch_config c = stay;
        c.size = sizeof c;
        cr_assert_eq(filch_start(&rt, &c), 0);
        deepest = rt->threads - 2; /* slot 0 is nobody's */
        for (unsigned k = 0; k <= deepest; k++)
            atomic_store(&stolen_at[k], false);
        cr_assert_eq(filch_submit(rt, &s, begin_to_go_deeper, NULL), 0);
        filch_submission_wait(&s);
        cr_assert_eq(helpers_of(rt), 1u);
        cr_assert_eq(filch_stop(rt), 0);
    }
    cr_assert_eq(atomic_load(&ends), 10);
    cr_assert_eq(filch_stop(with[0]), 0);
}

static pthread_barrier_t all_are_there;

static void meet(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&all_are_there);
}

/* There are no stacks to go on with, and no helper: the letter is opened on top of a sync, most of the time. */
Test(submit, opened_on_top_of_a_sync)
{
    enum { AT_ONCE = 4 };
    filch_submission s, meeting[AT_ONCE];
    at_the_end = wait_for_who_submits_here;
    deepest = AT_ONCE - 1;
    sem_init(&begun, 0, 0);
    pthread_barrier_init(&all_are_there, NULL, AT_ONCE);
    with[0] = start_with(2);
    rt = start_with(AT_ONCE);
    leave_no_slots(rt);
    for (int i = 0; i < AT_ONCE; i++)
        cr_assert_eq(filch_submit(rt, &meeting[i], meet, NULL), 0);
    for (int i = 0; i < AT_ONCE; i++)
        filch_submission_wait(&meeting[i]);
    pthread_mutex_lock(&rt->fibers.lock);
    rt->fibers.most = 1;
    pthread_mutex_unlock(&rt->fibers.lock);
    for (int i = 0; i < 20; i++) {
        for (unsigned k = 0; k <= deepest; k++)
            atomic_store(&stolen_at[k], false);
        cr_assert_eq(filch_submit(rt, &s, begin_to_go_deeper, NULL), 0);
        filch_submission_wait(&s);
    }
    struct filch_counters counters = {.size = sizeof counters};
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &counters), 0);
    cr_assert(counters.in_place > 0, "not exercised");
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_stop(with[0]), 0);
}

/* ---- what is opened on top of what waits has a place, and leaves none ---- */

enum { WAITERS = 5 }; /* the threads that a runtime of two places has whose stacks stay */
static sem_t may_end;

static void await_the_end(void *has_begun)
{
    sem_post(has_begun);
    sem_wait(&may_end);
}

static void wait_until_the_end(void *arg)
{
    filch_submission s;
    sem_t has_begun;
    (void)arg;
    sem_init(&has_begun, 0, 0);
    cr_assert_eq(filch_submit(with[0], &s, await_the_end, &has_begun), 0);
    sem_wait(&has_begun);
    filch_submission_wait(&s);
}

/* They come to this; others that wait may take one, for a moment, to look whether a letter is left for them. */
static void await_places(int n)
{
    while (fl_places(fl_load_rlx(test, &rt->parking.idle)) != n)
        sched_yield();
}

static void visit_with_a_place(void *arg)
{
    (void)arg;
    cr_assert(fl_self()->runtime == rt && fl_self()->place);
    await_places(1);
    cr_assert_eq(filch_run(with[1], do_nothing, NULL), 0);
    await_places(1);
}

static bool all_threads_wait(void)
{
    for (unsigned i = 1; i < rt->threads; i++)
        if (fl_load_rlx(test, &rt->worker[i].state) != FL_WAITING)
            return false;
    return true;
}

Test(submit, opened_on_top_of_what_waits)
{
    filch_submission waiting[WAITERS], on_top;
    filch_config c = stay;
    c.size = sizeof c;
    sem_init(&may_end, 0, 0);
    with[0] = start_with(WAITERS + 1);
    with[1] = start_with(1);
    cr_assert_eq(filch_start(&rt, &c), 0);
    cr_assert_eq(rt->threads, WAITERS + 1);
    leave_no_slots(rt);
    for (int i = 0; i < WAITERS; i++)
        cr_assert_eq(filch_submit(rt, &waiting[i], wait_until_the_end, NULL), 0);
    while (!all_threads_wait())
        sched_yield();
    for (int i = 0; i < 10; i++) {
        await_places(2);
        cr_assert_eq(filch_submit(rt, &on_top, visit_with_a_place, NULL), 0);
        filch_submission_wait(&on_top);
    }
    await_places(2);
    cr_assert_eq(helpers_of(rt), 0u);
    for (int i = 0; i < WAITERS; i++)
        sem_post(&may_end);
    for (int i = 0; i < WAITERS; i++)
        filch_submission_wait(&waiting[i]);
    cr_assert_eq(filch_stop(rt), 0);
    cr_assert_eq(filch_stop(with[1]), 0);
    cr_assert_eq(filch_stop(with[0]), 0);
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
