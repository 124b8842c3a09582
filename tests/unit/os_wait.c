/* runtime/os_wait.c: clock, futex and membarrier; each test is a process of its own. */
#define _GNU_SOURCE
#include "os.h"

#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "process.h"

/* ---- clock and futex ---- */

Test(os_wait, the_clock_never_goes_back)
{
    uint64_t last = fl_os_now();
    cr_assert(last > 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t now = fl_os_now();
        cr_assert(now >= last);
        last = now;
    }
}

static FL_ATOMIC(uint32_t) word;

Test(os_wait, another_value_is_not_waited_for, .timeout = 60)
{
    errno = 77;
    fl_os_futex_wait(&word, 1, 0); /* would never end */
    cr_assert_eq(errno, 77);
}

Test(os_wait, a_time_limit_ends_a_wait, .timeout = 60)
{
    errno = 77;
    fl_os_futex_wait(&word, 0, 1);
    fl_os_futex_wait(&word, 0, 1000000);
    fl_os_futex_wait(&word, 0, 1000000001); /* more than a second: two fields */
    cr_assert_eq(errno, 77);
}

Test(os_wait, nobody_to_wake)
{
    errno = 77;
    fl_os_futex_wake(&word, 1);
    fl_os_futex_wake((void *)16, 1); /* memory that is gone */
    cr_assert_eq(errno, 77);
}

static void *sleep_until_one(void *arg)
{
    while (fl_load_rlx(test, &word) == 0)
        fl_os_futex_wait(&word, 0, 0);
    return arg;
}

Test(os_wait, wakes_those_who_wait, .timeout = 60)
{
    for (int round = 0; round < 1000; round++) {
        pthread_t thread[3];
        fl_store_rlx(test, &word, 0);
        for (int i = 0; i < 3; i++)
            start_thread(&thread[i], sleep_until_one, NULL);
        if (round % 2)
            sched_yield();
        fl_store_rlx(test, &word, 1);
        fl_os_futex_wake(&word, round % 3 ? 3 : 1);
        fl_os_futex_wake(&word, 2);
        for (int i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
    }
}

/* A signal ends the system call; the caller looks again. */
static void ignore_signal(int number)
{
    (void)number;
}

static atomic_bool waits;

static void *wait_once(void *arg)
{
    errno = 77;
    atomic_store(&waits, true);
    while (atomic_load(&waits))
        fl_os_futex_wait(&word, 0, 0);
    cr_assert_eq(errno, 77);
    return arg;
}

Test(os_wait, a_signal_may_end_a_wait, .timeout = 60)
{
    struct sigaction action = {.sa_handler = ignore_signal}; /* no SA_RESTART */
    pthread_t thread;
    cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
    start_thread(&thread, wait_once, NULL);
    while (!atomic_load(&waits))
        sched_yield();
    atomic_store(&waits, false);
    fl_store_rlx(test, &word, 1);
    pthread_kill(thread, SIGUSR1); /* nobody calls wake; a wait that begins after this sees another value */
    pthread_join(thread, NULL);
}

/* ---- membarrier ---- */

static bool kernel_has_membarrier(void)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

Test(os_wait, membarrier_is_used_where_it_works)
{
    errno = 77;
    bool heavy = fl_os_has_heavy();
    cr_assert_eq(errno, 77);
    cr_assert(heavy == kernel_has_membarrier());
    cr_assert(heavy == fl_os_has_heavy());
    fl_os_fence_heavy();
    if (!heavy)
        cr_skip_test("membarrier does not work here");
    /* whoever registered: else the kernel would say EPERM */
    cr_assert_eq(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
}

Test(os_wait, nobody_registers_unasked)
{
    if (!kernel_has_membarrier())
        cr_skip_test("membarrier does not work here");
    cr_assert(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0 && errno == EPERM);
    fl_os_deny_heavy();
    cr_assert_not(fl_os_has_heavy());
    fl_os_fence_heavy();
    cr_assert(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0 && errno == EPERM,
              "a denied membarrier was registered");
}

static void fence_in_a_child(void)
{
    CHILD_REQUIRE(fl_os_has_heavy());
    fl_os_fence_heavy();
}

Test(os_wait, the_child_of_a_fork_may_go_on)
{
    if (!fl_os_has_heavy())
        cr_skip_test("membarrier does not work here");
    expect_success(child_of(fence_in_a_child));
}

/* Store, fence, load on two threads: one of them sees the other's store. */
static struct {
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint32_t) round;
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint32_t) x;
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint32_t) y;
    uint32_t saw;
} dekker;
static bool light_is_enough;

enum { ROUNDS = 20000 };

static void *light_half(void *arg)
{
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        while (fl_load_acq(test, &dekker.round) != 2 * i - 1)
            sched_yield();
        fl_store_rlx(test, &dekker.x, i);
        if (light_is_enough)
            fl_fence_light(test);
        else
            fl_fence_sc(test);
        dekker.saw = fl_load_rlx(test, &dekker.y);
        fl_store_rel(test, &dekker.round, 2 * i);
    }
    return arg;
}

static void check_dekker(void)
{
    pthread_t thread;
    light_is_enough = fl_os_has_heavy();
    start_thread(&thread, light_half, NULL);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        fl_store_rel(test, &dekker.round, 2 * i - 1);
        for (volatile uint32_t spin = 0; spin < i % 64; spin++)
            continue;
        fl_store_rlx(test, &dekker.y, i);
        fl_os_fence_heavy();
        uint32_t seen = fl_load_rlx(test, &dekker.x);
        while (fl_load_acq(test, &dekker.round) != 2 * i)
            sched_yield();
        cr_assert(seen == i || dekker.saw == i, "round %u: nobody saw the other", i);
    }
    pthread_join(thread, NULL);
}

Test(os_wait, heavy_against_light, .timeout = 60)
{
    check_dekker();
}

Test(os_wait, two_fences_without_membarrier, .timeout = 60)
{
    fl_os_deny_heavy();
    check_dekker();
}

/* ---- a sandbox ---- */

static void deny_membarrier(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHILD_REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static bool may_filter(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static void start_in_a_sandbox(void)
{
    deny_membarrier();
    errno = 77;
    CHILD_REQUIRE(!fl_os_has_heavy());
    fl_os_fence_heavy();
    CHILD_REQUIRE(errno == 77);
}

Test(os_wait, a_sandbox_from_the_start)
{
    if (!may_filter())
        cr_skip_test("no seccomp here");
    expect_success(child_of(start_in_a_sandbox));
}

static void enter_a_sandbox_later(void)
{
    CHILD_REQUIRE(fl_os_has_heavy());
    fl_os_fence_heavy();
    deny_membarrier();
    fl_os_fence_heavy();
}

/* Without the fence a task could run twice: no way to go on in silence. */
Test(os_wait, a_sandbox_after_the_first_use)
{
    if (!may_filter() || !fl_os_has_heavy())
        cr_skip_test("no seccomp or no membarrier here");
    expect_abort(child_of(enter_a_sandbox_later), "membarrier worked when filch started and is denied now");
}
