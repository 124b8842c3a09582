/* filch info: what is asked for, what was found, and the two ways to print it. */
#ifndef FILCH_TOOLS_INFO_H
#define FILCH_TOOLS_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include "budget.h"
#include "config.h"
#include "topology.h"

#define INFO_SECTIONS(X)                                                                                              \
    X(INFO_TOPOLOGY, "topology")                                                                                      \
    X(INFO_BUDGET, "budget")                                                                                          \
    X(INFO_PLACEMENT, "placement")                                                                                    \
    X(INFO_VICTIMS, "victims")                                                                                        \
    X(INFO_FEATURES, "features")                                                                                      \
    X(INFO_ENVIRONMENT, "environment")

enum info_section {
#define INFO_NAME(name, text) name,
    INFO_SECTIONS(INFO_NAME)
#undef INFO_NAME
        INFO_ALL
};

enum { INFO_FEATURE_COUNT = 5 };

struct info {
    bool shown[INFO_ALL];
    const char *source; /* of the topology; NULL: this machine */
    struct fl_topology_summary machine;
    struct fl_placement placement;
    struct fl_budget budget;
    unsigned workers;
    const char *origin; /* of that number */
    const char *form;   /* what FILCH_PIN is */
    const char *bound;  /* to what; NULL: to nothing */
    struct fl_variable variable[FL_VARIABLES];
    struct info_feature {
        const char *name, *value, *meaning;
    } feature[INFO_FEATURE_COUNT];
};

/* The command: its arguments without the program's and its own name.  Returns the exit status. */
int filch_info(int argc, char **argv);

/* False if memory is short. */
bool info_text(const struct info *info);
bool info_json(const struct info *info);

#endif
