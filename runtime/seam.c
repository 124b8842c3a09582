#include "seam.h"

#include <stddef.h>

#include "os.h"

/* Marsaglia, "Xorshift RNGs", 2003; the state is never zero. */
static uint32_t xorshift(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

struct fl_seam fl_seam = {NULL, xorshift, fl_os_now};
