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
    X(FL_AT_STEAL_READ)      /* thief: has read the public interval, has not claimed */                               \
    X(FL_AT_STEAL_CLAIMED)   /* thief: has claimed a slot, has not read it */                                         \
    X(FL_AT_STEAL_GOT)       /* thief: has read the task, has not run it */                                           \
    X(FL_AT_DONE)            /* thief: has run the task, has not said so */                                           \
    X(FL_AT_ASKED)           /* thief: has posted that it asks, has not stored REQUEST */                             \
    X(FL_AT_SPAWN_SLOW)      /* owner: entered the slow spawn */                                                      \
    X(FL_AT_SYNC_SLOW)       /* owner: entered the slow sync */                                                       \
    X(FL_AT_PUBLISH)         /* owner: is about to make tasks public */                                               \
    X(FL_AT_PUBLISHED)       /* owner: has made them public, has not set the limit */                                 \
    X(FL_AT_ANSWERED)        /* owner: has set the limit, has not cleared the question */                             \
    X(FL_AT_TAKE_BACK)       /* owner: has read the public interval, has not taken it back */                         \
    X(FL_AT_LET_GO)          /* owner: is done with a slow path, keeps forcers out still */                           \
    X(FL_AT_FORCE_REQUESTED) /* forcer: has posted REQUEST, has not fenced */                                         \
    X(FL_AT_FORCE_FENCED)    /* forcer: has fenced, has not looked */                                                 \
    X(FL_AT_FORCE_READ)      /* forcer: has read the task, has not claimed it */                                      \
    X(FL_AT_WAIT)            /* owner: its task is stolen and not done, it has not left */                            \
    X(FL_AT_AWAIT)           /* the owner has left, nobody knows yet that it waits */                                 \
    X(FL_AT_PARK_COUNTED)    /* sleeper: is counted, its bit is not set */                                            \
    X(FL_AT_PARK_ENTERED)    /* sleeper: its bit is set, it has not looked again */                                   \
    X(FL_AT_PARK_LOOKED)     /* sleeper: has looked again, does not sleep yet */                                      \
    X(FL_AT_WAKE_CLEARED)    /* waker: has cleared a bit, has not counted that */                                     \
    X(FL_AT_WAKE_COUNTED)    /* waker: has counted it, has not stored AWAKE */                                        \
    X(FL_AT_WAKE_CALLED)     /* waker: has called and moved who rests, no AWAKE yet */                                \
    X(FL_AT_RELEASE)         /* owner: has seen the task done, has not given its slot back */

enum fl_point {
#define FL_POINT(name) name,
    FL_POINTS(FL_POINT)
#undef FL_POINT
        FL_POINT_COUNT
};

struct fl_seam {
    void (*at)(enum fl_point point);     /* may be NULL; called on the thread that stands there */
    uint32_t (*random)(uint32_t *state); /* every random number of the scheduler */
    uint64_t (*now)(void);               /* every clock of the scheduler, ns */
};

#if defined FL_MODEL
#define fl_at(point) ((void)(point)) /* the model checker stops at every access anyway */
uint64_t fl_now(void);               /* these two are the test's */
uint32_t fl_random(uint32_t *state);
#else
extern struct fl_seam fl_seam;

static inline void fl_at(enum fl_point point)
{
    if (__builtin_expect(!!fl_seam.at, 0))
        fl_seam.at(point);
}

static inline uint64_t fl_now(void)
{
    return fl_seam.now();
}

static inline uint32_t fl_random(uint32_t *state)
{
    return fl_seam.random(state);
}
#endif

#endif
