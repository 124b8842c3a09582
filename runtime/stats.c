/* L4: counters, and what a person wants to see of a program that hangs. */
#include "filch/stats.h"

#include <stdlib.h>
#include <string.h>

#include "filch.h"
#include "runtime.h"

static const char *const states[] = {
#define TEXT(name, text) text,
    FL_STATES(TEXT)
#undef TEXT
};

static void add(struct filch_counters *s, struct fl_worker *w)
{
#define COUNT(from, name) s->name += fl_load_rlx(stat, &(from)->name) /* a count, of no moment in particular */
    COUNT(&w->counts, publications);
    COUNT(&w->counts, published);
    COUNT(&w->counts, take_backs);
    COUNT(&w->counts, forced);
    COUNT(&w->counts, reused);
    COUNT(&w->counts, unordered);
    COUNT(&w->counts, at_spawn);
    COUNT(w, steals);
    COUNT(w, lost);
    COUNT(w, requests);
    COUNT(w, suspensions);
    COUNT(w, already_done);
    COUNT(w, resumptions);
    COUNT(w, migrations);
    COUNT(w, mailed);
    COUNT(w, in_place);
    COUNT(w, parkings);
    COUNT(w, cancelled);
    COUNT(w, wake_ups);
    COUNT(w, ticks);
#undef COUNT
}

static void sum(struct filch_counters *s, struct filch_runtime *rt)
{
    for (unsigned i = 0, n = fl_load_rlx(stat_ever, &rt->ever); i < n; i++) /* of this moment */
        add(s, &rt->worker[i]);
}

static const char *state_of(struct fl_worker *w)
{
    return states[fl_load_rlx(stat_state, &w->state)]; /* of this moment, or the one before */
}

int filch_stats(filch_runtime *rt, int worker, struct filch_counters *out)
{
    if (!out || out->size < sizeof out->size)
        return FILCH_EINVAL;
    struct filch_counters s;
    memset(&s, 0, sizeof s);
    rt = fl_hold(rt);
    int error = !rt ? FILCH_ESTOPPED : worker < FILCH_ALL_WORKERS || worker >= (int)rt->slots ? FILCH_EINVAL : 0;
    if (!error && worker == FILCH_ALL_WORKERS) {
        sum(&s, rt);
    } else if (!error) {
        add(&s, &rt->worker[worker]);
        s.state = state_of(&rt->worker[worker]);
    }
    fl_let_go();
    s.size = out->size;
    if (!error && out->size > sizeof s)
        memset((char *)out + sizeof s, 0, out->size - sizeof s); /* of a later release: not counted here */
    if (!error)
        memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
    return error;
}

/* The task of a fiber that may be anywhere: only its site is read, which is static, and only while the fiber's deque
 * names it. */
static void dump_worker(FILE *out, struct filch_runtime *rt, unsigned id)
{
    struct fl_worker *w = &rt->worker[id];
    struct filch_counters s;
    memset(&s, 0, sizeof s);
    add(&s, w);
    struct fl_deque *d = fl_load_acq(dump_deque, &w->deque);              /* W1: pairs with the release new_deque */
    const filch_site *site = d ? fl_load_rlx(dump_site, &d->site) : NULL; /* static storage */
    const char *state = state_of(w);
    bool lends = (id == 0 || id >= rt->threads) && !fl_load_rlx(dump_helps, &w->helps); /* of this moment */
    fprintf(out, "  worker %u: %s%s", id, state, lends && state != states[FL_FREE] ? ", a thread of the user" : "");
    if (site)
        fprintf(out, ", in task %s (%s:%u)", site->name, site->file, site->line);
    if (d)
        fprintf(out, "; %s%s%s", fl_deque_has_public(d) ? "has public tasks" : "nothing public",
                fl_deque_has_private(d) ? ", has private tasks" : "", fl_deque_is_cold(d) ? ", cold" : "");
    const char *before = "\n    ";
#define PRINT(name, what)                                                                                             \
    if (s.name) {                                                                                                     \
        fprintf(out, "%s%s %llu", before, #name, (unsigned long long)s.name);                                         \
        before = " ";                                                                                                 \
    }
    FILCH_COUNTERS(PRINT)
#undef PRINT
    fprintf(out, "\n");
}

static void dump_fibers(FILE *out, struct fl_fibers *f)
{
    if (pthread_mutex_trylock(&f->lock) != 0) {
        fprintf(out, "  fibers: one is being made or put back\n");
        return;
    }
    size_t made = f->made, in_use = f->in_use, peak = f->peak;
    pthread_mutex_unlock(&f->lock);
    fprintf(out, "  fibers: %zu made, %zu in use or kept by workers, at most %zu at once, %zu KiB of stack each\n",
            made, in_use, peak, f->stack_bytes >> 10);
}

static void dump_suspended(FILE *out, struct filch_runtime *rt)
{
    struct filch_counters s;
    memset(&s, 0, sizeof s);
    sum(&s, rt);
    if (s.suspensions > s.resumptions) /* of no moment in particular */
        fprintf(out, "  syncs: %llu suspended, each until its stolen task is done\n",
                (unsigned long long)(s.suspensions - s.resumptions));
}

static void dump(FILE *out, struct filch_runtime *rt)
{
    uint64_t idle = fl_load_rlx(dump_idle, &rt->parking.idle); /* of this moment */
    int asleep = 0;
    for (unsigned i = 0; i < (rt->threads + 63) / 64; i++)
        asleep += __builtin_popcountll(fl_load_rlx(dump_asleep, &rt->asleep[i].bits)); /* the same */
    unsigned watcher = fl_load_rlx(dump_watcher, &rt->watcher);                        /* the same */
    fprintf(out, "filch runtime %p: %u workers, %d asleep, %d searching, ", (void *)rt,
            fl_load_rlx(dump_counted, &rt->counted), asleep, /* as far as it is known */
            fl_searchers(idle));
    if (watcher)
        fprintf(out, "watched by worker %u", watcher - 1);
    else
        fprintf(out, "nobody watches");
    fprintf(out, "; fences %s\n", rt->heavy ? "light and heavy" : "without membarrier");
    dump_fibers(out, &rt->fibers);
    dump_suspended(out, rt);
    for (unsigned i = 0, n = fl_slots(rt); i < n; i++)
        if (i < rt->workers || fl_load_rlx(dump_state, &rt->worker[i].state) != FL_FREE) /* of this moment */
            dump_worker(out, rt, i);
}

void filch_dump(FILE *out)
{
    bool held = fl_try_hold();
    struct filch_runtime *rt = fl_first_runtime();
    if (!held)
        fprintf(out, "filch: somebody starts, stops or asks a runtime, what follows may be incomplete\n");
    if (!rt)
        fprintf(out, "filch: no runtime\n");
    for (; rt; rt = rt->next)
        dump(out, rt);
    if (held)
        fl_let_go();
    fflush(out);
}
