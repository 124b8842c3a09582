/* L0: what filch asks of the operating system, in one place.  Results are 0 or a negative FILCH_E...; errno is left
 * as it was. */
#ifndef FL_OS_H
#define FL_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed pages, touched as used, aligned to a page; NULL if there are none. */
void *fl_os_map(size_t bytes);
void fl_os_unmap(void *memory, size_t bytes);

/* Processors in this thread's affinity mask; at least 1. */
unsigned fl_os_cpu_count(void);
/* The calling thread on one processor, by the kernel's number. */
int fl_os_pin(unsigned cpu);
/* The calling thread's affinity, to be freed; NULL without memory. */
void *fl_os_affinity_save(void);
void fl_os_affinity_restore(const void *saved); /* NULL: nothing */
void fl_os_affinity_free(void *saved);

/* A thread that takes no asynchronous signal but SIGPROF; name has at most 15 bytes. */
int fl_os_thread(pthread_t *thread, size_t stack_size, const char *name, void *(*body)(void *), void *arg);
/* Bytes of a new thread's stack if the user does not say: as deep as main's, at least 8 MiB. */
size_t fl_os_stack_size(void);
bool fl_os_is_main_thread(void);
void fl_os_yield(void);

#endif
