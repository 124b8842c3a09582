#include "submit.h"

#include "check.h"
#include "fork.h"
#include "idle.h"

/* On the stack of a fiber that was left. */
struct fl_reply {
    struct fl_letter letter; /* to home */
    struct filch_runtime *home;
    struct fl_fiber *fiber;
};

static void resumes(struct fl_letter *letter)
{
    fl_resume(fl_self(), ((struct fl_reply *)letter)->fiber); /* letter is its first member */
}

static void end(struct fl_submission *s)
{
    (void)fl_add_rel(submission_gone, &s->rt->guests, -1u); /* B5: pairs with the acquire any_guests */
    if (fl_latch_open(&s->done))
        fl_idle_post(s->reply->home, &s->reply->letter);
}

static void runs(struct fl_letter *letter)
{
    struct fl_submission *s = (struct fl_submission *)letter; /* letter is its first member */
    struct fl_deque *own = fl_own_deque(fl_self());
    own->task = s->task;
    fl_store_rlx(submitted_site, &own->site, s->task ? s->task->site : NULL); /* for filch_dump */
    s->fn(s->arg);
    fl_fork_check("return from a function that was submitted", NULL);
    if (!fl_deque_idle(own))
        fl_check_left(s->task ? "filch_run" : "filch_submit", NULL, own);
    own->task = NULL;
    fl_store_rlx(submitted_done, &own->site, NULL); /* for filch_dump */
    end(s);
}

static void prepare(struct fl_submission *s, struct filch_runtime *rt, void (*fn)(void *), void *arg)
{
    *s = (struct fl_submission){.letter.open = runs, .rt = rt, .fn = fn, .arg = arg};
    fl_latch_init(&s->done);
}

void fl_submit(struct fl_submission *s, struct filch_runtime *rt, void (*fn)(void *), void *arg)
{
    prepare(s, rt, fn, arg);
    fl_idle_post(rt, &s->letter);
}

/* The fiber of w, which is not tied, until s is done. */
static void leave(struct fl_worker *w, struct fl_submission *s, struct fl_reply *reply, struct fl_fiber *next)
{
    struct fl_deque *d = fl_own_deque(w);
    *reply = (struct fl_reply){{NULL, resumes}, w->runtime, w->fiber};
    s->reply = reply;
    w->await_latch = &s->done;
    fl_suspend(w, next, FL_AFTER_LATCH);
    fl_idle_answered(fl_self(), d);
    fl_spawn_on(&d->hot);
}

bool fl_visit(struct fl_worker *w, struct filch_runtime *rt, void (*fn)(void *), void *arg)
{
    struct fl_submission s;
    struct fl_reply reply;
    struct fl_fiber *next = fl_worker_fiber(w);
    if (!next)
        return false;
    prepare(&s, rt, fn, arg);
    s.task = fl_own_deque(w)->task;
    fl_idle_post(rt, &s.letter);
    leave(w, &s, &reply, next);
    return true;
}

static void sleep_until(struct fl_worker *w, struct fl_submission *s)
{
    if (w)
        fl_idle_away(w);
    fl_latch_sleep(&s->done);
    if (w) {
        fl_idle_back(w);
        fl_spawn_on(&fl_own_deque(w)->hot);
    }
}

void fl_submission_wait(struct fl_submission *s)
{
    struct fl_worker *w = fl_self();
    if (fl_latch_is_open(&s->done))
        return;
    struct fl_fiber *next = w && !w->fiber->tied ? fl_worker_fiber(w) : NULL;
    if (next) {
        struct fl_reply reply;
        leave(w, s, &reply, next);
    } else {
        sleep_until(w, s);
    }
}
