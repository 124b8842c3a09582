/* Child processes: one at a time, their output captured, a limit of time, and an end to them when we are asked to end.
 *
 *   Callers   One thread.  bench_signals_catch before the first bench_run. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>

enum {
    BENCH_WHY = 256 /* bytes of a sentence that says what went wrong */
};

struct bench_command {
    const char *const *argv;        /* argv[0] is looked up in PATH unless it has a slash */
    const char *const *environment; /* NAME=VALUE, replaces ours of that NAME; NULL-terminated, or NULL */
    const char *output;             /* the file that gets stdout; NULL: captured */
    double limit;                   /* seconds; 0: as long as it takes */
    bool partial;                   /* status 1 is fine: it could not read all, and said so */
};

struct bench_outcome {
    bool ok;             /* ended with status 0, or 1 if that is fine */
    int status;          /* of the exit, or -1 */
    double seconds;      /* from start to end, process creation included */
    char *out, *err;     /* text, never NULL after bench_run; more than 1 MiB is dropped */
    char why[BENCH_WHY]; /* if not ok */
};

/* Runs it to its end; stdin is /dev/null.  Returns outcome->ok.  Pair: bench_outcome_free. */
bool bench_run(const struct bench_command *command, struct bench_outcome *outcome);
void bench_outcome_free(struct bench_outcome *outcome);

/* SIGINT, SIGTERM and SIGHUP are held back, except while a child runs: they end the child, and bench_interrupted
 * returns the signal from then on. */
void bench_signals_catch(void);
int bench_interrupted(void);

/* Ends this process as that signal would have. */
void bench_signals_die(int signal_number);
#endif
