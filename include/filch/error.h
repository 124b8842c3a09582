/* Errors.  A call that can fail returns 0 or one of these negative numbers, and leaves errno alone. */
#ifndef FILCH_ERROR_H
#define FILCH_ERROR_H

/* name, number, what happened and what to do.  Numbers never change their meaning. */
#define FILCH_ERRORS(X)                                                                                               \
    X(FILCH_EINVAL, -1, "an argument is not valid: see the call's description")                                       \
    X(FILCH_ENOMEM, -2, "no memory for a worker's deque or stack: start fewer workers or raise the memory limit")     \
    X(FILCH_ETHREAD, -3, "a worker thread could not be created: start fewer workers or raise the thread limit")       \
    X(FILCH_EBUSY, -4, "the runtime is in use: stop it when others are detached and outside filch_run, tasks synced") \
    X(FILCH_ESTARTED, -5, "the default runtime runs already: stop it first, or start it before the first spawn")      \
    X(FILCH_EPIN, -6, "threads could not be pinned: set FILCH_PIN=none, or allow sched_setaffinity")                  \
    X(FILCH_ESTOPPED, -7, "this runtime is not running: start it first")                                              \
    X(FILCH_EATTACHED, -8, "this thread works for a runtime already: detach it there first")                          \
    X(FILCH_EFULL, -9, "all slots for threads of the user are lent: detach another thread, or let it end")

enum filch_error {
    FILCH_OK = 0,
#define FILCH_DETAIL_ERROR(name, number, sentence) name = number,
    FILCH_ERRORS(FILCH_DETAIL_ERROR)
#undef FILCH_DETAIL_ERROR
};

#if defined __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A sentence in static storage for any number, known or not.  From any thread. */
const char *filch_strerror(int error);

#pragma GCC visibility pop
#if defined __cplusplus
}
#endif
#endif
