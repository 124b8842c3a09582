#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

static bool denied;
static FL_ATOMIC(int) kind = {FL_GUARD_UNKNOWN}; /* whoever finds it out finds the same */

/* By effect: qemu-user and gVisor answer 0 to advice that they do not know.  That the page faults is learned from one
 * system call that reads it, without a signal: a wait for a word that is not 1, which else fails with EAGAIN. */
static bool guard_call_works(void *page)
{
    bool works = !denied && madvise(page, fl_os_page_size(), MADV_GUARD_INSTALL) == 0 &&
                 syscall(SYS_futex, page, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0) < 0 && errno == EFAULT;
    fl_store_rlx(guard_found, &kind, works ? FL_GUARD_INSTALL : FL_GUARD_PROTECT); /* of itself */
    return works;
}

enum fl_os_guard fl_os_guard_kind(void)
{
    int saved = errno;
    if (fl_load_rlx(guard_asked, &kind) == FL_GUARD_UNKNOWN) { /* of itself */
        void *page = fl_os_map(fl_os_page_size());
        if (!page)
            return FL_GUARD_PROTECT; /* for now */
        (void)guard_call_works(page);
        fl_os_unmap(page, fl_os_page_size());
    }
    errno = saved;
    return (enum fl_os_guard)fl_load_rlx(guard_kind, &kind); /* of itself */
}

void fl_os_deny_guard(void)
{
    denied = true;
}

/* For who may neither advise nor protect.  It forgets what was there. */
static bool is_replaced(void *page, size_t bytes)
{
    enum { FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED };
    return (uintptr_t)page % bytes == 0 && mmap(page, bytes, PROT_NONE, FLAGS, -1, 0) == page;
}

bool fl_os_guard(void *page)
{
    int saved = errno;
    size_t bytes = fl_os_page_size();
    int known = fl_load_rlx(guard_known, &kind); /* of itself */
    /* The call refuses memory that mlockall locked (before Linux 6.15); the other way works there, too. */
    bool made = known == FL_GUARD_UNKNOWN ? guard_call_works(page)
                                          : known == FL_GUARD_INSTALL && madvise(page, bytes, MADV_GUARD_INSTALL) == 0;
    made = made || mprotect(page, bytes, PROT_NONE) == 0 || is_replaced(page, bytes);
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
