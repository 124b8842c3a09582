/* Falling asleep and waking of runtime/idle.c, over the real deque, parking and regions, under the model checker.
 *
 *   Program   An owner makes tasks that it does not run itself: it waits until others have run them, as in a long
 *             function.  Thieves search and sleep by fl_idle_find; each runs as many tasks as it wants, then is busy.
 *   Checks    I7, I5, R3, K1, K4: a task that nobody wakes up for, asks for or takes by force is never run; then
 *             all wait, and the checker reports a deadlock or a livelock.  Each task runs once and sees its argument.
 *   Clock     leaps at each look, by so much that searches end and watches go deep at once, or that they do not. */
#include "idle.h"

#include "os.h"

#include <string.h>

#include "mc.h"

enum { TICKS = 8, WORKERS = 4, CAPACITY = 8, TASKS = 4, LETTERS = 4 };
enum { TINY = 4000, SHORT = 30000, LONG = 300000000 }; /* ns */

struct setup {
    unsigned workers; /* the owner is 0 */
    int wants;        /* tasks of each thief */
    int tasks;        /* that the owner spawns before it waits */
    bool heavy;       /* membarrier */
    bool guest;       /* the owner is a thread of the user */
    bool moves;       /* it changes its deque before it spawns */
    bool leaves;      /* it leaves its tasks on a suspended fiber */
    bool operates;    /* while it waits, it spawns and syncs */
    bool stopped;     /* the owner makes nothing and stops the runtime */
    int waits;        /* a hot thread of the user waits so often for a stolen task; there is a spare worker */
    bool late;        /* it is lent its slot when others may sleep already */
    bool before;      /* it runs a short region first */
    bool after;       /* the second thief begins when the first task is public, or done */
    bool rests;       /* with nothing to take, it waits until a thief has fallen asleep */
    bool hot_owner;   /* worker 1 owns a task, too, and does not run it */
    int letters;      /* that the owner posts before it waits, or ... */
    bool senders;     /* ... worker 1 the second half of them, or ... */
    bool sends_last;  /* ... all of them, and the runtime is gone as soon as they were opened */
    bool takes_back;  /* the owner opens what it has posted and nobody has taken */
    bool spawns; /* who opens a letter spawns a task that somebody else must run; the owner stops the runtime then */
    bool makes;  /* the spare's thread is made when it is asked for */
    bool full;   /* the owner has the only place, and keeps it */
    bool away;   /* with its place given up it waits for a task that waits for the other one */
    uint64_t leap;
};

struct task {
    struct filch_detail_task head;
    int argument, runs, result;
    FL_ATOMIC(int) begun, done;
};

static const struct setup *setup;
static struct filch_runtime *rt;
static struct task task[TASKS + 1];
static struct note {
    struct fl_letter letter;
    struct fl_worker *opener;
    int argument, opened;
    FL_ATOMIC(int) done;
} note[LETTERS];
static FL_ATOMIC(int) spare_made;
static uint64_t time_now;
static int early_ticks;

/* ---- what the runtime asks of others ---- */

void fl_os_futex_wait(const void *word, uint32_t expected, uint64_t ns)
{
    if (ns) { /* it may end at any time, but not again and again while nothing happens */
        if (early_ticks && (early_ticks <= TICKS - 2 || mc_choose(2)))
            early_ticks--;
        else if (*(const uint32_t *)word == expected) /* the kernel looks at the newest value */
            mc_doze(MC_SITE(tick, MC_SPIN, MC_NONE));
        mc_count("ticked");
        return;
    }
    mc_count("deep");
    if (mc_futex_wait(word, expected))
        mc_count("slept");
}

void fl_os_futex_wake(const void *word, int at_most)
{
    if (mc_futex_wake(word, at_most))
        mc_count("woke");
}

/* parking->moves is false. */
int fl_os_thread_id(void)
{
    mc_fail("fl_os_thread_id");
    return 0;
}

int fl_os_keep_away(int thread)
{
    mc_fail("fl_os_keep_away of %d", thread);
    return -1;
}

bool fl_os_may_return(void)
{
    return true;
}

void fl_os_let_back(int cpu)
{
    mc_fail("fl_os_let_back to %d", cpu);
}

void fl_os_yield(void)
{
}

void fl_worker_spare(struct filch_runtime *runtime)
{
    (void)runtime;
    if (setup->makes) /* else it is there from the beginning */
        fl_store_rel(test_make, &spare_made, 1);
}

uint64_t fl_now(void)
{
    return time_now += setup->leap;
}

uint32_t fl_random(uint32_t *state)
{
    return *state;
}

/* ---- tasks ---- */

static void run_task(void *arg)
{
    struct task *t = arg;
    fl_store_rel(test_begun, &t->begun, 1);
    mc_read(&t->argument);
    mc_assert(t->argument == 7);
    t->runs++;
    mc_assert(t->runs == 1);
}

static const filch_site site = {run_task, "run_task", __FILE__, __LINE__, sizeof(struct task)};

static struct fl_worker *owner(void)
{
    return &rt->worker[0];
}

void filch_detail_spawn_slow(struct filch_detail_deque *hot, struct filch_detail_task *t)
{
    struct fl_deque *d = fl_deque_of(hot);
    if (fl_region_climbs(d, t))
        return;
    if (fl_region_opens(d, t)) {
        fl_idle_opened(owner());
        return;
    }
    mc_assert(fl_deque_spawned(d, t));
    struct fl_worker *w = owner();
    for (unsigned i = 1; i < setup->workers; i++)
        w = d == rt->worker[i].own ? &rt->worker[i] : w;
    fl_idle_after(w, d, false);
}

int filch_detail_sync_slow(struct filch_detail_deque *hot, struct filch_detail_task *t)
{
    struct fl_deque *d = fl_deque_of(hot);
    if (fl_region_falls(d, t->slot)) {
        mc_count("fell");
        return 1;
    }
    enum fl_sync outcome = fl_deque_sync(d, t);
    if (outcome == FL_WAIT) {
        while (!fl_deque_is_done(d, t))
            fl_spin(test_join);
        fl_deque_release(d, t);
    }
    fl_idle_after(owner(), d, true);
    return outcome == FL_RUN;
}

int filch_detail_sync_any(struct filch_detail_deque *hot, struct filch_detail_task *t)
{
    (void)hot;
    (void)t;
    mc_fail("out of order");
}

/* ---- letters ---- */

static void spawn(struct fl_deque *d, struct task *t);

static void open_note(struct fl_letter *letter)
{
    struct note *n = (struct note *)(void *)letter;
    mc_read(&n->argument);
    mc_assert(n->argument == 9);
    mc_assert(n == note || setup->workers > 2 || setup->takes_back ||
              note[0].opened); /* of one sender, by one opener: in order */
    n->opened++;
    mc_assert(n->opened == 1);
    mc_count("opened");
    if (setup->spawns) {
        spawn(n->opener->own, &task[0]);
        while (!fl_load_acq(test_taken, &task[0].done))
            fl_spin(test_wait_taken);
    }
    fl_store_rel(test_opened, &n->done, 1);
}

static void post(int from, int to)
{
    for (int i = from; i < to; i++) {
        mc_write(&note[i].argument);
        note[i].argument = 9;
        note[i].letter.open = open_note;
        fl_idle_post(rt, &note[i].letter);
    }
}

static void take_back(void)
{
    post(0, setup->letters);
    for (int i = 0; i < setup->letters; i++) {
        if (fl_inbox_remove(&rt->inbox, &note[i].letter)) {
            mc_count("taken_back");
            note[i].letter.open(&note[i].letter); /* here no task is spawned */
        }
    }
}

static void send(void *arg)
{
    (void)arg;
    post(setup->sends_last ? 0 : setup->letters / 2, setup->letters);
}

/* ---- threads ---- */

static void spawn(struct fl_deque *d, struct task *t)
{
    struct filch_detail_place here = {&d->hot, 0};
    mc_write(&t->argument);
    t->argument = 7;
    filch_detail_spawn_on(here, &t->head, &site);
}

static void operate(struct fl_deque *d)
{
    struct task *extra = &task[TASKS];
    struct filch_detail_place here = {&d->hot, 0};
    extra->runs = 0;
    spawn(d, extra);
    if (filch_detail_sync_on(here, &extra->head))
        mc_count("ran_itself");
}

static bool all_done(void)
{
    for (int i = 0; i < setup->tasks; i++)
        if (!fl_load_acq(test_done, &task[i].done))
            return false;
    for (int i = 0; i < setup->letters; i++)
        if (!fl_load_acq(test_opened_all, &note[i].done))
            return false;
    return true;
}

static struct fl_deque *new_deque(void)
{
    size_t bytes = fl_deque_bytes(CAPACITY);
    return fl_deque_init(memset(mc_alloc(bytes), 0, bytes), CAPACITY);
}

static void move_to(struct fl_worker *w, struct fl_deque *d)
{
    fl_store_rel(test_move, &w->deque, d);
    fl_idle_moved(w, d);
}

static void fake_waiter(struct fl_worker *w, struct task *t)
{
    static struct fl_waiter waiter;
    if (fl_deque_is_done(w->own, &t->head))
        return;
    mc_count("waited");
    waiter.task = &t->head;
    fl_idle_wait(w, w->own, t->head.slot, &waiter);
    mc_assert(fl_deque_is_done(w->own, &t->head));
    mc_read(&t->result);
}

/* Waits for a task that will not end before the next one has: somebody else must take that. */
static void wait_often(struct fl_worker *w)
{
    struct filch_detail_place here = {&w->own->hot, 0};
    for (int i = 0; i < 2 * setup->waits; i += 2) {
        spawn(w->own, &task[i]);
        spawn(w->own, &task[i + 1]);
        while (!fl_load_acq(test_begins, &task[i].begun))
            fl_spin(test_wait_begun);
        if (setup->away) {
            fl_idle_away(w);
            while (!fl_load_acq(test_comes_back, &task[i].done))
                fl_spin(test_away);
            fl_idle_back(w);
            mc_count("away");
        }
        fl_deque_publish_all(w->own);
        fake_waiter(w, &task[i]);
        mc_assert(!filch_detail_sync_on(here, &task[i + 1].head));
        mc_assert(!filch_detail_sync_on(here, &task[i].head));
    }
}

static bool owner_stops(void)
{
    return setup->stopped || setup->waits || setup->sends_last || setup->takes_back || setup->spawns;
}

static void own(void *arg)
{
    struct fl_worker *w = arg;
    struct fl_deque *d = w->own;
    struct fl_fiber fiber;
    memset(&fiber, 0, sizeof fiber);
    if (setup->waits)
        wait_often(w);
    if (setup->takes_back)
        take_back();
    if (setup->spawns)
        post(0, setup->letters);
    while ((setup->sends_last || setup->takes_back || setup->spawns) && !all_done())
        fl_spin(test_wait);
    fl_idle_posted(rt);
    if (owner_stops()) {
        fl_store_rel(test_stop, &rt->stop, 1);
        for (unsigned i = 1; i < rt->slots; i++)
            fl_parking_wake_worker(&rt->parking, i);
        return;
    }
    if (setup->late)
        fl_region_begin(d);
    if (setup->before)
        operate(d);
    if (setup->moves)
        move_to(w, d = new_deque());
    for (int i = 0; i < (setup->hot_owner ? 1 : setup->tasks); i++) {
        spawn(d, &task[i]);
        while (setup->rests && i == 0 &&
               (!fl_load_acq(test_done, &task[0].done) || !fl_load_rlx(test_asleep, &rt->asleep->bits)))
            fl_spin(test_rest);
    }
    post(0, setup->senders ? setup->letters / 2 : setup->letters);
    if (setup->leaves) {
        fiber.deque = d;
        if (fl_deque_publish_all(d)) {
            mc_count("left_behind");
            fl_idle_leave_behind(rt, &fiber);
        }
        move_to(w, new_deque());
    }
    while (!all_done()) {
        if (setup->operates)
            operate(d);
        fl_spin(test_wait);
    }
    if (fiber.deque)
        fl_idle_fetch(rt, &fiber);
}

/* A worker in the middle of its own task. */
static void own_hot(void *arg)
{
    struct fl_worker *w = arg;
    spawn(w->own, &task[1]);
    while (!fl_load_acq(test_done, &task[1].done))
        fl_spin(test_wait);
}

static bool is_forced(struct fl_deque *d)
{
    return fl_load_rlx(test_force, &d->force) & ((1u << 24) - 2); /* how many were taken by force */
}

static void steal(void *arg)
{
    struct fl_worker *w = arg;
    while (setup->after && w->id == 2 && !fl_deque_has_public(rt->worker[0].own) &&
           !fl_load_acq(test_done, &task[0].done))
        fl_spin(test_after);
    if (setup->makes && w->id == 2) {
        while (!fl_load_acq(test_made, &spare_made) && !fl_load_acq(test_stopped, &rt->stop))
            fl_spin(test_unmade);
        if (!fl_load_rlx(test_made_look, &spare_made))
            return;
        mc_count("made");
        fl_parking_appears(&rt->parking);
    }
    for (int got = 0; got < setup->wants;) {
        struct fl_claim claim;
        if (!fl_idle_find(w, &claim)) {
            mc_assert(owner_stops());
            mc_count("stopped");
            return;
        }
        if (w->letter) {
            ((struct note *)(void *)w->letter)->opener = w;
            w->letter->open(w->letter);
            w->letter = NULL;
            got++;
            continue;
        }
        mc_assert(claim.task);
        mc_assert(setup->heavy || !is_forced(claim.deque)); /* two kinds of fences would be mixed */
        claim.task->site->run(claim.task);
        struct task *t = (struct task *)(void *)claim.task;
        while (setup->waits && (t - task) % 2 == 0 && !fl_load_acq(test_other_done, &t[1].done))
            fl_spin(test_wait_other);
        mc_write(&t->result);
        fl_store_rel(test_ran, &t->done, 1);
        if (fl_deque_finish(&claim)) {
            mc_assert(setup->waits);
            mc_count("resumed");
            fl_idle_call(&rt->worker[0]);
        }
        got += t != &task[TASKS];
        mc_count("stole");
    }
    mc_assert(!setup->stopped);
}

static void init_worker(struct fl_worker *w, unsigned id)
{
    memset(w, 0, sizeof *w);
    w->runtime = rt;
    w->id = id;
    w->has_thread = id != 0;
    w->watch = memset(mc_alloc(WORKERS * sizeof *w->watch), 0, WORKERS * sizeof *w->watch);
    w->own = new_deque();
    fl_store_rlx(test_init, &w->state, FL_RUNNING);
    fl_store_rlx(test_init, &w->deque, w->own);
}

static void scenario(const void *arg)
{
    setup = arg;
    time_now = LONG;
    early_ticks = TICKS;
    rt = memset(mc_alloc(sizeof *rt), 0, sizeof *rt);
    rt->workers = rt->threads = rt->slots = setup->workers;
    fl_store_rlx(test_init, &rt->used, setup->workers);
    rt->heavy = setup->heavy;
    rt->worker = mc_alloc(setup->workers * sizeof *rt->worker);
    rt->asleep = mc_alloc(sizeof *rt->asleep);
    fl_lock_init(&rt->left_lock);
    fl_inbox_init(&rt->inbox);
    fl_store_rlx(test_init, &rt->stop, 0);
    fl_store_rlx(test_init, &rt->left_count, 0);
    fl_store_rlx(test_init, &rt->watcher, 0);
    for (unsigned i = 0; i < setup->workers; i++)
        init_worker(&rt->worker[i], i);
    fl_parking_init(&rt->parking, setup->workers, &rt->worker->nap, sizeof *rt->worker, rt->asleep);
    for (int i = 0; i <= TASKS; i++) {
        task[i].runs = 0;
        fl_store_rlx(test_init, &task[i].done, 0);
        fl_store_rlx(test_init, &task[i].begun, 0);
    }
    for (int i = 0; i < LETTERS; i++) {
        note[i].opened = 0;
        fl_store_rlx(test_init, &note[i].done, 0);
    }
    fl_store_rlx(test_init, &spare_made, 0);
    if (setup->waits) { /* of three at work two have a place */
        rt->workers--;  /* the spare is slot `workers` */
        if (setup->makes)
            fl_parking_absent(&rt->parking, rt->workers, 0, 1);
        rt->worker[0].place = true;
        fl_parking_take(&rt->parking);
    }
    if (setup->spawns) { /* the owner's place is free */
        rt->workers--;   /* the spare is slot `workers` */
        fl_parking_absent(&rt->parking, rt->workers, 0, 1);
    }
    if (setup->full) {
        rt->workers = 1;
        rt->worker[0].place = true;
        for (unsigned i = 1; i < setup->workers; i++)
            fl_parking_take(&rt->parking);
    }
    if (setup->guest) {
        fl_parking_absent(&rt->parking, rt->workers, 0, 1);
        rt->worker[0].lent = true;
        if (!setup->late)
            fl_region_begin(rt->worker[0].own);
    }
    int thread[WORKERS];
    for (unsigned i = 1; i < setup->workers; i++)
        thread[i] = i == 1 && setup->hot_owner ? mc_spawn("owner", own_hot, &rt->worker[i])
                    : i == 1 && setup->senders ? mc_spawn("sender", send, &rt->worker[i])
                                               : mc_spawn("thief", steal, &rt->worker[i]);
    own(&rt->worker[0]);
    if (setup->sends_last) { /* thread 1 is of another runtime */
        for (unsigned i = 2; i < setup->workers; i++)
            mc_join(thread[i]);
        mc_free(rt->asleep);
        mc_free(rt->worker);
        mc_free(rt);
        mc_join(thread[1]);
    } else {
        for (unsigned i = 1; i < setup->workers; i++)
            mc_join(thread[i]);
    }
    for (int i = 0; i < setup->tasks; i++)
        mc_assert(task[i].runs == 1);
    for (int i = 0; i < setup->letters; i++)
        mc_assert(note[i].opened == 1);
}

#define SETUP(...)                                                                                                    \
    &(const struct setup)                                                                                             \
    {                                                                                                                 \
        __VA_ARGS__                                                                                                   \
    }
#define BOUNDED                                                                                                       \
    {                                                                                                                 \
        .strategy = MC_DFS, .preemptions = MC_BOUND(2), .stale = MC_BOUND(1), .executions = 60000                     \
    }
#define AT_RANDOM                                                                                                     \
    {                                                                                                                 \
        .strategy = MC_RANDOM, .seed = 1, .executions = 8000                                                          \
    }
#define BY_PRIORITY                                                                                                   \
    {                                                                                                                 \
        .strategy = MC_PCT, .seed = 1, .executions = 8000                                                             \
    }

static const struct mc_scenario scenarios[] = {
    {"one_task_and_a_long_function", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .leap = LONG), BOUNDED, .reach = "stole slept woke"},
    {"one_task_and_a_long_function_pct", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .leap = LONG), BY_PRIORITY, .reach = "stole slept"},
    {"two_tasks_two_thieves",
     scenario,
     SETUP(.workers = 3, .wants = 1, .tasks = 2, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 2, .executions = 60000},
     .reach = "stole slept woke"},
    {"two_tasks_two_thieves_random", scenario,
     SETUP(.workers = 3, .wants = 1, .tasks = 2, .heavy = true, .leap = LONG), AT_RANDOM, .reach = "stole"},
    {"answer_and_nothing_left",
     scenario,
     SETUP(.workers = 3, .wants = 1, .tasks = 2, .heavy = true, .after = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .executions = 20000},
     .reach = "stole slept woke"},
    {"no_membarrier", scenario, SETUP(.workers = 2, .wants = 1, .tasks = 1, .operates = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole slept woke"},
    {"moved", scenario, SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .moves = true, .leap = LONG),
     BOUNDED, .reach = "stole slept woke"},
    {"moved_no_membarrier", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .moves = true, .operates = true, .leap = LONG), BY_PRIORITY,
     .reach = "stole slept woke"},
    {"left_behind", scenario, SETUP(.workers = 2, .wants = 2, .tasks = 2, .heavy = true, .leaves = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole slept woke left_behind"},
    {"left_behind_no_membarrier", scenario, SETUP(.workers = 2, .wants = 2, .tasks = 2, .leaves = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole slept woke left_behind"},
    {"left_behind_one", scenario, SETUP(.workers = 2, .wants = 1, .tasks = 1, .leaves = true, .leap = LONG), BOUNDED,
     .reach = "stole slept woke left_behind"},
    {"guest_no_membarrier", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .guest = true, .operates = true, .leap = TINY), BY_PRIORITY,
     .reach = "stole ran_itself fell"},
    {"guest_deep", scenario, SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .guest = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole deep slept woke"},
    {"guest_late", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .guest = true, .late = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole deep slept woke"},
    {"guest_again",
     scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .guest = true, .before = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "stole deep slept woke"},
    {"guest_again_no_membarrier",
     scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .guest = true, .before = true, .operates = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "stole deep slept woke"},
    {"guest_rests", scenario,
     SETUP(.workers = 3, .wants = 1, .tasks = 2, .heavy = true, .guest = true, .rests = true, .leap = SHORT),
     BY_PRIORITY, .reach = "stole"},
    {"guest_again_watched", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .guest = true, .before = true, .leap = SHORT),
     BY_PRIORITY, .reach = "stole ticked"},
    {"guest_again_beside_a_worker", scenario,
     SETUP(.workers = 4, .wants = 1, .tasks = 2, .heavy = true, .guest = true, .hot_owner = true, .before = true,
           .leap = LONG),
     BY_PRIORITY, .reach = "stole slept woke"},
    {"guest_watched", scenario,
     SETUP(.workers = 2, .wants = 1, .tasks = 1, .heavy = true, .guest = true, .leap = SHORT), BY_PRIORITY,
     .reach = "stole ticked"},
    {"guest_beside_a_worker", scenario,
     SETUP(.workers = 4, .wants = 1, .tasks = 2, .heavy = true, .guest = true, .hot_owner = true, .leap = LONG),
     BY_PRIORITY, .reach = "stole slept woke"},
    {"guest_beside_a_worker_watched", scenario,
     SETUP(.workers = 4, .wants = 1, .tasks = 2, .heavy = true, .guest = true, .hot_owner = true, .leap = SHORT),
     BY_PRIORITY, .reach = "stole"},
    {"waits",
     scenario,
     SETUP(.workers = 3, .wants = 4, .waits = 1, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .executions = 40000},
     .reach = "waited resumed stole slept woke stopped"},
    {"waits_again",
     scenario,
     SETUP(.workers = 3, .wants = 4, .waits = 2, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "waited resumed stole slept woke stopped"},
    {"waits_random",
     scenario,
     SETUP(.workers = 3, .wants = 4, .waits = 2, .heavy = true, .leap = LONG),
     {.strategy = MC_RANDOM, .seed = 1, .executions = 20000},
     .reach = "waited resumed stole stopped"},
    {"waits_for_a_spare_that_is_made",
     scenario,
     SETUP(.workers = 3, .wants = 4, .waits = 2, .makes = true, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "made waited resumed stole slept woke stopped"},
    {"away_with_a_spare_that_is_made",
     scenario,
     SETUP(.workers = 3, .wants = 2, .waits = 1, .away = true, .makes = true, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .executions = 20000},
     .reach = "made away stole stopped"},
    {"away",
     scenario,
     SETUP(.workers = 3, .wants = 2, .waits = 1, .away = true, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .executions = 40000},
     .reach = "away stole slept woke stopped"},
    {"letter", scenario, SETUP(.workers = 2, .wants = 1, .letters = 1, .heavy = true, .leap = LONG), BOUNDED,
     .reach = "opened slept woke"},
    {"letters", scenario, SETUP(.workers = 2, .wants = 2, .letters = 2, .heavy = true, .leap = LONG), BY_PRIORITY,
     .reach = "opened slept woke"},
    {"letters_no_membarrier", scenario, SETUP(.workers = 2, .wants = 2, .letters = 2, .leap = LONG), BY_PRIORITY,
     .reach = "opened slept woke"},
    {"letters_two_thieves",
     scenario,
     SETUP(.workers = 3, .wants = 1, .letters = 2, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "opened slept woke"},
    {"letters_two_senders", scenario,
     SETUP(.workers = 3, .wants = 2, .letters = 2, .senders = true, .heavy = true, .leap = LONG), BY_PRIORITY,
     .reach = "opened slept woke"},
    {"letters_and_the_end", scenario,
     SETUP(.workers = 3, .wants = 2, .letters = 1, .senders = true, .sends_last = true, .heavy = true, .leap = LONG),
     BOUNDED, .reach = "opened stopped slept woke"},
    {"letters_and_tasks",
     scenario,
     SETUP(.workers = 3, .wants = 1, .tasks = 1, .letters = 1, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .executions = 40000},
     .reach = "opened stole slept woke"},
    {"letters_taken_back",
     scenario,
     SETUP(.workers = 3, .wants = 3, .letters = 3, .takes_back = true, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "taken_back opened stopped"},
    {"letter_taken_back", scenario,
     SETUP(.workers = 2, .wants = 2, .letters = 1, .takes_back = true, .heavy = true, .leap = LONG), BOUNDED,
     .reach = "taken_back opened slept woke stopped"},
    {"letter_that_spawns",
     scenario,
     SETUP(.workers = 3, .wants = 4, .tasks = 1, .letters = 1, .spawns = true, .makes = true, .heavy = true,
           .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "made opened stole slept stopped"},
    {"letter_without_a_place", scenario,
     SETUP(.workers = 2, .wants = 1, .letters = 1, .full = true, .heavy = true, .leap = LONG), BOUNDED,
     .reach = "opened slept woke"},
    {"letters_without_a_place",
     scenario,
     SETUP(.workers = 3, .wants = 1, .letters = 2, .full = true, .heavy = true, .leap = LONG),
     {.strategy = MC_PCT, .seed = 1, .depth = 4, .executions = 40000},
     .reach = "opened slept woke"},
    {"stop", scenario, SETUP(.workers = 2, .wants = 1, .stopped = true, .leap = LONG), BOUNDED,
     .reach = "stopped slept woke"},
    {0}};

static const struct mc_equivalent equivalents[] = {
    {"all_posted:rlx",
     "What follows ends the threads: the wake-up of each (parking_wake_worker) comes before anything is freed, and "
     "its fence makes the relaxed load an acquire one."},
    {"victim:rlx",
     "its acquire keeps a thief's REQUEST behind the stores that made the deque.  Without it the thief's "
     "store could come first in the modification order though it was executed later; the checker's "
     "modification order is the order of execution."},
    {0}};

const struct mc_program mc_program = {.name = "idle",
                                      .scenarios = scenarios,
                                      .equivalents = equivalents,
                                      .only = "idle.c inbox.c inbox.h region.c region.h"};
