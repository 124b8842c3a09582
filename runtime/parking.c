#include "parking.h"

#include "os.h"

enum { LONG = 10000000 /* ns: to move a thread that has rested for less is not worth 4 system calls */ };

static const uint64_t SLEEPER = 1, TAKEN = (uint64_t)1 << 20, SEARCHER = (uint64_t)1 << 40;

void fl_parking_init(struct fl_parking *p, unsigned slots, struct fl_nap *first, size_t stride,
                     struct fl_asleep *asleep)
{
    p->slots = slots;
    p->nap = first;
    p->stride = stride;
    p->moves = NULL;
    p->asleep = asleep;
    /* nobody else knows of it yet */
    fl_store_rlx(parking_init, &p->idle, 0);
    for (unsigned i = 0; i < (slots + 63) / 64; i++)
        fl_store_rlx(parking_init, &asleep[i].bits, 0); /* likewise */
    for (unsigned i = 0; i < slots; i++) {
        fl_store_rlx(parking_init, &fl_parking_nap(p, i)->word, FL_AWAKE); /* likewise */
        fl_parking_nap(p, i)->thread = 0;
    }
}

static struct fl_asleep *word_of(const struct fl_parking *p, unsigned id)
{
    return &p->asleep[id / 64];
}

static uint64_t bit_of(unsigned id)
{
    return (uint64_t)1 << id % 64;
}

/* ---- about oneself ---- */

bool fl_parking_search(struct fl_parking *p, unsigned workers)
{
    /* a bound on useless work, no more: two that read alike may both pass it */
    uint64_t idle = fl_load_rlx(parking_search_idle, &p->idle);
    int awake = (int)(workers - fl_sleepers(idle));
    int most = awake > 3 ? awake / 2 : 2;
    if (fl_searchers(idle) >= most)
        return false;
    if (!FL_MUTANT(search_uncounted))
        fl_add_rlx(parking_search, &p->idle, SEARCHER); /* a promise to K4, which keeps it later */
    return true;
}

enum fl_found fl_parking_found_what(struct fl_parking *p)
{
    /* before the fence: who reads the count from before this is heard by the looks after it */
    uint64_t before = fl_add_rlx(parking_found, &p->idle, -SEARCHER);
    bool last = FL_MUTANT(found_one_by_exact) ? fl_searchers(before) == 1 : fl_searchers(before) <= 1; /* K2 */
    if (!last || fl_asleep(before) == 0 || FL_MUTANT(found_without_chain))
        return FL_FOUND_ENOUGH;
    fl_fence_sc(parking_found_fence); /* K4: pairs with parking_wake_fence: this count, then the look; work, counts */
    return fl_sleepers(before) ? FL_FOUND_SLEEPERS : FL_FOUND_NO_PLACE;
}

/* S1 after the count. */
static void lie_down(struct fl_parking *p, unsigned id)
{
    fl_at(FL_AT_PARK_COUNTED);
    fl_or_rel(parking_bit, &word_of(p, id)->bits, bit_of(id)); /* K5: pairs with parking_clear: word and count */
}

void fl_parking_enter(struct fl_parking *p, unsigned id, bool searching)
{
    struct fl_nap *nap = fl_parking_nap(p, id);
    uint64_t change = searching && !FL_MUTANT(enter_keeps_searcher) ? SLEEPER - SEARCHER : SLEEPER;

    if (!FL_MUTANT(asleep_after_bit))
        fl_store_rlx(parking_asleep, &nap->word, FL_ASLEEP); /* seen with the bit */
    if (!FL_MUTANT(bit_before_count) && !FL_MUTANT(count_at_wait))
        fl_add_rlx(parking_enter, &p->idle, change); /* K3: before the bit; before the fence */
    lie_down(p, id);
    if (FL_MUTANT(bit_before_count))
        fl_add_rlx(mutant_enter, &p->idle, change);
    if (FL_MUTANT(asleep_after_bit))
        fl_store_rlx(mutant_asleep, &nap->word, FL_ASLEEP);
    fl_fence_sc(parking_enter_fence); /* K1: pairs with parking_wake_fence: bit and counts, look */
    fl_at(FL_AT_PARK_ENTERED);
}

bool fl_parking_yield(struct fl_parking *p, unsigned id)
{
    uint64_t idle = fl_load_rlx(yield_idle, &p->idle); /* the compare-and-swap says */
    do {                                               /* one by one: two that read alike must not both go */
        if (fl_places(idle) >= 0)
            return false;
        fl_store_rlx(yield_asleep, &fl_parking_nap(p, id)->word, FL_ASLEEP); /* seen with the bit */
    } while (!fl_cas_rlx(yield_count, &p->idle, &idle, idle + SLEEPER));     /* K3: before the bit; before the fence */
    lie_down(p, id);
    fl_fence_sc(yield_fence); /* K7: pairs with owes_fence: bit, places; places, bits */
    return true;
}

void fl_parking_take(struct fl_parking *p)
{
    fl_add_rlx(place_taken, &p->idle, TAKEN); /* too late: one more is at work for a while */
}

bool fl_parking_free(struct fl_parking *p, unsigned workers)
{
    uint64_t idle = fl_add_rlx(place_freed, &p->idle, -TAKEN) - TAKEN; /* K7: before the fence of fl_parking_owes */
    return (int)workers - fl_places(idle) - fl_searchers(idle) > 0;
}

bool fl_parking_owes(struct fl_parking *p)
{
    fl_fence_sc(owes_fence); /* K7: pairs with parking_wake_fence and yield_fence: place, look; work or bit, places */
    return fl_sleepers(fl_load_rlx(owes_idle, &p->idle)) > 0; /* after the fence */
}

void fl_parking_absent(struct fl_parking *p, unsigned workers, unsigned later, unsigned spares)
{
    /* nobody else knows of it yet; both by `workers` more, so that what all of them free does not get less than zero */
    fl_add_rlx(absent, &p->idle, (workers + later + spares) * SLEEPER + (workers + spares - 1) * TAKEN);
}

void fl_parking_appears(struct fl_parking *p)
{
    fl_add_rlx(appears, &p->idle, -SLEEPER); /* as K2: late is the safe side */
}

void fl_parking_wait(struct fl_parking *p, unsigned id, uint64_t ns)
{
    struct fl_nap *nap = fl_parking_nap(p, id);

    if (FL_MUTANT(count_at_wait))
        fl_add_rlx(mutant_enter, &p->idle, SLEEPER - SEARCHER);
    /* saves a system call; the kernel looks again, and leave says what has happened */
    uint32_t expected = fl_load_rlx(parking_wait, &nap->word);
    if (expected == FL_ASLEEP || FL_MUTANT(wait_without_recheck))
        fl_os_futex_wait(&nap->word, expected, ns);
}

uint64_t fl_parking_rest(struct fl_parking *p, struct fl_nap *nap)
{
    int thread = p->moves && p->moves() ? fl_os_thread_id() : 0;
    if (nap->thread != thread) /* a filter may forbid this thread what its waker may do */
        nap->thread = thread && fl_os_may_return() ? thread : 0;
    nap->since = fl_now();
    nap->away = -1;
    uint32_t word = fl_load_rlx(parking_rest_look, &nap->word); /* ASLEEP or NEAR, or a call has come */
    if (FL_MUTANT(rest_over_awake))
        fl_store_rel(mutant_rest, &nap->word, FL_RESTING);
    else if (word != FL_AWAKE)
        (void)fl_cas_rel(parking_rest, &nap->word, &word, FL_RESTING); /* K6: pairs with parking_call; or AWAKE */
    /* K6: pairs with parking_awake and parking_call: where the thread may not run, and what its caller has done */
    while ((word = fl_load_acq(parking_rested, &nap->word)) != FL_AWAKE) {
        if (FL_MUTANT(rest_ends_when_called) && word == FL_CALLED)
            break;
        fl_os_futex_wait(&nap->word, word, 0);
    }
    if (nap->away >= 0 && !FL_MUTANT(stays_away))
        fl_os_let_back(nap->away);
    return nap->since;
}

bool fl_parking_leave(struct fl_parking *p, unsigned id)
{
    uint64_t bit = bit_of(id);
    if (FL_MUTANT(leave_keeps_bit))
        return false;
    if (FL_MUTANT(leave_believes_word) && fl_load_rlx(mutant_leave, &fl_parking_nap(p, id)->word) == FL_AWAKE)
        return true;
    uint64_t before = fl_and_acq(parking_leave, &word_of(p, id)->bits, ~bit); /* K5: pairs with parking_clear */
    if (!(before & bit) && !FL_MUTANT(leave_ignores_wake))
        return true; /* the waker counts it */
    if (!FL_MUTANT(leave_uncounted))
        fl_add_rlx(parking_leave_count, &p->idle, SEARCHER - SLEEPER); /* K2; after the bit by the acquire above */
    return false;
}

/* ---- about others ---- */

void fl_parking_call(struct fl_nap *nap)
{
    uint32_t word = fl_load_rlx(parking_call_look, &nap->word),
             next; /* K5: ASLEEP or later, by the acquire of the bit */
    do {
        if (word == FL_CALLED && !FL_MUTANT(awake_over_called))
            return; /* K6: who has called it wakes it */
        next = word == FL_RESTING ? FL_CALLED : FL_AWAKE;
        /* K6: pairs with parking_rest; and with is_called */
    } while (!fl_cas_acq_rel(parking_call, &nap->word, &word, next));
    if (next == FL_CALLED) {
        uint64_t now = fl_now();
        if (nap->thread && now - nap->since >= LONG)
            nap->away = fl_os_keep_away(nap->thread);
        nap->since = now;
        fl_at(FL_AT_WAKE_CALLED);
        fl_store_rel(parking_awake, &nap->word, FL_AWAKE); /* K6: pairs with parking_rested */
    }
    if (word != FL_NEAR && !FL_MUTANT(no_futex_wake))
        fl_os_futex_wake(&nap->word, 1);
}

void fl_parking_prepare(struct fl_nap *nap)
{
    fl_store_rlx(prepare, &nap->word, FL_NEAR); /* whoever calls has been told after that */
}

bool fl_parking_is_called(struct fl_nap *nap)
{
    return fl_load_acq(is_called, &nap->word) == FL_AWAKE; /* K6: pairs with parking_call */
}

/* True if the caller, and nobody else, has cleared the bit of worker id: then the worker is awake. */
static bool wake(struct fl_parking *p, unsigned id)
{
    uint64_t bit = bit_of(id);
    if (FL_MUTANT(wake_before_clear))
        fl_parking_call(fl_parking_nap(p, id));
    /* K5: pairs with parking_bit, and with parking_leave: what the caller has done before */
    if (!(fl_and_acq_rel(parking_clear, &word_of(p, id)->bits, ~bit) & bit))
        return false;
    fl_at(FL_AT_WAKE_CLEARED);
    /* K2; after the sleeper's own count by the acquire above */
    fl_add_rlx(parking_count, &p->idle, FL_MUTANT(wake_counts_no_searcher) ? -SLEEPER : SEARCHER - SLEEPER);
    fl_at(FL_AT_WAKE_COUNTED);
    if (!FL_MUTANT(wake_before_clear))
        fl_parking_call(fl_parking_nap(p, id));
    return true;
}

/* A worker whose bit is gone was awake after the caller's fence: before it sleeps it looks, after that (K1).  So each
 * is tried once. */
static bool wake_one_of(struct fl_parking *p, unsigned first, uint64_t asleep)
{
    for (; asleep; asleep &= asleep - 1)
        if (wake(p, first + (unsigned)__builtin_ctzll(asleep)))
            return true;
    return false;
}

static bool wake_somebody(struct fl_parking *p, unsigned near, unsigned (*of)(uint64_t))
{
    unsigned words = (p->slots + 63) / 64;
    if (near >= p->slots)
        near = 0;
    uint64_t from_near = ~(bit_of(near) - 1);

    fl_fence_sc(parking_wake_fence); /* K1: pairs with parking_enter_fence; K4: pairs with parking_found_fence */
    /* after the fence; what it says is checked at each bit */
    uint64_t idle = fl_load_rlx(parking_wake_idle, &p->idle);
    if (of(idle) == 0 || fl_searchers(idle) > 0)
        return false;
    for (unsigned i = 0, w = near / 64; i <= words; i++, w = w + 1 < words ? w + 1 : 0) {
        uint64_t which = i == 0 ? from_near : i == words ? ~from_near : ~(uint64_t)0;
        /* after the fence; a hint: the bit is taken by wake */
        if (wake_one_of(p, w * 64, fl_load_rlx(parking_wake_bits, &p->asleep[w].bits) & which))
            return true;
        if (FL_MUTANT(wake_only_above))
            break;
    }
    return false;
}

bool fl_parking_wake(struct fl_parking *p, unsigned near)
{
    return wake_somebody(p, near, fl_sleepers);
}

bool fl_parking_wake_anyway(struct fl_parking *p)
{
    return wake_somebody(p, 0, fl_asleep);
}

bool fl_parking_wake_worker(struct fl_parking *p, unsigned id)
{
    fl_fence_sc(parking_mail_fence); /* K1: pairs with parking_enter_fence: the bit, then the mail; mail, bit */
    if (FL_MUTANT(mail_trusts_searchers) && fl_searchers(fl_load_rlx(mutant_mail, &p->idle)) > 0)
        return false;
    /* after the fence; a hint: the bit is taken by wake */
    return fl_load_rlx(parking_mail_bit, &word_of(p, id)->bits) & bit_of(id) && wake(p, id);
}
