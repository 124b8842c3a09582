#include "deque.h"

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

/* The owner's own stores: nothing to order. */
static uintptr_t own_bottom(struct fl_deque *d)
{
    return fl_load_rlx(own_bottom, &d->hot.bottom); /* only the owner writes it */
}

static void set_bottom(struct fl_deque *d, uintptr_t i)
{
    fl_store_rlx(set_bottom, &d->hot.bottom, i); /* only the owner reads it */
}

static struct filch_detail_task *own_slot(struct fl_deque *d, uintptr_t i)
{
    return fl_load_rlx(own_slot, slot_at(d, i)); /* only the owner writes slots */
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
    d->task = NULL;
    fl_store_rlx(init, &d->hot.bottom, d->hot.base); /* no thread knows the deque yet: whoever shows it to another */
    fl_store_rlx(init, &d->hot.limit, d->hot.base);  /* does so with release */
    fl_store_rlx(init, &d->ps, pack(d->hot.base, d->hot.base)); /* the same */
    fl_store_rlx(init, &d->asked, 0);                           /* the same */
    return d;
}

bool fl_deque_idle(struct fl_deque *d)
{
    return own_bottom(d) == d->hot.base;
}

bool fl_deque_holds(struct fl_deque *d, const struct filch_detail_task *t)
{
    return t->slot >= d->hot.base && t->slot < own_bottom(d) && own_slot(d, t->slot) == t;
}

/* ---- owner: holes and the limit ---- */

/* t's slot, somewhere below the bottom, is free; it is used again once all above it are. */
static void punch(struct fl_deque *d, uintptr_t i)
{
    fl_store_rlx(punch, slot_at(d, i), NULL); /* D2: no thief reads slot i again */
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
    return d->holes && split < d->hole_top + 1 ? d->hole_top + 1 : split;
}

static void set_limit(struct fl_deque *d)
{
    uintptr_t limit = FL_MUTANT(limit_below_split) ? d->hot.base : threshold(d);
    if (limit == fl_load_rlx(old_limit, &d->hot.limit)) /* a request that comes now just stays */
        return;
    fl_store_rlx(new_limit, &d->hot.limit, limit); /* may overwrite a request; therefore: */
    fl_at(FL_AT_ANSWERED);
    if (FL_MUTANT(asked_not_cleared))
        return;
    fl_store_rel(answered, &d->asked, 0); /* D5: who reads 0 asks after this limit; pairs with the acquire ask_post */
}

/* ---- owner: publishing ---- */

/* Makes the older half of the private tasks public if nothing is; returns {top, split}. */
static uint64_t publish(struct fl_deque *d)
{
    uint64_t x = fl_load_rlx(publish_ps, &d->ps); /* a steal meanwhile only makes it emptier */
    if (top_of(x) != split_of(x))
        return x;
    uintptr_t first = split_of(x), bottom = own_bottom(d);
    if (!FL_MUTANT(publish_hole)) {
        while (d->holes && first < bottom && !own_slot(d, first))
            first++;
        if (first != split_of(x)) {
            x = pack(first, first);
            fl_store_rlx(publish_skip, &d->ps, x); /* empty before and after: nothing to order */
        }
    }
    uintptr_t n = (bottom - first + 1) / 2, k = 0;
    if (n > FL_PUBLISH_MAX)
        n = FL_PUBLISH_MAX;
    for (; k < n; k++) {
        struct filch_detail_task *t = own_slot(d, first + k);
        if (!t && !FL_MUTANT(publish_hole))
            break; /* D3 */
        if (t && !FL_MUTANT(state_not_reset))
            fl_store_rlx(state_pending, &t->state, FL_PENDING); /* D1: ordered by the release below */
    }
    if (!k)
        return x;
    fl_at(FL_AT_PUBLISH);
    x = fl_add_rel(publish, &d->ps, (uint64_t)k << 32) + ((uint64_t)k << 32); /* D1: pairs with the acquire claim */
    fl_at(FL_AT_PUBLISHED);
    fl_bump(&d->publications, 1);
    fl_bump(&d->published, k);
    return x;
}

/* Every slow path of the owner ends here. */
static void answer(struct fl_deque *d)
{
    bool asked = fl_load_rlx(answer_limit, &d->hot.limit) == FILCH_DETAIL_REQUEST; /* unseen, it is seen next time */
    uint64_t x = asked ? publish(d) : 0;
    if (!asked || top_of(x) != split_of(x)) /* else nothing to give or all gone: REQUEST stays for the next time */
        set_limit(d);
    FL_CHECK_SLOW(own_bottom(d) - d->hot.base > 256 || fl_deque_is_valid(d)); /* beyond that it would be quadratic */
}

void fl_deque_answer(struct fl_deque *d)
{
    if (fl_load_rlx(poll_limit, &d->hot.limit) == FILCH_DETAIL_REQUEST) /* unseen, it is seen the next time */
        answer(d);
}

/* ---- owner: slow spawn, slow sync ---- */

bool fl_deque_spawned(struct fl_deque *d, struct filch_detail_task *t)
{
    fl_at(FL_AT_SPAWN_SLOW);
    if (t->slot == FILCH_DETAIL_LAST) {
        set_bottom(d, FILCH_DETAIL_LAST);
        t->slot = FILCH_DETAIL_RAN;
        fl_bump(&d->at_spawn, 1);
        answer(d); /* the tasks below are as good as ever */
        return false;
    }
    answer(d);
    return true;
}

enum fl_sync fl_deque_sync(struct fl_deque *d, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
    fl_at(FL_AT_SYNC_SLOW);
    if (i == FILCH_DETAIL_RAN) { /* only FILCH_UNCHECKED comes here with it, in order, so: */
        set_bottom(d, FILCH_DETAIL_LAST);
        answer(d);
        return FL_RAN;
    }
    uint64_t x = fl_load_rlx(sync_ps, &d->ps); /* split is the owner's; an old top makes the exchange below fail */
    while (i < split_of(x)) {
        uintptr_t top = top_of(x);
        if (i < top) {
            if (!FL_MUTANT(reuse_unfinished))
                set_bottom(d, i + 1); /* D2: what runs here meanwhile spawns above t's slot */
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
            fl_bump(&d->take_backs, 1);
            break;
        }
    }
    trim(d);
    answer(d);
    return FL_RUN;
}

enum fl_sync fl_deque_sync_any(struct fl_deque *d, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
    fl_at(FL_AT_SYNC_SLOW);
    if (i == FILCH_DETAIL_RAN) {
        answer(d);
        return FL_RAN;
    }
    if (!fl_deque_holds(d, t))
        return FL_MISUSE;
    fl_bump(&d->unordered, 1);
    uint64_t x = fl_load_rlx(any_ps, &d->ps); /* as in fl_deque_sync */
    while (i < split_of(x)) {
        uintptr_t top = top_of(x);
        if (i < top)
            return FL_WAIT;
        fl_at(FL_AT_TAKE_BACK);
        uint64_t without = i == top ? pack(top + 1, split_of(x)) : pack(top, i);
        if (fl_cas_rlx(any_take, &d->ps, &x, without)) { /* as in fl_deque_sync */
            fl_bump(&d->take_backs, 1);
            break;
        }
    }
    punch(d, i);
    answer(d);
    return FL_RUN;
}

void fl_deque_release(struct fl_deque *d, struct filch_detail_task *t)
{
    uintptr_t i = t->slot;
    fl_at(FL_AT_RELEASE);
    fl_bump(&d->reused, 1);
    if (own_bottom(d) == i + 1 || FL_MUTANT(reuse_unfinished)) {
        set_bottom(d, i);
        fl_store_rlx(release_reset, &d->ps, pack(i, i)); /* top = split = i + 1: empty before and after */
        trim(d);
    } else {
        punch(d, i);
    }
    answer(d);
}

/* ---- thief ---- */

enum fl_steal fl_deque_steal(struct fl_deque *d, struct filch_detail_task **t)
{
    uint64_t x = fl_load_rlx(steal_ps, &d->ps); /* only a guess: the exchange below proves it */
    uintptr_t i = top_of(x);
    if (i >= split_of(x))
        return FL_EMPTY;
    if (FL_MUTANT(read_before_claim))
        *t = fl_load_rlx(mutant_load, slot_at(d, i)); /* the owner may take it back, and publish another there */
    fl_at(FL_AT_STEAL_READ);
    if (!fl_cas_acq(claim, &d->ps, &x, pack(i + 1, split_of(x)))) /* D1: pairs with the release publish */
        return FL_LOST;
    fl_at(FL_AT_STEAL_CLAIMED);
    if (!FL_MUTANT(read_before_claim))
        *t = fl_load_rlx(steal_slot, slot_at(d, i)); /* D1 wrote it before, by D2 nobody does before t is done */
    fl_at(FL_AT_STEAL_GOT);
    return FL_STOLEN;
}

bool fl_deque_ask(struct fl_deque *d, bool insist)
{
    if (!insist && fl_load_rlx(ask_look, &d->asked)) /* a guess, to leave the line to its readers */
        return false;
    if (fl_xchg_acq(ask_post, &d->asked, 1) && !insist) /* D5: pairs with the release answered */
        return false;
    fl_at(FL_AT_ASKED);
    if (insist || fl_load_rlx(ask_limit, &d->hot.limit) != FILCH_DETAIL_REQUEST) /* D5: not older than the answer's */
        fl_store_rlx(request, &d->hot.limit, FILCH_DETAIL_REQUEST); /* D5: nor is it overwritten by that */
    return true;
}
