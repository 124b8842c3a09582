/* Side: how many processors this process may really use, and why.
 *
 *   Purpose   A container with 64 processors in its mask and a quota of two would run 64 workers, and be stopped by
 *             the kernel for the rest of each period.  So the default number of workers is the least of: the thread's
 *             affinity mask, its group's cpuset, and the quota of its group and of each group around that; quotas
 *             rounded up; at least 1.
 *   Reads     /proc/self/cgroup: the groups; /proc/self/mountinfo: where they are seen; then cpu.max and
 *             cpuset.cpus.effective (version 2), cpu.cfs_quota_us, cpu.cfs_period_us and cpuset.effective_cpus,
 *             else cpuset.cpus (version 1).  Both versions at once where both are mounted.  A quota is read at each
 *             level up to the root of the mount; a cpuset at the innermost level that has one, for an effective set
 *             lies in those around it.  Groups above the root of the mount cannot be seen.
 *   Robust    What is not there or not understood limits nothing, and the chain of reasons says so.
 *   Cost      docs/decisions/0011: some tens of microseconds, most of them mountinfo's; so once per process.
 *   Checked   tests/unit/budget.c */
#ifndef FL_BUDGET_H
#define FL_BUDGET_H

#include <stddef.h>

#include "base.h"

/* What a file, or the mask, says. */
#define FL_BUDGET_VERDICTS(X)                                                                                         \
    X(FL_BUDGET_LIMITS, "limit")                                                                                      \
    X(FL_BUDGET_FREE, "no limit")                                                                                     \
    X(FL_BUDGET_ABSENT, "not there")                                                                                  \
    X(FL_BUDGET_BROKEN, "not understood, ignored")                                                                    \
    X(FL_BUDGET_HIDDEN, "its group is in no mount")

enum fl_budget_verdict {
#define FL_BUDGET_NAME(name, text) name,
    FL_BUDGET_VERDICTS(FL_BUDGET_NAME)
#undef FL_BUDGET_NAME
};

struct fl_budget_level {
    const char *kind; /* "affinity", "cpuset", "quota"; static */
    char *file;       /* without the prefix; NULL for the mask */
    char *value;      /* as read, less the last newline; a quota of version 1: quota and period; NULL if none */
    unsigned limit;   /* processors, if the verdict is FL_BUDGET_LIMITS */
    enum fl_budget_verdict verdict;
};

struct fl_budget {
    unsigned cpus; /* the least limit, at least 1 */
    size_t levels; /* the mask first, then each group outwards; fewer if memory was short */
    struct fl_budget_level *level;
    size_t decisive; /* the first level with that limit */
};

/* affinity: processors in the thread's mask, at least 1.  root: put before each path; "" for this machine; NULL:
 * groups are not looked at.  Never fails; to be freed by fl_budget_free. */
void fl_budget_read(struct fl_budget *out, const char *root, unsigned affinity);
void fl_budget_free(struct fl_budget *b);
const char *fl_budget_verdict_text(enum fl_budget_verdict verdict);

/* The least of the calling thread's mask, as it is now, and of the groups' limits, as they were at the first call. */
unsigned fl_budget_cpus(void);
/* That first call has returned, so the next one reads nothing but the mask. */
bool fl_budget_is_read(void);

#endif
