/* filch: a recursive function on all cores at nearly the cost of the serial code.
 *
 * Everything: tasks (filch/task.h), the runtime (filch/runtime.h), counters (filch/stats.h), errors (filch/error.h). */
#ifndef FILCH_H
#define FILCH_H

#define FILCH_VERSION_MAJOR 0
#define FILCH_VERSION_MINOR 1
#define FILCH_VERSION_PATCH 0
#define FILCH_VERSION "0.1.0"

#include "filch/error.h"
#include "filch/runtime.h"
#include "filch/stats.h"
#include "filch/task.h"

#if defined __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The version of the library that runs, which may be newer than FILCH_VERSION of the header. */
const char *filch_version(void);

#pragma GCC visibility pop
#if defined __cplusplus
}
#endif
#endif
