/* A runtime: worker slots, and the threads that work in them.
 *
 *   Slots     FILCH_NUM_WORKERS or config.workers counts them, the caller's included: 1 creates no thread.
 *   Default   The first spawn of a thread that works for no runtime starts the default one, if need be, and attaches
 *             the thread to it: main's until filch_stop, any other until it ends or filch_detach.
 *             Every call that takes a runtime takes NULL for the default one.
 *   Order     What the code says beats the environment beats the default.
 *   Environment
 *             FILCH_NUM_WORKERS  1 to 1024; default: the processors that this process may run on, or what its control
 *                                groups leave it of them (runtime/budget.h), rounded up
 *             FILCH_STACK        bytes of a fiber's stack, 64K to 1G (config.stack_size)
 *             FILCH_PIN          where workers run, of the inherited mask (config.pin):
 *                                auto       (default) each in one node of memory, if the machine has several, the mask
 *                                           is whole, and no other runtime of this process does so; else like none
 *                                none       anywhere
 *                                core       worker i on the i-th core, fast ones first; with more workers than cores,
 *                                           then on the cores' second processors
 *                                thread     the processors of a core one after the other
 *                                numa       like core, but on all processors of that node of memory
 *                                list:8,0-3 on these processors in this order, by the kernel's numbers
 *                                A runtime that filch_start has not started is bound when it is 5 ms old and a worker
 *                                looks for a task.  But for auto main's thread, or the first that is lent a slot, is
 *                                bound, too, and gets its mask back at the end; until then the threads that it creates
 *                                inherit that.  Not bound, in an x86 virtual machine: while a thread that has slept in
 *                                filch for long is woken, its mask lacks its waker's processor until it runs; a mask
 *                                that somebody else sets in that moment may have that processor afterwards, or be lost:
 *                                set it again.
 *   Filters   Of seccomp: filch works without sched_setaffinity, madvise and membarrier.  What it cannot do without, or
 *             was asked for, is a code of filch_start.  What worked at its first use it relies on: a filter that
 *             denies membarrier or futex later ends the process with a sentence.
 *   Signals   Handlers need no SA_RESTART.  Workers' threads take synchronous signals and SIGPROF only. */
#ifndef FILCH_RUNTIME_H
#define FILCH_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#if defined __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct filch_runtime filch_runtime;

enum filch_pin {
    FILCH_PIN_DEFAULT = 0, /* what FILCH_PIN says */
    FILCH_PIN_NONE = 1,
    FILCH_PIN_CORE = 2,
    FILCH_PIN_THREAD = 3,
    FILCH_PIN_NUMA = 4,
    FILCH_PIN_LIST = 5, /* config.pin_list */
    FILCH_PIN_AUTO = 6
};

/* Set to zero, then size = sizeof(filch_config); zero in a field means: the environment's, else the default. */
typedef struct filch_config {
    size_t size;      /* bytes; tells which fields the caller knows */
    unsigned workers; /* slots, 1 to 1024 */
    unsigned pin;     /* enum filch_pin */
    /* Slots of one worker's deque, 64 to 2^28, default 2^20; 8 bytes of address space each, touched as used.  A task
     * holds one from its spawn until it and all that were spawned after it are synced; where there is none a task runs
     * at its spawn. */
    size_t deque;
    /* Bytes of the stack that a stolen task runs on, at least 64 KiB; default: as deep as main's, at least 8 MiB.
     * Address space; memory as it is touched. */
    size_t stack_size;
    /* 1: an overflow of such a stack names the task and the worker on stderr before the program gets its SIGSEGV; that
     * takes a handler of that signal, which passes on to the one before, and an alternate stack for each thread that
     * works here and has none.  -1: no handler.  0: -1, but 1 in a debug build of the library. */
    int overflow_message;
    /* -1: a task that has begun stays on its thread, so over a sync it may keep addresses of thread-local variables,
     * own a mutex that knows its thread, call MPI.  A thread that has to wait then sleeps, and a spare one works in its
     * place; there are twice as many of these as workers, and beyond that a wait costs a place at work (but see
     * filch_submission_wait).  0 or 1: a task may go on on another thread after a sync; nobody waits. */
    int migrate;
    const char *pin_list; /* with FILCH_PIN_LIST: processors by the kernel's numbers, "8,0-3"; read by filch_start */
} filch_config;

/* Starts a runtime and stores it in *rt; rt NULL starts the default one.  config NULL: all defaults.
 * From any thread outside tasks.  Creates workers - 1 threads; about 20 us each.
 * Fork: the child has no runtime.  After a fork outside tasks, with none unsynced on that thread, it may use filch
 * afresh: its first spawn starts a default runtime.  A runtime of the parent's is gone there: filch_stop of it returns
 * 0, filch_run aborts with a sentence.  After a fork in a task, or with tasks unsynced, the child may exec or _exit;
 * any other use of filch, and a return from that task, aborts with a sentence.  (A task that its sync calls counts as
 * outside while no other is unsynced.)  vfork and posix_spawn are fine anywhere; a program that is started in a task
 * may inherit the signal mask of a worker's thread, which takes none but synchronous signals and SIGPROF: see
 * POSIX_SPAWN_SETSIGMASK.  A handler of pthread_atfork must not call filch.
 * FILCH_EINVAL, FILCH_ENOMEM, FILCH_ETHREAD, FILCH_EPIN, FILCH_ESTARTED; then nothing was started. */
int filch_start(filch_runtime **rt, const filch_config *config);

/* Ends its threads and frees it.  From outside its tasks; for the default runtime by the thread that it was lent, or
 * by any thread if it was lent none.
 * Plugins: no thread, key, map or handler is left after the last stop, so what contains filch can be unloaded then.
 * libfilch.so itself stays (-z nodelete): a runtime that was left running keeps its code.  A plugin that contains the
 * static library stops its runtimes before it is unloaded, at the latest in a destructor of its own, or is linked with
 * -z nodelete, too; else it is unloaded under its threads' feet.
 * FILCH_EBUSY: a thread is inside filch_run or attached, or a task of the caller is unsynced; it runs on as before.
 * FILCH_ESTOPPED: it does not run (any more), as for the second of two threads that stop it at once; a runtime that was
 * started since may have the same address.  FILCH_EINVAL: called from one of its own threads. */
int filch_stop(filch_runtime *rt);

/* Calls fn(arg) in rt, so that its spawns can be stolen there.  Returns when fn does; all its tasks are synced by then.
 * From any thread: a thread of the user is lent a worker slot of rt; a task of rt just calls fn; a task of another
 * runtime is suspended, and fn runs on a worker of rt (but on this thread, which then waits where fn waits, if either
 * runtime has migrate = -1, rt has one worker only, or no stack can be had).  A runtime has 1,025 slots for threads of
 * the user; beyond that fn runs, too, and its tasks run at their spawns.
 * fn must return: an exception or longjmp that leaves it keeps the slot, or ends the process where fn runs on a worker,
 * and the runtime cannot be stopped any more.
 * FILCH_EINVAL: fn is NULL.  FILCH_ESTOPPED: rt does not run, see filch_stop.  Otherwise only what starting the default
 * runtime may return. */
int filch_run(filch_runtime *rt, void (*fn)(void *), void *arg);

/* A function that a runtime was given to run.  Needs no initialization; is not moved or copied. */
typedef struct filch_submission {
    void *detail[8];
} filch_submission;

/* Has fn(arg) called on a worker of rt, some time: the oldest submission first, before other tasks.  Returns at once,
 * from any thread and any task; it neither waits for anybody nor needs memory, but with rt NULL it starts the default
 * runtime if need be, and may wait for another thread that starts or stops one.  In a runtime of one worker, which has
 * no thread of its own, fn runs before filch_submit returns.
 * *s must last until the submission is done, see below; rt is not stopped before (filch_stop: FILCH_EBUSY).  What the
 * caller did before is seen by fn.  fn must return, and sync its tasks.
 * Source: an inbox that is pushed by compare-and-swap and emptied as a whole (Treiber 1986).
 * FILCH_EINVAL: s or fn is NULL.  FILCH_ESTOPPED: rt does not run; that is noticed only if no runtime is being started
 * or stopped at the moment.  For NULL what starting the default one may return. */
int filch_submit(filch_runtime *rt, filch_submission *s, void (*fn)(void *), void *arg);

/* Returns when the submission is done; what fn did is seen then.  A task is suspended meanwhile; a thread of the user's
 * sleeps, and what it has not synced is stolen.  Where a task cannot be suspended, see filch_run, it calls fn itself if
 * nobody has begun it (and for that may wait for another thread that starts or stops a runtime), and else its thread
 * waits.  If all threads of a runtime wait so while it has something to begin or to go on with, another thread is made
 * for that, 10 ms later; it ends when there is nothing more, and uses one of the slots of filch_run.  Where none can be
 * made, one that waits begins a submission on top of what waits.  At most one call for each submission. */
void filch_submission_wait(filch_submission *s);

/* 1 if it is done, and what fn did is seen; else 0.  From any thread that sees *s. */
int filch_submission_done(filch_submission *s);

/* Lends this thread a worker slot of rt until filch_detach or its end, so that its spawns can be stolen there.  For the
 * default runtime the first spawn of a thread does the same.  A thread that ends with a task unsynced ends the process.
 * FILCH_EATTACHED: it works for a runtime.  FILCH_EFULL: all 1,025 slots for threads of the user are lent; tasks of
 * this one run at their spawns then, in the default runtime.  FILCH_ESTOPPED: rt does not run, see filch_stop.
 * FILCH_ENOMEM; for NULL what starting the default one may return. */
int filch_attach(filch_runtime *rt);

/* From now on this thread works for no runtime; the next spawn attaches it to the default one again.
 * FILCH_EINVAL: it was not attached, or is a worker or inside filch_run.  FILCH_EBUSY: a task is unsynced. */
int filch_detach(void);

/* The number of worker slots, the lent one included; 0 if rt, or for NULL the default runtime, does not run. */
unsigned filch_num_workers(filch_runtime *rt);

#pragma GCC visibility pop
#if defined __cplusplus
}
#endif
#endif
