#include "one_fiber.h"

#include <stdlib.h>

#include "fiber.h"

static struct fl_fibers fibers;
static struct fl_fiber *fiber, *resumed_by;

void one_fiber_begin(void (*body)(void))
{
    fl_fibers_init(&fibers, (size_t)8 << 20, 1024, body);
    fiber = fl_fibers_get(&fibers);
    if (!fiber)
        abort();
}

void one_fiber_end(void)
{
    fl_fibers_put(&fibers, fiber);
    fl_fibers_destroy(&fibers);
}

void one_fiber_resume(void)
{
    struct fl_fiber own;
    fl_fiber_init_native(&own, NULL, NULL);
    resumed_by = &own;
    fl_fiber_switch(&own, fiber);
    fl_fiber_end_native(&own);
}

void one_fiber_suspend(void)
{
    fl_fiber_switch(fiber, resumed_by);
}
