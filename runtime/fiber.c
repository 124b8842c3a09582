#include "fiber.h"

#include <stdlib.h>

#include "arch/switch.h"
#include "fiber_tools.h"
#include "notes.h"
#include "os.h"

/* ---- the switch ---- */

/* Of the C++ runtime: what is being caught and how much is in flight, of the calling thread.  Weak: a C program has
 * none.  A C++ runtime that only a plugin brings, by dlopen, is not seen. */
struct fl_exceptions *__cxa_get_globals(void) __attribute__((weak));

static void change_exceptions(struct fl_fiber *from, const struct fl_fiber *to)
{
    if (__cxa_get_globals) {
        struct fl_exceptions *here = __cxa_get_globals();
        from->exceptions = *here;
        *here = to->exceptions;
    }
}

/* Not inlined, even at link time: B2. */
__attribute__((noinline)) void fl_fiber_switch(struct fl_fiber *from, struct fl_fiber *to)
{
    change_exceptions(from, to); /* before, as the thread is the same before and after */
    fl_tools_leave(from, to);
    struct fl_fiber *before = fl_switch(&from->sp, to->sp, from);
    fl_tools_arrive(from, before);
}

static void begin(void *self, void *passed)
{
    struct fl_fiber *f = self;
    fl_tools_arrive(f, passed);
    f->entry();
    abort();
}

void fl_fiber_init_native(struct fl_fiber *fiber, struct fl_deque *deque, void *tied)
{
    *fiber = (struct fl_fiber){.deque = deque, .tied = tied};
    fl_tools_native(fiber);
}

void fl_fiber_end_native(struct fl_fiber *fiber)
{
    fiber->deque = NULL;
    fiber->tied = NULL;
}

/* ---- memory ----
 *
 * One mapping, a slab, holds several fibers.  A fiber, from low to high addresses:
 *
 *     guard page | ... the stack grows down ... | slots of the deque, used upwards ... | struct fl_deque | struct block
 *
 * and the next fiber's guard page.  So the top of the stack and the first slots share a page, and the deque and the
 * block another one: a suspended fiber with a shallow stack has these two.  They lie in two blocks of 2 MiB, so it has
 * two page tables; in the second of these is the entry of the next fiber's guard page, too. */

/* Fibers' blocks, deques and tops of stacks lie at COLOURS different places in their pages, else they would all fight
 * for the same few sets of a cache.  A round of 32 fibers took 18 ns a switch without and 11 ns with. */
enum { SLAB = 16, KEEP = 64, COLOURS = 8 };

struct fl_slab {
    struct fl_slab *next;
    char *low;
    size_t room, made; /* in fibers */
};

struct block {
    struct fl_fiber fiber;
    struct fl_slab slab; /* used in the first block of a slab */
};

/* Of the i-th fiber of the slab at `low`. */
static struct block *block_at(const struct fl_fibers *f, char *low, size_t i)
{
    return (struct block *)(void *)(low + (i + 1) * f->stride - i % COLOURS * FL_CACHE_LINE) - 1;
}

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Of all pools: what the kernel limits is limited for the process. */
static FL_ATOMIC(size_t) made_in_all;

void fl_fibers_init(struct fl_fibers *f, size_t stack_bytes, size_t deque_slots, void (*entry)(void))
{
    size_t page = fl_os_page_size();
    *f = (struct fl_fibers){.keep = KEEP, .entry = entry, .deque_slots = deque_slots};
    pthread_mutex_init(&f->lock, NULL);
    f->stack_bytes = round_up(stack_bytes, page);
    size_t tail = fl_deque_bytes(deque_slots) + sizeof(struct block) + (COLOURS - 1) * FL_CACHE_LINE;
    f->stride = page + round_up(f->stack_bytes + tail, page);
    f->control = fl_switch_control();
}

size_t fl_fibers_most(struct fl_fibers *f)
{
    if (!f->most) {
        f->most = fl_os_most_stacks();
        if (f->most > FL_TOOLS_MOST)
            f->most = FL_TOOLS_MOST;
    }
    return f->most;
}

void fl_fibers_destroy(struct fl_fibers *f)
{
    for (struct fl_slab *s = f->slabs, *next; s; s = next) {
        next = s->next; /* it lies in its slab */
        for (size_t i = 0; i < s->made; i++) {
            fl_tools_forget(&block_at(f, s->low, i)->fiber);
            fl_notes_free(block_at(f, s->low, i)->fiber.deque);
        }
        fl_os_unmap(s->low, s->room * f->stride);
    }
    (void)fl_add_rlx(unmade, &made_in_all, (size_t)0 - f->made); /* a count */
    f->slabs = NULL;
    f->pool = NULL;
    fl_switch_control_free(f->control);
    pthread_mutex_destroy(&f->lock);
}

/* A slab as large as there is address space for. */
static struct fl_slab *map_slab(struct fl_fibers *f)
{
    for (size_t room = SLAB; room; room /= 2) {
        char *low = fl_os_stack_map(room * f->stride);
        if (low) {
            struct fl_slab *s = &block_at(f, low, 0)->slab;
            *s = (struct fl_slab){.next = f->slabs, .low = low, .room = room};
            f->slabs = s;
            return s;
        }
    }
    return NULL;
}

static struct fl_slab *slab_with_room(struct fl_fibers *f)
{
    return f->slabs && f->slabs->made < f->slabs->room ? f->slabs : map_slab(f);
}

bool fl_fibers_reserve(struct fl_fibers *f)
{
    pthread_mutex_lock(&f->lock);
    bool there = slab_with_room(f);
    pthread_mutex_unlock(&f->lock);
    return there;
}

static struct fl_fiber *make_one(struct fl_fibers *f)
{
    struct fl_slab *s = slab_with_room(f);
    if (!s)
        return NULL;
    char *low = s->low + s->made * f->stride;
    if (!fl_os_guard(low))
        return NULL; /* the next call tries again */
    struct fl_fiber *fiber = &block_at(f, s->low, s->made)->fiber;
    s->made++;
    f->made++;

    char *slots = (char *)fiber - fl_deque_bytes(f->deque_slots);
    fiber->deque = fl_deque_init(slots, f->deque_slots);
    fiber->guard = low;
    fiber->stack_low = low + fl_os_page_size();
    fiber->stack_size = (size_t)(slots - fiber->stack_low);
    fiber->entry = f->entry;
    fiber->sp = fl_switch_prepare(slots, begin, fiber, f->control);
    fl_tools_make(fiber);
    return fiber;
}

static bool may_make(struct fl_fibers *f)
{
    if (fl_add_rlx(make, &made_in_all, 1) < fl_fibers_most(f)) /* a count, that orders nothing */
        return true;
    (void)fl_add_rlx(make_not, &made_in_all, (size_t)-1); /* the same */
    return false;
}

static struct fl_fiber *make(struct fl_fibers *f)
{
    if (!may_make(f))
        return NULL;
    struct fl_fiber *fiber = make_one(f);
    if (!fiber)
        (void)fl_add_rlx(make_failed, &made_in_all, (size_t)-1); /* a count */
    return fiber;
}

/* ---- the pool ---- */

struct fl_fiber *fl_fibers_get(struct fl_fibers *f)
{
    pthread_mutex_lock(&f->lock);
    struct fl_fiber *fiber = f->pool;
    if (fiber) {
        f->pool = fiber->next;
        f->pooled--;
    } else {
        fiber = make(f);
    }
    if (fiber) {
        fiber->next = NULL;
        if (++f->in_use > f->peak)
            f->peak = f->in_use;
    }
    pthread_mutex_unlock(&f->lock);
    return fiber;
}

/* What lies below the frames of a fiber that is switched away.  These stay: it goes on in them. */
static void trim(struct fl_fiber *fiber)
{
    size_t page = fl_os_page_size();
    uintptr_t low = (uintptr_t)fiber->stack_low, end = ((uintptr_t)fiber->sp - FL_SWITCH_BELOW) / page * page;
    if (end > low)
        fl_os_stack_trim(fiber->stack_low, end - low);
}

void fl_fibers_put(struct fl_fibers *f, struct fl_fiber *fiber)
{
    pthread_mutex_lock(&f->lock);
    if (f->pooled >= f->keep) {
        pthread_mutex_unlock(&f->lock); /* nobody else knows the fiber: no need to hold others up */
        trim(fiber);
        pthread_mutex_lock(&f->lock);
    }
    fiber->next = f->pool;
    f->pool = fiber;
    f->pooled++;
    f->in_use--;
    pthread_mutex_unlock(&f->lock);
}
