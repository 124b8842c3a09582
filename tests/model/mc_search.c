/* The search: which thread runs next and which of several messages it reads, execution after execution.
 *
 *   Source    Godefroid 1996 (sleep sets); Musuvathi, Qadeer, PLDI 2007 (preemption bounds); Burckhardt, Kothari,
 *             Musuvathi, Nagarakatte, ASPLOS 2010 (PCT).
 *   Differs   Stateless: each execution starts anew and follows the recorded choices of the last one up to the one
 *             that changes.
 *   S1  A thread announces each visible operation before it makes it, and the choice falls between the announced
 *       ones.  What a thread does between two visible operations commutes with everything and is never chosen.
 *   S2  A sleeping thread's step was explored from here and nothing executed since depends on it.  A bound on stale
 *       reads may be combined with sleep sets, since an equivalent schedule has as many; a bound on preemptions may
 *       not, and switches them off.
 *   S3  A schedule, as printed, has one letter for each choice among more than one: the thread, the age of the
 *       message, or the number of mc_choose.  It means the same whatever search found it. */
#include "mc_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16384, MAX_LOG = 5000, MAX_CHANGES = 16, REPLAY = -1 };

struct frame {
    int options;
    int chosen;
    uint8_t thread[MC_THREADS]; /* of a choice of threads */
};

struct mc_state mc;

static struct frame frames[MAX_DEPTH];
static int frame_count, frame_next;
static uint8_t chosen_log[MAX_LOG];
static int log_count;
static const uint8_t *replay;
static int replay_count, replay_next;
static bool replaying, replay_misfit;
static uint64_t random_state;
static int change_at[MAX_CHANGES];
static int longest;
static int steps;

static uint64_t random_next(void)
{
    random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = random_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int random_below(int n)
{
    return (int)(random_next() % (unsigned)n);
}

_Noreturn void mc_stop(enum mc_end end)
{
    mc.end = end;
    mc_fiber_leave(MC_NOBODY);
}

void mc_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(mc.failure, sizeof mc.failure, format, arguments);
    va_end(arguments);
    mc_stop(MC_FAILED);
}

static void log_choice(int choice)
{
    if (log_count < MAX_LOG)
        chosen_log[log_count++] = (uint8_t)choice;
}

static int replay_choice(void)
{
    return replay_next < replay_count ? replay[replay_next++] : 0;
}

/* The next choice of a depth-first search: as in the last execution as far as that is recorded, then the first. */
static int dfs_choice(int options, const uint8_t *threads)
{
    if (frame_next == frame_count) {
        if (frame_count == MAX_DEPTH)
            mc_fail("checker: more than %d choices", MAX_DEPTH);
        struct frame *f = &frames[frame_count++];
        f->options = options;
        f->chosen = 0;
        if (threads != NULL)
            memcpy(f->thread, threads, (size_t)options);
    }
    const struct frame *f = &frames[frame_next++];
    if (f->options != options) {
        fprintf(stderr, "mc: the scenario is not deterministic: %d options where there were %d\n", options,
                f->options);
        exit(2);
    }
    return f->chosen;
}

/* One of n, of which the search may take only the first so many. */
static int branch(int n, int allowed, bool stale)
{
    int chosen;

    if (n <= 1)
        return 0;
    if (replaying) {
        chosen = replay_choice();
        if (chosen >= n) {
            replay_misfit = true;
            chosen = 0;
        }
    } else if (allowed == 1) {
        chosen = 0;
    } else if (mc.search.strategy == MC_DFS) {
        chosen = dfs_choice(allowed, NULL);
    } else if (stale) {
        chosen = random_below(4) == 0 ? 1 + random_below(allowed - 1) : 0;
    } else {
        chosen = random_below(allowed);
    }
    log_choice(chosen);
    return chosen;
}

int mc_branch(int n)
{
    return branch(n, n, false);
}

int mc_branch_stale(int n)
{
    return branch(n, mc.search.stale > 0 && mc.stale >= mc.search.stale - 1 ? 1 : n, true);
}

int mc_choose(int n)
{
    int chosen = mc_branch(n);
    mc_trace(NULL, "choose", "", "%d of %d", chosen, n);
    return chosen;
}

/* ---- dependence ------------------------------------------------------------------------------------------------ */

static bool touches_memory(enum mc_op op)
{
    return op == MC_OP_LOAD || op == MC_OP_STORE || op == MC_OP_RMW || op == MC_OP_WAIT || op == MC_OP_WAKE;
}

static bool dependent(const struct mc_thread *a, const struct mc_thread *b)
{
    if (mc_broken(MC_BREAK_SLEEP_WAKE))
        return false;
    if (a->op == MC_OP_SPIN || b->op == MC_OP_SPIN)
        return true;
    if (touches_memory(a->op) && touches_memory(b->op))
        return a->location == b->location && !(a->op == MC_OP_LOAD && b->op == MC_OP_LOAD);
    bool a_heavy = a->op == MC_OP_HEAVY;
    bool b_heavy = b->op == MC_OP_HEAVY;
    if ((a_heavy && b->op == MC_OP_LIGHT) || (b_heavy && a->op == MC_OP_LIGHT))
        return true;
    return (a_heavy || a->op == MC_OP_FENCE) && (b_heavy || b->op == MC_OP_FENCE);
}

/* ---- the scheduler --------------------------------------------------------------------------------------------- */

static bool runnable(const struct mc_thread *t)
{
    return !t->done && !t->asleep && (t->op != MC_OP_JOIN || mc.thread[t->joins].done);
}

static bool held_back(const struct mc_thread *t)
{
    if (t->op != MC_OP_SPIN)
        return false;
    if (t->spinning)
        return true;
    for (int i = 0; i < mc.threads; i++)
        if ((t->yields_to >> i & 1) && runnable(&mc.thread[i]) && mc.thread[i].op != MC_OP_SPIN)
            return true;
    return false;
}

static _Noreturn void stop_blocked(void)
{
    size_t used = (size_t)snprintf(mc.failure, sizeof mc.failure, "deadlock or lost wake-up:");

    for (int i = 0; i < mc.threads; i++) {
        const struct mc_thread *t = &mc.thread[i];
        if (t->done || used >= sizeof mc.failure)
            continue;
        if (t->asleep)
            used += (size_t)snprintf(mc.failure + used, sizeof mc.failure - used, " %s sleeps on %s;", t->name,
                                     mc_object(mc.location[t->location].address));
        else
            used += (size_t)snprintf(mc.failure + used, sizeof mc.failure - used, " %s joins %s;", t->name,
                                     mc.thread[t->joins].name);
    }
    mc_stop(MC_FAILED);
}

static int choose_thread(const uint8_t *eligible, int n, bool could_go_on)
{
    uint8_t options[MC_THREADS];
    int count = 0;
    bool dfs = mc.search.strategy == MC_DFS && !replaying;
    bool sleep_sets = dfs && mc.search.preemptions == 0;

    if (replaying) {
        int chosen = n > 1 ? replay_choice() : eligible[0];
        for (int i = 0; i < n; i++)
            if (eligible[i] == chosen)
                return chosen;
        replay_misfit = true;
        return eligible[0];
    }
    for (int i = 0; i < n; i++)
        if (!sleep_sets || !(mc.sleep >> eligible[i] & 1))
            options[count++] = eligible[i];
    if (count == 0)
        mc_stop(MC_PRUNED);
    if (dfs && mc.search.preemptions > 0 && could_go_on && mc.preemptions >= mc.search.preemptions - 1)
        count = 1;

    if (dfs) {
        int chosen = count > 1 ? dfs_choice(count, options) : 0;
        for (int i = 0; i < chosen && sleep_sets; i++)
            mc.sleep |= 1u << options[i];
        return options[chosen];
    }
    if (mc.search.strategy == MC_RANDOM)
        return options[random_below(count)];

    for (int i = 0; i < mc.search.depth; i++)
        if (change_at[i] == steps)
            mc.thread[mc.previous].priority = -1 - i;
    int best = 0;
    for (int i = 0; i < count; i++)
        if (mc.thread[options[i]].priority == 0)
            mc.thread[options[i]].priority = 1 + random_below(1000000);
    for (int i = 1; i < count; i++)
        if (mc.thread[options[i]].priority > mc.thread[options[best]].priority)
            best = i;
    return options[best];
}

/* Of n threads that spin.  Those that doze only if there is no other. */
static uint8_t by_turns(const uint8_t *spinners, int n)
{
    for (int k = 0; k < n; k++) {
        uint8_t i = spinners[(mc.idle_spins + k) % n];
        if (!mc.thread[i].dozes)
            return i;
    }
    return spinners[mc.idle_spins % n];
}

/* The thread that makes the next step. */
static int next_thread(void)
{
    uint8_t eligible[MC_THREADS];
    uint8_t spinners[MC_THREADS];
    int n = 0;
    int spinner_count = 0;
    bool alive = false;

    for (int i = 0; i < mc.threads; i++) {
        const struct mc_thread *t = &mc.thread[i];
        alive |= !t->done;
        if (runnable(t) && (t->op == MC_OP_LOCAL || t->op == MC_OP_JOIN))
            return i; /* S1 */
    }
    if (!alive)
        mc_stop(MC_DONE);
    for (int k = 0; k < mc.threads; k++) {
        int i = (mc.previous + k) % mc.threads;
        const struct mc_thread *t = &mc.thread[i];
        if (runnable(t) && held_back(t))
            spinners[spinner_count++] = (uint8_t)i;
        else if (runnable(t))
            eligible[n++] = (uint8_t)i;
    }
    if (n == 0 && spinner_count == 0)
        stop_blocked();
    if (n == 0) {
        n = spinner_count;
        memcpy(eligible, spinners, sizeof eligible);
        if (++mc.idle_spins > MC_IDLE_SPINS)
            mc_fail("livelock: every thread that can run spins, and nothing changes");
        if (mc.idle_spins > MC_IDLE_SPINS / 2) { /* one may have looked before the last change */
            eligible[0] = by_turns(spinners, spinner_count);
            n = 1;
        }
    }
    bool could_go_on = eligible[0] == mc.previous && mc.thread[mc.previous].op != MC_OP_SPIN;
    int chosen = choose_thread(eligible, n, could_go_on);
    if (n > 1)
        log_choice(chosen);
    if (could_go_on && chosen != mc.previous)
        mc.preemptions++;
    for (int i = 0; i < mc.threads; i++) {
        if ((mc.sleep >> i & 1) && (i == chosen || dependent(&mc.thread[i], &mc.thread[chosen])))
            mc.sleep &= ~(1u << i);
        mc.thread[i].yields_to &= ~(1u << chosen);
    }
    if (mc.thread[chosen].op == MC_OP_SPIN)
        mc.thread[chosen].priority = -1000 - steps; /* PCT must not run a waiting thread for ever */
    mc.previous = chosen;
    steps++;
    return chosen;
}

void mc_schedule(void)
{
    int self = mc.self;
    int next = next_thread();

    if (next != self)
        mc_fiber_switch(self, next);
}

void mc_step(enum mc_op op, int location)
{
    struct mc_thread *t = &mc.thread[mc.self];

    t->op = op;
    t->location = location;
    if (++mc.operations > MC_OPERATIONS)
        mc_fail("no end after %d operations: a loop without fl_spin?", MC_OPERATIONS);
    if (op != MC_OP_LOCAL)
        mc_schedule();
    t->op = MC_OP_LOCAL;
    t->now.clock[mc.self]++;
}

/* ---- executions ------------------------------------------------------------------------------------------------ */

static void (*scenario)(const void *arg);
static const void *scenario_arg;

static void run_scenario(void *unused)
{
    (void)unused;
    scenario(scenario_arg);
}

static void execute(void)
{
    mc_threads_begin();
    mc_memory_begin();
    mc_heap_begin();
    mc_trace_begin();
    mc.operations = mc.preemptions = mc.stale = 0;
    mc.sleep = 0;
    mc.previous = 0;
    mc.end = MC_RUNNING;
    mc.failure[0] = '\0';
    frame_next = log_count = replay_next = steps = 0;
    mc_thread_new("main", run_scenario, NULL);
    if (mc.search.strategy == MC_PCT && !replaying)
        for (int i = 0; i < mc.search.depth; i++)
            change_at[i] = random_below(longest > 0 ? longest : 50);
    mc_fiber_switch(MC_NOBODY, 0);
    mc.self = MC_NOBODY;
    if (mc.operations > longest)
        longest = mc.operations;
}

static bool dfs_advance(void)
{
    while (frame_count > 0 && frames[frame_count - 1].chosen == frames[frame_count - 1].options - 1)
        frame_count--;
    if (frame_count == 0)
        return false;
    frames[frame_count - 1].chosen++;
    return true;
}

static void print_schedule(char *out, size_t room)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t used = 0;

    for (int i = 0; i < log_count && used + 8 < room; i++) {
        int c = chosen_log[i];
        for (; c >= 36; c -= 36)
            out[used++] = '+';
        out[used++] = digits[c];
    }
    out[used] = '\0';
}

struct mc_result mc_explore(void (*run)(const void *arg), const void *arg, struct mc_search search)
{
    struct mc_result result;
    memset(&result, 0, sizeof result);

    mc.search = search;
    if (mc.search.depth == 0 || mc.search.depth > MAX_CHANGES)
        mc.search.depth = 3;
    scenario = run;
    scenario_arg = arg;
    random_state = search.seed;
    frame_count = 0;
    longest = 0;
    for (;;) {
        execute();
        if (mc.end == MC_PRUNED)
            result.pruned++;
        else
            result.executions++;
        if (mc.end == MC_FAILED) {
            result.failed = true;
            snprintf(result.failure, sizeof result.failure, "%s", mc.failure);
            print_schedule(result.schedule, sizeof result.schedule);
            break;
        }
        if (search.strategy == MC_DFS && !dfs_advance()) {
            result.complete = true;
            break;
        }
        if (result.executions + result.pruned >= search.executions)
            break;
    }
    result.longest = longest;
    return result;
}

bool mc_replay(void (*run)(const void *arg), const void *arg, const char *schedule, bool trace,
               struct mc_result *result)
{
    static uint8_t choices[MAX_LOG];
    int offset = 0;

    replay_count = 0;
    for (const char *c = schedule; *c != '\0' && replay_count < MAX_LOG; c++) {
        if (*c == '+') {
            offset += 36;
            continue;
        }
        choices[replay_count++] = (uint8_t)(offset + (*c <= '9' ? *c - '0' : *c - 'a' + 10));
        offset = 0;
    }
    replay = choices;
    scenario = run;
    scenario_arg = arg;
    memset(&mc.search, 0, sizeof mc.search);
    replaying = true;
    replay_misfit = false;
    mc.tracing = trace;
    execute();
    mc.tracing = false;
    replaying = false;
    memset(result, 0, sizeof *result);
    result->failed = mc.end == MC_FAILED;
    result->executions = 1;
    snprintf(result->failure, sizeof result->failure, "%s", mc.failure);
    return !replay_misfit && replay_next == replay_count;
}
