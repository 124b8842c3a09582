/* Names of objects and the printed trace of one execution. */
#include "mc_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 256 };

struct range {
    const volatile char *first;
    size_t count;
    size_t stride;
    const char *name;
};

static struct range ranges[NAMES];
static int range_count;
static int line_number;

void mc_trace_begin(void)
{
    range_count = 0;
    line_number = 0;
}

void mc_name_each(const volatile void *first, size_t count, size_t stride, const char *name)
{
    if (range_count == NAMES)
        mc_fail("checker: more than %d names", NAMES);
    ranges[range_count++] = (struct range){first, count, stride, name};
}

void mc_name(const volatile void *p, const char *name)
{
    mc_name_each(p, 1, 1, name);
}

/* The name of an object, in one of a few buffers that take turns: enough for one message. */
const char *mc_object(const volatile void *p)
{
    static char buffers[4][64];
    static int turn;
    char *out = buffers[turn = (turn + 1) % 4];

    for (int i = range_count - 1; i >= 0; i--) {
        const struct range *r = &ranges[i];
        if ((const volatile char *)p < r->first)
            continue;
        size_t distance = (size_t)((const volatile char *)p - r->first);
        if (distance >= r->count * r->stride || distance % r->stride != 0)
            continue;
        if (r->count == 1)
            snprintf(out, sizeof buffers[0], "%s", r->name);
        else
            snprintf(out, sizeof buffers[0], "%s[%zu]", r->name, distance / r->stride);
        return out;
    }
    if (mc_heap_name(p, out, sizeof buffers[0]))
        return out;
    int location = mc_location_find(p);
    if (location != MC_NOBODY)
        snprintf(out, sizeof buffers[0], "object %d", location);
    else
        snprintf(out, sizeof buffers[0], "%p", (void *)(uintptr_t)p);
    return out;
}

static void line_start(void)
{
    printf("  %4d  %*s%-10s ", ++line_number, 2 * mc.self, "", mc.thread[mc.self].name);
}

void mc_trace_line(const struct mc_site *site, const char *what, const char *object, const char *format, ...)
{
    char head[64];
    va_list arguments;

    if (site != NULL && site->kind <= MC_FENCE)
        snprintf(head, sizeof head, "%s %s", what, mc_order_name(site->main->now));
    else
        snprintf(head, sizeof head, "%s", what);
    line_start();
    printf("%-18s %-14s ", head, object);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    if (site != NULL)
        printf("   @%s", site->name);
    putchar('\n');
}

void mc_note(const char *format, ...)
{
    va_list arguments;

    if (!mc.tracing)
        return;
    line_start();
    printf("-- ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}
