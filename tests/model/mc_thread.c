/* Threads of the modelled program: their life, waiting in loops, and futexes.
 *
 *   T1  A spawn and a join are happens-before edges and nothing more; a spawn is no release fence of the new thread.
 *   T2  A spinning thread goes on after somebody changed something, so that no search follows a loop that sees the
 *       same for ever.  A thread that spins more than a few times lets every other runnable thread go first. */
#include "mc_internal.h"

#include <string.h>

enum { UNFAIR_SPINS = 3 };

void mc_threads_begin(void)
{
    mc.self = MC_NOBODY;
    mc.threads = 0;
    mc.idle_spins = 0;
}

int mc_thread_new(const char *name, void (*run)(void *arg), void *arg)
{
    if (mc.threads == MC_THREADS)
        mc_fail("checker: more than %d threads", MC_THREADS);
    int id = mc.threads++;
    struct mc_thread *t = &mc.thread[id];
    memset(t, 0, sizeof *t);
    t->name = name;
    t->run = run;
    t->arg = arg;
    t->op = MC_OP_LOCAL;
    t->location = MC_NOBODY;
    t->joins = MC_NOBODY;
    t->now.clock[id] = 1;
    mc_fiber_restart(id);
    return id;
}

_Noreturn void mc_thread_main(void)
{
    struct mc_thread *t = &mc.thread[mc.self];

    t->run(t->arg);
    t->done = true;
    mc_changed();
    mc_schedule();
    mc_fail("checker: a thread that has ended was resumed");
}

int mc_spawn(const char *name, void (*run)(void *arg), void *arg)
{
    struct mc_thread *t = &mc.thread[mc.self];
    int id = mc_thread_new(name, run, arg);
    struct mc_thread *child = &mc.thread[id];

    t->now.clock[mc.self]++;
    mc_view_join(&child->now, &t->now); /* T1 */
    child->acquired = child->now;
    if (mc_broken(MC_BREAK_SPAWN_RELEASE))
        child->released = child->now;
    mc_trace(NULL, "spawn", name, "%s", "");
    return id;
}

void mc_join(int thread)
{
    struct mc_thread *t = &mc.thread[mc.self];

    t->joins = thread;
    mc_step(MC_OP_JOIN, MC_NOBODY);
    if (!mc_broken(MC_BREAK_JOIN)) {
        mc_view_join(&t->now, &mc.thread[thread].now); /* T1 */
        mc_view_join(&t->acquired, &t->now);
    }
    mc_trace(NULL, "join", mc.thread[thread].name, "%s", "");
}

int mc_self(void)
{
    return mc.self;
}

/* ---- loops that wait ------------------------------------------------------------------------------------------- */

void mc_changed(void)
{
    mc.idle_spins = 0;
    for (int i = 0; i < mc.threads; i++)
        if (i != mc.self)
            mc.thread[i].spinning = false;
}

void mc_doze(struct mc_site *site)
{
    mc.thread[mc.self].dozes = true;
    mc_spin(site);
    mc.thread[mc.self].dozes = false;
}

void mc_spin(struct mc_site *site)
{
    struct mc_thread *t = &mc.thread[mc.self];

    (void)mc_order_of(site);
    t->spinning = true;
    if (++t->spins > UNFAIR_SPINS) /* T2 */
        for (int i = 0; i < mc.threads; i++)
            if (i != mc.self && !mc.thread[i].done && !mc.thread[i].asleep)
                t->yields_to |= 1u << i;
    mc_trace(site, "spin", "", "%s", "");
    mc_step(MC_OP_SPIN, MC_NOBODY);
    t->spinning = false;
    t->yields_to = 0;
    if (!mc_broken(MC_BREAK_SPIN_FRESH))
        for (int i = 0; i < MC_SET_WORDS; i++)
            t->fresh.bits[i] |= t->loaded.bits[i];
    memset(&t->loaded, 0, sizeof t->loaded);
}

/* ---- futexes --------------------------------------------------------------------------------------------------- */

bool mc_futex_wait(const volatile void *word, uint32_t expected)
{
    int location = mc_location_of(word, sizeof expected);
    struct mc_thread *t = &mc.thread[mc.self];

    mc_step(MC_OP_WAIT, location);
    mc_heap_check(word, "futex wait");

    /* The kernel compares under the lock that each wake takes. */
    int floor = mc.location[location].futex_floor;
    if (floor < t->now.at[location])
        floor = t->now.at[location];
    int index = mc_read_choice(location, floor, NULL);
    uint64_t found = mc_message_of(location, index)->value;
    mc_trace(NULL, "futex wait", mc_object(word), found == expected ? "is %#llx: sleeps" : "is %#llx: goes on",
             (unsigned long long)found);
    mc_apply_read(location, index, MC_RLX);
    if (found != expected)
        return false;

    t->asleep = true;
    t->location = location;
    mc_schedule();
    t->now.clock[mc.self]++;
    return true;
}

int mc_futex_wake(const volatile void *word, int at_most)
{
    int location = mc_location_of(word, sizeof(uint32_t));
    struct mc_thread *t = &mc.thread[mc.self];
    int woken = 0;

    mc_step(MC_OP_WAKE, location);
    mc_heap_check(word, "futex wake");
    if (!mc_broken(MC_BREAK_FUTEX_ORDER) && mc.location[location].futex_floor < t->now.at[location])
        mc.location[location].futex_floor = t->now.at[location];
    while (woken < at_most && !mc_broken(MC_BREAK_FUTEX_WAKE)) {
        int sleepers[MC_THREADS];
        int n = 0;
        for (int i = 0; i < mc.threads; i++)
            if (mc.thread[i].asleep && mc.thread[i].location == location)
                sleepers[n++] = i;
        if (n == 0)
            break;
        struct mc_thread *s = &mc.thread[sleepers[at_most - woken < n ? mc_branch(n) : 0]];
        s->asleep = false;
        s->op = MC_OP_LOCAL;
        woken++;
    }
    if (woken > 0)
        mc_changed();
    mc_trace(NULL, "futex wake", mc_object(word), "wakes %d", woken);
    return woken;
}
