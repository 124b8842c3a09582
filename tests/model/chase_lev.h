/* The textbook work-stealing deque, as a reference: for the model checker, a stress test and a row of benchmarks.  It
 * is no part of the library.
 *
 *   The owner pushes and takes at the bottom, thieves steal at the top.
 *   Source    Chase, Lev, SPAA 2005; Le, Pop, Cohen, Zappa Nardelli, PPoPP 2013, figure 1.
 *   Differs   The grown array is published with release and loaded with acquire (the paper's C11 code: relaxed).  Push
 *             has a store-release where the paper has a release fence.  A release sequence no longer goes on over plain
 *             stores, so take's store that lowers bottom is release, too: a thief that reads it must learn of the slots
 *             below.  The stores that raise it again stay relaxed: top has passed all slots below them.  Indices are
 *             unsigned and compared by difference, so that they may wrap.  Steal's compare-and-swap is release and
 *             take's relaxed where the paper has seq_cst.  A new array's slots are set to NULL.
 *   Callers   owner: ref_push, ref_take.  Any thread: ref_steal.  ref_init and ref_free before and after all others.
 *   R1  top only grows, by one, by compare-and-swap.
 *   R2  bottom - top is at least -1, and that only while take looks; at most the capacity of the newest array.
 *   R3  Slots in [top, bottom) hold the pushed items; the owner wrote them before the store of bottom that a thief
 *       reads.
 *   R4  An item is taken once: by the winner of top's compare-and-swap when it is the last, else by the owner alone,
 *       since the two seq_cst fences let owner and thief not both miss the other's move.
 *   R5  A slot is written again only after the compare-and-swap that took it.
 *   R6  Old arrays live until ref_free: a thief may still read one.
 *   Progress  push and take wait-free but for malloc; steal lock-free, REF_LOST means that another one won.
 *   Checked   tests/model/chase_lev_model.c */
#ifndef REF_CHASE_LEV_H
#define REF_CHASE_LEV_H

#include <filch/detail/atomic.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined FL_MODEL
#define REF_ALLOC(size) mc_alloc(size)
#define REF_FREE(p) mc_free(p)
#define REF_PLAIN_READ(p) mc_read(p)
#define REF_PLAIN_WRITE(p) mc_write(p)
#define REF_NOW() mc_now()
#define REF_SLOT_WRITE(slot) mc_write(ref_slot_content(slot))
#define REF_SLOT_READ(slot, when) mc_read_at(ref_slot_content(slot), when)
#else
#define REF_ALLOC(size) malloc(size)
#define REF_FREE(p) free(p)
#define REF_PLAIN_READ(p) ((void)(p))
#define REF_PLAIN_WRITE(p) ((void)(p))
#define REF_NOW() 0u
#define REF_SLOT_WRITE(slot) ((void)(slot))
#define REF_SLOT_READ(slot, when) ((void)(slot), (void)(when))
#endif

struct ref_slot {
    FL_ATOMIC(void *) item;
};

struct ref_array {
    size_t mask; /* capacity - 1, a power of two less one; never changes */
    struct ref_array *older;
    struct ref_slot slot[];
};

struct ref_deque {
    _Alignas(64) FL_ATOMIC(size_t) top;    /* thieves and the owner, by compare-and-swap */
    _Alignas(64) FL_ATOMIC(size_t) bottom; /* written by the owner alone */
    FL_ATOMIC(struct ref_array *) array;   /* likewise */
};

enum ref_outcome { REF_STOLEN, REF_EMPTY, REF_LOST };

#if defined FL_MODEL
/* Stands for the content of a slot as plain data (R5); the atomic itself keeps the slot's own address. */
static inline const volatile void *ref_slot_content(struct ref_slot *slot)
{
    return (const volatile char *)slot + 1;
}
#endif

static inline struct ref_array *ref_array_new(size_t capacity, struct ref_array *older)
{
    struct ref_array *a = REF_ALLOC(sizeof *a + capacity * sizeof a->slot[0]);

    if (a == NULL)
        return NULL;
    REF_PLAIN_WRITE(&a->mask);
    a->mask = capacity - 1;
    a->older = older;
    for (size_t i = 0; i < capacity; i++) {
        /* A thief with an old top may read a slot that no push has reached; its compare-and-swap then fails. */
        REF_PLAIN_WRITE(&a->slot[i].item);
        a->slot[i].item.fl_value = NULL;
    }
    return a;
}

/* capacity is a power of two; first is the index at which both ends start.  False without memory. */
static inline bool ref_init(struct ref_deque *d, size_t capacity, size_t first)
{
    struct ref_array *a = ref_array_new(capacity, NULL);

    if (a == NULL)
        return false;
    fl_store_rlx(ref_init_top, &d->top, first);       /* nobody else knows the deque yet */
    fl_store_rlx(ref_init_bottom, &d->bottom, first); /* likewise */
    fl_store_rlx(ref_init_array, &d->array, a);       /* likewise */
    return true;
}

static inline void ref_free(struct ref_deque *d)
{
    struct ref_array *a = fl_load_rlx(ref_free_array, &d->array); /* all others have ended */

    while (a != NULL) {
        struct ref_array *older = a->older;
        REF_FREE(a);
        a = older;
    }
}

/* Twice the capacity, the same items at the same indices. */
static inline struct ref_array *ref_grow(struct ref_deque *d, struct ref_array *old, size_t top, size_t bottom)
{
    struct ref_array *a = ref_array_new(2 * (old->mask + 1), old);

    if (a == NULL)
        return NULL;
    for (size_t i = top; i != bottom; i++) {
        /* R3: only the owner writes slots, so it reads its own; the array's publication orders the copy */
        void *item = fl_load_rlx(ref_grow_from, &old->slot[i & old->mask].item);
        REF_SLOT_WRITE(&a->slot[i & a->mask]);
        fl_store_rlx(ref_grow_to, &a->slot[i & a->mask].item, item);
    }
    fl_store_rel(ref_grow_array, &d->array, a); /* R3: pairs with ref_steal_array */
    if (FL_MUTANT(ref_free_at_growth)) {
        a->older = NULL;
        REF_FREE(old);
    }
    return a;
}

/* False without memory for a larger array. */
static inline bool ref_push(struct ref_deque *d, void *item)
{
    size_t b = fl_load_rlx(ref_push_bottom_own, &d->bottom);      /* the owner's own */
    size_t t = fl_load_acq(ref_push_top, &d->top);                /* R5: pairs with ref_steal_cas */
    struct ref_array *a = fl_load_rlx(ref_push_array, &d->array); /* the owner's own */

    if (b - t > a->mask) {
        a = ref_grow(d, a, t, b);
        if (a == NULL)
            return false;
    }
    REF_SLOT_WRITE(&a->slot[b & a->mask]);
    fl_store_rlx(ref_push_slot, &a->slot[b & a->mask].item, item); /* bottom's release publishes it */
    fl_store_rel(ref_push_bottom, &d->bottom, b + 1);              /* R3: pairs with ref_steal_bottom */
    return true;
}

/* The newest item, or NULL. */
static inline void *ref_take(struct ref_deque *d)
{
    size_t b = fl_load_rlx(ref_take_bottom_own, &d->bottom) - 1;  /* the owner's own */
    struct ref_array *a = fl_load_rlx(ref_take_array, &d->array); /* likewise */

    fl_store_rel(ref_take_bottom, &d->bottom, b);  /* R3: pairs with ref_steal_bottom */
    fl_fence_sc(ref_take_fence);                   /* R4: Dekker pair with ref_steal_fence */
    size_t t = fl_load_rlx(ref_take_top, &d->top); /* the fence orders it; the last item goes by compare-and-swap */

    if ((ptrdiff_t)(b - t) < 0) {
        /* top has passed b: a thief that reads this and finds an item loses its compare-and-swap */
        fl_store_rlx(ref_take_empty, &d->bottom, b + 1);
        return NULL;
    }
    void *item = fl_load_rlx(ref_take_slot, &a->slot[b & a->mask].item); /* the owner's own write */
    if (b != t)
        return item;
    if (FL_MUTANT(ref_last_without_cas))
        fl_store_rlx(ref_take_fault, &d->top, t + 1);
    else if (!fl_cas_rlx(ref_take_cas, &d->top, &t, t + 1)) /* R1, R4: who wins; the item is the owner's own write */
        item = NULL;
    fl_store_rlx(ref_take_restore, &d->bottom, b + 1); /* top has passed b, as above */
    return item;
}

/* The oldest item. */
static inline enum ref_outcome ref_steal(struct ref_deque *d, void **item)
{
    size_t t = fl_load_acq(ref_steal_top, &d->top);       /* R1: pairs with ref_steal_cas of other thieves */
    fl_fence_sc(ref_steal_fence);                         /* R4: Dekker pair with ref_take_fence */
    size_t b = fl_load_acq(ref_steal_bottom, &d->bottom); /* R3: pairs with ref_push_bottom, ref_take_bottom */

    if ((ptrdiff_t)(b - t) <= 0)
        return REF_EMPTY;
    struct ref_array *a = fl_load_acq(ref_steal_array, &d->array); /* R3: pairs with ref_grow_array */
    REF_PLAIN_READ(&a->mask);
    struct ref_slot *slot = &a->slot[t & a->mask];
    void *found = fl_load_rlx(ref_steal_slot, &slot->item); /* the compare-and-swap decides whether it counts */
    unsigned when = REF_NOW();
    /* R5: pairs with ref_push_top.  No acquire: top never repeats (R1), so this reads what ref_steal_top read. */
    if (!fl_cas_rel(ref_steal_cas, &d->top, &t, t + 1))
        return REF_LOST;
    if (FL_MUTANT(ref_slot_after_cas))
        found = fl_load_rlx(ref_steal_fault, &slot->item);
    REF_SLOT_READ(slot, when);
    *item = found;
    return REF_STOLEN;
}

#endif
