#include "worker.h"

#include <stdio.h>

#include "budget.h"
#include "check.h"
#include "filch/error.h"
#include "fork.h"
#include "idle.h"
#include "message.h"
#include "os.h"
#include "overflow.h"
#include "place.h"
#include "seam.h"

/* Where a thread spawns that has not spawned yet: a deque without room.  Several threads may store into it at once,
 * what nobody reads. */
static struct {
    filch_detail_slot last;
    struct filch_detail_deque deque;
} nowhere = {{0}, {{FILCH_DETAIL_LAST}, FILCH_DETAIL_LAST, {FILCH_DETAIL_REQUEST}}};

/* The model is said here, too: gcc forgets the declaration's.  Of the hot words no other variable shares the line. */
__thread struct filch_detail_thread filch_detail_self __attribute__((tls_model("initial-exec"), aligned(64))) = {
    &nowhere.deque,
    FILCH_DETAIL_LAST,
    NULL,
    {0},
    {{FILCH_DETAIL_LAST}, FILCH_DETAIL_LAST, {FILCH_DETAIL_REQUEST}},
    NULL};

#define FOLLOWS(type, slot, deque) (offsetof(type, deque) == offsetof(type, slot) + sizeof(filch_detail_slot))
_Static_assert(sizeof(struct filch_detail_thread) <= 64, "thread-local storage is promised to be at most 64 bytes");
_Static_assert(FOLLOWS(struct filch_detail_thread, serial_last, serial), "serial_last is the last slot of serial");
_Static_assert(FOLLOWS(__typeof__(nowhere), last, deque), "last is the last slot of deque");
_Static_assert(offsetof(struct filch_detail_thread, bottom) == 8 || sizeof(void *) != 8, "hot.h says %fs:8");

/* The functions below that touch filch_detail_self are calls, and not pure, so that a caller which is resumed on
 * another thread asks again. */
#define OPAQUE() __asm__ volatile("")

__attribute__((noinline)) struct fl_worker *fl_self(void)
{
    OPAQUE();
    return filch_detail_self.slot;
}

__attribute__((noinline)) struct fl_worker *fl_innermost(void)
{
    OPAQUE();
    return filch_detail_self.slot ? filch_detail_self.slot : filch_detail_self.outside;
}

__attribute__((noinline)) void fl_spawn_on(struct filch_detail_deque *d)
{
    OPAQUE();
    if (!d)
        d = &nowhere.deque;
    filch_detail_self.current = d;
    filch_detail_self.bottom =
        d == &nowhere.deque ? FILCH_DETAIL_LAST : fl_load_rlx(thread_bottom, &d->bottom); /* the owner's own */
}

bool fl_is_nowhere(const struct filch_detail_deque *d)
{
    return d == &nowhere.deque;
}

#if !defined __x86_64__ || defined __ILP32__
__attribute__((noinline)) struct filch_detail_place filch_detail_here(void)
{
    OPAQUE();
    if (fl_is_nowhere(filch_detail_self.current))
        fl_attach();
    return (struct filch_detail_place){filch_detail_self.current, 0};
}
#endif

struct fl_deque *fl_own_deque(struct fl_worker *w)
{
    return fl_load_rlx(own_deque, &w->deque); /* this thread's own store, or made before it worked here */
}

/* ---- fibers ---- */

struct fl_fiber *fl_worker_fiber(struct fl_worker *w)
{
    struct fl_fiber *f = w->kept;
    if (!f)
        return fl_fibers_get(&w->runtime->fibers);
    w->kept = f->next;
    w->kept_count--;
    return f;
}

static void pool(struct fl_worker *w, struct fl_fiber *f)
{
    if (w->kept_count >= FL_FIBERS_KEPT) {
        fl_fibers_put(&w->runtime->fibers, f);
        return;
    }
    f->next = w->kept;
    w->kept = f;
    w->kept_count++;
}

static void leave(struct fl_worker *w, struct fl_fiber *to, enum fl_after after)
{
    struct fl_fiber *from = w->fiber;
    w->left = from;
    w->after = after;
    w->fiber = to;
    fl_store_rel(move_deque, &w->deque, to->deque); /* W1: pairs with the acquire victim */
    fl_spawn_on(to->deque ? &to->deque->hot : NULL);
    if (to->deque) {
        to->deque->counts = &w->counts;
        fl_idle_moved(w, to->deque);
    }
    fl_fiber_switch(from, to);
}

/* I6, I8: once the fiber that was left is pooled or awaited, it may run elsewhere.  Returns it if it can go on. */
static struct fl_fiber *complete(struct fl_worker *w)
{
    struct fl_fiber *left = w->left;
    enum fl_after after = w->after;
    w->left = NULL;
    w->after = FL_AFTER_NOTHING;
    if (after == FL_AFTER_POOL)
        pool(w, left);
    bool goes_on = (after == FL_AFTER_AWAIT && !fl_deque_await(w->await_deque, w->await_slot, &left->waiter)) ||
                   (after == FL_AFTER_LATCH && !fl_latch_leave(w->await_latch));
    return goes_on ? left : NULL;
}

void fl_arrived(void)
{
    struct fl_fiber *back;
    while ((back = complete(fl_self()))) { /* a loop: thousands in a row must not deepen this stack */
        fl_bump(&fl_self()->already_done, 1);
        leave(fl_self(), back, FL_AFTER_POOL); /* here again, somebody has left another fiber for this one */
    }
}

void fl_leave(struct fl_worker *w, struct fl_fiber *to, enum fl_after after)
{
    leave(w, to, after);
    fl_arrived();
}

void fl_resume(struct fl_worker *w, struct fl_fiber *f)
{
    struct fl_worker *home = f->tied;
    if (home) {
        fl_bump(&w->mailed, 1);
        fl_idle_call(home);
        return;
    }
    fl_leave(w, f, FL_AFTER_POOL);
}

void fl_suspend(struct fl_worker *w, struct fl_fiber *next, enum fl_after after)
{
    struct fl_fiber *self = w->fiber;
    struct filch_runtime *rt = w->runtime;
    fl_bump(&w->suspensions, 1);
    bool left = fl_deque_publish_all(self->deque);
    if (left)
        fl_idle_leave_behind(rt, self);
    unsigned id = w->id;
    fl_leave(w, next, after);
    w = fl_self();
    fl_bump(&w->resumptions, 1);
    if (w->id != id)
        fl_bump(&w->migrations, 1);
    if (left)
        fl_idle_fetch(rt, self);
}

/* ---- the loop ---- */

static void run(struct fl_worker *w, const struct fl_claim *claim)
{
    struct fl_deque *own = fl_own_deque(w);
    own->task = claim->task;
    fl_store_rlx(run_site, &own->site, claim->task->site); /* for filch_dump */
    claim->task->site->run(claim->task);
    fl_fork_check("return", claim->task->site);
    if (FL_UNLIKELY(!fl_deque_idle(own)))
        fl_check_left("return", claim->task->site, own);
    own->task = NULL;
    fl_store_rlx(run_done, &own->site, NULL); /* for filch_dump */
    struct fl_waiter *waiter = fl_deque_finish(claim);
    if (waiter)
        fl_resume(fl_self(), (struct fl_fiber *)waiter); /* waiter is a fiber's first member */
}

static void open_letter(struct fl_worker *w)
{
    struct fl_letter *letter = w->letter;
    w->letter = NULL;
    letter->open(letter);
}

/* The next letter; there is none: ends the thread. */
static void help(struct fl_worker *w)
{
    w->letter = fl_inbox_take(&w->runtime->inbox);
    if (w->letter) {
        open_letter(w);
        return;
    }
    fl_idle_gone(w);
    fl_leave(w, &w->native, FL_AFTER_POOL); /* does not come back before it is somebody else's fiber */
}

void fl_worker_loop(void)
{
    fl_arrived();
    for (;;) {
        struct fl_worker *w = fl_self(); /* I3: another one after each task */
        struct fl_claim claim;
        if (fl_load_acq(stopped, &w->runtime->stop))         /* W3: pairs with the release stop */
            fl_leave(w, &w->native, FL_AFTER_POOL);          /* does not come back */
        if (fl_load_rlx(placing_look, &w->runtime->placing)) /* a hint */
            fl_seat_look(w);
        if (fl_load_rlx(loop_helps, &w->helps)) /* of this thread since it was made */
            help(w);
        else if (fl_idle_find(w, &claim))
            w->letter ? open_letter(w) : run(w, &claim);
    }
}

/* The first thread of a runtime that was started in haste makes the others.  Those that it does not make are missed at
 * work: they have no place. */
static void begin_others(struct filch_runtime *rt)
{
    unsigned wanted = rt->uncounted ? fl_budget_cpus() : rt->workers, n = 2;
    int error = 0;
    wanted = wanted < rt->workers ? wanted : rt->workers;
    while (n < wanted && (error = fl_worker_start(&rt->worker[n], fl_worker_main)) == 0)
        n++;
    if (error)
        fl_warn("the default runtime has %u workers instead of %u: %s", n, wanted, filch_strerror(error));
    unsigned counted = wanted < n ? wanted : n;
    fl_store_rlx(count_workers, &rt->counted, counted); /* ordered by W4 */
    for (unsigned i = counted; i < rt->workers; i++)
        fl_parking_take(&rt->parking);
    fl_store_rel(settle, &rt->settled, 1); /* W4: pairs with the acquire is_settled */
}

/* What the spawn has left to the first thread, but for the address space.  There may be no map for its guard page at
 * the moment: then this thread is late. */
static void make_own_fiber(struct fl_worker *w)
{
    FL_ATOMIC(uint32_t) never;
    fl_store_rlx(no_fiber_yet, &never, 0); /* nobody else knows it */
    while (!(w->kept = fl_fibers_get(&w->runtime->fibers)) &&
           !fl_load_rlx(stopped_without_fiber, &w->runtime->stop)) /* nothing to order: it has done nothing */
        fl_os_futex_wait(&never, 0, 1000000);
}

void fl_worker_settled(struct filch_runtime *rt)
{
    while (!fl_load_acq(is_settled, &rt->settled)) /* W4: pairs with the release settle */
        fl_os_yield();
}

void *fl_worker_main(void *arg)
{
    struct fl_worker *w = arg;
    struct filch_runtime *rt = w->runtime;
    filch_detail_self.slot = w;
    char name[24]; /* a slot number has at most 4 digits: the name fits the 15 bytes of the kernel */
    snprintf(name, sizeof name, "filch %u", w->id);
    fl_os_name_thread(name);
    if (w->id == 1 && rt->hasty && rt->parking.moves && rt->parking.moves())
        fl_os_step_aside(w->made_at); /* the maker of a spare will sleep */
    fl_fiber_init_native(&w->native, NULL, NULL);
    w->fiber = &w->native;
    bool helps = fl_load_rlx(begin_helps, &w->helps); /* said before the thread was made */
    if (!helps && (w->id >= rt->workers || (w->id > 1 && rt->hasty)))
        fl_parking_appears(&rt->parking);
    if (w->id == 1 && rt->hasty) {
        begin_others(rt);
        make_own_fiber(w);
    }
    fl_os_fine_timers();
    if (rt->overflow_message)
        w->alternate = fl_overflow_enter();
    struct fl_seating *seating = fl_load_acq(begin_seating, &rt->seating); /* W5: pairs with the release seating */
    if (seating && fl_seat_take(w, seating) != 0) {
        w->unseated = true;
        fl_store_rlx(pin_error, &rt->pin_error, FILCH_EPIN); /* ordered by ready */
    }
    fl_add_rel(ready, &rt->ready, 1); /* W2: pairs with the acquire all_ready */
    struct fl_fiber *first = w->kept;
    w->kept = NULL;
    w->kept_count = 0;
    if (first && !rt->migrates) { /* it stays on this fiber */
        first->tied = w;
        w->place = !helps;
    }
    if (first)
        fl_leave(w, first, FL_AFTER_NOTHING);
    fl_fiber_end_native(&w->native);
    fl_overflow_leave(w->alternate);
    fl_os_affinity_free(w->affinity);
    w->affinity = NULL;
    w->alternate = NULL;
    w->seat = NULL;
    w->unseated = false;
    filch_detail_self.slot = NULL;
    return w;
}

int fl_worker_start(struct fl_worker *w, void *(*body)(void *))
{
    struct filch_runtime *rt = w->runtime;
    bool later = w->id == 1 && rt->hasty;
    if (!later)
        w->kept = fl_fibers_get(&rt->fibers); /* its first */
    if (later ? !fl_fibers_reserve(&rt->fibers) : !w->kept)
        return FILCH_ENOMEM;
    w->has_thread = true; /* the thread reads this and the next */
    w->made_at = fl_os_cpu();
    if (!later)                                              /* that one may have to wait for its first fiber */
        fl_store_rlx(state_begins, &w->state, FL_SEARCHING); /* for filch_dump, and in_place.c: a hint */
    int error = fl_os_thread(&w->thread, body, w);
    if (error) {
        fl_store_rlx(state_no_thread, &w->state, FL_FREE); /* the same */
        w->has_thread = false;
        if (w->kept)
            fl_fibers_put(&rt->fibers, w->kept);
        w->kept = NULL;
    }
    return error;
}

static bool sleeps_anybody(struct filch_runtime *rt)
{
    for (unsigned i = 0; i < (rt->threads + 63) / 64; i++)
        if (fl_load_rlx(spare_asleep, &rt->asleep[i].bits)) /* a hint */
            return true;
    return false;
}

void fl_worker_spare(struct filch_runtime *rt)
{
    unsigned most = rt->threads - rt->workers, made = fl_load_rlx(has_spare, &rt->spares); /* the lock says */
    if (rt->workers == 1 || made == most || (made > 0 && sleeps_anybody(rt)))
        return;
    pthread_mutex_lock(&rt->lock);
    made = fl_load_rlx(spares_made, &rt->spares); /* by the lock */
    if (made < most && fl_worker_start(&rt->worker[rt->workers + made], fl_worker_main) == 0)
        fl_store_rlx(make_spare, &rt->spares, made + 1); /* by the lock */
    pthread_mutex_unlock(&rt->lock);
}
