#define _GNU_SOURCE
#include "info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"
#include "place.h"

static const char usage[] =
    "usage: filch info [--json] [--topology SOURCE] [--mask LIST] [--workers N] [--root DIR] [--only SECTION,...]\n"
    "\n"
    "  --json             the same as JSON\n"
    "  --topology SOURCE  not this machine but an XML file of lstopo, or synthetic:DESCRIPTION as in\n"
    "                     \"synthetic:pack:2 l3:2 core:4 pu:2\"; control groups are then looked at only with --root\n"
    "  --mask LIST        not this process's affinity mask but these processors, as in 0-3,8\n"
    "  --workers N        not the default number of workers but N\n"
    "  --root DIR         control groups as DIR/proc/self and DIR/sys show them\n"
    "  --only SECTION,... of topology, budget, placement, victims, features, environment\n";

struct options {
    bool json;
    const char *topology, *mask, *root;
    unsigned workers;
    bool shown[INFO_ALL];
};

/* ---- the command line ---- */

static int misuse(const char *sentence, const char *what)
{
    fprintf(stderr, "filch info: %s%s%s; try filch info --help\n", sentence, what ? " " : "", what ? what : "");
    return 2;
}

static int choose_sections(bool shown[], const char *list)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        INFO_SECTIONS(NAME)
#undef NAME
    };
    for (const char *word = list;; word++) {
        size_t n = strcspn(word, ","), i = 0;
        while (i < INFO_ALL && (strncmp(word, names[i], n) != 0 || names[i][n]))
            i++;
        if (i == INFO_ALL)
            return misuse("--only takes sections, not", *word ? word : "nothing");
        shown[i] = true;
        word += n;
        if (!*word)
            return 0;
    }
}

static int choose_workers(unsigned *workers, const char *text)
{
    enum { MOST = 1024 };
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n < 1 || n > MOST)
        return misuse("--workers takes a number from 1 to 1024, not", text);
    *workers = (unsigned)n;
    return 0;
}

/* -1: go on; else the exit status. */
static int read_options(struct options *o, int argc, char **argv)
{
    bool any = false;
    for (int i = 0; i < argc; i++) {
        char *name = argv[i], *value = strncmp(name, "--", 2) == 0 ? strchr(name, '=') : NULL;
        bool takes = false;
        int error = 0;
        if (value)
            *value++ = 0;
        static const char *const taking[] = {"--topology", "--mask", "--workers", "--root", "--only"};
        for (size_t k = 0; k < sizeof taking / sizeof *taking; k++)
            takes |= strcmp(name, taking[k]) == 0;
        if (takes && !value && i + 1 == argc)
            return misuse("a value is missing after", name);
        if (takes && !value)
            value = argv[++i];
        if (!takes && value)
            return misuse("there is no value for", name);

        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (strcmp(name, "--json") == 0) {
            o->json = true;
        } else if (strcmp(name, "--topology") == 0) {
            o->topology = value;
        } else if (strcmp(name, "--mask") == 0) {
            o->mask = value;
        } else if (strcmp(name, "--root") == 0) {
            o->root = value;
        } else if (strcmp(name, "--workers") == 0) {
            error = choose_workers(&o->workers, value);
        } else if (strcmp(name, "--only") == 0) {
            error = choose_sections(o->shown, value);
            any = true;
        } else {
            return misuse("there is no option", name);
        }
        if (error)
            return error;
    }
    for (size_t i = 0; i < INFO_ALL; i++)
        o->shown[i] |= !any;
    return -1;
}

/* ---- what there is ---- */

static enum fl_topology_error find_places(struct info *info, const struct options *o, const struct fl_settings *s)
{
    enum fl_places order = s->pin == FILCH_PIN_THREAD ? FL_PLACES_THREADS
                           : s->pin == FILCH_PIN_LIST ? FL_PLACES_LISTED
                                                      : FL_PLACES_CORES;
    struct fl_topology *t;
    enum fl_topology_error error = fl_topology_load(&t, o->topology);
    if (error)
        return error;
    fl_topology_summary(t, &info->machine);
    error = fl_topology_place_as(&info->placement, t, o->mask, s->pin == FILCH_PIN_LIST ? s->pin_list : NULL, order);
    fl_topology_free(t);
    return error;
}

static void find_features(struct info *info, const struct fl_settings *s)
{
    bool heavy = fl_os_has_heavy(), install = fl_os_guard_kind() == FL_GUARD_INSTALL;
    struct info_feature *f = info->feature;
    f[0] = (struct info_feature){"membarrier", heavy ? "yes" : "no",
                                 heavy ? "owners in long functions are helped by force"
                                       : "tasks wait for their owner's next spawn or sync"};
    f[1] = (struct info_feature){"guard pages", install ? "MADV_GUARD_INSTALL" : "mprotect",
                                 install ? "the limit on maps does not count them" : "two maps each"};
    f[2] = (struct info_feature){"switch", FL_SWITCH,
                                 strcmp(FL_SWITCH, "ucontext") == 0 ? "portable, slower" : "assembly"};
    f[3] = (struct info_feature){"overflow message", s->overflow_message ? "on" : "off",
                                 "config.overflow_message asks for a sentence when a stack overflows"};
    f[4] = (struct info_feature){"late wake-ups", fl_os_wakes_late() ? "avoided" : "not expected",
                                 "in virtual machines sleepers are kept off their waker's processor"};
}

static int find_all(struct info *info, const struct options *o)
{
    struct fl_settings s;
    int error = fl_configure(&s, NULL, false);
    if (error) {
        fprintf(stderr, "filch info: %s\n", filch_strerror(error));
        return 1;
    }
    memcpy(info->shown, o->shown, sizeof info->shown);
    info->source = o->topology;
    enum fl_topology_error wrong = find_places(info, o, &s);
    if (wrong) {
        bool source = wrong == FL_TOPOLOGY_SOURCE;
        if (source && o->topology)
            fprintf(stderr,
                    "filch info: --topology %s: %s: an XML file of lstopo is needed, or synthetic:DESCRIPTION as in "
                    "\"synthetic:pack:2 core:4 pu:2\"\n",
                    o->topology, fl_topology_strerror(wrong));
        else
            fprintf(stderr, "filch info: %s: %s\n", source ? "this machine" : "--mask", fl_topology_strerror(wrong));
        return (source && o->topology) || (!source && o->mask) ? 2 : 1;
    }
    bool described = o->topology || o->mask;
    fl_budget_read(&info->budget, o->root || !o->topology ? o->root ? o->root : "" : NULL,
                   described ? (unsigned)info->placement.places : fl_os_cpu_count());
    fl_config_variables(info->variable, info->budget.cpus);
    bool set = info->variable[0].set;
    info->workers = o->workers ? o->workers : (unsigned)strtoul(info->variable[0].value, NULL, 10);
    info->origin = o->workers ? "--workers" : set ? info->variable[0].name : "default";
    bool nodes = o->topology || o->mask ? !o->mask && info->machine.nodes > 1 : fl_place_auto();
    info->form = info->variable[1].value;
    info->bound = s.pin == FILCH_PIN_NONE                              ? NULL
                  : s.pin == FILCH_PIN_AUTO && !nodes                  ? NULL
                  : s.pin == FILCH_PIN_AUTO || s.pin == FILCH_PIN_NUMA ? "numa node"
                                                                       : "processor";
    find_features(info, &s);
    return 0;
}

int filch_info(int argc, char **argv)
{
    struct options o;
    struct info info;
    memset(&o, 0, sizeof o);
    memset(&info, 0, sizeof info);
    int status = read_options(&o, argc, argv);
    if (status >= 0)
        return status;
    status = find_all(&info, &o);
    if (!status && !(o.json ? info_json : info_text)(&info)) {
        fputs("filch info: no memory\n", stderr);
        status = 1;
    }
    if (!status && (fflush(stdout) != 0 || ferror(stdout))) {
        perror("filch info");
        status = 1;
    }
    fl_placement_free(&info.placement);
    fl_budget_free(&info.budget);
    return status;
}
