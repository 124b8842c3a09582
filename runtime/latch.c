#include "latch.h"

#include "os.h"

bool fl_latch_open(struct fl_latch *l)
{
    uint32_t before =
        fl_xchg_acq_rel(latch_open, &l->word, FL_OPEN); /* H1, H2: pairs with latch_is_open, latch_leave */
    if (before == FL_CLOSED_ON_THREAD && !FL_MUTANT(opens_in_silence))
        fl_os_futex_wake(&l->word, 1);
    return before == FL_CLOSED_ON_FIBER;
}

bool fl_latch_leave(struct fl_latch *l)
{
    uint32_t closed = FL_CLOSED;
    if (FL_MUTANT(leaves_blindly)) {
        fl_store_rel(mutant_leave, &l->word, FL_CLOSED_ON_FIBER);
        return true;
    }
    return fl_cas_rel(latch_leave, &l->word, &closed,
                      FL_CLOSED_ON_FIBER) || /* H2: pairs with the acquire latch_open */
           !fl_latch_is_open(l);
}

bool fl_latch_nap(struct fl_latch *l, uint64_t ns)
{
    uint32_t closed = FL_CLOSED;
    (void)fl_cas_rlx(latch_sleep, &l->word, &closed, FL_CLOSED_ON_THREAD); /* it says nothing but that */
    if (!fl_latch_is_open(l))
        fl_os_futex_wait(&l->word, FL_CLOSED_ON_THREAD, ns);
    return fl_latch_is_open(l);
}

void fl_latch_sleep(struct fl_latch *l)
{
    while (!fl_latch_nap(l, 0))
        ;
}
