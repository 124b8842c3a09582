/* One fiber that any thread can resume, for C++: deque.h is C alone. */
#ifndef FILCH_TESTS_ONE_FIBER_H
#define FILCH_TESTS_ONE_FIBER_H

#if defined __cplusplus
extern "C" {
#endif

/* body must not return before one_fiber_end: it suspends for ever. */
void one_fiber_begin(void (*body)(void));
void one_fiber_end(void);
/* The calling thread runs the fiber until that suspends. */
void one_fiber_resume(void);
/* On the fiber: one_fiber_resume returns. */
void one_fiber_suspend(void);

#if defined __cplusplus
}
#endif

#endif
