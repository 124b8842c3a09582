/* The one clock of variants and driver. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#if defined __cplusplus
extern "C" {
#endif

/* Seconds of a monotonic clock. */
double bench_now(void);

#if defined __cplusplus
}
#endif
#endif
