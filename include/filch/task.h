/* Tasks: a plain function that may run on another core.
 *
 *     long fib(int n);
 *     FILCH_TASK(long, fib, int);
 *
 * once per translation unit, after a declaration of fib, declares
 *
 *     fib_task                                     an object; put it where it outlives its sync: the stack, an array
 *     void fib_spawn(fib_task *t, int a)           fib(a) may run from now on, here or elsewhere
 *     long fib_sync(fib_task *t)                   waits for that and returns its value
 *     void fib_sync_all(fib_task *t, size_t n)     syncs t[n-1] ... t[0]; the values are then in t[i].result
 *     int fib_run(filch_runtime *rt, long *out, int a)   from a thread outside: runs fib(a) in rt (NULL: the default
 *                                                  runtime), stores its value if out is not NULL; 0 or FILCH_E...
 *
 *   R           Any type that can be assigned, or void, written so (no typedef of it): then there is no field result
 *               and fib_run has no out.
 *   Arguments   0 to 8 assignable object types without const at the top; arrays as pointers, function pointers
 *               directly (`void (*)(int)`), structs by value.  A task has at most 1,024 bytes.
 *   Callers     spawn and sync: any thread.  On a worker, on main's thread (the first spawn starts the default runtime
 *               and lends it this thread) and inside filch_run the task can be stolen; on any other thread it runs at
 *               its spawn.  A task is synced by the function call that spawned it, on any path, exactly once.
 *   Order       Any order of syncs is right; last spawned, first synced is the fast one.  FILCH_UNCHECKED promises
 *               that order and saves its check (3 instructions); another order is then undefined.
 *   Errors      None: where there is no memory or no room, the child runs at its spawn.
 *   Cost        A spawn and a sync that nobody stole: some 25 plain instructions together.
 *
 * Macros defined before <filch.h>:
 *   FILCH_SERIAL     the serial elision: a child runs at its sync, no runtime is used by spawn, sync and NAME_run
 *   FILCH_UNCHECKED  see Order
 *   FILCH_CHECK      each spawn and sync, and each task that a sync calls, is looked at for misuse: a task that was not
 *                    spawned here, was synced before, is spawned twice or left unsynced is named, and the program ends
 *                    (docs/misuse.md).  Each is a call then, not inline.  For any of a program's files: the others
 *                    link with it and lose nothing.  Beats FILCH_UNCHECKED */
#ifndef FILCH_TASK_H
#define FILCH_TASK_H

#include "detail/hot.h"
#include "detail/task_macros.h"
#include "runtime.h"

/* R, function name, argument types.  Requires a semicolon. */
#define FILCH_TASK(R, ...)                                                                                            \
    FILCH_DETAIL_CAT(FILCH_DETAIL_TASK_, FILCH_DETAIL_COUNT(__VA_ARGS__))                                             \
    (FILCH_DETAIL_FIRST(__VA_ARGS__, ~), R, __VA_ARGS__)

/* The same with another prefix than the function's name: PREFIX_task, PREFIX_spawn, ...  For a function in a C++
 * namespace and where names clash. */
#define FILCH_TASK_AS(PREFIX, R, ...)                                                                                 \
    FILCH_DETAIL_CAT(FILCH_DETAIL_TASK_, FILCH_DETAIL_COUNT(__VA_ARGS__))(PREFIX, R, __VA_ARGS__)

/* FILCH_TASK for the file that defines the function: lets gcc -O2 inline the recursion (it re-declares the function
 * inline, which is why FILCH_TASK never does).  For gcc; no gain at -O3.  In C++ and with clang the same as
 * FILCH_TASK. */
#if defined __cplusplus || defined __clang__
#define FILCH_HOT(R, ...) FILCH_TASK(R, __VA_ARGS__)
#else
#define FILCH_HOT(R, ...)                                                                                             \
    FILCH_DETAIL_QUIET(inline R FILCH_DETAIL_FIRST(__VA_ARGS__, ~)                                                    \
                           FILCH_DETAIL_CAT(FILCH_DETAIL_TYPES_, FILCH_DETAIL_COUNT(__VA_ARGS__))(__VA_ARGS__);)      \
    FILCH_TASK(R, __VA_ARGS__)
#endif

/* FILCH_AUTO(fib, a, n - 1);  declares fib_task a, spawns it, and syncs it at the end of the scope unless it was
 * synced before. */
#define FILCH_AUTO(NAME, ...)                                                                                         \
    NAME##_task FILCH_DETAIL_FIRST(__VA_ARGS__, ~) __attribute__((cleanup(NAME##_filch_end)));                        \
    NAME##_spawn(&__VA_ARGS__)

/* Untyped tasks, for function pointers and bindings.  Same rules and costs. */
typedef struct filch_task {
    struct filch_detail_task head;
    void (*fn)(void *);
    void *arg;
} filch_task;

#if defined __cplusplus
extern "C" {
#endif

static __attribute__((unused)) void filch_detail_run_untyped(void *task)
{
    filch_task *t = FILCH_DETAIL_CAST(filch_task *, task);
    t->fn(t->arg);
}

static const filch_site filch_detail_untyped
    __attribute__((unused)) = {filch_detail_run_untyped, "filch_spawn", __FILE__, __LINE__, sizeof(filch_task)};

FILCH_DETAIL_INLINE void filch_spawn(filch_task *t, void (*fn)(void *), void *arg)
{
#if defined FILCH_CHECK
    if (!fn)
        filch_detail_no_function(&filch_detail_untyped);
#endif
    t->fn = fn;
    t->arg = arg;
    filch_detail_spawn(&t->head, &filch_detail_untyped);
}

FILCH_DETAIL_INLINE void filch_sync(filch_task *t)
{
    if (FILCH_DETAIL_LIKELY(filch_detail_sync(&t->head))) {
        t->fn(t->arg);
        FILCH_DETAIL_RETURNED(t)
    }
}

#if defined __cplusplus
}
#endif
#endif
