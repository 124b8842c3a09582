#include "idle.h"

#include "os.h"
#include "place.h"
#include "seam.h"

/* All times in ns.  The sentinel's: DESIGN, "short regions"; measured in docs/decisions/0007. */
enum {
    SEARCH = 50000,        /* without a task, then sleep */
    ANSWER = 8000,         /* an owner that has not answered by then runs a long function */
    WAIT = 5000,           /* for the end of a stolen task, then others have the place */
    WAIT_AWAKE = 50000,    /* and then the thread sleeps */
    TICK = 50000,          /* the sentinel's first */
    TICK_ACTIVE = 1000000, /* its longest for ... */
    ACTIVE = 20000000,     /* ... so long after the last activity */
    TICK_QUIET = 4000000,  /* and then */
    QUIET = 120000000      /* then it sleeps for good */
};

/* ---- one victim ---- */

static struct fl_deque *deque_of(struct fl_worker *v)
{
    return fl_load_acq(victim, &v->deque); /* W1: pairs with the release new_deque */
}

/* Of slots whose threads are the user's: 0, threads ... slots - 1. */
static struct fl_watch *watch_of(struct fl_worker *w, struct fl_worker *v)
{
    return &w->watch[v->id ? v->id - w->runtime->threads + 1 : 0];
}

static bool claim_from(struct fl_worker *w, struct fl_deque *d, struct fl_claim *claim)
{
    switch (fl_deque_steal(d, claim)) {
    case FL_STOLEN: fl_bump(&w->steals, 1); return true;
    case FL_LOST: fl_bump(&w->lost, 1); break;
    case FL_EMPTY: break;
    }
    return false;
}

static bool force(struct fl_worker *w, struct fl_deque *d, struct fl_claim *claim)
{
    if ((!w->runtime->heavy && !FL_MUTANT(force_without_membarrier)) || FL_MUTANT(never_force) ||
        !fl_deque_has_private(d) || fl_deque_force(d, claim) != FL_STOLEN)
        return false;
    fl_bump(&w->steals, 1);
    return true;
}

/* Takes a task of v's, or asks for one.  searched: for how long w has found nothing. */
static bool look_at(struct fl_worker *w, struct fl_worker *v, struct fl_claim *claim, uint64_t now, uint64_t searched,
                    enum fl_sight *sight)
{
    struct fl_deque *d = deque_of(v);
    enum fl_sight see = FL_SEE_NOTHING;
    if (!d)
        return false;
    if (claim_from(w, d, claim))
        return true;
    if (fl_deque_is_cold(d)) {
        struct fl_watch *watch = watch_of(w, v);
        see = fl_region_look(d, watch, now);
        if (see == FL_SEE_WORK && now - watch->since >= ANSWER && force(w, d, claim))
            return true;
        if (see == FL_SEE_WORK && !FL_MUTANT(searches_for_nothing) && !(w->runtime->heavy && fl_deque_has_private(d)))
            see = FL_SEE_NOTHING; /* it has been asked: its next operation publishes, and wakes */
    } else {
        if (fl_deque_ask(d, FL_ASK_WORK, false))
            fl_bump(&w->requests, 1);
        if (searched >= ANSWER) {
            if (fl_load_rlx(insist_limit, &d->hot.limit) != FILCH_DETAIL_REQUEST) /* a hint */
                fl_deque_ask(d, FL_ASK_WORK, true);                               /* who asked before was stopped */
            if (force(w, d, claim))
                return true;
            if (w->runtime->heavy && fl_deque_has_private(d))
                see = FL_SEE_WORK;
        }
    }
    if (*sight < see)
        *sight = see;
    return false;
}

static bool look_behind(struct fl_worker *w, struct fl_claim *claim)
{
    struct filch_runtime *rt = w->runtime;
    bool found = false;
    if (!fl_load_rlx(left_look, &rt->left_count) || !fl_try_lock(&rt->left_lock)) /* a hint */
        return false;
    for (struct fl_fiber *f = rt->left_behind; f && !found; f = f->behind)
        found = claim_from(w, f->deque, claim);
    fl_unlock(&rt->left_lock);
    return found;
}

static bool take_letter(struct fl_worker *w)
{
    w->letter = fl_inbox_take(&w->runtime->inbox);
    return w->letter;
}

/* Near to far where this worker has a seat. */
static bool look_near(struct fl_worker *w, struct fl_claim *claim, uint64_t now, uint64_t searched,
                      enum fl_sight *sight, unsigned random)
{
    const struct fl_victims *v = &w->seat->victims;
    struct filch_runtime *rt = w->runtime;
    for (size_t k = 0; k < v->workers; k++)
        if (look_at(w, &rt->worker[fl_victim_at(v, k, random)], claim, now, searched, sight))
            return true;
    for (unsigned i = rt->workers, n = fl_slots(rt); i < n; i++)
        if (i != w->id && look_at(w, &rt->worker[i], claim, now, searched, sight))
            return true;
    return look_behind(w, claim);
}

/* One look into the inbox and at every other slot: from a random one on, and of a worker with a seat so only one look
 * of four, that work spreads. */
static bool look_around(struct fl_worker *w, struct fl_claim *claim, uint64_t now, uint64_t searched,
                        enum fl_sight *sight)
{
    struct filch_runtime *rt = w->runtime;
    unsigned n = fl_slots(rt), random = fl_random(&w->random), first = random % n;
    /* a hint; else whoever comes after the empty slots, worker 0, would be robbed more often than all others */
    if (first >= rt->workers && fl_load_rlx(first_state, &rt->worker[first].state) == FL_FREE)
        first = random / n % rt->workers;
    *sight = FL_SEE_NOTHING;
    if (take_letter(w))
        return true;
    if (w->seat && w->id < rt->workers && random >> 30)
        return look_near(w, claim, now, searched, sight, random);
    for (unsigned k = 0; k < n; k++) {
        unsigned i = first + k < n ? first + k : first + k - n;
        if (i != w->id && look_at(w, &rt->worker[i], claim, now, searched, sight))
            return true;
    }
    return look_behind(w, claim);
}

/* ---- who sleeps is not forgotten ---- */

/* I7: posts REQUEST everywhere; R3: WATCH where it is not for work. */
static void ask_all(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    for (unsigned i = 0, n = fl_slots(rt); i < n && !FL_MUTANT(ask_nobody); i++) {
        struct fl_deque *d = deque_of(&rt->worker[i]);
        if (d && (!fl_deque_is_cold(d) || !FL_MUTANT(unwatched_left)))
            fl_deque_ask(d, fl_deque_is_cold(d) ? FL_ASK_WATCH : FL_ASK_WORK,
                         fl_load_rlx(sleeper_limit, &d->hot.limit) != FILCH_DETAIL_REQUEST); /* I5 */
    }
    if (rt->heavy)                 /* else nobody looks at private tasks, and the caller's fence orders the rest */
        fl_fence_heavy(ask_heavy); /* F1, S2: pairs with the light hot_light */
}

static bool something_left(struct filch_runtime *rt)
{
    bool something = false;
    if (FL_MUTANT(left_unseen) || !fl_load_rlx(left_again, &rt->left_count)) /* after ask_heavy */
        return false;
    fl_lock(&rt->left_lock);
    for (struct fl_fiber *f = rt->left_behind; f && !something; f = f->behind)
        something = fl_deque_has_public(f->deque);
    fl_unlock(&rt->left_lock);
    return something;
}

/* Something that a thief could take, after ask_all. */
static bool is_work(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    if (fl_inbox_has(&rt->inbox) && !FL_MUTANT(letter_unseen))
        return true;
    for (unsigned i = 0, n = fl_slots(rt); i < n; i++) {
        struct fl_deque *d = i == w->id ? NULL : deque_of(&rt->worker[i]);
        if (d && (fl_deque_has_public(d) || (rt->heavy && !fl_deque_is_cold(d) && fl_deque_has_private(d))))
            return true;
    }
    return something_left(rt);
}

/* There is work.  If nobody sleeps that could be woken, nobody searches and a place is free, there is a thread to be
 * made. */
static void make_spare(struct filch_runtime *rt)
{
    if (!FL_MUTANT(never_makes))
        fl_worker_spare(rt);
}

static void make_if_free(struct filch_runtime *rt)
{
    uint64_t idle = fl_load_rlx(free_place, &rt->parking.idle); /* a hint */
    if (fl_sleepers(idle) && fl_searchers(idle) <= 0)
        make_spare(rt);
}

static void wake_or_make(struct filch_runtime *rt, unsigned near)
{
    if (!fl_parking_wake(&rt->parking, near)) /* K1: its fence */
        make_if_free(rt);
}

/* What was public may be gone by then: the next half, until something stays or nothing is left. */
void fl_idle_answered(struct fl_worker *w, struct fl_deque *d)
{
    struct fl_parking *p = &w->runtime->parking;
    while (d->lowered) {
        d->lowered = false;
        if (fl_deque_is_cold(d) || FL_MUTANT(no_wake))
            return;
        fl_fence_sc(answered_fence); /* K1, I5: pairs with parking_enter_fence: limit, counts; counts, REQUEST */
        if (!fl_sleepers(fl_load_rlx(answered_idle, &p->idle))) /* K1: after the fence */
            return;
        if (fl_deque_has_public(d)) {
            if (FL_MUTANT(answered_makes_nobody))
                fl_parking_wake(p, w->id + 1);
            else
                wake_or_make(w->runtime, w->id + 1);
            return;
        }
        if (FL_MUTANT(answered_once))
            return;
        fl_deque_ask(d, FL_ASK_WORK, true); /* stands if nothing is left (I7) */
        fl_deque_answer(d);
    }
}

void fl_idle_opened(struct fl_worker *w)
{
    if (FL_MUTANT(opened_in_silence))
        return;
    fl_fence_sc(opened_fence); /* R3: pairs with watch_fence and parking_found_fence: open, watcher; watcher, open */
    if (!fl_load_rlx(opened_watcher, &w->runtime->watcher)) /* R3: after the fence */
        fl_parking_wake(&w->runtime->parking, w->id + 1);
}

/* Nothing traps in d any more: if nobody watches either, the next region shall open. */
static void calm(struct fl_worker *w, struct fl_deque *d)
{
    struct filch_runtime *rt = w->runtime;
    fl_fence_sc(calm_fence); /* R3: pairs with watch_fence and parking_enter_fence: limit, watcher; watcher, limit */
    if (!fl_load_rlx(calm_watcher, &rt->watcher) && fl_sleepers(fl_load_rlx(calm_idle, &rt->parking.idle))) /* R3 */
        fl_deque_ask(d, FL_ASK_WATCH, true);
}

static void take_place(struct fl_worker *w)
{
    if (!w->place)
        fl_parking_take(&w->runtime->parking);
    w->place = true;
}

static bool is_unwatched(struct fl_worker *w);

/* K7: the place of w was freed. */
static void pay(struct fl_worker *w)
{
    struct fl_parking *p = &w->runtime->parking;
    if (FL_MUTANT(never_pays) || !fl_parking_owes(p))
        return;
    ask_all(w);
    if (fl_deque_has_public(deque_of(w)) || is_work(w) || is_unwatched(w))
        wake_or_make(w->runtime, w->id + 1);
}

void fl_idle_gone(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    if (!w->place)
        return;
    w->place = false;
    if (fl_parking_free(&rt->parking, rt->workers))
        pay(w);
}

void fl_idle_away(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    (void)fl_deque_publish_all(deque_of(w));
    if (w->place && !FL_MUTANT(away_with_its_place))
        (void)fl_parking_free(&rt->parking, rt->workers);
    w->place = false;
    make_spare(rt); /* also for what comes while it is away, as in fl_idle_wait */
    pay(w);
}

void fl_idle_back(struct fl_worker *w)
{
    struct fl_deque *d = deque_of(w);
    if (!fl_deque_is_cold(d))
        take_place(w);
    fl_idle_answered(w, d);
}

/* True: w was called before `end`. */
static bool wait_awake(struct fl_worker *w, uint64_t end)
{
    bool called;
    while (!(called = fl_parking_is_called(&w->call)) && fl_now() < end)
        fl_spin(wait_awake);
    return called;
}

void fl_idle_wait(struct fl_worker *w, struct fl_deque *d, uintptr_t i, struct fl_waiter *waiter)
{
    struct filch_runtime *rt = w->runtime;
    struct fl_parking *p = &rt->parking;
    fl_store_rlx(state_waits, &w->state, FL_JOINING); /* for filch_dump */
    fl_parking_prepare(&w->call);
    if (w->place)
        (void)fl_parking_free(p, rt->workers); /* before anybody can take it back for us */
    if (fl_deque_await(d, i, waiter)) {
        uint64_t began = fl_now();
        if (!wait_awake(w, began + WAIT)) {
            make_spare(rt);
            pay(w);
            if (!wait_awake(w, began + WAIT_AWAKE))
                (void)fl_parking_rest(p, &w->call);
        }
    } else {
        fl_bump(&w->already_done, 1);
        fl_parking_take(p);
    }
    w->place = true;
    fl_store_rlx(state_goes_on, &w->state, FL_RUNNING); /* for filch_dump */
}

void fl_idle_call(struct fl_worker *w)
{
    struct fl_parking *p = &w->runtime->parking;
    fl_parking_take(p);
    fl_parking_call(&w->call);
}

void fl_idle_after(struct fl_worker *w, struct fl_deque *d, bool sync)
{
    if (d->region.guest && sync && fl_deque_idle(d)) {
        fl_region_close(d);
        calm(w, d);
        fl_idle_gone(w);
    } else if (d->region.guest && fl_deque_is_cold(d)) {
        enum fl_turn turn = fl_region_step(d, sync);
        if (turn == FL_TURN_OPENED) {
            fl_idle_opened(w);
        } else if (turn == FL_TURN_HOT) {
            take_place(w);
            fl_deque_answer(d);
        }
        if (turn == FL_TURN_CALM)
            calm(w, d);
    }
    fl_idle_answered(w, d);
}

void fl_idle_moved(struct fl_worker *w, struct fl_deque *d)
{
    if (fl_deque_is_cold(d) || FL_MUTANT(moved_without_request))
        return;
    fl_fence_sc(moved_fence); /* I7: pairs with parking_enter_fence: deque, counts; counts, deque */
    if (fl_sleepers(fl_load_rlx(moved_idle, &w->runtime->parking.idle))) /* I7: after the fence */
        fl_deque_ask(d, FL_ASK_WORK, fl_load_rlx(moved_limit, &d->hot.limit) != FILCH_DETAIL_REQUEST); /* its own */
}

/* A cold deque with a region that somebody must watch, after ask_all. */
static bool is_open_anywhere(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    for (unsigned i = 0, n = fl_slots(rt); i < n; i += i ? 1 : rt->threads) {
        struct fl_deque *d = i == w->id ? NULL : deque_of(&rt->worker[i]);
        if (d && fl_deque_is_cold(d) && (fl_region_is_open(d) || (rt->heavy && fl_deque_has_private(d))))
            return true;
    }
    return false;
}

static bool take_watch(struct fl_worker *w)
{
    uint32_t nobody = 0;
    return fl_cas_rlx(take_watch, &w->runtime->watcher, &nobody, w->id + 1); /* R3: of interest to w alone until ... */
}

static void leave_watch(struct fl_worker *w)
{
    fl_store_rlx(leave_watch, &w->runtime->watcher, 0); /* R3: ordered by the fence */
    /* R3: pairs with opened_fence, and parking_enter_fence of who takes the watch once this searcher is none: watcher,
     * counts; counts, watcher */
    fl_fence_sc(watch_fence); /* R3: see above, pairs with opened_fence and parking_enter_fence */
}

/* R3.  True if there is a region that somebody must watch. */
static bool is_unwatched(struct fl_worker *w)
{
    return !FL_MUTANT(forgets_regions) && !fl_load_rlx(unwatched, &w->runtime->watcher) && /* after ask_heavy */
           is_open_anywhere(w);
}

/* w has something to do. */
static void found(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    switch (fl_parking_found_what(&rt->parking)) {
    case FL_FOUND_ENOUGH: return;
    case FL_FOUND_NO_PLACE:
        if (fl_inbox_has(&rt->inbox) && !FL_MUTANT(no_chain_of_letters))
            fl_parking_wake_anyway(&rt->parking);
        return;
    case FL_FOUND_SLEEPERS: break;
    }
    if (FL_MUTANT(no_chain))
        return;
    ask_all(w);
    if (is_work(w) || is_unwatched(w))
        wake_or_make(rt, w->id + 1);
}

/* ---- letters ---- */

void fl_idle_post(struct filch_runtime *rt, struct fl_letter *letter)
{
    (void)fl_add_rlx(posting, &rt->posting, 1); /* B4: who opens the letter sees it, by B1 */
    fl_inbox_put(&rt->inbox, letter);
    if (FL_MUTANT(letter_wants_a_place))
        wake_or_make(rt, 0);
    else if (!FL_MUTANT(letter_in_silence) && !fl_parking_wake_anyway(&rt->parking))
        make_if_free(rt);
    (void)fl_add_rel(posted, &rt->posting, (uint32_t)-1); /* B4: pairs with the acquire all_posted */
}

void fl_idle_posted(struct filch_runtime *rt)
{
    while (fl_load_acq(all_posted, &rt->posting) && !FL_MUTANT(forgets_senders)) { /* B4: pairs with posted */
        fl_os_yield();
        fl_spin(wait_posted);
    }
}

/* ---- fibers left behind ---- */

void fl_idle_leave_behind(struct filch_runtime *rt, struct fl_fiber *f)
{
    fl_lock(&rt->left_lock);
    f->behind = rt->left_behind;
    f->before = NULL;
    if (f->behind)
        f->behind->before = f;
    rt->left_behind = f;
    fl_unlock(&rt->left_lock);
    (void)fl_add_rlx(left_more, &rt->left_count, 1); /* K1: the fence of the wake-up orders it */
    if (!FL_MUTANT(left_in_silence))
        fl_parking_wake(&rt->parking, 0);
}

void fl_idle_fetch(struct filch_runtime *rt, struct fl_fiber *f)
{
    (void)fl_add_rlx(left_less, &rt->left_count, (uint32_t)-1); /* a hint */
    fl_lock(&rt->left_lock);
    if (f->behind)
        f->behind->before = f->before;
    if (f->before)
        f->before->behind = f->behind;
    else
        rt->left_behind = f->behind;
    fl_unlock(&rt->left_lock);
}

/* ---- sleeping ---- */

/* What w must attend to rather than to look for tasks. */
static bool is_called(struct fl_worker *w)
{
    return !FL_MUTANT(stop_unseen) && fl_load_rlx(stop_look, &w->runtime->stop); /* the loop acquires */
}

/* S2, after the heavy fence. */
static bool look_again(struct fl_worker *w)
{
    return !FL_MUTANT(no_second_look) && (is_called(w) || is_work(w));
}

static bool is_roused(struct fl_worker *w)
{
    return fl_load_rlx(watch_nap, &w->nap.word) == FL_AWAKE; /* a hint: fl_parking_leave says */
}

/* Until woken. */
static void rest(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    uint64_t called = fl_parking_rest(&rt->parking, &w->nap);
    for (unsigned i = 0, n = fl_slots(rt); i < n; i += i ? 1 : rt->threads) {
        struct fl_worker *v = &rt->worker[i];
        struct fl_deque *d = v == w ? NULL : deque_of(v);
        if (d && fl_deque_is_cold(d))
            fl_region_called(d, watch_of(w, v), called);
    }
}

/* Sleeps with looks in between.  True if it has claimed a task. */
static bool watch(struct fl_worker *w, struct fl_claim *claim)
{
    struct fl_parking *p = &w->runtime->parking;
    uint64_t last = fl_now(), tick = TICK;
    fl_store_rlx(state_watching, &w->state, FL_WATCHING); /* for filch_dump */
    for (;;) {
        fl_parking_wait(p, w->id, tick);
        if (is_roused(w))
            break;
        enum fl_sight sight;
        uint64_t now = fl_now();
        fl_bump(&w->ticks, 1);
        if (is_called(w) || look_around(w, claim, now, ANSWER, &sight) || sight == FL_SEE_WORK)
            break;
        if (sight == FL_SEE_OPEN) {
            last = now;
            tick = FL_REGION_AGE;
            continue;
        }
        if (sight == FL_SEE_ACTIVITY)
            last = now;
        uint64_t longest = now - last < ACTIVE ? TICK_ACTIVE : TICK_QUIET;
        tick = tick < TICK ? TICK : tick * 2 < longest ? tick * 2 : longest;
        if (now - last >= QUIET) {
            leave_watch(w);
            ask_all(w);
            if (is_unwatched(w) && take_watch(w)) { /* perhaps the one that was seen all the time */
                last = now - ACTIVE;
                tick = FL_REGION_AGE;
                continue;
            }
            fl_store_rlx(state_deep, &w->state, FL_SLEEPING); /* for filch_dump */
            rest(w);
            return false;
        }
    }
    if (!FL_MUTANT(watch_kept))
        leave_watch(w); /* it is a searcher now: found looks after regions, or it takes the watch again */
    return claim->task || w->letter;
}

/* Returns awake, and counted as a searcher; true with a task. */
static bool sleep_once(struct fl_worker *w, bool searching, struct fl_claim *claim)
{
    struct filch_runtime *rt = w->runtime;
    struct fl_parking *p = &rt->parking;
    claim->task = NULL;
    fl_store_rlx(state_sleeping, &w->state, FL_SLEEPING); /* for filch_dump */
    fl_parking_enter(p, w->id, searching);
    ask_all(w);
    if (look_again(w)) {
        fl_bump(&w->cancelled, 1);
    } else {
        fl_at(FL_AT_PARK_LOOKED);
        fl_bump(&w->parkings, 1);
        if (take_watch(w)) {
            watch(w, claim);
        } else {
            rest(w);
        }
    }
    if (fl_parking_leave(p, w->id))
        fl_bump(&w->wake_ups, 1);
    fl_store_rlx(state_awake, &w->state, FL_SEARCHING); /* for filch_dump */
    return claim->task || w->letter;
}

/* ---- searching ---- */

/* Between two fruitless looks.  Not by sched_yield: Linux charges the rest of the slice for it, and the debt outlasts
 * the sleep that follows (docs/decisions/0009).  late: an owner that was stopped in the middle of something may need
 * this processor.  (A search ends by the clock: the model checker need not wait before that.) */
static void back_off(unsigned round, bool late)
{
#if !defined FL_MODEL
    if (late)
        fl_os_yield();
    for (unsigned i = 0; i < 4u << (round < 16 ? round / 4 : 4); i++)
        fl_spin(back_off);
#else
    (void)late;
    if (round > 1)
        fl_spin(back_off);
#endif
}

/* K7.  True: it has slept, and is a searcher now. */
static bool gave_way(struct fl_worker *w)
{
    struct fl_parking *p = &w->runtime->parking;
    if (!fl_parking_yield(p, w->id))
        return false;
    fl_store_rlx(state_yielded, &w->state, FL_SLEEPING); /* for filch_dump */
    /* after yield_fence */
    if (is_called(w) || (fl_inbox_has(&w->runtime->inbox) && !FL_MUTANT(yields_unread)) ||
        (fl_sleepers(fl_load_rlx(yielded_idle, &p->idle)) && !FL_MUTANT(yields_blindly))) {
        fl_bump(&w->cancelled, 1);
    } else {
        fl_bump(&w->parkings, 1);
        rest(w);
    }
    if (fl_parking_leave(p, w->id))
        fl_bump(&w->wake_ups, 1);
    return true;
}

bool fl_idle_find(struct fl_worker *w, struct fl_claim *claim)
{
    bool searching = gave_way(w) || fl_parking_search(&w->runtime->parking, w->runtime->workers), got = false;
    fl_store_rlx(state_searching, &w->state, FL_SEARCHING); /* for filch_dump */
    for (;;) {
        uint64_t began = fl_now(), now = began;
        enum fl_sight sight = FL_SEE_NOTHING;
        for (unsigned round = 0; searching && !got && !is_called(w); round++) {
            got = look_around(w, claim, now, now - began, &sight);
            if (got || (now - began > SEARCH && sight != FL_SEE_WORK))
                break;
            back_off(round, now - began > SEARCH);
            now = fl_now();
        }
        if (!got && !is_called(w)) {
            got = sleep_once(w, searching, claim);
            searching = true;
        }
        if (got || is_called(w)) {
            fl_store_rlx(state_running, &w->state, FL_RUNNING); /* for filch_dump */
            if (searching)
                found(w);
            return got;
        }
    }
}
