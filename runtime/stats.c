/* L4: counters. */
#include "filch/stats.h"

#include <string.h>

#include "filch.h"
#include "runtime.h"

int filch_get_stats(filch_runtime *rt, filch_stats *out)
{
    if (!out || out->size < sizeof out->size)
        return FILCH_EINVAL;
    filch_stats s;
    memset(&s, 0, sizeof s);
    rt = fl_hold(rt);
    if (!rt) {
        fl_let_go();
        return FILCH_ESTOPPED;
    }
#define ADD(from, name) s.name += fl_load_rlx(stat, &(from)->name) /* a count, of no moment in particular */
    for (unsigned i = 0; i < rt->slots; i++) {
        struct fl_worker *w = &rt->worker[i];
        struct fl_deque *d = fl_load_acq(stats_deque, &w->deque); /* W1: pairs with the release new_deque */
        ADD(w, steals);
        ADD(w, lost);
        ADD(w, requests);
        ADD(w, waits);
        ADD(w, helped);
        if (!d)
            continue;
        ADD(d, publications);
        ADD(d, published);
        ADD(d, take_backs);
        ADD(d, reused);
        ADD(d, unordered);
        ADD(d, at_spawn);
    }
#undef ADD
    fl_let_go();
    s.size = out->size;
    memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
    return 0;
}
