/* Side: sentences on stderr.  Safe where memory is short: nothing is allocated. */
#ifndef FL_MESSAGE_H
#define FL_MESSAGE_H

#include "base.h"

/* One line "filch: ..." on stderr. */
__attribute__((cold, format(printf, 1, 2))) void fl_warn(const char *format, ...);

/* One line that names the call, the task (name, file:line of its FILCH_TASK) and the worker (-1: none), and says what
 * is wrong and what to do.  site may be NULL. */
__attribute__((cold)) void fl_say(const char *call, const filch_site *site, int worker, const char *sentence);
/* The same, then abort. */
__attribute__((cold, noreturn)) void fl_misuse(const char *call, const filch_site *site, int worker,
                                               const char *sentence);

#endif
