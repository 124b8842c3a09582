/* L3: the slow paths of spawn and sync, and the wait for a stolen task.
 *
 *   J3 While a worker waits for its stolen child it runs tasks of that child's thief only ("leapfrogging": Wagner,
 *      Calder, PPoPP 1993).  Where tasks are synced last spawned first, these are descendants of that child, work that
 *      it would wait for anyway; in another order they may be older tasks of the thief.  Not promised: that it finds
 *      such work, when its thief waits for a third. */
#include "join.h"

#include "message.h"
#include "seam.h"

void fl_join(struct fl_worker *w, struct filch_detail_task *t)
{
    fl_bump(&w->waits, 1);
    for (unsigned round = 0;; round++) {
        uintptr_t state = fl_task_state(t);
        if (state == FL_DONE)
            return;
        fl_at(FL_AT_WAIT);
        fl_deque_answer(fl_own_deque(w)); /* of an older sync there may be tasks that another could run */
        w->hungry = round;
        if (state >= FL_TAKEN && fl_steal_from(w, &w->runtime->worker[state - FL_TAKEN])) {
            fl_bump(&w->helped, 1);
            round = 0;
        } else {
            fl_back_off(round);
        }
    }
}

void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_is_nowhere(d)) { /* nothing has happened yet: again, on a deque of this thread's */
        fl_attach();
        if (!fl_is_nowhere(filch_detail_here().d)) {
            filch_detail_spawn(t, t->site);
            return;
        }
    }
    if (fl_self()) {
        if (fl_deque_spawned(fl_deque_of(d), t))
            return;
    } else {                                                        /* a deque whose one slot is the last */
        fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* this thread's alone */
        t->slot = FILCH_DETAIL_RAN;
    }
    fl_spawn_on(d);
    t->site->run(t);
}

/* Names the task if it is sure to be one, else the task that this worker runs. */
__attribute__((noreturn)) static void misuse(struct filch_detail_task *t)
{
    struct fl_worker *w = fl_self();
    struct filch_detail_task *known = t->slot == FILCH_DETAIL_SYNCED ? t : w ? fl_own_deque(w)->task : NULL;
    fl_misuse(known == t || !known ? "sync" : "sync inside", known ? known->site : NULL, w ? (int)w->id : -1,
              "this task was not spawned by this function call on this thread, or was synced before");
}

/* 1 if the caller shall run t, 0 if its result is there. */
static int finish_sync(struct filch_detail_deque *d, struct filch_detail_task *t, enum fl_sync outcome)
{
    if (outcome == FL_MISUSE)
        misuse(t);
    fl_spawn_on(d);
    if (outcome == FL_WAIT) {
        fl_join(fl_self(), t);
        fl_deque_release(fl_deque_of(d), t);
        fl_spawn_on(d);
    }
    return outcome == FL_RUN;
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_self())
        return finish_sync(d, t, fl_deque_sync(fl_deque_of(d), t));
    if (t->slot != FILCH_DETAIL_RAN)
        misuse(t);
    fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* FILCH_UNCHECKED on a serial deque: this thread's */
    return finish_sync(d, t, FL_RAN);
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_self())
        return finish_sync(d, t, fl_deque_sync_any(fl_deque_of(d), t));
    return finish_sync(d, t, t->slot == FILCH_DETAIL_RAN ? FL_RAN : FL_MISUSE);
}

/* FILCH_CHECK: never touches *t beyond its slot before it is known to be waiting here. */
int filch_detail_sync_checked(struct filch_detail_task *t)
{
    struct filch_detail_place here = filch_detail_here();
    bool ran = t->slot == FILCH_DETAIL_RAN;
    if (!ran && (!fl_self() || !fl_deque_holds(fl_deque_of(here.d), t)))
        misuse(t);
    int run = ran ? 0 : filch_detail_sync_on(here, t);
    t->slot = FILCH_DETAIL_SYNCED;
    return run;
}
