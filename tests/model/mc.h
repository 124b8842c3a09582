/* The model checker's interface: what a model test may call.
 *
 *   Purpose   Runs a small concurrent program again and again, each time with another schedule and other stale reads,
 *             until every one that the search allows has been seen or one of them breaks an assertion.  The program's
 *             threads are fibers of one OS thread; its atomics are the fl_ vocabulary, compiled with FL_MODEL.
 *   Model     RC11 with seq_cst fences and C++20 release sequences, less load buffering and 2+2W; README.md.
 *   Callers   Everything below the line "inside an execution" is called from a scenario's threads only.
 *   Rules     M1 A scenario is a function of nothing: it sets up all it uses, so that each execution starts alike.
 *             M2 Memory comes from mc_alloc, objects of static storage or the stack; the end of an execution may be
 *                abrupt (a failure, a pruned schedule), nothing then runs to clean up.
 *             M3 No operating-system lock, no thread, no clock, no random number except mc_choose.
 *             M4 A loop that waits for another thread calls fl_spin, or ends by itself.
 *   Checked   tests/model/selftest_litmus.c, itself checked against planted faults of the checker. */
#ifndef MC_H
#define MC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- sites: each atomic access of the tested code, by name ---------------------------------------------------- */

enum mc_order { MC_NONE, MC_RLX, MC_ACQ, MC_REL, MC_ACQ_REL, MC_SC };

enum mc_kind { MC_LOAD, MC_STORE, MC_RMW, MC_FENCE, MC_LIGHT, MC_HEAVY, MC_SPIN };

/* One for each place where the name is written.  Those of one name share the first one's state. */
struct mc_site {
    const char *name;
    const char *file;
    enum mc_kind kind;
    enum mc_order written;
    enum mc_order now;    /* weaker than written while a mutant is selected */
    bool reached;         /* ran at least once since the program started */
    struct mc_site *main; /* the site that speaks for this name */
};

struct mc_fault {
    const char *name;
    const char *file;
    bool on;
    bool reached;
    struct mc_fault *main;
};

/* A site without a name, for tests that compute their orders; it is never mutated. */
struct mc_site *mc_site_of(enum mc_kind kind, enum mc_order order);

/* ---- inside an execution: the operations that mc_atomic.h forwards to ----------------------------------------- */

uint64_t mc_load(struct mc_site *site, const volatile void *p, size_t size);
void mc_store(struct mc_site *site, volatile void *p, size_t size, uint64_t value);
uint64_t mc_exchange(struct mc_site *site, volatile void *p, size_t size, uint64_t value);
uint64_t mc_add(struct mc_site *site, volatile void *p, size_t size, uint64_t value);
uint64_t mc_or(struct mc_site *site, volatile void *p, size_t size, uint64_t value);
uint64_t mc_and(struct mc_site *site, volatile void *p, size_t size, uint64_t value);
bool mc_cas(struct mc_site *site, volatile void *p, size_t size, void *expected, uint64_t value);

/* mc_fence_heavy is a seq_cst fence in every thread, as sys_membarrier gives it; mc_fence_light marks where a thread
 * relies on that.  Light pairs with heavy, a seq_cst fence pairs with heavy, light against light gives nothing. */
void mc_fence(struct mc_site *site);
void mc_fence_light(struct mc_site *site);
void mc_fence_heavy(struct mc_site *site);

/* In every loop that waits.  The caller goes on after another thread has changed something (or when nobody else can
 * run), and then reads the newest value of each location that it read before: stores become visible in the end.  Two
 * hundred fruitless rounds in which nobody changes anything are reported as a livelock. */
void mc_spin(struct mc_site *site);

/* A sleep that ends by itself at some time: a spin, on whose end nobody may rely while others can spin. */
void mc_doze(struct mc_site *site);

bool mc_fault_on(struct mc_fault *fault);

/* ---- inside an execution: threads ------------------------------------------------------------------------------ */

enum { MC_THREADS = 8 };

/* The scenario's function is thread 0.  An execution ends when every thread has returned. */
int mc_spawn(const char *name, void (*run)(void *arg), void *arg);
void mc_join(int thread);
int mc_self(void);

/* Futexes order nothing, in the kernel's own words.  Wait: sleeps if *word is expected, returns true if it slept; a
 * wait cannot miss a store that an earlier wake's caller knew of.  Wake: returns how many it woke, and which ones of
 * several is part of the search.  When every thread sleeps or joins, that is reported as a lost wake-up. */
bool mc_futex_wait(const volatile void *word, uint32_t expected);
int mc_futex_wake(const volatile void *word, int at_most);

/* 0 .. n - 1, each of them in some execution: for tests that inject faults or choose what to do next. */
int mc_choose(int n);

/* ---- inside an execution: plain data and memory ---------------------------------------------------------------- */

/* Say just before a plain access which object it reads or writes.  Objects are told apart by address.  mc_write on an
 * atomic object says that it is (re)initialised by plain stores right after the call. */
void mc_read(const volatile void *p);
void mc_write(const volatile void *p);

/* A read that counts as a plain read made at an earlier moment, for optimistic reads that only a later success makes
 * official: x = load(slot); when = mc_now(); if (cas(...)) mc_read_at(slot, when). */
unsigned mc_now(void);
void mc_read_at(const volatile void *p, unsigned when);

/* Poisoned memory, aligned to 128 bytes, never given out twice in an execution.  Atomic or annotated accesses to freed
 * or never initialised memory are failures, as is an access that is unordered with the free. */
void *mc_alloc(size_t size);
void mc_free(void *p);
int mc_blocks(void); /* allocated and not freed */

/* ---- inside an execution: verdicts ----------------------------------------------------------------------------- */

void mc_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define mc_assert(condition)                                                                                          \
    ((condition) ? (void)0 : mc_fail("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__))

/* An interesting event happened.  A scenario lists the events that its search must reach, or it is not exercised. */
void mc_count(const char *event);

/* Names for traces, valid for one execution: mc_name(&q->top, "top"), mc_name_each(q->slot, 4, 8, "slot"). */
void mc_name(const volatile void *p, const char *name);
void mc_name_each(const volatile void *first, size_t count, size_t stride, const char *name);
void mc_note(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a line in the trace */

/* ---- a test program: mc_driver.c has main ----------------------------------------------------------------------- */

enum mc_strategy { MC_DFS, MC_RANDOM, MC_PCT };

/* All zero: every schedule and every stale read, by depth-first search with sleep sets. */
struct mc_search {
    enum mc_strategy strategy;
    int preemptions;          /* DFS: at most so many preemptions, less one; 0 is no bound, MC_BOUND(2) is two */
    int stale;                /* at most so many stale reads, less one; likewise */
    int depth;                /* PCT: priority changes, 0 is 3 */
    uint64_t seed;            /* random and PCT */
    uint64_t executions;      /* stop there; 0 is 200,000 for DFS and 20,000 for the others */
    uint64_t long_executions; /* the same with --long; 0 is twenty times as many */
};

#define MC_BOUND(n) ((n) + 1)

struct mc_scenario {
    const char *name;
    void (*run)(const void *arg);
    const void *arg;
    struct mc_search search;
    const char *reach;    /* events that must be counted, separated by spaces */
    const char *fails;    /* for self-tests: the search must fail with a message that contains this */
    const char *about;    /* printed beside the name */
    bool not_for_mutants; /* too slow to run for each mutant */
};

/* A mutant that no test can kill, and why.  It is run all the same: a killed one on this list fails the run. */
struct mc_equivalent {
    const char *mutant; /* as in the table: "site:order" or "fault:name" */
    const char *why;
};

struct mc_program {
    const char *name;
    const struct mc_scenario *scenarios;     /* ends with a name of NULL */
    const struct mc_equivalent *equivalents; /* ends with NULL, or is NULL */
    const char *only;                        /* mutants of these files, separated by spaces; NULL: of all */
    bool breaks;                             /* the mutants are the checker's own faults, not the tested code's */
};

/* Each test file defines it. */
extern const struct mc_program mc_program;

#endif
