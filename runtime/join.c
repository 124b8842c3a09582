/* L3: the slow paths of spawn and sync, and the wait for a stolen task.
 *
 *   J3 While a worker waits for its stolen child it runs tasks of that child's thief only ("leapfrogging": Wagner,
 *      Calder, PPoPP 1993): what it puts on its stack is work that it would wait for anyway, so no unrelated task is
 *      buried there.  Not promised: that it finds such work, when its thief waits for a third. */
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
    bool room = false;
    if (fl_self()) {
        room = fl_deque_spawned(fl_deque_of(d), t);
    } else { /* the thread's serial deque, whose one slot is the last */
        fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* this thread's alone */
        t->slot = FILCH_DETAIL_RAN;
    }
    if (!room)
        t->site->run(t);
}

/* 1 if the caller shall run t, 0 if its result is there. */
static int finish_sync(struct filch_detail_deque *d, struct filch_detail_task *t, enum fl_sync outcome)
{
    struct fl_worker *w = fl_self();
    switch (outcome) {
    case FL_RUN: return 1;
    case FL_RAN: return 0;
    case FL_WAIT:
        fl_join(w, t);
        fl_deque_release(fl_deque_of(d), t);
        return 0;
    case FL_MISUSE: break;
    }
    fl_misuse("sync", NULL, w ? (int)w->id : -1,
              "this task was not spawned by this function call on this thread, or was synced before");
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (!fl_self()) { /* only FILCH_UNCHECKED comes here from a serial deque */
        fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* this thread's alone */
        return 0;
    }
    return finish_sync(d, t, fl_deque_sync(fl_deque_of(d), t));
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (!fl_self())
        return finish_sync(d, t, t->slot == FILCH_DETAIL_RAN ? FL_RAN : FL_MISUSE);
    return finish_sync(d, t, fl_deque_sync_any(fl_deque_of(d), t));
}

/* FILCH_CHECK: never touches *t beyond its slot before it is known to be waiting here. */
int filch_detail_sync_checked(struct filch_detail_task *t)
{
    struct filch_detail_deque *d = filch_detail_current();
    if (!d || (t->slot != FILCH_DETAIL_RAN && (!fl_self() || !fl_deque_holds(fl_deque_of(d), t))))
        return finish_sync(d, t, FL_MISUSE);
    uintptr_t slot = t->slot;
    int run = slot == FILCH_DETAIL_RAN ? 0 : filch_detail_sync_on(d, t);
    t->slot = FILCH_DETAIL_SYNCED;
    return run;
}
