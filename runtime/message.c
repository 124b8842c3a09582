#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One line, whatever a name or a value contains; cut, it ends all the same.  One write, so that lines of several
 * threads do not mix. */
static void put(char *line, int length, size_t room)
{
    size_t n = length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    if (n)
        line[n - 1] = '\n';
    int saved = errno;
    ssize_t written = write(STDERR_FILENO, line, n);
    errno = saved;
    (void)written; /* there is no other place to say it */
}

void fl_warn(const char *format, ...)
{
    char line[512];
    int n = snprintf(line, sizeof line, "filch: ");
    va_list args;
    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    put(line, n, sizeof line);
}

void fl_say(const char *call, const filch_site *site, int worker, const char *sentence)
{
    char line[1024], where[32];
    if (worker >= 0)
        snprintf(where, sizeof where, "worker %d", worker);
    else
        snprintf(where, sizeof where, "a thread without a worker slot");
    int n = site ? snprintf(line, sizeof line, "filch: %s, task %s (%s:%u), on %s: %s\n", call, site->name, site->file,
                            site->line, where, sentence)
                 : snprintf(line, sizeof line, "filch: %s on %s: %s\n", call, where, sentence);
    put(line, n, sizeof line);
}

void fl_misuse(const char *call, const filch_site *site, int worker, const char *sentence)
{
    fl_say(call, site, worker, sentence);
    abort();
}

void fl_broken(const char *condition, const char *file, int line)
{
    fl_warn("internal error: %s does not hold (%s:%d); please report it", condition, file, line);
    abort();
}
