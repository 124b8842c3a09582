#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined __x86_64__ && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#elif defined __x86_64__
#include <cpuid.h>
#endif

#include "filch/error.h"

void *fl_os_map(size_t bytes)
{
    int saved = errno;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    errno = saved;
    return memory == MAP_FAILED ? NULL : memory;
}

void fl_os_unmap(void *memory, size_t bytes)
{
    int saved = errno;
    if (memory)
        (void)munmap(memory, bytes); /* fails only for arguments that we did not get from mmap */
    errno = saved;
}

/* ---- processors ---- */

/* The kernel refuses a set that is smaller than its own: grow until it fits. */
struct affinity {
    size_t bytes;
    cpu_set_t *set;
};

static bool affinity_read(struct affinity *a)
{
    int saved = errno;
    for (size_t cpus = 1024; cpus <= (size_t)1 << 20; cpus *= 2) {
        a->bytes = CPU_ALLOC_SIZE(cpus);
        a->set = CPU_ALLOC(cpus);
        if (!a->set)
            break;
        if (sched_getaffinity(0, a->bytes, a->set) == 0) {
            errno = saved;
            return true;
        }
        CPU_FREE(a->set);
        if (errno != EINVAL)
            break;
    }
    a->set = NULL;
    errno = saved;
    return false;
}

unsigned fl_os_cpu_count(void)
{
    struct affinity a;
    if (!affinity_read(&a))
        return 1;
    int n = CPU_COUNT_S(a.bytes, a.set);
    CPU_FREE(a.set);
    return n > 0 ? (unsigned)n : 1;
}

unsigned fl_os_online_count(void)
{
    int saved = errno;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    errno = saved;
    return n > 0 ? (unsigned)n : 0;
}

bool fl_os_has_nodes(void)
{
    char list[64];
    int saved = errno, fd = open("/sys/devices/system/node/online", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list);
    if (fd >= 0)
        close(fd);
    errno = saved;
    return n > 0 && (memchr(list, '-', (size_t)n) || memchr(list, ',', (size_t)n));
}

int fl_os_bind(const unsigned *cpu, size_t n)
{
    int saved = errno, result = FILCH_ENOMEM;
    unsigned last = 0;
    for (size_t i = 0; i < n; i++)
        last = cpu[i] > last ? cpu[i] : last;
    size_t bytes = CPU_ALLOC_SIZE(last + 1);
    cpu_set_t *set = CPU_ALLOC(last + 1);
    if (set) {
        CPU_ZERO_S(bytes, set);
        for (size_t i = 0; i < n; i++)
            CPU_SET_S(cpu[i], bytes, set);
        result = sched_setaffinity(0, bytes, set) == 0 ? 0 : FILCH_EPIN;
        CPU_FREE(set);
    }
    errno = saved;
    return result;
}

void fl_os_bring(const void *memory, size_t bytes)
{
    enum { MOST = 16, MOVE = 1 << 1 /* MPOL_MF_MOVE */ };
    void *page[MOST];
    int node[MOST], status[MOST], saved = errno;
    unsigned cpu, here;
    uintptr_t size = fl_os_page_size(), at = (uintptr_t)memory & ~(size - 1), end = (uintptr_t)memory + bytes;
    unsigned long n = 0;
    if (syscall(SYS_getcpu, &cpu, &here, NULL) == 0) {
        for (; at < end && n < MOST; at += size, n++) {
            page[n] = (void *)at; /* a page of memory's */
            node[n] = (int)here;
        }
        (void)syscall(SYS_move_pages, 0, n, page, node, status, MOVE); /* what stays is slower, no more */
    }
    errno = saved;
}

void *fl_os_affinity_save(void)
{
    int saved = errno;
    struct affinity *a = malloc(sizeof *a);
    if (a && !affinity_read(a)) {
        free(a);
        a = NULL;
    }
    errno = saved;
    return a;
}

void fl_os_affinity_restore(const void *saved)
{
    const struct affinity *a = saved;
    int error = errno;
    if (a)
        (void)sched_setaffinity(0, a->bytes, a->set); /* refused only if the mask was taken from us meanwhile */
    errno = error;
}

void fl_os_affinity_free(void *saved)
{
    struct affinity *a = saved;
    if (a)
        CPU_FREE(a->set);
    free(a);
}

static bool wakes_late; /* false: arm64's vcpu_is_preempted is always false; others have not been tried */

#if defined __x86_64__
/* The bit that hypervisors set.  In a virtual machine the instruction takes 10 us or more, and glibc has asked. */
static void ask_processor(void)
{
#if __has_include(<sys/platform/x86.h>)
    wakes_late = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1)->cpuid_array[2] >> 31; /* eax, ebx, ecx */
#else
    unsigned a, b, c, d;
    wakes_late = __get_cpuid(1, &a, &b, &c, &d) && c >> 31;
#endif
}
#endif

bool fl_os_wakes_late(void)
{
#if defined __x86_64__
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ask_processor);
#endif
    return wakes_late;
}

int fl_os_thread_id(void)
{
    return (int)syscall(SYS_gettid); /* never fails */
}

enum { SETS = 8 }; /* processors in them: as many as a kernel can have on x86 */

bool fl_os_may_return(void)
{
    cpu_set_t set[SETS];
    int saved = errno;
    bool may = sched_getaffinity(0, sizeof set, set) == 0 && sched_setaffinity(0, sizeof set, set) == 0;
    errno = saved;
    return may;
}

int fl_os_keep_away(int thread)
{
    cpu_set_t set[SETS];
    int saved = errno, here = sched_getcpu(), away = -1;
    /* signal 0 only asks: in the child of a fork the number is that of the parent's thread */
    if (here >= 0 && syscall(SYS_tgkill, getpid(), thread, 0) == 0 &&
        sched_getaffinity(thread, sizeof set, set) == 0 && CPU_ISSET_S((size_t)here, sizeof set, set)) {
        CPU_CLR_S((size_t)here, sizeof set, set);
        if (sched_setaffinity(thread, sizeof set, set) == 0) /* refused if nothing is left */
            away = here;
    }
    errno = saved;
    return away;
}

void fl_os_let_back(int cpu)
{
    cpu_set_t set[SETS];
    int saved = errno;
    if (sched_getaffinity(0, sizeof set, set) == 0) {
        CPU_SET_S((size_t)cpu, sizeof set, set);
        (void)sched_setaffinity(0, sizeof set, set); /* fl_os_may_return has tried it */
    }
    errno = saved;
}

int fl_os_cpu(void)
{
    int saved = errno, cpu = sched_getcpu();
    errno = saved;
    return cpu;
}

void fl_os_step_aside(int cpu)
{
    cpu_set_t set[SETS], rest[SETS];
    int saved = errno, tries = 0;
    if (cpu >= 0 && sched_getcpu() == cpu && sched_getaffinity(0, sizeof set, set) == 0) {
        memcpy(rest, set, sizeof set);
        CPU_CLR_S((size_t)cpu, sizeof rest, rest);
        if (sched_setaffinity(0, sizeof rest, rest) == 0) /* refused if nothing is left */
            while (sched_setaffinity(0, sizeof set, set) != 0 && ++tries < 3)
                continue;
    }
    errno = saved;
}

/* ---- threads ---- */

int fl_os_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
    int saved = errno;
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGPROF); /* profilers count on it */
    /* synchronous ones must reach the thread that caused them */
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
        sigdelset(&all, synchronous[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* inherited by the new thread */
    int error = pthread_create(thread, NULL, body, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = saved;
    return error == 0 ? 0 : FILCH_ETHREAD;
}

void fl_os_name_thread(const char *name)
{
    int saved = errno;
    (void)prctl(PR_SET_NAME, name); /* a help for people, nothing depends on it */
    errno = saved;
}

size_t fl_os_stack_size(void)
{
    enum { LEAST = 8 << 20 };
    int saved = errno;
    struct rlimit limit;
    size_t size = LEAST;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur > LEAST)
        size = (size_t)limit.rlim_cur;
    errno = saved;
    return size;
}

void fl_os_stack_bounds(uintptr_t *low, uintptr_t *high)
{
    int saved = errno;
    pthread_attr_t attributes;
    void *stack;
    size_t size;
    *low = *high = UINTPTR_MAX;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &stack, &size) == 0) {
            *low = (uintptr_t)stack;
            *high = *low + size;
        }
        pthread_attr_destroy(&attributes);
    }
    errno = saved;
}

bool fl_os_is_main_thread(void)
{
    return gettid() == getpid();
}

void fl_os_yield(void)
{
    int saved = errno;
    (void)sched_yield(); /* never fails on Linux */
    errno = saved;
}

void fl_os_fine_timers(void)
{
    int saved = errno;
    (void)prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul); /* 50 us by default; refused, they are late */
    errno = saved;
}
