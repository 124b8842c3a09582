/* L3: the slow paths of spawn and sync, and the suspension of a fiber whose child was stolen.
 *
 *   J4 A sync whose child is stolen and not done leaves its fiber; whoever finishes the child goes on with it at once.
 *      Nothing else runs on the waiting stack, so what the fiber holds (a lock, a semaphore) hinders nobody below it.
 *      Where no fiber can be had, the worker waits in place (in_place.h).  A thread of the user waits on its own stack,
 *      and another thread has its place meanwhile (fl_idle_wait).
 *   I3 After the suspension everything that belongs to the thread is asked for again. */
#include "check.h"
#include "fork.h"
#include "idle.h"
#include "in_place.h"
#include "os.h"
#include "place.h"
#include "seam.h"
#include "worker.h"

/* Nobody is told who waits: a clean way, that nobody should come to like. */
struct poll {
    struct fl_deque *d;
    struct filch_detail_task *t;
    unsigned round;
};

static bool poll(void *what)
{
    struct poll *p = what;
    FL_ATOMIC(uint32_t) never;
    fl_store_rlx(never, &never, 0); /* nobody else knows it */
    if (fl_deque_is_done(p->d, p->t))
        return true;
    if (p->round++ < 100)
        fl_os_yield();
    else
        fl_os_futex_wait(&never, 0, 50000);
    return fl_deque_is_done(p->d, p->t);
}

static void wait_in_place(struct fl_deque *d, struct filch_detail_task *t)
{
    struct poll p = {d, t, 0};
    fl_bump(&fl_self()->in_place, 1);
    fl_in_place(poll, &p);
}

/* Returns once the stolen task t of d, this fiber's deque, is done.  Perhaps on another thread. */
static void join(struct fl_deque *d, struct filch_detail_task *t)
{
    struct fl_worker *w = fl_self();
    struct fl_fiber *self = w->fiber;
    fl_at(FL_AT_WAIT);
    if (self->tied)
        fl_seat_user(w);
    if (fl_deque_is_done(d, t))
        return;
    if (self->tied && w->outer && fl_is_ours()) { /* inside a runtime where it had to go itself */
        wait_in_place(d, t);
        return;
    }
    if (self->tied) {
        fl_bump(&w->suspensions, 1);
        fl_deque_publish_all(d);
        self->waiter.task = t;
        fl_idle_wait(w, d, t->slot, &self->waiter);
        fl_bump(&w->resumptions, 1);
        return;
    }
    struct fl_fiber *next = fl_worker_fiber(w);
    if (!next) {
        wait_in_place(d, t);
        return;
    }
    self->waiter.task = t;
    w->await_deque = d;
    w->await_slot = t->slot;
    fl_suspend(w, next, FL_AFTER_AWAIT);
}

/* ---- the slow paths ---- */

/* Every slow path of an owner ends here. */
static void after(struct fl_deque *d, bool sync)
{
    fl_idle_after(fl_self(), d, sync);
    fl_spawn_on(&d->hot);
}

void filch_detail_spawn_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_is_nowhere(d)) { /* nothing has happened yet: again, on a deque of this thread's */
        fl_fork_check("spawn", t->site);
        fl_attach();
        if (!fl_is_nowhere(filch_detail_here().d)) {
            filch_detail_spawn(t, t->site);
            return;
        }
    }
    if (fl_self()) {
        if (fl_region_climbs(fl_deque_of(d), t))
            return;
        if (fl_region_opens(fl_deque_of(d), t)) {
            fl_idle_opened(fl_self());
            return;
        }
        bool spawned = fl_deque_spawned(fl_deque_of(d), t);
        after(fl_deque_of(d), false);
        if (spawned)
            return;
    } else {                                                        /* a deque whose one slot is the last */
        fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* this thread's alone */
        t->slot = FILCH_DETAIL_RAN;
        fl_spawn_on(d);
    }
    t->site->run(t);
}

/* 1 if the caller shall run t, 0 if its result is there. */
static int finish_sync(struct filch_detail_deque *hot, struct filch_detail_task *t, enum fl_sync outcome)
{
    struct fl_deque *d = fl_deque_of(hot);
    if (outcome == FL_MISUSE)
        fl_check_sync_failed(t);
    if (!fl_self()) {
        fl_spawn_on(hot);
        return outcome == FL_RUN;
    }
    if (outcome == FL_WAIT) {
        join(d, t);
        fl_deque_release(d, t);
    }
    after(d, true);
    return outcome == FL_RUN;
}

int filch_detail_sync_slow(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_self()) {
        if (t->slot != FILCH_DETAIL_RAN && fl_region_falls(fl_deque_of(d), t->slot))
            return 1;
        return finish_sync(d, t, fl_deque_sync(fl_deque_of(d), t));
    }
    if (t->slot != FILCH_DETAIL_RAN)
        fl_check_sync_failed(t);
    fl_store_rlx(serial_bottom, &d->bottom, FILCH_DETAIL_LAST); /* FILCH_UNCHECKED on a serial deque: this thread's */
    return finish_sync(d, t, FL_RAN);
}

int filch_detail_sync_any(struct filch_detail_deque *d, struct filch_detail_task *t)
{
    if (fl_self())
        return finish_sync(d, t, fl_deque_sync_any(fl_deque_of(d), t));
    return finish_sync(d, t, t->slot == FILCH_DETAIL_RAN ? FL_RAN : FL_MISUSE);
}
