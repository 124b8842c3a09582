/* L0: what filch asks of the operating system, in one place.  Results are 0 or a negative FILCH_E...; errno is left
 * as it was. */
#ifndef FL_OS_H
#define FL_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

/* Zeroed pages, touched as used, aligned to a page; NULL if there are none. */
void *fl_os_map(size_t bytes);
void fl_os_unmap(void *memory, size_t bytes);

/* Processors in this thread's affinity mask; at least 1. */
unsigned fl_os_cpu_count(void);
/* Processors of the machine that run; 0 if that is not known. */
unsigned fl_os_online_count(void);
/* It has several nodes of memory. */
bool fl_os_has_nodes(void);
/* The calling thread on these processors, by the kernel's numbers. */
int fl_os_bind(const unsigned *cpu, size_t n);
/* Memory that was touched is moved to the calling thread's node, if the kernel likes; a few pages at most. */
void fl_os_bring(const void *memory, size_t bytes);
/* The calling thread's affinity, to be freed; NULL without memory. */
void *fl_os_affinity_save(void);
void fl_os_affinity_restore(const void *saved); /* NULL: nothing */
void fl_os_affinity_free(void *saved);

/* Linux in a virtual machine: a processor that sleeps looks as if the host had taken it away, so a thread that has
 * slept long is often woken on its waker's processor, and waits there for the waker's slice to end, some 3 ms
 * (docs/decisions/0009). */
bool fl_os_wakes_late(void);
/* The kernel's number of the calling thread. */
int fl_os_thread_id(void);
/* The calling thread may set its own affinity, which stays as it is. */
bool fl_os_may_return(void);
/* Takes the calling thread's processor out of the affinity of `thread`, another thread that sleeps.  That processor, or
 * -1: nothing was changed, as for a thread that is not of this process.  4 us, and 20 to 25 us when all is cold. */
int fl_os_keep_away(int thread);
/* The calling thread may run on cpu again. */
void fl_os_let_back(int cpu);
/* The calling thread's processor, as it is now; -1 if the kernel does not say. */
int fl_os_cpu(void);
/* Moves the calling thread to another processor if it runs on cpu; its affinity stays as it is.  For a new thread,
 * which else begins where it was made, for the reason of fl_os_wakes_late.  10 us. */
void fl_os_step_aside(int cpu);

/* A thread that takes no asynchronous signal but SIGPROF. */
int fl_os_thread(pthread_t *thread, void *(*body)(void *), void *arg);
/* Of the calling thread; at most 15 bytes.  (By another thread it takes three calls on a file of /proc, as long as to
 * make the thread.) */
void fl_os_name_thread(const char *name);
/* Bytes of a fiber's stack if the user does not say: as deep as main's, at least 8 MiB. */
size_t fl_os_stack_size(void);
bool fl_os_is_main_thread(void);
/* The bounds of the calling thread's own stack, or an empty stack where they are not known.  For main's thread it reads
 * a file of /proc. */
void fl_os_stack_bounds(uintptr_t *low, uintptr_t *high);
void fl_os_yield(void);
/* Timed waits of this thread end within some us of their time. */
void fl_os_fine_timers(void);

/* Nanoseconds of a clock that never goes back; no system call where the vDSO has it. */
uint64_t fl_os_now(void);

/* ---- stacks of fibers (os_stack.c) ---- */

/* How a guard page is made, probed by effect when the first one is made. */
enum fl_os_guard { FL_GUARD_UNKNOWN, FL_GUARD_INSTALL, FL_GUARD_PROTECT };
enum fl_os_guard fl_os_guard_kind(void); /* never FL_GUARD_UNKNOWN */
/* For tests, before all that needs guard pages: as if the kernel had no guard call. */
void fl_os_deny_guard(void);
/* Most stacks with guard pages that this process may have, with room left for the user's own maps. */
size_t fl_os_most_stacks(void);
/* `bytes`, a multiple of a page, of zeroed memory touched as used, MAP_STACK and without huge pages; NULL if there is
 * none. */
void *fl_os_stack_map(size_t bytes);
/* Makes the page at `page` fault at any access.  False if the kernel refuses: the map limit is reached. */
bool fl_os_guard(void *page);
/* The memory is kept, its pages go back to the kernel. */
void fl_os_stack_trim(void *memory, size_t bytes);
size_t fl_os_page_size(void);

/* ---- waiting, and fences for other threads (os_wait.c) ---- */

/* word: an FL_ATOMIC(uint32_t).  Sleeps while it is `expected`, at most `ns` nanoseconds if that is not zero.  May
 * return for no reason, and orders nothing. */
void fl_os_futex_wait(const void *word, uint32_t expected, uint64_t ns);
/* Reads no byte of *word, which may be gone already. */
void fl_os_futex_wake(const void *word, int at_most);
/* True if membarrier works here: then fl_os_fence_heavy is a seq_cst fence in every thread of the process, and a
 * compiler barrier is the light half of a Dekker pair with it.  Otherwise it is a seq_cst fence of this thread only,
 * and nobody may rely on light fences.  Probed once per process: there are never two kinds of fence.  A process that
 * denies itself membarrier after that is told so and ends at its next heavy fence. */
bool fl_os_has_heavy(void);
void fl_os_fence_heavy(void);
/* For tests, before the first call of the two above: as if membarrier were denied. */
void fl_os_deny_heavy(void);

#endif
