/* Functions compiled without FILCH_CHECK, for programs that are compiled with it. */
#ifndef FILCH_TESTS_UNCHECKED_CODE_H
#define FILCH_TESTS_UNCHECKED_CODE_H

/* Leaves a task unsynced. */
void leave_unchecked(void);
/* fib(n), whose children run `other`, and are synced in the order that they were spawned in. */
long fib_unchecked(int n, long (*other)(int));

#endif
