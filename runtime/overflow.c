#define _GNU_SOURCE
#include "overflow.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "message.h"
#include "os.h"
#include "worker.h"

enum { ALTERNATE = 1 << 16 /* bytes: the message, and whatever handler follows */ };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static bool left_behind;        /* the last stop found somebody else's handler in front of ours */
static struct sigaction before; /* written before the handler is installed */

/* On the alternate stack.  Reads only what this thread has written itself. */
static void explain(const char *address)
{
    struct fl_worker *w = fl_self();
    struct fl_fiber *f = w ? w->fiber : NULL;
    if (!f || !f->guard || address < f->guard || address >= f->guard + fl_os_page_size())
        return;
    const struct filch_detail_task *t = f->deque->task;
    fl_warn("stack overflow in task %s (%s:%u), or in what it calls, on worker %u: its %zu KiB are used up; raise "
            "config.stack_size or FILCH_STACK, or recurse less deep",
            t ? t->site->name : "?", t ? t->site->file : "?", t ? t->site->line : 0, w->id, f->stack_size >> 10);
}

static bool is_handler(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) || (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN);
}

/* What the kernel does around a handler, for one that it does not know of. */
static void call(const struct sigaction *a, int signal, siginfo_t *info, void *context)
{
    sigset_t blocked = a->sa_mask, old;
    if (!(a->sa_flags & SA_NODEFER))
        sigaddset(&blocked, signal);
    if ((unsigned)a->sa_flags & (unsigned)SA_RESETHAND) {
        struct sigaction none = {.sa_handler = SIG_DFL};
        (void)sigaction(signal, &none, NULL);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &old);
    if (a->sa_flags & SA_SIGINFO)
        a->sa_sigaction(signal, info, context);
    else
        a->sa_handler(signal);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* As without us.  A fault is repeated when the handler returns; a signal that was sent is not. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0;
    if (is_handler(&before)) {
        call(&before, signal, info, context);
    } else if (!sent || before.sa_handler == SIG_DFL) {
        (void)sigaction(signal, &before, NULL);
        if (sent)
            (void)raise(signal);
    }
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code > 0)
        explain(info->si_addr);
    errno = saved;
    pass_on(signal, info, context);
}

static bool is_ours(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_fault;
}

/* Whoever is in front may pass on to ours, which they found: to put it in front of them again would be a circle. */
void fl_overflow_start(void)
{
    int saved = errno;
    pthread_mutex_lock(&lock);
    struct sigaction now;
    if (!users++ && sigaction(SIGSEGV, NULL, &now) == 0 && !is_ours(&now) && !(left_behind && is_handler(&now))) {
        before = now;
        struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigemptyset(&ours.sa_mask);
        (void)sigaction(SIGSEGV, &ours, NULL); /* refused, faults stay as they were */
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
}

static void remove_ours(void)
{
    struct sigaction now;
    if (sigaction(SIGSEGV, NULL, &now) != 0)
        return;
    left_behind = !is_ours(&now);
    if (!left_behind)
        (void)sigaction(SIGSEGV, &before, NULL);
}

void fl_overflow_stop(void)
{
    int saved = errno;
    pthread_mutex_lock(&lock);
    if (!--users)
        remove_ours();
    pthread_mutex_unlock(&lock);
    errno = saved;
}

void fl_overflow_hold(void)
{
    pthread_mutex_lock(&lock);
}

void fl_overflow_let_go(void)
{
    pthread_mutex_unlock(&lock);
}

void fl_overflow_forget(void)
{
    int saved = errno;
    if (users)
        remove_ours();
    users = 0;
    errno = saved;
}

void *fl_overflow_enter(void)
{
    int saved = errno;
    stack_t now, ours = {.ss_size = ALTERNATE};
    if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE)) {
        ours.ss_sp = malloc(ALTERNATE);
        if (ours.ss_sp && sigaltstack(&ours, NULL) != 0) {
            free(ours.ss_sp);
            ours.ss_sp = NULL;
        }
    }
    errno = saved;
    return ours.ss_sp;
}

void fl_overflow_leave(void *stack)
{
    int saved = errno;
    stack_t now, none = {.ss_flags = SS_DISABLE};
    if (stack && sigaltstack(NULL, &now) == 0 && now.ss_sp == stack)
        (void)sigaltstack(&none, NULL);
    free(stack);
    errno = saved;
}
