/* An address space that is too small, at many sizes: before the runtime starts, and while it runs. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <sys/resource.h>

#include "work.h"

enum { MIB = 1 << 20, LATE = 100, CODE = 32 };

/* Beyond what the process has now. */
static void leave(size_t bytes)
{
    size_t pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHILD_REQUIRE(file && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    struct rlimit limit = {pages * (size_t)sysconf(_SC_PAGESIZE) + bytes, RLIM_INFINITY};
    CHILD_REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
}

static struct {
    size_t room;
    unsigned workers;
    bool started_before;
} now;

static void late(int signal)
{
    (void)signal;
    filch_dump(stderr); /* what it may not do in a handler it does in a process that is lost anyway */
    fflush(stderr);
    _exit(8);
}

static void watch_the_clock(void)
{
    signal(SIGALRM, late);
    alarm(LATE);
    fl_seam.at = at_wait;
}

static void explicitly(void)
{
    filch_config c = {.size = sizeof c, .workers = now.workers};
    filch_runtime *rt = NULL;
    unsigned threads = thread_count_at_rest();
    watch_the_clock();
    if (!now.started_before)
        leave(now.room);
    int error = filch_start(&rt, &c);
    if (now.started_before)
        leave(now.room);
    if (!error) {
        CHILD_REQUIRE(filch_run(rt, work, NULL) == 0);
        CHILD_REQUIRE(filch_run(rt, suspend_many, NULL) == 0); /* more fibers than there is room for */
        CHILD_REQUIRE(filch_stop(rt) == 0);
    }
    await_thread_count(threads);
    CHILD_REQUIRE(error == 0 || error == FILCH_ENOMEM || error == FILCH_ETHREAD);
    _exit(error ? CODE - error : 0);
}

/* A spawn never fails: without a runtime the tasks run at their spawns. */
static void by_the_first_spawn(void)
{
    unsigned threads = thread_count_at_rest();
    setenv("FILCH_NUM_WORKERS", "3", 1);
    watch_the_clock();
    leave(now.room);
    work(NULL);
    unsigned workers = filch_num_workers(NULL);
    CHILD_REQUIRE(filch_stop(NULL) == (workers ? 0 : FILCH_ESTOPPED));
    await_thread_count(threads);
    CHILD_REQUIRE(atomic_load(&ran_at_spawn) > 0 || workers > 0);
    _exit(workers ? 0 : CODE - FILCH_ENOMEM);
}

static struct {
    unsigned right, codes[16];
} sum;

static void judge(struct child child)
{
    int code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
    cr_assert(code == 0 || (code > CODE && code < CODE + 16), "%zu KiB of room, %u workers%s: status %#x; it said: %s",
              now.room >> 10, now.workers, now.started_before ? ", started before" : "", (unsigned)child.status,
              child.said);
    if (code)
        sum.codes[code - CODE]++;
    else
        sum.right++;
}

/* Fibers come in maps of sixteen, or of fewer where that is too much: a worker of 2^20 slots and 8 MiB of stack. */
static void at_each_size(void (*body)(void))
{
    static const unsigned rooms[] = {0, 1, 4, 7, 8, 12, 16, 20, 24, 28, 32, 40, 50, 64, 100, 150, 250, 300, 500, 700};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        now.room = (size_t)rooms[i] * MIB;
        judge(child_of(body));
    }
}

static void print_sum(const char *what)
{
    fprintf(stderr, "%-24s %3u right, %3u FILCH_ENOMEM, %3u FILCH_ETHREAD\n", what, sum.right,
            sum.codes[-FILCH_ENOMEM], sum.codes[-FILCH_ETHREAD]);
}

TestSuite(limits, .init = clear_environment, .timeout = 200);

Test(limits, before_the_start)
{
    for (now.workers = 2; now.workers <= 4; now.workers++)
        at_each_size(explicitly);
    print_sum("before the start");
    cr_assert(sum.right > 0 && sum.codes[-FILCH_ENOMEM] > 0);
}

Test(limits, while_it_runs)
{
    now.started_before = true;
    for (now.workers = 2; now.workers <= 4; now.workers++)
        at_each_size(explicitly);
    print_sum("while it runs");
    cr_assert(sum.right > 0);
}

Test(limits, before_the_first_spawn)
{
    at_each_size(by_the_first_spawn);
    print_sum("before the first spawn");
    cr_assert(sum.right > 0 && sum.codes[-FILCH_ENOMEM] > 0);
}
