/* runtime/overflow.c: what is said when a fiber's stack overflows, and that faults stay the user's business. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base.h"
#include "process.h"
#include "seam.h"
#include "stolen.h"
#include "suspended.h"

static void begin_test(void)
{
    if (SANITIZED)
        cr_skip_test("SIGSEGV is the sanitizer's");
    clear_environment();
}

TestSuite(overflow, .init = begin_test, .timeout = 40);

/* ---- programs that end by a fault, as children ---- */

static int message;                   /* config.overflow_message */
static void (*prepare_signals)(void); /* before the runtime starts; NULL: as after exec */
static void (*fault)(void);           /* in a task on a fiber */
static const char overflow_said[] = "filch: stack overflow in task faulty (";

/* Deeper than any stack; volatile, so that no compiler can tell. */
static volatile long end = INT32_MAX;

static long endless(long n)
{
    volatile char frame[200];
    frame[n % 200] = 1;
    return n < end ? endless(n + 1) + frame[n % 200] : 0;
}

static void overflow(void)
{
    (void)endless(0);
}

static volatile uintptr_t near_null = 8;

static void read_near_null(void)
{
    (void)*(volatile int *)near_null;
}

static atomic_bool began;

static void faulty(void)
{
    atomic_store(&began, true);
    fault();
}
FILCH_TASK(void, faulty);
enum { FAULTY_LINE = __LINE__ - 1 };

static void run_faulty(void *arg)
{
    faulty_task t;
    (void)arg;
    faulty_spawn(&t);
    until_thief_raises(&began);
    faulty_sync(&t);
}

static void start_with_message(filch_runtime **rt)
{
    filch_config c = {.size = sizeof c, .workers = 2, .stack_size = 1 << 17, .overflow_message = message};
    CHILD_REQUIRE(filch_start(rt, &c) == 0);
}

static void program(void)
{
    filch_runtime *rt;
    signal(SIGSEGV, SIG_DFL);
    if (prepare_signals)
        prepare_signals();
    start_with_message(&rt);
    filch_run(rt, run_faulty, NULL);
}

static struct child child_with(int overflow_message, void (*prepare)(void), void (*faults)(void))
{
    message = overflow_message;
    prepare_signals = prepare;
    fault = faults;
    return child_of(program);
}

static void expect_fault(struct child child)
{
    cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGSEGV, "the child's status is %#x; it said: %s",
              (unsigned)child.status, child.said);
}

/* The task, where its FILCH_TASK is, and the worker. */
static void expect_sentence(struct child child, const char *task, int line, unsigned worker)
{
    char expected[300];
    snprintf(expected, sizeof expected,
             "filch: stack overflow in task %s (%s:%d), or in what it calls, on worker %u: ", task, __FILE__, line,
             worker);
    cr_assert(strncmp(child.said, expected, strlen(expected)) == 0, "expected \"%s\"; it said: %s", expected,
              child.said);
    cr_assert(strstr(child.said, "FILCH_STACK"), "no advice in: %s", child.said);
    cr_assert_eq(child.said[strcspn(child.said, "\n")], '\n');
}

Test(overflow, names_the_task_and_dies_of_the_fault)
{
    struct child child = child_with(1, NULL, overflow);
    expect_fault(child);
    expect_sentence(child, "faulty", FAULTY_LINE, 1);
    cr_assert_eq(lines_of(child.said), 1u, "%s", child.said);
}

Test(overflow, without_a_message_dies_silently)
{
    struct child child = child_with(-1, NULL, overflow);
    expect_fault(child);
    cr_assert_str_empty(child.said);
}

Test(overflow, by_default_only_a_debug_build_says_something)
{
    struct child child = child_with(0, NULL, overflow);
    expect_fault(child);
    if (FL_DEBUG)
        expect_sentence(child, "faulty", FAULTY_LINE, 1);
    else
        cr_assert_str_empty(child.said);
}

Test(overflow, another_fault_is_not_called_one)
{
    struct child child = child_with(1, NULL, read_near_null);
    expect_fault(child);
    cr_assert_str_empty(child.said);
}

static void send_fault(void)
{
    raise(SIGSEGV);
}

Test(overflow, a_signal_that_was_sent_kills_too)
{
    struct child child = child_with(1, NULL, send_fault);
    expect_fault(child);
    cr_assert_str_empty(child.said);
}

static void ignore_signal(void)
{
    signal(SIGSEGV, SIG_IGN);
}

static void send_then_overflow(void)
{
    raise(SIGSEGV);
    overflow();
}

Test(overflow, a_sent_signal_that_is_ignored_changes_nothing)
{
    struct child child = child_with(1, ignore_signal, send_then_overflow);
    expect_fault(child);
    expect_sentence(child, "faulty", FAULTY_LINE, 1);
}

/* ---- on the worker where it has got to ---- */

static void ends_when_it_is_waited_for(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
    at_end();
}

static void migrate_then_overflow(void)
{
    filch_task t;
    atomic_bool stolen = false;
    new_race();
    filch_spawn(&t, ends_when_it_is_waited_for, &stolen);
    until_thief_raises(&stolen);
    at_sync(&t.head);
    filch_sync(&t);
    overflow();
}

Test(overflow, of_a_task_that_has_migrated)
{
    fl_seam.at = hold_ending;
    forced_ending = DONE_AFTER;
    struct child child = child_with(1, NULL, migrate_then_overflow);
    fl_seam.at = NULL;
    expect_fault(child);
    expect_sentence(child, "faulty", FAULTY_LINE, 2); /* the spare, which had stolen what it waited for */
}

/* ---- the handler that was there before ---- */

static void user_says(const char *what)
{
    dprintf(STDERR_FILENO, "user: %s\n", what);
    _exit(7);
}

static void users_handler(int signal)
{
    user_says(signal == SIGSEGV ? "handler" : "another signal");
}

static void users_action(int signal, siginfo_t *info, void *context)
{
    user_says(signal != SIGSEGV || !context        ? "something else"
              : info->si_addr == (void *)near_null ? "action near null"
                                                   : "action");
}

static void set_handler(void)
{
    struct sigaction a = {.sa_handler = users_handler, .sa_flags = SA_ONSTACK};
    sigemptyset(&a.sa_mask);
    CHILD_REQUIRE(sigaction(SIGSEGV, &a, NULL) == 0);
}

static void set_action(void)
{
    struct sigaction a = {.sa_sigaction = users_action, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigemptyset(&a.sa_mask);
    CHILD_REQUIRE(sigaction(SIGSEGV, &a, NULL) == 0);
}

/* Says it once, and leaves the rest to the kernel. */
static void reports(int signal)
{
    sigset_t blocked;
    CHILD_REQUIRE(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0);
    dprintf(STDERR_FILENO, "user: report%s%s\n", sigismember(&blocked, signal) ? ", blocked" : "",
            sigismember(&blocked, SIGUSR1) ? ", others too" : "");
}

static void set_report(void)
{
    struct sigaction a = {.sa_handler = reports, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
    sigemptyset(&a.sa_mask);
    sigaddset(&a.sa_mask, SIGUSR1);
    CHILD_REQUIRE(sigaction(SIGSEGV, &a, NULL) == 0);
}

static void raises_again(int signal)
{
    dprintf(STDERR_FILENO, "user: again\n");
    raise(signal);
}

static void set_raising(void)
{
    struct sigaction a = {.sa_handler = raises_again, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
    sigemptyset(&a.sa_mask);
    CHILD_REQUIRE(sigaction(SIGSEGV, &a, NULL) == 0);
}

Test(overflow, the_users_flags_are_kept)
{
    struct child child = child_with(1, set_report, read_near_null);
    expect_fault(child);
    cr_assert_str_eq(child.said, "user: report, blocked, others too\n");
    child = child_with(1, set_raising, read_near_null);
    expect_fault(child);
    cr_assert_str_eq(child.said, "user: again\n");
}

static void expect_user(struct child child, const char *sentence, const char *user)
{
    const char *rest = child.said;
    cr_assert(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 7, "the child's status is %#x; it said: %s",
              (unsigned)child.status, child.said);
    if (sentence) {
        cr_assert(strncmp(rest, sentence, strlen(sentence)) == 0, "%s", child.said);
        rest += strcspn(rest, "\n") + 1;
    }
    cr_assert_str_eq(rest, user);
}

Test(overflow, the_users_handler_decides)
{
    expect_user(child_with(1, set_handler, overflow), overflow_said, "user: handler\n");
    expect_user(child_with(1, set_action, overflow), overflow_said, "user: action\n");
}

Test(overflow, the_users_handler_gets_other_faults)
{
    expect_user(child_with(1, set_handler, read_near_null), NULL, "user: handler\n");
    expect_user(child_with(1, set_action, read_near_null), NULL, "user: action near null\n");
}

/* ---- a fiber of one runtime, a slot of another ---- */

static filch_runtime *inner;

static void overflow_in_another(void *arg)
{
    (void)arg;
    overflow();
}

static void run_in_another(void)
{
    filch_run(inner, overflow_in_another, NULL);
}

static void start_another(void)
{
    start_with_message(&inner);
}

/* On a stack of its own, as any submission there; by which worker is not said. */
Test(overflow, of_a_visitor_in_another_runtime)
{
    struct child child = child_with(1, start_another, run_in_another);
    expect_fault(child);
    cr_assert(strstr(child.said, "stack overflow in task faulty ("), "%s", child.said);
}

/* It has no thread that could run the visitor's function. */
static void start_one_without_threads(void)
{
    filch_config c = {.size = sizeof c, .workers = 1, .overflow_message = 1};
    CHILD_REQUIRE(filch_start(&inner, &c) == 0);
}

Test(overflow, inside_another_runtime_of_the_same_thread)
{
    struct child child = child_with(1, start_one_without_threads, run_in_another);
    expect_fault(child);
    expect_sentence(child, "faulty", FAULTY_LINE, 0);
}

/* ---- what is left behind ---- */

static bool is_same(const struct sigaction *a, const struct sigaction *b)
{
    for (int signal = 1; signal < 65; signal++) /* the rest of a mask is whatever it was */
        if (sigismember(&a->sa_mask, signal) != sigismember(&b->sa_mask, signal))
            return false;
    return a->sa_flags == b->sa_flags &&
           (a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction : a->sa_handler == b->sa_handler);
}

static struct sigaction current_action(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    CHILD_REQUIRE(sigaction(SIGSEGV, NULL, &a) == 0);
    return a;
}

static void expect_removed(void)
{
    struct sigaction before = current_action(), with_first, now;
    filch_runtime *first, *second;
    message = -1;
    start_with_message(&first);
    now = current_action();
    CHILD_REQUIRE(is_same(&now, &before)); /* nobody asked */
    CHILD_REQUIRE(filch_stop(first) == 0);
    for (int round = 0; round < 2; round++) {
        message = 1;
        start_with_message(&first);
        with_first = current_action();
        CHILD_REQUIRE(!is_same(&with_first, &before));
        start_with_message(&second);
        now = current_action();
        CHILD_REQUIRE(is_same(&now, &with_first));
        CHILD_REQUIRE(filch_stop(round ? first : second) == 0);
        now = current_action();
        CHILD_REQUIRE(is_same(&now, &with_first)); /* the other one is there still */
        CHILD_REQUIRE(filch_stop(round ? second : first) == 0);
        now = current_action();
        CHILD_REQUIRE(is_same(&now, &before));
    }
}

static void removed_from_default(void)
{
    signal(SIGSEGV, SIG_DFL);
    expect_removed();
    set_action();
    expect_removed();
}

Test(overflow, the_handler_goes_with_the_last_runtime)
{
    expect_success(child_of(removed_from_default));
}

/* Who came later stays, and ours behind it only passes on: to what was there before both. */
static struct sigaction behind_theirs;
static int faults_of_theirs;

static void theirs(int signal, siginfo_t *info, void *context)
{
    if (++faults_of_theirs > 1)
        user_says("in a circle");
    behind_theirs.sa_sigaction(signal, info, context);
}

static void replaced_meanwhile(void)
{
    filch_runtime *rt;
    struct sigaction a = {.sa_sigaction = theirs, .sa_flags = SA_ONSTACK | SA_SIGINFO}, in_front, now;
    sigemptyset(&a.sa_mask);
    set_action();
    message = 1;
    start_with_message(&rt);
    CHILD_REQUIRE(sigaction(SIGSEGV, &a, &behind_theirs) == 0);
    in_front = current_action();
    CHILD_REQUIRE(filch_stop(rt) == 0);
    now = current_action();
    CHILD_REQUIRE(is_same(&now, &in_front));
    start_with_message(&rt);
    read_near_null();
}

Test(overflow, another_handler_in_front_is_left_alone)
{
    expect_user(child_of(replaced_meanwhile), NULL, "user: action near null\n");
}

static void replaced_by_none(void)
{
    filch_runtime *rt;
    message = 1;
    start_with_message(&rt);
    signal(SIGSEGV, SIG_DFL);
    CHILD_REQUIRE(filch_stop(rt) == 0);
    fault = overflow;
    start_with_message(&rt);
    filch_run(rt, run_faulty, NULL);
}

Test(overflow, a_handler_that_was_taken_away_is_installed_again)
{
    struct child child = child_of(replaced_by_none);
    expect_fault(child);
    expect_sentence(child, "faulty", FAULTY_LINE, 1);
}

static struct filch_runtime *runtime;

static void look_at_alternate_stack(void *arg)
{
    CHILD_REQUIRE(sigaltstack(NULL, arg) == 0);
}

static void alternate_stacks(void)
{
    static char own[1 << 16];
    stack_t inside, after, mine = {.ss_sp = own, .ss_size = sizeof own};
    stack_t none = {.ss_flags = SS_DISABLE};
    CHILD_REQUIRE(sigaltstack(&none, NULL) == 0);
    message = 1;
    start_with_message(&runtime);
    CHILD_REQUIRE(filch_run(runtime, look_at_alternate_stack, &inside) == 0);
    CHILD_REQUIRE(!(inside.ss_flags & SS_DISABLE));
    CHILD_REQUIRE(sigaltstack(NULL, &after) == 0 && (after.ss_flags & SS_DISABLE));

    CHILD_REQUIRE(sigaltstack(&mine, NULL) == 0);
    CHILD_REQUIRE(filch_run(runtime, look_at_alternate_stack, &inside) == 0);
    CHILD_REQUIRE(inside.ss_sp == own);
    CHILD_REQUIRE(sigaltstack(NULL, &after) == 0 && after.ss_sp == own && !(after.ss_flags & SS_DISABLE));
    CHILD_REQUIRE(filch_stop(runtime) == 0);
}

Test(overflow, a_threads_alternate_stack_is_as_before)
{
    expect_success(child_of(alternate_stacks));
}
