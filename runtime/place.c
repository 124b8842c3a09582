#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "filch/error.h"
#include "message.h"
#include "os.h"
#include "seam.h"

enum { AGE = 5000000 /* ns: what is over by then is not worth 4 to 14 ms */ };

/* ---- making ---- */

static size_t copy_node(unsigned *out, const struct fl_placement *p, int node)
{
    size_t n = 0;
    for (size_t i = 0; i < p->places; i++)
        if (p->place[i].node == node)
            out[n++] = p->place[i].cpu;
    return n;
}

static unsigned count_nodes(const struct fl_placement *p)
{
    unsigned n = 0;
    for (size_t i = 0; i < p->places; i++) {
        size_t k = 0;
        while (k < i && p->place[k].node != p->place[i].node)
            k++;
        n += k == i;
    }
    return n;
}

static bool fill(struct fl_seating *s, const struct fl_placement *p, bool whole_nodes)
{
    s->nodes = count_nodes(p);
    s->cpu = malloc((whole_nodes ? s->workers : 1) * p->places * sizeof *s->cpu);
    if (!s->cpu)
        return false;
    unsigned *next = s->cpu;
    for (size_t i = 0; !whole_nodes && i < p->places; i++)
        s->cpu[i] = p->place[i].cpu;
    for (size_t i = 0; i < s->workers; i++) {
        struct fl_seat *seat = &s->seat[i];
        const size_t place = fl_place_of(p, i);
        seat->cpu = whole_nodes ? next : &s->cpu[place];
        seat->cpus = whole_nodes ? copy_node(next, p, p->place[place].node) : 1;
        next += seat->cpus;
        if (!fl_victims_of(&seat->victims, p, i, s->workers))
            return false;
    }
    return true;
}

struct fl_seating *fl_seating_make(enum filch_pin form, const char *list, unsigned workers, int *error)
{
    struct fl_placement p;
    bool whole_nodes = form == FILCH_PIN_NUMA || form == FILCH_PIN_AUTO;
    enum fl_places order = form == FILCH_PIN_THREAD ? FL_PLACES_THREADS
                           : form == FILCH_PIN_LIST ? FL_PLACES_LISTED
                                                    : FL_PLACES_CORES;
    struct fl_seating *s = calloc(1, sizeof *s + workers * sizeof *s->seat);
    *error = FILCH_ENOMEM;
    if (!s)
        return NULL;
    s->workers = workers;
    *error = fl_topology_here(&p, form == FILCH_PIN_LIST ? list : NULL, order) ? 0 : FILCH_EPIN;
    if (!*error && !fill(s, &p, whole_nodes))
        *error = FILCH_ENOMEM;
    if (*error != FILCH_EPIN)
        fl_placement_free(&p);
    if (!*error)
        return s;
    fl_seating_free(s);
    return NULL;
}

void fl_seating_free(struct fl_seating *s)
{
    for (size_t i = 0; s && i < s->workers; i++)
        fl_victims_free(&s->seat[i].victims);
    if (s)
        free(s->cpu);
    free(s);
}

/* ---- sitting down ---- */

/* Of spares: in whose place it works nobody knows. */
static struct fl_seat *seat_of(const struct fl_worker *w, struct fl_seating *s)
{
    return &s->seat[w->id % s->workers];
}

/* What others have touched before: the head of its deque, and the end of its stack. */
static void bring_memory(struct fl_worker *w)
{
    struct fl_fiber *f = w->fiber;
    char here;
    if (f->deque)
        fl_os_bring(f->deque, sizeof *f->deque);
    fl_os_bring(&here, 1);
}

int fl_seat_take(struct fl_worker *w, struct fl_seating *s)
{
    struct fl_seat *seat = seat_of(w, s);
    w->affinity = fl_os_affinity_save();
    int error = w->affinity ? fl_os_bind(seat->cpu, seat->cpus) : FILCH_EPIN;
    if (error) {
        fl_os_affinity_free(w->affinity);
        w->affinity = NULL;
        return FILCH_EPIN;
    }
    w->seat = seat;
    if (s->nodes > 1)
        bring_memory(w);
    return 0;
}

void fl_seat_again(struct fl_worker *w)
{
    (void)fl_os_bind(w->seat->cpu, w->seat->cpus); /* it could before */
}

void fl_seat_user(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    if (w->id != 0 || w->seat || w->unseated || !rt->binds_users)
        return;
    struct fl_seating *s = fl_load_acq(user_seating, &rt->seating); /* W5: pairs with the release seating */
    if (s) /* the workers could be bound: if this thread may not, it stays where it is */
        w->unseated = fl_seat_take(w, s) != 0;
}

/* ---- later ---- */

bool fl_place_auto(void)
{
    return fl_os_has_nodes() && fl_os_cpu_count() == fl_os_online_count();
}

static FL_ATOMIC(uint32_t) bound; /* runtimes of this process that are bound by auto: at most one is */

static void give_up(struct filch_runtime *rt, int error)
{
    if (error)
        fl_warn("the workers are not bound: %s", filch_strerror(error));
    fl_store_rlx(place_never, &rt->placing, FL_PLACED); /* of interest to this thread only, so far */
}

static void place_now(struct filch_runtime *rt)
{
    uint32_t none = 0;
    int error = 0;
    rt->auto_bound = rt->pin == FILCH_PIN_AUTO; /* before: the child of a fork in between takes it back */
    if (rt->pin == FILCH_PIN_AUTO &&
        (!fl_place_auto() || !fl_cas_rlx(auto_bound, &bound, &none, 1))) { /* says nothing but that */
        rt->auto_bound = false;
        give_up(rt, 0);
        return;
    }
    struct fl_seating *s = fl_seating_make(rt->pin, rt->pin_list, rt->workers, &error);
    if (s)
        fl_store_rel(seating, &rt->seating, s); /* W5: pairs with the acquire look_seating */
    else
        give_up(rt, rt->pin == FILCH_PIN_AUTO ? 0 : error);
}

void fl_unplace(struct filch_runtime *rt)
{
    if (rt->auto_bound)
        fl_store_rlx(auto_unbound, &bound, 0);                /* as above */
    fl_seating_free(fl_load_rlx(last_seating, &rt->seating)); /* no other thread is there */
}

void fl_seat_look(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    uint32_t due = FL_PLACING_DUE;
    struct fl_seating *s = fl_load_acq(look_seating, &rt->seating); /* W5: pairs with the release seating */
    if (s && !w->seat && !w->unseated) {
        w->unseated = fl_seat_take(w, s) != 0;
        return;
    }
    if (s || fl_load_rlx(placing_due, &rt->placing) != FL_PLACING_DUE || fl_now() - rt->born < AGE) /* a hint */
        return;
    if (fl_cas_rlx(place, &rt->placing, &due, FL_PLACING)) /* who does it; nothing is read for it */
        place_now(rt);
}
