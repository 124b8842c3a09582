#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

size_t fl_os_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE); /* glibc has it from the auxiliary vector: no system call, no failure */
}

void *fl_os_stack_map(size_t bytes)
{
    int saved = errno;
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        memory = NULL;
    else
        (void)madvise(memory, bytes, MADV_NOHUGEPAGE); /* refused by kernels that have no huge pages */
    errno = saved;
    return memory;
}

void fl_os_stack_trim(void *memory, size_t bytes)
{
    int saved = errno;
    (void)madvise(memory, bytes, MADV_DONTNEED); /* refused for locked memory, which its user wants to stay */
    errno = saved;
}

/* ---- guard pages ---- */

static pthread_once_t probed = PTHREAD_ONCE_INIT;
static bool denied;
static enum fl_os_guard kind = FL_GUARD_PROTECT;

/* By effect: qemu-user and gVisor answer 0 to advice that they do not know.  That the page faults is learned from a
 * system call that reads it, without a signal. */
static bool guard_call_works(void)
{
    size_t page = fl_os_page_size();
    int ends[2];
    bool works = false;
    void *memory = fl_os_map(page);
    if (!memory)
        return false;
    if (madvise(memory, page, MADV_GUARD_INSTALL) == 0 && pipe2(ends, O_CLOEXEC) == 0) {
        works = write(ends[1], memory, 1) < 0 && errno == EFAULT;
        close(ends[0]);
        close(ends[1]);
    }
    fl_os_unmap(memory, page);
    return works;
}

static void probe(void)
{
    int saved = errno;
    if (!denied && guard_call_works())
        kind = FL_GUARD_INSTALL;
    errno = saved;
}

enum fl_os_guard fl_os_guard_kind(void)
{
    pthread_once(&probed, probe);
    return kind;
}

void fl_os_deny_guard(void)
{
    denied = true;
}

bool fl_os_guard(void *page)
{
    int saved = errno;
    size_t bytes = fl_os_page_size();
    /* The call refuses memory that mlockall locked (before Linux 6.15); the other way works there, too. */
    bool made = (fl_os_guard_kind() == FL_GUARD_INSTALL && madvise(page, bytes, MADV_GUARD_INSTALL) == 0) ||
                mprotect(page, bytes, PROT_NONE) == 0;
    errno = saved;
    return made;
}

/* The kernel's limit on the maps of a process, or its default. */
static size_t most_maps(void)
{
    size_t most = 65530;
    char text[32];
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        if (n > 0) {
            text[n] = 0;
            most = (size_t)strtoull(text, NULL, 10);
        }
    }
    return most;
}

size_t fl_os_most_stacks(void)
{
    enum { MOST = 1 << 22 }; /* 16 MiB of addresses each are half of what x86-64 has */
    if (fl_os_guard_kind() == FL_GUARD_INSTALL)
        return MOST;
    /* A protected page splits its map: two a stack.  A twelfth is left for the user's own maps. */
    int saved = errno;
    size_t maps = most_maps(), most = (maps - maps / 12) / 2;
    errno = saved;
    return most < MOST ? most : MOST;
}
