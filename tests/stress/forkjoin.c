/* Random fork-join programs on the real runtime, while threads are held at the seams.
 *
 *   Program   A tree that its seed decides: children, where their tasks lie, the order of their syncs, what is spawned
 *             between two syncs.  Its value is a hash that any lost, doubled or mixed-up task changes.
 *   Oracle    The same tree by plain recursion; and the number of calls, counted.
 *   Batches   Many programs run side by side in one filch_run, each compared by the task that ran it.
 *   Stalls    fl_seam.at: at random everywhere, or at each point in turn for long enough that the other threads pass by
 *             many times (without one the window between claim and read stayed shut).
 *   Clock     It leaps at random, so that short regions count as old, owners as deaf, searches as long enough.
 *   Exercised A run in which nothing was stolen, published, taken back, reused, suspended (with both endings),
 *             migrated, mailed, forced, parked, woken or out of order fails, and so does one in which a point of the
 *             seam was never passed.
 *   Again     TEST_SEED=n repeats the programs; the schedule is the machine's.  TEST_PROGRAMS=n of each batch. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <filch.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os.h"
#include "seam.h"

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { PROGRAMS = 800, TURNS = 16, BATCHED = 2000 };
#else
enum { PROGRAMS = 3000, TURNS = 40, BATCHED = 1000000 / 15 + 1 }; /* 10^6 over 2 to 16 workers */
#endif

enum { CHILDREN = 6, MOST_CHILDREN = 24, DEPTH = 6, BATCH_DEPTH = 4, AT_ONCE = 256 };

/* ---- programs ---- */

static uint64_t mix(uint64_t x) /* Steele, Lea, Flood, "SplitMix", OOPSLA 2014 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static unsigned children_of(uint64_t seed, int depth)
{
    unsigned most = mix(seed ^ 4) % 16 ? CHILDREN : MOST_CHILDREN; /* a few wide ones, which fill a small deque */
    return depth ? (unsigned)(mix(seed ^ 1) % (most + 1)) : 0;
}

static uint64_t child_of(uint64_t seed, unsigned i)
{
    return mix(seed + 0x1000 + i);
}

static uint64_t join(uint64_t value, unsigned i, uint64_t child)
{
    return mix(value ^ mix(child + i));
}

static uint64_t serial(uint64_t seed, int depth, uint64_t *calls)
{
    unsigned n = children_of(seed, depth);
    uint64_t value = seed;
    ++*calls;
    for (unsigned i = 0; i < n; i++)
        value = join(value, i, serial(child_of(seed, i), depth - 1, calls));
    return value;
}

static _Atomic uint64_t calls;

static uint64_t node(uint64_t seed, int depth);
FILCH_TASK(uint64_t, node, uint64_t, int);

enum order { LAST_FIRST, FIRST_FIRST, SHUFFLED, ALL, BETWEEN, ORDERS };

static void permute(unsigned *order, unsigned n, uint64_t seed)
{
    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)(mix(seed + i) % i), swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

/* Spawns and syncs n children; their values in *value. */
static void fork_join(node_task *t, uint64_t *value, unsigned n, uint64_t seed, int depth)
{
    enum order how = (enum order)(mix(seed ^ 2) % ORDERS);
    unsigned order[MOST_CHILDREN];
    for (unsigned i = 0; i < n; i++) {
        node_spawn(&t[i], child_of(seed, i), depth - 1);
        if (how == BETWEEN && i % 2) { /* every other pair is synced at once, oldest first */
            value[i - 1] = node_sync(&t[i - 1]);
            value[i] = node_sync(&t[i]);
        }
    }
    switch (how) {
    case ALL:
        node_sync_all(t, n);
        for (unsigned i = 0; i < n; i++)
            value[i] = t[i].result;
        break;
    case BETWEEN:
        if (n % 2)
            value[n - 1] = node_sync(&t[n - 1]);
        break;
    default:
        permute(order, n, seed);
        for (unsigned k = 0; k < n; k++) {
            unsigned i = how == LAST_FIRST ? n - 1 - k : how == FIRST_FIRST ? k : order[k];
            value[i] = node_sync(&t[i]);
        }
    }
}

static uint64_t node(uint64_t seed, int depth)
{
    unsigned n = children_of(seed, depth);
    uint64_t value = seed, child[MOST_CHILDREN];
    node_task on_stack[MOST_CHILDREN], *t = on_stack;
    bool heap = mix(seed ^ 3) % 4 == 0;
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (heap && n)
        t = malloc(n * sizeof *t);
    fork_join(t, child, n, seed, depth);
    if (heap && n)
        free(t);
    for (unsigned i = 0; i < n; i++)
        value = join(value, i, child[i]);
    return value;
}

/* ---- batches ---- */

static _Atomic uint64_t batch_calls, wrong, programs_run;

/* The programs seed ... seed + n - 1; the values are compared where they are, wherever that has got to. */
static void batch(uint64_t seed, unsigned n);
FILCH_TASK(void, batch, uint64_t, unsigned);

static void batch(uint64_t seed, unsigned n)
{
    if (n == 1) {
        uint64_t calls_here = 0, first = mix(seed);
        int depth = 1 + (int)(mix(seed ^ 5) % BATCH_DEPTH);
        uint64_t value = node(first, depth);
        if (value != serial(first, depth, &calls_here)) {
            fprintf(stderr, "TEST_SEED=%" PRIu64 ": wrong value\n", seed);
            atomic_fetch_add(&wrong, 1);
        }
        atomic_fetch_add(&batch_calls, calls_here);
        atomic_fetch_add(&programs_run, 1);
        return;
    }
    batch_task half;
    batch_spawn(&half, seed, n / 2);
    batch(seed + n / 2, n - n / 2);
    batch_sync(&half);
}

/* ---- stalls ---- */

static _Atomic uint64_t passed[FL_POINT_COUNT];
static _Atomic int held_point = -1; /* stall here only; -1: anywhere */
static __thread uint32_t chaos;

static const char *const point_names[] = {
#define NAME(point) #point,
    FL_POINTS(NAME)
#undef NAME
};

static void hold(unsigned long nanoseconds)
{
    struct timespec t = {0, (long)nanoseconds};
    nanosleep(&t, NULL); /* the fault to be survived, not a way to wait for anything */
}

static void stall(enum fl_point point)
{
    if (!chaos)
        chaos = (uint32_t)(uintptr_t)&chaos | 1;
    chaos = chaos * 1664525u + 1013904223u;
    uint32_t dice = chaos >> 16;
    atomic_fetch_add_explicit(&passed[point], 1, memory_order_relaxed);
    int only = atomic_load_explicit(&held_point, memory_order_relaxed);
    if (only >= 0) {
        if (only == (int)point && dice % 4 == 0)
            hold(200000);
        return;
    }
    if (dice % 512 == 0)
        hold(200000);
    else if (dice % 16 == 1)
        sched_yield();
    else if (dice % 16 == 2)
        for (volatile unsigned i = 0; i < dice % 1000; i++)
            continue;
}

static _Atomic uint64_t leaps;

/* Never back, and up to 40 us ahead at each look. */
static uint64_t leaping_clock(void)
{
    if (!chaos)
        chaos = (uint32_t)(uintptr_t)&chaos | 1;
    chaos = chaos * 1664525u + 1013904223u;
    uint64_t leap = chaos >> 16 & 1 ? 0 : (chaos >> 16) % 40000;
    return fl_os_now() + atomic_fetch_add_explicit(&leaps, leap, memory_order_relaxed) + leap;
}

/* ---- runs ---- */

static uint64_t first_seed(void)
{
    const char *s = getenv("TEST_SEED");
    return s ? strtoull(s, NULL, 0) : 20120225;
}

static void check_program(filch_runtime *rt, uint64_t seed, unsigned workers)
{
    uint64_t expected_calls = 0, value = 0;
    uint64_t expected = serial(seed, DEPTH, &expected_calls);
    atomic_store(&calls, 0);
    cr_assert_eq(node_run(rt, &value, seed, DEPTH), 0);
    uint64_t seen = atomic_load(&calls);
    cr_assert(seen == expected_calls, "TEST_SEED=%" PRIu64 ", %u workers: %" PRIu64 " calls instead of %" PRIu64, seed,
              workers, seen, expected_calls);
    cr_assert(value == expected, "TEST_SEED=%" PRIu64 ", %u workers: wrong value", seed, workers);
}

static void add(struct filch_counters *sum, const struct filch_counters *s)
{
#define ADD(name, what) sum->name += s->name;
    FILCH_COUNTERS(ADD)
#undef ADD
}

static void run_programs(unsigned workers, unsigned programs, uint64_t seed, struct filch_counters *sum)
{
    filch_runtime *rt;
    filch_config config = {.size = sizeof config, .workers = workers, .deque = workers & 4 ? 64 : 0};
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_start(&rt, &config), 0);
    for (unsigned i = 0; i < programs; i++)
        check_program(rt, seed + i, workers);
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(filch_stop(rt), 0);
    add(sum, &s);
}

static void run_batches(unsigned workers, unsigned programs, uint64_t seed, struct filch_counters *sum)
{
    filch_runtime *rt;
    filch_config config = {.size = sizeof config, .workers = workers, .deque = workers & 4 ? 64 : 0};
    struct filch_counters s = {.size = sizeof s};
    cr_assert_eq(filch_start(&rt, &config), 0);
    for (unsigned done = 0; done < programs; done += AT_ONCE) {
        atomic_store(&calls, 0);
        atomic_store(&batch_calls, 0);
        cr_assert_eq(batch_run(rt, seed + done, AT_ONCE), 0);
        uint64_t seen = atomic_load(&calls), expected = atomic_load(&batch_calls);
        cr_assert(seen == expected, "TEST_SEED=%" PRIu64 ", %u workers: %" PRIu64 " calls instead of %" PRIu64,
                  seed + done, workers, seen, expected);
        cr_assert(atomic_load(&wrong) == 0, "%u workers: a wrong value", workers);
    }
    cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &s), 0);
    cr_assert_eq(filch_stop(rt), 0);
    add(sum, &s);
}

static unsigned batched(void)
{
    const char *s = getenv("TEST_PROGRAMS");
    return s ? (unsigned)strtoul(s, NULL, 0) : BATCHED;
}

static void print_counts(const struct filch_counters *s)
{
    fprintf(stderr, "exercised:");
#define PRINT(name, what) fprintf(stderr, " %s %" PRIu64, #name, s->name);
    FILCH_COUNTERS(PRINT)
#undef PRINT
    fprintf(stderr, "\n");
    if (fl_seam.at) {
        fprintf(stderr, "passed:");
        for (int i = 0; i < FL_POINT_COUNT; i++)
            fprintf(stderr, " %s %" PRIu64, point_names[i] + 6, atomic_load(&passed[i]));
        fprintf(stderr, "\n");
    }
}

static void check_exercised(const struct filch_counters *s)
{
    print_counts(s);
    cr_assert(s->steals && s->publications && s->published && s->take_backs && s->reused && s->unordered &&
                  s->at_spawn,
              "not exercised: the deque");
    cr_assert(s->suspensions && s->resumptions && s->already_done && s->migrations && s->mailed,
              "not exercised: suspensions");
    cr_assert(s->parkings && s->wake_ups && s->cancelled, "not exercised: sleeping");
    cr_assert(s->forced || !fl_os_has_heavy(), "not exercised: force");
    for (int i = 0; i < FL_POINT_COUNT && fl_seam.at; i++)
        cr_assert(atomic_load(&passed[i]) || (!fl_os_has_heavy() && strstr(point_names[i], "FORCE")),
                  "not exercised: %s", point_names[i]);
}

Test(forkjoin, undisturbed, .timeout = 300)
{
    if (fl_os_cpu_count() < 2)
        cr_skip_test("one processor: threads run one after the other, and seldom steal");
    struct filch_counters sum = {0};
    for (unsigned workers = 2; workers <= 16; workers *= 2)
        run_programs(workers, PROGRAMS, first_seed(), &sum);
    print_counts(&sum);
    cr_assert(sum.steals && sum.suspensions && sum.parkings && sum.wake_ups, "not exercised");
}

Test(forkjoin, batches_stalled_at_random, .timeout = 400)
{
    struct filch_counters sum = {0};
    fl_seam.at = stall;
    fl_seam.now = leaping_clock;
    for (unsigned workers = 2; workers <= 16; workers++)
        run_batches(workers, batched(), first_seed() + workers * 1000000, &sum);
    fprintf(stderr, "%" PRIu64 " programs\n", atomic_load(&programs_run));
    cr_assert(atomic_load(&programs_run) >= 15ull * batched());
    check_exercised(&sum);
}

Test(forkjoin, stalled_at_random, .timeout = 300)
{
    struct filch_counters sum = {0};
    fl_seam.at = stall;
    fl_seam.now = leaping_clock;
    for (unsigned workers = 2; workers <= 16; workers++)
        run_programs(workers, PROGRAMS / 8, first_seed() + workers * 1000000, &sum);
    check_exercised(&sum);
}

/* No two kinds of fences: private tasks are their owner's alone. */
Test(forkjoin, without_membarrier, .timeout = 300)
{
    struct filch_counters sum = {0};
    fl_os_deny_heavy();
    fl_seam.at = stall;
    fl_seam.now = leaping_clock;
    for (unsigned workers = 2; workers <= 16; workers++)
        run_programs(workers, PROGRAMS / 16, first_seed() + workers * 1000000, &sum);
    cr_assert(!fl_os_has_heavy());
    check_exercised(&sum);
    cr_assert_eq(sum.forced, 0u);
}

Test(forkjoin, stalled_at_each_point_in_turn, .timeout = 300)
{
    struct filch_counters sum = {0};
    fl_seam.at = stall;
    fl_seam.now = leaping_clock;
    for (int point = 0; point < FL_POINT_COUNT; point++) {
        atomic_store(&held_point, point);
        for (unsigned workers = 2; workers <= 16; workers *= 2)
            run_programs(workers, TURNS / 2, first_seed() + (uint64_t)point * 1000, &sum);
    }
    check_exercised(&sum);
}
