/* The deque of runtime/deque.c and the hot path of filch/detail/hot.h, under the model checker.
 *
 *   Events    Owner: S store slot, R raise bottom, P publish (initialise states, then ps), T take back, W find its task
 *             stolen, G give the slot back.  Thief: A ask, C claim by compare-and-swap, L load the slot, X run, D done.
 *   Checks    Every task runs once, its arguments are seen by who runs it and its result by who syncs it (plain data:
 *             a race is a failure), nobody touches a task after its sync returned (its memory is freed there), and D5:
 *             a question that nobody is about to answer has its REQUEST in place.
 *   Programs  of the owner: `s` spawns the next task, a digit syncs that task, `.` lets others go on, `?` asks as a
 *             thief would: the older half of what is private is published at the next spawn or sync.
 *             While it waits for a stolen task the owner spawns and syncs tasks of its own (I2: not into that slot). */
#include "deque.h"

#include <string.h>

#include "mc.h"

enum { MOST = 7, THIEVES = 2 };

struct setup {
    const char *program;
    int thieves, looks; /* each thief looks so often, and asks when it finds nothing */
    size_t capacity;
    bool asked; /* a request is there from the start: saves the search the asking */
    bool helps; /* tasks of the owner's own while it waits */
};

struct task {
    struct filch_detail_task head;
    long argument, result;
    int runs;
};

static const struct setup *setup;
static struct fl_deque *deque;
static int spawned; /* by the owner, which is one thread */

/* ---- tasks ---- */

static void run(void *arg)
{
    struct task *t = arg;
    mc_read(&t->argument);
    mc_write(&t->runs);
    mc_assert(t->runs++ == 0);
    mc_write(&t->result);
    t->result = t->argument * 7;
}

static const filch_site site = {run, "task", __FILE__, __LINE__, sizeof(struct task)};

static struct filch_detail_place here(void)
{
    return (struct filch_detail_place){&deque->hot, 0};
}

static struct task *spawn(void)
{
    struct task *t = mc_alloc(sizeof *t);
    mc_name(&t->argument, "argument");
    mc_name(&t->result, "result");
    mc_name(&t->runs, "runs");
    mc_name(&t->head.state, "state");
    mc_write(&t->runs);
    t->runs = 0;
    mc_write(&t->argument);
    t->argument = ++spawned;
    filch_detail_spawn_on(here(), &t->head, &site);
    return t;
}

static void sync(struct task *t)
{
    long expected = t->argument * 7;
    if (filch_detail_sync_on(here(), &t->head))
        run(t);
    mc_read(&t->runs);
    mc_assert(t->runs == 1);
    mc_read(&t->result);
    mc_assert(t->result == expected);
    mc_free(t);
}

static void wait_for(struct filch_detail_task *t)
{
    mc_count("waited");
    while (fl_task_state(t) != FL_DONE) {
        fl_deque_answer(deque);
        if (setup->helps && spawned < 8) {
            mc_count("helped");
            sync(spawn());
        }
        fl_spin(wait);
    }
}

/* ---- the slow paths, as runtime/join.c has them ---- */

void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    if (!fl_deque_spawned(fl_deque_of(d), t)) {
        mc_count("ran_at_spawn");
        t->site->run(t);
    } else if (deque->ps.fl_value != before) {
        mc_count("published");
    }
}

static int finish(struct filch_detail_task *t, enum fl_sync outcome)
{
    mc_assert(outcome != FL_MISUSE);
    if (outcome == FL_RUN)
        return 1;
    if (outcome == FL_WAIT) {
        wait_for(t);
        fl_deque_release(deque, t);
        mc_count("released");
    }
    return 0;
}

void fl_broken(const char *condition, const char *file, int line)
{
    mc_fail("%s does not hold (%s:%d)", condition, file, line);
}

/* What a sync found of its task: all that is public, some of it, or none. */
static void count_taken(uint64_t before, const struct filch_detail_task *t)
{
    uint32_t top = (uint32_t)before, split = (uint32_t)(before >> 32), i = (uint32_t)t->slot;
    if (i >= split)
        return;
    mc_count("taken_back");
    if (i > top)
        mc_count((uint32_t)(deque->ps.fl_value >> 32) > (uint32_t)deque->ps.fl_value ? "half_stays" : "above_taken");
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    enum fl_sync outcome = fl_deque_sync(fl_deque_of(d), t);
    if (outcome == FL_RUN)
        count_taken(before, t);
    return finish(t, outcome);
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    uint64_t before = deque->ps.fl_value;
    enum fl_sync outcome = fl_deque_sync_any(fl_deque_of(d), t);
    if (outcome == FL_RUN) {
        mc_count("hole");
        count_taken(before, t);
    }
    return finish(t, outcome);
}

/* ---- threads ---- */

static void thief(void *arg)
{
    (void)arg;
    for (int i = 0; i < setup->looks; i++) {
        struct filch_detail_task *t;
        switch (fl_deque_steal(deque, &t)) {
        case FL_STOLEN:
            mc_count("stolen");
            mc_assert(t);
            fl_task_run_stolen(t, 1);
            break;
        case FL_LOST: mc_count("lost"); break;
        case FL_EMPTY:
            if (fl_deque_ask(deque, false))
                mc_count("asked");
            break;
        }
    }
}

static void owner(void)
{
    struct task *t[MOST] = {NULL};
    int n = 0;
    for (const char *p = setup->program; *p; p++) {
        if (*p == 's')
            t[n++] = spawn();
        else if (*p == '.')
            fl_spin(pause);
        else if (*p == '?')
            fl_deque_ask(deque, true);
        else
            sync(t[*p - '0']);
    }
}

static void test(const void *arg)
{
    int thieves[THIEVES];
    setup = arg;
    spawned = 0;
    deque = fl_deque_init(mc_alloc(fl_deque_bytes(setup->capacity)), setup->capacity);
    mc_name(&deque->ps, "ps");
    mc_name(&deque->asked, "asked");
    mc_name(&deque->hot.bottom, "bottom");
    mc_name(&deque->hot.limit, "limit");
    mc_name_each(filch_detail_slot_at(&deque->hot, deque->hot.base), setup->capacity, sizeof(filch_detail_slot),
                 "slot");
    if (setup->asked)
        fl_deque_ask(deque, false);
    for (int i = 0; i < setup->thieves; i++)
        thieves[i] = mc_spawn(i ? "thief 2" : "thief", thief, NULL);
    owner();
    for (int i = 0; i < setup->thieves; i++)
        mc_join(thieves[i]);
    mc_assert(fl_deque_idle(deque));
    mc_assert(fl_deque_is_valid(deque));
    mc_assert(!deque->holes);
    mc_assert(!deque->asked.fl_value || deque->hot.limit.fl_value == FILCH_DETAIL_REQUEST); /* D5 */
    mc_assert(mc_blocks() == 1);
}

/* ---- scenarios ---- */

#define FULL                                                                                                          \
    {                                                                                                                 \
        .strategy = MC_DFS                                                                                            \
    }
#define BOUND(n)                                                                                                      \
    {                                                                                                                 \
        .strategy = MC_DFS, .preemptions = MC_BOUND(n)                                                                \
    }

#define SETUP(...) (&(const struct setup){__VA_ARGS__})

static const struct mc_scenario scenarios[] = {
    {"stolen_slot_is_not_reused", test, SETUP("s0", 1, 1, 4, true, true), FULL,
     "stolen waited helped released published", NULL,
     "a thief is stopped between its claim and its load of the slot; the owner spawns meanwhile", false},
    {"take_back_against_steal", test, SETUP("sss210", 1, 2, 8, true, false), FULL,
     "stolen taken_back lost waited published", NULL, "the owner's split goes down while a thief's top goes up",
     false},
    {"slot_reuse", test, SETUP("s0s1s2", 1, 2, 4, true, false), FULL, "stolen released taken_back", NULL,
     "one slot, three tasks", false},
    {"asking", test, SETUP("s.s10", 1, 2, 8, false, false), FULL, "asked published stolen", NULL,
     "the request itself, against answers", false},
    {"first_in_first_out", test, SETUP("sss012", 1, 2, 8, true, false), FULL, "stolen hole waited taken_back", NULL,
     "every sync but the last out of order", false},
    {"any_order", test, SETUP("ssss1s3402", 1, 2, 8, true, false), FULL, "stolen hole taken_back published", NULL,
     "holes above, between and below public tasks", false},
    {"full", test, SETUP("ssss3210", 1, 2, 3, true, false), FULL, "ran_at_spawn stolen", NULL,
     "two slots for four tasks: the others run at their spawns", false},
    {"two_thieves", test, SETUP("ss10", 2, 1, 8, true, false), FULL, "stolen lost taken_back waited", NULL,
     "two claims of one slot", false},
    {"two_thieves_ask", test, SETUP("ss1s20", 2, 2, 8, false, true), BOUND(2), "stolen asked published helped", NULL,
     "everything at once, two preemptions", false},
    {"half_of_the_public_stays", test, SETUP("sssss?s543210", 1, 1, 8, false, false), FULL,
     "stolen taken_back half_stays", NULL, "three public tasks, the last one taken back in order", false},
    {"taken_from_above", test, SETUP("sss?s1320", 1, 1, 8, false, false), FULL, "stolen taken_back hole above_taken",
     NULL, "a public task that is not the oldest, out of order", false},
    {"publishing_stops_at_a_hole", test, SETUP("sss1?s302", 1, 1, 8, false, false), FULL, "stolen hole published",
     NULL, "a hole in the middle of what would be published", false},
    {"two_thieves_two_public", test, SETUP("sss?s3210", 2, 1, 8, false, false), BOUND(2),
     "stolen lost half_stays waited", NULL, "two public tasks, two thieves and the owner, two preemptions", false},
    {0},
};

static const struct mc_equivalent equivalents[] = {
    {NULL, NULL},
};

const struct mc_program mc_program = {"deque", scenarios, equivalents, false};
