#include "in_place.h"

#include "idle.h"
#include "os.h"
#include "slots.h"
#include "submit.h"

static const struct fl_worker *outermost(const struct fl_worker *w)
{
    while (w->outer)
        w = w->outer;
    return w;
}

bool fl_is_ours(void)
{
    const struct fl_worker *w = fl_innermost();
    return w && !outermost(w)->lent;
}

/* In all its slots: for filch_dump, and for all_wait. */
static void mark(struct fl_worker *w, enum fl_state state)
{
    for (; w; w = w->outer)
        fl_store_rlx(state_in_place, &w->state, state); /* a hint, see all_wait */
}

static bool waits(const struct fl_worker *w)
{
    uint32_t state = fl_load_rlx(waits_in_place, &w->state); /* a hint: it is asked again and again */
    return state == FL_FREE || state == FL_WAITING || state == FL_JOINING;
}

/* All threads of ours.  Under the lock. */
static bool all_wait(struct filch_runtime *rt)
{
    for (unsigned i = 1; i < rt->threads; i++)
        if (!waits(&rt->worker[i]))
            return false;
    for (unsigned i = rt->threads, n = fl_slots(rt); i < n; i++)
        if (fl_load_rlx(helper_waits, &rt->worker[i].helps) && !waits(&rt->worker[i])) /* by the lock */
            return false;
    return true;
}

static void open_on_top(struct filch_runtime *rt)
{
    struct fl_letter *letter = fl_inbox_take(&rt->inbox);
    if (!letter)
        return;
    if (fl_letter_resumes(letter)) { /* a fiber, which cannot go on here: for who ceases to wait */
        fl_idle_post(rt, letter);
        return;
    }
    mark(fl_innermost(), FL_RUNNING);
    if (fl_self()) /* the sync that waits has lowered this thread's bottom, but its task's slot is still in use */
        fl_spawn_on(&fl_own_deque(fl_self())->hot);
    letter->open(letter);
    mark(fl_innermost(), FL_WAITING);
}

void fl_in_place(bool (*wait)(void *what), void *what)
{
    uint64_t looked = fl_now();
    struct fl_worker *w = fl_self(),
                     *tied = w && w->fiber->tied ? w : NULL; /* which has a place, for others meanwhile */
    if (tied)
        fl_idle_away(tied);
    mark(fl_innermost(), FL_WAITING);
    while (!wait(what)) {
        struct filch_runtime *rt = outermost(fl_innermost())->runtime;
        w = fl_self(); /* I3: what is opened here may suspend this fiber */
        if (w && !tied) {
            fl_deque_answer(fl_own_deque(w));
            fl_idle_answered(w, fl_own_deque(w));
        }
        if (fl_now() - looked < FL_PATIENCE)
            continue;
        if (fl_inbox_has(&rt->inbox) && !fl_slot_help(rt, all_wait)) {
            if (tied)
                fl_idle_back(tied);
            open_on_top(rt);
            if (tied)
                fl_idle_away(tied);
        }
        looked = fl_now();
    }
    mark(fl_innermost(), FL_RUNNING);
    if (tied)
        fl_idle_back(tied);
}
