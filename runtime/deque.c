#include "deque.h"

#include "notes.h"
#include "os.h"
#include "seam.h"

/* ---- indices ---- */

static uint64_t pack(uintptr_t top, uintptr_t split)
{
    return (uint64_t)(uint32_t)top | (uint64_t)(uint32_t)split << 32;
}

/* Indices are negative: the low 32 bits tell them apart, and order them, since capacity <= 2^28. */
static uintptr_t top_of(uint64_t ps)
{
    return (uintptr_t)(intptr_t)(int32_t)(uint32_t)ps;
}

static uintptr_t split_of(uint64_t ps)
{
    return top_of(ps >> 32);
}

static filch_detail_slot *slot_at(struct fl_deque *d, uintptr_t i)
{
    return filch_detail_slot_at(&d->hot, i);
}

/* ---- a slot's word ---- */

enum { WAITER = 2 }; /* beside FILCH_DETAIL_DONE; tasks and waiters are aligned to 8 bytes at least */

static uintptr_t word_of(const struct filch_detail_task *t)
{
    return (uintptr_t)t;
}

static bool is_task(uintptr_t word, const struct filch_detail_task *t)
{
    return (word | FILCH_DETAIL_DONE) == (word_of(t) | FILCH_DETAIL_DONE);
}

static struct fl_waiter *waiter_of(uintptr_t word)
{
    return word & WAITER ? (struct fl_waiter *)(word - WAITER) : NULL;
}

/* ---- the owner's own words ---- */

static uintptr_t own_bottom(struct fl_deque *d)
{
    return fl_load_rlx(own_bottom, &d->hot.bottom); /* only the owner writes it */
}

static void set_bottom(struct fl_deque *d, uintptr_t i)
{
    fl_store_rel(set_bottom, &d->hot.bottom, i); /* F2: pairs with the acquire force_bottom */
}

static uintptr_t own_slot(struct fl_deque *d, uintptr_t i)
{
    return fl_load_rlx(own_slot, slot_at(d, i)); /* only looked at: the owner's, or a thief's that is not done */
}

bool fl_deque_is_valid(struct fl_deque *d)
{
    uint64_t x = fl_load_rlx(valid_ps, &d->ps);                /* the owner asks: only top can move, upwards */
    uintptr_t limit = fl_load_rlx(valid_limit, &d->hot.limit); /* the owner's own, or REQUEST */
    uintptr_t bottom = own_bottom(d), holes = 0;
    for (uintptr_t i = d->hot.base; i < bottom; i++) {
        bool hole = !own_slot(d, i), public = i >= top_of(x) && i < split_of(x);
        if (hole && (public || i >= d->hole_top))
            return false;
        holes += hole;
    }
    return top_of(x) >= d->hot.base && top_of(x) <= split_of(x) && split_of(x) <= bottom && limit >= split_of(x) &&
           bottom <= FILCH_DETAIL_LAST && holes == d->holes &&
           (!bottom || bottom == d->hot.base || own_slot(d, bottom - 1));
}

/* ---- life ---- */

size_t fl_deque_bytes(size_t capacity)
{
    size_t slots = capacity * sizeof(filch_detail_slot);
    return (slots + FL_CACHE_LINE - 1) / FL_CACHE_LINE * FL_CACHE_LINE + sizeof(struct fl_deque);
}

struct fl_deque *fl_deque_init(void *storage, size_t capacity)
{
    size_t before = fl_deque_bytes(capacity) - sizeof(struct fl_deque);
    struct fl_deque *d = (struct fl_deque *)(void *)((char *)storage + before);
    d->hot.base = (uintptr_t)0 - capacity;
    d->holes = 0;
    d->hole_top = d->hot.base;
    d->floor = 0;
    d->task = NULL;
    d->region = (struct fl_region){.guest = false};
    fl_store_rlx(init, &d->region.open, 0); /* as below */
    d->lowered = false;
    d->counts = &d->own_counts;
    d->notes = NULL;
    fl_store_rlx(init, &d->hot.bottom, d->hot.base); /* no thread knows the deque yet: whoever shows it to another */
    fl_store_rlx(init, &d->hot.limit, d->hot.base);  /* does so with release */
    fl_store_rlx(init, &d->ps, pack(d->hot.base, d->hot.base)); /* the same */
    fl_store_rlx(init, &d->force, 0);                           /* the same */
    fl_store_rlx(init, &d->asked, FL_ASK_NOTHING);              /* the same */
    fl_store_rlx(init_site, &d->site, NULL);                    /* the same */
    fl_store_rlx(init, &d->cold, 0);                            /* the same */
    return d;
}

bool fl_deque_idle(struct fl_deque *d)
{
    return own_bottom(d) == d->hot.base;
}

bool fl_deque_holds(struct fl_deque *d, const struct filch_detail_task *t)
{
    return fl_deque_has(d, t->slot, t);
}

bool fl_deque_has(struct fl_deque *d, uintptr_t i, const struct filch_detail_task *t)
{
    return i >= d->hot.base && i < own_bottom(d) && is_task(own_slot(d, i), t);
}

uintptr_t fl_deque_count(struct fl_deque *d)
{
    return own_bottom(d) - d->hot.base - d->holes;
}

const struct filch_detail_task *fl_deque_youngest(struct fl_deque *d, uintptr_t *slot)
{
    if (fl_deque_idle(d))
        return NULL;
    *slot = own_bottom(d) - 1;
    return (const struct filch_detail_task *)(own_slot(d, *slot) & ~FILCH_DETAIL_DONE); /* D3: no hole */
}

/* ---- owner: force ----
 *
 * The word is {held: 1 bit, slots taken by force since the owner was here last: 23 bits, sequence number: 40 bits}.
 * Every change raises the sequence number: the owner's two, and each forcer's compare-and-swap.  So a forcer's success
 * proves that the owner has not come by since the forcer read the word. */

#define HELD ((uint64_t)1)
#define TAKEN_ONE ((uint64_t)2)
#define TAKEN_MASK (SEQUENCE_ONE - TAKEN_ONE)
#define SEQUENCE_ONE ((uint64_t)1 << 24)

static uintptr_t taken_of(uint64_t f)
{
    return (uintptr_t)((f & TAKEN_MASK) / TAKEN_ONE);
}

static uint64_t next_sequence(uint64_t f)
{
    return (f & ~(SEQUENCE_ONE - 1)) + SEQUENCE_ONE;
}

/* What was taken by force counts as stolen. */
static void settle(struct fl_deque *d, uintptr_t taken)
{
    uintptr_t first = split_of(fl_load_rlx(settle_ps, &d->ps)); /* nothing public: no thief can change it */
    uintptr_t split = first + taken, tasks = 0;
    if (FL_MUTANT(taken_not_settled))
        return;
    for (uintptr_t i = first; i < split; i++)
        tasks += own_slot(d, i) != 0;
    fl_store_rlx(settle, &d->ps, pack(split, split)); /* empty before, so no thief changes it, and after */
    fl_bump(&d->counts->forced, tasks);
}

static void let_go(struct fl_deque *d, uint64_t mine)
{
    fl_at(FL_AT_LET_GO);
    fl_store_rel(let_go, &d->force, next_sequence(mine)); /* D6: pairs with the acquire force_look */
}

/* D6: no forcer claims a task until let_go. */
static uint64_t hold(struct fl_deque *d)
{
    uint64_t f = fl_load_rlx(hold_look, &d->force), mine; /* a guess, the exchange proves it */
    do
        mine = next_sequence(f) | HELD;
    while (!fl_cas_acq(hold, &d->force, &f, mine)); /* D2: pairs with the release force_commit */
    if (taken_of(f))
        settle(d, taken_of(f));
    if (FL_MUTANT(let_go_early))
        let_go(d, mine);
    return mine;
}

/* ---- owner: holes and the limit ---- */

/* t's slot, somewhere below the bottom, is free; it is used again once all above it are. */
static void punch(struct fl_deque *d, uintptr_t i)
{
    fl_store_rlx(punch, slot_at(d, i), 0); /* D2: no thief reads slot i again */
    d->holes++;
    if (d->hole_top <= i)
        d->hole_top = i + 1;
}

/* Lowers the bottom below the holes that have come to lie there. */
static void trim(struct fl_deque *d)
{
    if (!d->holes)
        return;
    uintptr_t b = own_bottom(d);
    for (; d->holes && !own_slot(d, b - 1); d->holes--)
        b--;
    set_bottom(d, b);
    if (d->hole_top >= b)
        d->hole_top = b - 1;                          /* slot b - 1 holds a task, by D3 */
    if (b < split_of(fl_load_rlx(trim_ps, &d->ps)))   /* then top = split, by D3: no thief can change ps */
        fl_store_rlx(trim_reset, &d->ps, pack(b, b)); /* empty before and after: nothing to order */
}

/* The first index that the hot path may take: private (D4), and above it no hole that the next sync would uncover. */
static uintptr_t threshold(struct fl_deque *d)
{
    uintptr_t split = split_of(fl_load_rlx(threshold_ps, &d->ps)); /* only the owner moves split */
    uintptr_t least = d->holes && split < d->hole_top + 1 ? d->hole_top + 1 : split;
    return least < d->floor ? d->floor : least;
}

/* The question stands: somebody wants something, or the deque traps every operation of its own accord. */
static bool is_asked(struct fl_deque *d)
{
    if (fl_load_rlx(answer_asked, &d->asked)) /* unseen, it is seen the next time */
        return true;
    return d->floor != FILCH_DETAIL_REQUEST &&
           fl_load_rlx(answer_limit, &d->hot.limit) == FILCH_DETAIL_REQUEST; /* the same */
}

/* Without a question: a request that comes now just stays. */
static void move_limit(struct fl_deque *d)
{
    uintptr_t limit = FL_MUTANT(limit_below_split) ? d->hot.base : threshold(d);
    uintptr_t old = fl_load_rlx(old_limit, &d->hot.limit); /* the owner's own last one, or REQUEST */
    if (limit == old || (old == FILCH_DETAIL_REQUEST && d->floor != old && !FL_MUTANT(request_overwritten)))
        return;
    if (FL_MUTANT(request_overwritten))
        fl_store_rlx(mutant_limit, &d->hot.limit, limit); /* I5 broken: a sleeper's request is lost, nobody looks */
    else
        fl_cas_rlx(move_limit, &d->hot.limit, &old, limit); /* a trap, not a truth: orders nothing */
}

/* The question is answered. */
static void lower_limit(struct fl_deque *d)
{
    uintptr_t limit = FL_MUTANT(limit_below_split) ? d->hot.base : threshold(d);
    fl_store_rlx(new_limit, &d->hot.limit, limit); /* may overwrite another request; therefore: */
    d->lowered = true;
    fl_at(FL_AT_ANSWERED);
    if (FL_MUTANT(asked_not_cleared))
        return;
    fl_store_rel(answered, &d->asked, FL_ASK_NOTHING); /* D5: pairs with the acquire ask_post */
}

void fl_deque_refresh(struct fl_deque *d)
{
    uint64_t mine = hold(d);
    lower_limit(d);
    let_go(d, mine);
}

/* ---- owner: publishing ---- */

static uint64_t give(struct fl_deque *d, uintptr_t k)
{
    fl_at(FL_AT_PUBLISH);
    uint64_t x =
        fl_add_rel(publish, &d->ps, (uint64_t)k << 32) + ((uint64_t)k << 32); /* D1: pairs with the acquire claim */
    fl_at(FL_AT_PUBLISHED);
    fl_bump(&d->counts->publications, 1);
    fl_bump(&d->counts->published, k);
    return x;
}

/* Makes the older half of the private tasks public if nothing is; returns {top, split}. */
static uint64_t publish(struct fl_deque *d)
{
    uint64_t x = fl_load_rlx(publish_ps, &d->ps); /* a steal meanwhile only makes it emptier */
    if (top_of(x) != split_of(x))
        return x;
    uintptr_t first = split_of(x), bottom = own_bottom(d);
    bool holes = d->holes && d->hole_top > first && !FL_MUTANT(publish_hole);
    while (holes && first < bottom && !own_slot(d, first))
        first++;
    if (first != split_of(x)) {
        x = pack(first, first);
        fl_store_rlx(publish_skip, &d->ps, x); /* empty before and after: nothing to order */
    }
    uintptr_t n = (bottom - first + 1) / 2;
    for (uintptr_t k = 0; holes && k < n; k++)
        if (!own_slot(d, first + k))
            n = k; /* D3 */
    return n ? give(d, n) : x;
}

/* Every slow path of the owner ends here, and holds `force`. */
static void answer(struct fl_deque *d)
{
    bool gives = is_asked(d) && !fl_load_rlx(answer_cold, &d->cold); /* the owner's own */
    uint64_t x = gives ? publish(d) : 0;
    if (gives && top_of(x) != split_of(x))
        lower_limit(d);
    else
        move_limit(d); /* a request stands: there is nothing to give, or the deque is cold */
    FL_CHECK_SLOW(own_bottom(d) - d->hot.base > 256 || fl_deque_is_valid(d)); /* beyond that it would be quadratic */
}

void fl_deque_answer(struct fl_deque *d)
{
    if (!is_asked(d))
        return;
    uint64_t mine = hold(d);
    answer(d);
    let_go(d, mine);
}

/* Moves the tasks above `first` down over the holes between them. */
static uintptr_t close_holes(struct fl_deque *d, uintptr_t first, uintptr_t bottom)
{
    uintptr_t to = first;
    for (uintptr_t i = first; i < bottom; i++) {
        uintptr_t word = own_slot(d, i);
        if (!word)
            continue;
        fl_notes_move(d, i, to);
        ((struct filch_detail_task *)word)->slot = to;    /* private: never stolen, so the word is the task */
        fl_store_rlx(close_hole, slot_at(d, to++), word); /* D2: private; a publication will order it */
    }
    d->holes -= bottom - to;
    d->hole_top = first;
    set_bottom(d, to);
    return to;
}

bool fl_deque_publish_all(struct fl_deque *d)
{
    uint64_t mine = hold(d);
    uint64_t x = fl_load_rlx(all_ps, &d->ps); /* only top can move */
    uintptr_t split = split_of(x), bottom = own_bottom(d);
    if (split < bottom && d->holes && d->hole_top > split)
        bottom = close_holes(d, split, bottom);
    if (split < bottom)
        x = give(d, bottom - split);
    move_limit(d);
    let_go(d, mine);
    return top_of(x) != split_of(x);
}

/* ---- owner: slow spawn, slow sync ---- */

bool fl_deque_spawned(struct fl_deque *d, struct filch_detail_task *t)
{
    uint64_t mine = hold(d);
    bool room = t->slot != FILCH_DETAIL_LAST;
    fl_at(FL_AT_SPAWN_SLOW);
    if (!room) {
        set_bottom(d, FILCH_DETAIL_LAST);
        t->slot = FILCH_DETAIL_RAN;
        fl_bump(&d->counts->at_spawn, 1);
    }
    answer(d); /* where there is no room, the tasks below are as good as ever */
    let_go(d, mine);
    return room;
}

/* Task i, that is at or above split or was never public, is the caller's to run if it can be taken back. */
static enum fl_sync take(struct fl_deque *d, uintptr_t i)
{
    uint64_t x = fl_load_rlx(sync_ps, &d->ps); /* split is the owner's; an old top makes the exchange below fail */
    while (i < split_of(x)) {
        uintptr_t top = top_of(x);
        if (i < top) {
            if (!FL_MUTANT(reuse_unfinished))
                set_bottom(d, i + 1); /* D2: what runs on this fiber later spawns above t's slot */
            else
                fl_store_rlx(mutant_store, &d->ps, pack(i, i)); /* D2 broken */
            return FL_WAIT;
        }
        fl_at(FL_AT_TAKE_BACK);
        uint64_t half = pack(top, top + (i - top) / 2);
        if (FL_MUTANT(take_back_by_store)) {
            fl_store_rlx(mutant_store, &d->ps, half); /* D2 broken: a thief's claim is overwritten */
            break;
        }
        /* Nothing to order: the tasks never left this thread.  The tasks that stay public stay ordered by the release
         * publish, whose release sequence every read-modify-write continues. */
        if (fl_cas_rlx(take_back, &d->ps, &x, half)) { /* see above */
            fl_bump(&d->counts->take_backs, 1);
            break;
        }
    }
    trim(d);
    answer(d);
    return FL_RUN;
}

bool fl_deque_sync_cold(struct fl_deque *d, uintptr_t i, bool lower)
{
    uint64_t f = fl_load_rlx(cold_look, &d->force), mine = next_sequence(f); /* a guess, the exchange proves it */
    if ((f & (TAKEN_MASK | HELD)) || d->holes || i <= d->hot.base)
        return false;
    if (!fl_cas_acq(cold_hold, &d->force, &f, mine | HELD)) /* D2: pairs with the release force_commit */
        return false;
    bool is_private = i >= split_of(fl_load_rlx(cold_ps, &d->ps)); /* only the owner moves split */
    if (is_private && lower) {
        d->floor = i;
        fl_store_rlx(cold_limit, &d->hot.limit, i);             /* a watcher's request is lost; therefore: */
        fl_store_rel(cold_answered, &d->asked, FL_ASK_NOTHING); /* D5: pairs with the acquire ask_post */
    }
    fl_store_rel(cold_let_go, &d->force, next_sequence(mine)); /* D6: pairs with the acquire force_look */
    return is_private;
}

enum fl_sync fl_deque_sync(struct fl_deque *d, struct filch_detail_task *t)
{
    uint64_t mine = FL_MUTANT(hold_skipped) ? fl_load_rlx(mutant_look, &d->force) : hold(d);
    enum fl_sync outcome = FL_RAN;
    fl_at(FL_AT_SYNC_SLOW);
    if (t->slot == FILCH_DETAIL_RAN) { /* only FILCH_UNCHECKED comes here with it, in order, so: */
        set_bottom(d, FILCH_DETAIL_LAST);
        answer(d);
    } else {
        outcome = take(d, t->slot);
    }
    let_go(d, mine);
    return outcome;
}

/* Like take, where bottom stays. */
static enum fl_sync take_any(struct fl_deque *d, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
    fl_bump(&d->counts->unordered, 1);
    uint64_t x = fl_load_rlx(any_ps, &d->ps); /* as in take */
    while (i < split_of(x)) {
        uintptr_t top = top_of(x);
        if (i < top)
            return FL_WAIT;
        fl_at(FL_AT_TAKE_BACK);
        uint64_t without = i == top ? pack(top + 1, split_of(x)) : pack(top, i);
        if (fl_cas_rlx(any_take, &d->ps, &x, without)) { /* as in take */
            fl_bump(&d->counts->take_backs, 1);
            break;
        }
    }
    punch(d, i);
    answer(d);
    return FL_RUN;
}

enum fl_sync fl_deque_sync_any(struct fl_deque *d, struct filch_detail_task *t)
{
    uint64_t mine = hold(d);
    enum fl_sync outcome = FL_RAN;
    fl_at(FL_AT_SYNC_SLOW);
    if (t->slot == FILCH_DETAIL_RAN)
        answer(d);
    else
        outcome = fl_deque_holds(d, t) ? take_any(d, t) : FL_MISUSE;
    let_go(d, mine);
    return outcome;
}

bool fl_deque_is_done(struct fl_deque *d, const struct filch_detail_task *t)
{
    /* J1: pairs with the release finish */
    return fl_load_acq(join_done, slot_at(d, t->slot)) == (word_of(t) | FILCH_DETAIL_DONE);
}

void fl_deque_release(struct fl_deque *d, struct filch_detail_task *t)
{
    uint64_t mine = hold(d);
    uintptr_t i = t->slot;
    fl_at(FL_AT_RELEASE);
    fl_bump(&d->counts->reused, 1);
    if (own_bottom(d) == i + 1 || FL_MUTANT(reuse_unfinished)) {
        set_bottom(d, i);
        fl_store_rlx(release_reset, &d->ps, pack(i, i)); /* top = split = i + 1: empty before and after */
        trim(d);
    } else {
        punch(d, i);
    }
    answer(d);
    let_go(d, mine);
}

bool fl_deque_await(struct fl_deque *d, uintptr_t slot, struct fl_waiter *waiter)
{
    uintptr_t word = word_of(waiter->task);
    fl_at(FL_AT_AWAIT);
    /* J3: pairs with the acquire finish and the acquire steal_slot. */
    if (fl_cas_rel(await, slot_at(d, slot), &word, (uintptr_t)waiter + WAITER)) /* J3: see above */
        return true;
    (void)fl_load_acq(await_done, slot_at(d, slot)); /* J1: pairs with the release finish, which it reads for sure */
    return false;
}

/* ---- thief ---- */

/* Plain data of another thread's: the model checker wants to be told. */
#if defined FL_MODEL
#define READS(p) mc_read(p)
#else
#define READS(p) ((void)(p))
#endif

static struct filch_detail_task *task_of(uintptr_t word)
{
    struct fl_waiter *waiter = waiter_of(word);
    if (!waiter || FL_MUTANT(waiter_as_task))
        return (struct filch_detail_task *)word;
    READS(&waiter->task); /* the owner waits already, and this thread was stopped meanwhile */
    return waiter->task;
}

enum fl_steal fl_deque_steal(struct fl_deque *d, struct fl_claim *claim)
{
    uint64_t x = fl_load_rlx(steal_ps, &d->ps); /* only a guess: the exchange below proves it */
    uintptr_t i = top_of(x), word = 0;
    if (i >= split_of(x))
        return FL_EMPTY;
    if (FL_MUTANT(read_before_claim))
        word = fl_load_rlx(mutant_load, slot_at(d, i)); /* the owner may take it back, and publish another there */
    fl_at(FL_AT_STEAL_READ);
    if (!fl_cas_acq(claim, &d->ps, &x, pack(i + 1, split_of(x)))) /* D1: pairs with the release publish */
        return FL_LOST;
    fl_at(FL_AT_STEAL_CLAIMED);
    if (!FL_MUTANT(read_before_claim))
        word = fl_load_acq(steal_slot, slot_at(d, i)); /* J3: pairs with the release await; by D2 it is this task's */
    fl_at(FL_AT_STEAL_GOT);
    *claim = (struct fl_claim){d, i, task_of(word)};
    return FL_STOLEN;
}

struct fl_waiter *fl_deque_finish(const struct fl_claim *claim)
{
    uintptr_t done = word_of(claim->task) | FILCH_DETAIL_DONE;
    fl_at(FL_AT_DONE);
    /* J1: pairs with the acquire join_done.  J3: pairs with the release await. */
    uintptr_t word = fl_xchg_acq_rel(finish, slot_at(claim->deque, claim->slot), done); /* J1, J3: see above */
    if (FL_MUTANT(touched_after_done))
        fl_store_rel(mutant_touch, slot_at(claim->deque, claim->slot),
                     done); /* J2 broken: pairs with the acquire join_done */
    return waiter_of(word);
}

enum fl_steal fl_deque_force(struct fl_deque *d, struct fl_claim *claim)
{
    uint64_t f = fl_load_acq(force_look, &d->force); /* D6: pairs with the release let_go */
    uintptr_t bottom =
        FL_MUTANT(bottom_before_fence) ? fl_load_acq(mutant_early_bottom, &d->hot.bottom) : 0; /* F1 broken */
    if (f & HELD)
        return FL_LOST;
    if (!FL_MUTANT(force_without_request))
        fl_store_rlx(force_request, &d->hot.limit, FILCH_DETAIL_REQUEST); /* F1: ordered by the heavy fence */
    fl_at(FL_AT_FORCE_REQUESTED);
    if (!FL_MUTANT(force_without_fence))
        fl_fence_heavy(force_heavy); /* F1: pairs with the light hot_light */
    fl_at(FL_AT_FORCE_FENCED);
    uint64_t x = fl_load_rlx(force_ps, &d->ps); /* the exchange below proves that the owner has not changed it */
    if (top_of(x) != split_of(x) && !FL_MUTANT(force_beside_public))
        return FL_LOST; /* an ordinary steal will do */
    if (!FL_MUTANT(bottom_before_fence))
        bottom = fl_load_acq(force_bottom, &d->hot.bottom); /* F2: pairs with the release hot_bottom and set_bottom */
    uintptr_t i = split_of(x) + taken_of(f), word = 0;
    if (i < d->hot.base)
        return FL_LOST; /* beyond the last slot: the owner has come by between the two loads */
    while (i < bottom && !(word = fl_load_rlx(force_slot, slot_at(d, i))) && !FL_MUTANT(force_hole)) /* F2 wrote it */
        i++;
    uintptr_t taken = i + 1 - split_of(x);
    if (i >= bottom)
        return FL_EMPTY;
    if (taken > TAKEN_MASK / TAKEN_ONE)
        return FL_LOST; /* until the owner comes by */
    fl_at(FL_AT_FORCE_READ);
    if (FL_MUTANT(force_any_sequence))
        f = fl_load_acq(mutant_force_look, &d->force) & ~HELD; /* D6 broken: the owner may have come by */
    uint64_t mine = next_sequence(f) | taken * TAKEN_ONE;
    if (FL_MUTANT(force_by_store))
        fl_store_rel(mutant_force, &d->force, mine);
    else if (!fl_cas_rel(force_commit, &d->force, &f, mine)) /* D2: pairs with the acquire hold */
        return FL_LOST;
    *claim = (struct fl_claim){d, i, (struct filch_detail_task *)word};
    return FL_STOLEN;
}

bool fl_deque_ask(struct fl_deque *d, enum fl_ask what, bool insist)
{
    uint32_t old = fl_load_rlx(ask_look, &d->asked); /* a guess, to leave the line to its readers */
    if (!insist && old >= FL_ASK_WORK && (old == (uint32_t)what || old == FL_ASK_WORK))
        return false;
    old = fl_xchg_acq(ask_post, &d->asked, (uint32_t)what); /* D5: pairs with the release answered */
    if (old == (uint32_t)what && !insist)
        return false;
    fl_at(FL_AT_ASKED);
    if (insist || fl_load_rlx(ask_limit, &d->hot.limit) != FILCH_DETAIL_REQUEST) /* D5: not older than the answer's */
        fl_store_rlx(request, &d->hot.limit, FILCH_DETAIL_REQUEST); /* D5: nor is it overwritten by that */
    return true;
}

bool fl_deque_has_public(struct fl_deque *d)
{
    uint64_t x = fl_load_rlx(look_ps, &d->ps); /* the caller's fence orders it: K1 */
    return top_of(x) < split_of(x);
}

bool fl_deque_has_private(struct fl_deque *d)
{
    uint64_t x = fl_load_rlx(look_ps, &d->ps);                                   /* the same */
    uint64_t f = fl_load_rlx(look_force, &d->force);                             /* the same */
    return fl_load_rlx(look_bottom, &d->hot.bottom) > split_of(x) + taken_of(f); /* the same: F1 */
}
