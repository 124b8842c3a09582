#define _GNU_SOURCE
#include "interpose.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct fault_plan plan = {.kind = FAULT_NONE};
static atomic_bool armed, counting;
struct fault_tally *fault_tally;

/* The linker's names for what was wrapped, and for what is called instead. */
#define WRAPPED(result, name, ...)                                                                                    \
    result __real_##name(__VA_ARGS__);                                                                                \
    result __wrap_##name(__VA_ARGS__);                                                                                \
    result __wrap_##name(__VA_ARGS__)

const char *fault_name(enum fault_kind kind)
{
    static const char *const names[] = {
#define FAULT_NAME(name, text) text,
        FAULT_KINDS(FAULT_NAME)
#undef FAULT_NAME
    };
    return names[kind];
}

void fault_share(void)
{
    if (!fault_tally)
        fault_tally = mmap(NULL, sizeof *fault_tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void fault_arm(struct fault_plan what)
{
    memset((void *)fault_tally, 0, sizeof *fault_tally);
    plan = what;
    atomic_store(&counting, true);
    atomic_store(&armed, true);
}

void fault_disarm(void)
{
    atomic_store(&armed, false);
}

/* True: this call shall fail, and errno says how.  (What returns its error sets errno, too: its malloc did.) */
static bool fails(enum fault_kind kind)
{
    if (!atomic_load(&counting))
        return false;
    unsigned n = atomic_fetch_add(&fault_tally->calls[kind], 1) + 1;
    if (!atomic_load(&armed) || kind != plan.kind || (plan.from_then ? n < plan.at : n != plan.at))
        return false;
    atomic_fetch_add(&fault_tally->failed, 1);
    errno = plan.error;
    return true;
}

static void *block(void *memory)
{
    if (memory && atomic_load(&counting))
        atomic_fetch_add(&fault_tally->blocks, 1);
    return memory;
}

/* ---- memory ---- */

WRAPPED(void *, malloc, size_t bytes)
{
    return fails(FAULT_MALLOC) ? NULL : block(__real_malloc(bytes));
}

WRAPPED(void *, calloc, size_t n, size_t bytes)
{
    return fails(FAULT_MALLOC) ? NULL : block(__real_calloc(n, bytes));
}

WRAPPED(void *, aligned_alloc, size_t line, size_t bytes)
{
    return fails(FAULT_MALLOC) ? NULL : block(__real_aligned_alloc(line, bytes));
}

WRAPPED(void *, realloc, void *old, size_t bytes)
{
    if (fails(FAULT_MALLOC))
        return NULL;
    void *memory = __real_realloc(old, bytes);
    return old ? memory : block(memory);
}

WRAPPED(char *, strdup, const char *text)
{
    return fails(FAULT_MALLOC) ? NULL : block(__real_strdup(text));
}

int __wrap_asprintf(char **out, const char *format, ...);
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    if (fails(FAULT_MALLOC))
        return -1;
    va_start(args, format);
    int n = vasprintf(out, format, args);
    va_end(args);
    if (n >= 0)
        (void)block(*out);
    return n;
}

WRAPPED(void, free, void *memory)
{
    if (memory && atomic_load(&counting))
        atomic_fetch_sub(&fault_tally->blocks, 1);
    __real_free(memory);
}

static __thread bool no_guard; /* the page that was to be protected last shall be none */

WRAPPED(void *, mmap, void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    bool replaces = flags & MAP_FIXED;
    if ((replaces && no_guard) || fails(FAULT_MMAP))
        return MAP_FAILED;
    void *memory = __real_mmap(at, bytes, protection, flags, fd, offset);
    if (memory != MAP_FAILED && !replaces && atomic_load(&counting))
        atomic_fetch_add(&fault_tally->maps, 1);
    return memory;
}

WRAPPED(int, munmap, void *memory, size_t bytes)
{
    if (atomic_load(&counting))
        atomic_fetch_sub(&fault_tally->maps, 1);
    return __real_munmap(memory, bytes);
}

WRAPPED(int, madvise, void *memory, size_t bytes, int advice)
{
    return fails(FAULT_MADVISE) ? -1 : __real_madvise(memory, bytes, advice);
}

WRAPPED(int, mprotect, void *memory, size_t bytes, int protection)
{
    no_guard = fails(FAULT_GUARD);
    return no_guard || fails(FAULT_MPROTECT) ? -1 : __real_mprotect(memory, bytes, protection);
}

/* ---- threads ---- */

WRAPPED(int, pthread_create, pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *arg)
{
    return fails(FAULT_THREAD) ? errno : __real_pthread_create(thread, how, body, arg);
}

void fault_on_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    if (__real_pthread_create(&thread, NULL, body, arg) != 0)
        abort();
    pthread_join(thread, NULL);
}

WRAPPED(int, pthread_key_create, pthread_key_t *key, void (*end)(void *))
{
    int saved = errno; /* this one needs no memory */
    if (!fails(FAULT_KEY))
        return __real_pthread_key_create(key, end);
    errno = saved;
    return plan.error;
}

WRAPPED(int, pthread_setspecific, pthread_key_t key, const void *value)
{
    return value && fails(FAULT_VALUE) ? errno : __real_pthread_setspecific(key, value);
}

WRAPPED(int, pthread_atfork, void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return fails(FAULT_ATFORK) ? errno : __real_pthread_atfork(prepare, parent, child);
}

WRAPPED(int, sched_setaffinity, pid_t thread, size_t bytes, const cpu_set_t *set)
{
    return fails(FAULT_AFFINITY) ? -1 : __real_sched_setaffinity(thread, bytes, set);
}

WRAPPED(int, sigaltstack, const stack_t *stack, stack_t *old)
{
    return stack && fails(FAULT_ALTSTACK) ? -1 : __real_sigaltstack(stack, old);
}

/* ---- system calls by their number ---- */

static enum fault_kind kind_of(long number, int operation)
{
    if (number == SYS_membarrier)
        return FAULT_MEMBARRIER;
    if (number == SYS_futex)
        return (operation & FUTEX_CMD_MASK) == FUTEX_WAKE ? FAULT_WAKE : FAULT_WAIT;
    return FAULT_NONE;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) /* as the C library's own: more than there are may be read, and mean nothing */
        a[i] = va_arg(args, long);
    va_end(args);
    enum fault_kind kind = kind_of(number, (int)a[1]);
    return kind != FAULT_NONE && fails(kind) ? -1 : __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
