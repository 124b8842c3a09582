/* L0: the seam for tools.  Slow paths only: the hot path's one compare leads here and nowhere else.
 *
 *   Purpose   A test or a tool stands at named points of the protocols, and decides what would otherwise be chance.
 *   Callers   Whoever installs hooks does so while no runtime runs.
 *   Cost      A load and a branch in each slow path. */
#ifndef FL_SEAM_H
#define FL_SEAM_H

#include <stdint.h>

/* Where a thread can be held for long without anything going wrong: between any two steps that another thread sees. */
#define FL_POINTS(X)                                                                                                  \
    X(FL_AT_STEAL_READ)    /* thief: has read the public interval, has not claimed */                                 \
    X(FL_AT_STEAL_CLAIMED) /* thief: has claimed a slot, has not read it */                                           \
    X(FL_AT_STEAL_GOT)     /* thief: has read the task, has not run it */                                             \
    X(FL_AT_DONE)          /* thief: has run the task, has not said so */                                             \
    X(FL_AT_ASKED)         /* thief: has posted that it asks, has not stored REQUEST */                               \
    X(FL_AT_SPAWN_SLOW)    /* owner: entered the slow spawn */                                                        \
    X(FL_AT_SYNC_SLOW)     /* owner: entered the slow sync */                                                         \
    X(FL_AT_PUBLISH)       /* owner: has initialised the tasks, has not made them public */                           \
    X(FL_AT_PUBLISHED)     /* owner: has made them public, has not set the limit */                                   \
    X(FL_AT_ANSWERED)      /* owner: has set the limit, has not cleared the question */                               \
    X(FL_AT_TAKE_BACK)     /* owner: has read the public interval, has not taken it back */                           \
    X(FL_AT_WAIT)          /* owner: waits for a stolen task */                                                       \
    X(FL_AT_RELEASE)       /* owner: has seen the task done, has not given its slot back */

enum fl_point {
#define FL_POINT(name) name,
    FL_POINTS(FL_POINT)
#undef FL_POINT
        FL_POINT_COUNT
};

struct fl_seam {
    void (*at)(enum fl_point point);     /* may be NULL; called on the thread that stands there */
    uint32_t (*random)(uint32_t *state); /* every random number of the scheduler */
};

#if defined FL_MODEL
#define fl_at(point) ((void)(point)) /* the model checker stops at every access anyway */
#else
extern struct fl_seam fl_seam;

static inline void fl_at(enum fl_point point)
{
    if (__builtin_expect(!!fl_seam.at, 0))
        fl_seam.at(point);
}
#endif

#endif
