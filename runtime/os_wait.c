#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "message.h"

enum { NS_PER_S = 1000000000, TRIES = 3 /* then what worked before is denied for good */ };

uint64_t fl_os_now(void)
{
    struct timespec t;
    int saved = errno;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* never fails on Linux */
    errno = saved;
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* What the kernel did when filch started it denies now, and there is nothing in its place: a sentence, and the end. */
static void denied_later(const char *call)
{
    fl_warn(
        "%s worked when filch started and is denied now (%s): install seccomp filters before filch's first use, or "
        "let them allow %s",
        call, strerror(errno), call);
    abort();
}

/* ---- futexes ----
 *
 * A filter may deny them.  Known before the first wait, nobody ever sleeps in one: all look again and again. */

enum { DOZE = 100000 /* ns between two such looks */ };

static pthread_once_t futex_probed = PTHREAD_ONCE_INIT;
static bool no_futex;

static long futex_wake(const void *word, int at_most)
{
    return syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, at_most, NULL, NULL, 0);
}

static void probe_futex(void)
{
    static uint32_t nobody_waits;
    no_futex = futex_wake(&nobody_waits, 1) < 0;
}

static bool futex_wait(const void *word, uint32_t expected, const struct timespec *limit)
{
    /* ETIMEDOUT, EINTR and EAGAIN (it was another value) are all the caller's "for no reason" */
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0) == 0 || errno == ETIMEDOUT ||
           errno == EINTR || errno == EAGAIN;
}

void fl_os_futex_wait(const void *word, uint32_t expected, uint64_t ns)
{
    struct timespec limit = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    int saved = errno;
    pthread_once(&futex_probed, probe_futex);
    if (no_futex || !futex_wait(word, expected, ns ? &limit : NULL)) {
        struct timespec doze = {0, ns && ns < DOZE ? (long)ns : DOZE};
        (void)nanosleep(&doze, NULL); /* ended early, the caller looks earlier */
    }
    errno = saved;
}

/* Whoever sleeps would sleep for ever. */
static void unwoken(const void *word, int at_most)
{
    pthread_once(&futex_probed, probe_futex);
    for (int i = 0; !no_futex && i < TRIES; i++)
        if (futex_wake(word, at_most) >= 0)
            return;
    if (!no_futex)
        denied_later("futex");
}

void fl_os_futex_wake(const void *word, int at_most)
{
    int saved = errno;
    if (futex_wake(word, at_most) < 0 && errno != EFAULT) /* gone, nobody waits there */
        unwoken(word, at_most);
    errno = saved;
}

/* ---- membarrier ---- */

static pthread_once_t probed = PTHREAD_ONCE_INIT;
static bool denied, heavy;

static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) >= 0;
}

static void probe(void)
{
    int saved = errno;
    long commands = denied ? 0 : syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    heavy = commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
            membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    errno = saved;
}

bool fl_os_has_heavy(void)
{
    pthread_once(&probed, probe);
    return heavy;
}

void fl_os_deny_heavy(void)
{
    denied = true;
}

/* A registration lasts as long as the address space and goes to the child of a fork, so after a good probe the kernel
 * refuses for two reasons only.  It may be short of memory for a set of processors: that passes.  Or a seccomp filter
 * came later.  Then the light fences of other threads order nothing from now on, and a task could run twice. */
static void refused(int tries)
{
    if (errno == ENOMEM || errno == EINTR || tries < TRIES) {
        fl_os_yield();
        return;
    }
    denied_later("membarrier");
}

void fl_os_fence_heavy(void)
{
    if (!fl_os_has_heavy()) {
        fl_fence_sc(os_heavy); /* I4: pairs with the fence_sc of whoever asked fl_os_has_heavy and was told no */
        return;
    }
    int saved = errno;
    for (int tries = 0; !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); tries++)
        refused(tries);
    errno = saved;
}
