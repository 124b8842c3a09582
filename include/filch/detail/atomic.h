/* The one place where filch touches memory that two threads share.
 *
 *   Purpose   Every atomic access of the library is one of the operations below: the name carries its memory
 *             order, the first argument names the *site*.  Compiled normally the site costs nothing.  Compiled with
 *             FL_MODEL the same calls go to the model checker (tests/model/), which knows each site by name and can
 *             weaken it at run time.
 *   Differs   from <stdatomic.h> and <atomic>: an FL_ATOMIC object is a struct around a plain value, so that C and
 *             C++ see one layout, a default-initialised task costs nothing in C++20, and an access that forgets this
 *             vocabulary does not compile (docs/decisions/0001-atomics-seam.md).
 *   Rules     An access stronger than relaxed is followed by a comment with its label and its partner; a relaxed one
 *             by its excuse.  A compare-and-swap is strong and its failure is relaxed.
 *   Reserved  The prefixes fl_ and FL_, like filch_ and FILCH_, belong to filch in any file that includes <filch.h>. */
#ifndef FILCH_DETAIL_ATOMIC_H
#define FILCH_DETAIL_ATOMIC_H

#define FL_ATOMIC(T)                                                                                                  \
    struct {                                                                                                          \
        T fl_value;                                                                                                   \
    }

#if defined FL_MODEL
#include "mc_atomic.h"
#else

#define fl_load_rlx(site, p) __atomic_load_n(&(p)->fl_value, __ATOMIC_RELAXED)
#define fl_load_acq(site, p) __atomic_load_n(&(p)->fl_value, __ATOMIC_ACQUIRE)

#define fl_store_rlx(site, p, v) __atomic_store_n(&(p)->fl_value, (v), __ATOMIC_RELAXED)
#define fl_store_rel(site, p, v) __atomic_store_n(&(p)->fl_value, (v), __ATOMIC_RELEASE)

/* Each returns the value before; `or` and `and` set and keep the bits of v. */
#define fl_xchg_acq(site, p, v) __atomic_exchange_n(&(p)->fl_value, (v), __ATOMIC_ACQUIRE)
#define fl_xchg_acq_rel(site, p, v) __atomic_exchange_n(&(p)->fl_value, (v), __ATOMIC_ACQ_REL)
#define fl_add_rlx(site, p, v) __atomic_fetch_add(&(p)->fl_value, (v), __ATOMIC_RELAXED)
#define fl_add_rel(site, p, v) __atomic_fetch_add(&(p)->fl_value, (v), __ATOMIC_RELEASE)
#define fl_add_acq_rel(site, p, v) __atomic_fetch_add(&(p)->fl_value, (v), __ATOMIC_ACQ_REL)

#define fl_or_rel(site, p, v) __atomic_fetch_or(&(p)->fl_value, (v), __ATOMIC_RELEASE)
#define fl_and_acq(site, p, v) __atomic_fetch_and(&(p)->fl_value, (v), __ATOMIC_ACQUIRE)
#define fl_and_acq_rel(site, p, v) __atomic_fetch_and(&(p)->fl_value, (v), __ATOMIC_ACQ_REL)

/* True if *p was *expected and is now v; otherwise *expected is the value found. */
#define fl_cas_rlx(site, p, expected, v)                                                                              \
    __atomic_compare_exchange_n(&(p)->fl_value, (expected), (v), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define fl_cas_acq(site, p, expected, v)                                                                              \
    __atomic_compare_exchange_n(&(p)->fl_value, (expected), (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define fl_cas_rel(site, p, expected, v)                                                                              \
    __atomic_compare_exchange_n(&(p)->fl_value, (expected), (v), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define fl_cas_acq_rel(site, p, expected, v)                                                                          \
    __atomic_compare_exchange_n(&(p)->fl_value, (expected), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define fl_cas_sc(site, p, expected, v)                                                                               \
    __atomic_compare_exchange_n(&(p)->fl_value, (expected), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

/* Only ever one half of a Dekker pair whose other half is named beside it: ThreadSanitizer models no fence. */
#define fl_fence_sc(site) __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* A Dekker pair of which one half costs nothing: light is a barrier for the compiler, heavy a seq_cst fence in every
 * thread of the process (runtime/os.h).  Heavy pairs with light, with heavy and with fl_fence_sc; light against light
 * gives nothing.  Where the system has no such call (fl_os_has_heavy) light still costs nothing, heavy is a fence of
 * the caller alone, and nobody may rely on the pair: runtime/idle.c does not look at private tasks there. */
#define fl_fence_light(site) __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define fl_fence_heavy(site) fl_os_fence_heavy()

/* In every loop that waits for another thread.  The model checker runs the others here. */
#if defined __x86_64__ || defined __i386__
#define fl_spin(site) __builtin_ia32_pause()
#elif defined __aarch64__
#define fl_spin(site) __asm__ volatile("isb" ::: "memory")
#else
#define fl_spin(site) __asm__ volatile("" ::: "memory")
#endif

/* A planted fault, by name: never in a build that is not FL_MODEL. */
#define FL_MUTANT(name) 0

#endif
#endif
