/* The same as JSON: one object, a member for each section. */
#include <filch.h>

#include <stdio.h>

#include "info.h"

/* Names of files are bytes, JSON is text: what is not printable ASCII is written as a character of that number. */
static void string(const char *text)
{
    if (!text) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < ' ' || *c > '~')
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void member(const char *name, const char *text)
{
    string(name);
    fputs(": ", stdout);
    string(text);
}

static void print_topology(const struct info *info)
{
    const struct fl_topology_summary *m = &info->machine;
    fputs("{", stdout);
    member("source", info->source);
    fputs(", ", stdout);
    member("library", fl_topology_library());
    printf(",\n    \"processors\": %u, \"cores\": %u, \"l2\": %u, \"l3\": %u, \"packages\": %u, "
           "\"numa_nodes\": %u, \"kinds\": %u, \"in_mask\": %zu}",
           m->processors, m->cores, m->l2, m->l3, m->packages, m->nodes, m->kinds, info->placement.places);
}

static void print_budget(const struct info *info)
{
    const struct fl_budget *b = &info->budget;
    printf("{\"workers\": %u, \"decisive\": %zu, \"chain\": [", b->cpus, b->decisive);
    for (size_t i = 0; i < b->levels; i++) {
        const struct fl_budget_level *l = &b->level[i];
        fputs(i ? ",\n    {" : "\n    {", stdout);
        member("kind", l->kind);
        fputs(", ", stdout);
        member("file", l->file);
        fputs(", ", stdout);
        member("value", l->value);
        fputs(", ", stdout);
        member("verdict", fl_budget_verdict_text(l->verdict));
        if (l->verdict == FL_BUDGET_LIMITS)
            printf(", \"limit\": %u}", l->limit);
        else
            fputs(", \"limit\": null}", stdout);
    }
    fputs("]}", stdout);
}

static void print_placement(const struct info *info)
{
    printf("{\"workers\": %u, ", info->workers);
    member("origin", info->origin);
    fputs(", ", stdout);
    member("form", info->form);
    fputs(", ", stdout);
    if (info->bound)
        member("bound", info->bound);
    else
        fputs("\"bound\": null", stdout);
    fputs(", \"places\": [", stdout);
    for (size_t w = 0; w < info->workers; w++) {
        const struct fl_place *p = &info->placement.place[fl_place_of(&info->placement, w)];
        printf("%s\n    {\"worker\": %zu, \"processor\": %u, \"core\": %u, \"sibling\": %u, \"kind\": %u, "
               "\"numa_node\": ",
               w ? "," : "", w, p->cpu, p->core, p->sibling, p->kind);
        if (p->node >= 0)
            printf("%d}", p->node);
        else
            fputs("null}", stdout);
    }
    fputs("]}", stdout);
}

static bool print_victims(const struct info *info)
{
    fputs("[", stdout);
    for (size_t w = 0; w < info->workers; w++) {
        struct fl_victims v;
        if (!fl_victims_of(&v, &info->placement, w, info->workers))
            return false;
        printf("%s\n    {\"worker\": %zu, \"groups\": [", w ? "," : "", w);
        for (size_t g = 0, i = 0; g < v.groups; g++) {
            fputs(g ? ", {" : "{", stdout);
            member("shares", v.group[g].shares);
            fputs(", \"workers\": [", stdout);
            for (size_t begin = i; i < v.group[g].end; i++)
                printf("%s%u", i > begin ? ", " : "", v.worker[i]);
            fputs("]}", stdout);
        }
        fputs("]}", stdout);
        fl_victims_free(&v);
    }
    fputs("]", stdout);
    return true;
}

static void print_features(const struct info *info)
{
    fputs("{", stdout);
    for (size_t i = 0; i < INFO_FEATURE_COUNT; i++) {
        fputs(i ? ", " : "", stdout);
        member(info->feature[i].name, info->feature[i].value);
    }
    fputs("}", stdout);
}

static void print_environment(const struct info *info)
{
    fputs("[", stdout);
    for (size_t i = 0; i < FL_VARIABLES; i++) {
        const struct fl_variable *v = &info->variable[i];
        fputs(i ? ",\n    {" : "\n    {", stdout);
        member("name", v->name);
        fputs(", ", stdout);
        member("value", v->value);
        fputs(", ", stdout);
        member("origin", v->set ? "environment" : "default");
        fputs("}", stdout);
    }
    fputs("]", stdout);
}

bool info_json(const struct info *info)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        INFO_SECTIONS(NAME)
#undef NAME
    };
    fputs("{", stdout);
    member("filch", filch_version());
    for (size_t i = 0; i < INFO_ALL; i++) {
        if (!info->shown[i])
            continue;
        printf(",\n  \"%s\": ", names[i]);
        switch ((enum info_section)i) {
        case INFO_TOPOLOGY: print_topology(info); break;
        case INFO_BUDGET: print_budget(info); break;
        case INFO_PLACEMENT: print_placement(info); break;
        case INFO_VICTIMS:
            if (!print_victims(info))
                return false;
            break;
        case INFO_FEATURES: print_features(info); break;
        case INFO_ENVIRONMENT: print_environment(info); break;
        case INFO_ALL: break;
        }
    }
    puts("}");
    return true;
}
