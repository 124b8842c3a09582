/* Sleeping and waking of runtime/parking.c, under the model checker.
 *
 *   Program   Workers that want so many items each and are busy for ever once they have them: an item that nobody
 *             wakes for is never taken, and the checker reports a deadlock.  Publishers raise a victim's word, wake.
 *   Work      is a word per victim, with plain data behind it: who takes an item must see what its publisher wrote.
 *   The look  between enter and wait is this file's, in the form that the runtime uses.  Its own accesses and fences
 *             are mutated like those of parking.c; its loads are relaxed where that is enough.
 *   Checks    No wake-up is lost.  At the end nobody is counted and no bit is set.  K3 and the ranges of the counts,
 *             peeked at whenever a futex is used and after each call.  K5 by plain data on both sides.
 *   Timeouts  wait returns at once in some executions: leave may come any time later.
 *   Rests     A thread that is moved is at rest, by plain data of its bed; and it is let back, once.  All rests are
 *             long enough for that. */
#include "parking.h"

#include "os.h"

#include <string.h>

#include "mc.h"

enum { WORKERS = 3, PUBLISHERS = 2, VICTIMS = 2 };
enum { REQUEST = 9 };

struct setup {
    int workers, wants; /* each of them wants so many items */
    int naps;           /* timed waits of each before an untimed one */
    int asleep;         /* the first so many have entered before anything starts */
    int searches;       /* the first so many of the others are counted as searchers before anything starts */
    int ready;          /* items of victim 0 that are there at the start */
    int publishers;     /* each publishes, in its victim, */
    int publishes;      /* so many items at once, */
    unsigned near;      /* and wakes this one or the next */
    bool looks;         /* the last searcher looks at everybody before it wakes; else it just wakes */
};

struct actor {
    int id, wants, naps;
    bool asleep, searching;
};

static const struct setup *setup;
static struct fl_parking *parking;
static struct work {
    FL_ATOMIC(int) items;
    int payload;
} * victim;
static struct actor workers[WORKERS], publishers[PUBLISHERS];
static struct bed {
    int rests, away;
} * beds;
static int going_to_rest;
static uint64_t time_now;

/* ---- what parking.c asks of the system ---- */

/* The newest values, read behind the checker's back. */
static void peek(void)
{
    uint64_t idle = parking->idle.fl_value;
    int bits = __builtin_popcountll(parking->asleep[0].bits.fl_value);
    int sleepers = (int)(idle & 0xfffff), searchers = fl_searchers(idle);

    if (bits > sleepers)
        mc_fail("K3: %d bits, %d sleepers", bits, sleepers);
    if (sleepers < 0 || sleepers > (int)parking->slots + PUBLISHERS)
        mc_fail("%d sleepers", sleepers);
    if (searchers < -PUBLISHERS || searchers > (int)parking->slots + PUBLISHERS)
        mc_fail("%d searchers", searchers);
    if (searchers < 0)
        mc_count("counted_late");
}

void fl_os_futex_wait(const void *word, uint32_t expected, uint64_t ns)
{
    peek();
    if (ns && mc_choose(2)) {
        mc_count("timed_out");
        return;
    }
    if (expected == FL_CALLED)
        mc_count("waited_for_awake");
    if (mc_futex_wait(word, expected))
        mc_count("slept");
}

void fl_os_futex_wake(const void *word, int at_most)
{
    peek();
    mc_futex_wake(word, at_most);
}

uint64_t fl_now(void)
{
    return time_now += 1000000000;
}

int fl_os_thread_id(void)
{
    return going_to_rest + 1;
}

/* By the waker. */
int fl_os_keep_away(int thread)
{
    struct bed *b = &beds[thread - 1];
    mc_read(&b->rests);
    if (!b->rests)
        mc_fail("K6: worker %d is moved and does not rest", thread - 1);
    mc_write(&b->away);
    mc_assert(b->away < 0);
    mc_count("moved");
    return b->away = thread;
}

/* By the sleeper. */
static bool always(void)
{
    return true;
}

bool fl_os_may_return(void)
{
    return true;
}

void fl_os_let_back(int cpu)
{
    struct bed *b = &beds[cpu - 1];
    mc_write(&b->away);
    mc_assert(b->away == cpu);
    b->away = -1;
}

/* A worker's wait of either kind. */
static void wait_or_rest(unsigned id, bool timed)
{
    struct bed *b = &beds[id];
    if (timed) {
        fl_parking_wait(parking, id, 1);
        return;
    }
    mc_write(&b->rests);
    b->rests = 1;
    going_to_rest = (int)id; /* nobody comes in between */
    fl_parking_rest(parking, fl_parking_nap(parking, id));
    mc_write(&b->rests);
    b->rests = 0;
    mc_read(&b->away);
    mc_assert(b->away < 0);
}

/* ---- work ---- */

static void publish(struct work *v, int n, unsigned near)
{
    mc_write(&v->payload);
    v->payload = 7;
    fl_store_rel(test_publish, &v->items, n);
    if (fl_parking_wake(parking, near))
        mc_count("woke");
    else
        mc_count("trusted");
    peek();
}

static bool look(void)
{
    if (FL_MUTANT(no_relook))
        return false;
    for (int i = 0; i < VICTIMS; i++)
        if (fl_load_rlx(test_look, &victim[i].items) > 0)
            return true;
    return false;
}

static bool take(void)
{
    for (int i = 0; i < VICTIMS; i++) {
        int n = fl_load_rlx(test_take_read, &victim[i].items);
        while (n > 0)
            if (fl_cas_acq(test_take, &victim[i].items, &n, n - 1)) {
                mc_read(&victim[i].payload);
                mc_assert(victim[i].payload == 7);
                mc_count("took");
                return true;
            }
    }
    return false;
}

/* I7: who leaves work behind wakes the next. */
static void found(const struct actor *w)
{
    if (!fl_parking_found(parking))
        return;
    mc_count("last_searcher");
    if ((!setup->looks || look()) && fl_parking_wake(parking, (unsigned)w->id))
        mc_count("chained");
    peek();
}

/* ---- threads ---- */

static void leave(const struct actor *w, bool cancelled)
{
    if (!fl_parking_leave(parking, (unsigned)w->id))
        mc_count(cancelled ? "cancelled" : "woke_by_itself");
    else if (cancelled)
        mc_count("woken_while_cancelling");
    peek();
}

static void worker(void *arg)
{
    struct actor *w = arg;
    if (!w->asleep && !w->searching)
        w->searching = fl_parking_search(parking, parking->slots);
    while (w->wants) {
        if (!w->asleep) {
            if (w->searching && take()) {
                found(w);
                w->searching = --w->wants && fl_parking_search(parking, parking->slots);
                continue;
            }
            fl_parking_enter(parking, (unsigned)w->id, w->searching);
            peek();
        }
        w->asleep = false;
        bool work = look();
        if (!work)
            wait_or_rest((unsigned)w->id, w->naps-- > 0);
        leave(w, work);
        w->searching = true;
    }
}

static void publisher(void *arg)
{
    const struct actor *a = arg;
    publish(&victim[a->id], setup->publishes, setup->near);
}

static void begin(int slots)
{
    struct fl_nap *nap = mc_alloc(sizeof *nap * WORKERS);
    struct fl_asleep *asleep = mc_alloc(sizeof *asleep);
    parking = mc_alloc(sizeof *parking);
    victim = mc_alloc(sizeof *victim * VICTIMS);
    for (int i = 0; i < VICTIMS; i++) {
        mc_write(&victim[i].items);
        victim[i].items.fl_value = 0;
    }
    fl_parking_init(parking, (unsigned)slots, nap, sizeof *nap, asleep);
    beds = mc_alloc(sizeof *beds * WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        mc_write(&beds[i].away);
        beds[i].away = -1;
        mc_write(&beds[i].rests);
        beds[i].rests = 0;
    }
    parking->moves = always;
    time_now = 0;
    mc_name(&parking->idle, "idle");
    mc_name(&asleep->bits, "asleep");
    mc_name_each(nap, (size_t)slots, sizeof *nap, "nap");
    mc_name_each(&victim[0].items, VICTIMS, sizeof *victim, "items");
    mc_name_each(&victim[0].payload, VICTIMS, sizeof *victim, "payload");
}

static void check_nobody_is_counted(void)
{
    uint64_t idle = parking->idle.fl_value;
    mc_assert(fl_sleepers(idle) == 0);
    mc_assert(fl_searchers(idle) == 0);
    mc_assert(parking->asleep->bits.fl_value == 0);
}

static void set_up_worker(int i)
{
    struct actor *w = &workers[i];
    *w = (struct actor){i, setup->wants, setup->naps, i < setup->asleep, false};
    if (w->asleep)
        fl_parking_enter(parking, (unsigned)i, false);
    else if (i < setup->asleep + setup->searches)
        w->searching = fl_parking_search(parking, parking->slots);
}

static void test(const void *arg)
{
    static const char *const names[] = {"worker 0", "worker 1", "worker 2", "publisher 0", "publisher 1"};
    int thread[WORKERS + PUBLISHERS], n = 0;
    setup = arg;
    begin(setup->workers);
    for (int i = 0; i < setup->workers; i++)
        set_up_worker(i);
    if (setup->ready) {
        mc_write(&victim[0].payload);
        victim[0].payload = 7;
        mc_write(&victim[0].items);
        victim[0].items.fl_value = setup->ready;
    }
    for (int i = 0; i < setup->workers; i++)
        thread[n++] = mc_spawn(names[i], worker, &workers[i]);
    for (int i = 0; i < setup->publishers; i++) {
        publishers[i].id = setup->ready ? VICTIMS - 1 - i : i;
        thread[n++] = mc_spawn(names[WORKERS + i], publisher, &publishers[i]);
    }
    for (int i = 0; i < n; i++)
        mc_join(thread[i]);
    check_nobody_is_counted();
    for (int i = 0; i < VICTIMS; i++)
        mc_assert(victim[i].items.fl_value == 0);
}

/* ---- mail: a word that only one worker looks at ---- */

static struct {
    FL_ATOMIC(int) mail;
    int letter, before_sleep;
} * box;

static void make_box(void)
{
    box = mc_alloc(sizeof *box);
    mc_write(&box->mail);
    box->mail.fl_value = 0;
    mc_name(&box->mail, "mail");
    mc_name(&box->letter, "letter");
    mc_name(&box->before_sleep, "before_sleep");
}

static void postman(void *arg)
{
    (void)arg;
    mc_write(&box->letter);
    box->letter = 1;
    fl_store_rel(test_post, &box->mail, 1);
    if (fl_parking_wake_worker(parking, 1)) {
        mc_count("woke");
        mc_read(&box->before_sleep); /* K5 */
    }
}

static void addressee(void *arg)
{
    bool searching = false;
    int naps = *(const int *)arg;
    for (bool got = false; !got; searching = true) {
        if (!searching) {
            mc_write(&box->before_sleep);
            box->before_sleep = 1;
        }
        fl_parking_enter(parking, 1, searching);
        bool mail = !FL_MUTANT(mail_skipped) && fl_load_acq(test_mail, &box->mail);
        if (!mail)
            wait_or_rest(1, naps-- > 0);
        if (fl_parking_leave(parking, 1)) {
            mc_count("was_woken");
            mc_read(&box->letter); /* K5 */
            got = true;
        } else if (mail) {
            mc_count("saw");
            mc_read(&box->letter);
            got = true;
        }
    }
    fl_parking_found(parking);
}

/* Worker 0 searches all the time: wake would trust in it, wake_worker must not. */
static void mail(const void *arg)
{
    static int naps;
    begin(2);
    naps = arg != NULL;
    make_box();
    mc_assert(fl_parking_search(parking, parking->slots));
    int post = mc_spawn("postman", postman, NULL);
    int reader = mc_spawn("addressee", addressee, &naps);
    mc_join(post);
    mc_join(reader);
    mc_assert(!fl_parking_found(parking));
    check_nobody_is_counted();
}

/* ---- K7: places ---- */

/* One place, taken by a thread of the user, and a worker that is awake beyond it.  An item is there at the start,
 * or is published meanwhile; the thread of the user frees the place. */
static void guest(void *arg)
{
    (void)arg;
    if (!fl_parking_free(parking, 1))
        mc_count("alone");
    if (!fl_parking_owes(parking))
        mc_count("owes_nothing");
    else if (look() && fl_parking_wake(parking, 0))
        mc_count("paid");
    peek();
}

static void surplus(void *arg)
{
    struct actor *w = arg;
    if (fl_parking_yield(parking, 0)) {
        peek();
        bool place = fl_sleepers(fl_load_rlx(test_places, &parking->idle)) > 0 && !FL_MUTANT(yield_without_relook);
        if (!place) {
            mc_count("gave_way");
            wait_or_rest(0, false);
        }
        leave(w, place);
    } else {
        mc_count("stayed");
        mc_assert(fl_parking_search(parking, 1));
    }
    w->searching = true;
    worker(w);
}

static void places(const void *arg)
{
    static const struct setup one = {.workers = 1, .publishes = 1, .looks = true};
    setup = &one;
    begin(1);
    workers[0] = (struct actor){.wants = 1};
    fl_parking_take(parking);
    if (arg) {
        mc_write(&victim[0].payload);
        victim[0].payload = 7;
        mc_write(&victim[0].items);
        victim[0].items.fl_value = 1;
    }
    publishers[0].id = 0;
    int w = mc_spawn("surplus", surplus, &workers[0]);
    int g = mc_spawn("guest", guest, NULL), p = arg ? -1 : mc_spawn("publisher", publisher, &publishers[0]);
    mc_join(w);
    mc_join(g);
    if (!arg)
        mc_join(p);
    check_nobody_is_counted();
}

/* ---- who has no bit and waits for one call ---- */

static void caller(void *arg)
{
    (void)arg;
    while (!fl_load_acq(test_waits, &box->mail))
        fl_spin(test_caller);
    mc_read(&box->before_sleep);
    mc_write(&box->letter);
    box->letter = 1;
    fl_parking_call(fl_parking_nap(parking, 0));
}

static void callee(void *arg)
{
    (void)arg;
    mc_write(&box->before_sleep);
    box->before_sleep = 1;
    fl_parking_prepare(fl_parking_nap(parking, 0));
    fl_store_rel(test_tell, &box->mail, 1);
    if (fl_parking_is_called(fl_parking_nap(parking, 0)))
        mc_count("called_at_once");
    else
        wait_or_rest(0, false);
    mc_read(&box->letter);
    mc_assert(box->letter == 1);
}

static void call(const void *arg)
{
    (void)arg;
    begin(1);
    make_box();
    int a = mc_spawn("caller", caller, NULL);
    int b = mc_spawn("callee", callee, NULL);
    mc_join(a);
    mc_join(b);
}

/* ---- I4: private work, the light fence against the heavy one ---- */

static struct {
    FL_ATOMIC(int) bottom, limit;
    int task;
    bool heavy; /* membarrier works; else both halves are seq_cst fences */
} * hot;

/* Makes a task, and if it is asked to, makes it public.  Then it is busy for ever. */
static void owner(void *arg)
{
    (void)arg;
    mc_write(&hot->task);
    hot->task = 1;
    fl_store_rel(test_bottom, &hot->bottom, 1);
    if (hot->heavy)
        fl_fence_light(test_light);
    else
        fl_fence_sc(test_slow_path);
    if (fl_load_rlx(test_limit, &hot->limit) == REQUEST) {
        mc_count("answered");
        publish(&victim[0], 1, 0);
    }
}

/* Wants the task, public, or to know that it is there: then the owner has its request and answers some day. */
static void asker(void *arg)
{
    bool searching = fl_parking_search(parking, parking->slots);
    (void)arg;
    for (bool got = false; !got; searching = true) {
        fl_parking_enter(parking, 0, searching);
        fl_store_rlx(test_request, &hot->limit, REQUEST);
        if (hot->heavy)
            fl_fence_heavy(test_heavy);
        else
            fl_fence_sc(test_no_heavy);
        bool private = fl_load_acq(test_look_bottom, &hot->bottom) > 0;
        if (private) {
            mc_count("saw_private");
            mc_read(&hot->task);
            got = true;
        } else if (!look()) {
            wait_or_rest(0, false);
        }
        leave(&workers[0], private);
        got |= take();
    }
    fl_parking_found(parking);
}

static void request(const void *arg)
{
    static const struct setup one = {.workers = 1};
    setup = &one;
    begin(1);
    hot = mc_alloc(sizeof *hot);
    mc_write(&hot->bottom);
    hot->bottom.fl_value = 0;
    mc_write(&hot->limit);
    hot->limit.fl_value = 0;
    hot->heavy = arg == NULL;
    mc_name(&hot->bottom, "bottom");
    mc_name(&hot->limit, "limit");
    mc_name(&hot->task, "task");
    workers[0] = (struct actor){0};
    int a = mc_spawn("owner", owner, NULL);
    int b = mc_spawn("asker", asker, NULL);
    mc_join(a);
    mc_join(b);
    check_nobody_is_counted();
}

/* ---- scenarios ---- */

#define FULL                                                                                                          \
    {                                                                                                                 \
        .strategy = MC_DFS                                                                                            \
    }
/* Every schedule, each load reads the newest store. */
#define SCHEDULES                                                                                                     \
    {                                                                                                                 \
        .strategy = MC_DFS, .stale = MC_BOUND(0), .executions = 1000000                                               \
    }
/* So many preemptions, every stale read. */
#define BOUND(n)                                                                                                      \
    {                                                                                                                 \
        .strategy = MC_DFS, .preemptions = MC_BOUND(n), .executions = 1000000                                         \
    }

#define TWO_PUBLISHERS SETUP(.workers = 1, .wants = 2, .publishers = 2, .publishes = 1)
#define CHAIN SETUP(.workers = 2, .wants = 1, .asleep = 2, .publishers = 1, .publishes = 2, .near = 1, .looks = true)
#define LAST_SEARCHER(how)                                                                                            \
    SETUP(.workers = 2, .wants = 1, .asleep = 1, .searches = 1, .ready = 1, .publishers = 1, .publishes = 1,          \
          .looks = how)
#define LATE SETUP(.workers = 1, .wants = 2, .naps = 1, .asleep = 1, .publishers = 2, .publishes = 1)
#define TWO_AND_TWO SETUP(.workers = 2, .wants = 1, .asleep = 2, .publishers = 2, .publishes = 1)
#define ON_THEIR_WAY SETUP(.workers = 2, .wants = 1, .publishers = 1, .publishes = 2, .looks = true)

#define SETUP(...) (&(const struct setup){__VA_ARGS__})

static const struct mc_scenario scenarios[] = {
    {"publisher_against_sleeper", test, SETUP(.workers = 1, .wants = 1, .publishers = 1, .publishes = 1), FULL,
     "woke trusted slept took cancelled", NULL, "K1: one item, one worker on its way to sleep", false},
    {"leave_against_wake", test,
     SETUP(.workers = 1, .wants = 1, .naps = 1, .asleep = 1, .publishers = 1, .publishes = 1), FULL,
     "woke trusted slept timed_out woke_by_itself counted_late", NULL, "a timed sleep ends as somebody wakes it",
     false},
    {"mail", mail, NULL, FULL, "woke was_woken saw slept", NULL, "wake_worker, while another worker searches", false},
    {"mail_timed", mail, "timed", FULL, "woke was_woken saw slept timed_out", NULL, "the same in a timed sleep",
     false},
    {"place_freed", places, "item", FULL, "gave_way stayed owes_nothing paid slept took cancelled", NULL,
     "K7: a worker gives way as a place is freed", false},
    {"place_freed_as_somebody_publishes", places, NULL, BOUND(2), "gave_way stayed owes_nothing paid slept took woke",
     NULL, "K7: and a publisher sees no free place, or one", false},
    {"call", call, NULL, FULL, "called_at_once slept moved", NULL, "who has no bit is called", false},
    {"request", request, NULL, FULL, "answered saw_private slept woke", NULL, "I4: light against heavy", false},
    {"request_without_membarrier", request, "fences", FULL, "answered saw_private slept woke", NULL,
     "I4: two seq_cst fences", false},
    {"two_publishers", test, TWO_PUBLISHERS, BOUND(2),
     "woke trusted slept took cancelled woken_while_cancelling counted_late", NULL,
     "two items at two victims, one worker, two preemptions", false},
    {"two_publishers_sc", test, TWO_PUBLISHERS, SCHEDULES, "woke trusted slept counted_late", NULL,
     "the same, every schedule", false},
    {"chain", test, CHAIN, BOUND(2), "woke slept last_searcher chained", NULL,
     "I7: two items, one wake-up; who takes one wakes the next", false},
    {"chain_sc", test, CHAIN, SCHEDULES, "woke slept last_searcher chained", NULL, "the same, every schedule", false},
    {"last_searcher_finds", test, LAST_SEARCHER(true), BOUND(2), "trusted last_searcher chained slept", NULL,
     "K4: a publisher trusts in a searcher that finds other work", false},
    {"last_searcher_finds_sc", test, LAST_SEARCHER(true), SCHEDULES, "trusted last_searcher chained slept", NULL,
     "the same, every schedule", false},
    {"last_searcher_just_wakes", test, LAST_SEARCHER(false), BOUND(2), "trusted last_searcher chained slept", NULL,
     "K4, without a look", false},
    {"last_searcher_just_wakes_sc", test, LAST_SEARCHER(false), SCHEDULES, "trusted last_searcher chained slept", NULL,
     "the same, every schedule", false},
    {"late_awake", test, LATE, BOUND(2), "woke slept timed_out counted_late woke_by_itself", NULL,
     "K5: a waker is held up before AWAKE, the sleeper sleeps again", false},
    {"late_awake_sc", test, LATE, SCHEDULES, "woke slept timed_out counted_late woke_by_itself", NULL,
     "the same, every schedule", false},
    {"two_wakers_two_sleepers", test, TWO_AND_TWO, BOUND(1), "woke trusted slept chained", NULL,
     "two publishers choose among two sleepers, one preemption", false},
    {"two_on_their_way", test, ON_THEIR_WAY, BOUND(2), "woke trusted slept took cancelled chained", NULL,
     "two workers go to sleep while two items come", false},
    {0},
};

static const struct mc_equivalent equivalents[] = {
    {"parking_clear:acq", "the seq_cst fence before it releases, too; ThreadSanitizer models no fence"},
    {NULL, NULL},
};

const struct mc_program mc_program = {.name = "parking", .scenarios = scenarios, .equivalents = equivalents};
