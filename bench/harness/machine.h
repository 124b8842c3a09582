/* The machine, the build and the moment: without them a number says nothing. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

enum { BENCH_TEXT = 128 };

struct bench_machine {
    char cpu[BENCH_TEXT];
    unsigned cpus; /* that this process may run on */
    unsigned online;
    char kernel[BENCH_TEXT];
    char architecture[BENCH_TEXT];
    char governor[BENCH_TEXT]; /* of CPU 0; empty: the kernel does not say */
    double load;               /* average of the last minute, before we began; negative: unknown */
    char date[BENCH_TEXT];     /* UTC, ISO 8601 */
    const char *compiler, *flags, *version;
    char revision[BENCH_TEXT]; /* of the sources, as git describes them; empty: unknown */
};

unsigned bench_cpus(void);
/* Whether other programs took so much that it shows. */
bool bench_machine_busy(const struct bench_machine *machine);
void bench_machine_read(struct bench_machine *machine);
#endif
