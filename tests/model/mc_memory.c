/* Weak memory: RC11 by views and messages.
 *
 *   Source    Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017 (RC11); Kang, Hur, Lahav, Vafeiadis, Dreyer, POPL 2017
 *             (messages and views).
 *   Differs   No promises, so no load buffering; modification order is the order of execution, so no 2+2W.  A message
 *             carries happens-before clocks beside its view, for the plain-data races of mc_heap.c.
 *   W1  A load may read any message of its location that is not older than the thread's view.
 *   W2  Reading with acquire joins the message's view; reading without keeps it for a later acquire fence.
 *   W3  Writing with release puts the thread's view into the message; writing without, that of its last release fence.
 *   W4  A read-modify-write reads the newest message and passes that message's view on: a release sequence in the
 *       sense of C++20.  A plain store by the same thread starts anew.
 *   W5  Seq_cst fences share one view, joined and renewed by each.  Only views: such fences order what may be read,
 *       they make no happens-before by themselves.
 *   W6  A heavy fence is a seq_cst fence that also learns what each thread knew at its last light fence, and from
 *       which each thread learns at its next light fence.
 *   W7  A seq_cst read-modify-write is no more than acq_rel.  Never too strong, so it hides no bug; a program that
 *       needs its total order fails here although C11 allows it.  Seq_cst loads and stores are refused.
 *   Checked   tests/model/selftest_litmus.c */
#include "mc_internal.h"

#include <string.h>

enum { TABLE = 1024 }; /* a power of two, well above MC_LOCATIONS */

static struct {
    const volatile void *address;
    int location;
    unsigned epoch;
} table[TABLE];
static unsigned table_epoch;

void mc_memory_begin(void)
{
    table_epoch++;
    mc.locations = 0;
    mc.messages = 0;
    memset(mc.sc, 0, sizeof mc.sc);
    memset(mc.heavy, 0, sizeof mc.heavy);
}

/* ---- views ----------------------------------------------------------------------------------------------------- */

void mc_join_at(uint8_t *restrict into, const uint8_t *restrict from)
{
    for (int i = 0; i < MC_LOCATIONS; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

void mc_view_join(struct mc_view *restrict into, const struct mc_view *restrict from)
{
    mc_join_at(into->at, from->at);
    for (int i = 0; i < MC_THREADS; i++)
        into->clock[i] = from->clock[i] > into->clock[i] ? from->clock[i] : into->clock[i];
}

static bool acquires(enum mc_order order)
{
    return order == MC_ACQ || order == MC_ACQ_REL || order == MC_SC;
}

static bool releases(enum mc_order order)
{
    return order == MC_REL || order == MC_ACQ_REL || order == MC_SC;
}

/* ---- locations ------------------------------------------------------------------------------------------------- */

static unsigned slot_of(const volatile void *p)
{
    unsigned i = (unsigned)((uintptr_t)p * 0x9e3779b97f4a7c15u >> 40) & (TABLE - 1);

    while (table[i].epoch == table_epoch && table[i].address != p)
        i = (i + 1) & (TABLE - 1);
    return i;
}

int mc_location_find(const volatile void *p)
{
    unsigned i = slot_of(p);
    return table[i].epoch == table_epoch ? table[i].location : MC_NOBODY;
}

void mc_location_forget(const volatile void *p)
{
    unsigned i = slot_of(p);
    if (table[i].epoch == table_epoch)
        table[i].location = MC_NOBODY;
}

struct mc_message *mc_message_of(int location, int index)
{
    return &mc.message[mc.location[location].messages[index]];
}

static uint64_t raw_value(const volatile void *p, size_t size)
{
    switch (size) {
    case 1: return *(const volatile uint8_t *)p;
    case 2: return *(const volatile uint16_t *)p;
    case 4: return *(const volatile uint32_t *)p;
    case 8: return *(const volatile uint64_t *)p;
    default: mc_fail("atomic object of %zu bytes", size);
    }
}

static void raw_store(volatile void *p, size_t size, uint64_t value)
{
    switch (size) {
    case 1: *(volatile uint8_t *)p = (uint8_t)value; break;
    case 2: *(volatile uint16_t *)p = (uint16_t)value; break;
    case 4: *(volatile uint32_t *)p = (uint32_t)value; break;
    default: *(volatile uint64_t *)p = value; break;
    }
}

static uint64_t cut(uint64_t value, size_t size)
{
    return size == 8 ? value : value & (((uint64_t)1 << size * 8) - 1);
}

static struct mc_message *message_new(int location)
{
    struct mc_location *l = &mc.location[location];

    if (l->count == MC_HISTORY || mc.messages == MC_MESSAGES)
        mc_fail("checker: more than %d stores to %s", l->count, mc_object(l->address));
    l->messages[l->count++] = (uint16_t)mc.messages;
    return &mc.message[mc.messages++];
}

/* The object of an access.  At its first the memory's own value becomes message 0. */
int mc_location_of(const volatile void *p, size_t size)
{
    unsigned i = slot_of(p);
    if (table[i].epoch == table_epoch && table[i].location != MC_NOBODY) {
        const struct mc_location *l = &mc.location[table[i].location];
        if (l->size != size)
            mc_fail("%s accessed as %zu bytes and as %zu", mc_object(p), l->size, size);
        if (raw_value(p, size) != mc_message_of(table[i].location, l->count - 1)->value)
            mc_fail("%s was changed by a plain store; say mc_write before one", mc_object(p));
        return table[i].location;
    }
    mc_heap_check(p, "access");
    if (mc.locations == MC_LOCATIONS)
        mc_fail("checker: more than %d atomic objects", MC_LOCATIONS);

    int location = mc.locations++;
    struct mc_location *l = &mc.location[location];
    memset(l, 0, sizeof *l);
    l->address = p;
    l->size = size;
    table[i].epoch = table_epoch;
    table[i].address = p;
    table[i].location = location;

    struct mc_message *m = message_new(location);
    memset(m, 0, sizeof *m);
    m->value = raw_value(p, size);
    m->writer = MC_NOBODY;
    m->poison = mc_heap_is_poison(p, size);
    return location;
}

/* ---- the rules ------------------------------------------------------------------------------------------------- */

/* W1.  Which message a load of this thread reads; the newest first, so that the first execution of a search is the
 * sequentially consistent one.  A compare-and-swap that would succeed on an old message cannot read it. */
int mc_read_choice(int location, int floor, const uint64_t *not_stale)
{
    struct mc_thread *t = &mc.thread[mc.self];
    int candidates[MC_HISTORY];
    int n = 0;
    int newest = mc.location[location].count - 1;
    bool only_newest = mc_set_has(&t->fresh, location) || mc_broken(MC_BREAK_STALE);

    mc_set_drop(&t->fresh, location);
    mc_set_add(&t->loaded, location);
    candidates[n++] = newest;
    for (int i = newest - 1; i >= floor && !only_newest; i--)
        if (not_stale == NULL || mc_message_of(location, i)->value != *not_stale || mc_broken(MC_BREAK_RMW_ATOMIC))
            candidates[n++] = i;

    int chosen = mc_branch_stale(n);
    if (chosen > 0)
        mc.stale++;
    return candidates[chosen];
}

void mc_apply_read(int location, int index, enum mc_order order)
{
    struct mc_thread *t = &mc.thread[mc.self];
    const struct mc_message *m = mc_message_of(location, index);

    if (m->poison)
        mc_fail("read of %s, which nobody has initialised", mc_object(mc.location[location].address));
    mc.location[location].accessed[mc.self] = t->now.clock[mc.self];
    if (!mc_broken(MC_BREAK_COHERENCE) && t->now.at[location] < index)
        t->now.at[location] = (uint8_t)index;
    if (t->acquired.at[location] < index)
        t->acquired.at[location] = (uint8_t)index;
    mc_view_join(&t->acquired, &m->view); /* W2 */
    if (acquires(order) && !mc_broken(MC_BREAK_ACQUIRE_JOIN))
        mc_view_join(&t->now, &m->view);
}

/* W3, W4.  sequence is the view that a read-modify-write passes on. */
static void apply_write(int location, volatile void *p, uint64_t value, enum mc_order order,
                        const struct mc_view *sequence)
{
    struct mc_thread *t = &mc.thread[mc.self];
    struct mc_location *l = &mc.location[location];
    struct mc_message *m = message_new(location);
    int index = l->count - 1;

    l->accessed[mc.self] = t->now.clock[mc.self];
    t->now.at[location] = (uint8_t)index;
    t->acquired.at[location] = (uint8_t)index;
    m->value = value;
    m->writer = mc.self;
    m->poison = false;
    if (releases(order) && !mc_broken(MC_BREAK_RELEASE_VIEW))
        m->view = t->now;
    else
        m->view = t->released;
    if (sequence != NULL)
        mc_view_join(&m->view, sequence);
    if (mc_broken(MC_BREAK_C11_SEQUENCE) && mc_message_of(location, index - 1)->writer == mc.self)
        mc_view_join(&m->view, &mc_message_of(location, index - 1)->view);
    m->view.at[location] = (uint8_t)index;
    raw_store(p, l->size, value);
    mc_changed();
}

static uint64_t apply_rmw(int location, volatile void *p, int index, uint64_t value, enum mc_order order)
{
    struct mc_view sequence = mc_message_of(location, index)->view;
    uint64_t old = mc_message_of(location, index)->value;

    mc_apply_read(location, index, order);
    apply_write(location, p, value, order, mc_broken(MC_BREAK_RMW_SEQUENCE) ? NULL : &sequence);
    return old;
}

/* ---- operations ------------------------------------------------------------------------------------------------ */

/* Announces the access, waits for its turn, and checks the object afterwards: another thread may have freed it. */
static int access_begin(enum mc_op op, const volatile void *p, size_t size)
{
    mc_step(op, mc_location_of(p, size));
    mc_heap_check(p, "access");
    mc_plain_check_atomic(p);
    return mc_location_of(p, size);
}

static void refuse_sc(struct mc_site *site, enum mc_order order)
{
    if (order == MC_SC)
        mc_fail("checker: seq_cst load or store at %s; use a fence or a read-modify-write", site->name);
}

uint64_t mc_load(struct mc_site *site, const volatile void *p, size_t size)
{
    enum mc_order order = mc_order_of(site);
    refuse_sc(site, order);

    int location = access_begin(MC_OP_LOAD, p, size);
    int index = mc_read_choice(location, mc.thread[mc.self].now.at[location], NULL);
    uint64_t value = mc_message_of(location, index)->value;
    int newer = mc.location[location].count - 1 - index;
    mc_trace(site, "load", mc_object(p), newer > 0 ? "-> %#llx  (stale: %d newer)" : "-> %#llx",
             (unsigned long long)value, newer);
    mc_apply_read(location, index, order);
    return value;
}

void mc_store(struct mc_site *site, volatile void *p, size_t size, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    refuse_sc(site, order);

    int location = access_begin(MC_OP_STORE, p, size);
    mc_trace(site, "store", mc_object(p), "<- %#llx", (unsigned long long)cut(value, size));
    apply_write(location, p, cut(value, size), order, NULL);
}

uint64_t mc_exchange(struct mc_site *site, volatile void *p, size_t size, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    int location = access_begin(MC_OP_RMW, p, size);
    int newest = mc.location[location].count - 1;
    uint64_t old = mc_message_of(location, newest)->value;

    mc_trace(site, "exchange", mc_object(p), "%#llx <- %#llx", (unsigned long long)old,
             (unsigned long long)cut(value, size));
    return apply_rmw(location, p, newest, cut(value, size), order);
}

uint64_t mc_add(struct mc_site *site, volatile void *p, size_t size, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    int location = access_begin(MC_OP_RMW, p, size);
    int newest = mc.location[location].count - 1;
    uint64_t old = mc_message_of(location, newest)->value;

    mc_trace(site, "add", mc_object(p), "%#llx + %lld", (unsigned long long)old, (long long)value);
    return apply_rmw(location, p, newest, cut(old + value, size), order);
}

uint64_t mc_or(struct mc_site *site, volatile void *p, size_t size, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    int location = access_begin(MC_OP_RMW, p, size);
    int newest = mc.location[location].count - 1;
    uint64_t old = mc_message_of(location, newest)->value;

    mc_trace(site, "or", mc_object(p), "%#llx | %#llx", (unsigned long long)old, (unsigned long long)value);
    return apply_rmw(location, p, newest, cut(old | value, size), order);
}

uint64_t mc_and(struct mc_site *site, volatile void *p, size_t size, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    int location = access_begin(MC_OP_RMW, p, size);
    int newest = mc.location[location].count - 1;
    uint64_t old = mc_message_of(location, newest)->value;

    mc_trace(site, "and", mc_object(p), "%#llx & %#llx", (unsigned long long)old, (unsigned long long)value);
    return apply_rmw(location, p, newest, cut(old & value, size), order);
}

bool mc_cas(struct mc_site *site, volatile void *p, size_t size, void *expected, uint64_t value)
{
    enum mc_order order = mc_order_of(site);
    int location = access_begin(MC_OP_RMW, p, size);
    uint64_t wanted = raw_value(expected, size);
    int index = mc_read_choice(location, mc.thread[mc.self].now.at[location], &wanted);
    uint64_t found = mc_message_of(location, index)->value;

    if (found == wanted) {
        mc_trace(site, "cas", mc_object(p), "%#llx <- %#llx", (unsigned long long)wanted,
                 (unsigned long long)cut(value, size));
        apply_rmw(location, p, index, cut(value, size), order);
        return true;
    }
    int newer = mc.location[location].count - 1 - index;
    mc_trace(site, "cas fails", mc_object(p),
             newer > 0 ? "wants %#llx, is %#llx  (stale: %d newer)" : "wants %#llx, is %#llx",
             (unsigned long long)wanted, (unsigned long long)found, newer);
    mc_apply_read(location, index, MC_RLX);
    raw_store(expected, size, found);
    return false;
}

/* W5. */
static void sc_join(struct mc_thread *t)
{
    if (!mc_broken(MC_BREAK_SC_VIEW))
        mc_join_at(t->now.at, mc.sc);
    memcpy(mc.sc, t->now.at, sizeof mc.sc);
    mc_join_at(t->acquired.at, t->now.at);
}

void mc_fence(struct mc_site *site)
{
    enum mc_order order = mc_order_of(site);
    struct mc_thread *t = &mc.thread[mc.self];

    if (order == MC_SC)
        mc_step(MC_OP_FENCE, MC_NOBODY);
    if (acquires(order) && !mc_broken(MC_BREAK_ACQUIRE_FENCE))
        mc_view_join(&t->now, &t->acquired);
    if (order == MC_SC)
        sc_join(t);
    if (releases(order) && !mc_broken(MC_BREAK_RELEASE_FENCE))
        t->released = t->now;
    mc_trace(site, "fence", "", "%s", "");
}

/* W6, the light half.  Weakened it is not there at all. */
void mc_fence_light(struct mc_site *site)
{
    struct mc_thread *t = &mc.thread[mc.self];

    if (mc_order_of(site) != MC_SC)
        return;
    mc_step(MC_OP_LIGHT, MC_NOBODY);
    memcpy(t->lit, t->now.at, sizeof t->lit);
    if (mc_broken(MC_BREAK_LIGHT_SC))
        sc_join(t);
    if (!mc_broken(MC_BREAK_LIGHT_LEARNS))
        mc_join_at(t->now.at, mc.heavy);
    mc_join_at(t->acquired.at, t->now.at);
    mc_trace(site, "light fence", "", "%s", "");
}

/* W6, the heavy half.  Weakened it is a light one. */
void mc_fence_heavy(struct mc_site *site)
{
    struct mc_thread *t = &mc.thread[mc.self];

    if (mc_order_of(site) != MC_SC) {
        mc_fence_light(mc_site_of(MC_LIGHT, MC_SC));
        return;
    }
    mc_step(MC_OP_HEAVY, MC_NOBODY);
    mc_view_join(&t->now, &t->acquired);
    for (int i = 0; i < mc.threads && !mc_broken(MC_BREAK_HEAVY_GATHERS); i++)
        mc_join_at(t->now.at, mc.thread[i].lit);
    if (!mc_broken(MC_BREAK_HEAVY_SC))
        sc_join(t);
    mc_join_at(mc.heavy, t->now.at);
    t->released = t->now;
    mc_trace(site, "heavy fence", "", "%s", "");
}
