/* A library's public header: FILCH_TASK of functions that another file defines, for C and C++. */
#ifndef API_SHARED_H
#define API_SHARED_H

#include "functions.h"

#if defined __cplusplus
extern "C" {
#endif

API_DECLARE(, shared_);
int ping(int n); /* in one.c */
int pong(int n); /* in two.c */
FILCH_TASK(int, ping, int);

int shared_one(void);
int shared_two(void);
int local_all(void);
int static_all(void);

#if defined __cplusplus
}
#endif

FILCH_TASK(int, pong, int); /* inside extern "C" and outside, both are right */
API_TASKS(FILCH_TASK, shared_);

#endif
