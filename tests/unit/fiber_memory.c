/* The memory of fibers: address space, guard pages, stacks, how much each costs.
 *
 *   Compiled twice, as fiber.c. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "fiber_turns.h"
#include "os.h"

TestSuite(fiber_memory, .timeout = 55);

static int turns;

static void count_turns(void)
{
    for (;;) {
        turns++;
        back();
    }
}

/* ---- address space and maps ---- */

static size_t field_of_status(const char *name)
{
    char line[256];
    size_t value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    cr_assert(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = (size_t)strtoull(line + strlen(name) + 1, NULL, 10) * 1024;
    fclose(file);
    return value;
}

static size_t count_maps(void)
{
    size_t n = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    cr_assert(file);
    for (int c; (c = getc(file)) != EOF;)
        n += c == '\n';
    fclose(file);
    return n;
}

Test(fiber_memory, without_address_space_there_is_none_and_nothing_leaks)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer needs the address space");
    begin_with(count_turns);
    struct rlimit old, tight;
    size_t before = field_of_status("VmSize:");
    getrlimit(RLIMIT_AS, &old);
    tight = old;
    tight.rlim_cur = before + 3 * fibers.stride + fibers.stride / 2;
    cr_assert_eq(setrlimit(RLIMIT_AS, &tight), 0);
    if (fl_os_map(4 * fibers.stride))
        cr_skip_test("the limit on address space is not kept here"); /* by qemu-user */
    struct fl_fiber *f[4];
    size_t n = 0;
    while (n < 4 && (f[n] = fl_fibers_get(&fibers)))
        n++;
    struct fl_fiber *more = fl_fibers_get(&fibers);
    setrlimit(RLIMIT_AS, &old);
    cr_assert_eq(n, 3u, "slabs are made smaller until they fit");
    cr_assert_null(more);
    cr_assert_eq(field_of_status("VmSize:") - before, 3 * fibers.stride);
    go(get());
    cr_assert_eq(fibers.made, 4u);
    size_t stride = fibers.stride;
    end();
    size_t after = field_of_status("VmSize:");
    cr_assert(after < before + stride, "%zu kB are left", (after - before) / 1024);
}

/* Reads as a signal would tell, without one: a system call that is given the page. */
static bool faults(const char *page)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool failed = write(ends[1], page, 1) < 0 && errno == EFAULT;
    close(ends[0]);
    close(ends[1]);
    return failed;
}

/* The kernel's limit. */
static size_t most_maps(void)
{
    size_t most = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    cr_assert(file && fscanf(file, "%zu", &most) == 1);
    fclose(file);
    return most;
}

static void each_guard_faults(void)
{
    begin_with(count_turns);
    for (int i = 0; i < 40; i++) {
        struct fl_fiber *f = get();
        cr_assert(faults(f->guard));
        cr_assert(faults(f->stack_low - 1));
        cr_assert_not(faults(f->stack_low));
        cr_assert_not(faults(f->stack_low + f->stack_size - 1));
    }
}

Test(fiber_memory, the_guard_call_is_used_where_it_works)
{
    char *page = fl_os_map(fl_os_page_size());
    cr_assert(page);
    bool works = madvise(page, fl_os_page_size(), 102) == 0 && faults(page);
    cr_assert_eq(fl_os_guard_kind(), works ? FL_GUARD_INSTALL : FL_GUARD_PROTECT);
    fl_os_unmap(page, fl_os_page_size());
}

/* As under qemu-user: madvise answers 0 to MADV_GUARD_INSTALL and does nothing. */
Test(fiber_memory, a_guard_call_without_effect_is_not_believed)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), /* of errno 0 */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        cr_skip_test("there are no seccomp filters here");
    each_guard_faults();
    cr_assert_eq(fl_os_guard_kind(), FL_GUARD_PROTECT);
    end();
}

Test(fiber_memory, each_has_a_guard_page)
{
    size_t maps = count_maps();
    each_guard_faults();
    if (fl_os_guard_kind() == FL_GUARD_INSTALL) {
        cr_assert(fl_os_most_stacks() >= 1000000);
        if (!SANITIZED)
            cr_assert(count_maps() <= maps + 8, "the guard call splits no map");
    }
    end();
}

Test(fiber_memory, each_has_a_guard_page_where_the_kernel_has_no_guard_call)
{
    fl_os_deny_guard();
    size_t maps = count_maps();
    each_guard_faults();
    cr_assert_eq(fl_os_guard_kind(), FL_GUARD_PROTECT);
    cr_assert(fl_os_most_stacks() >= 1000 && fl_os_most_stacks() < 1 << 30);
    cr_assert_eq(fl_fibers_most(&fibers),
                 SANITIZED && fibers.most < fl_os_most_stacks() ? fibers.most : fl_os_most_stacks());
    if (!SANITIZED)
        cr_assert(count_maps() >= maps + 80, "this way costs two maps a fiber");
    end();
}

/* The kernel counts the maps of a process, not of a pool. */
Test(fiber_memory, the_limit_is_shared_by_all_pools)
{
    enum { MOST = 10, FIRST = 6 };
    begin_with(count_turns);
    struct fl_fibers other;
    fl_fibers_init(&other, 1 << 16, 64, count_turns);
    fibers.most = other.most = MOST;
    for (int i = 0; i < FIRST; i++)
        get();
    size_t n = 0;
    while (fl_fibers_get(&other))
        n++;
    cr_assert_eq(n, MOST - FIRST);
    cr_assert_null(fl_fibers_get(&fibers));
    fl_fibers_destroy(&other);
    for (int i = FIRST; i < MOST; i++)
        get();
    cr_assert_null(fl_fibers_get(&fibers));
    end();
}

Test(fiber_memory, where_the_kernel_refuses_a_guard_page_there_is_none_and_nothing_is_lost)
{
    if (SANITIZED)
        cr_skip_test("a sanitizer's own maps fail first");
    fl_os_deny_guard();
    size_t most = most_maps();
    if (most > 100000)
        cr_skip_test("the kernel's limit on maps is too high to be reached quickly");
    cr_assert(fl_os_most_stacks() <= most / 2 - most / 30, "no room is left for the program's own maps");
    begin_with(count_turns);
    cr_assert(fl_fibers_most(&fibers) > most / 3);
    fibers.most = SIZE_MAX;
    enum { OTHERS = 8 };
    void *others[OTHERS]; /* maps that can be given back */
    for (int i = 0; i < OTHERS; i++) {
        others[i] = fl_os_map(3 * fl_os_page_size());
        cr_assert(others[i] && fl_os_guard((char *)others[i] + fl_os_page_size()));
    }
    struct fl_fiber *f, *last = NULL;
    while ((f = fl_fibers_get(&fibers)))
        last = f;
    cr_assert(fibers.made >= fl_os_most_stacks(), "the limit is below what there is: %zu", fibers.made);
    cr_assert_null(fl_fibers_get(&fibers));
    cr_assert(faults(last->guard));
    go(last);
    fl_fibers_put(&fibers, last);
    cr_assert_eq(get(), last);
    go(last);
    cr_assert_eq(turns, 2);
    for (int i = 0; i < OTHERS; i++)
        fl_os_unmap(others[i], 3 * fl_os_page_size());
    f = get();
    go(f);
    if ((fibers.made - 1) % 16) /* else it is the first of a slab, which may lie anywhere */
        cr_assert_eq(f->guard, last->guard + fibers.stride, "the refused place is not used");
    end();
    begin_with(count_turns);
    go(get());
    end();
}

static void touch_guard(void)
{
    *(volatile char *)(current->stack_low - 1) = 1;
    back();
}

Test(fiber_memory, a_touched_guard_page_ends_the_program, .signal = SIGSEGV)
{
    begin_with(touch_guard);
    go(get());
}

static volatile unsigned deepest;

__attribute__((noinline)) static unsigned recurse(unsigned depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    deepest = depth;
    if (depth < 1u << 24)
        return recurse(depth + 1) + (unsigned)frame[0];
    return depth;
}

static void recurse_for_ever(void)
{
    (void)recurse(0);
    back();
}

Test(fiber_memory, endless_recursion_ends_the_program, .signal = SIGSEGV)
{
    begin_with(recurse_for_ever);
    go(get());
}

/* ---- the stack ---- */

static size_t wanted;

/* A frame of `wanted` bytes, its lowest and highest written. */
__attribute__((noinline)) static void use_stack(void)
{
    volatile char *frame = __builtin_alloca(wanted);
    for (size_t i = 0; i < wanted; i += 4096)
        frame[i] = 1;
    frame[wanted - 1] = 1;
}

static void use_stack_once(void)
{
    for (;;) {
        use_stack();
        back();
    }
}

Test(fiber_memory, all_of_the_stack_can_be_used)
{
    begin_with(use_stack_once);
    wanted = STACK - 16384;
    go(get());
    end();
}

static size_t resident(const struct fl_fiber *f)
{
    static unsigned char present[STACK / 4096 + 2];
    size_t page = fl_os_page_size(), n = 0, pages = f->stack_size / page;
    cr_assert_eq(mincore(f->stack_low, pages * page, present), 0);
    for (size_t i = 0; i < pages; i++)
        n += present[i] & 1;
    return n;
}

static bool frame_is_whole;

static void use_and_remember(void)
{
    unsigned char mine[3000];
    for (;;) {
        for (size_t i = 0; i < sizeof mine; i++)
            mine[i] = (unsigned char)(i * 7);
        use_stack();
        back();
        frame_is_whole = true;
        for (size_t i = 0; i < sizeof mine; i++)
            frame_is_whole = frame_is_whole && mine[i] == (unsigned char)(i * 7);
        back();
    }
}

Test(fiber_memory, pages_of_pooled_stacks_go_back_but_not_their_frames)
{
    size_t page = fl_os_page_size();
    begin_with(use_and_remember);
    fibers.keep = 2;
    wanted = 1 << 20;
    struct fl_fiber *f[4];
    for (int i = 0; i < 4; i++) {
        f[i] = get();
        go(f[i]);
        cr_assert(resident(f[i]) >= wanted / page);
    }
    for (int i = 0; i < 4; i++)
        fl_fibers_put(&fibers, f[i]);
    for (int i = 0; i < 4; i++) {
        if (i < 2)
            cr_assert(resident(f[i]) >= wanted / page, "fiber %d is one of those that keep their pages", i);
        else
            cr_assert(resident(f[i]) <= 16384 / page + 1, "fiber %d keeps %zu pages", i, resident(f[i]));
    }
    for (int i = 3; i >= 0; i--) {
        cr_assert_eq(get(), f[i]);
        frame_is_whole = false;
        go(f[i]);
        cr_assert(frame_is_whole, "fiber %d", i);
        go(f[i]);
        cr_assert(resident(f[i]) >= wanted / page, "the stack is usable again");
    }
    end();
}

/* ---- many ---- */

static size_t wrong_values;

static void remember(void)
{
    for (;;) {
        struct fl_fiber *volatile me = current;
        uintptr_t value = (uintptr_t)me * 3;
        back();
        wrong_values += me != current || value != (uintptr_t)current * 3;
        turns++;
        back();
    }
}

static void suspend_many(size_t many)
{
    begin_with(remember);
    struct fl_fiber *all = NULL;
    size_t memory = field_of_status("VmRSS:"), tables = field_of_status("VmPTE:");
    for (size_t i = 0; i < many; i++) {
        struct fl_fiber *f = get();
        f->next = all;
        all = f;
        *(uintptr_t *)filch_detail_slot_at(&f->deque->hot, f->deque->hot.base) = i; /* as a spawn does */
        go(f);
    }
    memory = field_of_status("VmRSS:") - memory;
    tables = field_of_status("VmPTE:") - tables;
    cr_assert_eq(fibers.in_use, many);
    if (!SANITIZED && many >= 1000 && fl_os_guard_kind() == FL_GUARD_INSTALL) {
        cr_assert(memory / many <= 2 * fl_os_page_size() + 512, "%zu bytes each", memory / many);
        cr_assert(tables / many <= 2 * fl_os_page_size() + 512, "%zu bytes of page tables each", tables / many);
    }
    for (struct fl_fiber *f = all; f; f = f->next)
        go(f);
    cr_assert_eq((size_t)turns, many);
    cr_assert_eq(wrong_values, 0u);
    for (struct fl_fiber *f = all, *next; f; f = next) {
        next = f->next;
        fl_fibers_put(&fibers, f);
    }
    cr_assert_eq(fibers.peak, many);
    cr_assert_eq(fibers.pooled, many);
    end();
}

Test(fiber_memory, many_are_suspended)
{
    bool room = sysconf(_SC_AVPHYS_PAGES) > 3l * 1024 * 1024 * 1024 / sysconf(_SC_PAGESIZE); /* it takes 1.6 GB */
    suspend_many(SANITIZED ? 2000 : room && fl_os_guard_kind() == FL_GUARD_INSTALL ? 100000 : 20000);
}

Test(fiber_memory, many_are_suspended_without_the_guard_call)
{
    fl_os_deny_guard();
    suspend_many(2000);
}

/* ---- manners ---- */

Test(fiber_memory, errno_is_left_alone)
{
    errno = 77;
    fl_os_deny_guard();
    (void)fl_os_guard_kind();
    (void)fl_os_most_stacks();
    cr_assert_eq(errno, 77);
    if (!SANITIZED) /* which has an opinion about such sizes */
        cr_assert_null(fl_os_stack_map((size_t)1 << 60));
    cr_assert_eq(errno, 77);
    char *memory = fl_os_stack_map(4 * fl_os_page_size());
    cr_assert(memory && fl_os_guard(memory));
    cr_assert_not(fl_os_guard(memory + 1), "not a page");
    fl_os_stack_trim(memory + 1, 1);
    cr_assert_eq(errno, 77);
    fl_os_unmap(memory, 4 * fl_os_page_size());
    cr_assert_eq(errno, 77);
}

Test(fiber_memory, errno_is_left_alone_by_the_probe)
{
    errno = 77;
    (void)fl_os_guard_kind();
    cr_assert_eq(errno, 77);
}
