/* L4: start, stop, and lending worker slots to threads of the user.
 *
 *   U1 `default_runtime` changes under default_lock only.  A thread that is lent a slot of it for good (main's, by its
 *      first spawn) is its only stopper, so that runtime cannot vanish under it.
 *   U2 filch_run counts itself in guests, under default_lock, before it touches a slot, and filch_submit what it
 *      submits; filch_stop refuses while guests are counted.  A runtime that is not in the list is not touched: it may
 *      have been stopped, and be gone.
 *   U3 filch_dump walks the runtimes without a lock, while others may be started. */
#define _GNU_SOURCE
#include "filch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "config.h"
#include "fork.h"
#include "idle.h"
#include "in_place.h"
#include "message.h"
#include "notes.h"
#include "os.h"
#include "overflow.h"
#include "place.h"
#include "runtime.h"
#include "slots.h"
#include "submit.h"

static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static struct filch_runtime *default_runtime;
static FL_ATOMIC(struct filch_runtime *) runtimes; /* all of them, changed under default_lock; see filch_dump */

static void hold_default(void)
{
    fl_fork_watch(); /* before: a child would inherit the lock as it is */
    pthread_mutex_lock(&default_lock);
}

/* Under default_lock.  Reads no byte of *rt: it may have been stopped, and be gone. */
static bool is_running(const struct filch_runtime *rt)
{
    struct filch_runtime *each = fl_load_rlx(running, &runtimes); /* changed under the lock only */
    while (each && each != rt)
        each = each->next;
    return each;
}

/* ---- slots ---- */

static void give_back(struct fl_worker *w)
{
    fl_idle_gone(w);
    fl_region_end(w->own);
    fl_fiber_end_native(&w->native);
    fl_overflow_leave(w->alternate);
    w->alternate = NULL;
    fl_store_rlx(state_free, &w->state, FL_FREE); /* for filch_dump */
    fl_os_affinity_restore(w->affinity);
    fl_os_affinity_free(w->affinity);
    w->affinity = NULL;
    w->seat = NULL;
    w->unseated = false;
    fl_slot_return(w);
}

/* What spawns and syncs of this thread use.  NULL: they run at once, on the deque without room. */
static void work_in(struct fl_worker *w)
{
    filch_detail_self.slot = w;
    if (w) {
        fl_fiber_init_native(&w->native, w->own, w);
        w->fiber = &w->native;
        w->own->counts = &w->counts;
        if (w->runtime->overflow_message)
            w->alternate = fl_overflow_enter();
        fl_notes_moved_in(w->own);
        fl_region_begin(w->own);
        fl_store_rlx(state_lent, &w->state, FL_RUNNING); /* for filch_dump */
        fl_store_rel(new_deque, &w->deque, w->own);      /* W1: pairs with the acquire victim */
    }
    fl_spawn_on(w ? &w->own->hot : &filch_detail_self.serial);
    if (w)
        fl_seat_user(w);
}

/* ---- threads that stay ---- */

/* Exists while there are runtimes (under default_lock); its value is the slot. */
static pthread_key_t end_of_thread;
static bool has_key;

static void leave_for_good(struct fl_worker *w)
{
    w->attached = false;
    give_back(w);
    filch_detail_self.slot = NULL;
    fl_spawn_on(NULL);
}

__attribute__((noreturn)) static void thread_ends_inside(struct fl_worker *w)
{
    if (fl_self() == w)
        fl_check_left("the end of a thread", NULL, w->own);
    fl_misuse("the end of a thread", NULL, (int)w->id,
              "it ended inside filch_run: return from the function before the thread ends");
}

static void thread_ends(void *slot)
{
    struct fl_worker *w = slot;
    if (fl_self() != w || !fl_deque_idle(w->own))
        thread_ends_inside(w);
    leave_for_good(w);
}

void fl_forget_end(void)
{
    if (has_key)
        pthread_setspecific(end_of_thread, NULL); /* to take a value away needs no memory */
}

/* Under default_lock. */
static int attach_to(struct filch_runtime *rt)
{
    int error;
    struct fl_worker *w = fl_slot_lend(rt, &error);
    if (!w)
        return error;
    int saved = errno;
    bool kept = has_key && pthread_setspecific(end_of_thread, w) == 0;
    errno = saved;
    if (!kept) {
        fl_slot_return(w);
        return FILCH_ENOMEM;
    }
    w->attached = true;
    work_in(w);
    return 0;
}

/* ---- start ---- */

static void end_threads(struct filch_runtime *rt)
{
    fl_store_rel(stop, &rt->stop, 1); /* W3: pairs with the acquire stopped */
    for (unsigned i = 1; i < rt->threads; i++)
        fl_parking_wake_worker(&rt->parking, i);
    for (unsigned i = 1, n = fl_load_rlx(ever_made, &rt->ever); i < n; i++) /* helpers are made by guests */
        if (rt->worker[i].has_thread)
            pthread_join(rt->worker[i].thread, NULL);
}

/* The slots, then what each thread of ours remembers of those that may be lent.  Address space, of which little is
 * ever touched. */
static size_t slots_bytes(const struct filch_runtime *rt)
{
    size_t watches = (size_t)rt->threads * (1 + FL_GUESTS);
    return (rt->threads + FL_GUESTS) * sizeof *rt->worker + watches * sizeof *rt->worker->watch;
}

static void free_slots(struct filch_runtime *rt)
{
    if (rt->worker)
        fl_os_unmap(rt->worker, slots_bytes(rt));
    free(rt->asleep);
}

void fl_free_memory(struct filch_runtime *rt)
{
    fl_slots_free_deques(rt);
    fl_fibers_destroy(&rt->fibers);
    fl_lock_destroy(&rt->left_lock);
    fl_inbox_destroy(&rt->inbox);
    fl_unplace(rt);
    free(rt->pin_list);
    free_slots(rt);
}

static void destroy(struct filch_runtime *rt)
{
    fl_idle_posted(rt);
    fl_worker_settled(rt);
    end_threads(rt);
    if (rt->overflow_message)
        fl_overflow_stop();
    fl_free_memory(rt);
    pthread_mutex_destroy(&rt->lock);
    free(rt);
}

/* hasty, or not asked for: later (place.h). */
static int place(struct filch_runtime *rt, const struct fl_settings *s)
{
    int error = 0;
    bool later = rt->hasty || s->pin == FILCH_PIN_AUTO;
    rt->pin = s->pin;
    rt->born = fl_now();
    rt->binds_users = s->pin != FILCH_PIN_NONE && s->pin != FILCH_PIN_AUTO;
    rt->parking.moves = rt->binds_users ? NULL : fl_os_wakes_late;
    if (s->pin == FILCH_PIN_NONE)
        return 0;
    if (s->pin_list && !(rt->pin_list = strdup(s->pin_list)))
        return FILCH_ENOMEM;
    fl_store_rlx(place_later, &rt->placing, later && rt->workers > 1 ? FL_PLACING_DUE : FL_PLACED); /* still alone */
    if (later)
        return 0;
    struct fl_seating *seating = fl_seating_make(s->pin, s->pin_list, rt->workers, &error);
    fl_store_rel(place_at_start, &rt->seating, seating); /* W5: pairs with the acquire begin_seating */
    return error;
}

/* Zeroed, on cache lines of its own; to be freed. */
static void *lines(size_t bytes)
{
    bytes = (bytes + FL_CACHE_LINE - 1) / FL_CACHE_LINE * FL_CACHE_LINE;
    void *memory = aligned_alloc(FL_CACHE_LINE, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

static struct filch_runtime *allocate(const struct fl_settings *s, bool hasty)
{
    struct filch_runtime *rt = lines(sizeof *rt);
    if (!rt)
        return NULL;
    rt->workers = s->workers;
    fl_store_rlx(counted_from_the_beginning, &rt->counted, s->workers); /* nobody else knows it */
    rt->hasty = hasty && s->workers > 1;
    rt->uncounted = s->uncounted;
    fl_store_rlx(settled_from_the_beginning, &rt->settled, !rt->hasty); /* nobody else knows it */
    rt->migrates = s->migrate;
    rt->threads = s->workers + (s->migrate ? 1 : FL_SPARES * s->workers);
    rt->slots = rt->threads + FL_GUESTS;
    fl_store_rlx(used_at_first, &rt->used, rt->threads); /* nobody else knows it */
    fl_store_rlx(ever_at_first, &rt->ever, rt->threads); /* likewise */
    rt->capacity = s->deque;
    rt->heavy = fl_os_has_heavy();
    rt->overflow_message = s->overflow_message;
    rt->asleep = calloc((rt->threads + 63) / 64, sizeof *rt->asleep);
    rt->worker = fl_os_map(slots_bytes(rt));
    if (!rt->worker || !rt->asleep) {
        free_slots(rt);
        free(rt);
        return NULL;
    }
    if (rt->overflow_message)
        fl_overflow_start();
    pthread_mutex_init(&rt->lock, NULL);
    fl_lock_init(&rt->left_lock);
    fl_inbox_init(&rt->inbox);
    fl_fibers_init(&rt->fibers, s->stack_size, s->deque, fl_worker_loop);
    fl_parking_init(&rt->parking, rt->threads, &rt->worker->nap, sizeof *rt->worker, rt->asleep);
    if (rt->workers > 1)
        fl_parking_absent(&rt->parking, rt->workers, rt->hasty ? rt->workers - 2 : 0, rt->threads - rt->workers);
    struct fl_watch *watch = (struct fl_watch *)(rt->worker + rt->slots);
    for (unsigned i = 0; i < rt->threads; i++) {
        fl_slot_name(rt, i);
        rt->worker[i].watch = watch + (size_t)i * (1 + FL_GUESTS);
        rt->worker[i].random = (i + 1) * 2654435769u; /* Knuth's multiplicative hash: odd, so never zero */
    }
    return rt;
}

static int start_threads(struct filch_runtime *rt)
{
    if (!fl_slot_first(rt))
        return FILCH_ENOMEM;
    for (unsigned i = 1; i < (rt->hasty ? 2 : rt->workers); i++) {
        int error = fl_worker_start(&rt->worker[i], fl_worker_main);
        if (error)
            return error;
    }
    if (fl_load_rlx(is_seated, &rt->seating)) { /* by this thread; only then is there something that can fail */
        while (fl_load_acq(all_ready, &rt->ready) != rt->workers - 1) /* W2: pairs with the release ready */
            fl_os_yield();
        return fl_load_rlx(pin_result, &rt->pin_error); /* ordered by W2 */
    }
    return 0;
}

static int create_here(struct filch_runtime **out, const filch_config *config, bool hasty)
{
    struct fl_settings s;
    int error = fl_configure(&s, config, hasty);
    if (error)
        return error;
    struct filch_runtime *rt = allocate(&s, hasty);
    if (!rt)
        return FILCH_ENOMEM;
    error = place(rt, &s);
    if (!error)
        error = start_threads(rt);
    if (error) {
        if (!rt->worker[1].has_thread)
            fl_store_rlx(settled_by_error, &rt->settled, 1); /* nobody else knows it */
        destroy(rt);
        return error;
    }
    *out = rt;
    return 0;
}

/* Counts processors and makes threads with the mask that this thread had before filch pinned it.  hasty: by a spawn, or
 * another call that does something else: what takes long is left to the first thread. */
static int create(struct filch_runtime **out, const filch_config *config, bool hasty)
{
    struct fl_worker *seated = NULL, *first = NULL;
    int saved = errno;                                       /* the C library's malloc sets it */
    for (struct fl_worker *w = fl_self(); w; w = w->outer) { /* inside filch_run the mask may be of a slot outside */
        first = w->affinity ? w : first;
        seated = seated || !w->affinity ? seated : w;
    }
    if (first)
        fl_os_affinity_restore(first->affinity);
    int error = create_here(out, config, hasty);
    if (seated)
        fl_seat_again(seated);
    errno = saved;
    return error;
}

static void enlist(struct filch_runtime *rt)
{
    if (!has_key) /* it is read without the lock where there is one */
        has_key = pthread_key_create(&end_of_thread, thread_ends) == 0; /* else nobody attaches */
    rt->next = fl_load_rlx(other_runtimes, &runtimes);                  /* changed under the lock only */
    fl_store_rel(enlist, &runtimes, rt);                                /* U3: pairs with the acquire first_runtime */
}

static void strike(struct filch_runtime *rt)
{
    struct filch_runtime *first = fl_load_rlx(all_runtimes, &runtimes); /* changed under the lock only */
    if (first == rt) {
        fl_store_rel(strike, &runtimes, rt->next); /* U3: pairs with the acquire first_runtime */
        if (!rt->next) {                           /* so no thread is attached */
            if (has_key)
                pthread_key_delete(end_of_thread);
            has_key = false;
        }
        return;
    }
    while (first->next != rt)
        first = first->next;
    first->next = rt->next;
}

static int create_default(const filch_config *config, bool hasty)
{
    int error = create(&default_runtime, config, hasty);
    if (!error)
        enlist(default_runtime);
    return error;
}

/* After the default runtime was started or stopped: the next spawn of this thread tries to attach it again. */
static void forget_serial(void)
{
    if (!fl_self() && fl_os_is_main_thread())
        fl_spawn_on(NULL);
}

int filch_start(filch_runtime **rt, const filch_config *config)
{
    fl_fork_check("filch_start", NULL);
    fl_fork_watch();
    if (rt) {
        int error = create(rt, config, false);
        hold_default();
        if (!error)
            enlist(*rt);
        pthread_mutex_unlock(&default_lock);
        return error;
    }
    hold_default();
    int error = default_runtime ? FILCH_ESTARTED : create_default(config, false);
    pthread_mutex_unlock(&default_lock);
    if (!error)
        forget_serial();
    return error;
}

/* Main's thread stays until filch_stop. */
static int attach_main(struct filch_runtime *rt)
{
    int error;
    struct fl_worker *w = fl_slot_lend(rt, &error);
    if (!w)
        return error;
    work_in(w);
    return 0;
}

void fl_attach(void)
{
    hold_default();
    int error = default_runtime ? 0 : create_default(NULL, true);
    bool none = error != 0;
    if (!error)
        error = (fl_os_is_main_thread() ? attach_main : attach_to)(default_runtime);
    pthread_mutex_unlock(&default_lock);
    if (none) {
        fl_warn("the default runtime could not be started, tasks run serially: %s", filch_strerror(error));
        work_in(NULL);
    } /* without a slot: the next spawn tries again */
}

static int stopped_if_not(bool running)
{
    return running ? 0 : FILCH_ESTOPPED;
}

int filch_attach(filch_runtime *rt)
{
    if (fl_innermost())
        return FILCH_EATTACHED;
    fl_fork_check("filch_attach", NULL);
    hold_default();
    int error = rt ? stopped_if_not(is_running(rt)) : default_runtime ? 0 : create_default(NULL, true);
    if (!error)
        error = attach_to(rt ? rt : default_runtime);
    pthread_mutex_unlock(&default_lock);
    return error;
}

/* A task of this thread is not synced.  Where FILCH_CHECK knows which, it is named. */
static int unsynced(const char *call, const struct fl_worker *w)
{
    const filch_site *site = fl_check_unsynced_site(w->own);
    if (site)
        fl_say(call, site, (int)w->id,
               "this task is not synced: sync it in the function call that spawned it, before");
    return FILCH_EBUSY;
}

int filch_detach(void)
{
    struct fl_worker *w = fl_self();
    if (!w || !w->attached || w->fiber != &w->native)
        return FILCH_EINVAL;
    if (!fl_deque_idle(w->own))
        return unsynced("filch_detach", w);
    fl_forget_end();
    leave_for_good(w);
    return 0;
}

/* ---- stop ---- */

/* 0 if rt, whose lock is held, can be stopped by this thread. */
static int may_stop(struct filch_runtime *rt)
{
    struct fl_worker *self = fl_self();
    unsigned lent = 0, guests = fl_load_acq(any_guests, &rt->guests); /* U2: pairs with guest_gone, submission_gone */
    for (unsigned i = 0; i < fl_slots(rt); i++)
        lent += rt->worker[i].lent;
    if (self && self->runtime == rt) {
        if (!self->lent || guests)
            return guests && self->lent ? FILCH_EBUSY : FILCH_EINVAL; /* a worker, or inside filch_run */
        if (!fl_deque_idle(self->own))
            return unsynced("filch_stop", self);
        return lent > 1 || self->fiber != &self->native ? FILCH_EBUSY : 0;
    }
    return lent || guests ? FILCH_EBUSY : 0;
}

static int stop(struct filch_runtime *rt)
{
    pthread_mutex_lock(&rt->lock);
    int error = may_stop(rt);
    pthread_mutex_unlock(&rt->lock);
    if (error)
        return error;
    if (fl_self() && fl_self()->runtime == rt) {
        fl_forget_end();
        leave_for_good(fl_self());
    }
    strike(rt);
    destroy(rt);
    return 0;
}

int filch_stop(filch_runtime *rt)
{
    fl_fork_check("filch_stop", NULL);
    if (fl_fork_left(rt))
        return 0; /* what this process had of it is gone */
    hold_default();
    struct filch_runtime *which = rt ? rt : default_runtime;
    int error = which && is_running(which) ? stop(which) : FILCH_ESTOPPED;
    if (!error && which == default_runtime)
        default_runtime = NULL;
    pthread_mutex_unlock(&default_lock);
    if (!error)
        forget_serial();
    return error;
}

/* ---- run ---- */

static void guest_gone(struct filch_runtime *rt)
{
    (void)fl_add_rel(guest_gone, &rt->guests, -1u); /* U2: pairs with the acquire any_guests */
}

/* Counts a guest of *rt, or for NULL of the default runtime, which it starts if need be. */
static int enter(struct filch_runtime **rt)
{
    hold_default();
    int error = *rt ? stopped_if_not(is_running(*rt)) : default_runtime ? 0 : create_default(NULL, true);
    *rt = *rt ? *rt : default_runtime;
    if (!error)
        (void)fl_add_rlx(guest, &(*rt)->guests, 1); /* U2: under default_lock, so that nobody stops it before */
    pthread_mutex_unlock(&default_lock);
    return error;
}

/* The same, without waiting for who starts or stops some runtime: then it is the caller's word that rt runs. */
static int enter_at_once(struct filch_runtime *rt)
{
    bool held = fl_try_hold();
    int error = held ? stopped_if_not(is_running(rt)) : 0;
    if (!error)
        (void)fl_add_rlx(guest_at_once, &rt->guests, 1); /* U2: rt is not stopped meanwhile */
    if (held)
        fl_let_go();
    return error;
}

void fl_run_as_guest(const char *call, struct filch_runtime *rt, void (*fn)(void *), void *arg)
{
    struct filch_detail_deque *current = filch_detail_self.current;
    void *slot = filch_detail_self.slot;
    void *outside = filch_detail_self.outside;
    int error; /* without a slot its tasks run at their spawns, for whatever reason */
    struct fl_worker *outer = fl_innermost(), *w = fl_slot_lend(rt, &error);
    bool away = w && outer && outer->fiber->tied;
    if (away)
        fl_idle_away(outer);
    work_in(w);
    filch_detail_self.outside = outer;
    if (w)
        w->outer = outer;
    if (w && outer && outer->fiber->guard) { /* on a fiber of another runtime: for the overflow message */
        w->native.guard = outer->fiber->guard;
        w->native.stack_size = outer->fiber->stack_size;
        w->own->task = outer->fiber->deque->task;
    }
    fn(arg);
    if (rt->inherited) { /* a child of a fork: what this thread has, it has in a runtime of its own */
        fl_fork_check("return inside filch_run", NULL);
        return;
    }
    if (w && !fl_deque_idle(fl_own_deque(w)))
        fl_check_left(call, NULL, fl_own_deque(w));
    if (w) {
        w->own->task = NULL;
        w->outer = NULL;
    }
    filch_detail_self.slot = slot;
    filch_detail_self.outside = outside;
    fl_spawn_on(current);
    if (w)
        give_back(w);
    if (away) {
        fl_idle_back(outer);
        fl_spawn_on(current);
    }
}

/* fn as a task of the runtime that this thread works for.  It may detach the thread, or stop the runtime: there was
 * nothing unsynced then. */
static void run_here(const char *call, struct fl_worker *w, void (*fn)(void *), void *arg)
{
    struct fl_deque *d = fl_own_deque(w);
    uintptr_t before = fl_deque_count(d);
    fn(arg);
    w = fl_self();
    if (w && fl_own_deque(w) == d && fl_deque_count(d) > before)
        fl_check_left(call, NULL, d);
}

/* A thread of the user's stays on its stack; a runtime of one worker has no thread that could open a letter, and one
 * whose tasks stay on their threads may have none left (do_unbegun). */
static bool may_visit(struct fl_worker *self, struct filch_runtime *rt)
{
    return self && self->runtime != rt && !self->fiber->tied && rt->workers > 1 && rt->migrates;
}

static void refuse_inherited(const char *call, struct filch_runtime *rt)
{
    if (fl_fork_left(rt))
        fl_misuse(
            call, NULL, fl_self() ? (int)fl_self()->id : -1,
            "this runtime belongs to the process that forked this one: start another in the child, or pass NULL");
}

/* Inside rt, which counts this thread as a guest. */
static void run_in(const char *call, struct filch_runtime *rt, void (*fn)(void *), void *arg)
{
    struct fl_worker *self = fl_self();
    if (self && self->runtime == rt)
        run_here(call, self, fn, arg);
    else
        fl_run_as_guest(call, rt, fn, arg);
    guest_gone(rt);
}

int filch_run(filch_runtime *rt, void (*fn)(void *), void *arg)
{
    struct fl_worker *self = fl_self();
    fl_fork_check("filch_run", NULL);
    if (!fn)
        return FILCH_EINVAL;
    refuse_inherited("filch_run", rt);
    if (self && rt == self->runtime) {
        run_here("filch_run", self, fn, arg);
        return 0;
    }
    int error = enter(&rt);
    if (error)
        return error;
    if (!may_visit(self, rt) || !fl_visit(self, rt, fn, arg))
        run_in("filch_run", rt, fn, arg);
    return 0;
}

/* ---- submissions ---- */

_Static_assert(sizeof(struct fl_submission) <= sizeof(filch_submission), "the public type has its room");
_Static_assert(_Alignof(struct fl_submission) <= _Alignof(filch_submission), "and its alignment");

int filch_submit(filch_runtime *rt, filch_submission *s, void (*fn)(void *), void *arg)
{
    struct fl_submission *submission = (struct fl_submission *)s;
    fl_fork_check("filch_submit", NULL);
    if (!fn || !s)
        return FILCH_EINVAL;
    refuse_inherited("filch_submit", rt);
    int error = rt ? enter_at_once(rt) : enter(&rt);
    if (error)
        return error;
    if (rt->workers > 1) {
        fl_submit(submission, rt, fn, arg);
        return 0;
    }
    run_in("filch_submit", rt, fn, arg); /* nobody is there who could do it later */
    fl_latch_init(&submission->done);
    (void)fl_latch_open(&submission->done);
    return 0;
}

/* True: nobody had begun it, and it is done now, on this thread.  That is for where a wait could be for ever: it would
 * keep the thread (kept) from beginning it, or that is left to threads that may all wait so; there are only so many
 * where stacks stay on their threads. */
static bool do_unbegun(const struct fl_worker *w, struct fl_submission *s, bool kept)
{
    struct filch_runtime *rt = s->rt;
    bool inside = w && w->runtime == rt;
    if (!inside)
        hold_default();
    bool taken = (inside || is_running(rt)) /* else it was done, and somebody has stopped its runtime */
                 && (kept || !rt->migrates) && fl_submission_take_back(s);
    if (!inside)
        fl_let_go();
    if (taken)
        fl_submission_do(s);
    return taken;
}

void filch_submission_wait(filch_submission *s)
{
    struct fl_submission *submission = (struct fl_submission *)s;
    fl_fork_check("filch_submission_wait", NULL);
    if (fl_latch_is_open(&submission->done))
        return;
    refuse_inherited("filch_submission_wait", submission->rt);
    struct fl_worker *w = fl_self();
    bool ours = fl_is_ours();
    if (ours && do_unbegun(w, submission, false))
        return;
    if (w && fl_submission_leave(w, submission))
        return;
    if (ours && do_unbegun(w, submission, true))
        return;
    fl_submission_stay(w, submission);
}

int filch_submission_done(filch_submission *s)
{
    return fl_latch_is_open(&((struct fl_submission *)s)->done);
}

/* ---- fork ---- */

struct filch_runtime *fl_disown(void)
{
    struct filch_runtime *all = fl_first_runtime();
    default_runtime = NULL;
    fl_store_rlx(disown, &runtimes, NULL); /* no other thread is there */
    return all;
}

/* ---- questions ---- */

struct filch_runtime *fl_hold(struct filch_runtime *rt)
{
    hold_default();
    rt = rt ? rt : default_runtime;
    return rt && is_running(rt) ? rt : NULL;
}

void fl_let_go(void)
{
    pthread_mutex_unlock(&default_lock);
}

bool fl_try_hold(void)
{
    return pthread_mutex_trylock(&default_lock) == 0;
}

struct filch_runtime *fl_first_runtime(void)
{
    return fl_load_acq(first_runtime, &runtimes); /* U3: pairs with the release enlist, strike */
}

unsigned filch_num_workers(filch_runtime *rt)
{
    rt = fl_hold(rt);
    if (rt)
        fl_worker_settled(rt);
    unsigned n = rt ? fl_load_rlx(counted_workers, &rt->counted) : 0; /* ordered by W4 */
    fl_let_go();
    return n;
}
