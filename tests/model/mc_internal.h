/* What the checker's own files share: the state of the execution that runs now, and of the search around it.
 *
 *   Files     mc_fiber.c   threads of the modelled program as fibers
 *             mc_memory.c  views, messages, the atomic operations          (RC11 lives here)
 *             mc_heap.c    plain data races, allocations
 *             mc_thread.c  spawn, join, spin, futex
 *             mc_search.c  who runs next: depth-first search, sleep sets, bounds, random, PCT, replay
 *             mc_site.c    sites and faults by name, mutants, counters
 *             mc_trace.c   names and the printed trace
 *             mc_driver.c  main: scenarios, the mutant table, the command line
 *   State     One global, mc.  mc_begin resets all of it that belongs to an execution, so that executions are alike. */
#ifndef MC_INTERNAL_H
#define MC_INTERNAL_H

#include "mc.h"

enum {
    MC_LOCATIONS = 128, /* atomic objects in one execution */
    MC_HISTORY = 200,   /* stores to one of them; a view counts them in 8 bits */
    MC_MESSAGES = 4096, /* stores in one execution */
    MC_OPERATIONS = 3000,
    MC_IDLE_SPINS = 200,
    MC_NOBODY = -1
};

/* How far a thread has seen each location, and each thread: [location] the oldest message that it may still read,
 * [thread] the last event of that thread that happened before. */
struct mc_view {
    uint8_t at[MC_LOCATIONS];
    uint16_t clock[MC_THREADS];
};

/* A store: what it wrote, and what those learn who read it with acquire. */
struct mc_message {
    uint64_t value;
    int writer;
    bool poison; /* nobody initialised this memory */
    struct mc_view view;
};

/* Modification order is the order of execution. */
struct mc_location {
    const volatile void *address;
    size_t size;
    int count;
    uint16_t messages[MC_HISTORY];
    uint16_t accessed[MC_THREADS]; /* each thread's clock at its last access */
    uint8_t futex_floor;           /* a futex wait sees at least this message */
};

/* The operation that a thread is about to make. */
enum mc_op {
    MC_OP_LOCAL, /* none that another thread could notice: goes on at once */
    MC_OP_LOAD,
    MC_OP_STORE,
    MC_OP_RMW,
    MC_OP_FENCE, /* seq_cst */
    MC_OP_LIGHT,
    MC_OP_HEAVY,
    MC_OP_WAIT,
    MC_OP_WAKE,
    MC_OP_JOIN,
    MC_OP_SPIN
};

enum { MC_SET_WORDS = MC_LOCATIONS / 64 };

struct mc_set {
    uint64_t bits[MC_SET_WORDS];
};

struct mc_thread {
    const char *name;
    void (*run)(void *arg);
    void *arg;
    enum mc_op op;
    int location; /* of op, or MC_NOBODY */
    int joins;    /* the thread that op waits for */
    bool done;
    bool asleep;  /* in a futex wait */
    int priority; /* PCT */

    struct mc_view now;        /* what this thread knows */
    struct mc_view acquired;   /* what it would know after an acquire fence */
    struct mc_view released;   /* what it knew at its last release fence */
    uint8_t lit[MC_LOCATIONS]; /* what it knew at its last light fence */

    struct mc_set loaded; /* locations read since the last spin */
    struct mc_set fresh;  /* their next read must be of the newest message */
    int spins;
    bool spinning;      /* posted a spin and nothing has changed since */
    bool dozes;         /* that spin is a sleep */
    unsigned yields_to; /* fairness: these threads go first */
};

enum mc_end { MC_RUNNING, MC_DONE, MC_FAILED, MC_PRUNED };

/* A planted fault of the checker itself. */
enum mc_break {
    MC_BREAK_NOTHING,
    MC_BREAK_RELEASE_VIEW,
    MC_BREAK_ACQUIRE_JOIN,
    MC_BREAK_ACQUIRE_FENCE,
    MC_BREAK_RELEASE_FENCE,
    MC_BREAK_SC_VIEW,
    MC_BREAK_HEAVY_GATHERS,
    MC_BREAK_LIGHT_LEARNS,
    MC_BREAK_HEAVY_SC,
    MC_BREAK_LIGHT_SC,
    MC_BREAK_COHERENCE,
    MC_BREAK_STALE,
    MC_BREAK_RMW_SEQUENCE,
    MC_BREAK_C11_SEQUENCE,
    MC_BREAK_RMW_ATOMIC,
    MC_BREAK_SLEEP_WAKE,
    MC_BREAK_SPIN_FRESH,
    MC_BREAK_FUTEX_WAKE,
    MC_BREAK_FUTEX_ORDER,
    MC_BREAK_JOIN,
    MC_BREAK_SPAWN_RELEASE,
    MC_BREAK_RACE,
    MC_BREAK_FREED,
    MC_BREAKS
};

struct mc_state {
    /* this execution */
    int self; /* thread that runs, MC_NOBODY between executions */
    int threads;
    int previous; /* thread of the last visible operation */
    struct mc_thread thread[MC_THREADS];
    struct mc_location location[MC_LOCATIONS];
    int locations;
    struct mc_message message[MC_MESSAGES];
    int messages;
    uint8_t sc[MC_LOCATIONS];    /* what the seq_cst fences so far knew */
    uint8_t heavy[MC_LOCATIONS]; /* what the heavy fences so far knew */
    int operations;
    int preemptions;
    int stale;
    int idle_spins;
    unsigned sleep; /* threads whose next step has been explored from here */
    enum mc_end end;
    char failure[256];

    /* the search */
    struct mc_search search;
    bool tracing;
    enum mc_break broken;
};

extern struct mc_state mc;

static inline bool mc_broken(enum mc_break fault)
{
    return mc.broken == fault;
}

static inline void mc_set_add(struct mc_set *s, int i)
{
    s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void mc_set_drop(struct mc_set *s, int i)
{
    s->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static inline bool mc_set_has(const struct mc_set *s, int i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

/* mc_fiber.c: a fiber starts at mc_thread_main, on a stack that is kept from execution to execution. */
void mc_fiber_restart(int thread);
void mc_fiber_switch(int from, int to); /* MC_NOBODY is the controller */
_Noreturn void mc_fiber_leave(int to);

/* mc_memory.c */
void mc_memory_begin(void);
int mc_location_of(const volatile void *p, size_t size);
struct mc_message *mc_message_of(int location, int index);
int mc_read_choice(int location, int floor, const uint64_t *not_stale);
void mc_apply_read(int location, int index, enum mc_order order);
void mc_view_join(struct mc_view *restrict into, const struct mc_view *restrict from);
void mc_join_at(uint8_t *restrict into, const uint8_t *restrict from);
void mc_location_forget(const volatile void *p); /* the next access starts a new history */
int mc_location_find(const volatile void *p);

/* mc_heap.c */
void mc_heap_begin(void);
bool mc_heap_is_poison(const volatile void *p, size_t size);
void mc_heap_check(const volatile void *p, const char *what);
bool mc_heap_name(const volatile void *p, char *out, size_t room);
void mc_plain_check_atomic(const volatile void *p);

/* mc_thread.c */
void mc_threads_begin(void);
int mc_thread_new(const char *name, void (*run)(void *arg), void *arg);
_Noreturn void mc_thread_main(void);
void mc_changed(void); /* somebody changed something: spinners look again */

/* mc_search.c */
void mc_step(enum mc_op op, int location); /* announce an operation; returns when it is this thread's turn */
void mc_schedule(void);
int mc_branch(int n);       /* a choice that is not about threads */
int mc_branch_stale(int n); /* likewise, of messages, newest first */
_Noreturn void mc_stop(enum mc_end end);

struct mc_result {
    bool failed;
    bool complete; /* the search ended by itself, not at its limit */
    char failure[256];
    uint64_t executions;
    uint64_t pruned;
    int longest; /* operations */
    char schedule[6000];
};

struct mc_result mc_explore(void (*run)(const void *arg), const void *arg, struct mc_search search);
/* Runs one execution; returns false if the schedule does not fit the program. */
bool mc_replay(void (*run)(const void *arg), const void *arg, const char *schedule, bool trace,
               struct mc_result *result);

/* mc_site.c */
void mc_sites_begin(void); /* once, from main */
enum mc_order mc_order_of(struct mc_site *site);
const char *mc_order_name(enum mc_order order);
const char *mc_kind_name(enum mc_kind kind);

struct mc_mutant {
    char name[96];
    struct mc_site *site;
    enum mc_order order;
    struct mc_fault *fault;
    enum mc_break broken;
    bool by_model; /* the checker cannot tell it from the code as written */
};

int mc_mutants(struct mc_mutant *out, int capacity, bool breaks);
void mc_mutant_select(const struct mc_mutant *mutant); /* NULL: as written */
void mc_sites_print(bool only_unreached);

void mc_counters_clear(void);
uint64_t mc_counter(const char *event, size_t length);
void mc_counters_print(void);

/* mc_trace.c */
void mc_trace_begin(void);
const char *mc_object(const volatile void *p);
void mc_trace_line(const struct mc_site *site, const char *what, const char *object, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Costs a test and no argument while no trace is wanted. */
#define mc_trace(...)                                                                                                 \
    do {                                                                                                              \
        if (mc.tracing)                                                                                               \
            mc_trace_line(__VA_ARGS__);                                                                               \
    } while (0)

#endif
