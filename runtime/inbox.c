#include "inbox.h"

void fl_inbox_init(struct fl_inbox *b)
{
    fl_store_rlx(inbox_none, &b->count, 0);          /* nobody else knows it */
    fl_store_rlx(inbox_no_newest, &b->newest, NULL); /* the same */
    fl_lock_init(&b->lock);
    b->oldest = NULL;
}

void fl_inbox_destroy(struct fl_inbox *b)
{
    fl_lock_destroy(&b->lock);
}

void fl_inbox_put(struct fl_inbox *b, struct fl_letter *letter)
{
    (void)fl_add_rlx(inbox_more, &b->count, 1);                       /* B2: the fence of the wake-up orders it */
    struct fl_letter *newest = fl_load_rlx(inbox_newest, &b->newest); /* the compare-and-swap says */
    do
        letter->next = newest;
    while (!fl_cas_rel(inbox_put, &b->newest, &newest, letter)); /* B1: pairs with the acquire inbox_empty */
}

/* All new letters, the oldest first. */
static struct fl_letter *collect(struct fl_inbox *b)
{
    struct fl_letter *next = fl_xchg_acq(inbox_empty, &b->newest, NULL), *oldest = NULL; /* B1: pairs with inbox_put */
    while (next) {
        struct fl_letter *letter = next;
        next = letter->next;
        letter->next = oldest;
        oldest = letter;
    }
    return oldest;
}

bool fl_inbox_remove(struct fl_inbox *b, struct fl_letter *letter)
{
    fl_lock(&b->lock);
    struct fl_letter **at = &b->oldest;
    while (*at && *at != letter)
        at = &(*at)->next;
    if (!*at) {
        *at = collect(b);
        while (*at && *at != letter)
            at = &(*at)->next;
    }
    bool found = *at;
    if (found)
        *at = letter->next;
    fl_unlock(&b->lock);
    if (found)
        (void)fl_add_rlx(inbox_removed, &b->count, (uint32_t)-1); /* B2 */
    return found;
}

struct fl_letter *fl_inbox_take(struct fl_inbox *b)
{
    struct fl_letter *letter = NULL;
    if (!fl_inbox_has(b))
        return NULL;
    if (fl_try_lock(&b->lock)) {
        letter = b->oldest ? b->oldest : collect(b);
        b->oldest = letter ? letter->next : NULL;
        fl_unlock(&b->lock);
    }
    if (letter)
        (void)fl_add_rlx(inbox_less, &b->count, (uint32_t)-1); /* B2 */
    else
        fl_spin(inbox_busy); /* a taker, or a sender between its two steps, was stopped */
    return letter;
}
