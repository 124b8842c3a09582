#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "message.h"
#include "os.h"
#include "overflow.h"
#include "runtime.h"
#include "topology.h"

int fl_forked_inside;

/* The parent's runtimes, for good: filch_run(NULL, ...) may have one in its frame, and the user may name one. */
static struct filch_runtime *inherited;

void fl_fork_misuse(const char *call, const filch_site *site)
{
    fl_misuse(call, site, fl_forked_inside - 1,
              "this process is the child of a fork made inside a task, and may only call exec or _exit: fork outside "
              "tasks, with none unsynced, to use filch in the child");
}

bool fl_fork_left(const struct filch_runtime *rt)
{
    const struct filch_runtime *each = inherited;
    while (each && each != rt)
        each = each->next;
    return each;
}

/* ---- the handlers ---- */

static void prepare(void)
{
    fl_hold(NULL);
    for (struct filch_runtime *rt = fl_first_runtime(); rt; rt = rt->next) {
        pthread_mutex_lock(&rt->lock);
        pthread_mutex_lock(&rt->fibers.lock);
        fl_lock(&rt->left_lock);
        fl_lock(&rt->inbox.lock);
    }
    fl_overflow_hold();
    fl_topology_hold();
}

static void release(void)
{
    fl_topology_let_go();
    fl_overflow_let_go();
    for (struct filch_runtime *rt = fl_first_runtime(); rt; rt = rt->next) {
        fl_unlock(&rt->inbox.lock);
        fl_unlock(&rt->left_lock);
        pthread_mutex_unlock(&rt->fibers.lock);
        pthread_mutex_unlock(&rt->lock);
    }
}

static void in_parent(void)
{
    release();
    fl_let_go();
}

static bool is_inside(const struct fl_worker *w)
{
    for (; w; w = w->outer)
        if (w->fiber != &w->native || !fl_deque_idle(w->own))
            return true;
    return false;
}

/* What this thread was given with its slots. */
static void leave_slots(struct fl_worker *w, bool inside)
{
    for (; w; w = w->outer) {
        fl_os_affinity_restore(w->affinity);
        if (inside)
            continue;
        fl_overflow_leave(w->alternate);
        fl_os_affinity_free(w->affinity);
    }
    filch_detail_self.slot = NULL;
    filch_detail_self.outside = NULL;
    fl_spawn_on(NULL);
    fl_forget_end();
}

static bool registered;

static void in_child(void)
{
    struct fl_worker *self = fl_innermost();
    bool inside = is_inside(self);
    registered = true; /* perhaps by a thread that was stopped between the two */
    release();
    if (inside)
        fl_forked_inside = (int)self->id + 1;
    leave_slots(self, inside);
    fl_overflow_forget();
    for (struct filch_runtime *rt = fl_disown(), *next; rt; rt = next) {
        next = rt->next;
        if (!inside)
            fl_free_memory(rt);
        rt->inherited = true;
        rt->next = inherited;
        inherited = rt;
    }
    fl_let_go();
}

/* A pthread_once that a fork interrupts begins again in the child. */
static void watch(void)
{
    int saved = errno;
    if (!registered && pthread_atfork(prepare, in_parent, in_child) == 0) /* refused, a child has nothing to use */
        registered = true;
    errno = saved;
}

void fl_fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
}
