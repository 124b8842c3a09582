/* What all variants of fib share: that each call is made. */
#ifndef BENCH_FIB_H
#define BENCH_FIB_H

/* No instruction, but a side effect.  gcc otherwise inlines a few levels, finds the same pure call in several of them
 * and makes it once: a sixth of the elision's instructions at -O3, nearly all of them under a sanitizer. */
static inline int fib_argument(int n)
{
    __asm__ volatile("" : "+r"(n));
    return n;
}
#endif
