#include "region.h"

#if !defined FL_MODEL
enum { LADDER = 2, UNTIMED = 5, QUICK = 16 };
#else
enum { LADDER = 1, UNTIMED = 1, QUICK = 0 };
#endif

static uint32_t own_open(struct fl_deque *d)
{
    return fl_load_rlx(own_open, &d->region.open); /* only the owner writes it */
}

static void set_open(struct fl_deque *d, uint32_t open)
{
    fl_store_rlx(set_open, &d->region.open, open); /* R3: the caller's fence orders it; else a hint */
}

static void set_cold(struct fl_deque *d, uint32_t cold)
{
    fl_store_rlx(set_cold, &d->cold, cold); /* a hint to thieves */
}

static void set_floor(struct fl_deque *d, uintptr_t floor)
{
    d->floor = floor;
    d->region.climbs = d->region.ladder = false;
    fl_deque_refresh(d);
    d->lowered = false; /* who sleeps does not wait for a cold deque */
}

void fl_region_begin(struct fl_deque *d)
{
    d->region.guest = true;
    set_cold(d, 1);
    set_open(d, (own_open(d) + 1) & ~1u);
    set_floor(d, 0);
    if (!FL_MUTANT(begun_unwatched))
        fl_deque_ask(d, FL_ASK_WATCH, true);
}

void fl_region_end(struct fl_deque *d)
{
    d->region.guest = false;
    set_open(d, (own_open(d) + 1) & ~1u);
    set_cold(d, 0);
    set_floor(d, 0);
}

static enum fl_turn heat(struct fl_deque *d)
{
    set_cold(d, 0);
    d->region.climbs = d->region.ladder = false;
    d->floor = d->hot.base + 1; /* the sync that ends the region traps */
    fl_deque_ask(d, FL_ASK_WORK, true);
    return FL_TURN_HOT;
}

/* WATCH has set limit to REQUEST, where it stays for the ladder. */
static enum fl_turn open_region(struct fl_deque *d, bool sync)
{
    struct fl_region *r = &d->region;
    set_open(d, own_open(d) + 1);
    r->climbs = r->ladder = true;
    r->quick = QUICK;
    r->steps = sync;
    r->since = 0;
    r->timed = UNTIMED + 1;
    d->floor = FILCH_DETAIL_REQUEST;
    fl_store_rlx(opened, &d->asked, FL_ASK_NOTHING); /* limit stays REQUEST: nothing to order */
    return FL_TURN_OPENED;
}

bool fl_region_opens(struct fl_deque *d, const struct filch_detail_task *t)
{
    if (!d->region.guest || d->region.ladder || !fl_deque_is_cold(d) || t->slot == FILCH_DETAIL_LAST ||
        (own_open(d) & 1) ||
        fl_load_rlx(opens_asked, &d->asked) != FL_ASK_WATCH) /* unseen, it is seen the next time */
        return false;
    open_region(d, false);
    return true;
}

static bool is_old(struct fl_region *r)
{
    uint64_t now = fl_now();
    if (!r->since)
        r->since = now;
    /* balanced trees: each step takes twice as long as the one before */
    r->timed = r->steps + (now - r->since < FL_REGION_AGE / 16 ? 3 : 1);
    return now - r->since > FL_REGION_AGE;
}

enum fl_turn fl_region_step(struct fl_deque *d, bool sync)
{
    struct fl_region *r = &d->region;
    uint32_t asked = fl_load_rlx(region_asked, &d->asked); /* unseen, it is seen the next time */
    if (asked == FL_ASK_WORK)
        return heat(d);
    if (!(own_open(d) & 1)) {
        if (asked == FL_ASK_WATCH)
            return open_region(d, sync);
        set_floor(d, 0); /* a late request of a watcher that has gone */
        return FL_TURN_CALM;
    }
    if (sync)
        r->steps++;
    r->quick = QUICK;
    return is_old(r) ? heat(d) : FL_TURN_NONE;
}

bool fl_region_falls(struct fl_deque *d, uintptr_t i)
{
    struct fl_region *r = &d->region;
    if (!r->ladder || fl_load_rlx(fall_asked, &d->asked) == FL_ASK_WORK) /* unseen, it is seen the next time */
        return false;
    r->steps++;
    if (r->steps >= r->timed && is_old(r))
        return false; /* fl_region_step looks again */
    bool lower = r->steps >= LADDER;
    r->climbs &= !lower;
    return fl_deque_sync_cold(d, i, lower);
}

void fl_region_close(struct fl_deque *d)
{
    bool was_cold = fl_deque_is_cold(d);
    set_open(d, (own_open(d) + 2) & ~1u);
    set_cold(d, 1);
    set_floor(d, 0);
    if (!was_cold) /* a child that this sync runs may be as long: it is watched from its first operation on */
        fl_deque_ask(d, FL_ASK_WATCH, true);
}

enum fl_sight fl_region_look(struct fl_deque *d, struct fl_watch *watch, uint64_t now)
{
    uint32_t open = fl_load_rlx(look_open, &d->region.open); /* a hint */
    bool known = open == watch->open;
    if (!known) {
        watch->open = open;
        watch->asked = false;
        if (open & 1)
            watch->since = now;
    }
    if (open & 1) {
        if (now - watch->since < FL_REGION_AGE && !watch->asked)
            return FL_SEE_OPEN;
        if (!watch->asked)
            watch->since = now; /* the force comes later */
        fl_deque_ask(d, FL_ASK_WORK, !watch->asked);
        watch->asked = true;
        return FL_SEE_WORK;
    }
    if (now - watch->since < FL_REGION_AGE && !watch->asked)
        return known ? FL_SEE_NOTHING : FL_SEE_ACTIVITY;
    if (!fl_deque_ask(d, FL_ASK_WATCH, false) && known && fl_deque_has_private(d) && !FL_MUTANT(deaf_unseen)) {
        if (!watch->asked) /* WATCH stands since the last look, and nothing has trapped: a long function */
            watch->since = now;
        watch->asked = true;
        return FL_SEE_WORK;
    }
    watch->since = now;
    watch->asked = false;
    return known ? FL_SEE_NOTHING : FL_SEE_ACTIVITY;
}

void fl_region_called(struct fl_deque *d, struct fl_watch *watch, uint64_t called)
{
    uint32_t open = fl_load_rlx(called_open, &d->region.open); /* a hint */
    if (open == watch->open + 1 && open & 1)
        *watch = (struct fl_watch){.open = open, .since = called};
}
