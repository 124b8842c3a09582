/* main of every model test: runs the scenarios, or all mutants against them, or one schedule.
 *
 *   Exit      0 all passed, 1 something failed, 2 the command line or the test itself is wrong.
 *   Killed    A mutant is killed by the first scenario whose search fails.  Searches are tried from cheap to dear: a
 *             short depth-first search, PCT, then the scenario's own, over all scenarios each time.  In a self-test of
 *             the checker any other outcome than the listed one kills. */
#include "mc_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MUTANTS = 256, QUICK_DFS = 3000, QUICK_PCT = 3000 };

static struct mc_mutant mutants[MUTANTS];
static int mutant_count;
static bool long_form;

static double seconds(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct mc_search search_of(const struct mc_scenario *s)
{
    struct mc_search o = s->search;

    if (o.executions == 0)
        o.executions = o.strategy == MC_DFS ? 200000 : 20000;
    if (long_form)
        o.executions = o.long_executions != 0 ? o.long_executions : 20 * o.executions;
    if (o.seed == 0)
        o.seed = 1;
    return o;
}

/* Searches, and lets a failure happen a second time from its printed schedule: what cannot be replayed is hidden state
 * in the scenario or the code that it tests. */
static struct mc_result explore(const struct mc_scenario *s, struct mc_search o)
{
    struct mc_result again;

    mc_counters_clear();
    struct mc_result r = mc_explore(s->run, s->arg, o);
    if (r.failed && (!mc_replay(s->run, s->arg, r.schedule, false, &again) || strcmp(r.failure, again.failure) != 0)) {
        fprintf(stderr, "mc: %s is not deterministic: found \"%s\", replayed \"%s\"\n", s->name, r.failure,
                again.failure);
        exit(2);
    }
    return r;
}

/* The first event of the list that was never counted, or NULL. */
static const char *not_reached(const char *events, int *length)
{
    while (events != NULL && *events != '\0') {
        size_t n = strcspn(events, " ");
        if (n > 0 && mc_counter(events, n) == 0) {
            *length = (int)n;
            return events;
        }
        events += n + (events[n] == ' ');
    }
    return NULL;
}

/* Whether the search ended as the scenario says; if not, why says what happened. */
static bool as_expected(const struct mc_scenario *s, const struct mc_result *r, char *why, size_t room)
{
    int length = 0;
    const char *missing = not_reached(s->reach, &length);

    if (s->fails != NULL && r->failed && strstr(r->failure, s->fails) != NULL)
        return true;
    if (r->failed)
        snprintf(why, room, "%s", r->failure);
    else if (s->fails != NULL)
        snprintf(why, room, "did not fail with: %s", s->fails);
    else if (missing != NULL)
        snprintf(why, room, "not exercised: %.*s was never seen", length, missing);
    else
        return true;
    return false;
}

static const struct mc_scenario *scenario_named(const char *name)
{
    for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    fprintf(stderr, "mc: no scenario %s\n", name);
    exit(2);
}

static void show(const struct mc_scenario *s, const struct mc_mutant *m, const char *schedule)
{
    struct mc_result r;

    printf("\ntrace of %s%s%s:\n", s->name, m != NULL ? " with " : "", m != NULL ? m->name : "");
    bool fits = mc_replay(s->run, s->arg, schedule, true, &r);
    printf("  %s%s\n", r.failed ? r.failure : "no failure", fits ? "" : "  (the schedule does not fit this program)");
    printf("replay: %s%s --replay '%s' '%s' %s\n\n", mc_program.name, long_form ? " --long" : "", s->name,
           m != NULL ? m->name : "-", schedule);
}

/* ---- as written ------------------------------------------------------------------------------------------------ */

static bool run_one(const struct mc_scenario *s)
{
    char why[320];
    double start = seconds();

    struct mc_result r = explore(s, search_of(s));
    bool passed = as_expected(s, &r, why, sizeof why);
    printf("%-4s %-34s %-30s %8llu executions, %s, longest %d, %.2f s", passed ? "ok" : "FAIL", s->name,
           s->about != NULL ? s->about : "", (unsigned long long)r.executions,
           r.failed     ? "stopped"
           : r.complete ? "complete"
                        : "bounded",
           r.longest, seconds() - start);
    if (!mc_program.breaks) {
        printf("  [");
        mc_counters_print();
        printf("]");
    }
    putchar('\n');
    if (!passed) {
        printf("     %s\n", why);
        if (r.failed)
            show(s, NULL, r.schedule);
    }
    return passed;
}

static int run_all(const char *only)
{
    int passed = 0;
    int failed = 0;

    for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL; s++)
        if (only == NULL || strcmp(only, s->name) == 0) {
            if (run_one(s))
                passed++;
            else
                failed++;
            fflush(stdout);
        }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}

/* ---- mutants --------------------------------------------------------------------------------------------------- */

/* A short run of everything, so that the sites reached are known. */
static void find_mutants(void)
{
    for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL; s++) {
        struct mc_search o = search_of(s);
        if (o.executions > 2000)
            o.executions = 2000;
        explore(s, o);
    }
    mutant_count = mc_mutants(mutants, MUTANTS, mc_program.breaks);
}

static const struct mc_mutant *mutant_named(const char *name)
{
    if (strcmp(name, "-") == 0)
        return NULL;
    find_mutants();
    for (int i = 0; i < mutant_count; i++)
        if (strcmp(mutants[i].name, name) == 0)
            return &mutants[i];
    fprintf(stderr, "mc: no mutant %s; --list names them\n", name);
    exit(2);
}

static const char *equivalent(const struct mc_mutant *m)
{
    for (const struct mc_equivalent *e = mc_program.equivalents; e != NULL && e->mutant != NULL; e++)
        if (strcmp(e->mutant, m->name) == 0)
            return e->why;
    return NULL;
}

struct kill {
    const struct mc_scenario *by;
    const char *how;
    char why[320];
    uint64_t executions;
    struct mc_result result;
};

enum { QUICK, PCT, OWN, PHASES };

static bool try_scenario(const struct mc_scenario *s, int phase, struct kill *k)
{
    static const char *const phase_names[] = {"dfs", "pct", "full"};
    struct mc_search o = search_of(s);
    uint64_t own = o.executions;

    if (mc_program.breaks && phase != OWN)
        return false;
    if (phase == QUICK && own > QUICK_DFS)
        o.executions = QUICK_DFS;
    if (phase == PCT) {
        o.strategy = MC_PCT;
        o.executions = QUICK_PCT;
    }
    if (phase == OWN && o.strategy == MC_DFS && own <= QUICK_DFS && !mc_program.breaks)
        return false; /* that was the first phase */
    k->result = explore(s, o);
    k->executions += k->result.executions + k->result.pruned;
    if (mc_program.breaks ? as_expected(s, &k->result, k->why, sizeof k->why) : !k->result.failed)
        return false;
    if (!mc_program.breaks)
        snprintf(k->why, sizeof k->why, "%s", k->result.failure);
    k->by = s;
    k->how = phase_names[phase];
    return true;
}

static bool try_kill(const struct mc_mutant *m, struct kill *k)
{
    bool killed = false;

    memset(k, 0, sizeof *k);
    mc_mutant_select(m);
    for (int phase = QUICK; phase < PHASES && !killed; phase++)
        for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL && !killed; s++)
            if (!s->not_for_mutants)
                killed = try_scenario(s, phase, k);
    mc_mutant_select(NULL);
    return killed;
}

static int run_mutants(const char *only)
{
    int passed = 0;
    int failed = 0;
    int width = mc_program.breaks ? 46 : 30;
    struct kill k;

    for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL; s++)
        if (!s->not_for_mutants &&
            !as_expected(s, (k.result = explore(s, search_of(s)), &k.result), k.why, sizeof k.why)) {
            printf("FAIL %s, even as written: %s\n0 passed, 1 failed\n", s->name, k.why);
            return 1;
        }
    find_mutants();
    printf("%-*s %-10s %-34s %10s %8s  %s\n", width, "mutant", "verdict", "by", "executions", "seconds", "how");
    for (int i = 0; i < mutant_count; i++) {
        const struct mc_mutant *m = &mutants[i];
        double start = seconds();
        const char *why = equivalent(m);
        if (only != NULL && strcmp(only, m->name) != 0)
            continue;
        if (m->by_model) {
            printf("%-*s %-10s %-34s %10s %8s  the checker gives a seq_cst rmw no more than that\n", width, m->name,
                   "equivalent", "-", "-", "-");
            passed++;
            continue;
        }
        bool killed = try_kill(m, &k);
        bool good = killed ? why == NULL : why != NULL;
        printf("%-*s %-10s %-34s %10llu %8.2f  ", width, m->name,
               good     ? killed ? "killed" : "equivalent"
               : killed ? "KILLED"
                        : "SURVIVES",
               killed ? k.by->name : "-", (unsigned long long)k.executions, seconds() - start);
        if (killed)
            printf("%s: %s%s\n", k.how, k.why, why != NULL ? "  BUT LISTED AS EQUIVALENT" : "");
        else
            printf("%s\n", why != NULL ? why : "no test kills it");
        fflush(stdout);
        if (good)
            passed++;
        else
            failed++;
    }
    for (const struct mc_equivalent *e = mc_program.equivalents; e != NULL && e->mutant != NULL; e++) {
        bool known = false;
        for (int i = 0; i < mutant_count; i++)
            known |= strcmp(mutants[i].name, e->mutant) == 0;
        if (!known) {
            printf("%-*s UNKNOWN    listed as equivalent, but there is no such mutant\n", width, e->mutant);
            failed++;
        }
    }
    if (!mc_program.breaks)
        mc_sites_print(true);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}

/* ---- traces, lists, the command line --------------------------------------------------------------------------- */

static int trace(const char *name, const char *mutant)
{
    const struct mc_scenario *s = scenario_named(name);
    const struct mc_mutant *m = mutant_named(mutant);
    struct kill k;
    bool killed = false;

    memset(&k, 0, sizeof k);
    mc_mutant_select(m);
    for (int phase = QUICK; phase < PHASES && !killed; phase++)
        killed = try_scenario(s, phase, &k);
    if (k.result.failed)
        show(s, m, k.result.schedule);
    else
        printf("%s fails in none of %llu executions\n", name, (unsigned long long)k.executions);
    return !k.result.failed;
}

static int replay(const char *name, const char *mutant, const char *schedule)
{
    const struct mc_scenario *s = scenario_named(name);
    const struct mc_mutant *m = mutant_named(mutant);

    mc_mutant_select(m);
    show(s, m, schedule);
    return 0;
}

static int list(void)
{
    for (const struct mc_scenario *s = mc_program.scenarios; s->name != NULL; s++)
        printf("  scenario %-34s %s\n", s->name, s->about != NULL ? s->about : "");
    find_mutants();
    for (int i = 0; i < mutant_count; i++)
        printf("  mutant %s%s\n", mutants[i].name, equivalent(&mutants[i]) != NULL ? "   (listed as equivalent)" : "");
    mc_sites_print(false);
    return 0;
}

static int usage(void)
{
    printf("usage: %s [--long] [SCENARIO]                          run as written\n"
           "       %s [--long] --mutants [MUTANT]                  run every mutant against every scenario\n"
           "       %s --list                                       scenarios, mutants, sites\n"
           "       %s [--long] --trace SCENARIO [MUTANT]           find a failing schedule and print it\n"
           "       %s --replay SCENARIO MUTANT SCHEDULE            print one schedule; MUTANT - is none\n",
           mc_program.name, mc_program.name, mc_program.name, mc_program.name, mc_program.name);
    return 2;
}

int main(int argc, char **argv)
{
    mc_sites_begin();
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        long_form = true;
        argc--;
        argv++;
    }
    const char *first = argc > 1 ? argv[1] : NULL;
    if (first == NULL || first[0] != '-')
        return argc > 2 ? usage() : run_all(first);
    if (strcmp(first, "--mutants") == 0 && argc <= 3)
        return run_mutants(argc > 2 ? argv[2] : NULL);
    if (strcmp(first, "--list") == 0 && argc == 2)
        return list();
    if (strcmp(first, "--trace") == 0 && (argc == 3 || argc == 4))
        return trace(argv[2], argc > 3 ? argv[3] : "-");
    if (strcmp(first, "--replay") == 0 && argc == 5)
        return replay(argv[2], argv[3], argv[4]);
    return usage();
}
