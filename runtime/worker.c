#include "worker.h"

#include "os.h"
#include "seam.h"

/* Looks before a thief gives its processor away, and looks between two questions to one who does not answer. */
enum { SPIN_ROUNDS = 16, INSIST_ROUNDS = 64 };

/* Where a thread spawns that has not spawned yet: a deque without room.  Several threads may store into it at once,
 * what nobody reads. */
static struct {
    filch_detail_slot last;
    struct filch_detail_deque deque;
} nowhere = {{NULL}, {{FILCH_DETAIL_LAST}, FILCH_DETAIL_LAST, {FILCH_DETAIL_REQUEST}}};

__thread struct filch_detail_thread filch_detail_self = {
    &nowhere.deque, FILCH_DETAIL_LAST, NULL, {NULL}, {{FILCH_DETAIL_LAST}, FILCH_DETAIL_LAST, {FILCH_DETAIL_REQUEST}}};

#define FOLLOWS(type, slot, deque) (offsetof(type, deque) == offsetof(type, slot) + sizeof(filch_detail_slot))
_Static_assert(sizeof(struct filch_detail_thread) <= 64, "thread-local storage is promised to be at most 64 bytes");
_Static_assert(FOLLOWS(struct filch_detail_thread, serial_last, serial), "serial_last is the last slot of serial");
_Static_assert(FOLLOWS(__typeof__(nowhere), last, deque), "last is the last slot of deque");
_Static_assert(offsetof(struct filch_detail_thread, bottom) == 8 || sizeof(void *) != 8, "hot.h says %fs:8");

/* The functions below that touch filch_detail_self are calls, and not pure, so that a caller which is resumed on
 * another thread asks again. */
#define OPAQUE() __asm__ volatile("")

__attribute__((noinline)) struct fl_worker *fl_self(void)
{
    OPAQUE();
    return filch_detail_self.slot;
}

__attribute__((noinline)) void fl_spawn_on(struct filch_detail_deque *d)
{
    OPAQUE();
    if (!d)
        d = &nowhere.deque;
    filch_detail_self.current = d;
    filch_detail_self.bottom =
        d == &nowhere.deque ? FILCH_DETAIL_LAST : fl_load_rlx(thread_bottom, &d->bottom); /* the owner's own */
}

bool fl_is_nowhere(const struct filch_detail_deque *d)
{
    return d == &nowhere.deque;
}

#if !defined __x86_64__ || defined __ILP32__
__attribute__((noinline)) struct filch_detail_place filch_detail_here(void)
{
    OPAQUE();
    if (fl_is_nowhere(filch_detail_self.current))
        fl_attach();
    return (struct filch_detail_place){filch_detail_self.current, 0};
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

static void run(struct fl_worker *w, struct filch_detail_task *t)
{
    struct fl_deque *own = fl_own_deque(w);
    struct filch_detail_task *outer = own->task; /* that waits below, in fl_join */
    own->task = t;
    fl_task_run_stolen(t, w->id);
    own->task = outer;
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
        run(w, t);
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
    fl_spawn_on(&fl_own_deque(w)->hot);
    if (w->cpu >= 0) {
        w->affinity = fl_os_affinity_save();
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
    fl_os_affinity_free(w->affinity);
    return NULL;
}
