#include "worker.h"

#include "os.h"
#include "seam.h"

/* Looks before a thief gives its processor away, and looks between two questions to one who does not answer. */
enum { SPIN_ROUNDS = 16, INSIST_ROUNDS = 64 };

__thread struct filch_detail_thread filch_detail_self;

_Static_assert(sizeof(struct filch_detail_thread) <= 64, "thread-local storage is promised to be at most 64 bytes");
_Static_assert(offsetof(struct filch_detail_thread, serial) ==
                   offsetof(struct filch_detail_thread, serial_last) + sizeof(filch_detail_slot),
               "serial_last is the last slot of the deque serial");

__attribute__((noinline)) struct fl_worker *fl_self(void)
{
    __asm__ volatile(""); /* not pure: a caller that is resumed on another thread asks again */
    return filch_detail_self.slot;
}

#if !defined __x86_64__ || defined __ILP32__
__attribute__((noinline)) struct filch_detail_deque *filch_detail_current(void)
{
    __asm__ volatile(""); /* as in fl_self */
    return filch_detail_self.current;
}
#endif

struct fl_deque *fl_own_deque(struct fl_worker *w)
{
    return fl_load_rlx(own_deque, &w->deque); /* written before this thread worked here */
}

void fl_back_off(unsigned round)
{
    if (round < SPIN_ROUNDS) {
        for (unsigned i = 0; i < 1u << (round / 4); i++)
            fl_spin(back_off);
    } else {
        fl_os_yield();
    }
}

bool fl_steal_from(struct fl_worker *w, struct fl_worker *v)
{
    struct fl_deque *d = fl_load_acq(victim, &v->deque); /* W1: pairs with the release new_deque */
    struct filch_detail_task *t;
    if (!d)
        return false;
    switch (fl_deque_steal(d, &t)) {
    case FL_STOLEN:
        fl_bump(&w->steals, 1);
        fl_task_run_stolen(t, w->id);
        return true;
    case FL_LOST: fl_bump(&w->lost, 1); return false;
    case FL_EMPTY: break;
    }
    if (fl_deque_ask(d, w->hungry % INSIST_ROUNDS == INSIST_ROUNDS - 1))
        fl_bump(&w->requests, 1);
    return false;
}

/* One look at every other slot, from a random one on. */
static bool look_around(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    unsigned first = fl_seam.random(&w->random) % rt->slots;
    for (unsigned k = 0; k < rt->slots; k++) {
        unsigned i = first + k < rt->slots ? first + k : first + k - rt->slots;
        if (i != w->id && fl_steal_from(w, &rt->worker[i]))
            return true;
    }
    return false;
}

void *fl_worker_main(void *arg)
{
    struct fl_worker *w = arg;
    struct filch_runtime *rt = w->runtime;
    filch_detail_self.slot = w;
    filch_detail_self.current = &fl_own_deque(w)->hot;
    if (w->cpu >= 0) {
        int error = fl_os_pin((unsigned)w->cpu);
        if (error)
            fl_store_rlx(pin_error, &rt->pin_error, error); /* ordered by ready */
    }
    fl_add_rel(ready, &rt->ready, 1);          /* W2: pairs with the acquire all_ready */
    while (!fl_load_acq(stopped, &rt->stop)) { /* W3: pairs with the release stop */
        if (look_around(w))
            w->hungry = 0;
        else
            fl_back_off(w->hungry++);
    }
    return NULL;
}
