/* The command line of filch-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "plan.h"

/* Returns -1 to go on, else the exit status: 0 after --help, 2 for what it does not understand. */
int bench_options_read(int argc, char **argv, struct bench_options *options);

/* Name, size and meaning of every workload. */
void bench_options_list(void);
#endif
