/* Side: what the code, the environment and the defaults say, in this order. */
#ifndef FL_CONFIG_H
#define FL_CONFIG_H

#include <stdbool.h>

#include "filch/runtime.h"

struct fl_settings {
    unsigned workers;
    enum filch_pin pin;
    const char *pin_list; /* of the configuration or the environment */
    size_t deque;
    size_t stack_size;
    bool overflow_message, migrate;
    bool uncounted; /* workers is an upper bound: fl_budget_cpus has not been asked, and may be slow */
};

/* 0, or FILCH_EINVAL for a configuration out of range.  The environment is never an error: a name or value that is not
 * known gives one warning per process and counts as not set.  later: `uncounted` will do. */
int fl_configure(struct fl_settings *out, const filch_config *config, bool later);

/* For people: each variable, what it is for, and the value that counts where the code says nothing. */
enum { FL_VARIABLES = 3 };
struct fl_variable {
    const char *name, *what;
    bool set; /* by the environment, and valid */
    char value[24];
};

/* workers: how many there are by default. */
void fl_config_variables(struct fl_variable out[FL_VARIABLES], unsigned workers);

#endif
