/* Signals by the thousand, and threads that stand still, while trees of tasks are computed and checked.
 *
 *   Interrupts  SIGALRM to the process, SIGPROF by the CPU time used and to each thread by its number; the handlers are
 *               installed without SA_RESTART, so that sleeps end with EINTR.
 *   Frozen      One thread at a time, any but the test's own, sleeps 50 ms in a handler of SIGPROF, the one signal that
 *               workers take.
 *   Exercised   Each test goes on until enough signals, interrupted sleeps of the library, or frozen workers were
 *               counted; one that never comes so far ends by its time limit. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/time.h>

#include "stolen.h"
#include "tree.h"
#include "worker.h"

#if SANITIZED
enum { MOST_WORKERS = 4, SIGNALS = 300, FREEZES = 5 };
#else
enum { MOST_WORKERS = 8, SIGNALS = 1000, FREEZES = 12 };
#endif

/* ---- the library's system calls ---- */

static atomic_uint interrupted, users_interrupted; /* its sleeps; those of threads that wait for a stolen task */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) /* as the C library's own: more than there are may be read, and mean nothing */
        a[i] = va_arg(args, long);
    va_end(args);
    long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_futex && result < 0 && errno == EINTR) {
        atomic_fetch_add(&interrupted, 1);
        atomic_fetch_add(&users_interrupted, fl_self() && fl_self()->lent);
    }
    return result;
}

/* ---- interrupts ---- */

static atomic_uint alarms, profiled, on_workers;

static void count_signal(int signal)
{
    int saved = errno;
    atomic_fetch_add(signal == SIGALRM ? &alarms : &profiled, 1);
    if (signal == SIGPROF && fl_self() && !fl_self()->lent)
        atomic_fetch_add(&on_workers, 1);
    errno = saved;
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction a = {.sa_handler = handler};
    cr_assert_eq(sigaction(signal, &a, NULL), 0);
}

static void alarm_each(long us)
{
    struct itimerval t = {{0, us}, {0, us}};
    cr_assert_eq(setitimer(ITIMER_REAL, &t, NULL), 0);
}

static void profile_each(long us)
{
    struct itimerval t = {{0, us}, {0, us}};
    cr_assert_eq(setitimer(ITIMER_PROF, &t, NULL), 0);
}

static void signal_each(void)
{
    pid_t threads[THREADS];
    unsigned n = other_threads(threads);
    for (unsigned i = 0; i < n; i++)
        (void)syscall(SYS_tgkill, getpid(), threads[i], SIGPROF); /* it may have ended */
    pause_ns(500000);
}

static bool enough_signals(void)
{
    return atomic_load(&alarms) >= SIGNALS / 10 && atomic_load(&profiled) >= SIGNALS &&
           atomic_load(&on_workers) >= SIGNALS / 4 && atomic_load(&interrupted) >= SIGNALS / 20;
}

static void compute_in_a_storm(filch_config c)
{
    uint64_t seed = c.workers;
    filch_runtime *rt = start_with(c);
    atomic_store(&alarms, 0);
    atomic_store(&profiled, 0);
    atomic_store(&on_workers, 0);
    atomic_store(&interrupted, 0);
    while (!enough_signals()) {
        expect_tree(rt, seed = mix(seed));
        if (seed % 4 == 0)
            pause_ns(300000); /* so that workers fall asleep */
    }
    cr_assert_eq(filch_stop(rt), 0);
}

TestSuite(storms, .init = clear_environment, .timeout = 200);

Test(storms, of_signals)
{
    struct trouble trouble = {.once = signal_each};
    handle(SIGALRM, count_signal);
    handle(SIGPROF, count_signal);
    begin_trouble(&trouble);
    alarm_each(900);
    profile_each(1000);
    for (unsigned workers = 2; workers <= MOST_WORKERS; workers++)
        compute_in_a_storm((filch_config){.workers = workers});
    compute_in_a_storm((filch_config){.workers = 2, .overflow_message = 1});
    alarm_each(0);
    profile_each(0);
    end_trouble(&trouble);
}

/* Ends when the thread that waits for it has been interrupted a few times in its sleep. */
static unsigned until_interrupted(atomic_bool *began)
{
    enum { TIMES = 3 };
    unsigned before = atomic_load(&users_interrupted);
    atomic_store(began, true);
    while (atomic_load(&users_interrupted) - before < TIMES)
        sched_yield();
    return TIMES;
}
FILCH_TASK(unsigned, until_interrupted, atomic_bool *);

static void wait_for_it(void *sum)
{
    atomic_bool began = false;
    until_interrupted_task t;
    until_interrupted_spawn(&t, &began);
    until_thief_raises(&began);
    *(unsigned *)sum += until_interrupted_sync(&t);
}

/* It returns from its wait when the task is done, and not before. */
Test(storms, of_signals_to_a_thread_that_waits, .timeout = 60)
{
    enum { WAITS = 100 };
    struct trouble trouble = {.once = signal_each};
    filch_runtime *rt = start_with((filch_config){.workers = 2});
    unsigned sum = 0;
    handle(SIGPROF, count_signal);
    begin_trouble(&trouble);
    for (int i = 0; i < WAITS; i++)
        cr_assert_eq(filch_run(rt, wait_for_it, &sum), 0);
    cr_assert_eq(sum, 3 * WAITS);
    end_trouble(&trouble);
    cr_assert_eq(filch_stop(rt), 0);
}

/* Starting and stopping make the most system calls. */
Test(storms, while_runtimes_start_and_stop)
{
    enum { STARTS = 100 };
    struct trouble trouble = {.once = signal_each};
    handle(SIGALRM, count_signal);
    handle(SIGPROF, count_signal);
    begin_trouble(&trouble);
    alarm_each(300);
    for (unsigned i = 0; i < STARTS || atomic_load(&alarms) < STARTS; i++) {
        filch_runtime *rt = start_with((filch_config){.workers = 2 + i % 3, .overflow_message = i % 2 ? 1 : -1});
        expect_tree(rt, i);
        cr_assert_eq(filch_stop(rt), 0);
        cr_assert_eq(filch_start(NULL, NULL), 0);
        expect_tree(NULL, i);
        cr_assert_eq(filch_stop(NULL), 0);
    }
    alarm_each(0);
    end_trouble(&trouble);
}

/* ---- one thread stands still ---- */

static atomic_uint frozen, workers_frozen;
static atomic_bool is_frozen;

static void freeze(int signal)
{
    int saved = errno;
    struct timespec t = {0, 50000000};
    (void)signal;
    while (nanosleep(&t, &t) != 0)
        continue;
    atomic_fetch_add(&frozen, 1);
    if (fl_self() && !fl_self()->lent)
        atomic_fetch_add(&workers_frozen, 1);
    atomic_store(&is_frozen, false);
    errno = saved;
}

static void freeze_one(void)
{
    static uint64_t random = 1;
    pid_t threads[THREADS];
    unsigned n = other_threads(threads);
    random = mix(random);
    pause_ns((long)(random % 2000000)); /* anywhere in its work */
    atomic_store(&is_frozen, true);
    if (!n || syscall(SYS_tgkill, getpid(), threads[random / 2000000 % n], SIGPROF) != 0)
        atomic_store(&is_frozen, false);
    while (atomic_load(&is_frozen))
        pause_ns(1000000);
}

static void compute_while_freezing(unsigned workers)
{
    filch_runtime *rt = start_with((filch_config){.workers = workers});
    struct trouble trouble = {.once = freeze_one};
    uint64_t seed = workers;
    atomic_store(&frozen, 0);
    atomic_store(&workers_frozen, 0);
    begin_trouble(&trouble);
    while (atomic_load(&frozen) < FREEZES || !atomic_load(&workers_frozen))
        expect_tree(rt, seed = mix(seed));
    end_trouble(&trouble);
    cr_assert_eq(filch_stop(rt), 0);
}

Test(storms, one_thread_is_frozen)
{
    handle(SIGPROF, freeze);
    for (unsigned workers = 2; workers <= MOST_WORKERS; workers += 2)
        compute_while_freezing(workers);
}
