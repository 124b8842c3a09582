/* What steal.c and its rival have in common with steal_answer.c. */
#ifndef BENCH_STEAL_H
#define BENCH_STEAL_H

#include <stdbool.h>

/* Who spawns: "main", or "task". */
bool bench_steal_mode(const char *name);

#endif
