/* runtime/deque.c: one thread against a plain list of the slots.
 *
 *   Model     slot[0 ... n-1] of struct model is what must lie in [base, bottom): a task that is not synced, or NULL
 *             for a hole (D3).  A thief is two steps of the one thread: it claims a task, by force or not, and later
 *             finishes it.
 *   Checked   after each step: slots, holes, what is public, D3, D4, D5, fl_deque_idle, fl_deque_holds,
 *             fl_deque_has_..., that a thief gets the oldest task that waits, that a request is answered by the next
 *             slow path, that each task ran once.
 *   Counted   what happened; a run in which something never happened fails as not exercised. */
#include "deque.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "deque_tasks.h"
#include "os.h"

/* ---- one thread against the model ---- */

enum { MOST_TASKS = 400 };

static struct model {
    struct fl_deque *d;
    size_t capacity;
    uint32_t random;
    struct task task[MOST_TASKS]; /* never moved: an address is a task's identity */
    struct task *slot[MOST_TASKS];
    size_t n;
    struct task *unsynced[MOST_TASKS]; /* by age, with those that ran at their spawns */
    size_t unsynced_count;
    struct fl_claim stolen[MOST_TASKS]; /* and not finished */
    size_t stolen_count;
    unsigned depth;
    bool ordered; /* only syncs in the reverse order of spawns */
} m;

static struct {
    uint64_t spawns, in_order, out_of_order, ran, waits, nested_waits, steals, empty, holes, skipped, answers, hot,
        full, forced, forced_twice, over_holes, nothing_to_force, beside_public, closed, left, awaited, too_late;
    struct {
        uint64_t publications, published, take_backs, reused, unordered, at_spawn, forced;
    } counts;
} seen;

static void steps(unsigned n);

static uint32_t below(uint32_t n)
{
    return random_number(&m.random) % n;
}

static uint32_t top_now(void)
{
    return (uint32_t)(fl_load_rlx(test, &m.d->ps) - (uint32_t)m.d->hot.base);
}

static uint32_t split_now(void)
{
    return (uint32_t)(fl_load_rlx(test, &m.d->ps) >> 32) - (uint32_t)m.d->hot.base;
}

static bool requested(void)
{
    return fl_load_rlx(test, &m.d->hot.limit) == FILCH_DETAIL_REQUEST;
}

static size_t taken_now(void)
{
    return (fl_load_rlx(test, &m.d->force) & 0xFFFFFF) >> 1;
}

static uintptr_t word_of_slot(size_t i)
{
    return fl_load_rlx(test, filch_detail_slot_at(&m.d->hot, m.d->hot.base + i));
}

/* The whole structure against the model and the invariants of deque.h. */
static void check(void)
{
    size_t top = top_now(), split = split_now(), claimed = split == top ? split + taken_now() : top, holes = 0;
    uintptr_t limit = fl_load_rlx(test, &m.d->hot.limit);

    cr_assert_eq(fl_load_rlx(test, &m.d->hot.bottom), m.d->hot.base + m.n,
                 "the bottom is not above the youngest task");
    cr_assert_eq(fl_deque_idle(m.d), m.n == 0);
    cr_assert(top <= split && split <= m.n, "not top %zu <= split %zu <= bottom %zu", top, split, m.n);
    cr_assert(limit >= m.d->hot.base + split, "D4: the limit is below the split");
    cr_assert(!fl_load_rlx(test, &m.d->asked) || requested(), "D5: asked, and no request is in the limit");

    for (size_t i = 0; i < m.n; i++) {
        struct task *t = m.slot[i];
        uintptr_t word = (uintptr_t)t + (t && t->status == FINISHED ? FILCH_DETAIL_DONE : 0);
        cr_assert_eq(word_of_slot(i), word, "D3: slot %zu of %zu", i, m.n);
        if (!t) {
            holes++;
            cr_assert(i < top || i >= split, "D3: a hole is public");
            cr_assert(m.d->hot.base + i < m.d->hole_top, "hole_top is not above hole %zu", i);
            cr_assert(limit > m.d->hot.base + i + 1, "a hole at %zu is out of the slow path's sight", i);
            continue;
        }
        cr_assert(fl_deque_holds(m.d, &t->head));
        cr_assert_eq(t->head.slot, m.d->hot.base + i);
        cr_assert_eq(t->status == WAITS, i >= claimed, "task %zu, claimed below %zu", i, claimed);
    }
    cr_assert_eq(fl_deque_has_public(m.d), top < split);
    cr_assert_eq(fl_deque_has_private(m.d), claimed < m.n && split < m.n);
    cr_assert(requested() || !taken_now());
    cr_assert_eq(holes, m.d->holes);
    cr_assert(taken_now() || fl_deque_is_valid(m.d));
}

/* After a slow path of the owner that found a request. */
static void check_answer(bool was_requested)
{
    bool any_waits = false;
    for (size_t i = 0; i < m.n; i++)
        any_waits |= m.slot[i] && m.slot[i]->status == WAITS;
    if (!was_requested)
        return;
    if (any_waits) {
        seen.answers++;
        cr_assert(top_now() < split_now(), "a request was not answered though a task waits");
        /* at the very end of the storage the limit that is due is the number that also means a request */
        uintptr_t due = m.d->hot.base + split_now();
        if (m.d->holes && due < m.d->hole_top + 1)
            due = m.d->hole_top + 1;
        cr_assert_eq(fl_load_rlx(test, &m.d->hot.limit), due);
        cr_assert(due == FILCH_DETAIL_REQUEST || !fl_load_rlx(test, &m.d->asked));
    } else {
        cr_assert(requested(), "a request with nothing to give was dropped");
    }
}

static void spawn_one(void)
{
    struct task *t = m.task;
    while (t->status != NEW)
        t++;
    bool full = m.n == m.capacity - 1, was_requested = requested();
    uint64_t at_spawn = fl_load_rlx(test, &m.d->counts->at_spawn);
    t->argument = (long)below(1000000);
    t->runs = 0;
    filch_detail_spawn_on(on(m.d), &t->head, &site);
    m.unsynced[m.unsynced_count++] = t;
    seen.spawns++;
    if (full) {
        seen.full++;
        t->status = RAN;
        cr_assert_eq(t->runs, 1u, "there was no room, and the task did not run at its spawn");
        cr_assert_eq(fl_load_rlx(test, &m.d->counts->at_spawn), at_spawn + 1);
    } else {
        t->status = WAITS;
        m.slot[m.n++] = t;
        cr_assert_eq(t->runs, 0u);
        cr_assert_eq(t->head.slot, m.d->hot.base + m.n - 1);
    }
    check_answer(was_requested); /* also where the deque is full */
    check();
}

static void forget(struct task *t)
{
    size_t i = 0;
    while (i < m.n && m.slot[i] != t)
        i++;
    if (i < m.n) {
        m.slot[i] = NULL;
        while (m.n && !m.slot[m.n - 1])
            m.n--;
    }
    for (i = 0; m.unsynced[i] != t; i++)
        continue;
    memmove(&m.unsynced[i], &m.unsynced[i + 1], (--m.unsynced_count - i) * sizeof *m.unsynced);
}

static struct fl_waiter *finish_stolen(size_t k)
{
    struct fl_claim claim = m.stolen[k];
    struct task *t = (struct task *)claim.task;
    m.stolen[k] = m.stolen[--m.stolen_count];
    cr_assert_eq(t->runs, 0u, "a stolen task ran before its thief ran it");
    t->status = FINISHED;
    return run_claimed(&claim);
}

static void wait_in_model(struct fl_deque *d, struct filch_detail_task *head)
{
    struct task *t = (struct task *)head;
    cr_assert_eq((void *)d, (void *)m.d);
    cr_assert(t->status == STOLEN || t->status == FINISHED, "a sync waits for a task that was not stolen");
    check();
    if (m.depth < 3) {
        if (m.depth)
            seen.nested_waits++;
        steps(below(6)); /* what runs here meanwhile must not touch t's slot: D2 */
        check();
    }
    struct fl_waiter waiter = {head}, *expected = NULL;
    cr_assert_eq(fl_deque_is_done(d, head), t->status == FINISHED);
    if (below(2)) {
        bool awaits = fl_deque_await(d, head->slot, &waiter);
        cr_assert_eq(awaits, t->status == STOLEN);
        expected = awaits ? &waiter : NULL;
        seen.awaited += awaits;
        seen.too_late += !awaits;
        cr_assert_not(fl_deque_is_done(d, head) && awaits);
    }
    for (size_t k = 0; t->status != FINISHED; k++)
        if (m.stolen[k].task == head)
            cr_assert_eq((void *)finish_stolen(k), (void *)expected, "who waits is lost");
    cr_assert(fl_deque_is_done(d, head));
}

static void sync_one(struct task *t)
{
    enum status before = t->status;
    bool last = m.n && m.slot[m.n - 1] == t, was_requested = requested();
    size_t others = m.n;
    uint64_t unordered = fl_load_rlx(test, &m.d->counts->unordered);

    outcome = FL_MISUSE; /* what stays if no slow path was taken */
    int run = filch_detail_sync_on(on(m.d), &t->head);
    cr_assert_eq(run, before == WAITS, "status %d: the sync said %d", (int)before, run);
    if (outcome == FL_MISUSE) {
        seen.hot++;
        cr_assert(last && before == WAITS && !was_requested, "the hot path took what it must not");
    }
    forget(t);
    if (m.n + 1 < others && last)
        seen.skipped++; /* holes that lay below it are gone, too */
    if (before == RAN) {
        seen.ran++;
    } else {
        seen.in_order += last;
        seen.out_of_order += !last;
        if (!last && before == WAITS)
            cr_assert_eq(fl_load_rlx(test, &m.d->counts->unordered), unordered + 1);
    }
    check_answer(was_requested && before != STOLEN && before != FINISHED); /* during a wait anything may happen */
    if (before == STOLEN || before == FINISHED)
        seen.waits++;
    check();
    seen.holes += m.d->holes;
    if (run) {
        run_task(t);
        if (m.depth < 3 && below(8) == 0)
            steps(below(6)); /* a child that has children */
    }
    cr_assert_eq(t->runs, 1u, "a task ran %u times", t->runs);
    cr_assert_eq(t->result, work_of(t->argument));
    t->status = NEW;
}

static struct task *oldest_that_waits(void)
{
    for (size_t i = 0; i < m.n; i++)
        if (m.slot[i] && m.slot[i]->status == WAITS)
            return m.slot[i];
    return NULL;
}

static void claimed(struct fl_claim claim, struct task *expected)
{
    struct task *t = (struct task *)claim.task;
    cr_assert_eq((void *)t, (void *)expected, "the thief did not get the oldest task that waits");
    cr_assert_eq(claim.slot, t->head.slot);
    t->status = STOLEN;
    m.stolen[m.stolen_count++] = claim;
}

static void steal_one(void)
{
    struct fl_claim claim;
    struct task *oldest = oldest_that_waits();
    bool empty = top_now() == split_now();
    cr_assert_eq((int)fl_deque_steal(m.d, &claim), empty ? (int)FL_EMPTY : (int)FL_STOLEN);
    if (empty) {
        seen.empty++;
    } else {
        claimed(claim, oldest);
        seen.steals++;
    }
}

static void force_one(void)
{
    struct fl_claim claim;
    struct task *oldest = oldest_that_waits();
    bool beside = top_now() != split_now();
    size_t taken = taken_now();
    enum fl_steal expected = beside ? FL_LOST : oldest ? FL_STOLEN : FL_EMPTY;
    cr_assert_eq((int)fl_deque_force(m.d, &claim), (int)expected);
    cr_assert(requested());
    if (expected == FL_STOLEN) {
        claimed(claim, oldest);
        seen.forced++;
        seen.forced_twice += taken > 0;
        seen.over_holes += taken_now() > taken + 1;
    }
    seen.beside_public += beside;
    seen.nothing_to_force += expected == FL_EMPTY;
}

/* As an owner does that leaves. */
static void publish_all(void)
{
    size_t first = top_now() == split_now() ? split_now() + taken_now() : split_now(), to = first;
    bool any = fl_deque_publish_all(m.d);
    for (size_t i = first; i < m.n; i++)
        if (m.slot[i])
            m.slot[to++] = m.slot[i];
    seen.closed += to < m.n;
    m.n = to;
    cr_assert_eq(any, oldest_that_waits() != NULL);
    cr_assert_eq(split_now(), m.n);
    cr_assert_not(fl_deque_has_private(m.d));
    seen.left++;
}

static void ask(void)
{
    bool insist = below(4) == 0;
    uint32_t asked = fl_load_rlx(test, &m.d->asked), what = below(4) ? FL_ASK_WORK : FL_ASK_WATCH;
    cr_assert_eq(fl_deque_ask(m.d, what, insist), insist || (asked != what && asked != FL_ASK_WORK));
    cr_assert(requested() && fl_load_rlx(test, &m.d->asked), "asked, and no request was posted");
}

/* n random steps; syncs all that it spawned before it returns, as every function does. */
static void steps(unsigned n)
{
    size_t mine = m.unsynced_count;
    m.depth++;
    for (unsigned k = 0; k < n || m.unsynced_count > mine; k++) {
        uint32_t what = below(16);
        if (what < 6 && k < n && m.unsynced_count < MOST_TASKS - 40)
            spawn_one();
        else if (what < 10 && m.unsynced_count > mine)
            sync_one(m.unsynced[m.ordered || below(2) ? m.unsynced_count - 1
                                                      : mine + below((uint32_t)(m.unsynced_count - mine))]);
        else if (what < 12)
            ask();
        else if (what < 14)
            below(2) ? steal_one() : force_one();
        else if (what < 15 && m.stolen_count)
            cr_assert_null(finish_stolen(below((uint32_t)m.stolen_count)));
        else if (what == 15 && below(4) == 0)
            publish_all();
        check();
    }
    m.depth--;
}

static void run_model(size_t capacity, uint32_t seed, unsigned n, bool ordered)
{
    void *storage = new_storage(capacity);
    memset(&m, 0, sizeof m);
    m.d = fl_deque_init(storage, capacity);
    m.capacity = capacity;
    m.random = seed;
    m.ordered = ordered;
    wait_for = wait_in_model;
    check();
    steps(n);
    cr_assert(fl_deque_idle(m.d), "all is synced, and the deque is not idle");
    cr_assert_eq(m.d->holes, 0u);
    cr_assert_eq(m.stolen_count, 0u);
#define ADD(what) seen.counts.what += fl_load_rlx(test, &m.d->own_counts.what)
    ADD(publications);
    ADD(published);
    ADD(take_backs);
    ADD(reused);
    ADD(unordered);
    ADD(at_spawn);
    ADD(forced);
#undef ADD
    cr_assert_eq(seen.counts.forced, seen.forced, "forced tasks are counted once the owner comes by");
    free(storage);
}

#define EXERCISED(what) cr_assert(seen.what > 0, "not exercised: " #what)

Test(deque, any_order_agrees_with_the_model)
{
    static const size_t capacity[] = {1, 2, 3, 4, 5, 6, 8, 16, 33, 64, 1000};
    for (size_t c = 0; c < sizeof capacity / sizeof *capacity; c++)
        for (uint32_t seed = 1; seed <= 40; seed++)
            run_model(capacity[c], seed * 7919 + (uint32_t)c, 300, false);
    EXERCISED(spawns);
    EXERCISED(in_order);
    EXERCISED(out_of_order);
    EXERCISED(ran);
    EXERCISED(full);
    EXERCISED(waits);
    EXERCISED(nested_waits);
    EXERCISED(steals);
    EXERCISED(empty);
    EXERCISED(holes);
    EXERCISED(skipped);
    EXERCISED(answers);
    EXERCISED(hot);
    EXERCISED(counts.publications);
    EXERCISED(counts.take_backs);
    EXERCISED(counts.reused);
    EXERCISED(counts.unordered);
    EXERCISED(counts.at_spawn);
    EXERCISED(forced);
    EXERCISED(forced_twice);
    EXERCISED(over_holes);
    EXERCISED(nothing_to_force);
    EXERCISED(beside_public);
    EXERCISED(closed);
    EXERCISED(left);
    EXERCISED(awaited);
    EXERCISED(too_late);
}

Test(deque, last_spawned_first_synced_agrees_with_the_model)
{
    static const size_t capacity[] = {2, 3, 4, 7, 64};
    for (size_t c = 0; c < sizeof capacity / sizeof *capacity; c++)
        for (uint32_t seed = 1; seed <= 40; seed++)
            run_model(capacity[c], seed * 104729 + (uint32_t)c, 300, true);
    EXERCISED(waits);
    EXERCISED(counts.take_backs);
    EXERCISED(hot);
    EXERCISED(ran);
    cr_assert_eq(seen.holes, 0u, "a hole, and every sync was in order");
}

/* The low 32 bits of the indices of the largest deque, at both ends of its storage. */
Test(deque, largest_capacity)
{
    enum { CAPACITY = 1 << 28, N = 300 };
    static struct task t[N];
    size_t bytes = fl_deque_bytes(CAPACITY);
    void *storage = fl_os_map(bytes); /* address space; only what is touched becomes memory */
    if (!storage)
        cr_skip_test("no address space for %zu bytes", bytes);
    struct fl_deque *d = fl_deque_init(storage, CAPACITY);
    cr_assert_eq(d->hot.base, (uintptr_t)0 - CAPACITY);
    for (int end = 0; end < 2; end++) {
        if (end) { /* as if all but N slots were full of tasks that thieves took */
            uintptr_t i = (uintptr_t)0 - N;
            fl_store_rlx(test, &d->hot.bottom, i);
            fl_store_rlx(test, &d->ps, (uint64_t)(uint32_t)i << 32 | (uint32_t)i);
            fl_store_rlx(test, &d->hot.limit, i);
            fl_store_rlx(test, &d->asked, 0);
        }
        for (int i = 0; i < N; i++) {
            t[i].argument = i;
            t[i].runs = 0;
            filch_detail_spawn_on(on(d), &t[i].head, &site);
            if (i == 3)
                cr_assert(fl_deque_ask(d, FL_ASK_WORK, false));
        }
        cr_assert_eq(t[N - 1].runs, end ? 1u : 0u, "the last slot is never used, every other is");
        cr_assert_eq(t[N - 2].runs, 0u);
        for (int i = 0; i < 4; i++) { /* three are public */
            struct fl_claim claim;
            cr_assert_eq((int)(i < 3 ? fl_deque_steal(d, &claim) : fl_deque_force(d, &claim)), (int)FL_STOLEN);
            cr_assert_eq((void *)claim.task, (void *)&t[i]);
            cr_assert_null(run_claimed(&claim));
        }
        for (int i = N; i-- > 0;) {
            if (i >= 4) {
                if (filch_detail_sync_on(on(d), &t[i].head))
                    run_task(&t[i]);
            } else {
                fl_store_rlx(test, &d->hot.bottom, t[i].head.slot);
                cr_assert_eq((int)fl_deque_sync(d, &t[i].head), (int)FL_WAIT);
                cr_assert(fl_deque_is_done(d, &t[i].head));
                fl_deque_release(d, &t[i].head);
            }
            cr_assert_eq(t[i].runs, 1u);
        }
        if (!end)
            cr_assert(fl_deque_idle(d));
        else
            cr_assert_eq(fl_load_rlx(test, &d->hot.bottom), (uintptr_t)0 - N);
    }
    fl_os_unmap(storage, bytes);
}

Test(deque, one_request_publishes_the_older_half)
{
    static struct task t[1000];
    for (size_t n = 1; n <= 1000; n = n * 3 / 2 + 1) {
        void *storage = new_storage(1024);
        struct fl_deque *d = fl_deque_init(storage, 1024);
        for (size_t i = 0; i < n; i++) {
            if (i == n - 1)
                cr_assert(fl_deque_ask(d, FL_ASK_WORK, false));
            filch_detail_spawn_on(on(d), &t[i].head, &site);
        }
        size_t public = (n + 1) / 2;
        cr_assert_eq(fl_load_rlx(test, &d->counts->published), public, "%zu tasks", n);
        for (size_t i = 0; i < public; i++) {
            struct fl_claim claim;
            cr_assert_eq((int)fl_deque_steal(d, &claim), (int)FL_STOLEN);
            cr_assert_eq((void *)claim.task, (void *)&t[i], "not the oldest");
        }
        struct fl_claim more;
        cr_assert_eq((int)fl_deque_steal(d, &more), (int)FL_EMPTY);
        free(storage);
    }
}

/* Taking back leaves the older half of what is public to the thieves; a sync of the oldest leaves them the others. */
Test(deque, a_sync_of_a_public_task_leaves_others_public)
{
    static struct task t[9];
    void *storage = new_storage(16);
    struct fl_deque *d = m.d = fl_deque_init(storage, 16);
    for (int i = 0; i < 9; i++) {
        if (i == 8)
            cr_assert(fl_deque_ask(d, FL_ASK_WORK, false));
        filch_detail_spawn_on(on(d), &t[i].head, &site);
    }
    cr_assert(top_now() == 0 && split_now() == 5);
    for (int i = 9; i-- > 4;)
        cr_assert_eq(filch_detail_sync_on(on(d), &t[i].head), 1);
    cr_assert(top_now() == 0 && split_now() == 2, "%u to %u is public", (unsigned)top_now(), (unsigned)split_now());
    cr_assert_eq(filch_detail_sync_on(on(d), &t[0].head), 1);
    cr_assert(top_now() == 1 && split_now() == 2, "%u to %u is public", (unsigned)top_now(), (unsigned)split_now());
    for (int i = 4; i-- > 1;)
        cr_assert_eq(filch_detail_sync_on(on(d), &t[i].head), 1);
    cr_assert(fl_deque_idle(d));
    free(storage);
}

/* A forcer knows by its last step only whether the owner has come by: what it reads before must be there. */
static struct fl_deque *comes_by;

static void owner_comes_by(enum fl_point point)
{
    if (point == FL_AT_FORCE_FENCED)
        fl_deque_refresh(comes_by);
}

Test(deque, a_forcer_with_old_numbers_stays_inside_the_storage)
{
    enum { CAPACITY = 1024, N = 1000 };
    static struct task t[N];
    size_t page = fl_os_page_size(), bytes = (fl_deque_bytes(CAPACITY) + page - 1) / page * page;
    char *memory = fl_os_map(2 * bytes); /* the struct is at the end of the first half */
    cr_assert(memory && mprotect(memory + bytes, bytes, PROT_NONE) == 0);
    struct fl_deque *d = fl_deque_init(memory + bytes - fl_deque_bytes(CAPACITY), CAPACITY);
    struct fl_claim claim;
    for (int i = 0; i < N; i++)
        filch_detail_spawn_on(on(d), &t[i].head, &site);
    for (int i = 0; i < N - 1; i++)
        cr_assert_eq((int)fl_deque_force(d, &claim), (int)FL_STOLEN);
    comes_by = d;
    fl_seam.at = owner_comes_by;
    cr_assert_eq((int)fl_deque_force(d, &claim), (int)FL_LOST);
    fl_seam.at = NULL;
    cr_assert_eq((int)fl_deque_force(d, &claim), (int)FL_STOLEN);
    cr_assert_eq((void *)claim.task, (void *)&t[N - 1]);
    fl_os_unmap(memory, 2 * bytes);
}

/* ---- misuse ---- */

Test(deque, a_sync_of_what_does_not_wait_here_is_misuse)
{
    void *storage = new_storage(8), *elsewhere = new_storage(8);
    struct fl_deque *d = fl_deque_init(storage, 8), *other = fl_deque_init(elsewhere, 8);
    struct task t[3] = {{.status = NEW}}, never = {.status = NEW}, foreign = {.status = NEW};
    for (int i = 0; i < 3; i++)
        filch_detail_spawn_on(on(d), &t[i].head, &site);
    filch_detail_spawn_on(on(other), &foreign.head, &site);

    cr_assert_not(fl_deque_holds(d, &foreign.head));
    cr_assert_eq((int)fl_deque_sync_any(d, &foreign.head), (int)FL_MISUSE, "spawned on another deque");

    /* never spawned: whatever the word holds */
    const uintptr_t words[] = {d->hot.base - 1,     d->hot.base,     d->hot.base + 1,
                               d->hot.base + 2,     d->hot.base + 3, FILCH_DETAIL_LAST,
                               FILCH_DETAIL_SYNCED, 12345,           (uintptr_t)&never};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        never.head.slot = words[i];
        cr_assert_not(fl_deque_holds(d, &never.head));
        cr_assert_eq((int)fl_deque_sync_any(d, &never.head), (int)FL_MISUSE, "slot word %#zx", (size_t)words[i]);
    }

    /* twice, out of order: its slot is a hole */
    cr_assert_eq((int)fl_deque_sync_any(d, &t[1].head), (int)FL_RUN);
    cr_assert_eq((int)fl_deque_sync_any(d, &t[1].head), (int)FL_MISUSE, "synced twice, out of order");

    /* twice, in order */
    cr_assert_eq(filch_detail_sync_on(on(d), &t[2].head), 1);
    cr_assert_eq((int)fl_deque_sync_any(d, &t[2].head), (int)FL_MISUSE, "synced twice, in order");
    cr_assert_eq(fl_load_rlx(test, &d->hot.bottom), d->hot.base + 1, "the hole below it is gone, too");

    /* another task is in its slot now */
    filch_detail_spawn_on(on(d), &never.head, &site);
    cr_assert_eq(never.head.slot, t[1].head.slot);
    cr_assert_eq((int)fl_deque_sync_any(d, &t[1].head), (int)FL_MISUSE, "synced twice, its slot used again");

    cr_assert_eq(filch_detail_sync_on(on(d), &never.head), 1);
    cr_assert_eq(filch_detail_sync_on(on(d), &t[0].head), 1, "misuse left the deque as it was");
    cr_assert(fl_deque_idle(d));
    free(storage);
    free(elsewhere);
}
