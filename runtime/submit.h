/* L3: functions that a runtime is given to run, by whoever.
 *
 *   B5 A submission is done when its runtime has forgotten it: who sees that it is done may stop the runtime, and use
 *      its memory again.
 *   Storage   The submitter's, until it is done and, if somebody waits, the wait has returned. */
#ifndef FL_SUBMIT_H
#define FL_SUBMIT_H

#include "worker.h"

struct fl_submission {
    struct fl_letter letter; /* to rt */
    struct fl_latch done;
    struct filch_runtime *rt;
    void (*fn)(void *);
    void *arg;
    struct filch_detail_task *task; /* for messages: the one that waits inside filch_run, or NULL */
    struct fl_reply *reply;         /* to the fiber that waits */
};

/* rt counts it as a guest until it is done.  Never waits, needs no memory. */
void fl_submit(struct fl_submission *s, struct filch_runtime *rt, void (*fn)(void *), void *arg);
/* True: nobody had begun it, and nobody but the caller will. */
bool fl_submission_take_back(struct fl_submission *s);
/* The fiber of w is suspended until it is done.  False, and nothing was done: w is tied to it, or has no other one. */
bool fl_submission_leave(struct fl_worker *w, struct fl_submission *s);
/* The thread of w, a slot or NULL, waits where it is until it is done. */
void fl_submission_stay(struct fl_worker *w, struct fl_submission *s);
/* Calls its function on this thread; it is done then.  Nobody else had begun it. */
void fl_submission_do(struct fl_submission *s);
/* True: it lets a fiber go on, which only a thread without anything to do can; else somebody has submitted it. */
bool fl_letter_resumes(const struct fl_letter *letter);
/* Calls fn(arg) on a worker of rt, which counts the caller as a guest; the fiber of w, of another runtime, is suspended
 * meanwhile.  rt has forgotten it then.  False, and nothing was done: there is no fiber to go on with. */
bool fl_visit(struct fl_worker *w, struct filch_runtime *rt, void (*fn)(void *), void *arg);

#endif
