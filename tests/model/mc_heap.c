/* Plain data and memory of the modelled program.
 *
 *   Purpose   Plain accesses are annotated by the test, object by object; two of them on one object, one of them a
 *             write, that no happens-before orders, are a data race.  They are no scheduling points: clocks find the
 *             race in whichever order the two ran.
 *   H1  Each thread's own clock advances before it records a plain access, so that a release made earlier does not
 *       cover it.
 *   H2  A free is a write of everything in the block, atomic objects included.
 *   H3  The arena hands out no address twice in an execution: an access to freed memory is always told apart. */
#include "mc_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    TABLE = 4096, /* a power of two, twice PLAIN at least */
    PLAIN = 1024, /* annotated objects in one execution */
    BLOCKS = 512,
    ALIGN = 128, /* of blocks, and the least distance between two */
    ARENA = 1 << 20,
    POISON = 0xA5
};

struct plain {
    const volatile void *address;
    uint16_t written[MC_THREADS];
    uint16_t read[MC_THREADS];
};

struct block {
    char *start;
    size_t size;
    bool freed;
};

static struct {
    unsigned epoch;
    struct plain *plain;
} table[TABLE];
static unsigned table_epoch;
static struct plain plains[PLAIN];
static int plain_count;

static _Alignas(ALIGN) char arena[ARENA];
static uint16_t block_at[ARENA / ALIGN]; /* 1 + the block that starts or goes on there; 0 is a gap */
static struct block blocks[BLOCKS];
static int block_count;
static size_t arena_used;

void mc_heap_begin(void)
{
    table_epoch++;
    plain_count = 0;
    block_count = 0;
    memset(block_at, 0, arena_used / ALIGN * sizeof block_at[0]);
    arena_used = 0;
}

/* ---- allocations ----------------------------------------------------------------------------------------------- */

static bool in_arena(const volatile void *p)
{
    return (uintptr_t)p >= (uintptr_t)arena && (uintptr_t)p < (uintptr_t)(arena + ARENA);
}

bool mc_heap_is_poison(const volatile void *p, size_t size)
{
    const volatile unsigned char *bytes = p;

    if (!in_arena(p))
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != POISON)
            return false;
    return true;
}

bool mc_heap_name(const volatile void *p, char *out, size_t room)
{
    unsigned index = in_arena(p) ? block_at[((uintptr_t)p - (uintptr_t)arena) / ALIGN] : 0;

    if (index == 0)
        return false;
    snprintf(out, room, "block %u + %zu", index, (size_t)((const volatile char *)p - blocks[index - 1].start));
    return true;
}

void mc_heap_check(const volatile void *p, const char *what)
{
    if (!in_arena(p) || mc_broken(MC_BREAK_FREED))
        return;

    unsigned index = block_at[((uintptr_t)p - (uintptr_t)arena) / ALIGN];
    const struct block *b = &blocks[index - 1];
    if (index == 0 || (const volatile char *)p >= b->start + b->size)
        mc_fail("%s outside of any allocation: %s", what, mc_object(p));
    if (b->freed)
        mc_fail("use after free: %s of %s", what, mc_object(p));
}

void *mc_alloc(size_t size)
{
    size_t room = (size + ALIGN - 1) / ALIGN * ALIGN + ALIGN; /* a gap behind each block */

    if (block_count == BLOCKS || arena_used + room > ARENA)
        mc_fail("checker: too much memory allocated in one execution");
    struct block *b = &blocks[block_count++];
    b->start = arena + arena_used;
    b->size = size;
    b->freed = false;
    for (size_t at = 0; at < room - ALIGN; at += ALIGN)
        block_at[(arena_used + at) / ALIGN] = (uint16_t)block_count;
    arena_used += room;
    memset(b->start, POISON, size);
    return b->start;
}

int mc_blocks(void)
{
    int n = 0;

    for (int i = 0; i < block_count; i++)
        n += !blocks[i].freed;
    return n;
}

/* ---- races ----------------------------------------------------------------------------------------------------- */

static struct plain *plain_of(const volatile void *p, bool make)
{
    unsigned i = (unsigned)((uintptr_t)p * 0x9e3779b97f4a7c15u >> 40) & (TABLE - 1);

    while (table[i].epoch == table_epoch && table[i].plain->address != p)
        i = (i + 1) & (TABLE - 1);
    if (table[i].epoch == table_epoch)
        return table[i].plain;
    if (!make)
        return NULL;
    if (plain_count == PLAIN)
        mc_fail("checker: more than %d annotated objects", PLAIN);
    struct plain *q = &plains[plain_count++];
    memset(q, 0, sizeof *q);
    q->address = p;
    table[i].epoch = table_epoch;
    table[i].plain = q;
    return q;
}

/* Fails if somebody's event in clocks is not known to have happened before this thread's present. */
static void check_clocks(const uint16_t *clocks, const volatile void *p, const char *mine, const char *theirs)
{
    const struct mc_thread *t = &mc.thread[mc.self];

    if (mc_broken(MC_BREAK_RACE))
        return;
    for (int i = 0; i < mc.threads; i++)
        if (i != mc.self && clocks[i] > t->now.clock[i])
            mc_fail("data race: %s of %s by %s, unordered with %s by %s", mine, mc_object(p), t->name, theirs,
                    mc.thread[i].name);
}

void mc_plain_check_atomic(const volatile void *p)
{
    const struct plain *q = plain_of(p, false);

    if (q != NULL)
        check_clocks(q->written, p, "atomic access", "plain write");
}

void mc_read(const volatile void *p)
{
    mc.thread[mc.self].now.clock[mc.self]++; /* H1 */
    mc_read_at(p, mc_now());
    mc_trace(NULL, "read", mc_object(p), "%s", "");
}

void mc_write(const volatile void *p)
{
    mc.thread[mc.self].now.clock[mc.self]++; /* H1 */
    mc_heap_check(p, "write");
    struct plain *q = plain_of(p, true);
    check_clocks(q->written, p, "write", "write");
    check_clocks(q->read, p, "write", "read");
    int location = mc_location_find(p);
    if (location != MC_NOBODY) {
        check_clocks(mc.location[location].accessed, p, "plain write", "atomic access");
        mc_location_forget(p);
    }
    q->written[mc.self] = mc.thread[mc.self].now.clock[mc.self];
    mc_trace(NULL, "write", mc_object(p), "%s", "");
}

unsigned mc_now(void)
{
    return mc.thread[mc.self].now.clock[mc.self];
}

void mc_read_at(const volatile void *p, unsigned when)
{
    mc_heap_check(p, "read");
    struct plain *q = plain_of(p, true);
    check_clocks(q->written, p, "read", "write");
    if (q->read[mc.self] < when)
        q->read[mc.self] = (uint16_t)when;
}

void mc_free(void *p)
{
    unsigned index = in_arena(p) ? block_at[((uintptr_t)p - (uintptr_t)arena) / ALIGN] : 0;

    mc_step(MC_OP_LOCAL, MC_NOBODY);
    if (index == 0 || blocks[index - 1].start != (char *)p)
        mc_fail("free of something that mc_alloc did not return");
    struct block *b = &blocks[index - 1];
    if (b->freed && !mc_broken(MC_BREAK_FREED))
        mc_fail("double free of %s", mc_object(p));
    mc_trace(NULL, "free", mc_object(p), "%s", "");
    for (int i = 0; i < plain_count; i++) /* H2 */
        if ((const volatile char *)plains[i].address >= b->start &&
            (const volatile char *)plains[i].address < b->start + b->size) {
            check_clocks(plains[i].written, plains[i].address, "free", "write");
            check_clocks(plains[i].read, plains[i].address, "free", "read");
        }
    for (int i = 0; i < mc.locations; i++)
        if ((const volatile char *)mc.location[i].address >= b->start &&
            (const volatile char *)mc.location[i].address < b->start + b->size)
            check_clocks(mc.location[i].accessed, mc.location[i].address, "free", "atomic access");
    b->freed = true;
}
