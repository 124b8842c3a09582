#include <filch.h>

#include <stdio.h>

#include "info.h"

static void count(unsigned n, const char *one, const char *many)
{
    if (n)
        printf(", %u %s", n, n == 1 ? one : many);
}

static void print_topology(const struct info *info)
{
    const struct fl_topology_summary *m = &info->machine;
    printf("topology: %s, by %s\n  %u processor%s", info->source ? info->source : "this machine",
           fl_topology_library(), m->processors, m->processors == 1 ? "" : "s");
    count(m->cores, "core", "cores");
    count(m->l2, "L2", "L2s");
    count(m->l3, "L3", "L3s");
    count(m->packages, "package", "packages");
    count(m->nodes, "numa node", "numa nodes");
    count(m->kinds > 1 ? m->kinds : 0, "", "kinds of cores");
    printf("\n  %zu processor%s in the mask\n", info->placement.places, info->placement.places == 1 ? "" : "s");
}

static void print_budget(const struct info *info)
{
    const struct fl_budget *b = &info->budget;
    printf("budget: %u worker%s\n", b->cpus, b->cpus == 1 ? "" : "s");
    for (size_t i = 0; i < b->levels; i++) {
        const struct fl_budget_level *l = &b->level[i];
        printf("  %-8s  ", l->kind);
        if (l->verdict == FL_BUDGET_LIMITS)
            printf("%-23u", l->limit);
        else
            printf("%-23s", fl_budget_verdict_text(l->verdict));
        printf("  %s%s%s%s\n", l->file ? l->file : "mask", l->value ? ": " : "", l->value ? l->value : "",
               i == b->decisive ? "  <- decides" : "");
    }
}

static void print_placement(const struct info *info)
{
    printf("placement: %u worker%s (%s), ", info->workers, info->workers == 1 ? "" : "s", info->origin);
    if (info->bound)
        printf("each bound to its %s by FILCH_PIN=%s\n", info->bound, info->form);
    else
        printf("not bound by FILCH_PIN=%s; with FILCH_PIN=core:\n", info->form);
    puts("  worker  processor  core  sibling  kind  numa node");
    for (size_t w = 0; w < info->workers; w++) {
        const struct fl_place *p = &info->placement.place[fl_place_of(&info->placement, w)];
        printf("  %6zu  %9u  %4u  %7u  %4u  ", w, p->cpu, p->core, p->sibling, p->kind);
        if (p->node >= 0)
            printf("%9d\n", p->node);
        else
            puts("        -");
    }
}

/* 3 4 5 0 as 3-5,0 */
static void print_runs(const unsigned *worker, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && worker[end] == worker[end - 1] + 1;)
            end++;
        printf("%s%u", i ? "," : " ", worker[i]);
        if (end > i + 1)
            printf("-%u", worker[end - 1]);
    }
}

static bool print_victims(const struct info *info)
{
    puts("victims: near to far, by what they share");
    for (size_t w = 0; w < info->workers; w++) {
        struct fl_victims v;
        if (!fl_victims_of(&v, &info->placement, w, info->workers))
            return false;
        printf("  worker %zu ", w);
        for (size_t g = 0, begin = 0; g < v.groups; begin = v.group[g++].end) {
            printf("%s %s:", g ? ";" : "", v.group[g].shares);
            print_runs(v.worker + begin, v.group[g].end - begin);
        }
        puts(v.groups ? "" : " nobody");
        fl_victims_free(&v);
    }
    return true;
}

bool info_text(const struct info *info)
{
    printf("filch %s\n", filch_version());
    if (info->shown[INFO_TOPOLOGY])
        print_topology(info);
    if (info->shown[INFO_BUDGET])
        print_budget(info);
    if (info->shown[INFO_PLACEMENT])
        print_placement(info);
    if (info->shown[INFO_VICTIMS] && !print_victims(info))
        return false;
    if (info->shown[INFO_FEATURES]) {
        puts("features:");
        for (size_t i = 0; i < INFO_FEATURE_COUNT; i++) {
            const struct info_feature *f = &info->feature[i];
            printf("  %-16s  %-18s  %s\n", f->name, f->value, f->meaning);
        }
    }
    if (info->shown[INFO_ENVIRONMENT]) {
        puts("environment:");
        for (size_t i = 0; i < FL_VARIABLES; i++) {
            const struct fl_variable *v = &info->variable[i];
            printf("  %-17s  %-10s  %-11s  %s\n", v->name, v->value, v->set ? "environment" : "default", v->what);
        }
    }
    return true;
}
