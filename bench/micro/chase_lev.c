/* A push and a take on the textbook deque (tests/model/chase_lev.h): what a spawn and its sync cost where the deque
 * fences in each take.  One item always lies below, so that no take is the contended one of the last item. */
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "chase_lev.h"

static __attribute__((noinline)) uint64_t leaf(uint64_t i)
{
    return bench_opaque(i);
}

uint64_t bench_region(long size)
{
    static struct ref_deque deque;
    static uint64_t below, item;
    if (!ref_init(&deque, 1024, 0) || !ref_push(&deque, &below)) {
        fprintf(stderr, "chase_lev: no memory\n");
        exit(2);
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)size; i++) {
        item = i;
        if (!ref_push(&deque, &item))
            break;
        const uint64_t *taken = ref_take(&deque);
        sum += leaf(*taken);
    }
    ref_free(&deque);
    return sum;
}
