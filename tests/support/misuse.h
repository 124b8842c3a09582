/* Misuse runs in a child; what it says is compared byte by byte.  docs/misuse.md has the same sentences.
 *
 *   Include it in a file that defines _GNU_SOURCE.  The programs of tests/misuse are compiled with and without
 *   FILCH_CHECK. */
#ifndef FILCH_TESTS_MISUSE_H
#define FILCH_TESTS_MISUSE_H

#include <filch.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#if defined FILCH_CHECK
#define CHECKED 1
#else
#define CHECKED 0
#endif

#define ON_EACH_PATH "sync it in the function call that spawned it, on each path"
#define NOT_HERE                                                                                                      \
    "this task was not spawned by this function call on this thread, or was synced before: sync each task once, "     \
    "where it was spawned"
#define LEFT_UNNAMED                                                                                                  \
    "a task was left unsynced: sync each task in the function call that spawned it, on each path; FILCH_CHECK names " \
    "the task"
#define LEFT_NAMED "this task is not synced: " ON_EACH_PATH
#define LEFT_BEHIND "a function that has returned left this task unsynced: " ON_EACH_PATH
#define STILL_UNSYNCED "this task is not synced: sync it in the function call that spawned it, before"
#define SPAWNED_TWICE "this task was spawned before and is not synced: sync it before it is spawned again"
#define SYNCED_THE_CALLERS "it synced a task of its caller's: sync each task in the function call that spawned it"
#define ENDED_INSIDE "it ended inside filch_run: return from the function before the thread ends"
#define NO_FUNCTION "its function is NULL: give it one"

/* The one form of all sentences; site NULL: no task is known. */
static inline void expect_said(struct child child, const char *call, const filch_site *site, const char *worker,
                               const char *sentence)
{
    char text[2048];
    if (site)
        snprintf(text, sizeof text, "filch: %s, task %s (%s:%u), on %s: %s\n", call, site->name, site->file,
                 site->line, worker, sentence);
    else
        snprintf(text, sizeof text, "filch: %s on %s: %s\n", call, worker, sentence);
    cr_assert(strcmp(child.said, text) == 0, "expected: %sit said: %s", text, child.said);
}

static inline struct child misuse_of(void (*body)(void), const char *workers)
{
    setenv("FILCH_NUM_WORKERS", workers, 1);
    return child_of(body);
}

static inline void expect_death(struct child child, const char *call, const filch_site *site, const char *worker,
                                const char *sentence)
{
    cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT, "not aborted: %#x; it said: %s",
              (unsigned)child.status, child.said);
    expect_said(child, call, site, worker, sentence);
}

/* Not an error, or not one that is seen: the child ends well and says nothing. */
static inline void expect_silence(struct child child)
{
    expect_success(child);
    cr_assert(child.said[0] == 0, "it said: %s", child.said);
}

#endif
