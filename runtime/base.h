/* L0: the words that every file uses. */
#ifndef FL_BASE_H
#define FL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filch/detail/hot.h"

#define FL_LIKELY(c) FILCH_DETAIL_LIKELY(c)
#define FL_UNLIKELY(c) FILCH_DETAIL_UNLIKELY(c)

/* Two lines: the adjacent-line prefetcher of x86 drags the neighbour in (Intel 64 and IA-32 Optimization Manual,
 * "Spatial prefetcher"). */
#define FL_CACHE_LINE 128

/* FL_CHECK_SLOW looks at a whole structure.  Off unless FL_DEBUG, but always compiled. */
#if !defined FL_DEBUG
#define FL_DEBUG 0
#endif
#define FL_CHECK_SLOW(c) (!FL_DEBUG || FL_LIKELY(c) ? (void)0 : fl_broken(#c, __FILE__, __LINE__))
__attribute__((cold, noreturn)) void fl_broken(const char *condition, const char *file, int line);

/* Counters that one thread writes and any thread may read: no order is asked of them. */
#if defined FL_MODEL
#define fl_bump(p, n) ((void)(p), (void)(n))
#else
#define fl_bump(p, n) fl_store_rlx(count, p, fl_load_rlx(count, p) + (n))
#endif

#endif
