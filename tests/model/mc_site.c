/* Sites and planted faults by name, the mutants made of them, and the counters of events.
 *
 *   Purpose   A mutant is the tested code with one site weakened by one step, or with one planted fault switched on.
 *             They are enumerated from the sites compiled into the program that its scenarios reach; nothing is
 *             listed by hand, so no access can be forgotten. */
#include "mc_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program may have no site or no fault of its own: these keep the linker's sections there. */
static struct mc_site *const no_site __attribute__((section("mc_sites"), used)) = NULL;
static struct mc_fault *const no_fault __attribute__((section("mc_faults"), used)) = NULL;

extern struct mc_site *const __start_mc_sites[];
extern struct mc_site *const __stop_mc_sites[];
extern struct mc_fault *const __start_mc_faults[];
extern struct mc_fault *const __stop_mc_faults[];

const char *mc_order_name(enum mc_order order)
{
    static const char *const names[] = {"none", "rlx", "acq", "rel", "acq_rel", "sc"};
    return names[order];
}

const char *mc_kind_name(enum mc_kind kind)
{
    static const char *const names[] = {"load", "store", "rmw", "fence", "light fence", "heavy fence", "spin"};
    return names[kind];
}

static void refuse(const struct mc_site *a, const char *why)
{
    fprintf(stderr, "mc: site %s %s\n", a->name, why);
    exit(2);
}

void mc_sites_begin(void)
{
    for (struct mc_site *const *a = __start_mc_sites; a < __stop_mc_sites; a++) {
        if (*a == NULL)
            continue;
        (*a)->main = *a;
        (*a)->now = (*a)->written;
        for (struct mc_site *const *b = __start_mc_sites; b < a; b++)
            if (*b != NULL && strcmp((*a)->name, (*b)->name) == 0) {
                if ((*a)->kind != (*b)->kind || (*a)->written != (*b)->written)
                    refuse(*a, "is written in two places that differ in kind or order");
                (*a)->main = (*b)->main;
                break;
            }
    }
    for (struct mc_fault *const *a = __start_mc_faults; a < __stop_mc_faults; a++) {
        if (*a == NULL)
            continue;
        (*a)->main = *a;
        for (struct mc_fault *const *b = __start_mc_faults; b < a; b++)
            if (*b != NULL && strcmp((*a)->name, (*b)->name) == 0) {
                (*a)->main = (*b)->main;
                break;
            }
    }
}

struct mc_site *mc_site_of(enum mc_kind kind, enum mc_order order)
{
    static struct mc_site sites[MC_SPIN + 1][MC_SC + 1];
    struct mc_site *s = &sites[kind][order];

    if (s->name == NULL) {
        s->name = "-";
        s->kind = kind;
        s->written = s->now = order;
        s->main = s;
    }
    return s;
}

enum mc_order mc_order_of(struct mc_site *site)
{
    site->main->reached = true;
    return site->main->now;
}

bool mc_fault_on(struct mc_fault *fault)
{
    fault->main->reached = true;
    return fault->main->on;
}

/* ---- mutants --------------------------------------------------------------------------------------------------- */

static const char *const break_names[MC_BREAKS] = {
    [MC_BREAK_RELEASE_VIEW] = "release stores carry no view",
    [MC_BREAK_ACQUIRE_JOIN] = "acquire reads learn nothing",
    [MC_BREAK_ACQUIRE_FENCE] = "acquire fences learn nothing",
    [MC_BREAK_RELEASE_FENCE] = "release fences publish nothing",
    [MC_BREAK_SC_VIEW] = "seq_cst fences share no view",
    [MC_BREAK_HEAVY_GATHERS] = "heavy fences gather no light ones",
    [MC_BREAK_LIGHT_LEARNS] = "light fences learn from no heavy one",
    [MC_BREAK_HEAVY_SC] = "heavy fences are no seq_cst fences",
    [MC_BREAK_LIGHT_SC] = "light fences are seq_cst fences",
    [MC_BREAK_COHERENCE] = "reads do not advance the view",
    [MC_BREAK_STALE] = "loads read the newest only",
    [MC_BREAK_RMW_SEQUENCE] = "a read-modify-write ends a release sequence",
    [MC_BREAK_C11_SEQUENCE] = "a plain store continues a release sequence",
    [MC_BREAK_RMW_ATOMIC] = "compare-and-swap succeeds on old values",
    [MC_BREAK_SLEEP_WAKE] = "sleep sets forget dependence",
    [MC_BREAK_SPIN_FRESH] = "spinning does not make stores visible",
    [MC_BREAK_FUTEX_WAKE] = "futex wake wakes nobody",
    [MC_BREAK_FUTEX_ORDER] = "futex wait overlooks what a wake knew",
    [MC_BREAK_JOIN] = "join orders nothing",
    [MC_BREAK_SPAWN_RELEASE] = "spawn is a release fence",
    [MC_BREAK_RACE] = "data races go unseen",
    [MC_BREAK_FREED] = "freed memory goes unseen",
};

static int add_break_mutants(struct mc_mutant *out, int capacity)
{
    int n = 0;

    for (int i = MC_BREAK_NOTHING + 1; i < MC_BREAKS && n < capacity; i++) {
        memset(&out[n], 0, sizeof out[n]);
        snprintf(out[n].name, sizeof out[n].name, "%s", break_names[i]);
        out[n++].broken = (enum mc_break)i;
    }
    return n;
}

/* The orders one step below: acq_rel has two, seq_cst of a read-modify-write counts as acq_rel (W7 in mc_memory.c) and
 * therefore has three. */
static int weaker(const struct mc_site *s, enum mc_order out[3])
{
    switch (s->kind) {
    case MC_FENCE: out[0] = MC_ACQ_REL; return s->written == MC_SC;
    case MC_LIGHT:
    case MC_HEAVY: out[0] = MC_NONE; return 1;
    case MC_SPIN: return 0;
    default: break;
    }
    if (s->written == MC_SC) {
        out[0] = MC_ACQ_REL;
        out[1] = MC_ACQ;
        out[2] = MC_REL;
        return 3;
    }
    if (s->written == MC_ACQ_REL) {
        out[0] = MC_ACQ;
        out[1] = MC_REL;
        return 2;
    }
    out[0] = MC_RLX;
    return s->written == MC_ACQ || s->written == MC_REL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_mutant *)a)->name, ((const struct mc_mutant *)b)->name);
}

/* A file among the program's own: the others are some other program's business. */
static bool is_ours(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    if (mc_program.only == NULL)
        return true;
    for (const char *p = mc_program.only; *p; p += strspn(p, " ")) {
        size_t k = strcspn(p, " ");
        if (k == n && memcmp(p, name, n) == 0)
            return true;
        p += k;
    }
    return false;
}

int mc_mutants(struct mc_mutant *out, int capacity, bool breaks)
{
    int n = 0;

    if (breaks)
        return add_break_mutants(out, capacity);
    for (struct mc_site *const *a = __start_mc_sites; a < __stop_mc_sites; a++) {
        enum mc_order orders[3];
        if (*a == NULL || (*a)->main != *a || !(*a)->reached || !is_ours((*a)->file))
            continue;
        int steps = weaker(*a, orders);
        for (int i = 0; i < steps && n < capacity; i++) {
            struct mc_mutant *m = &out[n++];
            memset(m, 0, sizeof *m);
            snprintf(m->name, sizeof m->name, "%s:%s", (*a)->name,
                     (*a)->kind == MC_HEAVY ? "light" : mc_order_name(orders[i]));
            m->site = *a;
            m->order = orders[i];
            m->by_model = (*a)->kind == MC_RMW && orders[i] == MC_ACQ_REL;
        }
    }
    for (struct mc_fault *const *a = __start_mc_faults; a < __stop_mc_faults; a++) {
        if (*a == NULL || (*a)->main != *a || !(*a)->reached || n == capacity || !is_ours((*a)->file))
            continue;
        struct mc_mutant *m = &out[n++];
        memset(m, 0, sizeof *m);
        snprintf(m->name, sizeof m->name, "fault:%s", (*a)->name);
        m->fault = *a;
    }
    qsort(out, (size_t)n, sizeof out[0], by_name); /* the linker's order is no order */
    return n;
}

void mc_mutant_select(const struct mc_mutant *mutant)
{
    for (struct mc_site *const *a = __start_mc_sites; a < __stop_mc_sites; a++)
        if (*a != NULL)
            (*a)->now = (*a)->written;
    for (struct mc_fault *const *a = __start_mc_faults; a < __stop_mc_faults; a++)
        if (*a != NULL)
            (*a)->on = false;
    mc.broken = MC_BREAK_NOTHING;
    if (mutant == NULL)
        return;
    if (mutant->site != NULL)
        mutant->site->now = mutant->order;
    if (mutant->fault != NULL)
        mutant->fault->on = true;
    mc.broken = mutant->broken;
}

void mc_sites_print(bool only_unreached)
{
    for (struct mc_site *const *a = __start_mc_sites; a < __stop_mc_sites; a++)
        if (*a != NULL && (*a)->main == *a && !(only_unreached && (*a)->reached))
            printf("  site  %-28s %-12s %s%s\n", (*a)->name, mc_kind_name((*a)->kind), mc_order_name((*a)->written),
                   (*a)->reached ? "" : "   (never reached)");
    for (struct mc_fault *const *a = __start_mc_faults; a < __stop_mc_faults; a++)
        if (*a != NULL && (*a)->main == *a && !(only_unreached && (*a)->reached))
            printf("  fault %-28s %s\n", (*a)->name, (*a)->reached ? "" : "   (never reached)");
}

/* ---- counters -------------------------------------------------------------------------------------------------- */

enum { COUNTERS = 64 };

static struct {
    const char *event;
    uint64_t count;
} counters[COUNTERS];
static int counter_count;

void mc_counters_clear(void)
{
    counter_count = 0;
}

void mc_count(const char *event)
{
    for (int i = 0; i < counter_count; i++)
        if (counters[i].event == event || strcmp(counters[i].event, event) == 0) {
            counters[i].count++;
            return;
        }
    if (counter_count == COUNTERS)
        mc_fail("checker: more than %d kinds of event", COUNTERS);
    counters[counter_count].event = event;
    counters[counter_count++].count = 1;
}

uint64_t mc_counter(const char *event, size_t length)
{
    for (int i = 0; i < counter_count; i++)
        if (strlen(counters[i].event) == length && memcmp(counters[i].event, event, length) == 0)
            return counters[i].count;
    return 0;
}

void mc_counters_print(void)
{
    for (int i = 0; i < counter_count; i++)
        printf("%s%s %llu", i == 0 ? "" : ", ", counters[i].event, (unsigned long long)counters[i].count);
}
